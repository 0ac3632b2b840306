/**
 * One function from its first node to its exits: from every state at a node to the states at the next ones,
 * until nothing new comes. States from which the same follows are one, so that a hundred `if`s in a row are
 * no more work than one. What still grows too far is given up as a whole.
 */

import type { Value } from './abstract-value.ts';
import { ANY, compared, OTHER, refined } from './abstract-value.ts';
import { placeOf, textOf } from './access-path.ts';
import type { Stmt } from './c-ast.ts';
import type { Condition } from './c-condition.ts';
import type { Flow, FlowNode, FunctionDef, NodeId } from './control-flow.ts';
import type { Evaluator } from './evaluate.ts';
import type { LiveFacts } from './live-facts.ts';
import type { Facts } from './memory.ts';
import { groupFact, stored } from './memory.ts';
import type { Anchors, State } from './path-state.ts';
import { CONFIGURED, CONSULTED, joined, keyOf, passed, withEvent } from './path-state.ts';

/** With so many different states at one node, only what comes of a stub or is returned is remembered. */
const MANY_STATES = 16;
/** With so many it is given up. */
const MAX_STATES = 400;

/** One way in which a function ends. */
export interface Exit {
  /** Absent at the closing brace. */
  readonly stmt?: Stmt;
  readonly line: number;
  /** Absent for `return;` and at the brace. */
  readonly value?: Value;
  readonly state: State;
}

export interface WalkContext {
  readonly anchors: Anchors;
  readonly mark: bigint;
  readonly of: FunctionDef;
  readonly live: LiveFacts;
  decide(c: Condition): boolean | undefined;
  isNewCondition(c: Condition): boolean;
}

/** From the first node of one function to its exits. */
export class Walk {
  readonly #flow: Flow;
  readonly #evaluator: Evaluator;
  readonly #context: WalkContext;
  readonly #states: Map<string, State>[];
  readonly #dirty: Set<string>[];
  #next = 0;

  constructor(flow: Flow, evaluator: Evaluator, context: WalkContext) {
    this.#flow = flow;
    this.#evaluator = evaluator;
    this.#context = context;
    this.#states = flow.nodes.map(() => new Map());
    this.#dirty = flow.nodes.map(() => new Set());
  }

  run(first: State, mayGoOn: () => boolean): readonly Exit[] | undefined {
    this.#arrive(this.#flow.first, first);
    const exits = new Map<string, Exit>();
    while (this.#next >= 0) {
      const at = this.#next;
      const keys = [...this.#dirty[at]!];
      if (keys.length === 0) {
        this.#next -= 1;
        continue;
      }
      this.#dirty[at]!.clear();
      if (this.#states[at]!.size > MAX_STATES) return undefined;
      for (const key of keys) {
        if (!mayGoOn()) return undefined;
        this.#step(at, this.#flow.nodes[at]!, this.#states[at]!.get(key)!, key, exits);
      }
    }
    return [...exits.values()];
  }

  #arrive(node: NodeId, state: State): void {
    const states = this.#states[node]!;
    const { live } = this.#context;
    const isCrowded = states.size >= MANY_STATES;
    const next = withFacts(
      state,
      (fact, { stub }) =>
        live.isLive(fact, node) && (!isCrowded || stub || fact.startsWith('#') || live.returned.has(fact)),
    );
    const key = keyOf(next);
    const known = states.get(key);
    const merged = known ? joined(known, next) : next;
    if (merged === known) return;
    states.set(key, merged);
    this.#dirty[node]!.add(key);
    if (node > this.#next) this.#next = node;
  }

  #step(at: NodeId, node: FlowNode, state: State, key: string, exits: Map<string, Exit>): void {
    const evaluator = this.#evaluator;
    switch (node.k) {
      case 'do': {
        const { stmt } = node;
        evaluator.line = stmt.line;
        const from = this.#pass(stmt, state);
        const ways = stmt.k === 'loop' ? [{ state: setByLoop(stmt.head, from) }] : evaluator.statement(stmt, from);
        for (const { state: after } of ways ?? [{ state: from }]) this.#arrive(node.next, after);
        return;
      }
      case 'test':
        evaluator.line = node.line;
        for (const { truth, state: after } of evaluator.test(node.test, state))
          this.#arrive(truth ? node.yes : node.no, after);
        return;
      case 'switch':
        evaluator.line = node.line;
        this.#switch(node, state);
        return;
      case 'fork':
        for (const next of node.next) this.#arrive(next, state);
        return;
      case 'compiled':
        this.#compiled(node, state);
        return;
      case 'jump': {
        const { stmt } = node;
        const from = this.#pass(stmt, state);
        const isTold = stmt.k === 'goto' && (state.flags & CONSULTED) !== 0;
        const event = { kind: 'goto' as const, of: this.#context.of, line: stmt.line };
        this.#arrive(node.next, isTold ? withEvent(from, { ...event, text: stmt.label }) : from);
        return;
      }
      case 'return': {
        evaluator.line = node.line;
        const from = node.stmt ? this.#pass(node.stmt, state) : state;
        const ways = node.value ? evaluator.value(node.value, from) : [{ value: undefined, state: from }];
        for (const [i, way] of ways.entries()) exits.set(`${at} ${i} ${key}`, this.#exit(node, way.value, way.state));
      }
    }
  }

  #exit(node: FlowNode & { readonly k: 'return' }, value: Value | undefined, state: State): Exit {
    const isTold = value && (value.stub || state.flags & CONSULTED) && node.value;
    const { of } = this.#context;
    const end = isTold ? withEvent(state, { kind: 'return', of, line: node.line, text: textOf(node.value) }) : state;
    return { line: node.line, state: end, ...(node.stmt && { stmt: node.stmt }), ...(value && { value }) };
  }

  #pass(stmt: Stmt, state: State): State {
    return passed(state, this.#context.anchors.statements.get(stmt) ?? 0n, this.#context.mark);
  }

  #switch(node: FlowNode & { readonly k: 'switch' }, state: State): void {
    const place = placeOf(node.on);
    for (const { value: on, state: after } of this.#evaluator.value(node.on, state)) {
      const event = { kind: 'test' as const, of: this.#context.of, line: node.line, text: textOf(node.on) };
      const from = on.stub
        ? withEvent({ ...after, flags: after.flags | CONSULTED }, event)
        : this.#pass(node.stmt, after);
      let rest: Value | undefined = on;
      let isAny = false;
      for (const { stmt, value, when, next } of node.cases) {
        if (when !== undefined && this.#context.decide(when) === false) continue;
        if (!value) {
          isAny = true;
          continue;
        }
        const isRange = value.k !== 'number' && value.k !== 'name' && value.k !== 'unary';
        const [{ value: is } = { value: ANY }] = isRange ? [] : this.#evaluator.value(value, from);
        if (!compared('==', on, is).yes) continue;
        const fits = refined('==', on, is, true) ?? on;
        this.#arrive(next, this.#pass(stmt, withPlace(from, place, fits)));
        if (rest && !isRange) rest = refined('==', rest, is, false);
      }
      if (!rest) continue;
      const fallback = isAny ? node.cases.find(({ value }) => !value) : undefined;
      const left = withPlace(from, place, rest);
      this.#arrive(fallback?.next ?? node.otherwise, fallback ? this.#pass(fallback.stmt, left) : left);
    }
  }

  #compiled(node: FlowNode & { readonly k: 'compiled' }, state: State): void {
    const { when, group, arm } = node;
    const chosen = state.facts.get(groupFact(group))?.exact;
    const known =
      chosen !== undefined ? chosen === String(arm) : typeof when === 'boolean' ? when : this.#context.decide(when);
    const from = this.#context.isNewCondition(when) ? { ...state, flags: state.flags | CONFIGURED } : state;
    if (known !== false) {
      const facts = new Map(from.facts).set(groupFact(group), { may: OTHER, exact: String(arm) });
      this.#arrive(node.yes, { ...from, facts });
    }
    if (known !== true) this.#arrive(node.no, from);
  }
}

function withFacts(state: State, isKept: (fact: string, value: Value) => boolean | undefined): State {
  let facts: Map<string, Value> | undefined;
  for (const [fact, value] of state.facts) {
    if (isKept(fact, value)) continue;
    facts ??= new Map(state.facts);
    facts.delete(fact);
  }
  return facts ? { ...state, facts } : state;
}

function withPlace(state: State, place: string | undefined, value: Value): State {
  return place === undefined || value.may === ANY.may
    ? state
    : { ...state, facts: new Map(state.facts).set(place, value) };
}

/** A macro's loop sets the variables that it is given. */
function setByLoop(head: readonly Stmt[], state: State): State {
  const places = head.flatMap((s) => (s.k === 'expr' ? (placeOf(s.expr) ?? []) : []));
  return { ...state, facts: places.reduce<Facts>((facts, place) => stored(facts, place, undefined), state.facts) };
}

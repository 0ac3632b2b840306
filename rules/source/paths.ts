/**
 * All ways through one function, as far as its text decides: from every state at a node to the states at the
 * next ones, until nothing new comes. States from which the same follows are one, so that a hundred `if`s in a
 * row are no more work than one; what still grows too far is given up as a whole.
 */

import type { Value } from './abstract-value.ts';
import { ANY, compared, OTHER, refined, withStub, ZERO } from './abstract-value.ts';
import { placeOf, textOf, variablesIn } from './access-path.ts';
import type { Expr, Stmt } from './c-ast.ts';
import { visitExprs } from './c-ast.ts';
import type { Condition } from './c-condition.ts';
import type { Flow, FlowNode, FunctionDef, NodeId } from './control-flow.ts';
import { flowOf } from './control-flow.ts';
import type { CallResult, World } from './evaluate.ts';
import { Evaluator } from './evaluate.ts';
import { LiveFacts } from './live-facts.ts';
import type { Facts } from './memory.ts';
import { groupFact, stored } from './memory.ts';
import type { Anchors, State } from './path-state.ts';
import { CONFIGURED, CONSULTED, FIRST_STATE, joined, keyOf, NO_ANCHORS, passed, withEvent } from './path-state.ts';

/** One way in which a function ends. */
export interface Exit {
  /** Absent at the closing brace. */
  readonly stmt?: Stmt;
  readonly line: number;
  /** Absent for `return;` and at the brace. */
  readonly value?: Value;
  readonly state: State;
}

export interface Paths {
  readonly exits: readonly Exit[];
  /** Some way passes a call of a stub. */
  readonly isStubCalled: boolean;
}

/** What is there besides the function. */
export interface Surroundings {
  /** Functions that are followed, by name; `.mmap` stands for calls through a member of that name. */
  readonly helpers: ReadonlyMap<string, FunctionDef>;
  /** What calls give back by name. */
  readonly stubs: ReadonlyMap<string, Value>;
  /** What the configuration makes of a condition; undefined where it leaves it open. */
  readonly decide: (c: Condition) => boolean | undefined;
}

export interface Asked {
  readonly anchors?: Anchors;
  /** Anchor that every way passes. */
  readonly beginning?: bigint;
  /** Anchor whose states are kept apart (MARKED). */
  readonly mark?: bigint;
  readonly isNewCall?: (callee: string) => boolean;
  readonly isNewCondition?: (c: Condition) => boolean;
}

/** Visits of a node by a state, in one function with its helpers. Of Linux 6.12's functions the largest needs 30 000. */
const MAX_VISITS = 60_000;
/** With so many different states at one node, only what comes of a stub or is returned is remembered. */
const MANY_STATES = 16;
/** With so many it is given up. */
const MAX_STATES = 400;
const MAX_DEPTH = 8;

/** Follows functions in one situation. */
export class PathFinder {
  readonly #around: Surroundings;
  readonly #flows = new Map<FunctionDef, Flow>();
  readonly #live = new Map<string, LiveFacts>();
  readonly #results = new Map<string, readonly CallResult[] | undefined>();
  readonly #ids = new Map<FunctionDef, number>();
  readonly #open = new Set<FunctionDef>();
  #visits = 0;
  #isStubCalled = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Undefined where it was given up: too many states, or text that could not be read. */
  paths(of: FunctionDef, asked: Asked = {}): Paths | undefined {
    this.#visits = 0;
    this.#isStubCalled = false;
    const exits = this.#run(of, new Map(), asked, []);
    return exits && { exits, isStubCalled: this.#isStubCalled };
  }

  #run(of: FunctionDef, given: Facts, asked: Asked, kept: readonly string[]): readonly Exit[] | undefined {
    if (of.function.unread || of.function.otherBody) return undefined;
    let flow = this.#flows.get(of);
    if (!flow) this.#flows.set(of, (flow = flowOf(of)));
    const live = this.#liveFacts(of, flow, kept);
    const anchors = asked.anchors ?? NO_ANCHORS;
    const mark = asked.mark ?? 0n;
    const world = this.#world();
    const shared = sharedLocals(of, flow);
    const frame = {
      of,
      scope: { locals: flow.locals, shared },
      anchors,
      mark,
      isNewCall: asked.isNewCall ?? (() => false),
    };
    const evaluator = new Evaluator(frame, world);
    const { decide } = this.#around;
    const isNewCondition = asked.isNewCondition ?? (() => false);
    const walk = new Walk(flow, evaluator, { anchors, mark, of, decide, isNewCondition, live });
    const first = passed({ ...FIRST_STATE, facts: given }, asked.beginning ?? 0n, mark);
    const exits = walk.run(first, () => ++this.#visits <= MAX_VISITS);
    this.#isStubCalled ||= evaluator.isStubCalled;
    return exits;
  }

  #liveFacts(of: FunctionDef, flow: Flow, kept: readonly string[]): LiveFacts {
    const key = `${this.#idOf(of)};${kept.join()}`;
    let live = this.#live.get(key);
    if (!live) {
      live = new LiveFacts(flow, (callee) => this.#around.helpers.has(callee), kept);
      this.#live.set(key, live);
    }
    return live;
  }

  #world(): World {
    const { helpers, stubs, decide } = this.#around;
    return {
      stub: (callee) => stubs.get(callee),
      helper: (callee) => helpers.get(callee),
      results: (helper, facts) => this.#resultsOf(helper, facts),
      decide,
    };
  }

  /** How a helper can end, given what is known of its parameters. */
  #resultsOf(helper: FunctionDef, facts: Facts): readonly CallResult[] | undefined {
    if (this.#open.has(helper) || this.#open.size >= MAX_DEPTH) return undefined;
    const key = `${this.#idOf(helper)};${keyOf({ ...FIRST_STATE, facts })}`;
    if (this.#results.has(key)) return this.#results.get(key);
    this.#open.add(helper);
    const set = setLocals(helper);
    const kept = helper.function.params.filter((param) => !set.has(param));
    const exits = this.#run(helper, facts, {}, kept);
    this.#open.delete(helper);
    const results = exits && resultsIn(helper, exits, kept);
    this.#results.set(key, results);
    return results;
  }

  #idOf(of: FunctionDef): number {
    let id = this.#ids.get(of);
    if (id === undefined) this.#ids.set(of, (id = this.#ids.size));
    return id;
  }
}

/** Exits that a caller cannot tell apart are one. */
function resultsIn({ function: { type } }: FunctionDef, exits: readonly Exit[], kept: readonly string[]): CallResult[] {
  const results = new Map<string, CallResult>();
  for (const { value: returned, state } of exits) {
    const isDecided = (state.flags & CONSULTED) !== 0;
    const raw = returned ?? ANY;
    const asBool =
      /\bbool$/.test(type) && raw.may !== ZERO ? { ...raw, may: raw.may & ZERO ? ZERO | OTHER : OTHER } : raw;
    const value = withStub(asBool, isDecided && /\w/.test(type) && type !== 'void');
    const facts: Facts = new Map(
      [...state.facts].filter(([fact]) => kept.includes(variablesIn(fact)[0] ?? '') && /^\w+[.*[]/.test(fact)),
    );
    const key = keyOf({ ...FIRST_STATE, facts: new Map([...facts, ['return', value]]) });
    if (!results.has(key)) results.set(key, { value, facts, ...(state.trail && { trail: state.trail }) });
  }
  return [...results.values()];
}

interface WalkContext {
  readonly anchors: Anchors;
  readonly mark: bigint;
  readonly of: FunctionDef;
  readonly live: LiveFacts;
  decide(c: Condition): boolean | undefined;
  isNewCondition(c: Condition): boolean;
}

/** From the first node of one function to its exits. */
class Walk {
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
      (fact, { stub }) => live.isLive(fact, node) && (!isCrowded || stub || fact.startsWith('#') || live.returned.has(fact)),
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

/** Locals whose address is taken. */
function sharedLocals({ function: { body } }: FunctionDef, { locals }: Flow): ReadonlySet<string> {
  const shared = new Set<string>();
  visitExprs(body, (e: Expr) => {
    if (e.k === 'unary' && e.op === '&' && e.of.k === 'name' && locals.has(e.of.name)) shared.add(e.of.name);
  });
  return shared;
}

/** Variables that get another value. */
function setLocals({ function: { body } }: FunctionDef): ReadonlySet<string> {
  const set = new Set<string>();
  visitExprs(body, (e: Expr) => {
    if (e.k === 'assign' && e.to.k === 'name') set.add(e.to.name);
    if (e.k === 'unary' && e.op === '&' && e.of.k === 'name') set.add(e.of.name);
  });
  return set;
}

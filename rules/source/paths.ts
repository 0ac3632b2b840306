/**
 * All ways through a function (walk.ts) in one situation, and through the helpers that it calls: each helper is
 * followed once for what is known of its arguments. What is recursive or too deep counts as unknown.
 */

import type { Value } from './abstract-value.ts';
import type { Expr } from './c-ast.ts';
import { visitExprs } from './c-ast.ts';
import type { Condition } from './c-condition.ts';
import type { Flow, FunctionDef } from './control-flow.ts';
import { flowOf } from './control-flow.ts';
import { Evaluator } from './evaluate.ts';
import type { CallResult, World } from './frame.ts';
import { callsIn, reachingStubs, resultsIn } from './helper-results.ts';
import { LiveFacts } from './live-facts.ts';
import type { Facts } from './memory.ts';
import type { Anchors } from './path-state.ts';
import { FIRST_STATE, keyOf, NO_ANCHORS, passed } from './path-state.ts';
import type { Exit } from './walk.ts';
import { Walk } from './walk.ts';

/** `unread`: some text could not be read. `too-many-ways`: given up. */
export type Cut = 'unread' | 'too-many-ways';

export interface Paths {
  readonly exits: readonly Exit[];
  /** Why a helper was not followed that should have been: it counts as one that can end in any way. */
  readonly cut?: Cut;
  /** Some way passes a call of a stub. */
  readonly isStubCalled: boolean;
}

/** What is there besides the function. */
export interface Surroundings {
  /** Functions that are followed, by name; `.mmap` stands for calls through a member of that name. */
  readonly helpers: ReadonlyMap<string, FunctionDef>;
  /** What calls give back by name. */
  readonly stubs: ReadonlyMap<string, Value>;
  /** Members of structures that are 0 as long as nothing else is known of them. */
  readonly unset?: ReadonlySet<string> | undefined;
  /** What the configuration makes of a condition; undefined where it leaves it open. */
  readonly decide: (c: Condition) => boolean | undefined;
  readonly effort: Effort;
}

/** Visits of nodes by states that may still be made; shared by all that serves one question. */
export interface Effort {
  left: number;
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

const MAX_DEPTH = 8;

/** Follows functions in one situation. */
export class PathFinder {
  readonly #around: Surroundings;
  readonly #flows = new Map<FunctionDef, Flow>();
  /** Names of helpers that can come to call a stub. No other has to be followed. */
  readonly #reaching: ReadonlySet<string>;
  readonly #live = new Map<string, LiveFacts>();
  readonly #results = new Map<string, readonly CallResult[] | undefined>();
  readonly #ids = new Map<FunctionDef, number>();
  readonly #open = new Set<FunctionDef>();
  #isStubCalled = false;
  #cut: Cut | undefined;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#reaching = reachingStubs(around.helpers, around.stubs);
  }

  /** Whether a function can come to call a stub at all. */
  reachesStub(of: FunctionDef): boolean {
    return callsIn(of).some((callee) => this.#around.stubs.has(callee) || this.#reaching.has(callee));
  }

  /** All ways through a function, or why they are not known. */
  paths(of: FunctionDef, asked: Asked = {}): Paths | Cut {
    this.#isStubCalled = false;
    this.#cut = undefined;
    const exits = this.#run(of, new Map(), asked, []);
    const cut = this.#cut as Cut | undefined;
    return exits ? { exits, isStubCalled: this.#isStubCalled, ...(cut && { cut }) } : cut!;
  }

  #run(of: FunctionDef, given: Facts, asked: Asked, kept: readonly string[]): readonly Exit[] | undefined {
    if (of.function.unread) {
      this.#cut = 'unread';
      return undefined;
    }
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
    const exits = walk.run(first, () => this.#around.effort.left-- > 0);
    this.#isStubCalled ||= evaluator.isStubCalled;
    if (!exits) this.#cut ??= 'too-many-ways';
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
    const { helpers, stubs, unset, decide } = this.#around;
    return {
      stub: (callee) => stubs.get(callee),
      helper: (callee, isStubGiven) => (isStubGiven || this.#reaching.has(callee) ? helpers.get(callee) : undefined),
      results: (helper, facts) => this.#resultsOf(helper, facts),
      isUnset: (member) => unset?.has(member) === true,
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

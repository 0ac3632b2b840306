/**
 * The configurations in which a chain ends in its stub, on one architecture, as goals for the solver; what names and
 * conditions come to in all of them; and what the stub does there to the function at the chain's beginning.
 */

import { KbuildError } from '../kbuild/error.ts';
import { KbuildTree, symbolTypes } from '../kbuild/kbuild-tree.ts';
import type { Presence } from '../kbuild/presence.ts';
import type { ExprId } from '../kconfig/expr.ts';
import { SymbolType } from '../kconfig/parse.ts';
import type { Goal } from '../kconfig/solve.ts';
import type { ArchPair, KernelChange } from '../rule.ts';
import type { Side } from '../types.ts';
import type { Condition, ConditionContext } from './c-condition.ts';
import { all, conditionBounds, isConfigured } from './c-condition.ts';
import type { Constant } from './c-constant.ts';
import { whenAt } from './c-file.ts';
import type { FunctionDef } from './control-flow.ts';
import { callsIn } from './helper-results.ts';
import type { Into } from './link-gap.ts';
import type { Unit } from './meanings.ts';
import { type Side as EffectSide, effectOfStub, type StubEffect } from './stub-effect.ts';
import type { Chain, StubSearch } from './stub-search.ts';

/** Names that one question follows. */
const MOST_NAMES = 600;

/** Goals of one kind of object: built in, or a module. */
export interface Situation {
  readonly into: Into;
  /** The object of the chain's function, on both sides. */
  readonly object: Presence;
  /** With the series the function is there. */
  readonly built: readonly Goal[];
  /** And the chain ends in the stub. */
  readonly goals: readonly Goal[];
  /** Without the series the function is there. */
  readonly builtBefore: readonly Goal[];
}

interface Position {
  readonly path: string;
  readonly line: number;
}

interface Answer {
  readonly effect: StubEffect;
  /** Stubs among what is called, by the name that the call has. */
  readonly calledStubs: ReadonlyMap<string, Position>;
}

/** One architecture of a series. */
export class StubSituations {
  readonly #pair: ArchPair;
  readonly #change: KernelChange;
  readonly #search: StubSearch;
  readonly #trees = new Map<Side, Promise<KbuildTree>>();
  readonly #answers = new Map<string, Promise<Answer>>();

  constructor(change: KernelChange, search: StubSearch, pair: ArchPair) {
    this.#change = change;
    this.#search = search;
    this.#pair = pair;
  }

  /** Empty where no configuration ends there, or the function is not built without the series. */
  async of(chain: Chain): Promise<readonly Situation[]> {
    const { after, before } = chain.of;
    const object = await this.#presence('after', after.path);
    const old = await this.#presence('before', before.path);
    if (!object || !old || object.isUnknown || old.isUnknown) return [];
    const when = all(...chain.calls.map(({ site }) => site.when), chain.stub.when);
    const found: Situation[] = [];
    for (const into of ['vmlinux', 'module'] as const) {
      const others: Goal[] = [];
      for (const path of new Set(chain.calls.map(({ caller }) => caller.path))) {
        if (path === after.path || path.endsWith('.h')) continue;
        const other = await this.#presence('after', path);
        others.push(...this.#holds(other && !other.isUnknown ? linkedInto(other, into, this.#change) : undefined));
      }
      const built = [
        ...this.#holds(placeOf(object, into)),
        ...this.#least(whenAt(after.file, after.function.line), into),
      ];
      const goals = [...built, ...this.#notForTesting(), ...others, ...this.#least(when, into)];
      const builtBefore = [
        ...this.#holds(placeOf(old, into)),
        ...this.#least(whenAt(before.file, before.function.line), into),
      ];
      const isPossible = this.#pair.solver('after').isPossible(goals) === true;
      if (isPossible && this.#pair.solver('before').isPossible(builtBefore) === true)
        found.push({ into, object, built, goals, builtBefore });
    }
    return found;
  }

  /** What the chain's stub does to its function wherever the goals are met. */
  async effect(chain: Chain, situation: Situation): Promise<StubEffect> {
    const { of, calls, stub } = chain;
    const { path, function: one } = of.after;
    // chains to several stubs of the same option are one question
    const key = JSON.stringify([path, one.line, situation.into, situation.goals]);
    const known = this.#answers.get(key) ?? this.#answer(of, situation);
    this.#answers.set(key, known);
    const { effect, calledStubs } = await known;
    const isCalled = [...calledStubs.values()].some((at) => at.path === stub.path && at.line === stub.line);
    if (!isCalled) return { verdict: 'harmless' };
    if (effect.verdict !== 'lost') return effect;
    // where another stub is to blame, another chain tells it
    const by = effect.trail.findLast(({ kind, text }) => kind === 'call' && calledStubs.has(text));
    const { caller, site } = calls.at(-1)!;
    const isOwn = by?.text === site.callee && by.function === caller.function.name;
    return isOwn ? effect : { verdict: 'harmless' };
  }

  async #answer({ before, after }: Chain['of'], situation: Situation): Promise<Answer> {
    const decide = this.#decider(situation);
    const now = await this.#sideOf('after', after, decide);
    const was = await this.#sideOf('before', before, decide);
    return {
      effect: effectOfStub({ before: was.side, after: now.side, decide }),
      calledStubs: new Map([...now.places].filter(([name]) => now.side.stubs.has(name))),
    };
  }

  /** What a function calls, as far as it is known what that is in all these configurations. */
  async #sideOf(
    side: Side,
    of: FunctionDef,
    decide: Decide,
  ): Promise<{
    readonly side: EffectSide;
    readonly places: ReadonlyMap<string, Position>;
  }> {
    const helpers = new Map<string, FunctionDef>();
    const stubs = new Map<string, Constant>();
    const places = new Map<string, Position>();
    const seen = new Set<string>();
    const queue: { readonly unitPath: string; readonly name: string }[] = [];
    const enqueue = (unitPath: string, def: FunctionDef): void => {
      for (const name of callsIn(def)) queue.push({ unitPath, name });
    };
    enqueue(of.path, of);
    for (const { unitPath, name } of queue) {
      if (seen.has(name) || seen.size >= MOST_NAMES) continue;
      seen.add(name);
      const unit = await this.#search.unit(side, unitPath);
      const found = unit && (await this.#inForce(side, unit, name, decide));
      if (!found) continue;
      places.set(name, found);
      if (found.constant) stubs.set(name, found.constant);
      else if (found.def && found.def.function !== of.function) {
        helpers.set(name, found.def);
        enqueue(found.def.path.endsWith('.h') ? unitPath : found.def.path, found.def);
      }
    }
    return { side: { of, helpers, stubs }, places };
  }

  /** What a name stands for; undefined where that hangs on more than is known, or nobody knows it. */
  async #inForce(
    side: Side,
    unit: Unit,
    name: string,
    decide: Decide,
  ): Promise<{ path: string; line: number; constant?: Constant; def?: FunctionDef } | undefined> {
    if (name.startsWith('.')) {
      const def = side === 'after' ? await this.#search.handedTo(name.slice(1)) : undefined;
      return def && { path: def.path, line: def.function.line, def };
    }
    const bodies = (await unit.meanings(name)).filter(({ kind }) => kind !== 'declared');
    const left = bodies.filter(({ when }) => decide(when) !== false);
    if (left.length === 0) {
      const def = side === 'after' ? (await this.#search.code()).shared(name) : undefined;
      return def && { path: def.path, line: def.function.line, def };
    }
    const [one] = left;
    if (left.length > 1 || !one || decide(one.when) !== true) return undefined;
    const { path, line, alias, constant, def } = one;
    if (alias !== undefined) return alias === name ? undefined : this.#inForce(side, unit, alias, decide);
    // one that is so in every configuration is no stub
    if (constant && isConfigured(one.when)) return { path, line, constant };
    return def && !def.function.weak ? { path, line, def } : undefined;
  }

  #decider({ goals, into }: Situation): Decide {
    const solver = this.#pair.solver('after');
    const known = new Map<string, boolean | undefined>();
    return (c) => {
      if (typeof c === 'boolean') return c;
      const key = JSON.stringify(c);
      if (known.has(key)) return known.get(key);
      const { least, most } = this.#bounds(c, into);
      const { TRUE, FALSE } = this.#change.kbuild.conditions;
      const isPossible = (expr: ExprId, holds: boolean): boolean =>
        solver.isPossible([...goals, { expr, level: 2, holds }]) !== false;
      let is: boolean | undefined;
      if (least === TRUE || (least !== FALSE && !isPossible(least, false))) is = true;
      else if (most === FALSE || (most !== TRUE && !isPossible(most, true))) is = false;
      known.set(key, is);
      return is;
    };
  }

  #bounds(c: Condition, into: Into): ReturnType<typeof conditionBounds> {
    const { pool, TRUE, FALSE } = this.#change.kbuild.conditions;
    return conditionBounds(pool, c, { modular: into === 'module' ? TRUE : FALSE, typeOf: this.#typeOf() });
  }

  #typeOf(): NonNullable<ConditionContext['typeOf']> {
    const type = symbolTypes(this.#change.pool, this.#pair.after);
    return (name) => {
      const is = type(name);
      if (is === undefined) return undefined;
      return is === SymbolType.bool ? 'bool' : is === SymbolType.tristate ? 'tristate' : 'text';
    };
  }

  #least(c: Condition, into: Into): Goal[] {
    return this.#holds(this.#bounds(c, into).least);
  }

  #holds(expr: ExprId | undefined): Goal[] {
    const { TRUE, FALSE } = this.#change.kbuild.conditions;
    return expr === TRUE ? [] : [{ expr: expr ?? FALSE, level: 2, holds: true }];
  }

  /** Nobody uses what can only be compiled there. */
  #notForTesting(): Goal[] {
    const { pool } = this.#change;
    const id = pool.findSymbol('COMPILE_TEST');
    return id === undefined ? [] : [{ expr: pool.symbol(id), level: 1, holds: false }];
  }

  async #presence(side: Side, path: string): Promise<Presence | undefined> {
    const known = this.#trees.get(side);
    const { kbuild, pool } = this.#change;
    const opened =
      known ??
      KbuildTree.open(kbuild, this.#change[side].tree, {
        arch: this.#pair.arch,
        symbolType: symbolTypes(pool, this.#pair[side]),
      });
    this.#trees.set(side, opened);
    try {
      return await (await opened).conditionOf(path, { isNear: true });
    } catch (error) {
      // what make refuses is another rule's matter
      if (error instanceof KbuildError) return undefined;
      throw error;
    }
  }
}

type Decide = (c: Condition) => boolean | undefined;

const placeOf = (object: Presence, into: Into): ExprId => (into === 'module' ? object.module : object.builtIn);

/** That another object can be called from there. */
function linkedInto(object: Presence, into: Into, { kbuild: { conditions } }: KernelChange): ExprId {
  return into === 'vmlinux' ? object.builtIn : conditions.or(object.builtIn, object.module);
}

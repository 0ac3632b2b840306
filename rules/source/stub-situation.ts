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
import { all, conditionBounds, conditionText, not, symbolsOf } from './c-condition.ts';
import { whenAt } from './c-file.ts';
import { type CalledCode, calledCode, type Decide, type Position } from './called-code.ts';
import type { Into } from './link-gap.ts';
import { testedMembers } from './member-sets.ts';
import { effectOfStub, type StubEffect } from './stub-effect.ts';
import type { Chain, StubSearch } from './stub-search.ts';
import type { Users } from './users.ts';

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
  /** And what would end in the stub is off as well. */
  readonly goalsBefore: readonly Goal[];
  /** It may be that nobody comes to the function there. */
  readonly isDoubtful: boolean;
}

/** What a stub does to a function, in all configurations of a situation. */
interface Answer {
  readonly effect: StubEffect;
  /** As it was asked for, or with what it takes that the function could do without the stub's option before. */
  readonly situation: Situation;
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
    const [users, oldUsers] = [
      await this.#search.users('after').of(after),
      await this.#search.users('before').of(before),
    ];
    const when = all(...chain.calls.map(({ site }) => site.when), chain.stub.when);
    const found: Situation[] = [];
    for (const into of ['vmlinux', 'module'] as const) {
      const others: Goal[] = [];
      for (const path of new Set(chain.calls.map(({ caller }) => caller.path))) {
        if (path === after.path || path.endsWith('.h')) continue;
        const other = await this.#presence('after', path);
        others.push(...this.#holds(other && !other.isUnknown ? linkedInto(other, into, this.#change) : undefined));
      }
      const reached = await this.#reached(users, after.path, into, 'after');
      const reachedBefore = await this.#reached(oldUsers, before.path, into, 'before');
      const asked = (bound: 'least' | 'most'): Situation => {
        const built = [
          ...this.#holds(placeOf(object, into)),
          ...this.#least(whenAt(after.file, after.function.line), into),
          ...this.#holds(reached[bound]),
        ];
        const goals = [...built, ...this.#notForTesting(), ...others, ...this.#least(when, into)];
        const builtBefore = [
          ...this.#holds(placeOf(old, into)),
          ...this.#least(whenAt(before.file, before.function.line), into, 'before'),
          ...this.#holds(reachedBefore[bound]),
        ];
        const goalsBefore = [...builtBefore, ...this.#least(when, into, 'before')];
        return { into, object, built, goals, builtBefore, goalsBefore, isDoubtful: bound === 'most' };
      };
      const situation = [asked('least'), asked('most')].find((one) => this.#isPossible(one));
      if (situation) found.push(situation);
    }
    return found;
  }

  /** That somebody comes to a function of a file that is built: `most` where it may be that nobody does. */
  async #reached(
    users: readonly Users[] | undefined,
    own: string,
    into: Into,
    side: Side,
  ): Promise<ReturnType<typeof conditionBounds>> {
    const { conditions } = this.#change.kbuild;
    if (!users) return { least: conditions.TRUE, most: conditions.TRUE };
    let { least, most } = { least: conditions.FALSE, most: conditions.FALSE };
    for (const { path, when } of users) {
      const object = path === own ? undefined : await this.#presence(side, path);
      if (path !== own && (!object || object.isUnknown)) continue;
      const built = object ? linkedInto(object, 'module', this.#change) : conditions.TRUE;
      const use = this.#bounds(when, into, side);
      least = conditions.or(least, conditions.and(built, use.least));
      most = conditions.or(most, conditions.and(built, use.most));
    }
    return { least, most };
  }

  /** What the chain's stub does to its function wherever the goals are met. */
  async effect(
    chain: Chain,
    situation: Situation,
  ): Promise<{ readonly effect: StubEffect; readonly situation: Situation }> {
    const { of, calls, stub } = chain;
    const { path, function: one } = of.after;
    // chains to several stubs of the same option are one question
    const key = JSON.stringify([path, one.line, situation.into, situation.goals]);
    const known = this.#answers.get(key) ?? this.#answer(chain, situation);
    this.#answers.set(key, known);
    const answer = await known;
    const { effect, calledStubs } = answer;
    const none = { ...answer, effect: { verdict: 'harmless' } as const };
    const isCalled = [...calledStubs.values()].some((at) => at.path === stub.path && at.line === stub.line);
    if (!isCalled) return none;
    if (effect.verdict !== 'lost') return answer;
    // where another stub is to blame, another chain tells it
    const by = effect.trail.findLast(({ kind, text }) => kind === 'call' && calledStubs.has(text));
    const { caller, site } = calls.at(-1)!;
    const isOwn = by?.text === site.callee && by.function === caller.function.name;
    return isOwn ? answer : none;
  }

  async #answer(chain: Chain, situation: Situation): Promise<Answer> {
    const { of } = chain;
    const decide = this.#decider(situation, 'after');
    const now = await calledCode(of.after, { search: this.#search, side: 'after', decide });
    const calledStubs = new Map([...now.places].filter(([name]) => now.side.stubs.has(name)));
    const decideBefore = this.#decider(situation, 'before');
    const was = await calledCode(of.before, { search: this.#search, side: 'before', decide: decideBefore });
    const effect = effectOfStub({ before: was.side, after: now.side, decide, decideBefore });
    if (effect.verdict !== 'lost') return { effect, situation, calledStubs };
    if (situation.isDoubtful) return { calledStubs, situation, effect: { verdict: 'undecided', why: 'users' } };
    return { calledStubs, ...(await this.#proved(chain, situation, now)) };
  }

  /**
   * That it came to its end before: what it called then is followed into files that the series leaves alone, and
   * other stubs that may be in force count as failures too, unless the situation rules them out.
   */
  async #proved(
    { of, stub }: Pick<Chain, 'of' | 'stub'>,
    situation: Situation,
    now: CalledCode,
  ): Promise<Omit<Answer, 'calledStubs'>> {
    const decide = this.#decider(situation, 'after');
    const decideBefore = this.#decider(situation, 'before');
    const needed = symbolsOf(stub.when);
    const isAlways = this.#decides(situation.builtBefore, situation.into, 'before');
    const was = await calledCode(of.before, {
      search: this.#search,
      side: 'before',
      decide: decideBefore,
      far: this.#pair.arch,
      isBlamed: (when) => isAlways(when) !== true || symbolsOf(when).some((one) => needed.includes(one)),
    });
    const isGone = [...was.unknown].some((name) => !now.names.has(name) && !name.startsWith('__builtin_'));
    if (was.doubt !== undefined || isGone) return { situation, effect: { verdict: 'undecided', why: 'before' } };
    const unset = new Map<string, Condition>();
    for (const member of testedMembers(of.before)) {
      const set = await this.#search.membersBefore.of(member);
      if (decideBefore(set) !== true) unset.set(member, set);
    }
    const open = [...was.open].flatMap(([name, [one, ...others]]) =>
      one && others.length === 0 ? [[name, one.constant] as const] : [],
    );
    const worst = { ...was.side, stubs: new Map([...was.side.stubs, ...open]), unset: new Set(unset.keys()) };
    const effect =
      open.length === was.open.size
        ? effectOfStub({ before: worst, after: now.side, decide, decideBefore })
        : ({ verdict: 'harmless' } as const);
    const isSure = was.open.size === 0 && unset.size === 0;
    if (effect.verdict === 'lost' || isSure) return { situation, effect };
    const narrower = this.#narrower(situation, [
      ...[...was.open.values()].flat().map(({ when }) => not(when)),
      ...unset.values(),
    ]);
    if (!narrower) return { situation, effect: { verdict: 'undecided', why: 'before' } };
    return await this.#proved({ of, stub }, narrower, now);
  }

  /** The situation where all these conditions hold; undefined where that cannot be. */
  #narrower(situation: Situation, conditions: readonly Condition[]): Situation | undefined {
    const { into, goals, goalsBefore } = situation;
    const narrower = {
      ...situation,
      goals: [...goals, ...conditions.flatMap((when) => this.#least(when, into))],
      goalsBefore: [...goalsBefore, ...conditions.flatMap((when) => this.#least(when, into, 'before'))],
    };
    return this.#isPossible(narrower) ? narrower : undefined;
  }

  #isPossible({ goals, goalsBefore }: Situation): boolean {
    return (
      this.#pair.solver('after').isPossible(goals) === true &&
      this.#pair.solver('before').isPossible(goalsBefore) === true
    );
  }

  #decider({ goals, goalsBefore, into }: Situation, side: Side): Decide {
    return this.#decides(side === 'after' ? goals : goalsBefore, into, side);
  }

  #decides(given: readonly Goal[], into: Into, side: Side): Decide {
    const solver = this.#pair.solver(side);
    const known = new Map<string, boolean | undefined>();
    return (c) => {
      if (typeof c === 'boolean') return c;
      const key = conditionText(c);
      if (known.has(key)) return known.get(key);
      const { least, most } = this.#bounds(c, into, side);
      const { TRUE, FALSE } = this.#change.kbuild.conditions;
      const isPossible = (expr: ExprId, holds: boolean): boolean =>
        solver.isPossible([...given, { expr, level: 2, holds }]) !== false;
      let is: boolean | undefined;
      if (least === TRUE || (least !== FALSE && !isPossible(least, false))) is = true;
      else if (most === FALSE || (most !== TRUE && !isPossible(most, true))) is = false;
      known.set(key, is);
      return is;
    };
  }

  #bounds(c: Condition, into: Into, side: Side): ReturnType<typeof conditionBounds> {
    const { pool, TRUE, FALSE } = this.#change.kbuild.conditions;
    return conditionBounds(pool, c, { modular: into === 'module' ? TRUE : FALSE, typeOf: this.#typeOf(side) });
  }

  #typeOf(side: Side): NonNullable<ConditionContext['typeOf']> {
    const type = symbolTypes(this.#change.pool, this.#pair[side]);
    return (name) => {
      const is = type(name);
      if (is === undefined) return undefined;
      return is === SymbolType.bool ? 'bool' : is === SymbolType.tristate ? 'tristate' : 'text';
    };
  }

  #least(c: Condition, into: Into, side: Side = 'after'): Goal[] {
    return this.#holds(this.#bounds(c, into, side).least);
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

const placeOf = (object: Presence, into: Into): ExprId => (into === 'module' ? object.module : object.builtIn);

/** That another object can be called from there. */
function linkedInto(object: Presence, into: Into, { kbuild: { conditions } }: KernelChange): ExprId {
  return into === 'vmlinux' ? object.builtIn : conditions.or(object.builtIn, object.module);
}

/**
 * What a stub's constant does to a function that was there before a series and now, by the series, calls it,
 * itself or through helpers. It lost something if code that the series left as it is (surviving-code.ts) could
 * lead to success before, still can where the real function is in force, and no longer can where the stub is.
 *
 * Nothing is lost where the function goes on well without: where some way of it through the stub ends well,
 * and answers the surviving tests no other way than the lost code needs them, and
 *  - a test of the stub's result, or a new test of the configuration, chose that way (absence is handled), or
 *  - nothing is called on it that was not called before (the old way is still there, under a new condition).
 * A way that calls something new without having asked is a new feature, and does not hide the loss.
 *
 * All is compared in one configuration, that of the stub, before and after. In doubt: `undecided`.
 */

import type { Value } from './abstract-value.ts';
import { ANY, ofStub } from './abstract-value.ts';
import type { Condition } from './c-condition.ts';
import { conditionText } from './c-condition.ts';
import type { Constant } from './c-constant.ts';
import { armAt, whenAt } from './c-file.ts';
import type { FunctionDef } from './control-flow.ts';
import { canSucceed, isMeantWell, kindsOf, resultKind } from './exits.ts';
import { callsIn } from './helper-results.ts';
import { CONFIGURED, CONSULTED, MARKED, NEW_CALL } from './path-state.ts';
import type { Cut, Effort, Paths } from './paths.ts';
import { PathFinder } from './paths.ts';
import type { Survivor } from './surviving-code.ts';
import { survivingCode } from './surviving-code.ts';
import type { Step } from './trail.ts';
import { stepsOf } from './trail.ts';
import type { Exit } from './walk.ts';

/** A function on one side of the series, with what it may call. */
export interface Side {
  readonly of: FunctionDef;
  /** Functions to follow, by name; `.mmap` stands for calls through a member of that name. */
  readonly helpers: ReadonlyMap<string, FunctionDef>;
  /** Constants of the stubs that are in force. */
  readonly stubs: ReadonlyMap<string, Constant>;
  /** Members of structures that are 0, whoever looks. */
  readonly unset?: ReadonlySet<string>;
}

export interface StubQuestion {
  /** Absent where the function is new. */
  readonly before?: Side;
  readonly after: Side;
  /** What the configuration in question makes of a condition; undefined where it leaves it open. */
  readonly decide?: (c: Condition) => boolean | undefined;
  /** The same without the series, where it makes something else of it. */
  readonly decideBefore?: (c: Condition) => boolean | undefined;
}

/**
 * `result`: what its results mean is for its callers to say, and they change. `void`: it does less, and tells nobody.
 * `before`: what it called before the series may have failed there as well. `users`: it may be that nobody calls it.
 */
export type Undecided = Cut | 'result' | 'void' | 'before' | 'users';

export interface LostExit {
  /** Line of the return or closing brace before the series. */
  readonly before: number;
  /** Lines at which control would leave with the real function. */
  readonly after: readonly number[];
  /** By other ways than those that are lost, control can leave well at one of those lines with the stub too. */
  readonly isStillReached: boolean;
}

export type StubEffect =
  | { readonly verdict: 'harmless' }
  | { readonly verdict: 'undecided'; readonly why: Undecided }
  | {
      readonly verdict: 'lost';
      readonly lostExits: readonly LostExit[];
      /** Successful exits of before that are not among them; lines before the series. */
      readonly keptExits: readonly number[];
      /** Code whose success is lost, as lines: where the loss begins. */
      readonly behind: { readonly before: number; readonly after: number };
      /** From the function to the stub, and from its constant back to the return that it forces. */
      readonly trail: readonly Step[];
    };

/** Visits of a piece of code by what is known there; a question of ordinary size needs some hundred. */
const MAX_EFFORT = 40_000;
const HARMLESS: StubEffect = { verdict: 'harmless' };
/** Pieces of code for which the loss is examined; the first that proves it is enough. */
const MAX_EXAMINED = 8;

export function effectOfStub({
  before,
  after,
  decide = () => undefined,
  decideBefore = decide,
}: StubQuestion): StubEffect {
  if (!before) return HARMLESS;
  const [old, now] = [before.of.function, after.of.function];
  const code = survivingCode(old, now);
  const kind = resultKind(now.type);
  const news = newsIn(before.of, after.of);
  const isGood = ({ value }: Exit): boolean => isMeantWell(kind, value);
  const canBeGood = ({ value }: Exit): boolean => canSucceed(kind, value);
  const effort: Effort = { left: MAX_EFFORT };
  const find = (side: Side, stubs: ReadonlyMap<string, Value>, choose: typeof decide): PathFinder =>
    new PathFinder({ helpers: side.helpers, stubs, unset: side.unset, decide: choose, effort });
  const finders = {
    was: find(before, valuesOf(before.stubs, ofStub), decideBefore),
    stubbed: find(after, valuesOf(after.stubs, ofStub), decide),
    real: find(
      after,
      valuesOf(after.stubs, () => ({ ...ANY, stub: true })),
      () => undefined,
    ),
  };
  if (!finders.stubbed.reachesStub(after.of)) return HARMLESS;
  const asked = {
    before: { anchors: code.before, beginning: code.beginning },
    after: { anchors: code.after, beginning: code.beginning },
  };
  const stubbed = finders.stubbed.paths(after.of, { ...asked.after, ...news });
  if (typeof stubbed === 'string') return { verdict: 'undecided', why: stubbed };
  const silence: StubEffect = stubbed.cut ? { verdict: 'undecided', why: stubbed.cut } : HARMLESS;
  if (!stubbed.isStubCalled) return silence;
  const real = finders.real.paths(after.of, asked.after);
  if (typeof real === 'string') return { verdict: 'undecided', why: real };
  const was = finders.was.paths(before.of, asked.before);
  if (typeof was === 'string') return { verdict: 'undecided', why: was };
  if (was.cut) return { verdict: 'undecided', why: was.cut };

  const good = {
    was: was.exits.filter(isGood),
    stubbed: stubbed.exits.filter(canBeGood),
    real: real.exits.filter(isGood),
  };
  const questions = code.survivors.reduce((bits, { bit, kind: is }) => (is === 'asked' ? bits | bit : bits), 0n);
  const gone = mayOf(good.was) & mayOf(good.real) & ~mayOf(good.stubbed) & ~questions;
  if (kind === 'void' || kind === 'unclear') {
    if (gone === 0n && (kind === 'void' || !isNarrower(stubbed, real, was))) return silence;
    return { verdict: 'undecided', why: kind === 'void' ? 'void' : 'result' };
  }
  const serving = good.stubbed.filter((exit) => isGood(exit) && serves(exit));
  for (const lost of inOrder(code.survivors, gone).slice(0, MAX_EXAMINED)) {
    const marked = finders.was.paths(before.of, { ...asked.before, mark: lost.bit });
    if (typeof marked === 'string') return { verdict: 'undecided', why: marked };
    const needed = marked.exits
      .filter((exit) => isGood(exit) && exit.state.flags & MARKED)
      .reduce((bits, { state }) => bits & state.must, -1n);
    if (serving.some((exit) => !contradicts(exit, needed, code.survivors))) continue;
    const trail = stepsOf(
      stubbed.exits.filter((exit) => !canBeGood(exit) && !contradicts(exit, needed, code.survivors)),
    );
    if (trail.length === 0) continue;
    const isLost = ({ state }: Exit): boolean => (state.may & lost.bit) !== 0n;
    const lostLines = linesOf(good.was.filter(isLost));
    const realLines = linesOf(good.real.filter(isLost));
    const reached = linesOf(good.stubbed);
    return {
      verdict: 'lost',
      lostExits: lostLines.map((line) => ({
        before: line,
        after: realLines,
        isStillReached: realLines.some((one) => reached.includes(one)),
      })),
      keptExits: linesOf(good.was.filter((exit) => !isLost(exit))).filter((line) => !lostLines.includes(line)),
      behind: { before: lost.before, after: lost.after },
      trail,
    };
  }
  return silence;
}

const valuesOf = (stubs: Side['stubs'], value: (c: Constant) => Value): ReadonlyMap<string, Value> =>
  new Map([...stubs].map(([name, constant]) => [name, value(constant)]));

const mayOf = (exits: readonly Exit[]): bigint => exits.reduce((bits, { state }) => bits | state.may, 0n);

const linesOf = (exits: readonly Exit[]): readonly number[] =>
  [...new Set(exits.map(({ line }) => line))].sort((a, b) => a - b);

/** With the stub, some result cannot come any more that came before and comes with the real function. */
function isNarrower(stubbed: Paths, real: Paths, was: Paths): boolean {
  const of = ({ exits }: Paths): number => kindsOf(exits.filter(({ value }) => value).map(({ value }) => value));
  return (of(was) & of(real) & ~of(stubbed)) !== 0;
}

/** A way that ends well, and counts as the old one or as one that does without. */
function serves({ state: { flags } }: Exit): boolean {
  return (flags & (CONSULTED | CONFIGURED)) !== 0 || (flags & NEW_CALL) === 0;
}

/** All ways to the exit answer some surviving test, and none of them as `needed` has it. */
function contradicts({ state: { may, must } }: Exit, needed: bigint, survivors: readonly Survivor[]): boolean {
  const wanted = new Map<bigint, bigint>();
  for (const { bit, asked } of survivors)
    if (asked !== undefined && (needed & bit) !== 0n) wanted.set(asked, (wanted.get(asked) ?? 0n) | bit);
  return [...wanted].some(([asked, outcomes]) => (may & outcomes) === 0n && (must & asked) !== 0n);
}

/** Returns first, since they say best what is lost, then the whole, then outcomes of tests, then the rest. */
function inOrder(survivors: readonly Survivor[], bits: bigint): readonly Survivor[] {
  const rank = { return: 0, beginning: 1, outcome: 2, statement: 3, asked: 4 };
  return survivors
    .filter(({ bit }) => (bits & bit) !== 0n)
    .sort((a, b) => rank[a.kind] - rank[b.kind] || b.before - a.before);
}

/** What the function calls and asks of the configuration that it did not before. */
function newsIn(
  before: FunctionDef,
  after: FunctionDef,
): {
  isNewCall: (callee: string) => boolean;
  isNewCondition: (c: Condition) => boolean;
} {
  const calls = new Set(callsIn(before));
  const conditions = new Set<string>();
  const { regions } = before.file;
  for (const [line] of [...regions, [before.function.line, 0] as const])
    if (line >= before.function.line && line <= before.function.endLine)
      conditions.add(conditionText(whenAt(before.file, line)));
  const whole = armAt(after.file.regions, after.function.line);
  return {
    isNewCall: (callee) => !calls.has(callee),
    isNewCondition: (c) => !conditions.has(conditionText(c)) && c !== after.file.arms[whole]?.when,
  };
}

/** What a reply says of gaps that a series opens: places, values, the line to blame, repairs. */

import type { BuildQuestion } from './build-question.ts';
import { type Blame, blame, lastLine, textAt } from './gap-blame.ts';
import { isSameLine, neededBy, providedAt, symbolsIn } from './gap-provided.ts';
import type { Presence } from './kbuild/presence.ts';
import { gapRepairs, lineAgain } from './kconfig/gap-repairs.ts';
import type { KSymbol } from './kconfig/model.ts';
import { SymbolType } from './kconfig/parse.ts';
import type { Fault, Proposal } from './kconfig/repairs.ts';
import { type Goal, meets, type Solver } from './kconfig/solve.ts';
import { fragment } from './kconfig/witness.ts';
import { withoutUnmet } from './newly-unmet.ts';
import { isSame } from './repairs-everywhere.ts';
import type { ArchPair, KernelChange } from './rule.ts';
import { conditionBounds } from './source/c-condition.ts';
import { inWords } from './source/c-constant.ts';
import type { Custom } from './source/custom.ts';
import { useAt } from './source/file-gaps.ts';
import type { Into } from './source/link-gap.ts';
import type { Cause, Found, LinkSearch } from './source/link-search.ts';
import type { PowerUse } from './source/runtime-power.ts';
import type { ConditionalUse } from './source/undeclared.ts';
import { NOWHERE, type Place, witnessOf } from './told.ts';
import type { Arch, Witness } from './types.ts';

/** A use, and what would have provided or declared it. */
export interface ToldUse extends Place {
  /** What is lacking; `struct.member` for a member. */
  readonly name: string;
  /** What the file says: that, or a macro or inline function that leads to it. */
  readonly callee: string;
  readonly caller: string | null;
  /** What a stub returns, in words; absent where it is none. */
  readonly gives?: string;
  /** Of a stub that new code calls: how others that call it are built on the architecture of the witness. */
  readonly custom?: Custom;
  /** The line that exports or declares it. */
  readonly source: Place;
}

/** Code of an entry, or of a file that none decides about, which lacks what others build or declare. */
export interface ToldGap extends Blame {
  readonly key: string;
  /** The entry's symbol, else the file. */
  readonly owner: string;
  readonly hasEntry: boolean;
  /** Symbols on which that hangs which is missing. */
  readonly needed: readonly string[];
  readonly into: Into;
  readonly what: 'export' | 'variable' | 'algorithm' | 'stub' | PowerUse['what'] | ConditionalUse['kind'];
  /** What a module lacks is built, or would be, but nothing exports it. */
  readonly isUnexported: boolean;
  /** What becomes of it: a link that fails, code that does not compile, or code that comes to nothing when it runs. */
  readonly how: 'link' | 'compile' | 'either' | 'run-time';
  readonly uses: readonly ToldUse[];
  readonly built: Place;
  /** The makefile's line that builds what is lacking, or the `#if` around its declaration. */
  readonly provided: Place;
  readonly isOld: boolean;
  /** The file needed it before, and the same configuration decided. */
  readonly wasAsked: boolean;
  /** Goals that a repair must close. */
  readonly fault: Fault;
  /** Lines that close them on its architecture: what the series took away, lines for the entry. */
  repairs(): readonly Proposal[];
  readonly witness: Witness;
  readonly config: string;
  /** What lacks it. */
  readonly object: string;
  /** What a build is to show. */
  readonly builds: readonly BuildQuestion[];
  /** Values that the finding rests on. `isBool`: a condition around it, rather than what makes it built in. */
  readonly values: readonly { readonly symbol: string; readonly value: string; readonly isBool: boolean }[];
  readonly archs: readonly Arch[];
}

/** Uses that a finding names. */
const MOST_USES = 4;
/** Questions that a repair must close. */
const MOST_SETS = 6;

/** The gaps of one architecture that a line of the series can be blamed for. */
export async function toldGaps(change: KernelChange, search: LinkSearch, pair: ArchPair): Promise<ToldGap[]> {
  const found: ToldGap[] = [];
  const causes = await search.find(pair);
  // what lacks something only because a select of the series is unmet is told with that
  const isMet = causes.length > 0 ? withoutUnmet(pair) : [];
  for (const cause of causes) {
    const own = causes.filter(({ owner }) => owner === cause.owner);
    const gap = await told(change, pair, cause, own, isMet);
    if (gap) found.push(gap);
  }
  return found;
}

/** `own`: all causes of the same owner; `isMet`: that the selects of the series are. */
async function told(
  change: KernelChange,
  pair: ArchPair,
  { owner, some: all }: Cause,
  own: readonly Cause[],
  isMet: readonly Goal[],
): Promise<ToldGap | undefined> {
  const { pool } = change;
  const solver = pair.solver('after');
  const some = all.filter(({ goals }) => solver.isPossible([...goals, ...isMet]) !== false);
  if (some.length === 0) return undefined;
  // what takes the least to show comes first
  const takes = new Map(some.map((one) => [one, new Set(one.goals.flatMap(({ expr }) => pool.symbolsIn(expr))).size]));
  const inOrder = some.toSorted(
    (a, b) =>
      takes.get(a)! - takes.get(b)! || (a.path < b.path ? -1 : a.path > b.path ? 1 : a.need.use.line - b.need.use.line),
  );
  const shown = inOrder[0]!;
  const answer = solver.solve([...shown.goals, ...isMet]);
  if (answer.verdict !== 'possible') return undefined;
  const { settings } = answer;
  const { values } = solver;
  const isUnexported = isUnexportedTo(shown);
  const provided = isUnexported ? NOWHERE : await providedAt(change, solver, shown);
  const claimed = symbolsIn(
    pair,
    pool,
    shown.goals.map(({ expr }) => expr),
  ).map((symbol) => ({
    symbol: symbol.name,
    value: values.text(symbol),
    isBool: symbol.type === SymbolType.bool,
  }));
  const isHere = ({ name }: KSymbol): boolean => new RegExp(`\\bCONFIG_${name}\\b`).test(provided.text);
  const hangsOn = isUnexported ? [] : await neededBy(change, pair, shown, provided, values);
  const needed = hangsOn.toSorted(
    shown.need.kind === 'stub'
      ? // what is off is more likely to be why than what is on
        (a, b) => values.tristate(a) - values.tristate(b)
      : (a, b) => Number(isHere(b)) - Number(isHere(a)),
  );
  const howOf = (): ToldGap['how'] => {
    if (shown.need.kind === 'declaration') return 'compile';
    if (shown.need.kind !== 'link') return 'run-time';
    const declared = shown.need.uses.declared.get(shown.need.name);
    if (declared === undefined) return 'either';
    const { least, most } = conditionBounds(pool, declared);
    return values.expr(least) === 2 ? 'link' : values.expr(most) < 2 ? 'compile' : 'either';
  };
  const how = howOf();
  const config = fragment(settings);
  const blamed = await blame(change, pair, { owner, needed, config, provided, some: inOrder });
  if (!blamed || (needed.length === 0 && !isForeign(shown) && !isUnexported)) return undefined;
  const uses: ToldUse[] = [];
  // what else can lack it need not be built by this configuration
  for (const one of inOrder.filter(({ goals }) => meets(values, goals))) {
    if (uses.length >= MOST_USES) break;
    // of what is under another #if that line says nothing
    if (provided.path.endsWith('.c') && !isSameLine(await providedAt(change, solver, one), provided)) continue;
    if (!uses.some(({ name, path }) => name === one.need.name && path === useAt(one.path, one.need).path))
      uses.push(await toldUse(change, one));
  }
  const sets = [...new Map(some.map(({ goals }) => [JSON.stringify(goals), goals])).values()];
  const lacks = own.flatMap((cause) => cause.some);
  const by = owner?.name ?? shown.path;
  return {
    key: `${by} ${(shown.need.kind === 'stub' ? hangsOn : needed).map(({ name }) => name).join(' ')}`,
    owner: by,
    hasEntry: owner !== undefined,
    needed: needed.map(({ name }) => name),
    into: shown.into,
    what: whatOf(shown),
    isUnexported,
    how,
    uses,
    built: lastLine(shown.object, shown.into),
    provided,
    isOld: shown.isOld,
    wasAsked: shown.wasAsked,
    ...blamed,
    fault: () => sets,
    repairs() {
      if (sets.length > MOST_SETS) return [];
      const { property } = blamed;
      const again = property && blamed.blamed.side === 'before' ? lineAgain(solver, sets, property) : [];
      const lines = owner
        ? gapRepairs(solver, sets, owner, needed, (target) => buildsWithout(solver, owner, target, lacks))
        : [];
      return [...again, ...lines.filter((one) => !again.some((other) => isSame(one, other)))];
    },
    witness: witnessOf(pair.arch, settings),
    config,
    object: shown.object.object,
    builds: buildsOf(pair.arch, config, how, shown),
    values: claimed,
    archs: [pair.arch],
  };
}

/** Whether what the owner's code lacks is declared, or not used, where `target` is off: a stub or a test is there for it. */
function buildsWithout(solver: Solver, owner: KSymbol, target: KSymbol, lacks: readonly Found[]): boolean {
  const { pool } = solver;
  const isOff: Goal[] = [
    { expr: pool.symbol(owner.id), level: 1, holds: true },
    { expr: pool.symbol(target.id), level: 1, holds: false },
  ];
  return lacks.every(({ need }) => {
    if (need.kind !== 'link' && need.kind !== 'declaration') return false;
    const declared = need.kind === 'link' ? need.uses.declared.get(need.name) : need.use.declared;
    if (declared === undefined) return false;
    const isUsed: Goal = { expr: conditionBounds(pool, need.use.when).most, level: 2, holds: true };
    const isDeclared: Goal = { expr: conditionBounds(pool, declared).least, level: 2, holds: false };
    return solver.isPossible([...isOff, isUsed, isDeclared]) === false;
  });
}

/** Whether it hangs on the architecture alone. */
function isForeign({ need }: Found): boolean {
  return need.kind === 'declaration' && (need.use.kind === 'header' || need.use.kind === 'foreign');
}

/** Whether a module lacks what nothing exports. */
function isUnexportedTo({ need, into }: Found): boolean {
  return into === 'module' && need.kind === 'link' && need.use.isInternal === true;
}

function whatOf({ need }: Found): ToldGap['what'] {
  if (need.kind === 'declaration') return need.use.kind;
  if (need.kind === 'algorithm') return 'algorithm';
  if (need.kind === 'power') return need.use.what;
  if (need.kind === 'stub') return 'stub';
  return need.use.isVariable ? 'variable' : 'export';
}

/** One use stands for all: they lack the same objects. */
function buildsOf(
  arch: Arch,
  config: string,
  how: ToldGap['how'],
  { object: { object, ways }, need, into }: Found,
): BuildQuestion[] {
  if (need.kind === 'stub')
    return [{ arch, config, object, name: need.use.name, expects: 'stub-in-force', stub: need.use.at }];
  // no build shows what is looked up, or called, when it runs
  if (how === 'run-time' || need.kind === 'power') return [];
  // What a compiler says of a member names it alone.
  const asked = { arch, config, object, name: need.name.replace(/^.*\./, '') };
  if (how === 'compile' || need.kind === 'declaration') return [{ ...asked, expects: 'error' }];
  const { presences, within } = need.providers;
  const composites = new Set(ways.map(({ composite }) => composite));
  // of what nothing exports, a module has what is a part of it
  const isReached = (one: Presence): boolean =>
    !within || into === 'vmlinux' || one.ways.some(({ composite }) => composite && composites.has(composite));
  const providers = presences.filter(isReached).map((one) => one.object);
  return [{ ...asked, expects: how === 'link' ? 'undefined-reference' : 'either', into, providers }];
}

async function toldUse(change: KernelChange, found: Found): Promise<ToldUse> {
  const { need } = found;
  const { path, line } = useAt(found.path, need);
  const text = (await textAt(change, path, line)).trim();
  if (need.kind === 'power') {
    const { callee, caller, at } = need.use;
    return { path, line, text, name: need.name, callee, caller, source: await inFull(change, at) };
  }
  if (need.kind === 'stub') {
    const { name, entry, constant, at } = need.use;
    return {
      path,
      line,
      text,
      name,
      callee: name,
      caller: entry,
      gives: inWords(constant),
      ...(need.custom && { custom: need.custom }),
      source: await inFull(change, at),
    };
  }
  if (need.kind !== 'declaration') {
    const { callee, caller } = need.use;
    return { path, line, text, name: need.name, callee, caller: caller ?? null, source: need.providers.exports[0]! };
  }
  const source = await inFull(change, need.use.at);
  return { path, line, text, name: need.name, callee: need.name, caller: null, source };
}

async function inFull(change: KernelChange, at: Omit<Place, 'text'>): Promise<Place> {
  return { ...at, text: (await textAt(change, at.path, at.line)).trim() };
}

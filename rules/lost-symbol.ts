import { onBothSides } from './both-sides.ts';
import { type ExcludingLines, excludingLines } from './excluding-lines.ts';
import { ArchCount } from './kconfig/arch-count.ts';
import { blamedLines } from './kconfig/blamed-line.ts';
import type { Level } from './kconfig/cnf.ts';
import { directDependencyOf, substitute } from './kconfig/conditions.ts';
import { lineOf, valueOn } from './kconfig/config-line.ts';
import { type Lost, lossesOf, notForTesting, type Stranded, strandedBy } from './kconfig/lost.ts';
import { operands } from './kconfig/operands.ts';
import { SymbolType } from './kconfig/parse.ts';
import { canSelect } from './kconfig/repairs.ts';
import type { Goal, Solver } from './kconfig/solve.ts';
import { Upgrade } from './kconfig/upgrade.ts';
import { losingClasses } from './kconfig/user-classes.ts';
import { waysOn } from './kconfig/ways-on.ts';
import { applySettings, fragment } from './kconfig/witness.ts';
import { isOnlyForModules, MeantLosses } from './meant-loss.ts';
import { forAnyCompiler } from './open-answers.ts';
import { type ArchPair, type Candidate, type Conf, defineRule, type KernelChange } from './rule.ts';
import { archsOf, removedSource, SourceLines } from './source/sourced-files.ts';
import { lineAt, onAll, type Place, witnessOf } from './told.ts';
import type { Anchor, Arch, Attempt, Evidence, Side, Witness } from './types.ts';

export default defineRule({
  id: 'lost-symbol',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
A symbol that some configuration could have, and that after the series nobody can enable: on no
architecture, or on one where another directory's symbol became stricter; there also where only
those lose it who have no 64BIT, MMU, PCI, SMP or MODULES. Also one that could be
y and can only be m, and one that selected a helper and now depends on it, although the helper
has no prompt, so that it takes a stranger's select to get it.
## Why it matters
Nothing breaks visibly: the driver is gone from the menu, and from the next kernel of those who
need it.
## Example
config FOO / select REGMAP becomes "depends on REGMAP": REGMAP cannot be set by hand.
## Instead
Select what has no prompt; check what a stricter dependency takes along.
## What it misses
What the series means to lose is no finding: a symbol that it removes, or whose own entry gets a
dependency, as long as some configuration of some architecture can still have it; a dependency on
m, or on what nothing turns on (BROKEN); what goes along where another symbol gets a dependency on
its platform; what the log names as going along, with all that needs it, or loses nothing but
compile testing where the log speaks of it. Symbols of a directory whose Kconfig file the series edits are taken for meant as
well, and so is a select that becomes a dependency where only architectures select the helper. What
another compiler could have is not called lost, nor what an own entry loses where not all
architectures were compared. Which configurations lose it is for config-upgrade to say. Ints, hexes and strings are not looked at.`,

  begin(change) {
    const found = new Map<string, Loss>();
    const meant = new MeantLosses(change);
    /** By level: symbols that an architecture cannot have with the series. */
    const impossible = { 1: new ArchCount(), 2: new ArchCount() };
    const archs = new Set<Arch>();
    const cut: Arch[] = [];
    return {
      async onArch(pair) {
        archs.add(pair.arch);
        impossible[1].take(pair.after);
        impossible[2].take(pair.after);
        if (pair.isCircular || pair.changes.size === 0) return;
        const [before, after] = [pair.solver('before'), pair.solver('after')];
        const losses = lossesOf(before, after, pair.changes, change.readers);
        for (const { symbol, level } of losses.impossible) impossible[level].found(symbol);
        if (losses.isCut) cut.push(pair.arch);
        const stranded = strandedBy(before, after, pair.changes);
        const others = losses.lost.filter(({ symbol }) => !stranded.some((one) => one.symbol === symbol));
        const told = new Set([...stranded, ...others].map(({ symbol }) => symbol));
        for (const within of losingClasses(before, after, pair.changes)) {
          const inClass = lossesOf(before, after, pair.changes, change.readers, within);
          if (inClass.isCut) cut.push(pair.arch);
          for (const lost of inClass.lost) {
            // Whom a symbol's own entry is for, its author says there.
            if (told.has(lost.symbol) || pair.changes.has(lost.symbol.name)) continue;
            told.add(lost.symbol);
            others.push(lost);
          }
        }
        if (told.size === 0) return;
        const upgrade = new Upgrade(change.pool, pair.before, pair.after, pair.changes, change.readers);
        const named = others.filter(({ symbol: { name } }) => !pair.changes.has(name) && meant.isNamed(name));
        for (const one of [...stranded, ...others]) {
          if (!pair.changes.has(one.symbol.name) && needsAny(before, one, named)) continue;
          const loss = lossOf(change, meant, pair, upgrade, one);
          if (!loss) continue;
          const known = found.get(loss.key);
          found.set(loss.key, known ? joined(known, loss) : loss);
          await pair.expectConf();
        }
      },
      async finish() {
        const isWhole = (await archsOf(change.after.tree)).every((arch) => archs.has(arch));
        const losses = [...found.values()].flatMap((loss) => (loss.helper ? withSelectors(change, loss) : loss));
        const suspected = losses.filter(
          ({ how, symbol, level }) =>
            how !== 'dead' || (isWhole && impossible[level].isEverywhere(change.pool.findSymbol(symbol)!)),
        );
        const told = await whateverTheCompiler(change, suspected, [...archs]);
        return [...Map.groupBy(told, causeOf).values()].map((losses) => candidate(change, losses));
      },
      cutShort: () => cut,
    };
  },
});

/** Those that no other compiler would have either, with the architectures of which that is so. */
async function whateverTheCompiler(
  change: KernelChange,
  losses: readonly Loss[],
  all: readonly Arch[],
): Promise<Loss[]> {
  const asked = losses.map((loss) => {
    const { how, goals, archs } = loss;
    const isWhole = how !== 'along';
    return { loss, goals, archs: how === 'dead' ? all : archs, isWhole };
  });
  const kept = await forAnyCompiler(change, asked);
  return asked.flatMap((one) => {
    const { loss } = one;
    const archs = loss.archs.filter((arch) => kept.get(one)!.includes(arch));
    return archs.includes(loss.witness.arch) ? { ...loss, archs } : [];
  });
}

/** A symbol that is lost, and where it is told. */
interface Loss {
  /** Equal for the same loss on another architecture. */
  readonly key: string;
  readonly symbol: string;
  /** Lost only where this is off. */
  readonly without: string | null;
  readonly level: Level;
  /** What cannot be with the series. */
  readonly goals: readonly Goal[];
  /** What it cannot be any more. */
  readonly value: 'y' | 'y or m';
  /**
   * dead: by its own entry, on every architecture. along: through what another directory's symbol needs now.
   * stranded: it takes a select by somebody else.
   */
  readonly how: 'dead' | 'along' | 'stranded';
  readonly anchor: Anchor;
  readonly blamed: Place & { readonly side: Side; readonly isQuoted: boolean };
  /** Of the witness's architecture; none of what is stranded. */
  readonly excluding: ExcludingLines;
  readonly helper: Helper | null;
  readonly witness: Witness;
  /** Text of the .config. */
  readonly config: string;
  readonly archs: readonly Arch[];
}

/** Whether a symbol could only be had with one of others that are lost too. */
function needsAny(before: Solver, { symbol, level }: Lost, others: readonly Lost[]): boolean {
  const { pool } = before;
  const isOn: Goal = { expr: pool.symbol(symbol.id), level, holds: true };
  return others.some((other) => {
    const isOff: Goal = { expr: pool.symbol(other.symbol.id), level: other.level, holds: false };
    return before.isPossible([isOn, isOff]) === false;
  });
}

interface Helper {
  readonly symbol: string;
  /** A few of those that select it, on any architecture. */
  readonly selectors: readonly string[];
  readonly total: number;
  /** A select would do no harm on the architectures of the loss. */
  readonly isSelectable: boolean;
}

const FEW_SELECTORS = 4;

const NO_LINES: ExcludingLines = { lines: [], more: 0, undeclared: [] };

function lossOf(
  change: KernelChange,
  meant: MeantLosses,
  pair: ArchPair,
  upgrade: Upgrade,
  lost: Lost | Stranded,
): Loss | undefined {
  const { symbol, level, settings, within } = lost;
  const config = fragment(settings);
  const stranded = 'helper' in lost ? lost : undefined;
  const isOwn = stranded !== undefined || pair.changes.has(symbol.name);
  if (!isOwn && (meant.isBeside(symbol) || meant.isNamed(symbol.name))) return undefined;
  const isOn: Goal = { expr: change.pool.symbol(symbol.id), level, holds: true };
  const { pool } = change;
  if (meant.saysCompileTest() && pair.solver('before').isPossible([isOn, notForTesting(pool)]) === false)
    return undefined;
  const blamed = blame(change, meant, pair, upgrade, lost, config);
  if (!blamed) return undefined;
  const after = pair.solver('after');
  if (stranded) {
    // Some other select may be there anyway.
    applySettings(
      after.values,
      settings.filter(({ symbol: { id } }) => pair.after.symbols[id]),
    );
    if (after.values.tristate(pair.after.symbols[symbol.id]!) > 0) return undefined;
  }
  const goals = stranded ? [isOn, { expr: pool.symbol(stranded.helper.id), level: 1 as const, holds: false }] : [isOn];
  if (within) goals.push(within.goal);
  const without = within?.without.name ?? null;
  const how = stranded ? 'stranded' : isOwn ? 'dead' : 'along';
  return {
    key: `${symbol.name} ${level} ${how} ${without}`,
    symbol: symbol.name,
    without,
    level,
    goals,
    value: level === 1 && symbol.type === SymbolType.tristate ? 'y or m' : 'y',
    how,
    anchor: blamed.anchor,
    blamed: blamed.place,
    excluding: stranded ? NO_LINES : excludingLines(change, after.whyNot(goals) ?? [], symbol),
    helper: stranded ? helperOf(pair, stranded) : null,
    witness: witnessOf(pair.arch, settings),
    config,
    archs: [pair.arch],
  };
}

/** Selectors are told in `finish`. */
function helperOf(pair: ArchPair, { symbol, helper }: Stranded): Helper {
  const after = pair.solver('after');
  const { pool } = after;
  const is = pair.after.symbols[symbol.id]!;
  const dependency = directDependencyOf(pool, helper);
  const rest = substitute(pool, directDependencyOf(pool, is), helper.id, pool.y);
  const isMet = ([1, 2] as const).every((level) => {
    const goals: Goal[] = [
      { expr: rest, level, holds: true },
      { expr: dependency, level, holds: false },
    ];
    return after.isPossible(goals) === false;
  });
  return {
    symbol: helper.name,
    selectors: [],
    total: 0,
    isSelectable: isMet && canSelect(pair.solver('before'), symbol, pair.before.symbols[helper.id] ?? helper),
  };
}

/**
 * With those who select the helper, on whatever architecture. None where it can be on by itself somewhere; nor where
 * only architectures select it, which say with it what they have: to depend on that is right.
 */
function withSelectors(change: KernelChange, loss: Loss): Loss[] {
  const { pool, after } = change;
  const helper = loss.helper!;
  const { selectors, hasOthers } = waysOn(pool, after.kconfig.files, pool.symbolId(helper.symbol));
  const others = selectors.filter(({ name }) => name !== loss.symbol);
  const isOfArchs = others.length > 0 && others.every(({ path }) => path.startsWith('arch/'));
  if (hasOthers || isOfArchs) return [];
  const names = others.map(({ name }) => name);
  return [{ ...loss, helper: { ...helper, selectors: names.slice(0, FEW_SELECTORS), total: names.length } }];
}

/** The same loss on more architectures. */
function joined(a: Loss, b: Loss): Loss {
  const both = onAll(a, b);
  const isSelectable = a.helper?.isSelectable === true && b.helper?.isSelectable === true;
  return both.helper ? { ...both, helper: { ...both.helper, isSelectable } } : both;
}

interface Blame {
  readonly anchor: Anchor;
  readonly place: Loss['blamed'];
}

/** The line of the series that takes the symbol away; undefined where none can be named, or it means to. */
function blame(
  change: KernelChange,
  meant: MeantLosses,
  pair: ArchPair,
  upgrade: Upgrade,
  lost: Lost | Stranded,
  config: string,
): Blame | undefined {
  const symbols = [pair.after.symbols[lost.symbol.id]!];
  const own = 'property' in lost ? [{ property: lost.property, side: 'after' as const }] : [];
  for (const { property, side } of [...own, ...blamedLines(upgrade, pair.changes, symbols, config)]) {
    const { path, line } = property;
    const text = lineAt(change, side, path, line);
    const told = change.lines.told(side, path, line, text);
    if (!told) continue;
    const isOwn = pair.changes.has(lost.symbol.name);
    const isForModules = lost.level === 2 && isOnlyForModules(change.pool, pair.changes.get(lost.symbol.name));
    if (side === 'after' && (isForModules || meant.isMeant(pair.after, property.expr, { isOwn }))) return undefined;
    return { anchor: told.anchor, place: { path, line, text: text.trim(), side, isQuoted: told.isQuoted } };
  }
  return movedSource(change, pair, lost);
}

/** The `source` line of what the symbol reads, which the series moves to where another architecture reads it. */
function movedSource(change: KernelChange, { after, changes }: ArchPair, { symbol }: Lost): Blame | undefined {
  const { pool } = change;
  const gone = [...operands(pool, after.symbols[symbol.id]!)].flatMap((id) => {
    const one = changes.get(pool.names[id]!);
    return one?.after?.declarations.length ? [] : (one?.before?.declarations.slice(0, 1) ?? []);
  });
  if (gone.length === 0) return undefined;
  const [was, is] = [new SourceLines(change.before.kconfig.files), new SourceLines(change.after.kconfig.files)];
  for (const { path: file } of gone) {
    if (is.above(file).length === 0) continue;
    const removed = removedSource(change, change.before.kconfig.files, was, file);
    if (!removed) continue;
    const { anchor, path, line, text } = removed;
    return { anchor, place: { path, line, text: text.trim(), side: 'before', isQuoted: true } };
  }
  return undefined;
}

/** Equal for losses that one comment is about: by one line, or for want of one helper. */
function causeOf({ helper, anchor: { patch, file, line } }: Loss): string {
  return `${patch} ${file}${helper ? ` ${helper.symbol} ${helper.isSelectable}` : `:${line}`}`;
}

/** Other symbols of the same cause that are named, and shown to conf. */
const FEW_OTHERS = 6;

function candidate(change: KernelChange, losses: readonly Loss[]): Candidate {
  const [shown, ...others] = losses.toSorted(
    (a, b) =>
      Number(b.how === 'dead') - Number(a.how === 'dead') ||
      Number(b.without === null) - Number(a.without === null) ||
      Number(b.blamed.isQuoted) - Number(a.blamed.isQuoted) ||
      a.excluding.lines.length - b.excluding.lines.length ||
      b.archs.length - a.archs.length ||
      a.anchor.mailLines[0] - b.anchor.mailLines[0] ||
      (a.key < b.key ? -1 : 1),
  ) as [Loss, ...Loss[]];
  const named = others.slice(0, FEW_OTHERS);
  const left = new Set(others.slice(FEW_OTHERS).map((one) => one.symbol));
  for (const one of [shown, ...named]) left.delete(one.symbol);
  const { symbol, without, value, how, blamed, excluding, helper, witness } = shown;
  const { lines: reasons, more: moreReasons, undeclared } = excluding;
  return {
    key: `lost-symbol ${symbol} ${how}${without === null ? '' : ` ${without}`}`,
    symbols: [...new Set([symbol, ...(helper ? [helper.symbol] : []), ...named.map((one) => one.symbol)])],
    anchor: shown.anchor,
    claim: {
      symbol,
      without,
      value,
      how,
      blamed,
      reasons,
      moreReasons,
      undeclared,
      helper,
      archs: shown.archs.toSorted(),
      others: named.filter((one) => isAlike(one, shown)).map((one) => one.symbol),
      along: named
        .filter((one) => !isAlike(one, shown))
        .map((one) => ({
          symbol: one.symbol,
          without: one.without,
          value: one.value,
          archs: one.archs.toSorted(),
        })),
      notTried: left.size,
    },
    evidence: [
      { ...blamed, commit: change[blamed.side].commit },
      ...reasons.map((one) => ({ ...one, side: 'after' as const, commit: change.after.commit })),
    ].map(({ side, commit, path, line, text }): Evidence => ({ kind: 'source', side, commit, path, line, text })),
    witness,
    confirm: async (conf) => (await Promise.all([shown, ...named].map((loss) => confirm(conf, loss)))).flat(),
  };
}

/** Whether the words about one are true of the other. */
function isAlike(a: Loss, b: Loss): boolean {
  const isSameLoss = a.how === b.how && a.value === b.value && a.without === b.without;
  return isSameLoss && (a.how !== 'along' || a.archs.toSorted().join() === b.archs.toSorted().join());
}

/** conf gives the symbol without the series, and not with it, from the same .config. */
function confirm(conf: Conf, { config, symbol, value, witness: { arch } }: Loss): Promise<Attempt[]> {
  return onBothSides(conf, arch, config, (side, run) => {
    const line = lineOf(run.config ?? '', symbol);
    const has = valueOn(line) ?? 'n';
    const isThere = value === 'y' ? has === 'y' : has === 'y' || has === 'm';
    return {
      excerpt: run.config === undefined ? run.stderr : line,
      agrees: run.exitCode === 0 && isThere === (side === 'before'),
    };
  });
}

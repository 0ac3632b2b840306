import { dirname } from 'node:path/posix';
import { onBothSides } from './both-sides.ts';
import { ArchCount } from './kconfig/arch-count.ts';
import { blamedLines } from './kconfig/blamed-line.ts';
import type { Level } from './kconfig/cnf.ts';
import { lineOf, valueOn } from './kconfig/config-line.ts';
import { type ExprId, type ExprPool, NONE, Op } from './kconfig/expr.ts';
import { type Lost, lossesOf, type Stranded, strandedBy } from './kconfig/lost.ts';
import type { KSymbol } from './kconfig/model.ts';
import { SymbolType } from './kconfig/parse.ts';
import { canSelect } from './kconfig/repairs.ts';
import type { Goal } from './kconfig/solve.ts';
import { Upgrade } from './kconfig/upgrade.ts';
import { applySettings, fragment } from './kconfig/witness.ts';
import { forAnyCompiler } from './open-answers.ts';
import { type ArchPair, type Candidate, type Conf, defineRule, type KernelChange } from './rule.ts';
import { archsOf } from './source/sourced-files.ts';
import { lineAt, onAll, type Place, placeAt, witnessOf } from './told.ts';
import type { Anchor, Arch, Attempt, Evidence, Side, Witness } from './types.ts';

export default defineRule({
  id: 'lost-symbol',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
A symbol that some configuration could have, and that after the series nobody can enable: on no
architecture, or on one where another directory's symbol became stricter. Also one that could be
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
m, or on what nothing turns on (BROKEN). Symbols of the directory that the series edits are taken for meant
as well. What an own entry loses is told only when all architectures were compared. Which
configurations lose it is for config-upgrade to say. Ints, hexes and strings are not looked at.`,

  begin(change) {
    const found = new Map<string, Loss>();
    /** By level: symbols that an architecture cannot have with the series. */
    const impossible = { 1: new ArchCount(), 2: new ArchCount() };
    const archs = new Set<Arch>();
    const cut: Arch[] = [];
    return {
      onArch(pair) {
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
        if (stranded.length + others.length === 0) return;
        const upgrade = new Upgrade(change.pool, pair.before, pair.after, pair.changes, change.readers);
        for (const one of [...stranded, ...others]) {
          const loss = lossOf(change, pair, upgrade, one);
          if (!loss) continue;
          const known = found.get(loss.key);
          found.set(loss.key, known ? onAll(known, loss) : loss);
          pair.expectConf();
        }
      },
      async finish() {
        const isWhole = (await archsOf(change.after.tree)).every((arch) => archs.has(arch));
        const suspected = [...found.values()].filter(
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
  /** Symbol and level. */
  readonly key: string;
  readonly symbol: string;
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
  /** Lines of the tree after that together exclude it. */
  readonly reasons: readonly Place[];
  readonly helper: Helper | null;
  readonly witness: Witness;
  /** Text of the .config. */
  readonly config: string;
  readonly archs: readonly Arch[];
}

interface Helper {
  readonly symbol: string;
  /** A few of those that select it. */
  readonly selectors: readonly string[];
  readonly total: number;
  /** A select would do no harm. */
  readonly isSelectable: boolean;
}

const FEW_SELECTORS = 4;
const FEW_REASONS = 8;

function lossOf(change: KernelChange, pair: ArchPair, upgrade: Upgrade, lost: Lost | Stranded): Loss | undefined {
  const { symbol, level, settings } = lost;
  const config = fragment(settings);
  const stranded = 'helper' in lost ? lost : undefined;
  const isOwn = stranded !== undefined || pair.changes.has(symbol.name);
  if (!isOwn && isBesideTheSeries(change, symbol)) return undefined;
  const blamed = blame(change, pair, upgrade, lost, config);
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
  const isOn: Goal = { expr: change.pool.symbol(symbol.id), level, holds: true };
  const goals = stranded
    ? [isOn, { expr: change.pool.symbol(stranded.helper.id), level: 1 as const, holds: false }]
    : [isOn];
  const reasons = stranded
    ? []
    : (after.whyNot(goals) ?? []).filter(({ kind }) => kind !== 'definition' && kind !== 'undeclared');
  return {
    key: `${symbol.name} ${level}`,
    symbol: symbol.name,
    level,
    goals,
    value: level === 1 && symbol.type === SymbolType.tristate ? 'y or m' : 'y',
    how: stranded ? 'stranded' : isOwn ? 'dead' : 'along',
    anchor: blamed.anchor,
    blamed: blamed.place,
    reasons: reasons.slice(0, FEW_REASONS).map(({ path, line }) => placeAt(change, path, line)),
    helper: stranded ? helperOf(pair, stranded) : null,
    witness: witnessOf(pair.arch, settings),
    config,
    archs: [pair.arch],
  };
}

/** In a directory whose Kconfig file the series edits: its author has seen it. */
function isBesideTheSeries(change: KernelChange, symbol: KSymbol): boolean {
  const edited = new Set(change.changedPaths.map(({ path }) => dirname(path)));
  return symbol.declarations.some(({ path }) => edited.has(dirname(path)));
}

function helperOf(pair: ArchPair, { symbol, helper }: Stranded): Helper {
  const selectors = [...new Set(helper.selectedBy.map(({ from }) => from.name))].sort();
  return {
    symbol: helper.name,
    selectors: selectors.slice(0, FEW_SELECTORS),
    total: selectors.length,
    isSelectable: canSelect(pair.solver('before'), symbol, pair.before.symbols[helper.id] ?? helper),
  };
}

interface Blame {
  readonly anchor: Anchor;
  readonly place: Loss['blamed'];
}

/** The line of the series that takes the symbol away; undefined where none can be named, or it means to. */
function blame(
  change: KernelChange,
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
    if (
      side === 'after' &&
      (isMeant(change, pair, property.expr) || (isOwn && isOnlyForModules(change.pool, property.expr)))
    )
      return undefined;
    return { anchor: told.anchor, place: { path, line, text: text.trim(), side, isQuoted: told.isQuoted } };
  }
  return undefined;
}

/** A dependency on what nothing turns on (BROKEN), or on what is not declared, which undefined-symbol tells. */
function isMeant({ pool }: KernelChange, { after }: ArchPair, expr: number): boolean {
  let is = false;
  if (expr >= 0)
    pool.symbolsOf(expr, (id) => {
      const symbol = after.symbols[id];
      const { length } = symbol
        ? [...symbol.prompts, ...symbol.defaults, ...symbol.selectedBy, ...symbol.impliedBy]
        : [];
      is ||= length === 0;
    });
  return is;
}

/** `depends on m`. */
function isOnlyForModules(pool: ExprPool, expr: ExprId): boolean {
  if (expr === NONE) return false;
  const [left, right] = [pool.lefts[expr]!, pool.rights[expr]!];
  if (pool.ops[expr] === Op.and) return isOnlyForModules(pool, left) || isOnlyForModules(pool, right);
  return pool.ops[expr] === Op.modules;
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
      Number(b.blamed.isQuoted) - Number(a.blamed.isQuoted) ||
      a.reasons.length - b.reasons.length ||
      b.archs.length - a.archs.length ||
      a.anchor.mailLines[0] - b.anchor.mailLines[0] ||
      (a.key < b.key ? -1 : 1),
  ) as [Loss, ...Loss[]];
  const named = others.slice(0, FEW_OTHERS);
  const { symbol, value, how, blamed, reasons, helper, witness } = shown;
  return {
    key: `lost-symbol ${symbol} ${how}`,
    symbols: [...new Set([symbol, ...(helper ? [helper.symbol] : []), ...named.map((one) => one.symbol)])],
    anchor: shown.anchor,
    claim: {
      symbol,
      value,
      how,
      blamed,
      reasons,
      helper,
      archs: shown.archs.toSorted(),
      others: named.filter((one) => isAlike(one, shown)).map((one) => one.symbol),
      along: named
        .filter((one) => !isAlike(one, shown))
        .map((one) => ({ symbol: one.symbol, value: one.value, archs: one.archs.toSorted() })),
      notTried: others.length - named.length,
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
  const isSameLoss = a.how === b.how && a.value === b.value;
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

import { onBothSides } from './both-sides.ts';
import { blamedLines } from './kconfig/blamed-line.ts';
import type { Edge, KSymbol } from './kconfig/model.ts';
import { type Fault, faultOf, type Proposal, repairsOf } from './kconfig/repairs.ts';
import { selectorsOf, type Unmet, unmetLines } from './kconfig/unmet.ts';
import { Upgrade } from './kconfig/upgrade.ts';
import { applySettings, fragment } from './kconfig/witness.ts';
import { unmetOf } from './newly-unmet.ts';
import { commonRepairs, RepairsEverywhere, type Spread, sharedDependency } from './repairs-everywhere.ts';
import { type ArchPair, type Candidate, type Conf, defineRule, type KernelChange } from './rule.ts';
import { lineAt, onAll, type Place, placeAt, witnessOf } from './told.ts';
import type { Anchor, Arch, Attempt, Evidence, Severity, Witness } from './types.ts';

export default defineRule({
  id: 'unmet-select',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
A "select" that can force its target on while the target's own dependency is not met, in some
configuration of some architecture, and could not before the series: because the select is new, or
its condition or the selector's dependency became weaker, or the target's stricter.
## Why it matters
conf only warns ("unmet direct dependencies detected"). What the target's code needs is then not
built, and the build breaks in code that the series never touched.
## Example
config FOO / select BAR, where BAR depends on BAZ and nothing makes FOO depend on BAZ.
## Instead
Depend on BAZ as well, select it where it is meant to be selected, or imply BAR.
## What it misses
Selects that the tree before allows to be unmet as well, in whatever configuration. Answers of
$(shell,...) are those of one compiler. Of a change that very many symbols depend on, the nearest
are looked at, and the report says on which architectures that was so.`,

  begin(change) {
    const found = new Map<string, Pair>();
    const cut: Arch[] = [];
    const everywhere = new RepairsEverywhere(change.pool);
    return {
      async onArch(pair) {
        const isChanged = pair.changes.size > 0 && !pair.isCircular;
        const { pairs, isCut } = isChanged ? look(change, pair) : { pairs: [], isCut: false };
        if (isCut) cut.push(pair.arch);
        const here = new Set(pairs.map(({ key }) => key));
        const crowds = crowdsOf(pairs);
        for (const [key, one] of found)
          if (!here.has(key)) found.set(key, { ...one, repairs: everywhere.also(pair, one.repairs) });
        for (const one of pairs) {
          const known = found.get(one.key);
          let repairs: readonly Spread[] = [];
          if (!crowds.has(causeOf(one)))
            repairs = known ? everywhere.also(pair, known.repairs, one.fault) : everywhere.first(pair, one.repairs());
          const own = { ...one, repairs };
          found.set(one.key, known ? { ...onAll(known, own), repairs } : own);
          await pair.expectConf();
        }
        everywhere.done(pair);
      },
      finish() {
        return [...Map.groupBy(found.values(), causeOf).values()].map((pairs) => candidate(change, pairs));
      },
      cutShort: () => cut,
    };
  },
});

/** A select that became unmet, and where it is told. */
interface Pair {
  readonly key: string;
  readonly anchor: Anchor;
  readonly edge: Place & { readonly from: string; readonly to: string };
  readonly isOld: boolean;
  readonly unmet: readonly (Place & { readonly expr: string; readonly isAlternative: boolean })[];
  /** Who selects the selector, up to a symbol that is set. */
  readonly chain: readonly (Place & { readonly symbol: string; readonly by: string })[];
  readonly blamed: Place & { readonly side: 'before' | 'after'; readonly isQuoted: boolean };
  readonly repairs: readonly Spread[];
  readonly witness: Witness;
  /** Text of the .config. */
  readonly config: string;
  readonly archs: readonly Arch[];
}

/** Equal for pairs that one comment is about: of one line, or of one entry that lacks the same dependencies. */
function causeOf({ anchor: { patch, file, line }, blamed, edge, unmet }: Omit<Pair, 'repairs'>): string {
  const isOwnSelect = blamed.side === 'after' && blamed.path === edge.path && blamed.line === edge.line;
  const lacks = unmet.map(({ expr }) => expr).sort();
  return isOwnSelect ? `${patch} ${file} ${edge.from} ${lacks.join(' ')}` : `${patch} ${file}:${line}`;
}

/** On one architecture. */
interface ArchPairTold extends Omit<Pair, 'repairs'> {
  /** The symbol in whose entry a repair belongs. */
  readonly owner: KSymbol;
  readonly fault: Fault;
  repairs(): readonly Proposal[];
}

/** Causes of more pairs than are named, in several entries: no line of one entry repairs these. */
function crowdsOf(pairs: readonly ArchPairTold[]): ReadonlySet<string> {
  const crowds = [...Map.groupBy(pairs, causeOf)].filter(
    ([, alike]) => alike.length > 1 + FEW_OTHERS && alike.some(({ owner }) => owner !== alike[0]!.owner),
  );
  return new Set(crowds.map(([cause]) => cause));
}

function look(
  change: KernelChange,
  pair: ArchPair,
): { readonly pairs: readonly ArchPairTold[]; readonly isCut: boolean } {
  const { found, isCut } = unmetOf(pair);
  const upgrade = new Upgrade(change.pool, pair.before, pair.after, pair.changes, change.readers);
  const pairs = found.flatMap((unmet) => told(change, pair, upgrade, unmet) ?? []);
  return { pairs, isCut };
}

function told(change: KernelChange, pair: ArchPair, upgrade: Upgrade, unmet: Unmet): ArchPairTold | undefined {
  const { edge, level, settings } = unmet;
  const solver = pair.solver('after');
  const { values } = solver;
  applySettings(values, settings);
  const lines = unmetLines(edge, level, values);
  const chain = selectorsOf(edge.from, settings, values);
  const config = fragment(settings);
  const blamed = blame(change, pair, upgrade, { edge, lines, chain, config });
  if (!blamed) return undefined;
  const place = (path: string, line: number): Place => placeAt(change, path, line);
  return {
    key: `${edge.from.name} ${edge.to.name}`,
    anchor: blamed.anchor,
    edge: { from: edge.from.name, to: edge.to.name, ...place(edge.in.path, edge.line) },
    isOld: unmet.isOld,
    unmet: lines.map(({ path, line, expr, isAlternative }) => ({
      ...place(path, line),
      expr: valuesIn(change, values, expr),
      isAlternative,
    })),
    chain: chain.map((one, i) => ({
      ...place(one.in.path, one.line),
      symbol: (i === 0 ? edge.from : chain[i - 1]!.from).name,
      by: one.from.name,
    })),
    blamed: blamed.place,
    owner: blamed.owner,
    fault: faultOf(change.pool, edge),
    repairs: () => repairsOf(solver, edge, blamed.owner),
    witness: witnessOf(pair.arch, settings),
    config,
    archs: [pair.arch],
  };
}

interface Blame {
  readonly anchor: Anchor;
  readonly place: Pair['blamed'];
  /** The symbol in whose entry a repair belongs. */
  readonly owner: KSymbol;
}

interface Scene {
  readonly edge: Edge;
  readonly lines: ReturnType<typeof unmetLines>;
  readonly chain: readonly Edge[];
  readonly config: string;
}

const QUOTED = { side: 'after', isQuoted: true } as const;

/** The line of the series behind it; undefined where none can be named, and then nothing is said. */
function blame(change: KernelChange, pair: ArchPair, upgrade: Upgrade, scene: Scene): Blame | undefined {
  const { edge, lines, chain, config } = scene;
  // The select itself, or one above it, if it is new.
  for (const one of [edge, ...chain]) {
    const { path } = one.in;
    const { line } = one;
    const text = lineAt(change, 'after', path, line);
    const anchor = isNew(pair, one) ? change.lines.added(path, line, text) : undefined;
    if (anchor) return { anchor, place: { ...placeAt(change, path, line), ...QUOTED }, owner: one.from };
  }
  // What the target now needs.
  for (const { path, line } of lines) {
    const anchor = change.lines.added(path, line, lineAt(change, 'after', path, line));
    if (anchor) return { anchor, place: { ...placeAt(change, path, line), ...QUOTED }, owner: edge.from };
  }
  const { pool } = change;
  const needed = new Set<KSymbol>();
  for (const { expr } of lines)
    pool.symbolsOf(expr, (id) => {
      const symbol = pair.after.symbols[id];
      if (symbol) needed.add(symbol);
    });
  const symbols = [edge.from, ...chain.map(({ from }) => from), ...needed, edge.to];
  for (const { property, side, text } of blamedLines(upgrade, pair.changes, symbols, config)) {
    const { path, line } = property;
    const told = change.lines.told(side, path, line, text);
    if (!told) continue;
    const changed = pair.after.symbols[(property.edge?.from ?? property.of).id];
    const isOwner = changed !== undefined && changed !== edge.to && !needed.has(changed);
    return {
      anchor: told.anchor,
      place: { path, line, text: text.trim(), side, isQuoted: told.isQuoted },
      owner: isOwner ? changed : edge.from,
    };
  }
  return undefined;
}

/** Whether the tree before has no such select, on this architecture. */
function isNew({ before }: ArchPair, { from, to, cond }: Edge): boolean {
  return !before.symbols[to.id]?.selectedBy.some((edge) => edge.from.id === from.id && edge.cond === cond);
}

/** `BAR && BAZ`, each with its value: `BAR [=n] && BAZ [=y]`, as conf's warning has it. */
function valuesIn(change: KernelChange, values: ReturnType<ArchPair['solver']>['values'], expr: number): string {
  const { pool } = change;
  return pool.print(expr, (id) => {
    const symbol = pool.constant[id] ? undefined : values.model.symbols[id];
    return symbol ? `${pool.word(id)} [=${symbol.declarations.length > 0 ? values.text(symbol) : 'n'}]` : pool.word(id);
  });
}

/** Other selects of the same cause that are named, and shown to conf. */
const FEW_OTHERS = 6;

function candidate(change: KernelChange, pairs: readonly Pair[]): Candidate {
  const [shown, ...others] = pairs.toSorted(
    (a, b) =>
      Number(b.blamed.isQuoted) - Number(a.blamed.isQuoted) ||
      a.chain.length - b.chain.length ||
      b.archs.length - a.archs.length ||
      a.witness.settings.length - b.witness.settings.length ||
      a.anchor.mailLines[0] - b.anchor.mailLines[0] ||
      (a.key < b.key ? -1 : 1),
  ) as [Pair, ...Pair[]];
  const named = others.slice(0, FEW_OTHERS);
  const archs = [...new Set(pairs.flatMap((pair) => pair.archs))].sort();
  const { edge, unmet, chain, blamed, witness } = shown;
  const severity: Severity = pairs.some(({ isOld }) => isOld) ? 'regression' : 'missing-dependency';
  const { commit } = change.after;
  const lines = [shown, ...others].map(({ repairs }) => repairs);
  const common = commonRepairs(lines);
  const isTogether = common.length === 0 && named.length > 0 && named.length === others.length;
  return {
    key: `unmet-select ${shown.key}`,
    severity,
    symbols: [...new Set([edge.from, edge.to, ...named.flatMap((one) => [one.edge.from, one.edge.to])])],
    anchor: shown.anchor,
    claim: {
      selector: edge.from,
      target: edge.to,
      select: { path: edge.path, line: edge.line, text: edge.text },
      isOld: shown.isOld,
      unmet,
      chain,
      blamed,
      archs,
      repairs: isTogether ? sharedDependency(lines) : common,
      isTogether,
      others: named.map((one) => ({ selector: one.edge.from, target: one.edge.to })),
      notTried: others.length - named.length,
    },
    evidence: [edge, ...unmet, ...chain].map(
      ({ path, line, text }): Evidence => ({ kind: 'source', side: 'after', commit, path, line, text }),
    ),
    witness,
    confirm: async (conf) => (await Promise.all([shown, ...named].map((pair) => confirm(conf, pair)))).flat(),
  };
}

/** conf warns of the pair with the series, and not without it. */
function confirm(conf: Conf, { config, edge, witness: { arch } }: Pair): Promise<Attempt[]> {
  return onBothSides(conf, arch, config, (side, { exitCode, stderr }) => {
    const warning = warningOf(stderr, edge);
    return {
      excerpt: warning ?? (exitCode === 0 ? 'no such warning' : stderr),
      agrees: exitCode === 0 && (warning !== undefined) === (side === 'after'),
    };
  });
}

/** conf's words about one select; undefined where it has none (scripts/kconfig/symbol.c, sym_warn_unmet_dep). */
function warningOf(stderr: string, { from, to }: { readonly from: string; readonly to: string }): string | undefined {
  const blocks = stderr.split(/^(?=WARNING: unmet direct dependencies detected for )/m);
  return blocks.find(
    (block) =>
      block.startsWith(`WARNING: unmet direct dependencies detected for ${to}\n`) &&
      new RegExp(`^  - .*\\b${from} \\[=[ym]\\]`, 'm').test(block),
  );
}

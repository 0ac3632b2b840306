import type { Anchor, Attempt, Evidence, Side } from './types.ts';
import { NONE } from './kconfig/expr.ts';
import { type Cause, findCause, propertyLine } from './kconfig/cause.ts';
import { Upgrade, type ValueChange } from './kconfig/upgrade.ts';
import { defineRule, type ArchPair, type Candidate, type Conf, type ConfRun, type ExistingConfig, type KernelChange } from './rule.ts';

export default defineRule({
  id: 'config-upgrade',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
Configurations that exist (every in-tree defconfig, and distribution configurations where they are
installed) in which \`olddefconfig\` gives another value to a symbol after the series than before,
because of a property that the series adds or removes.
## Why it matters
Nobody reads the 300 defconfigs. A new "depends on", or a select that goes away, silently drops a
driver from the boards that had it; the kernel still builds, and the board no longer boots.
## Example
config FOO / depends on BAR is added, and multi_v7_defconfig sets FOO=y but not BAR.
## Instead
Set BAR in those defconfigs in the same series, select it, or leave the dependency out.
## What it misses
New symbols and symbols that the series removes. Values that the series itself sets: a changed
default of the very symbol, a new select or imply of it. Symbols that are gained through those.
Helpers without a prompt, unless another finding carries them. Renamed symbols.`,

  begin(change) {
    const groups = new Map<string, Group>();
    let total = 0;
    return {
      onArch(pair) {
        const configs = change.configs.filter((config) => config.arch === pair.arch);
        total += configs.length;
        if (pair.changes.size === 0 || pair.newCycles.length > 0) return;
        const upgrade = new Upgrade(change.pool, pair.before, pair.after, pair.changes, change.readers);
        for (const config of configs) collect(groups, pair, config, upgrade);
      },
      finish: () => [...groups.values()].flatMap((group) => candidate(change, group, total) ?? []),
    };
  },
});

/** Findings with one cause: the property, on one side. */
interface Group {
  readonly cause: Cause;
  readonly line: string;
  readonly hits: Hit[];
}

/** One symbol in one configuration. */
interface Hit {
  readonly config: ExistingConfig;
  readonly symbol: string;
  readonly from: string;
  readonly to: string;
  /** The configuration asks for the value it no longer gets. */
  readonly isAsked: boolean;
  /** The condition that decides, with the values of its symbols there. */
  readonly because: string;
}

function collect(groups: Map<string, Group>, pair: ArchPair, config: ExistingConfig, upgrade: Upgrade): void {
  const changes = upgrade.run(config.text, config.textAfter);
  for (const change of changes.values()) {
    const cause = findCause(upgrade, changes, change);
    if (!cause || isIntended(change, cause)) continue;
    const { property, side } = cause;
    const key = `${side} ${property.of.name} ${property.kind} ${property.path} ${property.edge?.from.name ?? ''} ${pair.before.symbols.length > 0 ? printed(upgrade, cause) : ''}`;
    const group = groups.get(key) ?? { cause, line: propertyLine(property), hits: [] };
    groups.set(key, group);
    group.hits.push({
      config,
      symbol: change.name,
      from: change.from,
      to: change.to,
      isAsked: change.asked === change.from,
      because: reason(upgrade, cause),
    });
  }
}

/** What the series says it does: not a finding. */
function isIntended(change: ValueChange, { property, chain }: Cause): boolean {
  if (property.kind === 'default' && (chain.length === 1 || change.asked !== change.from)) return true;
  const isGain = order(change.to) > order(change.from);
  return isGain && ['selected by', 'implied by', 'default'].includes(property.kind);
}

const order = (value: string): number => ['n', 'm', 'y'].indexOf(value);

function printed(upgrade: Upgrade, { property }: Cause): string {
  return property.expr === NONE ? '' : upgrade.before.pool.print(property.expr);
}

function reason(upgrade: Upgrade, { property, side }: Cause): string {
  if (property.expr === NONE) return '';
  const { pool, model } = side === 'after' ? upgrade.after : upgrade.before;
  const values = side === 'after' ? upgrade.after : upgrade.before;
  return pool.print(property.expr, (id) => {
    const symbol = pool.constant[id] ? undefined : model.symbols[id];
    if (!symbol) return pool.word(id);
    return symbol.declarations.length > 0 ? `${symbol.name} [=${values.text(symbol)}]` : `${symbol.name} [not defined on this architecture]`;
  });
}

function candidate(change: KernelChange, { cause, line, hits }: Group, total: number): Candidate | undefined {
  const { property, side } = cause;
  const counts = count(hits);
  // A symbol nobody can set is a consequence, not a loss of its own.
  const primary = counts.find(({ symbol }) => symbol === property.of.name) ?? counts.find(({ isAsked }) => isAsked);
  const anchor = anchorOf(change, cause, line);
  if (!primary || !anchor) return undefined;
  const mine = hits.filter((hit) => hit.symbol === primary.symbol && hit.from === primary.from && hit.to === primary.to);
  const shown = mine.toSorted(byFame)[0]!;
  const also = counts.filter((c) => c !== primary && hits.some((hit) => hit.config === shown.config && same(hit, c)));
  const tree = side === 'after' ? change.after : change.before;
  const evidence: Evidence[] = [
    { kind: 'source', side, commit: tree.commit, path: property.path, line: property.line, text: line },
    ...(['before', 'after'] as const).map(
      (at): Evidence => ({
        kind: 'value',
        side: at,
        arch: shown.config.arch,
        config: shown.config.name,
        symbol: primary.symbol,
        value: at === 'before' ? primary.from : primary.to,
        ...(at === side && shown.because !== '' && { because: shown.because }),
      }),
    ),
  ];
  return {
    key: `config-upgrade ${primary.symbol} ${property.of.name} ${property.path}`,
    symbols: [...new Set([primary.symbol, property.of.name])],
    anchor,
    claim: {
      symbol: primary.symbol,
      from: primary.from,
      to: primary.to,
      configs: { count: mine.length, total, groups: grouped(mine) },
      cause: { path: property.path, line: property.line, text: line.trim(), side, explanation: explain(cause, primary.symbol, shown) },
      alsoChanged: also.map(({ symbol, from, to, count: n }) => ({ symbol, from, to, count: n })),
    },
    evidence,
    witness: { arch: shown.config.arch, from: shown.config.name, settings: [] },
    confirm: (conf) => confirm(conf, shown.config, [primary, ...also]),
  };
}

interface Count {
  readonly symbol: string;
  readonly from: string;
  readonly to: string;
  readonly count: number;
  readonly isAsked: boolean;
}

const same = (a: { symbol: string; from: string; to: string }, b: { symbol: string; from: string; to: string }): boolean =>
  a.symbol === b.symbol && a.from === b.from && a.to === b.to;

/** Hits by symbol and values, most frequent first. */
function count(hits: readonly Hit[]): Count[] {
  const counts: { -readonly [K in keyof Count]: Count[K] }[] = [];
  for (const hit of hits) {
    const known = counts.find((c) => same(c, hit));
    if (!known) counts.push({ symbol: hit.symbol, from: hit.from, to: hit.to, count: 1, isAsked: hit.isAsked });
    else {
      known.count++;
      known.isAsked ||= hit.isAsked;
    }
  }
  return counts.sort((a, b) => b.count - a.count || (a.symbol < b.symbol ? -1 : 1));
}

/** The configuration to show: of a much used architecture, then by name. */
function byFame(a: Hit, b: Hit): number {
  const fame = ['x86', 'arm64', 'arm', 'powerpc', 'riscv', 's390', 'mips'];
  const at = (hit: Hit): number => (fame.indexOf(hit.config.arch) + fame.length + 1) % (fame.length + 1);
  return Number(b.isAsked) - Number(a.isAsked) || at(a) - at(b) || (a.config.name < b.config.name ? -1 : 1);
}

function grouped(hits: readonly Hit[]): { label: string; count: number; examples: string[] }[] {
  const groups = Map.groupBy(hits, (hit) => hit.config.group);
  return [...groups]
    .map(([label, members]) => ({ label, count: members.length, examples: members.map((hit) => hit.config.name).sort().slice(0, 4) }))
    .sort((a, b) => b.count - a.count || (a.label < b.label ? -1 : 1));
}

function anchorOf(change: KernelChange, { property, side }: Cause, line: string): Anchor | undefined {
  const { path, line: at } = property;
  const exact = side === 'after' ? change.lines.added(path, at, line) : change.lines.removed(path, at, line);
  return exact ?? change.lines.near(path, at);
}

function explain({ property, side, chain }: Cause, symbol: string, shown: Hit): string {
  const verb = side === 'after' ? 'adds' : 'removes';
  const of = property.of.name;
  const what = property.edge
    ? `the series ${verb} this ${property.edge.kind} of ${of} by ${property.edge.from.name}`
    : property.kind === 'default' || property.kind === 'range' || property.kind === 'depends on'
      ? `the series ${verb} this "${property.kind}" of ${of}`
      : `the series changes how ${of} is declared`;
  const where = shown.because !== '' ? `; in ${shown.config.name}: ${shown.because}` : '';
  const through = chain.length > 1 && of !== symbol ? `, and ${chain.slice(0, -1).join(' depends on ')} depends on ${of}` : '';
  return `${what}${where}${through}`;
}

async function confirm(conf: Conf, config: ExistingConfig, claims: readonly Count[]): Promise<Attempt[]> {
  const sides = ['before', 'after'] as const;
  const runs = await Promise.all(sides.map((side) => conf.olddefconfig(side, config.arch, side === 'before' ? config.text : config.textAfter)));
  return sides.map((side, i) => {
    const wanted = claims.map((claim) => ({ symbol: claim.symbol, value: side === 'before' ? claim.from : claim.to }));
    return attempt(side, runs[i]!, wanted);
  });
}

function attempt(side: Side, run: ConfRun, wanted: readonly { symbol: string; value: string }[]): Attempt {
  const found = wanted.map(({ symbol }) => lineOf(run.config ?? '', symbol));
  const agrees = run.exitCode === 0 && wanted.every(({ value }, i) => valueOf(found[i]!) === value);
  const excerpt = run.config === undefined ? run.stderr : found.join('\n');
  return { rung: 2, side, argv: run.argv, exitCode: run.exitCode, excerpt: excerpt.slice(0, 2000), agrees };
}

/** The symbol's line in a .config, or what its absence means. */
export function lineOf(config: string, symbol: string): string {
  const match = new RegExp(`^(?:CONFIG_${symbol}=.*|# CONFIG_${symbol} is not set)$`, 'm').exec(config);
  return match?.[0] ?? `(no CONFIG_${symbol})`;
}

function valueOf(line: string): string {
  if (!line.startsWith('CONFIG_')) return 'n';
  const value = line.slice(line.indexOf('=') + 1);
  return value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
}

import { onBothSides, type Verdict } from './both-sides.ts';
import { changesCode } from './changed-code.ts';
import { byFame, grouped, shortName } from './config-groups.ts';
import { type Gone, GoneSymbols } from './gone-symbols.ts';
import type { Cause } from './kconfig/cause.ts';
import { causeWords, goneWords } from './kconfig/cause-words.ts';
import { lineOf, valueOn } from './kconfig/config-line.ts';
import { isLogical } from './kconfig/model.ts';
import { Causes } from './kconfig/sole-cause.ts';
import { rank, Upgrade, type ValueChange } from './kconfig/upgrade.ts';
import { MeantLosses } from './meant-loss.ts';
import { type Candidate, type Conf, type ConfRun, defineRule, type ExistingConfig, type KernelChange } from './rule.ts';
import { lineAt } from './told.ts';
import type { Anchor, Attempt, Evidence, Side } from './types.ts';

export default defineRule({
  id: 'config-upgrade',
  severity: 'regression',
  rung: 2,
  doc: `
## What it finds
Configurations that exist (every in-tree defconfig, and distribution configurations where they are
installed) in which \`olddefconfig\` gives another value to a symbol after the series than before,
because of a property that the series adds or removes; also those that lose a symbol whose file is not
sourced any more, or what needs a symbol that is gone.
## Why it matters
Nobody reads the 300 defconfigs. A new "depends on", or a select that goes away, silently drops a
driver from the boards that had it; the kernel still builds, and the board no longer boots.
## Example
config FOO / depends on BAR is added, and multi_v7_defconfig sets FOO=y but not BAR.
## Instead
Set BAR in those defconfigs in the same series, select it, or leave the dependency out.
## What it misses
New symbols and those whose entry the series removes (renamed ones: unmigrated-rename); what goes along with a
platform that is removed. Values that the series itself sets: in a
defconfig, by another default (or none), range or choice where nobody chose, by a new select or imply.
Symbols without a visible prompt that the configuration does not name, unless another finding carries
them, or their select goes away in a patch that leaves the code beside that Kconfig file as it is and,
where that is an architecture's, does not name them.
Of many configurations with the same loss conf is asked about a few.`,

  begin(change) {
    const groups = new Map<string, Group>();
    const goneSymbols = new GoneSymbols(change);
    const meant = new MeantLosses(change);
    let total = 0;
    return {
      async onArch(pair) {
        if (pair.isCircular) return;
        const configs = change.configs.filter((config) => config.arch === pair.arch);
        total += configs.length;
        if (pair.changes.size === 0) return;
        const upgrade = new Upgrade(change.pool, pair.before, pair.after, pair.changes, change.readers);
        const gone = goneSymbols.of(pair);
        const counts = configs.map((config) => collect(groups, config, upgrade, gone));
        if (counts.some((hits) => hits > 0)) await pair.expectConf();
      },
      finish() {
        const all = [...groups.values()];
        const sums = new Map(count(all.flatMap(({ hits }) => hits)).map((one) => [keyOf(one), one.hits.length]));
        const told = all.flatMap((group) => toldOf(change, meant, group) ?? []);
        return [...Map.groupBy(told, likeness).values()].map((alike) => candidate(change, alike, { total, sums }));
      },
    };
  },
});

/** What one line of the tree brings about, on one side. */
interface Group {
  readonly cause: Pick<Cause, 'property' | 'side'>;
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
  /** The symbol can be set there, on the side where it is on. */
  readonly isVisible: boolean;
  /** The line belongs to this very symbol. */
  readonly isOwn: boolean;
  /** A select or imply of it went away, and who selected it stays on. */
  readonly isDropped: boolean;
  /** The line does it without the rest of the series. */
  readonly isSole: boolean;
  readonly explanation: string;
}

/** How many hits it adds. */
function collect(groups: Map<string, Group>, config: ExistingConfig, upgrade: Upgrade, gone: Gone): number {
  const changes = upgrade.run(config.text, config.textAfter);
  const causes = new Causes(upgrade, changes, gone.declarations);
  const where = { config: shortName(config), arch: config.arch };
  let hits = 0;
  const add = ({ property, side }: Group['cause'], hit: Omit<Hit, 'config'>): void => {
    const key = `${side} ${property.path}:${property.line} ${property.kind}`;
    const group = groups.get(key) ?? { cause: { property, side }, hits: [] };
    groups.set(key, group);
    group.hits.push({ ...hit, config });
    hits++;
  };
  for (const change of changes.values()) {
    const cause = causes.of(change);
    if (!cause || isIntended(upgrade, change, cause)) continue;
    const { property, side, chain } = cause;
    add(cause, {
      symbol: change.name,
      from: change.from,
      to: change.to,
      isAsked: change.asked === change.from,
      isVisible: isVisible(upgrade, change),
      isOwn: chain.length === 1,
      isDropped: chain.length === 1 && side === 'before' && property.edge !== undefined,
      isSole: causes.isSole(change),
      explanation: causeWords(upgrade, cause, where),
    });
  }
  for (const [name, { before, from, asked, askedAfter }] of upgrade.gone) {
    const property = gone.unread.has(name) ? gone.declarations.get(name) : undefined;
    if (!property || asked !== askedAfter) continue;
    add(
      { property, side: 'before' },
      {
        symbol: name,
        from,
        to: isLogical(before) ? 'n' : 'not set',
        isAsked: asked === from,
        isVisible: upgrade.before.visible(before) > 0,
        isOwn: true,
        isDropped: false,
        isSole: true,
        explanation: goneWords(name, config.arch),
      },
    );
  }
  return hits;
}

/** What the series says it does, or what the configuration asks for: not a finding. */
function isIntended(upgrade: Upgrade, change: ValueChange, { property, side, chain }: Cause): boolean {
  const { kind } = property;
  const isOwn = chain.length === 1;
  const isAsked = change.asked === change.from;
  if (change.asked !== change.askedAfter || change.asked === change.to) return true;
  if (upgrade.gone.has(property.of.name) && kind === 'declaration') return !isLossOfUsers(upgrade, change);
  const isNewImply = kind === 'implied by' && side === 'after';
  if ((kind === 'default' || kind === 'choice' || isNewImply) && (isOwn || !isAsked)) return true;
  if (kind === 'range' && isOwn && !isAsked) return true;
  if (rank(change.to) > rank(change.from)) {
    const hasNewDefault = upgrade.changeOf(change.name)?.added.some((added) => added.kind === 'default');
    return kind === 'selected by' || kind === 'type' || hasNewDefault === true || !isVisible(upgrade, change);
  }
  if (!property.edge || side !== 'before' || !isOwn) return false;
  const selector = upgrade.after.model.symbols[property.edge.from.id];
  return !selector || selector.declarations.length === 0;
}

/** Whether somebody who has the symbol cannot have it any more, rather than that it follows what is gone. */
function isLossOfUsers({ after }: Upgrade, change: ValueChange): boolean {
  if (rank(change.to) >= rank(change.from)) return false;
  return change.asked === change.from || after.visible(change.after) === 0;
}

/** Whether its user can set the symbol, on the side where it is on. */
function isVisible({ before, after }: Upgrade, change: ValueChange): boolean {
  return rank(change.to) > rank(change.from) ? after.visible(change.after) > 0 : before.visible(change.before) > 0;
}

/** A symbol that becomes the same value in some configurations. */
interface Count {
  readonly symbol: string;
  readonly from: string;
  readonly to: string;
  readonly hits: readonly Hit[];
}

/** Of all findings together. */
interface Totals {
  /** Configurations carried over. */
  readonly total: number;
  /** Of those, where a symbol becomes a value, by keyOf(). */
  readonly sums: ReadonlyMap<string, number>;
}

/** A line of the series, or that it leads to, with what is told of it. */
interface Told extends Group {
  readonly text: string;
  readonly anchor: Anchor;
  readonly isQuoted: boolean;
  /** What it leads with. */
  readonly primary: Count;
}

function toldOf(change: KernelChange, meant: MeantLosses, { cause, hits }: Group): Told | undefined {
  const { property, side } = cause;
  const text = lineAt(change, side, property.path, property.line);
  const told = change.lines.told(side, property.path, property.line, text);
  if (!told) return undefined;
  const { anchor, isQuoted } = told;
  const counts = count(hits);
  const named = counts.filter(({ hits: of }) => of.some((hit) => hit.isAsked || hit.isVisible));
  // Code beside it that changes may be a driver that learns to do without a helper.
  const isCodeChanged = changesCode(change.series, anchor);
  // An architecture selects what it has, and here says that it has not.
  const isSaid = (symbol: string): boolean => property.path.startsWith('arch/') && meant.isNamed(symbol);
  const dropped = counts.filter(
    ({ symbol, hits: of }) => of.some((hit) => hit.isDropped) && !isCodeChanged && !isSaid(symbol),
  );
  const [primary] = (named.length > 0 ? named : dropped).sort(byWeight);
  return primary && { cause, hits, text, anchor, isQuoted, primary };
}

/** Equal for lines that do the same by the same words, on other architectures say: one comment is enough. */
function likeness({ cause: { property, side }, text, anchor, primary }: Told): string {
  return JSON.stringify([anchor.patch, side, property.kind, property.of.name, text.trim(), keyOf(primary)]);
}

function candidate(change: KernelChange, alike: readonly Told[], { total, sums }: Totals): Candidate {
  const counts = count(alike.flatMap(({ hits }) => hits));
  const primary = counts.find((one) => keyOf(one) === keyOf(alike[0]!.primary))!;
  const shown = primary.hits.toSorted(byRenown)[0]!;
  const first = alike.find(({ hits }) => hits.includes(shown))!;
  const {
    cause: { property, side },
    text,
    anchor,
    isQuoted,
  } = first;
  const others = alike.filter((one) => one !== first);
  // A number that goes with its menu is no news.
  const rest = counts.filter(
    (one) => one !== primary && (one.to !== 'not set' || one.hits.some(({ isAsked }) => isAsked)),
  );
  // conf is to see each of these lines at work
  const each = others.slice(0, FEW_ALIKE).map((one) => one.primary.hits.toSorted(byRenown)[0]!.config);
  const configs = cover([...new Set([shown.config, ...each])], rest);
  const isTried = ({ hits: of }: Count): boolean => of.some(({ config }) => configs.includes(config));
  const tried = rest.filter(isTried).sort(byWeight);
  const isOwnValue = ({ symbol }: Count): boolean => symbol === primary.symbol;
  const notTried = rest.filter((one) => !isTried(one)).sort(byWeight);
  const isSole = primary.hits.every((hit) => hit.isSole);
  const isOneLine = isSole && rest.every(({ hits: of }) => of.every((hit) => hit.isSole));
  const sum = (one: Count): number => sums.get(keyOf(one))!;
  const brief = (one: Count) => ({
    symbol: one.symbol,
    from: one.from,
    to: one.to,
    count: isOneLine ? one.hits.length : sum(one),
  });
  const tree = side === 'after' ? change.after : change.before;
  const { path, line: at } = property;
  return {
    key: `config-upgrade ${primary.symbol} ${property.of.name} ${path}`,
    symbols: [...new Set([primary.symbol, property.of.name])],
    anchor,
    claim: {
      symbol: primary.symbol,
      from: primary.from,
      to: primary.to,
      configs: {
        count: primary.hits.length,
        elsewhere: sum(primary) - primary.hits.length,
        total,
        groups: grouped(primary.hits.map(({ config }) => config)),
      },
      cause: {
        path,
        line: at,
        text: text.trim(),
        side,
        isQuoted,
        isSole,
        explanation: shown.explanation,
        alike: others.slice(0, FEW_ALIKE).map(
          ({
            cause: {
              property: { path, line },
            },
          }) => ({ path, line }),
        ),
        moreAlike: Math.max(0, others.length - FEW_ALIKE),
      },
      otherValues: tried.filter(isOwnValue).map(brief),
      alsoChanged: tried.filter((one) => !isOwnValue(one)).map(brief),
      notTried: notTried.map(brief),
      isOneLine,
    },
    evidence: [{ kind: 'source', side, commit: tree.commit, path, line: at, text }, ...values(shown, side)],
    witness: { arch: shown.config.arch, from: shown.config.name, settings: [] },
    confirm: async (conf) =>
      (await Promise.all(configs.map((config) => confirm(conf, config, [primary, ...tried])))).flat(),
  };
}

function values({ config: { arch, name }, symbol, from, to, explanation }: Hit, causeSide: Side): Evidence[] {
  return (['before', 'after'] as const).map((side) => ({
    kind: 'value',
    side,
    arch,
    config: name,
    symbol,
    value: side === 'before' ? from : to,
    ...(side === causeSide && { because: explanation }),
  }));
}

function keyOf({ symbol, to }: { readonly symbol: string; readonly to: string }): string {
  return `${symbol} ${to}`;
}

/** Hits by symbol and new value; the old value may be y in some and m in others. */
function count(hits: readonly Hit[]): Count[] {
  return [...Map.groupBy(hits, keyOf).values()].map((members) => {
    const froms = [...new Set(members.map(({ from }) => from))].sort().reverse();
    const from = froms.length > 3 ? `${froms.slice(0, 2).join(', ')} or another value` : froms.join(' or ');
    return { symbol: members[0]!.symbol, from, to: members[0]!.to, hits: members };
  });
}

/** First what users can set, then the symbol whose line it is, then what configurations name, then what is frequent. */
function byWeight(a: Count, b: Count): number {
  const isVisible = ({ hits }: Count): number => Number(hits.some((hit) => hit.isVisible));
  const isOwn = ({ hits }: Count): number => Number(hits.some((hit) => hit.isOwn));
  const isAsked = ({ hits }: Count): number => Number(hits.some((hit) => hit.isAsked));
  return (
    isVisible(b) - isVisible(a) ||
    isOwn(b) - isOwn(a) ||
    isAsked(b) - isAsked(a) ||
    b.hits.length - a.hits.length ||
    (a.symbol < b.symbol ? -1 : 1)
  );
}

/** Configurations for conf to show a finding's other symbols in, and for those that a configuration asks for. */
const FEW_CONFIGS = 3;
const MOST_CONFIGS = 12;
/** Lines like the quoted one that are named. */
const FEW_ALIKE = 8;

/** Configurations that conf is asked about, each the one that shows most of the symbols still open. */
function cover(first: readonly ExistingConfig[], counts: readonly Count[]): ExistingConfig[] {
  const chosen = [...first];
  let open = counts;
  while (chosen.length < MOST_CONFIGS) {
    open = open.filter(({ hits }) => !hits.some(({ config }) => chosen.includes(config)));
    const asked = open.filter(({ hits }) => hits.some(({ isAsked }) => isAsked));
    const wanted = asked.length > 0 ? asked : chosen.length < first.length - 1 + FEW_CONFIGS ? open : [];
    const byConfig = [
      ...Map.groupBy(
        wanted.flatMap(({ hits }) => hits),
        ({ config }) => config,
      ).values(),
    ];
    const [next] = byConfig.sort((a, b) => b.length - a.length || byRenown(a[0]!, b[0]!));
    if (!next) break;
    chosen.push(next[0]!.config);
  }
  return chosen;
}

/** The hit to show: of a configuration that asks for the value, and that is well known. */
function byRenown(a: Hit, b: Hit): number {
  return Number(b.isAsked) - Number(a.isAsked) || byFame(a.config, b.config);
}

/** Runs conf on one configuration, without and with the series, and looks at what is claimed of it. */
function confirm(conf: Conf, config: ExistingConfig, claims: readonly Count[]): Promise<Attempt[]> {
  const hits = claims.flatMap((claim) => claim.hits.filter((hit) => hit.config === config));
  const texts = { before: config.text, after: config.textAfter };
  return onBothSides(conf, config.arch, texts, (side, run) => verdictOn(side, run, hits));
}

function verdictOn(side: Side, run: ConfRun, hits: readonly Hit[]): Verdict {
  const found = hits.map(({ symbol }) => lineOf(run.config ?? '', symbol));
  const agrees =
    run.exitCode === 0 &&
    hits.every(({ from, to }, i) => {
      const [claimed, value] = [side === 'before' ? from : to, valueOn(found[i]!)];
      return value === undefined ? rank(claimed) === 0 : value === claimed;
    });
  return { excerpt: run.config === undefined ? run.stderr : found.join('\n'), agrees };
}

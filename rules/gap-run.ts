/** The run of a rule about what code lacks with a series: one candidate for what one line of it causes in one entry. */

import { onBothSides } from './both-sides.ts';
import { type ToldGap, toldGaps } from './gap-told.ts';
import { lineOf, valueOn } from './kconfig/config-line.ts';
import type { Property } from './kconfig/properties.ts';
import { commonRepairs, RepairsEverywhere, type Spread } from './repairs-everywhere.ts';
import type { Candidate, Conf, KernelChange, RuleRun } from './rule.ts';
import type { SubjectOf } from './source/file-gaps.ts';
import { LinkSearch } from './source/link-search.ts';
import { onAll, type Place } from './told.ts';
import type { Attempt, Evidence, RuleId, Severity, Side } from './types.ts';

/** Of gaps in a subject; `id` is the rule. */
export function gapRun(change: KernelChange, id: RuleId, subject: SubjectOf): RuleRun {
  const search = new LinkSearch(change, subject);
  const found = new Map<string, RepairedGap>();
  const everywhere = new RepairsEverywhere(change.pool);
  return {
    wantsArchs: () => search.hasNews(),
    async onArch(pair) {
      const isChanged = !pair.isCircular && (pair.changes.size > 0 || (await search.hasNews()));
      const gaps = isChanged ? await toldGaps(change, search, pair) : [];
      const here = new Set(gaps.map(({ key }) => key));
      for (const [key, one] of found)
        if (!here.has(key)) found.set(key, { ...one, lines: everywhere.also(pair, one.lines) });
      for (const one of gaps) {
        const known = found.get(one.key);
        // several files of one entry may lack the same
        if (known?.archs.includes(pair.arch)) continue;
        const lines = known ? everywhere.also(pair, known.lines, one.fault) : everywhere.first(pair, one.repairs());
        found.set(one.key, { ...(known ? onAll<ToldGap>(known, one) : one), lines });
      }
      everywhere.done(pair);
    },
    finish() {
      return [...Map.groupBy(found.values(), causeOf).values()].map((gaps) => candidate(change, id, gaps));
    },
    undecided: () => search.left,
  };
}

/** With lines that repair it on all architectures so far. */
interface RepairedGap extends ToldGap {
  readonly lines: readonly Spread[];
}

/** One comment for what one line of the series causes in one entry. */
function causeOf({ anchor: { patch, file, line }, owner }: ToldGap): string {
  return `${patch} ${file}:${line} ${owner}`;
}

/** Other entries of the same cause that are named, and shown to conf. */
const FEW_OTHERS = 4;

/** What cannot be linked because it is not declared, either, is told once. */
function withoutRepeats(gaps: readonly RepairedGap[]): RepairedGap[] {
  const undeclared = gaps.filter(({ what }) => what !== 'export' && what !== 'variable');
  return gaps.filter(
    (gap) =>
      undeclared.includes(gap) ||
      !undeclared.some(
        (other) =>
          gap.archs.every((arch) => other.archs.includes(arch)) &&
          gap.uses.every(({ name }) => other.uses.some((use) => use.name === name)),
      ),
  );
}

function candidate(change: KernelChange, id: RuleId, all: readonly RepairedGap[]): Candidate {
  const gaps = withoutRepeats(all);
  // what the blamed line itself speaks of comes first
  const isNamed = ({ needed: [first], property }: RepairedGap): boolean =>
    first !== undefined && property !== undefined && speaksOf(change, property, first);
  const [shown, ...others] = gaps.toSorted(
    (a, b) =>
      Number(isNamed(b)) - Number(isNamed(a)) ||
      Number(b.lines.length > 0) - Number(a.lines.length > 0) ||
      b.archs.length - a.archs.length ||
      b.uses.length - a.uses.length ||
      (a.key < b.key ? -1 : 1),
  ) as [RepairedGap, ...RepairedGap[]];
  const named = others.slice(0, FEW_OTHERS);
  const {
    owner,
    needed,
    into,
    how,
    object,
    what,
    isUnexported,
    hasEntry,
    uses,
    built,
    provided,
    blamed,
    property,
    witness,
    isOld,
  } = shown;
  const severity: Severity = gaps.some((gap) => gap.isOld) ? 'regression' : 'missing-dependency';
  return {
    key: `${id} ${shown.key}`,
    severity,
    symbols: [
      ...new Set([
        ...(hasEntry ? [owner] : []),
        ...needed.slice(0, 1),
        ...named.flatMap((gap) => gap.needed.slice(0, 1)),
        // code is often built under a helper that the entry selects
        ...(property === undefined ? [] : [(property.edge?.from ?? property.of).name]),
      ]),
    ],
    anchor: shown.anchor,
    claim: {
      owner,
      needed: needed.slice(0, 1),
      into,
      how,
      object,
      what,
      isUnexported,
      hasEntry,
      uses,
      built,
      provided,
      isOld,
      blamed,
      repairs: commonRepairs([shown, ...others].map(({ lines }) => lines)),
      values: toldValues(shown),
      archs: [...shown.archs].sort(),
      others: named.map((gap) => ({
        needed: gap.needed[0] ?? null,
        name: gap.uses[0]!.name,
        isUnexported: gap.isUnexported,
      })),
      notTried: others.length - named.length,
    },
    evidence: [
      ...[...uses, ...uses.map(({ source }) => source), built, provided]
        .filter(({ path }) => path !== '')
        .map((place) => sourceLine(change, 'after', place)),
      sourceLine(change, blamed.side, blamed),
    ],
    witness,
    confirm: async (conf) => (await Promise.all([shown, ...named].map((gap) => confirm(conf, gap)))).flat(),
    builds: [shown, ...named].flatMap((gap) => gap.builds),
  };
}

function sourceLine(change: KernelChange, side: Side, { path, line, text }: Place): Evidence {
  return { kind: 'source', side, commit: change[side].commit, path, line, text: text.trim() };
}

/** Whether a line of an entry selects, depends on or hangs on a symbol. */
function speaksOf({ pool }: KernelChange, { edge, expr }: Property, symbol: string): boolean {
  const id = pool.findSymbol(symbol);
  return id !== undefined && (edge?.to.id === id || pool.symbolsIn(expr).includes(id));
}

/** Values of the entry and of what it needs, and what else makes code built in: conditions around it say nothing. */
function toldValues({ what, owner, needed, values }: ToldGap): object[] {
  // an algorithm may have a hundred providers
  const isAlgorithm = what === 'algorithm';
  const which = new Set([owner, ...(isAlgorithm ? needed.slice(0, 1) : needed)]);
  const told = values.filter(({ symbol, isBool }) => which.has(symbol) || !(isBool || isAlgorithm));
  return (told.length > 0 ? told : values).map(({ symbol, value }) => ({ symbol, value }));
}

/** The values come out with the series; without it they do not, or the code was not there. */
function confirm(conf: Conf, { config, values, wasAsked, witness: { arch } }: ToldGap): Promise<Attempt[]> {
  return onBothSides(conf, arch, config, (side, run) => {
    const got = values.map(({ symbol }) => ({ symbol, value: valueOn(lineOf(run.config ?? '', symbol)) ?? 'n' }));
    const isSame = run.exitCode === 0 && got.every(({ value }, i) => value === values[i]!.value);
    return {
      excerpt: run.exitCode === 0 ? got.map(({ symbol, value }) => `${symbol}=${value}`).join(' ') : run.stderr,
      agrees: run.exitCode === 0 && (side === 'after' ? isSame : !wasAsked || !isSame),
    };
  });
}

/** What a run over the corpus prints: recall by class with all its counts, the misses, the harmless changes. */
import { columns, quantile, share } from '../support/columns.ts';
import type { Variant } from './entries.ts';
import { VARIANTS } from './entries.ts';
import type { Result } from './examine.ts';
import { rungs } from './rungs.ts';
import { isNotYet } from './verdict.ts';

/** The whole text. `rules` are the ids of the rules that ran. */
export function tally(results: readonly Result[], rules: readonly string[]): string {
  const regressions = results.filter((result) => result.class !== undefined);
  const harmless = results.filter((result) => result.class === undefined);
  return [
    ...VARIANTS.map((variant) => recall(ofVariant(regressions, variant), variant, rules)),
    misses(regressions, rules),
    silences(harmless),
    rungs(results),
    notApplicable(results),
    times(results),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function ofVariant(results: readonly Result[], variant: Variant): Result[] {
  return results.filter((result) => result.variant === variant);
}

const HEAD = ['entries', 'hit', 'own', 'miss', 'n/a', 'recall', 'confirmed:', 'hit', 'own', 'miss', 'n/a', 'recall'];

/** `own`: hits by a rule that is there for the class. Recall is hits of hits and misses. */
function recall(results: readonly Result[], variant: Variant, rules: readonly string[]): string {
  if (results.length === 0) return '';
  const classes = [...new Set(results.map((result) => result.class!))].sort();
  const row = (name: string, some: readonly Result[], isLater = false): string[] => {
    const [all, confirmed] = [counts(some), counts(some.filter((result) => result.confirmed))];
    return [
      name,
      `${some.length}`,
      ...all.cells,
      isLater ? 'not yet' : share(all.hit, all.hit + all.miss),
      '',
      ...confirmed.cells,
      isLater ? 'not yet' : share(confirmed.hit, confirmed.hit + confirmed.miss),
    ];
  };
  const here = classes.filter((cls) => !isNotYet(cls, rules));
  const later = classes.filter((cls) => !here.includes(cls));
  const of = (cls: readonly string[]): Result[] => results.filter((result) => cls.includes(result.class!));
  return columns([
    [`recall, ${variant}`, ...HEAD],
    ...here.map((cls) => row(cls, of([cls]))),
    ...(here.length > 0 ? [row('  all that have a rule', of(here))] : []),
    ...later.map((cls) => row(cls, of([cls]), true)),
    row('  all', results),
  ]);
}

function counts(results: readonly Result[]): { hit: number; miss: number; cells: string[] } {
  const of = (kind: string): Result[] => results.filter(({ verdict }) => verdict.kind === kind);
  const hits = of('hit');
  const own = hits.filter(({ verdict }) => verdict.kind === 'hit' && verdict.own).length;
  const [hit, miss, apart] = [hits.length, of('miss').length, of('not-applicable').length];
  return { hit, miss, cells: [hit, own, miss, apart].map(String) };
}

/** Of the classes that have a rule each one; of the others how many there are for each reason. */
function misses(results: readonly Result[], rules: readonly string[]): string {
  const missed = results.flatMap((result) =>
    result.verdict.kind === 'miss' ? [{ ...result, why: result.verdict.why }] : [],
  );
  const lines = missed
    .filter((result) => !isNotYet(result.class!, rules))
    .sort((a, b) => compare(a.class!, b.class!) || compare(a.id, b.id))
    .map((one) => `  ${one.class}  ${one.id} (${one.variant}${one.confirmed ? ', confirmed' : ''}): ${one.why}\n`);
  const later = missed.filter((result) => isNotYet(result.class!, rules) && result.why !== 'nothing proposed');
  return [
    lines.length > 0 ? `misses of the classes that have a rule\n${lines.join('')}` : '',
    later.length > 0
      ? `of the classes that have none yet, where something was said\n${later.map((one) => `  ${one.class}  ${one.id} (${one.variant}): ${one.why}\n`).join('')}`
      : '',
  ].join('');
}

function silences(results: readonly Result[]): string {
  if (results.length === 0) return '';
  const silent = results.filter(({ verdict }) => verdict.kind === 'hit').length;
  const loud = results.filter(({ verdict }) => verdict.kind === 'miss');
  const unchecked = results.length - silent - loud.length;
  const lines = loud.flatMap(({ id, findings }) =>
    findings.map(({ rule, symbols, at }) => `  ${id}: ${rule} (${symbols.join(' ')}) at ${at}\n`),
  );
  return `harmless changes: ${silent} silent, ${loud.length} with findings, ${unchecked} not applicable\n${lines.join('')}`;
}

function notApplicable(results: readonly Result[]): string {
  const why = new Map<string, number>();
  for (const { verdict, variant } of results) {
    if (verdict.kind !== 'not-applicable') continue;
    const reason = `${variant}: ${verdict.why}`;
    why.set(reason, (why.get(reason) ?? 0) + 1);
  }
  const lines = [...why].sort((a, b) => b[1] - a[1]).map(([reason, n]) => `  ${String(n).padStart(4)}  ${reason}\n`);
  return lines.length === 0 ? '' : `not applicable\n${lines.join('')}`;
}

function times(results: readonly Result[]): string {
  const took = results.filter(({ verdict }) => verdict.kind !== 'not-applicable').map(({ tookMs }) => tookMs / 1000);
  if (took.length === 0) return '';
  const seconds = (part: number): string => `${quantile(took, part).toFixed(1)} s`;
  return `time of a check: median ${seconds(0.5)}, 95 % within ${seconds(0.95)}, of ${took.length}\n`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/**
 * Findings that people and robots made on lists after a patch was posted (`labels-dev.json`), and whether a report has
 * them: it does when a finding names one of the label's symbols, or one is a word of its claim or evidence (robots name
 * functions; the finding names the symbol that provides them).
 */
import { z } from 'zod';
import type { Finding, Report } from '../../rules/types.ts';
import { isSameSeries } from '../corpus/entries.ts';
import { isWordOf } from '../corpus/verdict.ts';
import { columns, quantile, share } from '../support/columns.ts';

const LABEL = z.object({
  id: z.string(),
  lists: z.array(z.string()),
  patch_mid: z.string(),
  patch_subject: z.string(),
  series: z.string(),
  /** `unmet`, `recursive`, `likely-config`, `human`, `fixup`. */
  class: z.string(),
  kind: z.string(),
  /** Hours from the patch to the report. */
  lag_h: z.number(),
  symbols: z.array(z.string()),
  providers: z.array(z.string()),
  summary: z.string(),
  /** By version of the kernel: `clean`, `fuzzy`, `no`. */
  applies: z.record(z.string(), z.string()),
});

export const LABELS = z.array(LABEL);
export type Label = Readonly<z.infer<typeof LABEL>>;

/** Whether the series of a label applies to a kernel of this version's series, as the corpus has tried it. */
export function appliesTo(label: Label, version: string): boolean {
  return Object.entries(label.applies).some(([tree, how]) => isSameSeries(tree, version) && how !== 'no');
}

export type Judged =
  | { readonly label: Label; readonly kind: 'found'; readonly rule: string }
  | { readonly label: Label; readonly kind: 'not-found'; readonly why: string }
  | { readonly label: Label; readonly kind: 'skipped'; readonly why: string };

/** What a report says of a label; `alone` of several is what no label speaks of. */
export function judgeLabel(label: Label, report: Report): Judged {
  const found = report.findings.find((finding) => isSaidBy(label, finding));
  if (found) return { label, kind: 'found', rule: found.rule };
  const dropped = report.dropped.find(({ key }) => namesOf(label).some((name) => isWordOf(key, name)));
  if (dropped) return { label, kind: 'not-found', why: `dropped ${dropped.rule}: ${dropped.why.split('\n')[0]}` };
  if (report.findings.length === 0) return { label, kind: 'not-found', why: 'nothing proposed' };
  const others = report.findings.map(({ rule, symbols }) => `${rule} (${symbols.join(' ')})`);
  return { label, kind: 'not-found', why: `other symbols: ${others.join(', ')}` };
}

/** Findings that none of a series' labels speaks of. */
export function foundAlone(labels: readonly Label[], report: Report): Finding[] {
  return report.findings.filter((finding) => !labels.some((label) => isSaidBy(label, finding)));
}

function isSaidBy(label: Label, { symbols, claim, evidence }: Finding): boolean {
  const words = JSON.stringify([claim, evidence]);
  return namesOf(label).some((name) => symbols.includes(name) || isWordOf(words, name));
}

function namesOf({ symbols, providers }: Label): string[] {
  return [...symbols, ...providers].map((name) => name.replace(/^CONFIG_/, ''));
}

/** The table by class, and a line for each label. `alone` are lines on what only depbot saw. */
export function labelsText(judged: readonly Judged[], alone: readonly string[]): string {
  const row = (name: string, some: readonly Judged[]): string[] => {
    const [found, missed, skipped] = ['found', 'not-found', 'skipped'].map((kind) =>
      some.filter((one) => one.kind === kind),
    );
    const lag = (labels: readonly Judged[]): string =>
      labels.length === 0
        ? '-'
        : `${quantile(
            labels.map(({ label }) => label.lag_h),
            0.5,
          ).toFixed(0)} h`;
    const counts = [some, found!, missed!, skipped!].map((kind) => `${kind.length}`);
    return [name, ...counts, share(found!.length, found!.length + missed!.length), lag(found!), lag(missed!)];
  };
  const classes = [...new Set(judged.map(({ label }) => label.class))].sort();
  const lines = (kind: 'found' | 'not-found'): string[] =>
    judged
      .filter((one) => one.kind === kind)
      .map((one) => {
        const { label } = one;
        const said = one.kind === 'found' ? one.rule : one.kind === 'not-found' ? one.why : '';
        return `  ${label.id} ${label.class}/${label.kind}, reported after ${label.lag_h.toFixed(0)} h: ${label.summary}\n      ${label.patch_subject}\n      depbot: ${said}\n`;
      });
  const skipped = new Map<string, number>();
  for (const one of judged) if (one.kind === 'skipped') skipped.set(one.why, (skipped.get(one.why) ?? 0) + 1);
  return [
    columns([
      ['labels', 'all', 'found', 'not found', 'skipped', 'recall', 'lag of found', 'of not found'],
      ...classes.map((cls) =>
        row(
          cls,
          judged.filter(({ label }) => label.class === cls),
        ),
      ),
      row('  all', judged),
    ]),
    section('found', lines('found')),
    section('not found', lines('not-found')),
    section('found by depbot alone: judge each', alone),
    section(
      'skipped',
      [...skipped].sort((a, b) => b[1] - a[1]).map(([why, n]) => `  ${String(n).padStart(4)}  ${why}\n`),
    ),
  ].join('');
}

export function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n${title}\n${lines.join('')}`;
}

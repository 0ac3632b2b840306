/** What came of drivers that came back. */
import { findingLines } from '../lists/quiet.ts';
import type { Checked } from './worker.ts';

export type Result = Checked | { readonly symbol: string; readonly why: string };

export function wordsOf(result: Result): string {
  if ('why' in result) return `not checked: ${result.why}`;
  const { report } = result;
  if (!report) return 'not taken out: it exports symbols';
  if (report.cannotCheck) return `not checked: ${report.cannotCheck.why}`;
  return report.findings.length === 0 ? 'silent' : `${report.findings.length} findings`;
}

/** How many are silent, each finding for judgement, and what was not checked. */
export function told(results: readonly Result[]): string {
  const silent = results.filter((one) => wordsOf(one) === 'silent').length;
  const loud = results.flatMap((one) => ('report' in one && one.report?.findings.length ? [one] : []));
  const others = results.filter((one) => /^not /.test(wordsOf(one)));
  return [
    `drivers as they are: ${silent} silent, ${loud.length} with findings, ${others.length} not checked\n`,
    ...loud.flatMap(({ symbol, report }) => [`  ${symbol}\n`, ...findingLines(report!)]),
    ...others.map((one) => `  ${one.symbol}: ${wordsOf(one)}\n`),
  ].join('');
}

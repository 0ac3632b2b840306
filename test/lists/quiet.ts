/** Series that nobody ever complained of (`quiet-dev.json`): depbot is silent on them, or has made a discovery. */
import { z } from 'zod';
import type { Report } from '../../rules/types.ts';
import { section } from './labels.ts';

export const QUIET = z.array(
  z.object({
    series: z.string(),
    lists: z.array(z.string()),
    first_patch_mid: z.string(),
    subject: z.string(),
    /** Version of the kernel that it applies to. */
    tree: z.string(),
  }),
);
export type Quiet = Readonly<z.infer<typeof QUIET>[number]>;

export type Heard =
  | { readonly quiet: Quiet; readonly ok: true; readonly report: Report }
  | { readonly quiet: Quiet; readonly ok: false; readonly why: string };

/** Counts, each finding for judgement, and why series were skipped. */
export function quietText(heard: readonly Heard[]): string {
  const checked = heard.flatMap((one) => (one.ok ? [one] : []));
  const loud = checked.filter(({ report }) => report.findings.length > 0);
  const lines = loud.flatMap(({ quiet, report }) => [
    `  ${quiet.subject} <${quiet.first_patch_mid}>\n`,
    ...findingLines(report),
  ]);
  const skipped = heard.flatMap((one) => (one.ok ? [] : [`  ${one.quiet.subject}: ${one.why}\n`]));
  const findings = loud.reduce((sum, { report }) => sum + report.findings.length, 0);
  return [
    `quiet series: ${checked.length - loud.length} silent, ${loud.length} with ${findings} findings, ${skipped.length} skipped\n`,
    section('findings: judge each, a discovery needs a build to prove it', lines),
    section('skipped', skipped),
  ].join('');
}

/** A line for each finding of a report. */
export function findingLines({ findings }: Report): string[] {
  return findings.map(
    ({ rule, symbols, anchor }) =>
      `      ${rule} (${symbols.join(' ')}) at ${anchor.file}:${anchor.line}, patch ${anchor.patch}\n`,
  );
}

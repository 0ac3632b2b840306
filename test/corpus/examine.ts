/** One entry of the corpus, from its facts to a verdict, by the code behind `depbot check --json`. */
import type { CheckOptions } from '../../queue/check.ts';
import { check } from '../../queue/check.ts';
import type { Dropped, Report, Rung } from '../../rules/types.ts';
import type { Entry, Variant } from './entries.ts';
import { isConfirmed } from './entries.ts';
import { seriesIn } from './patch-mail.ts';
import { proofOf } from './proof.ts';
import type { Place } from './recreate.ts';
import { recreate } from './recreate.ts';
import type { Verdict } from './verdict.ts';
import { concernOf, judge } from './verdict.ts';

/** What came of an entry; JSON-safe, so that two runs can be compared. */
export interface Result {
  readonly id: string;
  readonly variant: Variant;
  /** Absent for a harmless change. */
  readonly class?: string;
  /** An experiment of the corpus showed the fault. */
  readonly confirmed: boolean;
  /** For a harmless change: `hit` is silence. */
  readonly verdict: Verdict;
  readonly base?: string;
  readonly findings: readonly Said[];
  readonly dropped: readonly Dropped[];
  /** Of the check alone. */
  readonly tookMs: number;
}

/** A finding in short. */
export interface Said {
  readonly rule: string;
  readonly key: string;
  readonly symbols: readonly string[];
  /** `path:line` of its anchor. */
  readonly at: string;
  /** How far it was proved; and of a claim about code that was not built, why. */
  readonly rung: Rung;
  readonly notBuilt?: string;
}

export function saidOf(report: Report): Said[] {
  return report.findings.map(({ rule, key, symbols, anchor, verification: { rung, notBuilt } }) => ({
    rule,
    key,
    symbols,
    at: `${anchor.file}:${anchor.line}`,
    rung,
    ...(notBuilt !== undefined && { notBuilt }),
  }));
}

/** Re-creates an entry and checks it. Throws what check() throws; what the entry can cause is in the verdict. */
export async function examine(
  entry: Entry,
  variant: Variant,
  place: Place,
  options: Omit<CheckOptions, 'now'>,
): Promise<Result> {
  const about = {
    id: entry.id,
    variant,
    ...(entry.class !== undefined && { class: entry.class }),
    confirmed: isConfirmed(entry, place.version),
  };
  const made = await recreate(entry, variant, place);
  if (!made.ok) {
    const verdict: Verdict = { kind: 'not-applicable', why: made.why };
    return { ...about, verdict, findings: [], dropped: [], tookMs: 0 };
  }
  const series = await seriesIn(made.mail, entry.id);
  const began = performance.now();
  const report = await check(series, place.repo, { ...options, now: () => performance.now() });
  const tookMs = Math.round(performance.now() - began);
  const verdict =
    entry.class === undefined ? silence(report) : judge(concernOf(entry, variant, made.files), entry.class, report);
  // What an experiment has shown needs no proof, and has none.
  const proof =
    entry.class !== undefined && verdict.kind === 'miss' && !about.confirmed
      ? await proofOf(entry.class, concernOf(entry, variant, made.files).owners, report, place.repo, options)
      : undefined;
  return {
    ...about,
    verdict: proof === undefined ? verdict : { kind: 'not-applicable', why: proof },
    ...(report.applied && { base: report.applied.base.how }),
    findings: saidOf(report),
    dropped: report.dropped,
    tookMs,
  };
}

function silence({ cannotCheck, findings }: Report): Verdict {
  if (cannotCheck) return { kind: 'not-applicable', why: `not checked: ${cannotCheck.why}` };
  if (findings.length === 0) return { kind: 'hit', rule: 'silence', own: true };
  return { kind: 'miss', why: findings.map(({ rule, symbols }) => `${rule} (${symbols.join(' ')})`).join(', ') };
}

/** A series of a Maildir, found by one of its mails and checked by the code behind `depbot check --json`. */
import { readSeries } from '../../bot/intake.ts';
import type { CheckOptions } from '../../queue/check.ts';
import { check } from '../../queue/check.ts';
import type { Repository } from '../../queue/repository.ts';
import type { Assembled, MessageId, Outcome, Report } from '../../rules/types.ts';

/** The report on the series that a mail (a patch or the cover letter) belongs to, or why there is none. */
export async function examineSeries(
  maildir: string,
  id: MessageId,
  repo: Repository,
  options: Omit<CheckOptions, 'now'>,
): Promise<Outcome<{ report: Report }, { why: string }>> {
  const { series } = await readSeries({ path: maildir });
  const found = series.find((one) => messagesOf(one).includes(id));
  if (found === undefined) return { ok: false, why: 'the mail belongs to no series' };
  if (!found.complete)
    return { ok: false, why: `patches ${found.missing.join(', ')} of ${found.total} are in no mirror` };
  const report = await check(found, repo, { ...options, now: () => performance.now() });
  if (report.cannotCheck) return { ok: false, why: `${report.cannotCheck.stage}: ${report.cannotCheck.why}` };
  return { ok: true, report };
}

function messagesOf(series: Assembled): MessageId[] {
  const patches = series.complete ? series.patches : series.have;
  return [...(series.cover ? [series.cover.messageId] : []), ...patches.map(({ message }) => message.messageId)];
}

/** The series of a job, put together again from its mails. */

import { type CheckJob, seriesKey } from '../queue/jobs.ts';
import type { Series } from '../rules/types.ts';
import { parseMessage } from './message.ts';
import { assemble } from './series.ts';

/** Throws an Error when the job's mails are not the series that its key names: a job of another version, or forged. */
export function seriesOfJob(job: CheckJob): Series {
  const messages = job.mails.map((mail) => {
    const parsed = parseMessage(Buffer.from(mail, 'base64'));
    if (!parsed.ok) throw new Error(`job ${job.key} (${job.subject}): one of its mails cannot be read: ${parsed.why}`);
    return parsed.message;
  });
  const series = assemble(messages).series.find((one) => one.complete && seriesKey(one) === job.key);
  if (!series?.complete) throw new Error(`job ${job.key} (${job.subject}): its mails are not the series it names`);
  return series;
}

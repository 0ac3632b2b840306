/** The series of a job, put together again from its mails. */

import { type CheckJob, seriesKey } from '../queue/jobs.ts';
import type { Message, Patch, Series, Subject } from '../rules/types.ts';
import { parseMessage } from './message.ts';
import { parsePatch } from './patch.ts';
import { senderOf } from './sender.ts';
import { assemble } from './series.ts';
import { parseSubject } from './subject.ts';
import { parseBaseInfo } from './trailers.ts';

/** Throws an Error when the job's mails are not the series that its key names: a job of another version, or forged. */
export function seriesOfJob(job: CheckJob): Series {
  const messages = job.mails.map((mail) => {
    const parsed = parseMessage(Buffer.from(mail, 'base64'));
    if (!parsed.ok) throw new Error(`job ${job.key} (${job.subject}): one of its mails cannot be read: ${parsed.why}`);
    return parsed.message;
  });
  const isIt = (series: Series | undefined): series is Series =>
    series !== undefined && seriesKey(series, job.asked) === job.key;
  const assembled = assemble(messages).series.find((one) => one.complete && isIt(one));
  const series = assembled?.complete ? assembled : inOrder(messages);
  if (!isIt(series)) throw new Error(`job ${job.key} (${job.subject}): its mails are not the series it names`);
  return series;
}

/**
 * Mails that do not assemble by themselves, taken as they lie in the job: the cover letter where there is one, then
 * the patches in order. So it is with patches carried over from a revision whose other patches the job does not have.
 */
function inOrder(messages: readonly Message[]): Series | undefined {
  const parsed = messages.map(parsePatch);
  const subject = parseSubject(messages[0]!.subject);
  const cover = (subject.n === 0 && !subject.counterInferred) || !parsed[0]!.ok ? messages[0] : undefined;
  const total = messages.length - (cover ? 1 : 0);
  const patches = parsed.slice(cover ? 1 : 0).flatMap((one) => (one.ok ? [one.patch] : []));
  const [first, ...rest] = patches.map((patch, index): Patch => ({ ...patch, n: index + 1, total }));
  if (!first || patches.length !== total) return undefined;

  const all: readonly [Patch, ...Patch[]] = [first, ...rest];
  const subjects = all.map(({ message }) => parseSubject(message.subject));
  const newest = subjects.reduce((best, one) => (compareRevisions(one, best) > 0 ? one : best));
  const isOwn = ({ n }: Patch): boolean => compareRevisions(subjects[n - 1]!, newest) === 0;
  const own = all.filter(isOwn);
  const carriedOver = all.filter((patch) => !isOwn(patch)).map(({ n }) => n);
  const head = cover ?? own[0]!.message;
  // What the newest revision says counts first.
  const infos = [...(cover ? [cover] : []), ...[...own, ...all].map(({ message }) => message)].map(({ body }) =>
    parseBaseInfo(body),
  );
  const baseCommit = infos.find((info) => info.baseCommit !== undefined)?.baseCommit;
  const changeId = infos.find((info) => info.changeId !== undefined)?.changeId;
  return {
    complete: true,
    id: head.messageId,
    revision: newest.revision,
    subject: head.subject,
    author: senderOf(head) ?? head.from,
    ...(cover && { cover }),
    patches: all,
    tags: [...new Set(subjects.flatMap(({ tags }) => tags))],
    ...(baseCommit !== undefined && { baseCommit }),
    prerequisites: infos.find((info) => info.prerequisites.length > 0)?.prerequisites ?? [],
    ...(changeId !== undefined && { changeId }),
    carriedOver,
    oddities: carriedOver.length === 0 ? [] : [`carried over from an earlier revision: ${carriedOver.join(', ')}`],
  };
}

/** v1.1 is later than v1. */
function compareRevisions(a: Subject, b: Subject): number {
  return a.revision - b.revision || (a.subRevision ?? 0) - (b.subRevision ?? 0);
}

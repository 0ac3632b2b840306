/**
 * Intake: from a mailbox to series. Malformed mails are reported and the others still processed.
 */

import type { Assembled, Message } from '../rules/types.ts';
import { type MailInput, readMails } from './mailbox.ts';
import { parseMessage } from './message.ts';
import { CUT_SHORT, parsePatch } from './patch.ts';
import { assemble, type LeftOver } from './series.ts';
import { parseSubject } from './subject.ts';

/** Characters of a subject that a problem repeats. */
const MAX_SUBJECT = 120;

export interface Intake {
  readonly series: Assembled[];
  /** Mails that could not be read, or only in part, where each was, and the subject in `why` where it is known. */
  readonly problems: { where: string; why: string }[];
  /** Mails that belong to no series, and why. */
  readonly leftOver: LeftOver[];
}

/**
 * Reads all mails of the input and puts them together. A mail whose diff is cut short is a
 * problem and still takes part, so that the series names it.
 *
 * Throws: MailboxError when the machine fails.
 */
export async function readSeries(input: MailInput): Promise<Intake> {
  const problems: { where: string; why: string }[] = [];
  const messages: Message[] = [];
  for await (const mail of readMails(input)) {
    if ('why' in mail) {
      problems.push({ where: mail.where, why: mail.why });
      continue;
    }
    const parsed = parseMessage(mail.raw);
    if (!parsed.ok) {
      problems.push({ where: mail.where, why: withSubject(parsed.why, parsed.subject) });
      continue;
    }
    messages.push(parsed.message);
    const cut = cutShort(parsed.message);
    if (cut !== undefined) problems.push({ where: mail.where, why: withSubject(cut, parsed.message.subject) });
  }
  return { ...assemble(messages), problems };
}

/** Somebody who answers quotes what they like. */
function cutShort(message: Message): string | undefined {
  if (parseSubject(message.subject).isReply) return undefined;
  const parsed = parsePatch(message);
  return parsed.ok ? parsed.oddities.find((oddity) => oddity.startsWith(CUT_SHORT)) : undefined;
}

function withSubject(why: string, subject = ''): string {
  return subject === '' ? why : `${why} (subject: ${JSON.stringify(subject.slice(0, MAX_SUBJECT))})`;
}

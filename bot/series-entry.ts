/**
 * Messages sorted out for assembly: copies of one mail merged, patches and cover letters told
 * from everything else. Results do not depend on the order in which mails came.
 */

import type { Message, MessageId, Patch, Subject } from '../rules/types.ts';
import { looksLikeDiff, parseDiff } from './diff.ts';
import { SEVERAL_PATCHES } from './message.ts';
import { parsePatch } from './patch.ts';
import { isFromPerson, posterOf } from './sender.ts';
import { parseSubject } from './subject.ts';

export interface LeftOver {
  readonly messageId: MessageId;
  readonly why: string;
}

/** A patch or cover letter on its way into a series. */
export interface Entry {
  readonly message: Message;
  readonly subject: Subject;
  /** Absent for a cover letter. */
  readonly patch?: Patch;
  readonly oddities: readonly string[];
  /** The mailbox that it was posted from, in lower case. */
  readonly sender: string;
  /** Date in milliseconds; infinite when unknown, which sorts last. */
  readonly time: number;
  /** As the subject says, until assembly knows better. */
  revision: number;
  n: number;
  total: number;
  group: Group;
}

/** Entries that are taken to be one series. */
export interface Group {
  entries: Entry[];
  /** A cover letter without 0/n. */
  naked?: Message;
  /** What assembly assumed, for the series' oddities. */
  notes: string[];
}

export interface Sorted {
  readonly entries: Entry[];
  /** The rest, with the reason why it is no part of a series. */
  readonly others: { readonly message: Message; readonly why: string }[];
}

/** Merges copies and sorts messages into entries and others; both by date, then Message-ID. */
export function sortMessages(messages: readonly Message[]): Sorted {
  const entries: Entry[] = [];
  const others: { message: Message; why: string }[] = [];
  for (const { message, oddities } of mergeCopies(messages)) {
    const sorted = classify(message);
    if ('why' in sorted) {
      others.push({ message, why: sorted.why });
      continue;
    }
    const { subject, patch } = sorted;
    const group: Group = { entries: [], notes: [] };
    const entry: Entry = {
      message,
      subject,
      ...(patch && { patch }),
      oddities: [...oddities, ...sorted.oddities],
      sender: posterOf(message),
      time: timeOf(message),
      revision: subject.revision,
      n: subject.n,
      total: subject.total,
      group,
    };
    group.entries.push(entry);
    entries.push(entry);
  }
  entries.sort((a, b) => compareMessages(a.message, b.message));
  others.sort((a, b) => compareMessages(a.message, b.message));
  return { entries, others };
}

/** By Date, unknown ones last, then by Message-ID. */
export function compareMessages(a: Message, b: Message): number {
  const [timeA, timeB] = [timeOf(a), timeOf(b)];
  if (timeA !== timeB) return timeA < timeB ? -1 : 1;
  return a.messageId < b.messageId ? -1 : a.messageId > b.messageId ? 1 : 0;
}

/** Date in milliseconds; infinite when unknown. */
export function timeOf(message: Message): number {
  const time = message.date === undefined ? Number.NaN : Date.parse(message.date);
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
}

/** Far above the longest that lists have seen; what is missing is listed by number. */
const MAX_PATCHES = 99_999;

type Classified = { subject: Subject; patch?: Patch; oddities: readonly string[] } | { why: string };

function classify(message: Message): Classified {
  const subject = parseSubject(message.subject);
  const hasDiff = looksLikeDiff(message.body);
  if (subject.isReply) return { why: hasDiff ? 'it is a reply with a diff in it, not a patch' : 'it is a reply' };
  const counted = Math.max(subject.n, subject.total);
  if (counted > MAX_PATCHES)
    return { why: `its subject counts ${counted} patches; a series of more than ${MAX_PATCHES} is not taken` };
  if (message.oddities.includes(SEVERAL_PATCHES)) return { why: SEVERAL_PATCHES };
  if (subject.n === 0 && !subject.counterInferred)
    return isPull(message, subject) ? { why: PULL } : { subject, oddities: message.oddities };
  const patch = parsePatch(message);
  if (!patch.ok) {
    if (isPull(message, subject)) return { why: PULL };
    if (!subject.isPatch) return { why: 'it is no patch: it carries no diff' };
    return { why: `its subject says patch ${subject.n}/${subject.total}, but ${patch.why}` };
  }
  // A mail in a thread with another subject than a patch's is a remark with a diff in it, "Re:" or not.
  const isPosted =
    subject.isPatch || subject.isRfc || message.references.length === 0 || /^patch\b/i.test(subject.title);
  if (!isPosted)
    return { why: 'it answers another mail, and its subject does not say patch; the diff in it was not taken' };
  return { subject, patch: patch.patch, oddities: patch.oddities };
}

const PULL = 'it is a git pull request, not a patch';

/** git-request-pull(1) writes the two sentences; the subject alone is enough too. */
function isPull(message: Message, subject: Subject): boolean {
  const words = subject.tags.map((tag) => tag.toLowerCase());
  if (words.includes('pull')) return true;
  return (
    /^The following changes since commit [0-9a-f]{40}/m.test(message.body) &&
    /^are available in the Git repository at:/im.test(message.body)
  );
}

interface Merged {
  message: Message;
  oddities: readonly string[];
}

/** One message for each Message-ID, with the List-Ids of all its copies. */
function mergeCopies(messages: readonly Message[]): Merged[] {
  const copies = new Map<MessageId, Message[]>();
  for (const message of messages) {
    const known = copies.get(message.messageId);
    if (known) known.push(message);
    else copies.set(message.messageId, [message]);
  }
  return [...copies.values()].map((all) => mergeOne(all));
}

function mergeOne(all: readonly Message[]): Merged {
  const [best, ...rest] = [...all].sort(compareCopies);
  if (!best) throw new Error('a message without copies');
  if (rest.length === 0) return { message: best, oddities: [] };
  const listIds = [...new Set(all.flatMap((copy) => copy.listIds))].sort();
  // Lists append footers and tag subjects; a copy that says something else is worth a word.
  const differs = rest.some((copy) => !copy.body.trimEnd().startsWith(best.body.trimEnd()));
  return {
    message: { ...best, listIds },
    oddities: differs ? ['copies of this mail differ in their text; the cleanest was taken'] : [],
  };
}

function isCutShort({ body }: Message): boolean {
  return parseDiff(body).cutShort !== undefined;
}

/** The cleanest copy first: whole, with its sender in From, fewest oddities, then by contents, so that arrival order never matters and a text sorts before itself with a footer. */
function compareCopies(a: Message, b: Message): number {
  const diffs = Number(looksLikeDiff(b.body)) - Number(looksLikeDiff(a.body));
  if (diffs !== 0) return diffs;
  const cuts = Number(isCutShort(a)) - Number(isCutShort(b));
  if (cuts !== 0) return cuts;
  const senders = Number(isFromPerson(b)) - Number(isFromPerson(a));
  if (senders !== 0) return senders;
  if (a.oddities.length !== b.oddities.length) return a.oddities.length - b.oddities.length;
  if (a.body !== b.body) return a.body < b.body ? -1 : 1;
  return Buffer.compare(a.raw, b.raw);
}

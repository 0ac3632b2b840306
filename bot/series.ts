/**
 * Series assembly: from mails in any order to series, each revision its own. An incomplete
 * series is a type of its own and says what is missing; a mail that belongs to none is named
 * with the reason.
 */

import type { Assembled, Message, MessageId } from '../rules/types.ts';
import { type Built, buildGroup, carryOver } from './series-build.ts';
import { type Group, type LeftOver, sortMessages } from './series-entry.ts';
import { groupEntries, isEarlier } from './series-thread.ts';
import { Threads } from './threads.ts';

export type { LeftOver } from './series-entry.ts';

export interface Assembly {
  /** By Date of the first mail, then revision, then id. */
  readonly series: Assembled[];
  /** By Message-ID. */
  readonly leftOver: LeftOver[];
}

/**
 * Puts mails together. The result does not depend on their order; copies of one mail (same
 * Message-ID through several lists) count once, with all their List-Ids.
 */
export function assemble(messages: readonly Message[]): Assembly {
  const { entries, others } = sortMessages(messages);
  const threads = new Threads(
    [...entries.map((entry) => entry.message), ...others.map((other) => other.message)],
    entries,
  );
  const groups = groupEntries(entries, threads).sort(compareGroups);

  const built = new Map<Group, Built>();
  const carriers = new Map<MessageId, Built>();
  // Earlier revisions come first, so that a partial v3 can stand on a partial v2.
  for (const group of groups) {
    const own = buildGroup(group);
    const carried = carryOver(own, threads, built, carriers);
    built.set(group, carried ?? own);
    if (carried) for (const { messageId } of carriedMails(carried.assembled)) carriers.set(messageId, carried);
  }
  const all = [...built.values()];
  const covers = new Set(groups.flatMap((group) => group.naked?.messageId ?? []));
  const leftOver = [
    ...others
      .filter(({ message }) => !covers.has(message.messageId))
      .map(({ message, why }) => ({ messageId: message.messageId, why })),
    ...all.flatMap((one) => one.leftOver),
  ];
  return {
    series: all.map((one) => one.assembled).sort(compareSeries),
    leftOver: leftOver.sort((a, b) => compareText(a.messageId, b.messageId)),
  };
}

/** Mails of a series: cover letter and patches. */
export function mailsOf(series: Assembled): Message[] {
  const patches = series.complete ? series.patches : series.have;
  return [...(series.cover ? [series.cover] : []), ...patches.map((patch) => patch.message)];
}

/** Of these, the mails that a series has from an earlier revision. */
export function carriedMails(series: Assembled): Message[] {
  if (!series.complete) return [];
  return series.patches.filter(({ n }) => series.carriedOver.includes(n)).map(({ message }) => message);
}

function compareGroups(a: Group, b: Group): number {
  const [x, y] = [a.entries[0], b.entries[0]];
  if (!x || !y) return 0;
  return Number(isEarlier(y, x)) - Number(isEarlier(x, y));
}

function compareSeries(a: Assembled, b: Assembled): number {
  return compareText(firstDate(a), firstDate(b)) || a.revision - b.revision || compareText(a.id, b.id);
}

/** `~` sorts after every date. */
function firstDate(series: Assembled): string {
  const first =
    series.cover ??
    (series.complete ? series.patches : series.have).find((patch) => patch.message.messageId === series.id)?.message;
  return first?.date ?? '~';
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Positions and revisions that subjects do not say: patches without counters, series posted again without vN. */

import type { Entry, Group } from './series-entry.ts';
import { isComplete, isCoverOnly, merge, tagsOf } from './series-group.ts';
import { isLetterOf, parentId, referencesOf, type Threads } from './threads.ts';

/** A cover 0/n answered directly by exactly n patches without counters: numbered by date. */
export function numberUncounted(entries: readonly Entry[]): void {
  const uncounted = Map.groupBy(
    entries.filter((entry) => entry.subject.counterInferred),
    (entry) => parentId(entry.message),
  );
  for (const cover of entries.filter((entry) => entry.n === 0 && isCoverOnly(entry.group))) {
    const children = (uncounted.get(cover.message.messageId) ?? []).filter(
      (entry) => entry.group.entries.length === 1 && entry.sender === cover.sender && entry.revision === cover.revision,
    );
    if (children.length === 0 || children.length !== cover.total) continue;
    children.forEach((child, i) => {
      child.n = i + 1;
      child.total = cover.total;
      merge(cover.group, child.group);
    });
    cover.group.notes.push(NOT_NUMBERED);
  }
}

const NOT_NUMBERED = 'the patches are not numbered; they were put in order of their dates';

/**
 * A letter without a counter answered directly by several patches without counters, as `git send-email` without
 * `-n` leaves them: one series, numbered by date. A title that comes again has its first position.
 */
export function numberBelowLetters(entries: readonly Entry[], threads: Threads): void {
  const uncounted = entries.filter((entry) => {
    const parent = parentId(entry.message);
    const letter = parent === undefined ? undefined : threads.message(parent);
    const isAlone = entry.subject.counterInferred && entry.group.entries.length === 1;
    return isAlone && letter !== undefined && isLetterOf(letter, entry);
  });
  const below = Map.groupBy(uncounted, ({ message, revision, subject }) =>
    JSON.stringify([parentId(message), revision, subject.subRevision ?? 0, subject.isResend]),
  );
  for (const [first, ...rest] of below.values()) {
    if (!first || rest.length === 0) continue;
    const titles = [...new Set([first, ...rest].map(({ subject }) => subject.title))];
    if (titles.length === 1) continue;
    for (const entry of [first, ...rest]) {
      entry.n = titles.indexOf(entry.subject.title) + 1;
      entry.total = titles.length;
      merge(first.group, entry.group);
    }
    first.group.notes.push(NOT_NUMBERED);
  }
}

/** A single patch posted again below its first posting, under the same title and without vN, is the next revision. */
export function countReposts(entry: Entry, threads: Threads): void {
  const isSingle = (other: Entry) => other.n === 1 && other.total === 1 && other.group.entries.length === 1;
  if (!isSingle(entry) || !entry.subject.revisionInferred || entry.subject.isResend) return;
  const first = threads.nearest(
    entry,
    (above) =>
      isSingle(above) &&
      above.sender === entry.sender &&
      above.time < entry.time &&
      above.subject.title === entry.subject.title,
  );
  if (!first) return;
  entry.revision = first.revision + 1;
  entry.group.notes.push(`posted again without a revision; taken as v${entry.revision}`);
}

/**
 * Patches that all come again without vN or RESEND, under the same titles and to the same files, are the next
 * revision. Titles alone would not do: two drivers may get the same fix.
 */
export function countWholeReposts(groups: readonly Group[]): void {
  const newest = new Map<string, Group>();
  for (const group of groups) {
    const key = isComplete(group) ? repostKey(group) : undefined;
    if (key === undefined) continue;
    const before = newest.get(key)?.entries[0];
    newest.set(key, group);
    if (!before) continue;
    const revision = before.revision + 1;
    if (group.entries.some((entry) => entry.revision >= revision)) continue;
    for (const entry of group.entries) entry.revision = revision;
    group.notes.push(`posted again without a revision; taken as v${revision}`);
  }
}

function repostKey({ entries }: Group): string | undefined {
  const [first] = entries;
  if (!first || entries.some(({ subject }) => !subject.revisionInferred || subject.isResend)) return undefined;
  const mails = [...entries]
    .sort((a, b) => a.n - b.n)
    .map((entry) => {
      const files = entry.patch?.diff.map((file) => file.newPath ?? file.oldPath);
      return [entry.n, tagsOf(entry), entry.subject.title, files];
    });
  return JSON.stringify([first.sender, mails]);
}

/** A mail such as 6/5 that came alone and answers nothing: there is no series to wait for. */
export function countBeyondTotal(entry: Entry): void {
  const { group, n, total } = entry;
  if (n <= total || group.entries.length > 1 || referencesOf(entry.message).length > 0) return;
  entry.n = 1;
  entry.total = 1;
  group.notes.push(`its subject says ${n}/${total}; taken as a single patch`);
}

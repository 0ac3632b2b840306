/**
 * Which patches and cover letters belong together: by threading (RFC 5322 section 3.6.4), and
 * where that is missing by sender, revision, length and time.
 *
 * Steps run in a fixed order over entries sorted by date, so that arrival order changes nothing.
 * Every step only merges groups whose positions do not collide, unless it says otherwise.
 */

import { isMadeId } from './message.ts';
import type { Entry, Group } from './series-entry.ts';
import { collide, groupsOf, isComplete, isCoverOnly, merge, positions, Tally, tagsOf } from './series-group.ts';
import {
  countBeyondTotal,
  countReposts,
  countWholeReposts,
  numberBelowLetters,
  numberUncounted,
} from './series-numbers.ts';
import { isLetterOf, parentId, referencesOf, type Threads } from './threads.ts';

/** Mails of an unthreaded series come within this of each other. */
export const UNTHREADED_GAP_MS = 30 * 60 * 1000;

/** Puts entries into groups (`entry.group`); may correct `revision`, `n` and `total`. Returns the groups, in order of their first mail. */
export function groupEntries(entries: readonly Entry[], threads: Threads): Group[] {
  inheritRevisions(entries, threads);
  for (const entry of entries) joinAbove(entry, threads);
  joinBuckets(
    entries,
    (entry) => siblingKey(entry, threads),
    () => true,
  );
  joinBuckets(
    entries,
    (entry) => rerollKey(entry, threads),
    () => true,
  );
  joinBuckets(
    entries,
    (entry) => (entry.total > 1 ? `${keyOf(entry)} ${tagsOf(entry)}` : undefined),
    (a, b) => !isAnchored(a) || !isAnchored(b),
    UNTHREADED_GAP_MS,
  );
  joinBuckets(entries, unpostedKey, () => true);
  joinUnpostedCovers(entries);
  for (const entry of entries) joinDespiteCounters(entry, threads);
  for (const entry of entries) joinResent(entry, threads);
  numberUncounted(entries);
  numberBelowLetters(entries, threads);
  for (const entry of entries) countReposts(entry, threads);
  countWholeReposts(groupsOf(entries));
  for (const entry of entries) countBeyondTotal(entry);
  for (const group of groupsOf(entries)) findNakedCover(group, threads);
  return groupsOf(entries);
}

/** Who, which revision (partial ones apart), how long, resent or not. */
function keyOf(entry: Entry): string {
  const { subject } = entry;
  return JSON.stringify([entry.sender, entry.revision, subject.subRevision ?? 0, entry.total, subject.isResend]);
}

/** A patch without vN below a cover letter or first patch of vN is of that revision. */
function inheritRevisions(entries: readonly Entry[], threads: Threads): void {
  for (const entry of entries) {
    if (!entry.subject.revisionInferred || entry.n === 0) continue;
    const isHead = (above: Entry) =>
      !above.subject.revisionInferred &&
      above.sender === entry.sender &&
      (above.total === entry.total || above.total === 0) &&
      above.n < entry.n;
    const head = threads.nearest(entry, isHead);
    if (!head || head.revision === entry.revision) continue;
    entry.revision = head.revision;
    entry.group.notes.push(`patch ${entry.n}/${entry.total} does not say its revision; taken as v${head.revision}`);
  }
}

/**
 * Joins the nearest mail above that is of the same series and comes before this one. A cover
 * letter begins a series and patch 1 answers only a cover, so a second series by the same
 * sender in the same thread stays apart.
 */
function joinAbove(entry: Entry, threads: Threads): void {
  if (entry.n === 0) return;
  const key = keyOf(entry);
  const isBefore = (above: Entry) => above.n < entry.n && above.total === entry.total && keyOf(above) === key;
  const above = threads.nearest(entry, isBefore);
  if (!above) return;
  // A bare [PATCH] below a full series of one is another patch, not a second 1/1.
  if (entry.subject.counterInferred && collide(above.group, entry.group)) return;
  merge(above.group, entry.group);
}

/** Entries without a head of their own that answer the same mail, which may not have come. */
function siblingKey(entry: Entry, threads: Threads): string | undefined {
  const parent = parentId(entry.message);
  if (parent === undefined || entry.n === 0 || entry.total < 2 || isUnderOwn(entry, threads)) return undefined;
  return `${keyOf(entry)} ${tagsOf(entry)} ${parent}`;
}

function isUnderOwn(entry: Entry, threads: Threads): boolean {
  return threads.nearest(entry, (above) => above.group === entry.group) !== undefined;
}

/** Re-sent patches of one revision that each answer their own earlier selves. */
function rerollKey(entry: Entry, threads: Threads): string | undefined {
  const old = earlierSelf(entry, threads);
  return old && `${keyOf(entry)} ${old.group.entries[0]?.message.messageId}`;
}

/** The same position of an earlier revision, above in the thread. */
export function earlierSelf(entry: Entry, threads: Threads): Entry | undefined {
  const isSelf = (above: Entry) =>
    above.n === entry.n && above.total === entry.total && above.sender === entry.sender && isEarlier(above, entry);
  return entry.n === 0 ? undefined : threads.nearest(entry, isSelf);
}

/** Whether a is of an earlier revision than b; v1.1 lies between v1 and v2. */
export function isEarlier(a: Entry, b: Entry): boolean {
  return (
    a.revision < b.revision ||
    (a.revision === b.revision && (a.subject.subRevision ?? 0) < (b.subject.subRevision ?? 0))
  );
}

/** Merges, within each bucket and by date, incomplete groups that do not collide, and that follow each other within a time. */
function joinBuckets(
  entries: readonly Entry[],
  bucketOf: (entry: Entry) => string | undefined,
  mayJoin: (a: Group, b: Group) => boolean,
  gapMs?: number,
): void {
  const buckets = new Map<string, Entry[]>();
  for (const entry of entries) {
    const bucket = bucketOf(entry);
    if (bucket === undefined) continue;
    const known = buckets.get(bucket);
    if (known) known.push(entry);
    else buckets.set(bucket, [entry]);
  }
  for (const bucket of buckets.values()) {
    let open: Tally | undefined;
    let before: Entry | undefined;
    for (const entry of bucket) {
      const { group } = entry;
      // Entries without a Date have an infinite time, and are near none.
      const isNear = gapMs === undefined || (before && entry.time - before.time <= gapMs);
      before = entry;
      if (group === open?.group) continue;
      const fits = open && isNear && !open.isComplete && !isComplete(group) && !open.collides(group);
      if (open && fits && mayJoin(open.group, group)) open.merge(group);
      else open = new Tally(group);
    }
  }
}

/**
 * Files of `git format-patch` that were never posted: From and Date are those of each commit, so
 * the patches of one series may be by several people and years apart.
 */
function unpostedKey(entry: Entry): string | undefined {
  const { message, subject, total } = entry;
  if (total < 2 || !isMadeId(message.messageId) || referencesOf(message).length > 0) return undefined;
  return JSON.stringify([entry.revision, subject.subRevision ?? 0, total, subject.isResend, tagsOf(entry)]);
}

/** The cover letter of such files is dated later than its patches, when they are all together already. */
function joinUnpostedCovers(entries: readonly Entry[]): void {
  const headless = new Map<string, Set<Group>>();
  const covers: [key: string, group: Group][] = [];
  for (const entry of entries) {
    const key = unpostedKey(entry);
    if (key === undefined) continue;
    if (entry.n === 0 && entry.group.entries.length === 1) covers.push([key, entry.group]);
    else if (entry.n > 0) headless.set(key, (headless.get(key) ?? new Set()).add(entry.group));
  }
  for (const [key, cover] of covers) {
    const [only, ...rest] = headless.get(key) ?? [];
    if (only && rest.length === 0 && !collide(only, cover)) merge(only, cover);
  }
}

/** Whether it answers a mail outside itself: two such groups are apart on purpose. */
function isAnchored(group: Group): boolean {
  const own = new Set(group.entries.map((entry) => entry.message.messageId));
  return group.entries.some((entry) => referencesOf(entry.message).some((id) => !own.has(id)));
}

/** Counters that disagree within a thread: 2/4 among 1/3 and 3/3, a cover 0/3 above four patches, a cover 0/0. */
function joinDespiteCounters(entry: Entry, threads: Threads): void {
  const { group } = entry;
  if (entry.n === 0 || isUnderOwn(entry, threads)) return;
  const above = threads.nearest(entry, (other) => other.group !== group);
  if (
    !above ||
    above.revision !== entry.revision ||
    (above.subject.subRevision ?? 0) !== (entry.subject.subRevision ?? 0)
  )
    return;
  const isSameSender = above.sender === entry.sender;
  const hasCover = positions(group).has(0);
  if (isCoverOnly(above.group) && !hasCover) {
    const fits = above.total === entry.total || (isSameSender && (above.total === 0 || !entry.subject.counterInferred));
    if (fits) merge(above.group, group);
  } else if (
    isSameSender &&
    above.subject.isResend === entry.subject.isResend &&
    !isComplete(group) &&
    !isComplete(above.group) &&
    !collide(group, above.group)
  ) {
    merge(above.group, group);
  }
}

/** Single patches sent again with RESEND below the series they belong to: fill a hole or replace their first copy. */
function joinResent(entry: Entry, threads: Threads): void {
  if (!entry.subject.isResend || entry.n === 0 || isComplete(entry.group) || positions(entry.group).has(0)) return;
  const isOriginal = (above: Entry) =>
    above.group !== entry.group &&
    above.sender === entry.sender &&
    above.revision === entry.revision &&
    above.total === entry.total;
  const original = threads.nearest(entry, isOriginal);
  if (original) merge(original.group, entry.group);
}

/** A thread's first mail, without diff and counter but by the same sender, that all patches hang from. */
function findNakedCover(group: Group, threads: Threads): void {
  const first = group.entries[0];
  if (!first || positions(group).has(0)) return;
  const own = new Set(group.entries.map((entry) => entry.message.messageId));
  const parents = new Set(
    group.entries.map((entry) => parentId(entry.message)).filter((id) => id === undefined || !own.has(id)),
  );
  const [only] = parents;
  const root = only === undefined || parents.size !== 1 ? undefined : threads.message(only);
  if (root && isLetterOf(root, first)) group.naked = root;
}

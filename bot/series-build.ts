/**
 * From a group of entries to a Series or PartialSeries: one patch for each position, what the
 * mails say about the base, and patches carried over where a revision re-sent only some.
 */

import type { Assembled, Message, MessageId, Patch, Series } from '../rules/types.ts';
import { looksLikeDiff } from './diff.ts';
import { CUT_SHORT } from './patch.ts';
import { senderOf } from './sender.ts';
import { compareMessages, type Entry, type Group, type LeftOver } from './series-entry.ts';
import { totalOf } from './series-group.ts';
import { earlierSelf } from './series-thread.ts';
import type { Threads } from './threads.ts';
import { type BaseInfo, parseBaseInfo } from './trailers.ts';

export interface Built {
  readonly assembled: Assembled;
  readonly group: Group;
  readonly leftOver: readonly LeftOver[];
}

/** Builds what the group holds by itself. A patch that was cut short is missing, and is among those that came. */
export function buildGroup(group: Group): Built {
  const { chosen, leftOver, notes } = choosePerPosition(group);
  const total = totalOf(group);
  const coverEntry = chosen.find((entry) => entry.n === 0);
  const cover = coverEntry?.message ?? group.naked;
  const patches = chosen.flatMap((entry) =>
    entry.patch && entry.n > 0 ? [{ ...entry.patch, n: entry.n, total }] : [],
  );
  const missing: number[] = [];
  const have = new Set(chosen.filter((entry) => entry.patch && !isCutShort(entry)).map(({ n }) => n));
  for (let n = 1; n <= total; n++) if (!have.has(n)) missing.push(n);

  const first = cover ?? chosen[0]?.message;
  if (!first) throw new Error('a group without mails');
  const oddities = [
    ...group.notes,
    ...notes,
    ...counterNotes(chosen, total),
    ...revisionNotes(chosen),
    ...(coverEntry && looksLikeDiff(coverEntry.message.body) ? [DIFF_IN_COVER] : []),
    ...chosen.flatMap((entry) => entry.oddities.map((oddity) => `${nameOf(entry, total)}: ${oddity}`)),
  ];
  const common = {
    id: first.messageId,
    revision: chosen[0]?.revision ?? 1,
    subject: first.subject,
    author: senderOf(first) ?? first.from,
    ...(cover && { cover }),
  };
  const [one, ...rest] = patches;
  if (missing.length > 0 || !one) {
    return { assembled: { complete: false, ...common, have: patches, total, missing, oddities }, group, leftOver };
  }
  const base = baseOf(cover, patches);
  const series: Series = {
    complete: true,
    ...common,
    patches: [one, ...rest],
    tags: [...new Set(chosen.flatMap((entry) => entry.subject.tags))],
    ...base.info,
    carriedOver: [],
    oddities: [...oddities, ...base.oddities],
  };
  return { assembled: series, group, leftOver };
}

/**
 * Completes a revision that re-sent only some patches: each of its mails answers the same
 * position of an earlier revision, and the newest such revision, complete itself, or the newest that
 * already took patches over from it, gives the rest. Undefined when it is not that. `built` holds the earlier
 * revisions, `carriers` the newest one that took a mail over, by Message-ID.
 */
export function carryOver(
  partial: Built,
  threads: Threads,
  built: ReadonlyMap<Group, Built>,
  carriers: ReadonlyMap<MessageId, Built>,
): Built | undefined {
  const { assembled, group } = partial;
  if (assembled.complete || assembled.cover || assembled.have.length === 0) return undefined;
  if (assembled.have.some(({ n }) => assembled.missing.includes(n))) return undefined;
  const selves = group.entries.map((entry) => earlierSelf(entry, threads));
  const candidates = selves.flatMap((self) => {
    const whole = self && built.get(self.group)?.assembled;
    if (!whole?.complete) return [];
    const later = whole.patches.flatMap(({ message }) => carriers.get(message.messageId)?.assembled ?? []);
    return [whole, ...later.filter((one) => one.complete)];
  });
  if (candidates.length === 0 || selves.includes(undefined)) return undefined;
  const base = candidates.reduce((best, series) => (series.revision >= best.revision ? series : best));
  if (base.patches.length !== assembled.total) return undefined;

  const resent = new Map(assembled.have.map((patch) => [patch.n, patch]));
  const [one, ...rest] = base.patches.map((patch) => resent.get(patch.n) ?? patch);
  if (!one) return undefined;
  const own = baseOf(undefined, assembled.have);
  const carriedOver = assembled.missing;
  const note = `only ${list([...resent.keys()])} of ${assembled.total} was sent as this revision; ${list(carriedOver)} carried over from v${base.revision}`;
  const series: Series = {
    complete: true,
    id: assembled.id,
    revision: assembled.revision,
    subject: assembled.subject,
    author: assembled.author,
    patches: [one, ...rest],
    tags: base.tags,
    ...(base.baseCommit !== undefined && { baseCommit: base.baseCommit }),
    ...(base.changeId !== undefined && { changeId: base.changeId }),
    ...own.info,
    prerequisites: own.info.prerequisites.length > 0 ? own.info.prerequisites : base.prerequisites,
    carriedOver,
    oddities: [note, ...assembled.oddities, ...own.oddities],
  };
  return { assembled: series, group, leftOver: partial.leftOver };
}

function list(numbers: readonly number[]): string {
  return `${numbers.length > 1 ? 'patches' : 'patch'} ${numbers.join(', ')}`;
}

/** Of several mails for one position the latest wins if they have one title; a different patch is left over. */
function choosePerPosition(group: Group): { chosen: Entry[]; leftOver: LeftOver[]; notes: string[] } {
  const byPosition = new Map<number, Entry[]>();
  for (const entry of [...group.entries].sort((a, b) => compareMessages(a.message, b.message))) {
    const known = byPosition.get(entry.n);
    if (known) known.push(entry);
    else byPosition.set(entry.n, [entry]);
  }
  const chosen: Entry[] = [];
  const leftOver: LeftOver[] = [];
  const notes: string[] = [];
  for (const [n, claims] of [...byPosition].sort(([a], [b]) => a - b)) {
    const title = titleOf(claims[0]);
    const same = claims.filter((entry) => titleOf(entry) === title);
    const winner = same.at(-1);
    if (!winner) continue;
    chosen.push(winner);
    for (const entry of claims) {
      if (entry === winner) continue;
      const isCopy = titleOf(entry) === title;
      const what = n === 0 ? 'the cover letter' : `patch ${n}`;
      leftOver.push({
        messageId: entry.message.messageId,
        why: isCopy
          ? `${what} was sent again later, as <${winner.message.messageId}>`
          : `it claims to be ${what} of a series, but that is <${winner.message.messageId}>`,
      });
      notes.push(
        isCopy
          ? `${what} was sent more than once; the latest was taken`
          : `more than one mail claims to be ${what}; the others were left out`,
      );
    }
  }
  return { chosen, leftOver, notes: [...new Set(notes)] };
}

function isCutShort({ oddities }: Entry): boolean {
  return oddities.some((oddity) => oddity.startsWith(CUT_SHORT));
}

function titleOf(entry: Entry | undefined): string {
  return entry?.patch?.title ?? entry?.subject.title ?? '';
}

function nameOf(entry: Entry, total: number): string {
  return entry.n === 0 ? 'cover letter' : `patch ${entry.n}/${total}`;
}

function counterNotes(chosen: readonly Entry[], total: number): string[] {
  const lies = chosen.filter((entry) => entry.total !== total);
  if (lies.length === 0) return [];
  const [only] = lies;
  if (only && chosen.length === 1)
    return [`its subject says ${only.n}/${only.total}; taken as patch ${only.n} of ${total}`];
  return [
    `the mails disagree about the length of the series (${[...new Set(chosen.map((entry) => `${entry.n}/${entry.total}`))].join(', ')}); taken as ${total}`,
  ];
}

const DIFF_IN_COVER = 'the cover letter has a diff in it, which is not taken for part of the series';

/** What a revision number cannot say: v1.1 is neither v1 nor v2. */
function revisionNotes(chosen: readonly Entry[]): string[] {
  const said = chosen.flatMap(({ revision, subject: { subRevision } }) =>
    subRevision === undefined
      ? []
      : [`its mails say v${revision}.${subRevision}; later than v${revision}, and not v${revision + 1}`],
  );
  return [...new Set(said)];
}

interface SeriesBase {
  info: Pick<Series, 'prerequisites'> & Partial<Pick<Series, 'baseCommit' | 'changeId'>>;
  oddities: string[];
}

/** Cover letter first, then the patches in order; whichever says it first. */
function baseOf(cover: Message | undefined, patches: readonly Patch[]): SeriesBase {
  const mails = [...(cover ? [cover] : []), ...patches.map((patch) => patch.message)];
  const infos: BaseInfo[] = mails.map((mail) => parseBaseInfo(mail.body));
  const bases = [...new Set(infos.flatMap((info) => info.baseCommit ?? []))];
  const changeId = infos.find((info) => info.changeId !== undefined)?.changeId;
  const oddities = [...new Set(infos.flatMap((info) => info.oddities))];
  if (bases.length > 1)
    oddities.push(
      `the mails name different base commits (${bases.map((sha) => sha.slice(0, 12)).join(', ')}); the first was taken`,
    );
  return {
    info: {
      ...(bases[0] !== undefined && { baseCommit: bases[0] }),
      prerequisites: [...new Set(infos.flatMap((info) => info.prerequisites))],
      ...(changeId !== undefined && { changeId }),
    },
    oddities,
  };
}

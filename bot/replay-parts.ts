/**
 * An archive cut into parts that fit into memory: what one sender posted, without a pause of three weeks in it. That is
 * how long the service waits for the rest of a series, so nothing that it would put together is cut apart.
 */

import type { Assembled, Message, Series } from '../rules/types.ts';
import { type Archive, type Held, heldOf, heldWith, type Row } from './archive-row.ts';
import { parseMessage } from './message.ts';
import { assemble, mailsOf } from './series.ts';

const DAY_MS = 86_400_000;
/** As serve.window_days has it where nothing is set. */
export const WINDOW_MS = 21 * DAY_MS;
/** Of texts of a part, as in mailroom.ts: who posts more at a time is read in several parts. */
const MOST_BYTES = 64 * 2 ** 20;

export interface Place {
  readonly archive: Archive;
  readonly ref: string;
}

/** By date. */
export interface Part {
  readonly firstMs: number;
  readonly places: readonly Place[];
}

export interface Range {
  /** First moment, and the first that is too late. */
  readonly sinceMs: number;
  readonly untilMs: number;
}

interface Posted extends Place {
  readonly dateMs: number;
  readonly bytes: number;
}

/** Mails that may be of series of a time, those of three weeks before included: a revision may stand on them. */
export function mayMatter({ dateMs, isReply }: Row, { sinceMs, untilMs }: Range): boolean {
  return !isReply && dateMs !== undefined && dateMs >= sinceMs - WINDOW_MS && dateMs < untilMs;
}

interface Parts {
  readonly parts: readonly Part[];
  /** In the range. */
  readonly mails: number;
  readonly undated: number;
  /** In the archives, in the range or not. */
  readonly held: Held;
}

/** The parts of all archives together, in the order of their first mails; and how many mails there are. */
export async function partsOf(archives: readonly Archive[], range: Range): Promise<Parts> {
  const bySender = new Map<string, Posted[]>();
  let [mails, undated] = [0, 0];
  let held: Held = { mails: 0 };
  for (const archive of archives) {
    let own: Held = { mails: 0 };
    for await (const row of archive.rows()) {
      own = heldWith(own, heldOf(row));
      if (row.dateMs === undefined) undated++;
      else if (row.dateMs >= range.sinceMs && row.dateMs < range.untilMs) mails++;
      if (!mayMatter(row, range)) continue;
      const one = { archive, ref: row.ref, dateMs: row.dateMs!, bytes: row.bytes };
      const known = bySender.get(row.sender);
      if (known) known.push(one);
      else bySender.set(row.sender, [one]);
    }
    held = heldWith(held, archive.held ?? own);
  }
  const parts = [...bySender.values()].flatMap((posted) => cut(posted.sort((a, b) => a.dateMs - b.dateMs)));
  return { parts: parts.sort((a, b) => a.firstMs - b.firstMs), mails, undated, held };
}

function cut(posted: readonly Posted[]): Part[] {
  const parts: { firstMs: number; places: Place[] }[] = [];
  let [bytes, lastMs] = [0, Number.NEGATIVE_INFINITY];
  for (const { archive, ref, dateMs, bytes: more } of posted) {
    bytes += more;
    if (parts.length === 0 || dateMs - lastMs > WINDOW_MS || bytes > MOST_BYTES) {
      parts.push({ firstMs: dateMs, places: [] });
      bytes = more;
    }
    parts.at(-1)!.places.push({ archive, ref });
    lastMs = dateMs;
  }
  return parts;
}

/** A complete series, and when the last of its own mails was sent. */
export interface PostedSeries {
  readonly series: Series;
  readonly postedMs: number;
}

/** The series of a part that were posted in the range, by when, each revision for itself; and how many lack patches. */
export async function seriesOf(
  part: Part,
  { sinceMs, untilMs }: Range,
): Promise<{ readonly series: readonly PostedSeries[]; readonly incomplete: number }> {
  const messages: Message[] = [];
  for (const { archive, ref } of part.places) {
    const raw = await archive.read(ref);
    const parsed = raw && parseMessage(raw);
    if (parsed?.ok) messages.push(parsed.message);
  }
  const inRange = assemble(messages)
    .series.map((series) => ({ series, postedMs: postedMsOf(series) }))
    .filter(({ postedMs }) => postedMs >= sinceMs && postedMs < untilMs);
  const complete = inRange.flatMap(({ series, postedMs }) => (series.complete ? [{ series, postedMs }] : []));
  return {
    series: complete.sort((a, b) => a.postedMs - b.postedMs),
    incomplete: inRange.length - complete.length,
  };
}

function postedMsOf(series: Assembled): number {
  return Math.max(
    ...mailsOf(series).map(({ date }) => (date === undefined ? Number.NEGATIVE_INFINITY : Date.parse(date))),
  );
}

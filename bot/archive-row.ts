/** What is known of each mail of an archive without keeping its text, and what an archive is to those who read one. */

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { MessageId } from '../rules/types.ts';
import { decodeWords, parseAddresses, parseDate, parseIds, splitHeaders } from './message-headers.ts';
import { parseSubject } from './subject.ts';

export interface Row {
  /** Where its bytes are, for `read` of its archive. */
  readonly ref: string;
  readonly id: MessageId;
  /** What it answers: In-Reply-To, and the first and the last of References. */
  readonly answers: readonly MessageId[];
  /** The sender's address in lower case; empty when unreadable. */
  readonly sender: string;
  /** Its Date in milliseconds; absent when missing or unreadable. */
  readonly dateMs?: number;
  readonly bytes: number;
  /** Its subject answers another: it is no part of a series. */
  readonly isReply: boolean;
}

/** How many mails, and the moments of the first and the last that have a date. */
export interface Held {
  readonly mails: number;
  readonly firstMs?: number;
  readonly lastMs?: number;
}

export function heldWith({ mails, firstMs, lastMs }: Held, more: Held): Held {
  const first = Math.min(firstMs ?? Number.POSITIVE_INFINITY, more.firstMs ?? Number.POSITIVE_INFINITY);
  const last = Math.max(lastMs ?? Number.NEGATIVE_INFINITY, more.lastMs ?? Number.NEGATIVE_INFINITY);
  return { mails: mails + more.mails, ...(first <= last && { firstMs: first, lastMs: last }) };
}

/** One mail. */
export function heldOf({ dateMs }: Row): Held {
  return { mails: 1, ...(dateMs !== undefined && { firstMs: dateMs, lastMs: dateMs }) };
}

export interface Archive {
  /** As people call it: `linux-gpio`, or the path. */
  readonly name: string;
  /** What is to be known about mails that cannot be read: a line each. */
  readonly problems: readonly string[];
  /** All that it has, where `rows` leaves out what is not of the time. */
  readonly held?: Held;
  /** All mails that have a Message-ID, in no order that matters. */
  rows(): AsyncGenerator<Row>;
  /** The bytes of a mail; undefined when they are gone. */
  read(ref: string): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

/** Undefined for what is no mail, or one without a Message-ID: nobody can have answered it. */
export function rowOf(ref: string, raw: Uint8Array): Row | undefined {
  const head = splitHeaders(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength));
  if (!head.ok) return undefined;
  const first = (name: string): string => head.fields.get(name)?.[0] ?? '';
  const [id] = parseIds(first('message-id'));
  if (id === undefined) return undefined;
  const references = parseIds(first('references'));
  const answers = [parseIds(first('in-reply-to'))[0], references[0], references.at(-1)].filter(
    (one) => one !== undefined,
  );
  const date = parseDate(first('date'));
  return {
    ref,
    id,
    answers: [...new Set(answers)],
    sender: parseAddresses(first('from'))[0]?.address.toLowerCase() ?? '',
    ...(date !== undefined && { dateMs: Date.parse(date) }),
    bytes: raw.length,
    isReply: parseSubject(decodeWords(first('subject'))).isReply,
  };
}

/** A row as a line of a file, without the line break. */
export function rowLine({ ref, id, answers, sender, dateMs, bytes, isReply }: Row): string {
  return JSON.stringify([ref, id, answers, sender, dateMs ?? null, bytes, isReply ? 1 : 0]);
}

/** The row of a line that {@link rowLine} made. */
function rowOfLine(line: string): Row {
  const [ref, id, answers, sender, dateMs, bytes, isReply] = JSON.parse(line) as [
    string,
    MessageId,
    MessageId[],
    string,
    number | null,
    number,
    0 | 1,
  ];
  return { ref, id, answers, sender, ...(dateMs !== null && { dateMs }), bytes, isReply: isReply === 1 };
}

/** The rows of a file, one at a time. */
export async function* rowsOfFile(path: string): AsyncGenerator<Row> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY }))
    yield rowOfLine(line);
}

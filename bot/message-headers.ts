/**
 * Header section of a mail or of a MIME part: split, unfolded, decoded (RFC 5322 sections 2.2 and 3,
 * RFC 2047 encoded words). Addresses go through nodemailer's parser, which takes what real senders write.
 */

import addressparser from 'nodemailer/lib/addressparser';
import type { Address, MessageId, Outcome } from '../rules/types.ts';
import { decodeText } from './charset.ts';

/** Longest header section read, in bytes; real ones stay below 100 KiB. */
const MAX_HEADER_BYTES = 1024 * 1024;
/** Fields of one section; real mails stay below 200. */
const MAX_FIELDS = 5000;
/** Ids taken from References, addresses from To and Cc, at most. */
const MAX_LIST = 1000;
/** RFC 5322 allows lines of 998 characters; a longer id cannot be repeated in a reply. */
const MAX_ID_CHARS = 990;

const FIELD = /^([!-9;-~]+)[ \t]*:(.*)$/s;

/** Header fields by lower-case name, values unfolded and trimmed but with encoded words as written, in order of appearance. */
export type HeaderFields = ReadonlyMap<string, readonly string[]>;

/**
 * Splits the header section off. `bodyStart` is the offset of the first body byte. A separator
 * line `From …` of an mbox before the first field is skipped; a line that is no field ends the section.
 */
export function splitHeaders(bytes: Buffer): Outcome<{ fields: HeaderFields; bodyStart: number }, { why: string }> {
  const fields = new Map<string, string[]>();
  let name: string | undefined;
  let value: Buffer[] = [];
  let count = 0;
  const finish = () => {
    if (name === undefined) return;
    const text = oneLine(decodeText(Buffer.concat(value), '').text);
    const known = fields.get(name);
    if (known) known.push(text);
    else fields.set(name, [text]);
    name = undefined;
  };
  let at = 0;
  while (at < bytes.length) {
    if (at > MAX_HEADER_BYTES) return { ok: false, why: `its header section is longer than ${MAX_HEADER_BYTES} bytes` };
    const lf = bytes.indexOf(0x0a, at);
    const next = lf < 0 ? bytes.length : lf + 1;
    // A line without an end is cut before the test, or one field of 32 MiB would be decoded.
    if (next - at > MAX_HEADER_BYTES)
      return { ok: false, why: `a header line is longer than ${MAX_HEADER_BYTES} bytes` };
    const line = bytes.subarray(at, next);
    const text = line.toString('latin1').replace(/\r?\n$/, '');
    if (text === '') {
      finish();
      return { ok: true, fields, bodyStart: next };
    }
    if (name !== undefined && /^[ \t]/.test(text)) {
      value.push(line);
    } else {
      const field = FIELD.exec(text);
      if (field) {
        finish();
        if (++count > MAX_FIELDS) return { ok: false, why: `it has more than ${MAX_FIELDS} header fields` };
        name = field[1]?.toLowerCase();
        value = [line.subarray(line.indexOf(0x3a) + 1)];
      } else if (!(at === 0 && /^>?From /.test(text))) {
        break;
      }
    }
    at = next;
  }
  finish();
  return { ok: true, fields, bodyStart: at };
}

/** First value of a field, decoded, as one line; empty when absent. */
export function headerText(fields: HeaderFields, name: string): string {
  return decodeWords(fields.get(name)?.[0] ?? '');
}

/** Unfolds and makes harmless: control characters (a NUL, a bare CR) become spaces. */
function oneLine(text: string): string {
  return text
    .replace(/\r?\n(?=[ \t])/g, '')
    .replace(/[\u0000-\u001f\u007f]+/g, ' ')
    .trim();
}

const WORD = /=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=/g;

/** Decodes RFC 2047 encoded words; neighbours of one charset are joined before decoding, since senders cut characters in two. */
export function decodeWords(text: string): string {
  let out = '';
  let end = 0;
  let open: { charset: string; bytes: Buffer[] } | undefined;
  const flush = () => {
    if (open) out += decodeText(Buffer.concat(open.bytes), open.charset).text;
    open = undefined;
  };
  for (const match of text.matchAll(WORD)) {
    const [whole, label = '', kind = '', data = ''] = match;
    const between = text.slice(end, match.index);
    const charset = label.replace(/\*.*$/, '').toLowerCase();
    const bytes = kind.toLowerCase() === 'b' ? Buffer.from(data, 'base64') : decodeQ(data);
    if (open && between.trim() === '') {
      if (open.charset === charset) {
        open.bytes.push(bytes);
      } else {
        flush();
        open = { charset, bytes: [bytes] };
      }
    } else {
      flush();
      out += between;
      open = { charset, bytes: [bytes] };
    }
    end = match.index + whole.length;
  }
  flush();
  return end === 0 ? text : oneLine(out + text.slice(end));
}

function decodeQ(data: string): Buffer {
  const latin1 = data
    .replace(/_/g, ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, 'latin1');
}

/** Mailboxes of a From, To or Cc value; groups flattened, names decoded after splitting (a decoded comma separates nothing). */
export function parseAddresses(value: string): Address[] {
  return addressparser(value, { flatten: true })
    .slice(0, MAX_LIST)
    .filter((entry) => entry.address.includes('@'))
    .map((entry) => ({ name: decodeWords(entry.name), address: entry.address }));
}

/** All ids in angle brackets, in order, without them. */
export function parseIds(value: string): MessageId[] {
  const ids: MessageId[] = [];
  for (const match of value.matchAll(/<([^<>\s]+)>/g)) {
    const id = match[1];
    if (id !== undefined && id.length <= MAX_ID_CHARS && ids.length < MAX_LIST) ids.push(id);
  }
  return ids;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** Zone names of RFC 5322 section 4.3, in hours; all others count as UTC there (-0000). */
const ZONES: Readonly<Record<string, number>> = {
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
};
const DATE =
  /^(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})\s+([A-Za-z]{3})[a-z]*\s+(\d{4}|\d{2,3})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([+-]\d{4}|[A-Za-z]{1,5})?/;

/**
 * A Date value (RFC 5322 section 3.3, old forms of 4.3 included) as ISO 8601 in UTC.
 * Undefined when unreadable. A missing or impossible zone (`-9900`) counts as UTC.
 */
export function parseDate(value: string): string | undefined {
  const match = DATE.exec(value.trim());
  if (!match) return undefined;
  const [, day = '', monthName = '', yearText = '', hour = '', minute = '', second = '0', zone = ''] = match;
  const month = MONTHS.indexOf(monthName.toLowerCase());
  let year = Number(yearText);
  if (yearText.length === 2) year += year < 50 ? 2000 : 1900;
  else if (yearText.length === 3) year += 1900;
  const local = new Date(
    Date.UTC(year, month, Number(day), Number(hour), Number(minute), Math.min(Number(second), 59)),
  );
  const isReal =
    month >= 0 &&
    year >= 1970 &&
    local.getUTCDate() === Number(day) &&
    local.getUTCHours() === Number(hour) &&
    Number(minute) < 60;
  return isReal ? new Date(local.getTime() - zoneMinutes(zone) * 60_000).toISOString() : undefined;
}

function zoneMinutes(zone: string): number {
  const match = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  if (!match) return (ZONES[zone.toUpperCase()] ?? 0) * 60;
  const hours = Number(match[2]);
  const minutes = Number(match[3]);
  if (hours > 14 || minutes > 59) return 0;
  return (match[1] === '-' ? -1 : 1) * (hours * 60 + minutes);
}

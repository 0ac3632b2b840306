/**
 * A mail, parsed once at the door: raw bytes in, Message out (RFC 5322, MIME). What is wrong with
 * a mail is a value; nothing a sender can write throws.
 */

import { createHash } from 'node:crypto';
import type { Message, MessageId, Outcome } from '../rules/types.ts';
import { looksLikeDiff } from './diff.ts';
import { type HeaderFields, headerText, parseAddresses, parseDate, parseIds, splitHeaders } from './message-headers.ts';
import { type TextPart, textParts } from './message-mime.ts';

/** Longest mail read, in bytes (32 MiB); the largest kernel patches, generated register headers, stay below 20 MiB. */
export const MAX_MAIL_BYTES = 32 * 1024 * 1024;
/** Most lines a body may have: keeps a mail of bare line ends from costing gigabytes. */
const MAX_BODY_LINES = 1_000_000;
/** References that count, the first and the nearest; threads of real life stay below it, and each is looked up several times. */
const MAX_REFERENCES = 100;
/** What of a part is looked at for a mail head. */
const MAX_HEAD_CHARS = 16 * 1024;

/** Domain of the ids made for mails without one; `.invalid` is nobody's (RFC 2606 section 2). */
const MADE_ID_DOMAIN = '@no-message-id.depbot.invalid';
/** Oddity of a mail whose attached patches are not read, since each is a mail of its own with another author or title. */
export const SEVERAL_PATCHES =
  'it carries several attached patches, each with its own author and subject, and none of them was taken; each needs a mail of its own';

/**
 * Reads one mail. Not ok, with a reason that names the fault: too large, not a mail, no plain
 * text; with its decoded subject where the header could be read. A mail without Message-ID, as
 * `git format-patch` writes it, gets one made of the digest of its bytes, see {@link isMadeId}. `body` is the part that holds the patch, else the first plain
 * text; where that part is a bare diff (`git format-patch --attach`), the text before it,
 * which holds the commit message, is put in front, as `git am` reads it. Several attached patches
 * with mail heads of their own are left out, with the oddity {@link SEVERAL_PATCHES}.
 */
export function parseMessage(raw: Uint8Array): Outcome<{ message: Message }, { why: string; subject?: string }> {
  if (raw.length > MAX_MAIL_BYTES) return refuse(tooLarge(raw.length));
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const head = splitHeaders(bytes);
  if (!head.ok) return refuse(head.why);
  const { fields, bodyStart } = head;
  if (!fields.has('from') && !fields.has('message-id') && !fields.has('subject')) {
    return refuse(
      raw.length === 0
        ? 'it is empty'
        : 'it is not a mail: it does not start with header fields such as From: and Subject:',
    );
  }
  const subject = headerText(fields, 'subject');
  const { parts, others, oddities: mimeOddities } = textParts(fields, bytes.subarray(bodyStart));
  const oddities = [...mimeOddities];
  const ownId = parseMessageId(fields.get('message-id')?.[0] ?? '');
  const messageId = ownId ?? makeId(bytes);
  if (ownId === undefined)
    oddities.push(
      `${fields.has('message-id') ? 'its Message-ID is not readable' : 'it has no Message-ID'}; one was made from its content`,
    );
  const body = chooseBody(parts, oddities);
  if (body === undefined) {
    const isHtml = others.includes('text/html');
    return refuse(
      isHtml
        ? 'it has no plain text part, only HTML'
        : `it has no text part${others.length > 0 ? `, only ${others.slice(0, 3).join(', ')}` : ''}`,
      subject,
    );
  }
  if (countLines(body) > MAX_BODY_LINES) return refuse(`its text has more than ${MAX_BODY_LINES} lines`, subject);

  const from = parseAddresses(fields.get('from')?.[0] ?? '')[0];
  if (from === undefined) oddities.push('it has no readable From address');
  const dateHeader = fields.get('date')?.[0];
  const date = dateHeader === undefined ? undefined : parseDate(dateHeader);
  if (dateHeader !== undefined && date === undefined)
    oddities.push(`its Date "${dateHeader.slice(0, 60)}" is not readable`);
  const replyTo = (fields.get('reply-to') ?? []).flatMap(parseAddresses);
  const { inReplyTo, references } = parseThread(fields, messageId);

  return {
    ok: true,
    message: {
      raw,
      messageId,
      ...(inReplyTo !== undefined && { inReplyTo }),
      references,
      from: from ?? { name: '', address: '' },
      ...(replyTo.length > 0 && { replyTo }),
      to: (fields.get('to') ?? []).flatMap(parseAddresses),
      cc: (fields.get('cc') ?? []).flatMap(parseAddresses),
      listIds: parseListIds(fields),
      ...(date !== undefined && { date }),
      ...(dateHeader !== undefined && { dateHeader }),
      subject,
      body,
      oddities,
    },
  };
}

/** Why a mail of that many bytes, or more, is not read. */
export function tooLarge(bytes: number): string {
  return `it is at least ${bytes} bytes long; the limit for one mail is ${MAX_MAIL_BYTES} bytes`;
}

/** Whether an id was made by {@link parseMessage}: the mail has none, so it was not posted, and nothing can answer it. */
export function isMadeId(id: MessageId): boolean {
  return id.endsWith(MADE_ID_DOMAIN);
}

function makeId(bytes: Buffer): MessageId {
  return `${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}${MADE_ID_DOMAIN}`;
}

function refuse(why: string, subject = ''): { ok: false; why: string; subject?: string } {
  return { ok: false, why, ...(subject !== '' && { subject }) };
}

/** With brackets as RFC 5322 wants, or a bare word as some tools write it. */
function parseMessageId(value: string): MessageId | undefined {
  return parseIds(value)[0] ?? (/^[^\s<>]+$/.test(value) ? parseIds(`<${value}>`)[0] : undefined);
}

/** References of all such fields, duplicates and the mail itself removed, In-Reply-To last; see {@link MAX_REFERENCES}. */
function parseThread(fields: HeaderFields, self: MessageId): { inReplyTo?: MessageId; references: MessageId[] } {
  const ids = (fields.get('references') ?? []).flatMap(parseIds);
  const inReplyTo = (fields.get('in-reply-to') ?? []).flatMap(parseIds).find((id) => id !== self);
  const all = [...new Set(ids)].filter((id) => id !== self && id !== inReplyTo);
  const references = all.length > MAX_REFERENCES ? [all[0]!, ...all.slice(1 - MAX_REFERENCES)] : all;
  return inReplyTo === undefined ? { references } : { inReplyTo, references: [...references, inReplyTo] };
}

/** RFC 2919: the id is in angle brackets after an optional phrase. Compared without case. */
function parseListIds(fields: HeaderFields): string[] {
  const ids = (fields.get('list-id') ?? []).map((value) => /<([^<>]*)>\s*$/.exec(value)?.[1] ?? value);
  return [...new Set(ids.map((id) => id.trim().toLowerCase()))].filter((id) => id !== '').sort();
}

function chooseBody(parts: readonly TextPart[], oddities: string[]): string | undefined {
  const withDiff = parts.filter((part) => looksLikeDiff(part.text));
  const only = withDiff[0];
  if (only === undefined) return (parts.find((part) => part.type === 'text/plain') ?? parts[0])?.text;
  if (withDiff.slice(1).some((part) => hasMailHead(part.text))) {
    oddities.push(SEVERAL_PATCHES);
    return parts.find((part) => part.type === 'text/plain' && !withDiff.includes(part))?.text ?? '';
  }
  if (withDiff.length > 1)
    oddities.push(`it carries ${withDiff.length} parts with a diff; they were taken together as one patch`);
  else if (!startsWithDiff(only.text)) return only.text;
  const last = parts.lastIndexOf(withDiff.at(-1) ?? only);
  return parts
    .slice(0, last + 1)
    .map((part) => (part.text === '' || part.text.endsWith('\n') ? part.text : `${part.text}\n`))
    .join('');
}

/** Whether a part begins as a mail does, with From: and Subject: among its first fields. */
function hasMailHead(text: string): boolean {
  const head = splitHeaders(Buffer.from(text.trimStart().slice(0, MAX_HEAD_CHARS)));
  return head.ok && head.fields.has('from') && head.fields.has('subject');
}

function startsWithDiff(text: string): boolean {
  return /^\s*(?:---\n|diff |Index: |--- )/.test(text);
}

function countLines(text: string): number {
  let lines = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}

/**
 * A reply as a mail: the exact bytes that are filed, printed or sent.
 *
 * Plain text, one part, UTF-8, not format=flowed, and no transfer encoding that rewrites lines: 7bit
 * when the body is ASCII, 8bit otherwise. Headers cannot be injected into: what came from outside
 * is on one line, and encoded (RFC 2047) where it is not ASCII.
 * Sources: RFC 5322 (form), RFC 3834 (Auto-Submitted), Documentation/process/email-clients.rst.
 */

import { createHash } from 'node:crypto';
import { encodeWord } from 'nodemailer/lib/mime-funcs';
import MimeNode from 'nodemailer/lib/mime-node';
import type { Address, MessageId, Reply } from '../rules/types.ts';
import { isMadeId, parseMessage } from './message.ts';

/** RFC 5322, section 2.1.1: octets of a line without its CRLF. */
const MAX_LINE_OCTETS = 998;

/** A mail that cannot be made from what we or the operator gave: sender, Message-ID, date, body. */
export class MailError extends Error {
  override readonly name = 'MailError';
  readonly part: 'from' | 'message-id' | 'date' | 'body';

  constructor(part: MailError['part'], wrong: string) {
    super(`making a mail: ${wrong}`);
    this.part = part;
  }
}

export interface Envelope {
  readonly from: Address;
  /** Recipients that `isMailable` refuses are left out. */
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly messageId: MessageId;
  readonly date: Date;
  /** false leaves out Auto-Submitted, for lists that drop mails of programs. */
  readonly isAutoSubmitted?: boolean;
}

/**
 * The mail with CRLF line ends. Message-IDs of the thread that cannot stand in a header are left
 * out of it. Throws MailError.
 */
export function toEml(reply: Reply, envelope: Envelope): Uint8Array {
  return Buffer.from(toText(reply, envelope).replaceAll('\n', '\r\n'));
}

/**
 * The same mail as a file for a person to send: LF line ends, since `git send-email` takes a CR for content
 * (it ends up in Message-ID and References, and the body becomes quoted-printable). A sender of this machine
 * alone is left out, so that whoever sends it is the sender: `git send-email` would send that address a copy
 * and write a From: into the body. Throws MailError.
 */
export function toDraft(reply: Reply, envelope: Envelope): Uint8Array {
  return Buffer.from(mailText(reply, envelope, !isOfThisMachine(envelope.from)));
}

/** The same mail with LF line ends, for a terminal or a pipe. Throws MailError. */
export function toText(reply: Reply, envelope: Envelope): string {
  return mailText(reply, envelope, true);
}

function mailText(reply: Reply, envelope: Envelope, withFrom: boolean): string {
  checkEnvelope(envelope);
  checkBody(reply.body);
  // An id that we made stands for no mail that anybody has.
  const isReal = (id: MessageId): boolean => isMessageId(id) && !isMadeId(id);
  const answers = [reply.answers].filter(isReal);
  const references = reply.references.filter(isReal);
  const node = new MimeNode('text/plain; charset=UTF-8');
  const set = (key: string, value: unknown): void => {
    node.setHeader(key, value as string);
  };
  if (withFrom) {
    set('From', [named(envelope.from)]);
  }
  for (const [key, list] of [
    ['To', envelope.to],
    ['Cc', envelope.cc],
  ] as const) {
    const recipients = list.filter(isMailable).map(named);
    if (recipients.length > 0) {
      set(key, recipients);
    }
  }
  set('Subject', { prepared: true, foldLines: true, value: encodedSubject(reply.subject) });
  set('Date', envelope.date.toUTCString().replace('GMT', '+0000'));
  set('Message-ID', `<${envelope.messageId}>`);
  if (answers.length > 0) {
    set('In-Reply-To', `<${answers[0]}>`);
  }
  if (references.length > 0) {
    set('References', references.map((id) => `<${id}>`).join(' '));
  }
  if (envelope.isAutoSubmitted !== false) set('Auto-Submitted', 'auto-replied');
  set('Content-Transfer-Encoding', isAscii(reply.body) ? '7bit' : '8bit');
  return `${node.buildHeaders().replaceAll('\r\n', '\n')}\n\n${reply.body}`;
}

/**
 * A mail of ours without some recipients in To and Cc; everything else is byte for byte the same. `to` are the
 * addresses left in To. Addresses are compared in lower case.
 */
export function withoutRecipients(
  eml: Uint8Array,
  unwanted: ReadonlySet<string>,
): { readonly eml: Uint8Array; readonly to: readonly string[] } {
  const bytes = Buffer.from(eml.buffer, eml.byteOffset, eml.byteLength);
  const end = bytes.indexOf('\r\n\r\n');
  const to: string[] = [];
  const fields = bytes
    .toString('latin1', 0, end)
    .split(/\r\n(?![ \t])/)
    .flatMap((field) => {
      const [, name, value = ''] = /^(To|Cc):(.*)$/s.exec(field) ?? [];
      if (name === undefined) return [field];
      // A comma in quotes, as in "Doe, Jane", separates nothing.
      const all = [...value.matchAll(/(?:"(?:\\.|[^"\\])*"|[^",])+/gs)].map(([one]) => one.trim());
      const kept = all.filter((one) => !unwanted.has(addressIn(one)));
      if (name === 'To') to.push(...kept.map(addressIn));
      if (kept.length === all.length) return [field];
      return kept.length === 0 ? [] : [`${name}: ${kept.join(',\r\n ')}`];
    });
  return { eml: Buffer.concat([Buffer.from(fields.join('\r\n'), 'latin1'), bytes.subarray(end)]), to };
}

/** Of one recipient as `toEml` writes it: `Name <address>` or the address. In lower case. */
function addressIn(recipient: string): string {
  return (/<([^<>]*)>$/.exec(recipient)?.[1] ?? recipient).toLowerCase();
}

/**
 * Whether a mail that came in is a copy of one of ours: from the same address, with the same text, to which a list
 * may have put its footer. Another mail that bears our Message-ID is none.
 */
export function isCopyOf(ours: Uint8Array, other: Uint8Array): boolean {
  const [sent, came] = [parseMessage(ours), parseMessage(other)];
  if (!sent.ok || !came.ok) return false;
  const [from, sender] = [sent.message.from, came.message.from].map(({ address }) => address.toLowerCase());
  return from === sender && hasTextOf(ours, other);
}

/** Whether a mail that came in has the text of one of ours, to which a list may have put its footer. */
export function hasTextOf(ours: Uint8Array, other: Uint8Array): boolean {
  const [sent, came] = [parseMessage(ours), parseMessage(other)];
  if (!sent.ok || !came.ok) return false;
  const [text, copied] = [sent.message.body, came.message.body].map((body) => body.replaceAll('\r\n', '\n').trimEnd());
  return copied === text || copied!.startsWith(`${text}\n`);
}

/**
 * Message-ID of our reply to a patch, without brackets: the same for the same patch and text, so that
 * a crash between sending and recording can be resolved by looking.
 * `digestOfBody` is what `bodyDigest` gives. Throws MailError for a domain that is none.
 */
export function messageIdFor(patchMessageId: MessageId, digestOfBody: string, domain: string): MessageId {
  if (!isDomain(domain)) {
    throw new MailError('message-id', `${JSON.stringify(domain)} is not a domain`);
  }
  const hash = createHash('sha256')
    .update(JSON.stringify([patchMessageId, digestOfBody]))
    .digest('hex');
  return `${hash.slice(0, 32)}@${domain}`;
}

/** SHA-256 of a reply's body, 64 hex digits. */
export function bodyDigest(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

/**
 * Whether an address can be written to without doubt: ASCII, an unquoted local part (RFC 5322,
 * dot-atom), a domain.
 */
export function isMailable({ address }: Address): boolean {
  const at = address.lastIndexOf('@');
  return /^[\w!#$%&'*+/=?^`{|}~.-]{1,64}$/.test(address.slice(0, at)) && at > 0 && isDomain(address.slice(at + 1));
}

/** RFC 6761, section 6.3, and what Unix calls a machine without a domain: nobody else can write there. */
function isOfThisMachine({ address }: Address): boolean {
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  return /(^|\.)(localhost|localdomain)$/.test(domain) || !domain.includes('.');
}

function isDomain(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text) && !text.includes('..');
}

function isMessageId(id: string): boolean {
  return id.length <= 900 && /^[\x21-\x7e]+$/.test(id) && !/[<>]/.test(id);
}

function isAscii(text: string): boolean {
  return /^[\u0000-\u007f]*$/.test(text);
}

function checkEnvelope({ from, messageId, date }: Envelope): void {
  if (!isMailable(from)) {
    throw new MailError('from', `${JSON.stringify(from.address)} is not an address to send from`);
  }
  if (!isMessageId(messageId)) {
    throw new MailError('message-id', `${JSON.stringify(messageId)} is not a Message-ID`);
  }
  if (Number.isNaN(date.getTime())) {
    throw new MailError('date', 'the date is not a date');
  }
}

function checkBody(body: string): void {
  if (body.includes('\r') || body.includes('\0')) {
    throw new MailError('body', 'the body has a carriage return or a NUL');
  }
  const long = body.split('\n').findIndex((line) => Buffer.byteLength(line) > MAX_LINE_OCTETS);
  if (long !== -1) {
    throw new MailError('body', `line ${long + 1} of the body is longer than ${MAX_LINE_OCTETS} octets`);
  }
}

/** Name without controls; `=?` is broken up, since lenient readers decode it even where it was meant literally. */
function named({ name, address }: Address): Address {
  return { name: oneLine(name).replaceAll('=?', '= ?').slice(0, 200), address };
}

/** From the first word that needs it to the end in encoded words, so that `Re: [PATCH 1/2]` stays readable. */
function encodedSubject(subject: string): string {
  const words = oneLine(subject).split(' ');
  const first = words.findIndex((word) => !isAscii(word) || word.includes('=?') || word.length > 70);
  if (first === -1) {
    return words.join(' ');
  }
  const plain = words
    .slice(0, first)
    .map((word) => `${word} `)
    .join('');
  return plain + encodeWord(words.slice(first).join(' '), 'Q', 52);
}

function oneLine(text: string): string {
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
}

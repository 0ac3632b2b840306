/**
 * Mails that come back because a server could not deliver one of ours: delivery status notifications (RFC 3464) in a
 * multipart/report (RFC 6522). Anybody can write one; what it says is worth a note, and no more.
 */

import type { MessageId } from '../rules/types.ts';
import type { Log } from './log.ts';
import { parseIds, splitHeaders } from './message-headers.ts';
import { topParts } from './message-mime.ts';
import type { Outbox } from './outbox.ts';
import type { Bounce } from './outgoing.ts';
import { printable } from './printable.ts';

export interface Bounced {
  /** Of the mail that did not come, as the part says that repeats its head. */
  readonly messageId: MessageId;
  /** Those for whom the server has given up. */
  readonly recipients: readonly Bounce[];
}

/** A notification is a few kilobytes and a copy of the mail. */
const MAX_BYTES = 1024 * 1024;
const MAX_RECIPIENTS = 100;
const MAX_WHY_CHARS = 300;

/** Undefined for every other mail, and for a notification of a delay only. */
export function bounceOf(raw: Uint8Array): Bounced | undefined {
  if (raw.length > MAX_BYTES) return undefined;
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const head = splitHeaders(bytes);
  if (!head.ok || !/^multipart\/report\b.*\bdelivery-status\b/i.test(head.fields.get('content-type')?.[0] ?? ''))
    return undefined;
  const parts = topParts(head.fields, bytes.subarray(head.bodyStart));
  const bodyOf = (type: RegExp): Buffer | undefined =>
    parts.find(({ fields }) => type.test(fields.get('content-type')?.[0] ?? ''))?.body;
  const status = bodyOf(/^message\/(?:global-)?delivery-status\b/i);
  const original = bodyOf(/^(?:message\/(?:rfc822|global)|text\/rfc822-headers)\b/i);
  const copied = original && splitHeaders(Buffer.concat([original, Buffer.from('\n\n')]));
  const messageId = copied?.ok ? parseIds(copied.fields.get('message-id')?.[0] ?? '')[0] : undefined;
  const recipients = status === undefined ? [] : failuresIn(status.toString('utf8'));
  return messageId === undefined || recipients.length === 0 ? undefined : { messageId, recipients };
}

/** Kept, and told to the operator: nothing is sent again because of a mail that anybody can write. */
export function noteBounce(raw: Uint8Array, outbox: Pick<Outbox, 'noteBounces'>, log: Log): void {
  const bounced = bounceOf(raw);
  if (!bounced) return;
  for (const { address, why } of outbox.noteBounces(bounced.messageId, bounced.recipients))
    log.warn(`outbox: <${bounced.messageId}> did not come to ${address}: ${why}`);
}

/** Groups of fields, with a blank line between: the first is about the mail, each other one about a recipient. */
function failuresIn(status: string): Bounce[] {
  return status
    .split(/\r?\n(?:[ \t]*\r?\n)+/)
    .slice(1, MAX_RECIPIENTS + 1)
    .flatMap((group) => {
      const head = splitHeaders(Buffer.from(`${group}\n\n`));
      const field = (name: string): string => (head.ok ? (head.fields.get(name)?.[0] ?? '') : '');
      // `rfc822; jane@example.org`
      const addressIn = (name: string) => /^[^;]*;[ \t]*<?([^<>\s]+@[^<>\s]+)>?$/.exec(field(name))?.[1];
      // Where an address forwards, we wrote to the original one, and the other is strange to us.
      const address = addressIn('original-recipient') ?? addressIn('final-recipient');
      if (address === undefined || !/^failed\b/i.test(field('action'))) return [];
      const why = `${field('status')} ${field('diagnostic-code')}`.trim() || 'no reason given';
      return [{ address, why: printable(why).slice(0, MAX_WHY_CHARS) }];
    });
}

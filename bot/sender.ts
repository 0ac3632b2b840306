/**
 * Who sent a mail, where From does not say: patches that B4 Relay sends for people have an address there that nobody
 * reads, and lists may put their own in its place for the sake of DMARC. Reply-To then names the sender, or the From:
 * line in the text the patch's author.
 */

import type { Address, Message } from '../rules/types.ts';
import { listIdOf } from './list-id.ts';
import { parsePatch } from './patch.ts';

/** As kernel.org's endpoint for `b4 send` writes it: the sender's address stands after the plus sign. */
const RELAY = /^devnull\+[^@]+@kernel\.org$/i;

/** The sender of a mail, to be written to; undefined where From is a relay or a list, and nothing names somebody else. */
export function senderOf(message: Message): Address | undefined {
  const isPerson = ({ address }: Address): boolean =>
    !RELAY.test(address) && !message.listIds.includes(listIdOf(address));
  if (isPerson(message.from)) return message.from;
  const byReplyTo = message.replyTo?.find(isPerson);
  if (byReplyTo) return byReplyTo;
  const parsed = parsePatch(message);
  return parsed.ok && isPerson(parsed.patch.author) ? parsed.patch.author : undefined;
}

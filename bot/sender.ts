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

/**
 * The mailbox that a mail was posted from, in lower case: one of the people who may post parts of the same series. The
 * one that Reply-To names where a list or a relay put its own into From.
 */
export function posterOf(message: Message): string {
  return (personOf(message) ?? message.from).address.toLowerCase();
}

/** Whether From names a person, and no list or relay that stands for one. */
export function isFromPerson(message: Message): boolean {
  return isPerson(message.from, message);
}

/** The sender of a mail, to be written to; undefined where From is a relay or a list, and nothing names somebody else. */
export function senderOf(message: Message): Address | undefined {
  const person = personOf(message);
  if (person) return person;
  const parsed = parsePatch(message);
  return parsed.ok && isPerson(parsed.patch.author, message) ? parsed.patch.author : undefined;
}

/** The person that From names, else Reply-To. */
function personOf(message: Message): Address | undefined {
  return [message.from, ...(message.replyTo ?? [])].find((one) => isPerson(one, message));
}

function isPerson({ address }: Address, { listIds }: Message): boolean {
  return !RELAY.test(address) && !listIds.includes(listIdOf(address));
}

/** Senders by whether they are people. */
export function peopleFirst(senders: ReadonlyMap<string, boolean>): string[] {
  return [...senders].sort(([, a], [, b]) => Number(b) - Number(a)).map(([sender]) => sender);
}

/** True for a sender who is a person by one mail at least. */
export function noteSender(senders: Map<string, boolean>, message: Message, sender = posterOf(message)): void {
  senders.set(sender, personOf(message) !== undefined || senders.get(sender) === true);
}

/** Senders of mails, and whether each is a person, by its address in lower case. */
export function sendersOf(messages: readonly Message[]): Map<string, boolean> {
  const senders = new Map<string, boolean>();
  for (const message of messages) noteSender(senders, message);
  return senders;
}

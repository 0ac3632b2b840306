/** What maintainers are told of a reply that they were shown, or said "send" to, and that does not go out. */

import { type AnswerOptions, answer } from './answer.ts';
import type { Outgoing } from './outgoing.ts';
import { shownIn } from './preview.ts';

export interface Telling extends AnswerOptions {
  /** They hear nothing. */
  readonly stopped: ReadonlySet<string>;
}

/** Whoever said "send" should know that it did not go out. */
export function tellHeld(mail: Outgoing, why: string, telling: Telling): void {
  const words = `The reply below is held: ${why}. When that is mended, or it did not come, "#depbot send" in reply to this mail sends it.`;
  tell(mail, (address) => `held ${mail.messageId} ${address} ${why}`, [words, textOf(mail, telling)], telling);
}

export function tellDropped(mail: Outgoing, why: string, telling: Telling): void {
  const words = `The reply below is not sent: ${why}. Nobody has it but you.`;
  tell(mail, (address) => `dropped ${mail.messageId} ${address}`, [words, textOf(mail, telling)], telling);
}

export function tellOvertaken(mail: Outgoing, telling: Telling): void {
  const words =
    'This reply is not sent: a later revision of the series came before it had left. What is still there in that one, you hear of anew.';
  tell(mail, (address) => `overtaken ${mail.messageId} ${address}`, [words], telling);
}

function textOf(mail: Outgoing, { outbox }: Telling): string {
  return shownIn(mail, outbox.read(mail.id)).text;
}

function tell(
  { maintainers, messageId, subject }: Outgoing,
  seedOf: (address: string) => string,
  words: readonly string[],
  telling: Telling,
): void {
  for (const address of maintainers) {
    if (telling.stopped.has(address.toLowerCase())) continue;
    const about = { messageId, subject, references: [], from: { name: '', address } };
    answer(about, seedOf(address), words, telling, { kind: 'notice' });
  }
}

/** How mails answer each other: In-Reply-To and References (RFC 5322 section 3.6.4), of which any may lie. */

import type { Message, MessageId } from '../rules/types.ts';
import { looksLikeDiff } from './diff.ts';
import { posterOf } from './sender.ts';
import type { Entry } from './series-entry.ts';
import { parseSubject } from './subject.ts';

/** Ancestors looked at for one mail; threads of real life stay below 200. */
const MAX_ANCESTORS = 200;

/** The messages of one run by id, and how they answer each other. */
export class Threads {
  readonly #messages: ReadonlyMap<MessageId, Message>;
  readonly #entries: ReadonlyMap<MessageId, Entry>;
  /** Asked for several times each; threads are deep. */
  readonly #above = new Map<Entry, Entry[]>();

  constructor(messages: Iterable<Message>, entries: readonly Entry[]) {
    this.#messages = new Map([...messages].map((message) => [message.messageId, message]));
    this.#entries = new Map(entries.map((entry) => [entry.message.messageId, entry]));
  }

  message(id: MessageId): Message | undefined {
    return this.#messages.get(id);
  }

  /** The nearest patch or cover letter that a mail answers, directly or not, and that is accepted. Loops end. */
  nearest(entry: Entry, accept: (above: Entry) => boolean): Entry | undefined {
    let above = this.#above.get(entry);
    if (!above) {
      above = this.#ancestors(entry.message);
      this.#above.set(entry, above);
    }
    return above.find(accept);
  }

  /** Those that are entries, the nearest first. */
  #ancestors(message: Message): Entry[] {
    const above: Entry[] = [];
    const seen = new Set([message.messageId]);
    let at: Message | undefined = message;
    while (at) {
      let oldest: Message | undefined;
      for (const id of referencesOf(at).reverse()) {
        if (seen.has(id)) continue;
        if (seen.size > MAX_ANCESTORS) return above;
        seen.add(id);
        const entry = this.#entries.get(id);
        if (entry) above.push(entry);
        oldest = this.#messages.get(id) ?? oldest;
      }
      at = oldest;
    }
    return above;
  }
}

export function referencesOf(message: Message): MessageId[] {
  const { references, inReplyTo } = message;
  return inReplyTo === undefined || references.includes(inReplyTo) ? [...references] : [...references, inReplyTo];
}

export function parentId(message: Message): MessageId | undefined {
  return message.inReplyTo ?? message.references.at(-1);
}

/** Whether a mail is a cover letter without a counter: it begins a thread, says patch, has no diff, and is by the same sender. */
export function isLetterOf(root: Message, patch: Entry): boolean {
  if (posterOf(root) !== patch.sender || referencesOf(root).length > 0 || looksLikeDiff(root.body)) return false;
  const subject = parseSubject(root.subject);
  return (
    (subject.isPatch || subject.isRfc) &&
    subject.counterInferred &&
    !subject.isReply &&
    (subject.revisionInferred || subject.revision === patch.revision)
  );
}

/**
 * The mailroom: mails come in from all mailboxes, are recorded, and are put together to series. It keeps the mails of
 * the last weeks in memory, replies without their text, since patches come late, one by one, and by several lists.
 */

import type { Assembled, Message, MessageId, Series } from '../rules/types.ts';
import type { Received } from './inbox.ts';
import type { Log } from './log.ts';
import type { MailStore } from './mail-store.ts';
import { parseMessage } from './message.ts';
import { assemble } from './series.ts';
import { parseSubject } from './subject.ts';
import { superseded } from './superseded.ts';

export interface MailroomOptions {
  readonly store: MailStore;
  readonly windowDays: number;
  readonly log: Log;
  readonly now: () => Date;
}

const DAY_MS = 86_400_000;

export class Mailroom {
  readonly #options: MailroomOptions;
  readonly #messages = new Map<MessageId, { readonly copies: Message[]; readonly day: string }>();
  readonly #bySender = new Map<string, Set<MessageId>>();
  /** Day of the last sweep of the disk. */
  #forgotBefore = '';

  /** Reads what the store has. */
  constructor(options: MailroomOptions) {
    this.#options = options;
    const oldest = this.#oldest();
    for (const { raw, day } of options.store.all()) {
      const parsed = parseMessage(raw);
      if (parsed.ok && day >= oldest) this.#keep(parsed.message, day);
    }
  }

  /**
   * Records mails; when it returns they are on disk. Gives, whole, those that somebody has to act on: a copy through
   * another list is none, but a mail that is handed over again is, since the last time may have ended before anybody
   * did. A mail that cannot be read is kept aside and named in the log.
   */
  take(mails: readonly Received[]): Message[] {
    const { store, log } = this.#options;
    this.#forgetOld();
    const toActOn: Message[] = [];
    for (const { raw, mailbox, uid, receivedAt } of mails) {
      const parsed = parseMessage(raw);
      if (!parsed.ok) {
        store.addUnreadable(raw);
        log.warn(`${mailbox}, mail ${uid}: ${parsed.why}; kept in mail/unreadable`);
        continue;
      }
      const { message } = parsed;
      const isKnown = store.has(message.messageId);
      const isAdded = store.add(message, receivedAt);
      if (isAdded) this.#keep(message, receivedAt.toISOString().slice(0, 10));
      if (!isKnown || !isAdded) toActOn.push(message);
    }
    return toActOn;
  }

  /** Complete series that one of these mails is part of and that no later revision supersedes. */
  seriesWith(messages: readonly Message[]): Series[] {
    const ids = new Set(messages.map((message) => message.messageId));
    const senders = new Set(messages.filter((message) => !isReply(message)).map(senderOf));
    return [...senders].flatMap((sender) => {
      const series = this.#assembled(sender);
      const later = superseded(series);
      return series
        .filter((one) => one.complete)
        .filter((one) => !later.has(one) && mailsOf(one).some(({ messageId }) => ids.has(messageId)))
        .map((one) => this.#whole(one));
    });
  }

  /** The series that a mail of a thread answers: that of the nearest of these Message-IDs (the last one first). */
  answered(references: readonly MessageId[]): Assembled | undefined {
    for (const id of references.toReversed()) {
      const message = this.#messages.get(id)?.copies[0];
      if (!message || isReply(message)) continue;
      const found = this.#assembled(senderOf(message)).find((one) =>
        mailsOf(one).some(({ messageId }) => messageId === id),
      );
      if (found) return found.complete ? this.#whole(found) : found;
    }
    return undefined;
  }

  #assembled(sender: string): Assembled[] {
    const ids = this.#bySender.get(sender) ?? [];
    return assemble([...ids].flatMap((id) => this.#messages.get(id)!.copies)).series;
  }

  #keep(message: Message, day: string): void {
    const sender = senderOf(message);
    // Only its place in the thread counts.
    const kept: Message = { ...message, raw: NOTHING, ...(isReply(message) && { body: '' }) };
    const known = this.#messages.get(message.messageId);
    if (known) {
      known.copies.push(kept);
      return;
    }
    this.#messages.set(message.messageId, { copies: [kept], day });
    const ids = this.#bySender.get(sender);
    if (ids) ids.add(message.messageId);
    else this.#bySender.set(sender, new Set([message.messageId]));
  }

  /** With the bytes of its mails, from disk. */
  #whole(series: Series): Series {
    const withBytes = (message: Message): Message => ({ ...message, raw: this.#bytesOf(message) });
    const [first, ...rest] = series.patches;
    return {
      ...series,
      ...(series.cover && { cover: withBytes(series.cover) }),
      patches: [
        { ...first, message: withBytes(first.message) },
        ...rest.map((patch) => ({ ...patch, message: withBytes(patch.message) })),
      ],
    };
  }

  /** Of the copy that was taken for the series: lists cut, recode and append. */
  #bytesOf({ messageId, body }: Message): Uint8Array {
    const copies = [...this.#options.store.copies(messageId)];
    const taken = copies.find((raw) => {
      const parsed = parseMessage(raw);
      return parsed.ok && parsed.message.body === body;
    });
    const raw = taken ?? copies[0];
    if (raw === undefined) throw new Error(`the mail <${messageId}> is in memory and not on disk`);
    return raw;
  }

  #forgetOld(): void {
    const oldest = this.#oldest();
    if (oldest !== this.#forgotBefore) this.#options.store.forgetBefore(oldest);
    this.#forgotBefore = oldest;
    for (const [id, { copies, day }] of this.#messages) {
      if (day >= oldest) continue;
      this.#messages.delete(id);
      const sender = senderOf(copies[0]!);
      const ids = this.#bySender.get(sender);
      ids?.delete(id);
      if (ids?.size === 0) this.#bySender.delete(sender);
    }
  }

  #oldest(): string {
    return oldestDay(this.#options.now(), this.#options.windowDays);
  }
}

/** First day (`2026-11-22`, UTC) of the last `days` days. */
export function oldestDay(now: Date, days: number): string {
  return new Date(now.getTime() - days * DAY_MS).toISOString().slice(0, 10);
}

const NOTHING = new Uint8Array();

/** Mails of a series: cover letter and patches. */
export function mailsOf(series: Assembled): Message[] {
  const patches = series.complete ? series.patches : series.have;
  return [...(series.cover ? [series.cover] : []), ...patches.map((patch) => patch.message)];
}

function isReply(message: Message): boolean {
  return parseSubject(message.subject).isReply;
}

function senderOf(message: Message): string {
  return message.from.address.toLowerCase();
}

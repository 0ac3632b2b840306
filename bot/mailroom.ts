/**
 * The mailroom: mails come in from all mailboxes, are recorded, and are put together to series. It keeps the mails of
 * the last weeks in memory, since patches come late, one by one, and by several lists: with their text where they may
 * be part of a series, else only as places in a thread. The texts together have a limit; the oldest leave memory
 * first, and are read from disk again when a series of their sender is put together.
 *
 * Series are put together of the mails of one sender. Copies of one mail may name several, by a list's doing or a
 * forger's: the mail is then among those of each, with what came in that name.
 */

import type { Assembled, Message, MessageId, Outcome, Patch, Series } from '../rules/types.ts';
import { looksLikeDiff, parseDiff } from './diff.ts';
import type { Received } from './inbox.ts';
import type { Log } from './log.ts';
import type { MailStore } from './mail-store.ts';
import { parseMessage } from './message.ts';
import { isFromPerson, posterOf } from './sender.ts';
import { assemble, mailsOf } from './series.ts';
import { parseSubject } from './subject.ts';
import { superseded } from './superseded.ts';

export interface MailroomOptions {
  readonly store: MailStore;
  readonly windowDays: number;
  /** Most bytes of texts in memory. */
  readonly maxTextBytes?: number;
  readonly log: Log;
  readonly now: () => Date;
}

const DAY_MS = 86_400_000;
/** Of texts in memory, of all senders. */
const MAX_TEXT_BYTES = 256 * 2 ** 20;
/** Of texts of one sender that are put together at a time: the newest count. */
const MAX_SENDER_BYTES = 64 * 2 ** 20;

interface Kept {
  /** Without bytes; without text where they are no part of a series, or `isInMemory` is false. */
  readonly copies: Message[];
  readonly day: string;
  /** One of the copies is a patch or a cover letter. */
  mayBeOfSeries: boolean;
  textBytes: number;
  isInMemory: boolean;
}

export class Mailroom {
  readonly #options: MailroomOptions;
  /** Oldest first. */
  readonly #messages = new Map<MessageId, Kept>();
  /** Each mail under the sender of every copy. */
  readonly #bySender = new Map<string, Set<MessageId>>();
  /** Those with a text in memory, oldest first. */
  readonly #withText = new Set<Kept>();
  #textBytes = 0;
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
   * Records mails; when it returns they are on disk. Gives, whole, those that somebody has to act on: a copy of a patch
   * through another list is none, unless it says something else than the copies before, but a mail that is handed over
   * again is, since the last time may have ended before anybody did. A mail that cannot be read is kept aside, if there
   * are not many, and named in the log.
   */
  take(mails: readonly Received[]): Message[] {
    const { store, log } = this.#options;
    this.#forgetOld();
    const toActOn: Message[] = [];
    for (const { raw, mailbox, uid, receivedAt } of mails) {
      const parsed = parseMessage(raw);
      if (!parsed.ok) {
        const where = store.addUnreadable(raw) ? 'kept in mail/unreadable' : 'left out: mail/unreadable is full';
        log.warn(`${mailbox}, mail ${uid}: ${parsed.why}; ${where}`);
        continue;
      }
      const { message } = parsed;
      const isSaid = this.#isSaid(message);
      const added = store.add(message, receivedAt);
      if (added === 'too many copies') {
        log.warn(
          `${mailbox}, mail ${uid}: left out: too many copies of <${message.messageId}> came before, not all alike`,
        );
        continue;
      }
      if (added === 'added') this.#keep(message, receivedAt.toISOString().slice(0, 10));
      if (!isSaid || added === 'known') toActOn.push(message);
    }
    return toActOn;
  }

  /**
   * Complete series that one of these mails is part of and that no later revision supersedes. Of a series whose newest
   * mail has no Date within the window nobody waits for a reply: it is not given, and can still be asked for.
   */
  seriesWith(messages: readonly Message[]): Series[] {
    const ids = new Set(messages.map((message) => message.messageId));
    return sendersOf(messages.filter(mayBeOfSeries)).flatMap((sender) => {
      const series = this.#assembled(sender);
      const later = supersededByPost(series);
      return series
        .filter((one) => one.complete)
        .filter((one) => !later.has(one) && mailsOf(one).some(({ messageId }) => ids.has(messageId)))
        .filter((one) => this.#isRecent(one))
        .map((one) => this.#whole(one));
    });
  }

  /** Complete series that a series with one of these mails supersedes: nobody waits for a reply to them any more. */
  supersededBy(messages: readonly Message[]): { readonly old: Series; readonly by: Assembled }[] {
    const ids = new Set(messages.map((message) => message.messageId));
    return sendersOf(messages.filter(mayBeOfSeries)).flatMap((sender) =>
      [...supersededByPost(this.#assembled(sender))].flatMap(([old, by]) =>
        old.complete && mailsOf(by).some(({ messageId }) => ids.has(messageId)) ? [{ old, by }] : [],
      ),
    );
  }

  /**
   * The series that a mail of a thread answers: that of the nearest of these Message-IDs (the last one first). Where its
   * copies name several senders, a complete one before others.
   */
  answered(references: readonly MessageId[]): Assembled | undefined {
    for (const id of references.toReversed()) {
      const kept = this.#messages.get(id);
      if (!kept?.mayBeOfSeries) continue;
      const found = sendersOf(kept.copies).flatMap((sender) =>
        this.#assembled(sender).filter((one) => mailsOf(one).some(({ messageId }) => messageId === id)),
      );
      const complete = found.find((one) => one.complete);
      if (complete) return this.#whole(complete);
      if (found[0]) return found[0];
    }
    return undefined;
  }

  /**
   * A series that was checked, to be answered now: its patches with the lists of all their copies, of which the job had
   * one each, and some came later. Not ok where two copies of one of its mails carry different changes:
   * one of them is forged, and nothing here can tell which.
   */
  toAnswer(series: Series): Outcome<{ readonly series: Series }, { readonly why: string }> {
    const patches: Patch[] = [];
    for (const patch of series.patches) {
      const { messageId, listIds } = patch.message;
      const copies = this.#copiesOnDisk(messageId);
      const changes = new Set(copies.map(changesIn).filter((one) => one !== undefined));
      if (changes.size > 1)
        return { ok: false, why: `copies of <${messageId}> came with different changes; one is forged` };
      const all = [...new Set([...listIds, ...copies.flatMap((copy) => copy.listIds)])].sort();
      patches.push({ ...patch, message: { ...patch.message, listIds: all } });
    }
    const [first, ...rest] = patches;
    return { ok: true, series: { ...series, patches: [first!, ...rest] } };
  }

  #assembled(sender: string): Assembled[] {
    const messages: Message[] = [];
    let bytes = 0;
    for (const id of [...(this.#bySender.get(sender) ?? [])].toReversed()) {
      const kept = this.#messages.get(id)!;
      bytes += kept.textBytes;
      if (bytes > MAX_SENDER_BYTES) break;
      const copies = kept.isInMemory ? kept.copies : this.#copiesOnDisk(id);
      const listIds = [...new Set(copies.flatMap((copy) => copy.listIds))];
      messages.push(...copies.filter((copy) => posterOf(copy) === sender).map((copy) => ({ ...copy, listIds })));
    }
    return assemble(messages).series;
  }

  #copiesOnDisk(id: MessageId): Message[] {
    const parsed = this.#options.store.raws(id).map(parseMessage);
    return parsed.flatMap((one) => (one.ok ? [withoutBytes(one.message)] : []));
  }

  /**
   * A copy with the same words is there, and what else it may say does not matter for a patch, but that it came by a
   * list when none did before: see {@link supersededByPost}.
   */
  #isSaid(message: Message): boolean {
    const known = this.#messages.get(message.messageId);
    if (!known || !mayBeOfSeries(message)) return false;
    if (message.listIds.length > 0 && known.copies.every(({ listIds }) => listIds.length === 0)) return false;
    const copies = known.isInMemory ? known.copies : this.#copiesOnDisk(message.messageId);
    return copies.some(
      ({ body, subject, from }) =>
        body === message.body && subject === message.subject && from.address === message.from.address,
    );
  }

  #isRecent(series: Series): boolean {
    const oldestMs = this.#options.now().getTime() - this.#options.windowDays * DAY_MS;
    const isRecent = mailsOf(series).some(({ date }) => date !== undefined && Date.parse(date) >= oldestMs);
    if (!isRecent)
      this.#options.log.info(
        `${series.subject}: its mails are of more than ${this.#options.windowDays} days ago: not checked`,
      );
    return isRecent;
  }

  #keep(message: Message, day: string): void {
    const sender = posterOf(message);
    const copy = withoutBytes(message);
    const known = this.#messages.get(message.messageId);
    const kept = known ?? { copies: [], day, mayBeOfSeries: false, textBytes: 0, isInMemory: true };
    kept.mayBeOfSeries ||= mayBeOfSeries(message);
    kept.copies.push(kept.isInMemory ? copy : { ...copy, body: '' });
    const bytes = Buffer.byteLength(copy.body);
    kept.textBytes += bytes;
    if (kept.isInMemory && bytes > 0) {
      this.#withText.add(kept);
      this.#textBytes += bytes;
      this.#makeRoom();
    }
    this.#messages.set(message.messageId, kept);
    const ids = this.#bySender.get(sender);
    if (ids) ids.add(message.messageId);
    else this.#bySender.set(sender, new Set([message.messageId]));
  }

  /** The oldest texts leave memory; they are on disk. */
  #makeRoom(): void {
    const { maxTextBytes = MAX_TEXT_BYTES } = this.#options;
    for (const kept of this.#withText) {
      if (this.#textBytes <= maxTextBytes) return;
      this.#withoutText(kept);
      kept.isInMemory = false;
      for (const [at, copy] of kept.copies.entries()) kept.copies[at] = { ...copy, body: '' };
    }
  }

  #withoutText(kept: Kept): void {
    if (this.#withText.delete(kept)) this.#textBytes -= kept.textBytes;
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
  #bytesOf({ messageId, body, from }: Message): Uint8Array {
    const copies = this.#options.store.raws(messageId);
    const taken = copies.find((raw) => {
      const parsed = parseMessage(raw);
      return parsed.ok && parsed.message.body === body && parsed.message.from.address === from.address;
    });
    const raw = taken ?? copies[0];
    if (raw === undefined) throw new Error(`the mail <${messageId}> is in memory and not on disk`);
    return raw;
  }

  #forgetOld(): void {
    const oldest = this.#oldest();
    if (oldest !== this.#forgotBefore) this.#options.store.sweep(oldest);
    this.#forgotBefore = oldest;
    for (const [id, kept] of this.#messages) {
      if (kept.day >= oldest) continue;
      this.#messages.delete(id);
      this.#withoutText(kept);
      for (const sender of new Set(kept.copies.map(posterOf))) {
        const ids = this.#bySender.get(sender);
        ids?.delete(id);
        if (ids?.size === 0) this.#bySender.delete(sender);
      }
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

/** As {@link superseded}, but what came by no list supersedes nothing that did: anybody can send us such a mail. */
function supersededByPost(series: readonly Assembled[]): Map<Assembled, Assembled> {
  const cameByList = (one: Assembled): boolean => mailsOf(one).some(({ listIds }) => listIds.length > 0);
  const ofAll = [...superseded(series)].filter(([old]) => !cameByList(old));
  return new Map([...ofAll, ...superseded(series.filter(cameByList))]);
}

/** A patch, or a cover letter with or without its 0/n; a diff is a patch whatever its subject. */
function mayBeOfSeries({ subject, body }: Message): boolean {
  const { isReply, isPatch, isRfc, counterInferred } = parseSubject(subject);
  return !isReply && (isPatch || isRfc || !counterInferred || looksLikeDiff(body));
}

/**
 * The changes that a mail carries, as text to compare; undefined without a whole diff. White space and what is not
 * ASCII are left out, and the `?` that stands for it: lists spoil these.
 */
function changesIn({ body }: Message): string | undefined {
  const { files, cutShort } = parseDiff(body);
  if (files.length === 0 || cutShort !== undefined) return undefined;
  const changes = files.map(({ oldPath, newPath, hunks }) => [
    oldPath,
    newPath,
    hunks.map(({ oldStart, lines }) => [
      oldStart,
      lines.map(({ kind, text }) => [kind, text.replaceAll(/[^!->@-~]/g, '')]),
    ]),
  ]);
  return JSON.stringify(changes);
}

/** As it is kept in memory. */
function withoutBytes(message: Message): Message {
  return { ...message, raw: NOTHING, ...(!mayBeOfSeries(message) && { body: '' }) };
}

/** Each once, people before lists that put their own address in place of theirs. */
function sendersOf(messages: readonly Message[]): string[] {
  const isPerson = (message: Message): boolean =>
    isFromPerson(message) || posterOf(message) !== message.from.address.toLowerCase();
  const lists = messages.filter((message) => !isPerson(message));
  return [...new Set([...messages.filter(isPerson), ...lists].map(posterOf))];
}

/**
 * The mailroom: mails come in from all mailboxes, are recorded, and are put together to series. It keeps the mails of
 * the last weeks in memory, since patches come late, one by one, and by several lists: with their text where they may
 * be part of a series, else only as places in a thread. Together they have a limit; the oldest leave memory first, and
 * are read from disk again when a series that they may be part of is put together.
 *
 * Series are put together of the mails of one sender that are kin, see {@link Kin}. Copies of one mail may name several
 * senders, by a list's doing or a forger's: the mail is then among those of each, with what came in that name.
 */

import type { Assembled, Message, MessageId, Patch, Series } from '../rules/types.ts';
import { looksLikeDiff } from './diff.ts';
import { type Authenticate, isDisputed, type Settled, settle } from './disputed.ts';
import type { Received } from './inbox.ts';
import { Kin } from './kin.ts';
import type { Log } from './log.ts';
import type { MailStore } from './mail-store.ts';
import { parseMessage } from './message.ts';
import { parsePatch } from './patch.ts';
import { noteSender, peopleFirst, posterOf, sendersOf } from './sender.ts';
import { assemble, mailsOf } from './series.ts';
import { parseSubject } from './subject.ts';
import { superseded } from './superseded.ts';

export interface MailroomOptions {
  readonly store: MailStore;
  readonly windowDays: number;
  /** Most bytes of mails in memory. */
  readonly maxBytes?: number;
  readonly log: Log;
  readonly now: () => Date;
}

const DAY_MS = 86_400_000;
/** Of mails in memory, of all senders. */
const MAX_BYTES = 256 * 2 ** 20;
/** Of a mail that takes part in a series or its thread; the largest patches of headers are below it. */
const MAX_MAIL_BYTES = 8 * 2 ** 20;
/** Of mails that are put together at a time: the nearest kin count. The longest series have a thousand patches. */
const MAX_TOGETHER = 2000;
const MAX_TOGETHER_BYTES = 64 * 2 ** 20;

interface Kept {
  /** Without bytes; without text where they are no part of a series. Undefined once they have left memory. */
  copies: Message[] | undefined;
  readonly day: string;
  /** One of the copies is a patch or a cover letter. */
  mayBeOfSeries: boolean;
  /** Of the copies as they came: headers stay in memory too. */
  bytes: number;
  /** Of the copies, see {@link noteSender}. */
  readonly senders: Map<string, boolean>;
}

/** The series around some mails that came in the name of one sender. */
interface Gathered {
  readonly series: Assembled[];
  /** What supersedes which. */
  readonly later: Map<Assembled, Assembled>;
}

/** `isAsChecked`: no copy that came since says that it is another series than the one that was checked. */
export type ToAnswer =
  | { readonly ok: true; readonly series: Series; readonly isAsChecked: boolean }
  | Extract<Settled, { ok: false }>;

export class Mailroom {
  readonly #options: MailroomOptions;
  /** Oldest first. */
  readonly #messages = new Map<MessageId, Kept>();
  /** Each mail under the sender of every copy. */
  readonly #bySender = new Map<string, Kin>();
  /** Those in memory, oldest first. */
  readonly #inMemory = new Set<Kept>();
  #bytes = 0;
  /** Of the mails that were taken last: they are asked about more than once. */
  #gathered: { readonly around: readonly Message[]; readonly found: Gathered[] } | undefined;
  /** Day of the last sweep of the disk. */
  #forgotBefore = '';

  /** Reads what the store has. */
  constructor(options: MailroomOptions) {
    this.#options = options;
    const oldest = this.#oldest();
    for (const { raw, day } of options.store.all()) {
      const parsed = parseMessage(raw);
      if (parsed.ok && day >= oldest && raw.length <= MAX_MAIL_BYTES) this.#keep(parsed.message, day);
    }
  }

  /**
   * Records mails; when it returns they are on disk. Gives, whole, those that somebody has to act on: a copy of a patch
   * through another list is none, unless it says something else than the copies before, but a mail that is handed over
   * again is, since the last time may have ended before anybody did. A mail that cannot be read is kept aside, if there
   * are not many, and named in the log, as are those of which too many copies came, or that are too large for a series.
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
      const keptAt = this.#keptAt(receivedAt);
      const added = store.add(message, keptAt);
      if (added === 'too many copies') {
        log.warn(
          `${mailbox}, mail ${uid}: left out: too many copies of <${message.messageId}> came before, not all alike`,
        );
        continue;
      }
      if (raw.length > MAX_MAIL_BYTES)
        log.warn(`${mailbox}, mail ${uid}: <${message.messageId}> is ${raw.length} bytes long: no part of a series`);
      else if (added === 'added') this.#keep(message, keptAt.toISOString().slice(0, 10));
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
    return this.#gather(messages).flatMap(({ series, later }) =>
      series
        .filter((one) => one.complete)
        .filter((one) => !later.has(one) && mailsOf(one).some(({ messageId }) => ids.has(messageId)))
        .filter((one) => this.#isRecent(one))
        .map((one) => this.#whole(one)),
    );
  }

  /** Complete series that a series with one of these mails supersedes: nobody waits for a reply to them any more. */
  supersededBy(messages: readonly Message[]): { readonly old: Series; readonly by: Assembled }[] {
    const ids = new Set(messages.map((message) => message.messageId));
    return this.#gather(messages).flatMap(({ later }) =>
      [...later].flatMap(([old, by]) =>
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
      const found = peopleFirst(kept.senders).flatMap((sender) =>
        this.#assembled(sender, id).filter((one) => mailsOf(one).some(({ messageId }) => messageId === id)),
      );
      const complete = found.find((one) => one.complete);
      if (complete) return this.#whole(complete);
      if (found[0]) return found[0];
    }
    return undefined;
  }

  /**
   * A series that was checked, to be answered now: its patches with the lists of all their copies, of which the job had
   * one each, and some came later. Where two copies of a mail say different things, one of them is forged: it is the
   * series of the one that is signed, which need not be what was checked; not ok where signatures do not tell.
   */
  async toAnswer(series: Series, authenticate: Authenticate): Promise<ToAnswer> {
    const settled = (message: Message): Promise<Settled> =>
      settle(message, this.#wholeCopies(message.messageId), authenticate);
    const cover = series.cover && (await settled(series.cover));
    if (cover?.ok === false) return cover;
    let isAsChecked = cover?.isOther !== true;
    const patches: Patch[] = [];
    for (const patch of series.patches) {
      const found = await settled(patch.message);
      if (!found.ok) return found;
      const { message, isOther } = found;
      isAsChecked &&= !isOther;
      const parsed = isOther ? parsePatch(message) : undefined;
      patches.push({ ...(parsed?.ok ? parsed.patch : patch), message, n: patch.n, total: patch.total });
    }
    const [first, ...rest] = patches;
    const letter = cover?.isOther ? { cover: cover.message } : {};
    return { ok: true, series: { ...series, ...letter, patches: [first!, ...rest] }, isAsChecked };
  }

  /** Whether copies of one of these mails, which is in the series, say different things. */
  isDisputed(series: Series, messages: readonly Message[]): boolean {
    const ids = new Set(messages.map(({ messageId }) => messageId));
    const here = mailsOf(series).filter(({ messageId }) => ids.has(messageId));
    return here.some(({ messageId }) => isDisputed(this.#wholeCopies(messageId)));
  }

  #gather(messages: readonly Message[]): Gathered[] {
    if (this.#gathered?.around === messages) return this.#gathered.found;
    const senders = peopleFirst(sendersOf(messages.filter(mayBeOfSeries)));
    const found = senders.flatMap((sender) => {
      const seen = new Set<MessageId>();
      const around = messages.filter(({ messageId }) => this.#bySender.get(sender)?.has(messageId));
      return around.flatMap(({ messageId }) => {
        if (seen.has(messageId)) return [];
        const series = this.#assembled(sender, messageId, seen);
        return [{ series, later: supersededByPost(series) }];
      });
    });
    this.#gathered = { around: messages, found };
    return found;
  }

  /** The series of a mail and its kin in the name of a sender; `seen` is told their ids. */
  #assembled(sender: string, id: MessageId, seen = new Set<MessageId>()): Assembled[] {
    const messages: Message[] = [];
    let bytes = 0;
    let count = 0;
    let isAll = true;
    for (const one of this.#bySender.get(sender)?.of(id) ?? []) {
      if (++count > MAX_TOGETHER) {
        isAll = false;
        break;
      }
      seen.add(one);
      const copies = this.#messages.get(one)!.copies ?? this.#copiesOnDisk(one);
      const own = copies.filter((copy) => posterOf(copy) === sender);
      const more = own.reduce((sum, { body }) => sum + body.length, 0);
      if (bytes + more > MAX_TOGETHER_BYTES) {
        isAll = false;
        continue;
      }
      bytes += more;
      const listIds = [...new Set(copies.flatMap((copy) => copy.listIds))];
      messages.push(...own.map((copy) => ({ ...copy, listIds })));
    }
    if (!isAll)
      this.#options.log.warn(`too many mails of ${sender} may belong with <${id}>: the nearest were put together`);
    return assemble(messages).series;
  }

  /** Those that take part in series. */
  #copiesOnDisk(id: MessageId): Message[] {
    return this.#wholeCopies(id).map(withoutBytes);
  }

  #wholeCopies(id: MessageId): Message[] {
    const raws = this.#options.store.raws(id).filter((raw) => raw.length <= MAX_MAIL_BYTES);
    return raws.map(parseMessage).flatMap((one) => (one.ok ? [one.message] : []));
  }

  /**
   * A copy with the same words is there, and what else it may say does not matter for a patch, but that it came by a
   * list when none did before: see {@link supersededByPost}.
   */
  #isSaid(message: Message): boolean {
    const known = this.#messages.get(message.messageId);
    if (!known || !mayBeOfSeries(message)) return false;
    const copies = known.copies ?? this.#copiesOnDisk(message.messageId);
    if (message.listIds.length > 0 && copies.every(({ listIds }) => listIds.length === 0)) return false;
    return copies.some(
      ({ body, subject, from }) =>
        body === message.body && subject === message.subject && from.address === message.from.address,
    );
  }

  /** From when on a mail is kept: the moment that its server says, or now where that is beyond what can be. */
  #keptAt(receivedAt: Date): Date {
    const now = this.#options.now();
    const isOfWindow = receivedAt <= now && receivedAt.toISOString().slice(0, 10) >= this.#oldest();
    return isOfWindow ? receivedAt : now;
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
    const messageId = alone(message.messageId);
    const { raw } = message;
    const fresh: Kept = { copies: [], day, mayBeOfSeries: false, bytes: 0, senders: new Map() };
    const kept = this.#messages.get(messageId) ?? fresh;
    this.#messages.set(messageId, kept);
    this.#gathered = undefined;
    const sender = alone(posterOf(message));
    kept.mayBeOfSeries ||= mayBeOfSeries(message);
    noteSender(kept.senders, message, sender);
    const kin = this.#bySender.get(sender) ?? new Kin();
    this.#bySender.set(sender, kin);
    kin.add({ ...message, messageId });
    if (!kept.copies) return;
    kept.copies.push(withoutBytes(message));
    kept.bytes += raw.length;
    this.#bytes += raw.length;
    this.#inMemory.add(kept);
    this.#makeRoom();
  }

  /** The oldest leave memory; they are on disk. */
  #makeRoom(): void {
    const { maxBytes = MAX_BYTES } = this.#options;
    for (const kept of this.#inMemory) {
      if (this.#bytes <= maxBytes) return;
      this.#leave(kept);
    }
  }

  #leave(kept: Kept): void {
    if (this.#inMemory.delete(kept)) this.#bytes -= kept.bytes;
    kept.copies = undefined;
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
      this.#gathered = undefined;
      this.#leave(kept);
      for (const sender of kept.senders.keys()) {
        const kin = this.#bySender.get(sender);
        kin?.delete(id);
        if (kin?.size === 0) this.#bySender.delete(sender);
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

/** As it is kept in memory. */
function withoutBytes(message: Message): Message {
  return { ...message, raw: NOTHING, ...(!mayBeOfSeries(message) && { body: '' }) };
}

/** The same text with memory of its own: a part of a text keeps the whole in memory, here all headers of a mail. */
function alone(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

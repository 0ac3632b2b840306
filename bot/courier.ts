/**
 * Takes mails from the outbox to the Drafts folder or to the SMTP server: never two, never none.
 *
 * The intent is on disk before the deed (`drafting`, `sending`). Whether the deed was done is never guessed after a
 * crash but looked up by Message-ID: a draft in the folder, a sent mail among those that came back to a watched
 * mailbox (the bot's own address is always a recipient, so a copy shows that the server took the mail). Only when all
 * mailboxes have been read long enough after the moment of doubt is a mail sent again.
 *
 * A recipient refused for now gets the same mail later, alone; that the others have it is on disk by then. Such a
 * delivery brings no second copy, so where its outcome is unknown, a person has to look.
 *
 * A little more than 400 lines, since the way of a mail through all its states is best read in one place.
 */

import type { MessageId, Outcome } from '../rules/types.ts';
import { isCopyOf } from './eml.ts';
import type { Log } from './log.ts';
import type { Outbox, State } from './outbox.ts';
import {
  hasProof,
  type Left,
  leftOf,
  lower,
  NOTHING_YET,
  nameOf,
  type Outgoing,
  othersOf,
  type Progress,
  reachedOf,
} from './outgoing.ts';
import { afterQuietHours } from './quiet-hours.ts';
import { type Rejected, type Smtp, SmtpError } from './smtp.ts';
import { Waits } from './waits.ts';

/** Before it is looked again whether the mailboxes are read so far. */
const LOOK_AGAIN_MS = 1000;
/** Between two looks whether mails may leave again. */
const LOOK_HALTED_MS = 5000;
/** Times that a mail is sent whose fate stays unknown, before a person has to look. */
const MOST_UNKNOWN = 3;
/** States in which the courier has something to do, in this order: what a crash may have left comes first. */
const UNDER_WAY = ['drafting', 'to-draft', 'accepted', 'sending', 'to-send'] as const satisfies readonly State[];
type UnderWay = (typeof UNDER_WAY)[number];
/** Before it is looked again whether a day has an hour that is not quiet. */
const NEVER_MS = 24 * 60 * 60 * 1000;
const EDITED = 'the draft was edited or removed; send it from your mail program';

/** The Drafts folder. Each may throw when its server does not answer. */
export interface Drafts {
  append(eml: Uint8Array, date: Date): Promise<unknown>;
  find(messageId: MessageId): Promise<Uint8Array | undefined>;
  /** False where there was none. */
  remove(messageId: MessageId): Promise<boolean>;
}

export interface CourierParts {
  readonly outbox: Outbox;
  readonly drafts: Drafts | undefined;
  readonly smtp: Smtp;
  /** The mails with this Message-ID that came to watched mailboxes, as their bytes. */
  readonly copies: (messageId: MessageId) => Iterable<Uint8Array>;
  /** A moment up to which all watched mailboxes have been read for certain; undefined while one of them has not. */
  readonly readSince: () => Date | undefined;
  /** Addresses that get no reply any more, in lower case. */
  readonly stopped: () => ReadonlySet<string>;
  /** Why nothing at all may leave the house now; asked anew before every mail and draft. */
  readonly halted: () => string | undefined;
  /** Told of a reply that is going to be held; after a crash perhaps again. */
  readonly onHeld: (meta: Outgoing, why: string) => void;
  /** How long a copy may take to come back, before a mail whose fate is unknown is sent again. */
  readonly lookMs: number;
  readonly now: () => Date;
  readonly log: Log;
}

/** What became of an order about a draft; `already` when it was carried out before, and nothing was done now. */
export type Decision = Outcome<{ readonly state: State; readonly already: boolean }, { readonly why: string }>;

export class Courier {
  readonly #parts: CourierParts;
  readonly #waits = new Waits();
  #isDraftsMissed = false;
  /** What `halted` said when it was last logged. */
  #haltTold: string | undefined;
  /** One thing at a time: a round, or an order. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: CourierParts) {
    this.#parts = parts;
  }

  /**
   * Does all that can be done now, one mail after the other; what fails is logged and tried in a later round.
   * Call it when a mail was added or approved, when a mail came in, and at `nextRoundAt`.
   */
  round(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#withdraw();
      const steps = {
        drafting: this.#draft,
        'to-draft': this.#draft,
        accepted: this.#clear,
        sending: this.#look,
        'to-send': this.#send,
      };
      for (const state of UNDER_WAY) await this.#each(state, (mail) => steps[state].call(this, mail));
    });
  }

  /** What is not sent of a series that has a later revision is discarded; a draft that a person has edited is theirs. */
  async #withdraw(): Promise<void> {
    const { outbox, now, log } = this.#parts;
    for (const series of outbox.withdrawn()) {
      const isOf = (mail: Outgoing): boolean => mail.kind === 'reply' && mail.series === series;
      let isOpen = (['drafting', 'sending'] as const).some((state) => outbox.list(state).some(isOf));
      for (const state of ['to-draft', 'drafted', 'to-send', 'held'] as const) {
        for (const mail of outbox.list(state).filter(isOf)) {
          // Whom it has reached, the others follow.
          if (reachedOf(mail, outbox.progress(mail.id) ?? NOTHING_YET).length > 0) continue;
          const isResting = this.#waits.until(mail.id) > now().getTime();
          const isInFolder = state !== 'to-draft' && mail.via === 'draft';
          if (isResting || (isInFolder && !(await this.#takeBack(mail)))) {
            isOpen = true;
            continue;
          }
          outbox.move(mail.id, state, 'discarded');
          log.info(`outbox: ${nameOf(mail)} is discarded: a later revision of its series has come`);
        }
      }
      if (!isOpen) outbox.endWithdrawal(series);
    }
  }

  /** Takes our draft out of the folder; false where its server does not answer. */
  async #takeBack(mail: Outgoing): Promise<boolean> {
    const { drafts, log, now } = this.#parts;
    try {
      if ((await this.#draftIs(mail)) === 'ours') await drafts?.remove(mail.messageId);
      return true;
    } catch (error) {
      const why = (error as Error).message;
      log.warn(`outbox: ${nameOf(mail)} is not yet withdrawn: ${why}; ${this.#waits.failed(mail.id, now().getTime())}`);
      return false;
    }
  }

  /** When the next round has something to do; undefined when nothing is under way. */
  nextRoundAt(): Date | undefined {
    const { outbox, drafts, now } = this.#parts;
    const states = UNDER_WAY.filter((state) => drafts !== undefined || (state !== 'to-draft' && state !== 'drafting'));
    const times = states.flatMap((state) => outbox.list(state).map((mail) => this.#dueAt(mail, state)));
    const soonest = now().getTime() + (this.#haltTold === undefined ? 0 : LOOK_HALTED_MS);
    return times.length === 0 ? undefined : new Date(Math.max(soonest, Math.min(...times)));
  }

  /**
   * Has a draft sent, by the next round, if it still lies in the folder as we put it there; and a mail that is held.
   * Throws what `Drafts` throws.
   */
  approve(messageId: MessageId): Promise<Decision> {
    return this.#inTurn(async (): Promise<Decision> => {
      const { outbox } = this.#parts;
      const found = await this.#findDrafted(messageId);
      if (!found.ok) return found;
      const { meta, state } = found;
      if (ON_ITS_WAY.has(state)) return { ok: true, state, already: true };
      if (state === 'discarded') return { ok: false, why: 'it was discarded' };
      if (state !== 'drafted' && state !== 'held') return { ok: false, why: 'it is not in the Drafts folder yet' };
      const progress = outbox.progress(meta.id) ?? NOTHING_YET;
      if (!(await this.#isDraftOurs(meta, progress))) return { ok: false, why: EDITED };
      const left = this.#leftOf(meta, progress);
      if (!left.ok) return left;
      // What a server refused, or said nothing of, it is asked again.
      if (state === 'held') outbox.setProgress(meta.id, { ...NOTHING_YET, got: progress.got });
      outbox.move(meta.id, state, 'to-send');
      return { ok: true, state: 'to-send', already: false };
    });
  }

  /** Removes a draft from the folder; it is never sent. Throws what `Drafts` throws. */
  discard(messageId: MessageId): Promise<Decision> {
    return this.#inTurn(async (): Promise<Decision> => {
      const found = await this.#findDrafted(messageId);
      if (!found.ok) return found;
      const { meta, state } = found;
      if (state === 'discarded') return { ok: true, state, already: true };
      if (state === 'accepted' || state === 'sent') return { ok: false, why: 'it was sent already' };
      if (ON_ITS_WAY.has(state) || state === 'drafting') return { ok: false, why: 'it is on its way already' };
      await this.#parts.drafts?.remove(messageId);
      this.#parts.outbox.move(meta.id, state, 'discarded');
      return { ok: true, state: 'discarded', already: false };
    });
  }

  /** A mail that an order is about, in the state it is really in. */
  async #findDrafted(messageId: MessageId): Promise<Outcome<{ meta: Outgoing; state: State }, { why: string }>> {
    const { outbox } = this.#parts;
    const find = () => outbox.find(messageId);
    let found = find();
    if (found?.state === 'drafting' && this.#parts.drafts !== undefined) {
      await this.#draft(found.meta);
      found = find();
    }
    // A person may have sent it from a mail program, or the server had it after all.
    if ((found?.state === 'drafted' || found?.state === 'held') && this.#hasArrived(found.meta)) {
      await this.#accepted(found.meta, found.state, 'as its copy that came in shows');
      found = find();
    }
    return found === undefined ? { ok: false, why: 'there is no such mail in the outbox' } : { ok: true, ...found };
  }

  async #each(state: UnderWay, step: (mail: Outgoing) => Promise<void>): Promise<void> {
    const { outbox, now, log } = this.#parts;
    let failures = 0;
    for (const mail of outbox.list(state)) {
      if (state !== 'accepted' && this.#isHalted()) return;
      if (this.#waits.until(mail.id, ...serversOf(mail, state)) > now().getTime()) continue;
      if (state === 'to-send' && earliestOf(mail, now()) > now().getTime()) continue;
      try {
        await step(mail);
      } catch (error) {
        const { message } = error as Error;
        log.warn(`outbox: ${nameOf(mail)}: ${message}; ${this.#waits.failed(mail.id, now().getTime())}`);
        // What the Drafts folder refuses may be one mail's fault; after two its server gets a rest.
        if (!(error instanceof SmtpError) && ++failures > 1) this.#waits.failed('drafts', now().getTime());
      }
    }
  }

  /** When a mail can be looked at again, ms. */
  #dueAt(mail: Outgoing, state: UnderWay): number {
    const { outbox, lookMs, now } = this.#parts;
    const since = state === 'sending' ? outbox.progress(mail.id)?.doubtSince : undefined;
    const lookedAt = since === undefined ? 0 : Date.parse(since) + lookMs;
    const sendAt = state === 'to-send' ? earliestOf(mail, now()) : 0;
    // Then the mailboxes have to be read so far, which nobody knows beforehand.
    const readAt = since === undefined || this.#isReadSince(since) ? 0 : now().getTime() + LOOK_AGAIN_MS;
    return Math.max(lookedAt, readAt, sendAt, this.#waits.until(mail.id, ...serversOf(mail, state)));
  }

  /** Looks, and tells the log of every change. */
  #isHalted(): boolean {
    const why = this.#parts.halted();
    if (why !== this.#haltTold) this.#parts.log.warn(why ?? 'outbox: mails leave again');
    this.#haltTold = why;
    return why !== undefined;
  }

  /** Between the decision and the deed. */
  #refuseIfHalted(): void {
    const why = this.#parts.halted();
    if (why !== undefined) throw new Error(why);
  }

  /** Whether a copy of a mail that the server had at that moment would have been read by now. */
  #isReadSince(doubtSince: string): boolean {
    const { readSince, lookMs } = this.#parts;
    return (readSince()?.getTime() ?? 0) >= Date.parse(doubtSince) + lookMs;
  }

  /** `to-draft` or `drafting` -> `drafted`. */
  async #draft(mail: Outgoing): Promise<void> {
    const { outbox, drafts, now, log } = this.#parts;
    const { id, messageId } = mail;
    if (drafts === undefined) {
      if (!this.#isDraftsMissed) {
        log.warn(`outbox: ${nameOf(mail)} waits for a Drafts folder: set drafts.account in the configuration`);
      }
      this.#isDraftsMissed = true;
      return;
    }
    const isNew = outbox.find(messageId)?.state === 'to-draft';
    if (isNew) outbox.move(id, 'to-draft', 'drafting');
    // After a crash it may lie there, or have been sent from there by a person.
    const isThere = !isNew && (this.#hasArrived(mail) || (await drafts.find(messageId)) !== undefined);
    if (!isThere) {
      this.#refuseIfHalted();
      await drafts.append(outbox.read(id), now());
    }
    outbox.move(id, 'drafting', 'drafted');
    this.#waits.worked('drafts', id);
    log.info(`outbox: ${nameOf(mail)} lies in the Drafts folder, for ${mail.maintainers.join(', ')}`);
  }

  /** `to-send` -> `sending` and on. */
  async #send(mail: Outgoing): Promise<void> {
    const { outbox, log } = this.#parts;
    const { id } = mail;
    const progress = outbox.progress(id) ?? NOTHING_YET;
    if (this.#hasArrived(mail)) return this.#accepted(mail, 'to-send', 'before; a copy of it came in');
    // It lies there until the server has it. Whoever took it away may have sent it.
    if (!(await this.#isDraftOurs(mail, progress))) {
      outbox.move(id, 'to-send', 'drafted');
      log.warn(`outbox: ${nameOf(mail)} is not sent: ${EDITED}`);
      return;
    }
    await this.#deliver(mail, 'to-send', progress);
  }

  /** `sending` without our doing now: a crash, or a connection lost when the mail may have been taken. */
  async #look(mail: Outgoing): Promise<void> {
    const { outbox, log } = this.#parts;
    const progress = outbox.progress(mail.id) ?? { ...NOTHING_YET, step: 'handing-over' };
    if (progress.step === 'waiting') return this.#settle(mail, progress);
    if (this.#hasArrived(mail)) return this.#accepted(mail, 'sending', 'as its copy that came in shows');
    if (progress.step === 'handing-over') return this.#doubt(mail, progress, 'depbot stopped meanwhile');
    if (!this.#isReadSince(progress.doubtSince!)) return;
    if (progress.unknowns >= MOST_UNKNOWN) {
      return this.#hold(mail, 'sending', `sent ${progress.unknowns} times, and no copy came back`);
    }
    log.warn(`outbox: ${nameOf(mail)}: no copy came back; sending it again`);
    await this.#deliver(mail, 'sending', progress);
  }

  /** `to-send` or `sending` -> where the server's answer leads. */
  async #deliver(mail: Outgoing, from: 'to-send' | 'sending', before: Progress): Promise<void> {
    const { outbox, smtp, now, log } = this.#parts;
    const { id } = mail;
    const left = this.#leftOf(mail, before);
    if (!left.ok) return this.#hold(mail, from, left.why);
    if (!left.recipients.some((one) => lower(one) !== lower(mail.from))) {
      return this.#accepted(mail, from, `to ${reachedOf(mail, before).join(', ')}; the others said stop`);
    }
    this.#refuseIfHalted();
    const { doubtSince: _, ...rest } = before;
    const known = { ...rest, refused: [...rest.refused, ...left.stopped] };
    outbox.setProgress(id, { ...known, step: 'handing-over' });
    if (from === 'to-send') outbox.move(id, 'to-send', 'sending');
    let accepted: readonly string[] = [];
    let rejected: readonly Rejected[];
    try {
      ({ accepted, rejected } = await smtp.send({ from: mail.from, recipients: left.recipients }, left.eml));
    } catch (error) {
      const { message } = error as Error;
      const kind = error instanceof SmtpError ? error.kind : 'unknown';
      if (kind === 'unknown') {
        this.#waits.failed('smtp', now().getTime());
        return this.#doubt(mail, known, message);
      }
      rejected = error instanceof SmtpError ? error.rejected : [];
      if (rejected.length === 0) {
        if (kind === 'never') return this.#hold(mail, 'sending', message);
        outbox.setProgress(id, { ...known, step: 'waiting' });
        outbox.move(id, 'sending', 'to-send');
        if (kind === 'later') throw error;
        log.warn(`outbox: ${message}; ${this.#waits.failed('smtp', now().getTime())}`);
        return;
      }
    }
    this.#waits.worked('smtp');
    const refused = rejected
      .filter(({ kind }) => kind === 'never')
      .map(({ address, why }) => ({ address: lower(address), why }));
    for (const { address, why } of refused) log.warn(`outbox: ${nameOf(mail)} does not go to ${address}: ${why}`);
    const after: Progress = {
      ...known,
      step: 'waiting',
      got: [...before.got, ...accepted.map(lower)],
      refused: [...known.refused, ...refused],
    };
    outbox.setProgress(id, after);
    await this.#settle(mail, after);
    const later = rejected.filter(({ kind }) => kind === 'later').map(({ address, why }) => `${address}: ${why}`);
    if (outbox.find(mail.messageId)?.state === 'to-send')
      throw new SmtpError('later', `not yet to ${later.join(', ')}`);
  }

  /** `sending`, and what the server said of each recipient is on disk: -> `accepted`, `to-send` for the others, or `held`. */
  async #settle(mail: Outgoing, progress: Progress): Promise<void> {
    const { got, refused } = progress;
    const [others, reached] = [othersOf(mail), reachedOf(mail, progress)];
    const isOpen = others.some((address) => !got.includes(address) && !refused.some((one) => one.address === address));
    if (isOpen) return this.#parts.outbox.move(mail.id, 'sending', 'to-send');
    if (reached.length > 0) return this.#accepted(mail, 'sending', `to ${reached.join(', ')}`);
    return this.#hold(mail, 'sending', refused.map(({ address, why }) => `${address}: ${why}`).join('; '));
  }

  /** `sending`: nobody knows whether the server has it. */
  #doubt(mail: Outgoing, before: Omit<Progress, 'step' | 'doubtSince'>, why: string): void {
    const { outbox, lookMs, now, log } = this.#parts;
    if (!hasProof(mail, before)) {
      const got = before.got.join(', ') || 'nobody for certain';
      this.#hold(mail, 'sending', `got by ${got}, perhaps by the others: ${why}`);
      return;
    }
    const unknowns = before.unknowns + 1;
    outbox.setProgress(mail.id, { ...before, step: 'in-doubt', doubtSince: now().toISOString(), unknowns });
    log.warn(
      `outbox: ${nameOf(mail)} was perhaps sent: ${why}; looking for a copy until all mailboxes are read of the next ${lookMs / 1000} s`,
    );
  }

  /** Any state but `sent` -> `accepted` and on: it is out, perhaps not by us. */
  async #accepted(mail: Outgoing, from: State, how: string): Promise<void> {
    this.#parts.outbox.move(mail.id, from, 'accepted');
    this.#waits.worked(mail.id);
    this.#parts.log.info(`outbox: ${nameOf(mail)} was sent ${how}; allowed by ${mail.allowedBy}`);
    await this.#clear(mail);
  }

  /** `accepted` -> `sent`: nobody must find a draft to send as well. One that a person has edited is theirs. */
  async #clear(mail: Outgoing): Promise<void> {
    const { outbox, drafts } = this.#parts;
    if (mail.via === 'draft' && (await this.#draftIs(mail)) === 'ours') await drafts?.remove(mail.messageId);
    outbox.move(mail.id, 'accepted', 'sent');
    this.#waits.worked(mail.id);
  }

  /** -> `held`, until a person has it sent or discarded. */
  #hold(mail: Outgoing, from: 'to-send' | 'sending', why: string): void {
    const { outbox, onHeld, log } = this.#parts;
    // Before the move: after a crash in between it is told again rather than never.
    if (mail.kind === 'reply') onHeld(mail, why);
    outbox.move(mail.id, from, 'held', why);
    this.#waits.worked(mail.id);
    log.warn(`outbox: ${nameOf(mail)} is held: ${why}`);
  }

  #leftOf(mail: Outgoing, progress: Progress): Left {
    const { outbox, stopped } = this.#parts;
    return leftOf(mail, progress, outbox.read(mail.id), stopped());
  }

  /** Whether a copy of the mail shows that the server has it for all that it is still to be sent to. */
  #hasArrived(mail: Outgoing): boolean {
    const { outbox, copies } = this.#parts;
    if (!hasProof(mail, outbox.progress(mail.id) ?? NOTHING_YET)) return false;
    const ours = outbox.read(mail.id);
    for (const other of copies(mail.messageId)) if (isCopyOf(ours, other)) return true;
    return false;
  }

  /** Whether a draft lies in the folder as we put it there; true where it need not. */
  async #isDraftOurs(mail: Outgoing, progress: Progress): Promise<boolean> {
    const isDraft = mail.via === 'draft' && this.#parts.drafts !== undefined;
    // Once some have it the others get the same.
    if (!isDraft || reachedOf(mail, progress).length > 0) return true;
    return (await this.#draftIs(mail)) === 'ours';
  }

  async #draftIs({ id, messageId }: Outgoing): Promise<'ours' | 'edited' | 'missing'> {
    const { outbox, drafts } = this.#parts;
    const found = await drafts?.find(messageId);
    if (found === undefined) return 'missing';
    return Buffer.compare(found, outbox.read(id)) === 0 ? 'ours' : 'edited';
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work);
    // The caller gets the error; the next in turn starts all the same.
    this.#turn = Promise.allSettled([run]);
    return run;
  }
}

const ON_ITS_WAY: ReadonlySet<State> = new Set(['to-send', 'sending', 'accepted', 'sent']);

/** When a mail may be sent, ms: at once where a person had the draft sent. */
function earliestOf({ via, notBefore, quietHours = [] }: Outgoing, now: Date): number {
  if (via === 'draft') return 0;
  const moment = new Date(Math.max(now.getTime(), notBefore === undefined ? 0 : Date.parse(notBefore)));
  return (afterQuietHours(moment, quietHours) ?? new Date(now.getTime() + NEVER_MS)).getTime();
}

/** Servers that the next step of a mail needs. */
function serversOf({ via }: Outgoing, state: UnderWay): readonly string[] {
  if (state === 'to-draft' || state === 'drafting') return ['drafts'];
  if (state === 'accepted') return via === 'draft' ? ['drafts'] : [];
  return state === 'to-send' && via === 'draft' ? ['drafts', 'smtp'] : ['smtp'];
}

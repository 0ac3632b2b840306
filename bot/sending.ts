/**
 * Mails to the SMTP server, and what becomes of each: taken, late for some, refused, or nobody knows.
 *
 * The intent is on disk before the deed (`sending`). Whether the deed was done is never guessed after a crash but
 * looked up: the bot's own address is always a recipient, so a copy that came back shows that the server took the
 * mail. Where none has come when all mailboxes have been read long enough after the moment of doubt, it is held for a
 * person.
 *
 * What may not go any more to whom it was made for is not sent, as it is at the moment when it would leave. A reply that
 * only may not go to so many is told to those who asked, and nobody else.
 *
 * A reply goes to all or to none: where the server refuses a recipient for good nobody gets it, until a person says so.
 * A recipient refused for now gets the same mail later, alone; that the others have it is on disk by then. Such a
 * delivery brings no second copy, so where its outcome is unknown, a person has to look.
 */

import type { MessageId } from '../rules/types.ts';
import { isCopyOf } from './eml.ts';
import type { Filing } from './filing.ts';
import type { Log } from './log.ts';
import type { Outbox, State } from './outbox.ts';
import {
  hasProof,
  isForOthers,
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
import { type Rejected, type Smtp, SmtpError } from './smtp.ts';
import type { Waits } from './waits.ts';
import type { Unwanted } from './wanted.ts';

export const EDITED = 'the draft was edited or removed; send it from your mail program';

export interface SendingParts {
  readonly outbox: Outbox;
  readonly smtp: Smtp;
  /** The mails with this Message-ID that came to watched mailboxes, as their bytes. */
  readonly copies: (messageId: MessageId) => Iterable<Uint8Array>;
  /** A moment up to which all watched mailboxes have been read for certain; undefined while one of them has not. */
  readonly readSince: () => Date | undefined;
  /** Addresses that get no reply any more, in lower case. */
  readonly stopped: () => ReadonlySet<string>;
  /** Names of sections of MAINTAINERS that want no mails. */
  readonly stoppedSections: () => ReadonlySet<string>;
  /** Why a mail is not wanted any more, as those see it today who asked; undefined where it is. May throw. */
  readonly whyUnwanted: (meta: Outgoing) => Promise<Unwanted | undefined>;
  /** Told of a reply that is not going to be sent, and whose maintainers ought to know; after a crash perhaps again. */
  readonly onDropped: (meta: Outgoing, why: string) => void;
  /** Told of a reply that is going to be held; after a crash perhaps again. */
  readonly onHeld: (meta: Outgoing, why: string) => void;
  /** Told of a reply that a person had sent and that is not going to be, for a later revision; after a crash perhaps again. */
  readonly onOvertaken: (meta: Outgoing) => void;
  /** How long a copy may take to come back, before a mail whose fate is unknown is held or sent again. */
  readonly lookMs: number;
  /** Throws where nothing may leave the house now. */
  readonly mayGo: () => void;
  readonly filing: Filing;
  readonly waits: Waits;
  readonly now: () => Date;
  readonly log: Log;
}

export class Sending {
  readonly #parts: SendingParts;

  constructor(parts: SendingParts) {
    this.#parts = parts;
  }

  /** `to-send` -> `sending` and on. Throws what `Drafts` throws, and SmtpError for a mail to be tried again. */
  async send(mail: Outgoing): Promise<void> {
    const { outbox, filing, log } = this.#parts;
    const { id } = mail;
    const progress = outbox.progress(id) ?? NOTHING_YET;
    if (mail.kind === 'preview' && !this.#isWorthShowing(mail)) {
      outbox.move(id, 'to-send', 'discarded');
      log.info(`outbox: ${nameOf(mail)} is discarded: its draft waits no more`);
      return;
    }
    if (progress.isLost)
      return this.#hold(mail, 'to-send', 'the record of who got it is damaged: perhaps some have it');
    if (this.hasArrived(mail)) return this.cleared(mail, this.arrived(mail, 'to-send'));
    // Of a draft a person has decided.
    if (mail.via === 'smtp' && !progress.approved && (await this.dropped(mail, 'to-send'))) return;
    // It lies there until the server has it. Whoever took it away may have sent it.
    if (!(await filing.isAsFiled(mail, progress))) {
      outbox.move(id, 'to-send', 'drafted');
      log.warn(`outbox: ${nameOf(mail)} is not sent: ${EDITED}`);
      return;
    }
    await this.#deliver(mail, progress);
  }

  /** `sending` without our doing now: a crash, or a connection lost when the mail may have been taken. Throws as `send`. */
  async look(mail: Outgoing): Promise<void> {
    const { outbox, log } = this.#parts;
    const progress = outbox.progress(mail.id) ?? { ...NOTHING_YET, step: 'handing-over' };
    if (progress.step === 'waiting') return this.#settle(mail, progress);
    if (this.hasArrived(mail)) return this.cleared(mail, this.arrived(mail, 'sending'));
    if (progress.step === 'handing-over') return this.#doubt(mail, progress, 'depbot stopped meanwhile');
    if (!this.isReadSince(progress.doubtSince!)) return;
    if (outbox.isWithdrawn(mail)) {
      if (mail.via === 'draft' || progress.approved) this.#parts.onOvertaken(mail);
      outbox.move(mail.id, 'sending', 'discarded');
      log.info(`outbox: ${nameOf(mail)}: no copy came back; discarded: a later revision of its series has come`);
      return;
    }
    this.#hold(mail, 'sending', 'perhaps it was sent, but no copy of it came back');
  }

  /** `to-draft` or `to-send` -> `discarded` or `held`, where nobody wants it any more, as it is. Throws what `whyUnwanted` throws. */
  async dropped(mail: Outgoing, from: 'to-draft' | 'to-send'): Promise<boolean> {
    const { outbox, onDropped, log } = this.#parts;
    const progress = outbox.progress(mail.id) ?? NOTHING_YET;
    // Whom it has reached, the others follow.
    if (reachedOf(mail, progress).length > 0) return false;
    const unwanted = await this.#unwanted(mail, progress);
    if (unwanted === undefined) return false;
    const { why, act } = unwanted;
    if (act === 'hold' && from === 'to-send') {
      this.#hold(mail, from, why);
      return true;
    }
    // Before the move: after a crash in between it is told again rather than never.
    if (act !== 'discard') onDropped(mail, why);
    outbox.move(mail.id, from, 'discarded');
    log.info(`outbox: ${nameOf(mail)} is discarded: ${why}`);
    return true;
  }

  async #unwanted(mail: Outgoing, progress: Progress): Promise<Unwanted | undefined> {
    // Of a reply somebody may send it to the others.
    const left = mail.kind === 'reply' ? undefined : this.leftOf(mail, progress);
    if (left?.ok === false) return { why: left.why, act: 'discard' };
    return this.#parts.whyUnwanted(mail);
  }

  /**
   * A copy shows that it is out, perhaps not by us: -> `accepted`, or `to-send` for those alone whom the server had put
   * off when it took the mail for the others.
   */
  arrived(mail: Outgoing, from: 'drafted' | 'to-send' | 'sending' | 'held'): 'accepted' | 'to-send' {
    const { outbox, waits, log } = this.#parts;
    const { late = [], doubtSince: _, ...progress } = outbox.progress(mail.id) ?? NOTHING_YET;
    if (late.length === 0 || outbox.wasSentByHand(mail.id)) {
      this.#taken(mail, from, 'as its copy that came in shows');
      return 'accepted';
    }
    const without = new Set([...late, ...progress.refused.map(({ address }) => address)]);
    const got = mail.recipients.map(lower).filter((address) => !without.has(address));
    outbox.setProgress(mail.id, { ...progress, step: 'waiting', got });
    if (from !== 'to-send') outbox.move(mail.id, from, 'to-send');
    waits.worked(mail.id);
    log.info(
      `outbox: ${nameOf(mail)} was sent to ${got.join(', ')}, as its copy shows, and not yet to ${late.join(', ')}`,
    );
    return 'to-send';
  }

  /** `accepted` -> `sent`, where it came so far. Throws what `Drafts` throws. */
  async cleared(mail: Outgoing, state: 'accepted' | 'to-send'): Promise<void> {
    if (state === 'accepted') await this.clear(mail);
  }

  async #accepted(mail: Outgoing, from: State, how: string): Promise<void> {
    this.#taken(mail, from, how);
    await this.clear(mail);
  }

  #taken(mail: Outgoing, from: State, how: string): void {
    this.#parts.outbox.move(mail.id, from, 'accepted');
    this.#parts.waits.worked(mail.id);
    this.#parts.log.info(`outbox: ${nameOf(mail)} was sent ${how}; allowed by ${mail.allowedBy}`);
  }

  /** `accepted` -> `sent`: nobody must find a draft to send as well. Throws what `Drafts` throws. */
  async clear(mail: Outgoing): Promise<void> {
    await this.#parts.filing.takeBack(mail);
    this.#parts.outbox.move(mail.id, 'accepted', 'sent');
    this.#parts.waits.worked(mail.id);
  }

  /** A preview: somebody can still decide on its draft. Throws where it is not known yet. */
  #isWorthShowing(mail: Outgoing): boolean {
    const draft = this.#parts.outbox.find(mail.answers)?.state;
    if (draft === 'drafting') throw new Error('it is not known yet whether the draft that it shows lies in the folder');
    return draft === 'drafted';
  }

  /** What is left to send; nothing where a section of the patch said stop, who ever has it sent. */
  leftOf(mail: Outgoing, progress: Progress): Left {
    const { outbox, stopped, stoppedSections } = this.#parts;
    const section = mail.sections?.find((name) => stoppedSections().has(name));
    // Whom it has reached, the others follow.
    if (section !== undefined && isForOthers(mail) && reachedOf(mail, progress).length === 0)
      return { ok: false, why: `a maintainer of ${section} said that no mails go to lists or authors for it` };
    return leftOf(mail, progress, outbox.read(mail.id), stopped());
  }

  /** Whether a copy shows that the mail is out for all that it is still to be sent to, by the server or by a person. */
  hasArrived(mail: Outgoing): boolean {
    const { outbox, copies } = this.#parts;
    if (outbox.wasSentByHand(mail.id)) return true;
    if (!hasProof(mail, outbox.progress(mail.id) ?? NOTHING_YET)) return false;
    const ours = outbox.read(mail.id);
    for (const other of copies(mail.messageId)) if (isCopyOf(ours, other)) return true;
    return false;
  }

  /** Whether a copy of a mail that the server had at that moment, ISO 8601, would have been read by now. */
  isReadSince(doubtSince: string): boolean {
    const { readSince, lookMs } = this.#parts;
    return (readSince()?.getTime() ?? 0) >= Date.parse(doubtSince) + lookMs;
  }

  /** `to-send` -> `sending` and where the server's answer leads. */
  async #deliver(mail: Outgoing, before: Progress): Promise<void> {
    const { outbox, smtp, mayGo, waits, now, log } = this.#parts;
    const { id } = mail;
    const left = this.leftOf(mail, before);
    if (!left.ok) return this.#hold(mail, 'to-send', left.why);
    const others = left.recipients.filter((one) => lower(one) !== lower(mail.from));
    if (others.length === 0) {
      return this.#accepted(mail, 'to-send', `to ${reachedOf(mail, before).join(', ')}; the others said stop`);
    }
    mayGo();
    const { doubtSince: _, late: __, ...rest } = before;
    const known = { ...rest, refused: [...rest.refused, ...left.stopped] };
    outbox.setProgress(id, { ...known, step: 'waiting' });
    outbox.move(id, 'to-send', 'sending');
    let handedOver: Progress = { ...known, step: 'handing-over' };
    // With the end, since a copy that comes back does not tell who was passed over.
    const beforeEnd = (rejected: readonly Rejected[]): void => {
      const late = rejected.filter(({ kind }) => kind === 'later').map(({ address }) => lower(address));
      const refused = [...known.refused, ...refusedOf(rejected)];
      handedOver = { ...known, step: 'handing-over', refused, ...(late.length > 0 && { late }) };
      outbox.setProgress(id, handedOver);
    };
    const isAllOrNone = mail.kind === 'reply' && reachedOf(mail, known).length === 0 && known.mayLack === undefined;
    const needed = isAllOrNone ? others : [];
    let accepted: readonly string[] = [];
    let rejected: readonly Rejected[];
    try {
      ({ accepted, rejected } = await smtp.send(
        { from: mail.from, recipients: left.recipients, needed },
        left.eml,
        beforeEnd,
      ));
    } catch (error) {
      const { message } = error as Error;
      const kind = error instanceof SmtpError ? error.kind : 'unknown';
      if (kind === 'unknown') {
        waits.failed('smtp', now().getTime());
        return this.#doubt(mail, handedOver, message);
      }
      rejected = error instanceof SmtpError ? error.rejected : [];
      const lost = rejected.filter((one) => one.kind === 'never' && needed.includes(one.address));
      if (lost.length > 0) {
        outbox.setProgress(id, { ...known, step: 'waiting', mayLack: true });
        return this.#hold(
          mail,
          'sending',
          `${wordsOf(lost)}; nobody has it yet, and a "send" leaves out who is refused again`,
        );
      }
      if (rejected.length === 0) {
        if (kind === 'never') return this.#hold(mail, 'sending', message);
        outbox.setProgress(id, { ...known, step: 'waiting' });
        outbox.move(id, 'sending', 'to-send');
        if (kind === 'later') throw error;
        log.warn(`outbox: ${message}; ${waits.failed('smtp', now().getTime())}`);
        return;
      }
    }
    waits.worked('smtp');
    const refused = refusedOf(rejected);
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
    return this.#hold(mail, 'sending', wordsOf(refused));
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

  /** -> `held`, until a person has it sent or discarded. */
  #hold(mail: Outgoing, from: 'to-send' | 'sending', why: string): void {
    const { outbox, onHeld, waits, log } = this.#parts;
    // Before the move: after a crash in between it is told again rather than never.
    if (mail.kind === 'reply') onHeld(mail, why);
    outbox.move(mail.id, from, 'held', why);
    waits.worked(mail.id);
    log.warn(`outbox: ${nameOf(mail)} is held: ${why}`);
  }
}

/** Of those that a server did not take, the ones that it never will. */
function refusedOf(rejected: readonly Rejected[]): Progress['refused'] {
  return rejected.filter(({ kind }) => kind === 'never').map(({ address, why }) => ({ address: lower(address), why }));
}

function wordsOf(refused: Progress['refused']): string {
  return refused.map(({ address, why }) => `${address}: ${why}`).join('; ');
}

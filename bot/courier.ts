/**
 * Takes mails from the outbox to the Drafts folder or to the SMTP server: never two, never none. The rounds and the
 * orders of people are here, one thing at a time; what is done in the folder is in filing.ts, what is done with the
 * SMTP server in sending.ts. The intent is on disk before the deed, and after a crash the deed is looked up.
 */

import type { MessageId, Outcome } from '../rules/types.ts';
import { Filing, type FilingParts } from './filing.ts';
import type { Log } from './log.ts';
import type { Outbox, State } from './outbox.ts';
import { NOTHING_YET, nameOf, type Outgoing, reachedOf } from './outgoing.ts';
import { afterQuietHours } from './quiet-hours.ts';
import { EDITED, Sending, type SendingParts } from './sending.ts';
import { SmtpError } from './smtp.ts';
import { Waits } from './waits.ts';

/** Before it is looked again whether the mailboxes are read so far. */
const LOOK_AGAIN_MS = 1000;
/** Between two looks whether mails may leave again. */
const LOOK_HALTED_MS = 5000;
/** States in which the courier has something to do, in this order: what a crash may have left comes first. */
const UNDER_WAY = ['drafting', 'to-draft', 'accepted', 'sending', 'to-send'] as const satisfies readonly State[];
type UnderWay = (typeof UNDER_WAY)[number];
/** States of a mail that is not out, nor perhaps out. */
const DISCARDABLE = ['to-draft', 'drafted', 'to-send', 'held'] as const satisfies readonly State[];
type Discardable = (typeof DISCARDABLE)[number];
/** Before it is looked again whether a day has an hour that is not quiet. */
const NEVER_MS = 24 * 60 * 60 * 1000;

export interface CourierParts
  extends Pick<FilingParts, 'drafts' | 'onFiled'>,
    Pick<
      SendingParts,
      | 'smtp'
      | 'copies'
      | 'readSince'
      | 'stopped'
      | 'stoppedSections'
      | 'whyUnwanted'
      | 'onDropped'
      | 'onHeld'
      | 'onOvertaken'
      | 'lookMs'
    > {
  readonly outbox: Outbox;
  /** Why nothing at all may leave the house now; asked anew before every mail and draft. */
  readonly halted: () => string | undefined;
  readonly now: () => Date;
  readonly log: Log;
}

/** What became of an order about a draft; `already` when it was carried out before, and nothing was done now. */
export type Decision = Outcome<{ readonly state: State; readonly already: boolean }, { readonly why: string }>;

export class Courier {
  readonly #parts: CourierParts;
  readonly #waits = new Waits();
  readonly #filing: Filing;
  readonly #sending: Sending;
  /** What `halted` said when it was last logged. */
  #haltTold: string | undefined;
  /** One thing at a time: a round, or an order. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Between the decision and the deed: throws where nothing may leave. */
  readonly #mayGo = (): void => {
    const why = this.#parts.halted();
    if (why !== undefined) throw new Error(why);
  };

  constructor(parts: CourierParts) {
    this.#parts = parts;
    this.#filing = new Filing({ ...parts, waits: this.#waits });
    this.#sending = new Sending({ ...parts, waits: this.#waits, filing: this.#filing, mayGo: this.#mayGo });
  }

  /**
   * Does all that can be done now, one mail after the other; what fails is logged and tried in a later round.
   * Call it when a mail was added or approved, when a mail came in, and at `nextRoundAt`.
   */
  round(): Promise<void> {
    return this.#inTurn(async () => {
      this.#settle();
      await this.#discardUnwanted();
      await this.#withdraw();
      const steps = {
        drafting: (mail: Outgoing) => this.#file(mail),
        'to-draft': async (mail: Outgoing) => {
          if (!(await this.#sending.dropped(mail, 'to-draft'))) await this.#file(mail);
        },
        accepted: (mail: Outgoing) => this.#sending.clear(mail),
        sending: (mail: Outgoing) => this.#sending.look(mail),
        'to-send': (mail: Outgoing) => this.#sending.send(mail),
      };
      for (const state of UNDER_WAY) await this.#each(state, steps[state]);
    });
  }

  /** `drafted` or `held` -> `accepted`, or `to-send` for the rest, where a person has sent it from a mail program, or its copy came late. */
  #settle(): void {
    for (const state of ['drafted', 'held'] as const)
      for (const mail of this.#parts.outbox.list(state))
        if (this.#sending.hasArrived(mail)) this.#sending.arrived(mail, state);
  }

  /** What is not sent of a series that has a later revision is discarded; a draft that a person has edited is theirs. */
  async #withdraw(): Promise<void> {
    const { outbox, onOvertaken, log } = this.#parts;
    for (const series of outbox.withdrawn()) {
      const isOf = (mail: Outgoing): boolean => mail.kind === 'reply' && mail.series === series;
      let isOpen = (['drafting', 'sending'] as const).some((state) => outbox.list(state).some(isOf));
      for (const state of DISCARDABLE) {
        for (const mail of outbox.list(state).filter(isOf)) {
          // Whom it has reached, the others follow.
          const progress = outbox.progress(mail.id) ?? NOTHING_YET;
          if (reachedOf(mail, progress).length > 0) continue;
          if (!(await this.#isOutOfFolder(mail, state))) {
            isOpen = true;
            continue;
          }
          if (state === 'to-send' && (mail.via === 'draft' || progress.approved)) onOvertaken(mail);
          outbox.move(mail.id, state, 'discarded');
          log.info(`outbox: ${nameOf(mail)} is discarded: a later revision of its series has come`);
        }
      }
      if (!isOpen) outbox.endWithdrawal(series);
    }
  }

  /** What the operator wants discarded: whatever is not sent; of what is under way it waits until that is decided. */
  async #discardUnwanted(): Promise<void> {
    const { outbox, log } = this.#parts;
    for (const id of outbox.unwanted()) {
      const found = outbox.findById(id);
      if (found?.state === 'sending' || found?.state === 'drafting') continue;
      if (found) {
        const { meta, state } = found;
        outbox.settleBounces(id);
        if (isDiscardable(state)) {
          if (!(await this.#isOutOfFolder(meta, state))) continue;
          outbox.move(id, state, 'discarded');
          log.info(`outbox: ${nameOf(meta)} is discarded: the operator wants it so`);
        }
      }
      outbox.endUnwanted(id);
    }
  }

  /** Takes what is ours of a draft out of the folder; false where that has to wait. */
  async #isOutOfFolder(mail: Outgoing, state: Discardable): Promise<boolean> {
    if (this.#waits.until(mail.id) > this.#parts.now().getTime()) return false;
    return state === 'to-draft' || mail.via !== 'draft' || this.#takeBack(mail);
  }

  /** Takes our draft out of the folder; false where its server does not answer. */
  async #takeBack(mail: Outgoing): Promise<boolean> {
    const { log, now } = this.#parts;
    try {
      await this.#filing.takeBack(mail);
      return true;
    } catch (error) {
      const why = (error as Error).message;
      log.warn(`outbox: ${nameOf(mail)} is not yet discarded: ${why}; ${this.#waits.failed(mail.id, now().getTime())}`);
      return false;
    }
  }

  /** When the next round has something to do; undefined when nothing is under way. */
  nextRoundAt(): Date | undefined {
    const { outbox, now } = this.#parts;
    const isPossible = (state: UnderWay): boolean =>
      this.#filing.isPossible || (state !== 'to-draft' && state !== 'drafting');
    const states = UNDER_WAY.filter(isPossible);
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
      if (!(await this.#filing.isAsFiled(meta, progress))) return { ok: false, why: EDITED };
      const left = this.#sending.leftOf(meta, progress);
      if (!left.ok) return left;
      // What a server refused, or said nothing of, it is asked again.
      const { got, mayLack } = progress;
      outbox.setProgress(meta.id, { ...NOTHING_YET, got, ...(mayLack && { mayLack }), approved: true });
      outbox.move(meta.id, state, 'to-send');
      return { ok: true, state: 'to-send', already: false };
    });
  }

  /** Removes a draft from the folder, if nobody has edited it; it is never sent. Throws what `Drafts` throws. */
  discard(messageId: MessageId): Promise<Decision> {
    return this.#inTurn(async (): Promise<Decision> => {
      const found = await this.#findDrafted(messageId);
      if (!found.ok) return found;
      const { meta, state } = found;
      if (state === 'discarded') return { ok: true, state, already: true };
      if (state === 'accepted' || state === 'sent') return { ok: false, why: 'it was sent already' };
      if (ON_ITS_WAY.has(state) || state === 'drafting') return { ok: false, why: 'it is on its way already' };
      if (!(await this.#filing.takeBack(meta)))
        return { ok: false, why: 'somebody has edited it in the Drafts folder' };
      this.#parts.outbox.move(meta.id, state, 'discarded');
      return { ok: true, state: 'discarded', already: false };
    });
  }

  /** A mail that an order is about, in the state it is really in. */
  async #findDrafted(messageId: MessageId): Promise<Outcome<{ meta: Outgoing; state: State }, { why: string }>> {
    const { outbox } = this.#parts;
    const find = () => outbox.find(messageId);
    let found = find();
    if (found?.state === 'drafting') {
      await this.#file(found.meta);
      found = find();
    }
    // A person may have sent it from a mail program, or the server had it after all.
    if ((found?.state === 'drafted' || found?.state === 'held') && this.#sending.hasArrived(found.meta)) {
      await this.#sending.cleared(found.meta, this.#sending.arrived(found.meta, found.state));
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
      if (earliestOf(mail, state, now()) > now().getTime()) continue;
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
    // Then the mailboxes have to be read so far, which nobody knows beforehand.
    const readAt = since === undefined || this.#sending.isReadSince(since) ? 0 : now().getTime() + LOOK_AGAIN_MS;
    return Math.max(
      lookedAt,
      readAt,
      earliestOf(mail, state, now()),
      this.#waits.until(mail.id, ...serversOf(mail, state)),
    );
  }

  /** Looks, and tells the log of every change. */
  #isHalted(): boolean {
    const why = this.#parts.halted();
    if (why !== this.#haltTold) this.#parts.log.warn(why ?? 'outbox: mails leave again');
    this.#haltTold = why;
    return why !== undefined;
  }

  #file(mail: Outgoing): Promise<void> {
    return this.#filing.file(mail, () => this.#sending.hasArrived(mail), this.#mayGo);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work);
    // The caller gets the error; the next in turn starts all the same.
    this.#turn = Promise.allSettled([run]);
    return run;
  }
}

const ON_ITS_WAY: ReadonlySet<State> = new Set(['to-send', 'sending', 'accepted', 'sent']);

function isDiscardable(state: State): state is Discardable {
  return (DISCARDABLE as readonly State[]).includes(state);
}

/** When a mail may be filed or sent, ms: at once where a person had the draft sent. */
function earliestOf({ via, notBefore, quietHours = [], roomFrom }: Outgoing, state: UnderWay, now: Date): number {
  const room = roomFrom === undefined ? 0 : Date.parse(roomFrom);
  if (state === 'to-draft') return room;
  if (state !== 'to-send' || via === 'draft') return 0;
  const moment = new Date(Math.max(now.getTime(), room, notBefore === undefined ? 0 : Date.parse(notBefore)));
  return (afterQuietHours(moment, quietHours) ?? new Date(now.getTime() + NEVER_MS)).getTime();
}

/** Servers that the next step of a mail needs. */
function serversOf({ via }: Outgoing, state: UnderWay): readonly string[] {
  if (state === 'to-draft' || state === 'drafting') return ['drafts'];
  if (state === 'accepted') return via === 'draft' ? ['drafts'] : [];
  return state === 'to-send' && via === 'draft' ? ['drafts', 'smtp'] : ['smtp'];
}

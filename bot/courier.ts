/**
 * Takes mails from the outbox to the Drafts folder or to the SMTP server: never two, never none.
 *
 * The intent is on disk before the deed (`drafting`, `sending`). Whether the deed was done is never guessed after a
 * crash but looked up by Message-ID: a draft in the folder, a sent mail among those that came back to a watched
 * mailbox (the bot's own address is always a recipient).
 */

import type { MessageId, Outcome } from '../rules/types.ts';
import type { Log } from './log.ts';
import type { Outbox, Outgoing, State } from './outbox.ts';
import { type Smtp, SmtpError } from './smtp.ts';

/** Milliseconds before the first, and before any later, new attempt. */
const FIRST_MS = 1000;
const MOST_MS = 5 * 60 * 1000;
/** Times that one process sends a mail whose fate stays unknown, before a person has to look. */
const MOST_UNKNOWN = 3;
/** States in which the courier has something to do, in this order: what a crash may have left comes first. */
const UNDER_WAY = ['drafting', 'to-draft', 'sending', 'to-send'] as const satisfies readonly State[];
type UnderWay = (typeof UNDER_WAY)[number];
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
  /** Whether a copy of the mail came back to a watched mailbox. */
  readonly hasArrived: (messageId: MessageId) => boolean;
  /** How long a copy may take to come back, before a mail whose fate is unknown is sent again. */
  readonly lookMs: number;
  readonly now: () => Date;
  readonly log: Log;
}

/** What became of an order about a draft; `already` when it was carried out before, and nothing was done now. */
export type Decision = Outcome<{ readonly state: State; readonly already: boolean }, { readonly why: string }>;

/** When to try again: a mail by its id, a server by its name. */
class Waits {
  readonly #waits = new Map<string, { readonly until: number; readonly ms: number }>();

  until(...keys: readonly string[]): number {
    return Math.max(0, ...keys.map((key) => this.#waits.get(key)?.until ?? 0));
  }

  /** Waits twice as long as the last time, and says how long. */
  failed(key: string, now: number): string {
    const ms = Math.min(2 * (this.#waits.get(key)?.ms ?? FIRST_MS / 2), MOST_MS);
    this.#waits.set(key, { until: now + ms, ms });
    return `next attempt in ${Math.ceil(ms / 1000)} s`;
  }

  worked(...keys: readonly string[]): void {
    for (const key of keys) this.#waits.delete(key);
  }
}

export class Courier {
  readonly #parts: CourierParts;
  readonly #waits = new Waits();
  /** Since when this process looks for a copy, ms. Not from disk: after a pause the mailboxes have to be read first. */
  readonly #lookingSince = new Map<string, number>();
  readonly #unknowns = new Map<string, number>();
  #isDraftsMissed = false;
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
      const steps = { drafting: this.#draft, 'to-draft': this.#draft, sending: this.#look, 'to-send': this.#send };
      for (const state of UNDER_WAY) await this.#each(state, (mail) => steps[state].call(this, mail));
    });
  }

  /** When the next round has something to do; undefined when nothing is under way. */
  nextRoundAt(): Date | undefined {
    const { outbox, drafts, now } = this.#parts;
    const states = UNDER_WAY.filter((state) => drafts !== undefined || (state !== 'to-draft' && state !== 'drafting'));
    const times = states.flatMap((state) => outbox.list(state).map((mail) => this.#dueAt(mail, state)));
    return times.length === 0 ? undefined : new Date(Math.max(now().getTime(), Math.min(...times)));
  }

  /** Has a draft sent, by the next round, if it still lies in the folder as we put it there. Throws what `Drafts` throws. */
  approve(messageId: MessageId): Promise<Decision> {
    return this.#inTurn(async (): Promise<Decision> => {
      const found = await this.#findDrafted(messageId);
      if (!found.ok) return found;
      const { meta, state } = found;
      if (state === 'to-send' || state === 'sending' || state === 'sent') return { ok: true, state, already: true };
      if (state === 'discarded') return { ok: false, why: 'it was discarded' };
      if (state !== 'drafted') return { ok: false, why: 'it is not in the Drafts folder yet' };
      if ((await this.#draftIs(meta)) !== 'ours') return { ok: false, why: EDITED };
      this.#parts.outbox.move(meta.id, 'drafted', 'to-send');
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
      if (state === 'sent') return { ok: false, why: 'it was sent already' };
      if (state !== 'drafted' && state !== 'to-draft') return { ok: false, why: 'it is on its way already' };
      await this.#parts.drafts?.remove(messageId);
      this.#parts.outbox.move(meta.id, state, 'discarded');
      return { ok: true, state: 'discarded', already: false };
    });
  }

  /** A mail that an order is about, in the state it is really in. */
  async #findDrafted(messageId: MessageId): Promise<Outcome<{ meta: Outgoing; state: State }, { why: string }>> {
    const { outbox, hasArrived } = this.#parts;
    const find = () => outbox.find(messageId);
    let found = find();
    if (found?.state === 'drafting' && this.#parts.drafts !== undefined) {
      await this.#draft(found.meta);
      found = find();
    }
    if (found?.state === 'drafted' && hasArrived(messageId)) {
      this.#sent(found.meta, 'drafted', 'from the mail program of a person');
      found = find();
    }
    if (found === undefined) return { ok: false, why: 'there is no such mail in the outbox' };
    if (found.state === 'held') return { ok: false, why: `it is held: ${outbox.whyHeld(found.meta.id)}` };
    return { ok: true, ...found };
  }

  async #each(state: UnderWay, step: (mail: Outgoing) => Promise<void>): Promise<void> {
    const { outbox, now, log } = this.#parts;
    let failures = 0;
    for (const mail of outbox.list(state)) {
      if (this.#waits.until(mail.id, ...serversOf(mail, state)) > now().getTime()) continue;
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
    const since = state === 'sending' ? this.#lookingSince.get(mail.id) : undefined;
    const lookedAt = since === undefined ? 0 : since + this.#parts.lookMs;
    return Math.max(lookedAt, this.#waits.until(mail.id, ...serversOf(mail, state)));
  }

  /** `to-draft` or `drafting` -> `drafted`. */
  async #draft(mail: Outgoing): Promise<void> {
    const { outbox, drafts, hasArrived, now, log } = this.#parts;
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
    const isThere = !isNew && (hasArrived(messageId) || (await drafts.find(messageId)) !== undefined);
    if (!isThere) await drafts.append(outbox.read(id), now());
    outbox.move(id, 'drafting', 'drafted');
    this.#waits.worked('drafts', id);
    log.info(`outbox: ${nameOf(mail)} lies in the Drafts folder, for ${mail.maintainers.join(', ')}`);
  }

  /** `to-send` -> `sending` and on. */
  async #send(mail: Outgoing): Promise<void> {
    const { outbox, drafts, hasArrived, log } = this.#parts;
    const { id, messageId } = mail;
    if (hasArrived(messageId)) return this.#sent(mail, 'to-send', 'before; a copy of it came in');
    if (mail.via === 'draft' && drafts !== undefined) {
      // It must not lie there for a person to send it as well.
      const draft = await this.#draftIs(mail);
      if (draft === 'edited') {
        outbox.move(id, 'to-send', 'drafted');
        log.warn(`outbox: ${nameOf(mail)} is not sent: ${EDITED}`);
        return;
      }
      if (draft === 'ours') await drafts.remove(messageId);
    }
    outbox.move(id, 'to-send', 'sending');
    await this.#deliver(mail);
  }

  /** `sending` without our doing now: a crash, or a connection lost when the mail may have been taken. */
  async #look(mail: Outgoing): Promise<void> {
    const { hasArrived, lookMs, now, log } = this.#parts;
    const { id, messageId } = mail;
    if (hasArrived(messageId)) return this.#sent(mail, 'sending', 'as its copy that came in shows');
    const at = now().getTime();
    const since = this.#lookingSince.get(id);
    if (since === undefined) {
      this.#lookingSince.set(id, at);
      log.warn(`outbox: ${nameOf(mail)} was perhaps sent; looking ${lookMs / 1000} s for a copy that comes back`);
    } else if (at >= since + lookMs) {
      log.warn(`outbox: ${nameOf(mail)}: no copy came back in ${lookMs / 1000} s; sending it again`);
      await this.#deliver(mail);
    }
  }

  /** `sending` -> `sent`, or where the failure leads. */
  async #deliver(mail: Outgoing): Promise<void> {
    const { outbox, smtp, now, log, lookMs } = this.#parts;
    const { id } = mail;
    const eml = outbox.read(id);
    this.#lookingSince.delete(id);
    try {
      const { rejected } = await smtp.send(mail, eml);
      for (const { address, why } of rejected) log.warn(`outbox: ${nameOf(mail)} does not go to ${address}: ${why}`);
    } catch (error) {
      const { message } = error as Error;
      const kind = error instanceof SmtpError ? error.kind : 'unknown';
      if (kind === 'never') return this.#hold(mail, message);
      if (kind !== 'unknown') {
        outbox.move(id, 'sending', 'to-send');
        if (kind === 'later') throw error;
        log.warn(`outbox: ${message}; ${this.#waits.failed('smtp', now().getTime())}`);
        return;
      }
      const unknowns = (this.#unknowns.get(id) ?? 0) + 1;
      this.#unknowns.set(id, unknowns);
      if (unknowns >= MOST_UNKNOWN) return this.#hold(mail, `sent ${unknowns} times, fate unknown: ${message}`);
      this.#lookingSince.set(id, now().getTime());
      this.#waits.failed('smtp', now().getTime());
      log.warn(`outbox: ${nameOf(mail)} was perhaps taken: ${message}; looking ${lookMs / 1000} s for a copy`);
      return;
    }
    this.#waits.worked('smtp');
    this.#sent(mail, 'sending', `to ${mail.recipients.join(', ')}`);
  }

  #sent(mail: Outgoing, from: State, how: string): void {
    this.#parts.outbox.move(mail.id, from, 'sent');
    this.#forget(mail.id);
    this.#parts.log.info(`outbox: ${nameOf(mail)} was sent ${how}; allowed by ${mail.allowedBy}`);
  }

  #hold(mail: Outgoing, why: string): void {
    this.#parts.outbox.move(mail.id, 'sending', 'held', why);
    this.#forget(mail.id);
    this.#parts.log.warn(`outbox: ${nameOf(mail)} is held: ${why}`);
  }

  #forget(id: string): void {
    this.#waits.worked(id);
    this.#lookingSince.delete(id);
    this.#unknowns.delete(id);
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

/** Servers that the next step of a mail needs. */
function serversOf({ via }: Outgoing, state: UnderWay): readonly string[] {
  if (state === 'to-draft' || state === 'drafting') return ['drafts'];
  return state === 'to-send' && via === 'draft' ? ['drafts', 'smtp'] : ['smtp'];
}

function nameOf({ messageId, subject }: Outgoing): string {
  return `<${messageId}> ${JSON.stringify(subject)}`;
}

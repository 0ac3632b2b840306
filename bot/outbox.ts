/**
 * Mails that go out, on disk, so that a crash at any moment loses none and sends none twice.
 *
 *     meta/<id>.json       what is known of a mail; written first, never changed
 *     <state>/<id>.eml     its exact bytes; the folder it lies in is its state, and changes by rename
 *     held/<id>.why        why a person has to look at it
 *     progress/<id>.json   how far the sending of a mail has come; kept, it says who got it
 *     replied/<id>         which mail is our reply to the mail of that id: there is never a second one
 *     withdrawn/<series>   a series with a later revision: what is not sent of it is discarded
 *     broken/              what cannot be read any more; counts as known, and is not touched again
 *
 * One process at a time works on an outbox.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { MessageId, Outcome } from '../rules/types.ts';
import { readJson, renameDurably, writeDurably } from './durable.ts';
import { withoutRecipients } from './eml.ts';
import type { Log } from './log.ts';
import { isQuietHours } from './quiet-hours.ts';
import { isSameLineage } from './superseded.ts';

/** From each state, where a mail may go. */
const MOVES = {
  'to-draft': ['drafting', 'discarded'],
  drafting: ['drafted'],
  drafted: ['to-send', 'accepted', 'discarded'],
  'to-send': ['sending', 'accepted', 'drafted', 'held', 'discarded'],
  sending: ['accepted', 'to-send', 'held'],
  // It is out; its draft may still lie in the folder.
  accepted: ['sent'],
  held: ['to-send', 'accepted', 'discarded'],
  discarded: [],
  sent: [],
} as const satisfies Record<string, readonly string[]>;

export type State = keyof typeof MOVES;
const STATES = Object.keys(MOVES) as State[];
const BROKEN = 'broken';

/** One mail that goes out. All Message-IDs are without brackets. */
export interface Outgoing {
  /** `outgoingId` of its Message-ID; the name of its files. */
  readonly id: string;
  readonly messageId: MessageId;
  /** A review of a patch, or the answer to a command. */
  readonly kind: 'reply' | 'answer';
  readonly via: 'draft' | 'smtp';
  /** Envelope: MAIL FROM, and every RCPT TO. Addresses alone. */
  readonly from: string;
  readonly recipients: readonly string[];
  readonly subject: string;
  /** The mail it answers. */
  readonly answers: MessageId;
  readonly series?: string;
  /** Addresses that may have it sent or discarded. */
  readonly maintainers: readonly string[];
  /** The line of the policy that allows it, for the operator. */
  readonly allowedBy: string;
  /** ISO 8601. */
  readonly addedAt: string;
  /** What it is not sent before, ISO 8601, and the hours of each day in which it is not sent; a person's word counts more. */
  readonly notBefore?: string;
  readonly quietHours?: readonly string[];
  /** Of a reply, what it tells. */
  readonly findings?: readonly Told[];
  /** Of a reply, the series: names under which its revisions are known, and which of them it is. */
  readonly lineage?: readonly string[];
  readonly revision?: number;
}

/** In which revisions of a series a finding was told, and the last mail that told it. */
export interface Earlier {
  readonly revisions: readonly number[];
  readonly messageId: MessageId;
}

/** A finding as it is remembered. */
export interface Told {
  readonly rule: string;
  readonly key: string;
}

const Meta = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{32}$/),
  messageId: z.string().min(1),
  kind: z.enum(['reply', 'answer']),
  via: z.enum(['draft', 'smtp']),
  from: z.string().min(1),
  recipients: z.array(z.string().min(1)).min(1),
  subject: z.string(),
  answers: z.string(),
  series: z.exactOptional(z.string()),
  maintainers: z.array(z.string()),
  allowedBy: z.string(),
  addedAt: z.iso.datetime(),
  notBefore: z.exactOptional(z.iso.datetime()),
  quietHours: z.exactOptional(z.array(z.string().refine(isQuietHours))),
  findings: z.exactOptional(z.array(z.strictObject({ rule: z.string(), key: z.string() }))),
  lineage: z.exactOptional(z.array(z.string())),
  revision: z.exactOptional(z.int()),
});

/** How far the sending of a mail has come. All addresses in lower case. */
export interface Progress {
  /**
   * `waiting`: nothing is under way; `handing-over`: the server is given the mail, and if that ends without a word
   * nobody knows whether it has it; `in-doubt`: so it ended.
   */
  readonly step: 'waiting' | 'handing-over' | 'in-doubt';
  /** ISO 8601, the moment of doubt: the server had the mail by then, or never. */
  readonly doubtSince?: string;
  /** How often it ended in doubt. */
  readonly unknowns: number;
  /** Who got it, by the word of the server. */
  readonly got: readonly string[];
  /** Who does not get it, and why: the server refused for good, or they said stop. */
  readonly refused: readonly { readonly address: string; readonly why: string }[];
}

/** Before the first delivery. */
export const NOTHING_YET: Progress = { step: 'waiting', unknowns: 0, got: [], refused: [] };

/** Recipients but the bot: its own copy is a proof, no delivery. */
export function othersOf({ recipients, from }: Outgoing): readonly string[] {
  return recipients.map(lower).filter((address) => address !== lower(from));
}

/** Those of them who got it. */
export function reachedOf(mail: Outgoing, { got }: Progress): readonly string[] {
  return othersOf(mail).filter((address) => got.includes(address));
}

/** Whether a copy proves the next delivery: it goes to the bot, and none can come of an earlier one. */
export function hasProof({ recipients, from }: Outgoing, { got, refused }: Pick<Progress, 'got' | 'refused'>): boolean {
  const bot = lower(from);
  return got.length === 0 && recipients.map(lower).includes(bot) && !refused.some(({ address }) => address === bot);
}

/** What is left to send of a mail; not ok where somebody's stop leaves nobody to write to. */
export type Left = Outcome<
  {
    readonly recipients: readonly string[];
    /** The mail without the names of those who said stop since it was made. */
    readonly eml: Uint8Array;
    readonly stopped: Progress['refused'];
  },
  { readonly why: string }
>;

/** `eml` are the bytes of the mail. Answers go to who asked for them: the one to "stop", too. */
export function leftOf(mail: Outgoing, progress: Progress, eml: Uint8Array, quiet: ReadonlySet<string>): Left {
  const { got, refused } = progress;
  const done = new Set([...got, ...refused.map(({ address }) => address)]);
  const isUnwanted = (address: string) => mail.kind === 'reply' && quiet.has(address) && !got.includes(address);
  const unwanted = new Set(othersOf(mail).filter(isUnwanted));
  const left = withoutRecipients(eml, unwanted);
  const recipients = mail.recipients.filter((one) => !done.has(lower(one)) && !unwanted.has(lower(one)));
  const isNobodyLeft = recipients.every((one) => lower(one) === lower(mail.from));
  if (unwanted.size > 0 && (isNobodyLeft ? got.length === 0 : left.to.length === 0)) {
    return { ok: false, why: `nobody is left in To: ${[...unwanted].join(', ')} said stop` };
  }
  const stopped = [...unwanted]
    .filter((address) => !done.has(address))
    .map((address) => ({ address, why: 'said stop' }));
  return { ok: true, recipients, eml: left.eml, stopped };
}

/** For the log. */
export function nameOf({ messageId, subject }: Outgoing): string {
  return `<${messageId}> ${JSON.stringify(subject)}`;
}

/** Addresses are compared so. */
export function lower(address: string): string {
  return address.toLowerCase();
}

const ProgressFile = z.strictObject({
  step: z.enum(['waiting', 'handing-over', 'in-doubt']),
  doubtSince: z.exactOptional(z.iso.datetime()),
  unknowns: z.int().min(0),
  got: z.array(z.string()),
  refused: z.array(z.strictObject({ address: z.string(), why: z.string() })),
});

/** A use of the outbox that is a mistake of ours: a move that is not allowed, a mail that is not there. */
export class OutboxError extends Error {
  override readonly name = 'OutboxError';
}

/** Name of a mail's files: the first 32 hex digits of the SHA-256 of its Message-ID (without brackets). */
export function outgoingId(messageId: MessageId): string {
  return createHash('sha256').update(messageId).digest('hex').slice(0, 32);
}

export class Outbox {
  readonly #dir: string;
  readonly #log: Log;

  /** Opens the outbox below `dir`; makes it where missing and sweeps files that were not written to their end. */
  constructor(dir: string, log: Log) {
    this.#dir = dir;
    this.#log = log;
    for (const folder of ['meta', 'progress', 'replied', 'withdrawn', BROKEN, ...STATES]) {
      mkdirSync(join(dir, folder), { recursive: true, mode: 0o700 });
      for (const name of readdirSync(join(dir, folder))) {
        if (name.endsWith('.partial')) rmSync(join(dir, folder, name), { force: true });
      }
    }
  }

  /**
   * Takes a mail in, to be drafted or sent as `via` says. A Message-ID that is there already, in any state, is
   * `known` and left as it is: adding again after a restart does no harm. So is a reply to a mail that has one,
   * whatever it says. Throws OutboxError for a wrong `meta`.
   */
  add(meta: Outgoing, eml: Uint8Array): 'added' | 'known' {
    const checked = Meta.safeParse(meta);
    if (!checked.success || meta.id !== outgoingId(meta.messageId)) {
      const why = checked.success ? 'its id is not that of its Message-ID' : z.prettifyError(checked.error);
      throw new OutboxError(`outbox: <${meta.messageId}> cannot be taken: ${why}`);
    }
    if (this.#isKnown(meta.id)) return 'known';
    if (meta.kind === 'reply') {
      const replied = join(this.#dir, 'replied', outgoingId(meta.answers));
      // After a crash it may name a reply that was never taken in.
      if (existsSync(replied) && this.#isKnown(readFileSync(replied, 'utf8'))) return 'known';
      writeDurably(replied, meta.id);
    }
    writeDurably(this.#metaPath(meta.id), `${JSON.stringify(meta, null, 2)}\n`);
    writeDurably(this.#path(meta.via === 'draft' ? 'to-draft' : 'to-send', meta.id), eml);
    return 'added';
  }

  /** The mails in a state, oldest first. One whose meta is missing or broken is reported and set aside. */
  list(state: State): readonly Outgoing[] {
    return readdirSync(join(this.#dir, state))
      .filter((name) => name.endsWith('.eml'))
      .flatMap((name) => this.#load(state, name.slice(0, -'.eml'.length)) ?? [])
      .sort((a, b) => (a.addedAt + a.id < b.addedAt + b.id ? -1 : 1));
  }

  /** The bytes of a mail. Throws OutboxError where there is none. */
  read(id: string): Uint8Array {
    const state = this.#stateOf(id);
    if (state === undefined) throw new OutboxError(`outbox: there is no mail ${id}`);
    return readFileSync(this.#path(state, id));
  }

  /**
   * Moves a mail from one state to another; `why` is written beside it, and needed, when it is held.
   * Throws OutboxError for a move that is not allowed and for a mail that is not in `from`.
   */
  move(id: string, from: State, to: State, why?: string): void {
    if (!(MOVES[from] as readonly State[]).includes(to)) {
      throw new OutboxError(`outbox: ${id} may not go from ${from} to ${to}`);
    }
    if (!existsSync(this.#path(from, id))) throw new OutboxError(`outbox: ${id} is not in ${from}`);
    if (to === 'held') {
      if (why === undefined) throw new OutboxError(`outbox: ${id} cannot be held without a reason`);
      writeDurably(this.#whyPath(id), `${why}\n`);
    }
    renameDurably(this.#path(from, id), this.#path(to, id));
    if (from === 'held') rmSync(this.#whyPath(id), { force: true });
  }

  /** How far the sending of a mail has come; undefined before it began. Throws DamagedFileError. */
  progress(id: string): Progress | undefined {
    return readJson(this.#progressPath(id), (value) => ProgressFile.parse(value), `who got mail ${id} is not known`);
  }

  /** On disk when it returns. */
  setProgress(id: string, progress: Progress): void {
    writeDurably(this.#progressPath(id), `${JSON.stringify(progress)}\n`);
  }

  /** A mail by its Message-ID (without brackets), and the state it is in. */
  find(messageId: MessageId): { readonly meta: Outgoing; readonly state: State } | undefined {
    const id = outgoingId(messageId);
    const state = this.#stateOf(id);
    const meta = state && this.#load(state, id);
    return state && meta && { meta, state };
  }

  /** Notes that nothing of a series is to be sent any more. On disk when it returns. */
  withdraw(series: string): void {
    writeDurably(join(this.#dir, 'withdrawn', series), '');
  }

  /** Series of which there may still be something to discard. */
  withdrawn(): readonly string[] {
    return readdirSync(join(this.#dir, 'withdrawn'));
  }

  /** All of a withdrawn series is discarded. */
  endWithdrawal(series: string): void {
    rmSync(join(this.#dir, 'withdrawn', series), { force: true });
  }

  /**
   * What was said of earlier revisions of a series and went out: by the key of a finding, the revisions, ascending,
   * and the Message-ID of the mail on the last one. Looks at the mails taken in since `since`.
   */
  toldEarlier(lineage: readonly string[], before: number, since: Date): ReadonlyMap<string, Earlier> {
    const told = new Map<string, Earlier>();
    const sent = this.#metasSince(since)
      .filter((meta) => meta.lineage && isSameLineage(meta.lineage, lineage) && (meta.revision ?? before) < before)
      .filter(({ id }) => ['accepted', 'sent'].includes(this.#stateOf(id) ?? ''))
      .sort((a, b) => a.revision! - b.revision!);
    for (const { revision, messageId, findings = [] } of sent) {
      for (const { key } of findings) {
        const revisions = new Set([...(told.get(key)?.revisions ?? []), revision!]);
        told.set(key, { revisions: [...revisions], messageId });
      }
    }
    return told;
  }

  /** Replies that were taken in since a moment and were made for that maintainer, whatever became of them. */
  repliesFor(address: string, since: Date): number {
    return this.#metasSince(since).filter(
      ({ kind, maintainers }) => kind === 'reply' && maintainers.some((one) => lower(one) === lower(address)),
    ).length;
  }

  /** Why a mail is held. */
  whyHeld(id: string): string | undefined {
    return existsSync(this.#whyPath(id)) ? readFileSync(this.#whyPath(id), 'utf8').trim() : undefined;
  }

  /** Of mails taken in since a moment. Those that cannot be used are left out; `list` and `find` set them aside. */
  #metasSince(since: Date): Outgoing[] {
    const folder = join(this.#dir, 'meta');
    const isNew = (name: string): boolean => name.endsWith('.json') && statSync(join(folder, name)).mtime >= since;
    return readdirSync(folder)
      .filter(isNew)
      .flatMap((name) => {
        try {
          return [Meta.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')))];
        } catch (error) {
          if (error instanceof SyntaxError || error instanceof z.ZodError) return [];
          throw error;
        }
      });
  }

  #load(state: State, id: string): Outgoing | undefined {
    try {
      const meta = Meta.parse(JSON.parse(readFileSync(this.#metaPath(id), 'utf8')));
      if (meta.id !== id || id !== outgoingId(meta.messageId)) throw new Error('it belongs to another mail');
      return meta;
    } catch (error) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
      renameDurably(this.#path(state, id), this.#path(BROKEN, id));
      this.#log.warn(
        `outbox: ${state}/${id}.eml is set aside in ${join(this.#dir, BROKEN)}: meta/${id}.json cannot be used: ${why}`,
      );
      return undefined;
    }
  }

  #stateOf(id: string): State | undefined {
    return STATES.find((state) => existsSync(this.#path(state, id)));
  }

  #isKnown(id: string): boolean {
    return this.#stateOf(id) !== undefined || existsSync(this.#path(BROKEN, id));
  }

  #path(folder: State | typeof BROKEN, id: string): string {
    return join(this.#dir, folder, `${id}.eml`);
  }

  #metaPath(id: string): string {
    return join(this.#dir, 'meta', `${id}.json`);
  }

  #progressPath(id: string): string {
    return join(this.#dir, 'progress', `${id}.json`);
  }

  #whyPath(id: string): string {
    return join(this.#dir, 'held', `${id}.why`);
  }
}

/**
 * Mails that go out, on disk, so that a crash at any moment loses none and sends none twice.
 *
 *     meta/<id>.json       what is known of a mail; written first, never changed
 *     <state>/<id>.eml     its exact bytes; the folder it lies in is its state, and changes by rename
 *     held/<id>.why        why a person has to look at it
 *     bounces/<id>.json    to whom it did not come, as mails that came back say; <id>.seen.json, what is settled of it
 *     progress/<id>.json   how far the sending of a mail has come; kept, it says who got it
 *     replied/<id>         which mail is our reply to the mail of that id: there is never a second one
 *     by-hand/<id>         a draft that a person has sent from a mail program
 *     unwanted/<id>        a mail that the operator wants discarded, or not be told of any more
 *     withdrawn/<series>   a series with a later revision: what is not sent of it is discarded
 *     gone/<id>.eml        a mail that was done long ago, see outbox-sweep.ts; counts as known
 *     broken/              what cannot be read any more; counts as known, and is not touched again
 *
 * One process at a time works on an outbox; another may look, and write down what is unwanted.
 */

import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Message, MessageId } from '../rules/types.ts';
import { DamagedFileError, damagedPath, openFolderDurably, readJson, renameDurably, writeDurably } from './durable.ts';
import { hasTextOf } from './eml.ts';
import type { Log } from './log.ts';
import { GONE } from './outbox-sweep.ts';
import {
  type Bounce,
  BouncesFile,
  bouncesOf,
  type Earlier,
  LOST,
  lower,
  type Outgoing,
  OutgoingFile,
  outgoingId,
  type Progress,
  ProgressFile,
} from './outgoing.ts';
import { isSameLineage } from './superseded.ts';

/** From each state, where a mail may go. */
const MOVES = {
  'to-draft': ['drafting', 'discarded'],
  drafting: ['drafted'],
  drafted: ['to-send', 'accepted', 'discarded'],
  'to-send': ['sending', 'accepted', 'drafted', 'held', 'discarded'],
  // Discarded, where no copy shows that it was taken, and nobody wants it any more.
  sending: ['accepted', 'to-send', 'held', 'discarded'],
  // It is out; its draft may still lie in the folder.
  accepted: ['sent'],
  held: ['to-send', 'accepted', 'discarded'],
  discarded: [],
  sent: [],
} as const satisfies Record<string, readonly string[]>;

export type State = keyof typeof MOVES;
const STATES = Object.keys(MOVES) as State[];
/** Where a mail is not out, or perhaps not. */
const WAITING = ['to-draft', 'drafting', 'drafted', 'to-send', 'sending', 'held'] as const satisfies readonly State[];
const BROKEN = 'broken';
/** Folders of what is known of mails. */
const NOTES = ['meta', 'progress', 'bounces', 'replied', 'by-hand', 'unwanted', 'withdrawn'] as const;

/** A use of the outbox that is a mistake of ours: a move that is not allowed, a mail that is not there. */
export class OutboxError extends Error {
  override readonly name = 'OutboxError';
}

export class Outbox {
  readonly #dir: string;
  readonly #log: Log;

  /**
   * Opens the outbox below `dir`; makes it where missing and sweeps files that were not written to their end, unless it
   * is only looked at, beside the process that works on it.
   */
  constructor(dir: string, log: Log, use: 'work' | 'look' = 'work') {
    this.#dir = dir;
    this.#log = log;
    if (use === 'look') return;
    for (const folder of [...NOTES, BROKEN, GONE, ...STATES]) {
      openFolderDurably(join(dir, folder), 0o700);
    }
  }

  /**
   * Takes a mail in, to be drafted or sent as `via` says. A Message-ID that is there already, in any state, is
   * `known` and left as it is: adding again after a restart does no harm. So is a reply to a mail that has one,
   * whatever it says. Throws OutboxError for a wrong `meta`.
   */
  add(meta: Outgoing, eml: Uint8Array): 'added' | 'known' {
    const checked = OutgoingFile.safeParse(meta);
    if (!checked.success || meta.id !== outgoingId(meta.messageId)) {
      const why = checked.success ? 'its id is not that of its Message-ID' : z.prettifyError(checked.error);
      throw new OutboxError(`outbox: <${meta.messageId}> cannot be taken: ${why}`);
    }
    if (this.#isKnown(meta.id)) return 'known';
    if (meta.kind === 'reply') {
      if (this.#replyTo(meta.answers) !== undefined) return 'known';
      writeDurably(join(this.#dir, 'replied', outgoingId(meta.answers)), meta.id);
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

  /** How many mails are in each state. */
  counts(): Readonly<Record<State, number>> {
    const count = (state: State) => readdirSync(join(this.#dir, state)).filter((name) => name.endsWith('.eml')).length;
    return Object.fromEntries(STATES.map((state) => [state, count(state)])) as Record<State, number>;
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

  /** How far the sending of a mail has come; undefined before it began, LOST where its record is damaged. */
  progress(id: string): Progress | undefined {
    const path = this.#progressPath(id);
    try {
      const parse = (value: unknown): Progress => ProgressFile.parse(value);
      const progress = readJson(path, parse, `who got mail ${id} is not known`);
      // What was set aside by another process, or before a crash, is no less damaged.
      return progress ?? (existsSync(damagedPath(path)) ? LOST : undefined);
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      this.#log.warn(error.message);
      return LOST;
    }
  }

  /** On disk when it returns. */
  setProgress(id: string, progress: Progress): void {
    writeDurably(this.#progressPath(id), `${JSON.stringify(progress)}\n`);
  }

  /** A mail by its Message-ID (without brackets), and the state it is in. */
  find(messageId: MessageId): { readonly meta: Outgoing; readonly state: State } | undefined {
    return this.findById(outgoingId(messageId));
  }

  /** As `find`, by the name of its files. */
  findById(id: string): { readonly meta: Outgoing; readonly state: State } | undefined {
    const state = this.#stateOf(id);
    const meta = state && this.#load(state, id);
    return state && meta && { meta, state };
  }

  /**
   * Notes that a mail that came in is a draft of ours, sent by a person: mail programs give it another sender and
   * Message-ID, but it still answers that patch, with our text. On disk when it returns.
   */
  noteSentByHand({ references, raw }: Pick<Message, 'references' | 'raw'>): void {
    for (const answers of references) {
      const id = this.#replyTo(answers);
      // `drafting`: it may lie in the folder by now, although the server's answer was lost.
      const isInFolder = (['drafting', 'drafted'] as const).some((state) => id && existsSync(this.#path(state, id)));
      if (id === undefined || !isInFolder) continue;
      if (hasTextOf(this.read(id), raw)) writeDurably(join(this.#dir, 'by-hand', id), '');
    }
  }

  wasSentByHand(id: string): boolean {
    return existsSync(join(this.#dir, 'by-hand', id));
  }

  /** Notes that a mail is to be discarded, or what came back of it is settled. From any process; on disk when it returns. */
  noteUnwanted(id: string): void {
    writeDurably(join(this.#dir, 'unwanted', id), '');
  }

  /** Ids of the mails of which that is noted. */
  unwanted(): readonly string[] {
    return readdirSync(join(this.#dir, 'unwanted')).filter((name) => !name.endsWith('.partial'));
  }

  /** It is done, or there is nothing to do. */
  endUnwanted(id: string): void {
    rmSync(join(this.#dir, 'unwanted', id), { force: true });
  }

  /** What came back of a mail is not told any more. On disk when it returns. */
  settleBounces(id: string): void {
    const bounces = this.bounces(id);
    if (bounces.length === 0) return;
    writeDurably(this.#bouncesPath(id, '.seen'), `${JSON.stringify([...this.#bounces(id, '.seen'), ...bounces])}\n`);
    rmSync(this.#bouncesPath(id), { force: true });
  }

  /** Notes that nothing of a series is to be sent any more. On disk when it returns. */
  withdraw(series: string): void {
    writeDurably(join(this.#dir, 'withdrawn', series), '');
  }

  /**
   * Withdraws the earlier revisions of a series of which replies wait, however long ago they came. By one that came by
   * a list of theirs alone: any mail can bear an author's name and a title. Their keys are given back.
   */
  withdrawEarlier(lineage: readonly string[], revision: number, listIds: readonly string[]): readonly string[] {
    const lists = new Set(listIds);
    const isEarlier = (meta: Outgoing): boolean =>
      meta.revision !== undefined &&
      meta.revision < revision &&
      isSameLineage(meta.lineage ?? [], lineage) &&
      (meta.listIds ?? []).some((id) => lists.has(id));
    const waiting = WAITING.flatMap((state) => this.list(state)).filter(isEarlier);
    const keys = new Set(waiting.flatMap(({ series }) => series ?? []).filter((key) => !this.#isWithdrawing(key)));
    for (const key of keys) this.withdraw(key);
    return [...keys];
  }

  /** Keys of the series of which replies to these mails wait: those of a series change with the mails that it has. */
  seriesAnswering(ids: readonly MessageId[]): readonly string[] {
    const isTo = ({ kind, answers }: Outgoing): boolean => kind === 'reply' && ids.includes(answers);
    return [
      ...new Set(WAITING.flatMap((state) => this.list(state).filter(isTo)).flatMap(({ series }) => series ?? [])),
    ];
  }

  /** Whether one of these mails has a reply of ours, in any state. */
  hasReplyTo(ids: readonly MessageId[]): boolean {
    return ids.some((id) => this.#replyTo(id) !== undefined);
  }

  /** Series of which there may still be something to discard. */
  withdrawn(): readonly string[] {
    return readdirSync(join(this.#dir, 'withdrawn'));
  }

  /** It is a reply to a series of which nothing is to be sent any more. */
  isWithdrawn({ kind, series }: Outgoing): boolean {
    return kind === 'reply' && series !== undefined && this.#isWithdrawing(series);
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

  /**
   * When the replies for that maintainer left that were taken in since a moment, or are to leave, in ms, ascending;
   * whatever became of them.
   */
  replyTimes(address: string, since: Date): readonly number[] {
    return this.#metasSince(since)
      .filter(({ kind, maintainers }) => kind === 'reply' && maintainers.some((one) => lower(one) === lower(address)))
      .map(({ addedAt, roomFrom = addedAt }) => Date.parse(roomFrom))
      .sort((a, b) => a - b);
  }

  /**
   * Notes to whom a mail did not come; of people that it did not go to, nothing is noted, but where it went to one alone
   * that one forwards it. The news alone are given back: a bounce may come twice. Throws DamagedFileError.
   */
  noteBounces(messageId: MessageId, bounces: readonly Bounce[]): readonly Bounce[] {
    const mail = this.find(messageId)?.meta;
    if (!mail) return [];
    const waiting = this.bounces(mail.id);
    const known = [...waiting, ...this.#bounces(mail.id, '.seen')];
    const isNew = ({ address }: Bounce): boolean => !known.some((one) => lower(one.address) === lower(address));
    const news = bouncesOf(mail, bounces).filter(isNew);
    if (news.length > 0) writeDurably(this.#bouncesPath(mail.id), `${JSON.stringify([...waiting, ...news])}\n`);
    return news;
  }

  /** To whom a mail did not come, and why, but for what is settled. Throws DamagedFileError. */
  bounces(id: string): readonly Bounce[] {
    return this.#bounces(id);
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
          return [OutgoingFile.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')))];
        } catch (error) {
          if (error instanceof SyntaxError || error instanceof z.ZodError) return [];
          throw error;
        }
      });
  }

  #bounces(id: string, seen: '' | '.seen' = ''): readonly Bounce[] {
    const parse = (value: unknown): Bounce[] => BouncesFile.parse(value);
    return readJson(this.#bouncesPath(id, seen), parse, `who did not get mail ${id} is not known`) ?? [];
  }

  #bouncesPath(id: string, seen: '' | '.seen' = ''): string {
    return join(this.#dir, 'bounces', `${id}${seen}.json`);
  }

  #load(state: State, id: string): Outgoing | undefined {
    try {
      const meta = OutgoingFile.parse(JSON.parse(readFileSync(this.#metaPath(id), 'utf8')));
      if (meta.id !== id || id !== outgoingId(meta.messageId)) throw new Error('it belongs to another mail');
      return meta;
    } catch (error) {
      if (!existsSync(this.#path(state, id))) return undefined;
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

  #isWithdrawing(series: string): boolean {
    return existsSync(join(this.#dir, 'withdrawn', series));
  }

  /** Id of our reply to a mail. */
  #replyTo(answers: MessageId): string | undefined {
    const replied = join(this.#dir, 'replied', outgoingId(answers));
    const id = existsSync(replied) ? readFileSync(replied, 'utf8') : undefined;
    // After a crash it may name a reply that was never taken in.
    return id !== undefined && this.#isKnown(id) ? id : undefined;
  }

  #isKnown(id: string): boolean {
    return this.#stateOf(id) !== undefined || [BROKEN, GONE].some((folder) => existsSync(this.#path(folder, id)));
  }

  #path(folder: string, id: string): string {
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

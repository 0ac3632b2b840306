/**
 * Mails on disk: every mail that came, as its bytes, in a folder a day; and how far each mailbox has been read. A mail
 * is on disk before the position moves past it, so that a crash at any moment loses none.
 *
 *   mail/2026-11-22/<of its Message-ID>-<of its sender>-<of its bytes>.eml
 *   mail/unreadable/<of its bytes>.eml      mail/positions/<of the mailbox>.json
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Message, MessageId } from '../rules/types.ts';
import { readJson, writeDurably } from './durable.ts';
import type { Position } from './inbox.ts';
import { posterOf } from './sender.ts';

const PositionFile = z.object({
  mailbox: z.string(),
  uidValidity: z.string(),
  uid: z.int().min(0),
  receivedAt: z.exactOptional(z.iso.datetime()),
});
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY_CHARS = 10;
const DIGEST_CHARS = 32;
/** Copies of one mail in one sender's name, which differ by their lists and ways; more is somebody's game. */
const MAX_COPIES_OF_SENDER = 20;
/** Senders that copies of one mail name: lists put in their own, and forgers must not crowd out the true one. */
const MAX_SENDERS = 20;
/** Of the copies of one mail that are read at a time. */
const MAX_COPIES_BYTES = 64 * 2 ** 20;
/** Mails that could not be read, kept for a person to look at; the first ones tell as much as more would. */
const MAX_UNREADABLE = 100;

export class MailStore {
  readonly #dir: string;
  /** Paths of the copies of each mail, by the digest of its Message-ID. */
  readonly #copies = new Map<string, string[]>();

  /** `dir` is made where missing; folders of days before `oldest` (`2026-11-22`) go. */
  constructor(dir: string, oldest: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    this.sweep(oldest);
    for (const path of this.#paths()) this.#index(path.slice(DAY_CHARS + 1, DAY_CHARS + 1 + DIGEST_CHARS), path);
  }

  /** Removes the mails of days before `oldest`, and what could not be read and was kept before. */
  sweep(oldest: string): void {
    for (const day of this.#days()) {
      if (day < oldest) rmSync(join(this.#dir, day), { recursive: true, force: true });
    }
    for (const name of this.#unreadable()) {
      const path = join(this.#dir, 'unreadable', name);
      if (statSync(path).mtime.toISOString().slice(0, DAY_CHARS) < oldest) rmSync(path);
    }
    for (const [id, paths] of this.#copies) {
      const kept = paths.filter((path) => path >= oldest);
      if (kept.length > 0) this.#copies.set(id, kept);
      else this.#copies.delete(id);
    }
  }

  /**
   * Records a mail. It is known where it is there already, byte for byte: whatever else a copy has in common with one
   * before, either may be forged. Each sender that copies name has room for some of them.
   */
  add(message: Message, receivedAt: Date): 'added' | 'known' | 'too many copies' {
    const id = digest(message.messageId);
    const sender = digest(posterOf(message));
    const end = `-${digest(message.raw)}.eml`;
    const copies = this.#copies.get(id) ?? [];
    if (copies.some((path) => path.endsWith(end))) return 'known';
    const bySender = Map.groupBy(copies, senderIn);
    const ofSender = bySender.get(sender);
    const hasRoom = ofSender ? ofSender.length < MAX_COPIES_OF_SENDER : bySender.size < MAX_SENDERS;
    if (!hasRoom) return 'too many copies';
    const path = `${receivedAt.toISOString().slice(0, DAY_CHARS)}/${id}-${sender}${end}`;
    writeDurably(join(this.#dir, path), message.raw);
    this.#index(id, path);
    return 'added';
  }

  /** Keeps what could not be read, for a person to look at. False where there are too many such mails already. */
  addUnreadable(raw: Uint8Array): boolean {
    const name = `${createHash('sha256').update(raw).digest('hex').slice(0, 32)}.eml`;
    const known = this.#unreadable();
    if (known.includes(name)) return true;
    if (known.length >= MAX_UNREADABLE) return false;
    writeDurably(join(this.#dir, 'unreadable', name), raw);
    return true;
  }

  has(messageId: MessageId): boolean {
    return this.#copies.has(digest(messageId));
  }

  /**
   * Bytes of each copy, and no more of them when they are {@link MAX_COPIES_BYTES} together; none for a mail that is not
   * there. One of each sender comes first, small ones before large ones, so that nobody's copies hide another's.
   */
  raws(messageId: MessageId): Uint8Array[] {
    const raws: Uint8Array[] = [];
    let bytes = 0;
    for (const path of this.#inTurn(this.#copies.get(digest(messageId)) ?? [])) {
      if (bytes >= MAX_COPIES_BYTES) break;
      const raw = readFileSync(join(this.#dir, path));
      bytes += raw.length;
      raws.push(raw);
    }
    return raws;
  }

  /** All mails, by day. */
  *all(): Generator<{ raw: Uint8Array; day: string }> {
    for (const path of this.#paths()) {
      yield { raw: readFileSync(join(this.#dir, path)), day: path.slice(0, DAY_CHARS) };
    }
  }

  /** How far a mailbox (`account/folder`) has been read; undefined before the first time. Throws DamagedFileError. */
  position(mailbox: string): Position | undefined {
    const then = `the last days of the mailbox ${mailbox} are read again`;
    const found = readJson(this.#positionFile(mailbox), (value) => PositionFile.parse(value), then);
    if (found === undefined) return undefined;
    const { mailbox: _, ...position } = found;
    return position;
  }

  savePosition(mailbox: string, position: Position): void {
    writeDurably(this.#positionFile(mailbox), `${JSON.stringify({ mailbox, ...position })}\n`);
  }

  #positionFile(mailbox: string): string {
    return join(this.#dir, 'positions', `${digest(mailbox)}.json`);
  }

  #inTurn(paths: readonly string[]): string[] {
    if (paths.length < 2) return [...paths];
    const turns = [...Map.groupBy(paths, senderIn).values()].flatMap((own) =>
      own.map((path, turn) => ({ path, turn, bytes: statSync(join(this.#dir, path)).size })),
    );
    return turns.sort((a, b) => a.turn - b.turn || a.bytes - b.bytes).map(({ path }) => path);
  }

  /** Of all mails, below the folder: by day, then name. */
  #paths(): string[] {
    return this.#days().flatMap((day) =>
      readdirSync(join(this.#dir, day))
        .filter((name) => name.endsWith('.eml'))
        .sort()
        .map((name) => join(day, name)),
    );
  }

  #unreadable(): string[] {
    const dir = join(this.#dir, 'unreadable');
    return existsSync(dir) ? readdirSync(dir) : [];
  }

  #days(): string[] {
    return readdirSync(this.#dir)
      .filter((name) => DAY.test(name))
      .sort();
  }

  #index(id: string, path: string): void {
    const copies = this.#copies.get(id);
    if (copies) copies.push(path);
    else this.#copies.set(id, [path]);
  }
}

/** Digest of the sender of a copy; empty where an earlier version of depbot named the file. */
function senderIn(path: string): string {
  return path.split('/')[1]!.split('-').slice(1, -1).join('');
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, DIGEST_CHARS);
}

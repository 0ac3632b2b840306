/**
 * Mails on disk: every mail that came, as its bytes, in a folder a day; and how far each mailbox has been read. A mail
 * is on disk before the position moves past it, so that a crash at any moment loses none.
 *
 *   mail/2026-11-22/<of its Message-ID>-<of its List-Ids>.eml      mail/unreadable/<of its bytes>.eml
 *   mail/positions/<of the mailbox>.json
 */

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Message, MessageId } from '../rules/types.ts';
import { writeDurably } from './durable.ts';
import type { Position } from './inbox.ts';

const PositionFile = z.object({ mailbox: z.string(), uidValidity: z.string(), uid: z.int().min(0) });
const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** Copies of one mail that came through different lists; more is somebody's game. */
const MAX_COPIES = 20;

export class MailStore {
  readonly #dir: string;
  /** Paths of the copies of each mail, by the digest of its Message-ID. */
  readonly #copies = new Map<string, string[]>();

  /** `dir` is made where missing; folders of days before `oldest` (`2026-11-22`) go. */
  constructor(dir: string, oldest: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    for (const day of this.#days()) {
      if (day < oldest) {
        rmSync(join(dir, day), { recursive: true, force: true });
        continue;
      }
      for (const name of readdirSync(join(dir, day)).sort()) {
        if (name.endsWith('.eml')) this.#index(name.slice(0, name.indexOf('-')), join(day, name));
      }
    }
  }

  /** Records a mail. False for a copy that says nothing new: one by the same lists is there. */
  add(message: Message, receivedAt: Date): boolean {
    const id = digest(message.messageId);
    const name = `${id}-${digest(message.listIds.join('\n')).slice(0, 8)}.eml`;
    const copies = this.#copies.get(id) ?? [];
    if (copies.length >= MAX_COPIES || copies.some((path) => path.endsWith(`/${name}`))) return false;
    const path = `${receivedAt.toISOString().slice(0, 10)}/${name}`;
    writeDurably(join(this.#dir, path), message.raw);
    this.#index(id, path);
    return true;
  }

  /** Keeps what could not be read, for a person to look at. */
  addUnreadable(raw: Uint8Array): void {
    writeDurably(
      join(this.#dir, 'unreadable', `${createHash('sha256').update(raw).digest('hex').slice(0, 32)}.eml`),
      raw,
    );
  }

  has(messageId: MessageId): boolean {
    return this.#copies.has(digest(messageId));
  }

  /** Bytes of the first copy. */
  raw(messageId: MessageId): Uint8Array | undefined {
    const path = this.#copies.get(digest(messageId))?.[0];
    return path === undefined ? undefined : readFileSync(join(this.#dir, path));
  }

  /** All mails, by day. */
  *all(): Generator<{ raw: Uint8Array; day: string }> {
    for (const day of this.#days())
      for (const name of readdirSync(join(this.#dir, day)).sort())
        if (name.endsWith('.eml')) yield { raw: readFileSync(join(this.#dir, day, name)), day };
  }

  /** How far a mailbox (`account/folder`) has been read; undefined before the first time. Throws for a damaged file. */
  position(mailbox: string): Position | undefined {
    let text: string;
    try {
      text = readFileSync(this.#positionFile(mailbox), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const { uidValidity, uid } = PositionFile.parse(JSON.parse(text));
    return { uidValidity, uid };
  }

  savePosition(mailbox: string, { uidValidity, uid }: Position): void {
    writeDurably(this.#positionFile(mailbox), `${JSON.stringify({ mailbox, uidValidity, uid })}\n`);
  }

  #positionFile(mailbox: string): string {
    return join(this.#dir, 'positions', `${digest(mailbox)}.json`);
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

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

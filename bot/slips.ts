/**
 * The desk's commands on disk, a slip for each mail: which mail, and what is known of it. The folder it lies in is how far
 * it has come.
 */

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { MessageId } from '../rules/types.ts';
import { DamagedFileError, namesBefore, openFolderDurably, readJson, renameDurably, writeDurably } from './durable.ts';
import type { Log } from './log.ts';

const Slip = z.object({
  messageId: z.string(),
  /** Address in the From of the mail, which nobody has vouched for. */
  from: z.string(),
  /** Copies of the mail that were judged and not obeyed; one that comes later is judged too. */
  refused: z.int().min(1).optional(),
  /** SHA-256 of the copy that was obeyed. */
  copy: z.string().optional(),
  /** Series whose report it waits for. */
  key: z.string().optional(),
  /** Its sender had said stop before, and asked all the same. */
  despiteStop: z.literal(true).optional(),
  /** When it was taken in, later than any that was before; missing in those of earlier versions. */
  takenAt: z.iso.datetime().optional(),
});
export type Slip = z.infer<typeof Slip>;

export type Tray = 'todo' | 'waiting' | 'done';
const TRAYS: readonly Tray[] = ['todo', 'waiting', 'done'];

export class Slips {
  readonly #dir: string;
  readonly #log: Log;

  /** The folders are made where missing. */
  constructor(dir: string, log: Log) {
    this.#dir = dir;
    this.#log = log;
    for (const tray of TRAYS) openFolderDurably(join(dir, tray));
  }

  /** In the order in which they were taken in. */
  list(tray: Tray): readonly Slip[] {
    const names = readdirSync(join(this.#dir, tray)).filter((name) => name.endsWith('.json'));
    const slips = names.flatMap((name) => this.#read(tray, name) ?? []);
    const key = ({ takenAt = '', messageId }: Slip): string => `${takenAt} ${messageId}`;
    return slips.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }

  get(tray: Tray, messageId: MessageId): Slip | undefined {
    return this.#read(tray, nameOf(messageId));
  }

  has(messageId: MessageId): boolean {
    return TRAYS.some((tray) => existsSync(join(this.#dir, tray, nameOf(messageId))));
  }

  /** On disk when it returns. */
  write(tray: Tray, slip: Slip): void {
    writeDurably(join(this.#dir, tray, nameOf(slip.messageId)), `${JSON.stringify(slip)}\n`);
  }

  move(from: Tray, to: Tray, { messageId }: Slip): void {
    const name = nameOf(messageId);
    renameDurably(join(this.#dir, from, name), join(this.#dir, to, name));
  }

  /** Forgets what was done before a moment, or has waited for a report since then. */
  sweep(before: Date): void {
    for (const tray of ['done', 'waiting'])
      for (const name of namesBefore(join(this.#dir, tray), before)) rmSync(join(this.#dir, tray, name));
  }

  /** Undefined for none, and for a damaged one, which is set aside. */
  #read(tray: Tray, name: string): Slip | undefined {
    const parse = (value: unknown): Slip => {
      const slip = Slip.parse(value);
      if (nameOf(slip.messageId) !== name) throw new Error('it is of another mail');
      return slip;
    };
    try {
      return readJson(join(this.#dir, tray, name), parse, 'the command has to be sent again');
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error;
      this.#log.warn(error.message);
      return undefined;
    }
  }
}

function nameOf(messageId: MessageId): string {
  return `${createHash('sha256').update(messageId).digest('hex').slice(0, 32)}.json`;
}

/**
 * Tokens with which an address can say stop without a signature: whoever brings one back has read the mail that it was
 * sent in. Nothing is kept of those that are given out, but the key; each serves once.
 */

import { createHash, createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageId } from '../rules/types.ts';
import { openFolderDurably, writeDurably } from './durable.ts';

const KEY_BYTES = 32;

export class StopTokens {
  readonly #key: Buffer;
  readonly #used: string;

  /**
   * The key is in the file at `path`, 64 hex digits, and made where there is none; what was used is noted in the folder
   * `used`. Throws Error for another content of the file.
   */
  constructor(path: string, used: string) {
    if (!existsSync(path)) writeDurably(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`);
    const text = readFileSync(path, 'utf8').trim();
    if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`${path}: not a key; remove it, and a new one is made`);
    this.#key = Buffer.from(text, 'hex');
    this.#used = used;
    openFolderDurably(used);
  }

  /** The token that an address can use now, 32 hex digits; in the mail that used the last one it is still that. */
  of(address: string, mail: MessageId): string {
    const used = this.#usedBy(address);
    const count = used.at(-1) === digest(mail) ? used.length - 1 : used.length;
    const text = `${count} ${address.toLowerCase()}`;
    return createHmac('sha256', this.#key).update(text).digest('hex').slice(0, 32);
  }

  /** Notes that a mail brought the token back. On disk when it returns; done twice it has the effect of doing it once. */
  use(address: string, mail: MessageId): void {
    const used = this.#usedBy(address);
    if (used.at(-1) !== digest(mail)) writeDurably(this.#path(address), [...used, digest(mail), ''].join('\n'));
  }

  /** Digests of the mails that brought back a token, the last one at the end. */
  #usedBy(address: string): string[] {
    const path = this.#path(address);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  }

  #path(address: string): string {
    return join(this.#used, digest(address.toLowerCase()));
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

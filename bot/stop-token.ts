/**
 * Tokens with which an address can say stop without a signature: whoever brings one back has read the mail that it was
 * sent in. An address always has the same, so that nothing has to be kept but the key.
 */

import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeDurably } from './durable.ts';

const KEY_BYTES = 32;

export class StopTokens {
  readonly #key: Buffer;

  /** The key is in the file at `path`, 64 hex digits, and made where there is none. Throws Error for another content. */
  constructor(path: string) {
    if (!existsSync(path)) writeDurably(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`);
    const text = readFileSync(path, 'utf8').trim();
    if (!/^[0-9a-f]{64}$/.test(text)) throw new Error(`${path}: not a key; remove it, and a new one is made`);
    this.#key = Buffer.from(text, 'hex');
  }

  /** 32 hex digits. */
  of(address: string): string {
    return createHmac('sha256', this.#key).update(address.toLowerCase()).digest('hex').slice(0, 32);
  }
}

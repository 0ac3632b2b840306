/** Addresses that said `#depbot stop`: a file with one a line, which the operator may edit. */

import { readFileSync } from 'node:fs';
import { writeDurably } from './durable.ts';

export class Stopped {
  readonly #path: string;
  readonly #addresses = new Set<string>();

  constructor(path: string) {
    this.#path = path;
    for (const line of readOrNothing(path).split('\n')) {
      const address = line.trim().toLowerCase();
      if (address !== '' && !address.startsWith('#')) this.#addresses.add(address);
    }
  }

  /** In lower case. */
  get addresses(): ReadonlySet<string> {
    return this.#addresses;
  }

  /** On disk when it returns. */
  add(address: string): void {
    this.#addresses.add(address.toLowerCase());
    const head = '# These asked for no more mails. Take a line away to undo that, then restart.\n';
    writeDurably(this.#path, `${head}${[...this.#addresses].sort().join('\n')}\n`);
  }
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

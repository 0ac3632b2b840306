/**
 * Who said `#depbot stop`: a file with an address a line, or `section NAME` for one of MAINTAINERS, which the operator
 * may edit.
 */

import { readFileSync } from 'node:fs';
import { writeDurably } from './durable.ts';

const HEAD = '# These asked for no more mails. Take a line away to undo that, then restart.\n';
const SECTION = 'section ';

export class Stopped {
  readonly #path: string;
  readonly #addresses = new Set<string>();
  readonly #sections = new Set<string>();

  constructor(path: string) {
    this.#path = path;
    for (const line of readOrNothing(path).split('\n')) {
      const text = line.trim();
      if (text.startsWith(SECTION)) this.#sections.add(text.slice(SECTION.length).trim());
      else if (text !== '' && !text.startsWith('#')) this.#addresses.add(text.toLowerCase());
    }
  }

  /** In lower case. */
  get addresses(): ReadonlySet<string> {
    return this.#addresses;
  }

  /** As MAINTAINERS has them. */
  get sections(): ReadonlySet<string> {
    return this.#sections;
  }

  /** An address, and the names of sections that it spoke for. On disk when it returns. */
  add(address: string, sections: readonly string[] = []): void {
    this.#addresses.add(address.toLowerCase());
    for (const name of sections) this.#sections.add(name);
    this.#write();
  }

  /** Takes them back. On disk when it returns. */
  remove(address: string, sections: readonly string[]): void {
    this.#addresses.delete(address.toLowerCase());
    for (const name of sections) this.#sections.delete(name);
    this.#write();
  }

  #write(): void {
    const sections = [...this.#sections].sort().map((name) => `${SECTION}${name}`);
    writeDurably(this.#path, `${HEAD}${[...[...this.#addresses].sort(), ...sections].join('\n')}\n`);
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

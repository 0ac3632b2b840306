/**
 * Who said `#depbot stop`: a file with an address a line, or `section NAME <ADDRESS>` for one of MAINTAINERS and who
 * stopped it, which the operator may edit.
 */

import { readFileSync } from 'node:fs';
import { writeDurably } from './durable.ts';

const HEAD = '# These asked for no more mails. Take a line away to undo that, then restart.\n';
/** Without an address it is the operator's word, which no mail takes back. */
const SECTION = /^section (.*?)(?: <([^<>\s]*)>)?$/;

export class Stopped {
  readonly #path: string;
  readonly #addresses = new Set<string>();
  /** Who stopped a section, by its name; the empty address is the operator. */
  readonly #sections = new Map<string, Set<string>>();

  constructor(path: string) {
    this.#path = path;
    for (const line of readOrNothing(path).split('\n')) {
      const text = line.trim();
      const section = SECTION.exec(text);
      if (section) this.#note(section[1]!.trim(), section[2] ?? '');
      else if (text !== '' && !text.startsWith('#')) this.#addresses.add(text.toLowerCase());
    }
  }

  /** In lower case. */
  get addresses(): ReadonlySet<string> {
    return this.#addresses;
  }

  /** As MAINTAINERS has them. */
  get sections(): ReadonlySet<string> {
    return new Set(this.#sections.keys());
  }

  /** An address, and the names of sections that it spoke for. On disk when it returns. */
  add(address: string, sections: readonly string[] = []): void {
    this.#addresses.add(address.toLowerCase());
    for (const name of sections) this.#note(name, address);
    this.#write();
  }

  /** Takes back what that address said; sections that others stopped stay so. On disk when it returns. */
  remove(address: string, sections: readonly string[]): void {
    this.#addresses.delete(address.toLowerCase());
    for (const name of sections) {
      const by = this.#sections.get(name);
      by?.delete(address.toLowerCase());
      if (by?.size === 0) this.#sections.delete(name);
    }
    this.#write();
  }

  #note(section: string, by: string): void {
    this.#sections.set(section, (this.#sections.get(section) ?? new Set()).add(by.toLowerCase()));
  }

  #write(): void {
    const sections = [...this.#sections].flatMap(([name, by]) =>
      [...by].map((who) => (who === '' ? `section ${name}` : `section ${name} <${who}>`)),
    );
    writeDurably(this.#path, `${HEAD}${[...[...this.#addresses].sort(), ...sections.sort()].join('\n')}\n`);
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

/**
 * Who said `#depbot stop`: a file with an address a line, or `section NAME <ADDRESS>` for one of MAINTAINERS and who
 * stopped it, or `entry ADDRESS` for who asked by mail for something since: the operator's entry stays off. The operator
 * may edit it, also while depbot runs: what it says when somebody stops or starts holds from then on.
 */

import { readFileSync } from 'node:fs';
import { writeDurably } from './durable.ts';

const HEAD = '# These asked for no more mails. Take a line away to undo that, then restart.';
/** Without an address it is the operator's word, which no mail takes back. */
const ENTRY = /^entry (\S+)$/;
const SECTION = /^section (.*?)(?: <([^<>\s]*)>)?$/;

export class Stopped {
  readonly #path: string;
  readonly #addresses = new Set<string>();
  readonly #entries = new Set<string>();
  /** Who stopped a section, by its name; the empty address is the operator. */
  readonly #sections = new Map<string, Set<string>>();
  /** Of the operator. */
  #remarks: readonly string[] = [];

  constructor(path: string) {
    this.#path = path;
    this.#read();
  }

  /** In lower case. */
  get addresses(): ReadonlySet<string> {
    return this.#addresses;
  }

  /** In lower case: their entries in the configuration are off, although they asked by mail for something since. */
  get entries(): ReadonlySet<string> {
    return this.#entries;
  }

  /** As MAINTAINERS has them. */
  get sections(): ReadonlySet<string> {
    return new Set(this.#sections.keys());
  }

  /** An address, and the names of sections that it spoke for. On disk when it returns. */
  add(address: string, sections: readonly string[] = []): void {
    this.#read();
    this.#addresses.add(address.toLowerCase());
    this.#entries.delete(address.toLowerCase());
    for (const name of sections) this.#note(name, address);
    this.#write();
  }

  /**
   * Takes back what that address said, but for its entry in the configuration, where it has one; sections that others
   * stopped stay so. On disk when it returns.
   */
  remove(address: string, sections: readonly string[], hasEntry: boolean): void {
    this.#read();
    const wasStopped = this.#addresses.delete(address.toLowerCase());
    if (wasStopped && hasEntry) this.#entries.add(address.toLowerCase());
    for (const name of sections) {
      const by = this.#sections.get(name);
      by?.delete(address.toLowerCase());
      if (by?.size === 0) this.#sections.delete(name);
    }
    this.#write();
  }

  /** All of ours is in the file, so what it lacks was taken away. One that is not there may be in the hands of an editor. */
  #read(): void {
    const text = readOrNothing(this.#path);
    if (text.trim() === '') return;
    const lines = text.split('\n').map((line) => line.trim());
    this.#remarks = lines.filter((line) => line.startsWith('#') && line !== HEAD);
    for (const known of [this.#addresses, this.#entries, this.#sections]) known.clear();
    for (const line of lines) {
      if (line === '' || line.startsWith('#')) continue;
      const [entry, section] = [ENTRY.exec(line), SECTION.exec(line)];
      if (entry) this.#entries.add(entry[1]!.toLowerCase());
      else if (section) this.#note(section[1]!.trim(), section[2] ?? '');
      else this.#addresses.add(line.toLowerCase());
    }
  }

  #note(section: string, by: string): void {
    this.#sections.set(section, (this.#sections.get(section) ?? new Set()).add(by.toLowerCase()));
  }

  #write(): void {
    const sections = [...this.#sections].flatMap(([name, by]) =>
      [...by].map((who) => (who === '' ? `section ${name}` : `section ${name} <${who}>`)),
    );
    const entries = [...this.#entries].map((address) => `entry ${address}`);
    const lines = [...[...this.#addresses].sort(), ...entries.sort(), ...sections.sort()];
    writeDurably(this.#path, [HEAD, ...this.#remarks, ...lines, ''].join('\n'));
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

/** C files by blob id: read once for all trees that have them, kept in memory, and on disk by whoever can. */

import type { Outcome, Sha } from '../types.ts';
import type { CFailure, CFile } from './c-file.ts';
import { C_FILE_VERSION } from './c-file.ts';
import { WordStore } from './header-reach.ts';

export type ReadOutcome = Outcome<{ readonly file: CFile }, { readonly why: CFailure }>;

/** Reads a text (`parseC`), in this thread or another. */
export type ReadC = (text: string) => Promise<ReadOutcome>;

/** Where files are kept between runs: JSON of CFile, by blob id. `get` may return anything; see `checkKept`. */
export interface KeptCFiles {
  get(blob: Sha): Promise<unknown>;
  put(blob: Sha, file: CFile): Promise<void>;
}

/** A CFile as it was kept, or undefined for one of another version and for what is none. */
export function checkKept(value: unknown): CFile | undefined {
  const kept = value as Partial<CFile> | null | undefined;
  const isCurrent = typeof kept === 'object' && kept?.version === C_FILE_VERSION;
  return isCurrent && LISTS.every((list) => Array.isArray(kept[list])) ? (kept as CFile) : undefined;
}

const LISTS = [
  'arms',
  'regions',
  'functions',
  'declarations',
  'variables',
  'invocations',
  'macros',
  'exports',
] as const satisfies readonly (keyof CFile)[];

/** Files in memory; each takes about 20 times its text. */
const MAX_FILES = 500;

export class CFileCache {
  readonly #read: ReadC;
  readonly #kept: KeptCFiles | undefined;
  readonly #files = new Map<Sha, Promise<ReadOutcome>>();

  /** Words of headers, and of C files for what they declare. */
  readonly words = new WordStore();

  constructor(read: ReadC, kept?: KeptCFiles) {
    this.#read = read;
    this.#kept = kept;
  }

  /** The file of a blob; `text` is asked for only if nobody has read it. */
  async file(blob: Sha, text: () => Promise<string>): Promise<ReadOutcome> {
    const known = this.#files.get(blob);
    if (known) {
      // to the end of the line of those that are forgotten
      this.#files.delete(blob);
      this.#files.set(blob, known);
      return await known;
    }
    const reading = this.#make(blob, text);
    this.#files.set(blob, reading);
    if (this.#files.size > MAX_FILES) this.#files.delete(this.#files.keys().next().value!);
    try {
      return await reading;
    } catch (error) {
      this.#files.delete(blob);
      throw error;
    }
  }

  async #make(blob: Sha, text: () => Promise<string>): Promise<ReadOutcome> {
    const kept = checkKept(await this.#kept?.get(blob));
    if (kept) return { ok: true, file: kept };
    const outcome = await this.#read(await text());
    if (outcome.ok) await this.#kept?.put(blob, outcome.file);
    return outcome;
  }
}

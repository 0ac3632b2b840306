/**
 * Names that macros of a file's headers may put together with `##`: of arguments that stand outside of functions, and
 * of words that the macros add.
 */

import type { HeaderWords } from './header-words.ts';

/** Parts of one name. */
const MOST_PARTS = 4;

export class PastedNames {
  readonly #args = new Set<string>();
  readonly #parts = new Set<string>();

  constructor(all: Iterable<Pick<HeaderWords, 'pasted' | 'glue'>>) {
    for (const { pasted, glue } of all) {
      for (const word of pasted) this.#args.add(word);
      for (const word of glue) this.#parts.add(word);
    }
    for (const word of this.#args) this.#parts.add(word);
  }

  /** Whether a name is made of two parts or more, with an argument among them. `##` keeps the case of its parts. */
  mayMake(name: string): boolean {
    return this.#isMade(name, 0, { parts: 0, args: 0, letters: 0 });
  }

  #isMade(name: string, from: number, seen: { parts: number; args: number; letters: number }): boolean {
    if (from === name.length) return seen.parts > 1 && seen.args > 0;
    if (seen.parts === MOST_PARTS) return false;
    for (let to = name.length; to > from; to--) {
      const part = name.slice(from, to);
      if (part === name || !this.#parts.has(part)) continue;
      const letters = seen.letters + Number(part.length === 1 && part !== '_');
      // of single letters any name could be made
      if (letters > 1) continue;
      const args = seen.args + Number(this.#args.has(part));
      if (this.#isMade(name, to, { parts: seen.parts + 1, args, letters })) return true;
    }
    return false;
  }
}

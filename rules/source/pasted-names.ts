/** Names that macros of a file's headers may put together with `##`, of what they are given outside of functions. */

import { ANY_PART, type HeaderWords } from './header-words.ts';

export class PastedNames {
  readonly #parts = new Set<string>(['']);
  /** By the text before the first parameter. */
  readonly #templates = new Map<string, Set<string>>();

  constructor(all: Iterable<Pick<HeaderWords, 'pasted' | 'handed' | 'templates'>>) {
    for (const { pasted, handed, templates } of all) {
      for (const word of pasted) this.#parts.add(word);
      for (const word of handed) this.#parts.add(word);
      for (const template of templates) {
        const start = template.slice(0, template.indexOf(ANY_PART));
        this.#templates.set(start, (this.#templates.get(start) ?? new Set()).add(template.slice(start.length)));
      }
    }
  }

  /** Whether some macro makes a name of this form, and all that it has to be given for it is said somewhere. */
  mayMake(name: string): boolean {
    for (let to = 0; to <= name.length; to++)
      for (const template of this.#templates.get(name.slice(0, to)) ?? [])
        if (this.#matches(name.slice(to), template, name)) return true;
    return false;
  }

  #matches(text: string, template: string, name: string): boolean {
    if (template === '') return text === '';
    if (!template.startsWith(ANY_PART)) {
      const next = template.indexOf(ANY_PART);
      const literal = next < 0 ? template : template.slice(0, next);
      return (
        text.startsWith(literal) && this.#matches(text.slice(literal.length), template.slice(literal.length), name)
      );
    }
    for (let to = 0; to <= text.length; to++) {
      const part = text.slice(0, to);
      // what is given its own name makes another
      if (part !== name && this.#parts.has(part) && this.#matches(text.slice(to), template.slice(1), name)) return true;
    }
    return false;
  }
}

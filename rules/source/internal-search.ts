/** Who defines what files use and nothing exports: one search of either tree for the names of many files. */

import type { Side } from '../types.ts';
import type { Subject } from './file-gaps.ts';
import type { SideCode } from './side-code.ts';

interface Sides {
  readonly code: Readonly<Record<Side, SideCode>>;
  readonly subject: Readonly<Record<Side, Subject>>;
}

/** Names that are looked for. */
const MOST_NAMES = 400;

export class InternalSearch {
  readonly #sides: Sides;
  readonly #oldPath: (path: string) => string;
  readonly #names = new Map<string, ReadonlySet<string>>();

  /** `oldPath`: that of a file without the series. */
  constructor(sides: Sides, oldPath: (path: string) => string) {
    this.#sides = sides;
    this.#oldPath = oldPath;
  }

  /** Looks for the names of files, the nearest first. Returns those that have too many. */
  async define(paths: readonly string[]): Promise<readonly string[]> {
    const { code, subject } = this.#sides;
    const left: string[] = [];
    for (const path of new Set(paths)) {
      const all = [
        ...(await subject.before.internalNames(this.#oldPath(path))),
        ...(await subject.after.internalNames(path)),
      ];
      const names = new Map(all.filter(([name]) => !this.#names.has(name)));
      if (this.#names.size + names.size > MOST_NAMES) left.push(path);
      else for (const [name, near] of names) this.#names.set(name, near);
    }
    // the same question, so that the answer for the one tree is made from that for the other
    await code.before.internal.define(this.#names);
    await code.after.internal.define(this.#names);
    return left;
  }
}

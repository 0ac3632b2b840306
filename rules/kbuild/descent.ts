/**
 * The way of make through the directories of a tree (scripts/Makefile.build and scripts/Makefile.lib, subdir-ym,
 * subdir-builtin and subdir-modorder).
 */

import type { ExprId } from '../kconfig/expr.ts';
import type { Conditions } from './conditions.ts';
import type { ListedDirectory } from './directory.ts';
import type { Place } from './text-parts.ts';

/** The top directory. */
export const TOP = '.';

/** When a directory is entered. */
export interface Entry {
  readonly visited: ExprId;
  readonly builtIn: ExprId;
  readonly modorder: ExprId;
  /** Lines of one way to it. */
  readonly lines: readonly Place[];
}

interface Edge {
  readonly from: string;
  readonly role: 'obj-y' | 'obj-m' | 'subdir';
  readonly when: ExprId;
  readonly lines: readonly Place[];
}

/** Directories read so far, and what leads to them. */
export class Descent {
  readonly #conditions: Conditions;
  readonly #edges = new Map<string, Edge[]>();
  readonly #entries = new Map<string, Entry>();

  constructor(conditions: Conditions) {
    this.#conditions = conditions;
  }

  /** Notes to where a directory leads. What leads back above it is left out: make would go round for ever. */
  add(dir: string, directories: readonly ListedDirectory[]): void {
    for (const { path, role, when, lines } of directories) {
      if (path.startsWith('..') || this.#leadsTo(path, dir)) continue;
      const edges = this.#edges.get(path) ?? [];
      this.#edges.set(path, edges);
      edges.push({ from: dir, role, when, lines });
    }
    this.#entries.clear();
  }

  /** Whether anything that was read leads to it. */
  has(dir: string): boolean {
    return dir === TOP || this.#edges.has(dir);
  }

  /** When a directory is entered, as far as the directories above it were read. */
  entry(dir: string): Entry {
    const conditions = this.#conditions;
    const { TRUE, FALSE } = conditions;
    if (dir === TOP) return { visited: TRUE, builtIn: TRUE, modorder: TRUE, lines: [] };
    const known = this.#entries.get(dir);
    if (known) return known;
    let [visited, builtIn, modorder] = [FALSE, FALSE, FALSE];
    let lines: readonly Place[] | undefined;
    for (const { from, role, when, lines: own } of this.#edges.get(dir) ?? []) {
      const entry = this.entry(from);
      const reached = conditions.and(entry.visited, when);
      if (reached === FALSE) continue;
      lines ??= [...entry.lines, ...own];
      visited = conditions.or(visited, reached);
      if (role === 'subdir') continue;
      modorder = conditions.or(modorder, conditions.and(entry.modorder, when));
      if (role === 'obj-y') builtIn = conditions.or(builtIn, conditions.and(entry.builtIn, when));
    }
    const entry: Entry = { visited, builtIn, modorder, lines: lines ?? [] };
    this.#entries.set(dir, entry);
    return entry;
  }

  /** Whether a directory is `dir` or above it on a way from the top. */
  #leadsTo(above: string, dir: string): boolean {
    const seen = new Set<string>();
    const queue = [dir];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (next === above) return true;
      if (seen.has(next)) continue;
      seen.add(next);
      for (const { from } of this.#edges.get(next) ?? []) queue.push(from);
    }
    return false;
  }
}

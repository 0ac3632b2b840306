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
    // by the directory above, so that what leads there is said once
    const byParent = new Map<string, Record<Edge['role'], ExprId>>();
    let lines: readonly Place[] | undefined;
    for (const { from, role, when, lines: own } of this.#edges.get(dir) ?? []) {
      const above = this.entry(from);
      if (conditions.and(above.visited, when) === FALSE) continue;
      lines ??= [...above.lines, ...own];
      const roles = byParent.get(from) ?? { 'obj-y': FALSE, 'obj-m': FALSE, subdir: FALSE };
      byParent.set(from, { ...roles, [role]: conditions.or(roles[role], when) });
    }
    let [visited, builtIn, modorder] = [FALSE, FALSE, FALSE];
    for (const [from, roles] of byParent) {
      const above = this.entry(from);
      const linked = conditions.or(roles['obj-y'], roles['obj-m']);
      visited = conditions.or(visited, conditions.and(above.visited, conditions.or(linked, roles.subdir)));
      modorder = conditions.or(modorder, conditions.and(above.modorder, linked));
      builtIn = conditions.or(builtIn, conditions.and(above.builtIn, roles['obj-y']));
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

/**
 * Symbols that depend on one that is not declared, and that therefore nobody can enable: collected architecture by
 * architecture, since what is not declared on one may be on another.
 */

import { directDependencyOf } from './conditions.ts';
import type { SymbolChange } from './properties.ts';
import type { Solver } from './solve.ts';

export class DeadSymbols {
  /** By the name of what is not declared: symbols of whose dependency it is part. */
  readonly #suspects = new Map<string, Set<string>>();
  readonly #alive = new Set<string>();

  /** Takes an architecture in; `after` is the solver of the tree after. */
  take(after: Solver, changes: ReadonlyMap<string, SymbolChange>): void {
    const { pool, model } = after;
    for (const { after: symbol, added } of changes.values()) {
      if (!symbol || !added.some(({ kind }) => kind === 'depends on')) continue;
      const missing: string[] = [];
      pool.symbolsOf(directDependencyOf(pool, symbol), (id) => {
        if (!model.symbols[id]?.declarations.length) missing.push(pool.names[id]!);
      });
      if (missing.length === 0) continue;
      for (const name of missing) this.#suspects.set(name, (this.#suspects.get(name) ?? new Set()).add(symbol.name));
      const isOn = { expr: pool.symbol(symbol.id), level: 1, holds: true } as const;
      if (after.isPossible([isOn]) !== false) this.#alive.add(symbol.name);
    }
  }

  /** Of all architectures: symbols that depend on `name` and that none of them can have; sorted. */
  of(name: string): string[] {
    return [...(this.#suspects.get(name) ?? [])].filter((symbol) => !this.#alive.has(symbol)).sort();
  }
}

/**
 * Symbols that depend on one that is not declared, and that therefore nobody can enable: collected architecture by
 * architecture, since what is not declared on one may be on another.
 */

import { ArchCount } from './arch-count.ts';
import { directDependencyOf } from './conditions.ts';
import type { SymbolId } from './expr.ts';
import type { KconfigModel } from './model.ts';
import type { SymbolChange } from './properties.ts';
import type { Solver } from './solve.ts';

export class DeadSymbols {
  /** By the name of what is not declared: symbols of whose dependency it is part, with their names. */
  readonly #suspects = new Map<string, Map<SymbolId, string>>();
  readonly #impossible = new ArchCount();

  /** Takes an architecture in: the tree after, and its solver if it has one. */
  take(model: KconfigModel, solver: (() => Solver) | undefined, changes: ReadonlyMap<string, SymbolChange>): void {
    this.#impossible.take(model);
    if (!solver || changes.size === 0) return;
    const after = solver();
    const { pool } = after;
    for (const { after: symbol, added } of changes.values()) {
      if (!symbol || !added.some(({ kind }) => kind === 'depends on')) continue;
      const missing: string[] = [];
      pool.symbolsOf(directDependencyOf(pool, symbol), (id) => {
        if (!model.symbols[id]?.declarations.length) missing.push(pool.names[id]!);
      });
      if (missing.length === 0) continue;
      for (const name of missing)
        this.#suspects.set(name, (this.#suspects.get(name) ?? new Map()).set(symbol.id, symbol.name));
      const isOn = { expr: pool.symbol(symbol.id), level: 1, holds: true } as const;
      if (after.isPossible([isOn]) === false) this.#impossible.found(symbol.id);
    }
  }

  /** Of all architectures: symbols that depend on `name` and that none of them can have; sorted. */
  of(name: string): string[] {
    const suspects = [...(this.#suspects.get(name) ?? [])];
    return suspects.flatMap(([id, symbol]) => (this.#impossible.isEverywhere(id) ? [symbol] : [])).sort();
  }
}

/**
 * Symbols that need one that is not declared, and that therefore nobody can enable: collected architecture by
 * architecture, since what is not declared on one may be on another.
 */

import { ArchCount } from './arch-count.ts';
import { any, defaultExpr, directDependencyOf, substitute, visibleExpr } from './conditions.ts';
import type { SymbolId } from './expr.ts';
import type { KconfigModel, KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import type { SymbolChange } from './properties.ts';
import type { Goal, Solver } from './solve.ts';
import type { TreeReaders } from './tree-readers.ts';
import { fragment } from './witness.ts';

export interface DeadSymbol {
  readonly id: SymbolId;
  readonly name: string;
  /** An architecture, and a .config for it with all that the symbol needs beside what is not declared. */
  readonly shownOn: { readonly arch: string; readonly config: string };
}

export class DeadSymbols {
  /** By the name of what is not declared: symbols that only the lack of it keeps off. */
  readonly #suspects = new Map<string, Map<SymbolId, DeadSymbol>>();
  readonly #impossible = new ArchCount();
  readonly #readers: TreeReaders;
  /** Symbols whose declarations the series removes, on whatever architecture. */
  readonly #removed: ReadonlySet<SymbolId>;

  constructor(readers: TreeReaders, removed: ReadonlySet<SymbolId>) {
    this.#readers = readers;
    this.#removed = removed;
  }

  /** Takes an architecture in: the tree after, and its solver if it has one. */
  take(
    arch: string,
    model: KconfigModel,
    solver: (() => Solver) | undefined,
    changes: ReadonlyMap<string, SymbolChange>,
  ): void {
    this.#impossible.take(model);
    if (!solver) return;
    for (const symbol of this.#candidates(model, changes)) this.#ask(arch, solver(), symbol);
  }

  /** Of all architectures: symbols that need `name` and that none of them can have; sorted. */
  of(name: string): DeadSymbol[] {
    const suspects = [...(this.#suspects.get(name)?.values() ?? [])];
    return suspects.filter(({ id }) => this.#impossible.isEverywhere(id)).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Those that got a dependency, or that read what is removed. */
  #candidates({ symbols }: KconfigModel, changes: ReadonlyMap<string, SymbolChange>): Set<KSymbol> {
    const found = new Set<KSymbol>();
    for (const { after, added } of changes.values())
      if (after && added.some(({ kind }) => kind === 'depends on')) found.add(after);
    for (const id of this.#removed)
      for (const reader of this.#readers.of(id)) if (symbols[reader]) found.add(symbols[reader]);
    return found;
  }

  #ask(arch: string, after: Solver, symbol: KSymbol): void {
    const { pool, model } = after;
    if (symbol.type !== SymbolType.bool && symbol.type !== SymbolType.tristate) return;
    const missing: SymbolId[] = [];
    pool.symbolsOf(directDependencyOf(pool, symbol), (id) => {
      if (!pool.constant[id] && !model.symbols[id]?.declarations.length) missing.push(id);
    });
    if (missing.length === 0) return;
    const isOn: Goal = { expr: pool.symbol(symbol.id), level: 1, holds: true };
    if (after.isPossible([isOn]) !== false) return;
    this.#impossible.found(symbol.id);
    const needs = any(pool, [visibleExpr(pool, symbol), defaultExpr(pool, symbol)]);
    for (const id of missing) {
      const suspects = this.#suspects.get(pool.names[id]!) ?? new Map<SymbolId, DeadSymbol>();
      if (suspects.has(symbol.id)) continue;
      const answer = after.solve([{ expr: substitute(pool, needs, id, pool.y), level: 1, holds: true }]);
      if (answer.verdict !== 'possible') continue;
      const config = `${fragment(answer.settings)}CONFIG_${symbol.name}=y\n`;
      suspects.set(symbol.id, { id: symbol.id, name: symbol.name, shownOn: { arch, config } });
      this.#suspects.set(pool.names[id]!, suspects);
    }
  }
}

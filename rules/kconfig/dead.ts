/**
 * Symbols that need one that is not declared, and that therefore nobody can enable: collected architecture by
 * architecture, since what is not declared on one may be on another.
 */

import { ArchCount } from './arch-count.ts';
import { any, defaultExpr, directDependencyOf, replaced, substitute, visibleExpr } from './conditions.ts';
import type { ExprId, SymbolId } from './expr.ts';
import type { KconfigModel, KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import type { SymbolChange } from './properties.ts';
import type { Solver } from './solve.ts';
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
    const found: Lacking = new Map();
    const queue = this.#candidates(model, changes);
    const open = new Set<KSymbol>();
    let asked = 0;
    // grows while it is walked: who needs what is dead may be dead as well
    for (const symbol of queue) {
      if (symbol.declarations.length > 0) {
        if (asked++ === MOST_ASKED) break;
        if (!this.#isDead(solver(), symbol, found)) continue;
        if (!this.#explain(arch, solver(), symbol, found)) open.add(symbol);
      }
      for (const reader of this.#readers.of(symbol.id)) {
        const next = model.symbols[reader];
        if (next) queue.add(next);
      }
    }
    // of two that one needs, the dead one may have been found later
    for (let before = 0; before !== open.size; ) {
      before = open.size;
      for (const symbol of open) if (this.#explain(arch, solver(), symbol, found)) open.delete(symbol);
    }
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

  /** Whether it needs what is not declared, or dead, and nothing can turn it on. */
  #isDead(after: Solver, symbol: KSymbol, found: Lacking): boolean {
    const { pool } = after;
    if (symbol.type !== SymbolType.bool && symbol.type !== SymbolType.tristate) return false;
    const { missing, dead } = lacksOf(after, symbol, found);
    if (missing.length + dead.length === 0) return false;
    if (after.isPossible([{ expr: pool.symbol(symbol.id), level: 1, holds: true }]) !== false) return false;
    this.#impossible.found(symbol.id);
    return true;
  }

  /** Notes for want of what; false where that is not known. */
  #explain(arch: string, after: Solver, symbol: KSymbol, found: Lacking): boolean {
    const { pool } = after;
    const { missing, dead } = lacksOf(after, symbol, found);
    const needs = any(pool, [visibleExpr(pool, symbol), defaultExpr(pool, symbol)]);
    const lacks = new Map<string, ExprId>();
    const attempt = (names: ReadonlySet<SymbolId>): void => {
      const withDead = dead.reduce((expr, id) => {
        const own = [...found.get(id)!].find(([name]) => names.has(pool.symbolId(name)));
        return own ? replaced(pool, expr, id, own[1]) : expr;
      }, needs);
      const expr = [...names].reduce((e, id) => substitute(pool, e, id, pool.y), withDead);
      const answer = after.solve([{ expr, level: 1, holds: true }]);
      if (answer.verdict !== 'possible') return;
      const config = `${fragment(answer.settings)}CONFIG_${symbol.name}=y\n`;
      for (const id of names) {
        const name = pool.names[id]!;
        lacks.set(name, expr);
        const suspects = this.#suspects.get(name) ?? new Map<SymbolId, DeadSymbol>();
        this.#suspects.set(name, suspects);
        if (!suspects.has(symbol.id))
          suspects.set(symbol.id, { id: symbol.id, name: symbol.name, shownOn: { arch, config } });
      }
    };
    const names = new Set([
      ...missing,
      ...dead.flatMap((id) => [...found.get(id)!.keys()].map((name) => pool.symbolId(name))),
    ]);
    for (const id of names) attempt(new Set([id]));
    // both may be gone that it needs
    if (lacks.size === 0 && names.size > 1) attempt(names);
    if (lacks.size > 0) found.set(symbol.id, lacks);
    return lacks.size > 0;
  }
}

/** What of the symbol's dependency is not declared, and what is known to be dead. */
function lacksOf(
  { pool, model }: Solver,
  symbol: KSymbol,
  found: Lacking,
): { readonly missing: readonly SymbolId[]; readonly dead: readonly SymbolId[] } {
  const missing: SymbolId[] = [];
  const dead: SymbolId[] = [];
  pool.symbolsOf(directDependencyOf(pool, symbol), (id) => {
    if (found.has(id)) dead.push(id);
    else if (!pool.constant[id] && !model.symbols[id]?.declarations.length) missing.push(id);
  });
  return { missing, dead };
}

/** Of dead symbols, by the name of what each lacks: what it would need beside that. */
type Lacking = Map<SymbolId, ReadonlyMap<string, ExprId>>;

/** Symbols of one architecture that the solver is asked about. */
const MOST_ASKED = 2000;

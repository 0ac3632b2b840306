/**
 * Which symbols a series lets behave in ways they could not before: the ones that it changes in more than words, and
 * all that may read them. Asked of the solver, so that a select that only repeats what a dependency says, or another
 * driver that selects a helper, reaches nothing.
 */

import { defaultExpr, directDependencyOf, selectedExpr, visibleExpr } from './conditions.ts';
import type { SymbolId } from './expr.ts';
import type { KSymbol } from './model.ts';
import type { SymbolChange } from './properties.ts';
import type { Goal, Solver } from './solve.ts';
import type { TreeReaders } from './tree-readers.ts';

/** Symbols followed; what is further away is not looked at. */
const MOST_SYMBOLS = 3000;

export interface Reach {
  /** Changed symbols, and those that may read them, the nearest first. */
  readonly symbols: readonly SymbolId[];
  /** There were more than are followed. */
  readonly isCut: boolean;
}

/** `solver` is that of the tree after. */
export function reachOf(solver: Solver, changes: ReadonlyMap<string, SymbolChange>, readers: TreeReaders): Reach {
  const { model } = solver;
  const reached = new Set<SymbolId>();
  const queue: SymbolId[] = [];
  const add = (id: SymbolId): void => {
    if (reached.has(id)) return;
    reached.add(id);
    queue.push(id);
  };
  const touched: SymbolId[] = [];
  for (const { before, after } of changes.values()) {
    if (!after) continue;
    touched.push(after.id);
    if (!before || changesMeaning(solver, before, after)) add(after.id);
  }
  for (let i = 0; i < queue.length && reached.size < MOST_SYMBOLS; i++)
    for (const reader of readers.of(queue[i]!)) if (model.symbols[reader]) add(reader);
  const isCut = queue.length >= MOST_SYMBOLS;
  // A changed symbol that means the same as before can still be the end of a new select.
  for (const id of touched) add(id);
  return { symbols: [...touched, ...queue.filter((id) => !touched.includes(id))], isCut };
}

/** Whether the symbol can be on, or off, or its dependency unmet, where it could not as it stood before. */
function changesMeaning(solver: Solver, before: KSymbol, after: KSymbol): boolean {
  if (before.type !== after.type || before.choice || after.choice) return true;
  const { pool } = solver;
  const self = pool.symbol(after.id);
  const visible = visibleExpr(pool, before);
  const byDefault = defaultExpr(pool, before);
  const selected = selectedExpr(pool, before);
  const dependency = [directDependencyOf(pool, before), directDependencyOf(pool, after)] as const;
  const may = (...goals: Goal[]): boolean => solver.isPossible(goals) !== false;
  return ([1, 2] as const).some((level) => {
    const is = (expr: number): Goal => ({ expr, level, holds: true });
    const isNot = (expr: number): Goal => ({ expr, level, holds: false });
    return (
      may(is(self), isNot(visible), isNot(byDefault), isNot(selected)) ||
      may(isNot(self), is(selected)) ||
      may(isNot(self), is(byDefault), { expr: visible, level: 1, holds: false }) ||
      may(is(dependency[0]), isNot(dependency[1])) ||
      may(isNot(dependency[0]), is(dependency[1]))
    );
  });
}

/**
 * What decides which kernels somebody can run at all, besides the architecture: a loss in all of these is a loss to its
 * users, whatever others still have.
 */

import { isLogical, type KSymbol } from './model.ts';
import type { SymbolChange } from './properties.ts';
import type { Goal, Solver } from './solve.ts';

/** Off: a 32-bit machine, one without MMU, without PCI; a kernel for one processor, or without modules. */
const CLASSES = ['64BIT', 'MMU', 'PCI', 'SMP', 'MODULES'];

/** Those who live without a symbol. */
export interface UserClass {
  readonly without: KSymbol;
  readonly goal: Goal;
}

/**
 * The classes in which a changed symbol could be on before and cannot after, though others still can: only there may
 * something else be lost that is not lost to all.
 */
export function losingClasses(
  before: Solver,
  after: Solver,
  changes: ReadonlyMap<string, SymbolChange>,
): readonly UserClass[] {
  const { pool } = after;
  return CLASSES.flatMap((name) => {
    const id = pool.findSymbol(name);
    const without = id === undefined ? undefined : after.model.symbols[id];
    if (id === undefined || !without?.declarations.length || changes.has(name)) return [];
    const goal: Goal = { expr: pool.symbol(id), level: 1, holds: false };
    const isLosing = [...changes.values()].some(({ before: was, after: is }) => {
      if (!was || !is?.declarations.length || !isLogical(was) || !isLogical(is)) return false;
      const on: Goal = { expr: pool.symbol(is.id), level: 1, holds: true };
      return (
        after.isPossible([on, goal]) === false &&
        after.isPossible([on]) === true &&
        before.isPossible([on, goal]) === true
      );
    });
    return isLosing ? [{ without, goal }] : [];
  });
}

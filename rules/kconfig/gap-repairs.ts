/**
 * Lines for one Kconfig entry after which goals that speak of its code cannot be met any more: each tried with the
 * solver before anybody reads it.
 */

import type { ExprId } from './expr.ts';
import { Op } from './expr.ts';
import type { KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import { canSelect, isSelectable, openCases, type Repair, readsAny } from './repairs.ts';
import type { Goal, Solver } from './solve.ts';

/** Repairs of `owner` by one of the symbols that build what it lacks. Empty where none of these is enough. */
export function gapRepairs(
  solver: Solver,
  goalSets: readonly (readonly Goal[])[],
  owner: KSymbol,
  needed: readonly KSymbol[],
): Repair[] {
  const { pool, model } = solver;
  const found: Repair[] = [];
  for (const target of needed) {
    if (target === owner || target.declarations.length === 0) continue;
    const self = pool.symbol(target.id);
    const absent = pool.make(Op.equal, target.id, pool.n);
    // the weaker one first: where it is off, a stub does
    const isOptional = target.type === SymbolType.tristate && isClosed(solver, goalSets, owner, pool.or(self, absent));
    if (!isOptional && !isClosed(solver, goalSets, owner, self)) continue;
    const isCircular = readsAny(pool, model, [target.id], owner.id);
    const canBeOn = solver.isPossible([
      { expr: pool.symbol(owner.id), level: 1, holds: true },
      { expr: self, level: 1, holds: true },
    ]);
    if (isOptional) {
      if (!isCircular)
        found.push({ kind: 'depends on', symbol: owner.name, text: `${target.name} || ${target.name}=n` });
      continue;
    }
    if (isSelectable(target) && canSelect(solver, owner, target))
      found.push({ kind: 'select', symbol: owner.name, text: target.name });
    if (target.prompts.length > 0 && !isCircular && canBeOn === true)
      found.push({ kind: 'depends on', symbol: owner.name, text: target.name });
    if (found.length > 1) break;
  }
  return found;
}

/** Whether no goals can be met once the owner depends on `needed`. */
function isClosed(solver: Solver, goalSets: readonly (readonly Goal[])[], owner: KSymbol, needed: ExprId): boolean {
  const open = openCases(solver.pool, owner, needed);
  return goalSets.every((goals) => open.every((one) => solver.isPossible([...goals, ...one]) === false));
}

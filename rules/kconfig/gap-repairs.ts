/** Lines for one Kconfig entry after which goals that speak of its code cannot be met any more. */

import { Op } from './expr.ts';
import type { KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import { type Fault, isSelectable, type Proposal, proposal, tried } from './repairs.ts';
import type { Solver } from './solve.ts';

/**
 * Repairs of `owner` by one of the symbols that build what it lacks, where any of `goalSets` is the fault. Empty where
 * none of these is enough, or leaves nothing of the owner. `canDoWithout`: whether the code builds where that symbol is
 * off.
 */
export function gapRepairs(
  solver: Solver,
  goalSets: ReturnType<Fault>,
  owner: KSymbol,
  needed: readonly KSymbol[],
  canDoWithout: (target: KSymbol) => boolean = () => true,
): Proposal[] {
  const { pool } = solver;
  const found: Proposal[] = [];
  const attempt = (lines: readonly Proposal[]): boolean => {
    const good = lines.flatMap((one) => tried(solver, () => goalSets, owner, one) ?? []).filter((one) => one.canBeOn);
    found.push(...good);
    return good.length > 0;
  };
  for (const target of needed) {
    if (target === owner || target.declarations.length === 0) continue;
    const self = pool.symbol(target.id);
    // the weaker one first: where it is off, a stub does
    const isOptional = target.type === SymbolType.tristate && canDoWithout(target);
    const absent = pool.make(Op.equal, target.id, pool.n);
    if (isOptional && attempt(proposal(solver, owner, 'depends on', pool.or(self, absent)))) continue;
    if (isSelectable(target)) attempt(proposal(solver, owner, 'select', self));
    if (target.prompts.length > 0) attempt(proposal(solver, owner, 'depends on', self));
    if (found.length > 1) break;
  }
  return found;
}

/** Lines of Kconfig entries after which goals that speak of code cannot be met any more. */

import { NONE, Op } from './expr.ts';
import type { KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import type { Property } from './properties.ts';
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
    // what only architectures say that they have can be no more than asked for
    if (target.prompts.length > 0 || !isSelectable(target)) attempt(proposal(solver, owner, 'depends on', self));
    if (found.length > 1) break;
  }
  return found;
}

/**
 * The line that a series took away, where it stood: a select without a condition, or a dependency. Empty where it is not
 * enough, or its entry is gone.
 */
export function lineAgain(solver: Solver, goalSets: ReturnType<Fault>, { kind, of, edge, expr }: Property): Proposal[] {
  const { pool, model } = solver;
  const owner = model.symbols[(edge?.from ?? of).id];
  if (!owner || owner.declarations.length === 0) return [];
  const lines =
    kind === 'depends on'
      ? proposal(solver, owner, kind, expr)
      : kind === 'selected by' && edge && edge.cond === NONE
        ? proposal(solver, owner, 'select', pool.symbol(edge.to.id))
        : [];
  return lines.flatMap((one) => tried(solver, () => goalSets, owner, one) ?? []).filter(({ canBeOn }) => canBeOn);
}

/**
 * Drivers whose dependency named platforms, and that can now be on where all of these are off, other than for compile
 * testing. Harmless are: one more platform, another platform or architecture in its place, a condition that something
 * else repeats, `|| COMPILE_TEST`.
 */

import { substitute } from './conditions.ts';
import type { ExprId, ExprPool, SymbolId } from './expr.ts';
import type { NewlyOn } from './newly-on.ts';
import type { Platforms } from './platforms.ts';
import type { Goal, Solver } from './solve.ts';

export interface WithoutPlatform {
  /** Platforms that the dependency names no more, and that can be off. */
  readonly lost: readonly SymbolId[];
  /** That the driver is on where it could not be, and none of its platforms is. Not yet asked. */
  readonly goals: readonly Goal[];
}

export interface BothSides<T> {
  readonly before: T;
  readonly after: T;
}

/** Undefined where no platform went away that can be off on this architecture. */
export function withoutPlatform(
  widened: NewlyOn,
  platforms: BothSides<Platforms>,
  solvers: BothSides<Solver>,
): WithoutPlatform | undefined {
  const { guardBefore, guardAfter, goals, dropped } = widened;
  const { pool } = solvers.after;
  const namedBefore = symbolsIn(pool, guardBefore);
  const namedAfter = symbolsIn(pool, guardAfter);
  const isDropped = (id: SymbolId): boolean => dropped.some(({ expr }) => symbolsIn(pool, expr).has(id));
  const off = (id: SymbolId): Goal => ({ expr: pool.symbol(id), level: 1, holds: false });
  const canBeOff = (id: SymbolId): boolean => solvers.after.isPossible([off(id)]) !== false;
  const named = [...namedBefore].filter((id) => platforms.before.isPlatform(id) && canBeOff(id));
  const lost = named.filter((id) => !namedAfter.has(id) && isDropped(id));
  if (lost.length === 0) return undefined;
  const compileTest = pool.symbolId('COMPILE_TEST');
  const all = [...goals, off(compileTest), ...named.map(off)];
  // What else says on which machines: platforms, and whatever of them is named only now.
  let guard = guardAfter;
  for (const id of namedAfter) {
    const isOfMachines =
      platforms.before.isOfMachines(id) ||
      platforms.after.isOfMachines(id) ||
      comesWithMachines(id, solvers, platforms);
    if (!isOfMachines || (namedBefore.has(id) && !platforms.after.isPlatform(id))) continue;
    if (canBeOff(id)) all.push(off(id));
    // The architecture itself: it restricts the driver where it is what lets it be on.
    else if (!couldBeOn(solvers.before, widened, off(compileTest))) guard = substitute(pool, guard, id, pool.n);
  }
  if (guard !== guardAfter) all.push({ expr: guard, level: 1, holds: true });
  return { lost, goals: all };
}

/** A helper without prompt that machines alone select: they say by it that they have what the driver is for. */
function comesWithMachines(id: SymbolId, { after }: BothSides<Solver>, platforms: BothSides<Platforms>): boolean {
  const symbol = after.model.symbols[id];
  if (!symbol || symbol.prompts.length + symbol.defaults.length > 0 || symbol.selectedBy.length === 0) return false;
  return symbol.selectedBy.every(({ from }) => platforms.after.isOfMachines(from.id));
}

/** Whether the driver could be on without the series, on this architecture. */
function couldBeOn(solver: Solver, { before }: NewlyOn, notForTesting: Goal): boolean {
  const isOn: Goal = { expr: solver.pool.symbol(before.id), level: 1, holds: true };
  return solver.isPossible([isOn, notForTesting]) !== false;
}

function symbolsIn(pool: ExprPool, e: ExprId): Set<SymbolId> {
  const found = new Set<SymbolId>();
  pool.symbolsOf(e, (id) => found.add(id));
  return found;
}

/**
 * What a symbol takes beyond what is there anyway: the lines it depends on, and, where an architecture can never have
 * it, the lines that exclude it there.
 */

import type { KSymbol } from './model.ts';
import { dependencies } from './properties.ts';
import { stepsOf } from './reason-steps.ts';
import type { Goal, Solver } from './solve.ts';

/** A line of a Kconfig file. */
interface Line {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

export interface Takes {
  /** Dependencies of the symbol that `given` does not imply. */
  readonly lines: readonly Line[];
  /** No configuration of this architecture that meets `given` has the symbol. */
  readonly isNever: boolean;
  /** Then: lines that together exclude it, without what `given` says by itself. */
  readonly reasons: readonly Line[];
}

const MOST_LINES = 6;

/** `given`: goals that can be met, such as that the code in question is built. `lineOf` gives a line's text. */
export function whatItTakes(
  solver: Solver,
  given: readonly Goal[],
  symbol: KSymbol,
  lineOf: (path: string, line: number) => string,
): Takes {
  const { pool, model } = solver;
  const isOn: Goal = { expr: pool.symbol(symbol.id), level: 1, holds: true };
  const lines: Line[] = [];
  for (const { expr, path, line } of symbol.declarations.flatMap(dependencies)) {
    if (lines.length >= MOST_LINES || lines.some((other) => other.path === path && other.line === line)) continue;
    if (solver.isPossible([...given, { expr, level: 1, holds: false }]) !== true) continue;
    lines.push({ path, line, text: lineOf(path, line).trim() });
  }
  const isNever = solver.isPossible([...given, isOn]) === false;
  if (!isNever) return { lines, isNever, reasons: [] };
  // mostly it cannot be on at all, whatever is given
  const core = solver.whyNot([isOn]) ?? solver.whyNot([...given, isOn]) ?? [];
  const reasons = stepsOf(pool, model, core)
    .filter(({ path, kind }) => path !== '' && kind !== 'definition')
    .slice(0, MOST_LINES)
    .map(({ path, line, text }) => ({ path, line, text }));
  return { lines, isNever, reasons };
}

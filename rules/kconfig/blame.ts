/** Which symbols keep an expression from a value, as things stand in one configuration. */

import { NO, Op, type SymbolId, type Tristate, YES } from './expr.ts';
import type { Values } from './values.ts';

/** What the symbol would have to be: on, off, or (in a comparison) another. */
export type Wanted = 'on' | 'off' | 'other';

/**
 * Calls `note` for the symbols that keep `e` below `bound`; for `isLow` false, for those that keep it above. Constants of
 * comparisons count too. Nothing where `e` has the value asked for.
 */
export function blame(
  values: Values,
  e: number,
  isLow: boolean,
  bound: Tristate,
  note: (symbol: SymbolId, wanted: Wanted) => void,
): void {
  const { pool, model } = values;
  const value = values.expr(e);
  if (isLow ? value >= bound : value <= bound) return;
  const left = pool.lefts[e] ?? 0;
  const right = pool.rights[e] ?? 0;
  const op = pool.ops[e];
  if (op === Op.not) blame(values, left, !isLow, (YES - bound) as Tristate, note);
  else if (op === Op.modules) {
    if (isLow && value === NO && model.modules) note(model.modules.id, 'on');
  } else if (op === Op.and || op === Op.or) {
    blame(values, left, isLow, bound, note);
    blame(values, right, isLow, bound, note);
  } else {
    const wanted = op !== Op.symbol ? 'other' : isLow ? 'on' : 'off';
    pool.symbolsOf(e, (id) => note(id, wanted));
  }
}

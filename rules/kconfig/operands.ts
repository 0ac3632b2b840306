/** What a symbol's value is made from. */

import { type ExprId, type ExprPool, NONE, type SymbolId } from './expr.ts';
import type { Declaration, KSymbol } from './model.ts';

/** Symbols that a symbol's value is made from. */
export function operands(pool: ExprPool, symbol: KSymbol): Set<SymbolId> {
  const found = new Set<SymbolId>();
  const read = (e: ExprId): void => pool.symbolsOf(e, (id) => found.add(id));
  const readAround = (declaration: Declaration): void => {
    for (let d: Declaration | undefined = declaration; d; d = d.parent) if (d.dep !== NONE) read(d.dep);
  };
  for (const declaration of symbol.declarations) readAround(declaration);
  for (const prompt of symbol.prompts) {
    read(prompt.cond);
    read(prompt.menusVisible);
  }
  for (const property of symbol.defaults) {
    read(property.value);
    read(property.cond);
  }
  for (const range of symbol.ranges) {
    for (const id of [range.low, range.high]) if (!pool.constant[id]) found.add(id);
    read(range.cond);
  }
  for (const edge of [...symbol.selectedBy, ...symbol.impliedBy]) {
    found.add(edge.from.id);
    read(edge.cond);
    readAround(edge.in);
  }
  if (symbol.choice) {
    for (const property of symbol.choice.defaults) read(property.cond);
    for (const member of symbol.choice.members) {
      if (member === symbol) continue;
      found.add(member.id);
      for (const prompt of member.prompts) {
        read(prompt.cond);
        readAround(prompt.in);
      }
    }
  }
  return found;
}

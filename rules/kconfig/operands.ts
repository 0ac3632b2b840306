/** What a symbol's value is made from. */

import { type ExprId, type ExprPool, NONE, type SymbolId } from './expr.ts';
import type { Choice, Declaration, KSymbol } from './model.ts';

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
    for (const id of ofChoice(pool, symbol.choice)) found.add(id);
    found.delete(symbol.id);
  }
  return found;
}

/** Members, and what decides whether these are visible: the same for each member, of which there may be thousands. */
function ofChoice(pool: ExprPool, choice: Choice): ReadonlySet<SymbolId> {
  const known = choices.get(choice);
  if (known) return known;
  const found = new Set<SymbolId>();
  const read = (e: ExprId): void => pool.symbolsOf(e, (id) => found.add(id));
  for (const property of choice.defaults) read(property.cond);
  for (const member of choice.members) {
    found.add(member.id);
    for (const { cond, in: declaration } of member.prompts) {
      read(cond);
      for (let d: Declaration | undefined = declaration; d; d = d.parent) read(d.dep);
    }
  }
  choices.set(choice, found);
  return found;
}

const choices = new WeakMap<Choice, ReadonlySet<SymbolId>>();

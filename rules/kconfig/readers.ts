/**
 * Who reads whom: for a symbol, the symbols whose value may change when its value does. Built when
 * first asked for, once a model.
 */

import { type ExprId, type ExprPool, NONE, type SymbolId } from './expr.ts';
import type { Declaration, KconfigModel, KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';

export class Readers {
  readonly #pool: ExprPool;
  readonly #model: KconfigModel;
  #lists: Map<SymbolId, Set<KSymbol>> | undefined;

  constructor(pool: ExprPool, model: KconfigModel) {
    this.#pool = pool;
    this.#model = model;
  }

  of(symbol: SymbolId): ReadonlySet<KSymbol> {
    this.#lists ??= this.#build();
    return this.#lists.get(symbol) ?? EMPTY;
  }

  #build(): Map<SymbolId, Set<KSymbol>> {
    const lists = new Map<SymbolId, Set<KSymbol>>();
    const add = (read: SymbolId, by: KSymbol): void => {
      const list = lists.get(read);
      if (list) list.add(by);
      else lists.set(read, new Set([by]));
    };
    for (const symbol of this.#model.declared) {
      for (const read of operands(this.#pool, symbol)) add(read, symbol);
      if (symbol.type === SymbolType.tristate && this.#model.modules) add(this.#model.modules.id, symbol);
    }
    return lists;
  }
}

const EMPTY: ReadonlySet<KSymbol> = new Set();

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

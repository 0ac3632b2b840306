/**
 * Which symbols have no way to be on, as far as can be told without the solver: every way ends at something that is
 * not declared or is `n`. Of the drivers for machines that an architecture does not have, that is nearly all.
 */

import { conditionOf } from './conditions.ts';
import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import type { Edge, KconfigModel } from './model.ts';
import { SymbolType } from './parse.ts';

/** Symbols followed one behind the other; what is farther away may be on. */
const MOST_STEPS = 500;

export class MayBeOn {
  readonly #pool: ExprPool;
  readonly #model: KconfigModel;
  readonly #known = new Map<SymbolId, boolean>();
  #steps = 0;

  constructor(pool: ExprPool, model: KconfigModel) {
    this.#pool = pool;
    this.#model = model;
  }

  /** False: it is n in every configuration. True: that is not known. */
  symbol(id: SymbolId): boolean {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    // In a circle, which conf refuses, nothing is known.
    this.#known.set(id, true);
    if (this.#steps === MOST_STEPS) return true;
    this.#steps++;
    const is = this.#symbol(id);
    this.#steps--;
    this.#known.set(id, is);
    return is;
  }

  #symbol(id: SymbolId): boolean {
    if (this.#pool.constant[id] || id <= this.#pool.y) return id !== this.#pool.n;
    const symbol = this.#model.symbols[id];
    if (!symbol || symbol.type === SymbolType.unknown) return false;
    if ((symbol.type !== SymbolType.bool && symbol.type !== SymbolType.tristate) || symbol.isTransitional) return true;
    const selects = (edge: Edge): boolean => this.symbol(edge.from.id) && this.#expr(conditionOf(this.#pool, edge));
    return (
      symbol.prompts.some((prompt) => this.#expr(conditionOf(this.#pool, prompt))) ||
      symbol.defaults.some((one) => this.#expr(one.value) && this.#expr(conditionOf(this.#pool, one))) ||
      symbol.selectedBy.some(selects) ||
      symbol.impliedBy.some(selects)
    );
  }

  #expr(e: ExprId): boolean {
    if (e === NONE) return true;
    const { ops, lefts, rights } = this.#pool;
    if (ops[e] === Op.symbol) return this.symbol(lefts[e]!);
    if (ops[e] === Op.and) return this.#expr(lefts[e]!) && this.#expr(rights[e]!);
    if (ops[e] === Op.or) return this.#expr(lefts[e]!) || this.#expr(rights[e]!);
    return true;
  }
}

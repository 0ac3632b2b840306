/**
 * Values that an int, hex or string can have as far as anything can tell them apart: the literals that it is compared
 * with, defaults and bounds, the numbers next to these, and one text that nothing mentions. Symbols that are compared
 * with each other, or take their default or bound from each other, share theirs.
 */

import { type ExprPool, Op, type SymbolId } from './expr.ts';
import type { KconfigModel, KSymbol } from './model.ts';
import { isValidValue } from './number.ts';
import { SymbolType } from './parse.ts';

/** More values than that are not told apart: a query that needs them is given up. */
const MOST_VALUES = 600;

/** A query needs more than we are ready to encode. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
}

export class Domains {
  readonly #pool: ExprPool;
  readonly #model: KconfigModel;
  readonly #groups = new Map<SymbolId, Set<string>>();

  constructor(pool: ExprPool, model: KconfigModel) {
    this.#pool = pool;
    this.#model = model;
    for (let e = 0; e < pool.size; e++) {
      if (pool.isComparison(e)) this.#relate(pool.lefts[e]!, pool.rights[e]!);
    }
    for (const symbol of model.declared) {
      if (!isText(symbol)) continue;
      this.#add(symbol.id, initialText(symbol.type));
      for (const { value } of symbol.defaults) {
        if (pool.ops[value] === Op.symbol) this.#relate(symbol.id, pool.lefts[value]!);
      }
      for (const { low, high } of symbol.ranges) {
        this.#relate(symbol.id, low);
        this.#relate(symbol.id, high);
      }
    }
  }

  /** Values of an int, hex or string. Throws TooLargeError. */
  of(symbol: KSymbol): readonly string[] {
    const texts = this.#groups.get(symbol.id) ?? new Set();
    if (texts.size > MOST_VALUES) throw new TooLargeError(`${symbol.name} is compared with ${texts.size} values`);
    const values = new Set(texts);
    if (symbol.type === SymbolType.string) values.add(UNMENTIONED);
    else for (const text of texts) for (const near of neighbours(text, symbol.type)) values.add(near);
    return [...values];
  }

  #relate(a: SymbolId, b: SymbolId): void {
    const [textA, textB] = [this.#isText(a), this.#isText(b)];
    if (textA && textB) this.#join(a, b);
    else if (textA) this.#add(a, this.#constantText(b));
    else if (textB) this.#add(b, this.#constantText(a));
  }

  #isText(id: SymbolId): boolean {
    const symbol = this.#pool.constant[id] ? undefined : this.#model.symbols[id];
    return symbol !== undefined && isText(symbol);
  }

  /** A bool or tristate gives `n` to a text that takes it over (values.ts, plainText). */
  #constantText(id: SymbolId): string {
    const type = this.#pool.constant[id] ? SymbolType.unknown : this.#model.symbols[id]?.type;
    return type === SymbolType.bool || type === SymbolType.tristate ? 'n' : this.#pool.names[id]!;
  }

  #group(id: SymbolId): Set<string> {
    const known = this.#groups.get(id);
    if (known) return known;
    const made = new Set<string>();
    this.#groups.set(id, made);
    return made;
  }

  #add(id: SymbolId, text: string): void {
    this.#group(id).add(text);
  }

  #join(a: SymbolId, b: SymbolId): void {
    const [kept, gone] = [this.#group(a), this.#group(b)];
    if (kept === gone) return;
    for (const text of gone) kept.add(text);
    for (const [id, group] of this.#groups) if (group === gone) this.#groups.set(id, kept);
  }
}

/** What nobody writes in a Kconfig file. */
const UNMENTIONED = 'some other text';

export function isText({ type }: KSymbol): boolean {
  return type === SymbolType.int || type === SymbolType.hex || type === SymbolType.string;
}

/** Without a default (scripts/kconfig/symbol.c, sym_calc_value). */
export function initialText(type: SymbolType): string {
  return type === SymbolType.int ? '0' : type === SymbolType.hex ? '0x0' : '';
}

function neighbours(text: string, type: SymbolType): string[] {
  if (!isValidValue(text, type) || text.length > 20) return [];
  const isHex = type === SymbolType.hex;
  const value = BigInt(isHex && !/^0x/i.test(text) ? `0x${text}` : text);
  const write = (n: bigint): string => (isHex ? `0x${n.toString(16)}` : n.toString());
  return isHex && value === 0n ? [write(1n)] : [write(value - 1n), write(value + 1n)];
}

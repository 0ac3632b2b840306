/**
 * Values that an int, hex or string can have as far as anything can tell them apart: the texts that it is compared
 * with, defaults and bounds, the numbers (or texts) next to these, and one text that nothing mentions. Symbols that are
 * compared with each other, or take their default or bound from each other, form a group and have the same values.
 */

import { type ExprPool, Op, type SymbolId } from './expr.ts';
import type { KconfigModel, KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';

/** More values than that are not told apart: a query that needs them is given up. */
const MOST_VALUES = 600;
/** Texts that are longer are no numbers (2^64 has 20 digits). */
const MOST_DIGITS = 20;

/** A query needs more than we are ready to encode. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
}

interface Group {
  readonly texts: Set<string>;
  readonly members: Set<KSymbol>;
  /** Members that are compared with each other: so many values between two texts can matter. */
  readonly compared: Set<KSymbol>;
  values: readonly string[] | undefined;
}

export class Domains {
  /** Number of expressions of the pool whose comparisons are known here. */
  readonly poolSize: number;
  readonly #pool: ExprPool;
  readonly #model: KconfigModel;
  readonly #groups = new Map<KSymbol, Group>();

  constructor(pool: ExprPool, model: KconfigModel) {
    this.poolSize = pool.size;
    this.#pool = pool;
    this.#model = model;
    for (let e = 0; e < pool.size; e++) {
      if (pool.isComparison(e)) this.#compare(pool.lefts[e]!, pool.rights[e]!);
    }
    for (const symbol of model.declared) {
      if (!isText(symbol)) continue;
      this.#group(symbol).texts.add(initialText(symbol.type));
      for (const { value } of symbol.defaults) {
        if (pool.ops[value] === Op.symbol) this.#take(symbol, pool.lefts[value]!);
      }
      for (const { low, high } of symbol.ranges) {
        this.#take(symbol, low);
        this.#take(symbol, high);
      }
    }
  }

  /** Values of an int, hex or string, those of its whole group. Throws TooLargeError. */
  of(symbol: KSymbol): readonly string[] {
    const group = this.#group(symbol);
    if (group.texts.size > MOST_VALUES)
      throw new TooLargeError(`${symbol.name} is compared with ${group.texts.size} values`);
    return (group.values ??= valuesOf(group));
  }

  #compare(a: SymbolId, b: SymbolId): void {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const symbol = this.#text(one);
      if (!symbol) continue;
      const beside = this.#text(other);
      if (beside) {
        this.#join(symbol, beside);
        this.#group(symbol).compared.add(symbol);
      } else for (const text of this.#texts(other)) this.#group(symbol).texts.add(text);
    }
  }

  /** `symbol` takes its default or bound from `from`. */
  #take(symbol: KSymbol, from: SymbolId): void {
    const text = this.#text(from);
    if (text) this.#join(symbol, text);
    else for (const each of this.#texts(from)) this.#group(symbol).texts.add(each);
  }

  #text(id: SymbolId): KSymbol | undefined {
    const symbol = this.#pool.constant[id] ? undefined : this.#model.symbols[id];
    return symbol && isText(symbol) ? symbol : undefined;
  }

  /** What a constant, or a symbol without text, can be: a tristate counts as a number too (expr.c, expr_parse_string). */
  #texts(id: SymbolId): readonly string[] {
    const type = this.#pool.constant[id] ? SymbolType.unknown : this.#model.symbols[id]?.type;
    const isTristate = type === SymbolType.bool || type === SymbolType.tristate || id <= this.#pool.y;
    return isTristate ? [this.#pool.names[id]!, 'n', 'm', 'y', '0', '1', '2'] : [this.#pool.names[id]!];
  }

  #group(symbol: KSymbol): Group {
    const known = this.#groups.get(symbol);
    if (known) return known;
    const made = {
      texts: new Set<string>(),
      members: new Set([symbol]),
      compared: new Set<KSymbol>(),
      values: undefined,
    };
    this.#groups.set(symbol, made);
    return made;
  }

  #join(a: KSymbol, b: KSymbol): void {
    const [kept, gone] = [this.#group(a), this.#group(b)];
    if (kept === gone) return;
    for (const text of gone.texts) kept.texts.add(text);
    for (const member of gone.compared) kept.compared.add(member);
    for (const member of gone.members) {
      kept.members.add(member);
      this.#groups.set(member, kept);
    }
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

function valuesOf({ texts, members, compared }: Group): string[] {
  const values = new Set(texts);
  const types = new Set([...members].map(({ type }) => type));
  const apart = Math.max(1, compared.size);
  const isHex = types.has(SymbolType.hex);
  const isString = types.has(SymbolType.string);
  for (const text of texts) {
    for (const number of numbersIn(text)) {
      for (let n = number - BigInt(apart); n <= number + BigInt(apart); n++) {
        if (types.size > 1 || !isHex) values.add(n.toString());
        if (isHex && n >= 0n) values.add(`0x${n.toString(16)}`);
      }
    }
  }
  if (isString) {
    for (let i = 1; i <= apart; i++) values.add(i === 1 ? UNMENTIONED : `${UNMENTIONED} ${i}`);
    // Directly above a text in the order of strcmp().
    for (const text of texts) for (let i = 1; i <= apart; i++) values.add(text + ' '.repeat(i));
  }
  return [...values];
}

/** A text as a number of any type: `010` is ten for an int, sixteen for a hex, eight where C decides. */
function numbersIn(text: string): Set<bigint> {
  const numbers = new Set<bigint>();
  if (text.length > MOST_DIGITS) return numbers;
  const [, sign, digits] = /^(-?)([0-9]+)$/.exec(text) ?? [];
  const signed = (n: bigint): bigint => (sign === '-' ? -n : n);
  if (digits !== undefined) numbers.add(signed(BigInt(digits)));
  if (digits !== undefined && /^0[0-7]+$/.test(digits)) numbers.add(signed(BigInt(`0o${digits}`)));
  const hex = /^(?:0[xX])?([0-9a-fA-F]+)$/.exec(text)?.[1];
  if (hex !== undefined) numbers.add(BigInt(`0x${hex}`));
  return numbers;
}

/**
 * Ints, hexes and strings as clauses: one literal for each value that matters (domains.ts). What the user types, else the
 * first default that holds, else 0, 0x0 or nothing; clamped to the first range that holds (symbol.c, sym_calc_value and
 * sym_validate_range).
 */

import type { Level, Meaning } from './cnf.ts';
import { type Domains, initialText, isText, TooLargeError } from './domains.ts';
import { type ExprPool, Op, type SymbolId } from './expr.ts';
import { FALSE, type Gates, TRUE } from './gates.ts';
import type { Default, KconfigModel, KSymbol, Range } from './model.ts';
import { isValidValue, strtoll } from './number.ts';
import { SymbolType } from './parse.ts';
import { type Lit, not, type Sat } from './sat.ts';

/** An int, hex or string. */
export interface TextValues {
  readonly values: readonly string[];
  /** One for each value. */
  readonly literals: readonly Lit[];
  /** What it is before a range clamps it; the same literals without a range. */
  readonly plain: readonly Lit[];
  /** Its value is the user's; else it is a default. */
  readonly isTyped: Lit;
  /** All that its value is made from. */
  readonly operands: Set<Lit>;
}

/** Pairs of values of two symbols that are told apart. */
export const MOST_PAIRS = 100_000;

/** The rest of the encoding. */
interface Surroundings {
  readonly pool: ExprPool;
  readonly model: KconfigModel;
  readonly gates: Gates;
  condition(property: Default | Range, level: Level): Lit;
  visible(symbol: KSymbol, level: Level): Lit;
  /** Remembers what a literal stands for. */
  name(lit: Lit, meaning: Meaning): void;
  /** What else makes clauses about the symbol true: that its definition does not hold. */
  unless(symbol: KSymbol): readonly Lit[];
}

/** Type with which conf compares and reads a symbol or constant. */
export function typeOf(
  { pool, model }: { readonly pool: ExprPool; readonly model: KconfigModel },
  id: SymbolId,
): SymbolType {
  if (id <= pool.y) return SymbolType.tristate;
  return pool.constant[id] ? SymbolType.unknown : (model.symbols[id]?.type ?? SymbolType.unknown);
}

export class TextEncoding {
  readonly #around: Surroundings;
  readonly #pool: ExprPool;
  readonly #gates: Gates;
  readonly #sat: Sat;
  readonly #domains: Domains;
  readonly #texts = new Map<SymbolId, TextValues>();
  readonly #defined = new Set<SymbolId>();

  constructor(around: Surroundings, domains: Domains) {
    this.#around = around;
    this.#pool = around.pool;
    this.#gates = around.gates;
    this.#sat = around.gates.sat;
    this.#domains = domains;
  }

  /** Its values, and what they are made from. Throws TooLargeError. */
  values(symbol: KSymbol): TextValues {
    const known = this.#texts.get(symbol.id);
    if (known) return known;
    const values = this.#domains.of(symbol);
    const literals = values.map((value) => {
      const lit = this.#gates.variable(false);
      this.#around.name(lit, { kind: 'text', symbol, value });
      return lit;
    });
    const isTyped = symbol.prompts.length === 0 ? FALSE : this.#gates.variable(false);
    const isRanged = symbol.type !== SymbolType.string && symbol.ranges.length > 0 && !symbol.isTransitional;
    const plain = isRanged ? values.map(() => this.#gates.variable(false)) : literals;
    const made = { values, literals, plain, isTyped, operands: new Set<Lit>() };
    this.#texts.set(symbol.id, made);
    return made;
  }

  /** Makes its clauses, all at once: the value of a text that matters is needed both ways. */
  define(symbol: KSymbol): void {
    if (this.#defined.has(symbol.id)) return;
    this.#defined.add(symbol.id);
    const { values, literals, plain, isTyped, operands } = this.values(symbol);
    this.#gates.exactlyOne(literals);
    if (symbol.isTransitional) return;
    if (plain !== literals) this.#gates.exactlyOne(plain);
    const visible = this.#around.visible(symbol, 1);
    operands.add(isTyped);
    operands.add(visible);
    const guard = this.#around.unless(symbol);
    this.#sat.addClause([not(isTyped), visible, ...guard]);
    for (const [i, value] of values.entries())
      if (!isValidValue(value, symbol.type)) this.#sat.addClause([not(isTyped), not(plain[i]!)]);
    const take = (isTaken: Lit, value: string | KSymbol): void => {
      operands.add(isTaken);
      for (const [text, lit] of this.#options(value)) {
        operands.add(lit);
        this.#sat.addClause([not(isTaken), not(lit), isTyped, plain[values.indexOf(text)]!, ...guard]);
      }
    };
    let isOpen = TRUE;
    for (const property of symbol.defaults) {
      const isHeld = this.#around.condition(property, 1);
      const value = this.#pool.ops[property.value] === Op.symbol ? this.#pool.lefts[property.value]! : undefined;
      take(this.#gates.and([isOpen, isHeld]), value === undefined ? initialText(symbol.type) : this.#operand(value));
      isOpen = this.#gates.and([isOpen, not(isHeld)]);
    }
    take(isOpen, initialText(symbol.type));
    if (plain !== literals) this.#clamp(symbol);
    for (const lit of operands) {
      this.#gates.demand(lit);
      this.#gates.demand(not(lit));
    }
  }

  /** The first range whose condition holds bounds the value (symbol.c, sym_validate_range). */
  #clamp(symbol: KSymbol): void {
    const { values, literals, plain, operands } = this.values(symbol);
    const base = symbol.type === SymbolType.int ? 10 : 16;
    const guard = this.#around.unless(symbol);
    let isOpen = TRUE;
    for (const range of symbol.ranges) {
      const isHeld = this.#around.condition(range, 1);
      const isActive = this.#gates.and([isOpen, isHeld]);
      operands.add(isActive);
      const lows = this.#options(this.#operand(range.low));
      const highs = this.#options(this.#operand(range.high));
      if ((lows.length + highs.length) * values.length > MOST_PAIRS)
        throw new TooLargeError(`the range of ${symbol.name} has too many values`);
      const numbers = values.map((value) => strtoll(value, base));
      const isBelow = this.#gates.variable(false);
      for (const [low, isLow] of lows) {
        operands.add(isLow);
        const least = this.#number(low, range.low, base);
        for (const [i, number] of numbers.entries()) {
          const when = [not(isActive), not(isLow), not(plain[i]!), ...guard];
          this.#sat.addClause([...when, number < least ? isBelow : not(isBelow)]);
          if (number < least) this.#sat.addClause([...when, literals[values.indexOf(low)]!]);
        }
      }
      for (const [high, isHigh] of highs) {
        operands.add(isHigh);
        const most = this.#number(high, range.high, base);
        for (const [i, number] of numbers.entries()) {
          const to = number > most ? values.indexOf(high) : i;
          this.#sat.addClause([not(isActive), isBelow, not(isHigh), not(plain[i]!), literals[to]!, ...guard]);
        }
      }
      isOpen = this.#gates.and([isOpen, not(isHeld)]);
    }
    operands.add(isOpen);
    for (const [i] of values.entries()) this.#sat.addClause([not(isOpen), not(plain[i]!), literals[i]!, ...guard]);
  }

  #number(text: string, id: SymbolId, base: 10 | 16): number | bigint {
    const type = typeOf(this.#around, id);
    return strtoll(text, type === SymbolType.int ? 10 : type === SymbolType.hex ? 16 : base);
  }

  #operand(id: SymbolId): string | KSymbol {
    const symbol = this.#pool.constant[id] ? undefined : this.#around.model.symbols[id];
    if (!symbol || symbol.type === SymbolType.unknown) return this.#pool.names[id]!;
    // conf keeps no text for a bool or tristate (values.ts, plainText).
    return isText(symbol) ? symbol : 'n';
  }

  #options(value: string | KSymbol): readonly (readonly [text: string, lit: Lit])[] {
    if (typeof value === 'string') return [[value, TRUE]];
    const { values, literals } = this.values(value);
    return values.map((text, i) => [text, literals[i]!]);
  }
}

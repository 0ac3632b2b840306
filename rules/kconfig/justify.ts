/**
 * Which of the many symbols a query rests on. While the solver searches, it says what to decide next: a reason that a
 * needed literal still lacks. When every needed literal has one, the query is answered, and the symbols that a prompt
 * was needed for are the settings; what nobody needed was never decided.
 */

import type { Encoding } from './cnf.ts';
import type { KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import { type Lit, not } from './sat.ts';

export interface Setting {
  readonly symbol: KSymbol;
  /** `y`, `m`, `n` or the text. */
  readonly value: string;
}

export class Justification {
  readonly #encoding: Encoding;
  readonly #goals: readonly Lit[];
  readonly #set = new Set<KSymbol>();
  /** Tristates that are y by default where their prompts allow m at most: the user's value would be less. */
  readonly #unset = new Set<KSymbol>();
  readonly #needed = new Set<Lit>();
  readonly #open: Lit[] = [];
  /** A reason that is not there yet. */
  #missing: Lit | undefined;
  #backtracks = -1;

  constructor(encoding: Encoding, goals: readonly Lit[]) {
    this.#encoding = encoding;
    this.#goals = goals;
  }

  /** A literal to make true, undefined where all is justified. For Sat.solve. */
  next(): Lit | undefined {
    const { sat } = this.#encoding;
    if (this.#backtracks !== sat.backtracks) {
      this.#backtracks = sat.backtracks;
      this.#set.clear();
      this.#unset.clear();
      this.#needed.clear();
      this.#open.length = 0;
      for (const goal of this.#goals) this.#need(goal);
    }
    for (let lit = this.#open.pop(); lit !== undefined; lit = this.#open.pop()) {
      this.#missing = sat.value(lit) > 0 ? undefined : lit;
      if (this.#missing === undefined) this.#justify(lit);
      if (this.#missing === undefined) continue;
      this.#open.push(lit);
      return this.#missing;
    }
    return undefined;
  }

  /** After `next` had nothing more to decide, and before the solver forgets. */
  settings(): Setting[] {
    const symbols = [...this.#set].filter((symbol) => !this.#unset.has(symbol));
    return symbols.map((symbol) => ({ symbol, value: this.#valueOf(symbol) }));
  }

  #isTrue(lit: Lit): boolean {
    return this.#encoding.sat.value(lit) > 0;
  }

  #need(lit: Lit): void {
    if (this.#needed.has(lit)) return;
    this.#needed.add(lit);
    this.#open.push(lit);
  }

  /** Of several reasons one that is there: needed anyway, or so by default. If none is, one has to be made. */
  #needOne(literals: readonly Lit[]): Lit | undefined {
    const { gates, sat } = this.#encoding;
    let best: Lit | undefined;
    let weight = 0;
    for (const lit of literals) {
      const value = sat.value(lit);
      if (value < 0) continue;
      const own = 1 + 4 * value + (this.#needed.has(lit) ? 2 : 0) + (gates.phase(lit) ? 1 : 0);
      if (own <= weight) continue;
      weight = own;
      best = lit;
    }
    if (best === undefined) return undefined;
    if (this.#isTrue(best)) this.#need(best);
    else this.#missing = best;
    return best;
  }

  #justify(lit: Lit): void {
    const parts = this.#encoding.gates.partsOf(lit);
    if (parts) {
      if ((lit & 1) === 0) for (const part of parts) this.#need(part);
      else this.#needOne(parts.map(not));
      return;
    }
    const meaning = this.#encoding.meaningOf(lit);
    if (!meaning) return;
    const { symbol } = meaning;
    const isOn = (lit & 1) === 0;
    if (meaning.kind === 'text') this.#text(symbol);
    else if (symbol.isTransitional) {
      this.#set.add(symbol);
      if (!isOn && meaning.level === 2) this.#notYes(symbol);
    } else if (symbol.choice) {
      if (isOn) this.#set.add(symbol);
      this.#needOne(this.#encoding.memberSupports(symbol, isOn));
    } else if (isOn) this.#on(symbol, meaning.level);
    else this.#off(symbol, meaning.level);
  }

  #on(symbol: KSymbol, level: 1 | 2): void {
    const { prompts, byDefault, selects } = this.#encoding.supports(symbol, level);
    const isPair = symbol.type === SymbolType.tristate && level === 2;
    const chosen = this.#needOne([
      byDefault,
      ...prompts,
      ...selects,
      ...(isPair ? [not(this.#encoding.modules())] : []),
    ]);
    if (chosen === undefined) return;
    if (prompts.includes(chosen)) this.#set.add(symbol);
    else if (isPair && chosen === byDefault) this.#unset.add(symbol);
    // Without modules, m is y.
    else if (isPair && chosen === not(this.#encoding.modules())) this.#need(this.#encoding.symbolAtLeast(symbol.id, 1));
  }

  #off(symbol: KSymbol, level: 1 | 2): void {
    if (level === 2 && (this.#notYes(symbol) || this.#missing !== undefined)) return;
    const { byDefault, selects } = this.#encoding.supports(symbol, level);
    for (const select of selects) this.#need(not(select));
    const { prompts } = this.#encoding.supports(symbol, 1);
    const chosen = this.#needOne([not(byDefault), ...prompts]);
    if (chosen !== undefined && chosen !== not(byDefault)) this.#set.add(symbol);
  }

  /** n, else m needs modules: whether it is n. */
  #notYes(symbol: KSymbol): boolean {
    const isNo = not(this.#encoding.symbolAtLeast(symbol.id, 1));
    return this.#needOne([isNo, this.#encoding.modules()]) === isNo;
  }

  #text(symbol: KSymbol): void {
    const { operands, literals, plain, isTyped } = this.#encoding.textValues(symbol);
    for (const operand of operands) {
      if (this.#needOne([operand, not(operand)]) !== undefined && this.#missing !== undefined) return;
    }
    if (this.#needOne(plain) === undefined || this.#missing !== undefined) return;
    this.#needOne(literals);
    if (this.#isTrue(isTyped) || symbol.isTransitional) this.#set.add(symbol);
  }

  #valueOf(symbol: KSymbol): string {
    const encoding = this.#encoding;
    if (symbol.type === SymbolType.bool || symbol.type === SymbolType.tristate) {
      if (!this.#isTrue(encoding.symbolAtLeast(symbol.id, 1))) return 'n';
      // m only where more would do harm.
      return this.#needed.has(not(encoding.symbolAtLeast(symbol.id, 2))) ? 'm' : 'y';
    }
    const { values, plain } = encoding.textValues(symbol);
    return values[plain.findIndex((lit) => this.#isTrue(lit))]!;
  }
}

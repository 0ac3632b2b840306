/**
 * Conditions of makefiles as expressions of the Kconfig pool. Each is two-valued (y or n, never m): made of
 * `X` for a bool X, of `X=y`, `X=m`, `X!=n` and the like for a tristate, of comparisons of text, and of atoms
 * that stand for what nobody can know (see `unknown`). Simplified as they are made, so that what cannot be is
 * FALSE, and equal conditions mostly have equal ids.
 */

import { type ExprId, type ExprPool, Op, type SymbolId } from '../kconfig/expr.ts';

/** Sets of values of a symbol, as bits. */
const N = 1;
const M = 2;
const Y = 4;
const ANY_BOOL = N | Y;
const ANY_TRISTATE = N | M | Y;

/** More parts than this are joined without a look at each other. */
const MAX_PARTS = 48;
/** Disjunctions longer than this are not searched for common factors. */
const MAX_FACTORED = 12;

/** Nodes of a condition, written out; the kernel's have less than 100. Larger ones become an unknown. */
const MAX_SIZE = 1500;

/** First character of the name of an atom whose truth nobody can know; no Kconfig symbol has it. */
const UNKNOWN_MARK = '$';

interface Literal {
  readonly symbol: SymbolId;
  readonly values: number;
  readonly any: number;
}

export class Conditions {
  readonly pool: ExprPool;
  readonly TRUE: ExprId;
  readonly FALSE: ExprId;
  /** Symbols that have more values than y, m and n. */
  readonly #texts = new Set<SymbolId>();
  readonly #sizes = new Map<ExprId, number>();
  readonly #ands = new Map<number, ExprId>();
  readonly #ors = new Map<number, ExprId>();
  readonly #nots = new Map<ExprId, ExprId>();

  constructor(pool: ExprPool) {
    this.pool = pool;
    this.TRUE = pool.symbol(pool.y);
    this.FALSE = pool.symbol(pool.n);
  }

  /** The bool is y. */
  bool(symbol: SymbolId): ExprId {
    return this.pool.symbol(symbol);
  }

  /** The tristate is that. */
  is(symbol: SymbolId, value: 'y' | 'm'): ExprId {
    return this.pool.make(Op.equal, symbol, value === 'y' ? this.pool.y : this.pool.m);
  }

  /** The text of a symbol of type int, hex or string, or of an unknown, is this one. */
  isText(symbol: SymbolId, text: string): ExprId {
    this.#texts.add(symbol);
    return this.pool.make(Op.equal, symbol, this.pool.constantId(text));
  }

  /** An atom that may be true or not, whatever the configuration: `text` says what it hangs on. */
  unknown(text: string): ExprId {
    return this.pool.symbol(this.pool.symbolId(unknownName(text)));
  }

  and(a: ExprId, b: ExprId): ExprId {
    if (a === b || b === this.TRUE) return a;
    if (a === this.TRUE) return b;
    if (a === this.FALSE || b === this.FALSE) return this.FALSE;
    return this.#joined(Op.and, a, b);
  }

  or(a: ExprId, b: ExprId): ExprId {
    if (a === b || b === this.FALSE) return a;
    if (a === this.FALSE) return b;
    if (a === this.TRUE || b === this.TRUE) return this.TRUE;
    return this.#joined(Op.or, a, b);
  }

  not(e: ExprId): ExprId {
    if (e === this.TRUE) return this.FALSE;
    if (e === this.FALSE) return this.TRUE;
    let made = this.#nots.get(e);
    if (made !== undefined) return made;
    const { pool } = this;
    const left = pool.lefts[e]!;
    const right = pool.rights[e]!;
    switch (pool.ops[e]) {
      case Op.not:
        made = left;
        break;
      case Op.and:
        made = this.or(this.not(left), this.not(right));
        break;
      case Op.or:
        made = this.and(this.not(left), this.not(right));
        break;
      case Op.equal:
        made = pool.make(Op.unequal, left, right);
        break;
      case Op.unequal:
        made = pool.make(Op.equal, left, right);
        break;
      default:
        made = pool.not(e);
    }
    this.#nots.set(e, made);
    return made;
  }

  /** Whether `e` hangs on something that no configuration decides. */
  hasUnknown(e: ExprId): boolean {
    let found = false;
    this.pool.symbolsOf(e, (symbol) => {
      found ||= this.isUnknown(symbol);
    });
    return found;
  }

  isUnknown(symbol: SymbolId): boolean {
    return this.pool.names[symbol]!.startsWith(UNKNOWN_MARK);
  }

  /** Whether a tristate must be m for it, which none is without CONFIG_MODULES. */
  needsModules(e: ExprId): boolean {
    const { ops, lefts, rights, m } = this.pool;
    if (ops[e] === Op.and) return this.needsModules(lefts[e]!) || this.needsModules(rights[e]!);
    if (ops[e] === Op.or) return this.needsModules(lefts[e]!) && this.needsModules(rights[e]!);
    return ops[e] === Op.equal && rights[e] === m && !this.#texts.has(lefts[e]!);
  }

  /** Nodes of an expression, written out. */
  #size(e: ExprId): number {
    let size = this.#sizes.get(e);
    if (size === undefined) {
      const { ops, lefts, rights } = this.pool;
      const op = ops[e];
      size = op === Op.and || op === Op.or ? this.#size(lefts[e]!) + this.#size(rights[e]!) : 1;
      this.#sizes.set(e, size);
    }
    return size;
  }

  #joined(op: typeof Op.and | typeof Op.or, a: ExprId, b: ExprId): ExprId {
    const memo = op === Op.and ? this.#ands : this.#ors;
    const key = a < b ? a * 0x4000000 + b : b * 0x4000000 + a;
    let made = memo.get(key);
    if (made === undefined) {
      made =
        this.#size(a) + this.#size(b) > MAX_SIZE
          ? this.unknown(`too many cases, ${op}.${a}.${b}`)
          : this.#join(op, a, b);
      memo.set(key, made);
    }
    return made;
  }

  #join(op: typeof Op.and | typeof Op.or, a: ExprId, b: ExprId): ExprId {
    const parts = [...this.#parts(op, a), ...this.#parts(op, b)];
    if (parts.length > MAX_PARTS) return this.pool.make(op, a, b);
    const zero = op === Op.and ? this.FALSE : this.TRUE;
    const kept = this.#merged(op, parts);
    if (kept === undefined) return zero;
    const lean = this.#absorbed(op, kept);
    if (lean.length === 0) return op === Op.and ? this.TRUE : this.FALSE;
    lean.sort((x, y) => x - y);
    if (op === Op.or && lean.length > 1 && lean.length <= MAX_FACTORED) {
      const factored = this.#factored(lean);
      if (factored !== undefined) return factored;
    }
    return lean.reduce((whole, part) => this.pool.make(op, whole, part));
  }

  /** Operands of nested `op`s. */
  #parts(op: Op, e: ExprId): ExprId[] {
    const parts: ExprId[] = [];
    const stack = [e];
    for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
      if (this.pool.ops[part] === op) stack.push(this.pool.rights[part]!, this.pool.lefts[part]!);
      else parts.push(part);
    }
    return parts;
  }

  /** Parts with those of one symbol made one; undefined where they contradict (or, for an or, cover everything). */
  #merged(op: Op, parts: readonly ExprId[]): ExprId[] | undefined {
    const literals = new Map<SymbolId, Literal>();
    const rest = new Set<ExprId>();
    for (const part of parts) {
      const literal = this.#literal(part);
      if (!literal) {
        rest.add(part);
        continue;
      }
      const { symbol, values, any } = literal;
      const seen = literals.get(symbol);
      if (!seen || seen.any !== any) {
        if (seen) rest.add(part);
        else literals.set(symbol, literal);
        continue;
      }
      const joined = op === Op.and ? seen.values & values : seen.values | values;
      if (joined === 0 || joined === any) return undefined;
      literals.set(symbol, { symbol, values: joined, any });
    }
    for (const part of rest) if (rest.has(this.not(part))) return undefined;
    return [...[...literals.values()].map((literal) => this.#fromLiteral(literal)), ...rest];
  }

  /** Without the parts that another part makes idle: `A && (A || B)` is A, `A && (!A || B)` is `A && B`. */
  #absorbed(op: typeof Op.and | typeof Op.or, parts: readonly ExprId[]): ExprId[] {
    const inner = op === Op.and ? Op.or : Op.and;
    if (!parts.some((part) => this.pool.ops[part] === inner)) return [...parts];
    const kept: ExprId[] = [];
    let isShorter = false;
    for (const part of parts) {
      if (this.pool.ops[part] !== inner) {
        kept.push(part);
        continue;
      }
      const own = this.#parts(inner, part);
      const others = parts.filter((other) => other !== part);
      if (others.some((other) => own.some((one) => this.#follows(op, other, one)) || this.#isWithin(inner, other, own)))
        continue;
      const left = own.filter((one) => !others.some((other) => this.#excludes(op, other, one)));
      if (left.length === own.length) kept.push(part);
      else {
        isShorter = true;
        const zero = op === Op.and ? this.FALSE : this.TRUE;
        kept.push(left.length === 0 ? zero : left.reduce((x, y) => this.pool.make(inner, x, y)));
      }
    }
    if (!isShorter) return kept;
    const whole = kept.reduce((x, y) => (op === Op.and ? this.and(x, y) : this.or(x, y)));
    return this.#parts(op, whole);
  }

  /** Whether `one` is sure given `other` (for an or: `one` and `other` the other way round). */
  #follows(op: Op, other: ExprId, one: ExprId): boolean {
    if (other === one) return true;
    const [a, b] = [this.#literal(other), this.#literal(one)];
    if (!a || !b || a.symbol !== b.symbol || a.any !== b.any) return false;
    return op === Op.and ? (a.values & ~b.values) === 0 : (b.values & ~a.values) === 0;
  }

  #excludes(op: Op, other: ExprId, one: ExprId): boolean {
    if (this.not(other) === one) return true;
    const [a, b] = [this.#literal(other), this.#literal(one)];
    if (!a || !b || a.symbol !== b.symbol || a.any !== b.any) return false;
    return op === Op.and ? (a.values & b.values) === 0 : (a.values | b.values) === a.any;
  }

  /** Whether every part of `other` is one of `own`. */
  #isWithin(inner: Op, other: ExprId, own: readonly ExprId[]): boolean {
    if (this.pool.ops[other] !== inner) return false;
    const parts = this.#parts(inner, other);
    return parts.length < own.length && parts.every((part) => own.includes(part));
  }

  /** `A && X=y || A && X=m` as `A && X!=n`: two conjunctions that differ in one symbol become one. */
  #factored(parts: readonly ExprId[]): ExprId | undefined {
    const lists = parts.map((part) => this.#parts(Op.and, part));
    for (let i = 0; i < lists.length; i++) {
      for (let j = i + 1; j < lists.length; j++) {
        const [a, b] = [lists[i]!, lists[j]!];
        if (a.length < 2 || a.length !== b.length) continue;
        const common = a.filter((part) => b.includes(part));
        if (common.length !== a.length - 1) continue;
        const [x, y] = [a.find((part) => !common.includes(part))!, b.find((part) => !common.includes(part))!];
        const either = this.or(x, y);
        if (this.pool.ops[either] === Op.or) continue;
        const joined = [...common, either].reduce((l, r) => this.and(l, r));
        return parts.filter((_, k) => k !== i && k !== j).reduce((l, r) => this.or(l, r), joined);
      }
    }
    return undefined;
  }

  #literal(e: ExprId): Literal | undefined {
    const { pool } = this;
    const left = pool.lefts[e]!;
    switch (pool.ops[e]) {
      case Op.symbol:
        return { symbol: left, values: Y, any: ANY_BOOL };
      case Op.not:
        return pool.ops[left] === Op.symbol ? { symbol: pool.lefts[left]!, values: N, any: ANY_BOOL } : undefined;
      case Op.equal:
      case Op.unequal: {
        const right = pool.rights[e]!;
        const value = right === pool.y ? Y : right === pool.m ? M : right === pool.n ? N : 0;
        if (value === 0 || this.#texts.has(left)) return undefined;
        return {
          symbol: left,
          values: pool.ops[e] === Op.equal ? value : ANY_TRISTATE & ~value,
          any: ANY_TRISTATE,
        };
      }
      default:
        return undefined;
    }
  }

  #fromLiteral({ symbol, values, any }: Literal): ExprId {
    const { pool } = this;
    if (any === ANY_BOOL) return values === Y ? pool.symbol(symbol) : pool.not(pool.symbol(symbol));
    const constant = (value: number): SymbolId => (value === Y ? pool.y : value === M ? pool.m : pool.n);
    return values === N || values === M || values === Y
      ? pool.make(Op.equal, symbol, constant(values))
      : pool.make(Op.unequal, symbol, constant(ANY_TRISTATE & ~values));
  }
}

/** Name of the pseudo symbol that stands for a text which no configuration decides. */
export function unknownName(text: string): string {
  return text.startsWith(UNKNOWN_MARK) ? text : `${UNKNOWN_MARK}(${text})`;
}

/**
 * Expressions, hash-consed in one pool for all trees and architectures: two expressions are equal
 * exactly when their ids are, so "did this dependency change" is an integer comparison.
 *
 * Grammar and values: Documentation/kbuild/kconfig-language.rst, "Menu dependencies". A tristate is
 * 0 (n), 1 (m) or 2 (y); `&&` is the minimum, `||` the maximum, `!x` is 2 - x.
 */

export type Tristate = 0 | 1 | 2;
export const NO = 0;
export const MOD = 1;
export const YES = 2;

export const Op = {
  /** Value of symbol `left`. */
  symbol: 0,
  /** A literal `m` in a dependency: `m && MODULES`, n where modules are off (scripts/kconfig/menu.c, rewrite_m). */
  modules: 1,
  not: 2,
  and: 3,
  or: 4,
  equal: 5,
  unequal: 6,
  less: 7,
  lessEqual: 8,
  greater: 9,
  greaterEqual: 10,
} as const;
export type Op = (typeof Op)[keyof typeof Op];

/** Index into an ExprPool. */
export type ExprId = number;
/** Index of a symbol name (or quoted constant) in an ExprPool. */
export type SymbolId = number;

/** "No condition": counts as y. */
export const NONE: ExprId = -1;

const COMPARISON: Readonly<Record<number, string>> = {
  [Op.equal]: '=',
  [Op.unequal]: '!=',
  [Op.less]: '<',
  [Op.lessEqual]: '<=',
  [Op.greater]: '>',
  [Op.greaterEqual]: '>=',
};

function hash(op: number, left: number, right: number): number {
  const h = Math.imul(op + 1, 0x9e3779b1) ^ Math.imul(left + 7, 0x85ebca6b) ^ Math.imul(right + 13, 0xc2b2ae35);
  return h ^ (h >>> 15);
}

export class ExprPool {
  /** Names by id; constants keep their text. */
  readonly names: string[] = [];
  /** Whether an id stands for a quoted constant rather than a symbol. */
  readonly constant: boolean[] = [];
  readonly #symbolIds = new Map<string, SymbolId>();
  readonly #constantIds = new Map<string, SymbolId>();

  ops = new Uint8Array(1 << 16);
  lefts = new Int32Array(1 << 16);
  rights = new Int32Array(1 << 16);
  /** Number of expressions. */
  size = 0;
  #table = new Int32Array(1 << 18).fill(-1);

  readonly n: SymbolId;
  readonly m: SymbolId;
  readonly y: SymbolId;

  constructor() {
    this.n = this.#intern('n', true);
    this.m = this.#intern('m', true);
    this.y = this.#intern('y', true);
    for (const [name, id] of [
      ['n', this.n],
      ['m', this.m],
      ['y', this.y],
    ] as const) {
      this.#symbolIds.set(name, id);
    }
  }

  /** Id of an unquoted word; `y`, `m` and `n` are the constants (scripts/kconfig/symbol.c, sym_lookup). */
  symbolId(name: string): SymbolId {
    return this.#symbolIds.get(name) ?? this.#intern(name, false);
  }

  /** Id of a quoted string. */
  constantId(text: string): SymbolId {
    return this.#constantIds.get(text) ?? this.#intern(text, true);
  }

  /** Id of a name if anything has mentioned it. */
  findSymbol(name: string): SymbolId | undefined {
    return this.#symbolIds.get(name);
  }

  #intern(name: string, constant: boolean): SymbolId {
    const id = this.names.length;
    this.names.push(name);
    this.constant.push(constant);
    (constant ? this.#constantIds : this.#symbolIds).set(name, id);
    return id;
  }

  /** The expression with these parts, made if it is new. */
  make(op: Op, left: number, right: number): ExprId {
    const mask = this.#table.length - 1;
    let slot = hash(op, left, right) & mask;
    for (let id = this.#table[slot]!; id >= 0; id = this.#table[slot]!) {
      if (this.lefts[id] === left && this.rights[id] === right && this.ops[id] === op) return id;
      slot = (slot + 1) & mask;
    }
    const id = this.size++;
    if (id >= this.ops.length) this.#grow();
    this.ops[id] = op;
    this.lefts[id] = left;
    this.rights[id] = right;
    this.#table[slot] = id;
    if (this.size * 3 > this.#table.length) this.#rehash();
    return id;
  }

  symbol(id: SymbolId): ExprId {
    return this.make(Op.symbol, id, 0);
  }

  not(e: ExprId): ExprId {
    return this.make(Op.not, e, 0);
  }

  /** Conjunction; NONE is neutral. */
  and(a: ExprId, b: ExprId): ExprId {
    if (a === NONE) return b;
    return b === NONE ? a : this.make(Op.and, a, b);
  }

  /** Disjunction; an absent side is left out, as conf does (scripts/kconfig/expr.c, expr_alloc_or). */
  or(a: ExprId, b: ExprId): ExprId {
    if (a === NONE) return b;
    return b === NONE ? a : this.make(Op.or, a, b);
  }

  /** `m` in a dependency becomes `m && MODULES`; comparisons keep their `m`. */
  inDependency(e: ExprId): ExprId {
    if (e === NONE) return e;
    const left = this.lefts[e]!;
    const right = this.rights[e]!;
    switch (this.ops[e]) {
      case Op.symbol:
        return left === this.m ? this.make(Op.modules, 0, 0) : e;
      case Op.not: {
        const inner = this.inDependency(left);
        return inner === left ? e : this.not(inner);
      }
      case Op.and:
      case Op.or: {
        const l = this.inDependency(left);
        const r = this.inDependency(right);
        return l === left && r === right ? e : this.make(this.ops[e] as Op, l, r);
      }
      default:
        return e;
    }
  }

  /**
   * `e != n`, or `e = n`, moved to the leaves, where m counts as not n (scripts/kconfig/expr.c,
   * expr_trans_compare); of no condition too.
   */
  comparedWithNo(e: ExprId, op: typeof Op.equal | typeof Op.unequal): ExprId {
    const isUnequal = op === Op.unequal;
    if (e === NONE) return isUnequal ? this.not(this.symbol(this.n)) : this.symbol(this.n);
    const inner = this.ops[e] as Op;
    const left = this.lefts[e]!;
    if (inner === Op.symbol) return this.make(op, left, this.n);
    if (inner === Op.not) return this.comparedWithNo(left, isUnequal ? Op.equal : Op.unequal);
    if (inner === Op.and || inner === Op.or) {
      const both = this.make(
        inner === Op.and ? Op.or : Op.and,
        this.comparedWithNo(left, Op.equal),
        this.comparedWithNo(this.rights[e]!, Op.equal),
      );
      return isUnequal ? this.not(both) : both;
    }
    return isUnequal ? e : this.not(e);
  }

  /** True where `e` is the comparison of two symbols rather than a logical operation. */
  isComparison(e: ExprId): boolean {
    return this.ops[e]! >= Op.equal;
  }

  /** What `symbolsOf` visits, as a list. */
  symbolsIn(e: ExprId): SymbolId[] {
    const found: SymbolId[] = [];
    this.symbolsOf(e, (id) => found.push(id));
    return found;
  }

  /** Calls `visit` with every symbol that `e` mentions, constants left out, repeats included. */
  symbolsOf(e: ExprId, visit: (symbol: SymbolId) => void): void {
    if (e === NONE) return;
    const op = this.ops[e]!;
    const left = this.lefts[e]!;
    if (op === Op.and || op === Op.or) {
      this.symbolsOf(left, visit);
      this.symbolsOf(this.rights[e]!, visit);
    } else if (op === Op.not) {
      this.symbolsOf(left, visit);
    } else if (op === Op.modules) {
      return;
    } else {
      if (!this.constant[left]) visit(left);
      if (op !== Op.symbol && !this.constant[this.rights[e]!]) visit(this.rights[e]!);
    }
  }

  /**
   * The expression as Kconfig text, with as few parentheses as conf prints.
   * `name` words a symbol, e.g. with its value behind it.
   */
  print(e: ExprId, name: (id: SymbolId) => string = (id) => this.word(id), outer: Op = Op.or): string {
    if (e === NONE) return 'y';
    const op = this.ops[e] as Op;
    const left = this.lefts[e]!;
    const right = this.rights[e]!;
    switch (op) {
      case Op.symbol:
        return name(left);
      case Op.modules:
        return 'm';
      case Op.not: {
        const inner = this.print(left, name, Op.not);
        const innerOp = this.ops[left]!;
        return innerOp === Op.symbol ||
          innerOp === Op.modules ||
          innerOp === Op.not ||
          innerOp === Op.and ||
          innerOp === Op.or
          ? `!${inner}`
          : `!(${inner})`;
      }
      case Op.and: {
        const text = `${this.print(left, name, Op.and)} && ${this.print(right, name, Op.and)}`;
        return outer === Op.not ? `(${text})` : text;
      }
      case Op.or: {
        const text = `${this.print(left, name, Op.or)} || ${this.print(right, name, Op.or)}`;
        return outer === Op.or ? text : `(${text})`;
      }
      default:
        return `${name(left)}${COMPARISON[op]}${name(right)}`;
    }
  }

  /** A symbol's name, or a constant in quotes (y, m, n and numbers bare). */
  word(id: SymbolId): string {
    const text = this.names[id]!;
    return !this.constant[id] || id <= this.y || /^-?[0-9]/.test(text) ? text : `"${text}"`;
  }

  #grow(): void {
    const length = this.ops.length * 2;
    const ops = new Uint8Array(length);
    ops.set(this.ops);
    this.ops = ops;
    const lefts = new Int32Array(length);
    lefts.set(this.lefts);
    this.lefts = lefts;
    const rights = new Int32Array(length);
    rights.set(this.rights);
    this.rights = rights;
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 2).fill(-1);
    const mask = this.#table.length - 1;
    for (let id = 0; id < this.size; id++) {
      let slot = hash(this.ops[id]!, this.lefts[id]!, this.rights[id]!) & mask;
      while (this.#table[slot]! >= 0) slot = (slot + 1) & mask;
      this.#table[slot] = id;
    }
  }
}

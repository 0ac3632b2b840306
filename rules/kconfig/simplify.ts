/**
 * conf's simplifications of dependency expressions (scripts/kconfig/expr.c). They never change a
 * value, but they decide what conf takes for a dependency: `A || !A` of a bool is none. They are
 * kept equal to conf's even where conf stops half-way (see `dropConstants`).
 *
 * Also the dependencies that conf keeps after reading (scripts/kconfig/menu.c, _menu_finalize): of a
 * declaration, with all blocks around it, and of a property.
 *
 * Types of symbols matter, so an instance belongs to one model. New expressions go to the pool.
 */

import { KconfigError } from './error.ts';
import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import type { Declaration, Default, Edge, KconfigModel, Prompt, Range } from './model.ts';
import { SymbolType } from './parse.ts';

/** Pairs of operands that one model may compare. Linux 6.12 needs 0.3 million; a line of n operands needs n². */
const MAX_COMPARISONS = 20_000_000;

type Junction = typeof Op.and | typeof Op.or;

const OPPOSITE: Readonly<Partial<Record<Op, Op>>> = {
  [Op.equal]: Op.unequal,
  [Op.unequal]: Op.equal,
  [Op.less]: Op.greaterEqual,
  [Op.greaterEqual]: Op.less,
  [Op.greater]: Op.lessEqual,
  [Op.lessEqual]: Op.greater,
};

export class Simplifier {
  readonly pool: ExprPool;
  readonly model: KconfigModel;
  readonly #yes: ExprId;
  readonly #no: ExprId;
  readonly #modules: ExprId;
  readonly #normalized = new Map<ExprId, ExprId>();
  readonly #deduplicated = new Map<ExprId, ExprId>();
  readonly #dependencies = new Map<Declaration, ExprId>();
  #comparisons = 0;

  constructor(pool: ExprPool, model: KconfigModel) {
    this.pool = pool;
    this.model = model;
    this.#yes = pool.symbol(pool.y);
    this.#no = pool.symbol(pool.n);
    this.#modules = pool.and(pool.symbol(pool.m), pool.symbol(model.modules?.id ?? pool.n));
  }

  // ------------------------------------------------------------ what conf keeps

  /** Dependency of a declaration and all blocks around it; NONE without any. Throws KconfigError beyond MAX_COMPARISONS. */
  dependency(declaration: Declaration): ExprId {
    const { parent } = declaration;
    if (!parent || !declaration.hasDep) return NONE;
    const known = this.#dependencies.get(declaration);
    if (known !== undefined) return known;
    const e = this.deduplicate(this.pool.and(this.dependency(parent), this.normalize(declaration.dep)));
    this.#dependencies.set(declaration, e);
    return e;
  }

  /** Condition of a property: that of its declaration, its own `if`, and for a prompt `visible if` of the menus around. */
  condition(property: Prompt | Default | Range | Edge): ExprId {
    let own = property.cond;
    if ('menusVisible' in property && property.menusVisible !== NONE) {
      for (let menu = property.in.parent; menu; menu = menu.parent)
        own = this.pool.and(own, this.pool.inDependency(menu.visibility));
    }
    return this.deduplicate(this.pool.and(this.dependency(property.in), this.normalize(own)));
  }

  // ------------------------------------------------------------ rewriting

  /**
   * `m` becomes `m && MODULES`, negations move to the leaves, comparisons of a bool with a constant
   * become the bool (expr.c, expr_transform; menu.c, rewrite_m).
   */
  normalize(e: ExprId): ExprId {
    if (e === NONE) return e;
    const known = this.#normalized.get(e);
    if (known !== undefined) return known;
    const { pool } = this;
    const op = pool.ops[e] as Op;
    let result = e;
    if (op === Op.modules) result = this.#modules;
    else if (op === Op.and || op === Op.or)
      result = pool.make(op, this.normalize(pool.lefts[e]!), this.normalize(pool.rights[e]!));
    else if (op === Op.not) result = this.#negate(this.normalize(pool.lefts[e]!));
    else if (op === Op.equal || op === Op.unequal) result = this.#compareBool(e);
    this.#normalized.set(e, result);
    return result;
  }

  /** `!e`, of an `e` that is normalized. */
  #negate(e: ExprId): ExprId {
    const { pool } = this;
    const op = pool.ops[e] as Op;
    const left = pool.lefts[e]!;
    switch (op) {
      case Op.not:
        return left;
      case Op.and:
      case Op.or:
        return this.normalize(pool.make(op === Op.and ? Op.or : Op.and, pool.not(left), pool.not(pool.rights[e]!)));
      case Op.symbol:
        if (left === pool.m) return e;
        return left === pool.y ? this.#no : left === pool.n ? this.#yes : pool.not(e);
      default:
        return pool.make(OPPOSITE[op]!, left, pool.rights[e]!);
    }
  }

  #compareBool(e: ExprId): ExprId {
    const { pool } = this;
    const left = pool.lefts[e]!;
    const right = pool.rights[e]!;
    if (this.#type(left) !== SymbolType.bool) return e;
    const isEqual = pool.ops[e] === Op.equal;
    if (right === pool.m) return isEqual ? this.#no : this.#yes;
    if (right !== pool.y && right !== pool.n) return e;
    return isEqual === (right === pool.y) ? pool.symbol(left) : pool.not(pool.symbol(left));
  }

  // ------------------------------------------------------------ duplicates

  /** Joins operands that say the same or exclude each other, until nothing changes (expr.c, expr_eliminate_dups). */
  deduplicate(e: ExprId): ExprId {
    if (e === NONE) return e;
    const known = this.#deduplicated.get(e);
    if (known !== undefined) return known;
    const { pool } = this;
    let result = e;
    for (let isChanged = true; isChanged; ) {
      isChanged = false;
      const op = pool.ops[result] as Op;
      if (op === Op.and || op === Op.or) {
        const pair: Pair = { a: this.deduplicate(pool.lefts[result]!), b: this.deduplicate(pool.rights[result]!) };
        isChanged = this.#joinOperands(op, pair);
        result = pool.make(op, pair.a, pair.b);
      }
      result = this.#dropConstants(result);
    }
    this.#deduplicated.set(e, result);
    return result;
  }

  /** Tries to join every operand of `pair.a` with every one of `pair.b`; whether any could be. */
  #joinOperands(op: Junction, pair: Pair): boolean {
    return this.#eachPair(op, pair, (leaves) => {
      const joined = op === Op.or ? this.#joinOr(leaves.a, leaves.b) : this.#joinAnd(leaves.a, leaves.b);
      if (joined === undefined) return false;
      leaves.a = op === Op.or ? this.#no : this.#yes;
      leaves.b = joined;
      return true;
    });
  }

  /** Calls `visit` with each operand of one side against each of the other; it may replace both. */
  #eachPair(op: Junction, pair: Pair, visit: (leaves: Pair) => boolean): boolean {
    const { pool } = this;
    for (const side of ['a', 'b'] as const) {
      const e = pair[side];
      if (pool.ops[e] !== op) continue;
      const other = side === 'a' ? 'b' : 'a';
      const first = { ...pair, [side]: pool.lefts[e]! };
      const isFirst = this.#eachPair(op, first, visit);
      const second = { [side]: pool.rights[e]!, [other]: first[other] } as unknown as Pair;
      const isSecond = this.#eachPair(op, second, visit);
      pair[side] = pool.make(op, first[side], second[side]);
      pair[other] = second[other];
      return isFirst || isSecond;
    }
    if (++this.#comparisons > MAX_COMPARISONS) {
      throw new KconfigError(
        this.model.files[0] ?? 'Kconfig',
        0,
        `dependencies need more than ${MAX_COMPARISONS} comparisons`,
      );
    }
    return visit(pair);
  }

  /**
   * Removes y and n below && and ||, as far as conf does: what becomes constant deeper down counts,
   * but an expression that stays a junction is returned as it was (expr.c, expr_eliminate_yn).
   */
  #dropConstants(e: ExprId): ExprId {
    const op = this.pool.ops[e];
    if (op !== Op.and && op !== Op.or) return e;
    const [absorbing, neutral] = op === Op.and ? [this.#no, this.#yes] : [this.#yes, this.#no];
    const left = this.#dropConstants(this.pool.lefts[e]!);
    const right = this.#dropConstants(this.pool.rights[e]!);
    if (left === absorbing || right === neutral) return left;
    if (left === neutral || right === absorbing) return right;
    return e;
  }

  // ------------------------------------------------------------ equality

  /** Whether conf takes them for equal: same operands in any order and grouping (expr.c, expr_eq). */
  equal(a: ExprId, b: ExprId): boolean {
    if (a === NONE || b === NONE) return this.isYes(a) && this.isYes(b);
    if (a === b) return true;
    const { pool } = this;
    const op = pool.ops[a] as Op;
    if (op !== pool.ops[b]) return false;
    if (op === Op.not) return this.equal(pool.lefts[a]!, pool.lefts[b]!);
    if (op !== Op.and && op !== Op.or) return false;
    const [restA, restB] = this.withoutCommon(a, b);
    return pool.ops[restA] === Op.symbol && restA === restB;
  }

  /** Both without the operands that they share (expr.c, expr_eliminate_eq). */
  withoutCommon(a: ExprId, b: ExprId): readonly [ExprId, ExprId] {
    if (a === NONE || b === NONE) return [a, b];
    const { pool } = this;
    const pair: Pair = { a, b };
    const opA = pool.ops[a] as Op;
    if (opA === Op.and || opA === Op.or) this.#cancel(opA, pair);
    const opB = pool.ops[pair.b] as Op;
    if (pool.ops[pair.a] !== opB && (opB === Op.and || opB === Op.or)) this.#cancel(opB, pair);
    return [this.#dropConstants(pair.a), this.#dropConstants(pair.b)];
  }

  #cancel(op: Junction, pair: Pair): void {
    const neutral = op === Op.or ? this.#no : this.#yes;
    this.#eachPair(op, pair, (leaves) => {
      const isConstant = leaves.a === leaves.b && (leaves.a === this.#yes || leaves.a === this.#no);
      if (isConstant || !this.equal(leaves.a, leaves.b)) return false;
      leaves.a = neutral;
      leaves.b = neutral;
      return true;
    });
  }

  /** No dependency, or `y`. */
  isYes(e: ExprId): boolean {
    return e === NONE || e === this.#yes;
  }

  // ------------------------------------------------------------ joining

  #type(id: SymbolId): SymbolType {
    return this.pool.constant[id]
      ? id <= this.pool.y
        ? SymbolType.tristate
        : SymbolType.unknown
      : (this.model.symbols[id]?.type ?? SymbolType.unknown);
  }

  /** The bool or tristate that both are about, each as `A`, `!A`, `A=x` or `A!=x`. */
  #common(a: ExprId, b: ExprId): SymbolId | undefined {
    const { pool } = this;
    const subject = (e: ExprId): SymbolId => {
      const op = pool.ops[e]!;
      if (op === Op.symbol || op === Op.equal || op === Op.unequal) return pool.lefts[e]!;
      return op === Op.not && pool.ops[pool.lefts[e]!] === Op.symbol ? pool.lefts[pool.lefts[e]!]! : -1;
    };
    const symbol = subject(a);
    if (symbol < 0 || symbol !== subject(b)) return undefined;
    const type = this.#type(symbol);
    return type === SymbolType.bool || type === SymbolType.tristate ? symbol : undefined;
  }

  /** One expression for `a || b`, undefined where conf knows none (expr.c, expr_join_or). */
  #joinOr(a: ExprId, b: ExprId): ExprId | undefined {
    if (this.equal(a, b)) return a;
    const symbol = this.#common(a, b);
    if (symbol === undefined) return undefined;
    const { pool } = this;
    const [opA, opB] = [pool.ops[a], pool.ops[b]];
    if (this.#type(symbol) === SymbolType.bool) {
      return (opA === Op.not && opB === Op.symbol) || (opA === Op.symbol && opB === Op.not) ? this.#yes : undefined;
    }
    if (opA !== Op.equal || opB !== Op.equal) return undefined;
    // A=y || A=m is A!=n, and so on round.
    const third = this.#third(pool.rights[a]!, pool.rights[b]!);
    return third === undefined ? undefined : pool.make(Op.unequal, symbol, third);
  }

  /** One expression for `a && b`, undefined where conf knows none (expr.c, expr_join_and). */
  #joinAnd(a: ExprId, b: ExprId): ExprId | undefined {
    if (this.equal(a, b)) return a;
    const symbol = this.#common(a, b);
    if (symbol === undefined) return undefined;
    const { pool } = this;
    if (pool.ops[a] === Op.symbol || pool.ops[b] === Op.symbol) {
      const other = pool.ops[a] === Op.symbol ? b : a;
      const right = pool.rights[other]!;
      if (pool.ops[other] === Op.equal && right === pool.y) return other;
      if (pool.ops[other] !== Op.unequal) return undefined;
      if (right === pool.n) return pool.symbol(symbol);
      return right === pool.m ? pool.make(Op.equal, symbol, pool.y) : undefined;
    }
    if (this.#type(symbol) !== SymbolType.tristate || pool.ops[a] === Op.not || pool.ops[b] === Op.not)
      return undefined;
    const [rightA, rightB] = [pool.rights[a]!, pool.rights[b]!];
    if (pool.ops[a] !== pool.ops[b]) {
      // A=x && A!=y: n where x and y are the same constant, else A=x.
      if (!pool.constant[rightA] || !pool.constant[rightB]) return undefined;
      return rightA === rightB ? this.#no : pool.ops[a] === Op.equal ? a : b;
    }
    if (pool.ops[a] === Op.equal) return undefined;
    const third = this.#third(rightA, rightB);
    return third === undefined ? undefined : pool.make(Op.equal, symbol, third);
  }

  /** The one of y, m and n that is neither of two different ones of them. */
  #third(a: SymbolId, b: SymbolId): SymbolId | undefined {
    const { n, m, y } = this.pool;
    return a > y || b > y || a === b ? undefined : n + m + y - a - b;
  }
}

interface Pair {
  a: ExprId;
  b: ExprId;
}

/**
 * Rank of each declaration in the order in which conf completes their properties: all children of a
 * block, then the children of each of them (scripts/kconfig/menu.c, _menu_finalize).
 */
export function levelOrder(declarations: readonly Declaration[]): number[] {
  const rank = new Array<number>(declarations.length).fill(0);
  let count = 0;
  // Stack of blocks, the next one last.
  const blocks = [0];
  for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
    const inner: number[] = [];
    const { end } = declarations[block]!;
    for (let i = block + 1; i < end; i = declarations[i]!.end) {
      rank[i] = count++;
      if (declarations[i]!.end > i + 1) inner.push(i);
    }
    blocks.push(...inner.reverse());
  }
  return rank;
}

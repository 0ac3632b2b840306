/**
 * Conditions of a model as one expression each: what the solver is asked about. A condition that always holds is `y`,
 * one that never does is `n`.
 */

import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import type { Declaration, Default, Edge, KSymbol, Prompt, Range } from './model.ts';

/** Dependency of a declaration with all blocks around it. */
export function dependencyOf(pool: ExprPool, declaration: Declaration): ExprId {
  let e: ExprId = NONE;
  for (let d: Declaration | undefined = declaration; d; d = d.parent) e = pool.and(d.dep, e);
  return e === NONE ? pool.symbol(pool.y) : e;
}

/** A property's `if` and the dependency of its declaration; of a prompt also `visible if` of the menus around. */
export function conditionOf(pool: ExprPool, property: Prompt | Default | Range | Edge): ExprId {
  const own = pool.and(dependencyOf(pool, property.in), property.cond);
  return 'menusVisible' in property ? pool.and(own, property.menusVisible) : own;
}

/** The OR of all declarations that have a dependency; `y` where none has one. */
export function directDependencyOf(pool: ExprPool, symbol: KSymbol): ExprId {
  const all = symbol.declarations.filter(({ hasDep }) => hasDep).map((declaration) => dependencyOf(pool, declaration));
  return all.length === 0 ? pool.symbol(pool.y) : any(pool, all);
}

/** That a select (or imply) takes effect: its symbol is on, and its condition holds. */
export function edgeExpr(pool: ExprPool, edge: Edge): ExprId {
  return pool.and(pool.symbol(edge.from.id), conditionOf(pool, edge));
}

/** That a prompt is visible. */
export function visibleExpr(pool: ExprPool, symbol: KSymbol): ExprId {
  return any(
    pool,
    symbol.prompts.map((prompt) => conditionOf(pool, prompt)),
  );
}

/** What the first default that holds gives, or an imply as far as the direct dependency allows. */
export function defaultExpr(pool: ExprPool, symbol: KSymbol): ExprId {
  const never = pool.symbol(pool.n);
  let value = never;
  for (const property of symbol.defaults.toReversed()) {
    const held = conditionOf(pool, property);
    const later = pool.and(pool.comparedWithNo(held, Op.equal), value);
    value = any(pool, [pool.and(property.value, held), ...(value === never ? [] : [later])]);
  }
  const implied = symbol.impliedBy.map((edge) => edgeExpr(pool, edge));
  if (implied.length === 0) return value;
  return any(pool, [value, pool.and(any(pool, implied), directDependencyOf(pool, symbol))]);
}

/** That something selects the symbol. */
export function selectedExpr(pool: ExprPool, symbol: KSymbol): ExprId {
  return any(
    pool,
    symbol.selectedBy.map((edge) => edgeExpr(pool, edge)),
  );
}

/** `e` where `symbol` has the value of a constant. */
export function substitute(pool: ExprPool, e: ExprId, symbol: SymbolId, value: SymbolId): ExprId {
  if (e === NONE) return e;
  const op = pool.ops[e] as Op;
  const left = pool.lefts[e]!;
  const right = pool.rights[e]!;
  switch (op) {
    case Op.symbol:
      return left === symbol ? pool.symbol(value) : e;
    case Op.modules:
      return e;
    case Op.not:
      return pool.not(substitute(pool, left, symbol, value));
    case Op.and:
    case Op.or:
      return pool.make(op, substitute(pool, left, symbol, value), substitute(pool, right, symbol, value));
    default:
      if (left !== symbol && right !== symbol) return e;
      return pool.make(op, left === symbol ? value : left, right === symbol ? value : right);
  }
}

/** `e` where `symbol` is what an expression is; comparisons with it stay. */
export function replaced(pool: ExprPool, e: ExprId, symbol: SymbolId, by: ExprId): ExprId {
  if (e === NONE) return e;
  const [left, right] = [pool.lefts[e]!, pool.rights[e]!];
  switch (pool.ops[e] as Op) {
    case Op.symbol:
      return left === symbol ? by : e;
    case Op.not:
      return pool.not(replaced(pool, left, symbol, by));
    case Op.and:
      return pool.and(replaced(pool, left, symbol, by), replaced(pool, right, symbol, by));
    case Op.or:
      return pool.or(replaced(pool, left, symbol, by), replaced(pool, right, symbol, by));
    default:
      return e;
  }
}

/** y where `e` is at least `level`, else n: so that different levels can be in one expression. */
export function reaches(pool: ExprPool, e: ExprId, level: 1 | 2): ExprId {
  if (e === NONE) return pool.symbol(pool.y);
  const op = pool.ops[e] as Op;
  const left = pool.lefts[e]!;
  switch (op) {
    case Op.symbol:
      return level === 1 ? pool.make(Op.unequal, left, pool.n) : pool.make(Op.equal, left, pool.y);
    case Op.not:
      return pool.not(reaches(pool, left, level === 1 ? 2 : 1));
    case Op.and:
    case Op.or:
      return pool.make(op, reaches(pool, left, level), reaches(pool, pool.rights[e]!, level));
    case Op.modules:
      return level === 1 ? e : pool.symbol(pool.n);
    default:
      return e;
  }
}

/** How an expression can follow a symbol in it. */
export interface Signs {
  /** It may be more where the symbol is more. */
  readonly more: boolean;
  /** It may be less where the symbol is more. */
  readonly less: boolean;
}

const NEITHER: Signs = { more: false, less: false };

/** Signs of expressions in all their symbols at once, kept for as long as one search of a model goes on. */
export class SignTable {
  readonly #pool: ExprPool;
  readonly #known = new Map<ExprId, ReadonlyMap<SymbolId, Signs>>();

  constructor(pool: ExprPool) {
    this.#pool = pool;
  }

  of(e: ExprId, symbol: SymbolId): Signs {
    if (e === NONE) return NEITHER;
    const known = this.#known.get(e) ?? signsIn(this.#pool, e);
    this.#known.set(e, known);
    return known.get(symbol) ?? NEITHER;
  }
}

function signsIn(pool: ExprPool, root: ExprId): ReadonlyMap<SymbolId, Signs> {
  const found = new Map<SymbolId, { more: boolean; less: boolean }>();
  const follow = (symbol: SymbolId, more: boolean, less: boolean): void => {
    const known = found.get(symbol);
    if (!known) found.set(symbol, { more, less });
    else {
      known.more ||= more;
      known.less ||= less;
    }
  };
  // A part counts once as it stands and once negated.
  const seen = [new Set<ExprId>(), new Set<ExprId>()] as const;
  const visit = (e: ExprId, isNegated: boolean): void => {
    const visited = seen[isNegated ? 1 : 0];
    if (visited.has(e)) return;
    visited.add(e);
    const left = pool.lefts[e]!;
    const right = pool.rights[e]!;
    const op = pool.ops[e] as Op;
    if (op === Op.symbol) follow(left, !isNegated, isNegated);
    else if (op === Op.not) visit(left, !isNegated);
    else if (op === Op.and || op === Op.or) {
      visit(left, isNegated);
      visit(right, isNegated);
    } else if (op !== Op.modules) {
      const isEqual = op === Op.equal;
      if ((isEqual || op === Op.unequal) && (right === pool.n || right === pool.y)) {
        const isRising = (isEqual === (right === pool.y)) !== isNegated;
        follow(left, isRising, !isRising);
      } else {
        follow(left, true, true);
        follow(right, true, true);
      }
    }
  };
  visit(root, false);
  return found;
}

/** The OR of all; `n` without any. */
export function any(pool: ExprPool, all: readonly ExprId[]): ExprId {
  const never = pool.symbol(pool.n);
  const some = all.filter((e) => e !== never);
  return some.length === 0 ? never : some.reduce((a, b) => pool.or(a, b));
}

/**
 * Conditions of a model as one expression each: what the solver is asked about. A condition that always holds is `y`,
 * one that never does is `n`.
 */

import { type ExprId, type ExprPool, NONE } from './expr.ts';
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

/** That a default or imply turns the symbol on, whichever default comes first. */
export function defaultExpr(pool: ExprPool, symbol: KSymbol): ExprId {
  return any(pool, [
    ...symbol.defaults.map((property) => pool.and(property.value, conditionOf(pool, property))),
    ...symbol.impliedBy.map((edge) => edgeExpr(pool, edge)),
  ]);
}

/** That something selects the symbol. */
export function selectedExpr(pool: ExprPool, symbol: KSymbol): ExprId {
  return any(
    pool,
    symbol.selectedBy.map((edge) => edgeExpr(pool, edge)),
  );
}

function any(pool: ExprPool, all: readonly ExprId[]): ExprId {
  return all.length === 0 ? pool.symbol(pool.n) : all.reduce((a, b) => pool.or(a, b));
}

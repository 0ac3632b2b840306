/** Symbols that can be on where their own conditions did not allow it before, since one of these went away. */

import { any, conditionOf, defaultExpr, selectedExpr, visibleExpr } from './conditions.ts';
import { type ExprId, type ExprPool, NONE } from './expr.ts';
import type { Default, KSymbol, Prompt } from './model.ts';
import { SymbolType } from './parse.ts';
import type { Property, SymbolChange } from './properties.ts';
import type { Goal, Solver } from './solve.ts';

export interface NewlyOn {
  readonly before: KSymbol;
  readonly after: KSymbol;
  /** Conditions that only the tree before has, in its order. */
  readonly dropped: readonly DroppedCondition[];
  /** Under which it is offered; without a prompt, on by itself. */
  readonly guardBefore: ExprId;
  readonly guardAfter: ExprId;
  /** That it is on where its properties before exclude that. Possible in the tree after. */
  readonly goals: readonly Goal[];
}

export interface DroppedCondition {
  readonly property: Property;
  /** What had to hold. */
  readonly expr: ExprId;
  /** It stood in the symbol's own entry, not around it. */
  readonly isOwn: boolean;
}

/** `solver` is that of the tree after; undefined where the change lets nothing be on that could not be. */
export function newlyOn(solver: Solver, { before, after, removed }: SymbolChange): NewlyOn | undefined {
  const { pool } = solver;
  if (!before || !after || before.type !== after.type || before.isChoiceMember || after.isChoiceMember)
    return undefined;
  if (after.type !== SymbolType.bool && after.type !== SymbolType.tristate) return undefined;
  const dropped = removed.flatMap((property) => droppedCondition(pool, before, property) ?? []);
  if (dropped.length === 0) return undefined;
  const couldBeOn = any(pool, [visibleExpr(pool, before), defaultExpr(pool, before), selectedExpr(pool, before)]);
  const goals: Goal[] = [
    { expr: pool.symbol(after.id), level: 1, holds: true },
    { expr: couldBeOn, level: 1, holds: false },
  ];
  if (solver.isPossible(goals) !== true) return undefined;
  return { before, after, dropped, guardBefore: guardOf(pool, before), guardAfter: guardOf(pool, after), goals };
}

function droppedCondition(pool: ExprPool, symbol: KSymbol, property: Property): DroppedCondition | undefined {
  const { kind, expr, path, line } = property;
  const isHere = (one: Prompt | Default): boolean => one.in.path === path && one.line === line;
  switch (kind) {
    case 'depends on': {
      const isOwn = symbol.declarations.some(
        (declaration) => declaration.path === path && declaration.dependencies.some((one) => one.line === line),
      );
      return expr === NONE ? undefined : { property, expr, isOwn };
    }
    case 'prompt':
    case 'visible if':
      return expr === NONE ? undefined : { property, expr, isOwn: kind === 'prompt' };
    case 'default': {
      const found = symbol.defaults.find((one) => isHere(one) && one.cond === expr);
      const held = found && pool.and(found.value, found.cond);
      return held === undefined || held === pool.symbol(pool.y) ? undefined : { property, expr: held, isOwn: true };
    }
    default:
      return undefined;
  }
}

function guardOf(pool: ExprPool, symbol: KSymbol): ExprId {
  return symbol.prompts.length > 0
    ? visibleExpr(pool, symbol)
    : any(
        pool,
        symbol.defaults.map((one) => pool.and(one.value, conditionOf(pool, one))),
      );
}

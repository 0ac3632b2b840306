/**
 * Selects that can force their target above its direct dependency, which conf warns of ("unmet direct dependencies
 * detected", scripts/kconfig/symbol.c, sym_warn_unmet_dep), in a tree and not in the one before it.
 */

import type { Level } from './cnf.ts';
import { directDependencyOf, edgeExpr } from './conditions.ts';
import type { ExprId, ExprPool, SymbolId } from './expr.ts';
import type { Setting } from './justify.ts';
import type { Edge, KconfigModel, KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import { dependencies } from './properties.ts';
import type { Goal, Solver } from './solve.ts';
import type { Values } from './values.ts';

export interface Unmet {
  /** In the tree after. */
  readonly edge: Edge;
  /** The target is forced to at least this, and its dependency is below. */
  readonly level: Level;
  /** The fewest settings that show it. */
  readonly settings: readonly Setting[];
  /** The select was there before. */
  readonly isOld: boolean;
}

/** A line of the target's dependency that is not met. */
export interface UnmetLine {
  readonly path: string;
  readonly line: number;
  readonly expr: ExprId;
}

/** That the edge forces its target to `level`, and the target's dependency is below it. */
export function unmetGoals(pool: ExprPool, edge: Edge, level: Level): Goal[] {
  return [
    { expr: edgeExpr(pool, edge), level, holds: true },
    { expr: directDependencyOf(pool, edge.to), level, holds: false },
  ];
}

/**
 * Edges from or to one of the symbols that can be unmet after and could not before. An edge for which one of the
 * solvers gives up is left out.
 */
export function newlyUnmet(before: Solver, after: Solver, symbols: readonly SymbolId[]): Unmet[] {
  const found: Unmet[] = [];
  const edges = new Set<Edge>();
  for (const id of symbols) {
    const symbol = after.model.symbols[id];
    for (const edge of symbol?.selects ?? []) edges.add(edge);
    for (const edge of symbol?.selectedBy ?? []) edges.add(edge);
  }
  for (const edge of edges) {
    for (const level of levelsOf(edge)) {
      const goals = unmetGoals(after.pool, edge, level);
      if (after.isPossible(goals) !== true) continue;
      const old = edgesLike(before.model, edge);
      const was = old.map((one) => before.isPossible(unmetGoals(before.pool, one, level)));
      if (was.some((possible) => possible !== false)) break;
      const answer = after.solve(goals);
      if (answer.verdict !== 'possible') continue;
      found.push({ edge, level, settings: answer.settings, isOld: old.length > 0 });
      break;
    }
  }
  return found;
}

/**
 * Levels at which conf may call an edge unmet: a bool is y or n, and m of its dependency is enough for it. None of
 * members of choices, which nothing forces, and of what has no dependency (symbol.c, sym_calc_visibility).
 */
export function levelsOf({ to }: Edge): readonly Level[] {
  if (to.isChoiceMember || to.isTransitional || !to.declarations.some(({ hasDep }) => hasDep)) return [];
  return to.type === SymbolType.tristate ? [1, 2] : to.type === SymbolType.bool ? [1] : [];
}

/** Selects of the same target by the same symbol. */
function edgesLike(model: KconfigModel, { from, to }: Edge): Edge[] {
  return (model.symbols[to.id]?.selectedBy ?? []).filter((edge) => edge.from.id === from.id);
}

/** Lines of the target's dependencies that are below `level` in this configuration. */
export function unmetLines({ to }: Edge, level: Level, values: Values): UnmetLine[] {
  const lines = to.declarations
    .filter(({ hasDep }) => hasDep)
    .flatMap((declaration) => dependencies(declaration))
    .filter(({ expr }) => values.expr(expr) < level);
  return lines.filter((one, i) => lines.findIndex(({ path, line }) => path === one.path && line === one.line) === i);
}

/** Who keeps `symbol` on by selecting it, up to one that is set: `symbol` is selected by the first, that by the next. */
export function selectorsOf(symbol: KSymbol, settings: readonly Setting[], values: Values): Edge[] {
  const chain: Edge[] = [];
  const seen = new Set([symbol]);
  for (let at = symbol; !settings.some((one) => one.symbol === at); ) {
    const edge = at.selectedBy.find(
      (one) => !seen.has(one.from) && values.tristate(one.from) > 0 && values.condition(one) > 0,
    );
    if (!edge) break;
    chain.push(edge);
    seen.add(edge.from);
    at = edge.from;
  }
  return chain;
}

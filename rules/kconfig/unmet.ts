/**
 * Selects that can force their target above its direct dependency, which conf warns of ("unmet direct dependencies
 * detected", scripts/kconfig/symbol.c, sym_warn_unmet_dep), in a tree and not in the one before it.
 */

import type { Level } from './cnf.ts';
import { directDependencyOf, edgeExpr, reaches } from './conditions.ts';
import type { ExprId, ExprPool, SymbolId } from './expr.ts';
import type { Setting } from './justify.ts';
import type { Edge, KconfigModel, KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import { dependencies } from './properties.ts';
import type { Goal, Solver } from './solve.ts';
import type { Values } from './values.ts';
import { applySettings } from './witness.ts';

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
  /** It stands in a further declaration of the target: to meet one declaration is enough. */
  readonly isAlternative: boolean;
}

/** That the edge forces its target to `level`, and the target's dependency is below it. */
export function unmetGoals(pool: ExprPool, edge: Edge, level: Level): Goal[] {
  return [
    { expr: edgeExpr(pool, edge), level, holds: true },
    { expr: directDependencyOf(pool, edge.to), level, holds: false },
  ];
}

/** That the edge is met, at every level. */
export function isMet(pool: ExprPool, edge: Edge): Goal[] {
  const [forced, dependency] = [edgeExpr(pool, edge), directDependencyOf(pool, edge.to)];
  return levelsOf(edge).map((level) => {
    const isUnmet = pool.and(reaches(pool, forced, level), pool.not(reaches(pool, dependency, level)));
    return { expr: isUnmet, level: 2, holds: false };
  });
}

/** Selects of one architecture that are looked at. */
const MOST_EDGES = 2000;

/**
 * Edges from or to one of the symbols that can be unmet after and could not before, in a configuration in which the
 * target was not unmet before by another select, and in which it needs no other such edge. An edge for which one of the
 * solvers gives up is left out. `isCut`: there are too many to look at all.
 */
export function newlyUnmet(
  before: Solver,
  after: Solver,
  symbols: readonly SymbolId[],
): { readonly found: readonly Unmet[]; readonly isCut: boolean } {
  const found: Unmet[] = [];
  const edges = new Set<Edge>();
  for (const id of symbols) {
    const symbol = after.model.symbols[id];
    for (const edge of symbol?.selects ?? []) edges.add(edge);
    for (const edge of symbol?.selectedBy ?? []) edges.add(edge);
  }
  for (const edge of [...edges].slice(0, MOST_EDGES)) {
    for (const level of levelsOf(edge)) {
      const goals = unmetGoals(after.pool, edge, level);
      if (after.isPossible(goals) !== true) continue;
      const old = edgesLike(before.model, after.model, edge);
      const was = old.map((one) => before.isPossible(unmetGoals(before.pool, one, level)));
      if (was.some((possible) => possible !== false)) break;
      const settings = newCase(before, after, edge, goals, level);
      if (!settings) continue;
      found.push({
        edge,
        level,
        settings,
        isOld: old.some(({ from, to }) => from.id === edge.from.id && to.id === edge.to.id),
      });
      break;
    }
  }
  const own = found.flatMap((one) => withoutOthers(before, after, one, found) ?? []);
  return { found: own, isCut: edges.size > MOST_EDGES };
}

/**
 * The same in a configuration that needs none of the others: what is only possible because another select forces
 * something on is no fault of its own.
 */
function withoutOthers(before: Solver, after: Solver, one: Unmet, found: readonly Unmet[]): Unmet | undefined {
  const { edge, level } = one;
  const { values, pool } = after;
  applySettings(values, one.settings);
  const forced = new Set(
    [...new Set(found.map(({ edge: { to } }) => to))].filter(
      (to) => to !== edge.to && values.directDep(to) < values.reverseDep(to),
    ),
  );
  const others = found.filter((other) => forced.has(other.edge.to) && other.edge.from !== edge.from);
  if (others.length === 0) return one;
  const off = others.map((other): Goal => ({ expr: edgeExpr(pool, other.edge), level: 1, holds: false }));
  const settings = newCase(before, after, edge, [...unmetGoals(pool, edge, level), ...off], level);
  return settings && { ...one, settings };
}

/**
 * Levels at which conf may call an edge unmet: a bool is y or n, and m of its dependency is enough for it. None of
 * members of choices, which nothing forces, and of what has no dependency (symbol.c, sym_calc_visibility).
 */
export function levelsOf({ to }: Edge): readonly Level[] {
  if (to.isChoiceMember || to.isTransitional || !to.declarations.some(({ hasDep }) => hasDep)) return [];
  return to.type === SymbolType.tristate ? [1, 2] : to.type === SymbolType.bool ? [1] : [];
}

/** Configurations in which another select forced the target before, one after the other. */
const MOST_ROUNDS = 8;

/** A case in which the target's dependency was not unmet before by another select, that the series has moved or copied. */
function newCase(
  before: Solver,
  after: Solver,
  { to }: Edge,
  goals: readonly Goal[],
  level: Level,
): readonly Setting[] | undefined {
  const old = before.model.symbols[to.id];
  const others = new Set<Edge>();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const off = [...others].map((edge): Goal => ({ expr: edgeExpr(after.pool, edge), level, holds: false }));
    const answer = after.solve([...goals, ...off]);
    if (answer.verdict !== 'possible') return undefined;
    const { values } = before;
    applySettings(
      values,
      answer.settings.filter(({ symbol }) => isDeclared(before.model, symbol)),
    );
    if (!old || values.directDep(old) >= values.reverseDep(old)) return answer.settings;
    const size = others.size;
    for (const edge of old.selectedBy)
      if (values.tristate(edge.from) >= level && values.condition(edge) >= level) others.add(edge);
    if (others.size === size) return undefined;
  }
  return undefined;
}

/**
 * Selects of the same target by the same symbol. Where one of the two is new, those by or of what is not declared any
 * more are taken for the same: it may have got another name.
 */
function edgesLike(before: KconfigModel, after: KconfigModel, { from, to }: Edge): Edge[] {
  const [isNewFrom, isNewTo] = [!isDeclared(before, from), !isDeclared(before, to)];
  const isGone = (symbol: KSymbol): boolean => !isDeclared(after, symbol);
  let edges: readonly Edge[];
  if (!isNewTo) edges = before.symbols[to.id]!.selectedBy;
  else if (!isNewFrom) edges = before.symbols[from.id]!.selects;
  else edges = before.declared.filter(isGone).flatMap(({ selects }) => selects);
  return edges.filter(
    (edge) =>
      (edge.from.id === from.id || (isNewFrom && isGone(edge.from))) &&
      (edge.to.id === to.id || (isNewTo && isGone(edge.to))),
  );
}

function isDeclared({ symbols }: KconfigModel, { id }: KSymbol): boolean {
  return (symbols[id]?.declarations.length ?? 0) > 0;
}

/** Lines of the target's dependencies that are below `level` in this configuration. */
export function unmetLines({ to }: Edge, level: Level, values: Values): UnmetLine[] {
  const lines = to.declarations
    .filter(({ hasDep }) => hasDep)
    .flatMap((declaration, i) => dependencies(declaration).map((line) => ({ ...line, isAlternative: i > 0 })))
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

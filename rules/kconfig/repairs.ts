/**
 * What would repair an unmet dependency: proposals for one Kconfig entry, each tried with the solver before anybody
 * reads it.
 */

import type { Level } from './cnf.ts';
import { directDependencyOf } from './conditions.ts';
import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import type { Edge, KconfigModel, KSymbol } from './model.ts';
import { operands } from './operands.ts';
import { SymbolType } from './parse.ts';
import type { Answer, Goal, Solver } from './solve.ts';
import { levelsOf, unmetGoals, unmetLines } from './unmet.ts';
import { applySettings } from './witness.ts';

export interface Repair {
  readonly kind: 'depends on' | 'select' | 'imply';
  /** The entry that the line goes into. */
  readonly symbol: string;
  /** The rest of the line. */
  readonly text: string;
}

/** A repair on one architecture; more of them may have to hold with it. */
export interface Proposal extends Repair {
  /** Of `depends on`: the expression. */
  readonly needed: ExprId;
  /** Its symbol can still be enabled with it. */
  readonly canBeOn: boolean;
}

/** Rounds in which a dependency that was not enough is added to. */
const MOST_ROUNDS = 4;
const MOST_TEXT = 120;
/** Symbols followed to see whether a proposal would close a circle. */
const MOST_FOLLOWED = 20_000;

/** Lines for the entry of `owner` after which `edge` cannot be unmet any more. Empty where none is found. */
export function repairsOf(solver: Solver, edge: Edge, owner: KSymbol): Proposal[] {
  const { pool, model } = solver;
  const found: Proposal[] = [];
  const needed = neededDependency(solver, edge, owner);
  if (needed !== undefined) {
    const text = pool.print(needed);
    const symbols = symbolsOf(pool, needed);
    const isCircular = readsAny(pool, model, symbols, owner.id);
    if (!isCircular && text.length <= MOST_TEXT)
      found.push({ kind: 'depends on', symbol: owner.name, text, needed, canBeOn: canBeOn(solver, owner, needed) });
    const only = pool.ops[needed] === Op.symbol ? model.symbols[pool.lefts[needed]!] : undefined;
    if (only && isSelectable(only) && canSelect(solver, owner, only))
      found.push({ kind: 'select', symbol: owner.name, text: only.name, needed: NONE, canBeOn: true });
  }
  const isOnly = edge.to.selectedBy.filter(({ from }) => from === owner).length === 1;
  if (edge.from === owner && isOnly && edge.to.prompts.length > 0)
    found.push({ kind: 'imply', symbol: owner.name, text: edge.to.name, needed: NONE, canBeOn: true });
  return found;
}

/** Whether what was proposed on another architecture is enough on that of the solver. */
export function isEnough(solver: Solver, edge: Edge, owner: KSymbol, { kind, needed }: Proposal): boolean {
  return kind === 'depends on' && !openCase(solver, edge, owner, [needed]);
}

/** Whether `owner` can be enabled if it depends on `needed`. */
export function canBeOn(solver: Solver, owner: KSymbol, needed: ExprId): boolean {
  return solver.isPossible([on(solver.pool, owner, 1), { expr: needed, level: 1, holds: true }]) === true;
}

/** What of the target's dependency the owner has to repeat; undefined where that does not help. */
function neededDependency(solver: Solver, edge: Edge, owner: KSymbol): ExprId | undefined {
  const { pool, values } = solver;
  let needed: ExprId[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const left = openCase(solver, edge, owner, needed);
    if (!left) return needed.length === 0 ? undefined : fewest(solver, edge, owner, needed);
    const { level, answer } = left;
    if (answer.verdict !== 'possible') return undefined;
    applySettings(values, answer.settings);
    // A case in which the owner has no part is not for it to repair.
    if (values.tristate(owner) === 0) return undefined;
    const lines = unmetLines(edge, level, values);
    if (lines.length === 0) return undefined;
    needed = [...new Set([...needed, ...lines.flatMap(({ expr }) => conjuncts(pool, expr))])];
  }
  return undefined;
}

/** Leaves out what the owner has to have anyway. */
function fewest(solver: Solver, edge: Edge, owner: KSymbol, needed: readonly ExprId[]): ExprId {
  let kept = [...needed];
  for (const one of needed) {
    const fewer = kept.filter((other) => other !== one);
    if (fewer.length > 0 && !openCase(solver, edge, owner, fewer)) kept = fewer;
  }
  return all(solver.pool, kept);
}

/** A way in which the edge is still unmet, at any level, although the owner depends on all of `needed`. */
function openCase(solver: Solver, edge: Edge, owner: KSymbol, needed: readonly ExprId[]): OpenCase | undefined {
  const { pool } = solver;
  const dependency = all(pool, needed);
  for (const level of levelsOf(edge)) {
    // The dependency of a symbol limits what it selects.
    const limit: Goal[] = edge.from === owner && dependency !== NONE ? [{ expr: dependency, level, holds: true }] : [];
    for (const goals of openCases(pool, owner, dependency)) {
      const answer = solver.solve([...unmetGoals(pool, edge, level), ...limit, ...goals]);
      if (answer.verdict !== 'impossible') return { level, answer };
    }
  }
  return undefined;
}

interface OpenCase {
  readonly level: Level;
  readonly answer: Exclude<Answer, { verdict: 'impossible' }>;
}

function all(pool: ExprPool, exprs: readonly ExprId[]): ExprId {
  return exprs.reduce((a, b) => pool.and(a, b), NONE);
}

function conjuncts(pool: ExprPool, e: ExprId): ExprId[] {
  return pool.ops[e] === Op.and ? [...conjuncts(pool, pool.lefts[e]!), ...conjuncts(pool, pool.rights[e]!)] : [e];
}

/** What "depends on needed" leaves: the owner off, or as far on as that allows. */
export function openCases(pool: ExprPool, owner: KSymbol, needed: ExprId): Goal[][] {
  const held = (level: Level): Goal[] => (needed === NONE ? [] : [{ expr: needed, level, holds: true }]);
  const isOff = [off(pool, owner, 1)];
  if (owner.type === SymbolType.bool) return [isOff, [on(pool, owner, 1), ...held(1)]];
  return [isOff, [on(pool, owner, 1), off(pool, owner, 2), ...held(1)], [on(pool, owner, 2), ...held(2)]];
}

function on(pool: ExprPool, symbol: KSymbol, level: Level): Goal {
  return { expr: pool.symbol(symbol.id), level, holds: true };
}

function off(pool: ExprPool, symbol: KSymbol, level: Level): Goal {
  return { expr: pool.symbol(symbol.id), level, holds: false };
}

/** A helper, that others select as well: not only architectures, which say with it what they have. */
export function isSelectable({ prompts, selectedBy }: KSymbol): boolean {
  const isHelper = selectedBy.some(({ in: { path } }) => !path.startsWith('arch/'));
  return isHelper && selectedBy.length > (prompts.length > 0 ? 1 : 0);
}

/** Whether a select of `target` by `owner` would never be unmet itself, and close no circle. */
export function canSelect(solver: Solver, owner: KSymbol, target: KSymbol): boolean {
  const { pool, model } = solver;
  const dependency = directDependencyOf(pool, target);
  const isUnmet = ([1, 2] as const).some(
    (level) => solver.isPossible([on(pool, owner, level), { expr: dependency, level, holds: false }]) !== false,
  );
  return target !== owner && !isUnmet && !readsAny(pool, model, [owner.id], target.id);
}

function symbolsOf(pool: ExprPool, e: ExprId): SymbolId[] {
  const found: SymbolId[] = [];
  pool.symbolsOf(e, (id) => found.push(id));
  return found;
}

/** Whether one of `from` gets its value, over whatever steps, from `to`; also where that takes too long to find out. */
export function readsAny(pool: ExprPool, model: KconfigModel, from: readonly SymbolId[], to: SymbolId): boolean {
  const seen = new Set(from);
  const queue = [...from];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (id === to) return true;
    if (seen.size > MOST_FOLLOWED) return true;
    const symbol = model.symbols[id];
    if (!symbol) continue;
    for (const next of operands(pool, symbol)) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(next);
    }
  }
  return false;
}

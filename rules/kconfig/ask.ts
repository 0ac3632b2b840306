/**
 * The questions of the command line, answered for one architecture: data that can be printed or written as JSON.
 */

import type { Outcome, SymbolName } from '../types.ts';
import { type ExprId, NONE, Op, type SymbolId } from './expr.ts';
import { applyMode, renderMode } from './modes.ts';
import { type Needs, needsOf } from './needs.ts';
import { SymbolType } from './parse.ts';
import { dependencies } from './properties.ts';
import { goalsOf, isDeclared, namesIn } from './question.ts';
import { type Step, stepsOf } from './reason-steps.ts';
import { type Goal, meets, type Solver } from './solve.ts';
import { fragment } from './witness.ts';

/** A configuration that was asked for. */
export interface Witness {
  /**
   * In the order of their names; without any one of them olddefconfig does not give what was asked for, or warns of
   * an unmet direct dependency.
   */
  readonly settings: readonly { readonly symbol: SymbolName; readonly value: string }[];
  /** The settings as lines of a .config. */
  readonly config: string;
  /** Symbols that it selects although their direct dependency is unmet, which conf warns of: no other way was found. */
  readonly unmet: readonly SymbolName[];
}

export type Answer = { readonly undeclared: readonly SymbolName[] } & (
  | { readonly verdict: 'possible'; readonly witness: Witness; readonly needs?: Needs }
  | { readonly verdict: 'impossible'; readonly because: readonly Step[] }
  /** Also where the premise is impossible (`isVacuous`): the reason is that of the premise then. */
  | { readonly verdict: 'implied'; readonly because: readonly Step[]; readonly isVacuous: boolean }
  | { readonly verdict: 'not-implied'; readonly witness: Witness }
  | { readonly verdict: 'unknown'; readonly why: string }
);

/** What was asked, and what the configuration of the answer has to show. */
export interface Asked {
  readonly answer: Answer;
  readonly goals: readonly Goal[];
}

/** Whether some configuration meets the expression, and which. */
export function askPossible(solver: Solver, e: ExprId): Asked {
  const { pool, model } = solver;
  const goals = goalsOf(pool, model, e);
  const base = { undeclared: undeclaredIn(solver, [e]) };
  const found = witnessFor(solver, goals);
  if (found.ok) return { goals, answer: { ...base, verdict: 'possible', witness: found.witness } };
  if (found.why !== undefined) return { goals, answer: { ...base, verdict: 'unknown', why: found.why } };
  const because = stepsOf(pool, model, solver.whyNot(goals) ?? []);
  return { goals, answer: { ...base, verdict: 'impossible', because } };
}

/** Whether `b` holds in every configuration in which `a` holds. */
export function askImplied(solver: Solver, a: ExprId, b: ExprId): Asked {
  const { pool, model } = solver;
  const premise = goalsOf(pool, model, a);
  const goals = [...premise, ...goalsOf(pool, model, b, false)];
  const base = { undeclared: undeclaredIn(solver, [a, b]) };
  const found = witnessFor(solver, goals);
  if (found.ok) return { goals, answer: { ...base, verdict: 'not-implied', witness: found.witness } };
  if (found.why !== undefined) return { goals, answer: { ...base, verdict: 'unknown', why: found.why } };
  const isVacuous = solver.isPossible(premise) === false;
  const told = isVacuous ? premise : goals;
  return {
    goals,
    answer: { ...base, verdict: 'implied', isVacuous, because: stepsOf(pool, model, solver.whyNot(told) ?? []) },
  };
}

/** What it takes to have the symbol at m or y, or at the value given. */
export function askNeeds(solver: Solver, id: SymbolId, value?: 'm' | 'y'): Asked {
  const expr = solver.pool.symbol(id);
  const wanted = value === undefined ? expr : solver.pool.make(Op.equal, id, solver.pool[value]);
  const asked = askPossible(solver, wanted);
  const symbol = solver.model.symbols[id];
  if (asked.answer.verdict !== 'possible' || !symbol) return asked;
  return { goals: asked.goals, answer: { ...asked.answer, needs: needsOf(solver, asked.goals, symbol) } };
}

/**
 * Whether the tree's conf makes of the lines what our evaluator does, and that is what was asked for. `conf` is the
 * .config that conf wrote.
 */
export function agrees(solver: Solver, { goals }: Asked, { config }: Witness, conf: string): boolean {
  applyMode(solver.values, 'olddefconfig', { config });
  return meets(solver.values, goals) && renderMode(solver.values, 'olddefconfig') === conf;
}

function undeclaredIn({ pool, model }: Solver, exprs: readonly ExprId[]): SymbolName[] {
  const names = new Set(exprs.flatMap((e) => namesIn(pool, e)));
  return [...names].filter((name) => !isDeclared(pool, model, name));
}

/** Without unmet direct dependencies where that can be had. */
function witnessFor(solver: Solver, goals: readonly Goal[]): Outcome<{ witness: Witness }, { why?: string }> {
  const first = witnessWith(solver, goals);
  let found = first;
  const more: Goal[] = [];
  for (let round = 0; round < MOST_ROUNDS && found.ok && found.witness.unmet.length > 0; round++) {
    for (const name of found.witness.unmet) more.push(metDependency(solver, solver.pool.symbolId(name)));
    found = witnessWith(solver, [...goals, ...more]);
  }
  return found.ok && found.witness.unmet.length === 0 ? found : first;
}

const MOST_ROUNDS = 5;

/** That the direct dependency of a symbol which is on now reaches its value. */
function metDependency({ pool, model, values }: Solver, id: SymbolId): Goal {
  const symbol = model.symbols[id]!;
  const conditional = symbol.declarations.filter(({ hasDep }) => hasDep);
  const expr = conditional
    .map((declaration) => dependencies(declaration).reduce((all, { expr: e }) => pool.and(all, e), NONE))
    .reduce((any, all) => pool.or(any, all), NONE);
  return { expr, level: values.tristate(symbol) === 2 && symbol.type === SymbolType.tristate ? 2 : 1, holds: true };
}

function witnessWith(solver: Solver, goals: readonly Goal[]): Outcome<{ witness: Witness }, { why?: string }> {
  const found = solver.solve(goals);
  if (found.verdict === 'impossible') return { ok: false };
  if (found.verdict === 'gave-up') return { ok: false, why: found.why };
  const config = fragment(found.settings);
  // As a person would give it to olddefconfig: as text.
  applyMode(solver.values, 'olddefconfig', { config });
  if (!meets(solver.values, goals))
    return { ok: false, why: 'the settings lose their meaning as text, a fault of depbot' };
  const settings = found.settings
    .map(({ symbol, value }) => ({ symbol: symbol.name, value }))
    .sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
  return { ok: true, witness: { settings, config, unmet: solver.values.unmet.map(({ name }) => name) } };
}

/**
 * Which symbols a series lets behave in ways they could not before: the ones that it changes, and those that can be
 * on, off or without their dependency only because of these. Each step is asked of the solver, so that a select that
 * repeats what a dependency says, or one more driver that selects a helper, reaches nothing.
 */

import type { Level } from './cnf.ts';
import {
  any,
  defaultExpr,
  directDependencyOf,
  SignTable,
  selectedExpr,
  substitute,
  visibleExpr,
} from './conditions.ts';
import { type ExprId, Op, type SymbolId } from './expr.ts';
import type { KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import type { SymbolChange } from './properties.ts';
import type { Goal, Solver } from './solve.ts';
import type { TreeReaders } from './tree-readers.ts';

/** Questions asked of one architecture. */
const MOST_QUESTIONS = 1000;
/** Readers of new states looked at: the members of a choice all read each other. */
const MOST_READINGS = 200_000;
/** Steps whose conditions are kept on the way; beyond, only the first and the last. */
const MOST_STEPS = 6;

/** A symbol in a state that is new, and the goals under which it is. */
interface NewState {
  readonly symbol: KSymbol;
  readonly state: 'on' | 'off' | 'unmet';
  readonly goals: readonly Goal[];
}

export interface Reach {
  /** The changed symbols, then those reached, the nearest first. */
  readonly symbols: readonly SymbolId[];
  /** There may be more: it would have taken too many questions. */
  readonly isCut: boolean;
}

/** `solver` is that of the tree after. */
export function reachOf(solver: Solver, changes: ReadonlyMap<string, SymbolChange>, readers: TreeReaders): Reach {
  return new Search(solver, readers).from(changes);
}

class Search {
  readonly #solver: Solver;
  readonly #readers: TreeReaders;
  readonly #found = new Set<string>();
  readonly #reached: SymbolId[] = [];
  readonly #queue: NewState[] = [];
  readonly #formulas = new Map<SymbolId, Formulas>();
  readonly #signs: SignTable;
  #questions = 0;
  #readings = 0;

  constructor(solver: Solver, readers: TreeReaders) {
    this.#solver = solver;
    this.#readers = readers;
    this.#signs = new SignTable(solver.pool);
  }

  from(changes: ReadonlyMap<string, SymbolChange>): Reach {
    const touched: SymbolId[] = [];
    for (const { before, after } of changes.values()) {
      if (!after) continue;
      touched.push(after.id);
      for (const { state, level, goals } of statesOf(this.#solver, before, after))
        this.#take(after, state, level, goals);
    }
    for (let i = 0; i < this.#queue.length && !this.#isCut; i++) this.#follow(this.#queue[i]!);
    return { symbols: [...new Set([...touched, ...this.#reached])], isCut: this.#isCut };
  }

  get #isCut(): boolean {
    return this.#questions >= MOST_QUESTIONS || this.#readings >= MOST_READINGS;
  }

  #follow(cause: NewState): void {
    const { model, pool } = this.#solver;
    // As the readers would see it if the state were not new.
    const old = cause.state === 'on' ? pool.n : pool.y;
    const kept = cause.goals.length > MOST_STEPS ? [...cause.goals.slice(0, 2), ...cause.goals.slice(-2)] : cause.goals;
    for (const id of this.#readers.of(cause.symbol.id)) {
      const reader = model.symbols[id];
      if (!reader || reader === cause.symbol || reader.declarations.length === 0) continue;
      if (this.#isCut) return;
      this.#readings++;
      const is = this.#formulas.get(id) ?? formulas(this.#solver, reader);
      this.#formulas.set(id, is);
      const without = (e: ExprId): ExprId => substitute(pool, e, cause.symbol.id, old);
      // What grows with the reader's operand cannot be more than it is where that is on, nor less where it is off.
      const canGrow = (e: ExprId): boolean =>
        this.#signs.of(e, cause.symbol.id)[cause.state === 'on' ? 'more' : 'less'];
      const canShrink = (e: ExprId): boolean =>
        this.#signs.of(e, cause.symbol.id)[cause.state === 'on' ? 'less' : 'more'];
      const was = {
        on: canGrow(is.on) ? without(is.on) : is.on,
        off: canShrink(is.off) ? without(is.off) : is.off,
        dependency: canShrink(is.dependency) ? without(is.dependency) : is.dependency,
      };
      const states = newStates(this.#solver, reader, was, is);
      for (const { state, level, goals } of states) this.#take(reader, state, level, [...kept, ...goals]);
    }
  }

  /**
   * What is on against its own dependency is reached, and not followed: what comes of that is the same fault. Nor is
   * what lost its dependency: where it is not selected it is off, which it could be before.
   */
  #take(symbol: KSymbol, state: NewState['state'], level: Level, goals: readonly Goal[]): void {
    // what is never below m may still be m where all else is y
    const key = `${state} ${level} ${symbol.id}`;
    if (this.#found.has(key) || this.#questions >= MOST_QUESTIONS) return;
    if (state === 'unmet' && symbol.selectedBy.length === 0) return;
    if (!this.#isPossible(goals)) return;
    this.#found.add(key);
    this.#reached.push(symbol.id);
    if (state === 'off') this.#queue.push({ symbol, state, goals });
    if (state !== 'on') return;
    const { pool } = this.#solver;
    const met: Goal = { expr: directDependencyOf(pool, symbol), level, holds: true };
    if (this.#isPossible([...goals, met])) this.#queue.push({ symbol, state, goals: [...goals, met] });
  }

  #isPossible(goals: readonly Goal[]): boolean {
    this.#questions++;
    return this.#solver.isPossible(goals) !== false;
  }
}

/** When a symbol can be on, when it has to be, and its direct dependency. */
interface Formulas {
  readonly on: ExprId;
  readonly off: ExprId;
  readonly dependency: ExprId;
}

function formulas({ pool }: Solver, symbol: KSymbol): Formulas {
  const visible = visibleExpr(pool, symbol);
  const selected = selectedExpr(pool, symbol);
  const byDefault = defaultExpr(pool, symbol);
  return {
    on: any(pool, [visible, byDefault, selected]),
    // A prompt lets the user overrule the default.
    off: any(pool, [selected, pool.and(byDefault, pool.comparedWithNo(visible, Op.equal))]),
    dependency: directDependencyOf(pool, symbol),
  };
}

interface StateGoals {
  readonly state: NewState['state'];
  readonly level: Level;
  readonly goals: readonly Goal[];
}

/**
 * The states that are possible by `is` and not by `was`: each with the goals that say so, at least m and, where that
 * differs, y.
 */
function newStates({ pool, model }: Solver, { type, id }: KSymbol, was: Formulas, is: Formulas): StateGoals[] {
  const self = pool.symbol(id);
  const states = (level: Level, more: readonly Goal[]): StateGoals[] => {
    const yes = (expr: ExprId): Goal => ({ expr, level, holds: true });
    const no = (expr: ExprId): Goal => ({ expr, level, holds: false });
    const found: StateGoals[] = [];
    // What the model says of the symbol is said again in the words of `was`, so that one look tells what is new.
    if (was.on !== is.on) found.push({ state: 'on', level, goals: [yes(self), yes(is.on), no(was.on), ...more] });
    if (was.off !== is.off) found.push({ state: 'off', level, goals: [no(self), no(is.off), yes(was.off), ...more] });
    if (was.dependency !== is.dependency)
      found.push({ state: 'unmet', level, goals: [no(is.dependency), yes(was.dependency), ...more] });
    return found;
  };
  // For a bool m is as good as y, and without modules for all.
  if (type === SymbolType.bool || !model.modules) return states(1, []);
  const withModules: Goal = { expr: pool.symbol(model.modules.id), level: 1, holds: true };
  return [...states(1, []), ...states(2, [withModules])];
}

/** States of a changed symbol that its properties before exclude; all where that cannot be told. */
function statesOf(solver: Solver, before: KSymbol | undefined, after: KSymbol): StateGoals[] {
  const self = solver.pool.symbol(after.id);
  if (!before) return [{ state: 'on', level: 1, goals: [{ expr: self, level: 1, holds: true }] }];
  if (before.type !== after.type || before.choice || after.choice)
    return [
      { state: 'on', level: 1, goals: [] },
      { state: 'off', level: 1, goals: [] },
    ];
  return newStates(solver, after, formulas(solver, before), formulas(solver, after));
}

/**
 * What is always so where a goal is met: the symbols along the dependencies that no configuration with the goal goes
 * without. The witness shows one way; this is what all ways share.
 */

import type { SymbolName } from '../types.ts';
import { unicode } from './explain.ts';
import type { Position } from './explanation.ts';
import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import type { Edge, KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import { dependencies } from './properties.ts';
import type { Goal, Solver } from './solve.ts';

/** A symbol that always has this value; m stands for m or y. The place is that of a statement that asks for it. */
export interface Need extends Position {
  readonly symbol: SymbolName;
  readonly value: 'n' | 'm' | 'y';
  /** It has that value in every configuration, with the goal and without. */
  readonly isAlways: boolean;
}

/** An expression of a Kconfig file that always holds, though no single symbol in it has to. */
export interface Alternative extends Position {
  readonly text: string;
}

export interface Needs {
  readonly symbols: readonly Need[];
  readonly oneOf: readonly Alternative[];
}

/** A bound on the work; the longest list of Linux 6.12 is far below. */
const MOST_QUERIES = 2000;
/** With more symbols that select it, none of them is likely to be needed. */
const FEW_EDGES = 4;
const MOST_TEXT_CHARS = 300;

interface Source extends Position {
  readonly expr: ExprId;
}

/**
 * Follows the dependencies of `symbol`, then of each symbol that was found to be needed. The goals can be met, and
 * mean that the symbol is on. What the solver could not find out is left out.
 */
export function needsOf(solver: Solver, goals: readonly Goal[], symbol: KSymbol): Needs {
  return new NeedSearch(solver, goals).from(symbol);
}

class NeedSearch {
  readonly #solver: Solver;
  readonly #pool: ExprPool;
  readonly #goals: readonly Goal[];
  readonly #found = new Map<SymbolId, Need | undefined>();
  readonly #oneOf = new Map<ExprId, Alternative>();
  readonly #on: KSymbol[] = [];
  #queries = 0;

  constructor(solver: Solver, goals: readonly Goal[]) {
    this.#solver = solver;
    this.#pool = solver.pool;
    this.#goals = goals;
  }

  from(symbol: KSymbol): Needs {
    this.#found.set(symbol.id, undefined);
    this.#on.push(symbol);
    // An array grows while it is walked.
    for (const on of this.#on) for (const source of sourcesOf(this.#pool, on)) this.#take(source);
    return {
      symbols: [...this.#found.values()].filter((need) => need !== undefined),
      oneOf: [...this.#oneOf.values()],
    };
  }

  #take({ expr, path, line }: Source): void {
    for (const part of conjuncts(this.#pool, expr)) {
      const names = this.#pool.symbolsIn(part);
      const isNot = this.#pool.ops[part] === Op.not && names.length === 1;
      const needed = names.filter((id) => this.#isNeeded(id, isNot, { path, line }));
      if (needed.length > 0 || this.#pool.ops[part] !== Op.or || this.#oneOf.has(part)) continue;
      const isMet: Goal = { expr: part, level: 1, holds: true };
      if (!this.#isImplied(isMet) || this.#isImplied(isMet, [])) continue;
      this.#oneOf.set(part, { text: unicode(this.#pool.print(part), MOST_TEXT_CHARS), path, line });
    }
  }

  /** Whether the symbol always is on, or off where only that is of interest; notes it. */
  #isNeeded(id: SymbolId, isOff: boolean, at: Position): boolean {
    if (this.#found.has(id)) return this.#found.get(id) !== undefined || this.#on[0]?.id === id;
    const symbol = this.#solver.model.symbols[id];
    const isLevelled = symbol?.type === SymbolType.bool || symbol?.type === SymbolType.tristate;
    const need = isLevelled ? (isOff ? this.#needOff(symbol, at) : this.#needOn(symbol, at)) : undefined;
    if (!isOff || need) this.#found.set(id, need);
    if (need && !isOff) this.#on.push(symbol!);
    return need !== undefined;
  }

  #needOn(symbol: KSymbol, { path, line }: Position): Need | undefined {
    const expr = this.#pool.symbol(symbol.id);
    const isOn: Goal = { expr, level: 1, holds: true };
    if (!this.#isImplied(isOn)) return undefined;
    const isYes: Goal = { expr, level: 2, holds: true };
    const isYesToo = symbol.type === SymbolType.bool || this.#isImplied(isYes);
    const isAlways = this.#isImplied(isYesToo ? isYes : isOn, []);
    return { symbol: symbol.name, value: isYesToo ? 'y' : 'm', isAlways, path, line };
  }

  #needOff(symbol: KSymbol, { path, line }: Position): Need | undefined {
    const isOff: Goal = { expr: this.#pool.symbol(symbol.id), level: 1, holds: false };
    if (!this.#isImplied(isOff)) return undefined;
    return { symbol: symbol.name, value: 'n', isAlways: this.#isImplied(isOff, []), path, line };
  }

  /** Whether `goal` is met wherever all of `goals` are. */
  #isImplied(goal: Goal, goals: readonly Goal[] = this.#goals): boolean {
    if (++this.#queries > MOST_QUERIES) return false;
    const isPossible = this.#solver.isPossible([...goals, { ...goal, holds: !goal.holds }]);
    // It has taken long.
    if (isPossible === undefined) this.#queries += MOST_QUERIES / 20;
    return isPossible === false;
  }
}

/** Expressions that a symbol which is on may rest on: dependencies, conditions of prompts and defaults, selects. */
function sourcesOf(pool: ExprPool, symbol: KSymbol): Source[] {
  const edges: readonly Edge[] = symbol.selectedBy.length <= FEW_EDGES ? symbol.selectedBy : [];
  const own = [...symbol.prompts, ...symbol.defaults].map(({ cond, in: { path }, line }) => {
    return { expr: cond, path, line };
  });
  return [
    ...symbol.declarations.flatMap(dependencies),
    ...own,
    ...edges.map(({ from, cond, in: { path }, line }) => ({ expr: pool.and(pool.symbol(from.id), cond), path, line })),
    ...symbol.defaults.map(({ value, in: { path }, line }) => ({ expr: value, path, line })),
  ];
}

function conjuncts(pool: ExprPool, e: ExprId): ExprId[] {
  if (e === NONE) return [];
  if (pool.ops[e] !== Op.and) return [e];
  return [...conjuncts(pool, pool.lefts[e]!), ...conjuncts(pool, pool.rights[e]!)];
}

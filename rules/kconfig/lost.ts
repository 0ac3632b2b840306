/**
 * Symbols that some configuration of a tree could have and none of the tree after it can; and those that lost the
 * select of a helper without a prompt which they now depend on.
 */

import type { Level } from './cnf.ts';
import { directDependencyOf, edgeExpr, substitute } from './conditions.ts';
import { type ExprId, type ExprPool, NONE, type SymbolId } from './expr.ts';
import type { Setting } from './justify.ts';
import { MayBeOn } from './may-be-on.ts';
import { mayFall } from './may-fall.ts';
import { type Edge, isLogical, type KSymbol } from './model.ts';
import { answerPrompts } from './modes.ts';
import { SymbolType } from './parse.ts';
import type { Property, SymbolChange } from './properties.ts';
import type { Goal, Solver } from './solve.ts';
import type { TreeReaders } from './tree-readers.ts';
import type { UserClass } from './user-classes.ts';
import { Values } from './values.ts';

export interface Lost {
  /** In the tree before. */
  readonly symbol: KSymbol;
  /** 1: it cannot be enabled; 2: it can be m, and y no more. */
  readonly level: Level;
  /** The fewest settings with which the tree before has it. */
  readonly settings: readonly Setting[];
  /** Lost in this class only. */
  readonly within?: UserClass;
}

/** A symbol that selected a helper and depends on it instead. */
export interface Stranded extends Lost {
  /** The line that depends on the helper. */
  readonly property: Property;
  readonly helper: KSymbol;
}

export interface Losses {
  readonly lost: readonly Lost[];
  /** Of the symbols looked at, those that cannot be had in the tree after, at which level: lost, or never there. */
  readonly impossible: readonly { readonly symbol: SymbolId; readonly level: Level }[];
  /** There may be more: it would have taken too many questions. */
  readonly isCut: boolean;
}

/** Symbols of one architecture that the solver is asked about. */
const MOST_ASKED = 2000;

type Changes = ReadonlyMap<string, SymbolChange>;

/**
 * Looks at the changed symbols, and those that may fall with one of them, over whatever steps: in all configurations,
 * or in those of one class.
 */
export function lossesOf(
  before: Solver,
  after: Solver,
  changes: Changes,
  readers: TreeReaders,
  within?: UserClass,
): Losses {
  const { pool } = before;
  const goals = within ? [within.goal] : [];
  /** Evaluated where something may have fallen, which is seldom. */
  let all: Values | undefined;
  const mayBeOn = new MayBeOn(pool, before.model);
  const lost: Lost[] = [];
  const impossible: { symbol: SymbolId; level: Level }[] = [];
  let asked = 0;
  for (const id of mayFall(pool, after.model, changes, readers)) {
    const [was, is] = [before.model.symbols[id], after.model.symbols[id]];
    // What has no prompt is nobody's choice: a helper without users goes by itself.
    if (!was?.prompts.length || !is?.declarations.length || !isLogical(was) || is.type !== was.type) continue;
    all ??= allYes(after, within);
    if ((isOfClass(all, within) && all.tristate(is) === 2) || (!changes.has(was.name) && !mayBeOn.symbol(id))) continue;
    if (asked++ === MOST_ASKED) return { lost, impossible, isCut: true };
    const self = pool.symbol(id);
    if (after.isPossible([on(self, 2), ...goals]) !== false) continue;
    // For a bool m is as good as y.
    const isNever = was.type === SymbolType.bool || after.isPossible([on(self, 1), ...goals]) === false;
    impossible.push({ symbol: id, level: 2 });
    if (isNever) impossible.push({ symbol: id, level: 1 });
    const level = isNever ? 1 : 2;
    const answer = before.solve([on(self, level), ...goals]);
    if (answer.verdict === 'possible')
      lost.push({ symbol: was, level, settings: answer.settings, ...(within && { within }) });
  }
  return { lost, impossible, isCut: false };
}

/** As allyesconfig has it, in a class: most symbols can be y since they are y there. */
function allYes({ pool, model }: Solver, within: UserClass | undefined): Values {
  const values = new Values(pool, model);
  if (within) values.setTristate(within.without, 0);
  answerPrompts(values, 2);
  values.restart();
  return values;
}

function isOfClass(values: Values, within: UserClass | undefined): boolean {
  return within === undefined || values.tristate(within.without) === 0;
}

/**
 * Symbols whose select of a helper became a dependency, where the helper has no prompt, no default and nobody who
 * implies it, so that now somebody else has to select it.
 */
export function strandedBy(before: Solver, after: Solver, changes: Changes): Stranded[] {
  const { pool } = after;
  const found: Stranded[] = [];
  for (const { after: helper, removed } of changes.values()) {
    if (!helper || !isOnlySelected(pool, helper)) continue;
    for (const { edge } of removed) {
      const symbol = edge && after.model.symbols[edge.from.id];
      if (edge?.kind !== 'select' || !symbol || !isLogical(symbol)) continue;
      const property = changes
        .get(symbol.name)
        ?.added.find(({ kind, expr }) => kind === 'depends on' && mentions(pool, expr, helper));
      const rest = substitute(pool, directDependencyOf(pool, symbol), helper.id, pool.y);
      if (!property || !isLeftToOthers(after, symbol, rest, helper)) continue;
      const answer = before.solve([
        on(pool.symbol(symbol.id), 1),
        on(edgeExpr(pool, edge), 1),
        on(rest, 1),
        notForTesting(pool),
        ...othersOf(edge).map((other): Goal => ({ expr: edgeExpr(pool, other), level: 1, holds: false })),
      ]);
      if (answer.verdict === 'possible')
        found.push({ symbol: edge.from, level: 1, settings: answer.settings, property, helper });
    }
  }
  return found;
}

/** Whether nothing but a select turns it on: a `default n` does not. */
function isOnlySelected(pool: ExprPool, { prompts, defaults, impliedBy }: KSymbol): boolean {
  const never = pool.symbol(pool.n);
  return prompts.length + impliedBy.length === 0 && defaults.every(({ value }) => value === never);
}

/** Whether all else that the symbol needs can be there, on a real machine, and the helper not; which the symbol needs. */
function isLeftToOthers(after: Solver, symbol: KSymbol, rest: ExprId, helper: KSymbol): boolean {
  const { pool } = after;
  const isOff: Goal = { expr: pool.symbol(helper.id), level: 1, holds: false };
  return (
    after.isPossible([on(rest, 1), isOff, notForTesting(pool)]) === true &&
    after.isPossible([on(pool.symbol(symbol.id), 1), isOff]) === false
  );
}

/** A kernel that somebody runs, rather than compiles to see whether it does. */
export function notForTesting(pool: ExprPool): Goal {
  return { expr: pool.symbol(pool.symbolId('COMPILE_TEST')), level: 1, holds: false };
}

function othersOf(edge: Edge): Edge[] {
  return edge.to.selectedBy.filter(({ from }) => from !== edge.from);
}

function mentions(pool: ExprPool, expr: number, { id }: KSymbol): boolean {
  let is = false;
  if (expr !== NONE)
    pool.symbolsOf(expr, (one) => {
      is ||= one === id;
    });
  return is;
}

function on(expr: number, level: Level): Goal {
  return { expr, level, holds: true };
}

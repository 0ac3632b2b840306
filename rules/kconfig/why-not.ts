/**
 * Why something cannot be: the statements of the Kconfig files that exclude it, none more than needed, in an order that
 * leads from what was asked to what is behind it.
 */

import type { Encoding } from './cnf.ts';
import { type ExprPool, NONE } from './expr.ts';
import type { Declaration, KconfigModel, KSymbol } from './model.ts';
import type { Reason } from './reason.ts';
import type { Lit } from './sat.ts';

/**
 * Statements of a traced encoding that exclude the literals; without any one of them, the rest does not. Undefined where
 * the literals have a solution, or none was found within so many conflicts a step.
 */
export function core(encoding: Encoding, literals: readonly Lit[], mostConflicts: number): Reason[] | undefined {
  encoding.demand(literals);
  const reasons = new Map(encoding.guards.map(({ lit, reason }) => [lit, reason]));
  const { sat } = encoding;
  if (sat.solve([...literals, ...reasons.keys()], mostConflicts) !== 'unsat') return undefined;
  const blamed = new Set(sat.failed);
  let kept = [...reasons.keys()].filter((lit) => blamed.has(lit));
  for (const lit of kept.toReversed()) {
    if (!kept.includes(lit)) continue;
    const fewer = kept.filter((other) => other !== lit);
    if (sat.solve([...literals, ...fewer], mostConflicts) !== 'unsat') continue;
    const failed = new Set(sat.failed);
    kept = fewer.filter((other) => failed.has(other));
  }
  return kept.map((lit) => reasons.get(lit)!);
}

/** First what is said of the symbols asked about, then of those that these statements mention, and so on. */
export function inReadingOrder(
  pool: ExprPool,
  model: KconfigModel,
  asked: readonly { readonly expr: number }[],
  reasons: readonly Reason[],
): Reason[] {
  // What a symbol is comes before what it depends on.
  const left = new Set(reasons.toSorted((a, b) => place(a) - place(b)));
  const ordered: Reason[] = [];
  const reached = new Set<number>();
  const reach = (expr: number): void => {
    if (expr !== NONE) pool.symbolsOf(expr, (id) => reached.add(id));
  };
  for (const { expr } of asked) reach(expr);
  // The set grows while it is walked.
  for (const id of reached) {
    if (left.size === 0) break;
    const subject = model.symbols[id];
    const about = linesAround(subject);
    for (const reason of left) {
      const { symbol, kind, path, line, expr, from } = reason;
      const isOwn = symbol ? symbol.id === id : about.has(`${path}:${line}`);
      if (!isOwn && !(kind === 'undeclared' && pool.lefts[expr] === id)) continue;
      left.delete(reason);
      ordered.push(reason);
      if (from) reached.add(from.id);
      reach(expr);
    }
    // Behind what it depends on: why nothing selects it.
    for (const edge of subject?.selectedBy ?? []) reached.add(edge.from.id);
  }
  return [...ordered, ...left];
}

function place({ kind }: Reason): number {
  if (kind === 'definition') return 0;
  return kind === 'depends on' || kind === 'if' || kind === 'visible if' ? 2 : 1;
}

/** `path:line` of every dependency of a block around the symbol. */
function linesAround(symbol: KSymbol | undefined): Set<string> {
  const lines = new Set<string>();
  for (const declaration of symbol?.declarations ?? []) {
    for (let block: Declaration | undefined = declaration.parent; block; block = block.parent)
      for (const { line } of block.dependencies) lines.add(`${block.path}:${line}`);
  }
  return lines;
}

/** The lines of a reply that show why a symbol cannot be. */

import type { ExprPool } from './kconfig/expr.ts';
import { NONE } from './kconfig/expr.ts';
import type { KSymbol } from './kconfig/model.ts';
import type { Reason } from './kconfig/reason.ts';
import type { KernelChange } from './rule.ts';
import { type Place, placeAt } from './told.ts';

export interface ExcludingLines {
  /** Of the tree after, in reading order; each once. */
  readonly lines: readonly Place[];
  /** How many more there are. */
  readonly more: number;
  /** Symbols that the architecture does not declare, as far as that takes part. */
  readonly undeclared: readonly string[];
}

const MOST_LINES = 8;

/** `core`: what Solver.whyNot says of `symbol`. */
export function excludingLines(change: KernelChange, core: readonly Reason[], symbol: KSymbol): ExcludingLines {
  const lines = new Map<string, Place>();
  for (const reason of core) {
    const at = lineFor(reason, symbol);
    if (at) lines.set(`${at.path}:${at.line}`, placeAt(change, at.path, at.line));
  }
  return {
    lines: [...lines.values()].slice(0, MOST_LINES),
    more: Math.max(0, lines.size - MOST_LINES),
    undeclared: undeclaredIn(change.pool, core),
  };
}

/**
 * That a symbol has no more than its entry says is worth a line where that is no prompt that always shows. The first
 * line of the entry, by which templates know it, where there is neither prompt nor default.
 */
function lineFor(reason: Reason, asked: KSymbol): { readonly path: string; readonly line: number } | undefined {
  const { kind, symbol } = reason;
  if (kind === 'undeclared') return undefined;
  if (kind !== 'definition' || !symbol) return reason;
  if (symbol.id === asked.id) return undefined;
  const [prompt] = symbol.prompts;
  if (prompt) return prompt.cond === NONE ? undefined : { path: prompt.in.path, line: prompt.line };
  const [value] = symbol.defaults;
  return value ? { path: value.in.path, line: value.line } : reason;
}

function undeclaredIn(pool: ExprPool, core: readonly Reason[]): string[] {
  const names = core.flatMap(({ kind, expr }) => (kind === 'undeclared' ? [pool.names[pool.lefts[expr]!]!] : []));
  return [...new Set(names)].sort();
}

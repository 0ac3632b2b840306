/** Symbols of a series whose code is looked at first, or last. */

import type { KSymbol } from '../kconfig/model.ts';
import type { ArchPair } from '../rule.ts';

/** Who selects differently than before: code of theirs relies on what is selected. */
export function selectorsOf({ after, changes }: ArchPair): KSymbol[] {
  const edges = [...changes.values()].flatMap(({ removed, added }) => [...removed, ...added]);
  return edges.flatMap(({ edge }) => (edge && after.symbols[edge.from.id]) ?? []);
}

/** An entry may have its code built under a helper that it selects: what it selects beside, that code needs. */
export function helpersOf(selectors: readonly KSymbol[]): KSymbol[] {
  return selectors.flatMap(({ selects }) => selects.map(({ to }) => to)).filter(({ prompts }) => prompts.length === 0);
}

/** Whose own entry the series changes, rather than those that select it. */
export function changedThemselves({ after, changes }: ArchPair): KSymbol[] {
  return [...changes.values()].flatMap(({ after: symbol, removed, added }) =>
    symbol && [...removed, ...added].some(({ edge }) => !edge) ? (after.symbols[symbol.id] ?? []) : [],
  );
}

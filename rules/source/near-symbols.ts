/** Symbols of a series whose code is looked at first, or last; and whose a file is. */

import type { Presence } from '../kbuild/presence.ts';
import type { KSymbol } from '../kconfig/model.ts';
import type { ArchPair, KernelChange } from '../rule.ts';

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

/** The symbol of the last line that decides about an object. */
export function ownerOf(pool: KernelChange['pool'], { after }: ArchPair, { ways }: Presence): KSymbol | undefined {
  for (const { lines } of ways) {
    for (const { text } of lines.toReversed()) {
      const name = /\bCONFIG_(\w+)/.exec(text)?.[1];
      const id = name === undefined ? undefined : pool.findSymbol(name);
      const symbol = id === undefined ? undefined : after.symbols[id];
      if (symbol && symbol.declarations.length > 0) return symbol;
    }
  }
  return undefined;
}

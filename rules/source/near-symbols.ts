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

/** Entries that may select one thing for the same purpose; a capability that more have says nothing of their code. */
const FEW_SELECTORS = 3;

/**
 * Who alone makes entries of the same Kconfig file possible, by selecting a symbol without a prompt that they depend
 * on: a board of one processor, whose code relies on what the processor's entry selects.
 */
export function enablersOf(pool: KernelChange['pool'], { after }: ArchPair, symbols: readonly KSymbol[]): KSymbol[] {
  const found = symbols.flatMap(({ declarations }) => {
    const files = new Set(declarations.map(({ path }) => path));
    const isBeside = (one: KSymbol): boolean => one.declarations.some(({ path }) => files.has(path));
    return declarations.flatMap(({ dep }) =>
      pool.symbolsIn(dep).flatMap((id) => {
        const needed = after.symbols[id];
        if (!needed || needed.prompts.length > 0 || needed.defaults.length > 0) return [];
        const by = new Set(needed.selectedBy.map(({ from }) => from));
        return by.size <= FEW_SELECTORS ? [...by].filter(isBeside) : [];
      }),
    );
  });
  return [...new Set(found)];
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

/** Whether an object's being built hangs on a symbol. */
export function mentions(pool: KernelChange['pool'], { builtIn, module }: Presence, { id }: KSymbol): boolean {
  let found = false;
  for (const e of [builtIn, module])
    pool.symbolsOf(e, (one) => {
      found ||= one === id;
    });
  return found;
}

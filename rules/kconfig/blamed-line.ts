/**
 * The line of the series that lets something happen in a configuration: on a symbol that takes part, or on one that
 * these get their value from.
 */

import { findCause, propertyLine } from './cause.ts';
import { NONE, type SymbolId } from './expr.ts';
import type { KSymbol } from './model.ts';
import { operands } from './operands.ts';
import type { Property, SymbolChange } from './properties.ts';
import type { Upgrade } from './upgrade.ts';

export interface BlamedLine {
  readonly property: Property;
  readonly side: 'before' | 'after';
  /** The line as it stands there. */
  readonly text: string;
}

/** Symbols looked at on the way to a changed one. */
const MOST_FOLLOWED = 2000;

/**
 * Lines to blame, the likeliest first: of the symbols whose values the series changes in the configuration `config`,
 * then of the nearest changed symbols that they read. `upgrade` is left with that configuration.
 */
export function blamedLines(
  upgrade: Upgrade,
  changes: ReadonlyMap<string, SymbolChange>,
  symbols: readonly KSymbol[],
  config: string,
): BlamedLine[] {
  const found: BlamedLine[] = [];
  const add = (property: Property, side: 'before' | 'after'): void => {
    found.push({ property, side, text: propertyLine(property) });
  };
  const moved = upgrade.run(config);
  for (const { name } of symbols) {
    const change = moved.get(name);
    const cause = change && findCause(upgrade, moved, change);
    if (cause) add(cause.property, cause.side);
  }
  for (const change of nearest(upgrade, changes, symbols)) {
    // A new symbol is told by its first line.
    for (const property of change.before ? byLikelihood(change.added) : change.added.slice(0, 1))
      add(property, 'after');
    for (const property of change.after ? byLikelihood(change.removed) : []) add(property, 'before');
  }
  return found;
}

function byLikelihood(properties: readonly Property[]): Property[] {
  const weight = ({ kind, expr }: Property): number =>
    kind === 'selected by' || (kind === 'depends on' && expr !== NONE) ? 0 : kind === 'declaration' ? 2 : 1;
  return properties.toSorted((a, b) => weight(a) - weight(b));
}

/** Changed symbols among those given and what they read, the nearest first. */
function* nearest(
  { after: { model, pool } }: Upgrade,
  changes: ReadonlyMap<string, SymbolChange>,
  symbols: readonly KSymbol[],
): Generator<SymbolChange> {
  const seen = new Set<SymbolId>(symbols.map(({ id }) => id));
  const queue = [...seen];
  for (let i = 0; i < queue.length && i < MOST_FOLLOWED; i++) {
    const symbol = model.symbols[queue[i]!];
    if (!symbol) continue;
    const change = changes.get(symbol.name);
    if (change) yield change;
    for (const next of operands(pool, symbol)) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(next);
    }
  }
}

/**
 * Which symbols a change may keep from what they could be: those that it touches or reaches with the sign that lowers
 * them. A driver that selects one helper more raises the helper and all that depend on it; only what depends on its
 * absence may fall.
 */

import { defaultExpr, SignTable, selectedExpr, visibleExpr } from './conditions.ts';
import type { ExprId, ExprPool, SymbolId } from './expr.ts';
import type { KconfigModel, KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import type { Property, PropertyKind, SymbolChange } from './properties.ts';
import type { TreeReaders } from './tree-readers.ts';

/** What can become of a symbol's greatest value. */
type Direction = 'up' | 'down';

const ANY: readonly Direction[] = ['up', 'down'];

/** In the tree after, the nearest first. */
export function* mayFall(
  pool: ExprPool,
  model: KconfigModel,
  changes: ReadonlyMap<string, SymbolChange>,
  readers: TreeReaders,
): Generator<SymbolId> {
  const seen: Record<Direction, Set<SymbolId>> = { up: new Set(), down: new Set() };
  const queue: (readonly [SymbolId, Direction])[] = [];
  const put = (id: SymbolId, directions: readonly Direction[]): void => {
    for (const direction of directions) {
      if (seen[direction].has(id)) continue;
      seen[direction].add(id);
      queue.push([id, direction]);
    }
  };
  for (const change of changes.values()) {
    const id = (change.after ?? change.before)!.id;
    put(id, directionsOf(change));
    for (const side of [change.before, change.after])
      for (const member of side?.choice?.members ?? []) put(member.id, ANY);
  }
  const follow = new Following(pool);
  // The queue grows while it is walked.
  for (const [id, direction] of queue) {
    if (direction === 'down') yield id;
    for (const reader of readers.of(id)) {
      const symbol = model.symbols[reader];
      if (!symbol || symbol.declarations.length === 0) continue;
      put(reader, follow.to(symbol, id, direction));
      if (symbol.choice) for (const member of symbol.choice.members) put(member.id, ANY);
    }
    // All tristates read MODULES, without saying so.
    if (id === model.modules?.id)
      for (const { type, id: reader } of model.declared) if (type === SymbolType.tristate) put(reader, ANY);
  }
}

/** Which way properties move the greatest value where they come; where they go, it is the other. */
const RAISING: ReadonlySet<PropertyKind> = new Set(['selected by', 'implied by']);
const LOWERING: ReadonlySet<PropertyKind> = new Set(['depends on']);

function directionsOf({ before, after, added, removed }: SymbolChange): readonly Direction[] {
  if (!before || !after || before.choice || after.choice || before.declarations.length !== after.declarations.length)
    return ANY;
  const are = (properties: readonly Property[], kinds: ReadonlySet<PropertyKind>): boolean =>
    properties.every(({ kind }) => kinds.has(kind));
  // A line that was changed both goes and comes.
  if (are(added, RAISING) && are(removed, LOWERING)) return ['up'];
  if (are(added, LOWERING) && are(removed, RAISING)) return ['down'];
  return ANY;
}

class Following {
  readonly #pool: ExprPool;
  readonly #signs: SignTable;
  /** All that says what a symbol can be. */
  readonly #formulas = new Map<SymbolId, readonly ExprId[]>();

  constructor(pool: ExprPool) {
    this.#pool = pool;
    this.#signs = new SignTable(pool);
  }

  /** Where a reader goes when what it reads goes in a direction. */
  to(reader: KSymbol, read: SymbolId, direction: Direction): readonly Direction[] {
    if (reader.choice || (reader.type !== SymbolType.bool && reader.type !== SymbolType.tristate)) return ANY;
    const other = direction === 'up' ? 'down' : 'up';
    let [same, opposite] = [false, false];
    for (const e of this.#formulasOf(reader)) {
      const { more, less } = this.#signs.of(e, read);
      same ||= more;
      opposite ||= less;
    }
    return [...(same ? [direction] : []), ...(opposite ? [other as Direction] : [])];
  }

  #formulasOf(symbol: KSymbol): readonly ExprId[] {
    const known = this.#formulas.get(symbol.id);
    if (known) return known;
    const made = [visibleExpr, defaultExpr, selectedExpr].map((formula) => formula(this.#pool, symbol));
    this.#formulas.set(symbol.id, made);
    return made;
  }
}

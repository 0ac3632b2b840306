/**
 * What becomes of one configuration when the tree changes: `olddefconfig` before and after, and the
 * symbols whose values differ. Only what a changed symbol can reach is computed, since a symbol with
 * the same properties and the same inputs has the same value.
 */

import { readConfig } from './dotconfig.ts';
import type { ExprPool } from './expr.ts';
import type { KconfigModel, KSymbol } from './model.ts';
import type { SymbolChange } from './properties.ts';
import { Readers } from './readers.ts';
import { Values } from './values.ts';

export interface ValueChange {
  readonly name: string;
  readonly before: KSymbol;
  readonly after: KSymbol;
  /** `y`, `m`, `n` or the text. */
  readonly from: string;
  readonly to: string;
  /** What the configuration itself asks for, undefined where it does not name the symbol. */
  readonly asked: string | undefined;
}

export class Upgrade {
  readonly before: Values;
  readonly after: Values;
  readonly #changes: ReadonlyMap<string, SymbolChange>;
  readonly #seeds: readonly string[];
  readonly #readers: readonly [Readers, Readers];

  constructor(pool: ExprPool, before: KconfigModel, after: KconfigModel, changes: ReadonlyMap<string, SymbolChange>) {
    this.before = new Values(pool, before);
    this.after = new Values(pool, after);
    this.#changes = changes;
    this.#readers = [new Readers(pool, before), new Readers(pool, after)];
    this.#seeds = [...seeds(changes)];
  }

  /**
   * Symbols declared on both sides whose value differs in this configuration, by name. `before` and
   * `after` keep the configuration's values until the next call.
   */
  run(config: string, configAfter: string = config): Map<string, ValueChange> {
    for (const [values, text] of [[this.before, config], [this.after, configAfter]] as const) {
      readConfig(values, text, '.config');
      values.restart();
    }
    const found = new Map<string, ValueChange>();
    const seen = new Set<string>();
    const queue = [...this.#seeds];
    for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
      if (seen.has(name)) continue;
      seen.add(name);
      const id = this.before.pool.findSymbol(name)!;
      const b = this.before.model.symbols[id];
      const a = this.after.model.symbols[id];
      const from = b ? this.before.text(b) : name;
      const to = a ? this.after.text(a) : name;
      const isOnBoth = b !== undefined && a !== undefined && b.declarations.length > 0 && a.declarations.length > 0;
      if (from === to && isOnBoth) continue;
      if (isOnBoth) found.set(name, { name, before: b, after: a, from, to, asked: this.before.user(b) });
      for (const readers of this.#readers) for (const reader of readers.of(id)) queue.push(reader.name);
    }
    return found;
  }

  /** How a symbol's own properties changed; undefined where they did not. */
  changeOf(name: string): SymbolChange | undefined {
    return this.#changes.get(name);
  }
}

/** Changed symbols, and with a choice member all others of its choice. */
function seeds(changes: ReadonlyMap<string, SymbolChange>): Set<string> {
  const names = new Set<string>();
  for (const [name, { before, after }] of changes) {
    names.add(name);
    for (const side of [before, after]) for (const member of side?.choice?.members ?? []) names.add(member.name);
  }
  return names;
}

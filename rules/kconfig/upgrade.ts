/**
 * What becomes of one configuration when the tree changes: `olddefconfig` before and after, and the
 * symbols whose values differ. Only what a changed symbol can reach is computed, since a symbol with
 * the same properties and the same inputs has the same value.
 */

import { lineOf, valueOn } from './config-line.ts';
import { readConfig } from './dotconfig.ts';
import type { ExprPool, SymbolId } from './expr.ts';
import type { Choice, KconfigModel, KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import type { SymbolChange } from './properties.ts';
import type { TreeReaders } from './tree-readers.ts';
import { Values } from './values.ts';

export interface ValueChange {
  readonly name: string;
  readonly before: KSymbol;
  readonly after: KSymbol;
  /** `y`, `m`, `n` or the text; `not set` for an int, hex or string without a line in .config. */
  readonly from: string;
  readonly to: string;
  /** What the configuration itself asks for, undefined where it does not name the symbol. */
  readonly asked: string | undefined;
  /** The same for the configuration as the series leaves it. */
  readonly askedAfter: string | undefined;
}

/** A symbol of the tree before that the one after does not declare, and that the configuration has. */
export interface GoneValue {
  readonly before: KSymbol;
  /** `y`, `m` or the text. */
  readonly from: string;
  /** As of a ValueChange. */
  readonly asked: string | undefined;
  readonly askedAfter: string | undefined;
}

/** For comparing values: n and `not set` are 0, m is 1, y and texts are 2. */
export function rank(value: string): number {
  return value === 'n' || value === 'not set' ? 0 : value === 'm' ? 1 : 2;
}

export class Upgrade {
  readonly before: Values;
  readonly after: Values;
  readonly #changes: ReadonlyMap<string, SymbolChange>;
  readonly #seeds: readonly SymbolId[];
  readonly #readers: TreeReaders;
  #gone: ReadonlyMap<string, GoneValue> = new Map();

  constructor(
    pool: ExprPool,
    before: KconfigModel,
    after: KconfigModel,
    changes: ReadonlyMap<string, SymbolChange>,
    readers: TreeReaders,
  ) {
    this.before = new Values(pool, before);
    this.after = new Values(pool, after);
    this.#changes = changes;
    this.#readers = readers;
    this.#seeds = [...seeds(changes)];
  }

  /**
   * Symbols declared on both sides whose value differs in this configuration, by name. `before` and
   * `after` keep the configuration's values until the next call.
   */
  run(config: string, configAfter: string = config): Map<string, ValueChange> {
    for (const [values, text] of [
      [this.before, config],
      [this.after, configAfter],
    ] as const) {
      readConfig(values, text, '.config');
      values.restart();
    }
    const found = new Map<string, ValueChange>();
    const gone = new Map<string, GoneValue>();
    const seen = new Set<SymbolId>();
    const queue = [...this.#seeds];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      const b = declared(this.before.model.symbols[id]);
      const a = declared(this.after.model.symbols[id]);
      if (!b && !a) continue;
      if (b && a) {
        const from = written(this.before, b);
        const to = written(this.after, a);
        // What is not written is read all the same, by comparisons.
        if (from === to && this.before.text(b) === this.after.text(a)) continue;
        if (from !== to) {
          const asked = askedOf(this.before, b, a, config);
          const askedAfter = askedOf(this.after, a, b, configAfter);
          found.set(b.name, { name: b.name, before: b, after: a, from, to, asked, askedAfter });
        }
      }
      if (b && !a) {
        const from = written(this.before, b);
        const [asked, askedAfter] = [this.before.user(b), valueOn(lineOf(configAfter, b.name))];
        if (rank(from) > 0) gone.set(b.name, { before: b, from, asked, askedAfter });
      }
      for (const reader of this.#readers.of(id)) if (!seen.has(reader)) queue.push(reader);
      if ((b ?? a) === (b ? this.before : this.after).model.modules) queue.push(...this.#tristates());
    }
    this.#gone = gone;
    return found;
  }

  /** Symbols that the configuration of the last run() has, and that are not declared any more; by name. */
  get gone(): ReadonlyMap<string, GoneValue> {
    return this.#gone;
  }

  /** All of them read MODULES, without saying so. */
  #tristates(): SymbolId[] {
    const tristates = [this.before, this.after].flatMap(({ model }) =>
      model.declared.filter((s) => s.type === SymbolType.tristate),
    );
    return tristates.map((symbol) => symbol.id);
  }

  /** How a symbol's own properties changed; undefined where they did not. */
  changeOf(name: string): SymbolChange | undefined {
    return this.#changes.get(name);
  }
}

/** The value as it is written to .config. */
function written(values: Values, symbol: KSymbol): string {
  const isTristate = symbol.type === SymbolType.bool || symbol.type === SymbolType.tristate;
  return isTristate || values.isWritten(symbol) ? values.text(symbol) : 'not set';
}

/** What the text asks for; of a type that refuses it (m for a bool) all the same, as long as the other side reads it. */
function askedOf(values: Values, symbol: KSymbol, other: KSymbol, config: string): string | undefined {
  const user = values.user(symbol);
  return user === undefined && symbol.type !== other.type ? valueOn(lineOf(config, symbol.name)) : user;
}

/** Changed symbols, and with a choice member all others of its choice. */
function seeds(changes: ReadonlyMap<string, SymbolChange>): Set<SymbolId> {
  const ids = new Set<SymbolId>();
  const choices = new Set<Choice>();
  for (const { before, after } of changes.values()) {
    for (const side of [before, after]) {
      if (side) ids.add(side.id);
      if (side?.choice) choices.add(side.choice);
    }
  }
  for (const { members } of choices) for (const { id } of members) ids.add(id);
  return ids;
}

function declared(symbol: KSymbol | undefined): KSymbol | undefined {
  return symbol && symbol.declarations.length > 0 ? symbol : undefined;
}

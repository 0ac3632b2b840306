/** What is built for a symbol, on both sides of a change, one architecture after the other. */

import type { Level } from '../kconfig/cnf.ts';
import type { KSymbol } from '../kconfig/model.ts';
import type { Goal } from '../kconfig/solve.ts';
import type { ArchPair, KernelChange } from '../rule.ts';
import type { Side, SymbolName } from '../types.ts';
import { consumersOf, type Mentions, mentionsOf, nearMentions } from './consumers.ts';
import { KbuildError } from './error.ts';
import { KbuildStore } from './files.ts';
import { KbuildTree, symbolTypes } from './kbuild-tree.ts';
import type { Presence } from './presence.ts';

/** Symbols looked for in the whole tree: each takes seconds. */
const MOST_SEARCHED = 8;

export class BuiltFor {
  readonly #change: KernelChange;
  readonly #store: KbuildStore;
  readonly #mentions = new Map<string, Promise<Mentions | undefined>>();
  /** Of the architecture asked about last. */
  readonly #trees = new Map<Side, { readonly pair: ArchPair; readonly tree: Promise<KbuildTree> }>();

  constructor(change: KernelChange) {
    this.#change = change;
    this.#store = new KbuildStore(change.pool);
  }

  /** Objects that the makefile beside the symbol's entry lists for it. Undefined where that cannot be told. */
  near(pair: ArchPair, side: Side, symbol: KSymbol): Promise<Presence[] | undefined> {
    const { tree } = this.#change[side];
    const { path } = symbol.declarations[0]!;
    return this.#consumers(pair, side, symbol.name, nearMentions(tree, symbol.name, path));
  }

  /** All objects that hang on the symbol or ask for it. Undefined where that cannot be told. */
  all(pair: ArchPair, side: Side, symbol: KSymbol): Promise<Presence[] | undefined> {
    const key = `${side} ${symbol.name}`;
    let mentions = this.#mentions.get(key);
    if (!mentions) {
      if (this.#mentions.size >= 2 * MOST_SEARCHED) return Promise.resolve(undefined);
      this.#mentions.set(key, (mentions = mentionsOf(this.#change[side].tree, symbol.name)));
    }
    return this.#consumers(pair, side, symbol.name, mentions);
  }

  /** That none of the objects is built. */
  noneOf(objects: readonly Presence[]): Goal[] {
    const { conditions } = this.#store;
    const level: Level = 1;
    return objects.map(({ builtIn, module, elsewhere }) => ({
      expr: conditions.or(conditions.or(builtIn, module), elsewhere),
      level,
      holds: false,
    }));
  }

  async #consumers(
    pair: ArchPair,
    side: Side,
    symbol: SymbolName,
    named: Promise<Mentions | undefined>,
  ): Promise<Presence[] | undefined> {
    const mentions = await named;
    if (!mentions) return undefined;
    try {
      return await consumersOf(await this.#tree(pair, side), pair.arch, this.#change.pool, symbol, mentions);
    } catch (error) {
      // What make refuses is another rule's matter.
      if (error instanceof KbuildError) return undefined;
      throw error;
    }
  }

  #tree(pair: ArchPair, side: Side): Promise<KbuildTree> {
    const known = this.#trees.get(side);
    if (known?.pair === pair) return known.tree;
    const tree = KbuildTree.open(this.#store, this.#change[side].tree, {
      arch: pair.arch,
      symbolType: symbolTypes(this.#change.pool, pair[side]),
    });
    this.#trees.set(side, { pair, tree });
    return tree;
  }
}

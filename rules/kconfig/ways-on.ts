/** What can turn a symbol on, read from the files alone: of all architectures at once. */

import type { ExprPool, SymbolId } from './expr.ts';
import { type KconfigFile, Kind } from './parse.ts';

export interface WaysOn {
  /** Who selects it, with the file of the first such line; in the order of their names. */
  readonly selectors: readonly { readonly name: string; readonly path: string }[];
  /** Somewhere it has a prompt, a default other than n, a line that cannot be told, or somebody implies it. */
  readonly hasOthers: boolean;
}

/** `files` by path: those of one tree. */
export function waysOn(pool: ExprPool, files: ReadonlyMap<string, KconfigFile>, symbol: SymbolId): WaysOn {
  const selectors = new Map<string, string>();
  let hasOthers = false;
  for (const [path, { statements }] of files) {
    let within: SymbolId = -1;
    for (const { kind, symbol: named, text, expr } of statements) {
      if (kind === Kind.config || kind === Kind.menuconfig) within = named;
      else if (kind < Kind.source) within = -1;
      else if (kind === Kind.select && named === symbol && within >= 0) {
        const name = pool.names[within]!;
        if (!selectors.has(name)) selectors.set(name, path);
      } else if (kind === Kind.imply) hasOthers ||= named === symbol;
      else if (within === symbol) {
        hasOthers ||= kind === Kind.prompt || kind === Kind.raw || (kind === Kind.type && text !== '');
        hasOthers ||= kind === Kind.default && expr !== pool.symbol(pool.n);
      }
    }
  }
  const sorted = [...selectors].sort(([a], [b]) => (a < b ? -1 : 1));
  return { selectors: sorted.map(([name, path]) => ({ name, path })), hasOthers };
}

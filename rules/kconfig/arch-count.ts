/**
 * Whether something that was found out of a symbol, architecture by architecture, holds for all that declare it. Models
 * are not kept, so it is counted.
 */

import type { SymbolId } from './expr.ts';
import type { KconfigModel } from './model.ts';

export class ArchCount {
  /** By symbol: architectures that declare it. */
  #declared = new Uint16Array(0);
  readonly #found = new Map<SymbolId, number>();

  /** Takes an architecture in; all are of one pool. */
  take({ symbols }: KconfigModel): void {
    if (symbols.length > this.#declared.length) {
      const wider = new Uint16Array(2 * symbols.length);
      wider.set(this.#declared);
      this.#declared = wider;
    }
    for (const symbol of symbols) if (symbol && symbol.declarations.length > 0) this.#declared[symbol.id]! += 1;
  }

  /** It holds for the symbol on one of the architectures taken in: once for each. */
  found(symbol: SymbolId): void {
    this.#found.set(symbol, (this.#found.get(symbol) ?? 0) + 1);
  }

  /** Whether it holds for the symbol on every architecture that declares it. */
  isEverywhere(symbol: SymbolId): boolean {
    return (this.#found.get(symbol) ?? 0) === (this.#declared[symbol] ?? 0);
  }
}

/**
 * Whether something that was found out of a symbol, architecture by architecture, holds for all that declare it. Models
 * are not kept, so it is counted.
 */

import type { KconfigModel } from './model.ts';

export class ArchCount {
  readonly #declared = new Map<string, number>();
  readonly #found = new Map<string, number>();

  /** Takes an architecture in. */
  take({ symbols }: KconfigModel): void {
    for (const symbol of symbols) if (symbol && symbol.declarations.length > 0) add(this.#declared, symbol.name);
  }

  /** It holds for `name` on one of the architectures taken in: once for each. */
  found(name: string): void {
    add(this.#found, name);
  }

  /** Whether it holds for `name` on every architecture that declares it. */
  isEverywhere(name: string): boolean {
    return (this.#found.get(name) ?? 0) === (this.#declared.get(name) ?? 0);
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

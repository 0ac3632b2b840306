/** Repairs over all architectures: a line that helps on one of them must do no harm on any other. */

import { dependencyOf } from './kconfig/conditions.ts';
import type { ExprPool } from './kconfig/expr.ts';
import type { KconfigModel, KSymbol } from './kconfig/model.ts';
import { doesNoHarm, type Fault, type Proposal, type Repair, tried } from './kconfig/repairs.ts';
import { Solver } from './kconfig/solve.ts';
import type { ArchPair } from './rule.ts';

export class RepairsEverywhere {
  readonly #pool: ExprPool;
  /** As they were before the series: those are kept for the next one on the same base. */
  readonly #earlier: KconfigModel[] = [];

  constructor(pool: ExprPool) {
    this.#pool = pool;
  }

  /** Of proposals for a fault that shows on this architecture first, those that do no harm on the ones before it. */
  first(owner: KSymbol, proposals: readonly Proposal[]): readonly Proposal[] {
    const conditions = dependencyOf(this.#pool, owner.declarations[0]!);
    let left = proposals;
    for (const model of this.#earlier) {
      if (left.length === 0) break;
      const solver = new Solver(this.#pool, model);
      left = left.filter((one) => doesNoHarm(solver, conditions, one));
    }
    return left;
  }

  /** Of known proposals those that help against the fault on this architecture as well, or do no harm without one. */
  also(pair: ArchPair, proposals: readonly Proposal[], fault?: Fault): readonly Proposal[] {
    if (proposals.length === 0 || pair.isCircular) return proposals;
    return proposals.flatMap((one) => {
      const owner = pair.after.symbols[this.#pool.findSymbol(one.symbol) ?? -1];
      if (!owner || owner.declarations.length === 0) return fault ? [] : [one];
      return tried(pair.solver('after'), fault ?? (() => []), owner, one) ?? [];
    });
  }

  /** Called when an architecture is done. */
  done({ before, isCircular }: ArchPair): void {
    if (!isCircular) this.#earlier.push(before);
  }
}

/** Proposals that leave their symbol possible somewhere, of those that all the faults of one cause have. */
export function commonRepairs(all: readonly (readonly Proposal[])[]): readonly Repair[] {
  const [first = [], ...others] = all;
  return first
    .filter((one) => one.canBeOn && others.every((some) => some.some((other) => isSame(one, other))))
    .map(({ kind, symbol, text }) => ({ kind, symbol, text }));
}

function isSame(a: Repair, b: Repair): boolean {
  return a.kind === b.kind && a.symbol === b.symbol && a.text === b.text;
}

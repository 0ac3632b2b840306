/** Repairs over all architectures: a line that helps on one of them must do no harm on any other. */

import { dependencyOf } from './kconfig/conditions.ts';
import type { ExprId, ExprPool } from './kconfig/expr.ts';
import type { KconfigModel, KSymbol } from './kconfig/model.ts';
import { doesNoHarm, type Fault, isForeign, type Proposal, type Repair, tried } from './kconfig/repairs.ts';
import { type Goal, Solver } from './kconfig/solve.ts';
import type { ArchPair } from './rule.ts';
import type { Arch } from './types.ts';

/** A proposal that helps wherever the fault is. */
export interface Spread extends Proposal {
  /** Architectures without the fault that lose its symbol: they have none of what it depends on, or got it with the series. */
  readonly lostOn: readonly Arch[];
}

export class RepairsEverywhere {
  readonly #pool: ExprPool;
  /** As they were before the series: those are kept for the next one on the same base. */
  readonly #earlier: { readonly arch: Arch; readonly model: KconfigModel }[] = [];

  constructor(pool: ExprPool) {
    this.#pool = pool;
  }

  /** Of proposals for a fault that shows on this architecture first, those that do no harm on the ones before it. */
  first({ after }: ArchPair, proposals: readonly Proposal[]): readonly Spread[] {
    let left: readonly Spread[] = proposals.map((one) => ({ ...one, lostOn: [] }));
    for (const { arch, model } of this.#earlier) {
      if (left.length === 0) break;
      const solver = new Solver(this.#pool, model);
      left = left.flatMap((one) => {
        const conditions = dependencyOf(this.#pool, this.#entryOf(after, one)!.declarations[0]!);
        return doesNoHarm(solver, conditions, one)
          ? one
          : this.#lostOn({ arch, before: solver, after: solver }, conditions, one);
      });
    }
    return left;
  }

  /** Of known proposals those that help against the fault on this architecture as well, or do no harm without one. */
  also(pair: ArchPair, proposals: readonly Spread[], fault?: Fault): readonly Spread[] {
    if (proposals.length === 0 || pair.isCircular) return proposals;
    return proposals.flatMap((one) => {
      const owner = this.#entryOf(pair.after, one);
      if (!owner || owner.declarations.length === 0) return fault ? [] : [one];
      const after = tried(pair.solver('after'), fault ?? (() => []), owner, one);
      if (after) return { ...one, ...after };
      const solvers = { arch: pair.arch, before: pair.solver('before'), after: pair.solver('after') };
      return fault ? [] : this.#lostOn(solvers, this.#pool.symbol(owner.id), one);
    });
  }

  #entryOf({ symbols }: KconfigModel, { symbol }: Proposal): KSymbol | undefined {
    return symbols[this.#pool.findSymbol(symbol) ?? -1];
  }

  /**
   * What is of general use may be asked for all the same where an architecture has none of it. And so may a dependency
   * with which an entry cannot be on where the series lets it be for the first time, if that is all that it does there:
   * nobody had it. `isOn` is when the entry can be.
   */
  #lostOn(
    { arch, before, after }: { readonly arch: Arch; readonly before: Solver; readonly after: Solver },
    isOn: ExprId,
    one: Spread,
  ): Spread[] {
    const all: readonly Spread[] = [{ ...one, lostOn: [...one.lostOn, arch] }];
    if (isForeign({ pool: this.#pool, symbols: after.model.symbols }, one)) return [...all];
    const had = this.#entryOf(before.model, one);
    const has = this.#entryOf(after.model, one);
    if (one.kind !== 'depends on' || !had || had.declarations.length === 0 || has!.selectedBy.length > 0) return [];
    const on = (expr: ExprId): Goal => ({ expr, level: 1, holds: true });
    const wasNever = before.isPossible([on(this.#pool.symbol(had.id))]) === false;
    return wasNever && after.isPossible([on(isOn), on(one.needed)]) === false ? [...all] : [];
  }

  /** Called when an architecture is done. */
  done({ arch, before, isCircular }: ArchPair): void {
    if (!isCircular) this.#earlier.push({ arch, model: before });
  }
}

/** Proposals that leave their symbol possible somewhere, of those that all the faults of one cause have. */
export function commonRepairs(all: readonly (readonly Spread[])[]): readonly (Repair & Pick<Spread, 'lostOn'>)[] {
  const [first = [], ...others] = all;
  return first
    .filter((one) => one.canBeOn && others.every((some) => some.some((other) => isSame(one, other))))
    .map(({ kind, symbol, text, lostOn }) => ({ kind, symbol, text, lostOn: lostOn.toSorted() }));
}

/**
 * The same dependency for each of several entries, which together mend what no line of one entry does; none where one of
 * them is without it. To depend on more lets nothing be on that was not, so that the lines are as good together.
 */
export function sharedDependency(all: readonly (readonly Spread[])[]): ReturnType<typeof commonRepairs> {
  const [first = [], ...others] = all;
  for (const one of first.filter(({ kind, canBeOn }) => kind === 'depends on' && canBeOn)) {
    const alike = others.map((some) =>
      some.find(({ kind, text, canBeOn }) => kind === one.kind && text === one.text && canBeOn),
    );
    if (alike.some((other) => !other)) continue;
    const lines = [one, ...alike].flatMap((line) => commonRepairs([line ? [line] : []]));
    return lines.filter((line, i) => lines.findIndex((other) => isSame(line, other)) === i);
  }
  return [];
}

/** Whether two repairs are the same line. */
export function isSame(a: Repair, b: Repair): boolean {
  return a.kind === b.kind && a.symbol === b.symbol && a.text === b.text;
}

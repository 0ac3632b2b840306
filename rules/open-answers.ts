/** Whether what cannot be is so for every compiler: before a reply says "in no configuration". */

import type { Goal } from './kconfig/solve.ts';
import type { KernelChange } from './rule.ts';
import type { Arch } from './types.ts';

/** That goals cannot be met on architectures of the tree after. */
export interface Impossibility {
  readonly goals: readonly Goal[];
  readonly archs: readonly Arch[];
  /** It is of no use for some of them alone. */
  readonly isWhole: boolean;
}

/**
 * Of each, the architectures on which no answer of a compiler lets the goals be met. Every architecture costs as much as
 * reading it anew, so that only what is about to be told should be asked.
 */
export async function forAnyCompiler<T extends Impossibility>(
  change: KernelChange,
  all: readonly T[],
): Promise<ReadonlyMap<T, readonly Arch[]>> {
  const kept = new Map(all.map((one) => [one, [] as Arch[]]));
  const failed = new Set<T>();
  for (const arch of new Set(all.flatMap(({ archs }) => archs))) {
    const asked = all.filter((one) => one.archs.includes(arch) && !failed.has(one));
    if (asked.length === 0) continue;
    const solver = await change.openSolver('after', arch);
    for (const one of asked) {
      if (solver?.isPossible(one.goals) === false) kept.get(one)!.push(arch);
      else if (one.isWhole) failed.add(one);
    }
  }
  for (const one of failed) kept.set(one, []);
  return kept;
}

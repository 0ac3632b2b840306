/** Selects that a series lets be unmet on one architecture: found once, for all rules that ask. */

import type { Reach } from './kconfig/reach.ts';
import type { Goal } from './kconfig/solve.ts';
import { isMet, newlyUnmet, type Unmet } from './kconfig/unmet.ts';
import type { ArchPair } from './rule.ts';

interface Found {
  readonly found: readonly Unmet[];
  readonly isCut: boolean;
}

const known = new WeakMap<Reach, Found>();

/** Not where the architecture is circular. */
export function unmetOf(pair: ArchPair): Found {
  const reach = pair.reach();
  const found = known.get(reach) ?? foundIn(pair, reach);
  known.set(reach, found);
  return found;
}

function foundIn(pair: ArchPair, { symbols, isCut }: Reach): Found {
  const unmet = newlyUnmet(pair.solver('before'), pair.solver('after'), symbols);
  return { found: unmet.found, isCut: isCut || unmet.isCut };
}

/** That the configuration is none of those in which one of these is unmet: what only they make possible is their fault. */
export function withoutUnmet(pair: ArchPair): Goal[] {
  if (pair.changes.size === 0 || pair.isCircular) return [];
  const { pool } = pair.solver('after');
  return unmetOf(pair).found.flatMap(({ edge }) => isMet(pool, edge));
}

/** What a file that comes to be built on an architecture lacks there, because only headers of others declare it. */

import type { Presence } from '../kbuild/presence.ts';
import type { Goal } from '../kconfig/solve.ts';
import type { ArchPair, KernelChange } from '../rule.ts';
import { conditionBounds } from './c-condition.ts';
import { builtGoals, type Gap, type Subject } from './file-gaps.ts';
import type { GapHistory } from './gap-history.ts';
import { type Builds, INTO, type Into } from './link-gap.ts';

/** A file of the side with the series. */
interface Where {
  readonly pair: ArchPair;
  readonly path: string;
  readonly object: Presence;
  readonly before: Builds;
}

/**
 * One for each name, with all goals. Empty for a file that could be built on the architecture without the series,
 * whoever's code it was: there it did not compile either; and for code that comes from other files. `own` adds what
 * the file's owner is.
 */
export async function newForeignGaps(
  change: KernelChange,
  subject: Subject,
  history: GapHistory,
  { pair, path, object, before }: Where,
  own: (gap: Pick<Gap, 'goals' | 'into'>) => readonly Goal[],
): Promise<(Gap & { readonly isOld: boolean })[]> {
  if (!subject.isOfHeaders) return [];
  const { conditions } = change.kbuild;
  const old = history.oldPath(path);
  const was = await before.presence(old);
  if (was?.isUnknown) return [];
  const couldBe = (into: Into): boolean => {
    const goals = was && builtGoals(conditions, was, into);
    return goals !== undefined && pair.solver('before').isPossible(goals) !== false;
  };
  const canBe = (into: Into): boolean => {
    const goals = builtGoals(conditions, object, into);
    return goals !== undefined && pair.solver('after').isPossible(own({ goals, into })) === true;
  };
  if (INTO.some(couldBe) || !INTO.some(canBe)) return [];
  const isOld = (await change.before.tree.blob(old)) !== undefined;
  const found = new Map<string, Gap & { readonly isOld: boolean }>();
  for (const use of await subject.foreign(path, pair.arch)) {
    for (const into of INTO) {
      const goals = usedGoals(change, object, use.when, into);
      if (!goals || found.has(use.name)) continue;
      const gap: Gap = { need: { kind: 'declaration', name: use.name, use }, into, goals: own({ goals, into }) };
      if (pair.solver('after').isPossible(gap.goals) !== true) continue;
      if (!isOld && (await history.comesFrom(path, gap)).length > 0) continue;
      found.set(use.name, { ...gap, isOld });
    }
  }
  return [...found.values()];
}

/** That an object is built with a line of it; undefined where no configuration decides that, or none has it. */
function usedGoals(
  { kbuild: { conditions } }: KernelChange,
  object: Presence,
  when: Parameters<typeof conditionBounds>[1],
  into: Into,
): readonly Goal[] | undefined {
  const { pool, TRUE, FALSE } = conditions;
  const { least } = conditionBounds(pool, when, { modular: into === 'module' ? TRUE : FALSE });
  const goals = builtGoals(conditions, object, into);
  if (!goals || least === FALSE) return undefined;
  return least === TRUE ? goals : [...goals, { expr: least, level: 2, holds: true }];
}

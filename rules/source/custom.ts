/**
 * What is customary in a tree: whether the files that call a function which is a stub in some configurations are built
 * in these. Of some, as of PWM's, nearly all depend on what makes it more than a stub; of others, as of GPIOLIB's, few.
 */

import type { Goal, Solver } from '../kconfig/solve.ts';
import type { KernelChange } from '../rule.ts';
import type { Tree } from '../types.ts';
import { builtGoals, isRunGoal, type Used, usedGoals } from './file-gaps.ts';
import { type Builds, INTO } from './link-gap.ts';

/** Files that call a function, of one architecture. */
export interface Custom {
  /** Those that can be built. */
  readonly callers: number;
  /** Of these, those that cannot be built where it is a stub. */
  readonly needing: number;
}

/** Lines of a tree that name the function. */
const MOST_LINES = 4000;
/** Files that are looked at, evenly spread where there are more. */
const MOST_FILES = 48;
/** Of fewer files nothing can be told. */
const FEWEST_FILES = 6;

/** Whether it is so usual not to be built there that a new driver should follow. */
export function isCustomary({ callers, needing }: Custom): boolean {
  return callers >= FEWEST_FILES && needing * 3 >= callers * 2;
}

/** Of the files other than `except` that name a function, which is more than a stub where `declared` holds. */
export async function customOf(
  conditions: KernelChange['kbuild']['conditions'],
  tree: Tree,
  { name, declared }: Pick<Used, 'declared'> & { readonly name: string },
  { except, builds, solver }: { readonly except: string; readonly builds: Builds; readonly solver: Solver },
): Promise<Custom> {
  const lines = await tree.grep([name], MOST_LINES);
  const paths = [...new Set(lines.map(({ path }) => path))].filter((path) => isDriver(path) && path !== except).sort();
  const step = Math.max(1, paths.length / MOST_FILES);
  const isRun = isRunGoal(conditions);
  let [callers, needing] = [0, 0];
  for (let at = 0; at < paths.length; at += step) {
    const object = await builds.presence(paths[Math.floor(at)]!);
    if (!object || object.isUnknown) continue;
    const canBe = (goals: readonly Goal[] | undefined): boolean =>
      goals !== undefined && solver.isPossible([...goals, isRun]) !== false;
    if (!INTO.some((into) => canBe(builtGoals(conditions, object, into)))) continue;
    callers += 1;
    if (!INTO.some((into) => canBe(usedGoals(conditions, object, { when: true, declared }, into)))) needing += 1;
  }
  return { callers, needing };
}

function isDriver(path: string): boolean {
  return path.endsWith('.c') && /^(?:arch|drivers|net|sound)\//.test(path);
}

/** Objects that make would build in random configurations, and those that we say. */
import { cacheDir } from '../../queue/provision.ts';
import { showProgress } from '../../queue/provision-progress.ts';
import { dirTree } from '../support/dir-tree.ts';
import { type Comparison, KbuildOracle } from './kbuild/compare.ts';
import { agreement, kbuildDifferences, kbuildTable } from './kbuild/table.ts';

/** Architectures, unless others are named, with seeds 1 to SEEDS. */
export const KBUILD_ARCHS = ['x86', 'arm64', 'arm', 'powerpc'];
const SEEDS = 3;
const LEAST_AGREEMENT = 0.995;

/** Whether at least 99.5 % of the objects are what make says. Prints the table. */
export async function compareObjects(tree: string, archs: readonly string[]): Promise<boolean> {
  const began = performance.now();
  const oracle = await KbuildOracle.open(tree, await dirTree(tree), cacheDir());
  const comparisons: Comparison[] = [];
  const step = showProgress().step('make and depbot', archs.length * SEEDS);
  for (const arch of archs) {
    const both = await oracle.arch(arch);
    for (let seed = 1; seed <= SEEDS; seed++) {
      comparisons.push(await both.compare(seed));
      step.to(comparisons.length);
    }
  }
  step.end();
  const share = agreement(comparisons);
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  process.stdout.write(`\n${kbuildDifferences(comparisons)}\n${kbuildTable(comparisons)}`);
  process.stdout.write(
    `${(100 * share).toFixed(2)} % of the objects that make builds in ${comparisons.length} random configurations are built, and go where depbot says; ${minutes} minutes\n`,
  );
  return share >= LEAST_AGREEMENT;
}

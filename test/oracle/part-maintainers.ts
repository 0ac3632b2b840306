/** The sections of 300 files and 100 patches, as scripts/get_maintainer.pl finds them and as we do. */
import { showProgress } from '../../queue/provision-progress.ts';
import { compareSections } from './maintainers.ts';

const SAMPLE = { files: 300, patches: 100, seed: 6 };

/** Whether all of them have identical sections. Prints what differs. */
export async function compareMaintainers(tree: string): Promise<boolean> {
  const step = showProgress().step('get_maintainer.pl and depbot', SAMPLE.files + SAMPLE.patches);
  const compared = await compareSections(tree, SAMPLE, (count) => step.to(count));
  step.end();
  const differing = compared.filter(({ differences }) => differences.length > 0);
  for (const line of differing.flatMap(({ differences }) => differences)) process.stdout.write(`${line}\n`);
  const names = compared.reduce((sum, { agreed }) => sum + agreed, 0);
  process.stdout.write(
    `MAINTAINERS: of ${SAMPLE.files} files and ${SAMPLE.patches} patches ${compared.length - differing.length} have identical sections (${names} in all)\n`,
  );
  return differing.length === 0;
}

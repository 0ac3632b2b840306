/** Every configuration of every architecture, made by scripts/kconfig/conf and by us, compared byte for byte. */
import { readDistributionConfigs } from '../../bot/distribution-configs.ts';
import { inParallel } from '../../queue/in-parallel.ts';
import { cacheDir } from '../../queue/provision.ts';
import { showProgress } from '../../queue/provision-progress.ts';
import type { Case } from './cases.ts';
import { casesOf, defconfigsOf } from './cases.ts';
import type { Result } from './compare.ts';
import { Oracle } from './compare.ts';
import { differences, identical, resultTable } from './table.ts';

/** Runs of conf at a time. */
const PARALLEL = 2;
/** Of each architecture. */
const RANDCONFIGS = 20;

export interface ConfigsPart {
  readonly tree: string;
  readonly version: string;
  readonly archs: readonly string[];
  /** Folders of Debian's configurations. */
  readonly debianConfigs: readonly string[];
  /** Of each architecture. */
  readonly randconfigs?: number;
}

/** Whether all are identical. Prints the table. */
export async function compareConfigs({
  tree,
  version,
  archs,
  debianConfigs,
  randconfigs,
}: ConfigsPart): Promise<boolean> {
  const began = performance.now();
  const distributions = readDistributionConfigs(debianConfigs).map((config) => {
    return { ...config, text: Buffer.from(config.text).toString('latin1') };
  });
  const plan = archs.map((arch): [string, Case[]] => {
    const own = distributions.filter((config) => config.arch === arch);
    return [
      arch,
      casesOf(defconfigsOf(tree, arch), {
        randconfigs: randconfigs ?? RANDCONFIGS,
        distributions: own,
        extraEvery: 8,
      }),
    ];
  });
  const oracle = await Oracle.open(tree, cacheDir());
  const step = showProgress().step(
    'conf and depbot',
    plan.reduce((sum, [, cases]) => sum + cases.length, 0),
  );
  const results = new Map<string, readonly Result[]>();
  let done = 0;
  for (const [arch, cases] of plan) {
    const both = await oracle.arch(arch);
    const compared = await inParallel(cases, PARALLEL, async (asked) => {
      const result = await both.compare(asked);
      done += 1;
      step.to(done);
      return result;
    });
    results.set(arch, compared);
    if (!process.stderr.isTTY)
      process.stderr.write(`depbot: ${arch}: ${identical(compared)} of ${compared.length} identical\n`);
  }
  step.end();
  const all = [...results.values()].flat();
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  process.stdout.write(differences(results));
  process.stdout.write(`\n${resultTable(results)}\n`);
  process.stdout.write(
    `${identical(all)} of ${all.length} configurations identical, byte for byte, on Linux ${version}; ${minutes} minutes\n`,
  );
  return identical(all) === all.length;
}

/**
 * npm run oracle [-- --only configs|solver --arch arm,x86 --randconfigs 3 --questions 20]
 *
 * configs: every configuration of every architecture directory of the tree, made by scripts/kconfig/conf and by
 * us, compared byte for byte. For each: allno, allyes, allmod and alldefconfig; all its defconfigs; 20 randconfigs,
 * each then through olddefconfig; savedefconfig and listnewconfig of every eighth defconfig; Debian's configurations.
 *
 * solver: random questions for the solver on six architectures, its witnesses given to conf; and random
 * configurations, of which it may call nothing impossible (solver-oracle.ts).
 *
 * The tables go to standard output, progress to standard error. Exit status: 0 all is as it should be, 1 a
 * difference, 2 set-up was not possible.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { readDistributionConfigs } from '../../bot/distribution-configs.ts';
import { inParallel } from '../../queue/in-parallel.ts';
import { cacheDir, ProvisionError, provision } from '../../queue/provision.ts';
import { showProgress } from '../../queue/provision-progress.ts';
import { kernelVersion, srcArch } from '../../queue/toolchain.ts';
import type { Case } from './cases.ts';
import { archsOf, casesOf, defconfigsOf } from './cases.ts';
import type { Result } from './compare.ts';
import { Oracle } from './compare.ts';
import { faults, runSolver, SOLVER_ARCHS, tallyTable } from './solver-run.ts';
import { differences, identical, resultTable } from './table.ts';

/** Runs of conf at a time. */
const PARALLEL = 2;
/** Of each architecture. */
const RANDCONFIGS = 20;
/** For the solver, of all architectures together. */
const SOLVER_RANDCONFIGS = 300;

const PARTS = ['configs', 'solver'] as const;

interface Options {
  readonly arch?: string[];
  readonly only?: (typeof PARTS)[number];
  readonly randconfigs?: number;
  readonly questions: number;
}

async function main(options: Options): Promise<number> {
  const { tree, debianConfigs } = await provision(['packages', 'test-packages', 'tree', 'debian-configs']);
  if (tree === undefined) throw new ProvisionError('there is no kernel tree');
  const version = kernelVersion(readFileSync(join(tree, 'Makefile'), 'utf8')) ?? 'of unknown version';
  let isGood = true;
  if (options.only !== 'solver') isGood = await compareConfigs(tree, version, debianConfigs ?? [], options);
  if (options.only !== 'configs') isGood = (await questionSolver(tree, version, options)) && isGood;
  return isGood ? 0 : 1;
}

async function questionSolver(tree: string, version: string, options: Options): Promise<boolean> {
  const began = performance.now();
  const archs = options.arch ? chosen(tree, options.arch) : SOLVER_ARCHS;
  const plan = {
    archs,
    questions: Math.ceil(options.questions / archs.length),
    randconfigs: options.randconfigs ?? Math.ceil(SOLVER_RANDCONFIGS / archs.length),
    facts: 100,
    confEvery: 1,
    linesEvery: 20,
    drawnEvery: 10,
  };
  const tallies = await runSolver(tree, cacheDir(), plan, (arch, tally) => {
    process.stderr.write(`depbot: solver, ${arch}: ${tally.faults.length} faults\n`);
  });
  process.stdout.write(faults(tallies));
  process.stdout.write(`\n${tallyTable(tallies)}\n`);
  const count = [...tallies.values()].reduce((sum, tally) => sum + tally.faults.length, 0);
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  process.stdout.write(`${count} faults of the solver on Linux ${version}; ${minutes} minutes\n`);
  return count === 0;
}

async function compareConfigs(
  tree: string,
  version: string,
  debianConfigs: readonly string[],
  options: Options,
): Promise<boolean> {
  const began = performance.now();
  const distributions = readDistributionConfigs(debianConfigs).map((config) => {
    return { ...config, text: Buffer.from(config.text).toString('latin1') };
  });
  const archs = chosen(tree, options.arch);
  const plan = archs.map((arch): [string, Case[]] => {
    const own = distributions.filter((config) => config.arch === arch);
    return [
      arch,
      casesOf(defconfigsOf(tree, arch), {
        randconfigs: options.randconfigs ?? RANDCONFIGS,
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

/** ARCH values asked for, all of which the tree must have; default every directory below arch/. */
function chosen(tree: string, asked: readonly string[] | undefined): readonly string[] {
  const there = archsOf(tree);
  const unknown = asked?.find((arch) => !there.includes(srcArch(arch)));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`the tree has no architecture ${unknown}; it has ${there.join(', ')}`);
  return asked ?? there;
}

function count(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('a whole number');
  return Number(text);
}

const command = new Command('oracle')
  .description('compares scripts/kconfig/conf and depbot on every configuration of a kernel tree')
  .option('--arch <list>', 'only these, with commas between (default: every directory below arch/)', (list) =>
    list.split(','),
  )
  .addOption(new Option('--only <part>', 'only this part').choices(PARTS))
  .option('--randconfigs <n>', 'of each architecture, seeds 1 to n (default: 20, for the solver 50)', count)
  .option('--questions <n>', 'for the solver, of all architectures together', count, 2000)
  .exitOverride()
  .action(async (options: Options) => {
    process.exitCode = await main(options);
  });

try {
  await command.parseAsync(process.argv);
} catch (error) {
  const { name, message } = error as Error;
  if (name === 'CommanderError') process.exitCode = (error as { exitCode: number }).exitCode === 0 ? 0 : 2;
  else {
    const expected = [
      'ProvisionError',
      'InvalidArgumentError',
      'KconfigError',
      'SandboxError',
      'ConfError',
      'ConfigError',
    ];
    process.stderr.write(`oracle: ${expected.includes(name) ? message : (error as Error).stack}\n`);
    process.exitCode = 2;
  }
}

/**
 * npm run oracle [-- --arch arm,x86 --randconfigs 3]: every configuration of every architecture directory of
 * the tree, made by scripts/kconfig/conf and by us, compared byte for byte.
 *
 * For each: allno, allyes, allmod and alldefconfig; all its defconfigs; 20 randconfigs, each then through
 * olddefconfig; savedefconfig and listnewconfig of every eighth defconfig; Debian's configurations. Then 300 objects
 * of a random x86_64 configuration are built, and the functions in them compared with ours. The tables
 * go to standard output, progress to standard error. Exit status: 0 all identical, 1 a difference, 2 set-up
 * was not possible.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { readDistributionConfigs } from '../../bot/distribution-configs.ts';
import { inParallel } from '../../queue/in-parallel.ts';
import { cacheDir, ProvisionError, provision } from '../../queue/provision.ts';
import { showProgress } from '../../queue/provision-progress.ts';
import { kernelVersion, srcArch } from '../../queue/toolchain.ts';
import type { Case } from './cases.ts';
import { archsOf, casesOf, defconfigsOf } from './cases.ts';
import type { Result } from './compare.ts';
import { Oracle } from './compare.ts';
import type { Compared } from './functions.ts';
import { compareObjects, objectTable } from './objects.ts';
import { differences, identical, resultTable } from './table.ts';

/** Runs of conf at a time. */
const PARALLEL = 2;
/** Of the configuration whose objects are built. */
const OBJECT_SEED = 11;

interface Options {
  readonly arch?: string[];
  readonly randconfigs: number;
  readonly objects: number;
}

async function main(options: Options): Promise<number> {
  const { tree, debianConfigs } = await provision(['packages', 'test-packages', 'tree', 'debian-configs']);
  if (tree === undefined) throw new ProvisionError('there is no kernel tree');
  const began = performance.now();
  const distributions = readDistributionConfigs(debianConfigs ?? []).map((config) => {
    return { ...config, text: Buffer.from(config.text).toString('latin1') };
  });
  const archs = chosen(tree, options.arch);
  const plan = archs.map((arch): [string, Case[]] => {
    const own = distributions.filter((config) => config.arch === arch);
    return [
      arch,
      casesOf(defconfigsOf(tree, arch), { randconfigs: options.randconfigs, distributions: own, extraEvery: 8 }),
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
  const version = kernelVersion(readFileSync(join(tree, 'Makefile'), 'utf8')) ?? 'of unknown version';
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  process.stdout.write(differences(results));
  process.stdout.write(`\n${resultTable(results)}\n`);
  process.stdout.write(
    `${identical(all)} of ${all.length} configurations identical, byte for byte, on Linux ${version}; ${minutes} minutes\n`,
  );
  const objects = options.objects === 0 ? [] : await sampleObjects(tree, options.objects);
  const areEqual = objects.every((one) => one.differences.length === 0);
  return identical(all) === all.length && areEqual ? 0 : 1;
}

/** Builds objects of a random configuration and prints what is in them, by nm and by us. */
async function sampleObjects(tree: string, count: number): Promise<readonly Compared[]> {
  const step = showProgress().step('objects and depbot', count);
  const scratch = await mkdtemp(join(tmpdir(), 'depbot-objects-'));
  try {
    const sample = { tree, cacheDir: cacheDir(), scratch, seed: OBJECT_SEED, count };
    const compared = await compareObjects({ ...sample, done: (done) => step.to(done) });
    step.end();
    process.stdout.write(`\n${objectTable(compared)}`);
    return compared;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
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
  .option('--randconfigs <n>', 'of each architecture, seeds 1 to n', count, 20)
  .option('--objects <n>', 'of a random x86_64 configuration, built to compare their functions', count, 300)
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

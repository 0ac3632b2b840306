/**
 * npm run oracle [-- --only configs|kbuild|functions|solver|maintainers --arch arm,x86 --randconfigs 3 --questions 20]
 *
 * configs: every configuration of every architecture directory of the tree, made by scripts/kconfig/conf and by
 * us, compared byte for byte. For each: allno, allyes, allmod and alldefconfig; all its defconfigs; 20 randconfigs,
 * each then through olddefconfig; savedefconfig and listnewconfig of every eighth defconfig; Debian's configurations.
 *
 * kbuild: the objects that make would build in random configurations of four architectures, and those that we say.
 *
 * functions: objects of a random x86_64 configuration are built, and the functions in them compared with ours.
 *
 * solver: random questions for the solver on six architectures, its witnesses given to conf; and random
 * configurations, of which it may call nothing impossible (solver-oracle.ts).
 *
 * maintainers: the sections of MAINTAINERS for sampled files and patches, by get_maintainer.pl and by us.
 *
 * The tables go to standard output, progress to standard error. Exit status: 0 all is as it should be (of the
 * objects at least 99.5 %), 1 a difference, 2 set-up was not possible.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { ProvisionError, provision } from '../../queue/provision.ts';
import { kernelVersion, srcArch } from '../../queue/toolchain.ts';
import { archsOf } from './cases.ts';
import { compareConfigs } from './part-configs.ts';
import { compareFunctions } from './part-functions.ts';
import { compareObjects, KBUILD_ARCHS } from './part-kbuild.ts';
import { compareMaintainers } from './part-maintainers.ts';
import { questionSolver } from './part-solver.ts';

const PARTS = ['configs', 'kbuild', 'functions', 'solver', 'maintainers'] as const;
type Part = (typeof PARTS)[number];

interface Options {
  readonly arch?: string[];
  readonly only?: Part;
  readonly randconfigs?: number;
  readonly questions: number;
  readonly objects: number;
}

async function main({ arch, only, randconfigs, questions, objects }: Options): Promise<number> {
  const { tree, debianConfigs = [] } = await provision(['packages', 'test-packages', 'tree', 'debian-configs']);
  if (tree === undefined) throw new ProvisionError('there is no kernel tree');
  const version = kernelVersion(readFileSync(join(tree, 'Makefile'), 'utf8')) ?? 'of unknown version';
  const asked = arch && chosen(tree, arch);
  const common = { tree, version, ...(randconfigs !== undefined && { randconfigs }) };
  const runs: Readonly<Record<Part, () => Promise<boolean>>> = {
    configs: () => compareConfigs({ ...common, archs: asked ?? archsOf(tree), debianConfigs }),
    kbuild: () => compareObjects(tree, asked ?? KBUILD_ARCHS),
    functions: () => compareFunctions(tree, objects),
    solver: () => questionSolver({ ...common, questions, ...(asked && { archs: asked }) }),
    maintainers: () => compareMaintainers(tree),
  };
  let isGood = true;
  for (const part of only ? [only] : PARTS) isGood = (await runs[part]()) && isGood;
  return isGood ? 0 : 1;
}

/** ARCH values asked for, all of which the tree must have. */
function chosen(tree: string, asked: readonly string[]): readonly string[] {
  const there = archsOf(tree);
  const unknown = asked.find((arch) => !there.includes(srcArch(arch)));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`the tree has no architecture ${unknown}; it has ${there.join(', ')}`);
  return asked;
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
      'KbuildError',
      'SandboxError',
      'ConfError',
      'ConfigError',
    ];
    process.stderr.write(`oracle: ${expected.includes(name) ? message : (error as Error).stack}\n`);
    process.exitCode = 2;
  }
}

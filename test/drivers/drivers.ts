/**
 * npm run drivers [-- --limit 50 --seed 2 --build --json FILE]: is depbot silent on patches that are right? Drivers of
 * the kernel tree are taken out and come back as they are. Status 0 whatever is found, 2 where set-up was not possible.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { openTree } from '../../queue/git-tree.ts';
import { openRepository } from '../../queue/repository.ts';
import {
  CHECK_LIMIT_MS,
  type CommonOptions,
  checksStep,
  commandOf,
  prepareMachine,
  runCommand,
  tipOf,
} from '../support/measuring.ts';
import { untilInterrupted, workThrough } from '../support/workers.ts';
import { type Driver, driversOf, sampleOf } from './take-out.ts';
import { type Result, told, wordsOf } from './told.ts';
import type { Setup } from './worker.ts';

const COUNT = 50;

async function main(options: CommonOptions & { readonly seed: number }): Promise<void> {
  const machine = await prepareMachine(options);
  const repo = await openRepository({ treeDir: machine.tree, stateDir: machine.scratch });
  const commit = await tipOf(machine.tree, repo);
  const all = await driversOf(openTree(repo, commit));
  await repo.close();
  const drivers = sampleOf(all, options.limit ?? COUNT, options.seed);
  const setup: Setup = { ...machine, commit };
  const results = await run(drivers, setup, options.jobs);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
  process.stdout.write(
    `\nLinux ${machine.version}, ${drivers.length} of ${all.length} drivers, seed ${options.seed}\n${told(results)}`,
  );
}

async function run(drivers: readonly Driver[], setup: Setup, jobs: number): Promise<Result[]> {
  const step = checksStep('checking drivers', drivers.length);
  const results = await workThrough<Driver, Result>(drivers, {
    script: join(import.meta.dirname, 'worker.ts'),
    argument: JSON.stringify(setup),
    jobs,
    limitMs: CHECK_LIMIT_MS,
    stop: untilInterrupted(),
    failed: ({ symbol }, why) => ({ symbol, why }),
    onResult: (result, { symbol }, n) => step.done(n, `${symbol}: ${wordsOf(result)}`),
  });
  step.end();
  return results;
}

const seed = (text: string): number => {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('a whole number');
  return Number(text);
};

await runCommand(
  commandOf('drivers', 'is depbot silent on drivers of the tree that are taken out and come back as they are')
    .option('--seed <n>', 'which ones are drawn', seed, 1)
    .action(main),
);

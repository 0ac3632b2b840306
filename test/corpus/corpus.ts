/**
 * npm run corpus [-- --class unmet-direct-dependency --variant undo --limit 20 --json FILE]: how many real
 * regressions depbot finds, and whether it is silent on harmless changes.
 *
 * Each entry is made a patch mail on the kernel tree (recreate.ts) and checked by the code behind `depbot check`;
 * verdict.ts says what counts as a hit. The corpus is no part of this checkout: without one the run is skipped, with
 * status 0. Else the status is 0 whatever is found, and 2 where set-up was not possible.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import { openRepository } from '../../queue/repository.ts';
import { RULES } from '../../rules/index.ts';
import {
  CHECK_LIMIT_MS,
  type CommonOptions,
  checksStep,
  commaList,
  commandOf,
  prepareMachine,
  runCommand,
  tipOf,
} from '../support/measuring.ts';
import { untilInterrupted, workThrough } from '../support/workers.ts';
import type { Corpus, Entry, Variant } from './entries.ts';
import { corpusDir, isConfirmed, readCorpus, VARIANTS } from './entries.ts';
import type { Result } from './examine.ts';
import { tally } from './tally.ts';
import type { Setup, Task } from './worker.ts';

interface Options extends CommonOptions {
  readonly class?: string[];
  readonly id?: string[];
  readonly variant?: Variant;
}

async function main(options: Options): Promise<void> {
  const dir = corpusDir(options.corpus, process.env);
  if (!existsSync(join(dir, 'dev.json'))) {
    process.stdout.write(`skipped: no corpus in ${dir} (give --corpus DIR or set DEPBOT_CORPUS)\n`);
    return;
  }
  const corpus = readCorpus(dir);
  if (!existsSync(corpus.tool)) {
    process.stdout.write(`skipped: the corpus' tool is not in ${corpus.tool}\n`);
    return;
  }
  const tasks = tasksOf(corpus, options);
  const machine = await prepareMachine(options);
  const repo = await openRepository({ treeDir: machine.tree, stateDir: machine.scratch });
  const setup: Setup = { ...machine, corpusDir: dir, commit: await tipOf(machine.tree, repo) };
  await repo.close();
  const began = performance.now();
  const results = await run(tasks, corpus, setup, options.jobs);
  const { version } = machine;
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ version, results }, null, 1)}\n`);
  const rules = RULES.map(({ id }) => id);
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  process.stdout.write(
    `\nLinux ${version}, ${results.length} of ${tasks.length} entries in ${minutes} minutes, ${options.jobs} at a time\nrules: ${rules.join(', ')}\n\n${tally(results, rules)}`,
  );
}

/** A variant at a time, so that models of the one base that all `undo` entries have are kept. */
function tasksOf(corpus: Corpus, options: Options): Task[] {
  const all = [...corpus.regressions, ...corpus.harmless];
  const unknown = options.id?.find((id) => !all.some((entry) => entry.id === id));
  if (unknown !== undefined) throw new InvalidArgumentError(`the corpus has no entry ${unknown}`);
  const asked = all.filter(
    (entry) => (options.class?.includes(entry.class ?? 'harmless') ?? true) && (options.id?.includes(entry.id) ?? true),
  );
  return VARIANTS.filter((variant) => variant === (options.variant ?? variant)).flatMap((variant) =>
    (variant === 'undo' ? asked : asked.filter(hasDriver)).slice(0, options.limit).map(({ id }) => ({ id, variant })),
  );
}

/** Only some entries say how to take the driver out; the others are not counted as something that failed. */
function hasDriver({ readd }: Entry): boolean {
  return Object.keys(readd).length > 0;
}

async function run(tasks: readonly Task[], corpus: Corpus, setup: Setup, jobs: number): Promise<Result[]> {
  const entries = new Map([...corpus.regressions, ...corpus.harmless].map((entry) => [entry.id, entry]));
  const step = checksStep('checking entries', tasks.length);
  const results = await workThrough<Task, Result>(tasks, {
    script: join(import.meta.dirname, 'worker.ts'),
    argument: JSON.stringify(setup),
    jobs,
    limitMs: CHECK_LIMIT_MS,
    stop: untilInterrupted(),
    failed: ({ id, variant }, why) => {
      const entry = entries.get(id)!;
      return {
        id,
        variant,
        ...(entry.class !== undefined && { class: entry.class }),
        confirmed: isConfirmed(entry, setup.version),
        verdict: { kind: entry.class === undefined ? 'not-applicable' : 'miss', why },
        findings: [],
        dropped: [],
        tookMs: 0,
      };
    },
    onResult: ({ verdict, tookMs }, { id, variant }, n) =>
      step.done(n, `${id} (${variant}): ${verdict.kind}, ${(tookMs / 1000).toFixed(1)} s`),
  });
  step.end();
  return results;
}

await runCommand(
  commandOf('corpus', 'how many real regressions depbot finds, and whether it is silent on harmless changes')
    .option('--class <list>', 'only these classes, commas between; `harmless` for the changes that are', commaList)
    .option('--id <list>', 'only these entries', commaList)
    .addOption(new Option('--variant <name>', 'only this one').choices([...VARIANTS]))
    .action(main),
);

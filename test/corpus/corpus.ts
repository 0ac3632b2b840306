/**
 * npm run corpus [-- --class unmet-direct-dependency --variant undo --limit 20 --json FILE]: how many real
 * regressions depbot finds, and whether it is silent on harmless changes.
 *
 * Each entry is made a patch mail on the kernel tree (recreate.ts) and checked by the code behind `depbot check`;
 * verdict.ts says what counts as a hit. The corpus is no part of this checkout: without one the run is skipped, with
 * status 0. Else the status is 0 whatever is found, and 2 where set-up was not possible.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { cacheDir, ProvisionError, provision } from '../../queue/provision.ts';
import { showProgress } from '../../queue/provision-progress.ts';
import { resolveRevision } from '../../queue/refs.ts';
import { openRepository } from '../../queue/repository.ts';
import { kernelVersion } from '../../queue/toolchain.ts';
import { RULES } from '../../rules/index.ts';
import { workThrough } from '../support/workers.ts';
import type { Corpus, Entry, Variant } from './entries.ts';
import { CorpusError, corpusDir, isConfirmed, readCorpus, VARIANTS } from './entries.ts';
import type { Result } from './examine.ts';
import { tally } from './tally.ts';
import type { Setup, Task } from './worker.ts';

/** Beyond this a check hangs. */
const LIMIT_MS = 600_000;

interface Options {
  readonly corpus?: string;
  readonly tree?: string;
  readonly class?: string[];
  readonly id?: string[];
  readonly variant?: Variant;
  readonly limit?: number;
  readonly jobs: number;
  readonly json?: string;
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
  const { tree, debianConfigs } = await provision(['packages', 'tree', 'debian-configs'], {
    ...(options.tree !== undefined && { tree: options.tree }),
  });
  if (tree === undefined) throw new ProvisionError('there is no kernel tree');
  const version = kernelVersion(readFileSync(join(tree, 'Makefile'), 'utf8'));
  if (version === undefined) throw new ProvisionError(`the Makefile of ${tree} does not say a kernel's version`);
  const scratch = mkdtempSync(join(tmpdir(), 'depbot-corpus-'));
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
  const setup: Setup = {
    corpusDir: dir,
    tree,
    commit: await tipOf(tree, scratch),
    version,
    scratch,
    cacheDir: cacheDir(),
    configs: debianConfigs ?? [],
  };
  const tasks = tasksOf(corpus, options);
  const began = performance.now();
  const results = await run(tasks, corpus, setup, options.jobs);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ version, results }, null, 1)}\n`);
  const rules = RULES.map(({ id }) => id);
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  process.stdout.write(
    `\nLinux ${version}, ${results.length} entries in ${minutes} minutes, ${options.jobs} at a time\nrules: ${rules.join(', ')}\n\n${tally(results, rules)}`,
  );
}

async function tipOf(tree: string, stateDir: string): Promise<string> {
  const repo = await openRepository({ treeDir: tree, stateDir });
  try {
    const tip = await resolveRevision(repo, 'HEAD');
    if (tip === undefined) throw new ProvisionError(`${tree} has no commit checked out`);
    return tip;
  } finally {
    await repo.close();
  }
}

/** A variant at a time, so that models of the one base that all `undo` entries have are kept. */
function tasksOf(corpus: Corpus, options: Options): Task[] {
  const isAsked = (entry: Entry): boolean =>
    (options.class?.includes(entry.class ?? 'harmless') ?? true) && (options.id?.includes(entry.id) ?? true);
  const known = new Set([...corpus.regressions, ...corpus.harmless].map(({ id }) => id));
  const unknown = options.id?.find((id) => !known.has(id));
  if (unknown !== undefined) throw new InvalidArgumentError(`the corpus has no entry ${unknown}`);
  return VARIANTS.filter((variant) => variant === (options.variant ?? variant)).flatMap((variant) => {
    const entries = variant === 'undo' ? [...corpus.regressions, ...corpus.harmless] : withDriver(corpus);
    return entries
      .filter(isAsked)
      .slice(0, options.limit)
      .map(({ id }) => ({ id, variant }));
  });
}

/** Only some entries say how to take the driver out; the others are not counted as something that failed. */
function withDriver({ regressions }: Corpus): Entry[] {
  return regressions.filter((entry) => Object.keys(entry.readd).length > 0);
}

async function run(tasks: readonly Task[], corpus: Corpus, setup: Setup, jobs: number): Promise<Result[]> {
  const entries = new Map([...corpus.regressions, ...corpus.harmless].map((entry) => [entry.id, entry]));
  const step = showProgress().step('checking entries', tasks.length);
  const results = await workThrough<Task, Result>(tasks, {
    script: join(import.meta.dirname, 'worker.ts'),
    argument: JSON.stringify(setup),
    jobs,
    limitMs: LIMIT_MS,
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
    onResult: ({ id, variant, verdict, tookMs }, done) => {
      step.to(done);
      if (!process.stderr.isTTY)
        process.stderr.write(
          `depbot: ${done} of ${tasks.length}: ${id} (${variant}): ${verdict.kind}, ${(tookMs / 1000).toFixed(1)} s\n`,
        );
    },
  });
  step.end();
  return results;
}

function count(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('a whole number above 0');
  return Number(text);
}

const list = (text: string): string[] => text.split(',');

const command = new Command('corpus')
  .description('how many real regressions depbot finds, and whether it is silent on harmless changes')
  .option('--corpus <dir>', 'folder with dev.json (default: DEPBOT_CORPUS, else ../shared/corpus)')
  .option('--tree <dir>', "a kernel's git tree (default: DEPBOT_TREE, else Debian's Linux, fetched)")
  .option('--class <list>', 'only entries of these classes, commas between; `harmless` for the others', list)
  .option('--id <list>', 'only these entries', list)
  .addOption(new Option('--variant <name>', 'only this one').choices([...VARIANTS]))
  .option('--limit <n>', 'at most so many of each variant', count)
  .option('--jobs <n>', 'checks at a time, 2 GB of memory each', count, Math.min(2, availableParallelism()))
  .option('--json <file>', 'all results, to compare two runs')
  .exitOverride()
  .action(main);

try {
  await command.parseAsync(process.argv);
} catch (error) {
  const { name, message, stack } = error as Error;
  if (name === 'CommanderError') process.exitCode = (error as { exitCode: number }).exitCode === 0 ? 0 : 2;
  else {
    const isExpected =
      error instanceof ProvisionError ||
      error instanceof CorpusError ||
      ['GitError', 'ConfigError', 'InvalidArgumentError'].includes(name);
    process.stderr.write(`corpus: ${isExpected ? message : stack}\n`);
    process.exitCode = 2;
  }
}

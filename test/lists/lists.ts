/**
 * npm run labels [-- --mirrors DIR --class unmet,recursive] and npm run quiet [-- --mirrors DIR]: depbot on real mails.
 *
 * labels: of the faults that robots and people found after a patch was posted, which depbot finds, and what only it
 * finds. quiet: of the series that nobody complained of, on which it is silent. The mails come from mirrors of mailing
 * lists (mirror.ts); facts on them from `labels-dev.json` and `quiet-dev.json` of the corpus. Where either is missing
 * the run is skipped, with status 0. Else the status is 0 whatever is found, and 2 where set-up was not possible.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { cacheDir, ProvisionError, provision } from '../../queue/provision.ts';
import { showProgress } from '../../queue/provision-progress.ts';
import { kernelVersion } from '../../queue/toolchain.ts';
import { RULES } from '../../rules/index.ts';
import type { MessageId, Outcome, Report } from '../../rules/types.ts';
import { CorpusError, corpusDir, readJson } from '../corpus/entries.ts';
import { workThrough } from '../support/workers.ts';
import { gather, writeMaildir } from './gather.ts';
import { appliesTo, foundAlone, type Judged, judgeLabel, LABELS, labelsText } from './labels.ts';
import { type Mirror, mirrorsIn } from './mirror.ts';
import { findingLines, QUIET, quietText } from './quiet.ts';
import type { Setup, Task } from './worker.ts';

/** Beyond this a check hangs. */
const LIMIT_MS = 600_000;

interface Options {
  readonly mirrors?: string;
  readonly corpus?: string;
  readonly tree?: string;
  readonly class?: string[];
  readonly limit?: number;
  readonly jobs: number;
  readonly json?: string;
}

type Answer = Outcome<{ report: Report }, { why: string }>;

/** What both commands need; undefined, and said, where it is not there. */
async function open(name: string, options: Options) {
  const skip = (why: string): undefined => void process.stdout.write(`skipped: ${why}\n`);
  const file = join(corpusDir(options.corpus, process.env), `${name}-dev.json`);
  if (!existsSync(file)) return skip(`there is no ${file} (give --corpus DIR or set DEPBOT_CORPUS)`);
  const dir = options.mirrors ?? process.env['DEPBOT_MIRRORS'];
  if (!dir) return skip('no mirrors of mailing lists (give --mirrors DIR or set DEPBOT_MIRRORS)');
  const mirrors = existsSync(dir) ? mirrorsIn(resolve(dir)) : [];
  if (mirrors.length === 0) return skip(`no git repositories in ${dir}`);
  const { tree, debianConfigs } = await provision(['packages', 'tree', 'debian-configs'], {
    ...(options.tree !== undefined && { tree: options.tree }),
  });
  if (tree === undefined) throw new ProvisionError('there is no kernel tree');
  const version = kernelVersion(readFileSync(join(tree, 'Makefile'), 'utf8'));
  if (version === undefined) throw new ProvisionError(`the Makefile of ${tree} does not say a kernel's version`);
  const scratch = mkdtempSync(join(tmpdir(), 'depbot-lists-'));
  process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
  const setup: Setup = { tree, scratch, cacheDir: cacheDir(), configs: debianConfigs ?? [] };
  return { file, mirrors, version, setup };
}

async function labels(options: Options): Promise<void> {
  const opened = await open('labels', options);
  if (opened === undefined) return;
  const { file, mirrors, version, setup } = opened;
  const all = readJson(file, LABELS).filter((label) => appliesTo(label, version));
  const asked = all.filter((label) => options.class?.includes(label.class) ?? true).slice(0, options.limit);
  const answers = await answersFor(
    // One check for all labels of a series.
    [...new Map(asked.map((label) => [label.series, label.patch_mid])).values()],
    { mirrors, setup, options },
  );
  const bySeries = Map.groupBy(asked, (label) => label.series);
  const judged: Judged[] = [];
  const alone: string[] = [];
  for (const some of bySeries.values()) {
    const answer = answers.get(some[0]!.patch_mid);
    for (const label of some) {
      if (answer?.ok) judged.push(judgeLabel(label, answer.report));
      else judged.push({ label, kind: 'skipped', why: answer?.why ?? noMail(label.lists, mirrors) });
    }
    if (!answer?.ok) continue;
    const findings = foundAlone(some, answer.report);
    if (findings.length > 0)
      alone.push(`  ${some[0]!.patch_subject}\n`, ...findingLines({ ...answer.report, findings }));
  }
  finish(options, version, judged, labelsText(judged, alone));
}

async function quiet(options: Options): Promise<void> {
  const opened = await open('quiet', options);
  if (opened === undefined) return;
  const { file, mirrors, version, setup } = opened;
  const isHere = (tree: string): boolean =>
    tree.split('.').slice(0, 2).join() === version.split('.').slice(0, 2).join();
  const asked = readJson(file, QUIET)
    .filter(({ tree }) => isHere(tree))
    .slice(0, options.limit);
  const answers = await answersFor(
    asked.map((one) => one.first_patch_mid),
    { mirrors, setup, options },
  );
  const heard = asked.map((one) => {
    const answer = answers.get(one.first_patch_mid) ?? { ok: false as const, why: noMail(one.lists, mirrors) };
    return { quiet: one, ...answer };
  });
  finish(options, version, heard, quietText(heard));
}

function noMail(lists: readonly string[], mirrors: readonly Mirror[]): string {
  const there = mirrors.filter(({ list }) => lists.includes(list));
  return there.length === 0 ? `no mirror of ${lists.join(' or ')}` : `the mail is not in ${there[0]!.list}`;
}

/** The reports on the series of these mails; nothing for a mail that no mirror has. */
async function answersFor(
  ids: readonly MessageId[],
  { mirrors, setup, options }: { mirrors: readonly Mirror[]; setup: Setup; options: Options },
): Promise<Map<MessageId, Answer>> {
  const progress = showProgress();
  const threads = await gather(new Set(ids), mirrors, setup.cacheDir, progress);
  const tasks: Task[] = [];
  for (const [id, mails] of threads) {
    const maildir = join(setup.scratch, `mails-${tasks.length}`);
    await writeMaildir(maildir, mails);
    tasks.push({ id, maildir });
  }
  const step = progress.step('checking series', tasks.length);
  const answers = await workThrough<Task, Answer>(tasks, {
    script: join(import.meta.dirname, 'worker.ts'),
    argument: JSON.stringify(setup),
    jobs: options.jobs,
    limitMs: LIMIT_MS,
    failed: (_, why) => ({ ok: false, why }),
    onResult: (_, done) => step.to(done),
  });
  step.end();
  return new Map(tasks.map(({ id }, at) => [id, answers[at]!]));
}

function finish(options: Options, version: string, results: readonly unknown[], text: string): void {
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ version, results }, null, 1)}\n`);
  process.stdout.write(`\nLinux ${version}; rules: ${RULES.map(({ id }) => id).join(', ')}\n\n${text}`);
}

function count(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('a whole number above 0');
  return Number(text);
}

function subcommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--mirrors <dir>', 'folder of public-inbox repositories, named by their lists (default: DEPBOT_MIRRORS)')
    .option('--corpus <dir>', 'folder of the corpus (default: DEPBOT_CORPUS, else ../shared/corpus)')
    .option('--tree <dir>', "a kernel's git tree (default: DEPBOT_TREE, else Debian's Linux, fetched)")
    .option('--limit <n>', 'at most so many', count)
    .option('--jobs <n>', 'checks at a time, 2 GB of memory each', count, Math.min(2, availableParallelism()))
    .option('--json <file>', 'all results, with the reports')
    .exitOverride();
}

const command = new Command('lists')
  .exitOverride()
  .addCommand(
    subcommand('labels', 'faults that people and robots found after a patch was posted: which depbot finds')
      .option('--class <list>', 'only labels of these classes, commas between', (text) => text.split(','))
      .action(labels),
  )
  .addCommand(subcommand('quiet', 'series that nobody complained of: is depbot silent').action(quiet));

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
    process.stderr.write(`lists: ${isExpected ? message : stack}\n`);
    process.exitCode = 2;
  }
}

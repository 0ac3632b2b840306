/**
 * npm run labels [-- --mirrors DIR --class unmet,recursive] and npm run quiet [-- --mirrors DIR]: depbot on real mails.
 *
 * labels: of the faults that robots and people found after a patch was posted, which depbot finds, and what only it
 * finds. quiet: of the series that nobody complained of, on which it is silent. The mails come from mirrors of mailing
 * lists (mirror.ts); facts on them from `labels-dev.json` and `quiet-dev.json` of the corpus. Where either is missing
 * the run is skipped, with status 0. Else the status is 0 whatever is found, and 2 where set-up was not possible.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { type Mirror, mirrorsIn } from '../../bot/archive-git.ts';
import { showProgress } from '../../queue/provision-progress.ts';
import { RULES } from '../../rules/index.ts';
import type { MessageId, Outcome, Report } from '../../rules/types.ts';
import { corpusDir, isSameSeries, readJson } from '../corpus/entries.ts';
import {
  CHECK_LIMIT_MS,
  type CommonOptions,
  checksStep,
  commaList,
  commandOf,
  type Machine,
  prepareMachine,
  runCommand,
} from '../support/measuring.ts';
import { workThrough } from '../support/workers.ts';
import { gather, writeMaildir } from './gather.ts';
import { appliesTo, foundAlone, type Judged, judgeLabel, LABELS, labelsText } from './labels.ts';
import { findingLines, QUIET, quietText } from './quiet.ts';
import type { Task } from './worker.ts';

interface Options extends CommonOptions {
  readonly mirrors?: string;
  readonly class?: string[];
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
  return { file, mirrors, machine: await prepareMachine(options) };
}

async function labels(options: Options): Promise<void> {
  const opened = await open('labels', options);
  if (opened === undefined) return;
  const { file, mirrors, machine } = opened;
  const all = readJson(file, LABELS).filter((label) => appliesTo(label, machine.version));
  const asked = all.filter((label) => options.class?.includes(label.class) ?? true).slice(0, options.limit);
  const answers = await answersFor(
    // One check for all labels of a series.
    [...new Map(asked.map((label) => [label.series, label.patch_mid])).values()],
    { mirrors, machine, options },
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
  finish(options, machine, judged, labelsText(judged, alone));
}

async function quiet(options: Options): Promise<void> {
  const opened = await open('quiet', options);
  if (opened === undefined) return;
  const { file, mirrors, machine } = opened;
  const asked = readJson(file, QUIET)
    .filter(({ tree }) => isSameSeries(tree, machine.version))
    .slice(0, options.limit);
  const answers = await answersFor(
    asked.map((one) => one.first_patch_mid),
    { mirrors, machine, options },
  );
  const heard = asked.map((one) => {
    const answer = answers.get(one.first_patch_mid) ?? { ok: false as const, why: noMail(one.lists, mirrors) };
    return { quiet: one, ...answer };
  });
  finish(options, machine, heard, quietText(heard));
}

function noMail(lists: readonly string[], mirrors: readonly Mirror[]): string {
  const there = mirrors.filter(({ list }) => lists.includes(list));
  return there.length === 0 ? `no mirror of ${lists.join(' or ')}` : `the mail is not in ${there[0]!.list}`;
}

/** The reports on the series of these mails; nothing for a mail that no mirror has. */
async function answersFor(
  ids: readonly MessageId[],
  { mirrors, machine, options }: { mirrors: readonly Mirror[]; machine: Machine; options: Options },
): Promise<Map<MessageId, Answer>> {
  const threads = await gather(new Set(ids), mirrors, machine.cacheDir, showProgress());
  const tasks: Task[] = [];
  for (const [id, mails] of threads) {
    const maildir = join(machine.scratch, `mails-${tasks.length}`);
    await writeMaildir(maildir, mails);
    tasks.push({ id, maildir });
  }
  const step = checksStep('checking series', tasks.length);
  const answers = await workThrough<Task, Answer>(tasks, {
    script: join(import.meta.dirname, 'worker.ts'),
    argument: JSON.stringify(machine),
    jobs: options.jobs,
    limitMs: CHECK_LIMIT_MS,
    failed: (_, why) => ({ ok: false, why }),
    onResult: (answer, { id }, n) =>
      step.done(n, `<${id}>: ${answer.ok ? `${answer.report.findings.length} findings` : answer.why}`),
  });
  step.end();
  return new Map(tasks.map(({ id }, at) => [id, answers[at]!]));
}

function finish(options: Options, { version }: Machine, results: readonly unknown[], text: string): void {
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ version, results }, null, 1)}\n`);
  process.stdout.write(`\nLinux ${version}; rules: ${RULES.map(({ id }) => id).join(', ')}\n\n${text}`);
}

function subcommand(name: string, description: string): Command {
  const help = 'folder of public-inbox repositories, named by their lists (default: DEPBOT_MIRRORS)';
  return commandOf(name, description).option('--mirrors <dir>', help);
}

await runCommand(
  new Command('lists')
    .exitOverride()
    .addCommand(
      subcommand('labels', 'faults that people and robots found after a patch was posted: which depbot finds')
        .option('--class <list>', 'only labels of these classes, commas between', commaList)
        .action(labels),
    )
    .addCommand(subcommand('quiet', 'series that nobody complained of: is depbot silent').action(quiet)),
);

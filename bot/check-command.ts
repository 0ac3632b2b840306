/**
 * `depbot check`: mails or a git range in; replies, a report and an exit status out. Sends nothing.
 *
 * Exit status: 0 nothing found, 1 findings, 2 could not check (and why, on standard error).
 */

import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, parse, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { type CheckOptions, check } from '../queue/check.ts';
import { cacheDir, cachedTree } from '../queue/provision-cache.ts';
import { formatRange } from '../queue/range.ts';
import { uncheckedReport } from '../queue/report.ts';
import { openRepository, type Repository } from '../queue/repository.ts';
import { setToolEnv } from '../queue/tool-path.ts';
import type { Assembled, CannotCheck, Reply, Report, Series } from '../rules/types.ts';
import { checkOptions } from './check-options.ts';
import { type Config, readConfigFile, stateDir } from './config.ts';
import { bodyDigest, type Envelope, messageIdFor, toDraft, toText } from './eml.ts';
import { footerOf } from './footer.ts';
import { type Intake, readSeries } from './intake.ts';
import { confirmedSoFar, leftOpen, named } from './left-open.ts';
import type { World } from './main.ts';
import { renderPage } from './page.ts';
import { everyoneIn } from './policy.ts';
import { printable, printableMessage } from './printable.ts';
import { progressLine } from './progress-line.ts';
import { renderReplies } from './reply.ts';
import { superseded } from './superseded.ts';

export interface CheckArguments {
  readonly tree?: string;
  readonly range?: string;
  readonly base?: string;
  readonly arch?: string[];
  readonly distributionConfig?: string[];
  readonly json?: boolean;
  readonly allRevisions?: boolean;
  readonly out?: string;
  readonly html?: string;
  readonly config?: string;
  readonly trustTree?: boolean;
  /** False for --no-build. */
  readonly build?: boolean;
}

/** Arguments that contradict each other or lack something. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export async function runCheck(input: string | undefined, args: CheckArguments, world: World): Promise<number> {
  setToolEnv(world.env);
  const config = readConfigFile(args.config);
  const say = (text: string): void => void world.stderr.write(`depbot: ${printableMessage(text)}\n`);
  if (args.range !== undefined && input !== undefined)
    throw new UsageError('--range checks commits of the tree and takes no mails: leave out one of the two');
  const treeDir = treeDirOf(args, config, world);
  if (args.range === undefined && input === undefined && world.stdin.isTTY)
    throw new UsageError('no input: give an mbox, a Maildir, a mail, or --range base..branch');
  if (args.out !== undefined) refuseFile(args.out);
  if (args.html !== undefined) refuseFolder(args.html);

  const repo = await openTree(treeDir, config, world);
  try {
    const intake =
      args.range === undefined ? await readSeries(source(input, world)) : await readRange(args.range, repo);
    for (const { where, why } of intake.problems) say(`${where}: ${why}`);
    for (const { messageId, why } of intake.leftOver) say(`<${messageId}>: ${why}`);
    if (intake.series.length === 0) {
      say('there is no patch series in the input');
      return 2;
    }
    const progress = progressLine(world);
    const isTold = !args.json && world.verbosity !== 'quiet';
    const options: CheckOptions = {
      ...checkOptions(args, config, world),
      onProgress: progress.show,
      onConfirmed: (findings) => {
        progress.clear();
        if (isTold) for (const line of confirmedSoFar(findings)) say(line);
      },
    };
    const reports: Report[] = [];
    const written = new Set<string>();
    const later = args.allRevisions ? new Map<Assembled, Assembled>() : superseded(intake.series);
    for (const [old, by] of later)
      say(`${old.subject}: not checked, since ${by.subject} supersedes it (--all-revisions checks it too)`);
    for (const series of intake.series.filter((one) => !later.has(one))) {
      const report = series.complete ? await check(series, repo, options) : incomplete(series);
      progress.clear();
      reports.push(report);
      if (isTold) describe(report, say);
      else if (report.cannotCheck) say(failureOf(report.cannotCheck));
      if (world.verbosity === 'verbose') tellTimes(report, say);
      if (series.complete) writeReplies(series, report, { args, config, world, written });
      if (args.html !== undefined) writePage(args.html, reports.length, series, report, config);
    }
    if (args.json) world.stdout.write(`${JSON.stringify(reports.length === 1 ? reports[0] : reports, null, 2)}\n`);
    if (reports.some((report) => report.cannotCheck) || intake.problems.length > 0) return 2;
    return reports.some((report) => report.findings.length > 0) ? 1 : 0;
  } finally {
    await repo.close();
  }
}

/** Throws UsageError where none is named. */
export function treeDirOf({ tree }: CheckArguments, config: Config, { env }: World): string {
  const dir = tree ?? env['DEPBOT_TREE'] ?? config.tree.dir;
  if (dir !== undefined) return dir;
  const fetched = fetchedTree(config, env);
  const hint = fetched === undefined ? '' : `; set-up has fetched one: --tree ${fetched}`;
  throw new UsageError(
    `no kernel tree: give --tree DIR, set DEPBOT_TREE, or name it in the file of --config (tree.dir)${hint}`,
  );
}

/** What `npm run quickstart` and its like have left in the cache. */
export function fetchedTree(config: Config, env: World['env']): string | undefined {
  const dir = cachedTree(config.paths.cache ?? cacheDir(env));
  return existsSync(dir) ? dir : undefined;
}

export async function openTree(treeDir: string, config: Config, { env }: World): Promise<Repository> {
  const searchPath = env['PATH'];
  return openRepository({ treeDir, stateDir: stateDir(config, env), ...(searchPath && { searchPath }) });
}

function source(input: string | undefined, world: World): Parameters<typeof readSeries>[0] {
  return input === undefined || input === '-' ? { stdin: world.stdin } : { path: input };
}

/** Throws UsageError for a range that is no series. */
export async function readRange(range: string, repo: Repository): Promise<Intake> {
  const mails = await formatRange(repo, range);
  if (!mails.ok) throw new UsageError(`--range: ${mails.why}`);
  return readSeries({ stdin: Readable.from([mails.mbox]) });
}

function incomplete(series: Assembled & { complete: false }): Report {
  const cut = series.have.flatMap(({ n }) => (series.missing.includes(n) ? [n] : []));
  const absent = series.missing.filter((n) => !cut.includes(n));
  if (series.total === 0)
    return uncheckedReport(series, { stage: 'input', why: 'the series has no patch: its cover letter counts none' });
  const faults = [
    ...(absent.length > 0 ? [`${some(absent, series.total)} not in the input`] : []),
    ...(cut.length > 0 ? [`${some(cut, series.total)} cut short`] : []),
  ];
  const why = `the series is incomplete: ${faults.join(', and ')}; add what is missing and check again`;
  return uncheckedReport(series, { stage: 'input', why, ...(cut[0] !== undefined && { patch: cut[0] }) });
}

const MAX_MISSING_NAMED = 10;

/** `patches 2, 5 of 7 are`. */
function some(numbers: readonly number[], total: number): string {
  const shown = numbers.slice(0, MAX_MISSING_NAMED).join(', ');
  const more = numbers.length > MAX_MISSING_NAMED ? ` and ${numbers.length - MAX_MISSING_NAMED} more` : '';
  return numbers.length === 1 ? `patch ${shown} of ${total} is` : `patches ${shown}${more} of ${total} are`;
}

/** What was done, on standard error: nobody has to wonder what silence means. */
function describe(report: Report, say: (text: string) => void): void {
  const { series, applied, cannotCheck, checked, findings, dropped } = report;
  say(
    `${series.subject} (${count(series.patches.length, 'patch', 'patches')}, by ${series.author.name || series.author.address})`,
  );
  for (const oddity of series.oddities) say(`note: ${oddity}`);
  if (applied)
    say(`base: ${applied.base.name ?? applied.base.sha.slice(0, 12)} (${applied.base.how}): ${applied.base.detail}`);
  if (cannotCheck) {
    say(failureOf(cannotCheck));
    return;
  }
  const files = count(checked.changedFiles.length, 'changed Kconfig file');
  const symbols = count(checked.changedSymbols.length, 'changed symbol');
  const where = `on ${count(checked.archs.length, 'architecture')} with ${count(checked.configs, 'configuration')}`;
  say(
    checked.archs.length === 0
      ? `no Kconfig file changes; checked references to symbols (${checked.rules.join(', ')})`
      : `checked ${files}, ${symbols}, ${where} (${checked.rules.join(', ')})`,
  );
  for (const { rule, key, why } of dropped) say(`dropped ${named(rule, key)}: ${why.split('\n')[0]}`);
  for (const line of leftOpen(report)) say(line);
  say(findings.length === 0 ? 'nothing found' : count(findings.length, 'finding'));
}

/** Milliseconds of each stage, as the report has them. */
function tellTimes({ tookMs }: Report, say: (text: string) => void): void {
  const stages = Object.entries(tookMs).map(([stage, ms]) => `${stage} ${(ms / 1000).toFixed(1)} s`);
  if (stages.length > 0) say(`time: ${stages.join(', ')}`);
}

function failureOf({ stage, why }: CannotCheck): string {
  return `could not check (${stage}): ${why}`;
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

interface Output {
  readonly args: CheckArguments;
  readonly config: Config;
  readonly world: World;
  /** File names, or Message-IDs, of the replies written so far. */
  readonly written: Set<string>;
}

function writeReplies(series: Series, report: Report, { args, config, world, written }: Output): void {
  if (args.json && args.out === undefined) return;
  const { address, templates_dir: templatesDir } = config.bot;
  const replies = renderReplies({
    series,
    report,
    footer: footerOf(config.bot),
    ...(templatesDir !== undefined && { templatesDir }),
  });
  for (const reply of replies) {
    const envelope = envelopeFor(series, reply, address, world.date());
    if (args.out !== undefined) {
      writeAtomically(args.out, fileName(series, reply, written), toDraft(reply, envelope));
      continue;
    }
    const text = toText(reply, envelope);
    const separator = written.size > 0 ? '\n' : '';
    written.add(envelope.messageId);
    world.stdout.write(separator + (world.stdout.isTTY ? printable(text) : text));
  }
}

/** The first series' page has the name asked for, the others' a number as well. */
function writePage(file: string, number: number, series: Assembled, report: Report, config: Config): void {
  const { dir, name, ext } = parse(resolve(file));
  const { templates_dir: templatesDir } = config.bot;
  const page = renderPage({
    report,
    footer: footerOf(config.bot),
    ...(series.complete && { series }),
    ...(templatesDir !== undefined && { templatesDir }),
  });
  writeAtomically(dir, number === 1 ? `${name}${ext}` : `${name}.${number}${ext}`, Buffer.from(page), '--html');
}

/** The reply as it would go to everybody: author in To, the patch's other recipients in Cc. */
function envelopeFor(series: Series, reply: Reply, address: string, date: Date): Envelope {
  const { message, author } = series.patches.find((patch) => patch.n === reply.patch)!;
  const { to, cc } = everyoneIn(message, { bot: address, stopped: new Set() });
  const messageId = messageIdFor(reply.answers, bodyDigest(reply.body), address.slice(address.indexOf('@') + 1));
  return { from: { name: 'depbot', address }, to: to.length > 0 ? to : [author], cc, messageId, date };
}

/** As `git format-patch` would name the patch; of two series with the same titles both are kept. */
function fileName(series: Series, reply: Reply, written: Set<string>): string {
  const { n, title } = series.patches.find((patch) => patch.n === reply.patch)!;
  const slug = title
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 52);
  const stem = `v${series.revision}-${String(n).padStart(4, '0')}-${slug}`;
  let name = `${stem}.eml`;
  for (let i = 2; written.has(name); i++) name = `${stem}.${i}.eml`;
  written.add(name);
  return name;
}

/** Said before the work and not after it. */
function refuseFile(dir: string): void {
  const isThere = existsSync(dir);
  if (isThere && !statSync(dir).isDirectory()) throw new UsageError(`--out ${dir}: it is a file; give a folder`);
  const place = isThere ? dir : dirname(resolve(dir));
  try {
    accessSync(place, constants.W_OK);
  } catch (cause) {
    throw new UsageError(`--out ${dir}: cannot be written (${(cause as Error).message})`, { cause });
  }
}

function refuseFolder(file: string): void {
  if (existsSync(file) && statSync(file).isDirectory())
    throw new UsageError(`--html ${file}: it is a folder; give a file`);
  const folder = dirname(resolve(file));
  if (!existsSync(folder)) throw new UsageError(`--html ${file}: there is no folder ${folder}`);
}

/** Never half a file, and none left behind. */
function writeAtomically(dir: string, name: string, bytes: Uint8Array, option = '--out'): void {
  const partial = join(dir, `.${name}.partial`);
  try {
    if (!existsSync(dir)) mkdirSync(dir);
    writeFileSync(partial, bytes);
    renameSync(partial, join(dir, name));
  } catch (cause) {
    if (existsSync(dir)) rmSync(partial, { force: true });
    throw new UsageError(`${option} ${dir}: cannot be written (${(cause as Error).message})`, { cause });
  }
}

/**
 * `depbot replay`: what the service would have said of the mails of an archive, to whom, and who else saw it. Sends
 * nothing. Exit status: 0 when all series of the time were checked, 2 when some were not: what they are made for is not
 * in the tree, a mail of them is missing, depbot failed at them, or the run was ended before.
 */

import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type CheckOptions, check } from '../queue/check.ts';
import { codeDigest } from '../queue/code-digest.ts';
import { seriesKey } from '../queue/jobs.ts';
import { noProgress, type Progress, showProgress } from '../queue/provision-progress.ts';
import type { Repository } from '../queue/repository.ts';
import { setToolEnv } from '../queue/tool-path.ts';
import { RULES } from '../rules/index.ts';
import type { Series } from '../rules/types.ts';
import { mirrorsIn, openGitArchive } from './archive-git.ts';
import type { Archive, Row } from './archive-row.ts';
import { openSpooledArchive, type SpoolOptions } from './archive-spool.ts';
import { openTree, treeDirOf, UsageError } from './check-command.ts';
import { checkOptions } from './check-options.ts';
import { type Config, readConfigFile, stateDir } from './config.ts';
import { openLog } from './log.ts';
import type { World } from './main.ts';
import { printable, printableMessage } from './printable.ts';
import { type ProgressLine, progressLine } from './progress-line.ts';
import { type Part, partsOf, type Range, seriesOf, WINDOW_MS } from './replay-parts.ts';
import { type Result, Results } from './replay-results.ts';
import { othersWhoSaw } from './replay-seen.ts';
import { asJson, type Counted, count, type Spoken, spokenText, summaryText } from './replay-text.ts';
import { Teller } from './replay-told.ts';
import { mailsOf } from './series.ts';
import { TreeMaintainers } from './tree-maintainers.ts';

export interface ReplayArguments {
  /** Archives: folders, files, `imap:ACCOUNT/FOLDER`. */
  readonly list: readonly string[];
  /** Days, `2026-10-01`, or moments. */
  readonly since: string;
  readonly until?: string;
  readonly tree?: string;
  readonly config?: string;
  readonly arch?: string[];
  readonly build?: boolean;
  readonly trustTree?: boolean;
  readonly json?: boolean;
}

export async function runReplay(args: ReplayArguments, world: World): Promise<number> {
  setToolEnv(world.env);
  const config = readConfigFile(args.config);
  const range = rangeOf(args, world.date());
  const treeDir = treeDirOf(args, config, world);
  const say = (text: string): void => void world.stderr.write(`depbot: ${printableMessage(text)}\n`);
  const state = join(stateDir(config, world.env), 'replay');
  const repo = await openTree(treeDir, config, world);
  const archives: Archive[] = [];
  const line = progressLine(world);
  world.stop.addEventListener('abort', () => {
    line.clear();
    say('ending; again to end at once');
  });
  try {
    const options: CheckOptions = { ...checkOptions(args, config, world), signal: world.stop };
    for (const place of args.list)
      archives.push(...(await openArchives(place, { args, config, range, state, options, world })));
    for (const problem of archives.flatMap(({ problems }) => problems)) say(problem);
    const results = await Results.open(join(state, `${runName(repo, options)}.jsonl`));
    const { parts, mails, undated, held } = await partsOf(archives, range);
    const work: Work = { parts, range, results, repo, options, world, line, say };
    const { incomplete, keys } = await survey(work);
    const failed = await checkAll(work, keys);
    const inRange = results.only(new Set([...keys.values()].flat()));
    const loud = [...keys].flatMap(([part, own]) => (own.some((key) => inRange.found.has(key)) ? [part] : []));
    const others = await othersWhoSaw(archives, inRange);
    const spoken = await tellAll(
      { ...work, parts: loud, results: inRange },
      config,
      join(state, `telling-${process.pid}`),
    );
    const counted: Counted = {
      archives: archives.map(({ name }) => name),
      sinceMs: range.sinceMs,
      untilMs: range.untilMs,
      mails,
      undated,
      held,
      incomplete,
      failed,
      left: world.stop.aborted,
    };
    if (args.json) world.stdout.write(`${JSON.stringify(asJson(spoken, others, inRange, counted), null, 1)}\n`);
    else {
      for (const one of spoken) world.stdout.write(printable(spokenText(one, others)));
      world.stdout.write(printable(summaryText(inRange, spoken, others, counted)));
    }
    return world.stop.aborted || failed > 0 || incomplete > 0 || inRange.unchecked.length > 0 ? 2 : 0;
  } catch (error) {
    if (!world.stop.aborted || error !== world.stop.reason) throw error;
    say('ended before the mails were read; there is nothing to print yet');
    return 2;
  } finally {
    for (const archive of archives) await archive.close();
    await repo.close();
  }
}

function progressOf({ stderr, verbosity }: World): Progress {
  return verbosity === 'quiet' ? noProgress : showProgress(stderr);
}

/** Throws UsageError. */
function rangeOf({ since, until }: ReplayArguments, now: Date): Range {
  const moment = (option: string, text: string): number => {
    const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(ms))
      throw new UsageError(`${option} ${text}: not a day like 2026-10-01, nor a moment like 2026-10-01T12:00Z`);
    return ms;
  };
  const range = {
    sinceMs: moment('--since', since),
    untilMs: until === undefined ? now.getTime() : moment('--until', until),
  };
  if (range.untilMs <= range.sinceMs) throw new UsageError(`--until ${until ?? 'now'} is not after --since ${since}`);
  return range;
}

interface Opening {
  readonly args: ReplayArguments;
  readonly config: Config;
  readonly range: Range;
  readonly state: string;
  readonly options: Pick<CheckOptions, 'cacheDir'>;
  readonly world: World;
}

async function openArchives(place: string, opening: Opening): Promise<Archive[]> {
  const { range, state, options, world, config, args } = opening;
  const progress = progressOf(world);
  // Answers count however late they come.
  const isWanted = ({ dateMs }: Row): boolean => dateMs !== undefined && dateMs >= range.sinceMs - WINDOW_MS;
  const spool: SpoolOptions = {
    dir: join(state, 'mails'),
    progress,
    isWanted,
    choice: new Date(range.sinceMs).toISOString(),
    stop: world.stop,
  };
  const [, account, folder] = /^imap:([^/]+)\/(.+)$/.exec(place) ?? [];
  if (account !== undefined && folder !== undefined) {
    const { replayAccount } = await import('./serve-settings.ts');
    const { openImapArchive } = await import('./archive-imap.ts');
    const settings = replayAccount(config, world.env, args.config ?? 'the configuration', account);
    const log = openLog(world.stderr, world.date);
    const since = new Date(range.sinceMs - WINDOW_MS);
    return [
      await openImapArchive({ ...spool, account: settings, folder, since, log, signal: world.stop, now: world.date }),
    ];
  }
  const path = resolve(world.cwd, place);
  if (!existsSync(path))
    throw new UsageError(
      `--list ${place}: there is no such file or folder; it takes a public-inbox repository, an mbox, a Maildir, or imap:ACCOUNT/FOLDER with an [imap.ACCOUNT] in --config`,
    );
  const mirrors = statSync(path).isDirectory() ? mirrorsIn(path) : [];
  if (mirrors.length > 0)
    return mirrors.map((mirror) => openGitArchive(mirror, options.cacheDir, progress, world.stop));
  return [await openSpooledArchive(path, spool)];
}

/** What another tree, other options or another version of the rules gave is not for this run. */
function runName(
  { gitDir }: Repository,
  { archs, base, noBuild, candidates, trustTree, distributions = [] }: CheckOptions,
): string {
  const root = join(import.meta.dirname, '..');
  const code = ['rules', 'rules/kconfig', 'rules/kbuild', 'rules/source', 'queue'].map((folder) =>
    codeDigest(join(root, folder)),
  );
  const names = distributions.map(({ name }) => name);
  const all = [gitDir, archs, base, noBuild, candidates, trustTree, names, code, RULES.map(({ id }) => id)];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 16);
}

interface Work {
  readonly parts: readonly Part[];
  readonly range: Range;
  readonly results: Results;
  readonly repo: Repository;
  readonly options: CheckOptions;
  readonly world: World;
  readonly line: ProgressLine;
  readonly say: (text: string) => void;
}

interface Survey {
  readonly incomplete: number;
  /** Keys of the series of the range, by part: results of other times and archives lie in the same file. */
  readonly keys: ReadonlyMap<Part, readonly string[]>;
}

/** Which series there are: how long it takes can be told before the first is checked. */
async function survey({ parts, range, world }: Work): Promise<Survey> {
  const step = progressOf(world).step('looking for series', mailsIn(parts));
  const keys = new Map<Part, readonly string[]>();
  let [looked, incomplete, found] = [0, 0, 0];
  for (const part of parts) {
    if (world.stop.aborted) break;
    const { series, incomplete: lacking } = await seriesOf(part, range);
    const own = series.map((one) => seriesKey(one.series));
    if (own.length > 0) keys.set(part, own);
    found += own.length;
    incomplete += lacking;
    looked += part.places.length;
    step.to(looked);
  }
  step.end(count(found, 'series', 'series'));
  return { incomplete, keys };
}

function mailsIn(parts: readonly Part[]): number {
  return parts.reduce((sum, { places }) => sum + places.length, 0);
}

/** Checks each series that has no result yet, until the process is asked to end; how many failed. */
async function checkAll(work: Work, keys: Survey['keys']): Promise<number> {
  const { range, results, repo, options, world, line, say } = work;
  const all = new Set([...keys.values()].flat());
  const open = new Set([...all].filter((key) => !results.has(key)));
  const total = open.size;
  if (total < all.size && world.verbosity !== 'quiet')
    say(`${count(all.size - total, 'series is', 'series are')} known from an earlier run`);
  if (total > 0 && !world.stderr.isTTY && world.verbosity !== 'quiet')
    say(`checking ${count(total, 'series', 'series')}; each takes seconds to minutes, and is told when it is done`);
  let [n, failed] = [0, 0];
  for (const [part, own] of keys) {
    if (world.stop.aborted) break;
    if (!own.some((key) => open.has(key))) continue;
    for (const { series, postedMs } of (await seriesOf(part, range)).series) {
      if (world.stop.aborted) break;
      const key = seriesKey(series);
      if (!open.delete(key)) continue;
      const at = `series ${++n} of ${total}`;
      const ended = (text: string): void => {
        line.clear();
        say(text);
      };
      try {
        const onProgress = (stage: string): void => line.show(`${at}: ${stage}`);
        const report = await check(series, repo, { ...options, onProgress });
        results.add({ key, postedMs, ids: mailsOf(series).map(({ messageId }) => messageId), report });
        if (!world.stderr.isTTY && world.verbosity !== 'quiet') ended(`${at}: ${series.subject}: ${verdict(report)}`);
      } catch (error) {
        // Of what ends with the run the next one tells.
        if (world.stop.aborted) break;
        // One series must not end a night's work; what fails for all does.
        if ((error as Error).name === 'SandboxError' || (error as Error).name === 'ConfigError') throw error;
        failed++;
        ended(`${series.subject}: ${(error as Error).message}`);
      }
    }
  }
  line.clear();
  return failed;
}

function verdict({ findings, cannotCheck }: Awaited<ReturnType<typeof check>>): string {
  if (cannotCheck) return `could not check (${cannotCheck.stage})`;
  return findings.length === 0 ? 'nothing found' : findings.map(({ rule }) => rule).join(', ');
}

/** In the order in which they were posted; the parts with findings are read once more for it */
async function tellAll(
  { parts, range, results, repo, options, world }: Work,
  config: Config,
  dir: string,
): Promise<Spoken[]> {
  if (results.found.size === 0) return [];
  const maintainers = await new TreeMaintainers(repo, openLog(world.stderr, world.date), world.now).current();
  // Where builds are switched off, `check` tells what could not be proved by one, and so does this.
  const sendUnbuilt = config.check.send_unbuilt || options.noBuild === true;
  const teller = new Teller({ config, maintainers, sendUnbuilt, dir });
  const keys = new Set(results.found.keys());
  try {
    const loud: { series: Series; result: Result }[] = [];
    for (const part of parts) {
      for (const { series } of (await seriesOf(part, range)).series) {
        const key = seriesKey(series);
        if (keys.delete(key)) loud.push({ series, result: results.found.get(key)! });
      }
    }
    const spoken: Spoken[] = [];
    for (const { series, result } of loud.sort((a, b) => a.result.postedMs - b.result.postedMs))
      spoken.push({ result, ...(await teller.tell(series, result)) });
    return spoken;
  } finally {
    teller.close();
  }
}

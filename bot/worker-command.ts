/** `depbot worker`, and the worker inside `depbot serve`: takes series from the queue and checks them. */

import { once } from 'node:events';
import { startWorker } from '../queue/bullmq-worker.ts';
import { type CheckOptions, check } from '../queue/check.ts';
import type { Worker } from '../queue/jobs.ts';
import { passingFolders, sweepLeftovers } from '../queue/leftovers.ts';
import type { RedisAddress } from '../queue/redis-server.ts';
import { Remotes } from '../queue/remotes.ts';
import { uncheckedReport } from '../queue/report.ts';
import { openRepository, type Repository } from '../queue/repository.ts';
import { SandboxError, sandboxAvailable } from '../queue/sandbox.ts';
import { setToolEnv } from '../queue/tool-path.ts';
import { withAsked } from './asked-check.ts';
import { checkOptions } from './check-options.ts';
import { type Config, readConfigFile, stateDir } from './config.ts';
import { seriesOfJob } from './job-series.ts';
import { type Log, logFormOf, openLog } from './log.ts';
import type { World } from './main.ts';
import { treesOf } from './policy.ts';
import { timeLeft } from './progress-line.ts';
import { workerSettings } from './serve-settings.ts';
import { TreeMaintainers } from './tree-maintainers.ts';

export interface RunningWorker {
  /** Lets the series under way end, then stops. */
  close(): Promise<void>;
}

export interface WorkerOptions {
  readonly redis: RedisAddress;
  /** No other worker is at this Redis. */
  readonly alone: boolean;
  readonly treeDir: string;
  readonly config: Config;
  readonly world: World;
  readonly log: Log;
}

/**
 * Starts a worker on a kernel tree. Throws what opening the tree throws, and SandboxError where there is no sandbox: it
 * would take series from other workers and check none.
 */
export async function openWorker({ redis, alone, treeDir, config, world, log }: WorkerOptions): Promise<RunningWorker> {
  const sandbox = config.check.trust_tree ? undefined : await sandboxAvailable();
  if (sandbox?.ok === false) throw new SandboxError('refused', `nothing could be checked here: ${sandbox.why}`);
  const repo: Repository = await openRepository({
    treeDir,
    stateDir: stateDir(config, world.env),
    ...(world.env['PATH'] && { searchPath: world.env['PATH'] }),
  });
  const options: CheckOptions = {
    ...checkOptions({}, config, world),
    throwsFaults: true,
    ...(config.page.listen !== undefined && { withSurvey: true }),
  };
  for (const folder of passingFolders(options.cacheDir)) await sweepLeftovers(folder);
  const remotes = new Remotes({
    repo,
    remotes: config.remote,
    everyMs: config.tree.fetch_s * 1000,
    env: world.env,
    now: () => world.date().getTime(),
    onFault: (why) => log.warn(why),
  });
  const maintainers = new TreeMaintainers(repo, log);
  const worker: Worker = startWorker(
    redis,
    async (job, signal, progress, isLastAttempt) => {
      const series = seriesOfJob(job);
      log.info(`${series.subject}: checking`);
      await remotes.freshen(series.baseCommit, signal);
      const naming = config.maintainer.filter((entry) => entry.trees !== undefined);
      const trees = naming.length === 0 ? [] : treesOf(series, naming, await maintainers.current());
      const own: CheckOptions = {
        ...options,
        signal,
        isLastAttempt,
        onProgress: (text, leftMs) => progress(`${text}${timeLeft(leftMs)}`),
        ...(trees.length > 0 && { candidates: trees }),
      };
      const read = job.asked ? await withAsked(own, job.asked, repo) : { ok: true as const, options: own };
      if (!read.ok) return uncheckedReport(series, { stage: 'input', why: read.why });
      return check(series, repo, read.options).catch((error: Error) => {
        if (job.asked === undefined || error.name !== 'UnknownArchError') throw error;
        return uncheckedReport(series, { stage: 'input', why: error.message });
      });
    },
    { log, concurrency: 1, alone },
  );
  return {
    async close() {
      await worker.close();
      await remotes.close();
      await repo.close();
    },
  };
}

/** Runs a worker until `world.stop` aborts. Throws ConfigError. */
export async function runWorker(path: string, world: World): Promise<number> {
  setToolEnv(world.env);
  const config = readConfigFile(path);
  const { treeDir, redis } = workerSettings(config, world.env, path);
  const log = openLog(world.stderr, world.date, logFormOf(world));
  const worker = await openWorker({ redis, alone: false, treeDir, config, world, log });
  log.info('worker: waiting for series');
  if (!world.stop.aborted) await once(world.stop, 'abort');
  log.info('stopping');
  await worker.close();
  return 0;
}

/** `depbot status`: what goes on at the queue, and which series no worker got through. Changes nothing. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openQueue } from '../queue/bullmq.ts';
import type { QueueStatus, RunningJob } from '../queue/jobs.ts';
import { type RedisAddress, socketOf } from '../queue/redis-server.ts';
import { ConfigError, readConfigFile, stateDir } from './config.ts';
import { Docket } from './docket.ts';
import { whyStopped } from './emergency-stop.ts';
import { openLog } from './log.ts';
import type { World } from './main.ts';
import { printableMessage } from './printable.ts';
import { redisSettings } from './serve-settings.ts';
import { underWay } from './under-way.ts';

const DEADLINE_MS = 5000;

export interface StatusArguments {
  readonly config: string;
  readonly json?: boolean;
}

/** All that is told. Series that failed are those of this machine's `depbot serve`. */
interface Status extends QueueStatus {
  /** Why nothing leaves now. */
  readonly halted?: string;
  readonly counts: { readonly waiting: number; readonly active: number };
  readonly failed: readonly { readonly key: string; readonly at: Date; readonly why: string }[];
}

/** Exit status: 0, or 1 where series wait and there is no worker. Throws ConfigError, and QueueError where Redis is away. */
export async function showStatus(args: StatusArguments, world: World): Promise<number> {
  const config = readConfigFile(args.config);
  const state = join(stateDir(config, world.env), 'service');
  const redis = redisSettings(config, world.env, args.config) ?? (await ownRedis(state));
  const queue = openQueue(redis, openLog(world.stderr, world.date), { deadlineMs: DEADLINE_MS });
  try {
    const counts = await queue.counts();
    const halted = whyStopped(state, args.config);
    const status: Status = {
      ...(halted !== undefined && { halted }),
      counts,
      ...(await queue.status()),
      failed: failuresOf(join(state, 'jobs')),
    };
    world.stdout.write(args.json ? `${JSON.stringify(status, null, 2)}\n` : textOf(status, world.date()));
    return counts.waiting > 0 && status.workers.length === 0 ? 1 : 0;
  } finally {
    await queue.close();
  }
}

/** That of a serve which runs here. Throws ConfigError where none does. */
async function ownRedis(state: string): Promise<RedisAddress> {
  const path = await socketOf(join(state, 'redis'));
  if (existsSync(path)) return { path };
  throw new ConfigError(
    `no depbot serve runs with the folder ${state}: start it, or name where its state is (paths.state, or XDG_STATE_HOME as in its unit)`,
  );
}

function failuresOf(dir: string): Status['failed'] {
  if (!existsSync(join(dir, 'failures'))) return [];
  const docket = new Docket(dir);
  return docket.keys('failures').flatMap((key) => {
    const failure = docket.failure(key);
    return failure ? [{ key, ...failure }] : [];
  });
}

function textOf({ halted, counts, doneLastHour, workers, running, errors, failed }: Status, now: Date): string {
  const lines = [
    ...(halted === undefined ? [] : [halted]),
    `queue: ${counts.waiting} waiting, ${counts.active} under way, ${doneLastHour} done in the last hour`,
    `workers: ${workers.length === 0 ? 'none' : workers.join(', ')}`,
    ...running.map((job) => runningLine(job, now)),
    ...errors.map(({ at, worker, subject, why }) => `failed: ${when(new Date(at))} ${worker}: ${subject}: ${why}`),
    ...failed.map(({ key, at, why }) => `not checked: ${when(at)} series ${key}: ${why}; it is tried again later`),
  ];
  return lines.map((line) => `${printableMessage(line)}\n`).join('');
}

function runningLine(job: RunningJob, now: Date): string {
  const { subject, progress } = job;
  return `under way: ${subject} (${underWay(job, now)})${progress === undefined ? '' : `: ${progress}`}`;
}

function when(at: Date): string {
  return `${at.toISOString().slice(0, 16)}Z`;
}

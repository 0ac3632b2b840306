/** How queue and workers reach Redis, and the names under which they find each other there. */

import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BackendFactory, createRedisBackend, type RedisQueueBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { z } from 'zod';
import type { RedisAddress } from './redis-server.ts';

export const QUEUE_NAME = 'check';
export const PREFIX = 'depbot';
/** Attempts at a job that the machine kept from its end. */
export const ATTEMPTS = 3;

/** Redis answers in milliseconds, and BullMQ blocks for 10 s at most. */
const SILENCE_MS = 30_000;
const MOST_WAIT_MS = 30_000;
const EVENTS_APART_MS = 25;
/** Events hold whole reports; readers keep up, or look for themselves. */
export const EVENTS_KEPT = 100;

/** For BullMQ. A command never fails because Redis is away: it waits, and `Watch.ask` bounds how long. */
export function connectionTo(redis: RedisAddress) {
  return {
    ...redis,
    maxRetriesPerRequest: null,
    connectTimeout: 10_000,
    socketTimeout: SILENCE_MS,
    retryStrategy: (times: number): number => Math.min(100 * 2 ** Math.min(times, 10), MOST_WAIT_MS),
  };
}

/**
 * For QueueEvents: reads what happened in lots. Each step of a busy queue would be a round trip of its own. What befalls
 * while nobody waits is there later, unless `$`, which means from now on, was asked for.
 */
export const inLots: BackendFactory<RedisQueueBackend> = (...options) => {
  const backend = createRedisBackend(...options);
  const read = backend.readEvents.bind(backend);
  let isBehind = false;
  backend.readEvents = async (from, timeoutMs) => {
    if (from !== '$' && !isBehind) await sleep(EVENTS_APART_MS);
    const events = await read(from, timeoutMs);
    isBehind = (events?.[0]?.[1].length ?? 0) >= EVENTS_KEPT / 2;
    return events;
  };
  return backend;
};

/** Set for a job that nobody wants any more while a worker has it. */
export function calledOffKey(job: string): string {
  return `${PREFIX}:called-off:${job}`;
}

/** For a worker that does not see its mark: the job is over by then. */
export const CALLED_OFF_SEC = 24 * 60 * 60;

/** A stream of the last attempts that failed. */
export const ERRORS = `${PREFIX}:errors`;
export const ERRORS_KEPT = 20;

const Attempt = z.object({ at: z.number(), subject: z.string(), worker: z.string(), why: z.string() });
/** An attempt that failed, with when, in milliseconds since 1970. */
export type FailedAttempt = Readonly<z.infer<typeof Attempt>>;

const Progress = z.object({ text: z.string(), at: z.number() });
/** What a worker last said of a job. */
export type ToldProgress = Readonly<z.infer<typeof Progress>>;

/** What XREAD gives of the stream, the latest first; what no worker wrote is left out. */
export function readAttempts(answer: unknown): FailedAttempt[] {
  const read = Streams.safeParse(answer).data ?? [];
  return read
    .flatMap(([, entries]) => entries)
    .flatMap(([, [, json = '']]) => {
      try {
        return Attempt.safeParse(JSON.parse(json)).data ?? [];
      } catch {
        return [];
      }
    })
    .reverse();
}

const Streams = z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.array(z.string())]))]));

/** A job's progress; undefined for what no worker wrote. */
export function readProgress(value: unknown): ToldProgress | undefined {
  return Progress.safeParse(value).data;
}

/** The name of this process as a worker: host and process id. Redis takes no spaces in it. */
export function workerName(): string {
  return `${hostname()}:${process.pid}`;
}

/** Whether a Redis is there and has loaded its data. `false` for each way in which it may not be. */
export async function answersPing(redis: RedisAddress, timeoutMs: number): Promise<boolean> {
  const options = {
    lazyConnect: true,
    connectTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  };
  const client = 'path' in redis ? new Redis({ ...options, path: redis.path }) : new Redis(redis.url, options);
  client.on('error', () => undefined);
  try {
    return (await client.ping()) === 'PONG';
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

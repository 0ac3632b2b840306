/**
 * The queue on Redis, through BullMQ: the only file that imports it, or ioredis.
 *
 * What BullMQ holds is a convenience, never the only copy: whoever adds a job keeps its mails until it has the
 * result. So a job that is lost here is added again, and one that runs twice has the same result.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Worker as BullWorker, type Job, Queue, QueueEvents, UnrecoverableError, WaitingError } from 'bullmq';
import { Redis } from 'ioredis';
import type { CheckJob, CheckResult, Handler, JobQueue, JobState, Log, Worker } from './jobs.ts';
import { parseJob, parseResult } from './jobs.ts';
import type { RedisAddress } from './redis-server.ts';
import { QueueError, Watch, within, wordsOf } from './redis-watch.ts';
import { Turns, URGENT } from './turns.ts';

export type { JobQueue, Worker } from './jobs.ts';
export { QueueError } from './redis-watch.ts';

const NAME = 'check';
const PREFIX = 'depbot';
const ATTEMPTS = 3;
/** A job that ends its worker, and so never fails, is given up after as many starts. */
const MOST_STARTS = 10;
/** Events hold whole reports; readers keep up, or look for themselves. */
const EVENTS_KEPT = 100;
/** Redis answers in milliseconds, and BullMQ blocks for 10 s at most. */
const SILENCE_MS = 30_000;
const MOST_WAIT_MS = 30_000;
/** After an error that Redis answered. */
const RETRY_MS = 1000;
/** For a handler to come to its end after its signal; no longer than it was waited for before. */
const ABORT_MS = 5000;

export interface QueueOptions {
  /** How long a call waits for Redis before it throws QueueError. */
  readonly deadlineMs?: number;
  /** Before the second attempt; twice that before the third. */
  readonly retryMs?: number;
}

export interface WorkerOptions {
  readonly log: Log;
  /** Jobs at a time. */
  readonly concurrency: number;
  /** No other worker is at this Redis: jobs that seem under way are of a predecessor that died, and start again at once. */
  readonly alone?: boolean;
  /** How long a job stays its worker's without a sign of life, which comes after half of it. */
  readonly lockMs?: number;
  /** How often jobs of dead workers are looked for; one is taken over after lockMs and at most twice this. */
  readonly stalledMs?: number;
  /** How long close() waits for jobs under way before it aborts them. */
  readonly graceMs?: number;
}

/** Where jobs are put and looked at. Returns at once; throws QueueError when the address is none. */
export function openQueue(
  redis: RedisAddress,
  log: Log,
  { deadlineMs = 30_000, retryMs = 10_000 }: QueueOptions = {},
): JobQueue {
  const watch = new Watch('queue', redis, log);
  const queue = new Queue<unknown, unknown>(NAME, {
    connection: connectionTo(redis),
    prefix: PREFIX,
    streams: { events: { maxLen: EVENTS_KEPT } },
    defaultJobOptions: {
      attempts: ATTEMPTS,
      backoff: { type: 'exponential', delay: retryMs },
      removeOnComplete: false,
      removeOnFail: false,
    },
  });
  watch.see(queue);
  const ask = <T>(question: () => Promise<T>): Promise<T> => watch.ask(question, deadlineMs);
  const turns = new Turns();
  const listeners: ((key: string) => void)[] = [];
  const tell = ({ jobId }: { readonly jobId: string }): void => {
    for (const listener of listeners) listener(jobId);
  };
  let events = listen('0-0');
  let closed = false;

  /** A stream that cannot be read further (somebody else wrote to it) is read on from its end. */
  function listen(from: string): QueueEvents {
    const reader = new QueueEvents(NAME, {
      connection: connectionTo(redis),
      prefix: PREFIX,
      autorun: false,
      lastEventId: from,
    });
    watch.see(reader);
    reader.on('active', ({ jobId }) => turns.taken(jobId));
    for (const event of ['active', 'completed', 'failed'] as const) reader.on(event, tell);
    reader.run().catch(async (error: Error) => {
      if (closed) return;
      log.warn(`${watch.name}: its events cannot be read: ${error.message}; reading on from their end`);
      await end(reader);
      if (!closed) events = listen('$');
    });
    return reader;
  }

  async function result(key: string): Promise<JobState> {
    const state = await ask(() => queue.getJobState(key));
    if (state === 'unknown' || state === 'active') return { state };
    if (state !== 'completed' && state !== 'failed') return { state: 'waiting' };
    try {
      const job = await ask(() => queue.getJob(key));
      if (job === undefined) return { state: 'unknown' };
      if (state === 'failed') return { state, why: job.failedReason ?? 'no reason is known' };
      const read = parseResult(job.returnvalue, key);
      return read.ok ? { state: 'done', result: read.result } : { state: 'failed', why: read.why };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return { state: 'failed', why: `not a job: what Redis holds is not JSON: ${error.message}` };
    }
  }

  async function waitsAlready(job: CheckJob, isUrgent: boolean): Promise<void> {
    const backend = queue.getBackend();
    if (!isUrgent) {
      const priority = await ask(async () => (await backend.client).hget(queue.toKey(job.key), 'priority'));
      turns.known(job, Number(priority ?? 0));
      return;
    }
    turns.gone(job.key);
    try {
      await ask(() => backend.changePriority(job.key, URGENT));
    } catch (error) {
      // done and forgotten meanwhile
      if ((await result(job.key)).state !== 'unknown') throw error;
    }
  }

  return {
    async add(job, isUrgent = false) {
      const read = parseJob(job);
      if (!read.ok) throw new QueueError(`job ${job.key}: ${read.why}`);
      const { state } = await result(job.key);
      if (state === 'waiting') return waitsAlready(job, isUrgent);
      if (state === 'failed') await ask(() => queue.remove(job.key));
      if (state === 'failed' || state === 'unknown')
        await ask(() => queue.add(NAME, job, { jobId: job.key, priority: turns.place(job, isUrgent) }));
    },
    result,
    async forget(key) {
      turns.gone(key);
      await ask(() => queue.remove(key));
    },
    onChange(listener) {
      listeners.push(listener);
    },
    async counts() {
      const jobs = await ask(() =>
        queue.getJobCounts('wait', 'prioritized', 'delayed', 'active', 'completed', 'failed'),
      );
      const of = (state: string): number => jobs[state] ?? 0;
      const waiting = of('wait') + of('prioritized') + of('delayed');
      return { waiting, active: of('active'), done: of('completed'), failed: of('failed') };
    },
    async close() {
      closed = true;
      await Promise.all([end(queue), end(events)]);
    },
  };
}

/**
 * Takes jobs and does them, until closed. Returns at once; while Redis is away it waits for it, and a job under way
 * goes on. Throws QueueError when the address is none.
 */
export function startWorker(redis: RedisAddress, handler: Handler, options: WorkerOptions): Worker {
  // a handler may keep the event loop busy for 10 s without losing its lock, with 5 s to spare
  const { log, concurrency, alone = false, lockMs = 30_000, stalledMs = 15_000, graceMs = 30_000 } = options;
  const watch = new Watch('worker', redis, log);
  let underWay = 0;
  let started = false;
  let closing = false;

  // BullMQ gives a signal only to a function of three parameters
  const process = async (job: Job<unknown, unknown>, token: string | undefined, signal: AbortSignal | undefined) => {
    const read = parseJob(job.data);
    if (!read.ok) throw new UnrecoverableError(read.why);
    if (read.job.key !== job.id) throw new UnrecoverableError(`not a job: it says that it is ${read.job.key}`);
    const { subject, key } = read.job;
    underWay += 1;
    try {
      const report = await handler(read.job, signal!, (text) => log.info(`${subject}: ${text}`));
      return { schema: 1, key, report } satisfies CheckResult;
    } catch (error) {
      if (!closing || !signal!.aborted) throw error;
      await job.moveToWait(token);
      log.info(`${subject}: stopped; it goes back to the queue`);
      throw new WaitingError();
    } finally {
      underWay -= 1;
    }
  };

  const worker = new BullWorker<unknown, unknown>(NAME, process, {
    connection: connectionTo(redis),
    prefix: PREFIX,
    autorun: false,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: stalledMs,
    maxStalledCount: MOST_STARTS,
    maxStartedAttempts: MOST_STARTS,
  });
  watch.see(worker);
  worker.on('stalled', (key) => log.warn(`job ${key}: its worker is gone; it goes back to the queue`));
  worker.on('failed', (job, error) => log.warn(`${nameOf(job)}: ${error.message}`));
  // an answer of Redis that is an error (its disk is full, say) would be asked for again without a pause
  worker.on('error', () => {
    if (!started || closing || worker.isPaused()) return;
    void worker.pause(true);
    setTimeout(() => closing || worker.resume(), RETRY_MS).unref();
  });
  const { promise: stopped, resolve: hasStopped } = Promise.withResolvers<void>();
  void start();

  async function start(): Promise<void> {
    for (let taken = !alone; !taken && !closing; ) {
      try {
        await takeOver(worker, log);
        taken = true;
      } catch (error) {
        if (closing) return;
        log.warn(`${watch.name}: ${wordsOf(error as Error)}`);
        await sleep(RETRY_MS);
      }
    }
    if (closing) return;
    started = true;
    worker.run().catch((error: Error) => log.warn(`${watch.name}: ${wordsOf(error)}`));
  }

  async function close(): Promise<void> {
    closing = true;
    // without Redis nothing can be handed back, and BullMQ would wait for it
    const ended = worker.close(!watch.up && underWay === 0);
    if (await within(ended, graceMs)) return hasStopped();
    log.info(`${watch.name}: stopping ${underWay} job(s) under way`);
    worker.cancelAllJobs('the worker is stopping');
    if (!(await within(ended, Math.min(graceMs, ABORT_MS)))) {
      log.warn(`${watch.name}: ended without its ${underWay} job(s); a later worker starts them again`);
      await worker.getBackend().close(true);
    }
    hasStopped();
  }

  let closed: Promise<void> | undefined;
  return { close: () => (closed ??= close()), stopped };
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

/** For BullMQ. A command never fails because Redis is away: it waits, and `Watch.ask` bounds how long. */
function connectionTo(redis: RedisAddress) {
  return {
    ...redis,
    maxRetriesPerRequest: null,
    connectTimeout: 10_000,
    socketTimeout: SILENCE_MS,
    retryStrategy: (times: number): number => Math.min(100 * 2 ** Math.min(times, 10), MOST_WAIT_MS),
  };
}

/** The jobs of dead workers, back into the queue. BullMQ's token `0` stands for any lock. */
async function takeOver(worker: BullWorker, log: Log): Promise<void> {
  const backend = worker.getBackend();
  for (const key of (await backend.getRanges(['active'], 0, -1)).flat()) {
    await backend.moveJobFromActiveToWait(key, '0');
    log.info(`job ${key}: its worker is gone; it goes back to the queue`);
  }
}

/** Ends a connection now. BullMQ's own close() first waits for a server that may never come. */
async function end(part: Queue | QueueEvents): Promise<void> {
  const ended = part.getBackend().close(true);
  part.close().catch(() => undefined);
  await ended;
}

function nameOf(job: Job | undefined): string {
  if (job === undefined) return 'a job that is gone';
  const read = parseJob(job.data);
  const name = read.ok ? read.job.subject : `job ${job.id}`;
  return `${name}: attempt ${job.attemptsMade} of ${job.opts.attempts ?? 1} failed`;
}

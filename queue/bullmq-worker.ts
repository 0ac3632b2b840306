/**
 * The worker's half of the queue on Redis, through BullMQ: takes jobs, does them, hands them back when it has to end,
 * and drops those that were called off.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Worker as BullWorker, type Job, MetricsTime, UnrecoverableError, WaitingError } from 'bullmq';
import {
  calledOffKey,
  connectionTo,
  ERRORS,
  ERRORS_KEPT,
  type FailedAttempt,
  PREFIX,
  QUEUE_NAME,
  type ToldProgress,
  workerName,
} from './bullmq-link.ts';
import type { CheckResult, Handler, Log, Worker } from './jobs.ts';
import { parseJob } from './jobs.ts';
import { isOfMachine } from './machine-fault.ts';
import type { RedisAddress } from './redis-server.ts';
import { Watch, within, wordsOf } from './redis-watch.ts';

/** A job that ends its worker, and so never fails, is given up after as many starts. */
const MOST_STARTS = 10;
/** Of rests after faults of the machine. */
const MOST_REST_MS = 5 * 60_000;
/** After an error that Redis answered. */
const RETRY_MS = 1000;
/** For a handler to come to its end after its signal; no longer than it was waited for before. */
const ABORT_MS = 5000;
/** Between two looks whether a job under way was called off, and between two words on how far it is. */
const LOOK_MS = 1000;

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
  /** After a fault of the machine no job is taken for so long; it doubles with each that follows. */
  readonly restMs?: number;
}

/**
 * Takes jobs and does them, until closed. Returns at once; while Redis is away it waits for it, and a job under way
 * goes on. Throws QueueError when the address is none.
 */
export function startWorker(redis: RedisAddress, handler: Handler, options: WorkerOptions): Worker {
  // a handler may keep the event loop busy for 10 s without losing its lock, with 5 s to spare
  const { log, concurrency, alone = false, lockMs = 30_000, stalledMs = 15_000, graceMs = 30_000 } = options;
  // longer than the first wait of its job, which another worker should get
  const { restMs = 20_000 } = options;
  const watch = new Watch('worker', redis, log);
  /** Keys of jobs under way. */
  const underWay = new Set<string>();
  /** Of these, the ones that nobody wants any more. */
  const calledOff = new Set<string>();
  let started = false;
  let closing = false;
  /** Of performance.now(); the last of all that asked for it counts. */
  let pausedUntil = 0;
  let nextRestMs = restMs;

  // BullMQ gives a signal only to a function of three parameters
  const process = async (job: Job<unknown, unknown>, token: string | undefined, signal: AbortSignal | undefined) => {
    const read = parseJob(job.data);
    if (!read.ok) throw new UnrecoverableError(read.why);
    if (read.job.key !== job.id) throw new UnrecoverableError(`not a job: it says that it is ${read.job.key}`);
    const { subject, key } = read.job;
    underWay.add(key);
    try {
      // it may have been called off while it was under way at a worker that is gone
      if (job.attemptsStarted > 1) await look();
      signal!.throwIfAborted();
      const isLastAttempt = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
      const report = await handler(read.job, signal!, teller(job), isLastAttempt);
      nextRestMs = restMs;
      return { schema: 1, key, report } satisfies CheckResult;
    } catch (error) {
      if (calledOff.has(key)) throw new UnrecoverableError('it was called off');
      if (closing && signal!.aborted) {
        await job.moveToWait(token);
        log.info(`${subject}: stopped; it goes back to the queue`);
        throw new WaitingError();
      }
      if (isOfMachine(error)) {
        rest();
        throw error;
      }
      log.warn(`${subject}: this is a bug of depbot: ${(error as Error).stack ?? error}`);
      throw new UnrecoverableError(`a bug of depbot: ${(error as Error).message}`);
    } finally {
      underWay.delete(key);
    }
  };

  const worker = new BullWorker<unknown, unknown>(QUEUE_NAME, process, {
    connection: connectionTo(redis),
    prefix: PREFIX,
    name: workerName(),
    autorun: false,
    concurrency,
    lockDuration: lockMs,
    stalledInterval: stalledMs,
    maxStalledCount: MOST_STARTS,
    maxStartedAttempts: MOST_STARTS,
    metrics: { maxDataPoints: MetricsTime.ONE_HOUR },
  });
  watch.see(worker);
  worker.on('stalled', (key) => log.warn(`job ${key}: its worker is gone; it goes back to the queue`));
  worker.on('failed', (job, error) => void failed(job, error).catch(() => undefined));
  worker.on('completed', ({ id }) => void dropped(id!).catch(() => undefined));
  // an answer of Redis that is an error (its disk is full, say) would be asked for again without a pause
  worker.on('error', () => {
    if (!worker.isPaused()) pauseFor(RETRY_MS);
  });
  const looking = setInterval(() => void look().catch(() => undefined), LOOK_MS).unref();
  const { promise: stopped, resolve: hasStopped } = Promise.withResolvers<void>();
  void start();

  /** Takes no job meanwhile. */
  function pauseFor(ms: number): void {
    const until = performance.now() + ms;
    if (!started || closing || until < pausedUntil) return;
    pausedUntil = until;
    void worker.pause(true);
    const resume = (): void => {
      if (!closing && pausedUntil === until) void worker.resume();
    };
    setTimeout(resume, ms).unref();
  }

  /** What is the matter here (a full disk, say) need not be so where another worker is, who gets the jobs until then. */
  function rest(): void {
    log.info(`${watch.name}: takes no job for ${nextRestMs / 1000} s`);
    pauseFor(nextRestMs);
    nextRestMs = Math.min(2 * nextRestMs, MOST_REST_MS);
  }

  /** Ends the jobs under way that were called off since. */
  async function look(): Promise<void> {
    const keys = [...underWay].filter((key) => !calledOff.has(key));
    if (keys.length === 0 || !watch.up) return;
    const client = await worker.getBackend().client;
    for (const key of keys) {
      if ((await client.get(calledOffKey(key))) === null || !underWay.has(key)) continue;
      calledOff.add(key);
      worker.cancelJob(key, 'it was called off');
    }
  }

  /** A job that was called off leaves nothing. Says whether this is one. */
  async function dropped(key: string): Promise<boolean> {
    if (!calledOff.delete(key)) return false;
    const client = await worker.getBackend().client;
    await worker.getBackend().remove(key, true);
    await client.del(calledOffKey(key));
    return true;
  }

  async function failed(job: Job | undefined, error: Error): Promise<void> {
    if (job?.id !== undefined && calledOff.has(job.id)) {
      log.info(`${nameOf(job)}: called off`);
      await dropped(job.id);
      return;
    }
    log.warn(`${attemptOf(job)}: ${error.message}`);
    const attempt: FailedAttempt = { at: Date.now(), subject: nameOf(job), worker: workerName(), why: error.message };
    const client = await worker.getBackend().client;
    await client.xadd(ERRORS, '*', { attempt: JSON.stringify(attempt) }, { MAXLEN: ERRORS_KEPT });
  }

  /** Keeps in Redis how far a job is, for whoever looks; what it cannot keep is lost. */
  function teller(job: Job): (text: string) => void {
    let next = 0;
    return (text) => {
      const now = performance.now();
      if (now < next || !watch.up) return;
      next = now + LOOK_MS;
      job.updateProgress({ text, at: Date.now() } satisfies ToldProgress).catch(() => undefined);
    };
  }

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
    clearInterval(looking);
    // without Redis nothing can be handed back, and BullMQ would wait for it
    const ended = worker.close(!watch.up && underWay.size === 0);
    if (await within(ended, graceMs)) return hasStopped();
    log.info(`${watch.name}: stopping ${underWay.size} job(s) under way`);
    worker.cancelAllJobs('the worker is stopping');
    if (!(await within(ended, Math.min(graceMs, ABORT_MS)))) {
      log.warn(`${watch.name}: ended without its ${underWay.size} job(s); a later worker starts them again`);
      await worker.getBackend().close(true);
    }
    hasStopped();
  }

  let closed: Promise<void> | undefined;
  return { close: () => (closed ??= close()), stopped };
}

/** The jobs of dead workers, back into the queue. BullMQ's token `0` stands for any lock. */
async function takeOver(worker: BullWorker, log: Log): Promise<void> {
  const backend = worker.getBackend();
  for (const key of (await backend.getRanges(['active'], 0, -1)).flat()) {
    await backend.moveJobFromActiveToWait(key, '0');
    log.info(`job ${key}: its worker is gone; it goes back to the queue`);
  }
}

function nameOf(job: Job | undefined): string {
  if (job === undefined) return 'a job that is gone';
  const read = parseJob(job.data);
  return read.ok ? read.job.subject : `job ${job.id}`;
}

function attemptOf(job: Job | undefined): string {
  return job === undefined
    ? nameOf(job)
    : `${nameOf(job)}: attempt ${job.attemptsMade} of ${job.opts.attempts ?? 1} failed`;
}

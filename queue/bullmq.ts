/**
 * The queue on Redis, through BullMQ.
 *
 * What BullMQ holds is a convenience, never the only copy: whoever adds a job keeps its mails until it has the
 * result. So a job that is lost here is added again, and one that runs twice has the same result.
 */

import { type Job, type Metrics, Queue, QueueEvents } from 'bullmq';
import {
  ATTEMPTS,
  CALLED_OFF_SEC,
  calledOffKey,
  connectionTo,
  ERRORS,
  ERRORS_KEPT,
  EVENTS_KEPT,
  inLots,
  PREFIX,
  QUEUE_NAME,
  readAttempts,
  readProgress,
} from './bullmq-link.ts';
import type { CheckJob, JobQueue, JobState, Log, QueueStatus, RunningJob } from './jobs.ts';
import { parseJob, parseResult } from './jobs.ts';
import type { RedisAddress } from './redis-server.ts';
import { QueueError, Watch } from './redis-watch.ts';
import { Turns, URGENT } from './turns.ts';

export type { JobQueue } from './jobs.ts';
export { QueueError } from './redis-watch.ts';

/** Jobs under way that a status tells of: more than there are workers. */
const MOST_SHOWN = 200;
const MINUTES = 60;
/** Who wants a result takes it and forgets the job; what a killed service left goes some day. */
const LEFT = { age: 30 * 24 * 3600 };

export interface QueueOptions {
  /** How long a call waits for Redis before it throws QueueError. */
  readonly deadlineMs?: number;
  /** Before the second attempt; twice that before the third. */
  readonly retryMs?: number;
}

/** Where jobs are put and looked at. Returns at once; throws QueueError when the address is none. */
export function openQueue(
  redis: RedisAddress,
  log: Log,
  { deadlineMs = 30_000, retryMs = 10_000 }: QueueOptions = {},
): JobQueue {
  const longestWaitMs = retryMs * 2 ** (ATTEMPTS - 2);
  const watch = new Watch('queue', redis, log);
  const queue = new Queue<unknown, unknown>(QUEUE_NAME, {
    connection: connectionTo(redis),
    prefix: PREFIX,
    streams: { events: { maxLen: EVENTS_KEPT } },
    defaultJobOptions: {
      attempts: ATTEMPTS,
      backoff: { type: 'exponential', delay: retryMs },
      removeOnComplete: LEFT,
      removeOnFail: LEFT,
    },
  });
  watch.see(queue);
  const ask = <T>(question: () => Promise<T>): Promise<T> => watch.ask(question, deadlineMs);
  const redisClient = () => queue.getBackend().client;
  const turns = new Turns();
  /** Jobs that wait for another attempt, and since when, of performance.now(). */
  const delayed = new Map<string, number>();
  const listeners: ((key: string) => void)[] = [];
  const tell = ({ jobId }: { readonly jobId: string }): void => {
    for (const listener of listeners) listener(jobId);
  };
  let events = listen('0-0');
  let closed = false;

  /** A stream that cannot be read further (somebody else wrote to it) is read on from its end. */
  function listen(from: string): QueueEvents {
    const options = { connection: connectionTo(redis), prefix: PREFIX, autorun: false, lastEventId: from };
    const reader = new QueueEvents(QUEUE_NAME, options, inLots);
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

  /** The mails of a job are not read again. */
  async function fields(key: string, ...names: string[]): Promise<(string | null)[]> {
    return (await redisClient()).hmget(queue.toKey(key), ...names);
  }

  async function result(key: string): Promise<JobState> {
    const [json] = await ask(() => fields(key, 'returnvalue'));
    if (typeof json === 'string') return done(key, json);
    // together, in this order: what it returned is there before it is completed
    const [state, [late = null, why, attempts]] = await ask(() =>
      Promise.all([queue.getJobState(key), fields(key, 'returnvalue', 'failedReason', 'atm')]),
    );
    if (state === 'completed') return done(key, late);
    if (state === 'delayed') await notForLong(key);
    else delayed.delete(key);
    if (state === 'unknown' || state === 'active') return { state };
    if (state === 'failed')
      return { state, why: why ?? 'no reason is known', isOfMachine: Number(attempts) >= ATTEMPTS };
    return { state: 'waiting' };
  }

  /** `json`: what its worker returned. */
  function done(key: string, json: string | null): JobState {
    delayed.delete(key);
    try {
      const read = parseResult(JSON.parse(json ?? 'null'), key);
      return read.ok ? { state: 'done', result: read.result } : { state: 'failed', why: read.why, isOfMachine: true };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return {
        state: 'failed',
        why: `not a result: what Redis holds is not JSON: ${error.message}`,
        isOfMachine: true,
      };
    }
  }

  /** A job waits until a moment by the clock of its worker, which may be set back since, or be hours ahead of ours. */
  async function notForLong(key: string): Promise<void> {
    const since = delayed.get(key) ?? performance.now();
    delayed.set(key, since);
    if (performance.now() - since < 2 * longestWaitMs) return;
    delayed.delete(key);
    // another may have begun it meanwhile
    await ask(() => queue.getBackend().promote(key)).catch(() => undefined);
  }

  /** In one round trip; false, and nothing is done, where there is a job with its key. */
  async function putIn(job: CheckJob, isUrgent: boolean): Promise<boolean> {
    const options = { jobId: job.key, priority: turns.place(job, isUrgent) };
    const [were] = await ask(async () => {
      const client = await redisClient();
      // in this order on one connection: BullMQ adds no second job with a key, and does not say so
      const exists = client.hexists(queue.toKey(job.key), 'data');
      return Promise.all([exists, client.del(calledOffKey(job.key)), queue.add(QUEUE_NAME, job, options)]);
    });
    if (were === 0) return true;
    turns.takeBack(job.key);
    return false;
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
      if (!turns.isWaiting(job.key) && (await putIn(job, isUrgent))) return;
      const { state } = await result(job.key);
      if (state === 'waiting') return waitsAlready(job, isUrgent);
      if (state === 'failed') await ask(() => queue.remove(job.key));
      if (state === 'failed' || state === 'unknown') await putIn(job, isUrgent);
    },
    result,
    async forget(key) {
      turns.gone(key);
      if ((await ask(() => queue.remove(key))) > 0 || (await result(key)).state === 'unknown') return;
      // a worker has it, and looks for this
      await ask(async () => (await redisClient()).set(calledOffKey(key), '1', { EX: CALLED_OFF_SEC }));
      // it may have ended meanwhile, or died
      if ((await result(key)).state !== 'active') await ask(() => queue.remove(key));
    },
    onChange(listener) {
      listeners.push(listener);
    },
    async status(): Promise<QueueStatus> {
      const active = await ask(() => queue.getActive(0, MOST_SHOWN - 1));
      const workers = await ask(() => queue.getWorkers());
      const done = await ask(() => queue.getMetrics('completed', 0, MINUTES - 1));
      const failed = await ask(async () =>
        (await redisClient()).xread([{ key: ERRORS, id: '0' }], { COUNT: ERRORS_KEPT }),
      );
      return {
        running: active.map(runningOf),
        // depbot:<queue>:w:<name>
        workers: workers.map(({ rawname = '' }) => rawname.replace(/^.*?:w:/, '')).sort(),
        doneLastHour: doneSince(done),
        errors: readAttempts(failed),
      };
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
 * Jobs of the last hour: those of whole minutes before `prevTS`, the latest minute first, and those that came after it
 * and are in no minute yet.
 */
function doneSince({ data, meta }: Metrics): number {
  const agoMinutes = Math.floor((Date.now() - meta.prevTS) / 60_000);
  if (agoMinutes >= MINUTES) return 0;
  return data.slice(0, MINUTES - agoMinutes).reduce((sum, count) => sum + count, meta.count - meta.prevCount);
}

function runningOf(job: Job<unknown, unknown>): RunningJob {
  const read = parseJob(job.data);
  const progress = readProgress(job.progress);
  return {
    key: job.id ?? '',
    subject: read.ok ? read.job.subject : `not a job: ${read.why}`,
    attempt: job.attemptsMade + 1,
    ...(job.processedOn !== undefined && { since: new Date(job.processedOn) }),
    ...(job.processedBy !== undefined && { worker: job.processedBy }),
    ...(progress && { progress: progress.text }),
  };
}

/** Ends a connection now. BullMQ's own close() first waits for a server that may never come. */
async function end(part: Queue | QueueEvents): Promise<void> {
  const ended = part.getBackend().close(true);
  part.close().catch(() => undefined);
  await ended;
}

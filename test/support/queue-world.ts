/** A Redis of a test file's own, and queues and workers at it that end with each test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { openQueue, type QueueOptions } from '../../queue/bullmq.ts';
import { startWorker, type WorkerOptions } from '../../queue/bullmq-worker.ts';
import type { CheckJob, Handler, JobQueue, JobState, Worker } from '../../queue/jobs.ts';
import type { RedisAddress, RedisServer } from '../../queue/redis-server.ts';
import { LinesLog, reportOn, Scratch, until } from './redis.ts';

export interface QueueWorld {
  readonly scratch: Scratch;
  readonly redis: RedisServer;
  readonly client: Redis;
  /** Of the test that runs. */
  readonly log: LinesLog;
  queueAt(address?: RedisAddress, options?: QueueOptions): JobQueue;
  workerAt(handler: Handler, options?: Partial<WorkerOptions>, address?: RedisAddress): Worker;
  /** A worker process that takes a job and never ends it. */
  stuckProcess(lockMs: number): Promise<ChildProcess>;
}

/** To be called once, outside of tests: it has them begin and end in order. */
export function queueWorld(): QueueWorld {
  const scratch = new Scratch();
  let redis: RedisServer;
  let client: Redis;
  let log: LinesLog;
  const open: { close(): Promise<void> }[] = [];
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    redis = await scratch.redis(scratch.dir());
    client = new Redis({ path: redis.path });
  });
  beforeEach(() => {
    log = new LinesLog();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await Promise.all(open.splice(0).map((one) => one.close()));
    await client.flushall();
  });
  afterAll(async () => {
    client.disconnect();
    await scratch.clear();
  });

  return {
    scratch,
    get redis() {
      return redis;
    },
    get client() {
      return client;
    },
    get log() {
      return log;
    },
    queueAt(address = redis, options = {}) {
      const queue = openQueue(address, log, { retryMs: 50, ...options });
      open.push(queue);
      return queue;
    },
    workerAt(handler, options = {}, address = redis) {
      const worker = startWorker(address, handler, { log, concurrency: 1, restMs: 10, ...options });
      open.push(worker);
      return worker;
    },
    async stuckProcess(lockMs) {
      const module = new URL('../../queue/bullmq-worker.ts', import.meta.url).href;
      const script = `
        import { startWorker } from ${JSON.stringify(module)};
        const log = { info() {}, warn: console.error };
        startWorker({ path: ${JSON.stringify(redis.path)} }, () => {
          console.log('taken');
          return new Promise(() => {});
        }, { log, concurrency: 1, lockMs: ${lockMs}, stalledMs: 300 });`;
      const child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, '--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      await new Promise((resolve, reject) => {
        child.stdout!.once('data', resolve);
        child.once('exit', (code) => reject(new Error(`ended with ${code}`)));
      });
      return child;
    },
  };
}

/** As the machine gives it. */
export function fault(message: string): Error {
  return Object.assign(new Error(message), { syscall: 'write' });
}

export const reporting: Handler = async (job) => reportOn(job.subject);

/** Until the job is done or has failed; that state. */
export async function settled(queue: JobQueue, { key }: CheckJob, ms?: number): Promise<JobState> {
  const state = () => queue.result(key);
  await until(`job ${key} settled`, async () => ['done', 'failed'].includes((await state()).state), ms);
  return state();
}

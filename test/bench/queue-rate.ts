/**
 * queue-rate.ts FOLDER JOBS: empty jobs through depbot's queue and worker, and through BullMQ bare, by turns, each at a
 * redis-server of its own with the same settings: put in, done, their results read. Prints JSON: milliseconds a job.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Queue, Worker } from 'bullmq';
import { openQueue } from '../../queue/bullmq.ts';
import { connectionTo } from '../../queue/bullmq-link.ts';
import { startWorker } from '../../queue/bullmq-worker.ts';
import type { CheckJob } from '../../queue/jobs.ts';
import { type RedisServer, startRedis } from '../../queue/redis-server.ts';
import { jobNumber, LinesLog, reportOn, SEARCH_PATH, until } from '../support/redis.ts';
import { median } from './measure.ts';

const ROUNDS = 5;
const WAIT_MS = 120_000;

const [folder = '', count = ''] = process.argv.slice(2);
const jobs = Array.from({ length: Number(count) }, (_, n) => jobNumber(n));
const report = reportOn('empty');

/** Milliseconds a job: of the whole way, and of the worker's part of it. */
interface Took {
  readonly wholeMs: number;
  readonly doneMs: number;
}

const perJob = (since: number): number => (performance.now() - since) / jobs.length;

async function throughDepbot(redis: RedisServer): Promise<Took> {
  const began = performance.now();
  const log = new LinesLog();
  const queue = openQueue(redis, log);
  for (const job of jobs) await queue.add(job);
  const started = performance.now();
  const worker = startWorker(redis, async () => report, { log, concurrency: 1, alone: true });
  await until('all done', async () => (await queue.counts()).done === jobs.length, WAIT_MS);
  const doneMs = perJob(started);
  for (const { key } of jobs) {
    const { state } = await queue.result(key);
    if (state !== 'done') throw new Error(`job ${key} is ${state}`);
    await queue.forget(key);
  }
  const wholeMs = perJob(began);
  await worker.close();
  await queue.close();
  return { wholeMs, doneMs };
}

async function bare(redis: RedisServer): Promise<Took> {
  const began = performance.now();
  const connection = connectionTo(redis);
  const queue = new Queue<CheckJob>('bare', { connection });
  for (const job of jobs) await queue.add('check', job, { jobId: job.key, priority: 2 });
  const started = performance.now();
  const worker = new Worker('bare', async () => report, { connection });
  await until('all done', async () => (await queue.getCompletedCount()) === jobs.length, WAIT_MS);
  const doneMs = perJob(started);
  for (const { key } of jobs) {
    const job = await queue.getJob(key);
    if (job?.returnvalue === undefined) throw new Error(`job ${key} has no result`);
    await queue.remove(key);
  }
  const wholeMs = perJob(began);
  await worker.close();
  await queue.close();
  return { wholeMs, doneMs };
}

const servers: RedisServer[] = [];
for (const name of ['ours', 'bare']) {
  const dir = join(folder, name);
  mkdirSync(dir, { recursive: true });
  servers.push(await startRedis({ dir, log: new LinesLog(), searchPath: SEARCH_PATH }));
}
const took: { ours: Took[]; bare: Took[] } = { ours: [], bare: [] };
for (let round = 0; round < ROUNDS; round += 1) {
  took.ours.push(await throughDepbot(servers[0]!));
  took.bare.push(await bare(servers[1]!));
}
for (const server of servers) await server.close();
const middle = (some: readonly Took[], name: keyof Took): number => median(some.map((one) => one[name]));
process.stdout.write(
  JSON.stringify({
    oursMs: middle(took.ours, 'wholeMs'),
    bareMs: middle(took.bare, 'wholeMs'),
    oursDoneMs: middle(took.ours, 'doneMs'),
    bareDoneMs: middle(took.bare, 'doneMs'),
  }),
);
process.exit(0);

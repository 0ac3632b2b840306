/** The queue on a real Redis. (Above 400 lines: all share one server and the same few helpers.) */

import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openQueue, QueueError, type QueueOptions } from '../../queue/bullmq.ts';
import { startWorker, type WorkerOptions } from '../../queue/bullmq-worker.ts';
import type { CheckJob, Handler, JobQueue, Worker } from '../../queue/jobs.ts';
import type { RedisAddress, RedisServer } from '../../queue/redis-server.ts';
import { jobNumber, LinesLog, reportOn, Scratch, until } from '../support/redis.ts';

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

function queueAt(address: RedisAddress = redis, options: QueueOptions = {}): JobQueue {
  const queue = openQueue(address, log, { retryMs: 50, ...options });
  open.push(queue);
  return queue;
}

function workerAt(handler: Handler, options: Partial<WorkerOptions> = {}, address: RedisAddress = redis): Worker {
  const worker = startWorker(address, handler, { log, concurrency: 1, ...options });
  open.push(worker);
  return worker;
}

/** As the machine gives it. */
function fault(message: string): Error {
  return Object.assign(new Error(message), { syscall: 'write' });
}

const reporting: Handler = async (job) => reportOn(job.subject);

/** Until the job is done or has failed; that state. */
async function settled(queue: JobQueue, { key }: CheckJob, ms?: number) {
  const state = () => queue.result(key);
  await until(`job ${key} settled`, async () => ['done', 'failed'].includes((await state()).state), ms);
  return state();
}

/** A worker process that takes a job and never ends it. */
async function stuckProcess(lockMs: number): Promise<ChildProcess> {
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
}

describe('a job', () => {
  it('goes through waiting, active and done; forgotten, it is unknown', async () => {
    const queue = queueAt();
    const changed: string[] = [];
    queue.onChange((key) => changed.push(key));
    const job = jobNumber(1);
    expect(await queue.result(job.key)).toEqual({ state: 'unknown' });
    await queue.add(job);
    expect(await queue.result(job.key)).toEqual({ state: 'waiting' });
    expect(await queue.counts()).toEqual({ waiting: 1, active: 0, done: 0, failed: 0 });

    const { promise: go, resolve: release } = Promise.withResolvers<void>();
    const seen: CheckJob[] = [];
    workerAt(async (taken, signal, progress) => {
      seen.push(taken);
      progress('half way');
      await go;
      return signal.aborted ? reportOn('aborted') : reportOn(taken.subject);
    });
    await until('active', async () => (await queue.result(job.key)).state === 'active');
    release();
    expect(await settled(queue, job)).toEqual({
      state: 'done',
      result: { schema: 1, key: job.key, report: reportOn('number 1') },
    });
    expect(seen).toEqual([job]);
    await until('told of', () => changed.length >= 2);
    expect(new Set(changed)).toEqual(new Set([job.key]));
    await queue.forget(job.key);
    expect(await queue.result(job.key)).toEqual({ state: 'unknown' });
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, done: 0, failed: 0 });
  });

  it('is one for one key, whether it waits, is active or is done, and again one when forgotten', async () => {
    const queue = queueAt();
    const job = jobNumber(1);
    await Promise.all([queue.add(job), queue.add(job), queueAt().add(job)]);
    expect((await queue.counts()).waiting).toBe(1);
    const { promise: go, resolve: release } = Promise.withResolvers<void>();
    let runs = 0;
    workerAt(async () => {
      runs += 1;
      await go;
      return reportOn('once');
    });
    await until('active', async () => (await queue.result(job.key)).state === 'active');
    await queue.add(job);
    expect(await queue.counts()).toEqual({ waiting: 0, active: 1, done: 0, failed: 0 });
    release();
    await settled(queue, job);
    await queue.add(job);
    await queue.add(jobNumber(2));
    await settled(queue, jobNumber(2));
    expect(runs).toBe(2);
    await queue.forget(job.key);
    await queue.add(job);
    await settled(queue, job);
    expect(runs).toBe(3);
  });

  it('is tried three times, then failed with the reason; added again, it is tried again', async () => {
    const queue = queueAt();
    const job = jobNumber(1);
    let runs = 0;
    workerAt(async () => {
      runs += 1;
      if (runs <= 3) throw fault(`disk full (${runs})`);
      return reportOn('mended');
    });
    await queue.add(job);
    expect(await settled(queue, job)).toEqual({ state: 'failed', why: 'disk full (3)' });
    expect(log.matching(/number 1: attempt \d of 3 failed: disk full/)).toEqual([
      'warning: number 1: attempt 1 of 3 failed: disk full (1)',
      'warning: number 1: attempt 2 of 3 failed: disk full (2)',
      'warning: number 1: attempt 3 of 3 failed: disk full (3)',
    ]);
    await queue.add(job);
    expect((await settled(queue, job)).state).toBe('done');
    expect(runs).toBe(4);
  });

  it('that meets a bug of ours is not tried again', async () => {
    const queue = queueAt();
    let runs = 0;
    workerAt(async () => {
      runs += 1;
      throw new TypeError('x is not a function');
    });
    await queue.add(jobNumber(1));
    expect(await settled(queue, jobNumber(1))).toEqual({
      state: 'failed',
      why: 'a bug of depbot: x is not a function',
    });
    expect(runs).toBe(1);
    expect(log.matching(/number 1: this is a bug of depbot: TypeError: x is not a function\n +at /)).toHaveLength(1);
  });

  it('done while nobody listened is told of to who opens the queue later', async () => {
    const job = jobNumber(1);
    const queue = queueAt();
    await queue.add(job);
    workerAt(reporting);
    await settled(queue, job);
    const changed: string[] = [];
    queueAt().onChange((key) => changed.push(key));
    await until('told of', () => changed.includes(job.key));
  });

  it('that is not valid is refused before it reaches Redis', async () => {
    await expect(queueAt().add({ ...jobNumber(1), mails: [] })).rejects.toThrow(QueueError);
    expect(await client.keys('depbot:check:f*')).toEqual([]);
  });

  it('of 8 MiB goes through', async () => {
    const queue = queueAt();
    const job = { ...jobNumber(1), mails: [Buffer.alloc(8 * 2 ** 20, 'x').toString('base64')] };
    let bytes = 0;
    workerAt(async ({ mails }) => {
      bytes = mails[0]!.length;
      return reportOn('large');
    });
    await queue.add(job);
    expect((await settled(queue, job)).state).toBe('done');
    expect(bytes).toBe(job.mails[0]!.length);
  });
});

describe('a job called off', () => {
  const untilAborted: Handler = (_job, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });

  it('while a worker has it ends, leaves nothing and lets the next one in', async () => {
    const queue = queueAt();
    let runs = 0;
    workerAt(
      (job, ...rest) => {
        runs += 1;
        return job.subject === 'number 1' ? untilAborted(job, ...rest) : reporting(job, ...rest);
      },
      { graceMs: 100 },
    );
    await queue.add(jobNumber(1));
    await until('active', () => runs === 1);
    await queue.add(jobNumber(2));
    await queue.forget(jobNumber(1).key);
    expect((await settled(queue, jobNumber(2))).state).toBe('done');
    await until('gone', async () => (await queue.result(jobNumber(1).key)).state === 'unknown');
    expect(log.lines).toContain('number 1: called off');
    expect((await client.keys('*')).filter((key) => key.includes(jobNumber(1).key))).toEqual([]);
    expect((await queue.status()).errors).toEqual([]);

    await queue.add(jobNumber(1));
    await until('again', () => runs === 3);
  });

  it('while its worker dies is not begun by another', async () => {
    const queue = queueAt();
    await queue.add(jobNumber(1));
    const child = await stuckProcess(1000);
    await queue.forget(jobNumber(1).key);
    expect((await queue.result(jobNumber(1).key)).state).toBe('active');
    child.kill('SIGKILL');
    let runs = 0;
    workerAt(
      async ({ subject }) => {
        runs += 1;
        return reportOn(subject);
      },
      { stalledMs: 300 },
    );
    await until('gone', async () => (await queue.result(jobNumber(1).key)).state === 'unknown');
    expect(runs).toBe(0);
  });

  it('that takes no notice is dropped with its result', async () => {
    const queue = queueAt();
    const { promise: go, resolve: release } = Promise.withResolvers<void>();
    let aborted = false;
    workerAt(async ({ subject }, signal) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      await go;
      return reportOn(subject);
    });
    await queue.add(jobNumber(1));
    await until('active', async () => (await queue.result(jobNumber(1).key)).state === 'active');
    await queue.forget(jobNumber(1).key);
    await until('told', () => aborted);
    release();
    await until('gone', async () => (await queue.result(jobNumber(1).key)).state === 'unknown');
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, done: 0, failed: 0 });
  });
});

describe('the status', () => {
  it('names workers, what they have and how far it is, and what failed last', async () => {
    const queue = queueAt();
    expect(await queue.status()).toEqual({ running: [], workers: [], doneLastHour: 0, errors: [] });
    const { promise: go, resolve: release } = Promise.withResolvers<void>();
    let failures = 0;
    workerAt(async ({ subject }, _signal, progress) => {
      if (failures++ === 0) throw fault('disk full');
      progress('architecture 3 of 21: arm');
      await go;
      return reportOn(subject);
    });
    await queue.add(jobNumber(1));
    await until('told', async () => (await queue.status()).running[0]?.progress !== undefined);
    const me = `${hostname()}:${process.pid}`;
    const { running, workers, errors } = await queue.status();
    expect(workers).toEqual([me]);
    expect(running).toEqual([
      {
        key: jobNumber(1).key,
        subject: 'number 1',
        worker: me,
        attempt: 2,
        since: expect.any(Date),
        progress: 'architecture 3 of 21: arm',
      },
    ]);
    expect(errors).toEqual([{ at: expect.any(Number), subject: 'number 1', worker: me, why: 'disk full' }]);
    release();
    await settled(queue, jobNumber(1));
    expect(await queue.status()).toMatchObject({ running: [], doneLastHour: 1 });
  });

  it('takes what nobody of ours wrote for nothing', async () => {
    const queue = queueAt();
    await client.xadd('depbot:errors', '*', 'attempt', '{"at":');
    await client.xadd('depbot:errors', '*', 'other', '{}');
    expect((await queue.status()).errors).toEqual([]);
  });
});

describe('the turn', () => {
  /** Subjects in the order in which a worker gets them; until it starts, all wait. */
  async function order(count: number): Promise<readonly string[]> {
    const subjects: string[] = [];
    workerAt(async ({ subject }) => {
      subjects.push(subject);
      return reportOn(subject);
    });
    await until('all taken', () => subjects.length === count);
    return subjects;
  }

  const of = (n: number, list: string, mails = 1): CheckJob => {
    const job = jobNumber(n);
    return { ...job, list, subject: `${list} ${n}`, mails: Array.from({ length: mails }, () => job.mails[0]!) };
  };

  it('of a busy list does not keep another waiting, nor does a large series a small one', async () => {
    const queue = queueAt();
    for (const job of [of(1, 'a', 700), of(2, 'a'), of(3, 'a'), of(4, 'a'), of(5, 'b'), of(6, 'c', 9)])
      await queue.add(job);
    expect(await queue.counts()).toEqual({ waiting: 6, active: 0, done: 0, failed: 0 });
    expect(await order(6)).toEqual(['a 2', 'b 5', 'a 3', 'a 4', 'c 6', 'a 1']);
  });

  it('of what a maintainer asked for is the next, new or waiting already', async () => {
    const queue = queueAt();
    for (const n of [1, 2, 3, 4]) await queue.add(of(n, 'a'));
    await queue.add(of(4, 'a'), true);
    await queue.add(of(5, 'a', 700), true);
    expect(await order(5)).toEqual(['a 4', 'a 5', 'a 1', 'a 2', 'a 3']);
  });

  it('is kept over a restart of the process that adds', async () => {
    const before = queueAt();
    const waiting = [1, 2, 3, 4].map((n) => of(n, 'a'));
    for (const job of waiting) await before.add(job);
    await before.close();
    const queue = queueAt();
    for (const job of [...waiting, of(5, 'a'), of(6, 'b')]) await queue.add(job);
    expect(await order(6)).toEqual(['a 1', 'b 6', 'a 2', 'a 3', 'a 4', 'a 5']);
  });
});

describe('a worker', () => {
  it('waits for its job when closed, and takes no other', async () => {
    const queue = queueAt();
    await queue.add(jobNumber(1));
    await queue.add(jobNumber(2));
    const { promise: go, resolve: release } = Promise.withResolvers<void>();
    let runs = 0;
    const worker = workerAt(async ({ subject }) => {
      runs += 1;
      await go;
      return reportOn(subject);
    });
    await until('active', () => runs === 1);
    const closing = worker.close();
    await sleep(200);
    expect((await queue.counts()).active).toBe(1);
    release();
    await closing;
    await worker.stopped;
    expect(await queue.counts()).toEqual({ waiting: 1, active: 0, done: 1, failed: 0 });
    expect(runs).toBe(1);
  });

  it('that cannot wait longer aborts its job, which another does with all its attempts left', async () => {
    const queue = queueAt();
    const job = jobNumber(1);
    await queue.add(job);
    let active = false;
    const worker = workerAt(
      (_job, signal) => {
        active = true;
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        });
      },
      { graceMs: 500 },
    );
    await until('active', () => active);
    await worker.close();
    expect(await queue.result(job.key)).toEqual({ state: 'waiting' });
    expect(log.lines).toContain('number 1: stopped; it goes back to the queue');
    let failures = 0;
    workerAt(async () => {
      failures += 1;
      if (failures < 3) throw fault('not yet');
      return reportOn('done');
    });
    expect((await settled(queue, job)).state).toBe('done');
  });

  it('ends in time though its job never ends, and another starts that job again', async () => {
    const queue = queueAt();
    await queue.add(jobNumber(1));
    let active = false;
    const worker = workerAt(
      () => {
        active = true;
        return new Promise(() => undefined);
      },
      { graceMs: 500 },
    );
    await until('active', () => active);
    const from = performance.now();
    await worker.close();
    await worker.stopped;
    expect(performance.now() - from).toBeLessThan(3000);
    expect(log.matching(/^warning: worker at .*: ended without its 1 job/)).toHaveLength(1);
    workerAt(reporting, { alone: true });
    expect((await settled(queue, jobNumber(1))).state).toBe('done');
  });

  it('keeps its job while its handler blocks the event loop for a third of the lock', async () => {
    const queue = queueAt();
    let runs = 0;
    const blocking: Handler = async ({ subject }) => {
      runs += 1;
      // the shipped figures, 30 s and 10 s, a tenth as long
      for (let n = 0; n < 3; n++) {
        const end = performance.now() + 1000;
        while (performance.now() < end);
        await sleep(1);
      }
      return reportOn(subject);
    };
    workerAt(blocking, { lockMs: 3000, stalledMs: 200 });
    workerAt(blocking, { lockMs: 3000, stalledMs: 200 });
    await queue.add(jobNumber(1));
    expect((await settled(queue, jobNumber(1))).state).toBe('done');
    expect(runs).toBe(1);
    expect(log.matching(/gone|lock/)).toEqual([]);
  });

  it('whose process is killed loses its job to another', async () => {
    const queue = queueAt();
    const job = jobNumber(1);
    await queue.add(job);
    const child = await stuckProcess(1000);
    workerAt(reporting, { lockMs: 1000, stalledMs: 300 });
    await sleep(1500);
    expect(await queue.result(job.key)).toEqual({ state: 'active' });
    child.kill('SIGKILL');
    expect((await settled(queue, job, 10_000)).state).toBe('done');
    expect(log.matching(/its worker is gone/)).toHaveLength(1);
  });

  it('that is alone starts the job of a dead one at once, though its lock has not run out', async () => {
    const queue = queueAt();
    const job = jobNumber(1);
    await queue.add(job);
    const child = await stuckProcess(600_000);
    child.kill('SIGKILL');
    expect(await queue.result(job.key)).toEqual({ state: 'active' });
    workerAt(reporting, { alone: true });
    expect((await settled(queue, job, 5000)).state).toBe('done');
  });

  it('gives up a job that ends each worker', async () => {
    const queue = queueAt();
    const job = jobNumber(1);
    await queue.add(job);
    await client.hset(`depbot:check:${job.key}`, 'ats', 10);
    let runs = 0;
    workerAt(async ({ subject }) => {
      runs += 1;
      return reportOn(subject);
    });
    expect(await settled(queue, job)).toMatchObject({
      state: 'failed',
      why: expect.stringMatching(/started more than/),
    });
    expect(runs).toBe(0);
  });
});

describe('what Redis holds', () => {
  it.each<[string, string, RegExp]>([
    ['no job', '{"run":"rm"}', /^not a job: /],
    ['another job', JSON.stringify(jobNumber(7)), /^not a job: it says that it is f0+7$/],
    ['null', 'null', /^not a job: /],
  ])('is refused with a reason where it is %s, and the next job is done', async (_what, data, why) => {
    const queue = queueAt();
    await queue.add(jobNumber(1));
    await queue.add(jobNumber(2));
    await client.hset(`depbot:check:${jobNumber(1).key}`, 'data', data);
    const subjects: string[] = [];
    workerAt(async ({ subject }) => {
      subjects.push(subject);
      return reportOn(subject);
    });
    expect((await settled(queue, jobNumber(2))).state).toBe('done');
    expect(await settled(queue, jobNumber(1))).toMatchObject({ state: 'failed', why: expect.stringMatching(why) });
    expect(subjects).toEqual(['number 2']);
    // added again it is whole again
    await queue.add(jobNumber(1));
    await until('done', async () => (await queue.result(jobNumber(1).key)).state === 'done');
  });

  it('is logged where it is not JSON, and the next job is done', async () => {
    const queue = queueAt();
    await queue.add(jobNumber(1));
    await queue.add(jobNumber(2));
    await client.hset(`depbot:check:${jobNumber(1).key}`, 'data', '{"schema":');
    workerAt(reporting);
    expect((await settled(queue, jobNumber(2))).state).toBe('done');
    expect(log.matching(/warning: worker at Redis .*JSON/).length).toBeGreaterThan(0);
  });

  it.each([
    ['of another job', JSON.stringify({ schema: 1, key: jobNumber(9).key, report: reportOn('x') }), /not its result/],
    ['no report', '"done"', /not a result/],
    ['not JSON', '{"schema":', /not/],
  ])('is no result where it is %s, and the job can be added again', async (_what, returnvalue, why) => {
    const queue = queueAt();
    const job = jobNumber(1);
    workerAt(reporting);
    await queue.add(job);
    await settled(queue, job);
    await client.hset(`depbot:check:${job.key}`, 'returnvalue', returnvalue);
    expect(await queue.result(job.key)).toMatchObject({ state: 'failed', why: expect.stringMatching(why) });
    await queue.add(job);
    await until('done', async () => (await queue.result(job.key)).state === 'done');
  });

  it('in the stream of events may be garbage: said, and later events are still told of', async () => {
    await client.xadd('depbot:check:events', '*', 'event', 'progress', 'jobId', 'x', 'data', '{"');
    const queue = queueAt();
    const changed: string[] = [];
    queue.onChange((key) => changed.push(key));
    await until('said', () => log.matching(/events cannot be read/).length === 1);
    workerAt(reporting);
    let n = 1;
    await until('told of', async () => {
      await queue.add(jobNumber(n++));
      await sleep(50);
      return changed.length > 0;
    });
  });

  it('of a wrong type does not make the worker spin, and is mended without a restart', async () => {
    const queue = queueAt();
    await queue.add(jobNumber(1));
    await client.rename('depbot:check:prioritized', 'kept');
    await client.set('depbot:check:prioritized', 'text');
    const before = Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))![1]);
    workerAt(reporting);
    await until('said', () => log.matching(/WRONGTYPE/).length > 0);
    await sleep(1000);
    const after = Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))![1]);
    expect(after - before).toBeLessThan(200);
    expect(log.matching(/WRONGTYPE/).length).toBeLessThan(5);
    await client.rename('kept', 'depbot:check:prioritized');
    expect((await settled(queue, jobNumber(1))).state).toBe('done');
  });
});

describe('a Redis that is not there', () => {
  it('is waited for by a worker and a queue, both say so once, and then the job is done', async () => {
    const dir = scratch.dir();
    const address = { path: join(dir, 'redis.sock') };
    const queue = queueAt(address);
    workerAt(reporting, {}, address);
    const adding = queue.add(jobNumber(1));
    await sleep(1500);
    for (const who of ['queue', 'worker'])
      expect(log.matching(new RegExp(`^warning: ${who} at Redis ${address.path}: .*ENOENT`))).toHaveLength(1);
    await scratch.redis(dir);
    await adding;
    expect((await settled(queue, jobNumber(1))).state).toBe('done');
    for (const who of ['queue', 'worker'])
      expect(log.matching(new RegExp(`^${who} at Redis .*: connected$`))).toHaveLength(1);
  });

  it('makes add() fail in time, and both can still be closed', async () => {
    const address = { url: 'redis://user:secret@127.0.0.1:1/0' };
    const queue = openQueue(address, log, { deadlineMs: 500 });
    const worker = startWorker(address, reporting, { log, concurrency: 1 });
    await expect(queue.add(jobNumber(1))).rejects.toThrow(
      /^queue at Redis redis:\/\/127\.0\.0\.1:1\/0: no answer within 1 s: .*ECONNREFUSED.*; is Redis running there\?$/,
    );
    const from = performance.now();
    await Promise.all([queue.close(), worker.close()]);
    await worker.stopped;
    expect(performance.now() - from).toBeLessThan(2000);
    expect(log.lines.join('\n')).not.toMatch(/secret|user/);
  });

  it('but something that answers garbage makes add() fail in time', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const queue = openQueue({ url: `redis://127.0.0.1:${port}` }, log, { deadlineMs: 700 });
    await expect(queue.add(jobNumber(1))).rejects.toThrow(/no answer within 1 s.*is Redis running there/);
    await queue.close();
    server.close();
    expect(log.lines.length).toBeGreaterThan(0);
    expect(log.lines.length).toBeLessThan(10);
  });

  it.each(['', '127.0.0.1:6379', 'http://127.0.0.1:6379', 'redis://'])('is told at once where its URL is %j', (url) => {
    expect(() => openQueue({ url }, log)).toThrow(QueueError);
    expect(() => startWorker({ url }, reporting, { log, concurrency: 1 })).toThrow(/redis:\/\/127\.0\.0\.1:6379/);
  });
});

describe('a Redis that goes away', () => {
  it('and comes back with its data finds the job still under way, and takes its result', async () => {
    const dir = scratch.dir();
    const first = await scratch.redis(dir);
    const queue = queueAt(first);
    let [runs, released] = [0, false];
    workerAt(
      async ({ subject }) => {
        runs += 1;
        await until('released', () => released);
        return reportOn(subject);
      },
      {},
      first,
    );
    await queue.add(jobNumber(1));
    await until('active', () => runs === 1);
    await first.close();
    await until('said', () => log.matching(/^warning: (queue|worker) at .*: the connection ended/).length === 2);
    released = true;
    const adding = queue.add(jobNumber(2));
    await scratch.redis(dir);
    await adding;
    expect((await settled(queue, jobNumber(1))).state).toBe('done');
    expect((await settled(queue, jobNumber(2))).state).toBe('done');
    expect(runs).toBe(2);
  });

  it('for good makes calls fail in time and lets both close', async () => {
    const server = await scratch.redis(scratch.dir());
    const queue = openQueue(server, log, { deadlineMs: 500 });
    const worker = startWorker(server, reporting, { log, concurrency: 1 });
    await queue.add(jobNumber(1));
    await server.close();
    await expect(queue.result(jobNumber(1).key)).rejects.toThrow(/no answer within 1 s/);
    const from = performance.now();
    await Promise.all([queue.close(), worker.close()]);
    expect(performance.now() - from).toBeLessThan(3000);
  });

  it('but hangs makes calls fail in time, and its job is not lost', async () => {
    const queue = queueAt(redis, { deadlineMs: 500 });
    await queue.add(jobNumber(1));
    const pid = Number(/process_id:(\d+)/.exec(await client.info('server'))![1]);
    process.kill(pid, 'SIGSTOP');
    try {
      await expect(queue.add(jobNumber(2))).rejects.toThrow(/no answer within 1 s/);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await queue.result(jobNumber(1).key)).toEqual({ state: 'waiting' });
    await queue.add(jobNumber(2));
    expect((await queue.counts()).waiting).toBe(2);
  });
});

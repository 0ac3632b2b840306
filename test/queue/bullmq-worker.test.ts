/** Workers on a real Redis: how they end, also by force, jobs that are called off, and what is told of them. */

import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Handler } from '../../queue/jobs.ts';
import { fault, queueWorld, reporting, settled } from '../support/queue-world.ts';
import { jobNumber, reportOn, until } from '../support/redis.ts';

const world = queueWorld();
const { queueAt, workerAt, stuckProcess } = world;

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
    expect(world.log.lines).toContain('number 1: stopped; it goes back to the queue');
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
    expect(world.log.matching(/^warning: worker at .*: ended without its 1 job/)).toHaveLength(1);
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
    expect(world.log.matching(/gone|lock/)).toEqual([]);
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
    expect(world.log.matching(/its worker is gone/)).toHaveLength(1);
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

  it('at whose machine something is wrong leaves the job, and the next one, to another', async () => {
    const queue = queueAt();
    let [failed, done] = [0, 0];
    const failing = async (): Promise<never> => {
      failed += 1;
      throw fault('no space left on device');
    };
    workerAt(failing, { restMs: 60_000 });
    await queue.add(jobNumber(1));
    await until('failed', () => failed === 1);
    expect(world.log.matching(/takes no job for 60 s$/)).toHaveLength(1);
    await queue.add(jobNumber(2));
    await sleep(300);
    expect((await queue.result(jobNumber(2).key)).state).toBe('waiting');
    workerAt(async ({ subject }) => {
      done += 1;
      return reportOn(subject);
    });
    for (const n of [1, 2]) expect((await settled(queue, jobNumber(n))).state).toBe('done');
    expect([failed, done]).toEqual([1, 2]);
  });

  it('at whose machine all is well again takes jobs again, and rests anew only after the next fault', async () => {
    const queue = queueAt();
    let runs = 0;
    workerAt(async ({ subject }) => {
      runs += 1;
      if (runs === 2 || runs === 1) throw fault('no space left on device');
      return reportOn(subject);
    });
    await queue.add(jobNumber(1));
    expect((await settled(queue, jobNumber(1))).state).toBe('done');
    expect(world.log.matching(/takes no job/).map((line) => line.replace(/.*for /, ''))).toEqual(['0.01 s', '0.02 s']);
    runs = 1;
    await queue.add(jobNumber(2));
    expect((await settled(queue, jobNumber(2))).state).toBe('done');
    expect(world.log.matching(/takes no job/).at(-1)).toMatch(/for 0\.01 s$/);
  });

  it('knows which attempt at a job is the last', async () => {
    const queue = queueAt();
    const told: boolean[] = [];
    workerAt(async ({ subject }, _signal, _progress, isLastAttempt) => {
      told.push(isLastAttempt);
      if (!isLastAttempt) throw fault('no space left on device');
      return reportOn(subject);
    });
    await queue.add(jobNumber(1));
    expect((await settled(queue, jobNumber(1))).state).toBe('done');
    expect(told).toEqual([false, false, true]);
  });

  it('gives up a job that ends each worker', async () => {
    const queue = queueAt();
    const job = jobNumber(1);
    await queue.add(job);
    await world.client.hset(`depbot:check:${job.key}`, 'ats', 10);
    let runs = 0;
    workerAt(async ({ subject }) => {
      runs += 1;
      return reportOn(subject);
    });
    expect(await settled(queue, job)).toMatchObject({
      state: 'failed',
      why: expect.stringMatching(/started more than/),
      isOfMachine: false,
    });
    expect(runs).toBe(0);
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
    expect(world.log.lines).toContain('number 1: called off');
    expect((await world.client.keys('*')).filter((key) => key.includes(jobNumber(1).key))).toEqual([]);
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
    await world.client.xadd('depbot:errors', '*', 'attempt', '{"at":');
    await world.client.xadd('depbot:errors', '*', 'other', '{}');
    expect((await queue.status()).errors).toEqual([]);
  });
});

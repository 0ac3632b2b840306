/** The queue on a real Redis: jobs, their turn, and what others put there. */

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { QueueError } from '../../queue/bullmq.ts';
import type { CheckJob } from '../../queue/jobs.ts';
import { fault, queueWorld, reporting, settled } from '../support/queue-world.ts';
import { jobNumber, reportOn, until } from '../support/redis.ts';

const world = queueWorld();
const { queueAt, workerAt } = world;

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
    expect(await settled(queue, job)).toEqual({ state: 'failed', why: 'disk full (3)', isOfMachine: true });
    expect(world.log.matching(/number 1: attempt \d of 3 failed: disk full/)).toEqual([
      'warning: number 1: attempt 1 of 3 failed: disk full (1)',
      'warning: number 1: attempt 2 of 3 failed: disk full (2)',
      'warning: number 1: attempt 3 of 3 failed: disk full (3)',
    ]);
    await queue.add(job);
    expect((await settled(queue, job)).state).toBe('done');
    expect(runs).toBe(4);
  });

  it('that waits for its next attempt by a clock that is hours ahead is tried soon all the same', async () => {
    const queue = queueAt();
    const job = jobNumber(1);
    let runs = 0;
    const worker = workerAt(async ({ subject }) => {
      runs += 1;
      if (runs === 1) throw fault('disk full');
      return reportOn(subject);
    });
    await queue.add(job);
    await until('failed once', () => runs === 1);
    await worker.close();
    const inAnHour = (Date.now() + 3_600_000) * 0x1000;
    await until('delayed', async () => (await world.client.zcard('depbot:check:delayed')) === 1);
    await world.client.zadd('depbot:check:delayed', inAnHour, job.key);
    workerAt(reporting);
    expect((await settled(queue, job)).state).toBe('done');
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
      isOfMachine: false,
    });
    expect(runs).toBe(1);
    expect(world.log.matching(/number 1: this is a bug of depbot: TypeError: x is not a function\n +at /)).toHaveLength(
      1,
    );
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
    expect(await world.client.keys('depbot:check:f*')).toEqual([]);
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

describe('what Redis holds', () => {
  it.each<[string, string, RegExp]>([
    ['no job', '{"run":"rm"}', /^not a job: /],
    ['another job', JSON.stringify(jobNumber(7)), /^not a job: it says that it is f0+7$/],
    ['null', 'null', /^not a job: /],
  ])('is refused with a reason where it is %s, and the next job is done', async (_what, data, why) => {
    const queue = queueAt();
    await queue.add(jobNumber(1));
    await queue.add(jobNumber(2));
    await world.client.hset(`depbot:check:${jobNumber(1).key}`, 'data', data);
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
    await world.client.hset(`depbot:check:${jobNumber(1).key}`, 'data', '{"schema":');
    workerAt(reporting);
    expect((await settled(queue, jobNumber(2))).state).toBe('done');
    expect(world.log.matching(/warning: worker at Redis .*JSON/).length).toBeGreaterThan(0);
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
    await world.client.hset(`depbot:check:${job.key}`, 'returnvalue', returnvalue);
    expect(await queue.result(job.key)).toMatchObject({ state: 'failed', why: expect.stringMatching(why) });
    await queue.add(job);
    await until('done', async () => (await queue.result(job.key)).state === 'done');
  });

  it('in the stream of events may be garbage: said, and later events are still told of', async () => {
    await world.client.xadd('depbot:check:events', '*', 'event', 'progress', 'jobId', 'x', 'data', '{"');
    const queue = queueAt();
    const changed: string[] = [];
    queue.onChange((key) => changed.push(key));
    await until('said', () => world.log.matching(/events cannot be read/).length === 1);
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
    await world.client.rename('depbot:check:prioritized', 'kept');
    await world.client.set('depbot:check:prioritized', 'text');
    const before = Number(/total_commands_processed:(\d+)/.exec(await world.client.info('stats'))![1]);
    workerAt(reporting);
    await until('said', () => world.log.matching(/WRONGTYPE/).length > 0);
    await sleep(1000);
    const after = Number(/total_commands_processed:(\d+)/.exec(await world.client.info('stats'))![1]);
    expect(after - before).toBeLessThan(200);
    expect(world.log.matching(/WRONGTYPE/).length).toBeLessThan(5);
    await world.client.rename('kept', 'depbot:check:prioritized');
    expect((await settled(queue, jobNumber(1))).state).toBe('done');
  });
});

/** Queue and workers where Redis is not there, or goes away. */

import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openQueue, QueueError } from '../../queue/bullmq.ts';
import { startWorker } from '../../queue/bullmq-worker.ts';
import { queueWorld, reporting, settled } from '../support/queue-world.ts';
import { jobNumber, reportOn, until } from '../support/redis.ts';

const world = queueWorld();
const { queueAt, workerAt, scratch } = world;

describe('a Redis that is not there', () => {
  it('is waited for by a worker and a queue, both say so once, and then the job is done', async () => {
    const dir = scratch.dir();
    const address = { path: join(dir, 'redis.sock') };
    const queue = queueAt(address);
    workerAt(reporting, {}, address);
    const adding = queue.add(jobNumber(1));
    await sleep(1500);
    for (const who of ['queue', 'worker'])
      expect(world.log.matching(new RegExp(`^warning: ${who} at Redis ${address.path}: .*ENOENT`))).toHaveLength(1);
    await scratch.redis(dir);
    await adding;
    expect((await settled(queue, jobNumber(1))).state).toBe('done');
    for (const who of ['queue', 'worker'])
      expect(world.log.matching(new RegExp(`^${who} at Redis .*: connected$`))).toHaveLength(1);
  });

  it('makes add() fail in time, and both can still be closed', async () => {
    const address = { url: 'redis://user:secret@127.0.0.1:1/0' };
    const queue = openQueue(address, world.log, { deadlineMs: 500 });
    const worker = startWorker(address, reporting, { log: world.log, concurrency: 1 });
    await expect(queue.add(jobNumber(1))).rejects.toThrow(
      /^queue at Redis redis:\/\/127\.0\.0\.1:1\/0: no answer within 1 s: .*ECONNREFUSED.*; is Redis running there\?$/,
    );
    const from = performance.now();
    await Promise.all([queue.close(), worker.close()]);
    await worker.stopped;
    expect(performance.now() - from).toBeLessThan(2000);
    expect(world.log.lines.join('\n')).not.toMatch(/secret|user/);
  });

  it('but something that answers garbage makes add() fail in time', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const queue = openQueue({ url: `redis://127.0.0.1:${port}` }, world.log, { deadlineMs: 700 });
    await expect(queue.add(jobNumber(1))).rejects.toThrow(/no answer within 1 s.*is Redis running there/);
    await queue.close();
    server.close();
    expect(world.log.lines.length).toBeGreaterThan(0);
    expect(world.log.lines.length).toBeLessThan(10);
  });

  it.each(['', '127.0.0.1:6379', 'http://127.0.0.1:6379', 'redis://'])('is told at once where its URL is %j', (url) => {
    expect(() => openQueue({ url }, world.log)).toThrow(QueueError);
    expect(() => startWorker({ url }, reporting, { log: world.log, concurrency: 1 })).toThrow(
      /redis:\/\/127\.0\.0\.1:6379/,
    );
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
    await until('said', () => world.log.matching(/^warning: (queue|worker) at .*: the connection ended/).length === 2);
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
    const queue = openQueue(server, world.log, { deadlineMs: 500 });
    const worker = startWorker(server, reporting, { log: world.log, concurrency: 1 });
    await queue.add(jobNumber(1));
    await server.close();
    await expect(queue.result(jobNumber(1).key)).rejects.toThrow(/no answer within 1 s/);
    const from = performance.now();
    await Promise.all([queue.close(), worker.close()]);
    expect(performance.now() - from).toBeLessThan(3000);
  });

  it('but hangs makes calls fail in time, and its job is not lost', async () => {
    const queue = queueAt(world.redis, { deadlineMs: 500 });
    await queue.add(jobNumber(1));
    const pid = Number(/process_id:(\d+)/.exec(await world.client.info('server'))![1]);
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

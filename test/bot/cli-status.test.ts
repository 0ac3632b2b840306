/** `depbot status`, run as a command, on a real Redis. */

import { existsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openQueue } from '../../queue/bullmq.ts';
import { startWorker } from '../../queue/bullmq-worker.ts';
import type { RedisServer } from '../../queue/redis-server.ts';
import { jobNumber, LinesLog, reportOn, Scratch, until } from '../support/redis.ts';
import { type Desk, openDesk } from '../support/run-depbot.ts';

const scratch = new Scratch();
let redis: RedisServer;
let desk: Desk;

beforeAll(async () => {
  redis = await scratch.redis(scratch.dir());
  desk = openDesk([]);
  writeFileSync(
    desk.path('depbot.toml'),
    `[queue]\nredis_url = "${redis.path}"\n[paths]\nstate = "${desk.path('state')}"\n`,
  );
});

afterAll(async () => {
  desk.remove();
  await scratch.clear();
});

const status = (...more: string[]) => desk.run(['status', '--config', desk.path('depbot.toml'), ...more]);

describe('status', () => {
  test('says that nobody works while series wait, then who does what, and how far it is', async () => {
    const log = new LinesLog();
    const queue = openQueue(redis, log);
    await queue.add(jobNumber(1));
    const idle = await status();
    expect(idle).toEqual({
      status: 1,
      stderr: '',
      stdout: 'queue: 1 waiting, 0 under way, 0 done in the last hour\nworkers: none\n',
    });

    const { promise: go, resolve: release } = Promise.withResolvers<void>();
    const worker = startWorker(
      redis,
      async ({ subject }, _signal, progress) => {
        progress('architecture 3 of 21: arm');
        await go;
        return reportOn(subject);
      },
      { log, concurrency: 1 },
    );
    try {
      await until('told', async () => (await queue.status()).running[0]?.progress !== undefined);
      const me = `${hostname()}:${process.pid}`;
      const busy = await status();
      expect([busy.status, busy.stderr]).toEqual([0, '']);
      expect(busy.stdout.split('\n')).toEqual([
        'queue: 0 waiting, 1 under way, 0 done in the last hour',
        `workers: ${me}`,
        expect.stringMatching(
          new RegExp(`^under way: number 1 \\(at ${me}, for 0 min \\d+ s\\): architecture 3 of 21: arm$`),
        ),
        '',
      ]);
      expect(JSON.parse((await status('--json')).stdout)).toMatchObject({
        counts: { waiting: 0, active: 1 },
        running: [{ subject: 'number 1', worker: me }],
        failed: [],
      });
    } finally {
      release();
      await worker.close();
      await queue.close();
    }
  });

  test('keeps what a failure says from passing for lines of its own', async () => {
    const log = new LinesLog();
    const queue = openQueue(redis, log);
    await queue.add(jobNumber(2));
    const fail = () => Promise.reject(Object.assign(new Error('git says:\nworkers: none'), { syscall: 'open' }));
    const worker = startWorker(redis, fail, { log, concurrency: 1 });
    try {
      await until('failed', async () => (await queue.status()).errors.length > 0);
      const { stdout } = await status();
      expect(stdout).toMatch(/^failed: .*: number 2: git says:\n {4}workers: none$/m);
      expect(stdout.match(/^workers: .*$/gm)).toEqual([`workers: ${hostname()}:${process.pid}`]);
    } finally {
      await worker.close();
      await queue.close();
    }
  });

  test('finds the Redis of serve where the path of its folder is too long for a socket', async () => {
    const state = desk.path('x'.repeat(120));
    writeFileSync(desk.path('long.toml'), `[paths]\nstate = "${state}"\n`);
    const long = () => desk.run(['status', '--config', desk.path('long.toml')]);
    expect(await long()).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no depbot serve runs with the folder'),
    });
    expect(existsSync(state)).toBe(false);
    const server = await scratch.redis(join(state, 'service/redis'));
    expect(await long()).toMatchObject({ status: 0, stderr: '' });
    await server.close();
    expect((await long()).status).toBe(2);
  });

  test('names the Redis that does not answer', async () => {
    writeFileSync(desk.path('gone.toml'), `[queue]\nredis_url = "${desk.path('no.sock')}"\n`);
    const gone = await desk.run(['status', '--config', desk.path('gone.toml')]);
    expect(gone.status).toBe(2);
    expect(gone.stderr).toContain(`queue at Redis ${desk.path('no.sock')}: no answer within 5 s`);
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openQueue } from '../../queue/bullmq.ts';
import { answersPing } from '../../queue/bullmq-link.ts';
import { removeLeftovers } from '../../queue/leftovers.ts';
import { RedisError, type RedisServer, socketPath, startRedis } from '../../queue/redis-server.ts';
import { findOnPath } from '../../queue/tool-path.ts';
import { jobNumber, LinesLog, Scratch, SEARCH_PATH } from '../support/redis.ts';

const scratch = new Scratch();
const log = new LinesLog();
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await scratch.clear();
  removeLeftovers();
  vi.unstubAllEnvs();
  log.lines.length = 0;
});

function pidIn(dir: string): number {
  return Number(readFileSync(join(dir, 'redis.pid'), 'latin1'));
}

/** A zombie, which nobody may ever reap in a container, does not run. */
function isRunning(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/^\d+ \(.*\) [ZX] /.test(readFileSync(stat, 'latin1'));
}

async function addJob({ path }: RedisServer, n: number): Promise<void> {
  const queue = openQueue({ path }, log);
  await queue.add(jobNumber(n));
  await queue.close();
}

async function stateOf({ path }: RedisServer, n: number): Promise<string> {
  const queue = openQueue({ path }, log);
  const { state } = await queue.result(jobNumber(n).key);
  await queue.close();
  return state;
}

/** Another process with a server on `dir`, until it is killed; resolves when the server answers. */
async function otherProcess(dir: string): Promise<ChildProcess> {
  const module = new URL('../../queue/redis-server.ts', import.meta.url).href;
  const script = `
    import { startRedis } from ${JSON.stringify(module)};
    const log = { info() {}, warn() {} };
    await startRedis({ dir: ${JSON.stringify(dir)}, log, searchPath: process.env.PATH });
    console.log('ready');
    setInterval(() => {}, 1000);`;
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

/** Folder with links to the given programs alone. */
async function pathWith(...names: string[]): Promise<string> {
  const dir = scratch.dir();
  for (const name of names) symlinkSync((await findOnPath(name, SEARCH_PATH))!, join(dir, name));
  return dir;
}

function lastFileOf(dir: string): string {
  const folder = join(dir, 'appendonlydir');
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.incr.aof'))!);
}

describe('startRedis', () => {
  it('answers on a socket that is ours alone, and keeps its data over a restart', async () => {
    const dir = join(scratch.dir(), 'a folder\'s "name"');
    const first = await scratch.redis(dir, log);
    expect(first.path).toBe(join(dir, 'redis.sock'));
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(first.path).mode & 0o777).toBe(0o700);
    await addJob(first, 1);
    await first.close();
    expect(await first.exited).toBe(0);
    expect(existsSync(first.path)).toBe(false);

    const second = await scratch.redis(dir, log);
    expect(await stateOf(second, 1)).toBe('waiting');
    expect(await stateOf(second, 2)).toBe('unknown');
    expect(log.matching(/warning/)).toEqual([]);
  });

  it('puts the socket elsewhere where its path would be too long, and takes it away at the end', async () => {
    const dir = join(scratch.dir(), 'x'.repeat(120));
    const server = await scratch.redis(dir, log);
    expect(Buffer.byteLength(server.path)).toBeLessThan(108);
    expect(statSync(join(server.path, '..')).mode & 0o777).toBe(0o700);
    expect(await answersPing(server, 1000)).toBe(true);
    await server.close();
    expect(existsSync(join(server.path, '..'))).toBe(false);
  });

  it('comes back at the same short socket that it is given, for who knows that path alone', async () => {
    const dir = join(scratch.dir(), 'x'.repeat(120));
    const socket = await socketPath(dir);
    const start = (): Promise<RedisServer> => startRedis({ dir, log, searchPath: SEARCH_PATH, socket });
    const first = await start();
    const queue = openQueue({ path: socket }, log);
    try {
      await queue.add(jobNumber(1));
      process.kill(pidIn(dir), 'SIGKILL');
      expect(await first.exited).toBe(128);
      const second = await start();
      expect([first.path, second.path]).toEqual([socket, socket]);
      expect((await queue.result(jobNumber(1).key)).state).toBe('waiting');
      await second.close();
    } finally {
      await queue.close();
    }
    expect(existsSync(join(socket, '..'))).toBe(true);
  });

  it('is back with its data after a SIGKILL of the server, which `exited` tells', async () => {
    const dir = scratch.dir();
    const first = await scratch.redis(dir, log);
    await addJob(first, 1);
    process.kill(pidIn(dir), 'SIGKILL');
    expect(await first.exited).toBe(128);
    expect(await answersPing(first, 1000)).toBe(false);
    expect(await stateOf(await scratch.redis(dir, log), 1)).toBe('waiting');
  });

  it.each([
    [2, 'comes up where it is killed while it starts'],
    [3, 'gives up where it is killed each time'],
  ])('and killed %i times, %s', async (kills, what) => {
    const dir = scratch.dir();
    const bin = scratch.dir();
    const real = (await findOnPath('redis-server', SEARCH_PATH))!;
    const script = `#!/bin/sh\necho start >>starts\n[ "$(grep -c start starts)" -gt ${kills} ] || kill -KILL $$\nexec ${real} "$@"\n`;
    writeFileSync(join(bin, 'redis-server'), script, { mode: 0o755 });
    const starting = startRedis({ dir, log, searchPath: `${bin}:${SEARCH_PATH}` });
    if (what.startsWith('gives up')) await expect(starting).rejects.toThrow(/ended with status 128/);
    else {
      const server = await starting;
      expect(await answersPing(server, 1000)).toBe(true);
      await server.close();
    }
    expect(log.matching(/was killed while it started/)).toHaveLength(2);
  });

  it('dies with the process that started it, and the next one waits for that', async () => {
    const dir = scratch.dir();
    const owner = await otherProcess(dir);
    const old = pidIn(dir);
    // it cannot hear its SIGTERM yet: a predecessor that is long in going
    process.kill(old, 'SIGSTOP');
    owner.kill('SIGKILL');
    const next = scratch.redis(dir, log);
    await sleep(1500);
    expect(log.matching(/waiting for its predecessor/)).toHaveLength(1);
    expect(isRunning(old)).toBe(true);
    process.kill(old, 'SIGCONT');
    expect(await answersPing(await next, 1000)).toBe(true);
    expect(isRunning(old)).toBe(false);
    expect(pidIn(dir)).not.toBe(old);
  });

  it('names folder and pid of the server of a process that lives, and leaves it alone', async () => {
    const dir = scratch.dir();
    await otherProcess(dir);
    const pid = pidIn(dir);
    const refused = startRedis({ dir, log, searchPath: SEARCH_PATH, predecessorS: 1 });
    await expect(refused).rejects.toThrow(
      `${dir} is in use by another redis-server (pid ${pid}), still after 1 s: is another depbot serve running with`,
    );
    expect(await answersPing({ path: join(dir, 'redis.sock') }, 1000)).toBe(true);
  });

  it('reads on where its file was cut in the middle of a command, and says so', async () => {
    const dir = scratch.dir();
    const first = await scratch.redis(dir, log);
    await addJob(first, 1);
    await addJob(first, 2);
    await first.close();
    const file = lastFileOf(dir);
    truncateSync(file, statSync(file).size - 3);
    const second = await scratch.redis(dir, log);
    expect(await stateOf(second, 1)).toBe('waiting');
    expect(log.matching(/warning: redis-server: .*truncat/i).length).toBeGreaterThan(0);
  });

  it('says what to move away where the file is garbage', async () => {
    const dir = scratch.dir();
    const first = await scratch.redis(dir, log);
    await addJob(first, 1);
    await first.close();
    const file = lastFileOf(dir);
    writeFileSync(file, `garbage\r\n${readFileSync(file, 'latin1')}`, 'latin1');
    await expect(startRedis({ dir, log, searchPath: SEARCH_PATH })).rejects.toThrow(
      /^redis-server in .* ended with status 1: .*Bad file format.*move .*appendonlydir away/,
    );
  });

  it('says what to install where redis-server or flock is missing, and starts nothing', async () => {
    const dir = join(scratch.dir(), 'redis');
    const start = (searchPath: string) => startRedis({ dir, log, searchPath });
    await expect(start(await pathWith('flock', 'setpriv'))).rejects.toThrow(/apt install redis-server/);
    await expect(start(await pathWith('redis-server', 'setpriv'))).rejects.toThrow(/apt install util-linux/);
    expect(existsSync(dir)).toBe(false);
  });

  it('starts without setpriv, and says what that means', async () => {
    const server = await startRedis({ dir: scratch.dir(), log, searchPath: await pathWith('redis-server', 'flock') });
    expect(await answersPing(server, 1000)).toBe(true);
    expect(log.matching(/setpriv.*apt install util-linux.*goes on/)).toHaveLength(1);
    await server.close();
    expect(await server.exited).toBe(0);
  });

  it('passes on what the server says of a folder that it cannot use', async () => {
    const dir = scratch.dir();
    mkdirSync(join(dir, 'appendonlydir'));
    mkdirSync(join(dir, 'appendonlydir', 'appendonly.aof.manifest'));
    await expect(startRedis({ dir, log, searchPath: SEARCH_PATH })).rejects.toThrow(/ended with status 1: .*manifest/i);
  });
});

describe('socketPath', () => {
  it('is in the folder itself up to 107 bytes, and one byte more puts it elsewhere, each time anew', async () => {
    const folder = (bytes: number): string => `/${'x'.repeat(bytes - '/'.length - '/redis.sock'.length)}`;
    expect(await socketPath(folder(107))).toBe(`${folder(107)}/redis.sock`);
    const [one, two] = [await socketPath(folder(108)), await socketPath(folder(108))];
    expect(one).not.toBe(two);
    for (const path of [one, two]) {
      expect(Buffer.byteLength(path)).toBeLessThan(108);
      expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
    }
  });

  it('says what to shorten where the temporary folder is too long as well, and leaves nothing there', async () => {
    const long = join(scratch.dir(), 'y'.repeat(100));
    mkdirSync(long);
    vi.stubEnv('TMPDIR', long);
    await expect(socketPath(long)).rejects.toThrow(RedisError);
    await expect(socketPath(long)).rejects.toThrow(/at most 107 bytes.*paths\.state.*TMPDIR/);
    expect(readdirSync(long)).toEqual([]);
  });
});

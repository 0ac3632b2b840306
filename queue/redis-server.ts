/**
 * A Redis of our own, where none is given: a child process on a unix socket, its data in one folder.
 *
 * flock(1), which becomes the server, holds the folder's lock as long as the server lives, so there are never two on
 * one append-only file. setpriv(1) makes the kernel end the server when we end, however that happens.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, readFile, readlink, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answersPing } from './bullmq-link.ts';
import type { Log } from './jobs.ts';
import { remove, temporaryFolder } from './leftovers.ts';
import { findOnPath } from './tool-path.ts';

/** unix(7): sun_path is 108 bytes, the last one a NUL. */
const MOST_SOCKET_BYTES = 107;
/** A predecessor that was told to end writes what it has and goes; a server of another depbot stays. */
const PREDECESSOR_S = 15;
const LOCK_HELD = 75;
/** For one that a signal ended. */
const KILLED = 128;
/** Of a server that is killed before it answers. */
const MOST_STARTS = 3;
/** To load the append-only file. */
const READY_MS = 120_000;
const STOP_MS = 10_000;
const LINES_KEPT = 20;
const PID_FILE = 'redis.pid';
const SOCKET = 'redis.sock';
/** Of the server's log, what the operator should know. */
const WORTH_A_LINE = /\b(AOF|append only file|no space|write error|permission denied)\b/i;

/** `redis://` or `rediss://`, or the path of a unix socket. */
export type RedisAddress = { readonly url: string } | { readonly path: string };

/** The server cannot be had; the message says what to do. */
export class RedisError extends Error {
  override readonly name = 'RedisError';
}

export interface RedisServerOptions {
  /** Made where missing; ours alone (mode 700). */
  readonly dir: string;
  readonly log: Log;
  /** Where redis-server, flock and setpriv are looked for: folders as in PATH. */
  readonly searchPath: string;
  /**
   * Of the socket, from `socketPath`, for a server that is to come back at the same place; the caller removes what
   * socketPath made. Absent for one of its own, which goes with the server.
   */
  readonly socket?: string;
  /** For a predecessor to end. */
  readonly predecessorS?: number;
}

export interface RedisServer {
  /** Of the socket. */
  readonly path: string;
  /** Ends the server, with its data written; returns when it is gone. */
  close(): Promise<void>;
  /** Exit status when it has ended, asked for or not; 128 where a signal ended it. */
  readonly exited: Promise<number>;
}

/** Starts a server and waits until it answers. Throws RedisError. */
export function startRedis(options: RedisServerOptions): Promise<RedisServer> {
  return start(options, MOST_STARTS);
}

async function start(options: RedisServerOptions, starts: number): Promise<RedisServer> {
  const { log, searchPath, predecessorS = PREDECESSOR_S } = options;
  const dir = resolve(options.dir);
  const command = await commandLine(dir, log, searchPath, predecessorS);
  await mkdir(dir, { recursive: true });
  await chmod(dir, 0o700);
  const path = options.socket ?? (await socketPath(dir));
  await tellSocket(dir, path);
  const removeSocket = async (): Promise<void> => {
    if (options.socket === undefined) await removeSocketOf(dir, path);
  };
  let child: ChildProcess;
  try {
    // a group of its own: Ctrl-C is for us, and we end the server after the work
    child = spawn(command[0]!, [...command.slice(1), ...serverArgs(dir, path)], {
      cwd: dir,
      env: { PATH: searchPath, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
  } catch (error) {
    await removeSocket();
    throw error;
  }
  const lines = readLines(child, log);
  const exited = exitOf(child).finally(removeSocket);
  const server: RedisServer = { path, exited, close: () => stop(child, exited) };
  // until its end a predecessor answers at the same socket
  const isOurs = async (): Promise<boolean> => (await pidIn(dir)) === child.pid;
  try {
    await ready(server, isOurs, predecessorS, () => log.info(`Redis in ${dir}: waiting for its predecessor to end`));
  } catch (error) {
    await server.close();
    if (!(error instanceof Ended)) throw error;
    // whoever kills it says nothing of its data
    if (error.status !== KILLED || starts === 1) throw await whyEnded(error, dir, lines, predecessorS);
    log.warn(`Redis in ${dir} was killed while it started; starting it again`);
    return start(options, starts - 1);
  }
  return server;
}

/**
 * Where the socket of the server on `dir` can be: in it or, where that path would be too long for a socket, in a new
 * temporary folder that is ours alone and goes at the end of the process. Throws RedisError where that is too long as well.
 */
export async function socketPath(dir: string): Promise<string> {
  const inDir = join(resolve(dir), SOCKET);
  if (Buffer.byteLength(inDir) <= MOST_SOCKET_BYTES) return inDir;
  const elsewhere = await temporaryFolder(join(resolve(tmpdir()), 'depbot-redis-'));
  const path = join(elsewhere, SOCKET);
  if (Buffer.byteLength(path) <= MOST_SOCKET_BYTES) return path;
  await remove(elsewhere);
  throw new RedisError(
    `the path of a socket has at most ${MOST_SOCKET_BYTES} bytes, and both ${resolve(dir)} and ${tmpdir()} are too long: ` +
      'give depbot a shorter state folder (paths.state in depbot.toml), or set TMPDIR to a shorter one',
  );
}

/** Where the socket of the server on `dir` is that somebody else has started, or would be. Makes nothing. */
export async function socketOf(dir: string): Promise<string> {
  const inDir = join(resolve(dir), SOCKET);
  try {
    return await readlink(inDir);
  } catch {
    // the socket itself, or none
    return inDir;
  }
}

/** For `socketOf`: a link in the folder to a socket that is elsewhere. */
async function tellSocket(dir: string, path: string): Promise<void> {
  const inDir = join(dir, SOCKET);
  if (path === inDir) return;
  await rm(inDir, { force: true });
  await symlink(path, inDir);
}

/** Removes the temporary folder that `socketPath` made for `dir`, if it did. */
async function removeSocketOf(dir: string, path: string): Promise<void> {
  if (dirname(path) !== resolve(dir)) await remove(dirname(path));
}

/** Up to the server's own arguments. */
async function commandLine(dir: string, log: Log, searchPath: string, predecessorS: number): Promise<string[]> {
  const server = await findOnPath('redis-server', searchPath);
  if (server === undefined)
    throw new RedisError(
      'redis-server is not installed: apt install redis-server, or name a Redis that runs (redis_url in depbot.toml, or REDIS_URL)',
    );
  const flock = await findOnPath('flock', searchPath);
  if (flock === undefined)
    throw new RedisError('flock(1), which keeps two servers off one folder, is not installed: apt install util-linux');
  const setpriv = await findOnPath('setpriv', searchPath);
  if (setpriv === undefined)
    log.warn(
      'setpriv(1) is not installed (apt install util-linux): should depbot be killed, its redis-server goes on until you end it',
    );
  const lock = ['--exclusive', '--timeout', `${predecessorS}`, '--conflict-exit-code', `${LOCK_HELD}`, '--no-fork'];
  return [
    ...(setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'TERM', '--']),
    ...[flock, ...lock, join(dir, 'redis.lock'), server],
  ];
}

function serverArgs(dir: string, socket: string): string[] {
  return [
    ...['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700', '--dir', dir, '--daemonize', 'no'],
    // a job or two a minute: each may wait for the disk, and then a power cut loses none of them and no result
    ...['--appendonly', 'yes', '--appendfsync', 'always', '--aof-load-truncated', 'yes', '--save', ''],
    ...['--maxmemory-policy', 'noeviction', '--pidfile', join(dir, PID_FILE), '--logfile', ''],
  ];
}

/** The child has ended before it was ready. */
class Ended extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`ended with status ${status}`);
    this.status = status;
  }
}

async function ready(
  { path, exited }: RedisServer,
  isOurs: () => Promise<boolean>,
  predecessorS: number,
  onWait: () => void,
): Promise<void> {
  let status: number | undefined;
  exited.then((code) => {
    status = code;
  });
  const until = performance.now() + READY_MS + predecessorS * 1000;
  const note = setTimeout(onWait, 1000);
  try {
    while (!(await isOurs()) || !(await answersPing({ path }, 5000))) {
      if (status !== undefined) throw new Ended(status);
      if (performance.now() > until)
        throw new RedisError(
          `redis-server does not answer at ${path} after ${READY_MS / 1000} s; is the machine busy?`,
        );
      await sleep(20);
    }
  } finally {
    clearTimeout(note);
  }
}

async function whyEnded(
  { status }: Ended,
  dir: string,
  lines: readonly string[],
  predecessorS: number,
): Promise<RedisError> {
  if (status === LOCK_HELD) {
    const pid = await pidIn(dir);
    return new RedisError(
      `${dir} is in use by another redis-server (pid ${pid ?? 'unknown'}), still after ${predecessorS} s: ` +
        'is another depbot serve running with this state folder? End it, or give this one a folder of its own',
    );
  }
  const said = lines.filter((line) => line.trim() !== '').slice(-3);
  return new RedisError(
    `redis-server in ${dir} ended with status ${status}: ${said.join(' | ') || 'it said nothing'}. ` +
      `If its data is damaged, move ${join(dir, 'appendonlydir')} away: what is waiting is checked again`,
  );
}

/** The flock and setpriv before it become the server, so this is the pid of a child of ours or of somebody else. */
async function pidIn(dir: string): Promise<number | undefined> {
  try {
    return Number.parseInt(await readFile(join(dir, PID_FILE), 'latin1'), 10);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** 127, as shells have it, where the child could not even be started. */
function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code) => resolve(code ?? KILLED));
  });
}

/** The last lines of both streams; what is worth it goes to the log as well. */
function readLines(child: ChildProcess, log: Log): readonly string[] {
  const lines: string[] = [];
  for (const stream of [child.stdout!, child.stderr!]) {
    let rest = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop()!.slice(-4096);
      for (const line of parts) {
        // 1234:M 22 Nov 2026 23:59:59.000 # text
        const [, level, text] = /^\d+:\w .*? ([#*.-]) (.*)$/.exec(line) ?? ['', '', line];
        lines.push(text!);
        if (lines.length > LINES_KEPT) lines.shift();
        if (level === '#' && WORTH_A_LINE.test(text!)) log.warn(`redis-server: ${text}`);
      }
    });
  }
  return lines;
}

async function stop(child: ChildProcess, exited: Promise<number>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  try {
    await exited;
  } finally {
    clearTimeout(timer);
  }
}

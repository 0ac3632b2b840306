/**
 * Runs `node bot/depbot.mjs …` as a user would, in a home of its own, and looks after each run at what
 * it left: nothing in the folder for checks, nothing in the temporary folder, no half-written file, and the
 * user's tree byte for byte as it was.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { tempDir } from './tiny-repo.ts';

const DEPBOT = join(import.meta.dirname, '../../bot/depbot.mjs');

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** Ends standard output after so many bytes, as `head` does. */
  readonly readOnly?: number;
  /** After which it is killed. Default: a little less than a test has. */
  readonly timeoutMs?: number;
}

export interface Desk {
  /** Holds everything; `path` gives names in it. */
  readonly dir: string;
  path(name: string): string;
  /** Runs the program. Throws an assertion error when something is left behind. */
  run(argv: readonly string[], options?: RunOptions): Promise<Run>;
  remove(): void;
}

/**
 * A place to work: home, state, temporary folder, and a cache unless `cacheDir` names one to share.
 * `trees` are the folders that no run may alter.
 */
export function openDesk(trees: readonly string[], cacheDir?: string): Desk {
  const dir = tempDir();
  const path = (name: string): string => join(dir, name);
  for (const name of ['home', 'tmp']) mkdirSync(path(name));
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: path('home'),
    TMPDIR: path('tmp'),
    XDG_STATE_HOME: path('state'),
    DEPBOT_CACHE: cacheDir ?? path('cache'),
  };
  return {
    dir,
    path,
    async run(argv, options = {}) {
      const before = trees.map(digestOf);
      const run = await start(argv, { ...env, ...options.env }, dir, options);
      expect(trees.map(digestOf), 'the tree of the user').toEqual(before);
      expect(leftIn(dir), 'what is left behind').toEqual([]);
      return run;
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** Not spawnSync: a server of the test has to be able to answer meanwhile. */
function start(
  argv: readonly string[],
  env: Record<string, string>,
  cwd: string,
  { input, readOnly, timeoutMs = 110_000 }: RunOptions,
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [DEPBOT, ...argv], { cwd, env, timeout: timeoutMs, killSignal: 'SIGKILL' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => {
      out.push(chunk);
      if (readOnly !== undefined && Buffer.concat(out).length >= readOnly) child.stdout.destroy();
    });
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      // a run may end before it has read its input
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') reject(error);
    });
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (status) =>
      resolve({ status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
  });
}

/** Paths that a run must not leave, relative to the desk. */
function leftIn(dir: string): string[] {
  const all = filesBelow(dir).map((file) => file.slice(dir.length + 1));
  return all.filter((file) =>
    /^tmp\/|\/checks\/.|\/trees\/(new|unfinished)-|\.partial$|\.json\.[0-9a-f-]{36}/.test(file),
  );
}

/** Names, modes and contents of a work tree with its `.git`; of files above 1 MiB the size. No times: reading may set them. */
function digestOf(dir: string): string {
  const hash = createHash('sha256');
  for (const file of filesBelow(dir)) {
    const info = lstatSync(file);
    hash.update(`${file} ${info.mode} ${info.size}\n`);
    if (info.isSymbolicLink()) hash.update(readlinkSync(file));
    else if (info.isFile() && info.size < 1 << 20) hash.update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** Files and folders, sorted; links are not followed. */
function filesBelow(dir: string): string[] {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) return [];
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .sort();
}

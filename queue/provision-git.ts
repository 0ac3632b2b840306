/**
 * Makes a folder of files a git repository with one commit, whose name depends on the files alone.
 *
 * `git fast-import` takes the files as they are found on disk, so that a .gitignore among them hides nothing
 * (Debian's linux-source ignores everything), and writes one pack instead of as many loose objects as files.
 * Source: git-fast-import(1).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Env } from './provision-cache.ts';
import type { Machine } from './provision-machine.ts';

export interface Commit {
  readonly message: string;
  /** A lightweight tag set on the commit. */
  readonly tag: string;
  /** Seconds since 1970, of author and committer, in UTC. */
  readonly atSec: number;
}

/** One entry of the tree: path relative to the folder, mode as git has it. */
interface Entry {
  readonly path: string;
  readonly mode: '100644' | '100755' | '120000';
}

/** What git may see of our environment: no configuration of the user or the machine, no GIT_* of a caller. */
export function plainGitEnv(env: Env): Env {
  return {
    PATH: env['PATH'],
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  };
}

/** Files and symbolic links below `dir`, sorted by path. Throws an Error on anything else (a socket, a device). */
export function listEntries(dir: string): readonly Entry[] {
  const entries: Entry[] = [];
  const walk = (below: string): void => {
    for (const item of readdirSync(join(dir, below), { withFileTypes: true })) {
      const path = below === '' ? item.name : `${below}/${item.name}`;
      // The stream below is lines; git's own trees have no such name either.
      if (/["\n]/.test(path))
        throw new Error(`cannot commit ${JSON.stringify(path)}: the name has a quote or a newline`);
      if (item.isDirectory()) walk(path);
      else if (item.isSymbolicLink()) entries.push({ path, mode: '120000' });
      else if (item.isFile())
        entries.push({ path, mode: lstatSync(join(dir, path)).mode & 0o100 ? '100755' : '100644' });
      else throw new Error(`cannot commit ${path}: neither a file nor a symbolic link`);
    }
  };
  walk('');
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Makes `dir` a repository on branch `main` with one commit of everything in it, checks that the work tree
 * is clean and complete, and returns the commit's name. `onFile` gets the number of files written so far.
 * Throws an Error when git fails or the check does.
 */
export async function commitFolder(
  dir: string,
  commit: Commit,
  deps: { readonly machine: Machine; readonly env: Env; readonly onFile?: (done: number) => void },
): Promise<string> {
  const { machine, onFile = () => undefined } = deps;
  const env = plainGitEnv(deps.env);
  const entries = listEntries(dir);
  const git = async (...args: string[]): Promise<string> => {
    const ran = await machine.run(['git', '-C', dir, ...args], { env });
    if (ran.code !== 0)
      throw new Error(
        `git ${args[0]} failed in ${dir} (status ${ran.code}): ${ran.stderr.trim() || ran.stdout.slice(0, 500)}`,
      );
    return ran.stdout;
  };
  // An empty template: no sample hooks, no info/exclude.
  await git('init', '--quiet', '--template=', '--initial-branch=main');
  // Nothing may repack or prune below the worktrees and caches that are made on this repository.
  for (const [key, value] of SETTINGS) await git('config', key, value);
  await fastImport(dir, commit, entries, env, onFile);
  await git('read-tree', 'HEAD');
  // Reads every file once; fails if one is not what was committed.
  await git('update-index', '--refresh');
  const tracked = (await git('ls-files', '--format=x')).length / 'x\n'.length;
  if (tracked !== entries.length) throw new Error(`${dir} has ${entries.length} files, its commit ${tracked}`);
  await git('update-ref', `refs/tags/${commit.tag}`, 'HEAD');
  return (await git('rev-parse', 'HEAD')).trim();
}

const SETTINGS = [
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.autocrlf', 'false'],
] as const;

async function fastImport(
  dir: string,
  commit: Commit,
  entries: readonly Entry[],
  env: Env,
  onFile: (done: number) => void,
): Promise<void> {
  // Speed over size: level 1, no deltas; the source is unpacked next to it anyway.
  const tuning = ['-c', 'core.compression=1', '-c', 'fastimport.unpackLimit=0'];
  const child = spawn('git', ['-C', dir, ...tuning, 'fast-import', '--quiet', '--done', '--depth=0'], {
    stdio: ['pipe', 'ignore', 'pipe'],
    env: env as NodeJS.ProcessEnv,
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000);
  });
  const closed = once(child, 'close');
  // When git gives up early the pipe breaks; its exit status and words say why.
  let broken = false;
  child.stdin.on('error', () => {
    broken = true;
  });
  const write = async (data: string | Buffer): Promise<void> => {
    if (broken || child.stdin.write(data)) return;
    // The one error that waiting can meet is the broken pipe, noted above.
    await Promise.race([once(child.stdin, 'drain').catch(() => undefined), closed]);
  };
  const who = `depbot <depbot@localhost> ${commit.atSec} +0000`;
  const message = Buffer.from(`${commit.message}\n`);
  await write(
    `feature done\ncommit refs/heads/main\nauthor ${who}\ncommitter ${who}\ndata ${message.length}\n${message.toString()}\n`,
  );
  for (const [index, { path, mode }] of entries.entries()) {
    if (broken) break;
    const full = join(dir, path);
    const data = mode === '120000' ? readlinkSync(full, { encoding: 'buffer' }) : readFileSync(full);
    const header = `M ${mode} inline ${path}\ndata ${data.length}\n`;
    await write(Buffer.concat([Buffer.from(header), data, Buffer.from('\n')]));
    if (index % 200 === 0) onFile(index);
  }
  child.stdin.end('done\n');
  const [code] = (await closed) as [number | null];
  if (code !== 0) throw new Error(`git fast-import failed in ${dir} (status ${code}): ${complaint.trim()}`);
}

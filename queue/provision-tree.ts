/**
 * A kernel tree to work on: the one that is given, else Debian's linux-source-6.12, unpacked once into the
 * cache and made a git repository. The cache keeps the point release it has.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { downloadPackage } from './provision-apt.ts';
import type { Env } from './provision-cache.ts';
import { cachedTree, KERNEL_SERIES, needFreeSpace, ProvisionError } from './provision-cache.ts';
import { commitFolder, listEntries } from './provision-git.ts';
import type { Machine } from './provision-machine.ts';
import type { Progress } from './provision-progress.ts';

/** The package, unpacked (1.6 GB), its repository (0.4), the archive while unpacking (0.2), and room for worktrees. */
const NEED_BYTES = 4e9;
/** 2024-11-17 22:15:08 UTC, the day of Linux 6.12: any fixed date gives the same commit name everywhere. */
const COMMIT_AT_SEC = 1_731_881_708;

export interface TreeDeps {
  readonly cache: string;
  readonly machine: Machine;
  readonly env: Env;
  readonly progress: Progress;
}

/** The given tree as an absolute path; throws a ProvisionError unless it is a kernel's git work tree. */
export function givenTree(path: string): string {
  const tree = resolve(path);
  if (!existsSync(join(tree, 'Kconfig'))) throw new ProvisionError(`${tree} is no kernel tree: it has no file Kconfig`);
  if (!existsSync(join(tree, '.git')))
    throw new ProvisionError(`${tree} is no git repository: give a checkout of the kernel's git tree`);
  return tree;
}

/**
 * Makes the cached tree if it is not there. Built aside and renamed last, so that it is whole or absent; the
 * remains of an interrupted run are removed first. The caller holds the set-up lock.
 */
export async function makeTree(deps: TreeDeps): Promise<string> {
  const { cache, progress } = deps;
  const target = cachedTree(cache);
  if (existsSync(target)) return target;
  const aside = `${target}.partial`;
  rmSync(aside, { recursive: true, force: true });
  needFreeSpace(cache, NEED_BYTES);
  mkdirSync(aside, { recursive: true });
  try {
    const tree = join(aside, 'tree');
    mkdirSync(tree);
    await unpack(await findArchive(aside, deps), tree, deps);
    const version = kernelVersion(readFileSync(join(tree, 'Makefile'), 'utf8'));
    const step = progress.step(`committing Linux ${version}`, listEntries(tree).length);
    const commit = { message: `Linux ${version} (Debian)`, tag: `v${version}`, atSec: COMMIT_AT_SEC };
    const sha = await commitFolder(tree, commit, { ...deps, onFile: step.to });
    step.end(`v${version} is ${sha.slice(0, 12)}`);
    renameSync(tree, target);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return target;
}

/** `6.12.117` from the head of a kernel's Makefile. Throws an Error if the numbers are not there. */
export function kernelVersion(makefile: string): string {
  const number = (name: string): string => {
    const found = new RegExp(`^${name} = (\\d+)\\r?$`, 'm').exec(makefile)?.[1];
    if (found === undefined) throw new Error(`the tree's Makefile has no line "${name} = NUMBER"`);
    return found;
  };
  return `${number('VERSION')}.${number('PATCHLEVEL')}.${number('SUBLEVEL')}`;
}

/** The source archive: the installed package's, else one downloaded into `dir`. */
async function findArchive(dir: string, deps: TreeDeps): Promise<string> {
  const name = `linux-source-${KERNEL_SERIES}`;
  const installed = `/usr/src/${name}.tar.xz`;
  if (deps.machine.hasFile(installed)) return installed;
  const files = await extractPackage(name, join(dir, 'deb'), deps);
  return join(files, 'usr/src', `${name}.tar.xz`);
}

/** Downloads a package and unpacks its files below `dir` without installing it; returns the folder that stands for `/`. */
export async function extractPackage(name: string, dir: string, deps: TreeDeps): Promise<string> {
  mkdirSync(dir, { recursive: true });
  try {
    await downloadPackage(name, dir, deps);
  } catch (error) {
    if (!(error instanceof ProvisionError)) throw error;
    throw new ProvisionError(`${error.message}\nGive a kernel tree of your own with --tree or DEPBOT_TREE.`, {
      cause: error,
    });
  }
  const [deb] = listEntries(dir).filter(({ path }) => path.endsWith('.deb'));
  if (deb === undefined) throw new Error(`apt-get download ${name} left no .deb in ${dir}`);
  const root = join(dir, 'root');
  const ran = await deps.machine.run(['dpkg-deb', '--extract', join(dir, deb.path), root]);
  if (ran.code !== 0) throw new Error(`dpkg-deb could not unpack ${deb.path}: ${ran.stderr.trim()}`);
  rmSync(join(dir, deb.path));
  return root;
}

/** Unpacks a .tar.xz into `tree` without its top folder. */
async function unpack(archive: string, tree: string, deps: TreeDeps): Promise<void> {
  const step = deps.progress.step(`unpacking linux-source-${KERNEL_SERIES}`, statSync(archive).size);
  // Modes and owner from the umask and the user, not from the archive.
  const args = [
    '--extract',
    '--xz',
    '--strip-components=1',
    '--no-same-owner',
    '--no-same-permissions',
    '--directory',
    tree,
  ];
  const tar = spawn('tar', args, { stdio: ['pipe', 'ignore', 'pipe'], env: deps.env as NodeJS.ProcessEnv });
  let complaint = '';
  tar.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4000);
  });
  const closed = once(tar, 'close');
  const input = createReadStream(archive, { highWaterMark: 1 << 20 });
  // When tar gives up early the pipe breaks; its exit status and words say why.
  tar.stdin.on('error', () => input.destroy());
  let read = 0;
  input.on('data', (chunk) => {
    read += chunk.length;
    step.to(read);
  });
  input.once('error', () => tar.kill());
  input.pipe(tar.stdin);
  const [code] = (await closed) as [number | null];
  if (code !== 0) {
    step.fail();
    throw new Error(`tar could not unpack ${archive} (status ${code}): ${complaint.trim()}`);
  }
  step.end();
}

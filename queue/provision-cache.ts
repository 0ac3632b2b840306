/** Where fetched things live, and whether they fit. */
import { mkdirSync, statfsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Environment variables, as process.env has them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Set-up that cannot go on; the message says what to do. `main` prints it and ends with status 2. */
export class ProvisionError extends Error {
  override readonly name = 'ProvisionError';
}

/**
 * Folder for all that depbot fetches or derives: `DEPBOT_CACHE`, else `$XDG_CACHE_HOME/depbot`, else
 * `~/.cache/depbot`. The same rule as in bot/node.mjs, which has to run on older Node.
 * Source: XDG Base Directory Specification (relative values are ignored).
 */
export function cacheDir(env: Env = process.env): string {
  if (env['DEPBOT_CACHE']) return env['DEPBOT_CACHE'];
  const xdg = env['XDG_CACHE_HOME'] && isAbsolute(env['XDG_CACHE_HOME']) ? env['XDG_CACHE_HOME'] : undefined;
  return join(xdg ?? join(env['HOME'] || homedir(), '.cache'), 'depbot');
}

/** Of the Debian source package that set-up fetches where no tree is given. */
export const KERNEL_SERIES = '6.12';

/** Where the tree that set-up fetches is, or will be. */
export function cachedTree(cache: string): string {
  return join(cache, `linux-${KERNEL_SERIES}`);
}

/** Throws a ProvisionError unless `needBytes` are free for an ordinary user where `dir` is (it is created). */
export function needFreeSpace(dir: string, needBytes: number, freeBytes: (dir: string) => number = freeBytesOf): void {
  mkdirSync(dir, { recursive: true });
  const free = freeBytes(dir);
  if (free >= needBytes) return;
  throw new ProvisionError(
    `the kernel tree needs ${gigabytes(needBytes)} free in ${dir}, there are ${gigabytes(free)}: ` +
      'make room, set DEPBOT_CACHE to a folder on another disk, or give a tree with --tree or DEPBOT_TREE',
  );
}

function freeBytesOf(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

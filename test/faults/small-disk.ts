/**
 * A file system of its own, so small that it can be filled: a tmpfs that only its holder and those who join it see, so
 * that nothing of it stays when they are gone. unshare(1), nsenter(1). Only root can have one.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface SmallDisk {
  /** The folder that it lies on, as seen from here. */
  readonly outside: string;
  /** What has to become a program so that it sees it. */
  readonly through: readonly string[];
  /** Leaves not one byte free. */
  fill(): void;
  free(): void;
  close(): Promise<void>;
}

const CHUNK = Buffer.alloc(1 << 16);

/** One of so many MiB on the folder `dir`; undefined for whoever is not root. */
export async function openSmallDisk(dir: string, mib: number): Promise<SmallDisk | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const script = 'mount -t tmpfs -o "size=$2m,mode=755" none "$1" && echo there && exec sleep infinity';
  const argv = ['--pdeathsig', 'KILL', 'unshare', '--mount', '--propagation', 'private', '/bin/sh', '-c', script];
  const holder = spawn('setpriv', [...argv, 'sh', dir, `${mib}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit');
  const said = await Promise.race([once(holder.stdout, 'data'), ended]);
  if (String(said[0]) !== 'there\n') throw new Error(`no tmpfs on ${dir}: ${said[0]}`);
  const outside = join(`/proc/${holder.pid}/root`, dir);
  const ballast = join(outside, 'ballast');
  return {
    outside,
    through: ['nsenter', `--target=${holder.pid}`, '--mount', '--'],
    fill() {
      const file = openSync(ballast, 'a');
      try {
        for (let length = CHUNK.length; length > 0; ) {
          try {
            writeSync(file, CHUNK, 0, length);
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
            length >>= 1;
          }
        }
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    async close() {
      holder.kill('SIGKILL');
      await ended;
    },
  };
}

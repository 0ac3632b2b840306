/** Files of a directory, read as they are: byte for byte, nothing from outside. */

import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { KconfigError } from '../rules/kconfig/error.ts';

/** A Kconfig file of the kernel has up to 100 KiB. */
const MAX_FILE_BYTES = 4 << 20;

/** One for all files: a kernel's 1,700 are read in half the time that readFileSync takes for them. */
const buffer = Buffer.allocUnsafeSlow(MAX_FILE_BYTES + 1);

/** Text of a file below `root`, one character a byte; undefined where there is none, or where it lies elsewhere. */
export function readInside(root: string, path: string): string | undefined {
  const full = resolve(root, path);
  if (!full.startsWith(root + sep)) return undefined;
  let fd: number;
  try {
    fd = open(full);
  } catch (error) {
    if (NO_FILE.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw new KconfigError(path, 0, `cannot be read (${(error as Error).message})`);
  }
  try {
    let size = 0;
    for (let n = -1; n !== 0 && size < buffer.length; size += n)
      n = readSync(fd, buffer, size, buffer.length - size, null);
    if (size > MAX_FILE_BYTES) throw new KconfigError(path, 0, `larger than the limit of ${MAX_FILE_BYTES} bytes`);
    return buffer.toString('latin1', 0, size);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return undefined;
    throw error;
  } finally {
    closeSync(fd);
  }
}

const NO_FILE = new Set<string | undefined>(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO']);

/** Not to wait for a writer, should it be a pipe. */
function open(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

/** Digest of texts that were read by readInside, in this order. */
export function digestOf(texts: Iterable<string>): string {
  const hash = createHash('sha256');
  const sizes: number[] = [];
  for (const text of texts) {
    hash.update(text, 'latin1');
    sizes.push(text.length);
  }
  return sealed(hash, sizes);
}

/** The same of the files as they are now; undefined where one of them cannot be read. */
export function digestInside(root: string, paths: readonly string[]): string | undefined {
  const hash = createHash('sha256');
  const sizes: number[] = [];
  let filled = 0;
  try {
    for (const path of paths) {
      const fd = open(root + sep + path);
      let size = 0;
      try {
        for (let n = -1; n !== 0 && size <= MAX_FILE_BYTES; size += n) {
          if (filled >= CHUNK_BYTES) {
            hash.update(buffer.subarray(0, filled));
            filled = 0;
          }
          n = readSync(fd, buffer, filled, buffer.length - filled, null);
          filled += n;
        }
      } finally {
        closeSync(fd);
      }
      if (size > MAX_FILE_BYTES) return undefined;
      sizes.push(size);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return undefined;
  }
  hash.update(buffer.subarray(0, filled));
  return sealed(hash, sizes);
}

/** Hashed at a time: many files, and no more memory than stays in the processor's cache. */
const CHUNK_BYTES = 256 << 10;

/** With the sizes, so that a line which moves from one file to the next is seen. */
function sealed(hash: Hash, sizes: readonly number[]): string {
  return hash.update(JSON.stringify(sizes)).digest('hex');
}

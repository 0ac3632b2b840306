/**
 * Files below the cache and from the sandbox, where each may be gone by now or be none that was expected.
 */
import { constants, open, readdir, readFile, utimes } from 'node:fs/promises';

/** Of a file that is read from the sandbox. */
export const MAX_FILE_BYTES = 16 * 2 ** 20;

/** A file that the sandbox could write: never through a link, from a pipe or without end. Undefined for all else. */
export async function readRegular(path: string): Promise<Buffer | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENXIO'].includes(codeOf(error))) return undefined;
    throw error;
  }
  try {
    const info = await file.stat();
    return info.isFile() && info.size <= MAX_FILE_BYTES ? await file.readFile() : undefined;
  } finally {
    await file.close();
  }
}

/** Marks a kept thing as used; false when it is not there. */
export async function touch(path: string): Promise<boolean> {
  const now = new Date();
  return (await ifThere(utimes(path, now, now).then(() => true))) ?? false;
}

/** Text of a file; undefined when there is none. */
export function readIfThere(path: string): Promise<string | undefined> {
  return ifThere(readFile(path, 'utf8'));
}

/** Sorted; none when there is no such folder. */
export async function namesIn(dir: string): Promise<string[]> {
  return ((await ifThere(readdir(dir))) ?? []).sort();
}

/** What was asked for, or undefined for ENOENT. */
export async function ifThere<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return undefined;
  }
}

/** Code of a system error, e.g. `ENOENT`; empty when it has none. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

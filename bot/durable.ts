/**
 * Files that survive a crash at any moment: whole or not there. rename(2) is atomic; fsync(2) of the file before it
 * and of the folder after it make it last.
 */

import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes `bytes` to `path`, whose folder is made where missing. An old file is replaced. Throws errors of the system. */
export function writeDurably(path: string, bytes: Uint8Array | string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  const data = Buffer.from(bytes as Uint8Array);
  try {
    const fd = openSync(partial, 'w', 0o600);
    try {
      for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/** Makes a folder where missing, and removes what a crash has left half written in it: call it before others write there. */
export function openFolderDurably(folder: string, mode = 0o777): void {
  mkdirSync(folder, { recursive: true, mode });
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.partial')) rmSync(join(folder, name), { force: true });
  }
}

/** Files of a folder that came there, or were written, before a moment. A copy of the folder counts as new. */
export function namesBefore(folder: string, before: Date): string[] {
  const cameAt = (name: string): Date | undefined => statSync(join(folder, name), { throwIfNoEntry: false })?.ctime;
  return readdirSync(folder).filter((name) => (cameAt(name) ?? before) < before);
}

/** Moves a file; its new folder is made where missing. Throws errors of the system. */
export function renameDurably(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
  syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) syncFolder(dirname(from));
}

/** A file of ours that a disk or a hand has damaged. It is set aside by then: the next reader finds none. */
export class DamagedFileError extends Error {
  override readonly name = 'DamagedFileError';
  /** Where the file was. */
  readonly path: string;

  constructor(path: string, wrong: string, then: string, options: ErrorOptions) {
    super(`${path}: ${wrong}; it is set aside as ${damagedPath(path)}, and ${then}`, options);
    this.path = path;
  }
}

/** Where {@link readJson} sets a damaged file aside. */
export function damagedPath(path: string): string {
  return `${path}.damaged`;
}

/**
 * What `parse` makes of a file of JSON; undefined where there is no file. One that is not JSON, or that `parse` throws
 * at, is renamed to `<path>.damaged`, so that it stops whoever needs it once and not for ever; `then` says, as the end
 * of a sentence, what happens without it. Throws DamagedFileError, and errors of the system.
 */
export function readJson<T>(path: string, parse: (value: unknown) => T, then: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return parse(JSON.parse(text));
  } catch (cause) {
    renameDurably(path, damagedPath(path));
    throw new DamagedFileError(path, (cause as Error).message, then, { cause });
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Files that survive a crash at any moment: whole or not there. rename(2) is atomic; fsync(2) of the file before it
 * and of the folder after it make it last.
 */

import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

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

/** Moves a file; its new folder is made where missing. Throws errors of the system. */
export function renameDurably(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
  syncFolder(dirname(to));
  if (dirname(from) !== dirname(to)) syncFolder(dirname(from));
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Folders of what can be made again: files written whole or not at all, the oldest removed. A folder that cannot be
 * written costs the next process its time, no more.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes the file `name` of a folder, then calls `tidy`; what the machine refuses of both is no error. */
export function keepFile(folder: string, name: string, bytes: Uint8Array, tidy: () => void): void {
  const unfinished = join(folder, `.${randomUUID()}`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(unfinished, bytes);
    renameSync(unfinished, join(folder, name));
    tidy();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
  }
}

/** Where a folder has more than `most` files, all but the newest `kept` of them go. */
export function keepNewest(folder: string, most: number, kept: number = most): void {
  const names = readdirSync(folder);
  if (names.length <= most) return;
  const aged = names.flatMap((name) => {
    const info = statSync(join(folder, name), { throwIfNoEntry: false });
    return info === undefined ? [] : [{ name, changedMs: info.mtimeMs }];
  });
  aged.sort((a, b) => b.changedMs - a.changedMs);
  for (const { name } of aged.slice(kept)) rmSync(join(folder, name), { force: true });
}

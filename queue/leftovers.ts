/**
 * Folders that are to go when the work in hand ends, so that they go as well when a signal ends it.
 */

import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';

const open = new Set<string>();

/** A new folder, named as mkdtemp(3) does, that is gone after `remove` or `removeLeftovers`. */
export async function temporaryFolder(prefix: string): Promise<string> {
  const dir = await mkdtemp(prefix);
  open.add(dir);
  return dir;
}

/** Removes a folder of `temporaryFolder` with all in it. */
export async function remove(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  open.delete(dir);
}

/** Removes all that are open: for the end of the process, when nothing can be waited for. */
export function removeLeftovers(): void {
  for (const dir of open) rmSync(dir, { recursive: true, force: true });
  open.clear();
}

/**
 * Folders that are to go when the work in hand ends, so that they go as well when a signal ends it.
 */

import { rmSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { runSandboxed } from './sandbox.ts';

const open = new Set<string>();

/** A new folder, named as mkdtemp(3) does, that is gone after `remove` or `removeLeftovers`. */
export async function temporaryFolder(prefix: string): Promise<string> {
  const dir = await mkdtemp(prefix);
  open.add(dir);
  return dir;
}

/** Removes a folder of `temporaryFolder` with all in it. */
export async function remove(dir: string): Promise<void> {
  await removeFolder(dir);
  open.delete(dir);
}

/** Keeps a folder of `temporaryFolder` under another name; false where there is one of that name, and it stays. */
export async function keepAs(dir: string, name: string): Promise<boolean> {
  try {
    await rename(dir, name);
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
  open.delete(dir);
  return true;
}

/** Removes a folder with all in it, also where tree code has left folders in it that are closed, or too deep to name. */
export async function removeFolder(dir: string): Promise<void> {
  try {
    await rm(dir, { recursive: true, force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    // by programs that walk and never name a whole path, as the user who made them
    const argv = ['/bin/sh', '-c', 'chmod -R u+rwX /out; find /out -mindepth 1 -delete'] as const;
    await runSandboxed({ argv, readOnly: [], writable: [{ host: dir, inside: '/out' }], env: {} });
    await rm(dir, { recursive: true, force: true });
  }
}

/** Removes all that are open: for the end of the process, when nothing can be waited for. */
export function removeLeftovers(): void {
  for (const dir of open) rmSync(dir, { recursive: true, force: true });
  open.clear();
}

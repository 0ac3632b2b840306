/** Where programs are looked for: those of ours on the operator's PATH, those of a run where it will find them. */

import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { SANDBOX_PATH } from './sandbox-command.ts';
import { isAbsent } from './sandbox-group.ts';

let toolPath = SANDBOX_PATH;
let toolHome = '/tmp';

/**
 * The operator's environment, which only the command line reads. Of it count PATH, where bwrap, prlimit and timeout
 * are looked for, and HOME; bare runs have both, so that a compiler in a home is the one that `make` would find.
 */
export function setToolEnv({ PATH, HOME }: { readonly PATH?: string; readonly HOME?: string }): void {
  if (PATH) toolPath = PATH;
  if (HOME) toolHome = HOME;
}

/** PATH and HOME of a bare run. */
export function toolEnv(): { readonly PATH: string; readonly HOME: string } {
  return { PATH: toolPath, HOME: toolHome };
}

/** Where programs of a run are looked for. */
export function programPath(trustTree: boolean): string {
  return trustTree ? toolPath : SANDBOX_PATH;
}

/** Absolute path of a program on PATH, without asking a shell. */
export async function findOnPath(name: string, path: string = toolPath): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (!folder.startsWith('/')) continue;
    const candidate = join(folder, name);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  return undefined;
}

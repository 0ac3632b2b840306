/** A name for a version of our own code: what another version of it has kept is not for this one. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** `.ts`, or `.js` in an installed package. */
export const CODE = extname(import.meta.filename);

const known = new Map<string, string>();

/** Digest of the files of code of a folder (not of those below it) and of some more files; absolute paths. */
export function codeDigest(folder: string, files: readonly string[] = []): string {
  const key = [folder, ...files].join('\0');
  let digest = known.get(key);
  if (digest === undefined) {
    const inFolder = readdirSync(folder)
      .filter((name) => name.endsWith(CODE))
      .sort()
      .map((name) => join(folder, name));
    const code = createHash('sha256');
    for (const path of [...inFolder, ...files]) code.update(path).update(readFileSync(path));
    digest = code.digest('hex');
    known.set(key, digest);
  }
  return digest;
}

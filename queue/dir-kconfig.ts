/**
 * The Kconfig of a directory on disk, read as it is: for a checkout with or without git. Files are
 * read byte for byte, so that what conf would write comes out byte for byte.
 */

import { createHash } from 'node:crypto';
import { closeSync, constants, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { buildModel } from '../rules/kconfig/build-model.ts';
import { dialectOf, GRAMMAR } from '../rules/kconfig/dialect.ts';
import { KconfigError } from '../rules/kconfig/error.ts';
import { ExprPool } from '../rules/kconfig/expr.ts';
import { type KconfigFile, KconfigParser } from '../rules/kconfig/parse.ts';
import type { KconfigSource } from './kconfig-side.ts';

/** A Kconfig file of the kernel has up to 100 KiB. */
const MAX_FILE_BYTES = 4 << 20;

/**
 * Opens a kernel tree's directory. Throws KconfigError when it has no Kconfig file.
 */
export function openDirectory(dir: string): KconfigSource & { readonly pool: ExprPool } {
  const root = resolve(dir);
  if (!existsSync(join(root, 'Kconfig')))
    throw new KconfigError(join(dir, 'Kconfig'), 0, 'no such file: --tree takes the top directory of a kernel tree');
  const grammar = join(root, GRAMMAR);
  const dialect = dialectOf(existsSync(grammar) ? readFileSync(grammar, 'latin1') : undefined);
  const pool = new ExprPool();
  const parser = new KconfigParser(pool);
  const files = new Map<string, KconfigFile | undefined>();
  const file = (path: string): KconfigFile | undefined => {
    if (!files.has(path)) {
      const text = readInside(root, path);
      files.set(path, text === undefined ? undefined : parser.parseFile(text));
    }
    return files.get(path);
  };
  return {
    pool,
    tree: {
      // Nothing says whether the directory is still what it was.
      commit: `directory ${root} ${process.pid} ${Date.now()}`,
      blob: async (path) => {
        const bytes = await readFile(join(root, path)).catch(() => undefined);
        return bytes && createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
      },
      read: async (paths) => {
        const found = new Map<string, string>();
        for (const path of paths) {
          const isFile = await stat(join(root, path)).then(
            (s) => s.isFile(),
            () => false,
          );
          if (isFile) found.set(path, await readFile(join(root, path), 'utf8'));
        }
        return found;
      },
    },
    directory: async () => root,
    model: async (world) =>
      buildModel({
        pool,
        world,
        file,
        refuseRepeatedSource: existsSync(join(root, 'scripts/kconfig/tests/err_repeated_inc/Kconfig')),
        dialect,
      }),
  };
}

/** One for all files: a kernel's 1,700 are read in half the time that readFileSync takes for them. */
const buffer = Buffer.allocUnsafeSlow(MAX_FILE_BYTES + 1);

/** Text of a file below `root`, one character a byte; undefined where there is none, or where it lies elsewhere. */
function readInside(root: string, path: string): string | undefined {
  const full = resolve(root, path);
  if (!full.startsWith(root + sep)) return undefined;
  let fd: number;
  try {
    // not to wait for a writer, should it be a pipe
    fd = openSync(full, constants.O_RDONLY | constants.O_NONBLOCK);
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

/**
 * The Kconfig of a directory on disk, read as it is: for a checkout with or without git. Files are
 * read byte for byte, so that what conf would write comes out byte for byte.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { dialectOf, GRAMMAR } from '../rules/kconfig/dialect.ts';
import { KconfigError } from '../rules/kconfig/error.ts';
import { ExprPool } from '../rules/kconfig/expr.ts';
import { FreeAnswers } from '../rules/kconfig/free-answers.ts';
import type { MacroWorld } from '../rules/kconfig/macros.ts';
import type { KconfigModel } from '../rules/kconfig/model.ts';
import { type KconfigFile, KconfigParser, type SourceText } from '../rules/kconfig/parse.ts';
import { readInside } from './dir-files.ts';
import type { KconfigSource } from './kconfig-side.ts';
import { KeptModels } from './kept-models.ts';

/**
 * Opens a kernel tree's directory. Throws KconfigError when it has no Kconfig file.
 * With `cacheDir`, models are kept below it and found again by the next process. With `hasFreeAnswers`, answers of
 * shell commands are left open as far as FreeAnswers can, and no model is kept; `free` names them.
 */
export function openDirectory(
  dir: string,
  { cacheDir, hasFreeAnswers = false }: { readonly cacheDir?: string; readonly hasFreeAnswers?: boolean } = {},
): KconfigSource & { readonly pool: ExprPool; readonly free: FreeAnswers | undefined } {
  const root = resolve(dir);
  if (!existsSync(join(root, 'Kconfig')))
    throw new KconfigError(join(dir, 'Kconfig'), 0, 'no such file: --tree takes the top directory of a kernel tree');
  const grammar = join(root, GRAMMAR);
  const dialect = dialectOf(existsSync(grammar) ? readFileSync(grammar, 'latin1') : undefined);
  const pool = new ExprPool();
  const parser = new KconfigParser(pool);
  const free = hasFreeAnswers ? new FreeAnswers(pool) : undefined;
  const files = new Map<string, KconfigFile | undefined>();
  const file = (path: string): KconfigFile | undefined => {
    // They grow while the files before them are read.
    if (path === free?.path) return parser.parseFile(free.text());
    if (!files.has(path)) {
      const text = readInside(root, path);
      const whole = text !== undefined && free && path === 'Kconfig' ? free.sourcedFrom(text) : text;
      files.set(path, whole === undefined ? undefined : parser.parseFile(whole));
    }
    return files.get(path);
  };
  const refuseRepeatedSource = existsSync(join(root, 'scripts/kconfig/tests/err_repeated_inc/Kconfig'));
  const kept =
    cacheDir === undefined || free
      ? undefined
      : new KeptModels({ cacheDir, root, facts: { dialect, refuseRepeatedSource } });
  const source = (path: string): SourceText => ({
    get text() {
      return readInside(root, path) ?? '';
    },
  });
  const read = async (world: MacroWorld): Promise<KconfigModel> => {
    // Loaded only where nothing was kept.
    const [{ buildModel }, { findCycles }] = await Promise.all([
      import('../rules/kconfig/build-model.ts'),
      import('../rules/kconfig/cycles.ts'),
    ]);
    const answers = new Map<string, string>();
    const shell = (command: string): string | undefined => {
      const answer = free?.answer(command) ?? world.shell(command);
      if (answer !== undefined) answers.set(command, answer);
      return answer;
    };
    const model = buildModel({ pool, world: { env: world.env, shell }, file, refuseRepeatedSource, dialect });
    if (kept && model.unanswered.size === 0 && findCycles(pool, model).length === 0)
      kept.keep(pool, model, world, { texts: model.files.map((path) => file(path)!.text), answers });
    return model;
  };
  return {
    pool,
    free,
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
    model: async (world) => kept?.find(pool, world, source) ?? read(world),
  };
}

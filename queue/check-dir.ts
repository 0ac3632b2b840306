/**
 * One check's own place: a directory with a temporary index and an object store that borrows from
 * depbot's repository. No file of the tree is ever written out, so nothing can follow a symbolic
 * link, run a hook or a filter, or be left in a work tree.
 *
 * What is made stays in here until keep() moves it over; close() removes the directory in any case.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Sha } from '../rules/types.ts';
import type { GitPlace } from './git.ts';
import { gitText, runGit } from './git.ts';
import { remove, temporaryFolder } from './leftovers.ts';
import type { Identity } from './mail-patch.ts';
import type { Repository } from './repository.ts';
import { alternatesLine } from './repository.ts';

export interface CheckDir {
  readonly dir: string;
  /** For commands on the temporary index; objects they write stay in the check's directory. */
  readonly place: GitPlace;
  /** Moves all objects made into depbot's repository. */
  keep(): Promise<void>;
  close(): Promise<void>;
}

export interface Person extends Identity {
  /** As gitDate() gives it. */
  readonly date: string;
}

/** Commits of a series carry a committer that never varies, so that the same mail gives the same commit. */
const COMMITTER: Identity = { name: 'depbot', email: 'depbot@depbot.invalid' };

/** A check's directory with `base` in its index. Throws GitError when the base cannot be read. */
export async function openCheckDir(repo: Repository, base: Sha): Promise<CheckDir> {
  const dir = await temporaryFolder(join(repo.checksDir, 'check-'));
  const objects = join(dir, 'objects');
  const close = (): Promise<void> => remove(dir);
  const place: GitPlace = {
    ...repo.place,
    // a core dump, too, goes when the check goes
    cwd: dir,
    env: {
      ...repo.place.env,
      GIT_INDEX_FILE: join(dir, 'index'),
      GIT_OBJECT_DIRECTORY: objects,
      GIT_ALLOC_LIMIT: '256m',
    },
  };
  try {
    await mkdir(join(objects, 'info'), { recursive: true });
    await writeFile(join(objects, 'info', 'alternates'), alternatesLine(join(repo.gitDir, 'objects')));
    await fillIndex(repo, place, dir, base);
  } catch (error) {
    await close();
    throw error;
  }
  return { dir, place, close, keep: async () => await moveObjects(objects, join(repo.gitDir, 'objects')) };
}

const MAX_KEPT_INDEXES = 4;

/**
 * An index of a kernel tree takes 0.2 s to make and 9 MB to keep, and knows nothing of where it lies:
 * those of the last few bases are copied.
 */
async function fillIndex(repo: Repository, place: GitPlace, dir: string, base: Sha): Promise<void> {
  const index = join(dir, 'index');
  const kept = join(repo.gitDir, 'indexes', base);
  try {
    await copyFile(kept, index, constants.COPYFILE_FICLONE);
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await rm(index, { force: true });
  await gitText(place, ['read-tree', base]);
  await mkdir(dirname(kept), { recursive: true });
  await copyFile(index, `${index}.keep`, constants.COPYFILE_FICLONE);
  await rename(`${index}.keep`, kept);
  await dropOldIndexes(dirname(kept));
}

/** Another process may be dropping the same ones. */
async function dropOldIndexes(indexes: string): Promise<void> {
  const names = await readdir(indexes);
  if (names.length <= MAX_KEPT_INDEXES) return;
  const dated = await Promise.all(
    names.map(async (name) => ({
      name,
      at: await stat(join(indexes, name)).then(
        (found) => found.mtimeMs,
        () => 0,
      ),
    })),
  );
  dated.sort((a, b) => b.at - a.at);
  for (const { name } of dated.slice(MAX_KEPT_INDEXES)) await rm(join(indexes, name), { force: true });
}

/** Writes the index as a tree, and a commit of it. Throws GitError. */
export async function commitIndex(
  check: CheckDir,
  parent: Sha,
  author: Person,
  message: Buffer,
): Promise<{ commit: Sha; tree: Sha }> {
  const tree = (await gitText(check.place, ['write-tree'])).trim();
  const env = {
    ...check.place.env,
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_AUTHOR_DATE: author.date,
    GIT_COMMITTER_NAME: COMMITTER.name,
    GIT_COMMITTER_EMAIL: COMMITTER.email,
    GIT_COMMITTER_DATE: author.date,
  };
  const { stdout } = await runGit({ ...check.place, env }, ['commit-tree', '--no-gpg-sign', '-p', parent, tree], {
    input: message,
  });
  return { commit: stdout.toString('latin1').trim(), tree };
}

/** Objects are named by their content: one that is there already is the same. */
async function moveObjects(from: string, to: string): Promise<void> {
  for (const fan of await readdir(from)) {
    if (!/^[0-9a-f]{2}$/.test(fan)) continue;
    await mkdir(join(to, fan), { recursive: true });
    for (const name of await readdir(join(from, fan)))
      if (/^[0-9a-f]+$/.test(name)) await rename(join(from, fan, name), join(to, fan, name));
  }
}

/**
 * The user's tree, and depbot's own bare repository beside it.
 *
 * The user's repository is asked for its refs and read for its objects, never written: no ref, no
 * object, no index refresh, no worktree entry, no fetch. Depbot's repository lies in the state
 * directory, borrows the user's objects through `objects/info/alternates` (gitrepository-layout(5))
 * and takes everything new. (Git may set a pack's time of change when a series makes an object that
 * the user has already; where the pack belongs to somebody else it does not.) It has no refs but those of remotes that
 * depbot fetches itself (remotes.ts), no hooks and no configuration but git's own.
 */
import { createHash } from 'node:crypto';
import { access, constants, mkdir, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { BlobReader } from './cat-file.ts';
import { openBlobReader } from './cat-file.ts';
import type { GitPlace } from './git.ts';
import { GitError, gitText } from './git.ts';
import { keepAs, remove, sweepLeftovers, temporaryFolder } from './leftovers.ts';

export interface Repository {
  /** The tree as the operator named it, symbolic links resolved. */
  readonly treeDir: string;
  /** Depbot's bare repository: objects of the tree and of every series applied so far. */
  readonly gitDir: string;
  /** For commands on objects. */
  readonly place: GitPlace;
  /** For commands on the user's refs; nothing that writes or needs a work tree may run here. */
  readonly refs: GitPlace;
  readonly objectFormat: 'sha1' | 'sha256';
  /** History is cut off; trees and patches still work where the objects are there. */
  readonly shallow: boolean;
  /** Directory below which each check makes its own. */
  readonly checksDir: string;
  readonly blobs: BlobReader;
  /** Ends the process that reads blobs. */
  close(): Promise<void>;
}

/**
 * Opens the tree in `treeDir` (work tree, linked worktree or bare repository, whoever owns it) with
 * depbot's repository for it below `stateDir`, which is made if missing. Processes may share a
 * `stateDir`. `searchPath` is a PATH that has git, where /usr/local/bin, /usr/bin and /bin do not.
 * Throws GitError with `problem` 'not-a-tree', 'no-commits', 'state-not-writable' or 'no-git'.
 */
export async function openRepository(options: {
  readonly treeDir: string;
  readonly stateDir: string;
  readonly searchPath?: string;
}): Promise<Repository> {
  const common = options.searchPath === undefined ? {} : { PATH: options.searchPath };
  const tree = await findTree(options.treeDir, common);
  await refuseEmpty(tree);
  const key = createHash('sha256').update(`${tree.objectFormat}\0${tree.objectsDir}`).digest('hex').slice(0, 20);
  const home = join(resolve(options.stateDir), 'trees');
  const gitDir = join(home, `${key}.git`);
  const checksDir = join(gitDir, 'checks');
  try {
    await mkdir(home, { recursive: true });
    if (!(await isThere(gitDir))) await makeOwn(home, gitDir, tree);
    await access(gitDir, constants.W_OK);
    await sweepLeftovers(checksDir);
  } catch (cause) {
    if (cause instanceof GitError) throw cause;
    throw new GitError(
      'state-not-writable',
      `the state directory ${options.stateDir} cannot be written: ${words(cause)}`,
      { cause },
    );
  }
  // GIT_SHALLOW_FILE: history walks in depbot's repository end where the user's history ends
  const env = tree.shallow ? { ...common, GIT_SHALLOW_FILE: join(tree.commonDir, 'shallow') } : common;
  const place: GitPlace = { cwd: gitDir, gitDir, env };
  const blobs = openBlobReader(place);
  return {
    treeDir: tree.root,
    gitDir,
    place,
    refs: { cwd: tree.root, gitDir: tree.gitDir, env: common },
    objectFormat: tree.objectFormat,
    shallow: tree.shallow,
    checksDir,
    blobs,
    close: () => blobs.close(),
  };
}

interface UserTree {
  /** Variables every command gets. */
  readonly env: Record<string, string>;
  readonly root: string;
  readonly gitDir: string;
  readonly commonDir: string;
  readonly objectsDir: string;
  readonly objectFormat: 'sha1' | 'sha256';
  readonly shallow: boolean;
}

async function findTree(treeDir: string, env: Record<string, string>): Promise<UserTree> {
  const notATree = (why: string, cause?: unknown): GitError =>
    new GitError('not-a-tree', `${treeDir} is not a git tree: ${why}`, { cause });
  let root: string;
  try {
    root = await realpath(treeDir);
    if (!(await stat(root)).isDirectory()) throw notATree('it is no directory');
  } catch (cause) {
    throw cause instanceof GitError ? cause : notATree(words(cause), cause);
  }
  // the directory itself or nothing: a plain folder inside somebody's repository is not that repository
  const place: GitPlace = { cwd: root, env: { ...env, GIT_CEILING_DIRECTORIES: dirname(root) } };
  const ask = [
    'rev-parse',
    '--path-format=absolute',
    '--absolute-git-dir',
    '--git-common-dir',
    '--git-path',
    'objects',
    '--show-object-format',
    '--is-shallow-repository',
  ];
  let lines: string[];
  try {
    lines = (await gitText(place, ask)).split('\n');
  } catch (cause) {
    if (cause instanceof GitError && cause.problem === 'no-git') throw cause;
    throw notATree('git finds no repository in it', cause);
  }
  const [gitDir, commonDir, objectsDir, format, shallow, end] = lines;
  if (gitDir === undefined || commonDir === undefined || objectsDir === undefined || end !== '' || lines.length !== 6) {
    throw notATree('its path has a line break');
  }
  if (format !== 'sha1' && format !== 'sha256') throw notATree(`its object format is ${String(format)}`);
  return {
    env,
    root,
    gitDir,
    commonDir,
    objectsDir: await realpath(objectsDir),
    objectFormat: format,
    shallow: shallow === 'true',
  };
}

async function refuseEmpty(tree: UserTree): Promise<void> {
  const place: GitPlace = { cwd: tree.root, gitDir: tree.gitDir, env: tree.env };
  try {
    await gitText(place, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  } catch (cause) {
    // a bare repository's HEAD may name a branch that nobody made, and others be there
    if ((await gitText(place, ['for-each-ref', '--count=1', '--format=%(refname)'])) !== '') return;
    throw new GitError('no-commits', `the git tree ${tree.root} has no commits`, { cause });
  }
}

/** Made aside and renamed into place, so that a second process sees all of it or nothing. */
async function makeOwn(home: string, gitDir: string, tree: UserTree): Promise<void> {
  const aside = await temporaryFolder(join(home, 'new-'));
  try {
    await gitText({ cwd: aside, env: tree.env }, [
      'init',
      '--bare',
      '--quiet',
      '--template=',
      `--object-format=${tree.objectFormat}`,
      '--initial-branch=none',
      aside,
    ]);
    await mkdir(join(aside, 'checks'));
    await mkdir(join(aside, 'objects', 'info'), { recursive: true });
    await writeFile(join(aside, 'objects', 'info', 'alternates'), alternatesLine(tree.objectsDir));
    await keepAs(aside, gitDir);
  } finally {
    await remove(aside);
  }
}

/** A line of `objects/info/alternates`; a leading `"` starts a C-style quoted name, a leading `#` a comment. */
export function alternatesLine(objectsDir: string): string {
  if (!/^["#]|[\n\\]/.test(objectsDir)) return `${objectsDir}\n`;
  const quoted = objectsDir.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n');
  return `"${quoted}"\n`;
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

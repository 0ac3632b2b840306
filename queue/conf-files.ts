/**
 * The few thousand files of a commit that the tree's conf and its shell macros read, of some 90,000, as a
 * folder on disk.
 */
import { randomUUID } from 'node:crypto';
import { chmod, link, mkdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dirname } from 'node:path/posix';
import type { Tree } from '../rules/types.ts';
import { codeOf, ifThere, namesIn, readIfThere, touch } from './conf-cache.ts';
import { remove, temporaryFolder } from './leftovers.ts';

const KCONFIG = /(^|\/)Kconfig[^/]*$/;
/** What conf reads by itself or through macros, from 6.1 on. Whatever a Kconfig file names is added. */
const WANTED = [
  KCONFIG,
  /^Makefile$/,
  /^arch\/[^/]+\/(Makefile[^/]*|configs\/.+|tools\/[^/]+)$/,
  /^kernel\/configs\/[^/]+$/,
  /^scripts\/[^/]+$/,
  /^scripts\/(include|kconfig)\/[^/]+$/,
];
const READ_AT_ONCE = 500;
const LINK_AT_ONCE = 64;
const MAX_PATTERNS = 64;
const KEEP_TREES = 24;
const KEEP_MS = 3_600_000;

/**
 * Folder below `cacheDir` with the files of `tree` that conf needs, read-only: made at the first call, found
 * at the next. File contents are kept once by blob id and hard-linked, so that a commit which differs in few
 * files costs few reads. `tree.commit` must name the content, also for a tree that is no commit.
 */
export async function materialise(tree: Tree, cacheDir: string): Promise<string> {
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(tree.commit)) throw new TypeError(`not an object name: ${tree.commit}`);
  const trees = join(cacheDir, 'trees');
  const dir = join(trees, tree.commit);
  if (await isThere(dir)) return dir;
  await mkdir(trees, { recursive: true });
  await prune(cacheDir);
  const unfinished = await temporaryFolder(join(trees, 'unfinished-'));
  try {
    await fill(unfinished, tree, join(cacheDir, 'blobs'));
    await rename(unfinished, dir);
    await isThere(dir);
  } catch (error) {
    // somebody else was faster: the same commit has the same files
    if (!(['ENOTEMPTY', 'EEXIST'].includes(codeOf(error)) && (await isThere(dir)))) throw error;
  } finally {
    await remove(unfinished);
  }
  return dir;
}

/** Marks a folder as used, and opens it: the sandbox may read it as another user. */
async function isThere(dir: string): Promise<boolean> {
  const found = await touch(dir);
  if (found) await chmod(dir, 0o755);
  return found;
}

async function fill(dir: string, tree: Tree, blobs: string): Promise<void> {
  const paths = (await tree.paths()).filter((path) => !path.split('/').includes('..'));
  let next = paths.filter((path) => WANTED.some((pattern) => pattern.test(path)));
  const have = new Set<string>();
  // a file that is named may name others; a chain is never long, and a hostile one ends here
  for (let round = 0; next.length > 0 && round < 8; round += 1) {
    const named = new Set<string>();
    for (let at = 0; at < next.length; at += READ_AT_ONCE) {
      const texts = await place(dir, next.slice(at, at + READ_AT_ONCE), tree, blobs);
      for (const [path, text] of texts) if (round > 0 || KCONFIG.test(path)) addNamed(text, named);
    }
    for (const path of next) have.add(path);
    const patterns = [...named].flatMap(pathPattern).slice(0, MAX_PATTERNS);
    next = paths.filter((path) => !have.has(path) && (named.has(path) || patterns.some((it) => it.test(path))));
  }
}

/** Puts files into `dir` and returns their texts. */
async function place(
  dir: string,
  paths: readonly string[],
  tree: Tree,
  blobs: string,
): Promise<ReadonlyMap<string, string>> {
  const stored = new Map<string, string>();
  const texts = new Map<string, string>();
  const missing: string[] = [];
  for (const path of paths) {
    const sha = await tree.blob(path);
    if (sha === undefined) continue;
    const file = join(blobs, sha.slice(0, 2), sha);
    stored.set(path, file);
    const text = await readIfThere(file);
    if (text === undefined) missing.push(path);
    else texts.set(path, text);
  }
  for (const [path, text] of missing.length > 0 ? await tree.read(missing) : []) {
    texts.set(path, text);
    const file = stored.get(path);
    if (file !== undefined) await store(file, text);
  }
  const files = [...stored].filter(([path]) => texts.has(path));
  for (const folder of new Set(files.map(([path]) => dirname(path))))
    await mkdir(join(dir, folder), { recursive: true });
  for (let at = 0; at < files.length; at += LINK_AT_ONCE) {
    await Promise.all(
      files.slice(at, at + LINK_AT_ONCE).map(([path, file]) => put(file, join(dir, path), texts.get(path) ?? '')),
    );
  }
  return texts;
}

async function put(stored: string, to: string, text: string): Promise<void> {
  try {
    await link(stored, to);
  } catch (error) {
    // pruned under our hands by another process
    if (codeOf(error) !== 'ENOENT') throw error;
    await writeFile(to, text, { mode: modeOf(text) });
  }
}

/** `source "…"`, and `$(srctree)/…` in macros; `$(X)` stays in, for pathPattern. */
function addNamed(text: string, named: Set<string>): void {
  for (const match of text.matchAll(/^[ \t]*source[ \t]+"([^"\n]{1,400})"/gm))
    named.add((match[1] ?? '').replace(/^\$\(srctree\)\//, ''));
  for (const match of text.matchAll(/\$\(srctree\)\/([\w./+$()-]{1,400})/g))
    named.add((match[1] ?? '').replace(/\)+$/, ''));
}

/** For a name with macros in it; none for one without, or with more than any real one has. */
function pathPattern(named: string): RegExp[] {
  const parts = named.split(/(?:\$\([^()]*\))+/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return parts.length === 1 || parts.length > 4 ? [] : [new RegExp(`^${parts.join('[^/]*')}$`)];
}

async function store(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  await writeFile(unfinished, text, { mode: modeOf(text) });
  await rename(unfinished, file);
}

/** A Tree has no modes; scripts begin with #! */
function modeOf(text: string): number {
  return text.startsWith('#!') ? 0o555 : 0o444;
}

/** Under another name first: a folder that is half removed must not be taken for the tree. */
async function discard(path: string): Promise<void> {
  const gone = join(dirname(path), `unfinished-${randomUUID()}`);
  try {
    await rename(path, gone);
  } catch (error) {
    // another process was faster
    if (codeOf(error) !== 'ENOENT') throw error;
    return;
  }
  await rm(gone, { recursive: true, force: true });
}

/** Removes all but the newest trees, and contents that no tree has any more. Never those in use of late. */
async function prune(cacheDir: string): Promise<void> {
  const before = Date.now() - KEEP_MS;
  const trees: { path: string; mtimeMs: number }[] = [];
  for (const name of await namesIn(join(cacheDir, 'trees'))) {
    const path = join(cacheDir, 'trees', name);
    const info = await ifThere(stat(path));
    if (info !== undefined) trees.push({ path, mtimeMs: info.mtimeMs });
  }
  const old = trees
    .sort((a, b) => b.mtimeMs - a.mtimeMs)
    .slice(KEEP_TREES)
    .filter(({ mtimeMs }) => mtimeMs < before);
  if (old.length === 0) return;
  for (const { path } of old) await discard(path);
  for (const folder of await namesIn(join(cacheDir, 'blobs'))) {
    for (const name of await namesIn(join(cacheDir, 'blobs', folder))) {
      const file = join(cacheDir, 'blobs', folder, name);
      const info = await ifThere(stat(file));
      if (info !== undefined && info.nlink === 1 && info.mtimeMs < before) await ifThere(unlink(file));
    }
  }
}

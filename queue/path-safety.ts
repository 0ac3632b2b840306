/**
 * Paths a series may not touch, judged before git sees the mail and again on what git made of it.
 *
 * Git refuses most of them itself (verify_path() in read-cache.c, core.protectNTFS, core.protectHFS);
 * here they get a sentence with patch and path, and two things git allows are refused as well:
 * symbolic links that lead out of the tree, and submodules.
 */
import type { FileDiff, Patch } from '../rules/types.ts';

export const SYMLINK = '120000';
export const SUBMODULE = '160000';

const MAX_PATH = 4096;
/** Code points that HFS+ ignores in names; next_hfs_char() in git's utf8.c lists them. */
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/** Why a path is refused; undefined when it is fine. Paths are relative with `/`, as in Tree. */
export function whyUnsafePath(path: string): string | undefined {
  if (path === '') return 'it is empty';
  if (path.length > MAX_PATH) return `it is longer than ${MAX_PATH} characters`;
  if (/^[/\\]|^[a-zA-Z]:[/\\]/.test(path)) return 'it is absolute';
  if (/\p{Cc}/u.test(path)) return 'it has control characters';
  for (const part of path.split(/[/\\]/)) {
    if (part === '..') return 'it leaves the tree';
    if (part === '' || part === '.') return 'it has an empty component';
    if (isDotGit(part)) return "it is inside git's own directory";
  }
  return undefined;
}

/** `.git` as any file system may understand it: other case, NTFS short names and streams, HFS+ ignored characters. */
function isDotGit(part: string): boolean {
  const plain = part
    .replace(HFS_IGNORED, '')
    .toLowerCase()
    .replace(/:.*$/s, '')
    .replace(/[. ]+$/, '');
  return plain === '.git' || /^git~\d+$/.test(plain);
}

/**
 * Why the target of a symbolic link at `path` is refused; undefined when it stays in the tree. `..` is
 * accepted at the front only: behind a directory that is itself a link it would not mean its parent.
 */
export function whyUnsafeTarget(path: string, target: string): string | undefined {
  if (target === '' || target.length > MAX_PATH || target.includes('\0')) return 'its target is no usable path';
  if (/^[/\\]|^[a-zA-Z]:[/\\]/.test(target)) return 'its target is absolute';
  const parts = target.split(/[/\\]/);
  let up = 0;
  while (parts[up] === '..') up += 1;
  if (up > path.split('/').length - 1) return 'its target leaves the tree';
  if (parts.slice(up).includes('..')) return 'its target has ".." behind other components';
  if (parts.some(isDotGit)) return "its target is git's own directory";
  return undefined;
}

export interface UnsafePath {
  /** Patch number. */
  readonly patch: number;
  readonly path: string;
  /** One sentence that names both. */
  readonly why: string;
}

/** The first path of the series that is refused; undefined when there is none. Reads the parsed diffs only. */
export function findUnsafePath(patches: readonly Patch[]): UnsafePath | undefined {
  /** Links the series has made so far, and by which patch. */
  const links = new Map<string, number>();
  for (const patch of patches) {
    for (const diff of patch.diff) if (dropsLink(diff)) links.delete(diff.oldPath ?? '');
    for (const diff of patch.diff)
      if (diff.newMode === SYMLINK && diff.newPath !== undefined) links.set(diff.newPath, patch.n);
    for (const diff of patch.diff) {
      for (const path of new Set([diff.oldPath, diff.newPath])) {
        if (path === undefined) continue;
        const why = whyUnsafePath(path) ?? whyUnsafeDiff(path, diff) ?? whyThroughLink(path, links);
        if (why !== undefined) return unsafe(patch.n, path, why);
      }
    }
  }
  return undefined;
}

export function unsafe(patch: number, path: string, why: string): UnsafePath {
  return {
    patch,
    path,
    why: `patch ${patch} is refused because of the path ${JSON.stringify(path.slice(0, 200))}: ${why}`,
  };
}

function dropsLink(diff: FileDiff): boolean {
  return diff.kind === 'delete' || diff.kind === 'rename' || (diff.newMode !== undefined && diff.newMode !== SYMLINK);
}

function whyUnsafeDiff(path: string, diff: FileDiff): string | undefined {
  if (diff.oldMode === SUBMODULE || diff.newMode === SUBMODULE) return 'it is a submodule';
  if (diff.newMode !== SYMLINK || path !== diff.newPath || diff.hunks.length === 0) return undefined;
  const target = diff.hunks
    .flatMap((hunk) => hunk.lines.filter((line) => line.kind === 'add').map((line) => line.text))
    .join('\n');
  return whyUnsafeTarget(path, target);
}

function whyThroughLink(path: string, links: ReadonlyMap<string, number>): string | undefined {
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
    const by = links.get(path.slice(0, slash));
    if (by !== undefined) return `it goes through the symbolic link ${path.slice(0, slash)}, which patch ${by} makes`;
  }
  return undefined;
}

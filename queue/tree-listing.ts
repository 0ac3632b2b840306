/**
 * Which files a commit has: a full listing from `git ls-tree`, or another commit's listing with the
 * differences laid over it.
 *
 * A kernel tree has 86,000 files; paths are kept as slices of git's one answer and object names as
 * bytes, some 12 MB together, and a patched commit costs only what its patches touch.
 */

import type { Sha } from '../rules/types.ts';
import { runGit } from './git.ts';
import type { Repository } from './repository.ts';

/** One changed path between two commits; absent blob: not there on that side. */
export interface ChangedPath {
  readonly path: string;
  /** A added, D deleted, M modified, T type changed, R renamed, C copied. */
  readonly status: 'A' | 'D' | 'M' | 'T' | 'R' | 'C';
  readonly oldMode: string;
  readonly newMode: string;
  readonly oldBlob?: Sha;
  readonly newBlob?: Sha;
  /** For R and C. */
  readonly oldPath?: string;
}

export interface Listing {
  /** Paths of regular files, sorted as JavaScript sorts; symbolic links are not among them. */
  paths(): readonly string[];
  blob(path: string): Sha | undefined;
  /** Absent for a full listing. */
  readonly over?: { readonly full: Listing; readonly changed: ReadonlyMap<string, Sha | undefined> };
}

const REGULAR = /^100/;
const LIST_LIMITS = { maxBytes: 512 << 20, timeoutMs: 120_000 };

/** All regular files of a commit. Throws GitError when the commit or one of its trees is missing. */
export async function fullListing(repo: Repository, commit: Sha): Promise<Listing> {
  const { stdout } = await runGit(repo.place, ['ls-tree', '-r', '-z', '--full-tree', commit], LIST_LIMITS);
  const idChars = repo.objectFormat === 'sha1' ? 40 : 64;
  const idBytes = idChars / 2;
  const text = stdout.toString('utf8');
  let found: { path: string; id: string }[] = [];
  let sorted = true;
  let last = '';
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\0', at);
    const tab = text.indexOf('\t', at);
    if (REGULAR.test(text.slice(at, at + 3))) {
      const path = text.slice(tab + 1, end);
      sorted &&= last < path;
      last = path;
      found.push({ path, id: text.slice(tab - idChars, tab) });
    }
    at = end + 1;
  }
  // git sorts by bytes, which differs beyond the basic plane and where bad UTF-8 was replaced
  if (!sorted) found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const paths = found.map((each) => each.path);
  const ids = Buffer.alloc(found.length * idBytes);
  for (const [index, each] of found.entries()) ids.write(each.id, index * idBytes, 'hex');
  found = [];
  return {
    paths: () => paths,
    blob(path) {
      const index = indexOf(paths, path);
      return index < 0 ? undefined : ids.toString('hex', index * idBytes, (index + 1) * idBytes);
    },
  };
}

/** `full` with the differences between its commit and another one laid over it. */
export function listingOver(full: Listing, changes: readonly ChangedPath[]): Listing {
  const changed = new Map<string, Sha | undefined>();
  for (const change of changes) changed.set(change.path, REGULAR.test(change.newMode) ? change.newBlob : undefined);
  let merged: readonly string[] | undefined;
  return {
    over: { full, changed },
    paths() {
      if (merged === undefined) {
        const added = [...changed].flatMap(([path, blob]) => (blob !== undefined && !full.blob(path) ? [path] : []));
        const gone = new Set([...changed].flatMap(([path, blob]) => (!blob && full.blob(path) ? [path] : [])));
        const kept = gone.size === 0 ? full.paths() : full.paths().filter((path) => !gone.has(path));
        merged = added.length === 0 ? kept : [...kept, ...added].sort();
      }
      return merged;
    },
    blob: (path) => (changed.has(path) ? changed.get(path) : full.blob(path)),
  };
}

/**
 * What differs between two commits, by path; `renames` also finds renames (the R and C states).
 * At most 64 MiB of differences, else GitError 'too-much-output'.
 */
export async function changedPaths(repo: Repository, from: Sha, to: Sha, renames = true): Promise<ChangedPath[]> {
  return await changedBetween(repo.place, from, to, renames);
}

/** The same for any two trees or commits, in any place. */
export async function changedBetween(
  place: Repository['place'],
  from: Sha,
  to: Sha,
  renames: boolean,
): Promise<ChangedPath[]> {
  // raw output runs neither textconv nor an external diff; -l bounds the rename search
  const find = renames ? ['-M', '-l1000'] : ['--no-renames'];
  const { stdout } = await runGit(place, [
    'diff-tree',
    '-r',
    '-z',
    '--raw',
    '--no-abbrev',
    '--no-ext-diff',
    ...find,
    from,
    to,
  ]);
  const fields = stdout.toString('utf8').split('\0');
  const changes: ChangedPath[] = [];
  for (let at = 0; at + 1 < fields.length; ) {
    const [oldMode = '', newMode = '', oldId = '', newId = '', state = ''] = (fields[at++] ?? '').slice(1).split(' ');
    const status = state.charAt(0) as ChangedPath['status'];
    const first = fields[at++] ?? '';
    const moved = status === 'R' || status === 'C';
    const path = moved ? (fields[at++] ?? '') : first;
    changes.push({
      path,
      status,
      oldMode,
      newMode,
      ...(/[^0]/.test(oldId) ? { oldBlob: oldId } : {}),
      ...(/[^0]/.test(newId) ? { newBlob: newId } : {}),
      ...(moved ? { oldPath: first } : {}),
    });
  }
  return changes;
}

function indexOf(sorted: readonly string[], path: string): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const here = sorted[middle] ?? '';
    if (here === path) return middle;
    if (here < path) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** The names in the user's tree: what they point at, newest first. Reads only. */

import type { Sha } from '../rules/types.ts';
import { gitText } from './git.ts';
import type { Repository } from './repository.ts';

export interface Ref {
  /** As people write it: `v6.12`, `master`, `origin/master`. */
  readonly name: string;
  readonly commit: Sha;
}

const NAMESPACES = ['refs/heads', 'refs/tags', 'refs/remotes'];

/**
 * The commit a name of the user's tree stands for; undefined when it stands for none. Nothing that
 * begins with `-` is one. Throws GitError when the machine fails.
 */
export async function resolveRevision(repo: Repository, revision: string): Promise<Sha | undefined> {
  if (revision === '' || revision.startsWith('-') || revision.length > 500 || /[\0\n]/.test(revision)) return undefined;
  return await verify(repo.refs, revision);
}

/** The same for an object name of 7 to 64 hex digits, without any ref in play. */
export async function resolveObject(repo: Repository, name: string): Promise<Sha | undefined> {
  return /^[0-9a-f]{7,64}$/.test(name) ? await verify(repo.place, name) : undefined;
}

async function verify(place: Repository['place'], name: string): Promise<Sha | undefined> {
  try {
    const found = await gitText(place, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`]);
    return found.trim();
  } catch (error) {
    // with --quiet, 1 is "no such thing"; 128 is said of one that is there but no commit
    if (isExit(error, 1) || isExit(error, 128)) return undefined;
    throw error;
  }
}

function isExit(error: unknown, code: number): boolean {
  return error instanceof Error && 'exitCode' in error && error.exitCode === code;
}

/** Branches, tags and remote branches with the commits they point at, newest first, at most `limit`. */
export async function listRefs(repo: Repository, limit: number): Promise<Ref[]> {
  const format = '--format=%(objectname) %(*objectname) %(objecttype) %(*objecttype) %(refname)';
  const out = await gitText(repo.refs, [
    'for-each-ref',
    `--count=${limit}`,
    '--sort=-creatordate',
    format,
    ...NAMESPACES,
  ]);
  return out.split('\n').flatMap((line) => {
    const [object = '', peeled = '', type, peeledType, ...rest] = line.split(' ');
    const name = rest.join(' ');
    // origin/HEAD is another name of a branch
    if (name === '' || /^refs\/remotes\/.*\/HEAD$/.test(name)) return [];
    if (type === 'commit') return [{ name: shortName(name), commit: object }];
    return peeledType === 'commit' ? [{ name: shortName(name), commit: peeled }] : [];
  });
}

/** A name that points exactly at the commit, tags before branches; undefined when there is none. */
export async function nameOf(repo: Repository, commit: Sha): Promise<string | undefined> {
  const out = await gitText(repo.refs, [
    'for-each-ref',
    '--count=50',
    '--format=%(refname)',
    `--points-at=${commit}`,
    ...NAMESPACES,
  ]);
  const names = out.split('\n').filter((name) => name !== '');
  const best =
    names.find((name) => name.startsWith('refs/tags/')) ??
    names.find((name) => name.startsWith('refs/heads/')) ??
    names[0];
  return best === undefined ? undefined : shortName(best);
}

function shortName(refname: string): string {
  return refname.replace(/^refs\/(?:heads|tags|remotes)\//, '');
}

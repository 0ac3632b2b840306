/** The names in the user's tree, and of what depbot fetched: what they point at, newest first. Reads only. */

import type { Sha } from '../rules/types.ts';
import { gitText } from './git.ts';
import type { Repository } from './repository.ts';

export interface Ref {
  /** As people write it: `v6.12`, `master`, `origin/master`. */
  readonly name: string;
  readonly commit: Sha;
  /** A branch of the user's, which nobody else need have. */
  readonly isLocal: boolean;
}

const NAMESPACES = ['refs/heads', 'refs/tags', 'refs/remotes'];

/**
 * The commit a name of the user's tree stands for, else of what was fetched (remotes.ts); undefined when it stands for
 * none. Nothing that begins with `-` is one. Throws GitError when the machine fails.
 */
export async function resolveRevision(repo: Repository, revision: string): Promise<Sha | undefined> {
  if (revision === '' || revision.startsWith('-') || revision.length > 500 || /[\0\n]/.test(revision)) return undefined;
  return (await verify(repo.refs, revision)) ?? (await verify(repo.place, revision));
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
  const fields = ['creatordate:unix', 'objectname', '*objectname', 'objecttype', '*objecttype', 'refname'];
  const format = `--format=${fields.map((field) => `%(${field})`).join(' ')}`;
  const found = await eachRef(repo, [`--count=${limit}`, '--sort=-creatordate', format]);
  const refs = found.flatMap((line) => {
    const [seconds, object = '', peeled = '', type, peeledType, ...rest] = line.split(' ');
    const name = rest.join(' ');
    // origin/HEAD is another name of a branch
    if (/^refs\/remotes\/.*\/HEAD$/.test(name)) return [];
    const commit = type === 'commit' ? object : peeledType === 'commit' ? peeled : undefined;
    return commit === undefined
      ? []
      : [{ seconds: Number(seconds), name: shortName(name), commit, isLocal: name.startsWith('refs/heads/') }];
  });
  return refs
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, limit)
    .map(({ name, commit, isLocal }) => ({ name, commit, isLocal }));
}

/** What a revision was built on, the nearest first, itself before it: commits by their first parents, at most `limit`. */
export async function lineOf(repo: Repository, revision: Sha, limit: number): Promise<Sha[]> {
  const out = await gitText(repo.place, ['rev-list', '--first-parent', `--max-count=${limit}`, revision, '--']);
  return out.split('\n').filter((line) => line !== '');
}

/** A name that points exactly at the commit, tags before branches; undefined when there is none. */
export async function nameOf(repo: Repository, commit: Sha): Promise<string | undefined> {
  const names = await eachRef(repo, ['--count=50', '--format=%(refname)', `--points-at=${commit}`]);
  const best =
    names.find((name) => name.startsWith('refs/tags/')) ??
    names.find((name) => name.startsWith('refs/heads/')) ??
    names[0];
  return best === undefined ? undefined : shortName(best);
}

/** Lines about refs of the user's tree, then of what was fetched. */
async function eachRef({ refs, place }: Repository, options: readonly string[]): Promise<string[]> {
  const argv = ['for-each-ref', ...options, ...NAMESPACES];
  const [users, own] = await Promise.all([gitText(refs, argv), gitText(place, argv)]);
  return [...users.split('\n'), ...own.split('\n')].filter((line) => line !== '');
}

function shortName(refname: string): string {
  return refname.replace(/^refs\/(?:heads|tags|remotes)\//, '');
}

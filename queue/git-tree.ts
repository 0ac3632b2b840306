/** A commit as a Tree (rules/types.ts), with listings and answers shared between commits of a repository. */

import type { Sha, Tree } from '../rules/types.ts';
import { GitError } from './git.ts';
import type { GrepAnswer } from './grep.ts';
import { grepCommit, sortLines } from './grep.ts';
import type { GrepQuestion, GrepsOnDisk } from './kept-greps.ts';
import type { Repository } from './repository.ts';
import type { Listing } from './tree-listing.ts';
import { changedPaths, fullListing, listingOver } from './tree-listing.ts';

export { changedPaths };

/** A commit further away than this from every listed one gets a full listing of its own. */
const MAX_OVERLAY = 5000;
const MAX_FULL = 3;
const MAX_LISTINGS = 200;
const MAX_GREPS = 16;
/** Above this many changed files a patched commit is searched whole. */
const MAX_GREP_PATHS = 2000;

interface Shared {
  readonly listings: Map<Sha, Promise<Listing>>;
  /** Full listings, oldest first; entered before they are made, so that two askers make one. */
  readonly full: Map<Sha, Promise<Listing>>;
  readonly greps: Map<string, Promise<GrepAnswer>>;
}

const sharedOf = new WeakMap<Repository, Shared>();

/**
 * The tree of a commit. `commit` is a full object name; nothing is read before the first question.
 * Only regular files count: symbolic links and submodules are neither listed nor read. Files above
 * 64 MiB are listed but not read. `kept` saves searches of commits that others are compared with. Methods throw GitError when the commit is missing or git fails.
 */
export function openTree(repo: Repository, commit: Sha, kept?: GrepsOnDisk): Tree {
  if (!/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(commit))
    throw new GitError('failed', `not a full object name: ${commit.slice(0, 80)}`);
  const shared = sharedOf.get(repo) ?? { listings: new Map(), full: new Map(), greps: new Map() };
  sharedOf.set(repo, shared);
  return {
    commit,
    async paths() {
      return (await listing(repo, shared, commit)).paths();
    },
    async blob(path) {
      return (await listing(repo, shared, commit)).blob(path);
    },
    async read(paths) {
      const files = await listing(repo, shared, commit);
      const texts = await Promise.all(
        [...new Set(paths)].map(async (path): Promise<[string, string][]> => {
          const blob = files.blob(path);
          const bytes = blob === undefined ? undefined : await repo.blobs.read(blob);
          return bytes === undefined ? [] : [[path, bytes.toString('utf8')]];
        }),
      );
      return new Map(texts.flat());
    },
    async grep(words, limit) {
      return (await grep(repo, shared, { commit, words, limit }, kept)).lines;
    },
  };
}

/** Kept listings; a failed one is forgotten, so that it can be asked again. */
async function listing(repo: Repository, shared: Shared, commit: Sha): Promise<Listing> {
  const known = shared.listings.get(commit);
  if (known !== undefined) return await known;
  const making = makeListing(repo, shared, commit);
  shared.listings.set(commit, making);
  if (shared.listings.size > MAX_LISTINGS) forgetOldest(shared, commit);
  try {
    return await making;
  } catch (error) {
    shared.listings.delete(commit);
    throw error;
  }
}

async function makeListing(repo: Repository, shared: Shared, commit: Sha): Promise<Listing> {
  for (const [base, making] of [...shared.full]) {
    const full = await making;
    const changes = await changedPaths(repo, base, commit, false);
    if (changes.length <= MAX_OVERLAY) return listingOver(full, changes);
  }
  const making = fullListing(repo, commit);
  shared.full.set(commit, making);
  for (const old of [...shared.full.keys()].slice(0, -MAX_FULL)) {
    shared.full.delete(old);
    shared.listings.delete(old);
  }
  try {
    return await making;
  } catch (error) {
    shared.full.delete(commit);
    throw error;
  }
}

function forgetOldest(shared: Shared, keep: Sha): void {
  for (const commit of shared.listings.keys()) {
    if (commit === keep || shared.full.has(commit)) continue;
    shared.listings.delete(commit);
    return;
  }
}

async function grep(
  repo: Repository,
  shared: Shared,
  question: GrepQuestion,
  kept: GrepsOnDisk | undefined,
): Promise<GrepAnswer> {
  const { commit, words, limit } = question;
  const key = JSON.stringify([commit, limit, [...new Set(words)].sort()]);
  const known = shared.greps.get(key);
  if (known !== undefined) return await known;
  const searching = search(repo, shared, question, kept);
  shared.greps.set(key, searching);
  for (const old of [...shared.greps.keys()].slice(0, Math.max(0, shared.greps.size - MAX_GREPS)))
    shared.greps.delete(old);
  try {
    return await searching;
  } catch (error) {
    shared.greps.delete(key);
    throw error;
  }
}

/** What did not change is looked up in the base's answer; only changed files are searched. */
async function search(
  repo: Repository,
  shared: Shared,
  question: GrepQuestion,
  kept: GrepsOnDisk | undefined,
): Promise<GrepAnswer> {
  const { commit, words, limit } = question;
  const files = await listing(repo, shared, commit);
  if (files.over === undefined) {
    const known = kept?.get(question);
    if (known) return known;
    const answer = await grepCommit(repo, commit, words, limit);
    kept?.put(question, answer);
    return answer;
  }
  const base = await baseOf(shared, files);
  if (base === undefined || files.over.changed.size > MAX_GREP_PATHS)
    return await grepCommit(repo, commit, words, limit);
  const before = await grep(repo, shared, { ...question, commit: base }, kept);
  if (before.cut) return await grepCommit(repo, commit, words, limit);
  const { changed } = files.over;
  const there = [...changed].filter(([, blob]) => blob !== undefined).map(([path]) => path);
  const after = await grepCommit(repo, commit, words, limit, there);
  const lines = sortLines([...before.lines.filter((line) => !changed.has(line.path)), ...after.lines]);
  return { lines: lines.slice(0, limit), cut: after.cut || lines.length > limit };
}

async function baseOf(shared: Shared, files: Listing): Promise<Sha | undefined> {
  for (const [commit, making] of shared.full) {
    if ((await making) === files.over?.full) return commit;
  }
  return undefined;
}

/**
 * Fetches what series are posted against, from remotes of the operator's choice into depbot's own repository: the
 * user's tree stays as it is. So a worker needs no more of its machine than some clone of the kernel, however old.
 *
 * A remote's branches become `refs/remotes/NAME/BRANCH`, as git-fetch(1) would have it in a clone of one's own.
 */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha } from '../rules/types.ts';
import { GitError, type GitPlace, gitText } from './git.ts';
import { resolveObject } from './refs.ts';
import type { Repository } from './repository.ts';

export interface Remote {
  /** Small letters, digits and `-`. */
  readonly name: string;
  /** https://, git://, file:// or the path of a repository. */
  readonly url: string;
  /** Patterns of branches below refs/heads/, each with at most one `*`. */
  readonly branches: readonly string[];
}

export interface RemotesOptions {
  readonly repo: Repository;
  readonly remotes: readonly Remote[];
  /** Fetched again after so long. */
  readonly everyMs: number;
  /** Of these, git gets what tells it of proxies and certificates. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** One line on what could not be fetched. */
  readonly onFault: (why: string) => void;
}

/** A first fetch may bring all of linux-next. */
const FETCH_MS = 30 * 60_000;
/** Between two fetches for a commit that is not there: a sender may make one up. */
const LACK_MS = 5 * 60_000;
/** git(1) and libcurl-env(3); built with GnuTLS, as Debian's is, git does not look at OpenSSL's names for certificates. */
const NETWORK = [
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'no_proxy',
  'NO_PROXY',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
];

export class Remotes {
  readonly #options: RemotesOptions;
  readonly #abort = new AbortController();
  #fetching: Promise<void> | undefined;

  /** Throws GitError with `problem` 'shallow' where the tree's history is cut off: a fetch would have to mend it. */
  constructor(options: RemotesOptions) {
    const { repo, remotes } = options;
    if (repo.shallow && remotes.length > 0)
      throw new GitError(
        'shallow',
        `${repo.treeDir} is a shallow clone; to use remotes, run git fetch --unshallow in it`,
      );
    this.#options = options;
  }

  /**
   * Waits for a fetch where there was none yet, or where a commit is wanted that is not there; starts one where it is
   * time again. What fails is told, and the check goes on with what there is. Throws the reason of `signal` where that
   * aborts; a fetch goes on, for others.
   */
  async freshen(wanted: Sha | undefined, signal?: AbortSignal): Promise<void> {
    const { repo, remotes, everyMs, now } = this.#options;
    if (remotes.length === 0) return;
    const fetched = await fetchedMs(repo);
    const ageMs = now() - fetched;
    const isLacking = ageMs > LACK_MS && wanted !== undefined && (await resolveObject(repo, wanted)) === undefined;
    if (fetched === 0 || isLacking) await unlessAborted(this.#fetch(), signal);
    else if (ageMs > everyMs) void this.#fetch();
  }

  /** Ends a fetch that is under way. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#fetching;
  }

  /** Who asks meanwhile waits for the same. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchAll().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchAll(): Promise<void> {
    const { repo, remotes, env, onFault } = this.#options;
    const { signal } = this.#abort;
    for (const remote of remotes) {
      try {
        await fetchOne(repo.place, remote, env, signal);
      } catch (error) {
        if (signal.aborted) return;
        onFault(`remote ${remote.name} (${remote.url}) was not fetched: ${(error as Error).message}`);
      }
    }
  }
}

/** Waits for what ends without an error, but no longer than until `signal` aborts. */
async function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const abort = (): void => resolve();
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  await Promise.race([work, aborted]);
  signal?.removeEventListener('abort', abort);
  signal?.throwIfAborted();
}

async function fetchOne(
  place: GitPlace,
  { name, url, branches }: Remote,
  env: RemotesOptions['env'],
  signal: AbortSignal,
): Promise<void> {
  const refspecs = branches.map((branch) => `+refs/heads/${branch}:refs/remotes/${name}/${branch}`);
  const options = ['--quiet', '--prune', '--no-recurse-submodules', '--no-auto-maintenance'];
  const fetch = ['-c', 'fetch.fsckObjects=true', 'fetch', ...options, '--', url, ...refspecs];
  await gitText(withNetwork(place, env), fetch, FETCH_MS, signal);
  // packs of many fetches grow into few large ones, and what other processes read stays
  const tidy = ['repack', '--quiet', '-d', '-l', '--geometric=2', '--no-write-bitmap-index'];
  await gitText(place, tidy, FETCH_MS, signal);
}

/** Names of a remote's branches that match. Throws GitError where it cannot be reached. */
export async function branchesOf(place: GitPlace, remote: Remote, env: RemotesOptions['env']): Promise<string[]> {
  const patterns = remote.branches.map((branch) => `refs/heads/${branch}`);
  const out = await gitText(withNetwork(place, env), ['ls-remote', '--quiet', '--', remote.url, ...patterns]);
  return out.split('\n').flatMap((line) => line.split('\trefs/heads/')[1] ?? []);
}

/** Milliseconds since the epoch of the last fetch by any process; 0 for none. */
async function fetchedMs({ gitDir }: Repository): Promise<number> {
  return await stat(join(gitDir, 'FETCH_HEAD')).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

/** Protocols without programs: no ssh, no `ext::`. */
function withNetwork(place: GitPlace, env: RemotesOptions['env']): GitPlace {
  const known: RemotesOptions['env'] = {
    GIT_SSL_CAINFO: env['SSL_CERT_FILE'],
    GIT_SSL_CAPATH: env['SSL_CERT_DIR'],
    ...env,
  };
  const network = NETWORK.flatMap((name) => (known[name] === undefined ? [] : [[name, known[name]]]));
  return { ...place, env: { ...place.env, ...Object.fromEntries(network), GIT_ALLOW_PROTOCOL: 'https:http:git:file' } };
}

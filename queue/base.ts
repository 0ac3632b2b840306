/**
 * The commit a series belongs on: what the operator gave, else its `base-commit:`, else the ref whose
 * files are those of the patches' `index` lines, else the tip of the tree. The result says which, and
 * what was tried before (Documentation/process/submitting-patches.rst, "Providing base tree information").
 */

import type { AppliedSeries, Outcome, Series, Sha } from '../rules/types.ts';
import { runGit } from './git.ts';
import type { Ref } from './refs.ts';
import { lineOf, listRefs, nameOf, resolveObject, resolveRevision } from './refs.ts';
import type { Repository } from './repository.ts';

export type Base = AppliedSeries['base'];

export interface BaseOptions {
  /** A revision given by the operator; nothing else is tried. */
  readonly given?: string;
  /** Names to compare files with, best first; default: branches and tags of the tree, in the order of `known`. */
  readonly candidates?: readonly string[];
}

/** Names that are compared, and those that are read to choose from: kernel trees have thousands of tags. */
const MAX_REFS = 100;
const MOST_READ = 20_000;
const MAX_FILES = 64;
/** Commits by first parents below the checked-out one that are looked at for a tag or remote branch. */
const MAX_LINE = 1000;

/**
 * Chooses the base of a series. `ok: false` when the operator's revision is not in the tree, or a
 * tree without HEAD has no branch. `detail` is one sentence without full stop. Throws GitError.
 */
export async function chooseBase(
  repo: Repository,
  series: Series,
  options: BaseOptions = {},
): Promise<Outcome<{ base: Base }, { why: string }>> {
  if (options.given !== undefined) {
    const sha = await resolveRevision(repo, options.given);
    if (sha === undefined)
      return { ok: false, why: `the given base ${JSON.stringify(options.given.slice(0, 100))} is not in this tree` };
    return { ok: true, base: await describe(repo, sha, 'given', (label) => `${label} was given as the base`) };
  }
  let before = 'the series names no base-commit';
  if (series.baseCommit !== undefined) {
    const sha = await resolveObject(repo, series.baseCommit.toLowerCase());
    if (sha !== undefined)
      return {
        ok: true,
        base: await describe(repo, sha, 'base-commit', (label) => `base-commit ${label} of the series is in this tree`),
      };
    before = `base-commit ${series.baseCommit.slice(0, 12)} is not in this tree`;
  }
  const tip = await resolveRevision(repo, 'HEAD');
  const refs = await candidateRefs(repo, tip, options.candidates);
  const wanted = wantedBlobs(series);
  const match = await bestMatch(repo, refs, wanted);
  if (match !== undefined) {
    const how =
      wanted.length === 1
        ? 'the file'
        : match.score === wanted.length
          ? `all ${wanted.length} files`
          : `${match.score} of the ${wanted.length} files`;
    return {
      ok: true,
      base: await describe(
        repo,
        match.commit,
        'blob-match',
        (label) => `${before}; ${label} has ${how} that its index lines name`,
      ),
    };
  }
  const last = tip ?? refs[0]?.commit;
  if (last === undefined) return { ok: false, why: `${before}, and the tree has no branch to put it on` };
  const tried =
    wanted.length === 0
      ? 'its patches have no index lines that name earlier files'
      : `none of the ${count(refs.length, 'ref')} looked at has a file that its index lines name`;
  return {
    ok: true,
    base: await describe(
      repo,
      last,
      'tree-tip',
      (label) => `${before}; ${tried}; so the tip of the tree, ${label}, was taken`,
    ),
  };
}

async function describe(repo: Repository, sha: Sha, how: Base['how'], say: (label: string) => string): Promise<Base> {
  const name = await nameOf(repo, sha);
  const short = sha.slice(0, 12);
  return {
    sha,
    how,
    detail: say(name === undefined ? short : `${short} (${name})`),
    ...(name === undefined ? {} : { name }),
  };
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** A commit to compare files with. */
type Candidate = Pick<Ref, 'name' | 'commit'>;

async function candidateRefs(repo: Repository, tip: Sha | undefined, names?: readonly string[]): Promise<Candidate[]> {
  const found: Candidate[] = names === undefined ? await known(repo, tip) : [];
  for (const name of names?.slice(0, MAX_REFS) ?? []) {
    const commit = await resolveRevision(repo, name);
    if (commit !== undefined) found.push({ name, commit });
  }
  const seen = new Set<Sha>();
  return found.filter((ref) => !seen.has(ref.commit) && seen.add(ref.commit));
}

/**
 * What of a tree is preferred among equals: tags and remote branches, which others have as well, that the checked-out
 * commit is built on, the nearest first; then that commit; then other tags and remote branches, and local branches, the
 * newest first.
 */
async function known(repo: Repository, tip: Sha | undefined): Promise<Candidate[]> {
  const refs = await listRefs(repo, MOST_READ);
  if (tip === undefined) return refs.slice(0, MAX_REFS);
  const line = new Map((await lineOf(repo, tip, MAX_LINE)).map((commit, i) => [commit, i]));
  const distance = ({ commit }: Ref): number => line.get(commit)!;
  const isBelow = ({ isLocal, commit }: Ref): boolean => !isLocal && line.has(commit);
  const below = refs.filter(isBelow).sort((a, b) => distance(a) - distance(b));
  const rest = refs.filter((one) => !isBelow(one)).sort((a, b) => Number(a.isLocal) - Number(b.isLocal));
  return [...below, { name: 'HEAD', commit: tip }, ...rest].slice(0, MAX_REFS);
}

export interface WantedBlob {
  readonly path: string;
  /** 7 to 64 hex digits. */
  readonly blob: string;
}

/**
 * Files the base must have: the old side of each file's first diff in the series. Created files and
 * what an earlier patch of the series made are not the base's.
 */
export function wantedBlobs(series: Series): WantedBlob[] {
  const touched = new Set<string>();
  const wanted: WantedBlob[] = [];
  for (const patch of series.patches) {
    for (const diff of patch.diff) {
      const { oldPath, oldBlob } = diff;
      if (diff.kind !== 'create' && oldPath !== undefined && oldBlob !== undefined && !touched.has(oldPath)) {
        if (/^[0-9a-f]{7,64}$/.test(oldBlob) && /[^0]/.test(oldBlob) && !/[\n\0]/.test(oldPath))
          wanted.push({ path: oldPath, blob: oldBlob });
      }
    }
    for (const diff of patch.diff)
      for (const path of [diff.oldPath, diff.newPath]) if (path !== undefined) touched.add(path);
  }
  return wanted.slice(0, MAX_FILES);
}

async function bestMatch(
  repo: Repository,
  refs: readonly Candidate[],
  wanted: readonly WantedBlob[],
): Promise<{ commit: Sha; score: number } | undefined> {
  if (refs.length === 0 || wanted.length === 0) return undefined;
  const input = refs.flatMap((ref) => wanted.map((file) => `${ref.commit}:${file.path}\n`)).join('');
  const { stdout } = await runGit(repo.place, ['cat-file', '--batch-check=%(objectname)'], { input, okExit: [0, 128] });
  const answers = stdout.toString('utf8').split('\n');
  let best: { commit: Sha; score: number } | undefined;
  refs.forEach((ref, row) => {
    // a missing one is answered with the question and a word, which no hex digits begin like by chance
    const score = wanted.filter((file, column) =>
      isNamed(answers[row * wanted.length + column] ?? '', file.blob),
    ).length;
    if (score > (best?.score ?? 0)) best = { commit: ref.commit, score };
  });
  return best;
}

function isNamed(answer: string, blob: string): boolean {
  return /^[0-9a-f]+$/.test(answer) && answer.startsWith(blob);
}

/**
 * `prerequisite-patch-id:` lines (git-format-patch(1), "BASE TREE INFORMATION"): the commits of the
 * tree that have these patch-ids, looked for near the base.
 */

import type { Sha } from '../rules/types.ts';
import { GitError, pipeGit, runGit } from './git.ts';
import { listRefs } from './refs.ts';
import type { Repository } from './repository.ts';

export interface Prerequisite {
  readonly patchId: string;
  /** `in-base`: nothing to do. `elsewhere`: `commit` of another ref has it. `not-found`: no commit looked at. */
  readonly where: 'in-base' | 'elsewhere' | 'not-found';
  readonly commit?: Sha;
}

const MAX_COMMITS = 2000;
const MAX_REFS = 50;
export const MAX_PREREQUISITES = 100;
const LIMITS = { timeoutMs: 60_000, maxBytes: 64 << 20 };

/**
 * Looks up patch-ids among the last 2,000 commits of the base and of the newest 50 refs. Answers in
 * the order given, 100 at most. Merges have no patch-id. What a minute of looking does not find is
 * not found: a mail must not be able to stop a check. Throws GitError.
 */
export async function findPrerequisites(
  repo: Repository,
  base: Sha,
  patchIds: readonly string[],
): Promise<Prerequisite[]> {
  const wanted = patchIds.slice(0, MAX_PREREQUISITES).map((id) => id.toLowerCase());
  const left = new Set(wanted);
  if (left.size === 0) return [];
  const inBase = await search(repo, [base], left);
  for (const id of inBase.keys()) left.delete(id);
  const others = left.size === 0 ? [] : [...new Set((await listRefs(repo, MAX_REFS)).map((ref) => ref.commit))];
  const elsewhere = others.length === 0 ? new Map<string, Sha>() : await search(repo, [...others, `^${base}`], left);
  return wanted.map((patchId) => {
    if (inBase.has(patchId)) return { patchId, where: 'in-base' };
    const commit = elsewhere.get(patchId);
    return commit === undefined ? { patchId, where: 'not-found' } : { patchId, where: 'elsewhere', commit };
  });
}

async function search(
  repo: Repository,
  revisions: readonly string[],
  wanted: ReadonlySet<string>,
): Promise<Map<string, Sha>> {
  const { stdout: commits } = await runGit(
    repo.place,
    ['rev-list', `--max-count=${MAX_COMMITS}`, '--no-merges', '--end-of-options', ...revisions],
    LIMITS,
  );
  const diffs = ['diff-tree', '--stdin', '-r', '-p', '-M', '--no-ext-diff', '--no-textconv'];
  const found = new Map<string, Sha>();
  let out: Buffer;
  try {
    out = await pipeGit(repo.place, diffs, ['patch-id', '--stable'], { ...LIMITS, input: commits });
  } catch (error) {
    if (error instanceof GitError && error.problem === 'timed-out') return found;
    throw error;
  }
  for (const line of out.toString('latin1').split('\n')) {
    const [id = '', commit = ''] = line.split(' ');
    // the newest commit with the patch is listed first
    if (wanted.has(id) && !found.has(id)) found.set(id, commit);
  }
  return found;
}

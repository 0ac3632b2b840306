/**
 * Series -> AppliedSeries: one commit per patch on the chosen base, author and date kept, in depbot's
 * own repository. The same mails on the same base give the same commits, everywhere.
 *
 * `git am` semantics without a work tree: a temporary index, `git mailinfo`, `git apply --cached`,
 * `git write-tree`, `git commit-tree`. Checking out 86,000 files would take seconds and give a hostile
 * patch a file system to play with; an index takes 0.2 s and gives it none.
 */

import type { AppliedSeries, Outcome, Patch, Series, Sha } from '../rules/types.ts';
import type { DiffFailure } from './apply-diff.ts';
import { applyDiff, findUnsafeChange } from './apply-diff.ts';
import { chooseBase } from './base.ts';
import type { CheckDir } from './check-dir.ts';
import { commitIndex, openCheckDir } from './check-dir.ts';
import { runGit } from './git.ts';
import { cleanIdentity, readMailPatch } from './mail-patch.ts';
import { findUnsafePath, unsafe } from './path-safety.ts';
import type { Prerequisite } from './prerequisite.ts';
import { findPrerequisites } from './prerequisite.ts';
import type { Repository } from './repository.ts';

export interface ApplyOptions {
  /** A revision given by the operator. */
  readonly base?: string;
  /** Refs to compare files with; see chooseBase(). */
  readonly candidates?: readonly string[];
  /** Cut all mails at scissors lines, as `git am --scissors`; by default those that were read so (Patch.scissors). */
  readonly scissors?: boolean;
}

export interface ApplyFailure {
  readonly kind: DiffFailure['kind'] | 'no-base';
  /** One sentence that names patch, file and base as far as they are known; bounded, one line. */
  readonly why: string;
  readonly patch?: number;
  /** The file it stopped at. */
  readonly path?: string;
}

/**
 * Applies a series. What a mail can cause is a value, and then nothing is left on disk; on success all
 * objects are in `repo.gitDir`. `prerequisites` holds the commits made below patch 1, oldest first:
 * the tree before patch 1 is the last of them, else the base. Throws GitError when the machine fails.
 */
export async function applySeries(
  repo: Repository,
  series: Series,
  options: ApplyOptions = {},
): Promise<Outcome<{ applied: AppliedSeries }, ApplyFailure>> {
  const refused = findUnsafePath(series.patches);
  if (refused !== undefined) return { ok: false, kind: 'unsafe-path', ...refused };
  const chosen = await chooseBase(repo, series, {
    ...(options.base === undefined ? {} : { given: options.base }),
    ...(options.candidates === undefined ? {} : { candidates: options.candidates }),
  });
  if (!chosen.ok) return { ok: false, kind: 'no-base', why: chosen.why };
  const { base } = chosen;
  const wanted = await findPrerequisites(repo, base.sha, series.prerequisites);
  const check = await openCheckDir(repo, base.sha);
  try {
    // the base's own date stands in for one that a mail lacks: no clock, so that commits stay the same
    const start = `@${(await commitField(repo, base.sha, '%cd')).trim()}`;
    const prerequisites: { patchId: string; commit: Sha }[] = [];
    const notes: string[] = [];
    let head = base.sha;
    for (const each of wanted) {
      const commit = await applyPrerequisite(repo, check, head, each);
      if (commit === undefined) {
        notes.push(noteOf(each));
        continue;
      }
      prerequisites.push({ patchId: each.patchId, commit });
      head = commit;
    }
    const commits: { n: number; sha: Sha }[] = [];
    for (const patch of series.patches) {
      const applied = await applyPatch(check, head, patch, start, options.scissors ?? patch.scissors ?? false);
      if (!applied.ok)
        return {
          ...applied,
          why:
            applied.kind === 'unsafe-path'
              ? applied.why
              : `${applied.why} (base: ${base.name ?? base.sha.slice(0, 12)})`,
        };
      head = applied.commit;
      commits.push({ n: patch.n, sha: head });
    }
    await check.keep();
    const detail = [base.detail, ...notes].join('; ');
    return { ok: true, applied: { gitDir: repo.gitDir, base: { ...base, detail }, prerequisites, commits, head } };
  } finally {
    await check.close();
  }
}

async function applyPatch(
  check: CheckDir,
  parent: Sha,
  patch: Patch,
  fallbackDate: string,
  scissors: boolean,
): Promise<Outcome<{ commit: Sha }, ApplyFailure>> {
  const fail = (failure: DiffFailure): { ok: false } & ApplyFailure => {
    const label = `patch ${patch.n}/${patch.total} (${JSON.stringify(patch.title.slice(0, 100))})`;
    const verb = {
      'does-not-apply': 'does not apply',
      damaged: 'is damaged',
      'already-applied': 'is not needed',
      empty: 'is empty',
      'unsafe-path': 'is refused',
    }[failure.kind];
    return {
      ok: false,
      kind: failure.kind,
      patch: patch.n,
      why: `${label} ${verb}: ${failure.why}`,
      ...(failure.path === undefined ? {} : { path: failure.path }),
    };
  };
  const read = await readMailPatch(check.place, check.dir, patch, scissors);
  if (!read.ok) return fail({ kind: 'damaged', why: read.why });
  const { author, date = fallbackDate, message, diff } = read.mail;
  const applied = await applyDiff(check, diff);
  if (!applied.ok) return fail(applied);
  const { commit, tree } = await commitIndex(check, parent, { ...author, date }, message);
  const bad = await findUnsafeChange(check, `${parent}^{tree}`, tree);
  if (bad !== undefined) return { ok: false, kind: 'unsafe-path', ...unsafe(patch.n, bad.path, bad.why) };
  return { ok: true, commit };
}

/** The commit made of a prerequisite, or undefined when there is nothing to apply or it does not fit. */
async function applyPrerequisite(
  repo: Repository,
  check: CheckDir,
  parent: Sha,
  wanted: Prerequisite,
): Promise<Sha | undefined> {
  const { commit } = wanted;
  if (commit === undefined) return undefined;
  const { stdout: diff } = await runGit(repo.place, [
    'diff-tree',
    '-r',
    '-p',
    '--no-commit-id',
    '--binary',
    '--full-index',
    '--no-ext-diff',
    '--no-textconv',
    commit,
  ]);
  if (!(await applyDiff(check, diff)).ok) return undefined;
  const [name = '', email = '', date = '', message = ''] = (
    await commitField(repo, commit, '%an%x00%ae%x00%ad%x00%B')
  ).split('\0');
  return (
    await commitIndex(
      check,
      parent,
      { ...cleanIdentity({ name, email }), date: `@${date}` },
      Buffer.from(`${message.trimEnd()}\n`),
    )
  ).commit;
}

function noteOf(wanted: Prerequisite): string {
  const id = `prerequisite patch ${wanted.patchId.slice(0, 12)}`;
  switch (wanted.where) {
    case 'in-base':
      return `${id} is in the base already`;
    case 'not-found':
      return `${id} was not found in this tree`;
    case 'elsewhere':
      return `${id} is in this tree but does not apply to the base`;
  }
}

/** Rev-list, because `git show -s` still compares a whole first commit with nothing. */
async function commitField(repo: Repository, commit: Sha, format: string): Promise<string> {
  const argv = [
    'rev-list',
    '--no-walk',
    '--no-commit-header',
    '--encoding=UTF-8',
    `--format=${format}`,
    '--date=raw',
    commit,
  ];
  return (await runGit(repo.place, argv)).stdout.toString('utf8');
}

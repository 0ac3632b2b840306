/**
 * One diff onto a check's index, as `git am` applies it: nothing is fuzzy beyond git's own search for
 * the place, nothing is merged, white space is not judged.
 *
 * What git made of it is looked at before it becomes a commit: the diff that depbot parsed and the
 * one that git parsed need not be the same.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Outcome, Sha } from '../rules/types.ts';
import type { CheckDir } from './check-dir.ts';
import { refuseFullDisk } from './full-disk.ts';
import type { GitAnswer } from './git.ts';
import { GitError, REFUSED_EXITS, runGit } from './git.ts';
import { SUBMODULE, SYMLINK, whyUnsafePath, whyUnsafeTarget } from './path-safety.ts';
import { changedBetween } from './tree-listing.ts';

export interface DiffFailure {
  /** `damaged`: no diff that git can read, on whatever base. */
  readonly kind: 'does-not-apply' | 'damaged' | 'unsafe-path' | 'already-applied' | 'empty';
  /** Git's own words or ours, one line, bounded. */
  readonly why: string;
  /** The file it stopped at, when git names one. */
  readonly path?: string;
}

const LIMITS = { timeoutMs: 60_000, okExit: [0, ...REFUSED_EXITS], maxBytes: 1 << 20 };
/** Each may unpack to GIT_ALLOC_LIMIT. */
const MAX_BINARY_FILES = 8;
const MAX_WORDS = 600;

/** Applies the diff to the index; on failure the index is as it was. Throws GitError when the machine fails. */
export async function applyDiff(check: CheckDir, diff: Buffer): Promise<Outcome<object, DiffFailure>> {
  if (!/^(?:diff --git |--- |Index: )/m.test(diff.toString('latin1')))
    return { ok: false, kind: 'empty', why: 'the mail has no diff' };
  const binaries = diff.toString('latin1').match(/^GIT binary patch\r?$/gm)?.length ?? 0;
  if (binaries > MAX_BINARY_FILES)
    return { ok: false, kind: 'does-not-apply', why: `it has ${binaries} binary files, more than ${MAX_BINARY_FILES}` };
  const file = join(check.dir, 'to-apply');
  await writeFile(file, diff);
  const flags = ['apply', '--cached', '-p1', '--whitespace=nowarn'];
  const applied = await runGit(check.place, [...flags, file], LIMITS);
  if (applied.exitCode === 0) return { ok: true };
  // git begins a line so when the machine failed it; no file name of a mail can stand there
  if (/^fatal: (?:unable to (?:write|create)|out of memory|cannot open)/im.test(applied.stderr)) {
    const why = `git apply failed: ${applied.stderr.trim().slice(0, MAX_WORDS)}`;
    throw new GitError('failed', why, { argv: flags, exitCode: applied.exitCode, stderr: applied.stderr });
  }
  await refuseFullDisk(check.dir, 'git apply');
  if (applied.exitCode > 128) {
    return { ok: false, kind: 'does-not-apply', why: `git itself fails over it (exit code ${applied.exitCode})` };
  }
  const failure = explain(applied);
  if (failure.kind !== 'does-not-apply') return { ok: false, ...failure };
  const reverse = await runGit(check.place, [...flags, '--check', '--reverse', file], LIMITS);
  return reverse.exitCode === 0
    ? { ok: false, kind: 'already-applied', why: 'it is in the base already' }
    : { ok: false, ...failure };
}

function explain(answer: GitAnswer): DiffFailure {
  const lines = answer.stderr
    .split('\n')
    .map((line) => line.replace(/^(?:error|fatal): /, '').trim())
    .filter((line) => line !== '' && !line.startsWith('hint:'));
  // file names of strangers are in it
  const why =
    lines
      .join('; ')
      .replace(/\p{Cc}/gu, '?')
      .slice(0, MAX_WORDS) || 'git gave no reason';
  if (/invalid path|beyond a symbolic link/.test(why)) return { kind: 'unsafe-path', why };
  if (/No valid patches in input/.test(why)) return { kind: 'empty', why: 'the mail has no diff' };
  if (
    /^(?:corrupt (?:binary )?patch|patch fragment without|patch with only garbage|unrecognized binary|bad git-diff|git apply: bad|git diff header lacks)/m.test(
      lines.join('\n'),
    )
  )
    return { kind: 'damaged', why };
  for (const line of lines) {
    const named =
      /^patch failed: (.+):\d+$/.exec(line) ??
      /^(.+): (?:patch does not apply|does not exist in index|already exists in index|does not match index)$/.exec(
        line,
      );
    if (named?.[1] !== undefined) return { kind: 'does-not-apply', why, path: named[1] };
  }
  return { kind: 'does-not-apply', why };
}

/** The first thing between two trees of a check that no series may bring; undefined when all is well. */
export async function findUnsafeChange(
  check: CheckDir,
  before: Sha,
  after: Sha,
): Promise<{ path: string; why: string } | undefined> {
  for (const { path, oldMode, newMode, newBlob } of await changedBetween(check.place, before, after, false)) {
    const why = whyUnsafePath(path);
    if (why !== undefined) return { path, why };
    if (oldMode === SUBMODULE || newMode === SUBMODULE) return { path, why: 'it is a submodule' };
    if (newMode !== SYMLINK || newBlob === undefined) continue;
    const target = await runGit(check.place, ['cat-file', 'blob', newBlob], { maxBytes: 16 << 20 });
    const unsafeTarget = whyUnsafeTarget(path, target.stdout.toString('utf8'));
    if (unsafeTarget !== undefined) return { path, why: unsafeTarget };
  }
  return undefined;
}

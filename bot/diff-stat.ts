/**
 * The summary below a diffstat (git-diff(1), --stat), against the files that the mail has: a mail that was cut
 * between two files shows no other sign of it.
 */

import type { FileDiff } from '../rules/types.ts';
import { isSignature } from './diff-hunk.ts';

const SUMMARY = /^ ?(\d{1,6}) files? changed(?:, \d+ insertions?\(\+\))?(?:, \d+ deletions?\(-\))?$/;

/**
 * What is missing, in words, where the diffstat of a patch counts more files than came; undefined otherwise.
 * `start` is the index of the `---` line below the log: what stands above it tells of other commits. The last
 * summary before the diff is its own. A mail that still has git's signature was not cut at its end: there the
 * diffstat is an old one, or that of a whole series.
 */
export function filesLost(lines: readonly string[], start: number, files: readonly FileDiff[]): string | undefined {
  const [first, last] = [files[0], files.at(-1)];
  if (!first || !last) return undefined;
  const above = lines.slice(start + 1, first.mailLine - 1).findLast((line) => SUMMARY.test(line));
  const said = Number(SUMMARY.exec(above ?? '')?.[1] ?? 0);
  if (said <= files.length) return undefined;
  const end = last.hunks.at(-1)?.lines.at(-1)?.mailLine ?? last.mailLine;
  for (let at = end; at < lines.length; at++) if (isSignature(lines, at)) return undefined;
  return `its diffstat counts ${said} files, and ${files.length} of them came`;
}

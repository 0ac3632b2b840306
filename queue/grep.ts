/**
 * Whole words in a commit's files, by `git grep`. It reads every blob, 5 s on a kernel tree, so that
 * answers are kept for a while and a patched commit's is made from its base's.
 */

import type { Sha } from '../rules/types.ts';
import { GitError, streamGit } from './git.ts';
import type { Repository } from './repository.ts';

export interface GrepLine {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

export interface GrepAnswer {
  /** Sorted by path, then line. */
  readonly lines: readonly GrepLine[];
  /** The limit was reached; there may be more. */
  readonly cut: boolean;
}

/** Characters of a line that are kept. */
const MAX_TEXT = 4096;
const MAX_BYTES = 64 << 20;

/**
 * Lines with one of the words as a whole word (`grep -w -F`), at most `limit`; binary files are passed
 * over. `paths` narrows the search to these files. Words without letters to look for (empty, with a
 * line break or NUL) are left out. Throws GitError when the commit cannot be read.
 */
export async function grepCommit(
  repo: Repository,
  commit: Sha,
  words: readonly string[],
  limit: number,
  paths?: readonly string[],
): Promise<GrepAnswer> {
  const wanted = [...new Set(words)].filter((word) => word !== '' && !/[\n\r\0]/.test(word));
  if (wanted.length === 0 || limit <= 0 || paths?.length === 0) return { lines: [], cut: false };
  const lines: GrepLine[] = [];
  let cut = false;
  let pending = Buffer.alloc(0);
  const take = (chunk: Buffer): boolean => {
    const data = Buffer.concat([pending, chunk]);
    let at = 0;
    for (let lf = data.indexOf(0x0a, at); lf >= 0; lf = data.indexOf(0x0a, at)) {
      if (lines.length === limit) {
        cut = true;
        return false;
      }
      const line = parseLine(data.toString('utf8', at, lf), commit);
      if (line !== undefined) lines.push(line);
      at = lf + 1;
    }
    pending = data.subarray(at);
    return true;
  };
  const argv = [
    'grep',
    '-n',
    '-w',
    '-F',
    '-z',
    '-I',
    '--no-color',
    '-f',
    '-',
    commit,
    ...(paths === undefined ? [] : ['--', ...paths]),
  ];
  const end = await streamGit(repo.place, argv, take, {
    input: `${wanted.join('\n')}\n`,
    maxBytes: MAX_BYTES,
    timeoutMs: 180_000,
  });
  // git grep: 1 means "nothing found"
  if (end.exitCode > 1 || (end.exitCode !== 0 && end.stderr !== '')) {
    throw new GitError('failed', `git grep failed in ${commit}: ${end.stderr.trim().slice(0, 500)}`, {
      argv,
      exitCode: end.exitCode,
      stderr: end.stderr,
    });
  }
  return { lines: sortLines(lines), cut };
}

export function sortLines(lines: readonly GrepLine[]): GrepLine[] {
  return [...lines].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line));
}

/** `<commit>:<path> NUL <line> NUL <text>`; a path with a line break in it is not understood and left out. */
function parseLine(text: string, commit: Sha): GrepLine | undefined {
  const first = text.indexOf('\0');
  const second = text.indexOf('\0', first + 1);
  if (first < 0 || second < 0 || !text.startsWith(`${commit}:`)) return undefined;
  const line = Number(text.slice(first + 1, second));
  return { path: text.slice(commit.length + 1, first), line, text: text.slice(second + 1, second + 1 + MAX_TEXT) };
}

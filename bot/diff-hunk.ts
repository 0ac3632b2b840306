/**
 * One hunk of a unified diff, read by the counts of its header (POSIX diff -u; git-diff(1)). Because
 * it is known when a hunk is complete, neither a signature nor content that looks like a header
 * (`--- x` as a removed line) can mislead the scanner.
 */

import type { DiffLine, Hunk } from '../rules/types.ts';

const HEADER = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@ ?(.*)$/;

/** How the reading of a hunk ended; anything but `complete` means that lines are missing or mangled. */
export type HunkEnd = 'complete' | 'cut-short' | 'next-header' | 'bad-line';

export interface ReadHunk {
  readonly hunk: Hunk;
  readonly end: HunkEnd;
  /** Index of the first line after the hunk. */
  readonly next: number;
  /** Mail lines of wholly empty lines read as empty context, as git does. */
  readonly emptyLines: readonly number[];
}

/** Whether a line is a hunk's header. */
export function isHunkHeader(line: string): boolean {
  return HEADER.test(line);
}

/** Reads the hunk whose header is at `lines[start]`; undefined if that line is no hunk header. Index 0 is mail line 1. */
export function readHunk(lines: readonly string[], start: number): ReadHunk | undefined {
  const header = HEADER.exec(lines[start] ?? '');
  if (!header) return undefined;
  const [, oldStart = '', oldCount = '1', newStart = '', newCount = '1', section = ''] = header;
  const out: DiffLine[] = [];
  const emptyLines: number[] = [];
  let oldLine = Number(oldStart);
  let newLine = Number(newStart);
  const oldEnd = oldLine + Number(oldCount);
  const newEnd = newLine + Number(newCount);
  let end: HunkEnd = 'complete';
  let at = start + 1;

  while (oldLine < oldEnd || newLine < newEnd) {
    const line = lines[at];
    const mailLine = at + 1;
    if (line === undefined || isSignature(lines, at) || isTrailingBlank(lines, at)) {
      end = 'cut-short';
      break;
    }
    if (line.startsWith('+') && newLine < newEnd) {
      out.push({ kind: 'add', text: line.slice(1), newLine: newLine++, mailLine });
    } else if (line.startsWith('-') && oldLine < oldEnd) {
      out.push({ kind: 'remove', text: line.slice(1), oldLine: oldLine++, mailLine });
    } else if ((line.startsWith(' ') || line === '') && oldLine < oldEnd && newLine < newEnd) {
      if (line === '') emptyLines.push(mailLine);
      out.push({ kind: 'context', text: line.slice(1), oldLine: oldLine++, newLine: newLine++, mailLine });
    } else if (!line.startsWith('\\')) {
      end = isHunkHeader(line) || line.startsWith('diff --git ') ? 'next-header' : 'bad-line';
      break;
    }
    at++;
  }
  if (end === 'next-header' && isHunkHeader(lines[at] ?? '')) at -= dropFileHeader(out, lines, at);
  if (end === 'complete' && (lines[at] ?? '').startsWith('\\')) at++;
  const hunk = {
    mailLine: start + 1,
    oldStart: Number(oldStart),
    oldCount: Number(oldCount),
    newStart: Number(newStart),
    newCount: Number(newCount),
    section,
    lines: out,
  };
  return { hunk, end, next: at, emptyLines };
}

/** `-- ` and git's version below the last hunk. No hunk line starts with a digit, so this is never content. */
export function isSignature(lines: readonly string[], at: number): boolean {
  return /^-- ?$/.test(lines[at] ?? '') && /^\d+\.\d/.test(lines[at + 1] ?? '');
}

/** Empty lines up to the end of the mail, or to a signature, are not context of a hunk that was cut short. */
function isTrailingBlank(lines: readonly string[], at: number): boolean {
  if (lines[at] !== '') return false;
  let next = at;
  // A few lines only: looking to the end from each of a million empty lines would take hours.
  while (lines[next] === '' && next < at + 4) next++;
  return next >= lines.length || isSignature(lines, next);
}

/** A hunk that claims too much swallows the next file's `---` and `+++`: takes them back, returns how many lines. */
function dropFileHeader(out: DiffLine[], lines: readonly string[], at: number): number {
  const isHeader = (lines[at - 2] ?? '').startsWith('--- ') && (lines[at - 1] ?? '').startsWith('+++ ');
  if (!isHeader || out.at(-1)?.mailLine !== at || out.at(-2)?.mailLine !== at - 1) return 0;
  out.splice(-2);
  return 2;
}

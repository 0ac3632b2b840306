/**
 * The diffs in a mail's body: git's and plain `diff -u`, one after another, among prose
 * (git-diff(1), "Generating patch text with -p" and the extended headers named there).
 *
 * What does not fit is reported and not guessed; files come out as far as they were readable.
 */

import type { FileDiff, Hunk } from '../rules/types.ts';
import { isHunkHeader, isSignature, readHunk } from './diff-hunk.ts';
import { invisibleCharacters, tabsLost } from './diff-mangled.ts';
import { gitNames, type SideName, sideName, stripPrefixes, unquote } from './diff-path.ts';
import { toLf } from './line-ends.ts';

/** Oddities kept of one mail; a mangled one has a thousand. */
const MAX_ODDITIES = 20;
/** Object names of the empty blob, SHA-1 and SHA-256. */
const EMPTY_BLOB = /^(?:e69de29|473a0f4)/;

export interface ParsedDiff {
  readonly files: FileDiff[];
  /** One sentence each, naming the mail line. */
  readonly oddities: string[];
  /** Where the mail was cut, if it ends within a file's diff: `the mail ends …`. */
  readonly cutShort: string | undefined;
}

/** Quick test for a diff anywhere in a text, as a whole line start. */
export function looksLikeDiff(text: string): boolean {
  return /^(?:diff --git \S|--- \S[^\n]*\n\+\+\+ \S[^\n]*\n@@ -\d)/m.test(text);
}

/** Reads all diffs of a body. Every line keeps its 1-based line in that body. */
export function parseDiff(body: string): ParsedDiff {
  const lines = toLf(body).split('\n');
  const files: FileDiff[] = [];
  const oddities: string[] = [];
  let cutShort: string | undefined;
  let at = 0;
  while (at < lines.length) {
    const scan = scanFile(lines, at);
    if (!scan) {
      if (/^@@@ /.test(lines[at] ?? '')) oddities.push(`mail line ${at + 1}: combined diffs of merges are not read`);
      else if (isHunkHeader(lines[at] ?? '') && oddities.length === 0)
        oddities.push(`mail line ${at + 1}: a hunk belongs to no file`);
      at++;
      continue;
    }
    if (scan.file) files.push(scan.file);
    oddities.push(...scan.oddities);
    cutShort = scan.cutShort;
    at = scan.next;
  }
  oddities.push(...tabsLost(files), ...invisibleCharacters(files));
  const more = oddities.length - MAX_ODDITIES;
  return {
    files,
    oddities: more > 0 ? [...oddities.slice(0, MAX_ODDITIES), `${more} more of this kind`] : oddities,
    cutShort,
  };
}

interface Scan {
  file?: FileDiff;
  oddities: string[];
  next: number;
  cutShort: string | undefined;
}

/** Reads one file's diff if it starts at this line. */
function scanFile(lines: readonly string[], start: number): Scan | undefined {
  const first = lines[start] ?? '';
  const isGit = first.startsWith('diff --git ');
  if (!isGit && !isFileHeader(lines, start)) return undefined;
  const header = isGit ? readGitHeader(lines, start) : { ...EMPTY, next: start };
  const oddities: string[] = [];

  let at = header.next;
  let names = header.names;
  // A git header without hunks may be followed by a plain diff of another file only through its own `diff --git`.
  if (isFileHeader(lines, at)) {
    const old = sideName((lines[at] ?? '').slice(4));
    const now = sideName((lines[at + 1] ?? '').slice(4));
    if (names && !agrees(names, old, now))
      oddities.push(`mail line ${start + 1}: the names on the "diff --git" line differ from those below it`);
    names = { old, new: now };
    at += 2;
  }
  const read = readHunks(lines, at, oddities);
  // The `---`, `+++` and `@@` of a diff that was cut there, and the end of its last line.
  const isAtEnd = lines.length - read.next <= 4 && !isSignature(lines, read.next);
  if (!names && !header.moved) {
    return {
      oddities: [...oddities, `mail line ${start + 1}: no file name can be read from this diff`],
      next: Math.max(read.next, start + 1),
      cutShort: read.cutShort ?? (isAtEnd ? "the mail ends in a file's header" : undefined),
    };
  }
  const side = { old: names?.old ?? null, new: names?.new ?? null };
  if (header.newMode !== undefined && header.oldMode === undefined) side.old = null;
  if (header.oldMode !== undefined && header.newMode === undefined) side.new = null;
  const stripped = stripPrefixes(side.old, side.new);
  if (stripped.odd && !header.moved) oddities.push(`mail line ${start + 1}: the file names have no a/ and b/ in front`);
  const file = describe(header, header.moved ?? stripped, read.hunks, start + 1);
  const isBare = read.hunks.length === 0 && (lacksHunks(header) || header.next === start + 1);
  const isCut = isBare && isAtEnd;
  if (isBare && !isCut && lacksHunks(header))
    oddities.push(`mail line ${start + 1}: the contents change by the index line, but there is no hunk`);
  return {
    file,
    oddities,
    next: Math.max(read.next, start + 1),
    cutShort: read.cutShort ?? (isCut ? `the mail ends before the first hunk of ${pathOf(file)}` : undefined),
  };
}

function pathOf({ newPath, oldPath }: FileDiff): string {
  return newPath ?? oldPath ?? 'a file';
}

/** `---` and `+++` line with a hunk below: prose may hold the first alone. */
function isFileHeader(lines: readonly string[], at: number): boolean {
  return (
    (lines[at] ?? '').startsWith('--- ') &&
    (lines[at + 1] ?? '').startsWith('+++ ') &&
    isHunkHeader(lines[at + 2] ?? '')
  );
}

interface GitHeader {
  names: { old: SideName; new: SideName } | undefined;
  /** Names of a rename or copy, which git writes without prefix. */
  moved?: { how: 'rename' | 'copy'; old: string; new: string };
  oldMode?: string;
  newMode?: string;
  /** Mode of the `index` line: the same on both sides. */
  mode?: string;
  oldBlob?: string;
  newBlob?: string;
  binary: boolean;
  next: number;
}

const EMPTY = { names: undefined, binary: false } as const;

function readGitHeader(lines: readonly string[], start: number): GitHeader {
  const header: GitHeader = {
    names: gitNames((lines[start] ?? '').slice('diff --git '.length)),
    binary: false,
    next: start + 1,
  };
  let from: { how: 'rename' | 'copy'; name: string } | undefined;
  for (let at = start + 1; ; at++) {
    const line = lines[at] ?? '';
    const match =
      /^(old mode|new mode|new file mode|deleted file mode|rename from|rename to|copy from|copy to|(?:dis)?similarity index|index) (.+)$/.exec(
        line,
      );
    if (!match) {
      header.binary = /^(?:Binary files? .* differ|GIT binary patch)$/.test(line);
      header.next = header.binary ? at + 1 : at;
      return header;
    }
    const [, key = '', value = ''] = match;
    if (key === 'old mode' || key === 'deleted file mode') header.oldMode = value;
    else if (key === 'new mode' || key === 'new file mode') header.newMode = value;
    else if (key.endsWith(' from')) from = { how: key === 'copy from' ? 'copy' : 'rename', name: plainName(value) };
    else if (key.endsWith(' to') && from) header.moved = { how: from.how, old: from.name, new: plainName(value) };
    else if (key === 'index') readIndex(header, value);
  }
}

function plainName(text: string): string {
  return unquote(text)?.name ?? text;
}

function readIndex(header: GitHeader, value: string): void {
  const match = /^([0-9a-f]{7,64})\.\.([0-9a-f]{7,64})(?: (\d{6}))?$/.exec(value);
  const [, oldBlob = '', newBlob = '', mode] = match ?? [];
  if (/[^0]/.test(oldBlob)) header.oldBlob = oldBlob;
  if (/[^0]/.test(newBlob)) header.newBlob = newBlob;
  if (mode !== undefined) header.mode = mode;
}

/** Whether the blobs differ, one of them not empty, and no binary patch explains it. */
function lacksHunks(header: GitHeader): boolean {
  const isFilled = (blob: string | undefined) => blob !== undefined && !EMPTY_BLOB.test(blob);
  return !header.binary && header.oldBlob !== header.newBlob && (isFilled(header.oldBlob) || isFilled(header.newBlob));
}

function agrees(git: { old: SideName; new: SideName }, old: SideName, now: SideName): boolean {
  return (old === null || old === git.old) && (now === null || now === git.new);
}

function describe(
  header: GitHeader,
  names: { old: SideName; new: SideName },
  hunks: Hunk[],
  mailLine: number,
): FileDiff {
  const oldMode = header.oldMode ?? (names.old === null ? undefined : header.mode);
  const newMode = header.newMode ?? (names.new === null ? undefined : header.mode);
  return {
    kind: kindOf(header, names, hunks),
    ...(names.old !== null && { oldPath: names.old }),
    ...(names.new !== null && { newPath: names.new }),
    ...(oldMode !== undefined && { oldMode }),
    ...(newMode !== undefined && { newMode }),
    ...(header.oldBlob !== undefined && { oldBlob: header.oldBlob }),
    ...(header.newBlob !== undefined && { newBlob: header.newBlob }),
    binary: header.binary,
    mailLine,
    hunks,
  };
}

function kindOf(header: GitHeader, names: { old: SideName; new: SideName }, hunks: readonly Hunk[]): FileDiff['kind'] {
  if (header.moved) return header.moved.how;
  if (names.old === null) return 'create';
  if (names.new === null) return 'delete';
  const isModeOnly =
    header.oldMode !== undefined && hunks.length === 0 && !header.binary && header.oldBlob === header.newBlob;
  return isModeOnly ? 'mode' : 'modify';
}

function readHunks(
  lines: readonly string[],
  start: number,
  oddities: string[],
): { hunks: Hunk[]; next: number; cutShort: string | undefined } {
  const hunks: Hunk[] = [];
  let cutShort: string | undefined;
  let at = start;
  for (;;) {
    const read = readHunk(lines, at);
    if (!read) break;
    hunks.push(read.hunk);
    if (read.end === 'cut-short')
      cutShort = `the mail ends in the middle of the hunk at mail line ${read.hunk.mailLine}`;
    if (read.emptyLines.length > 0)
      oddities.push(
        `mail line ${read.emptyLines[0]}: ${read.emptyLines.length} empty context line(s) of this hunk lost the blank they start with`,
      );
    const fault = hunkFault(lines, read.end, read.next, read.hunk);
    if (fault !== undefined) oddities.push(fault);
    at = read.next;
    // After a mangled line the rest of the hunk is unreadable; the next header is the next safe place.
    if (read.end === 'bad-line' || fault !== undefined) at = skipToHeader(lines, at);
  }
  const rest = lines.slice(at, at + 3);
  if (hunks.length > 0 && rest[0]?.startsWith('@@') && rest.slice(1).every((line) => line === '') && rest.length < 3)
    cutShort ??= `the mail ends in the header of a hunk, at mail line ${at + 1}`;
  return { hunks, next: at, cutShort };
}

function skipToHeader(lines: readonly string[], start: number): number {
  let at = start;
  while (
    at < lines.length &&
    !isHunkHeader(lines[at] ?? '') &&
    !(lines[at] ?? '').startsWith('diff --git ') &&
    !isFileHeader(lines, at)
  )
    at++;
  return at;
}

function hunkFault(lines: readonly string[], end: string, next: number, hunk: Hunk): string | undefined {
  const line = lines[next] ?? '';
  switch (end) {
    case 'next-header':
      return `mail line ${hunk.mailLine}: the hunk has fewer lines than its header says`;
    case 'bad-line': {
      const isMarked = /^[ +-]/.test(line);
      return isMarked
        ? `mail line ${next + 1}: the hunk has other lines than its header says`
        : `mail line ${next + 1}: a line of the hunk starts with neither blank, + nor -; it was wrapped or lost its first blank on the way`;
    }
    default:
      return /^(?:\+(?!\+\+ )|-(?!- ?$|-- )| \S|\t)/.test(line)
        ? `mail line ${next + 1}: the hunk goes on after the lines its header counts`
        : undefined;
  }
}

/**
 * The code that a series changes, in pieces: lines of one file that are compiled under one condition; and for a header
 * the C files that stand for all that include it.
 */

import { basename, dirname } from 'node:path/posix';
import type { KernelChange } from './rule.ts';
import type { Condition } from './source/c-condition.ts';
import { conditionText } from './source/c-condition.ts';
import { whenAt } from './source/c-file.ts';
import { preprocess } from './source/c-preprocess.ts';
import type { LineSpan, Sampled } from './trial.ts';
import type { Patch, Tree } from './types.ts';

/** Lines of a changed file under the same condition. */
export interface Piece {
  readonly path: string;
  /** The files that are compiled for it: itself, or some that include it, the nearest first. */
  readonly units: readonly string[];
  readonly when: Condition;
  readonly lines: readonly LineSpan[];
}

export interface ChangedUnits {
  readonly pieces: readonly Piece[];
  /** C files and assembly that the series changes. */
  readonly changed: readonly string[];
  /** C files that include a changed header. */
  readonly including: readonly string[];
  readonly sampled: readonly Omit<Sampled, 'built'>[];
  /** Changed files that were not looked at: too many. */
  readonly left: readonly string[];
}

/** Changed files that are built; a series of more is built in part. */
const MOST_CHANGED = 60;
const MOST_HEADERS = 20;
/** C files that stand for all that include a header, and how many of them may be there for a name that they use. */
const MOST_INCLUDERS = 6;
const MOST_USERS = 4;
/** Names on changed lines of headers whose users are looked for. */
const MOST_NAMES = 24;
/** Lines that name a header; more, and it is included everywhere. */
const MOST_GREP_LINES = 4000;
/** Steps from a header to the C files: a header that only headers include. */
const MOST_STEPS = 2;

/** Everything that a trial of the series has to compile. */
export async function changedUnits(change: KernelChange): Promise<ChangedUnits> {
  const { tree } = change.after;
  const paths = change.changedPaths.flatMap(({ path, status }) =>
    status !== 'deleted' && isKernelCode(path) ? [path] : [],
  );
  const sources = paths.filter((path) => !path.endsWith('.h'));
  const headers = paths.filter((path) => path.endsWith('.h'));
  const changed = sources.slice(0, MOST_CHANGED);
  const pieces: Piece[] = [];
  const texts = await tree.read([...changed, ...headers.slice(0, MOST_HEADERS)]);
  for (const path of changed) pieces.push(...piecesOf(change, path, texts.get(path) ?? '', [path]));
  const sampled: Omit<Sampled, 'built'>[] = [];
  const including = new Set<string>();
  const gone = change.changedPaths.flatMap(({ path, oldPath, status }) =>
    path.endsWith('.h') && status === 'deleted' ? [path] : oldPath?.endsWith('.h') ? [oldPath] : [],
  );
  const looked = [...headers, ...gone].slice(0, MOST_HEADERS);
  // one search for all of them: it reads the whole tree
  const named =
    looked.length > 0 ? await tree.grep([...new Set(looked.map((path) => basename(path)))], MOST_GREP_LINES) : [];
  const names = new Map(looked.map((path) => [path, namesIn(change.lines.changedTexts(path))]));
  const words = [...new Set([...names.values()].flat())].slice(0, MOST_NAMES);
  const uses = words.length > 0 ? await tree.grep(words, MOST_GREP_LINES) : [];
  for (const header of looked) {
    const { units, atLeast } = await includersOf(tree, header, named);
    const some = sampleOf(units, usersOf(uses, names.get(header)!), header, changed);
    for (const unit of some) if (!changed.includes(unit)) including.add(unit);
    sampled.push({ header, includers: units.length, atLeast });
    pieces.push(...piecesOf(change, header, texts.get(header) ?? '', some));
  }
  for (const path of including) pieces.push({ path, units: [path], when: true, lines: [] });
  const left = [...sources.slice(MOST_CHANGED), ...headers.slice(MOST_HEADERS)];
  return { pieces, changed, including: [...including], sampled, left };
}

function isKernelCode(path: string): boolean {
  return /\.[chS]$/.test(path) && !/^(?:Documentation|tools|scripts|samples|usr)\//.test(path);
}

/** A file that no piece brings along whatever the configuration has one without lines: it is to be compiled anyway. */
function piecesOf(change: KernelChange, path: string, text: string, units: readonly string[]): Piece[] {
  const read = preprocess(text);
  const code = read.code.split('\n');
  const isCode = (line: number): boolean => /[^\s{}();,]/.test(code[line - 1] ?? '');
  const lines = change.lines.addedLines(path).filter(isCode);
  const groups = Map.groupBy(lines, (line) => conditionText(whenAt(read, line)));
  const pieces = [...groups].map(([when, some]) => ({
    ...{ path, units, when: JSON.parse(when) as Condition },
    lines: spansOf(some),
  }));
  return groups.has('true') ? pieces : [...pieces, { path, units, when: true, lines: [] }];
}

/** Neighbours are one span. */
function spansOf(lines: readonly number[]): LineSpan[] {
  const spans: [number, number][] = [];
  for (const line of lines) {
    const last = spans.at(-1);
    if (last && line <= last[1] + 1) last[1] = line;
    else spans.push([line, line]);
  }
  return spans;
}

/** What lines of a header declare or define: functions, macros, members. */
function namesIn(texts: readonly string[]): string[] {
  const code = texts.filter((text) => !/^\s*(?:\*|\/[*/])/.test(text));
  const found = code.flatMap((text) => [
    ...text.matchAll(/^\s*#\s*define\s+(\w+)/g),
    ...text.matchAll(/\b([A-Za-z_]\w{3,})\s*\((?!\s*\*)/g),
    ...text.matchAll(/\b([A-Za-z_]\w{3,})\s*(?:\[[^\]]*\]\s*)?;/g),
  ]);
  return [...new Set(found.map((match) => match[1]!))].filter((name) => !WORDS.has(name));
}

/** Of C, and what stands before a parenthesis in any header. */
const WORDS = new Set([
  'return',
  'sizeof',
  'while',
  'switch',
  'typeof',
  'defined',
  '__attribute__',
  'break',
  'continue',
]);

type GrepLines = Awaited<ReturnType<Tree['grep']>>;

/** C files that name one of these. */
function usersOf(lines: GrepLines, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const word = new RegExp(`(?<!\\w)(?:${names.join('|')})(?!\\w)`);
  const users = lines.filter(({ path, text }) => path.endsWith('.c') && isKernelCode(path) && word.test(text));
  return [...new Set(users.map(({ path }) => path))];
}

/** C files that include a header by its name, or through headers that do, where none does itself. */
async function includersOf(
  tree: Tree,
  header: string,
  named: GrepLines,
): Promise<{ readonly units: readonly string[]; readonly atLeast: boolean }> {
  let step = [header];
  let atLeast = false;
  for (let n = 0; n < MOST_STEPS && step.length > 0; n++) {
    const lines = n === 0 ? named : await tree.grep([...new Set(step.map((path) => basename(path)))], MOST_GREP_LINES);
    atLeast ||= lines.length >= MOST_GREP_LINES;
    const from = lines.flatMap(({ path, text }) => {
      const name = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/.exec(text)?.[1];
      return name !== undefined && isKernelCode(path) && step.some((one) => isMeant(path, name, one)) ? [path] : [];
    });
    const units = [...new Set(from.filter((path) => path.endsWith('.c')))];
    if (units.length > 0) return { units, atLeast };
    step = [...new Set(from)].slice(0, 20);
  }
  return { units: [], atLeast };
}

/** Whether `#include` of a name from a file can mean a header (LINUXINCLUDE of the top Makefile, and beside the file). */
function isMeant(from: string, name: string, header: string): boolean {
  const bare = name.replace(/^(?:\.\.?\/)+/, '');
  if (!`/${header}`.endsWith(`/${bare}`)) return false;
  const isGeneral = /^(?:include\/(?:uapi\/)?|arch\/[^/]+\/include\/(?:uapi\/)?)/.exec(header)?.[0];
  if (isGeneral !== undefined && header.slice(isGeneral.length) === bare) return true;
  // one of its own: several drivers have a header of that name
  return isGeneral === undefined && (name !== bare || dirname(from) === dirname(header) || bare.includes('/'));
}

/** Who uses what is changed, then the nearest to the header and to the changed files, then some from all over the tree. */
function sampleOf(
  units: readonly string[],
  users: readonly string[],
  header: string,
  changed: readonly string[],
): string[] {
  const own = units.filter((path) => changed.includes(path)).slice(0, MOST_USERS);
  const others = (some: readonly string[], but: readonly string[]): string[] =>
    some.filter((path) => !changed.includes(path) && !but.includes(path));
  const using = [...own, ...spread(others(users, own), MOST_USERS - own.length)];
  const places = [dirname(header), ...changed.map(dirname)];
  const beside = others(
    units.filter((path) => places.includes(dirname(path))),
    using,
  );
  const near = [...using, ...beside].slice(0, MOST_INCLUDERS);
  return [...near, ...spread(others(units, near), MOST_INCLUDERS - near.length)];
}

/** Some of a list, the same distance apart. */
function spread(all: readonly string[], most: number): string[] {
  const count = Math.max(0, Math.min(most, all.length));
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
}

/** Whether a patch changes something that is built, or that make reads. */
export function changesCode(patch: Patch | undefined): boolean {
  return patch !== undefined && pathsOf(patch).some((path) => !/^(?:Documentation|tools|MAINTAINERS$)/.test(path));
}

/** Paths that a patch changes, as they were and as they are. */
export function pathsOf({ diff }: Patch): string[] {
  return diff.flatMap(({ oldPath, newPath }) => [oldPath, newPath].filter((path) => path !== undefined));
}

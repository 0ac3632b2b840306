/**
 * The code that a series changes, in pieces: lines of one file that are compiled under one condition; and for a header
 * the C files that stand for all that include it.
 */

import { basename, dirname } from 'node:path/posix';
import type { KernelChange } from './rule.ts';
import type { Condition } from './source/c-condition.ts';
import { whenAt } from './source/c-file.ts';
import { preprocess } from './source/c-preprocess.ts';
import type { LineSpan, Sampled } from './trial.ts';
import type { Tree } from './types.ts';

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
/** C files that stand for all that include a header. */
const MOST_INCLUDERS = 6;
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
  for (const header of [...headers, ...gone].slice(0, MOST_HEADERS)) {
    const { units, atLeast } = await includersOf(tree, header);
    const some = sampleOf(units, header, changed);
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
  const groups = Map.groupBy(lines, (line) => JSON.stringify(whenAt(read, line)));
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

/** C files that include a header by its name, or through headers that do, where none does itself. */
async function includersOf(
  tree: Tree,
  header: string,
): Promise<{ readonly units: readonly string[]; readonly atLeast: boolean }> {
  let step = [header];
  let atLeast = false;
  for (let n = 0; n < MOST_STEPS && step.length > 0; n++) {
    const lines = await tree.grep([...new Set(step.map((path) => basename(path)))], MOST_GREP_LINES);
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

/** The nearest to the header and to the changed files first, then from all over the tree. */
function sampleOf(units: readonly string[], header: string, changed: readonly string[]): string[] {
  const own = units.filter((path) => changed.includes(path));
  const places = [dirname(header), ...changed.map(dirname)];
  const beside = units.filter((path) => places.includes(dirname(path)) && !own.includes(path));
  const near = [...own.slice(0, MOST_INCLUDERS), ...beside].slice(0, MOST_INCLUDERS);
  const others = units.filter((path) => !near.includes(path));
  const room = MOST_INCLUDERS - near.length;
  const spread = Array.from({ length: Math.min(room, others.length) }, (_, i) => {
    return others[Math.floor((i * others.length) / Math.min(room, others.length))]!;
  });
  return [...near, ...spread];
}

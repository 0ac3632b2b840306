/** Lines of code, other than the use itself, that a series changes and that bring a gap: guards, includes, calls. */

import { basename, dirname, join } from 'node:path/posix';
import type { Blame } from './gap-blame.ts';
import type { KernelChange } from './rule.ts';
import { armAt, isInArm } from './source/c-file.ts';
import { preprocess } from './source/c-preprocess.ts';
import type { Found } from './source/link-search.ts';
import { type Place, wholeWord } from './told.ts';
import type { Side } from './types.ts';

type CodeBlame = Pick<Blame, 'anchor' | 'blamed'>;

/** The first such line; undefined where the series changes none. */
export async function codeBlame(change: KernelChange, some: readonly Found[]): Promise<CodeBlame | undefined> {
  return (
    (await guardChanged(change, some)) ?? (await includeChanged(change, some)) ?? (await enabledBefore(change, some))
  );
}

/** An `#if` around a use that the series takes away, or the one that comes in its place. */
async function guardChanged(change: KernelChange, some: readonly Found[]): Promise<CodeBlame | undefined> {
  for (const { path, need, wasNeeded, wasAsked } of some) {
    // where the code asks what it asked before, it is not to blame
    if (!wasNeeded || wasAsked || need.kind === 'power' || need.kind === 'stub') continue;
    const [is, was] = (await bothSides(change, path)).map(({ side, at, text }) =>
      guardsOf(text, wordOf(need)).flatMap((guard) => quoted(change, side, at, guard) ?? []),
    );
    // one that is only added lets the code be in fewer configurations
    if (was?.[0]) return is?.[0] ?? was[0];
  }
  return undefined;
}

/** An `#include` that the series adds or takes away, of a header that says what is needed. */
async function includeChanged(change: KernelChange, some: readonly Found[]): Promise<CodeBlame | undefined> {
  for (const { path, need, wasNeeded } of some) {
    if (wasNeeded || need.kind === 'power' || need.kind === 'stub') continue;
    const isSaid = wholeWord(wordOf(need));
    for (const { side, at, text } of await bothSides(change, path))
      for (const [i, line] of text.split('\n').entries()) {
        const [, header] = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/.exec(line) ?? [];
        const blame = header !== undefined && quoted(change, side, at, { line: i + 1, text: line });
        if (!blame) continue;
        const texts = await change[side].tree.read([join(dirname(at), header), join('include', header)]);
        if ([...texts.values()].some((one) => isSaid.test(one))) return blame;
      }
  }
  return undefined;
}

/** A file as it is with the series, then as it was. */
async function bothSides(
  change: KernelChange,
  path: string,
): Promise<readonly { readonly side: Side; readonly at: string; readonly text: string }[]> {
  const old = change.changedPaths.find((one) => one.path === path)?.oldPath ?? path;
  const read = async (side: Side, at: string) => ({
    side,
    at,
    text: (await change[side].tree.read([at])).get(at) ?? '',
  });
  return [await read('after', path), await read('before', old)];
}

/** Of a line that stands in the series; undefined where it does not. */
function quoted(
  { lines }: KernelChange,
  side: Side,
  path: string,
  { line, text }: Pick<Place, 'line' | 'text'>,
): CodeBlame | undefined {
  const told = lines.told(side, path, line, text);
  return told?.isQuoted
    ? { anchor: told.anchor, blamed: { path, line, text: text.trim(), side, isQuoted: true } }
    : undefined;
}

/** What a file says where it needs something: a name, or the file that it includes. */
function wordOf({ kind, use }: Exclude<Found['need'], { kind: 'power' | 'stub' }>): string {
  if (kind === 'declaration') return use.name;
  return kind === 'link' && use.within !== undefined ? basename(use.within) : use.callee;
}

/** The lines `#if` around those that have a word, from the last one on: the nearest encloses most closely. */
function guardsOf(text: string, word: string): readonly { readonly line: number; readonly text: string }[] {
  const { arms, regions } = preprocess(text);
  const lines = text.split('\n');
  const isSaid = wholeWord(word);
  const uses = lines.flatMap((line, i) => (isSaid.test(line) ? [armAt(regions, i + 1)] : []));
  return lines
    .flatMap((line, i) => {
      const [around, arm] = [armAt(regions, i + 1), armAt(regions, i + 2)];
      const opens = /^\s*#\s*if/.test(line) && arm !== around && arms[arm]?.parent === around;
      return opens && uses.some((use) => isInArm(arms, use, arm)) ? [{ line: i + 1, text: line }] : [];
    })
    .toReversed();
}

/** A line that the series takes away, and by which the driver enabled what it does not any more. */
async function enabledBefore(change: KernelChange, some: readonly Found[]): Promise<CodeBlame | undefined> {
  for (const { path, need, wasNeeded } of some) {
    if (need.kind !== 'power' || wasNeeded) continue;
    const { caller, callee } = need.use;
    const [, { at, text }] = (await bothSides(change, path)) as [unknown, { at: string; text: string }];
    for (const [i, line] of text.split('\n').entries()) {
      if (!new RegExp(`\\b(?:${caller}|${callee})\\s*\\(`).test(line)) continue;
      const blame = quoted(change, 'before', at, { line: i + 1, text: line });
      if (blame) return blame;
    }
  }
  return undefined;
}

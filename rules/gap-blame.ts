/** The line of a series that is to blame for a gap: where a reply tells it. */

import { basename } from 'node:path/posix';
import type { MakefileLine, Presence } from './kbuild/presence.ts';
import { blamedLines } from './kconfig/blamed-line.ts';
import type { KSymbol } from './kconfig/model.ts';
import type { Property } from './kconfig/properties.ts';
import { Upgrade } from './kconfig/upgrade.ts';
import type { ArchPair, KernelChange } from './rule.ts';
import { armAt, isInArm } from './source/c-file.ts';
import { preprocess } from './source/c-preprocess.ts';
import { useAt } from './source/file-gaps.ts';
import type { Into } from './source/link-gap.ts';
import type { Found } from './source/link-search.ts';
import { lineAt, NOWHERE, type Place, placeAt } from './told.ts';
import type { Anchor, Side } from './types.ts';

export interface Blame {
  readonly anchor: Anchor;
  readonly blamed: Place & { readonly side: Side; readonly isQuoted: boolean };
  /** The blamed line as models have it; absent for one of no entry. */
  readonly property?: Property;
}

/** The line of the series behind it; undefined where none can be named. */
export async function blame(
  change: KernelChange,
  pair: ArchPair,
  {
    owner,
    needed,
    config,
    provided,
    some,
  }: {
    readonly owner: KSymbol | undefined;
    readonly needed: readonly KSymbol[];
    readonly config: string;
    readonly provided: Place;
    readonly some: readonly Found[];
  },
): Promise<Blame | undefined> {
  const { pool, lines, readers } = change;
  const own = owner && pair.changes.get(owner.name);
  if (owner && own && !own.before) {
    const { path, line } = owner.declarations[0]!;
    const anchor = lines.added(path, line, lineAt(change, 'after', path, line));
    if (anchor) return { anchor, blamed: { ...placeAt(change, path, line), side: 'after', isQuoted: true } };
  }
  const quoted = async ({ path, line }: Omit<Place, 'text'>): Promise<Blame | undefined> => {
    const text = await textAt(change, path, line);
    const anchor = lines.added(path, line, text);
    return anchor && { anchor, blamed: { path, line, text: text.trim(), side: 'after', isQuoted: true } };
  };
  for (const { path, need, wasNeeded } of some) {
    const added = wasNeeded ? undefined : await quoted(useAt(path, need));
    if (added) return added;
  }
  const gone = (await guardChanged(change, some)) ?? (await enabledBefore(change, some));
  if (gone) return gone;
  if (pair.changes.size > 0) {
    const upgrade = new Upgrade(pool, pair.before, pair.after, pair.changes, readers);
    for (const { property, side, text } of blamedLines(
      upgrade,
      pair.changes,
      owner ? [owner, ...needed] : needed,
      config,
    )) {
      const { path, line } = property;
      const told = lines.told(side, path, line, text);
      if (told) return { anchor: told.anchor, blamed: { path, line, text, side, isQuoted: told.isQuoted }, property };
    }
  }
  const [shown] = some as [Found];
  for (const { path, line } of [lastLine(shown.object, shown.into), provided]) {
    const text = await textAt(change, path, line);
    const told = lines.told('after', path, line, text);
    if (told)
      return { anchor: told.anchor, blamed: { path, line, text: text.trim(), side: 'after', isQuoted: told.isQuoted } };
  }
  return undefined;
}

/** An `#if` around a use that the series adds, or takes away. */
async function guardChanged(
  { changedPaths, lines, ...sides }: KernelChange,
  some: readonly Found[],
): Promise<Blame | undefined> {
  for (const { path, need, wasNeeded } of some) {
    if (!wasNeeded || need.kind === 'power' || need.kind === 'stub') continue;
    const word = wordOf(need);
    const old = changedPaths.find((one) => one.path === path)?.oldPath ?? path;
    for (const [side, at] of [
      ['after', path],
      ['before', old],
    ] as const) {
      const text = (await sides[side].tree.read([at])).get(at) ?? '';
      for (const { line, text: guard } of guardsOf(text, word)) {
        const told = lines.told(side, at, line, guard);
        if (told?.isQuoted)
          return { anchor: told.anchor, blamed: { path: at, line, text: guard.trim(), side, isQuoted: true } };
      }
    }
  }
  return undefined;
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
  const isSaid = new RegExp(`(?<!\\w)${word.replace(/[^\w]/g, '\\$&')}(?!\\w)`);
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
async function enabledBefore(
  { before, changedPaths, lines }: KernelChange,
  some: readonly Found[],
): Promise<Blame | undefined> {
  for (const { path, need, wasNeeded } of some) {
    if (need.kind !== 'power' || wasNeeded) continue;
    const { caller, callee } = need.use;
    const old = changedPaths.find((one) => one.path === path)?.oldPath ?? path;
    const all = ((await before.tree.read([old])).get(old) ?? '').split('\n');
    for (const [i, text] of all.entries()) {
      if (!new RegExp(`\\b(?:${caller}|${callee})\\s*\\(`).test(text)) continue;
      const told = lines.told('before', old, i + 1, text);
      if (told?.isQuoted)
        return {
          anchor: told.anchor,
          blamed: { path: old, line: i + 1, text: text.trim(), side: 'before', isQuoted: true },
        };
    }
  }
  return undefined;
}

/** A line of a file of the tree after. */
export async function textAt(change: KernelChange, path: string, line: number): Promise<string> {
  const text = (await change.after.tree.read([path])).get(path) ?? '';
  return text.split('\n', line)[line - 1] ?? '';
}

/** The last line of a makefile on the way to an object that names a symbol; else the last one. */
export function lastLine(presence: Presence | undefined, into?: Into): Place {
  const way = presence?.ways.find(({ destination }) => destination === into) ?? presence?.ways[0];
  const line: MakefileLine | undefined =
    way?.lines.findLast(({ text }) => text.includes('CONFIG_')) ?? way?.lines.at(-1);
  return line ? { path: line.path, line: line.line, text: line.text.trim() } : NOWHERE;
}

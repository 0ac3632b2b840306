/** The line of a series that is to blame for a gap: where a reply tells it. */

import { codeBlame } from './code-blame.ts';
import type { MakefileLine, Presence } from './kbuild/presence.ts';
import { blamedLines } from './kconfig/blamed-line.ts';
import type { KSymbol } from './kconfig/model.ts';
import type { Property } from './kconfig/properties.ts';
import { Upgrade } from './kconfig/upgrade.ts';
import type { ArchPair, KernelChange } from './rule.ts';
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
  const code = await codeBlame(change, some);
  if (code) return code;
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

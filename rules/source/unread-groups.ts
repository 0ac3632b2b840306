/**
 * Symbols that are declared in a Kconfig file that nothing sources, put together by the line that is missing:
 * one remark for all of them.
 */

import type { PatchLines } from '../anchor.ts';
import type { ExprPool } from '../kconfig/expr.ts';
import type { KconfigFile } from '../kconfig/parse.ts';
import type { KernelChange } from '../rule.ts';
import type { Anchor } from '../types.ts';
import { declaringPath, type ReadFiles, type SourceLine, SourceLines } from './sourced-files.ts';
import type { Reference, References } from './symbol-references.ts';

/** References to symbols that are declared in a file that nothing reads, by what is missing. */
export interface UnreadGroup {
  readonly names: string[];
  readonly references: Reference[];
  readonly anchor: Anchor;
  /** The topmost file that nothing sources. */
  readonly unread: string;
  readonly declaredAt: string;
  /** The line that the series takes away. */
  readonly removed?: SourceLine;
}

/**
 * The references that such symbols explain. `introduced` and `left` are references by the symbol's name;
 * `unreadFiles` are the files after the series that no architecture reads.
 */
export function unreadGroups(
  change: KernelChange,
  files: ReadFiles,
  unreadFiles: ReadonlyMap<string, KconfigFile>,
  introduced: References,
  left: References,
): UnreadGroup[] {
  const groups = new Map<string, UnreadGroup>();
  if (unreadFiles.size === 0) return [];
  const { pool, lines } = change;
  const [linesBefore, linesUnread] = [new SourceLines(files.before), new SourceLines(unreadFiles)];
  const told = new Map<string, Set<string>>();
  const put = (
    key: string,
    name: string,
    references: readonly Reference[],
    make: Omit<UnreadGroup, 'names' | 'references'>,
  ): void => {
    const group = groups.get(key) ?? { ...make, names: [], references: [] };
    groups.set(key, group);
    group.names.push(name);
    const known = told.get(key) ?? new Set<string>();
    told.set(key, known);
    // one line may name several of them
    for (const reference of references) {
      const line = `${reference.path}:${reference.line}`;
      if (!known.has(line)) group.references.push(reference);
      known.add(line);
    }
  };
  for (const [name, references] of introduced) {
    const declaredAt = pathOf(pool, unreadFiles, name);
    const anchor = declaredAt === undefined ? undefined : anchorOf(lines, references[0]!);
    if (!declaredAt || !anchor) continue;
    const top = linesUnread.above(declaredAt).at(-1)?.path ?? declaredAt;
    put(`introduced ${top}`, name, references, { anchor, unread: top, declaredAt });
  }
  for (const [name, references] of left) {
    const declaredAt = pathOf(pool, unreadFiles, name) && pathOf(pool, files.before, name);
    if (!declaredAt) continue;
    for (const removed of linesBefore.above(declaredAt)) {
      const text = files.before.get(removed.path)?.text.split('\n')[removed.line - 1] ?? '';
      const anchor = files.after.has(removed.path) ? lines.removed(removed.path, removed.line, text) : undefined;
      if (!anchor) continue;
      const { target: unread, path, line } = removed;
      put(`removed ${path}:${line}`, name, references, {
        anchor,
        unread,
        declaredAt,
        removed,
      });
      break;
    }
  }
  return [...groups.values()];
}

function pathOf(pool: ExprPool, files: ReadonlyMap<string, KconfigFile>, name: string): string | undefined {
  const symbol = pool.findSymbol(name);
  return symbol === undefined ? undefined : declaringPath(pool, files, symbol);
}

/** The changed line that brings a reference in, or the nearest to it. */
export function anchorOf(lines: PatchLines, { path, line, text }: Reference): Anchor | undefined {
  return lines.added(path, line, text) ?? lines.near(path, line);
}

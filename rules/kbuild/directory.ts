/**
 * What one directory's makefile lists: objects and directories, each with the condition under which it is listed.
 * Mirrors scripts/Makefile.lib of Linux 6.12, from "Figure out what we need to build" to real-obj-m.
 */

import { normalize } from 'node:path/posix';
import type { ExprId } from '../kconfig/expr.ts';
import type { Evaluator } from './evaluate.ts';
import { hasHole } from './guarded-text.ts';
import type { Place } from './text-parts.ts';

/**
 * How an object is listed: in `obj-y` and in `obj-m` by itself or as part of a composite, in `lib-y` or `lib-m`, or
 * in `extra-y` or `always-y`, which are compiled and linked by nothing that Kbuild knows.
 */
export type Role = 'obj-y' | 'obj-m' | 'lib' | 'extra';

export interface ListedObject {
  /** From the top of the tree. */
  readonly path: string;
  readonly role: Role;
  readonly when: ExprId;
  /** Lines that say so, outermost first. */
  readonly lines: readonly Place[];
  /** The composite object of which it is a part, from the top of the tree. */
  readonly composite?: string;
}

export interface ListedDirectory {
  readonly path: string;
  /** `subdir` for subdir-y and subdir-m, below which nothing is linked. */
  readonly role: 'obj-y' | 'obj-m' | 'subdir';
  readonly when: ExprId;
  readonly lines: readonly Place[];
}

export interface DirectoryLists {
  readonly objects: readonly ListedObject[];
  readonly directories: readonly ListedDirectory[];
}

/** One word of a list with all its places. */
interface Entry {
  when: ExprId;
  readonly ways: { readonly when: ExprId; readonly lines: readonly Place[] }[];
}

/** Ways that are told apart of those that list one object; further ones count as the last. */
const MAX_WAYS = 8;

/** Variables that scripts/Makefile.build sets before it reads a directory's makefile. */
export const INITIAL_LISTS = [
  ...['obj-y', 'obj-m', 'lib-y', 'lib-m', 'always-y', 'always-m'],
  ...['targets', 'subdir-y', 'subdir-m'],
];

const COMPOSITES = { 'obj-y': ['-objs', '-y'], 'obj-m': ['-objs', '-y', '-m'] } as const;

/** Reads the lists after the directory's makefile has run. */
export function listsOf(evaluator: Evaluator, dir: string): DirectoryLists {
  const { conditions } = evaluator;
  const objects: ListedObject[] = [];
  const directories: ListedDirectory[] = [];
  const builtIn = entriesOf(evaluator, 'obj-y');
  // "When an object is listed to be built compiled-in and modular, only build the compiled-in version"
  const modular = without(evaluator, entriesOf(evaluator, 'obj-m'), builtIn);
  for (const [role, entries] of [
    ['obj-y', builtIn],
    ['obj-m', modular],
  ] as const) {
    for (const [name, entry] of entries) {
      if (name.endsWith('/')) {
        for (const way of entry.ways) directories.push({ path: below(dir, name.slice(0, -1)), role, ...way });
      } else if (name.endsWith('.o')) {
        addObject(evaluator, objects, dir, role, name, entry);
      }
    }
  }
  // "Filter out objects already built-in"
  const library = without(evaluator, entriesOf(evaluator, 'lib-y', 'lib-m'), builtIn);
  const extra = entriesOf(evaluator, 'extra-y', 'always-y', 'always-m');
  for (const [role, entries] of [
    ['lib', library],
    ['extra', extra],
  ] as const) {
    for (const [name, { ways }] of entries)
      if (name.endsWith('.o')) for (const way of ways) objects.push({ path: below(dir, name), role, ...way });
  }
  for (const [name, { ways }] of entriesOf(evaluator, 'subdir-y', 'subdir-m'))
    for (const way of ways) directories.push({ path: below(dir, name), role: 'subdir', ...way });
  const isPossible = ({ when }: { when: ExprId }): boolean => when !== conditions.FALSE;
  return { objects: objects.filter(isPossible), directories: directories.filter(isPossible) };
}

/** An object of obj-y or obj-m, or its parts where it is a composite (multi-search, real-search). */
function addObject(
  evaluator: Evaluator,
  objects: ListedObject[],
  dir: string,
  role: 'obj-y' | 'obj-m',
  name: string,
  entry: Entry,
): void {
  const { conditions } = evaluator;
  const base = name.slice(0, -'.o'.length);
  const suffixes = COMPOSITES[role];
  const path = below(dir, name);
  const parts = entriesOf(evaluator, ...suffixes.map((suffix) => base + suffix));
  let isComposite = conditions.FALSE;
  for (const { when } of [...parts.values(), ...entriesOf(evaluator, `${base}-`).values()])
    isComposite = conditions.or(isComposite, when);
  for (const [part, { ways }] of parts) {
    if (!part.endsWith('.o')) continue;
    for (const outer of entry.ways)
      for (const inner of ways)
        objects.push({
          path: below(dir, part),
          role,
          when: conditions.and(outer.when, inner.when),
          lines: [...outer.lines, ...inner.lines],
          composite: path,
        });
  }
  const isAlone = conditions.not(isComposite);
  for (const { when, lines } of entry.ways) objects.push({ path, role, when: conditions.and(when, isAlone), lines });
}

/** Words of the variables, each once. Those whose name is not known are left out. */
function entriesOf(evaluator: Evaluator, ...names: readonly string[]): Map<string, Entry> {
  const { conditions } = evaluator;
  const entries = new Map<string, Entry>();
  for (const name of names) {
    for (const { when, text, at, by } of evaluator.list(name)) {
      if (hasHole(text) || when === conditions.FALSE) continue;
      const lines = at && (at.path !== by.path || at.line !== by.line) ? [by, at] : [by];
      const seen = entries.get(text);
      if (!seen) entries.set(text, { when, ways: [{ when, lines }] });
      else {
        seen.when = conditions.or(seen.when, when);
        const last = seen.ways.length < MAX_WAYS ? undefined : seen.ways.pop();
        seen.ways.push(last ? { ...last, when: conditions.or(last.when, when) } : { when, lines });
      }
    }
  }
  return entries;
}

function without(
  { conditions }: Evaluator,
  entries: Map<string, Entry>,
  others: Map<string, Entry>,
): Map<string, Entry> {
  for (const [name, entry] of entries) {
    const other = others.get(name);
    if (!other) continue;
    const rest = conditions.not(other.when);
    const ways = entry.ways.map((way) => ({ ...way, when: conditions.and(way.when, rest) }));
    entries.set(name, { when: conditions.and(entry.when, rest), ways });
  }
  return entries;
}

function below(dir: string, name: string): string {
  const path = dir === '.' ? name : `${dir}/${name}`;
  const clean = /(^|\/)\.|\/\//.test(path) ? normalize(path) : path;
  return clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

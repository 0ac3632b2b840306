/**
 * The headers that a C file includes, and which of them define a name: a search of their texts, so that only those
 * that matter are parsed. Conditions around `#include` are not looked at: a header too many stands for a stub too many.
 */

import { dirname, join } from 'node:path/posix';
import type { Tree } from '../types.ts';

/** Steps from the file; the kernel's rule is to include what one uses. */
const MOST_STEPS = 3;
const MOST_HEADERS = 600;
/** Characters of a header beyond which it is a table of registers. */
const MOST_CHARS = 400_000;

interface HeaderText {
  readonly includes: readonly string[];
  /** Names that a line of it may define or declare. */
  readonly names: ReadonlySet<string>;
}

/** Headers of trees, each blob looked at once. */
export class HeaderTexts {
  readonly #byBlob = new Map<string, HeaderText>();

  /** Paths of the headers within reach of `path`, by the names that they may define or declare. */
  async namesFor(tree: Tree, path: string): Promise<ReadonlyMap<string, readonly string[]>> {
    const names = new Map<string, string[]>();
    const seen = new Set<string>([path]);
    let step = [path];
    for (let n = 0; n <= MOST_STEPS && step.length > 0; n++) {
      const texts = await this.#load(tree, step);
      const next: string[] = [];
      for (const [from, { includes, names: own }] of texts) {
        if (from !== path) for (const name of own) put(names, name, from);
        for (const include of includes) {
          const found = await firstOf(tree, placesOf(from, include));
          if (found === undefined || seen.has(found) || seen.size >= MOST_HEADERS) continue;
          seen.add(found);
          next.push(found);
        }
      }
      step = next;
    }
    return names;
  }

  async #load(tree: Tree, paths: readonly string[]): Promise<[string, HeaderText][]> {
    const known: [string, HeaderText][] = [];
    const unread = new Map<string, string>();
    for (const path of paths) {
      const blob = await tree.blob(path);
      const text = blob === undefined ? undefined : this.#byBlob.get(blob);
      if (text) known.push([path, text]);
      else if (blob !== undefined) unread.set(path, blob);
    }
    for (const [path, text] of unread.size > 0 ? await tree.read([...unread.keys()]) : []) {
      const read = readHeader(text);
      this.#byBlob.set(unread.get(path)!, read);
      known.push([path, read]);
    }
    return known;
  }
}

function put(names: Map<string, string[]>, name: string, path: string): void {
  const paths = names.get(name);
  if (paths) paths.push(path);
  else names.set(name, [path]);
}

function readHeader(text: string): HeaderText {
  const includes = [...text.matchAll(/^[ \t]*#[ \t]*include[ \t]*([<"][^>"\n]+[>"])/gm)].map(([, name]) => name!);
  const names = new Set<string>();
  if (text.length <= MOST_CHARS) {
    for (const [, name] of text.matchAll(/^[ \t]*#[ \t]*define[ \t]+(\w+)/gm)) names.add(name!);
    for (const [line] of text.matchAll(/^[A-Za-z_].*\(.*$/gm))
      for (const [, name] of line.matchAll(/\b([A-Za-z_]\w*)[ \t]*\(/g)) names.add(name!);
  }
  return { includes, names };
}

/** Where Kbuild's compiler looks (LINUXINCLUDE of the top Makefile), architectures aside. */
function placesOf(from: string, include: string): string[] {
  const name = include.slice(1, -1);
  const general = [`include/${name}`, `include/uapi/${name}`];
  if (name.startsWith('asm/')) general.push(`include/asm-generic/${name.slice('asm/'.length)}`);
  const beside = join(dirname(from), name);
  return include.startsWith('"') ? [beside, ...general] : [...general, beside];
}

async function firstOf(tree: Tree, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if ((await tree.blob(path)) !== undefined) return path;
  return undefined;
}

/**
 * The headers that a C file includes, and which of them define a name: a search of their texts, so that only those
 * that matter are parsed. Of a header that is included under a condition nothing is sure.
 */

import { dirname, join } from 'node:path/posix';
import type { Tree } from '../types.ts';

/** Steps from the file; the kernel's rule is to include what one uses. */
const MOST_STEPS = 3;
const MOST_HEADERS = 600;
/** Characters of a header beyond which it is a table of registers. */
const MOST_CHARS = 400_000;

interface Include {
  /** With its brackets or quotes. */
  readonly name: string;
  /** Under no condition but the guard against a second time. */
  readonly isSure: boolean;
}

/** A header, as it is reached from some file. */
export interface Header {
  readonly path: string;
  /** No condition stands between. */
  readonly isSure: boolean;
}

interface HeaderText {
  readonly includes: readonly Include[];
  /** Names that a line of it may define or declare. */
  readonly names: ReadonlySet<string>;
}

/** Headers of trees, each blob looked at once. */
export class HeaderTexts {
  readonly #byBlob = new Map<string, HeaderText>();

  /** The headers within reach of `path` that may define or declare a name, by name. */
  async namesFor(tree: Tree, path: string): Promise<ReadonlyMap<string, readonly Header[]>> {
    const sure = new Map<string, boolean>([[path, true]]);
    const texts = new Map<string, HeaderText>();
    let step = [path];
    for (let n = 0; n <= MOST_STEPS && step.length > 0; n++) {
      for (const [at, text] of await this.#load(tree, step)) texts.set(at, text);
      const next = new Set<string>();
      for (const from of step) {
        for (const { name, isSure } of texts.get(from)?.includes ?? []) {
          const found = await firstOf(tree, placesOf(from, name));
          if (found === undefined || (!sure.has(found) && sure.size >= MOST_HEADERS)) continue;
          const isNow = isSure && sure.get(from) === true;
          // what was reached under a condition may be reached without one
          if (sure.get(found) === true || (sure.has(found) && !isNow)) continue;
          sure.set(found, isNow);
          next.add(found);
        }
      }
      step = [...next];
    }
    const names = new Map<string, Header[]>();
    for (const [from, text] of texts) {
      if (from === path) continue;
      for (const name of text.names) {
        const known = names.get(name);
        const header = { path: from, isSure: sure.get(from) === true };
        if (known) known.push(header);
        else names.set(name, [header]);
      }
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

function readHeader(text: string): HeaderText {
  const names = new Set<string>();
  if (text.length <= MOST_CHARS) {
    for (const [, name] of text.matchAll(/^[ \t]*#[ \t]*define[ \t]+(\w+)/gm)) names.add(name!);
    for (const [line] of text.matchAll(/^[A-Za-z_].*\(.*$/gm))
      for (const [, name] of line.matchAll(/\b([A-Za-z_]\w*)[ \t]*\(/g)) names.add(name!);
  }
  return { includes: includesOf(text), names };
}

/** Conditions that always hold for the kernel's C. */
const ALWAYS = /^#\s*(?:ifndef\s+__ASSEMBL|ifdef\s+__KERNEL__)/;

function includesOf(text: string): Include[] {
  const found: Include[] = [];
  const open: boolean[] = [];
  const lines = text.match(/^[ \t]*#[ \t]*(?:if|endif|include|define|el).*$/gm) ?? [];
  for (const [i, raw] of lines.entries()) {
    const line = raw.trim();
    const include = /^#\s*include\s*([<"][^>"]+[>"])/.exec(line)?.[1];
    if (include) found.push({ name: include, isSure: open.every((isSure) => isSure) });
    else if (/^#\s*if/.test(line)) {
      const guard = /^#\s*if(?:ndef\s+|\s+!defined\s*\(?\s*)(\w+)/.exec(line)?.[1];
      const isGuard = guard !== undefined && new RegExp(`^#\\s*define\\s+${guard}\\b`).test(lines[i + 1]?.trim() ?? '');
      open.push(ALWAYS.test(line) || isGuard);
    } else if (/^#\s*el/.test(line)) open[open.length - 1] = false;
    else if (/^#\s*endif/.test(line)) open.pop();
  }
  return found;
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

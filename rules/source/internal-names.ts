/**
 * Which files define functions and variables that nothing exports: what is built in reaches those that are, a module
 * only those of its own. Looked for beside the header that declares them, as most are a driver's own, and else by one
 * search of the tree for many names.
 */

import { dirname } from 'node:path/posix';
import type { Arch, Tree } from '../types.ts';
import { type ExportLine, linesForArch } from './exported-names.ts';

const MAX_LINES = 60_000;
/** C files of a directory beyond which it is not read. */
const MOST_BESIDE = 300;
/** What the kernel's C is not the only one to define or export: assembly, linker scripts, Rust. */
const OTHER_LANGUAGE = /\.(?:S|rs|lds|lds\.h)$/;

interface Line {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

export class InternalNames {
  readonly #tree: Tree;
  readonly #lines = new Map<string, readonly ExportLine[] | undefined>();
  readonly #beside = new Map<string, Promise<readonly Line[]>>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** Looks for names, each with the files that declare or use it, that were not looked for before. */
  async define(wanted: ReadonlyMap<string, Iterable<string>>): Promise<void> {
    const unknown = new Set([...wanted.keys()].filter((name) => !this.#lines.has(name)));
    const byFolder = new Map<string, Set<string>>();
    for (const name of unknown)
      for (const path of wanted.get(name)!) {
        const folder = dirname(path);
        byFolder.set(folder, (byFolder.get(folder) ?? new Set()).add(name));
      }
    for (const [folder, names] of byFolder) {
      const found = collect(await this.#linesBeside(folder), names);
      for (const [name, lines] of found)
        if (lines === undefined || lines.length > 0) {
          this.#lines.set(name, lines && [...(this.#lines.get(name) ?? []), ...lines]);
          unknown.delete(name);
        }
    }
    if (unknown.size === 0) return;
    const found = await this.#tree.grep([...unknown].sort(), MAX_LINES);
    const isCut = found.length >= MAX_LINES;
    for (const [name, lines] of collect(found, unknown)) this.#lines.set(name, isCut ? undefined : lines);
  }

  /** As ExportedNames.forArch; undefined also of a name that was not looked for. */
  forArch(name: string, arch: Arch): readonly ExportLine[] | undefined {
    const lines = this.#lines.get(name);
    return lines && linesForArch(lines, arch);
  }

  #linesBeside(folder: string): Promise<readonly Line[]> {
    const known = this.#beside.get(folder) ?? this.#linesBesideNow(folder);
    this.#beside.set(folder, known);
    return known;
  }

  async #linesBesideNow(folder: string): Promise<readonly Line[]> {
    const isHere = (path: string): boolean => /\.[cS]$/.test(path) && dirname(path) === folder;
    const paths = (await this.#tree.paths()).filter(isHere);
    if (paths.length > MOST_BESIDE) return [];
    return [...(await this.#tree.read(paths))].flatMap(([path, all]) =>
      all.split('\n').map((text, i) => ({ path, line: i + 1, text })),
    );
  }
}

/** The lines that define each of the names; undefined for one of which they do not tell all. */
function collect(lines: readonly Line[], names: ReadonlySet<string>): Map<string, ExportLine[] | undefined> {
  const found = new Map<string, ExportLine[] | undefined>([...names].map((name) => [name, []]));
  for (const { path, line, text } of lines) {
    if (/^(?:Documentation|scripts|tools|usr|samples)\//.test(path)) continue;
    for (const [word] of text.matchAll(/[A-Za-z_]\w*/g)) {
      const own = found.get(word);
      if (!own || (own.at(-1)?.path === path && own.at(-1)?.line === line)) continue;
      if (isOtherwiseGiven(text, word)) found.set(word, undefined);
      else if (OTHER_LANGUAGE.test(path) || (path.endsWith('.c') && defines(text, word)))
        own.push({ path, line, text: text.trim() });
    }
  }
  return found;
}

/** By a macro that exports, whichever that is, or from within a text that the assembler reads. */
function isOtherwiseGiven(text: string, name: string): boolean {
  return new RegExp(String.raw`EXPORT\w*\s*\(.*\b${name}\b|\.globl\s+${name}\b|"\s*${name}:`).test(text);
}

/** Whether a line may begin the definition of a function for others, or of a variable. */
function defines(text: string, name: string): boolean {
  if (!/^[A-Za-z_]/.test(text) || /^(?:static|extern|typedef|return)\b/.test(text)) return false;
  const isFunction = new RegExp(String.raw`\b${name}\s*\(`).test(text) && !/;\s*(?:\/[/*].*)?$/.test(text);
  return isFunction || new RegExp(String.raw`^[^=();,]*[\s*]${name}\b[^(;,]*(?:[=;,]|$)`).test(text);
}

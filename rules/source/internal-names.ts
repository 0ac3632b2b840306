/**
 * Which files define functions and variables that nothing exports: what is built in reaches those that are, a module
 * only those of its own. Found by one search of the tree for many names.
 */

import type { Arch, Tree } from '../types.ts';
import { type ExportLine, linesForArch } from './exported-names.ts';

const MAX_LINES = 60_000;
/** What the kernel's C is not the only one to define or export: assembly, linker scripts, Rust. */
const OTHER_LANGUAGE = /\.(?:S|rs|lds|lds\.h)$/;

export class InternalNames {
  readonly #tree: Tree;
  readonly #lines = new Map<string, readonly ExportLine[] | undefined>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** Looks for names that were not looked for before. */
  async define(names: Iterable<string>): Promise<void> {
    const unknown = [...new Set(names)].filter((name) => !this.#lines.has(name)).sort();
    if (unknown.length === 0) return;
    const found = await this.#tree.grep(unknown, MAX_LINES);
    const lines = new Map<string, ExportLine[]>(unknown.map((name) => [name, []]));
    const unclear = new Set(found.length >= MAX_LINES ? unknown : []);
    for (const { path, line, text } of found) {
      if (/^(?:Documentation|scripts|tools|usr|samples)\//.test(path)) continue;
      for (const [word] of text.matchAll(/[A-Za-z_]\w*/g)) {
        const own = lines.get(word);
        if (!own || own.at(-1)?.line === line) continue;
        if (isOtherwiseGiven(text, word)) unclear.add(word);
        else if (OTHER_LANGUAGE.test(path) || (path.endsWith('.c') && defines(text, word)))
          own.push({ path, line, text: text.trim() });
      }
    }
    for (const [name, some] of lines) this.#lines.set(name, unclear.has(name) ? undefined : some);
  }

  /** As ExportedNames.forArch; undefined also of a name that was not looked for. */
  forArch(name: string, arch: Arch): readonly ExportLine[] | undefined {
    const lines = this.#lines.get(name);
    return lines && linesForArch(lines, arch);
  }
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

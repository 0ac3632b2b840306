/**
 * Which files export which names (EXPORT_SYMBOL* of include/linux/export.h), by one search of the tree: whatever code
 * of a module or of another directory calls is in here.
 */

import type { Arch, Tree } from '../types.ts';
import type { Condition } from './c-condition.ts';
import { whenAt } from './c-file.ts';
import { preprocess } from './c-preprocess.ts';

export interface ExportLine {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

const WORDS = ['EXPORT_SYMBOL', 'EXPORT_SYMBOL_GPL', 'EXPORT_SYMBOL_NS', 'EXPORT_SYMBOL_NS_GPL'];
/** Linux 6.12 has 38 000. */
const MAX_LINES = 100_000;
const EXPORT = /^\s*EXPORT_SYMBOL(?:_NS)?(?:_GPL)?\s*\(\s*(\w+)\s*[,)]/;

export class ExportedNames {
  readonly #tree: Tree;
  readonly #lines: ReadonlyMap<string, readonly ExportLine[]>;
  /** Of each file, when its lines are compiled. */
  readonly #files = new Map<string, Promise<(line: number) => Condition>>();

  private constructor(tree: Tree, lines: ReadonlyMap<string, readonly ExportLine[]>) {
    this.#tree = tree;
    this.#lines = lines;
  }

  /** Nothing is known of a tree with more exports than can be searched. */
  static async of(tree: Tree): Promise<ExportedNames> {
    const found = await tree.grep(WORDS, MAX_LINES);
    const lines = new Map<string, ExportLine[]>();
    if (found.length >= MAX_LINES) return new ExportedNames(tree, lines);
    for (const { path, line, text } of found) {
      const name = EXPORT.exec(text)?.[1];
      if (name === undefined || /^(?:Documentation|scripts|tools|usr|samples)\//.test(path)) continue;
      const one = { path, line, text: text.trim() };
      const known = lines.get(name);
      if (known) known.push(one);
      else lines.set(name, [one]);
    }
    return new ExportedNames(tree, lines);
  }

  has(name: string): boolean {
    return this.#lines.has(name);
  }

  /** When an export is compiled, if its file is. */
  async when({ path, line }: ExportLine): Promise<Condition> {
    const known = this.#files.get(path) ?? this.#conditionsOf(path);
    this.#files.set(path, known);
    return (await known)(line);
  }

  async #conditionsOf(path: string): Promise<(line: number) => Condition> {
    const text = (await this.#tree.read([path])).get(path) ?? '';
    const { arms, regions, code } = preprocess(text);
    const lines = code.split('\n');
    // what stands in a macro is blank there: the name is that of a parameter, or a part of one
    return (line) => (lines[line - 1]?.trim() === '' ? false : whenAt({ arms, regions }, line));
  }

  /** All exports of a name but those of other architectures. */
  concerning(name: string, arch: Arch): readonly ExportLine[] {
    return ofNoOtherArch(this.#lines.get(name) ?? [], arch);
  }

  /** The exports of a name that concern an architecture; undefined as `linesForArch`. */
  forArch(name: string, arch: Arch): readonly ExportLine[] | undefined {
    return linesForArch(this.#lines.get(name) ?? [], arch);
  }
}

/**
 * The lines that concern an architecture, of all that give a name. Undefined where assembly takes part, or its own code
 * beside that of others, for which it may stand in.
 */
export function linesForArch(lines: readonly ExportLine[], arch: Arch): readonly ExportLine[] | undefined {
  const mine = ofNoOtherArch(lines, arch);
  const own = mine.filter(({ path }) => isOf(path, arch));
  if (mine.some(({ path }) => !path.endsWith('.c'))) return undefined;
  return own.length === 0 || own.length === mine.length ? mine : undefined;
}

function ofNoOtherArch(lines: readonly ExportLine[], arch: Arch): readonly ExportLine[] {
  return lines.filter(({ path }) => archOf(path) === undefined || isOf(path, arch));
}

export function archOf(path: string): Arch | undefined {
  return /^arch\/([^/]+)\//.exec(path)?.[1];
}

/** User mode builds some of x86. */
export function isOf(path: string, arch: Arch): boolean {
  const of = archOf(path);
  return of !== undefined && (of === arch || (arch === 'um' && of === 'x86'));
}

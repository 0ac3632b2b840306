/**
 * What a name stands for in a whole tree: its real definitions, its stubs, where it is only declared, and
 * whether modules may call it. Files are found by a search for the word, and only those are parsed.
 */

import type { Arch, Tree } from '../types.ts';
import type { Condition } from './c-condition.ts';
import type { Constant } from './c-constant.ts';
import { trivialMacro, trivialResult } from './c-constant.ts';
import type { CExport, CFailure, CFile } from './c-file.ts';
import { armAt, whenAt } from './c-file.ts';
import type { CFileCache } from './c-file-cache.ts';
import type { WordStore } from './header-reach.ts';

export interface Definition {
  readonly path: string;
  readonly line: number;
  /**
   * `real`: a function that does something, or the only one there is. `stub`: it gives back a constant, and
   * another branch or file declares or defines the real one. `declared`: a prototype. `macro`: with
   * parameters, standing for what it `wraps`.
   */
  readonly kind: 'real' | 'stub' | 'declared' | 'macro';
  /** When the line is compiled, if its file is. */
  readonly when: Condition;
  /** As written; empty for macros. */
  readonly type: string;
  /** Seen in its own file only; in a header, wherever it is included. */
  readonly static?: true;
  readonly weak?: true;
  /** What it gives back whatever it is given. */
  readonly result?: Constant;
  /** Functions that the macro's text calls. */
  readonly wraps?: readonly string[];
  /** For files below `arch/`. */
  readonly arch?: Arch;
}

export interface Export extends CExport {
  readonly path: string;
  readonly when: Condition;
}

export interface Definitions {
  readonly name: string;
  /** Sorted by path and line. */
  readonly definitions: readonly Definition[];
  readonly exports: readonly Export[];
  /** Files with a line that may define a variable of that name for others, sorted. */
  readonly variables: readonly string[];
  /** Files of assembly that mention the name. */
  readonly assembly: readonly string[];
  /** Files that could not be read: what they say is not in here. */
  readonly failures: readonly { readonly path: string; readonly why: CFailure }[];
  /** The search found more than it may return. */
  readonly isCut: boolean;
}

/** Lines that one search may find. The most frequent function of Linux 6.12, kfree, has 35 000. */
const MAX_LINES = 100_000;
/** Files parsed for one question. */
const MAX_FILES = 400;

/** One tree, with the files of all trees. */
export class CTree {
  readonly tree: Tree;
  readonly #files: CFileCache;

  constructor(tree: Tree, files: CFileCache) {
    this.tree = tree;
    this.#files = files;
  }

  /** Words of the files of all trees. */
  get words(): WordStore {
    return this.#files.words;
  }

  /** A file as it is in this tree; undefined where there is none of that name. */
  async file(path: string): Promise<{ ok: true; file: CFile } | { ok: false; why: CFailure } | undefined> {
    const blob = await this.tree.blob(path);
    if (blob === undefined) return undefined;
    return await this.#files.file(blob, async () => (await this.tree.read([path])).get(path) ?? '');
  }

  /** What each of the names stands for. One search of the tree for all of them. */
  async definitions(names: readonly string[]): Promise<ReadonlyMap<string, Definitions>> {
    const found = await this.tree.grep(names, MAX_LINES);
    const isCut = found.length >= MAX_LINES;
    const paths = new Map(names.map((name) => [name, new Set<string>()]));
    const assembly = found.filter(({ path }) => path.endsWith('.S') && isKernelSource(path));
    const mentionedIn = (name: string): string[] => [
      ...new Set(assembly.flatMap(({ path, text }) => (new RegExp(`\\b${name}\\b`).test(codeOf(text)) ? [path] : []))),
    ];
    for (const { path, text } of found) {
      if (!isKernelSource(path) || path.endsWith('.S')) continue;
      for (const name of definedOn(text)) paths.get(name)?.add(path);
    }
    const variablesOf = (name: string): string[] => {
      const line = new RegExp(
        String.raw`^(?!(?:static|extern|typedef|return)\b)[A-Za-z_][^=();,]*\b${name}\b[^(;,]*(?:[=;,]|$)`,
      );
      const isIn = (path: string): boolean => path.endsWith('.c') && isKernelSource(path);
      return [...new Set(found.flatMap(({ path, text }) => (isIn(path) && line.test(text) ? [path] : [])))].sort();
    };
    const answers = new Map<string, Definitions>();
    for (const [name, some] of paths) {
      const of = await this.#definitionsIn(name, [...some], isCut);
      answers.set(name, { ...of, variables: variablesOf(name), assembly: mentionedIn(name) });
    }
    return answers;
  }

  async #definitionsIn(
    name: string,
    paths: readonly string[],
    isCut: boolean,
  ): Promise<Omit<Definitions, 'assembly' | 'variables'>> {
    const found: Found[] = [];
    const exports: Export[] = [];
    const failures: { path: string; why: CFailure }[] = [];
    for (const path of paths.slice(0, MAX_FILES).sort()) {
      const read = await this.file(path);
      if (read === undefined) continue;
      if (!read.ok) failures.push({ path, why: read.why });
      else {
        found.push(...definitionsOf(name, path, read.file));
        exports.push(...exportsOf(name, path, read.file));
      }
    }
    const definitions = found.map((one): Definition => {
      const { hasBody, arm, group, ...definition } = one;
      return isStub(one, found) ? { ...definition, kind: 'stub' } : definition;
    });
    return { name, definitions, exports, failures, isCut: isCut || paths.length > MAX_FILES };
  }
}

interface Found extends Definition {
  readonly hasBody: boolean;
  readonly arm: number;
  readonly group: number;
}

/** A line of assembly without comments, empty where it includes a header. */
function codeOf(text: string): string {
  return /^\s*(?:#\s*include\b|\*)/.test(text) ? '' : text.replace(/\/\/.*|\/\*.*?(?:\*\/|$)/g, '');
}

/** Files that are compiled into the kernel or a module. */
function isKernelSource(path: string): boolean {
  return /\.[chS]$/.test(path) && !/^(?:tools|scripts|Documentation|usr)\//.test(path);
}

/**
 * Names that a line may define, declare or export. It begins at the first column, as definitions in the
 * kernel do (Documentation/process/coding-style.rst), or is a `#define`.
 */
function definedOn(text: string): readonly string[] {
  const macro = /^\s*#\s*define\s+(\w+)/.exec(text);
  if (macro) return [macro[1]!];
  if (/^\s/.test(text)) return [];
  return [...text.matchAll(/\b([A-Za-z_]\w*)\s*(?=[(,)])/g)].map(([, name]) => name!);
}

function definitionsOf(name: string, path: string, file: CFile): readonly Found[] {
  const arch = /^arch\/([^/]+)\//.exec(path)?.[1];
  const place = (line: number): Pick<Found, 'path' | 'line' | 'when' | 'arch' | 'arm' | 'group'> => {
    const arm = armAt(file.regions, line);
    return { path, line, when: whenAt(file, line), ...(arch && { arch }), arm, group: file.arms[arm]!.group };
  };
  const named = <T extends { readonly name: string }>(list: readonly T[]): readonly T[] =>
    list.filter((one) => one.name === name);
  const functions = named(file.functions).map((one): Found => {
    const result = trivialResult(one);
    const { line, type } = one;
    return {
      ...place(line),
      kind: 'real',
      type,
      ...(one.static && { static: true }),
      ...(one.weak && { weak: true }),
      ...(result && { result }),
      hasBody: true,
    };
  });
  const declarations = named(file.declarations).map(({ line, type, static: isStatic }): Found => {
    return { ...place(line), kind: 'declared', type, ...(isStatic && { static: true }), hasBody: false };
  });
  const macros = named(file.macros).flatMap((macro): Found[] => {
    const result = trivialMacro(macro);
    const wraps = callsInMacro(macro.body, macro.params);
    // `#define f f` says that there is one
    if (macro.body === name || (macro.params === undefined && wraps.length === 0)) return [];
    return [{ ...place(macro.line), kind: 'macro', type: '', ...(result ? { result } : { wraps }), hasBody: true }];
  });
  return [...functions, ...declarations, ...macros].sort((a, b) => a.line - b.line);
}

/** Functions that a macro's text calls, or the one that it is another name of. */
export function callsInMacro(body: string, params: readonly string[] | undefined): readonly string[] {
  const other = params === undefined ? /^\(*([A-Za-z_]\w*)\)*$/.exec(body)?.[1] : undefined;
  if (other !== undefined) return [other];
  const code = body.replace(/"(?:\\.|[^"\\])*"/g, '""');
  const names = [...code.matchAll(/\b([A-Za-z_]\w*)\s*\(/g)].map(([, name]) => name!);
  return [...new Set(names)].filter((name) => !KEYWORDS.has(name) && !params?.includes(name));
}

const KEYWORDS = new Set(['if', 'while', 'for', 'switch', 'return', 'sizeof', 'typeof', '__typeof__', 'do', 'defined']);

function exportsOf(name: string, path: string, file: CFile): readonly Export[] {
  const ofFile = file.macros.find((macro) => macro.name === 'DEFAULT_SYMBOL_NAMESPACE')?.body.replaceAll('"', '');
  return file.exports
    .filter((one) => one.name === name)
    .map((one) => ({
      ...one,
      ...(one.namespace === undefined && ofFile !== undefined && { namespace: ofFile }),
      path,
      when: whenAt(file, one.line),
    }));
}

/**
 * A constant result is a stub's where something else of that name is the real one: a prototype or a function
 * in another branch of the same `#if`, or a function with more to it elsewhere.
 */
function isStub(one: Found, all: readonly Found[]): boolean {
  if (!one.result) return false;
  return all.some((other) => {
    if (other === one || (other.hasBody && other.result)) return false;
    // functions of the same name in two files may have nothing to do with each other
    if (other.path !== one.path && (isPrivate(one) || isPrivate(other))) return false;
    const isOtherBranch =
      other.path === one.path && other.arm !== one.arm && other.group === one.group && other.group !== 0;
    return isOtherBranch || (other.hasBody && (other.path !== one.path || other.arm !== one.arm));
  });
}

function isPrivate({ static: isStatic, path }: Found): boolean {
  return isStatic === true && path.endsWith('.c');
}

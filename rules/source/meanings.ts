/**
 * What a name that a C file calls can stand for, by what the file itself, the headers it includes and the files of
 * the series say: a function whose text is known, a constant (stubs, and macros in their place), or a prototype.
 * Which of them is in force is a matter of the configuration.
 */

import type { Tree } from '../types.ts';
import type { Condition } from './c-condition.ts';
import { all } from './c-condition.ts';
import type { Constant } from './c-constant.ts';
import { trivialMacro, trivialResult } from './c-constant.ts';
import type { CTree } from './c-definitions.ts';
import type { CFile } from './c-file.ts';
import { whenAt } from './c-file.ts';
import { parseExpression } from './c-if-line.ts';
import type { MacroLine } from './c-preprocess.ts';
import type { FunctionDef } from './control-flow.ts';
import type { HeaderReach, Reached } from './header-reach.ts';

export interface Meaning {
  /** `alias`: a macro that stands for a call of another function with the same arguments; `wrapper`: with others. */
  readonly kind: 'constant' | 'code' | 'alias' | 'wrapper' | 'declared' | 'unclear';
  readonly path: string;
  readonly line: number;
  /** When it is compiled in a file that includes it. */
  readonly when: Condition;
  readonly constant?: Constant;
  readonly def?: FunctionDef;
  /** What an alias or a wrapper calls. */
  readonly alias?: string;
  /** Of a macro that is no constant. */
  readonly macro?: MacroLine;
}

const OPAQUE: Condition = { opaque: 'more headers than are read' };
/** Where an architecture has a header of that name, it is not the generic one that is included. */
const GENERIC: Condition = { opaque: 'a header that architectures replace' };
/** Headers parsed for one name, and those whose text is looked at for it. */
const MOST_HEADERS = 8;
const MOST_TEXTS = 60;

/** One file as the compiler sees it. */
export class Unit {
  readonly path: string;
  readonly file: CFile;
  readonly #tree: CTree;
  readonly #headers: readonly Reached[];
  readonly #meanings = new Map<string, Promise<readonly Meaning[]>>();

  private constructor(tree: CTree, path: string, file: CFile, headers: readonly Reached[]) {
    this.#tree = tree;
    this.path = path;
    this.file = file;
    this.#headers = headers;
  }

  /** Undefined where the tree has no such file, or it or what it includes cannot be read. */
  static async open(tree: CTree, path: string, reach: HeaderReach): Promise<Unit | undefined> {
    const read = await tree.file(path);
    const reached = read?.ok ? await reach.of(path) : undefined;
    return read?.ok && reached ? new Unit(tree, path, read.file, reached.slice(1)) : undefined;
  }

  /** Empty where nothing within reach defines or declares the name. */
  meanings(name: string): Promise<readonly Meaning[]> {
    const known = this.#meanings.get(name) ?? this.#find(name);
    this.#meanings.set(name, known);
    return known;
  }

  async #find(name: string): Promise<readonly Meaning[]> {
    const found = meaningsIn(name, this.path, this.file);
    const headers = this.#headers.filter(({ words }) => words.heads.has(name));
    const paths = headers.length > MOST_TEXTS ? headers : await defining(this.#tree.tree, name, headers);
    if (paths.length > MOST_HEADERS) return [...found, { kind: 'unclear', path: this.path, line: 1, when: OPAQUE }];
    for (const { path, when } of paths) {
      const read = await this.#tree.file(path);
      const here = path.startsWith('include/asm-generic/') ? all(when, GENERIC) : when;
      if (!read?.ok) found.push({ kind: 'unclear', path, line: 1, when: all(here, OPAQUE) });
      else for (const one of meaningsIn(name, path, read.file)) found.push({ ...one, when: all(here, one.when) });
    }
    return found;
  }
}

/**
 * The headers to parse. Most names are declared once and defined elsewhere: of these nothing is to be learned, and
 * they are left out without being parsed.
 */
async function defining(tree: Tree, name: string, headers: readonly Reached[]): Promise<readonly Reached[]> {
  if (headers.length === 0) return [];
  const texts = await tree.read(headers.map(({ path }) => path));
  const named = new RegExp(`^(?:[ \\t]*#[ \\t]*define[ \\t]+${name}\\b|(?:[A-Za-z_].*)?\\b${name}[ \\t]*\\().*$`, 'gm');
  let lines = 0;
  let hasBody = false;
  const own: Reached[] = [];
  for (const header of headers) {
    const found = texts.get(header.path)?.match(named) ?? [];
    if (found.length === 0) continue;
    own.push(header);
    lines += found.length;
    hasBody ||= found.some((line) => /^\s*#|\binline\b/.test(line) || !/;\s*$/.test(line));
  }
  return lines > 1 || hasBody ? own : [];
}

function meaningsIn(name: string, path: string, file: CFile): Meaning[] {
  const at = (line: number): Pick<Meaning, 'path' | 'line' | 'when'> => ({ path, line, when: whenAt(file, line) });
  const functions = file.functions
    .filter((one) => one.name === name)
    .map((one): Meaning => {
      const constant = one.weak ? undefined : trivialResult(one);
      const def = { path, file, function: one };
      return constant ? { kind: 'constant', ...at(one.line), constant, def } : { kind: 'code', ...at(one.line), def };
    });
  const macros = file.macros
    .filter((one) => one.name === name && one.body !== name)
    .map((one): Meaning => {
      const constant = trivialMacro(one);
      if (constant) return { kind: 'constant', ...at(one.line), constant };
      const called = calledBy(one);
      return { ...at(one.line), macro: one, ...(called ?? { kind: 'unclear' }) };
    });
  const declarations = file.declarations
    .filter((one) => one.name === name)
    .map((one): Meaning => ({ kind: 'declared', ...at(one.line) }));
  return [...functions, ...macros, ...declarations].sort((a, b) => a.line - b.line);
}

/** `#define f(a, b) g(a, b)`, `#define f g`, and `#define f(a) g(a, 1)`. */
function calledBy({ body, params }: MacroLine): { kind: 'alias' | 'wrapper'; alias: string } | undefined {
  const e = parseExpression(body);
  if (params === undefined) return e?.k === 'name' ? { kind: 'alias', alias: e.name } : undefined;
  if (e?.k !== 'call' || e.callee.k !== 'name') return undefined;
  const args = e.args.map((arg) => (arg.k === 'name' ? arg.name : ''));
  return { kind: args.join() === params.join() ? 'alias' : 'wrapper', alias: e.callee.name };
}

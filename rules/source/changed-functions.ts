/**
 * Functions of the C files that a series changes, each with what it was before: the same name in the same file, or,
 * for code that moved, in the one changed file that has lost it.
 */

import type { KernelChange } from '../rule.ts';
import type { Side } from '../types.ts';
import { conditionText } from './c-condition.ts';
import { whenAt } from './c-file.ts';
import type { FunctionDef } from './control-flow.ts';

export interface ChangedFunction {
  readonly after: FunctionDef;
  /** Undefined where the series adds it. */
  readonly before: FunctionDef | undefined;
}

/** C files that one series has read; of more nothing is said. */
const MOST_FILES = 60;

export class ChangedCode {
  /** Functions of changed files after the series, in the order of paths and lines. */
  readonly functions: readonly ChangedFunction[];
  /** Changed files that were not read: too many, or no C that can be read. */
  readonly unread: readonly string[];
  /** Changed files, as they are called on each side. */
  readonly files: Readonly<Record<Side, readonly string[]>>;
  readonly #shared: ReadonlyMap<string, readonly FunctionDef[]>;

  private constructor(
    functions: readonly ChangedFunction[],
    files: Readonly<Record<Side, readonly string[]>>,
    unread: readonly string[],
  ) {
    this.functions = functions;
    this.files = files;
    this.unread = unread;
    const seen = functions.map(({ after }) => after).filter((one) => !one.function.static && one.path.endsWith('.c'));
    this.#shared = Map.groupBy(seen, (one) => one.function.name);
  }

  static async of(change: KernelChange): Promise<ChangedCode> {
    const unread: string[] = [];
    const paths = change.changedPaths.filter(({ path, status }) => status !== 'deleted' && isKernelC(path));
    const read = async (side: Side, path: string): Promise<readonly FunctionDef[]> => {
      const outcome = await change[side].c.file(path);
      if (outcome?.ok === false) unread.push(path);
      return outcome?.ok ? definedIn(path, outcome.file) : [];
    };
    const before = new Map<string, readonly FunctionDef[]>();
    for (const { path, oldPath } of change.changedPaths.slice(0, MOST_FILES)) {
      const old = oldPath ?? path;
      if (isKernelC(old)) before.set(old, await read('before', old));
    }
    const functions: ChangedFunction[] = [];
    const after = new Map<string, readonly FunctionDef[]>();
    for (const { path } of paths.slice(0, MOST_FILES)) after.set(path, await read('after', path));
    unread.push(...paths.slice(MOST_FILES).map(({ path }) => path));
    for (const { path, oldPath } of paths.slice(0, MOST_FILES)) {
      const own = before.get(oldPath ?? path) ?? [];
      for (const one of after.get(path)!)
        functions.push({ after: one, before: partner(one, own) ?? moved(one, before, after) });
    }
    return new ChangedCode(functions, { before: [...before.keys()], after: [...after.keys()] }, unread);
  }

  /** The function of that name that files can share; undefined where there is not exactly one. */
  shared(name: string): FunctionDef | undefined {
    const found = this.#shared.get(name) ?? [];
    return found.length === 1 ? found[0] : undefined;
  }
}

/** Whether the series leaves the function's text as it is, where it stands or somewhere else. */
export function isSame({ before, after }: ChangedFunction): boolean {
  return before !== undefined && bodyOf(before) === bodyOf(after);
}

const bodies = new WeakMap<FunctionDef['function'], string>();

/** Its statements without their lines. */
function bodyOf({ function: one }: FunctionDef): string {
  let text = bodies.get(one);
  if (text === undefined)
    bodies.set(
      one,
      (text = JSON.stringify([one.body, one.otherBody], (key, value) => (key === 'line' ? undefined : value))),
    );
  return text;
}

function isKernelC(path: string): boolean {
  return /\.[ch]$/.test(path) && !/^(?:tools|scripts|Documentation|usr|samples)\//.test(path);
}

function definedIn(
  path: string,
  file: FunctionDef['file'] & { readonly functions: readonly FunctionDef['function'][] },
): FunctionDef[] {
  return file.functions.map((one) => ({ path, file, function: one }));
}

/** Of several under that name the one with the same condition. */
function partner(after: FunctionDef, before: readonly FunctionDef[]): FunctionDef | undefined {
  const named = before.filter((one) => one.function.name === after.function.name);
  if (named.length < 2) return named[0];
  const when = definitionCondition(after);
  return named.find((one) => definitionCondition(one) === when);
}

const definitionCondition = ({ file, function: { line } }: FunctionDef): string => conditionText(whenAt(file, line));

/** Where it stood before, in a file that has it no more. */
function moved(
  { path, function: { name } }: FunctionDef,
  before: ReadonlyMap<string, readonly FunctionDef[]>,
  after: ReadonlyMap<string, readonly FunctionDef[]>,
): FunctionDef | undefined {
  const places = [...before].flatMap(([from, functions]) => {
    if (from === path || after.get(from)?.some((one) => one.function.name === name)) return [];
    return functions.filter((one) => one.function.name === name);
  });
  return places.length === 1 ? places[0] : undefined;
}

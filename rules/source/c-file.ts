/**
 * What a C file says, read once: functions with their bodies, declarations, initialisers, macros, exports,
 * and under which condition each line is compiled. JSON-safe, and a matter of the file's text alone, so that
 * it can be kept by blob id. Everything else (calls, entry points, definitions) is derived from it.
 */

import type { Outcome } from '../types.ts';
import type { Expr, Stmt } from './c-ast.ts';
import { statementsOf } from './c-body.ts';
import type { Condition } from './c-condition.ts';
import type { Arm, Region, Span } from './c-conditionals.ts';
import { readDeclarations } from './c-declarations.ts';
import type { SourceText } from './c-expr.ts';
import { maskForGrammar } from './c-mask.ts';
import type { MacroLine } from './c-preprocess.ts';
import { preprocess } from './c-preprocess.ts';
import { lostFunctions } from './c-recover.ts';
import type { ParseSyntax, SyntaxFailure } from './c-syntax.ts';

/** Changes with the shape or the meaning of CFile: what was kept by another version is of no use. */
export const C_FILE_VERSION = 5;

export interface CFile {
  readonly version: typeof C_FILE_VERSION;
  /** `#if` branches; 0 is the whole file. */
  readonly arms: readonly Arm[];
  /** Which branch the lines are in; ascending by line. */
  readonly regions: readonly Region[];
  /** In the order of the text. The same name stands several times where branches define it anew. */
  readonly functions: readonly CFunction[];
  readonly declarations: readonly CDeclaration[];
  /** Variables of the file with an initialiser, without the constants in it. */
  readonly variables: readonly CVariable[];
  /** Macros called outside of functions: `module_init(f);`, `DEVICE_ATTR_RW(x);`. */
  readonly invocations: readonly CInvocation[];
  readonly macros: readonly MacroLine[];
  /** Enumerators whose value is a matter of the configuration. */
  readonly enumerators: readonly CEnumerator[];
  readonly exports: readonly CExport[];
}

export interface CFunction {
  readonly name: string;
  /** Line of the name; its branch is the function's condition. */
  readonly line: number;
  readonly endLine: number;
  /** Without attributes, stars at the end: `struct foo*`, `int`, `void`. Empty where a macro makes the function. */
  readonly type: string;
  readonly static?: true;
  readonly inline?: true;
  readonly init?: true;
  readonly weak?: true;
  /** The macro that makes a function of it: `SYSCALL_DEFINE3`. */
  readonly definer?: string;
  readonly params: readonly string[];
  readonly body: readonly Stmt[];
  /**
   * Not all of its text is in `body`, or not as it is compiled: some could not be parsed, some stands in a branch
   * that could not be read beside another, or a statement is compiled without the one around it. Nothing can be
   * concluded from what `body` does not do.
   */
  readonly unread?: true;
  /** The body with the other branches, where `body` could have one only. */
  readonly otherBody?: readonly Stmt[];
}

export interface CDeclaration {
  readonly name: string;
  readonly line: number;
  readonly type: string;
  readonly static?: true;
  /** It may be nowhere. */
  readonly weak?: true;
}

export interface CEnumerator {
  readonly name: string;
  readonly line: number;
  /** As written. */
  readonly body: string;
}

export interface CVariable {
  readonly name: string;
  readonly line: number;
  /** `struct file_operations`, `const struct x []`. */
  readonly type: string;
  readonly static?: true;
  readonly init: Expr;
}

export interface CInvocation {
  readonly macro: string;
  readonly line: number;
  /** Names among the arguments. */
  readonly args: readonly string[];
}

export interface CExport {
  readonly name: string;
  readonly line: number;
  readonly gpl?: true;
  /** Of EXPORT_SYMBOL_NS*, or DEFAULT_SYMBOL_NAMESPACE where the file defines it. */
  readonly namespace?: string;
}

export type CFailure = SyntaxFailure;

/** Reads a file. What cannot be parsed in it is left out and marked; a failure is of the whole file. */
export function parseC(
  syntax: ParseSyntax,
  text: string,
): Outcome<{ readonly file: CFile }, { readonly why: CFailure }> {
  const first = readVariant(syntax, text, 'first');
  if (!first.ok) return first;
  const { file, left } = first;
  if (left.length === 0) return { ok: true, file };
  const second = readVariant(syntax, text, 'last');
  return second.ok ? { ok: true, file: merged(file, second.file, left) } : second;
}

function readVariant(
  syntax: ParseSyntax,
  text: string,
  prefer: 'first' | 'last',
): Outcome<{ readonly file: CFile; readonly left: readonly Span[] }, { readonly why: CFailure }> {
  const { code, arms, regions, macros, left } = preprocess(text, prefer);
  const masked = maskForGrammar(code);
  const parsed = syntax(masked);
  if (!parsed.ok) return parsed;
  const lines = lineStarts(code);
  const source: SourceText = {
    code,
    parsed: masked,
    lineAt: (offset) => lineAt(lines, offset),
    statements: (node) => statementsOf(source, node),
  };
  const { parts, bodies } = readDeclarations(source, parsed.root, { arms, regions });
  const enumerators = enumeratorsIn(source);
  const file: CFile = { version: C_FILE_VERSION, arms, regions, macros, enumerators, ...parts };
  const lost: CFunction[] = [];
  for (const { text: whole, headOnly } of lostFunctions(masked, bodies)) {
    const read = (part: string): readonly CFunction[] => {
      const again = syntax(part);
      return again.ok
        ? readDeclarations({ ...source, parsed: part }, again.root, { arms, regions }).parts.functions
        : [];
    };
    const functions = read(whole);
    lost.push(...(functions.length > 0 ? functions : read(headOnly).map((one) => ({ ...one, unread: true as const }))));
  }
  return { ok: true, left, file: lost.length === 0 ? file : { ...file, functions: withLost(file.functions, lost) } };
}

function enumeratorsIn({ code, lineAt: lineOf }: SourceText): CEnumerator[] {
  if (!/\benum\b/.test(code)) return [];
  return [...code.matchAll(/\benum\b[^;{}()]*\{([^{}]*)\}/g)].flatMap(({ index, 0: whole, 1: list = '' }) => {
    const from = index + whole.indexOf('{') + 1;
    return [...list.matchAll(/(\w+)\s*=\s*([^,]*\bCONFIG_[^,]*)/g)].map((match) => ({
      name: match[1]!,
      line: lineOf(from + match.index),
      body: match[2]!.trim(),
    }));
  });
}

/** Functions in order; one that had swallowed others ends before the first of them. */
function withLost(found: readonly CFunction[], lost: readonly CFunction[]): readonly CFunction[] {
  const all = [...found, ...lost].sort((a, b) => a.line - b.line);
  return all.map((one, i): CFunction => {
    const next = all[i + 1];
    return next && one.endLine >= next.line ? { ...one, endLine: next.line - 1, unread: true } : one;
  });
}

/** The first reading, with what only the second one could see. */
function merged(first: CFile, second: CFile, left: readonly Span[]): CFile {
  const isLeft = (line: number): boolean => left.some(([from, to]) => line > from && line <= to);
  const only = <T extends { readonly line: number }>(list: readonly T[]): readonly T[] =>
    list.filter(({ line }) => isLeft(line));
  const byLine = <T extends { readonly line: number }>(...lists: (readonly T[])[]): readonly T[] =>
    lists.flat().sort((a, b) => a.line - b.line);
  const functions = first.functions.map((one): CFunction => {
    if (!left.some(([from, to]) => from < one.endLine && to >= one.line)) return one;
    const others = second.functions.filter(({ name, line }) => name === one.name && line === one.line);
    const otherBody = others.flatMap(({ body }) => body);
    return otherBody.length > 0 ? { ...one, unread: true, otherBody } : { ...one, unread: true };
  });
  return {
    ...first,
    functions: byLine(functions, only(second.functions)),
    declarations: byLine(first.declarations, only(second.declarations)),
    variables: byLine(first.variables, only(second.variables)),
    invocations: byLine(first.invocations, only(second.invocations)),
    exports: byLine(first.exports, only(second.exports)),
    enumerators: byLine(first.enumerators, only(second.enumerators)),
  };
}

/** The branch that a line is in. */
export function armAt(regions: readonly Region[], line: number): number {
  return regions[regionAt(regions, line)]?.[1] ?? 0;
}

/** Whether an arm is another one, or lies in it. */
export function isInArm(arms: CFile['arms'], arm: number, outer: number): boolean {
  for (let at = arm; at >= outer; at = arms[at]!.parent) {
    if (at === outer) return true;
    if (at === 0) return false;
  }
  return false;
}

/** Index of the region that a line is in. */
export function regionAt(regions: readonly Region[], line: number): number {
  let [low, high] = [0, regions.length];
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (regions[middle]![0] <= line) low = middle;
    else high = middle;
  }
  return low;
}

/** When a line is compiled, if its file is. */
export function whenAt({ arms, regions }: Pick<CFile, 'arms' | 'regions'>, line: number): Condition {
  return arms[armAt(regions, line)]?.when ?? true;
}

/** Offsets of the lines' first characters. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** 1-based line of an offset. */
export function lineAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}

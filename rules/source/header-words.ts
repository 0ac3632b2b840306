/**
 * The words of a header, by the condition under which they stand, from its text alone: what no header in reach of a
 * file says outside of a condition cannot be declared where that condition fails. Words count whatever they are, so
 * that nothing is taken for undeclared that some macro or typedef may declare.
 */

import type { Condition } from './c-condition.ts';
import { any, isConfigured } from './c-condition.ts';
import { armAt, lineAt, lineStarts, whenAt } from './c-file.ts';
import type { MacroLine, Preprocessed } from './c-preprocess.ts';
import { preprocess } from './c-preprocess.ts';

export interface HeaderWords {
  /** It is not read: it is a long table of numbers. */
  readonly isTable: boolean;
  readonly includes: readonly Include[];
  /** Words that stand there in every configuration, as far as the configuration decides. */
  readonly always: ReadonlySet<string>;
  /** When the others do. */
  readonly sometimes: ReadonlyMap<string, Condition>;
  /** Line of a prototype, function or macro that stands under a condition. */
  readonly declares: ReadonlyMap<string, Declared>;
  /** Names that a line may define or declare as functions or macros, under whatever condition. */
  readonly heads: ReadonlySet<string>;
  /** Variables that a line declares as those of another file. */
  readonly externs: ReadonlySet<string>;
  readonly structs: ReadonlyMap<string, readonly StructBody[]>;
  /** Arguments of macros called outside of functions, as written: they may become parts of names. */
  readonly pasted: ReadonlySet<string>;
  /** Words that macros with parameters hand on to other macros, which may make them parts of names. */
  readonly handed: ReadonlySet<string>;
  /** Names that macros put together with `##`, each parameter as ANY_PART. */
  readonly templates: ReadonlySet<string>;
}

export interface Include {
  /** With its brackets or quotes. */
  readonly name: string;
  readonly line: number;
  readonly when: Condition;
}

export interface Declared {
  readonly line: number;
  readonly kind: 'function' | 'macro';
}

/** `struct tag { ... }`, of which members are read when they are asked for. */
export interface StructBody {
  readonly line: number;
  readonly when: Condition;
  /** Undefined where its text could not be read as a whole. */
  readonly members: (() => ReadonlyMap<string, Member>) | undefined;
}

/** A word of a structure's body: a member's name, or something that is none. */
export interface Member {
  readonly line: number;
  readonly when: Condition;
  /** `tag` of `struct tag *name`. */
  readonly tag?: string;
}

/** Characters of a header beyond which it is a table of registers. */
const MOST_CHARS = 400_000;
const WORD = /[A-Za-z_]\w*/g;
/** One variable in a line, without parentheses: attributes that have some are not read. */
const EXTERN = /^extern\s[^=();,]*?\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*(?:\s__\w+)*;/;
/** `extern struct foo { ... } name;` */
const EXTERN_STRUCT = /^extern\s[^;(){}]*\{[^{}]*\}\s*(\w+)\s*;/gm;

/** Reads a header, or with `isSource` a C file, for what it includes and declares itself. */
export function readWords(text: string, isSource = false): HeaderWords {
  const isTable = !isSource && text.length > MOST_CHARS;
  const raw = isTable ? '' : text;
  const first = preprocess(raw);
  const readings = first.left.length > 0 ? [first, preprocess(raw, 'last')] : [first];
  const always = new Set<string>();
  const arms = new Map<string, Set<number>>();
  const declares = new Map<string, Declared>();
  const heads = new Set<string>();
  const externs = new Set<string>();
  const structs = new Map<string, StructBody[]>();
  const pasted = new Set<string>();
  const handed = new Set<string>();
  const templates = new Set<string>();
  for (const reading of readings) {
    for (const macro of reading.macros) {
      for (const word of handedBy(macro)) handed.add(word);
      for (const template of templatesOf(macro)) templates.add(template);
    }
    const lines = withoutStrings(reading.code).split('\n');
    for (const [i, line] of lines.entries()) {
      if (line.trim() === '') continue;
      const arm = armAt(reading.regions, i + 1);
      const isAlways = !isConfigured(reading.arms[arm]!.when);
      for (const [word] of line.matchAll(WORD)) {
        if (isAlways) always.add(word);
        else addTo(arms, word, arm);
      }
      for (const name of headOf(line, lines[i - 1] ?? '')) {
        heads.add(name);
        if (!isAlways) declares.set(name, { line: i + 1, kind: 'function' });
      }
      const variable = EXTERN.exec(line)?.[1];
      if (variable !== undefined) externs.add(variable);
      for (const word of argumentsOf(line)) pasted.add(word);
    }
    for (const [, name] of reading.code.matchAll(EXTERN_STRUCT)) externs.add(name!);
    for (const [tag, body] of structsOf(reading)) {
      const known = structs.get(tag);
      if (known) known.push(body);
      else structs.set(tag, [body]);
    }
  }
  const includes: Include[] = [];
  for (const [i, line] of raw.split('\n').entries()) {
    if (!/^[ \t]*#/.test(line)) continue;
    const include = /^[ \t]*#[ \t]*include[ \t]*([<"][^>"]+[>"])/.exec(line)?.[1];
    if (include) includes.push({ name: include, line: i + 1, when: whenAt(first, i + 1) });
    const macro = /^[ \t]*#[ \t]*define[ \t]+(\w+)/.exec(line)?.[1];
    if (macro === undefined) continue;
    heads.add(macro);
    const arm = armAt(first.regions, i + 1);
    if (!isConfigured(first.arms[arm]!.when)) always.add(macro);
    else {
      addTo(arms, macro, arm);
      if (!declares.has(macro)) declares.set(macro, { line: i + 1, kind: 'macro' });
    }
  }
  const sometimes = new Map<string, Condition>();
  for (const [word, some] of arms)
    if (!always.has(word)) sometimes.set(word, any(...[...some].map((arm) => first.arms[arm]!.when)));
  for (const name of declares.keys()) if (always.has(name)) declares.delete(name);
  return { isTable, includes, always, sometimes, declares, heads, externs, structs, pasted, handed, templates };
}

function addTo(arms: Map<string, Set<number>>, word: string, arm: number): void {
  const known = arms.get(word);
  if (known) known.add(arm);
  else arms.set(word, new Set([arm]));
}

export function withoutStrings(code: string): string {
  return code.replace(/"(?:\\.|[^"\\\n])*"/g, (match) => ' '.repeat(match.length));
}

/** Names that a line at the first column may declare or define as functions: a type stands before them, or above. */
export function headOf(line: string, above: string): string[] {
  const split = /^[A-Za-z_][^;{}=,#\\]*$/.test(above) ? /^[\s*]*([A-Za-z_]\w*)\s*\(/.exec(line)?.[1] : undefined;
  if (!/^[A-Za-z_]/.test(line)) return split === undefined ? [] : [split];
  const found = [...line.matchAll(/(?<=[\s*])([A-Za-z_]\w*)\s*\(/g)].map(([, name]) => name!);
  return split === undefined ? found : [split, ...found];
}

function handedBy({ params, body }: MacroLine): readonly string[] {
  if (params === undefined) return [];
  const words = [...body.matchAll(/(?<=[(,])\s*(\w+)\s*(?=[,)])/g)].map(([, word]) => word!);
  return words.filter((word) => !params.includes(word));
}

/** In a template, what a macro is given. */
export const ANY_PART = '*';

function templatesOf({ params, body }: MacroLine): readonly string[] {
  if (params === undefined) return [];
  const names = body.match(/\w+(?:\s*##\s*\w+)+/g) ?? [];
  return names
    .map((name) => name.split(/\s*##\s*/).map((part) => (params.includes(part) ? ANY_PART : part)))
    .flatMap((parts) => (parts.includes(ANY_PART) ? [parts.join('')] : []));
}

/** A part of a name that `##` may have put together. */
const LEAST_PASTED = 4;

/** Whether `##`, which keeps the case of its parts, may have put a name together of an argument. */
export function isMadeOf(pasted: ReadonlySet<string>, name: string): boolean {
  for (const part of pasted) if (part.length >= LEAST_PASTED && part !== name && name.includes(part)) return true;
  return false;
}

function argumentsOf(line: string): string[] {
  const inside = /^(?:static\s+|extern\s+)?[A-Za-z_]\w*\(([^;{]*)/.exec(line)?.[1];
  return inside?.match(WORD) ?? [];
}

function* structsOf(reading: Preprocessed): Generator<[string, StructBody]> {
  const { code, left } = reading;
  const starts = lineStarts(code);
  for (const match of code.matchAll(/\b(?:struct|union)\s+(?:__\w+\s+)*(\w+)\s*(?:__\w+(?:\([^)]*\))?\s*)*\{/g)) {
    const open = match.index + match[0].length;
    const close = closing(code, open);
    const line = lineAt(starts, match.index);
    const end = lineAt(starts, close ?? open);
    const isWhole = close !== undefined && !left.some(([from, to]) => from < end && to > line);
    let read: ReadonlyMap<string, Member> | undefined;
    const members = (): ReadonlyMap<string, Member> =>
      (read ??= membersOf(reading, code.slice(open, close), lineAt(starts, open)));
    yield [match[1]!, { line, when: whenAt(reading, line), members: isWhole ? members : undefined }];
  }
}

function membersOf(reading: Preprocessed, body: string, from: number): Map<string, Member> {
  const members = new Map<string, Member>();
  for (const [i, line] of body.split('\n').entries()) {
    const when = whenAt(reading, from + i);
    for (const [word] of line.matchAll(WORD)) {
      const known = members.get(word);
      members.set(word, known ? { ...known, when: any(known.when, when) } : { line: from + i, when });
    }
    const typed = /\b(?:struct|union)\s+(\w+)\s*\**\s*(\w+)\s*(?:\[[^\]]*\]\s*)*;/.exec(line);
    if (typed) members.set(typed[2]!, { ...members.get(typed[2]!)!, tag: typed[1]! });
  }
  return members;
}

/** Index of the brace that closes the one before `from`. */
export function closing(code: string, from: number): number | undefined {
  let depth = 1;
  for (let i = from; i < code.length; i++) {
    const c = code[i];
    if (c === '{') depth += 1;
    else if (c === '}' && --depth === 0) return i;
  }
  return undefined;
}

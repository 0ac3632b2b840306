/**
 * Text of a makefile with its references: `a.o $(b) $(subst m,y,$(CONFIG_X))` as a list of parts. The grammar is
 * that of GNU make ("Basics of Variable References", "Function Call Syntax").
 */

import { KbuildError } from './error.ts';

/** Where a text stands. */
export interface Place {
  readonly path: string;
  /** 1-based. */
  readonly line: number;
}

export type Part =
  | { readonly kind: 'text'; readonly text: string; readonly at: Place }
  /** `$(name)`. */
  | { readonly kind: 'variable'; readonly name: readonly Part[] }
  /** `$(name:from=to)`. */
  | {
      readonly kind: 'replaced';
      readonly name: readonly Part[];
      readonly from: readonly Part[];
      readonly to: readonly Part[];
    }
  /** `$(function args)`. */
  | {
      readonly kind: 'function';
      readonly name: string;
      readonly args: readonly (readonly Part[])[];
      readonly source: string;
    };

/** Text of one logical line: `starts` are the offsets at which its physical lines begin, the first being 0. */
export interface LogicalText {
  readonly text: string;
  readonly path: string;
  readonly line: number;
  readonly starts: readonly number[];
}

/** Functions of GNU make by the number of arguments; the last one keeps its commas. */
const FUNCTIONS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    subst: 3,
    patsubst: 3,
    strip: 1,
    findstring: 2,
    filter: 2,
    'filter-out': 2,
    sort: 1,
    word: 2,
    wordlist: 3,
    words: 1,
    firstword: 1,
    lastword: 1,
    dir: 1,
    notdir: 1,
    suffix: 1,
    basename: 1,
    addsuffix: 2,
    addprefix: 2,
    join: 2,
    wildcard: 1,
    realpath: 1,
    abspath: 1,
    error: 1,
    warning: 1,
    info: 1,
    shell: 1,
    origin: 1,
    flavor: 1,
    foreach: 3,
    if: 3,
    or: Infinity,
    and: Infinity,
    call: Infinity,
    eval: 1,
    file: 2,
    value: 1,
  }),
);

/** make itself gives up where its stack ends. */
const MAX_NESTING = 60;

/** Parts of a text. Throws KbuildError for a reference that does not end, or is nested too deep. */
export function parseText(logical: LogicalText, start = 0, end = logical.text.length): readonly Part[] {
  return new TextParser(logical).parts(start, end, 0);
}

class TextParser {
  readonly #logical: LogicalText;
  readonly #text: string;

  constructor(logical: LogicalText) {
    this.#logical = logical;
    this.#text = logical.text;
  }

  parts(start: number, end: number, depth: number): Part[] {
    const text = this.#text;
    const parts: Part[] = [];
    let from = start;
    for (let pos = start; pos < end; ) {
      const dollar = text.indexOf('$', pos);
      if (dollar < 0 || dollar >= end) break;
      const next = text[dollar + 1];
      if (next === '$' && dollar + 1 < end) {
        this.#literal(parts, from, dollar);
        parts.push({ kind: 'text', text: '$', at: this.#place(dollar) });
        pos = dollar + 2;
      } else if (next === '(' || next === '{') {
        this.#literal(parts, from, dollar);
        const close = this.#close(dollar + 1, end);
        if (depth >= MAX_NESTING) throw this.#error(dollar, 'references are nested too deep');
        parts.push(this.#reference(dollar + 2, close, depth + 1));
        pos = close + 1;
      } else if (next === undefined || dollar + 1 >= end) {
        break;
      } else {
        this.#literal(parts, from, dollar);
        parts.push({ kind: 'variable', name: [{ kind: 'text', text: next, at: this.#place(dollar) }] });
        pos = dollar + 2;
      }
      from = pos;
    }
    this.#literal(parts, from, end);
    return parts;
  }

  /** A text with each of its physical lines a part. */
  #literal(parts: Part[], start: number, end: number): void {
    const { starts, path, line } = this.#logical;
    let from = start;
    let index = this.#lineIndex(start);
    while (from < end) {
      const to = Math.min(end, starts[index + 1] ?? end);
      parts.push({ kind: 'text', text: this.#text.slice(from, to), at: { path, line: line + index } });
      from = to;
      index++;
    }
  }

  #lineIndex(offset: number): number {
    const { starts } = this.#logical;
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #place(offset: number): Place {
    return { path: this.#logical.path, line: this.#logical.line + this.#lineIndex(offset) };
  }

  #error(offset: number, detail: string): KbuildError {
    const { path, line } = this.#place(offset);
    return new KbuildError(path, line, detail);
  }

  /** Offset of the parenthesis that closes the one at `open`. */
  #close(open: number, end: number): number {
    const [opening, closing] = this.#text[open] === '(' ? ['(', ')'] : ['{', '}'];
    let depth = 0;
    for (let pos = open; pos < end; pos++) {
      const ch = this.#text[pos];
      if (ch === opening) depth++;
      else if (ch === closing && --depth === 0) return pos;
    }
    throw this.#error(open, 'unterminated variable reference');
  }

  #reference(start: number, end: number, depth: number): Part {
    const text = this.#text;
    const word = /[a-z-]+(?=[ \t])/y;
    word.lastIndex = start;
    const name = word.exec(text)?.[0];
    const most = name === undefined ? undefined : FUNCTIONS.get(name);
    if (name !== undefined && most !== undefined && start + name.length < end) {
      let from = start + name.length;
      while (from < end && (text[from] === ' ' || text[from] === '\t')) from++;
      const args = this.#commas(from, end, most).map(([a, b]) => this.parts(a, b, depth));
      return { kind: 'function', name, args, source: text.slice(start - 2, end + 1) };
    }
    const colon = this.#find(':', start, end);
    const equal = colon < 0 ? -1 : this.#find('=', colon, end);
    if (equal < 0) return { kind: 'variable', name: this.parts(start, end, depth) };
    return {
      kind: 'replaced',
      name: this.parts(start, colon, depth),
      from: this.parts(colon + 1, equal, depth),
      to: this.parts(equal + 1, end, depth),
    };
  }

  /** Arguments as offsets: split at commas outside of parentheses, at most `most`. */
  #commas(start: number, end: number, most: number): [number, number][] {
    const args: [number, number][] = [];
    let from = start;
    while (args.length + 1 < most) {
      const comma = this.#find(',', from, end);
      if (comma < 0) break;
      args.push([from, comma]);
      from = comma + 1;
    }
    args.push([from, end]);
    return args;
  }

  /** Offset of `ch` outside of parentheses and braces, or -1. */
  #find(ch: string, start: number, end: number): number {
    let depth = 0;
    for (let pos = start; pos < end; pos++) {
      const c = this.#text[pos];
      if (c === '(' || c === '{') depth++;
      else if (c === ')' || c === '}') depth--;
      else if (depth === 0 && c === ch) return pos;
    }
    return -1;
  }
}

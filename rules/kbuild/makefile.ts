/**
 * A makefile as a list of statements, read once for each blob. Recipes and rules are left out: which objects there
 * are is said by variables alone. The grammar is that of GNU make ("What Makefiles Contain"); texts are parsed when
 * they are first needed.
 */

import { KbuildError } from './error.ts';
import { HOLE_MARK } from './guarded-text.ts';
import { type LogicalText, type Part, type Place, parseText } from './text-parts.ts';

/** A text that is parsed when it is asked for. */
export class LazyText {
  readonly #logical: LogicalText;
  #parts: readonly Part[] | undefined;

  constructor(logical: LogicalText) {
    this.#logical = logical;
  }

  /** Throws KbuildError for a malformed reference. */
  get parts(): readonly Part[] {
    return (this.#parts ??= parseText(this.#logical));
  }

  get source(): string {
    return this.#logical.text;
  }
}

export type AssignOp = '=' | ':=' | '+=' | '?=';

export interface Assign {
  readonly kind: 'assign';
  readonly at: Place;
  readonly name: LazyText;
  readonly op: AssignOp;
  readonly value: LazyText;
  readonly isExported: boolean;
}

export interface Arm {
  readonly at: Place;
  /** Absent for a plain `else`. */
  readonly test?: Test;
  readonly body: Statement[];
}

export type Test =
  | { readonly kind: 'equal'; readonly isNegated: boolean; readonly left: LazyText; readonly right: LazyText }
  | { readonly kind: 'defined'; readonly isNegated: boolean; readonly name: LazyText };

export type Statement =
  | Assign
  | { readonly kind: 'if'; readonly at: Place; readonly arms: Arm[] }
  | { readonly kind: 'include'; readonly at: Place; readonly paths: LazyText }
  | { readonly kind: 'export'; readonly at: Place; readonly names: LazyText }
  | { readonly kind: 'undefine'; readonly at: Place; readonly name: LazyText }
  /** A line that is expanded for what it does, such as `$(eval …)`. */
  | { readonly kind: 'expand'; readonly at: Place; readonly text: LazyText };

export interface Makefile {
  readonly path: string;
  readonly statements: readonly Statement[];
  /** Physical lines, to quote them. */
  readonly lines: readonly string[];
}

/** Levels of `ifdef` in one file. */
const MAX_NESTING = 100;

/**
 * Statements of a makefile's text. Throws KbuildError, with path and line, for what make refuses: conditionals or
 * defines that do not end or begin, and lines that are no statement are read over as rules.
 */
export function parseMakefile(path: string, text: string): Makefile {
  return new MakefileParser(path, text).parse();
}

class MakefileParser {
  readonly #path: string;
  readonly #lines: readonly string[];
  #next = 0;
  /** Whether a line that begins with a tab is a recipe's. */
  #inRule = false;
  /** Open conditionals, innermost last. */
  readonly #open: Extract<Statement, { kind: 'if' }>[] = [];
  readonly #top: Statement[] = [];

  constructor(path: string, text: string) {
    this.#path = path;
    this.#lines = text.replaceAll(HOLE_MARK, '\ufffd').replaceAll('\r\n', '\n').split('\n');
  }

  parse(): Makefile {
    while (this.#next < this.#lines.length) this.#statement();
    const open = this.#open.at(-1);
    if (open) throw new KbuildError(this.#path, open.at.line, 'missing endif');
    return { path: this.#path, statements: this.#top, lines: this.#lines };
  }

  #statement(): void {
    const isRecipe = this.#inRule && this.#lines[this.#next]!.startsWith('\t');
    const logical = this.#logicalLine();
    if (isRecipe) return;
    const { text } = logical;
    const at: Place = { path: this.#path, line: logical.line };
    const word = /^[ \t]*(-?[A-Za-z]+)(?=[ \t(]|$)/.exec(text);
    const body = this.#open.at(-1)?.arms.at(-1)?.body ?? this.#top;
    const assign = assignmentIn(text);
    if (assign) {
      this.#inRule = false;
      body.push(this.#assign(at, logical, assign));
      return;
    }
    const keyword = word?.[1];
    const rest = cut(logical, word?.[0].length ?? 0, text.length);
    switch (keyword) {
      case 'ifdef':
      case 'ifndef':
      case 'ifeq':
      case 'ifneq': {
        if (this.#open.length >= MAX_NESTING)
          throw new KbuildError(this.#path, at.line, 'conditionals are nested too deep');
        const statement: Extract<Statement, { kind: 'if' }> = { kind: 'if', at, arms: [this.#arm(at, keyword, rest)] };
        body.push(statement);
        this.#open.push(statement);
        return;
      }
      case 'else':
        this.#else(at, rest);
        return;
      case 'endif':
        if (!this.#open.pop()) throw new KbuildError(this.#path, at.line, 'extraneous endif');
        return;
      case 'include':
      case '-include':
      case 'sinclude':
        this.#inRule = false;
        body.push({ kind: 'include', at, paths: new LazyText(rest) });
        return;
      case 'define':
        body.push(this.#define(at, rest.text));
        return;
      case 'export':
        body.push({ kind: 'export', at, names: new LazyText(trimmed(rest)) });
        return;
      case 'undefine':
        body.push({ kind: 'undefine', at, name: new LazyText(trimmed(rest)) });
        return;
      case 'unexport':
      case 'vpath':
        return;
    }
    if (text.trim() === '') return;
    if (colonIn(text) >= 0) this.#inRule = true;
    else if (text.includes('$')) body.push({ kind: 'expand', at, text: new LazyText(logical) });
  }

  #else(at: Place, rest: LogicalText): void {
    const open = this.#open.at(-1);
    if (!open) throw new KbuildError(this.#path, at.line, 'extraneous else');
    if (!open.arms.at(-1)!.test) throw new KbuildError(this.#path, at.line, 'only one else per conditional');
    const again = /^[ \t]*(ifdef|ifndef|ifeq|ifneq)(?=[ \t(])/.exec(rest.text);
    if (again) open.arms.push(this.#arm(at, again[1]!, cut(rest, again[0].length, rest.text.length)));
    else open.arms.push({ at, body: [] });
  }

  #arm(at: Place, keyword: string, rest: LogicalText): Arm {
    const isNegated = keyword === 'ifndef' || keyword === 'ifneq';
    if (keyword === 'ifdef' || keyword === 'ifndef')
      return { at, test: { kind: 'defined', isNegated, name: new LazyText(trimmed(rest)) }, body: [] };
    const sides = equalSides(rest);
    if (!sides)
      throw new KbuildError(this.#path, at.line, `invalid syntax in conditional: ${keyword}${rest.text.slice(0, 80)}`);
    const [left, right] = sides;
    return { at, test: { kind: 'equal', isNegated, left: new LazyText(left), right: new LazyText(right) }, body: [] };
  }

  #assign(at: Place, logical: LogicalText, found: FoundAssignment): Assign {
    const isExported = /\bexport\b/.test(logical.text.slice(0, found.nameStart));
    const name = cut(logical, found.nameStart, found.nameEnd);
    let from = found.valueStart;
    while (/[ \t]/.test(logical.text[from] ?? '')) from++;
    const value = cut(logical, from, logical.text.length);
    return { kind: 'assign', at, name: new LazyText(name), op: found.op, value: new LazyText(value), isExported };
  }

  /** The lines up to `endef`, as they are. */
  #define(at: Place, rest: string): Assign {
    const head = rest.trim();
    const operator = /(?:::=|:=|\+=|\?=|=)$/.exec(head.slice(-3))?.[0] ?? '';
    const body: string[] = [];
    for (let depth = 1; ; ) {
      const line = this.#lines[this.#next++];
      if (line === undefined) throw new KbuildError(this.#path, at.line, "missing 'endef', unterminated 'define'");
      if (/^[ \t]*define(?=[ \t])/.test(line)) depth++;
      if (/^[ \t]*endef(?=[ \t#]|$)/.test(line) && --depth === 0) break;
      body.push(line);
    }
    const starts: number[] = [];
    let offset = 0;
    for (const line of body) {
      starts.push(offset);
      offset += line.length + 1;
    }
    const value = {
      text: body.join('\n'),
      path: this.#path,
      line: at.line + 1,
      starts: starts.length > 0 ? starts : [0],
    };
    const op = operator === '::=' ? ':=' : ((operator || '=') as AssignOp);
    const name = {
      text: head.slice(0, head.length - operator.length).trimEnd(),
      path: this.#path,
      line: at.line,
      starts: [0],
    };
    return { kind: 'assign', at, name: new LazyText(name), op, value: new LazyText(value), isExported: false };
  }

  /** The next line with those that continue it, without comment; white space around a continuation is one space. */
  #logicalLine(): LogicalText {
    const line = this.#next + 1;
    let text = this.#lines[this.#next++]!;
    if (!endsInBackslash(text) && !text.includes('#')) return { text, path: this.#path, line, starts: [0] };
    const starts = [0];
    const pieces: string[] = [];
    let length = 0;
    while (endsInBackslash(text) && this.#next < this.#lines.length) {
      const piece = `${text.slice(0, -1).trimEnd()} `;
      pieces.push(pieces.length === 0 ? piece : piece.trimStart() || '');
      length += pieces.at(-1)!.length;
      starts.push(length);
      text = this.#lines[this.#next++]!;
    }
    pieces.push(pieces.length === 0 ? text : text.trimStart());
    return { text: withoutComment(pieces.join('')), path: this.#path, line, starts };
  }
}

function endsInBackslash(text: string): boolean {
  let count = 0;
  while (text[text.length - 1 - count] === '\\') count++;
  return count % 2 === 1;
}

/** Up to the first `#` that no backslash precedes; `\#` is a `#`. */
function withoutComment(text: string): string {
  let at = text.indexOf('#');
  while (at > 0 && text[at - 1] === '\\') at = text.indexOf('#', at + 1);
  return (at < 0 ? text : text.slice(0, at)).replaceAll('\\#', '#');
}

function cut(logical: LogicalText, start: number, end: number): LogicalText {
  if (start === 0) return end === logical.text.length ? logical : { ...logical, text: logical.text.slice(0, end) };
  const { starts, path, line } = logical;
  let first = 0;
  while (first + 1 < starts.length && starts[first + 1]! <= start) first++;
  return {
    text: logical.text.slice(start, end),
    path,
    line: line + first,
    starts: [0, ...starts.slice(first + 1).map((offset) => offset - start)],
  };
}

function trimmed(logical: LogicalText): LogicalText {
  const start = logical.text.length - logical.text.trimStart().length;
  return cut(logical, start, Math.max(start, logical.text.trimEnd().length));
}

interface FoundAssignment {
  /** After `export` and the like. */
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly op: AssignOp;
  readonly valueStart: number;
}

/** The assignment that a line is, as GNU make tells it from a rule: one word, then the operator. */
function assignmentIn(text: string): FoundAssignment | undefined {
  let pos = /^[ \t]*(?:(?:export|override|private)[ \t]+)*/.exec(text)![0].length;
  const nameStart = pos;
  let depth = 0;
  for (; pos < text.length; pos++) {
    const ch = text[pos]!;
    if (ch === '(' || ch === '{') depth++;
    else if (ch === ')' || ch === '}') depth--;
    else if (depth === 0 && (ch === ' ' || ch === '\t' || OPERATOR.test(text.slice(pos, pos + 3)))) break;
    else if (depth === 0 && ch === ':') return undefined;
  }
  const nameEnd = pos;
  while (text[pos] === ' ' || text[pos] === '\t') pos++;
  const operator = OPERATOR.exec(text.slice(pos, pos + 3))?.[0];
  if (operator === undefined || nameEnd === nameStart) return undefined;
  const op = operator === '::=' ? ':=' : (operator as AssignOp);
  return { nameStart, nameEnd, op, valueStart: pos + operator.length };
}

const OPERATOR = /^(?:::=|:=|\+=|\?=|=)/;

/** Offset of a `:` outside of references, or -1. */
function colonIn(text: string): number {
  let depth = 0;
  for (let pos = 0; pos < text.length; pos++) {
    const ch = text[pos];
    if (ch === '(' || ch === '{') depth++;
    else if (ch === ')' || ch === '}') depth--;
    else if (depth === 0 && ch === ':') return pos;
  }
  return -1;
}

/** Both sides of `(a,b)`, `"a" "b"` or `'a' 'b'`. */
function equalSides(logical: LogicalText): [LogicalText, LogicalText] | undefined {
  const { text } = logical;
  const start = text.length - text.trimStart().length;
  if (text[start] === '(') {
    let depth = 0;
    let comma = -1;
    for (let pos = start; pos < text.length; pos++) {
      const ch = text[pos];
      if (ch === '(') depth++;
      else if (ch === ')' && --depth === 0) {
        if (comma < 0) return undefined;
        let right = comma + 1;
        while (/[ \t]/.test(text[right] ?? '')) right++;
        let left = comma;
        while (left > start + 1 && /[ \t]/.test(text[left - 1]!)) left--;
        return [cut(logical, start + 1, left), cut(logical, Math.min(right, pos), pos)];
      } else if (ch === ',' && depth === 1 && comma < 0) comma = pos;
    }
    return undefined;
  }
  const left = quotedFrom(text, start);
  const right = left && quotedFrom(text, left[1] + 1);
  return left && right && [cut(logical, ...left), cut(logical, ...right)];
}

/** Offsets inside the next pair of quotes. */
function quotedFrom(text: string, from: number): [number, number] | undefined {
  let open = from;
  while (text[open] === ' ' || text[open] === '\t') open++;
  const quote = text[open];
  const close = quote === '"' || quote === "'" ? text.indexOf(quote, open + 1) : -1;
  return close < 0 ? undefined : [open + 1, close];
}

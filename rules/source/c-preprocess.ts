/**
 * A C file before it is parsed: comments and preprocessor lines become blanks of the same length (so that
 * offsets and lines stay), and each line gets the condition under which it is compiled. A grammar of C
 * knows `#if` only around whole statements; in the kernel it also stands in the middle of ops tables and calls.
 */

import type { Condition } from './c-condition.ts';
import { any, conditionText, not } from './c-condition.ts';
import type { Arm, Position, Region, Span } from './c-conditionals.ts';
import { Conditionals, OPENED } from './c-conditionals.ts';
import { definedMacro } from './c-config-test.ts';
import { ifCondition } from './c-if-line.ts';
import { endOfQuoted } from './c-parentheses.ts';

/** A `#define` line. */
export interface MacroLine {
  readonly name: string;
  readonly line: number;
  /** Absent for a macro without parentheses. */
  readonly params?: readonly string[];
  /** One line, without comments. */
  readonly body: string;
}

export interface Preprocessed {
  /** The file's code, same length and lines as its text. */
  readonly code: string;
  readonly arms: readonly Arm[];
  /** Ascending by line. */
  readonly regions: readonly Region[];
  readonly macros: readonly MacroLine[];
  /** Branches left out because the parser could not read them beside another (line indices). */
  readonly left: readonly Span[];
}

const MAX_BODY = 4000;
/** Text of a condition beyond which it is opaque: macros defined in branches on each other double it at each step. */
const MAX_CONDITION = 4000;

/** `prefer`: which branch is kept where only one can be (c-conditionals.ts). */
export function preprocess(text: string, prefer: 'first' | 'last' = 'first'): Preprocessed {
  return new Preprocessor(text, prefer).run();
}

/** Comments blanked, line for line. Strings and characters are matched too, since one may hold the start of a comment. */
function withoutComments(text: string): string {
  return text.replace(
    /\/\*[\s\S]*?(?:\*\/|$)|\/\/(?:\\\r?\n|[^\n])*|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'/g,
    (match) => (match[0] === '/' ? blank(match) : match),
  );
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}

class Preprocessor {
  readonly #lines: string[];
  readonly #conditionals: Conditionals;
  readonly #macros: MacroLine[] = [];
  /** Arms of the `#define` lines so far, by name. */
  readonly #defined = new Map<string, number[]>();
  readonly #undefined = new Map<string, number>();
  /** Line of the last `#define` or `#undef`, by name. */
  readonly #changed = new Map<string, number>();
  #at: Position = { brace: 0, paren: 0, last: '' };
  #hasContent = false;

  constructor(text: string, prefer: 'first' | 'last') {
    this.#lines = withoutComments(text).split('\n');
    this.#conditionals = new Conditionals(prefer);
  }

  run(): Preprocessed {
    const lines = this.#lines;
    for (let i = 0; i < lines.length; ) {
      if (/^\s*#/.test(lines[i]!)) {
        const from = i;
        const parts: string[] = [];
        let isContinued = true;
        while (isContinued && i < lines.length) {
          const line = lines[i]!;
          isContinued = /\\\s*$/.test(line);
          parts.push(isContinued ? line.replace(/\\\s*$/, ' ') : line);
          lines[i++] = blank(line);
        }
        this.#directive(parts.join('').trim(), from, i);
      } else {
        this.#code(lines[i]!);
        i += 1;
      }
    }
    const { arms, regions, left, dead } = this.#conditionals;
    this.#conditionals.finish(lines.length, this.#at);
    for (const [from, to] of [...left, ...dead]) for (let i = from; i < to; i++) lines[i] = blank(lines[i]!);
    return { code: lines.join('\n'), arms, regions, macros: this.#macros, left };
  }

  #directive(text: string, from: number, next: number): void {
    const [, word = '', rest = ''] = /^#\s*(\w*)\s*(.*)$/.exec(text) ?? [];
    const conditionals = this.#conditionals;
    switch (word) {
      case 'if':
      case 'ifdef':
      case 'ifndef':
        conditionals.open(this.#condition(word, rest, next), next, this.#at, this.#isGuard(word, rest, next));
        this.#at = { ...this.#at, last: OPENED };
        break;
      case 'elif':
      case 'elifdef':
      case 'elifndef':
      case 'else':
        this.#at = conditionals.next(
          word === 'else' || this.#condition(word.slice(2), rest, next),
          from,
          next,
          this.#at,
        );
        this.#at = { ...this.#at, last: OPENED };
        break;
      case 'endif':
        this.#at = conditionals.close(from, next, this.#at);
        break;
      case 'define':
        this.#define(rest, from + 1);
        break;
      case 'undef':
        this.#undefined.set(rest.trim(), from + 1);
        this.#changed.set(rest.trim(), from + 1);
        this.#defined.delete(rest.trim());
        break;
    }
    this.#hasContent ||= word !== '' && word !== 'include' && word !== 'pragma';
  }

  #condition(word: string, rest: string, line: number): Condition {
    const condition = this.#conditionOf(word, rest);
    const isLong = typeof condition === 'object' && conditionText(condition).length > MAX_CONDITION;
    return isLong ? { opaque: `too long, line ${line}` } : condition;
  }

  #conditionOf(word: string, rest: string): Condition {
    if (word === 'if') {
      const changed = rest.match(/\w+/g)?.map((name) => this.#changed.get(name) ?? 0) ?? [];
      const since = Math.max(0, ...changed);
      return ifCondition(rest, since === 0 ? '' : ` after line ${since}`, (name) => this.#isDefined(name));
    }
    const name = /^\w+/.exec(rest)?.[0] ?? '';
    const is = this.#isDefined(name);
    return word === 'ifndef' || word === 'fndef' ? not(is) : is;
  }

  #isDefined(name: string): Condition {
    const elsewhere = definedMacro(name);
    if (typeof elsewhere !== 'object' || !('opaque' in elsewhere)) return elsewhere;
    const gone = this.#undefined.get(name);
    const arms = this.#defined.get(name);
    const opaque = gone === undefined ? elsewhere : { opaque: `${elsewhere.opaque} after line ${gone}` };
    return arms ? any(opaque, ...arms.map((arm) => this.#conditionals.arms[arm]!.when)) : opaque;
  }

  /** `#ifndef X`, `#define X` at the beginning of a file. */
  #isGuard(word: string, rest: string, next: number): boolean {
    if (this.#hasContent || this.#conditionals.depth > 0 || this.#at.last !== '') return false;
    const name = word === 'ifndef' ? /^\w+/.exec(rest)?.[0] : /^!\s*defined\s*\(?\s*(\w+)\s*\)?$/.exec(rest)?.[1];
    if (word === 'ifdef' || name === undefined || name.startsWith('CONFIG_')) return false;
    for (let i = next; i < this.#lines.length; i++) {
      const line = this.#lines[i]!;
      if (line.trim() !== '') return new RegExp(`^\\s*#\\s*define\\s+${name}\\s*1?\\s*$`).test(line);
    }
    return false;
  }

  #define(rest: string, line: number): void {
    const match = /^(\w+)(\(([^)]*)\))?(.*)$/.exec(rest);
    if (!match) return;
    const name = match[1]!;
    this.#changed.set(name, line);
    const arms = this.#defined.get(name);
    const arm = this.#conditionals.current;
    if (arms) arms.push(arm);
    else this.#defined.set(name, [arm]);
    const body = match[4]!.replace(/\s+/g, ' ').trim().slice(0, MAX_BODY);
    const params = match[3]?.split(',').flatMap((one) => one.trim() || []);
    if (params) this.#macros.push({ name, line, params, body });
    else if (isTelling(body)) this.#macros.push({ name, line, body });
  }

  /** Keeps count of brackets over a line of code. */
  #code(line: string): void {
    let { brace, paren, last } = this.#at;
    let isFirst = true;
    for (let i = 0; i < line.length; i++) {
      const c = line[i]!;
      if (c === ' ' || c === '\t' || c === '\r' || c === '\\') continue;
      if (isFirst) this.#conditionals.code(c);
      isFirst = false;
      last = c;
      if (c === '{') brace += 1;
      else if (c === '(' || c === '[') paren += 1;
      else if (c === '}' || c === ')' || c === ']') {
        if (c === '}') brace -= 1;
        else paren -= 1;
        this.#conditionals.closed(brace, paren);
      } else if (c === '"' || c === "'") i = endOfQuoted(line, i);
    }
    if (!isFirst) this.#at = { brace, paren, last };
  }
}

/**
 * Worth keeping of the macros without parentheses: another name or several, a test of the configuration, a call,
 * members of a table. Numbers of registers are not.
 */
function isTelling(body: string): boolean {
  return /CONFIG_|^\(*[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*\)*$|\b[a-z_]\w*\s*\(|\.\w+\s*=\s*&?[a-z_]/.test(body);
}

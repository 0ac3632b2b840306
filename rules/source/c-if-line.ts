/**
 * The expression of an `#if` or `#elif` line: C11 6.10.1, that is, integer arithmetic with `defined` and
 * names of macros. What cannot be read is one opaque expression.
 */

import type { Expr } from './c-ast.ts';
import type { Condition } from './c-condition.ts';
import { conditionOf } from './c-config-test.ts';

/** Operators by how tightly they bind, loosest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];
const TOKEN = /\s*(?:([A-Za-z_]\w*)|(\d[\w.]*|'(?:\\.|[^'\\])*')|(\|\||&&|[=!<>]=|<<|>>|[-+*/%&|^!~()<>?:,]))/y;
const MAX_DEPTH = 100;
/** Characters of one line; the longest of Linux 6.12 has 600. */
const MAX_TEXT = 20_000;

/**
 * When the line holds; comments and continuations are already out of `text`. `since`: what distinguishes opaque parts
 * from those of the same text at another place, where one of their macros meant something else.
 */
export function ifCondition(text: string, since: string, isDefined: (name: string) => Condition): Condition {
  const e = parseExpression(text);
  if (e === undefined) return { opaque: text.trim().replace(/\s+/g, ' ').slice(0, 200) + since };
  return conditionOf(e, { opaque: (part) => printed(part) + since, isDefined });
}

/** An expression of integers, names and calls, from its text; undefined where it is none. Calls in it have line 0. */
export function parseExpression(text: string): Expr | undefined {
  const whole = text.trim().replace(/\s+/g, ' ');
  const tokens = whole.length > MAX_TEXT ? undefined : tokenize(whole);
  return tokens && new IfParser(tokens).parse();
}

interface Token {
  readonly kind: 'name' | 'number' | 'op';
  readonly text: string;
}

function tokenize(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (!match) return undefined;
    if (match[1]) tokens.push({ kind: 'name', text: match[1] });
    else if (match[2]) tokens.push({ kind: 'number', text: match[2] });
    else tokens.push({ kind: 'op', text: match[3]! });
  }
  return tokens;
}

class IfParser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Undefined where the tokens are no expression. */
  parse(): Expr | undefined {
    const e = this.#choice();
    return this.#at === this.#tokens.length ? e : undefined;
  }

  #take(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'op' || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  #choice(): Expr | undefined {
    if (++this.#depth > MAX_DEPTH) return undefined;
    const test = this.#level(0);
    this.#depth -= 1;
    if (!test || !this.#take('?')) return test;
    const yes = this.#choice();
    const no = yes && this.#take(':') ? this.#choice() : undefined;
    return yes && no && { k: 'choose', test, yes, no };
  }

  #level(level: number): Expr | undefined {
    const ops = LEVELS[level];
    if (!ops) return this.#unary();
    let left = this.#level(level + 1);
    while (left) {
      const op = ops.find((one) => this.#take(one));
      if (op === undefined) return left;
      const right = this.#level(level + 1);
      left = right && { k: 'binary', op, left, right };
    }
    return left;
  }

  #unary(): Expr | undefined {
    if (++this.#depth > MAX_DEPTH) return undefined;
    const op = ['!', '-', '+', '~'].find((one) => this.#take(one));
    const of = op === undefined ? this.#primary() : this.#unary();
    this.#depth -= 1;
    return op === undefined ? of : of && { k: 'unary', op, of };
  }

  #primary(): Expr | undefined {
    if (this.#take('(')) {
      const inner = this.#choice();
      return inner && this.#take(')') ? inner : undefined;
    }
    const token = this.#tokens[this.#at++];
    if (token?.kind === 'number') return { k: 'number', text: token.text };
    if (token?.kind !== 'name') return undefined;
    const callee: Expr = { k: 'name', name: token.text };
    const next = this.#tokens[this.#at];
    if (token.text === 'defined' && next?.kind === 'name') {
      this.#at += 1;
      return call(callee, [{ k: 'name', name: next.text }]);
    }
    if (!this.#take('(')) return callee;
    const args: Expr[] = [];
    while (!this.#take(')')) {
      const arg = this.#choice();
      if (!arg) return undefined;
      args.push(arg);
      this.#take(',');
    }
    return call(callee, args);
  }
}

function call(callee: Expr, args: readonly Expr[]): Expr {
  return { k: 'call', line: 0, callee, args, argText: '' };
}

/** Equal for equal expressions, whatever their white space. */
function printed(e: Expr): string {
  switch (e.k) {
    case 'name':
      return e.name;
    case 'number':
      return e.text;
    case 'unary':
      return `${e.op}${printed(e.of)}`;
    case 'binary':
      return `(${printed(e.left)} ${e.op} ${printed(e.right)})`;
    case 'call':
      return `${printed(e.callee)}(${e.args.map(printed).join(', ')})`;
    case 'choose':
      return `(${printed(e.test)} ? ${e.yes ? printed(e.yes) : ''} : ${printed(e.no)})`;
    default:
      return e.k;
  }
}

/**
 * Variables and functions: `$(name)`, `$(name,arg,…)`, `=`, `:=`, `+=`. Semantics of
 * Documentation/kbuild/kconfig-macro-language.rst and scripts/kconfig/preprocess.c.
 *
 * `$(shell,…)` is never run here: its answer comes from a table. A command without an answer is
 * noted in `missing` and counts as `n`, so that a caller can have it answered and read again.
 */

import { KconfigError } from './error.ts';

export interface MacroWorld {
  /** Environment variables, as the kernel's Makefile exports them. */
  readonly env: Readonly<Record<string, string>>;
  /** What `$(shell,command)` yields, undefined if nobody has asked yet. */
  readonly shell: (command: string) => string | undefined;
}

/** A line that conf would print while reading: `$(info)` to stdout, `$(warning-if)` to stderr. */
export interface MacroMessage {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

interface Variable {
  value: string;
  flavor: 'recursive' | 'simple';
  expanding: number;
}

const MAX_ARGS = 16;
const MAX_RECURSION = 1000;
/** What one expansion may grow to; the kernel's longest is below 2 KiB. */
const MAX_EXPANSION_CHARS = 1 << 20;

export class Macros {
  readonly missing = new Set<string>();
  /** Each command of `$(shell)`, and `path:line` where it was first. */
  readonly asked = new Map<string, string>();
  readonly messages: MacroMessage[] = [];
  readonly #world: MacroWorld;
  readonly #variables = new Map<string, Variable>();
  #path = '';
  #line = 0;
  #depth = 0;

  constructor(world: MacroWorld) {
    this.#world = world;
  }

  /** Expands the inside of one `$(…)` that stands at path:line. Throws KconfigError as conf would exit. */
  expand(reference: string, path: string, line: number, closed: boolean): string {
    this.#path = path;
    this.#line = line;
    if (!closed) this.#fail(`unterminated reference to '${reference}': missing ')'`);
    return this.#clause(reference, []);
  }

  /** `name = value`, `name := value` or `name += value`. */
  assign(name: string, op: '=' | ':=' | '+=', value: string, path: string, line: number): void {
    this.#path = path;
    this.#line = line;
    const old = this.#variables.get(name);
    const isAppend = op === '+=' && old !== undefined;
    const flavor = isAppend ? old.flavor : op === ':=' ? 'simple' : 'recursive';
    const added = flavor === 'simple' ? this.#string(value, []) : value;
    const grown = isAppend ? `${old.value} ${added}` : added;
    if (grown.length > MAX_EXPANSION_CHARS)
      this.#fail(`variable '${name}' grows beyond ${MAX_EXPANSION_CHARS} characters`);
    if (old) {
      old.value = grown;
      old.flavor = flavor;
    } else {
      this.#variables.set(name, { value: grown, flavor, expanding: 0 });
    }
  }

  #fail(text: string): never {
    throw new KconfigError(this.#path, this.#line, text);
  }

  #string(text: string, args: readonly string[]): string {
    let from = text.indexOf('$');
    if (from < 0) return text;
    let out = '';
    let at = 0;
    while (from >= 0) {
      out += text.slice(at, from);
      if (text[from + 1] !== '(') {
        out += '$';
        at = from + 1;
      } else {
        const close = closing(text, from + 2);
        if (close < 0) this.#fail(`unterminated reference to '${text.slice(from + 2)}': missing ')'`);
        out += this.#clause(text.slice(from + 2, close), args);
        at = close + 1;
      }
      if (out.length > MAX_EXPANSION_CHARS) this.#fail(`expansion grows beyond ${MAX_EXPANSION_CHARS} characters`);
      from = text.indexOf('$', at);
    }
    return out + text.slice(at);
  }

  #clause(text: string, args: readonly string[]): string {
    if (++this.#depth > MAX_RECURSION * 2) this.#fail('Too deep recursive expansion');
    try {
      // $(1), $(2) … are the arguments of the function being expanded.
      if (/^\s*\+?[0-9]+$/.test(text)) {
        const n = Number(text);
        if (n > 0 && n <= args.length) return args[n - 1]!;
      }
      const parts = split(text);
      if (parts.length > MAX_ARGS) this.#fail('too many function arguments');
      const name = this.#string(parts[0]!, args);
      const actual = parts.slice(1).map((part) => this.#string(part, args));
      return (
        this.#variable(name, actual) ??
        this.#function(name, actual) ??
        (actual.length === 0 ? this.#environment(name) : '')
      );
    } finally {
      this.#depth--;
    }
  }

  #environment(name: string): string {
    return name !== '' && Object.hasOwn(this.#world.env, name) ? this.#world.env[name]! : '';
  }

  #variable(name: string, args: readonly string[]): string | undefined {
    const variable = this.#variables.get(name);
    if (!variable) return undefined;
    if (args.length === 0 && variable.expanding > 0)
      this.#fail(`Recursive variable '${name}' references itself (eventually)`);
    if (variable.expanding > MAX_RECURSION) this.#fail('Too deep recursive expansion');
    if (variable.flavor === 'simple') return variable.value;
    variable.expanding++;
    try {
      return this.#string(variable.value, args);
    } finally {
      variable.expanding--;
    }
  }

  #function(name: string, args: readonly string[]): string | undefined {
    const arity = ARITY[name as keyof typeof ARITY];
    if (arity === undefined || !Object.hasOwn(ARITY, name)) return undefined;
    if (args.length < arity) this.#fail(`too few function arguments passed to '${name}'`);
    if (args.length > arity) this.#fail(`too many function arguments passed to '${name}'`);
    switch (name as keyof typeof ARITY) {
      case 'error-if':
        if (args[0] === 'y') this.#fail(args[1]!);
        return '';
      case 'warning-if':
        if (args[0] === 'y') this.messages.push({ stream: 'stderr', text: `${this.#path}:${this.#line}: ${args[1]}` });
        return '';
      case 'info':
        this.messages.push({ stream: 'stdout', text: args[0]! });
        return '';
      case 'filename':
        return this.#path;
      case 'lineno':
        return String(this.#line);
      case 'shell': {
        const command = args[0]!;
        if (!this.asked.has(command)) this.asked.set(command, `${this.#path}:${this.#line}`);
        const answer = this.#world.shell(command);
        if (answer === undefined) this.missing.add(command);
        return answer ?? 'n';
      }
    }
  }
}

const ARITY = { 'error-if': 2, filename: 0, info: 1, lineno: 0, shell: 1, 'warning-if': 2 } as const;

/** Offset of the parenthesis that closes the reference starting at `pos`, or -1. */
function closing(text: string, pos: number): number {
  let nest = 0;
  for (; pos < text.length; pos++) {
    if (text[pos] === '(') nest++;
    else if (text[pos] === ')' && nest-- === 0) return pos;
  }
  return -1;
}

/** Splits at the commas outside parentheses. */
function split(text: string): string[] {
  const parts: string[] = [];
  let nest = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const ch = text[i];
    if (ch === '(') nest++;
    else if (ch === ')') nest--;
    else if (ch === ',' && nest === 0) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

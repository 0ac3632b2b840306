/**
 * Calls in a function, each with the condition under which control can reach it, as far as the configuration
 * decides: `#if` branches, `if (IS_ENABLED(..))`, early returns, `?:`, `&&`, `||`. What is decided at run
 * time counts as possible either way; branches of macros that nobody knows stay opaque.
 */

import type { Expr, Stmt } from './c-ast.ts';
import { exprsOf, listsOf, partsOf } from './c-ast.ts';
import type { Condition } from './c-condition.ts';
import { all, any, not, withoutOpaque } from './c-condition.ts';
import type { Expand } from './c-config-test.ts';
import { conditionOf, mentionsConfig } from './c-config-test.ts';
import type { CFile, CFunction } from './c-file.ts';
import { armAt, whenAt } from './c-file.ts';
import { parseExpression } from './c-if-line.ts';

export interface CallSite {
  /** Name of the function or macro; for a call through a pointer the member's name (`mmap` of `ops->mmap(x)`). */
  readonly callee: string;
  readonly isPointer?: true;
  readonly line: number;
  /** Of the enclosing function. */
  readonly caller: string;
  /** As written, on one line. */
  readonly argText: string;
  readonly args: readonly Expr[];
  /** With the function's own condition. */
  readonly when: Condition;
  /** The function could not be read as a whole: the condition may say too little. */
  readonly isDoubtful?: true;
}

/** Calls of all functions of a file, in the order of the text. */
export function callsOf(file: CFile, outcomeOf?: OutcomeOf): readonly CallSite[] {
  const expand = expansions(file);
  return file.functions.flatMap((one) => callsIn(file, one, expand, outcomeOf));
}

/** When a function or macro can come out as something else than 0, and when as 0. */
export interface Outcome {
  readonly yes: Condition;
  readonly no: Condition;
}

/** `unclear`: it may be constant in some configurations. Undefined where both can always be. */
export type OutcomeOf = (name: string) => Outcome | 'unclear' | undefined;

/** Calls of one function. `expand` as `expansions` makes it. */
export function callsIn(
  file: CFile,
  one: CFunction,
  expand: Expand = expansions(file),
  outcomeOf?: OutcomeOf,
): readonly CallSite[] {
  const calls = new Flow(file, one, expand, outcomeOf).run(one.body);
  if (!one.otherBody) return calls;
  const known = new Set(calls.map(({ line, callee }) => `${line} ${callee}`));
  const others = new Flow(file, one, expand, outcomeOf).run(one.otherBody);
  return [...calls, ...others.filter(({ line, callee }) => !known.has(`${line} ${callee}`))].sort(
    (a, b) => a.line - b.line,
  );
}

/** What macros of the file say about the configuration: `#define HAS_X IS_ENABLED(CONFIG_X)`. */
export function expansions(file: CFile): Expand {
  const known = new Map<string, Expr>();
  for (const { name, params, body } of file.macros) {
    const e = params === undefined && body.includes('CONFIG_') ? parseExpression(body) : undefined;
    // one that is defined twice depends on the branch
    if (e) known.has(name) ? known.delete(name) : known.set(name, e);
  }
  return (name) => known.get(name);
}

/** An expression that stands for itself in a statement. */
export interface Root {
  readonly e: Expr;
  readonly line: number;
  /** With the function's own condition. */
  readonly when: Condition;
}

/** All expressions of one function that are not a part of another, in the order of the text. */
export function rootsIn(file: CFile, one: CFunction, expand: Expand = expansions(file)): readonly Root[] {
  return [one.body, ...(one.otherBody ? [one.otherBody] : [])].flatMap((body) => {
    const flow = new Flow(file, one, expand, undefined);
    flow.run(body);
    return flow.roots;
  });
}

const UNCLEAR: Condition = { opaque: 'a test that may be constant' };
/** A condition longer than this, as text, is given up. */
const MAX_CONDITION = 2000;

class Flow {
  readonly #file: CFile;
  readonly #function: CFunction;
  readonly #arm: number;
  readonly #expand: Expand;
  readonly #outcomeOf: OutcomeOf | undefined;
  readonly #calls: CallSite[] = [];
  readonly roots: Root[] = [];
  /** When a jump to a label happens. */
  readonly #jumps = new Map<string, Condition>();
  readonly #jumpsBack = new Set<string>();
  #opaque = 0;

  constructor(file: CFile, one: CFunction, expand: Expand, outcomeOf: OutcomeOf | undefined) {
    this.#file = file;
    this.#function = one;
    this.#arm = armAt(file.regions, one.line);
    this.#expand = expand;
    this.#outcomeOf = outcomeOf;
  }

  run(body: readonly Stmt[]): readonly CallSite[] {
    this.#findJumpsBack(body, new Set());
    this.#list(body, true);
    return this.#calls;
  }

  #findJumpsBack(list: readonly Stmt[], passed: Set<string>): void {
    for (const s of list) {
      if (s.k === 'label') passed.add(s.name);
      else if (s.k === 'goto' && passed.has(s.label)) this.#jumpsBack.add(s.label);
      for (const inner of listsOf(s)) this.#findJumpsBack(inner, passed);
    }
  }

  /** Returns when control comes out at the end of the list, given when it comes in. */
  #list(list: readonly Stmt[], reach: Condition): Condition {
    let at = reach;
    for (const s of list) {
      const after = this.#statement(s, at);
      at = after === at ? at : this.#behind(s, at, after);
    }
    return at;
  }

  /** When control comes behind a statement: one that is not compiled does not stop it. */
  #behind(s: Stmt, before: Condition, after: Condition): Condition {
    const isOwn = armAt(this.#file.regions, s.line) === this.#arm;
    const result = isOwn ? after : any(after, all(before, not(whenAt(this.#file, s.line))));
    return JSON.stringify(result).length > MAX_CONDITION ? { opaque: `too long, line ${s.line}` } : result;
  }

  #statement(s: Stmt, reach: Condition): Condition {
    switch (s.k) {
      case 'if': {
        const [yes, no] = this.#outcomes(s.test);
        this.#root(s.test, s.line, reach);
        const afterYes = this.#list(s.yes, all(reach, yes));
        const afterNo = s.no ? this.#list(s.no, all(reach, no)) : all(reach, no);
        // most tests are of run time alone, and then both are what it was before
        return afterYes === reach || afterNo === reach ? reach : any(afterYes, afterNo);
      }
      case 'loop': {
        const [yes] = s.test ? this.#outcomes(s.test) : [true];
        const inside = s.once ? reach : all(reach, yes);
        if (s.test) this.#root(s.test, s.line, reach);
        this.#list(s.head, inside);
        this.#list(s.body, inside);
        return reach;
      }
      case 'switch': {
        this.#root(s.on, s.line, reach);
        let at: Condition = false;
        for (const inner of s.body) {
          if (inner.k === 'case') at = reach;
          const after = this.#statement(inner, at);
          at = after === at ? at : this.#behind(inner, at, after);
        }
        return reach;
      }
      case 'block':
        return this.#list(s.body, reach);
      case 'label':
        return this.#jumpsBack.has(s.name) ? true : any(reach, this.#jumps.get(s.name) ?? false);
      case 'goto':
        this.#jumps.set(s.label, any(this.#jumps.get(s.label) ?? false, reach));
        return false;
      case 'return':
        if (s.value) this.#root(s.value, s.line, reach);
        return false;
      case 'break':
      case 'continue':
        return false;
      default:
        for (const e of exprsOf(s)) this.#root(e, s.line, reach);
        return reach;
    }
  }

  #root(e: Expr, line: number, reach: Condition): void {
    this.roots.push({ e, line, when: all(whenAt(this.#file, line), reach) });
    this.#expr(e, reach);
  }

  #expr(e: Expr, reach: Condition): void {
    switch (e.k) {
      case 'binary':
        if (e.op === '&&' || e.op === '||') {
          const [yes, no] = this.#outcomes(e.left);
          this.#expr(e.left, reach);
          this.#expr(e.right, all(reach, e.op === '&&' ? yes : no));
          return;
        }
        break;
      case 'choose': {
        const [yes, no] = this.#outcomes(e.test);
        this.#expr(e.test, reach);
        if (e.yes) this.#expr(e.yes, all(reach, yes));
        this.#expr(e.no, all(reach, no));
        return;
      }
      case 'statements':
        this.#list(e.body, reach);
        return;
      case 'call':
        this.#call(e, reach);
        break;
      default:
    }
    for (const part of partsOf(e)) this.#expr(part, reach);
  }

  #call({ callee, line, args, argText }: Expr & { readonly k: 'call' }, reach: Condition): void {
    const name = callee.k === 'name' ? callee.name : callee.k === 'member' ? callee.field : '';
    if (name === '') return;
    this.#calls.push({
      callee: name,
      ...(callee.k === 'member' && { isPointer: true }),
      line,
      caller: this.#function.name,
      argText,
      args,
      when: all(whenAt(this.#file, line), reach),
      ...(this.#function.unread && { isDoubtful: true }),
    });
  }

  /** When a test can come out true, and when false. */
  #outcomes(test: Expr): readonly [yes: Condition, no: Condition] {
    if (this.#isUnclear(test)) return [UNCLEAR, UNCLEAR];
    if (!this.#isTelling(test)) return [true, true];
    // each part of a test has a value of its own
    const opaque = (): string => `run time ${++this.#opaque}`;
    const call = (name: string): Condition | undefined => {
      const can = this.#outcomeOf?.(name);
      return can && can !== 'unclear' ? any(all(can.yes, { opaque: opaque() }), not(can.no)) : undefined;
    };
    const c = conditionOf(test, { opaque, expand: this.#expand, call });
    return [withoutOpaque(c, true), withoutOpaque(not(c), true)];
  }

  #isUnclear(e: Expr): boolean {
    return (
      (e.k === 'name' && this.#outcomeOf?.(e.name) === 'unclear') || partsOf(e).some((part) => this.#isUnclear(part))
    );
  }

  #isTelling(e: Expr): boolean {
    if (e.k === 'number' || mentionsConfig(e)) return true;
    if (e.k === 'call' && e.callee.k === 'name' && this.#outcomeOf?.(e.callee.name)) return true;
    return e.k === 'name'
      ? this.#expand(e.name) !== undefined || /^(true|false)$/.test(e.name)
      : partsOf(e).some((part) => this.#isTelling(part));
  }
}

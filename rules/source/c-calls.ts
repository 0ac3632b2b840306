/**
 * Calls in a function, each with the condition under which control can reach it, as far as the configuration
 * decides: `#if` branches, `if (IS_ENABLED(..))`, early returns, `?:`, `&&`, `||`. What is decided at run
 * time counts as possible either way; branches of macros that nobody knows stay opaque.
 */

import type { Expr, Stmt } from './c-ast.ts';
import { exprsOf, listsOf, partsOf } from './c-ast.ts';
import type { Condition } from './c-condition.ts';
import { all, any, conditionText, not } from './c-condition.ts';
import type { Expand } from './c-config-test.ts';
import type { CFile, CFunction } from './c-file.ts';
import { armAt, whenAt } from './c-file.ts';
import { parseExpression } from './c-if-line.ts';
import { type Outcome, outcomeOf, runTime, UNCLEAR } from './c-outcome.ts';
import { Values } from './c-values.ts';

export interface CallSite {
  /** Name of the function or macro; for a call through a pointer the member's or variable's (`mmap` of `ops->mmap(x)`). */
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

/** A name whose value or address a function takes: no variable of its own, nor what it calls. */
export interface ValueSite extends Pick<CallSite, 'line' | 'caller' | 'when' | 'isDoubtful'> {
  readonly name: string;
  /** What it is an argument of, where that is called by its name. */
  readonly givenTo?: string;
  /** It is the whole argument: of a macro it may be the name of a member, of a type, a text. */
  readonly isBare?: true;
}

/** What functions call, and the values that they take of what stands outside of them, in the order of the text. */
interface Sites {
  readonly calls: readonly CallSite[];
  readonly values: readonly ValueSite[];
}

/** Of all functions of a file. */
export function sitesOf(file: CFile, known: Known = {}): Sites {
  const expand = expansions(file);
  const each = file.functions.map((one) => sitesIn(file, one, expand, known));
  return { calls: each.flatMap(({ calls }) => calls), values: each.flatMap(({ values }) => values) };
}

/** Calls of all functions of a file, in the order of the text. */
export function callsOf(file: CFile, known: Known = {}): readonly CallSite[] {
  return sitesOf(file, known).calls;
}

/** What is known beyond the text of a function; nothing of a name is that run time decides. */
export interface Known {
  /** What a call of a function or macro comes out as, or a macro without parameters. */
  readonly call?: (name: string) => Outcome | undefined;
  /** What a parameter of a function can be. */
  readonly param?: (of: CFunction, name: string) => Outcome | undefined;
  /** When a function or macro evaluates what it is given. */
  readonly evaluates?: (name: string) => Condition;
}

/** Calls of one function. `expand` as `expansions` makes it. */
export function callsIn(
  file: CFile,
  one: CFunction,
  expand: Expand = expansions(file),
  known: Known = {},
): readonly CallSite[] {
  return sitesIn(file, one, expand, known).calls;
}

function sitesIn(file: CFile, one: CFunction, expand: Expand, known: Known): Sites {
  const flow = new Flow(file, one, expand, known);
  const calls = flow.run(one.body);
  if (!one.otherBody) return { calls, values: flow.values };
  const seen = new Set(calls.map(({ line, callee }) => `${line} ${callee}`));
  const other = new Flow(file, { ...one, body: one.otherBody }, expand, known);
  const others = other.run(one.otherBody).filter(({ line, callee }) => !seen.has(`${line} ${callee}`));
  return {
    calls: [...calls, ...others].sort((a, b) => a.line - b.line),
    values: [...flow.values, ...other.values],
  };
}

/** What macros of the file say about the configuration: `#define HAS_X IS_ENABLED(CONFIG_X)`. */
export function expansions(file: CFile): Expand {
  const known = new Map<string, Expr>();
  for (const { name, params, body } of [
    ...file.macros,
    ...file.enumerators.map((one) => ({ ...one, params: undefined })),
  ]) {
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
    const flow = new Flow(file, { ...one, body }, expand, {});
    flow.run(body);
    return flow.roots;
  });
}

const UNEVALUATED = /^(?:sizeof|_Alignof|__alignof__|typeof|__typeof__|offsetof)\b/;
/** A condition longer than this, as text, is given up. */
const MAX_CONDITION = 2000;

class Flow {
  readonly #file: CFile;
  readonly #function: CFunction;
  readonly #arm: number;
  readonly #expand: Expand;
  readonly #known: Known;
  readonly #values: Values;
  readonly #calls: CallSite[] = [];
  readonly roots: Root[] = [];
  readonly values: ValueSite[] = [];
  #givenTo: string | undefined;
  /** Line of the expression that is looked at. */
  #line = 0;
  /** When a jump to a label happens. */
  readonly #jumps = new Map<string, Condition>();
  readonly #jumpsBack = new Set<string>();

  constructor(file: CFile, one: CFunction, expand: Expand, known: Known) {
    this.#file = file;
    this.#function = one;
    this.#arm = armAt(file.regions, one.line);
    this.#expand = expand;
    this.#known = known;
    this.#values = new Values(file, one, (e) => this.#outcomeOf(e));
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
    return conditionText(result).length > MAX_CONDITION ? { opaque: `too long, line ${s.line}` } : result;
  }

  #statement(s: Stmt, reach: Condition): Condition {
    switch (s.k) {
      case 'if': {
        const { yes, no } = this.#outcomeOf(s.test);
        this.#root(s.test, s.line, reach);
        const [toYes, toNo] = [all(reach, yes), all(reach, no)];
        const afterYes = this.#values.branch(() => this.#list(s.yes, toYes));
        const afterNo = s.no ? this.#values.branch(() => this.#list(s.no!, toNo)) : toNo;
        // most tests are of run time alone, and then both are what it was before; or neither side leaves
        const isPassed = afterYes === reach || afterNo === reach || (afterYes === toYes && afterNo === toNo);
        return isPassed ? reach : any(afterYes, afterNo);
      }
      case 'loop': {
        this.#values.forget();
        const yes = s.test ? this.#outcomeOf(s.test).yes : true;
        const inside = s.once ? reach : all(reach, yes);
        if (s.test) this.#root(s.test, s.line, reach);
        this.#list(s.head, inside);
        this.#list(s.body, inside);
        this.#values.forget();
        return reach;
      }
      case 'switch': {
        this.#root(s.on, s.line, reach);
        const known = runTime(this.#outcomeOf(s.on));
        const chosen = known === true ? reach : all(reach, known === false ? UNCLEAR.yes : known);
        let at: Condition = false;
        let isLeft = false;
        for (const inner of s.body) {
          if (inner.k === 'case') this.#values.forget();
          if (inner.k === 'case') at = chosen;
          const after = this.#statement(inner, at);
          isLeft ||= after === false && inner.k !== 'break';
          at = after === at ? at : this.#behind(inner, at, after);
        }
        this.#values.forget();
        return isLeft ? chosen : reach;
      }
      case 'block':
        return this.#list(s.body, reach);
      case 'label':
        this.#values.forget();
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
      case 'decl':
        if (s.init) this.#root(s.init, s.line, reach);
        if (s.init) this.#values.come(s.name, s.init, reach);
        return reach;
      default:
        for (const e of exprsOf(s)) this.#root(e, s.line, reach);
        return reach;
    }
  }

  #root(e: Expr, line: number, reach: Condition): void {
    this.roots.push({ e, line, when: all(whenAt(this.#file, line), reach) });
    this.#line = line;
    this.#expr(e, reach);
  }

  #expr(e: Expr, reach: Condition): void {
    switch (e.k) {
      case 'binary':
        if (e.op === '&&' || e.op === '||') {
          const { yes, no } = this.#outcomeOf(e.left);
          this.#expr(e.left, reach);
          this.#expr(e.right, all(reach, e.op === '&&' ? yes : no));
          return;
        }
        break;
      case 'choose': {
        const { yes, no } = this.#outcomeOf(e.test);
        this.#expr(e.test, reach);
        if (e.yes) this.#expr(e.yes, all(reach, yes));
        this.#expr(e.no, all(reach, no));
        return;
      }
      case 'statements':
        this.#list(e.body, reach);
        return;
      case 'call': {
        this.#call(e, reach);
        const kept = e.callee.k === 'name' ? (this.#known.evaluates?.(e.callee.name) ?? true) : true;
        this.#line = e.line;
        const outer = this.#givenTo;
        this.#givenTo = e.callee.k === 'name' && !this.#values.isVariable(e.callee.name) ? e.callee.name : undefined;
        if (e.callee.k !== 'name') this.#expr(e.callee, all(reach, kept));
        for (const arg of e.args) {
          if (arg.k === 'name') this.#value(arg.name, all(reach, kept), true);
          else this.#expr(arg, all(reach, kept));
        }
        this.#givenTo = outer;
        return;
      }
      case 'name':
        this.#value(e.name, reach);
        return;
      case 'assign':
        if (e.op === '=' && e.from && e.to.k === 'name') this.#values.come(e.to.name, e.from, reach);
        break;
      case 'other':
        // what is asked for its size or type alone is not evaluated
        if (UNEVALUATED.test(e.text)) return;
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
      ...((callee.k === 'member' || this.#values.isVariable(name)) && { isPointer: true }),
      line,
      caller: this.#function.name,
      argText,
      args,
      when: all(whenAt(this.#file, line), reach),
      ...(this.#function.unread && { isDoubtful: true }),
    });
  }

  #value(name: string, reach: Condition, isBare = false): void {
    if (this.#values.isVariable(name)) return;
    this.values.push({
      name,
      ...(this.#givenTo !== undefined && { givenTo: this.#givenTo }),
      ...(isBare && { isBare }),
      line: this.#line,
      caller: this.#function.name,
      when: all(whenAt(this.#file, this.#line), reach),
      ...(this.#function.unread && { isDoubtful: true }),
    });
  }

  #outcomeOf(e: Expr): Outcome {
    const { call, param } = this.#known;
    return outcomeOf(e, {
      expand: this.#expand,
      call: (name) => call?.(name),
      name: (name) =>
        this.#values.outcome(name) ??
        (this.#function.params.includes(name)
          ? param?.(this.#function, name)
          : this.#values.isVariable(name)
            ? undefined
            : call?.(name)),
    });
  }
}

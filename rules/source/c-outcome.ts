/**
 * How an expression can come out as far as the configuration decides: what the compiler knows to be 0, or to fail,
 * is no test at all, and the code behind it is left out. Where it may know and we cannot tell, nothing is said.
 */

import type { Expr, Stmt } from './c-ast.ts';
import { partsOf } from './c-ast.ts';
import type { Condition } from './c-condition.ts';
import { all, any, not } from './c-condition.ts';
import { conditionOf, mentionsConfig, TRANSPARENT } from './c-config-test.ts';
import { type Constant, constantOf } from './c-constant.ts';

/** When a value can be something else than 0, 0, a failure (below 0, an error pointer), none; at least there. */
export interface Outcome {
  readonly yes: Condition;
  readonly no: Condition;
  readonly fails: Condition;
  readonly works: Condition;
}

/** Run time decides. */
export const OPEN: Outcome = { yes: true, no: true, fails: true, works: true };
const CONSTANT: Condition = { opaque: 'a test that may be constant' };
/** It may be constant in some configurations. */
export const UNCLEAR: Outcome = { yes: CONSTANT, no: CONSTANT, fails: CONSTANT, works: CONSTANT };

/** What is known of names and functions; undefined where run time decides. */
export interface OutcomeContext {
  readonly name: (name: string) => Outcome | undefined;
  readonly call: (name: string) => Outcome | undefined;
  /** Text of a named macro of the same file that says something about the configuration. */
  readonly expand: (name: string) => Expr | undefined;
}

const MAX_DEPTH = 40;

export function outcomeOf(e: Expr, context: OutcomeContext, depth = 0): Outcome {
  if (depth > MAX_DEPTH) return UNCLEAR;
  const of = (part: Expr): Outcome => outcomeOf(part, context, depth + 1);
  const constant = constantOf(e);
  if (constant && constant.k !== 'name') return ofConstant(constant);
  switch (e.k) {
    case 'name': {
      if (mentionsConfig(e)) return exactly(e, context);
      const meaning = context.expand(e.name);
      return meaning ? of(meaning) : (context.name(e.name) ?? OPEN);
    }
    case 'unary':
      return e.op === '!' ? opposite(of(e.of)) : e.op === '*' || e.op === '&' ? OPEN : mixed(e, of);
    case 'cast':
      return of(e.of);
    case 'assign':
      return e.op === '=' && e.from ? of(e.from) : mixed(e, of);
    case 'binary':
      return ofBinary(e, of, context);
    case 'choose': {
      const [test, yes, no] = [of(e.test), of(e.yes ?? e.test), of(e.no)];
      return outcomeBy((key) => any(all(test.yes, yes[key]), all(test.no, no[key])));
    }
    case 'call':
      return ofCall(e, of, context);
    case 'statements':
      return saysConfig(e.body) ? UNCLEAR : OPEN;
    case 'index':
    case 'member':
      return OPEN;
    default:
      return mixed(e, of);
  }
}

/** Where the compiler cannot know it. */
export function runTime({ yes, no }: Outcome): Condition {
  return all(yes, no);
}

/** The outcome whose conditions are these. */
export function outcomeBy(condition: (key: keyof Outcome) => Condition): Outcome {
  return { yes: condition('yes'), no: condition('no'), fails: condition('fails'), works: condition('works') };
}

/** One of several values that a variable is given: which of them is not known. */
export function each(outcomes: readonly Outcome[]): Outcome {
  return outcomeBy((key) => all(...outcomes.map((one) => one[key])));
}

export function isOpen({ yes, no, fails, works }: Outcome): boolean {
  return yes === true && no === true && fails === true && works === true;
}

export function ofConstant(constant: Constant): Outcome {
  const is = (isZero: boolean, isFailure: boolean): Outcome => ({
    yes: !isZero,
    no: isZero,
    fails: isFailure,
    works: !isFailure,
  });
  switch (constant.k) {
    case 'null':
      return is(true, false);
    case 'bool':
      return is(!constant.value, false);
    case 'int':
      return is(constant.value === 0, constant.value < 0);
    case 'errno':
    case 'err-ptr':
      return is(false, true);
    default:
      return OPEN;
  }
}

/** Of a test, which is 0 or 1. */
function test(yes: Condition, no: Condition): Outcome {
  return { yes, no, fails: false, works: any(yes, no) };
}

function opposite({ yes, no }: Outcome): Outcome {
  return test(no, yes);
}

/** What the configuration alone decides. */
function exactly(e: Expr, { expand }: OutcomeContext): Outcome {
  let parts = 0;
  const c = conditionOf(e, { opaque: () => `run time ${++parts}`, expand });
  return parts > 0 ? UNCLEAR : test(c, not(c));
}

/** Whether statements mention a symbol of the configuration. */
export function saysConfig(body: readonly Stmt[]): boolean {
  return JSON.stringify(body).includes('"name":"CONFIG_');
}

/** What one part alone can decide. */
const DECIDED_BY_ONE = new Set(['&', '|', '*']);

/** Arithmetic: known wherever all parts are, or one that decides alone. */
function mixed(e: Expr, of: (part: Expr) => Outcome): Outcome {
  const parts = partsOf(e).flatMap((part) => (isFixed(part) ? [] : [runTime(of(part))]));
  const isByOne = e.k === 'binary' && DECIDED_BY_ONE.has(e.op);
  const at = isByOne || parts.length === 0 ? all(...parts) : any(...parts);
  if (at === true) return OPEN;
  const known = at === false ? CONSTANT : at;
  return { yes: known, no: known, fails: known, works: known };
}

function isFixed(e: Expr): boolean {
  return !mentionsConfig(e) && constantOf(e) !== undefined;
}

function ofBinary(e: Expr & { readonly k: 'binary' }, of: (part: Expr) => Outcome, context: OutcomeContext): Outcome {
  const { op, left, right } = e;
  if (op === ',') return of(right);
  if (op === '&&' || op === '||') {
    const [a, b] = [of(left), of(right)];
    return op === '&&' ? test(all(a.yes, b.yes), any(a.no, b.no)) : test(any(a.yes, b.yes), all(a.no, b.no));
  }
  const compared = COMPARISONS[op];
  if (!compared) return mixed(e, of);
  // of a symbol with a number, and of two numbers
  if (partsOf(e).every((part) => part.k === 'number' || (part.k === 'name' && mentionsConfig(part))))
    return exactly(e, context);
  const [value, with_] = isFixed(left) ? [right, constantOf(left)!] : [left, constantOf(right)];
  const isZero =
    with_?.k === 'null' || (with_?.k === 'bool' && !with_.value) || (with_?.k === 'int' && with_.value === 0);
  if (isZero) return compared(of(value), isFixed(left));
  const isOne = (with_?.k === 'bool' && with_.value) || (with_?.k === 'int' && with_.value === 1);
  if (isOne && (op === '==' || op === '!=') && isTest(value)) return op === '==' ? of(value) : opposite(of(value));
  return mixed(e, of);
}

function isTest(e: Expr): boolean {
  if (e.k === 'unary') return e.op === '!';
  if (e.k === 'binary') return e.op in COMPARISONS || e.op === '&&' || e.op === '||';
  return e.k === 'call' && e.callee.k === 'name' && /^IS_(?:ENABLED|REACHABLE|BUILTIN|MODULE)$/.test(e.callee.name);
}

/** Of a value with 0, or the other way round. */
const COMPARISONS: Readonly<Record<string, (of: Outcome, isMirrored: boolean) => Outcome>> = {
  '==': ({ yes, no }) => test(no, yes),
  '!=': ({ yes, no }) => test(yes, no),
  '<': (of, isMirrored) => (isMirrored ? above(of) : below(of)),
  '>': (of, isMirrored) => (isMirrored ? below(of) : above(of)),
  '>=': (of, isMirrored) => swapped(isMirrored ? above(of) : below(of)),
  '<=': (of, isMirrored) => swapped(isMirrored ? below(of) : above(of)),
};

function below({ fails, works }: Outcome): Outcome {
  return test(fails, works);
}

function above(of: Outcome): Outcome {
  return test(all(runTime(of), of.works), any(of.no, of.fails));
}

function swapped({ yes, no }: Outcome): Outcome {
  return test(no, yes);
}

function ofCall(e: Expr & { readonly k: 'call' }, of: (part: Expr) => Outcome, context: OutcomeContext): Outcome {
  const { callee, args } = e;
  const [first] = args;
  if (callee.k !== 'name' || callee.name === 'sizeof') return OPEN;
  if (first && TRANSPARENT.has(callee.name)) return of(first);
  if (/^(?:IS_(?:ENABLED|REACHABLE|BUILTIN|MODULE)|defined)$/.test(callee.name)) return exactly(e, context);
  // include/linux/err.h
  if (first && callee.name === 'IS_ERR') return below(of(first));
  if (first && callee.name === 'IS_ERR_OR_NULL') {
    const inner = of(first);
    return test(any(inner.fails, inner.no), all(inner.works, inner.yes));
  }
  if (first && callee.name === 'PTR_ERR_OR_ZERO') {
    const { fails, works } = of(first);
    return { yes: fails, no: works, fails, works };
  }
  if (first && (callee.name === 'PTR_ERR' || callee.name === 'ERR_CAST' || callee.name === 'ERR_PTR')) return of(first);
  const own = context.call(callee.name);
  if (own) return own;
  // a macro, or what is inlined, may give back what it is given
  const isTold = (arg: Expr): boolean =>
    mentionsConfig(arg) || (arg.k === 'name' && !isFixed(arg) && runTime(of(arg)) === false);
  return args.some(isTold) ? UNCLEAR : OPEN;
}

/**
 * What one file defines by a name, function or macro: when, what it gives back, what it calls, what it does with
 * what it is given.
 */

import type { Expr } from './c-ast.ts';
import type { CallSite, Known } from './c-calls.ts';
import { callsIn } from './c-calls.ts';
import type { Condition } from './c-condition.ts';
import { all } from './c-condition.ts';
import { mentionsConfig } from './c-config-test.ts';
import { constantOf, trivialMacro, trivialResult } from './c-constant.ts';
import type { CFile, CFunction } from './c-file.ts';
import { whenAt } from './c-file.ts';
import { parseExpression } from './c-if-line.ts';
import { OPEN, type Outcome, ofConstant, saysConfig, UNCLEAR } from './c-outcome.ts';
import { decides, namesLed } from './macro-leads.ts';

/** A name that a call leads to. */
export interface Target {
  readonly name: string;
  readonly when: Condition;
  /** The same where the compiler knows one of the arguments, by its index: the code may test it. */
  readonly given: readonly Condition[];
}

/** A call in a function of a header, and which of its own arguments are known. */
export interface Step extends Target {
  readonly args: readonly boolean[];
}

export interface Definition {
  readonly when: Condition;
  /** It does nothing, or gives back a constant. */
  readonly isEmpty: boolean;
  /** What it gives back. */
  readonly result: Outcome | Expr;
  /** Names in it that stand for what is given. */
  readonly params: readonly string[];
  /** A macro that does not evaluate what it is given. */
  readonly drops?: boolean;
  /** Of a macro that is an initialiser: which of what it is given stands in it as it is. */
  readonly lists?: readonly boolean[];
  readonly leadsTo: readonly Step[];
  /** Of a macro: names whose address stands where a value does. */
  readonly pointsTo?: readonly string[];
}

/** Parameters of a macro that are looked at. */
const MOST_PARAMS = 64;

export function definitionsIn(file: CFile, name: string, known: Known): Definition[] {
  const functions = file.functions
    .filter((one) => one.name === name)
    .map((one): Definition => {
      const calledWith = (param?: string): readonly CallSite[] =>
        callsIn(file, one, undefined, { ...known, param: (_, name) => (name === param ? UNCLEAR : undefined) }).filter(
          ({ isPointer }) => !isPointer,
        );
      const calls = one.unread ? [] : calledWith();
      const byParam = calls.length === 0 ? [] : one.params.map(calledWith);
      return {
        when: whenAt(file, one.line),
        isEmpty: trivialResult(one) !== undefined,
        result: resultOf(one),
        params: one.params,
        leadsTo: calls.map((site, i) => ({
          name: site.callee,
          when: site.when,
          given: byParam.map((sites) => sites[i]?.when ?? site.when),
          args: site.args.map(isKnown),
        })),
      };
    });
  const macros = file.macros
    .filter((one) => one.name === name && one.body !== name)
    .map((macro): Definition => {
      const code = macro.body.replace(/"(?:\\.|[^"\\])*"/g, '""');
      const constant = trivialMacro(macro);
      return {
        when: whenAt(file, macro.line),
        isEmpty: constant !== undefined,
        result: constant ? ofConstant(constant) : (parseExpression(macro.body) ?? OPEN),
        params: macro.params ?? [],
        drops:
          macro.params !== undefined && !macro.params.slice(0, MOST_PARAMS).some((param) => isEvaluated(code, param)),
        ...(isList(code) && { lists: listed(code, macro.params ?? []) }),
        pointsTo: decides(code)
          ? []
          : [...code.matchAll(/[=,({]\s*&\s*([A-Za-z_]\w*)\b(?!\s*(?:\(|->))/g)].map((match) => match[1]!),
        leadsTo: [...new Set(namesLed(macro, code))]
          .filter((word) => !macro.params?.includes(word))
          .map((word) => ({ name: word, when: true, given: [], args: [] })),
      };
    });
  return [...functions, ...macros];
}

/** When a call leads there, given which of its arguments the compiler knows. */
export function whenGiven({ when, given }: Target, args: readonly boolean[]): Condition {
  return all(when, ...given.filter((_, i) => args[i]));
}

/** Whether the compiler knows an argument. */
export function isKnown(e: Expr): boolean {
  return mentionsConfig(e) || constantOf(e) !== undefined;
}

/** `{ ... }`, `(&(struct s) { ... })`: lists, and such as are pointed to, in which nothing is called. */
function isList(code: string): boolean {
  const plain = code.replace(
    /\(\s*(?:const\s+)?struct\s+\w+[\s*]*(?:\[\s*\]\s*)?\)|\(\s*(?:const\s+)?\w+[\s*]+(?:\[\s*\]\s*)?\)(?=\s*\{)/g,
    '',
  );
  return /^\s*(?:\{[^()]*\}|&\s*\{[^()]*\}|\(\s*&?\s*\{[^()]*\}\s*\))\s*$/.test(plain) && !decides(code);
}

/** Which parameters are values in a list, rather than members, or places in an array. */
function listed(code: string, params: readonly string[]): readonly boolean[] {
  const values = code.replace(/(?:\.|->)\s*\w+|\[[^\]]*\]/g, ' ');
  return params.slice(0, MOST_PARAMS).map((param) => isEvaluated(values, param));
}

/** Whether a macro's text has a parameter elsewhere than behind `#`, and than in what is asked for its size or type. */
function isEvaluated(body: string, param: string): boolean {
  const name = param.replace(/\.\.\.$/, '') || '__VA_ARGS__';
  const rest = body
    .replace(/(?<!#)#\s*\w+/g, '')
    .replace(/\b(?:sizeof|typeof|__typeof__|BUILD_BUG_ON\w*)\s*\((?:[^()]|\([^()]*\))*\)/g, '');
  return new RegExp(`\\b${name.replace(/\W/g, '\\$&')}\\b`).test(rest);
}

/** Of a function that does nothing but return. */
function resultOf(one: CFunction): Outcome | Expr {
  const constant = trivialResult(one);
  if (constant) return ofConstant(constant);
  const [only] = one.body;
  if (!one.unread && one.body.length === 1 && only?.k === 'return' && only.value) return only.value;
  return saysConfig(one.body) ? UNCLEAR : OPEN;
}

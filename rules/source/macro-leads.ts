/** Names that a macro certainly leads to once it stands in code, whatever it is given. */

import { Parentheses } from './c-parentheses.ts';
import type { MacroLine } from './c-preprocess.ts';

/** A macro that decides by the configuration, puts names together, or picks a value. */
const DECIDES = /\b(?:CONFIG_\w+|IS_ENABLED|IS_REACHABLE|IS_BUILTIN|IS_MODULE|__builtin_choose_expr|_Generic)\b|##|\?/;
/** What may keep the rest from being evaluated: `while (0)` only ends a block. */
const UNSURE = /&&|\|\||\b(?:switch|for)\b|\bwhile\s*\((?!\s*0\s*\))/;
/** Asks for a type or a size, and evaluates nothing. */
const TYPE_OF = /\b(?:sizeof|typeof|__typeof__)\s*(?=\()/g;
/** Words of a test that decide nothing. */
const PLAIN = new Set(['likely', 'unlikely', 'IS_ERR', 'IS_ERR_OR_NULL', 'NULL', 'void', 'struct']);

/**
 * `code`: the macro's body without texts. A block (`do { … } while (0)`, `({ … })`) may test what it is given, as
 * long as run time decides it; behind a test of one argument alone, which may be a constant of the caller, nothing
 * is certain.
 */
export function namesLed(macro: MacroLine, code: string): readonly string[] {
  const plain = withoutTypes(code.replace(/,\s*##\s*(?=\w)/g, ', ').replace(/(?<!#)#\s*\w+/g, ' '));
  if (plain === undefined || DECIDES.test(plain)) return [];
  const sure = plain.slice(0, UNSURE.exec(plain)?.index);
  const certain = untilUncertain(sure, macro.params ?? []);
  return certain.match(/(?<![.>\w])(?<!\b(?:struct|union|enum)\s{1,4})[A-Za-z_]\w*(?!\w|\s*=[^=])/g) ?? [];
}

/** Whether a macro picks what it evaluates, or puts names together. */
export function decides(code: string): boolean {
  return DECIDES.test(code) || /\bif\b/.test(code);
}

/** Undefined where a parenthesis is missing. */
function withoutTypes(code: string): string | undefined {
  const parentheses = new Parentheses(code);
  let [rest, from] = ['', 0];
  for (const { index, 0: word } of code.matchAll(TYPE_OF)) {
    if (index < from) continue;
    const close = parentheses.closing(index + word.length);
    if (close === undefined) return undefined;
    rest += `${code.slice(from, index)} 0 `;
    from = close + 1;
  }
  return rest + code.slice(from);
}

/** The code up to the first test that a constant may decide. */
function untilUncertain(code: string, params: readonly string[]): string {
  const parentheses = new Parentheses(code);
  for (const { index, 0: head } of code.matchAll(/\bif\s*(?=\()/g)) {
    const start = index + head.length;
    const close = parentheses.closing(start);
    const before = code.slice(0, index);
    if (close === undefined || !atRunTime(code.slice(start, close), before, params)) return before;
  }
  return code;
}

/** Whether a test looks at memory, or compares two things of which one at least is given. */
function atRunTime(test: string, before: string, params: readonly string[]): boolean {
  const names = [...new Set(test.match(/(?<![.>\w])[A-Za-z_]\w*/g) ?? [])].filter((name) => !PLAIN.has(name));
  const isKnown = (name: string): boolean => params.includes(name) || new RegExp(`\\b${name}\\s*=[^=]`).test(before);
  return names.length > 0 && names.every(isKnown) && (names.length > 1 || test.includes('->'));
}

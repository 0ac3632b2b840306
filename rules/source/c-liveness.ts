/**
 * When the compiler keeps what a file defines: a static function or table that only code left out mentions is
 * dropped, with all the calls in it. Where that hangs on a macro or a stub, the condition is opaque.
 */

import type { Expr } from './c-ast.ts';
import { partsOf } from './c-ast.ts';
import type { CallSite } from './c-calls.ts';
import type { Condition } from './c-condition.ts';
import { all, any, conditionText } from './c-condition.ts';
import type { CFile } from './c-file.ts';
import { whenAt } from './c-file.ts';

/** Who mentions a name, and when. */
interface Mention {
  /** Function or variable in which it stands; absent for what is always kept. */
  readonly in?: string;
  readonly when: Condition;
}

const OPAQUE: Condition = { opaque: 'not told by the file' };
/** A condition longer than this, as text, is given up. */
const MOST_CONDITION = 1500;

/** When what is given to a name is kept. */
export interface Kept {
  /** By a call: a stub does not. */
  readonly call: (callee: string) => Condition;
  /** By a macro in an initialiser, as its argument of that index. */
  readonly list: (macro: string, index: number) => Condition;
}

/** Gives the condition under which a function or a table of the file is kept. */
export function livenessOf(
  file: CFile,
  calls: readonly CallSite[],
  { call: keeps, list = () => OPAQUE }: Pick<Kept, 'call'> & Partial<Kept>,
): (name: string) => Condition {
  const isStatic = new Map<string, boolean>();
  for (const { name, static: own, line } of file.functions) {
    isStatic.set(name, (isStatic.get(name) ?? true) && own === true && line > 0);
  }
  const tables = new Map(file.variables.map((one) => [one.name, one]));
  const mentions = mentionsIn(file, calls, (name) => isStatic.has(name) || tables.has(name), {
    call: keeps,
    list,
  });
  const known = new Map<string, Condition>();
  const live = (name: string, above: ReadonlySet<string>): Condition => {
    const done = known.get(name);
    if (done !== undefined) return done;
    const table = tables.get(name);
    if (isStatic.get(name) === false || (table && !table.static)) return true;
    if (above.has(name) || above.size > 12) return false;
    const inner = new Set(above).add(name);
    const own = mentions.get(name);
    // one that nothing mentions is kept by an attribute, or named where the file could not be read
    const result = own
      ? any(...own.map((one) => all(one.when, one.in === undefined ? true : live(one.in, inner))))
      : table !== undefined;
    const short = conditionText(result).length > MOST_CONDITION ? OPAQUE : result;
    // what a circle left out may be more than this for others
    if (above.size === 0) known.set(name, short);
    return short;
  };
  return (name) => live(name, new Set());
}

function mentionsIn(
  file: CFile,
  calls: readonly CallSite[],
  isWanted: (name: string) => boolean,
  { call: keeps, list }: Kept,
): Map<string, Mention[]> {
  const found = new Map<string, Mention[]>();
  const put = (name: string, mention: Mention): void => {
    if (!isWanted(name)) return;
    const known = found.get(name);
    if (known) known.push(mention);
    else found.set(name, [mention]);
  };
  const inArguments = new Set<string>();
  for (const { callee, isPointer, caller, when, args } of calls) {
    if (!isPointer) put(callee, { in: caller, when });
    const kept = isPointer ? true : keeps(callee);
    for (const name of args.flatMap(namesIn)) {
      inArguments.add(`${caller} ${name}`);
      put(name, { in: caller, when: all(when, kept) });
    }
  }
  for (const { name, line, type, init } of file.variables) {
    const isPower = /\bdev_pm_ops\b/.test(type);
    const from = (at: number): Mention => ({ in: name, when: isPower ? OPAQUE : whenAt(file, at) });
    for (const one of itemsIn(init, line)) put(one.name, from(one.line));
    // KUNIT_CASE(f) is f; pm_ptr(&x), of_match_ptr(x): kept or not as the macro says
    for (const { names, given, at } of callsInside(init, line))
      for (const one of names)
        put(one, { in: name, when: given ? all(whenAt(file, at), list(given.macro, given.index)) : OPAQUE });
  }
  for (const { macro, line, args } of file.invocations) {
    const isTable = /PM_OPS|SHOW_ATTRIBUTE|ATTRIBUTE_GROUPS|DEVICE_TABLE|_ATTR/.test(macro);
    for (const name of args) put(name, { when: isTable ? OPAQUE : whenAt(file, line) });
  }
  for (const { name, body, line, endLine } of file.functions) {
    const text = JSON.stringify(body);
    const isPlain = !text.includes('CONFIG_') && !file.regions.some(([at]) => at > line && at <= endLine);
    const when = isPlain ? whenAt(file, line) : OPAQUE;
    for (const [, other] of text.matchAll(/"k":"name","name":"(\w+)"/g)) {
      if (other === name || !isWanted(other!) || found.get(other!)?.some((one) => one.in === name)) continue;
      // assigned, returned, compared
      if (!inArguments.has(`${name} ${other}`)) put(other!, { in: name, when });
    }
  }
  return found;
}

/** `f`, `&f`, `(type)f`, those in a list, and tables of which a part is handed on: `&t[i]`, `t.f`. */
function namesIn(e: Expr): string[] {
  if (e.k === 'name') return [e.name];
  if (e.k === 'index' || e.k === 'member') return namesIn(e.of);
  if (e.k === 'list') return e.items.flatMap(({ value }) => namesIn(value));
  if (e.k === 'cast' || (e.k === 'unary' && e.op === '&')) return namesIn(e.of);
  return [];
}

/** The names of an initialiser, each with its line: an item may be compiled when others are not. */
function itemsIn(e: Expr, line: number): { readonly name: string; readonly line: number }[] {
  if (e.k === 'list') return e.items.flatMap((item) => itemsIn(item.value, item.line));
  return namesIn(e).map((name) => ({ name, line }));
}

/** Names handed to a macro inside an initialiser, or that a test there chooses from. */
interface Handed {
  readonly names: readonly string[];
  /** The macro, and which of its arguments they are. */
  readonly given?: { readonly macro: string; readonly index: number };
  readonly at: number;
}

function callsInside(e: Expr, line: number): Handed[] {
  if (e.k === 'list') return e.items.flatMap(({ value, line: at }) => callsInside(value, at));
  const inner = partsOf(e).flatMap((part) => callsInside(part, line));
  if (e.k === 'call' && e.callee.k === 'name') {
    const macro = e.callee.name;
    return [...e.args.map((arg, index) => ({ names: namesIn(arg), given: { macro, index }, at: line })), ...inner];
  }
  return e.k === 'call' || e.k === 'choose' ? [{ names: partsOf(e).flatMap(namesIn), at: line }, ...inner] : inner;
}

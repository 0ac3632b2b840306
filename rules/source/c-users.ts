/**
 * Who comes to a function, and when: through calls, and through tables, pointers and macros that it is handed out by,
 * as far as the configuration decides. A function that is only compiled is reached by nobody (c-liveness.ts says
 * what is compiled). What a macro makes of a name is read; where that cannot be told the condition is opaque.
 */

import type { Expr } from './c-ast.ts';
import { partsOf, visitExprs } from './c-ast.ts';
import { type Root, rootsIn } from './c-calls.ts';
import type { Condition } from './c-condition.ts';
import { all, any, not, withoutOpaque } from './c-condition.ts';
import { conditionOf } from './c-config-test.ts';
import { entriesOf } from './c-entries.ts';
import type { CFile, CVariable } from './c-file.ts';
import { whenAt } from './c-file.ts';
import { parseExpression } from './c-if-line.ts';
import type { MacroLine } from './c-preprocess.ts';
import type { Meaning, Unit } from './meanings.ts';

const OPAQUE: Condition = { opaque: 'a macro that is not followed' };
/** Macros in macros. */
const MOST_STEPS = 4;
/** Functions and tables on the way. */
const MOST_ABOVE = 12;

/** A place of the file that names a function or a table. */
interface Mention {
  /** Function or table in which it stands; absent for what is outside of both. */
  readonly in?: string;
  readonly when: Condition;
  readonly of: { readonly expr: Expr } | { readonly macro: string; readonly args: readonly string[] };
}

/** Of a table of the file: when somebody comes through it. */
export type Used = (table: CVariable) => Promise<Condition>;

/** The users of one file's functions. */
export class FileUsers {
  readonly #unit: Unit;
  readonly #used: Used;
  readonly #mentions = new Map<string, Mention[]>();
  readonly #functions: ReadonlySet<string>;
  readonly #shared = new Set<string>();
  readonly #tables: ReadonlyMap<string, CVariable>;

  constructor(unit: Unit, used: Used) {
    this.#unit = unit;
    this.#used = used;
    const { file } = unit;
    this.#functions = new Set(file.functions.map(({ name }) => name));
    this.#tables = new Map(file.variables.map((one) => [one.name, one]));
    for (const { name, static: own, definer } of file.functions) if (!own || definer) this.#shared.add(name);
    this.#collect(file);
  }

  /**
   * When somebody comes to `name` in this file. Other files come to what is not static in ways of their own: these
   * count for what is above it, and not for the name itself.
   */
  async of(name: string): Promise<Condition> {
    const own = this.#mentions.get(name);
    if (!own) return OPAQUE;
    return await this.#among(own, name, new Set([name]));
  }

  /** Whether the file says the name at all. */
  names(name: string): boolean {
    return this.#mentions.has(name);
  }

  async #reach(name: string, above: ReadonlySet<string>): Promise<Condition> {
    if (this.#shared.has(name)) return true;
    if (above.has(name) || above.size > MOST_ABOVE) return false;
    const own = this.#mentions.get(name);
    // a table that nothing of the file mentions is for others
    if (!own) return this.#tables.has(name) ? true : OPAQUE;
    // the macro that defines a variable is no user of it
    const isDefined = this.#tables.has(name) || this.#functions.has(name);
    const others = isDefined ? own : own.filter(({ of }) => 'expr' in of);
    return await this.#among(others.length > 0 ? others : own, name, new Set(above).add(name));
  }

  async #among(mentions: readonly Mention[], name: string, above: ReadonlySet<string>): Promise<Condition> {
    const ways: Condition[] = [];
    for (const { in: around, when, of } of mentions) {
      const handed = 'expr' in of ? await this.#handed(of.expr, name) : await this.#passes(of.macro, MOST_STEPS);
      if (handed === false) continue;
      const from = around !== undefined ? [around] : 'expr' in of ? [] : this.#madeOf(of.args, name);
      const through: Condition[] = [];
      for (const one of from) {
        const table = this.#tables.get(one);
        through.push(all(table ? await this.#used(table) : true, await this.#reach(one, above)));
      }
      const way = all(when, handed, from.length === 0 ? true : any(...through));
      if (way === true) return true;
      ways.push(way);
    }
    return any(...ways);
  }

  /** Variables that a macro outside of functions defines, by what else it is given: `X_OPS(ops, f)`, dev_attr_x. */
  #madeOf(args: readonly string[], name: string): string[] {
    const others = args.filter((arg) => arg !== name && !this.#functions.has(arg) && this.#mentions.has(arg));
    const pasted = [...this.#mentions.keys()].filter(
      (key) => !this.#functions.has(key) && args.some((arg) => key.endsWith(`_${arg}`)),
    );
    const isMade = (other: string): boolean =>
      this.#tables.has(other) || this.#mentions.get(other)!.some(({ of }) => 'expr' in of);
    return [...others, ...pasted].filter(isMade);
  }

  /** When the value of an expression, or a call in it, has the name in it. */
  async #handed(e: Expr, name: string, steps = MOST_STEPS): Promise<Condition> {
    if (!mentions(e, name)) return false;
    const below = (part: Expr): Promise<Condition> => this.#handed(part, name, steps);
    switch (e.k) {
      case 'name':
        return true;
      case 'choose': {
        const test = conditionOf(e.test, { opaque: () => 'run time' });
        const [yes, no] = [withoutOpaque(test, true), withoutOpaque(not(test), true)];
        return any(await below(e.test), all(yes, e.yes ? await below(e.yes) : false), all(no, await below(e.no)));
      }
      case 'binary':
        if (e.op === '&&' || e.op === '||') {
          const left = conditionOf(e.left, { opaque: () => 'run time' });
          const goesOn = withoutOpaque(e.op === '&&' ? left : not(left), true);
          return any(await below(e.left), all(goesOn, await below(e.right)));
        }
        break;
      case 'call':
        if (e.callee.k === 'name' && e.callee.name !== name) return await this.#given(e.callee.name, e, name, steps);
        break;
      default:
    }
    return any(...(await Promise.all(partsOf(e).map(below))));
  }

  /** The same of a call, by what is called: a stub drops what it is given, and a macro may. */
  async #given(callee: string, e: Expr & { readonly k: 'call' }, name: string, steps: number): Promise<Condition> {
    const args = any(...(await Promise.all(e.args.map((arg) => this.#handed(arg, name, steps)))));
    const meanings = steps > 0 ? await this.#meanings(callee) : [];
    const dropped: Condition[] = [];
    for (const { kind, when, macro } of meanings) {
      const text = macro && parseExpression(macro.body);
      const kept =
        kind === 'constant'
          ? false
          : !macro
            ? OPAQUE
            : !text
              ? await this.#keeps(macro, steps - 1)
              : macro.params
                ? await this.#handed(replaced(text, macro.params, e.args), name, steps - 1)
                : await this.#handed({ ...e, callee: text }, name, steps - 1);
      if (kept !== true) dropped.push(all(when, not(kept)));
    }
    return all(args, not(any(...dropped)));
  }

  /** When a macro that is called outside of functions does something with what it is given. */
  async #passes(name: string, steps: number): Promise<Condition> {
    const dropped: Condition[] = [];
    for (const { kind, when, macro, alias } of await this.#meanings(name)) {
      const kept =
        kind === 'constant'
          ? false
          : steps === 0
            ? OPAQUE
            : alias !== undefined
              ? await this.#passes(alias, steps - 1)
              : macro
                ? await this.#keeps(macro, steps - 1)
                : OPAQUE;
      if (kept !== true) dropped.push(all(when, not(kept)));
    }
    return not(any(...dropped));
  }

  /** When a macro's text has all its parameters in places that others do not drop. */
  async #keeps({ body, params = [] }: MacroLine, steps: number): Promise<Condition> {
    if (ASKS.test(body)) return OPAQUE;
    const kept: Condition[] = [];
    for (const places of placesOf(body, params).values()) {
      const ways: Condition[] = [];
      for (const around of places) {
        const inside: Condition[] = [];
        for (const one of around) inside.push(await this.#passes(one, steps));
        ways.push(all(...inside));
      }
      kept.push(any(...ways));
    }
    return all(...kept);
  }

  async #meanings(name: string): Promise<readonly Meaning[]> {
    return (await this.#unit.meanings(name)).filter(({ kind }) => kind !== 'declared' && kind !== 'code');
  }

  #collect(file: CFile): void {
    for (const one of file.functions) for (const root of rootsIn(file, one)) this.#put(root, one.name);
    for (const { name, line, init } of file.variables)
      for (const item of itemsOf(init, line)) this.#put({ ...item, when: whenAt(file, item.line) }, name);
    for (const { macro, line, args } of file.invocations)
      for (const name of args) this.#add(name, { when: whenAt(file, line), of: { macro, args } });
    for (const { name, line, how, to } of entriesOf(file))
      if (how === 'macro' && to !== undefined && !this.#mentions.get(name)?.some(({ of }) => 'macro' in of)) {
        const args = file.invocations.find((one) => one.line === line && one.macro === to)?.args ?? [];
        this.#add(name, { when: whenAt(file, line), of: { macro: to, args } });
      }
    for (const { name } of file.exports) this.#shared.add(name);
  }

  #put({ e, when }: Pick<Root, 'e' | 'when'>, around: string): void {
    const names = new Set<string>();
    visit(e, (part) => {
      if (part.k === 'name') names.add(part.name);
    });
    // a function that calls itself brings nobody to it
    for (const name of names) if (name !== around) this.#add(name, { in: around, when, of: { expr: e } });
  }

  #add(name: string, mention: Mention): void {
    const known = this.#mentions.get(name);
    if (known) known.push(mention);
    else this.#mentions.set(name, [mention]);
  }
}

/** A macro that decides for itself what it makes of its arguments. */
const ASKS = /\b(?:CONFIG_\w+|IS_ENABLED|IS_REACHABLE|IS_BUILTIN|IS_MODULE)\b/;

function mentions(e: Expr, name: string): boolean {
  let is = false;
  visit(e, (part) => {
    is ||= part.k === 'name' && part.name === name;
  });
  return is;
}

/** An expression and those in it, statements in it too. */
function visit(e: Expr, see: (e: Expr) => void): void {
  visitExprs([{ k: 'expr', line: 0, expr: e }], see);
}

/** Values of an initialiser, each with its line: one may be compiled when others are not. */
function itemsOf(e: Expr, line: number): { readonly e: Expr; readonly line: number }[] {
  if (e.k === 'list') return e.items.flatMap((item) => itemsOf(item.value, item.line));
  return [{ e, line }];
}

/** A macro's text with what it is given in the place of its parameters. */
function replaced(e: Expr, params: readonly string[], args: readonly Expr[]): Expr {
  const below = (part: Expr): Expr => replaced(part, params, args);
  switch (e.k) {
    case 'name':
      return args[params.indexOf(e.name)] ?? e;
    case 'unary':
    case 'cast':
    case 'member':
      return { ...e, of: below(e.of) };
    case 'binary':
      return { ...e, left: below(e.left), right: below(e.right) };
    case 'choose':
      return { ...e, test: below(e.test), ...(e.yes && { yes: below(e.yes) }), no: below(e.no) };
    case 'call':
      return { ...e, args: e.args.map(below) };
    default:
      return e;
  }
}

/** Of each parameter that a macro's text has as a whole, the calls around it, at each place. */
function placesOf(body: string, params: readonly string[]): ReadonlyMap<string, readonly (readonly string[])[]> {
  const places = new Map<string, (readonly string[])[]>();
  const open: string[] = [];
  let last = '';
  for (const [token] of body.replace(/"(?:\\.|[^"\\])*"/g, '""').matchAll(/[A-Za-z_]\w*|##|\S/g)) {
    if (token === '(') open.push(/^\w/.test(last) ? last : '');
    else if (token === ')') open.pop();
    else if (params.includes(token) && last !== '##') {
      const around = open.filter((name) => name !== '' && !params.includes(name));
      const known = places.get(token);
      if (known) known.push(around);
      else places.set(token, [around]);
    }
    last = token;
  }
  return places;
}

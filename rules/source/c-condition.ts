/**
 * Conditions of C code in terms of Kconfig symbols, JSON-safe and of no pool, so that they can be kept with
 * the file they were read from; `conditionBounds` makes expressions of them.
 *
 * What a configuration means in C: include/generated/autoconf.h defines `CONFIG_X` as 1 for X=y, and
 * `CONFIG_X_MODULE` for X=m (scripts/kconfig/confdata.c, print_symbol_for_c); strings and numbers are
 * defined as their value, where they have one. IS_ENABLED() and its like: include/linux/kconfig.h.
 */

import type { ExprId, ExprPool } from '../kconfig/expr.ts';
import { Op } from '../kconfig/expr.ts';
import type { SymbolName } from '../types.ts';

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

export type Condition =
  | boolean
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  /**
   * `defined`: the macro CONFIG_X is. `true`: CONFIG_X as a value is not 0. `y`: IS_BUILTIN, X=y. `m`: X=m.
   * `enabled`: IS_ENABLED, X=y or X=m. `reachable`: IS_REACHABLE, X=y, or X=m in code that is built as a module.
   */
  | { readonly symbol: SymbolName; readonly is: 'defined' | 'true' | 'y' | 'm' | 'enabled' | 'reachable' }
  /** The number is decimal. A symbol without a value counts as 0. */
  | { readonly symbol: SymbolName; readonly op: Comparison; readonly number: string }
  /** The macro MODULE is defined: the file is built as (part of) a module. */
  | { readonly builtAs: 'module' }
  /** Neither known nor knowable from the configuration; equal texts stand for equal values. */
  | { readonly opaque: string };

export const not = (c: Condition): Condition =>
  typeof c === 'boolean' ? !c : typeof c === 'object' && 'not' in c ? c.not : { not: c };

export const all = (...parts: readonly Condition[]): Condition => junction('all', parts);
export const any = (...parts: readonly Condition[]): Condition => junction('any', parts);

/** Flat, without repetitions; constant where a part, or a part and its opposite, decide. */
function junction(kind: 'all' | 'any', parts: readonly Condition[]): Condition {
  const decides = kind === 'any';
  if (parts.includes(decides)) return decides;
  const open = parts.filter((part) => typeof part !== 'boolean');
  if (open.length <= 1) return open[0] ?? !decides;
  const seen = new Map<string, Condition>();
  const flat = open.flatMap((part): readonly Condition[] =>
    kind in part ? (part as Record<string, readonly Condition[]>)[kind]! : [part],
  );
  for (const part of flat) {
    const text = conditionText(part);
    const opposite = typeof part === 'object' && 'not' in part ? conditionText(part.not) : `{"not":${text}}`;
    if (seen.has(opposite)) return decides;
    seen.set(text, part);
  }
  const rest = [...seen.values()];
  if (rest.length === 1) return rest[0]!;
  return kind === 'all' ? { all: rest } : { any: rest };
}

const texts = new WeakMap<object, string>();

/** The condition as JSON: equal texts, equal conditions. */
export function conditionText(c: Condition): string {
  if (typeof c === 'boolean') return String(c);
  let text = texts.get(c);
  if (text === undefined) {
    text = JSON.stringify(c);
    texts.set(c, text);
  }
  return text;
}

/** Whether the configuration has a say in it. */
export function isConfigured(c: Condition): boolean {
  if (typeof c === 'boolean') return false;
  if ('all' in c) return c.all.some(isConfigured);
  if ('any' in c) return c.any.some(isConfigured);
  if ('not' in c) return isConfigured(c.not);
  return 'symbol' in c || 'builtAs' in c;
}

/** Symbols of the configuration that it names, each once. */
export function symbolsOf(c: Condition): SymbolName[] {
  if (typeof c === 'boolean') return [];
  if ('all' in c) return [...new Set(c.all.flatMap(symbolsOf))];
  if ('any' in c) return [...new Set(c.any.flatMap(symbolsOf))];
  if ('not' in c) return symbolsOf(c.not);
  return 'symbol' in c ? [c.symbol] : [];
}

/** The condition with every opaque part replaced by what makes it hold (`true`) or fail (`false`) most often. */
export function withoutOpaque(c: Condition, favour: boolean): Condition {
  if (typeof c === 'boolean') return c;
  if ('opaque' in c) return favour;
  if ('all' in c) return all(...c.all.map((part) => withoutOpaque(part, favour)));
  if ('any' in c) return any(...c.any.map((part) => withoutOpaque(part, favour)));
  if ('not' in c) return not(withoutOpaque(c.not, !favour));
  return c;
}

/** What Kconfig and Kbuild know of the symbols and of the file. */
export interface ConditionContext {
  /** When the file is built as a module. Without it, that is taken for unknown. */
  readonly modular?: ExprId;
  /** `text` for strings and numbers. Without it, a symbol is one if it is compared with a number. */
  readonly typeOf?: (symbol: SymbolName) => 'bool' | 'tristate' | 'text' | undefined;
}

/** Expressions between which a condition lies: it holds wherever `least` does, and nowhere that `most` does not. Equal where nothing is opaque. */
export interface ConditionBounds {
  readonly least: ExprId;
  readonly most: ExprId;
}

/** The expressions have the values y and n only. `NONE` is never returned. */
export function conditionBounds(pool: ExprPool, c: Condition, context: ConditionContext = {}): ConditionBounds {
  const { modular } = context;
  const [yes, no] = [pool.symbol(pool.y), pool.symbol(pool.n)];
  const exactly = (e: ExprId): ConditionBounds => ({ least: e, most: e });
  const isModule: ConditionBounds = modular === undefined ? { least: no, most: yes } : exactly(modular);
  const equals = (symbol: SymbolName, value: number): ExprId => pool.make(Op.equal, pool.symbolId(symbol), value);
  const isText = (symbol: SymbolName): boolean => context.typeOf?.(symbol) === 'text';
  const hasValue = (symbol: SymbolName): ExprId => pool.make(Op.unequal, pool.symbolId(symbol), pool.constantId(''));
  const compared = (symbol: SymbolName, op: Comparison, number: string): ExprId => {
    const type = context.typeOf?.(symbol);
    if (type === 'bool' || type === 'tristate') {
      const [set, unset] = [compare(1, op, Number(number)), compare(0, op, Number(number))];
      return set === unset ? (set ? yes : no) : set ? equals(symbol, pool.y) : pool.not(equals(symbol, pool.y));
    }
    const valued = pool.and(hasValue(symbol), pool.make(OPS[op], pool.symbolId(symbol), pool.constantId(number)));
    return compare(0, op, Number(number)) ? pool.or(valued, pool.not(hasValue(symbol))) : valued;
  };
  const fold = (parts: readonly Condition[], op: 'and' | 'or', empty: ExprId): ConditionBounds => {
    const bounds = parts.map(below);
    const one = (side: 'least' | 'most'): ExprId =>
      bounds.map((each) => each[side]).reduce((a, b) => joined(pool, op, a, b), empty);
    return { least: one('least'), most: one('most') };
  };
  const below = (part: Condition): ConditionBounds => {
    if (typeof part === 'boolean') return exactly(part ? yes : no);
    if ('opaque' in part) return { least: no, most: yes };
    if ('builtAs' in part) return isModule;
    if ('all' in part) return fold(part.all, 'and', yes);
    if ('any' in part) return fold(part.any, 'or', no);
    if ('not' in part) {
      const { least, most } = below(part.not);
      return { least: opposite(pool, most), most: opposite(pool, least) };
    }
    const { symbol } = part;
    if ('op' in part) return exactly(compared(symbol, part.op, part.number));
    switch (part.is) {
      case 'defined':
        return exactly(isText(symbol) ? hasValue(symbol) : equals(symbol, pool.y));
      case 'true':
        return exactly(isText(symbol) ? compared(symbol, '!=', '0') : equals(symbol, pool.y));
      case 'y':
        return exactly(equals(symbol, pool.y));
      case 'm':
        return exactly(equals(symbol, pool.m));
      case 'enabled':
        return exactly(pool.or(equals(symbol, pool.y), equals(symbol, pool.m)));
      case 'reachable': {
        const asModule = (when: ExprId): ExprId => joined(pool, 'and', equals(symbol, pool.m), when);
        const or = (when: ExprId): ExprId => joined(pool, 'or', equals(symbol, pool.y), asModule(when));
        return { least: or(isModule.least), most: or(isModule.most) };
      }
    }
  };
  return below(c);
}

const OPS: Readonly<Record<Comparison, Op>> = {
  '==': Op.equal,
  '!=': Op.unequal,
  '<': Op.less,
  '<=': Op.lessEqual,
  '>': Op.greater,
  '>=': Op.greaterEqual,
};

export function compare(a: number, op: Comparison, b: number): boolean {
  switch (op) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

/** Conjunction or disjunction without y and n among its parts. */
function joined(pool: ExprPool, op: 'and' | 'or', a: ExprId, b: ExprId): ExprId {
  const neutral = pool.symbol(op === 'and' ? pool.y : pool.n);
  const deciding = pool.symbol(op === 'and' ? pool.n : pool.y);
  if (a === deciding || b === deciding) return deciding;
  if (a === neutral || a === b) return b;
  return b === neutral ? a : pool[op](a, b);
}

function opposite(pool: ExprPool, e: ExprId): ExprId {
  const [yes, no] = [pool.symbol(pool.y), pool.symbol(pool.n)];
  return e === yes ? no : e === no ? yes : pool.not(e);
}

/**
 * What an expression says about the configuration: of an `#if` line, or of an `if ()` of C. One reading
 * for both, since IS_ENABLED() and its like work in both (include/linux/kconfig.h).
 */

import type { Expr } from './c-ast.ts';
import { partsOf } from './c-ast.ts';
import type { Comparison, Condition } from './c-condition.ts';
import { all, any, compare, not } from './c-condition.ts';

/** Text of a named macro, for macros of the same file that stand for such an expression; undefined where there is none. */
export type Expand = (name: string) => Expr | undefined;

const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
const CALLS: Readonly<Record<string, 'y' | 'm' | 'enabled' | 'reachable'>> = {
  IS_BUILTIN: 'y',
  IS_MODULE: 'm',
  IS_ENABLED: 'enabled',
  IS_REACHABLE: 'reachable',
};
/** Macros that leave their argument as it is (include/linux/compiler.h). */
export const TRANSPARENT: ReadonlySet<string> = new Set(['likely', 'unlikely', 'READ_ONCE', '__builtin_expect']);
/** The same in every object of the kernel: Makefile, KBUILD_CPPFLAGS; C rather than assembler; not sparse; not C++. */
const FIXED: Readonly<Record<string, boolean>> = {
  __KERNEL__: true,
  __ASSEMBLY__: false,
  __ASSEMBLER__: false,
  __CHECKER__: false,
  __cplusplus: false,
  __GNUC__: true,
};
const MAX_EXPANSIONS = 8;

/** What a reader of tests knows of the file around them. */
export interface TestContext {
  /** Names what is not known. The same text stands for the same value. */
  readonly opaque: (e: Expr) => string;
  /** When a macro is defined at this place; `definedMacro` where the file has nothing to say. */
  readonly isDefined?: (name: string) => Condition;
  readonly expand?: Expand;
}

/** When the expression is not 0. */
export function conditionOf(e: Expr, context: TestContext, depth = 0): Condition {
  const unknown = (): Condition => ({ opaque: context.opaque(e) });
  const below = (part: Expr): Condition => conditionOf(part, context, depth);
  switch (e.k) {
    case 'number': {
      const value = numberOf(e);
      return value === undefined ? unknown() : value !== 0;
    }
    case 'name': {
      if (e.name === 'true' || e.name === 'false') return e.name === 'true';
      const symbol = configName(e.name);
      if (symbol !== undefined) return symbolIs(symbol, 'true');
      const meaning = depth < MAX_EXPANSIONS ? context.expand?.(e.name) : undefined;
      return meaning === undefined ? unknown() : conditionOf(meaning, context, depth + 1);
    }
    case 'unary':
      return e.op === '!' ? not(below(e.of)) : unknown();
    case 'cast':
      return below(e.of);
    case 'binary':
      if (e.op === '&&') return all(below(e.left), below(e.right));
      if (e.op === '||') return any(below(e.left), below(e.right));
      return comparison(e.op, e.left, e.right) ?? unknown();
    case 'choose': {
      const test = below(e.test);
      return any(all(test, e.yes ? below(e.yes) : true), all(not(test), below(e.no)));
    }
    case 'call':
      return called(e, below, context.isDefined ?? definedMacro) ?? unknown();
    default:
      return unknown();
  }
}

/** Whether the expression mentions a symbol of the configuration at all. */
export function mentionsConfig(e: Expr): boolean {
  return (e.k === 'name' && e.name.startsWith('CONFIG_')) || partsOf(e).some(mentionsConfig);
}

/** `FOO` of `CONFIG_FOO`. */
function configName(name: string): string | undefined {
  return /^CONFIG_\w/.test(name) ? name.slice('CONFIG_'.length) : undefined;
}

/** CONFIG_FOO_MODULE is FOO=m, unless there is a symbol FOO_MODULE: only one of them can be. */
function symbolIs(symbol: string, is: 'defined' | 'true' | 'y' | 'enabled'): Condition {
  const base = /^(.+)_MODULE$/.exec(symbol)?.[1];
  return base === undefined ? { symbol, is } : any({ symbol: base, is: 'm' }, { symbol, is });
}

function called(
  { callee, args }: Expr & { readonly k: 'call' },
  below: (e: Expr) => Condition,
  isDefined: (name: string) => Condition,
): Condition | undefined {
  if (callee.k !== 'name') return undefined;
  const [first] = args;
  if (callee.name === 'defined' && first?.k === 'name') return isDefined(first.name);
  if (TRANSPARENT.has(callee.name) && first !== undefined) return below(first);
  const is = CALLS[callee.name];
  const symbol = first?.k === 'name' ? configName(first.name) : undefined;
  return is === undefined || symbol === undefined ? undefined : { symbol, is };
}

/** When a macro is defined. */
export function definedMacro(name: string): Condition {
  const symbol = configName(name);
  if (symbol !== undefined) return symbolIs(symbol, 'defined');
  if (name === 'MODULE') return { builtAs: 'module' };
  return FIXED[name] ?? { opaque: `defined ${name}` };
}

function comparison(op: string, left: Expr, right: Expr): Condition | undefined {
  if (!COMPARISONS.includes(op)) return undefined;
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) return compare(a, op as Comparison, b);
  if (a !== undefined) return comparison(MIRRORED[op as Comparison], right, left);
  if (b === undefined || left.k !== 'name') return undefined;
  // include/asm-generic/bitsperlong.h: 64 with CONFIG_64BIT, else 32
  if (left.name === 'BITS_PER_LONG') {
    const [on64, on32] = [compare(64, op as Comparison, b), compare(32, op as Comparison, b)];
    const is64: Condition = { symbol: '64BIT', is: 'y' };
    return on64 === on32 ? on64 : on64 ? is64 : not(is64);
  }
  const symbol = configName(left.name);
  return symbol === undefined ? undefined : { symbol, op: op as Comparison, number: String(b) };
}

const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/** Value of an integer constant; undefined for what is none or too large to be exact. */
export function numberOf(e: Expr): number | undefined {
  if (e.k === 'unary' && e.op === '-') {
    const value = numberOf(e.of);
    return value === undefined ? undefined : -value;
  }
  if (e.k !== 'number') return undefined;
  // the grammar takes `-1` for one literal
  const [, sign, digits] = /^(-?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)[uUlL]*$/.exec(e.text) ?? [];
  if (digits === undefined) return undefined;
  const value = /^0[0-7]/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return Number.isSafeInteger(value) ? (sign === '-' && value !== 0 ? -value : value) : undefined;
}

/** Results that do not depend on anything: what a stub gives back. */

import type { Expr, Stmt } from './c-ast.ts';
import { numberOf } from './c-config-test.ts';
import type { CFunction } from './c-file.ts';
import { parseExpression } from './c-if-line.ts';
import type { MacroLine } from './c-preprocess.ts';

export type Constant =
  | { readonly k: 'void' }
  | { readonly k: 'null' }
  | { readonly k: 'bool'; readonly value: boolean }
  | { readonly k: 'int'; readonly value: number }
  /** `-ENODEV`: `errno` is `ENODEV`. */
  | { readonly k: 'errno'; readonly errno: string }
  | { readonly k: 'err-ptr'; readonly errno: string }
  /** Another constant by name: `IRQ_NONE`, `VM_FAULT_SIGBUS`. */
  | { readonly k: 'name'; readonly name: string }
  /** A struct of zeroes: `(struct x){ }`. */
  | { readonly k: 'zero' };

/** The constant that an expression is. */
export function constantOf(e: Expr): Constant | undefined {
  const value = numberOf(e);
  if (value !== undefined) return { k: 'int', value };
  switch (e.k) {
    case 'name':
      if (e.name === 'NULL') return { k: 'null' };
      if (e.name === 'true' || e.name === 'false') return { k: 'bool', value: e.name === 'true' };
      return /^[A-Z][A-Z0-9_]+$/.test(e.name) ? { k: 'name', name: e.name } : undefined;
    case 'unary': {
      const errno = e.op === '-' && e.of.k === 'name' ? /^E[A-Z0-9]+$/.exec(e.of.name)?.[0] : undefined;
      return errno === undefined ? undefined : { k: 'errno', errno };
    }
    case 'call': {
      const is = e.callee.k === 'name' ? e.callee.name : '';
      const inner = e.args[0] && constantOf(e.args[0]);
      // include/linux/err.h; sparse's cast is for pointers to __iomem
      if ((is === 'ERR_PTR' || is === 'IOMEM_ERR_PTR') && inner?.k === 'errno')
        return { k: 'err-ptr', errno: inner.errno };
      return undefined;
    }
    case 'cast': {
      const inner = constantOf(e.of);
      if (e.type.includes('*') && inner?.k === 'int' && inner.value === 0) return { k: 'null' };
      return e.type === 'void' ? { k: 'void' } : inner;
    }
    case 'list':
      return e.items.every(({ value: item }) => numberOf(item) === 0) ? { k: 'zero' } : undefined;
    case 'statements':
      return resultOf(e.body);
    default:
      return undefined;
  }
}

/** What a function gives back whatever it is given, if its body does nothing but complain; undefined for any other. */
export function trivialResult(one: Pick<CFunction, 'body' | 'unread'>): Constant | undefined {
  return one.unread ? undefined : resultOf(one.body);
}

/** The same of a macro with parameters. */
export function trivialMacro({ params, body }: MacroLine): Constant | undefined {
  if (params === undefined) return undefined;
  const text = body.replace(/;$/, '').trim();
  if (text === '' || /^do\s*\{\s*(?:\(void\)\s*\(?\w+\)?;\s*)*\}\s*while\s*\(\s*0\s*\)$/.test(text))
    return { k: 'void' };
  if (/^\(?\s*\(void\)\s*\(?\w+\)?\s*\)?$/.test(text)) return { k: 'void' };
  const inner = /^\(\{\s*(?:\(void\)\s*\(?\w+\)?;\s*)*([^;{}]*);?\s*\}\)$/.exec(text)?.[1] ?? text;
  const e = inner.trim() === '' ? undefined : parseExpression(inner);
  return e && constantOf(e);
}

/** Functions and macros that a stub may call and be none the less one: they print, warn, or only check. */
const COMPLAINTS =
  /^(?:WARN\w*|BUG\w*|BUILD_BUG\w*|pr_\w+|printk\w*|dev_\w+|netdev_\w+|might_\w+|lockdep_\w+|unreachable|barrier|cond_resched)$/;

function resultOf(body: readonly Stmt[]): Constant | undefined {
  for (const s of body) {
    if (s.k === 'return') return s.value ? constantOf(s.value) : { k: 'void' };
    if (s.k !== 'expr' || !isIdle(s.expr)) return undefined;
  }
  return { k: 'void' };
}

function isIdle(e: Expr): boolean {
  if (e.k === 'cast') return e.type === 'void' && e.of.k === 'name';
  // `*result = NULL;`: what a caller finds there is as constant as the result
  if (e.k === 'assign')
    return e.op === '=' && e.to.k !== 'name' && e.from !== undefined && constantOf(e.from) !== undefined;
  return e.k === 'call' && e.callee.k === 'name' && COMPLAINTS.test(e.callee.name);
}

/** As a person says what a function returns. */
export function inWords(constant: Constant): string {
  switch (constant.k) {
    case 'null':
      return 'NULL';
    case 'errno':
      return `-${constant.errno}`;
    case 'err-ptr':
      return `ERR_PTR(-${constant.errno})`;
    case 'name':
      return constant.name;
    case 'bool':
    case 'int':
      return String(constant.value);
    case 'zero':
      return 'zeroes';
    case 'void':
      return 'nothing';
  }
}

/**
 * Names for places in memory, and expressions as text: `p->x` and `(*p).x` are both `p.x`, `*p` is `p*`.
 * The tree does not tell arrows from dots (c-ast.ts), so that texts are for comparison; a mail quotes the file.
 */

import type { Expr, Stmt } from './c-ast.ts';
import { exprsOf, partsOf } from './c-ast.ts';

/** The place that an expression names; undefined for what is none, such as calls and constants. */
export function placeOf(e: Expr): string | undefined {
  switch (e.k) {
    case 'name':
      return /^(?:NULL|true|false)$|^[A-Z][A-Z0-9_]*$/.test(e.name) ? undefined : e.name;
    case 'member': {
      const of = e.of.k === 'unary' && (e.of.op === '*' || e.of.op === '&') ? placeOf(e.of.of) : placeOf(e.of);
      return of === undefined ? undefined : `${of}.${e.field}`;
    }
    case 'index': {
      const of = placeOf(e.of);
      return of === undefined || hasEffect(e.at) ? undefined : `${of}[${textOf(e.at)}]`;
    }
    case 'unary': {
      if (e.op !== '*') return undefined;
      const of = e.of.k === 'unary' && e.of.op === '&' ? placeOf(e.of.of) : placeOf(e.of);
      return of === undefined ? undefined : e.of.k === 'unary' && e.of.op === '&' ? of : `${of}*`;
    }
    case 'cast':
      return placeOf(e.of);
    default:
      return undefined;
  }
}

/** Whether a place lies in another, or is it: `p.x.y` in `p.x`, `p*` in `p`. */
export function isWithin(place: string, outer: string): boolean {
  return place.startsWith(outer) && (place.length === outer.length || /[.*[]/.test(place[outer.length]!));
}

/** Variables that a place or text mentions. */
export function variablesIn(place: string): readonly string[] {
  return [...place.matchAll(/(?<![.\w])[A-Za-z_]\w*/g)].map(([name]) => name);
}

/** Whether evaluating it may change anything, or come out otherwise each time. */
export function hasEffect(e: Expr): boolean {
  if (e.k === 'call' || e.k === 'assign' || e.k === 'statements' || e.k === 'other') return true;
  return partsOf(e).some(hasEffect);
}

/** Equal for expressions that are equal but for lines, parentheses and white space. */
export function textOf(e: Expr): string {
  switch (e.k) {
    case 'name':
      return e.name;
    case 'number':
    case 'string':
      return e.text;
    case 'call':
      return `${textOf(e.callee)}(${e.args.map(textOf).join(', ')})`;
    case 'member':
      return `${textOf(e.of)}.${e.field}`;
    case 'index':
      return `${textOf(e.of)}[${textOf(e.at)}]`;
    case 'unary':
      return `${e.op}${inner(e.of)}`;
    case 'binary':
      return `${inner(e.left)} ${e.op} ${inner(e.right)}`;
    case 'assign':
      return `${textOf(e.to)} ${e.op}${e.from ? ` ${textOf(e.from)}` : ''}`;
    case 'choose':
      return `${inner(e.test)} ? ${e.yes ? inner(e.yes) : ''} : ${inner(e.no)}`;
    case 'cast':
      return `(${e.type})${inner(e.of)}`;
    case 'list':
      return `{ ${e.items.map(({ field, value }) => (field ? `.${field} = ` : '') + textOf(value)).join(', ')} }`;
    case 'statements':
      return `({ ${e.body.map(lineOf).join(' ')} })`;
    case 'other':
      return e.text;
  }
}

const inner = (e: Expr): string =>
  e.k === 'binary' || e.k === 'choose' || e.k === 'assign' ? `(${textOf(e)})` : textOf(e);

/** The same of what a statement says by itself, without the statements in it. */
export function lineOf(s: Stmt): string {
  switch (s.k) {
    case 'decl':
      return `${s.type} ${s.name}${s.init ? ` = ${textOf(s.init)}` : ''};`;
    case 'label':
      return `${s.name}:`;
    case 'goto':
      return `goto ${s.label};`;
    case 'other':
      return s.text;
    case 'expr':
      return `${textOf(s.expr)};`;
    case 'loop':
      return `${s.each ?? 'loop'} ${s.head.map(lineOf).join(' ')} ${exprsOf(s).map(textOf).join('')}`;
    default:
      return `${s.k}${exprsOf(s)
        .map((e) => ` ${textOf(e)}`)
        .join('')};`;
  }
}

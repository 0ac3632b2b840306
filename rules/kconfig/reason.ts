/** Statements of Kconfig files as reasons: what a traced encoding (cnf.ts) names when something cannot be. */

import { type ExprId, NONE } from './expr.ts';
import type { Edge, KSymbol } from './model.ts';

/** A statement of the Kconfig files that takes part in an explanation. */
export interface Reason {
  readonly kind: ReasonKind;
  /** The symbol that it says something about: of a select the target. Undefined of a menu, choice or `if` block. */
  readonly symbol: KSymbol | undefined;
  /** Empty, and line 0, of what is not declared. */
  readonly path: string;
  readonly line: number;
  /** What a `depends on`, `if` or `visible if` asks for, what a select or default depends on; of 'undeclared' the symbol. */
  readonly expr: ExprId;
  /** Who selects. */
  readonly from?: KSymbol;
}

/**
 * `definition`: nothing beside its prompts, defaults and selects turns a symbol on (or gives an int or string a value);
 * `undeclared`: no Kconfig file that this architecture reads declares the symbol, so that it is n.
 */
export type ReasonKind =
  | 'definition'
  | 'undeclared'
  | 'depends on'
  | 'if'
  | 'visible if'
  | 'default'
  | 'select'
  | 'imply'
  | 'choice';

export function definition(symbol: KSymbol): Reason | undefined {
  const [first] = symbol.declarations;
  return first && { kind: 'definition', symbol, path: first.path, line: first.line, expr: NONE };
}

export function edgeReason({ kind, in: declaration, line, cond, from, to }: Edge): Reason {
  return { kind, symbol: to, path: declaration.path, line, expr: cond, from };
}

/** The first default; without one, the first imply. */
export function defaultReason(symbol: KSymbol): Reason | undefined {
  const [first] = symbol.defaults;
  if (first) return { kind: 'default', symbol, path: first.in.path, line: first.line, expr: first.cond };
  const [edge] = symbol.impliedBy;
  return edge && edgeReason(edge);
}

/** The same of one statement, whatever it says something about: mostly a line is one. */
export function statementKey({ kind, symbol, path, line, expr }: Reason): string {
  if (kind === 'undeclared') return `${kind} ${expr}`;
  const isLine = kind !== 'definition' && kind !== 'choice' && kind !== 'visible if';
  return isLine ? `${path}:${line}` : `${kind} ${path}:${line} ${symbol?.id}`;
}

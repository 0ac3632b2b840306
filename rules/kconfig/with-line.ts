/** A model as it would be with one line more in an entry: the line itself is tried, not what it is thought to mean. */

import { type ExprId, type ExprPool, NONE } from './expr.ts';
import type { Declaration, Edge, KconfigModel, KSymbol } from './model.ts';
import { Solver } from './solve.ts';

/** `imply` and `select if` stand in place of their select. */
export type Line =
  | { readonly kind: 'depends on'; readonly expr: ExprId }
  | { readonly kind: 'select'; readonly target: KSymbol }
  | { readonly kind: 'select if'; readonly insteadOf: Edge; readonly expr: ExprId }
  | { readonly kind: 'imply'; readonly insteadOf: Edge };

/**
 * What `ask` finds out of the model with `line` in the first declaration of `owner`. The model is as it was afterwards;
 * the solver that `ask` gets is of no use then, and no other solver of the model may be asked before.
 */
export function withLine<T>(
  pool: ExprPool,
  model: KconfigModel,
  owner: KSymbol,
  line: Line,
  ask: (solver: Solver) => T,
): T {
  const undo = put(pool, owner, owner.declarations[0]!, line);
  try {
    return ask(new Solver(pool, model));
  } finally {
    for (const one of undo) one();
  }
}

/** Returns what takes it out again. */
function put(pool: ExprPool, owner: KSymbol, declaration: Declaration, line: Line): (() => void)[] {
  switch (line.kind) {
    case 'depends on':
      return [
        replace(declaration, {
          dependencies: [...declaration.dependencies, { expr: line.expr, line: declaration.line }],
          dep: pool.and(declaration.dep, line.expr),
          hasDep: true,
        }),
      ];
    case 'select': {
      const { target: to } = line;
      const edge: Edge = { kind: 'select', from: owner, to, in: declaration, cond: NONE, line: declaration.line };
      return [
        replace(owner, { selects: [...owner.selects, edge] }),
        replace(to, { selectedBy: [...to.selectedBy, edge] }),
      ];
    }
    case 'select if': {
      const { insteadOf } = line;
      const { to } = insteadOf;
      const edge: Edge = { ...insteadOf, cond: pool.and(insteadOf.cond, line.expr) };
      return [
        replace(owner, { selects: [...without(owner.selects, insteadOf), edge] }),
        replace(to, { selectedBy: [...without(to.selectedBy, insteadOf), edge] }),
      ];
    }
    case 'imply': {
      const { insteadOf } = line;
      const { to } = insteadOf;
      const edge: Edge = { ...insteadOf, kind: 'imply' };
      return [
        replace(owner, { selects: without(owner.selects, insteadOf), implies: [...owner.implies, edge] }),
        replace(to, { selectedBy: without(to.selectedBy, insteadOf), impliedBy: [...to.impliedBy, edge] }),
      ];
    }
  }
}

function without(edges: readonly Edge[], one: Edge): Edge[] {
  return edges.filter((edge) => edge !== one);
}

/** Lists are replaced, not added to: a model shares the empty ones. */
function replace<T extends object>(of: T, values: Partial<T>): () => void {
  const old = Object.fromEntries(Object.keys(values).map((key) => [key, of[key as keyof T]]));
  Object.assign(of, values);
  return () => void Object.assign(of, old);
}

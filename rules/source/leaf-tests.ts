/** The single questions that a test consists of: what `!`, `&&`, `||` and macros such as WARN_ON() put together. */

import type { Expr, Stmt } from './c-ast.ts';
import { exprsOf, partsOf } from './c-ast.ts';

/** Macros that give back whether their argument is true (include/linux/compiler.h, asm-generic/bug.h, drm_print.h). */
const SAME: Readonly<Record<string, number>> = {
  likely: 0,
  unlikely: 0,
  WARN: 0,
  WARN_ON: 0,
  WARN_ONCE: 0,
  WARN_ON_ONCE: 0,
  WARN_TAINT: 0,
  drm_WARN: 1,
  drm_WARN_ON: 1,
  drm_WARN_ONCE: 1,
  drm_WARN_ON_ONCE: 1,
};

export type Test =
  | { readonly k: 'not'; readonly of: Expr }
  | { readonly k: 'and' | 'or'; readonly left: Expr; readonly right: Expr }
  | { readonly k: 'leaf'; readonly leaf: Expr };

/** One step into an expression that is asked for its truth. */
export function testOf(e: Expr): Test {
  if (e.k === 'unary' && e.op === '!') return { k: 'not', of: e.of };
  if (e.k === 'binary' && (e.op === '&&' || e.op === '||'))
    return { k: e.op === '&&' ? 'and' : 'or', left: e.left, right: e.right };
  const same = sameTruth(e);
  return same ? testOf(same) : { k: 'leaf', leaf: e };
}

/** The argument that a macro gives back the truth of. */
export function sameTruth(e: Expr): Expr | undefined {
  if (e.k !== 'call' || e.callee.k !== 'name' || !Object.hasOwn(SAME, e.callee.name)) return undefined;
  return e.args[SAME[e.callee.name]!];
}

/** The single questions in a test, in the order in which they are asked, those in its operands too. */
export function leavesOfTest(e: Expr): readonly Expr[] {
  const test = testOf(e);
  switch (test.k) {
    case 'not':
      return leavesOfTest(test.of);
    case 'leaf':
      return [...leavesOfValue(test.leaf), test.leaf];
    default:
      return [...leavesOfTest(test.left), ...leavesOfTest(test.right)];
  }
}

/** The same for an expression that is evaluated: `?:`, and `&&`, `||` and `!` as operands. */
export function leavesOfValue(e: Expr): readonly Expr[] {
  const test = testOf(e);
  if (test.k !== 'leaf' || sameTruth(e)) return leavesOfTest(e);
  if (e.k === 'choose')
    return [...leavesOfTest(e.test), ...(e.yes ? leavesOfValue(e.yes) : []), ...leavesOfValue(e.no)];
  return partsOf(e).flatMap(leavesOfValue);
}

/** Those directly in a statement, without the statements in it. */
export function leavesOf(s: Stmt): readonly Expr[] {
  return exprsOf(s).flatMap(s.k === 'if' || s.k === 'loop' ? leavesOfTest : leavesOfValue);
}

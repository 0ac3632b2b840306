/**
 * The menus as conf shows them: symbols that depend on the one before become its submenu, blocks
 * without a prompt are dissolved (scripts/kconfig/menu.c, _menu_finalize).
 */

import { type ExprId, NONE, Op, type SymbolId } from '../../rules/kconfig/expr.ts';
import type { Declaration, KconfigModel } from '../../rules/kconfig/model.ts';
import type { Simplifier } from '../../rules/kconfig/simplify.ts';

export interface MenuNode {
  readonly declaration: Declaration;
  parent: MenuNode | undefined;
  children: MenuNode[];
}

/** The tree below the root, `simplifier` being the model's. */
export function menuTree(model: KconfigModel, simplifier: Simplifier): MenuNode {
  const nodes = model.declarations.map((declaration): MenuNode => ({ declaration, parent: undefined, children: [] }));
  for (const node of nodes) {
    const { parent } = node.declaration;
    if (!parent) continue;
    node.parent = nodes[parent.index]!;
    node.parent.children.push(node);
  }
  complete(nodes[0]!, false, simplifier);
  return nodes[0]!;
}

function complete(node: MenuNode, isInChoice: boolean, simplifier: Simplifier): void {
  const { symbol, choice } = node.declaration;
  if (node.children.length > 0) {
    // The list shrinks while it is walked.
    for (let i = 0; i < node.children.length; i++) complete(node.children[i]!, choice !== undefined, simplifier);
  } else if (!isInChoice && symbol) {
    adopt(node, symbol.id, simplifier);
  }
  dissolve(node);
}

/** Moves the following siblings that depend on the symbol below it. */
function adopt(node: MenuNode, symbol: SymbolId, simplifier: Simplifier): void {
  const siblings = node.parent!.children;
  const at = siblings.indexOf(node) + 1;
  const shown = (e: ExprId): ExprId =>
    simplifier.deduplicate(simplifier.normalize(simplifier.pool.comparedWithNo(e, Op.unequal)));
  const own = shown(conditionOf(node.declaration, simplifier, false));
  for (let next = siblings[at]; next; next = siblings[at]) {
    const condition = conditionOf(next.declaration, simplifier, true);
    if (!mentions(condition, symbol, simplifier)) break;
    if (!needs(condition, symbol, simplifier)) {
      const [, rest] = simplifier.withoutCommon(shown(condition), own);
      if (!simplifier.isYes(rest)) break;
    }
    complete(next, false, simplifier);
    siblings.splice(at, 1);
    next.parent = node;
    node.children.push(next);
  }
}

function conditionOf(declaration: Declaration, simplifier: Simplifier, orDependency: boolean): ExprId {
  if (declaration.prompt) return simplifier.condition(declaration.prompt);
  return orDependency ? simplifier.dependency(declaration) : NONE;
}

function mentions(e: ExprId, symbol: SymbolId, { pool }: Simplifier): boolean {
  let isFound = false;
  pool.symbolsOf(e, (id) => {
    isFound ||= id === symbol;
  });
  return isFound;
}

/** Whether the expression is n where the symbol is, seen at a glance (expr.c, expr_depends_symbol). */
function needs(e: ExprId, symbol: SymbolId, simplifier: Simplifier): boolean {
  const { pool } = simplifier;
  if (e === NONE) return false;
  const left = pool.lefts[e]!;
  const right = pool.rights[e]!;
  switch (pool.ops[e]) {
    case Op.and:
      return needs(left, symbol, simplifier) || needs(right, symbol, simplifier);
    case Op.symbol:
      return left === symbol;
    case Op.equal:
      return left === symbol && (right === pool.y || right === pool.m);
    case Op.unequal:
      return left === symbol && right === pool.n;
    default:
      return false;
  }
}

/** Puts the contents of blocks without a prompt in their place. */
function dissolve(node: MenuNode): void {
  for (let i = 0; i < node.children.length; i++) {
    const child = node.children[i]!;
    if (child.children.length === 0 || child.declaration.prompt) continue;
    for (const inner of child.children) inner.parent = node;
    node.children.splice(i + 1, 0, ...child.children);
    child.children = [];
  }
}

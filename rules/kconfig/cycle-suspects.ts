/**
 * A screen before the search for circles, which costs as much as reading the tree: simplified dependencies are
 * some of those written, so only what leads into a circle of the latter has to be looked at closely.
 */

import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import type { Choice, Declaration, Default, KconfigModel, KSymbol, Prompt, Range } from './model.ts';

/** What can be in a circle. */
export type Node = KSymbol | Choice;

const WHITE = 0;
const OPEN = 1;
const DONE = 2;
/** Done, and leads into a circle. */
const SUSPECT = 3;

/**
 * Symbols and choices that lead into a circle of the dependencies as written. A choice and its
 * members are one node; so are each declaration's dependency and each expression, which many share. With `from`,
 * only those that these symbols come to.
 */
export function suspectsOf(pool: ExprPool, model: KconfigModel, from?: Iterable<SymbolId>): ReadonlySet<Node> {
  const { symbols, declarations, choices } = model;
  const firstChoice = symbols.length;
  const firstDeclaration = firstChoice + choices.length;
  const firstExpr = firstDeclaration + declarations.length;
  const nodeOf = new Int32Array(symbols.length).map((_, id) => id);
  for (const choice of choices) {
    for (const member of choice.members) {
      // In two choices: too odd for a screen.
      if (nodeOf[member.id] !== member.id) return new Set([...symbols.filter((s) => s !== undefined), ...choices]);
      nodeOf[member.id] = firstChoice + choice.index;
    }
  }
  const state = new Uint8Array(firstExpr + pool.size);
  const stack: number[] = [];
  /** From the start to the node in hand. */
  const way: number[] = [];
  const leadsOn = new Uint8Array(state.length);
  const to = (node: number): void => {
    if (state[node] === WHITE) stack.push(node);
    else if (state[node] !== DONE) leadsOn[way.at(-1)!] = 1;
  };
  const toSymbol = (id: SymbolId): void => {
    if (!pool.constant[id] && symbols[id]) to(nodeOf[id]!);
  };
  const toExpr = (e: ExprId): void => {
    if (e !== NONE) to(firstExpr + e);
  };
  const toDeclaration = (declaration: Declaration): void => {
    if (declaration.hasDep) to(firstDeclaration + declaration.index);
  };
  const ofProperties = (properties: readonly (Prompt | Default | Range)[]): void => {
    for (const property of properties) {
      toExpr(property.cond);
      if ('value' in property) toExpr(property.value);
      else if ('menusVisible' in property) toExpr(property.menusVisible);
    }
  };
  const ofSymbol = (symbol: KSymbol): void => {
    symbol.declarations.forEach(toDeclaration);
    ofProperties(symbol.prompts);
    ofProperties(symbol.defaults);
    ofProperties(symbol.ranges);
    for (const edges of [symbol.selectedBy, symbol.impliedBy]) {
      for (const edge of edges) {
        to(nodeOf[edge.from.id]!);
        toExpr(edge.cond);
        toDeclaration(edge.in);
      }
    }
  };
  const ofChoice = ({ declaration, defaults, members }: Choice): void => {
    toDeclaration(declaration);
    if (declaration.prompt) ofProperties([declaration.prompt]);
    for (const property of defaults) toExpr(property.cond);
    members.forEach(ofSymbol);
  };
  const ofExpr = (e: ExprId): void => {
    const op = pool.ops[e]!;
    if (op === Op.modules) {
      if (model.modules) toSymbol(model.modules.id);
    } else if (op === Op.and || op === Op.or || op === Op.not) {
      toExpr(pool.lefts[e]!);
      if (op !== Op.not) toExpr(pool.rights[e]!);
    } else {
      toSymbol(pool.lefts[e]!);
      if (op !== Op.symbol) toSymbol(pool.rights[e]!);
    }
  };
  for (const id of from ?? symbols.keys()) {
    const symbol = symbols[id];
    if (symbol) stack.push(nodeOf[symbol.id]!);
    while (stack.length > 0) {
      const node = stack.pop()!;
      if (node < 0) {
        way.pop();
        state[~node] = leadsOn[~node] === 1 ? SUSPECT : DONE;
        if (leadsOn[~node] === 1 && way.length > 0) leadsOn[way.at(-1)!] = 1;
      } else if (state[node] !== WHITE) {
        // Reached by another way since it was put on the stack.
        if (way.length > 0) to(node);
      } else {
        state[node] = OPEN;
        way.push(node);
        stack.push(~node);
        if (node < firstChoice) ofSymbol(symbols[node]!);
        else if (node < firstDeclaration) ofChoice(choices[node - firstChoice]!);
        else if (node >= firstExpr) ofExpr(node - firstExpr);
        else {
          const { dep, parent } = declarations[node - firstDeclaration]!;
          toExpr(dep);
          if (parent) toDeclaration(parent);
        }
      }
    }
  }
  const suspects = new Set<Node>(
    symbols.filter((s) => s !== undefined && state[nodeOf[s.id]!] === SUSPECT) as KSymbol[],
  );
  for (const choice of choices) if (state[firstChoice + choice.index] === SUSPECT) suspects.add(choice);
  return suspects;
}

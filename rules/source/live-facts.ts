/** Which facts (memory.ts) can still decide something: those that some node from here on asks for. */

import { isWithin, placeOf, textOf } from './access-path.ts';
import type { Expr, Stmt } from './c-ast.ts';
import { exprsOf, partsOf, visitExprs } from './c-ast.ts';
import type { Flow, FlowNode, NodeId } from './control-flow.ts';
import { leavesOfTest, leavesOfValue } from './leaf-tests.ts';
import { groupFact, textFact } from './memory.ts';

export class LiveFacts {
  readonly #bits = new Map<string, bigint>();
  readonly #live: bigint[];
  readonly #masks = new Map<string, bigint>();
  /** Places whose values are returned as they are. */
  readonly returned: ReadonlySet<string>;

  /** `isFollowed`: calls that see what their arguments lead to. `atEnd`: places below which the caller looks. */
  constructor(flow: Flow, isFollowed: (callee: string) => boolean, atEnd: readonly string[]) {
    const { nodes } = flow;
    this.returned = new Set(nodes.flatMap((node) => (node.k === 'return' && node.value && placeOf(node.value)) || []));
    const end = this.#mask(atEnd.map(below));
    const reads = nodes.map((node) => this.#mask(readsOf(node, isFollowed)) | (node.k === 'return' ? end : 0n));
    const kills = nodes.map((node) => this.#mask(setBy(node)));
    this.#live = nodes.map(() => 0n);
    for (let isChanged = true; isChanged; ) {
      isChanged = false;
      for (let i = 0; i < nodes.length; i++) {
        const after = nextOf(nodes[i]!).reduce((bits, next) => bits | this.#live[next]!, 0n);
        const live = reads[i]! | (after & ~kills[i]!);
        if (live === this.#live[i]) continue;
        this.#live[i] = live;
        isChanged = true;
      }
    }
  }

  /** Whether anything at `node` or behind it asks for the fact. */
  isLive(fact: string, node: NodeId): boolean {
    let mask = this.#masks.get(fact);
    if (mask === undefined) {
      mask = [fact, ...placesAround(fact).map(below)].reduce((bits, name) => bits | (this.#bits.get(name) ?? 0n), 0n);
      this.#masks.set(fact, mask);
    }
    return (mask & this.#live[node]!) !== 0n;
  }

  #mask(names: readonly string[]): bigint {
    let mask = 0n;
    for (const name of names) {
      let bit = this.#bits.get(name);
      if (bit === undefined) {
        bit = 1n << BigInt(this.#bits.size);
        this.#bits.set(name, bit);
      }
      mask |= bit;
    }
    return mask;
  }
}

const below = (place: string): string => `${place}>`;

/** `p.x.y`, `p.x` and `p` of `p.x.y`. */
function placesAround(fact: string): readonly string[] {
  const places = [fact];
  for (let i = 0; i < fact.length; i++) if (/[.*[]/.test(fact[i]!)) places.push(fact.slice(0, i));
  return places.filter((place) => isWithin(fact, place));
}

export function nextOf(node: FlowNode): readonly NodeId[] {
  switch (node.k) {
    case 'do':
    case 'jump':
      return [node.next];
    case 'test':
    case 'compiled':
      return [node.yes, node.no];
    case 'switch':
      return [...node.cases.map(({ next }) => next), node.otherwise];
    case 'fork':
      return node.next;
    case 'return':
      return [];
  }
}

/** The place that a node gives another value, whatever was in it. */
function setBy(node: FlowNode): readonly string[] {
  if (node.k !== 'do') return [];
  const { stmt } = node;
  if (stmt.k === 'decl') return [stmt.name];
  const to = stmt.k === 'expr' && stmt.expr.k === 'assign' && stmt.expr.op === '=' ? placeOf(stmt.expr.to) : undefined;
  return to === undefined ? [] : [to];
}

function readsOf(node: FlowNode, isFollowed: (callee: string) => boolean): readonly string[] {
  switch (node.k) {
    case 'do':
      return node.stmt.k === 'loop' || node.stmt.k === 'case' || node.stmt.k === 'label'
        ? []
        : readIn(node.stmt, exprsOf(node.stmt), isFollowed);
    case 'test':
      return [...readIn(undefined, [node.test], isFollowed), ...leavesOfTest(node.test).map(textOf).map(textFact)];
    case 'switch':
      return readIn(undefined, [node.on], isFollowed);
    case 'return':
      return node.value ? readIn(node.stmt, [node.value], isFollowed) : [];
    case 'compiled':
      return [groupFact(node.group)];
    default:
      return [];
  }
}

function readIn(
  s: Stmt | undefined,
  list: readonly Expr[],
  isFollowed: (callee: string) => boolean,
): readonly string[] {
  const found: string[] = s ? list.flatMap(leavesOfValue).map(textOf).map(textFact) : [];
  const visit = (e: Expr): void => {
    const place = placeOf(e);
    if (place !== undefined) found.push(place);
    if (e.k === 'call' && isFollowed(calleeName(e))) {
      for (const arg of e.args) {
        const given = arg.k === 'unary' && arg.op === '&' ? placeOf(arg.of) : placeOf(arg);
        if (given !== undefined) found.push(below(given));
      }
    }
    if (e.k === 'assign' && e.op === '=') {
      // a place that is only set is not asked for; what is in an index is
      if (e.from) visit(e.from);
      for (const part of partsOf(e.to)) visit(part);
      return;
    }
    if (e.k === 'statements') visitExprs(e.body, visit);
    for (const part of partsOf(e)) visit(part);
  };
  for (const e of list) visit(e);
  return found;
}

/** How a call is looked up: `f` of `f(x)`, `.mmap` of `ops->mmap(x)`; empty for any other. */
export function calleeName({ callee }: Expr & { readonly k: 'call' }): string {
  return callee.k === 'name' ? callee.name : callee.k === 'member' ? `.${callee.field}` : '';
}

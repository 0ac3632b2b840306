/** Members of structures by which a file holds one and the same thing: a clock, a regulator. */

import type { Expr } from './c-ast.ts';
import { visitExprs } from './c-ast.ts';
import type { CFile } from './c-file.ts';

/** What holds something: `clk` of `reef->clks[0].clk`, which is also a part of `clks`. */
export interface Held {
  readonly name: string;
  /** That, what it is a part of, and whatever else may hold the same. */
  readonly names: ReadonlySet<string>;
  readonly group: string;
  readonly groups: ReadonlySet<string>;
}

/** Whether both may be the same, or one a part of the other. */
export function isSame(a: Held, b: Held): boolean {
  return a.groups.has(b.group) || b.groups.has(a.group);
}

/** The member of a structure that an expression is, or is a part of, and those that it is a part of, outwards. */
export function membersOf(e: Expr | undefined): readonly string[] {
  if (e?.k === 'member') return [e.field, ...membersOf(e.of)];
  if (e?.k === 'index' || e?.k === 'cast' || e?.k === 'unary') return membersOf(e.of);
  return [];
}

/** Members that may hold the same: `reef->clk = reef->clks[0].clk`, or one variable assigned to several. */
export class Holders {
  readonly #above = new Map<string, string>();
  readonly #members: ReadonlyMap<string, readonly string[]>;

  constructor(file: CFile) {
    const members = new Set<string>();
    const isMember = (name: string): boolean => /^\w+$/.test(name);
    for (const { name, body, otherBody = [] } of file.functions)
      visitExprs([...body, ...otherBody], (e) => {
        if (e.k !== 'assign' || e.op !== '=') return;
        const from = e.from?.k === 'assign' ? e.from.to : e.from;
        const [to] = membersOf(e.to);
        // a variable of one function; NULL and other constants are the same thing to nobody
        const same = from?.k === 'name' && /[a-z]/.test(from.name) ? [`${name}() ${from.name}`] : membersOf(from);
        if (to === undefined) return;
        for (const one of same) {
          members.add(to).add(one);
          this.#above.set(this.#group(one), this.#group(to));
        }
      });
    this.#members = Map.groupBy([...members].filter(isMember), (one) => this.#group(one));
  }

  /** Of a member and those that it is a part of, outwards; undefined of none. */
  of([name, ...others]: readonly string[]): Held | undefined {
    if (name === undefined) return undefined;
    const group = this.#group(name);
    return {
      ...{ name, group, groups: new Set([group, ...others.map((one) => this.#group(one))]) },
      names: new Set([name, ...others, ...(this.#members.get(group) ?? [])]),
    };
  }

  #group(name: string): string {
    let group = name;
    for (let above = this.#above.get(group); above !== undefined && above !== group; above = this.#above.get(group))
      group = above;
    // the way is short the next time
    if (group !== name) this.#above.set(name, group);
    return group;
  }
}

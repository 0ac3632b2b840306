/**
 * When a member of a structure is ever set to something else than 0, in a whole tree: where it never is, every test of
 * it comes out the same, since structures begin as zeroes (kzalloc() and its like, static ones).
 */

import type { Expr, Stmt } from './c-ast.ts';
import { listsOf, partsOf } from './c-ast.ts';
import { rootsIn } from './c-calls.ts';
import { all, any, type Condition, withoutOpaque } from './c-condition.ts';
import { conditionOf } from './c-config-test.ts';
import type { CTree } from './c-definitions.ts';
import type { CFile } from './c-file.ts';
import type { FunctionDef } from './control-flow.ts';
import { questionOf } from './known-calls.ts';
import { leavesOf } from './leaf-tests.ts';

/** Lines that say a member's name; nothing is known of one that more lines say. */
const MOST_LINES = 60;
const MOST_FILES = 8;

export class MemberSets {
  readonly #tree: CTree;
  readonly #known = new Map<string, Promise<Condition>>();

  constructor(tree: CTree) {
    this.#tree = tree;
  }

  /** Always, where it is not known. */
  of(member: string): Promise<Condition> {
    const known = this.#known.get(member) ?? this.#find(member);
    this.#known.set(member, known);
    return known;
  }

  async #find(member: string): Promise<Condition> {
    const lines = await this.#tree.tree.grep([member], MOST_LINES);
    const paths = new Set(lines.map(({ path }) => path).filter((path) => /\.[ch]$/.test(path)));
    // constants of initialisers are not kept with the file (c-file.ts)
    const initialised = new RegExp(`(?:^|[\\s{,(])\\.${member}\\s*=(?!=)`);
    if (lines.length >= MOST_LINES || paths.size > MOST_FILES || lines.some(({ text }) => initialised.test(text)))
      return true;
    const sets: Condition[] = [];
    for (const path of paths) {
      const read = await this.#tree.file(path);
      if (!read?.ok || read.file.macros.some(({ body }) => new RegExp(`\\b${member}\\b`).test(body))) return true;
      sets.push(setsIn(read.file, member));
    }
    // one that nothing sets is set in ways that are not seen
    return sets.every((one) => one === false) ? true : any(...sets);
  }
}

function setsIn(file: CFile, member: string): Condition {
  const sets: Condition[] = [];
  for (const one of file.functions) {
    if (one.unread) return true;
    for (const { e, when } of rootsIn(file, one)) {
      const set = setBy(e, member);
      if (set !== false) sets.push(all(when, set));
    }
  }
  return any(...sets);
}

/** When an expression sets the member, or hands its address out. */
function setBy(e: Expr, member: string): Condition {
  if (e.k === 'assign' && isOf(e.to, member)) {
    const value = e.op === '=' && e.from ? conditionOf(e.from, { opaque: () => 'run time' }) : true;
    const isZero = e.from?.k === 'name' && e.from.name === 'NULL';
    return isZero ? false : withoutOpaque(value, true);
  }
  if (e.k === 'unary' && e.op === '&' && isOf(e.of, member)) return true;
  if (e.k === 'other' && new RegExp(`\\b${member}\\b`).test(e.text)) return true;
  return any(...partsOf(e).map((part) => setBy(part, member)));
}

function isOf(e: Expr, member: string): boolean {
  return e.k === 'index' ? isOf(e.of, member) : e.k === 'member' && e.field === member;
}

/** Members that a function asks whether they are 0. */
export function testedMembers({ function: { body, otherBody = [] } }: FunctionDef): readonly string[] {
  const found = new Set<string>();
  const see = (list: readonly Stmt[]): void => {
    for (const s of list) {
      for (const { subject } of leavesOf(s).map(questionOf)) {
        const of = subject.k === 'index' ? subject.of : subject;
        if (of.k === 'member') found.add(of.field);
      }
      for (const inner of listsOf(s)) see(inner);
    }
  };
  see([...body, ...otherBody]);
  return [...found];
}

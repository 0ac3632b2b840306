/**
 * The statements of one function as nodes that control passes: what follows what, whatever the mixture of
 * loops, switches, labels and `#if` branches. Expressions stay whole; `?:`, `&&` and `||` are the evaluator's.
 */

import type { Expr, Stmt } from './c-ast.ts';
import type { Condition } from './c-condition.ts';
import type { CFile, CFunction } from './c-file.ts';
import { armAt, whenAt } from './c-file.ts';

/** A function of a file at one state of the tree. */
export interface FunctionDef {
  readonly path: string;
  readonly file: Pick<CFile, 'arms' | 'regions'>;
  readonly function: CFunction;
}

/** Index into `nodes`. */
export type NodeId = number;

export type FlowNode =
  | { readonly k: 'do'; readonly stmt: Stmt; readonly next: NodeId }
  | { readonly k: 'test'; readonly line: number; readonly test: Expr; readonly yes: NodeId; readonly no: NodeId }
  | {
      readonly k: 'switch';
      readonly line: number;
      readonly stmt: Stmt;
      readonly on: Expr;
      readonly cases: readonly FlowCase[];
      /** Where none of the values fits and there is no default. */
      readonly otherwise: NodeId;
    }
  /** Either, for reasons that are not in the text: another round of a macro's loop. */
  | { readonly k: 'fork'; readonly next: readonly NodeId[] }
  /** Lines of an `#if` branch; `group` has at most one branch that is compiled. */
  | {
      readonly k: 'compiled';
      readonly when: Condition;
      readonly arm: number;
      readonly group: number;
      yes: NodeId;
      no: NodeId;
    }
  | { readonly k: 'jump'; readonly stmt: Stmt; next: NodeId }
  | { readonly k: 'return'; readonly stmt?: Stmt; readonly value?: Expr; readonly line: number };

export interface Flow {
  readonly nodes: readonly FlowNode[];
  readonly first: NodeId;
  /** Parameters and variables that are declared in it. */
  readonly locals: ReadonlySet<string>;
}

export interface FlowCase {
  readonly stmt: Stmt;
  /** Absent for `default`. */
  readonly value?: Expr;
  /** When it is compiled, if not always. */
  readonly when?: Condition;
  readonly next: NodeId;
}

/** Nodes are numbered so that, loops aside, control goes from higher numbers to lower ones. */
export function flowOf({ function: one, file }: FunctionDef): Flow {
  return new FlowBuilder(one, file).build();
}

/** Calls after which nothing follows. */
const ENDLESS = /^(?:BUG|panic|unreachable|__builtin_unreachable|do_exit|make_task_dead|make_task_killed)$/;

interface Around {
  readonly onBreak?: NodeId;
  readonly onContinue?: NodeId;
}

class FlowBuilder {
  readonly #one: CFunction;
  readonly #file: Pick<CFile, 'arms' | 'regions'>;
  readonly #arm: number;
  readonly #nodes: FlowNode[] = [];
  readonly #labels = new Map<string, NodeId>();
  readonly #jumps: { readonly at: NodeId; readonly label: string }[] = [];
  readonly #locals: Set<string>;
  readonly #cases = new Map<Stmt, NodeId>();

  constructor(one: CFunction, file: Pick<CFile, 'arms' | 'regions'>) {
    this.#one = one;
    this.#file = file;
    this.#arm = armAt(file.regions, one.line);
    this.#locals = new Set(one.params);
  }

  build(): Flow {
    const end = this.#add({ k: 'return', line: this.#one.endLine });
    const first = this.#list(this.#one.body, end, {});
    for (const { at, label } of this.#jumps) {
      // a computed jump, or one into what could not be read: as if it were the end
      (this.#nodes[at] as { next: NodeId }).next = this.#labels.get(label) ?? end;
    }
    return { nodes: this.#nodes, first, locals: this.#locals };
  }

  #add(node: FlowNode): NodeId {
    return this.#nodes.push(node) - 1;
  }

  #list(list: readonly Stmt[], next: NodeId, around: Around): NodeId {
    let at = next;
    for (const s of list.toReversed()) {
      const inner = this.#statement(s, at, around);
      at = s.k === 'label' || s.k === 'case' ? inner : this.#compiled(s, inner, at);
    }
    return at;
  }

  #compiled(s: Stmt, inner: NodeId, next: NodeId): NodeId {
    const arm = armAt(this.#file.regions, s.line);
    if (arm === this.#arm || inner === next) return inner;
    const group = this.#file.arms[arm]?.group ?? 0;
    return this.#add({ k: 'compiled', when: whenAt(this.#file, s.line), arm, group, yes: inner, no: next });
  }

  #statement(s: Stmt, next: NodeId, around: Around): NodeId {
    switch (s.k) {
      case 'if': {
        const no = s.no ? this.#list(s.no, next, around) : next;
        return this.#add({ k: 'test', line: s.line, test: s.test, yes: this.#list(s.yes, next, around), no });
      }
      case 'loop':
        return this.#loop(s, next, around);
      case 'switch': {
        this.#list(s.body, next, { ...around, onBreak: next });
        const cases = casesOf(s.body).map((stmt) => ({
          stmt,
          ...(armAt(this.#file.regions, stmt.line) !== this.#arm && { when: whenAt(this.#file, stmt.line) }),
          ...(stmt.value && { value: stmt.value }),
          next: this.#cases.get(stmt)!,
        }));
        return this.#add({ k: 'switch', line: s.line, stmt: s, on: s.on, cases, otherwise: next });
      }
      case 'case': {
        const at = this.#add({ k: 'do', stmt: s, next });
        this.#cases.set(s, at);
        return at;
      }
      case 'label': {
        const at = this.#add({ k: 'do', stmt: s, next });
        this.#labels.set(s.name, at);
        return at;
      }
      case 'block':
        return this.#list(s.body, next, around);
      case 'return':
        return this.#return(s, s.value);
      case 'goto': {
        const at = this.#add({ k: 'jump', stmt: s, next });
        this.#jumps.push({ at, label: s.label });
        return at;
      }
      case 'break':
        return this.#add({ k: 'jump', stmt: s, next: around.onBreak ?? next });
      case 'continue':
        return this.#add({ k: 'jump', stmt: s, next: around.onContinue ?? next });
      case 'decl':
        this.#locals.add(s.name);
        return this.#add({ k: 'do', stmt: s, next });
      case 'expr': {
        const called = s.expr.k === 'call' && s.expr.callee.k === 'name' ? s.expr : undefined;
        // include/linux/cleanup.h: `return no_free_ptr(p)`
        if (called?.callee.k === 'name' && called.callee.name === 'return_ptr') return this.#return(s, called.args[0]);
        if (called?.callee.k === 'name' && ENDLESS.test(called.callee.name)) return this.#add({ k: 'fork', next: [] });
        return this.#add({ k: 'do', stmt: s, next });
      }
      default:
        return this.#add({ k: 'do', stmt: s, next });
    }
  }

  #return(stmt: Stmt, value: Expr | undefined): NodeId {
    return this.#add(value ? { k: 'return', stmt, value, line: stmt.line } : { k: 'return', stmt, line: stmt.line });
  }

  #loop(s: Stmt & { readonly k: 'loop' }, next: NodeId, around: Around): NodeId {
    // what follows a round is known only when the round is built
    const again = this.#add({ k: 'jump', stmt: s, next });
    const { before, between } = headOf(s);
    const update = this.#part(between, again, around);
    const body = this.#list(s.body, update, { onBreak: next, onContinue: update });
    let head = body;
    if (s.each !== undefined) {
      // the macro sets what it is given
      const set = this.#add({ k: 'do', stmt: s, next: this.#add({ k: 'fork', next: [body, next] }) });
      head = this.#list(s.head, set, around);
    } else if (s.test) head = this.#add({ k: 'test', line: s.line, test: s.test, yes: body, no: next });
    (this.#nodes[again] as { next: NodeId }).next = head;
    return s.once ? body : this.#part(before, head, around);
  }

  #part({ list, isSure }: HeadPart, next: NodeId, around: Around): NodeId {
    const at = this.#list(list, next, around);
    return isSure || at === next ? at : this.#add({ k: 'fork', next: [at, next] });
  }
}

interface HeadPart {
  readonly list: readonly Stmt[];
  readonly isSure: boolean;
}

/** The two parts of `for (before; ; between)`; a single assignment may be either. */
function headOf({ head, each }: Stmt & { readonly k: 'loop' }): { before: HeadPart; between: HeadPart } {
  const part = (list: readonly Stmt[], isSure = true): HeadPart => ({ list, isSure });
  const last = head.at(-1);
  if (each !== undefined || last === undefined) return { before: part([]), between: part([]) };
  if (last.k === 'decl') return { before: part(head), between: part([]) };
  if (head.length > 1) return { before: part(head.slice(0, -1)), between: part([last]) };
  const isSet = last.k === 'expr' && last.expr.k === 'assign' && last.expr.op !== '=';
  return isSet ? { before: part([]), between: part(head) } : { before: part(head, false), between: part(head, false) };
}

function casesOf(list: readonly Stmt[]): (Stmt & { readonly k: 'case' })[] {
  return list.flatMap((s) => {
    if (s.k === 'case') return [s];
    if (s.k === 'block') return casesOf(s.body);
    return [];
  });
}

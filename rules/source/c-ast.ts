/**
 * Statements and expressions of C, as far as reasoning about the kernel needs them: plain, JSON-safe, and
 * small. No types beyond their text, no parentheses, no white space. Lines are 1-based lines of the file.
 *
 * What the parser could not read is `other`; a function with one of those is marked `unread` (c-file.ts).
 */

export type Expr =
  | { readonly k: 'name'; readonly name: string }
  /** As written: `0x10UL`, `'a'`. */
  | { readonly k: 'number'; readonly text: string }
  | { readonly k: 'string'; readonly text: string }
  /** `callee` is a name for an ordinary call, a member for a call through an ops table. `argText` as written, one line. */
  | {
      readonly k: 'call';
      readonly line: number;
      readonly callee: Expr;
      readonly args: readonly Expr[];
      readonly argText: string;
    }
  | { readonly k: 'member'; readonly of: Expr; readonly field: string }
  | { readonly k: 'index'; readonly of: Expr; readonly at: Expr }
  /** `!`, `-`, `+`, `~`, `&`, `*`. */
  | { readonly k: 'unary'; readonly op: string; readonly of: Expr }
  /** Arithmetic, comparisons, `&&`, `||` and the comma. */
  | { readonly k: 'binary'; readonly op: string; readonly left: Expr; readonly right: Expr }
  /** `=`, `+=` ...; also `++` and `--`, which have no `from`. */
  | { readonly k: 'assign'; readonly line: number; readonly op: string; readonly to: Expr; readonly from?: Expr }
  /** `test ? yes : no`; GNU C's `test ?: no` has no `yes`. */
  | { readonly k: 'choose'; readonly test: Expr; readonly yes?: Expr; readonly no: Expr }
  | { readonly k: 'cast'; readonly type: string; readonly of: Expr }
  /** `{ .field = value, value }`, with or without a type in front. */
  | { readonly k: 'list'; readonly items: readonly ListItem[] }
  /** `({ ... })`. */
  | { readonly k: 'statements'; readonly body: readonly Stmt[] }
  /** `sizeof`, `typeof`, asm, and what could not be read. */
  | { readonly k: 'other'; readonly text: string; readonly parts: readonly Expr[] };

export interface ListItem {
  /** `mmap` of `.mmap = f`; for `.a.b` the last one; absent in order and at an index. */
  readonly field?: string;
  readonly line: number;
  readonly value: Expr;
}

export type Stmt =
  | { readonly k: 'expr'; readonly line: number; readonly expr: Expr }
  /** One for each name that is declared. */
  | {
      readonly k: 'decl';
      readonly line: number;
      readonly type: string;
      readonly name: string;
      readonly init?: Expr;
      /** It keeps its value from one call to the next: `init` is that of the first. */
      readonly static?: true;
    }
  | {
      readonly k: 'if';
      readonly line: number;
      readonly test: Expr;
      readonly yes: readonly Stmt[];
      readonly no?: readonly Stmt[];
    }
  /**
   * `head`: what is evaluated before and between rounds. `test`: absent for `for (;;)` and for macros such as
   * list_for_each_entry(), whose name is `each` and whose arguments are the head.
   */
  | {
      readonly k: 'loop';
      readonly line: number;
      readonly test?: Expr;
      readonly each?: string;
      readonly head: readonly Stmt[];
      readonly body: readonly Stmt[];
      /** The body runs before the test: `do { } while ()`. */
      readonly once?: true;
    }
  | { readonly k: 'switch'; readonly line: number; readonly on: Expr; readonly body: readonly Stmt[] }
  /** Stands before what it labels; `default` has no value. */
  | { readonly k: 'case'; readonly line: number; readonly value?: Expr }
  | { readonly k: 'label'; readonly line: number; readonly name: string }
  | { readonly k: 'return'; readonly line: number; readonly value?: Expr }
  | { readonly k: 'goto'; readonly line: number; readonly label: string }
  | { readonly k: 'break' | 'continue'; readonly line: number }
  | { readonly k: 'block'; readonly line: number; readonly body: readonly Stmt[] }
  | { readonly k: 'other'; readonly line: number; readonly text: string; readonly parts: readonly Expr[] };

/** The expressions directly below one. */
export function partsOf(e: Expr): readonly Expr[] {
  switch (e.k) {
    case 'call':
      return [e.callee, ...e.args];
    case 'member':
    case 'unary':
    case 'cast':
      return [e.of];
    case 'index':
      return [e.of, e.at];
    case 'binary':
      return [e.left, e.right];
    case 'assign':
      return e.from ? [e.to, e.from] : [e.to];
    case 'choose':
      return e.yes ? [e.test, e.yes, e.no] : [e.test, e.no];
    case 'list':
      return e.items.map(({ value }) => value);
    case 'other':
      return e.parts;
    default:
      return [];
  }
}

/** The expressions directly in a statement, in the order of the text. */
export function exprsOf(s: Stmt): readonly Expr[] {
  switch (s.k) {
    case 'expr':
      return [s.expr];
    case 'decl':
      return s.init ? [s.init] : [];
    case 'if':
      return [s.test];
    case 'loop':
      return s.test ? [s.test] : [];
    case 'switch':
      return [s.on];
    case 'case':
    case 'return':
      return s.value ? [s.value] : [];
    case 'other':
      return s.parts;
    default:
      return [];
  }
}

/** The lists of statements directly in a statement, in the order of the text. */
export function listsOf(s: Stmt): readonly (readonly Stmt[])[] {
  switch (s.k) {
    case 'if':
      return s.no ? [s.yes, s.no] : [s.yes];
    case 'loop':
      return [s.head, s.body];
    case 'switch':
    case 'block':
      return [s.body];
    default:
      return [];
  }
}

/** Calls `visit` with every expression of `body`, those inside others too. */
export function visitExprs(body: readonly Stmt[], visit: (e: Expr) => void): void {
  const below = (e: Expr): void => {
    visit(e);
    for (const part of partsOf(e)) below(part);
    if (e.k === 'statements') visitExprs(e.body, visit);
  };
  for (const s of body) {
    for (const e of exprsOf(s)) below(e);
    for (const list of listsOf(s)) visitExprs(list, visit);
  }
}

/** A function, or a part of one, with other names for what some of its calls call: those that `rename` gives. */
export function withCallees<T>(node: T, rename: (call: Expr & { readonly k: 'call' }) => string | undefined): T {
  if (Array.isArray(node)) return node.map((one) => withCallees(one, rename)) as T;
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withCallees(value, rename)]));
  const call = node as Partial<Expr>;
  const name = call.k === 'call' ? rename(call as Expr & { readonly k: 'call' }) : undefined;
  return (name === undefined ? copy : { ...copy, callee: { k: 'name', name } }) as T;
}

/**
 * Code of a function that a series leaves as it is: which statement, test or case of the function before it
 * is which one after it. Statements are paired within the same list of the same surroundings only, so that a
 * `return 0;` of an old branch is never taken for that of a new one; labels and cases are paired by name.
 *
 * Each piece is a bit of an anchor (path-state.ts): the function's beginning, a statement, a test's outcome.
 */

import { lineOf, textOf } from './access-path.ts';
import type { Expr, Stmt } from './c-ast.ts';
import { listsOf } from './c-ast.ts';
import { leavesOf } from './leaf-tests.ts';
import type { Anchors } from './path-state.ts';

export interface Survivor {
  readonly bit: bigint;
  readonly kind: 'beginning' | 'statement' | 'return' | 'asked' | 'outcome';
  /** Of the statement before and after the series. */
  readonly before: number;
  readonly after: number;
  /** For an outcome: the bit of its question, whatever the answer. */
  readonly asked?: bigint;
}

export interface SurvivingCode {
  readonly before: Anchors;
  readonly after: Anchors;
  /** Bit of what both functions begin with. */
  readonly beginning: bigint;
  readonly survivors: readonly Survivor[];
}

type Body = { readonly line: number; readonly body: readonly Stmt[] };

export function survivingCode(before: Body, after: Body): SurvivingCode {
  const pairing = new Pairing();
  const beginning = pairing.add('beginning', before.line, after.line);
  pairing.lists(before.body, after.body);
  return { ...pairing, beginning };
}

/** Longer lists are compared from both ends only. */
const MAX_CELLS = 250_000;

class Pairing {
  readonly before = { statements: new Map<Stmt, bigint>(), tests: new Map<Expr, TestBits>() };
  readonly after = { statements: new Map<Stmt, bigint>(), tests: new Map<Expr, TestBits>() };
  readonly survivors: Survivor[] = [];

  add(kind: Survivor['kind'], before: number, after: number, asked?: bigint): bigint {
    const bit = 1n << BigInt(this.survivors.length);
    this.survivors.push({ bit, kind, before, after, ...(asked !== undefined && { asked }) });
    return bit;
  }

  lists(before: readonly Stmt[], after: readonly Stmt[], asked?: bigint): void {
    const others = new Map(segments(after).map((segment) => [segment.name, segment]));
    for (const { name, label, list } of segments(before)) {
      const other = others.get(name);
      if (!other) continue;
      others.delete(name);
      if (label && other.label) this.#same(label, other.label, asked);
      this.#straight(list, other.list, asked);
    }
  }

  /** Statements in a row. */
  #straight(before: readonly Stmt[], after: readonly Stmt[], asked?: bigint): void {
    let [i, j] = [0, 0];
    for (const [b, a] of [...commonOf(before.map(headOf), after.map(headOf)), [before.length, after.length] as const]) {
      this.#alike(before.slice(i, b), after.slice(j, a), asked);
      if (b < before.length) this.#same(before[b]!, after[a]!, asked);
      [i, j] = [b + 1, a + 1];
    }
  }

  /** What stands at the same place and asks some of the same questions. */
  #alike(before: readonly Stmt[], after: readonly Stmt[], asked?: bigint): void {
    let from = 0;
    for (const b of before) {
      const texts = new Set(leavesOf(b).map(textOf));
      if (texts.size === 0) continue;
      const at = after.findIndex(
        (a, j) => j >= from && a.k === b.k && leavesOf(a).some((leaf) => texts.has(textOf(leaf))),
      );
      if (at < 0) continue;
      from = at + 1;
      this.#within(b, after[at]!, asked);
    }
  }

  #same(before: Stmt, after: Stmt, asked?: bigint): void {
    const isCase = before.k === 'case';
    if (before.k !== 'if' && before.k !== 'loop' && before.k !== 'block' && !(before.k === 'decl' && !before.init)) {
      const kind = isCase
        ? 'outcome'
        : before.k === 'switch'
          ? 'asked'
          : before.k === 'return'
            ? 'return'
            : 'statement';
      const bit = this.add(kind, before.line, after.line, isCase ? asked : undefined);
      this.before.statements.set(before, bit);
      this.after.statements.set(after, bit);
    }
    this.#within(before, after, asked);
  }

  #within(before: Stmt, after: Stmt, asked?: bigint): void {
    const [leaves, others] = [leavesOf(before), leavesOf(after)];
    for (const [b, a] of commonOf(leaves.map(textOf), others.map(textOf))) {
      const question = this.add('asked', before.line, after.line);
      const bits = {
        passed: question,
        yes: this.add('outcome', before.line, after.line, question),
        // a loop is left by this one whatever was done in it
        no: this.add('outcome', before.line, after.line, before.k === 'loop' ? undefined : question),
      };
      this.before.tests.set(leaves[b]!, bits);
      this.after.tests.set(others[a]!, bits);
    }
    const inner = before.k === 'switch' ? this.before.statements.get(before) : asked;
    const lists = listsOf(after);
    for (const [i, list] of listsOf(before).entries()) if (lists[i]) this.lists(list, lists[i], inner);
  }
}

interface TestBits {
  readonly passed: bigint;
  readonly yes: bigint;
  readonly no: bigint;
}

/** A statement without the statements in it. */
function headOf(s: Stmt): string {
  return s.k === 'block' ? '{' : lineOf(s);
}

interface Segment {
  readonly name: string;
  readonly label?: Stmt;
  readonly list: readonly Stmt[];
}

/** A list, cut before its labels and cases. */
function segments(list: readonly Stmt[]): readonly Segment[] {
  const found: { name: string; label?: Stmt; list: Stmt[] }[] = [{ name: '', list: [] }];
  for (const s of list) {
    if (s.k === 'label' || s.k === 'case') found.push({ name: lineOf(s), label: s, list: [] });
    else found.at(-1)!.list.push(s);
  }
  return found;
}

/** Indices of a longest common subsequence. */
function commonOf(before: readonly string[], after: readonly string[]): readonly (readonly [number, number])[] {
  let head = 0;
  while (head < before.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const [n, m] = [before.length - head - tail, after.length - head - tail];
  const pairs: (readonly [number, number])[] = Array.from({ length: head }, (_, i) => [i, i] as const);
  if (n > 0 && m > 0 && n * m <= MAX_CELLS) {
    const best = Array.from({ length: n + 1 }, () => new Uint32Array(m + 1));
    for (let i = n - 1; i >= 0; i--)
      for (let j = m - 1; j >= 0; j--)
        best[i]![j] =
          before[head + i] === after[head + j]
            ? best[i + 1]![j + 1]! + 1
            : Math.max(best[i + 1]![j]!, best[i]![j + 1]!);
    for (let i = 0, j = 0; i < n && j < m; ) {
      if (before[head + i] === after[head + j]) pairs.push([head + i++, head + j++]);
      else if (best[i + 1]![j]! >= best[i]![j + 1]!) i += 1;
      else j += 1;
    }
  }
  for (let i = tail; i > 0; i--) pairs.push([before.length - i, after.length - i]);
  return pairs;
}

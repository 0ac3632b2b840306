/** A function without one of its calls: what it may have been like before a series brought the call. */
import type { Expr, Stmt } from '../../rules/source/c-ast.ts';
import type { CFunction } from '../../rules/source/c-file.ts';

export interface RemovableCall {
  readonly callee: string;
  /** `errno`: `if (ret)` follows, and its branch returns that variable. */
  readonly check: 'errno' | 'other';
  readonly without: CFunction;
}

/** Calls `v = f(...)` with an `if` behind them; both are gone in `without`. */
export function removableCalls(one: CFunction): readonly RemovableCall[] {
  return removals(one.body).map(({ callee, check, body }) => ({ callee, check, without: { ...one, body } }));
}

interface Removal {
  readonly callee: string;
  readonly check: 'errno' | 'other';
  readonly body: readonly Stmt[];
}

function removals(list: readonly Stmt[]): readonly Removal[] {
  return list.flatMap((s, i): readonly Removal[] => {
    const inner: Removal[] = [];
    const set = s.k === 'expr' && s.expr.k === 'assign' && s.expr.op === '=' ? s.expr : undefined;
    const from = set ? set.from : s.k === 'decl' ? s.init : undefined;
    const next = list[i + 1];
    if (from?.k === 'call' && from.callee.k === 'name' && next?.k === 'if') {
      const to: Expr | undefined = set ? set.to : s.k === 'decl' ? { k: 'name', name: s.name } : undefined;
      const check = to && isErrnoCheck(to, next) ? 'errno' : 'other';
      inner.push({ callee: from.callee.name, check, body: list.toSpliced(i, 2) });
    }
    const within = (part: readonly Stmt[], build: (body: readonly Stmt[]) => Stmt): void => {
      for (const removal of removals(part)) inner.push({ ...removal, body: list.with(i, build(removal.body)) });
    };
    if (s.k === 'if') {
      within(s.yes, (yes) => ({ ...s, yes }));
      if (s.no) within(s.no, (no) => ({ ...s, no }));
    } else if (s.k === 'loop' || s.k === 'switch' || s.k === 'block') within(s.body, (body) => ({ ...s, body }));
    return inner;
  });
}

function isErrnoCheck(to: Expr, { test, yes, no }: Stmt & { readonly k: 'if' }): boolean {
  const last = yes.at(-1);
  return !no && to.k === 'name' && isName(test, to.name) && last?.k === 'return' && isName(last.value, to.name);
}

const isName = (e: Expr | undefined, name: string): boolean => e?.k === 'name' && e.name === name;

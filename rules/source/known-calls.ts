/** Functions and macros of the kernel whose meaning the evaluator knows (evaluate.ts); no other is known. */

import { placeOf } from './access-path.ts';
import type { Expr } from './c-ast.ts';
import { calleeName } from './live-facts.ts';

/** Functions that change nothing which a caller looks at: they print, lock, or only look. */
export const QUIET =
  /^(?:(?:dev|pr|netdev|netif|drm|pci|v4l2|hid|ibdev|batadv|wiphy|ath\w*|nvme)_(?:emerg|alert|crit|err|warn|notice|info|dbg|printk)\w*|printk\w*|WARN\w*|(?:raw_)?spin_(?:un)?lock\w*|mutex_(?:un)?lock\w*|(?:down|up)_(?:read|write)\w*|rcu_read_(?:un)?lock\w*|might_sleep|lockdep_\w+|sizeof|IS_ERR\w*|PTR_ERR\w*|ERR_PTR|ERR_CAST|dev_name|pci_name|container_of|to_\w+|kfree|kvfree|vfree)$/;
/** Macros that set variables they are given by name. */
export const SETTING = /poll_timeout|^(?:__|unsafe_)?get_user$|^swap$|^do_div$|for_each/;
/** Calls that give back one of their arguments: linux/err.h, dev_printk.h, compiler.h, cleanup.h, rcupdate.h. */
export const SAME_VALUE: Readonly<Record<string, number>> = {
  PTR_ERR: 0,
  ERR_PTR: 0,
  ERR_CAST: 0,
  IOMEM_ERR_PTR: 0,
  READ_ONCE: 0,
  no_free_ptr: 0,
  rcu_dereference: 0,
  rcu_access_pointer: 0,
  dev_err_probe: 1,
  dev_err_cast_probe: 1,
  dev_err_ptr_probe: 1,
};
/** `f(x)` is `x op 0`. */
const PREDICATES: Readonly<Record<string, string>> = {
  IS_ERR: '<',
  IS_ERR_VALUE: '<',
  IS_ERR_OR_NULL: '<=',
};
export const COMPARISONS = /^(?:[=!]=|[<>]=?)$/;

/** A single test as a comparison; without `other`, with 0. */
export function questionOf(leaf: Expr): { readonly op: string; readonly subject: Expr; readonly other?: Expr } {
  if (leaf.k === 'binary' && COMPARISONS.test(leaf.op)) return { op: leaf.op, subject: leaf.left, other: leaf.right };
  if (leaf.k === 'call' && isPredicate(leaf)) return { op: PREDICATES[calleeName(leaf)]!, subject: leaf.args[0]! };
  return { op: '!=', subject: leaf };
}

export function isPredicate(e: Expr): boolean {
  return e.k === 'call' && Object.hasOwn(PREDICATES, calleeName(e)) && e.args[0] !== undefined;
}

/** The place whose value an expression is, after it was evaluated. */
export function placeBehind(e: Expr): string | undefined {
  if (e.k === 'assign') return placeOf(e.to);
  if (e.k === 'call' && e.args[0] && SAME_VALUE[calleeName(e)] === 0) return placeBehind(e.args[0]);
  return e.k === 'cast' ? placeBehind(e.of) : placeOf(e);
}

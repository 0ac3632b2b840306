/** Which exits of a function are failures, by the conventions for its type (Documentation/process/coding-style.rst §16). */

import type { Value } from './abstract-value.ts';
import { NEGATIVE, OTHER, ZERO } from './abstract-value.ts';

/**
 * `errno`: negative is failure. `pointer`: NULL and error pointers are. `fault`: VM_FAULT_ERROR but for the
 * fallback to small pages (include/linux/mm_types.h). `status`: anything but BLK_STS_OK (blk_types.h). `void`:
 * nothing is. `unclear`: its callers decide: bool, irqreturn_t, unsigned and others.
 */
export type ResultKind = 'errno' | 'pointer' | 'fault' | 'status' | 'void' | 'unclear';

export function resultKind(type: string): ResultKind {
  const plain = type.replace(/\b(?:static|inline|extern|const|signed|__always_inline|noinline)\b/g, '').trim();
  if (plain.includes('*')) return 'pointer';
  if (plain === 'void') return 'void';
  if (plain === 'vm_fault_t') return 'fault';
  if (plain === 'blk_status_t') return 'status';
  return /^(?:int|long(?: long)?(?: int)?|ssize_t|loff_t|s32|s64)$/.test(plain) ? 'errno' : 'unclear';
}

/** Whether a result can mean that it went well. Absent: the end of a function that returns nothing. */
export function canSucceed(kind: ResultKind, value: Value | undefined): boolean {
  switch (kind) {
    case 'errno':
      // falling off the end of a function with a result is no way out
      if (!value) return false;
      return (value.may & (ZERO | OTHER)) !== 0 || UNDER_WAY.test(value.exact ?? '');
    case 'pointer':
      return value !== undefined && (value.may & OTHER) !== 0;
    case 'fault':
      return value !== undefined && !/^VM_FAULT_(?:OOM|SIGBUS|SIGSEGV|HWPOISON\w*|ERROR)$/.test(value.exact ?? '');
    case 'status':
      return value !== undefined && (value.may & ZERO) !== 0;
    default:
      return true;
  }
}

/**
 * Whether a result is meant to say that it went well. A number that is only known not to be 0 is not: after
 * `if (ret)`, `return ret;` is taken for a failure.
 */
export function isMeantWell(kind: ResultKind, value: Value | undefined): boolean {
  return canSucceed(kind, value) && !(kind === 'errno' && value?.may === (NEGATIVE | OTHER));
}

/** Negative, but the work goes on. */
const UNDER_WAY = /^-(?:EIOCBQUEUED|EINPROGRESS)$/;

/** All kinds of value that come out of some exits. */
export function kindsOf(values: readonly (Value | undefined)[]): number {
  return values.reduce((kinds, value) => kinds | (value?.may ?? ZERO | NEGATIVE | OTHER), 0);
}

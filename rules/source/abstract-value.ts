/**
 * What is known of a value: which of three kinds it can be, which cover every int and every pointer of the
 * kernel's conventions (include/linux/err.h: ERR_PTR(-E) has the bits of -E, the last page of the address space).
 */

import type { Constant } from './c-constant.ts';

/** NULL, 0, false. */
export const ZERO = 1;
/** A negative errno, or the pointer made of it. */
export const NEGATIVE = 2;
/** A positive number, true, or a pointer to something. */
export const OTHER = 4;
const ALL = ZERO | NEGATIVE | OTHER;

export interface Value {
  /** Bits of ZERO, NEGATIVE and OTHER; at least one. */
  readonly may: number;
  /** The one constant that it is: a decimal number, `-ENODEV`, or another constant's name. */
  readonly exact?: string;
  /** A stub's constant, or decided by one. */
  readonly stub?: true;
}

export const ANY: Value = { may: ALL };
export const ofNumber = (n: number): Value => ({
  may: n === 0 ? ZERO : n < 0 ? NEGATIVE : OTHER,
  exact: String(n),
});
export const ofTruth = (truth: boolean): Value => ofNumber(truth ? 1 : 0);

/** Constants by name whose number is not in the tree: include/linux/irqreturn.h, mm_types.h, blk_types.h, errno.h. */
export function ofName(name: string): Value {
  if (/^(?:NULL|false)$/.test(name)) return ofNumber(0);
  if (name === 'true') return ofNumber(1);
  if (/^(?:IRQ_NONE|BLK_STS_OK|NETDEV_TX_OK)$/.test(name)) return { may: ZERO, exact: name };
  if (/^(?:IRQ_\w+|BLK_STS_\w+|VM_FAULT_\w+|NETDEV_TX_\w+|E[A-Z][A-Z0-9]+)$/.test(name))
    return { may: OTHER, exact: name };
  return { may: ALL, exact: name };
}

/** What a stub gives back. Nothing at all and a struct of zeroes decide nothing. */
export function ofStub(c: Constant): Value {
  switch (c.k) {
    case 'null':
      return { ...ofNumber(0), stub: true };
    case 'bool':
      return { ...ofTruth(c.value), stub: true };
    case 'int':
      return { ...ofNumber(c.value), stub: true };
    case 'errno':
    case 'err-ptr':
      return { may: NEGATIVE, exact: `-${c.errno}`, stub: true };
    case 'name':
      return { ...ofName(c.name), stub: true };
    default:
      return ANY;
  }
}

export const withStub = (v: Value, isStub: boolean): Value => (isStub && !v.stub ? { ...v, stub: true } : v);

export function negated(v: Value): Value {
  const number = numberIn(v);
  const same = withStub({ may: 0 }, v.stub === true);
  if (number !== undefined) return { ...same, ...ofNumber(number === 0 ? 0 : -number) };
  if (v.exact !== undefined && /^E[A-Z]/.test(v.exact)) return { ...same, may: NEGATIVE, exact: `-${v.exact}` };
  return { ...same, may: v.may === ZERO ? ZERO : v.may === OTHER ? NEGATIVE : v.may === NEGATIVE ? OTHER : ALL };
}

/** Arithmetic, as far as it keeps what is known. */
export function combined(op: string, a: Value, b: Value): Value {
  const isStub = a.stub === true || b.stub === true;
  const [m, n] = [numberIn(a), numberIn(b)];
  if (op === '|') {
    if (a.may === NEGATIVE || b.may === NEGATIVE) return withStub({ may: NEGATIVE }, isStub);
    if (a.may === ZERO && b.may === ZERO) return withStub(ofNumber(0), isStub);
    if (a.may === ZERO) return withStub(b, isStub);
    if (b.may === ZERO) return withStub(a, isStub);
    if ((a.may === OTHER || b.may === OTHER) && !((a.may | b.may) & NEGATIVE)) return withStub({ may: OTHER }, isStub);
  }
  if (op === '&' && (a.may === ZERO || b.may === ZERO)) return withStub(ofNumber(0), isStub);
  if (op === '*' && (a.may === ZERO || b.may === ZERO)) return withStub(ofNumber(0), isStub);
  if (op === '+' || op === '-') {
    if (n === 0) return withStub(a, isStub);
    if (m === 0) return withStub(op === '+' ? b : negated(b), isStub);
    // without the number: a loop would count for ever
    if (m !== undefined && n !== undefined) return withStub({ may: ofNumber(op === '+' ? m + n : m - n).may }, isStub);
  }
  return withStub(ANY, isStub);
}

/** Which ways a comparison can come out. */
export function compared(op: string, a: Value, b: Value): { readonly yes: boolean; readonly no: boolean } {
  if (op === '!=' || op === '>' || op === '>=') {
    const { yes, no } = compared(op === '!=' ? '==' : op === '>' ? '<=' : '<', a, b);
    return { yes: no, no: yes };
  }
  const [left, right] = [rangesOf(a), rangesOf(b)];
  const some = (holds: (x: Range, y: Range) => boolean): boolean => left.some((x) => right.some((y) => holds(x, y)));
  if (op === '<') return { yes: some((x, y) => x[0] < y[1]), no: some((x, y) => x[1] >= y[0]) };
  if (op === '<=') return { yes: some((x, y) => x[0] <= y[1]), no: some((x, y) => x[1] > y[0]) };
  const isSame = a.exact !== undefined && a.exact === b.exact;
  const isOther = isErrno(a) && isErrno(b) && a.exact !== b.exact && !SAME_NUMBER.test(`${a.exact} ${b.exact}`);
  return {
    yes: !isOther && some((x, y) => x[0] <= y[1] && y[0] <= x[1]),
    no: !isSame && some((x, y) => x[0] !== x[1] || y[0] !== y[1] || x[0] !== y[0]),
  };
}

/** A value after a comparison with another came out so; undefined where it cannot. */
export function refined(op: string, a: Value, b: Value, isTrue: boolean): Value | undefined {
  let may = 0;
  for (const kind of [ZERO, NEGATIVE, OTHER]) {
    if (!(a.may & kind)) continue;
    const { yes, no } = compared(op, a.may === kind ? a : { may: kind }, b);
    if (isTrue ? yes : no) may |= kind;
  }
  if (may === 0) return undefined;
  if (may === a.may && a.exact !== undefined) return a;
  const isEqual = (op === '==' && isTrue) || (op === '!=' && !isTrue);
  const exact = isEqual ? b.exact : may === ZERO ? '0' : undefined;
  return withStub(exact === undefined ? { may } : { may: isEqual ? may & b.may || may : may, exact }, a.stub === true);
}

/** The comparison with its sides exchanged. */
export function mirrored(op: string): string {
  return ({ '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as Readonly<Record<string, string>>)[op] ?? op;
}

type Range = readonly [from: number, to: number];

function rangesOf(v: Value): readonly Range[] {
  const number = numberIn(v);
  if (number !== undefined) return [[number, number]];
  const ranges: Range[] = [];
  if (v.may & ZERO) ranges.push([0, 0]);
  if (v.may & NEGATIVE) ranges.push([Number.NEGATIVE_INFINITY, -1]);
  if (v.may & OTHER) ranges.push([1, Number.POSITIVE_INFINITY]);
  return ranges;
}

function numberIn({ exact, may }: Value): number | undefined {
  if (may === ZERO) return 0;
  return exact !== undefined && /^-?\d+$/.test(exact) ? Number(exact) : undefined;
}

const isErrno = ({ exact }: Value): boolean => exact !== undefined && /^-E[A-Z]/.test(exact);
/** include/uapi/asm-generic/errno.h: two names for one number. */
const SAME_NUMBER = /^-E(?:AGAIN|WOULDBLOCK) -E(?:AGAIN|WOULDBLOCK)$|^-EDEADL(?:O?CK) -EDEADL(?:O?CK)$/;

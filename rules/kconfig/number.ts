/**
 * Numbers as conf reads them from symbol values: C's strtoll()/strtoull() and the comparison rules
 * of scripts/kconfig/expr.c (expr_parse_string, __expr_calc_value). Values beyond 2^53 are bigints.
 */

import { SymbolType } from './parse.ts';

const I64_MIN = -(2n ** 63n);
const I64_MAX = 2n ** 63n - 1n;
const U64_MAX = 2n ** 64n - 1n;

interface Scan {
  readonly value: number | bigint;
  /** Characters consumed; 0 when there is no number. */
  readonly length: number;
}

/** Reads the longest number at the start of `text`; base 0 takes `0x` and a leading 0 as in C. */
function scan(text: string, base: 0 | 10 | 16): Scan {
  const match = /^([ \t\n\v\f\r]*)([+-]?)(0[xX](?=[0-9a-fA-F]))?/.exec(text)!;
  const hasPrefix = match[3] !== undefined;
  const at = hasPrefix && base === 10 ? match[1]!.length + match[2]!.length : match[0].length;
  const rest = text.slice(at);
  const actual = base !== 0 ? base : hasPrefix ? 16 : rest.startsWith('0') ? 8 : 10;
  const digits = (actual === 16 ? /^[0-9a-fA-F]+/ : actual === 10 ? /^[0-9]+/ : /^[0-7]+/).exec(rest)?.[0] ?? '';
  if (digits === '') return { value: 0, length: 0 };
  const sign = match[2] === '-' ? -1 : 1;
  const length = at + digits.length;
  if (digits.length <= 12) return { value: sign * Number.parseInt(digits, actual), length };
  const big = BigInt((actual === 16 ? '0x' : actual === 8 ? '0o' : '') + digits);
  return { value: sign < 0 ? -big : big, length };
}

/** strtoll(): what stands at the start counts, values are clamped to 64 bits. */
export function strtoll(text: string, base: 10 | 16): number | bigint {
  const { value } = scan(text, base);
  if (typeof value === 'number') return value;
  return value > I64_MAX ? I64_MAX : value < I64_MIN ? I64_MIN : value;
}

type Parsed = { readonly kind: 'string' } | { readonly kind: 'signed' | 'unsigned'; readonly value: number | bigint };
const STRING: Parsed = { kind: 'string' };

function parse(text: string, type: SymbolType): Parsed {
  if (type === SymbolType.bool || type === SymbolType.tristate) {
    return { kind: 'signed', value: text === 'n' ? 0 : text === 'm' ? 1 : text === 'y' ? 2 : -1 };
  }
  const { value, length } = scan(text, type === SymbolType.hex ? 16 : type === SymbolType.int ? 10 : 0);
  if (length === 0 || length !== text.length) return STRING;
  const big = BigInt(value);
  if (type === SymbolType.hex) {
    if (big > U64_MAX || -big > U64_MAX) return STRING;
    return { kind: 'unsigned', value: big < 0n ? big + U64_MAX + 1n : value };
  }
  return big > I64_MAX || big < I64_MIN ? STRING : { kind: 'signed', value };
}

const wrap = (value: number | bigint): number | bigint => (value < 0 ? BigInt(value) + U64_MAX + 1n : value);

/** Below, equal or above 0 as `a` is less than, equal to or greater than `b`. Text compares byte by byte. */
export function compareValues(a: string, typeA: SymbolType, b: string, typeB: SymbolType): number {
  if (typeA !== SymbolType.string || typeB !== SymbolType.string) {
    const left = parse(a, typeA);
    const right = parse(b, typeB);
    if (left.kind !== 'string' && right.kind !== 'string') {
      const isUnsigned = left.kind === 'unsigned' || right.kind === 'unsigned';
      const l = isUnsigned ? wrap(left.value) : left.value;
      const r = isUnsigned ? wrap(right.value) : right.value;
      return l < r ? -1 : l > r ? 1 : 0;
    }
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a .config may give this text to a symbol of this type (scripts/kconfig/symbol.c, sym_string_valid). */
export function isValidValue(text: string, type: SymbolType): boolean {
  switch (type) {
    case SymbolType.string:
      return true;
    case SymbolType.int:
      return /^-?(0|[1-9][0-9]*)$/.test(text);
    case SymbolType.hex:
      return /^(0[xX])?[0-9a-fA-F]+$/.test(text);
    case SymbolType.bool:
    case SymbolType.tristate:
      return /^[yYmMnN]/.test(text);
    default:
      return false;
  }
}

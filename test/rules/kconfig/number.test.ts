import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareValues, isValidValue, strtoll } from '../../../rules/kconfig/number.ts';
import { SymbolType } from '../../../rules/kconfig/parse.ts';

const TYPES = { b: SymbolType.bool, i: SymbolType.int, h: SymbolType.hex, s: SymbolType.string, u: SymbolType.unknown };

/** Texts with their types, and for each how it stands to all of them: results of a C program with strtoll() and strtoull(). */
const TABLE: readonly (readonly [text: string, type: keyof typeof TYPES, order: string])[] = [
  ['5', 'i', '==><<<<<>><<><<<<><<<>><><<<<<'],
  ['05', 'i', '==><<<<<<><<<<<<<<<<<>><><<<<<'],
  ['-1', 'i', '<<=>><<<<>><<==<<<<<<<<<<<<<<<'],
  ['10', 'h', '>><====>>><<><<<<<><>>><><<<>>'],
  ['0x10', 'h', '>><====>>><<><<<<<><>>><><<<>>'],
  ['0x10', 'u', '>>>====>>><<><<<<<><>>><><<<>>'],
  ['16', 'u', '>>>====>>><<><<<<<><>>><><<<>>'],
  ['010', 'u', '>>><<<<=<><<<<<<<<><>>><><<<<<'],
  ['08', 'u', '<>><<<<>=><<<><<<<><><<<<<<<<<'],
  ['', 'u', '<<<<<<<<<=<<<<<<<<<<<<<<<<<<<<'],
  ['abc', 'h', '>><>>>>>>>==><<<>>>>>>><><=<>>'],
  ['abc', 'u', '>>>>>>>>>>==>>>>>>>>><<<><=<>>'],
  ['0x', 'u', '<>><<<<>>><<=><<<<><><<<<<<<<<'],
  ['-1', 'h', '>>=>>>>><>><<==><<><>>><><<<>>'],
  ['0xffffffffffffffff', 'h', '>>=>>>>>>>><>==><<><>>><><<<>>'],
  ['9223372036854775807', 'i', '>>>>>>>>>>><><<=<>>>>>><><<<>>'],
  ['9223372036854775808', 'i', '>>>>>>>>>><<>>>>=>>>><<<><<<>>'],
  ['18446744073709551616', 'h', '<>>>>>>>>><<>>><<=><><<<<<<<><'],
  [' 7', 'i', '>>><<<<<<><<<<<<<<=<=>><><<<<<'],
  ['7 ', 'i', '>>>>>>>>>><<>>><<>>=><<<><<<><'],
  ['+7', 'i', '>>><<<<<<><<<<<<<<=<=>><><<<<<'],
  ['y', 'b', '<<><<<<<>><>><<<>><><=>>==>><<'],
  ['m', 'b', '<<><<<<<>><>><<<>><><<=<<<>><<'],
  ['n', 'u', '>>>>>>>>>>>>>>>>>>>>><>=><>>>>'],
  ['2', 'u', '<<><<<<<>><<><<<<><<<=><=<<<<<'],
  ['y', 'u', '>>>>>>>>>>>>>>>>>>>>>=>>>=>>>>'],
  ['abc', 's', '>>>>>>>>>>==>>>>>>>>><<<><=<>>'],
  ['abd', 's', '>>>>>>>>>>>>>>>>>>>>><<<><>=>>'],
  ['10', 's', '>>><<<<>>><<><<<<<><>>><><<<=<'],
  ['9', 's', '>>><<<<>>><<><<<<>>>>>><><<<>='],
];

describe('comparison', () => {
  it.each(TABLE)('of %j (%s) with every other is as in C', (text, type, order) => {
    const ours = TABLE.map(
      ([other, otherType]) => '<=>'[compareValues(text, TYPES[type], other, TYPES[otherType]) + 1],
    );
    expect(ours.join('')).toBe(order);
  });

  it('orders numbers by value and texts by bytes', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (a, b) => {
        expect(compareValues(`${a}`, SymbolType.int, `${b}`, SymbolType.int)).toBe(Math.sign(a - b));
        expect(compareValues(`${a}`, SymbolType.string, `${b}`, SymbolType.string)).toBe(
          `${a}` < `${b}` ? -1 : `${a}` > `${b}` ? 1 : 0,
        );
      }),
    );
  });

  it('of hexadecimal numbers does not lose digits beyond 2^53', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (a, b) => {
        expect(compareValues(`0x${a.toString(16)}`, SymbolType.hex, b.toString(16), SymbolType.hex)).toBe(
          a < b ? -1 : a > b ? 1 : 0,
        );
      }),
    );
  });
});

describe('strtoll', () => {
  it.each([
    ['12abc', 10, 12],
    ['12abc', 16, 0x12abc],
    ['0x1F', 16, 31],
    ['0x1F', 10, 0],
    ['NR_CPUS', 10, 0],
    ['-5', 10, -5],
    ['', 10, 0],
    ['99999999999999999999', 10, 2n ** 63n - 1n],
    ['-99999999999999999999', 10, -(2n ** 63n)],
  ] as const)('reads %j in base %i as %s', (text, base, value) => {
    expect(BigInt(strtoll(text, base))).toBe(BigInt(value));
  });
});

describe('a value in a .config', () => {
  it.each([
    [SymbolType.int, ['0', '-0', '12', '-3'], ['', '-', '01', '-01', '0x1', '1 ', '1a', '+1']],
    [SymbolType.hex, ['0', 'ff', '0xFF', '0X0', '00'], ['', '0x', 'g', '-1', '0x1g']],
    [SymbolType.bool, ['y', 'n', 'm', 'Yes'], ['', 'x', '1']],
    [SymbolType.string, ['', 'anything "at all"'], []],
    [SymbolType.unknown, [], ['y', '1', '']],
  ] as const)('of type %i is valid or not', (type, good, bad) => {
    expect(good.filter((text) => !isValidValue(text, type))).toEqual([]);
    expect(bad.filter((text) => isValidValue(text, type))).toEqual([]);
  });
});

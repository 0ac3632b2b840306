import { describe, expect, test } from 'vitest';
import { lineOf, valueOn } from '../../../rules/kconfig/config-line.ts';

const CONFIG =
  'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_N=0x10\nCONFIG_S="a \\"b\\" \\\\"\nCONFIG_EMPTY=""\nCONFIG_AA=m\n';

describe('a line of a .config', () => {
  test.each([
    ['A', 'CONFIG_A=y', 'y'],
    ['AA', 'CONFIG_AA=m', 'm'],
    ['B', '# CONFIG_B is not set', 'n'],
    ['N', 'CONFIG_N=0x10', '0x10'],
    ['S', 'CONFIG_S="a \\"b\\" \\\\"', 'a "b" \\'],
    ['EMPTY', 'CONFIG_EMPTY=""', ''],
    ['GONE', '(no CONFIG_GONE)', undefined],
    ['CONFIG_A', '(no CONFIG_CONFIG_A)', undefined],
  ])('of %s', (symbol, line, value) => {
    expect(lineOf(CONFIG, symbol)).toBe(line);
    expect(valueOn(lineOf(CONFIG, symbol))).toBe(value);
  });
});

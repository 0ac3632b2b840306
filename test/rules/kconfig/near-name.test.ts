import { expect, test } from 'vitest';
import { nearest } from '../../../rules/kconfig/near-name.ts';

test.each([
  ['one letter more', 'REGMAP_I2CC', ['REGMAP_I2C', 'REGMAP'], 'REGMAP_I2C'],
  ['one letter less', 'SPI_ATOL_CORE', ['SPI_ATOLL_CORE'], 'SPI_ATOLL_CORE'],
  ['another letter', 'COMMON_CLX', ['COMMON_CLK', 'COMMON'], 'COMMON_CLK'],
  ['the nearer of two', 'SENSORS_FOO', ['SENSORS_FOE2', 'SENSORS_FOOX'], 'SENSORS_FOOX'],
  ['two as near', 'SENSORS_FOO', ['SENSORS_FO1', 'SENSORS_FO2'], undefined],
  [
    'two as near, and a nearer one behind them',
    'SENSORS_LONG',
    ['SENSORS_LO12', 'SENSORS_LO34', 'SENSORS_LONG1'],
    'SENSORS_LONG1',
  ],
  ['two as near of different lengths', 'SENSORS_FOO', ['SENSORS_FO', 'SENSORS_FOOX'], undefined],
  ['too far', 'ABCDE', ['ABXXE'], undefined],
  ['too short to tell', 'FOO', ['FOA'], undefined],
  ['nothing to choose from', 'ABCDEFGH', [], undefined],
])('%s', (_, name, names, expected) => {
  expect(nearest(name, names)).toBe(expected);
});

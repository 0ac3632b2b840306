import { describe, expect, test } from 'vitest';
import { afterQuietHours, isQuietHours } from '../../bot/quiet-hours.ts';

const at = (time: string): Date => new Date(`2026-11-22T${time}Z`);

describe('afterQuietHours', () => {
  test.each([
    [['22:00-06:30'], '12:00:05.123', '2026-11-22T12:00:05.123Z'],
    [['22:00-06:30'], '23:10:05.123', '2026-11-23T06:30:00.000Z'],
    [['22:00-06:30'], '06:29:59', '2026-11-22T06:30:00.000Z'],
    [['22:00-06:30'], '06:30:00', '2026-11-22T06:30:00.000Z'],
    [['22:00-06:30'], '22:00:00', '2026-11-23T06:30:00.000Z'],
    [['12:00-13:00'], '12:30:00', '2026-11-22T13:00:00.000Z'],
    [['12:00-13:00', '13:00-15:00'], '12:30:00', '2026-11-22T15:00:00.000Z'],
    [['13:00-15:00', '12:00-13:00', '22:00-01:00'], '12:30:00', '2026-11-22T15:00:00.000Z'],
    [[], '12:30:00', '2026-11-22T12:30:00.000Z'],
  ])('%j at %s: %s', (spans, time, expected) => {
    expect(afterQuietHours(at(time), spans)?.toISOString()).toBe(expected);
  });

  test('is undefined where the spans leave nothing of the day', () => {
    expect(afterQuietHours(at('12:00:00'), ['00:00-12:00', '12:00-00:00'])).toBeUndefined();
    expect(afterQuietHours(at('12:00:00'), ['00:00-12:00', '12:01-00:00'])?.toISOString()).toBe(
      '2026-11-22T12:00:00.000Z',
    );
  });
});

test.each(['22-6', '22:00', '24:00-01:00', '22:60-01:00', '22:00-22:00', ' 22:00-06:00', ''])('%j is none', (text) => {
  expect(isQuietHours(text)).toBe(false);
});

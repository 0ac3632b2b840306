import { expect, test } from 'vitest';
import { domainOf, SenderRate, Strangers } from '../../bot/strangers.ts';

const HOUR_MS = 3_600_000;

test('30 authentic mails of a domain are looked up an hour; the rest waits', () => {
  const strangers = new Strangers();
  const begin = 5 * HOUR_MS;
  for (let n = 0; n < 30; n++) {
    expect(strangers.wait(`s${n}@x.example`, begin + n)).toBeUndefined();
    strangers.count(`s${n}@x.example`, 'authentic');
  }
  expect(strangers.wait('a@x.example', begin + 30)).toEqual({ untilMs: begin + HOUR_MS, isNews: true });
  expect(strangers.wait('b@x.example', begin + HOUR_MS - 1)).toEqual({ untilMs: begin + HOUR_MS, isNews: false });
  expect(strangers.wait('a@y.x.example', begin + 40)).toBeUndefined();
  expect(strangers.wait('a@x.example', begin + HOUR_MS)).toBeUndefined();
});

test('after 30 forged mails of a domain one is looked up every 20 s', () => {
  const strangers = new Strangers();
  for (let n = 0; n < 30; n++) strangers.count('a@x.example', 'forged');
  expect(strangers.wait('a@x.example', 1000)).toBeUndefined();
  expect(strangers.wait('b@x.example', 1000)).toEqual({ untilMs: 21_000, isNews: true });
  expect(strangers.wait('b@x.example', 20_999)).toEqual({ untilMs: 21_000, isNews: false });
  expect(strangers.wait('b@x.example', 21_000)).toBeUndefined();
  expect(strangers.wait('a@x.example', 21_000)).toEqual({ untilMs: 41_000, isNews: false });
  expect(strangers.wait('a@y.example', 21_000)).toBeUndefined();
});

test('what is authentic does not add to what is forged', () => {
  const strangers = new Strangers();
  for (let n = 0; n < 29; n++)
    for (const what of ['authentic', 'forged'] as const) strangers.count('a@x.example', what);
  expect(strangers.wait('a@x.example', 0)).toBeUndefined();
});

test('50 are told in a day', () => {
  const strangers = new Strangers();
  for (let n = 0; n < 50; n++) expect(strangers.tell(24 * HOUR_MS)).toBe(true);
  expect(strangers.tell(47 * HOUR_MS)).toBe(false);
  expect(strangers.tell(48 * HOUR_MS)).toBe(true);
});

test('30 mails an hour of one sender are obeyed', () => {
  const rate = new SenderRate();
  const admitted = Array.from({ length: 31 }, () => rate.admit('a@x.example', HOUR_MS));
  expect(admitted).toEqual([...Array.from({ length: 30 }, () => true), false]);
  expect(rate.admit('b@x.example', HOUR_MS)).toBe(true);
  expect(rate.admit('a@x.example', 2 * HOUR_MS)).toBe(true);
});

test('a domain is what is right of the last @', () => {
  expect(['a@x.example', '"a@b"@x.example', 'nobody'].map(domainOf)).toEqual(['x.example', 'x.example', 'nobody']);
});

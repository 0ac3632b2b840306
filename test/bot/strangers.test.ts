import { expect, test } from 'vitest';
import { domainOf, SenderRate, Strangers } from '../../bot/strangers.ts';

const HOUR_MS = 3_600_000;

test('30 mails of a domain are admitted an hour, and those of another are not counted with them', () => {
  const strangers = new Strangers();
  const admit = (address: string, nowMs = 0) => strangers.admit(address, true, nowMs);
  for (let n = 0; n < 30; n++) expect(admit(`s${n}@x.example`).ok).toBe(true);
  expect(admit('a@x.example')).toEqual({ ok: false, isNews: true });
  expect(admit('b@x.example')).toEqual({ ok: false, isNews: false });
  expect(admit('a@y.x.example').ok).toBe(true);
  expect(admit('a@x.example', HOUR_MS - 1).ok).toBe(false);
  expect(admit('a@x.example', HOUR_MS).ok).toBe(true);
});

test('once 50 were told in a day, only those are admitted of whom more than that can come', () => {
  const strangers = new Strangers();
  strangers.admit('a@x.example', true, 24 * HOUR_MS);
  for (let n = 0; n < 50; n++) {
    expect(strangers.admit(`a@x${n}.example`, true, 24 * HOUR_MS).ok).toBe(true);
    expect(strangers.tell()).toBe(true);
  }
  expect(strangers.tell()).toBe(false);
  expect(strangers.admit('a@z.example', true, 47 * HOUR_MS).ok).toBe(false);
  expect(strangers.admit('a@z.example', false, 47 * HOUR_MS).ok).toBe(true);
  expect(strangers.admit('a@z.example', true, 48 * HOUR_MS).ok).toBe(true);
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

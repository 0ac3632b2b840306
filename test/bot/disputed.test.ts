import { describe, expect, test } from 'vitest';
import { type Authenticate, isSame, settle } from '../../bot/disputed.ts';
import type { Message } from '../../rules/types.ts';
import { diffOf, message, patchBody } from '../fixtures/mail/make.ts';

const saying = (symbol: string): Message =>
  message({ body: patchBody(symbol, diffOf(undefined, `\tselect ${symbol}`)) });
const signed =
  (...genuine: readonly Message[]): Authenticate =>
  async (raw) =>
    genuine.some((copy) => copy.raw === raw)
      ? { ok: true, address: 'ada@example.org', domain: 'example.org', fingerprint: '' }
      : { ok: false, why: 'it has no DKIM signature' };
const away: Authenticate = async () => ({ ok: false, why: 'no answer from DNS', retry: true });

describe('copies of one mail', () => {
  const [foo, bar, cut] = [saying('FOO'), saying('BAR'), message({ body: 'Foo.\n' })];

  test.each([
    ['that agree ask for no signature', [foo, { ...foo }, cut], away, { ok: true }],
    ['of which one is signed are settled by it', [foo, bar, cut], signed(bar), { ok: true, genuine: bar }],
    ['of which all are signed stay open', [foo, bar], signed(foo, bar), { ok: false, why: /one is forged$/ }],
    ['of which none is signed stay open', [foo, bar], signed(), { ok: false, why: /one is forged$/ }],
    ['of which only one without changes is signed stay open', [foo, bar, cut], signed(cut), { ok: false }],
    ['whose signatures cannot be looked up now may be settled later', [foo, bar], away, { ok: false, retry: true }],
  ] as const)('%s', async (_, copies, authenticate, expected) => {
    const settled = await settle(copies, authenticate);
    const { why, ...rest } = expected as { ok: boolean; why?: RegExp };
    expect(settled).toMatchObject({ ...rest, ...(why && { why: expect.stringMatching(why) }) });
  });

  test('are the same where a list has cut one', () => {
    expect([isSame(cut, foo), isSame(foo, cut), isSame(foo, bar)]).toEqual([true, false, false]);
  });
});

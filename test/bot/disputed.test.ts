import { describe, expect, test } from 'vitest';
import { type Authenticate, settle } from '../../bot/disputed.ts';
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

const BASES = ['1', '2'].map((digit) => `base-commit: ${digit.repeat(40)}\n`);

describe('copies of one mail', () => {
  const [foo, bar, cut] = [saying('FOO'), saying('BAR'), message({ body: 'Foo.\n' })];
  const [one, two] = BASES.map((base) => message({ body: `${patchBody()}\n${base}` }));
  const [letter, other] = BASES.map((base) => message({ body: `What this is about.\n\n${base}` }));
  const listed = { ...cut, listIds: ['l.x.example'] };

  test.each([
    ['that agree ask for no signature', [foo, { ...foo }, listed], away, { message: { listIds: ['l.x.example'] } }],
    ['of which another is signed are settled by it', [foo, bar, cut], signed(bar), { message: bar, isOther: true }],
    ['of which that is signed are settled by it', [foo, bar, cut], signed(foo), { message: foo, isOther: false }],
    ['with different bases are settled so', [one!, two!], signed(two!), { message: two, isOther: true }],
    ['with a base and none are settled so', [one!, message()], signed(one!), { message: one, isOther: false }],
    ['that are letters with different bases, too', [letter!, other!], signed(other!), { isOther: true }],
    ['that are letters, one cut, agree', [letter!, cut], away, { isOther: false }],
    ['of which all are signed stay open', [foo, bar], signed(foo, bar), { ok: false, why: /one is forged$/ }],
    ['of which none is signed stay open', [foo, bar], signed(), { ok: false, why: /one is forged$/ }],
    ['of which only one without changes is signed stay open', [foo, bar, cut], signed(cut), { ok: false }],
    ['whose signatures cannot be looked up now may be settled later', [foo, bar], away, { ok: false, retry: true }],
  ] as const)('%s', async (_, copies, authenticate, expected) => {
    const settled = await settle(copies[0], copies, authenticate);
    const { why, ...rest } = { ok: true, ...expected } as { ok: boolean; why?: RegExp };
    expect(settled).toMatchObject({ ...rest, ...(why && { why: expect.stringMatching(why) }) });
  });
});

import { describe, expect, it } from 'vitest';
import { parseSubject } from '../../bot/subject.ts';
import type { Subject } from '../../rules/types.ts';
import { cpuMs } from '../fixtures/mail/make.ts';

const PLAIN: Subject = {
  revision: 1,
  revisionInferred: true,
  n: 1,
  total: 1,
  counterInferred: true,
  isPatch: true,
  isReply: false,
  isRfc: false,
  isResend: false,
  tags: [],
  title: 'foo',
};
const v = (revision: number): Partial<Subject> => ({ revision, revisionInferred: false });
const at = (n: number, total: number): Partial<Subject> => ({ n, total, counterInferred: false });

const CASES: [subject: string, expected: Partial<Subject>][] = [
  ['[PATCH] foo', {}],
  ['[PATCHv3 2/5] foo', { ...v(3), ...at(2, 5) }],
  ['[PATCH v2, 1/3] foo', { ...v(2), ...at(1, 3) }],
  ['[PATCH,v2,1/3] foo', { ...v(2), ...at(1, 3) }],
  ['[v2,1/3] foo', { ...v(2), ...at(1, 3) }],
  ['[PATCH v2,1/3] foo', { ...v(2), ...at(1, 3) }],
  ['[RFCv2 1/3] foo', { ...v(2), ...at(1, 3), isRfc: true }],
  ['[RFC/PATCH v2] foo', { ...v(2), isRfc: true }],
  ['[PATCH V2 01/12] foo', { ...v(2), ...at(1, 12) }],
  ['[patch V3 12/27] foo', { ...v(3), ...at(12, 27) }],
  ['[PATCH 6/5] foo', at(6, 5)],
  ['[PATCH RESEND v2] foo', { ...v(2), isResend: true }],
  ['[PATCH v2 RESEND 1/2] foo', { ...v(2), ...at(1, 2), isResend: true }],
  ['[RESEND][PATCH v2 1/2] foo', { ...v(2), ...at(1, 2), isResend: true }],
  ['[PATCH] [v2] foo', v(2)],
  ['[PATCH][next] foo', { tags: ['next'] }],
  ['[PATCH] ARM: [v7m] foo', { title: 'ARM: [v7m] foo' }],
  ['[PATCH 1/2] bar: [PATCH v7] foo', { ...at(1, 2), title: 'bar: [PATCH v7] foo' }],
  ['[PATCH v99999999999999999999] foo', v(99_999)],
  ['[PATCH [v2] 1/2] foo', { ...v(2), ...at(1, 2) }],
  ['[PATCH 1/2 v3] foo', { ...v(3), ...at(1, 2) }],
  ['[PATCH v2 1/2 RFC] foo', { ...v(2), ...at(1, 2), isRfc: true }],
  ['[PATCH 6.12 001/289] foo', { ...at(1, 289), tags: ['6.12'] }],
  ['[PATCH 5.15.y 1/2] foo', { ...at(1, 2), tags: ['5.15.y'] }],
  ['[PATCH v1.1 2/3] foo', { ...v(1), ...at(2, 3), subRevision: 1 }],
  ['[PATCH v2.5 2/3] foo', { ...v(2), ...at(2, 3), subRevision: 5 }],
  ['Re: [PATCH 1/2] foo', { ...at(1, 2), isReply: true }],
  ['AW: [PATCH] foo', { isReply: true }],
  ['SV: [PATCH] foo', { isReply: true }],
  ['Re: Re: [PATCH v2] foo', { ...v(2), isReply: true }],
  ['Fwd: [PATCH] foo', { isReply: true }],
  ['回复：[PATCH 1/2] foo', { ...at(1, 2), isReply: true }],
  ['[Intel-gfx] Re: [PATCH] foo', { isReply: true, tags: ['Intel-gfx'] }],
  ['[PATCH v3 1 / 2] foo', { ...v(3), ...at(1, 2) }],
  ['[PATCH 1 of 3] foo', at(1, 3)],
  ['[PATCH 00001/12345] foo', at(1, 12345)],
  ['[PATCH1/2] foo', at(1, 2)],
  [
    '[PATCH net-next v2 1/4] foo: [selftests] y',
    { ...v(2), ...at(1, 4), tags: ['net-next'], title: 'foo: [selftests] y' },
  ],
  ['[PATCH v2 1/2] foo [v3]', { ...v(2), ...at(1, 2), title: 'foo [v3]' }],
  ['PATCH v2 1/2: foo', { isPatch: false, title: 'PATCH v2 1/2: foo' }],
  ['[PATCH v10 0/0] foo', { ...v(10), ...at(0, 0) }],
  ['[PATCH 0/3] foo', at(0, 3)],
  ['[GIT PULL] foo', { isPatch: false, tags: ['GIT', 'PULL'] }],
  ['foo', { isPatch: false }],
  ['[PATCH 1/2 foo', { isPatch: false, title: '[PATCH 1/2 foo' }],
  ['net: [bug] foo', { isPatch: false, title: 'net: [bug] foo' }],
  ['  [PATCH]\t  foo \n', {}],
  ['[PATCH]', { title: '' }],
  ['', { isPatch: false, title: '' }],
];

describe('parseSubject', () => {
  it.each(CASES)('reads %s', (subject, expected) => {
    expect(parseSubject(subject)).toEqual({ ...PLAIN, ...expected });
  });

  it('takes no tree name, date or fraction for a revision or counter', () => {
    expect(parseSubject('[PATCH v6.12-rc1 next-20260101 1/2/3] foo')).toMatchObject({
      revisionInferred: true,
      counterInferred: true,
    });
  });

  it('is done quickly with a hostile subject', () => {
    const work = () => {
      parseSubject(`[${'1 '.repeat(500_000)}`);
      parseSubject('[['.repeat(500_000));
      parseSubject(`${'Re: '.repeat(500_000)}x`);
    };
    expect(cpuMs(work)).toBeLessThan(1000);
  });
});

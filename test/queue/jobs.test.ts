import { describe, expect, it } from 'vitest';
import { type CheckJob, jobOf, mailsOf, parseJob, parseResult, seriesKey } from '../../queue/jobs.ts';
import type { Message, Series } from '../../rules/types.ts';
import { jobNumber, reportOn } from '../support/redis.ts';
import { tinySeries } from '../support/tiny-series.ts';

const MIB = 2 ** 20;

function mail(subject: string, size = 0): string {
  return `From: ann@example.org\nSubject: ${subject}\n\n${'x'.repeat(size)}\n`;
}

function withIds(...ids: string[]): Series {
  const series = tinySeries(ids.map((id) => mail(id)));
  const patches = series.patches.map((patch, index) => ({
    ...patch,
    message: { ...patch.message, messageId: ids[index]! },
  }));
  return { ...series, patches: patches as unknown as Series['patches'] };
}

function withCover(series: Series, messageId: string, raw: Uint8Array): Series {
  const cover: Message = { ...series.patches[0].message, messageId, raw };
  return { ...series, cover };
}

describe('seriesKey', () => {
  it('is 32 hex digits, and the same for the same Message-IDs', () => {
    expect(seriesKey(withIds('a@x', 'b@x'))).toMatch(/^[0-9a-f]{32}$/);
    expect(seriesKey(withIds('a@x', 'b@x'))).toBe(seriesKey(withIds('a@x', 'b@x')));
  });

  it.each([
    ['a patch sent again', withIds('a@x', 'c@x')],
    ['another order', withIds('b@x', 'a@x')],
    ['one patch fewer', withIds('a@x')],
    ['Message-IDs that join to the same text', withIds('a@xb@', 'x')],
    ['a cover letter', withCover(withIds('a@x', 'b@x'), 'cover@x', Buffer.from('cover'))],
  ])('is another for %s', (_what, other) => {
    expect(seriesKey(other)).not.toBe(seriesKey(withIds('a@x', 'b@x')));
  });
});

describe('jobOf', () => {
  it('holds the bytes of the mails as they came, the cover letter first', () => {
    const bytes = Buffer.from([0x46, 0x0d, 0x0a, 0x00, 0xff, 0xe9]);
    const made = jobOf(withCover(tinySeries([mail('one'), mail('two')]), 'cover@x', bytes));
    if (!made.ok) throw new Error(made.why);
    expect(mailsOf(made.job).map((raw) => Buffer.from(raw))).toEqual([
      bytes,
      Buffer.from(mail('one')),
      Buffer.from(mail('two')),
    ]);
    expect(parseJob(JSON.parse(JSON.stringify(made.job)))).toEqual({ ok: true, job: made.job });
  });

  it('names the list that the series came by, where it is known', () => {
    const series = tinySeries([mail('one')]);
    const message = { ...series.patches[0].message, listIds: ['linux-mm.kvack.org', 'linux.example.org'] };
    const made = jobOf({ ...series, patches: [{ ...series.patches[0], message }] });
    if (!made.ok) throw new Error(made.why);
    expect(made.job.list).toBe('linux-mm.kvack.org');
    expect(parseJob(JSON.parse(JSON.stringify(made.job)))).toEqual({ ok: true, job: made.job });
    expect(jobOf(series)).toMatchObject({ job: expect.not.objectContaining({ list: expect.anything() }) });
  });

  it('cuts a subject that no log can hold, and still gives a valid job', () => {
    const made = jobOf({ ...tinySeries([mail('one')]), subject: 'x'.repeat(100_000) });
    if (!made.ok) throw new Error(made.why);
    expect(made.job.subject).toHaveLength(500);
    expect(parseJob(made.job).ok).toBe(true);
  });

  it('takes 1001 mails, and says why it does not take 1002', () => {
    const patch = tinySeries([mail('one')]).patches[0];
    const of = (count: number): Series => ({
      ...tinySeries([mail('one')]),
      patches: Array.from({ length: count }, () => patch) as unknown as Series['patches'],
    });
    expect(jobOf(of(1001)).ok).toBe(true);
    expect(jobOf(of(1002))).toEqual({ ok: false, why: '1002 mails; at most 1001 are checked' });
  });

  it('takes 64 MiB, and says why it does not take a byte more', () => {
    const of = (size: number): Series => {
      const series = tinySeries([mail('one')]);
      const patch = { ...series.patches[0], message: { ...series.patches[0].message, raw: Buffer.alloc(size, 'x') } };
      return { ...series, patches: [patch] };
    };
    const made = jobOf(of(64 * MIB));
    expect(made.ok && parseJob(made.job).ok).toBe(true);
    expect(jobOf(of(64 * MIB + 1))).toEqual({
      ok: false,
      why: '67108865 bytes of mails; at most 64 MiB are checked',
    });
  });
});

describe('parseJob', () => {
  const good: CheckJob = jobNumber(1);

  it('takes a job', () => expect(parseJob(good)).toEqual({ ok: true, job: good }));

  it.each<[string, unknown, RegExp]>([
    ['null', null, /not a job/],
    ['a string', 'job', /not a job/],
    ['another schema', { ...good, schema: 2 }, /schema/],
    ['a key that is a path', { ...good, key: '../../../../../../etc/passwd....' }, /key: not 32 hex digits/],
    ['a key with a line after it', { ...good, key: `${good.key}\n` }, /key/],
    ['no mails', { ...good, mails: [] }, /mails/],
    ['mails that are no text', { ...good, mails: [1] }, /mails\.0/],
    ['mails that are not base64', { ...good, mails: ['%%%%'] }, /mails\.0: not base64/],
    ['base64 that was cut', { ...good, mails: ['YWI'] }, /mails\.0: not base64/],
    ['1002 mails', { ...good, mails: Array.from({ length: 1002 }, () => 'YWJj') }, /mails/],
    ['more than 64 MiB', { ...good, mails: ['YWJj'.repeat(23 * MIB)] }, /more than 64 MiB/],
    ['a word that is not known', { ...good, run: 'rm' }, /run/],
  ])('refuses %s', (_what, value, why) => {
    const read = parseJob(value);
    expect(read.ok ? 'accepted' : read.why).toMatch(why);
  });
});

describe('parseResult', () => {
  const { key } = jobNumber(1);
  const good = { schema: 1, key, report: reportOn('one') };

  it('takes a result', () => expect(parseResult(good, key)).toEqual({ ok: true, result: good }));

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /not a result/],
    ['another schema', { ...good, schema: 2 }, /schema/],
    ['no report', { schema: 1, key }, /report/],
    ['a report of another schema', { ...good, report: { ...good.report, schema: 2 } }, /not a report of schema 1/],
    ['a report without findings', { ...good, report: { ...good.report, findings: 'none' } }, /not a report/],
    ['the result of another job', { ...good, key: jobNumber(2).key }, /that of f0{30}2/],
  ])('refuses %s', (_what, value, why) => {
    const read = parseResult(value, key);
    expect(read.ok ? 'accepted' : read.why).toMatch(why);
  });
});

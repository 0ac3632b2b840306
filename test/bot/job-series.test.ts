import { describe, expect, test } from 'vitest';
import { seriesOfJob } from '../../bot/job-series.ts';
import { assemble } from '../../bot/series.ts';
import { type CheckJob, jobOf } from '../../queue/jobs.ts';
import type { Message, Series } from '../../rules/types.ts';
import { bytesOf, mailText, message, patch, patchBody } from '../fixtures/mail/make.ts';

const COVER = 'PATCH-0@example.org';
const SHA = '0123456789abcdef0123456789abcdef01234567';
const v1 = [0, 1, 2, 3].map((n) => patch(n, 3, n === 0 ? {} : { root: COVER }));

/** Patch n of a later revision, in reply to its earlier self. */
const again = (n: number, revision: number, more: Parameters<typeof message>[0] = {}): Message => {
  const self = revision === 2 ? `PATCH-${n}@example.org` : `v${revision - 1}-${n}@x.example`;
  const references = [COVER, self];
  const subject = `[PATCH v${revision} ${n}/3] foo: step ${n}`;
  return message({
    id: `v${revision}-${n}@x.example`,
    subject,
    at: revision * 60,
    inReplyTo: self,
    references,
    ...more,
  });
};

function newest(mails: readonly Message[]): Series {
  const series = assemble(mails).series.filter((one) => one.complete);
  return series.reduce((best, one) => (one.revision >= best.revision ? one : best));
}
function jobFor(series: Series): CheckJob {
  const made = jobOf(series);
  if (!made.ok) throw new Error(made.why);
  // As the queue and the disk hand it on.
  return JSON.parse(JSON.stringify(made.job)) as CheckJob;
}
const unthreaded = (total: number): Message[] => Array.from({ length: total }, (_, n) => patch(n + 1, total));
/** From B4 Relay, which says in Reply-To for whom. */
const RELAYED = {
  from: 'Ada Penn via B4 Relay <devnull+ada.example.org@kernel.org>',
  headers: ['Reply-To: ada@example.org'],
};
const relayed = [0, 1, 2].map((n) => patch(n, 2, { ...RELAYED, ...(n > 0 && { root: COVER }) }));
const chain = [1, 2, 3].map((n) =>
  patch(n, 3, {
    ...(n > 1 && { inReplyTo: `PATCH-${n - 1}@example.org`, references: [`PATCH-${n - 1}@example.org`] }),
  }),
);

test('the author of a series is whom a relay sends it for', () => {
  const series = newest(relayed);
  expect([series.author.address, seriesOfJob(jobFor(series)).author.address]).toEqual(Array(2).fill('ada@example.org'));
});

describe('the series of a job is the one that it was made of', () => {
  test.each<[string, readonly Message[]]>([
    ['a single patch', [message()]],
    ['a cover letter and patches', v1],
    ['patches below a cover letter that never came', v1.slice(1)],
    ['patches without a thread', unthreaded(3)],
    ['patches of a relay', relayed],
    ['patches that each answer the one before', chain],
    ['a single patch in answer to a report', [again(1, 2, { subject: '[PATCH] foo: mend it' })]],
    [
      'a cover letter without 0/n',
      [message({ id: COVER, subject: 'Foo series', body: 'What this is about.\n' }), ...v1.slice(1)],
    ],
    [
      'a second revision below the cover letter of the first',
      [...v1, ...[1, 2].map((n) => patch(n, 2, { prefix: 'PATCH v2', root: COVER, at: 60 + n }))],
    ],
    ['a single patch without Message-ID', [message({ id: '' })]],
    [
      'mails of several charsets and line ends',
      [
        message({
          from: '=?iso-8859-1?Q?J=F6rg?= <ada@example.org>',
          headers: ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit'],
          body: patchBody('größer'),
        }),
      ],
    ],
  ])('%s', (_, mails) => {
    const series = newest(mails);
    expect(seriesOfJob(jobFor(series))).toEqual(series);
  });

  test('also where an earlier copy of a patch was left out, which is no longer said', () => {
    const series = newest([...v1, patch(2, 3, { id: 'b@x.example', root: COVER, at: 9 })]);
    expect(series.oddities).toEqual(['patch 2 was sent more than once; the latest was taken']);
    expect(seriesOfJob(jobFor(series))).toEqual({ ...series, oddities: [] });
  });

  test.each<[string, readonly Message[], readonly number[]]>([
    ['one patch sent again', [...v1, again(2, 2)], [1, 3]],
    ['the first patch sent again', [...v1, again(1, 2)], [2, 3]],
    ['two patches sent again', [...v1, again(1, 2), again(3, 2)], [2]],
    ['one sent again, and again', [...v1, again(2, 2), again(2, 3)], [1, 3]],
    ['one sent again without a cover letter', [...unthreaded(3), again(2, 2)], [1, 3]],
    ['one replaced within the revision', [...v1, again(2, 2, { subject: '[PATCH v1.1 2/3] foo: step 2' })], [1, 3]],
    ['one sent again in a chain', [...chain, again(2, 2)], [1, 3]],
  ])('also one whose other patches are of an earlier revision: %s', (_, mails, carriedOver) => {
    const series = newest(mails);
    expect(series.carriedOver).toEqual(carriedOver);
    const back = seriesOfJob(jobFor(series));
    expect({ ...back, oddities: [] }).toEqual({ ...series, oddities: [] });
    expect(back.oddities).toEqual([`carried over from an earlier revision: ${carriedOver.join(', ')}`]);
  });

  test('with what the patch sent again says of its base, or else what a patch carried over says', () => {
    const old = patch(1, 3, { root: COVER, body: `${patchBody()}base-commit: ${SHA}\n` });
    const mails = [v1[0]!, old, v1[2]!, v1[3]!];
    expect(seriesOfJob(jobFor(newest([...mails, again(2, 2)]))).baseCommit).toBe(SHA);
    const body = `${patchBody()}base-commit: ${SHA.replaceAll('0', 'f')}\n`;
    const said = seriesOfJob(jobFor(newest([...mails, again(2, 2, { body })])));
    expect(said.baseCommit).toBe(SHA.replaceAll('0', 'f'));
    expect(seriesOfJob(jobFor(newest([...v1, again(2, 2)])))).not.toHaveProperty('baseCommit');
  });
});

describe('a job that is no series', () => {
  const job = jobFor(newest(v1));
  const base64 = (text: string): string => Buffer.from(bytesOf(text)).toString('base64');

  const REMARK = base64(mailText({ id: 'r@x.example', body: 'Why?\n' }));

  test.each<[string, Partial<CheckJob>, RegExp]>([
    ['has the key of another', { key: 'f'.repeat(32) }, /its mails are not the series it names/],
    ['lacks a patch', { mails: job.mails.slice(0, -1) }, /its mails are not the series it names/],
    [
      'has a remark in place of a patch',
      { mails: [...job.mails.slice(0, -1), REMARK] },
      /its mails are not the series/,
    ],
    ['has a remark alone', { mails: [REMARK] }, /its mails are not the series it names/],
    ['has something that is no mail', { mails: [base64('no mail')] }, /one of its mails cannot be read/],
  ])('%s, and is named', (_, more, why) => {
    const forged = { ...job, ...more };
    expect(() => seriesOfJob(forged)).toThrow(why);
    expect(() => seriesOfJob(forged)).toThrow(`job ${forged.key} (${forged.subject}): `);
  });
});

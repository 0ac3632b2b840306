/** Assembly, case by case. (More than 400 lines: a list of the ways in which mails arrive; each case is a few.) */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assemble } from '../../bot/series.ts';
import { superseded } from '../../bot/superseded.ts';
import type { Assembled, Message } from '../../rules/types.ts';
import { cpuMs, diffOf, message, patch, patchBody } from '../fixtures/mail/make.ts';

const SHA = '0123456789abcdef0123456789abcdef01234567';
const COVER = 'PATCH-0@example.org';

/** Short form: `v1 0,1,2/2`, a hole as `-n`, a carried one as `(n)`. */
function short(series: Assembled): string {
  const patches = series.complete ? series.patches : series.have;
  const missing = series.complete ? [] : series.missing;
  const total = series.complete ? series.patches.length : series.total;
  const numbers = [
    ...(series.cover ? ['0'] : []),
    ...patches.map((one) => (series.complete && series.carriedOver.includes(one.n) ? `(${one.n})` : `${one.n}`)),
    ...missing.map((n) => `-${n}`),
  ];
  return `v${series.revision} ${numbers.join(',')}/${total}`;
}

const shorts = (messages: Message[]) => assemble(messages).series.map(short);
const only = (messages: Message[]) => {
  const { series } = assemble(messages);
  expect(series).toHaveLength(1);
  return series[0] as Assembled;
};
const threaded = (total: number, prefix = 'PATCH', at = 0) => {
  const root = `${prefix.replace(/\W+/g, '-')}-0@example.org`;
  return [
    patch(0, total, { prefix, at }),
    ...Array.from({ length: total }, (_, i) => patch(i + 1, total, { prefix, root, at: at + i + 1 })),
  ];
};

describe('assemble', () => {
  it('puts a cover letter and its patches together, in order', () => {
    const series = only(threaded(3));
    expect(short(series)).toBe('v1 0,1,2,3/3');
    expect(series).toMatchObject({
      complete: true,
      id: COVER,
      subject: '[PATCH 0/3] Foo series',
      author: { address: 'ada@example.org' },
      tags: [],
      prerequisites: [],
      carriedOver: [],
      oddities: [],
    });
    expect(series.complete && series.patches.map((one) => one.title)).toEqual([
      'foo: step 1',
      'foo: step 2',
      'foo: step 3',
    ]);
    expect(series).not.toHaveProperty('baseCommit');
  });

  it('misses a patch that was cut short, and not one that was not', () => {
    const cut = patchBody().slice(0, patchBody().indexOf(' \tdepends on PCI'));
    const [cover, one, two] = threaded(2) as [Message, Message, Message];
    const half = { ...two, body: cut };
    expect(only([cover, one, half])).toMatchObject({ complete: false, missing: [2], have: [{ n: 1 }, { n: 2 }] });
    expect(short(only([cover, one, two]))).toBe('v1 0,1,2/2');
  });

  it('does not carry patches over for one that was cut short', () => {
    const cut = patchBody().slice(0, patchBody().indexOf(' \tdepends on PCI'));
    const again = (body: string) =>
      message({
        id: 'again@example.org',
        subject: '[PATCH v2 2/2] foo: step 2',
        at: 60,
        inReplyTo: 'PATCH-2@example.org',
        references: [COVER, 'PATCH-2@example.org'],
        body,
      });
    expect(shorts([...threaded(2), again(patchBody())])).toEqual(['v1 0,1,2/2', 'v2 (1),2/2']);
    expect(shorts([...threaded(2), again(cut)])).toEqual(['v1 0,1,2/2', 'v2 2,-1,-2/2']);
  });

  it('needs no cover letter: the id is then that of patch 1', () => {
    const [, ...patches] = threaded(2);
    expect(only(patches)).toMatchObject({ id: 'PATCH-1@example.org', subject: '[PATCH 1/2] foo: step 1' });
  });

  it('takes a single patch without numbers', () => {
    expect(only([message()])).toMatchObject({ complete: true, id: 'p1@example.org', patches: [{ n: 1, total: 1 }] });
  });

  it('assembles patches that each answer the one before, also with a hole', () => {
    const chain = [1, 2, 3, 4].map((n) =>
      patch(n, 4, {
        ...(n > 1 && {
          inReplyTo: `PATCH-${n - 1}@example.org`,
          references: Array.from({ length: n - 1 }, (_, i) => `PATCH-${i + 1}@example.org`),
        }),
      }),
    );
    expect(shorts(chain)).toEqual(['v1 1,2,3,4/4']);
    expect(shorts(chain.filter((_, i) => i !== 1))).toEqual(['v1 1,3,4,-2/4']);
    expect(shorts(chain.filter((_, i) => i !== 0 && i !== 2))).toEqual(['v1 2,4,-1,-3/4']);
  });

  it('says what is missing, and that nothing is when all came', () => {
    const mails = threaded(3);
    expect(only(mails.filter((_, i) => i !== 2))).toMatchObject({
      complete: false,
      missing: [2],
      total: 3,
      id: COVER,
      have: [{ n: 1 }, { n: 3 }],
    });
    expect(shorts(mails.slice(0, 1))).toEqual(['v1 0,-1,-2,-3/3']);
    expect(shorts(mails.slice(2))).toEqual(['v1 2,3,-1/3']);
  });

  it('keeps revisions apart, whether v2 answers v1 or not', () => {
    const v1 = threaded(2);
    for (const above of [undefined, COVER, 'PATCH-1@example.org']) {
      const [cover, ...rest] = threaded(2, 'PATCH v2', 60);
      const reply = above === undefined ? {} : { inReplyTo: above, references: [COVER, above] };
      const v2 = [
        message({ ...reply, id: cover?.messageId ?? '', subject: cover?.subject ?? '', at: 60, body: 'v2\n' }),
        ...rest,
      ];
      expect(shorts([...v2, ...v1])).toEqual(['v1 0,1,2/2', 'v2 0,1,2/2']);
    }
  });

  it('keeps a v2 without cover apart whose patches all answer the cover of v1', () => {
    const v2 = [1, 2].map((n) => patch(n, 2, { prefix: 'PATCH v2', root: COVER, at: 60 + n }));
    expect(shorts([...threaded(2), ...v2])).toEqual(['v1 0,1,2/2', 'v2 1,2/2']);
  });

  it('takes tags, RFC and RESEND as they come', () => {
    expect(only(threaded(2, 'RFC PATCH net-next'))).toMatchObject({ complete: true, tags: ['net-next'] });
    expect(shorts([...threaded(2, 'PATCH v2'), ...threaded(2, 'PATCH RESEND v2', 60)])).toEqual([
      'v2 0,1,2/2',
      'v2 0,1,2/2',
    ]);
  });

  it('fills a hole with a patch that was sent again', () => {
    const lost = patch(2, 3, { prefix: 'PATCH RESEND', root: COVER, at: 90 });
    expect(shorts([...threaded(3).filter((_, i) => i !== 2), lost])).toEqual(['v1 0,1,2,3/3']);
    const whole = assemble([...threaded(3), lost]);
    expect(whole.series.map(short)).toEqual(['v1 0,1,2,3/3']);
    expect(whole.leftOver).toEqual([
      { messageId: 'PATCH-2@example.org', why: 'patch 2 was sent again later, as <PATCH-RESEND-2@example.org>' },
    ]);
  });

  it('counts a mail that came through several lists once, with all List-Ids', () => {
    const viaA = message({ headers: ['List-Id: <a.example.org>'] });
    const viaB = message({ headers: ['List-Id: <b.example.org>'], body: `${patchBody()}\n_____\nb mailing list\n` });
    for (const copies of [
      [viaA, viaB],
      [viaB, viaA],
    ]) {
      const { series, leftOver } = assemble(copies);
      expect(series).toMatchObject([
        { oddities: [], patches: [{ message: { listIds: ['a.example.org', 'b.example.org'], body: patchBody() } }] },
      ]);
      expect(leftOver).toEqual([]);
    }
  });

  it('reports copies of a mail that say different things', () => {
    const other = message({ body: patchBody('Something else altogether, and longer.') });
    expect(only([message(), other]).oddities).toEqual([expect.stringContaining('copies of this mail differ')]);
  });

  it('leaves the second of two different patches with one number over', () => {
    const twin = patch(2, 2, { id: 'twin@example.org', root: COVER, title: 'bar: other', at: 50 });
    const { series, leftOver } = assemble([twin, ...threaded(2)]);
    expect(series.map(short)).toEqual(['v1 0,1,2/2']);
    expect(series[0]?.oddities).toEqual([expect.stringContaining('more than one mail claims to be patch 2')]);
    expect(leftOver).toEqual([{ messageId: 'twin@example.org', why: expect.stringContaining('claims to be patch 2') }]);
  });

  it.each([
    [
      'one counter off',
      [
        [1, 3],
        [2, 4],
        [3, 3],
      ],
      'v1 0,1,2,3/3',
    ],
    [
      'a cover that counts less',
      [
        [1, 4],
        [2, 4],
        [3, 4],
        [4, 4],
      ],
      'v1 0,1,2,3,4/4',
    ],
    [
      'a number beyond the end',
      [
        [1, 3],
        [2, 3],
        [3, 3],
        [4, 3],
      ],
      'v1 0,1,2,3,4/4',
    ],
  ])('reports counters that disagree: %s', (_name, counters, expected) => {
    const mails = [patch(0, 3), ...counters.map(([n = 0, total = 0]) => patch(n, total, { root: COVER }))];
    const series = only(mails);
    expect(short(series)).toBe(expected);
    expect(series.oddities).toEqual([expect.stringContaining('disagree about the length')]);
  });

  it('takes 0/0 for a cover letter of unknown length', () => {
    expect(shorts([patch(0, 0), patch(1, 2, { root: COVER }), patch(2, 2, { root: COVER })])).toEqual(['v1 0,1,2/2']);
    expect(shorts([patch(0, 0)])).toEqual(['v1 0/0']);
  });

  it('numbers patches without counters below a cover letter by date', () => {
    const bare = [2, 1].map((n) => message({ id: `b${n}@x`, subject: `[PATCH] foo: ${n}`, at: n, inReplyTo: COVER }));
    const series = only([patch(0, 2), ...bare]);
    expect(series).toMatchObject({
      complete: true,
      patches: [
        { title: 'foo: 1', n: 1, total: 2 },
        { title: 'foo: 2', n: 2 },
      ],
    });
    expect(shorts([patch(0, 3), ...bare])).toEqual(['v1 0,-1,-2,-3/3', 'v1 1/1', 'v1 1/1']);
  });

  it('takes a cover letter without 0/n, by the same sender only', () => {
    const naked = (from?: string, subject = '[PATCH] Foo series') =>
      message({ id: 'naked@x', subject, body: 'About this.\n', at: -1, ...(from && { from }) });
    const patches = [1, 2].map((n) => patch(n, 2, { root: 'naked@x' }));
    const taken = assemble([naked(), ...patches]);
    expect(taken.series).toMatchObject([{ id: 'naked@x', cover: { messageId: 'naked@x' } }]);
    expect(taken.leftOver).toEqual([]);
    for (const other of [naked('Bo <bo@example.org>'), naked(undefined, 'foo is broken')]) {
      const { series, leftOver } = assemble([other, ...patches]);
      expect(series.map(short)).toEqual(['v1 1,2/2']);
      expect(leftOver).toEqual([{ messageId: 'naked@x', why: expect.any(String) }]);
    }
  });

  it('takes a patch sent as a reply to a bug report, not the report', () => {
    const report = message({ id: 'bug@x', subject: 'foo is broken', from: 'Bo <bo@example.org>', body: 'It is.\n' });
    const { series, leftOver } = assemble([report, message({ inReplyTo: 'bug@x', references: ['bug@x'] })]);
    expect(series.map(short)).toEqual(['v1 1/1']);
    expect(series[0]).not.toHaveProperty('cover');
    expect(leftOver).toEqual([{ messageId: 'bug@x', why: 'it is no patch: it carries no diff' }]);
  });

  it('takes a lone mail that counts beyond its total as a single patch, and says so', () => {
    const lone = only([patch(6, 5)]);
    expect(lone).toMatchObject({ complete: true, patches: [{ n: 1, total: 1, title: 'foo: step 6' }] });
    expect(lone.oddities).toEqual(['its subject says 6/5; taken as a single patch']);
    expect(short(only([patch(5, 5)]))).toBe('v1 5,-1,-2,-3,-4/5');
    const answer = only([patch(6, 5, { root: COVER })]);
    expect(short(answer)).toBe('v1 6,-1,-2,-3,-4,-5/6');
    expect(answer.oddities).toEqual(['its subject says 6/5; taken as patch 6 of 6']);
  });

  it('joins mails without Message-ID, whoever wrote them and when, but no posted ones', () => {
    const made = [1, 2].map((n) =>
      patch(n, 2, { id: '', from: n === 1 ? 'Bo <bo@example.org>' : 'Cy <cy@example.org>', at: n * 100_000 }),
    );
    expect(shorts(made)).toEqual(['v1 1,2/2']);
    const cover = patch(0, 2, { id: '', at: 300_000 });
    expect(shorts([...made, cover])).toEqual(['v1 0,1,2/2']);
    const others = [1, 2].map((n) => patch(n, 2, { id: '', at: n, title: `bar: ${n}` }));
    expect(shorts([...others, ...made, cover]).sort()).toEqual(['v1 0,-1,-2/2', 'v1 1,2/2', 'v1 1,2/2']);
    expect(shorts([...made, patch(0, 2, { at: 300_000 })]).sort()).toEqual(['v1 0,-1,-2/2', 'v1 1,2/2']);
    const v2 = patch(2, 2, { id: '', prefix: 'PATCH v2' });
    expect(shorts([...made, v2])).toEqual(expect.arrayContaining(['v1 1,2/2', 'v2 2,-1/2']));
    const posted = patch(2, 2, { from: 'Cy <cy@example.org>', at: 200_000 });
    expect(shorts([...made.slice(0, 1), posted])).toEqual(['v1 1,-2/2', 'v1 2,-1/2']);
  });

  it('leaves a mail with several attached patches over, with the reason', () => {
    const part = (n: number) =>
      `--x\nContent-Type: text/x-patch\n\nFrom: A <a${n}@b.c>\nSubject: ${n}\n\n${patchBody()}\n`;
    const mail = (parts: string) =>
      message({ headers: ['Content-Type: multipart/mixed; boundary=x'], body: `--x\n\nBoth.\n${parts}--x--\n` });
    expect(assemble([mail(part(1) + part(2))])).toEqual({
      series: [],
      leftOver: [{ messageId: 'p1@example.org', why: expect.stringContaining('several attached patches') }],
    });
    expect(shorts([mail(part(1))])).toEqual(['v1 1/1']);
  });

  it('joins an unthreaded series of one sender within 30 minutes', () => {
    const loose = (times: number[], more: (n: number) => object = () => ({})) =>
      times.map((at, i) => patch(i + 1, times.length, { at, ...more(i + 1) }));
    expect(shorts(loose([0, 20, 45]))).toEqual(['v1 1,2,3/3']);
    expect(shorts(loose([0, 31]))).toEqual(['v1 1,-2/2', 'v1 2,-1/2']);
    expect(shorts(loose([0, 5], (n) => ({ from: `x${n}@example.org` })))).toEqual(['v1 1,-2/2', 'v1 2,-1/2']);
    expect(shorts(loose([0, 5], (n) => ({ prefix: n === 1 ? 'PATCH 6.6' : 'PATCH 6.12' })))).toEqual([
      'v1 1,-2/2',
      'v1 2,-1/2',
    ]);
    expect(shorts(loose([0, 5], (n) => ({ inReplyTo: `unknown${n}@x` })))).toEqual(['v1 1,-2/2', 'v1 2,-1/2']);
    expect(shorts([patch(1, 2, { at: null }), patch(2, 2, { at: null })])).toEqual(['v1 1,-2/2', 'v1 2,-1/2']);
  });

  it('keeps two unthreaded series apart that follow each other', () => {
    const second = [1, 2].map((n) => patch(n, 2, { id: `second-${n}@x`, at: 10 + n, title: `bar: ${n}` }));
    const series = assemble([patch(1, 2, { at: 1 }), patch(2, 2, { at: 2 }), ...second]).series;
    expect(series.map(short)).toEqual(['v1 1,2/2', 'v1 1,2/2']);
    expect(series[1]).toMatchObject({ id: 'second-1@x', patches: [{ title: 'bar: 1' }, { title: 'bar: 2' }] });
  });

  it('does not mix an incomplete unthreaded series with the next one', () => {
    const next = [1, 2, 3].map((n) => patch(n, 3, { id: `next-${n}@x`, at: 10 + n, title: `bar: ${n}` }));
    expect(shorts([patch(1, 3), patch(2, 3), ...next])).toEqual(['v1 1,2,-3/3', 'v1 1,2,3/3']);
  });

  it('takes a bare patch below a full series of one for another patch', () => {
    const bare = message({ id: 'bare@x', subject: '[PATCH] bar: other', at: 20, inReplyTo: COVER });
    expect(assemble([...threaded(1), bare])).toMatchObject({ series: [{ id: COVER }, { id: 'bare@x' }], leftOver: [] });
  });

  it('keeps a second series of the same sender in the same thread apart', () => {
    const second = [
      message({
        id: 'second@x',
        subject: '[PATCH 0/2] Bar',
        body: 'Bar.\n',
        inReplyTo: 'PATCH-1@example.org',
        references: [COVER, 'PATCH-1@example.org'],
        at: 10,
      }),
      ...[1, 2].map((n) =>
        patch(n, 2, {
          id: `second${n}@x`,
          inReplyTo: 'second@x',
          references: [COVER, 'PATCH-1@example.org', 'second@x'],
          at: 10 + n,
          title: `bar: ${n}`,
        }),
      ),
    ];
    expect(assemble([...threaded(2), ...second]).series).toMatchObject([
      { id: COVER },
      { id: 'second@x', patches: [{ title: 'bar: 1' }, { title: 'bar: 2' }] },
    ]);
    expect(
      shorts([
        ...threaded(2),
        message({
          id: 'fix@x',
          subject: '[PATCH] foo: fix',
          inReplyTo: 'PATCH-2@example.org',
          references: [COVER, 'PATCH-2@example.org'],
          at: 20,
        }),
      ]),
    ).toEqual(['v1 0,1,2/2', 'v1 1/1']);
  });

  describe('partial re-rolls', () => {
    const again = (n: number, prefix: string, answers: string, at: number) =>
      patch(n, 3, { prefix, at, inReplyTo: answers, references: [COVER, answers], title: `foo: step ${n} again` });

    it('carries the patches over that were not sent again', () => {
      const { series } = assemble([...threaded(3), again(2, 'PATCH v2', 'PATCH-2@example.org', 60)]);
      expect(series.map(short)).toEqual(['v1 0,1,2,3/3', 'v2 (1),2,(3)/3']);
      expect(series[1]).toMatchObject({
        id: 'PATCH-v2-2@example.org',
        carriedOver: [1, 3],
        patches: [{ title: 'foo: step 1' }, { title: 'foo: step 2 again' }, { title: 'foo: step 3' }],
        oddities: [expect.stringContaining('carried over from v1')],
      });
    });

    it('takes several patches sent again as one revision, and builds v3 on it', () => {
      const v2 = [again(2, 'PATCH v2', 'PATCH-2@example.org', 60), again(3, 'PATCH v2', 'PATCH-3@example.org', 600)];
      const v3 = patch(3, 3, {
        prefix: 'PATCH v3',
        at: 700,
        inReplyTo: 'PATCH-v2-3@example.org',
        references: ['PATCH-3@example.org', 'PATCH-v2-3@example.org'],
      });
      const { series } = assemble([...threaded(3), ...v2, v3]);
      expect(series.map(short)).toEqual(['v1 0,1,2,3/3', 'v2 (1),2,3/3', 'v3 (1),(2),3/3']);
      expect(series[2]).toMatchObject({
        patches: [{ title: 'foo: step 1' }, { title: 'foo: step 2 again' }, { title: 'foo: step 3' }],
      });
    });

    it('builds v3 on a v2 of some patches, also where it answers v1', () => {
      const v3 = patch(3, 3, { prefix: 'PATCH v3', at: 700, inReplyTo: 'PATCH-3@example.org' });
      const { series } = assemble([...threaded(3), again(2, 'PATCH v2', 'PATCH-2@example.org', 60), v3]);
      expect(series[2]).toMatchObject({
        revision: 3,
        carriedOver: [1, 2],
        patches: [{ title: 'foo: step 1' }, { title: 'foo: step 2 again' }, { title: 'foo: step 3' }],
      });
    });

    it('takes v1.1 for a replacement in v1', () => {
      expect(shorts([...threaded(3), again(2, 'PATCH v1.1', 'PATCH-2@example.org', 60)])).toEqual([
        'v1 0,1,2,3/3',
        'v1 (1),2,(3)/3',
      ]);
    });

    it.each(['PATCH v2', 'PATCH v1.1'])('supersedes with [%s] 2/3 the series that the rest is from', (prefix) => {
      const { series } = assemble([...threaded(3), again(2, prefix, 'PATCH-2@example.org', 60)]);
      expect([...superseded(series)]).toEqual([[series[0], series[1]]]);
    });

    it('does not carry over when the mail answers another patch, the old series is incomplete, or the sender differs', () => {
      const answersCover = again(2, 'PATCH v2', COVER, 60);
      expect(shorts([...threaded(3), answersCover])).toEqual(['v1 0,1,2,3/3', 'v2 2,-1,-3/3']);
      expect(shorts([...threaded(3).slice(0, 3), again(2, 'PATCH v2', 'PATCH-2@example.org', 60)])).toEqual([
        'v1 0,1,2,-3/3',
        'v2 2,-1,-3/3',
      ]);
      const chained = patch(3, 3, { prefix: 'PATCH v2', inReplyTo: 'PATCH-v2-2@example.org', at: 61 });
      expect(shorts([...threaded(3), again(2, 'PATCH v2', 'PATCH-2@example.org', 60), chained])).toEqual([
        'v1 0,1,2,3/3',
        'v2 2,3,-1/3',
      ]);
      const stranger = patch(2, 3, {
        prefix: 'PATCH v2',
        from: 'bo@example.org',
        inReplyTo: 'PATCH-2@example.org',
        at: 60,
      });
      expect(shorts([...threaded(3), stranger])).toEqual(['v1 0,1,2,3/3', 'v2 2,-1,-3/3']);
    });
  });

  it('gives a patch without vN the revision of its cover letter', () => {
    const series = only([
      patch(0, 2, { prefix: 'PATCH v3' }),
      ...[1, 2].map((n) => patch(n, 2, { root: 'PATCH-v3-0@example.org' })),
    ]);
    expect(short(series)).toBe('v3 0,1,2/2');
    expect(series.oddities).toContain('patch 1/2 does not say its revision; taken as v3');
  });

  it('counts a single patch posted again under its title, but no RESEND', () => {
    const again = (subject: string) => message({ id: 'again@x', subject, at: 60, inReplyTo: 'p1@example.org' });
    expect(shorts([message(), again('[PATCH] foo: select BAR')])).toEqual(['v1 1/1', 'v2 1/1']);
    expect(shorts([message(), again('[PATCH RESEND] foo: select BAR')])).toEqual(['v1 1/1', 'v1 1/1']);
    expect(shorts([message(), again('[PATCH] bar: other')])).toEqual(['v1 1/1', 'v1 1/1']);
  });

  it('counts a whole series posted again without a revision, but none with another title or other files', () => {
    const later = (n: number, mail = {}) =>
      patch(n, 2, { id: `again-${n}@x`, at: 3000 + n, ...(n > 0 && { inReplyTo: 'again-0@x' }), ...mail });
    const v1 = threaded(2);
    const again = assemble([...v1, later(0), later(1), later(2)]).series;
    expect(again.map(short)).toEqual(['v1 0,1,2/2', 'v2 0,1,2/2']);
    expect(again[1]!.oddities).toContain('posted again without a revision; taken as v2');
    expect([...superseded(again)]).toEqual([[again[0], again[1]]]);
    expect(shorts([...v1, later(0), later(1), later(2, { body: patchBody('x', diffOf('other/Kconfig')) })])[1]).toBe(
      'v1 0,1,2/2',
    );
    expect(shorts([...v1, later(0), later(1), later(2, { subject: '[PATCH 2/2] other' })])[1]).toBe('v1 0,1,2/2');
  });

  it('notes a diff in a cover letter, and a revision that is no number', () => {
    const [cover, one, two] = threaded(2) as [Message, Message, Message];
    const withDiff = { ...cover, body: `${cover.body}\n${diffOf()}` };
    expect(only([withDiff, one, two]).oddities).toEqual([
      'the cover letter has a diff in it, which is not taken for part of the series',
    ]);
    expect(only([message({ subject: '[PATCH v2.1] foo: select BAR' })]).oddities).toEqual([
      'its mails say v2.1; later than v2, and not v3',
    ]);
  });

  it('takes patches without counters below a letter without one for one series', () => {
    const letter = message({ id: 'letter@x', subject: '[PATCH] foo: two things', body: 'Hello.\n' });
    const below = (id: string, title: string, at: number) =>
      message({ id, subject: `[PATCH] ${title}`, at, inReplyTo: 'letter@x' });
    const [one, two] = [below('one@x', 'foo: first', 1), below('two@x', 'foo: second', 2)];
    const { series } = assemble([two, letter, one]);
    expect(series.map(short)).toEqual(['v1 0,1,2/2']);
    expect(series[0]).toMatchObject({ complete: true, patches: [{ title: 'foo: first' }, { title: 'foo: second' }] });
    expect(series[0]!.oddities).toContain('the patches are not numbered; they were put in order of their dates');
    expect(shorts([letter, one, two, below('three@x', 'foo: first', 3)])).toEqual(['v1 0,1,2/2']);
    expect(shorts([letter, one])).toEqual(['v1 0,1/1']);
  });

  it.each([
    ['a reply', { subject: 'Re: [PATCH] foo', body: 'Looks good.\n' }, 'it is a reply'],
    ['a reply with a diff', { subject: 'Re: [PATCH 1/2] foo' }, 'it is a reply with a diff in it, not a patch'],
    [
      'a remark with a diff under a new subject',
      { subject: 'foo: try this', inReplyTo: 'x@y' },
      expect.stringContaining('does not say patch'),
    ],
    [
      'a git pull request',
      { subject: '[GIT PULL] foo', body: 'Please pull.\n' },
      'it is a git pull request, not a patch',
    ],
    [
      'a pull request by its words',
      {
        subject: 'foo for 6.13',
        body: `The following changes since commit ${SHA}:\n\nare available in the Git repository at:\n`,
      },
      'it is a git pull request, not a patch',
    ],
    ['a question', { subject: 'foo?', body: 'How?\n' }, 'it is no patch: it carries no diff'],
    [
      'a patch without diff',
      { subject: '[PATCH 2/3] foo', body: 'Nothing.\n' },
      'its subject says patch 2/3, but it carries no diff',
    ],
    [
      'a patch of more than can be',
      { subject: '[PATCH 1/99999999] foo' },
      'its subject counts 99999999 patches; a series of more than 99999 is not taken',
    ],
  ])('leaves %s over', (_name, mail, why) => {
    expect(assemble([message(mail)])).toEqual({ series: [], leftOver: [{ messageId: 'p1@example.org', why }] });
  });

  it('takes a diff under a subject without brackets when it starts a thread', () => {
    expect(shorts([message({ subject: 'PATCH v2 1/2: foo' })])).toEqual(['v1 1/1']);
  });

  it('ends with mails that answer each other in a circle', () => {
    const loop = [patch(1, 2, { inReplyTo: 'PATCH-2@example.org' }), patch(2, 2, { inReplyTo: 'PATCH-1@example.org' })];
    expect(shorts(loop)).toEqual(['v1 1,2/2']);
    const replies = ['a', 'b'].map((id, i, ids) =>
      message({ id, subject: 'Re: x', inReplyTo: ids[1 - i] ?? '', body: 'x\n' }),
    );
    expect(assemble([...replies, message({ inReplyTo: 'a' })]).series.map(short)).toEqual(['v1 1/1']);
  });

  it('takes base information from the cover letter or any patch', () => {
    const info = `base-commit: ${SHA}\nprerequisite-patch-id: ${SHA}\nchange-id: 20260302-foo-1\n`;
    for (const n of [0, 1, 3]) {
      const mails = threaded(3).map((one) =>
        one.messageId === `PATCH-${n}@example.org` ? { ...one, body: `${one.body}\n${info}` } : one,
      );
      expect(only(mails)).toMatchObject({
        baseCommit: SHA,
        prerequisites: [SHA],
        changeId: '20260302-foo-1',
        oddities: [],
      });
    }
  });

  it('reports base commits that differ between mails and takes the first', () => {
    const mails = threaded(2).map((one, i) => ({
      ...one,
      body: `${one.body}\nbase-commit: ${`${i + 1}`.repeat(40)}\n`,
    }));
    expect(only(mails)).toMatchObject({
      baseCommit: '1'.repeat(40),
      oddities: [expect.stringContaining('different base commits')],
    });
  });

  it('names the patch in what was odd', () => {
    const cut = patch(2, 2, { root: COVER, body: patchBody().slice(0, patchBody().indexOf(' \tdepends')) });
    expect(only([...threaded(2).slice(0, 2), cut]).oddities).toEqual([
      expect.stringMatching(/^patch 2\/2: its diff is cut short: .* mail line 12$/),
    ]);
  });

  it('gives the same result for any order of arrival', () => {
    const mails = [
      ...threaded(3),
      ...threaded(3, 'PATCH v2', 60).filter((_, i) => i !== 2),
      patch(2, 3, { prefix: 'PATCH v3', root: 'PATCH-2@example.org', at: 90 }),
      patch(3, 3, { prefix: 'PATCH RESEND', root: COVER, at: 95 }),
      patch(2, 3, { id: 'twin@x', root: COVER, title: 'bar', at: 70 }),
      patch(1, 2, { prefix: 'PATCH net', at: 100 }),
      patch(2, 2, { prefix: 'PATCH net', at: 110 }),
      patch(1, 2, { id: 'late@x', prefix: 'PATCH net', at: 112 }),
      message({ headers: ['List-Id: <a.x>'] }),
      message({ headers: ['List-Id: <b.x>'], body: `${patchBody()}footer\n` }),
      message({ id: 'again@x', at: 5, inReplyTo: 'p1@example.org' }),
      message({ id: 'reply@x', subject: 'Re: [PATCH] foo', inReplyTo: 'again@x' }),
      message({ id: 'pull@x', subject: '[GIT PULL] foo', body: 'x\n' }),
      message({ id: 'undated@x', subject: '[PATCH 1/2] baz', at: null }),
    ];
    const expected = assemble(mails);
    expect(expected.series.length).toBeGreaterThan(5);
    fc.assert(
      fc.property(fc.shuffledSubarray(mails, { minLength: mails.length }), (shuffled) => {
        expect(assemble(shuffled)).toEqual(expected);
      }),
      { numRuns: 50, seed: 6 },
    );
    fc.assert(
      fc.property(fc.shuffledSubarray(mails), fc.nat(), (some, turn) => {
        const at = turn % (some.length + 1);
        expect(assemble([...some.slice(at), ...some.slice(0, at)])).toEqual(assemble(some));
      }),
      { numRuns: 50, seed: 7 },
    );
  });

  it('loses no mail: each is in a series or left over', () => {
    const mails = [
      ...threaded(3),
      ...threaded(3)
        .slice(1)
        .map((one) => ({ ...one, messageId: `x-${one.messageId}` })),
      message({ subject: 'Re: x' }),
    ];
    const { series, leftOver } = assemble(mails);
    const ids = series
      .flatMap((one) => [
        ...(one.cover ? [one.cover] : []),
        ...(one.complete ? one.patches : one.have).map((p) => p.message),
      ])
      .map((one) => one.messageId);
    expect([...ids, ...leftOver.map((one) => one.messageId)].sort()).toEqual(mails.map((one) => one.messageId).sort());
  });

  it('does a thread of thousands quickly', () => {
    const mails = Array.from({ length: 1500 }, (_, i) =>
      message({
        id: `m${i}@x`,
        subject: `[PATCH v${i % 50} ${(i % 9) + 1}/9] foo`,
        at: i,
        ...(i > 0 && { inReplyTo: `m${i - 1}@x` }),
      }),
    );
    const work = () => {
      assemble(mails);
    };
    expect(cpuMs(work)).toBeLessThan(10_000);
  });
});

it('puts 3000 mails that each name their 200 ancestors, the nearest first, together in less than 2.5 s of processor time', () => {
  const mails = Array.from({ length: 3000 }, (_, n) => {
    const references = Array.from({ length: Math.min(n, 200) }, (_, up) => `${n - 1 - up}@x.example`);
    return message({
      id: `${n}@x.example`,
      subject: `[PATCH v${n} ${n % 40}/40] foo`,
      at: n,
      references,
      ...(n > 0 && { inReplyTo: `${n - 1}@x.example` }),
    });
  });
  expect(cpuMs(() => assemble(mails))).toBeLessThan(2500);
});

it('puts patches below one mail that did not come together in time that grows with their number, not its square', () => {
  const mails = Array.from({ length: 8000 }, (_, n) =>
    message({ id: `${n}@x.example`, subject: `[PATCH ${n + 1}/8001] foo`, at: n, inReplyTo: 'root@x.example' }),
  );
  assemble(mails.slice(0, 1000));
  expect(cpuMs(() => assemble(mails))).toBeLessThan(12 * cpuMs(() => assemble(mails.slice(0, 2000))));
});

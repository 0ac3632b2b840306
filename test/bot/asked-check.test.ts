import { describe, expect, test } from 'vitest';
import { parseAsked } from '../../bot/asked-check.ts';
import { jobOf, parseJob, seriesKey } from '../../queue/jobs.ts';
import { sampleSeries } from '../support/sample-report.ts';

describe('parseAsked', () => {
  test.each<[string, object]>([
    ['', {}],
    ['verbose', { isVerbose: true }],
    ['base=v6.12', { asked: { base: 'v6.12' } }],
    ['base=net-next/main~3', { asked: { base: 'net-next/main~3' } }],
    ['base=8694c49e4^', { asked: { base: '8694c49e4^' } }],
    ['arch=x86_64,i386,arm', { asked: { archs: ['x86', 'arm'] } }],
    [
      'config=arch/arm/configs/multi_v7_defconfig',
      { asked: { config: { file: 'arch/arm/configs/multi_v7_defconfig' } } },
    ],
    ['config=PCI=m', { asked: { config: { settings: ['PCI=m'] } } }],
  ])('takes %j', (words, expected) => {
    expect(parseAsked(words.split(' ').filter((word) => word !== ''))).toEqual({
      ok: true,
      isVerbose: false,
      ...expected,
    });
  });

  test.each([
    'base=',
    'base=--upload-pack=touch',
    'base=-v',
    'base=ext::sh',
    'base=../../etc/passwd',
    'base=a..b',
    'base=a//b',
    'base=HEAD@{1}',
    'base=a\0b',
    'base=a\rb',
    'base=v6.12;id',
    'base=$(id)',
    'base=ма́ster',
    `base=${'a'.repeat(201)}`,
    'base=a base=b',
    'arch=',
    'arch=../x86',
    'arch=X86',
    'arch=-x',
    `arch=${Array.from({ length: 31 }, (_, n) => `a${n}`).join(',')}`,
    'config=/etc/passwd',
    'config=../../x',
    'config=arch/x86/configs/../../../.git/config',
    'config=kernel/configs/debug.config',
    'config=PCI=yes',
    'config=PCI',
    'config=$(id)=y',
    'tree=/srv/other',
    'verbose=1',
    '--verbose',
    'please',
  ])('refuses %j', (words) => {
    expect(parseAsked(words.split(' '))).toMatchObject({ ok: false, why: expect.stringMatching(/takes/) });
  });
});

describe('a job', () => {
  test('with wishes has a key of its own, and is read back with them', () => {
    const asked = { base: 'v6.12', archs: ['x86'], config: { settings: ['PCI=y'] } };
    const made = jobOf(sampleSeries, asked);
    expect(made.ok && made.job.key).toBe(seriesKey(sampleSeries, asked));
    expect(seriesKey(sampleSeries, asked)).not.toBe(seriesKey(sampleSeries));
    expect(made.ok && parseJob(JSON.parse(JSON.stringify({ ...made.job, mails: ['YQ=='] })))).toMatchObject({
      ok: true,
      job: { asked },
    });
  });

  test.each([[{ base: '' }], [{ archs: ['../x'] }], [{ config: { settings: ['A=1'] } }], [{ tree: 'x' }]])(
    'with %j is none',
    (asked) => {
      const made = jobOf(sampleSeries);
      expect(made.ok && parseJob({ ...made.job, mails: ['YQ=='], asked })).toMatchObject({ ok: false });
    },
  );
});

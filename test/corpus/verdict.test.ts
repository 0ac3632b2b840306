import { describe, expect, it } from 'vitest';
import type { Finding, Report } from '../../rules/types.ts';
import type { Entry } from './entries.ts';
import type { Result } from './examine.ts';
import { tally } from './tally.ts';
import { concernOf, isNotYet, isWordOf, judge, type Verdict } from './verdict.ts';

const FILE = 'drivers/foo/Kconfig';

function edits(...lines: readonly string[]): Pick<Entry, 'edits'> {
  return {
    edits: lines.map((line) => ({
      file: FILE,
      symbol: 'FOO',
      op: line.startsWith('+') ? 'added' : 'removed',
      line: line.slice(1),
    })),
  };
}

describe('partners of an edit', () => {
  const cases: readonly (readonly [lines: readonly string[], partners: readonly string[]])[] = [
    [['+select CRC32'], ['CRC32']],
    [['+depends on A && !B || C=y'], ['A', 'B', 'C']],
    [['-depends on PCI && HAS_IOPORT && X86', '+depends on PCI && HAS_IOPORT'], ['X86']],
    [
      ['-depends on MMU_V4', '+depends on ARC_MMU_V4'],
      ['ARC_MMU_V4', 'MMU_V4'],
    ],
    [['-depends on OF_GPIO && QCOM_SCM', '+depends on OF_GPIO', '+select QCOM_SCM'], ['QCOM_SCM']],
    [['-select HAVE_JIT', '+select HAVE_JIT if MMU'], ['MMU']],
    [['-depends on A=m || A', '+depends on A'], ['A']],
    [['-tristate "Test of IIO" if !ALL_TESTS', '+tristate "Test of GTS" if !ALL_TESTS'], ['ALL_TESTS']],
    [['+default y if 64BIT', '-default y'], ['64BIT']],
    [['+range 0x10 2 if A'], ['A']],
  ];
  it.each(cases)('%j are %j', (lines, partners) => {
    const concern = concernOf(edits(...lines), 'undo', [FILE]);
    expect([...concern.partners].sort()).toEqual(partners);
    expect([...concern.owners]).toEqual(['FOO']);
  });
});

function finding(more: Partial<Finding> & { symbols: readonly string[] }, file = FILE): Finding {
  return {
    rule: 'missing-dependency',
    key: 'key',
    severity: 'regression',
    anchor: { patch: 1, file, line: 3, mailLines: [1, 2] },
    claim: {},
    evidence: [],
    verification: { rung: 1, attempts: [] },
    ...more,
  };
}

const report = (more: Partial<Report>): Report => ({ findings: [], dropped: [], ...more }) as unknown as Report;
const source = (path: string, text = ''): Finding['evidence'][number] => ({
  kind: 'source',
  side: 'after',
  commit: '0'.repeat(40),
  path,
  line: 1,
  text,
});

describe('judge', () => {
  const undo = concernOf(edits('+select CRC32'), 'undo', [FILE]);
  const readd = concernOf(edits('+select CRC32'), 'readd', [FILE, 'drivers/foo/foo.c']);
  const of = (one: Finding, concern = undo): string => judge(concern, 'link-error', report({ findings: [one] })).kind;

  it('a hit names owner or partner and stands in a changed file', () => {
    expect(of(finding({ symbols: ['FOO', 'BAR'] }))).toBe('hit');
    expect(of(finding({ symbols: ['CRC32'] }))).toBe('hit');
    expect(of(finding({ symbols: ['FOO', 'CRC32'] }, 'lib/Kconfig'))).toBe('miss');
    expect(of(finding({ symbols: ['CRC32'], evidence: [source(FILE)] }, 'lib/Kconfig'))).toBe('hit');
    expect(of(finding({ symbols: ['BAR'] }))).toBe('miss');
  });

  it('of a whole driver, a finding on its other needs is no hit', () => {
    expect(of(finding({ symbols: ['FOO', 'OF'] }), readd)).toBe('miss');
    expect(of(finding({ symbols: ['FOO'] }), readd)).toBe('hit');
    expect(of(finding({ symbols: ['FOO', 'CRC32'] }, 'drivers/foo/foo.c'), readd)).toBe('hit');
    expect(of(finding({ symbols: ['FOO', 'OF'], claim: { needs: 'CRC32' } }), readd)).toBe('hit');
    expect(of(finding({ symbols: ['FOO', 'OF'], claim: { needs: 'CRC32_SLICEBY8' } }), readd)).toBe('miss');
  });

  it('a hit by a rule for another class is told apart, and one by the own rule comes first', () => {
    const other = finding({ rule: 'config-upgrade', symbols: ['CRC32'] });
    const own = finding({ symbols: ['FOO', 'CRC32'] });
    expect(judge(undo, 'link-error', report({ findings: [other] }))).toEqual({
      kind: 'hit',
      rule: 'config-upgrade',
      own: false,
    });
    expect(judge(undo, 'link-error', report({ findings: [other, own] }))).toMatchObject({ own: true });
    expect(judge(undo, 'other', report({ findings: [other] }))).toMatchObject({ own: true });
  });

  it('a miss says why: not checked, dropped, other symbols, nothing', () => {
    const why = (more: Partial<Report>): unknown => judge(undo, 'link-error', report(more));
    const dropped = [
      { rule: 'a', key: 'a:CRC32_SLICEBY8', why: 'not this one' },
      { rule: 'b', key: 'b:CRC32:lib', why: 'conf disagrees\nand more' },
    ];
    expect(
      why({ cannotCheck: { stage: 'kconfig', why: 'refused' }, findings: [finding({ symbols: ['FOO'] })] }),
    ).toEqual({
      kind: 'miss',
      why: 'not checked (kconfig): refused',
    });
    expect(why({ dropped })).toEqual({ kind: 'miss', why: 'dropped b: conf disagrees' });
    expect(why({ findings: [finding({ symbols: ['BAR', 'BAZ'] })] })).toEqual({
      kind: 'miss',
      why: 'other symbols: missing-dependency (BAR BAZ)',
    });
    expect(why({})).toEqual({ kind: 'miss', why: 'nothing proposed' });
  });
});

it('a class is not yet while none of its rules is there', () => {
  expect(isNotYet('link-error', ['undefined-symbol'])).toBe(true);
  expect(isNotYet('link-error', ['missing-dependency'])).toBe(false);
  expect(isNotYet('other', [])).toBe(false);
});

it('a name is a word with or without CONFIG_ before it', () => {
  for (const text of ['FOO', 'CONFIG_FOO=y', '(FOO)', 'a.b FOO:']) expect(isWordOf(text, 'FOO')).toBe(true);
  for (const text of ['FOO_BAR', 'MY_FOO', 'CONFIG_FOO2', 'foo']) expect(isWordOf(text, 'FOO')).toBe(false);
  expect(isWordOf('asm/mshyperv.h: no such file', 'asm/mshyperv.h')).toBe(true);
  expect(isWordOf('asm/mshypervxh', 'asm/mshyperv.h')).toBe(false);
});

describe('tally', () => {
  const result = (id: string, verdict: Verdict, more: Partial<Result> = {}): Result => ({
    id,
    variant: 'undo',
    class: 'undefined-symbol',
    confirmed: false,
    verdict,
    findings: [],
    dropped: [],
    tookMs: 2000,
    ...more,
  });
  const harmless = (id: string, verdict: Verdict, more: Partial<Result> = {}): Result => {
    const { class: _, ...rest } = result(id, verdict, more);
    return rest;
  };
  const hit: Verdict = { kind: 'hit', rule: 'undefined-symbol', own: true };
  const miss: Verdict = { kind: 'miss', why: 'nothing proposed' };

  it('prints all counts by class and variant, the misses, the noise and what was left out', () => {
    const text = tally(
      [
        result('a', hit, { confirmed: true }),
        result('b', { ...hit, own: false }),
        result('c', miss, { tookMs: 9000 }),
        result('d', { kind: 'not-applicable', why: '6.12: repair absent' }, { confirmed: true, tookMs: 0 }),
        result('e', miss, { class: 'link-error' }),
        result('f', hit, { variant: 'readd' }),
        harmless('n', hit),
        harmless('o', miss, { findings: [{ rule: 'r', key: 'k', symbols: ['A', 'B'], at: 'x/Kconfig:3', rung: 2 }] }),
      ],
      ['undefined-symbol'],
    );
    const rows = text.split('\n').map((line) => line.trim().split(/ {2,}/).join('|'));
    expect(rows).toContain('undefined-symbol|4|2|1|1|1|67 %|1|1|0|1|100 %');
    expect(rows).toContain('link-error|1|0|0|1|0|not yet|0|0|0|0|not yet');
    expect(rows).toContain('all that have a rule|4|2|1|1|1|67 %|1|1|0|1|100 %');
    expect(rows).toContain('all|5|2|1|2|1|50 %|1|1|0|1|100 %');
    expect(rows).toContain('undefined-symbol|1|1|1|0|0|100 %|0|0|0|0|-');
    expect(rows).toContain('undefined-symbol|c (undo): nothing proposed');
    expect(text).not.toContain('e (undo)');
    expect(text).toContain(
      'harmless changes: 1 silent, 1 with findings, 0 not applicable\n  o: r (A B) at x/Kconfig:3\n',
    );
    expect(text).toContain('     1  undo: 6.12: repair absent\n');
    expect(text).toContain('time of a check: median 2.0 s, 95 % within 9.0 s, of 7\n');
  });
});

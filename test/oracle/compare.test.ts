import { describe, expect, test } from 'vitest';
import { inParallel } from '../../queue/in-parallel.ts';
import type { Case } from './cases.ts';
import { casesOf } from './cases.ts';
import { firstDifference } from './compare.ts';
import { differences, identical, resultTable } from './table.ts';

const DEFCONFIGS = ['a', 'b', 'c'].map((name) => ({
  path: `arch/x/configs/${name}_defconfig`,
  text: `CONFIG_${name}=y\n`,
}));

describe('firstDifference', () => {
  test('is undefined for the same bytes', () => {
    expect(firstDifference('a\nb\n', 'a\nb\n')).toBeUndefined();
    expect(firstDifference('', '')).toBeUndefined();
  });

  test('shows three lines of each from the first that differs, conf first', () => {
    expect(firstDifference('a\nb\nc\nd\ne\n', 'a\nB\nc\nd\ne\n')).toBe(
      'line 2:\n  conf   | B\n  conf   | c\n  conf   | d\n  depbot | b\n  depbot | c\n  depbot | d',
    );
  });

  test('sees a line that only one of them has, a line end that is missing, and one that is CRLF', () => {
    expect(firstDifference('a\n', 'a\nb\n')).toMatch(/^line 2:\n {2}conf {3}\| b\n/);
    expect(firstDifference('a', 'a\n')).toContain('depbot | (end of file)');
    expect(firstDifference('a\r\n', 'a\n')).toMatch(/^line 1:/);
  });
});

describe('casesOf', () => {
  const options = { randconfigs: 2, distributions: [{ name: 'Debian x', text: '' }], extraEvery: 2 };
  const cases = casesOf(DEFCONFIGS, options);
  const of = (kind: string): Case[] => cases.filter((asked) => asked.kind === kind);

  test('has each mode once, each defconfig, each seed from 1 and each distribution', () => {
    for (const kind of ['allno', 'allyes', 'allmod', 'alldef']) expect(of(kind)).toHaveLength(1);
    expect(of('defconfig').map(({ defconfigPath }) => defconfigPath)).toEqual(DEFCONFIGS.map(({ path }) => path));
    expect(of('randconfig').map(({ seed }) => seed)).toEqual([1, 2]);
    expect(of('debian').map(({ name }) => name)).toEqual(['Debian x']);
  });

  test('takes only some defconfigs through savedefconfig and listnewconfig', () => {
    for (const kind of ['savedef', 'listnew'])
      expect(of(kind).map(({ config }) => config)).toEqual(['CONFIG_a=y\n', 'CONFIG_c=y\n']);
  });

  test('asks conf for --defconfig and us for olddefconfig', () => {
    for (const asked of of('defconfig')) expect(asked).toMatchObject({ theirs: 'defconfig', ours: 'olddefconfig' });
  });
});

describe('the table', () => {
  const [allno, allyes] = casesOf([], { randconfigs: 0, distributions: [], extraEvery: 1 });
  const results = new Map([
    ['arm', [{ case: allno! }, { case: allyes!, difference: 'line 1:' }]],
    ['x86', [{ case: allno! }]],
  ]);

  test('counts the identical of each kind, architecture and all, and leaves out kinds without a case', () => {
    expect(resultTable(results)).toBe(
      [
        '           allno  allyes  all',
        'arm          1/1     0/1  1/2',
        'x86          1/1       -  1/1',
        'total (2)    2/2     0/1  2/3',
        '',
      ].join('\n'),
    );
    expect(identical(results.get('arm')!)).toBe(1);
  });

  test('is followed by the differences, and by nothing where there are none', () => {
    expect(differences(results)).toBe('\nARCH=arm allyesconfig: line 1:\n');
    expect(differences(new Map([['x86', [{ case: allno! }]]]))).toBe('');
  });
});

describe('inParallel', () => {
  test('keeps the order and never exceeds the limit', async () => {
    let [running, most] = [0, 0];
    const results = await inParallel([30, 5, 1, 10], 2, async (ms) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((wake) => setTimeout(wake, ms));
      running -= 1;
      return ms * 2;
    });
    expect(results).toEqual([60, 10, 2, 20]);
    expect(most).toBe(2);
  });

  test('passes on the first failure', async () => {
    const failing = inParallel([1, 2], 2, (n) => (n === 2 ? Promise.reject(new Error('two')) : Promise.resolve(n)));
    await expect(failing).rejects.toThrow('two');
  });
});

import { describe, expect, test } from 'vitest';
import rule, { cycleKey } from '../../rules/recursive-dependency.ts';
import type { Candidate } from '../../rules/rule.ts';
import { sides } from '../support/kconfig-pair.ts';
import { fakeConf, runRule } from '../support/rule-run.ts';

async function candidates(kconfig: string, archs?: string[]): Promise<readonly Candidate[]> {
  const [before, after] = sides(kconfig);
  return runRule(rule, { Kconfig: before }, { Kconfig: after }, archs);
}

const LOOP = 'config A\n\tbool "a"\n\tdepends on B\n\nconfig B\n\tbool "b"\n{/\tdepends on A\n}';

describe('a circle', () => {
  test('that the series closes is told step by step', async () => {
    const [one, ...more] = await candidates(LOOP);
    expect(one?.claim['cycle']).toMatchObject([
      { symbol: 'B', relation: 'depends on', next: 'A', line: 7 },
      { symbol: 'A', relation: 'depends on', next: 'B', line: 3 },
    ]);
    expect(one?.anchor).toMatchObject({ file: 'Kconfig', line: 7 });
    expect(more).toEqual([]);
  });

  test('is one finding on all architectures', async () => {
    expect((await candidates(LOOP, ['arm', 'x86'])).map(({ claim }) => claim['archs'])).toEqual([['arm', 'x86']]);
  });

  test('on one architecture names that alone', async () => {
    const text = LOOP.replace('config A\n\tbool "a"\n\tdepends on B\n', 'source "arch/$(SRCARCH)/Kconfig"\n');
    const [before, after] = sides(text);
    const archs = {
      'arch/arm/Kconfig': 'config A\n\tbool "a"\n\tdepends on B\n',
      'arch/x86/Kconfig': 'config A\n\tbool "a"\n',
    };
    const found = await runRule(rule, { Kconfig: before, ...archs }, { Kconfig: after, ...archs }, ['arm', 'x86']);
    expect(found.map(({ claim }) => claim['archs'])).toEqual([['arm']]);
  });

  describe('that leads through each architecture by its own way', () => {
    const ARCHS = {
      'arch/arm/Kconfig': 'config X\n\tbool "x"\n\tdepends on Y\n\nconfig Y\n\tbool "y"\n\tdepends on B\n',
      'arch/mips/Kconfig': 'config X\n\tbool "x"\n',
      'arch/x86/Kconfig': 'config X\n\tbool "x"\n\tdepends on B\n',
    };
    const run = (kconfig: string) => {
      const [before, after] = sides(kconfig);
      return runRule(rule, { Kconfig: before, ...ARCHS }, { Kconfig: after, ...ARCHS }, ['arm', 'mips', 'x86']);
    };
    const ONE_LINE = 'source "arch/$(SRCARCH)/Kconfig"\n\nconfig B\n\tbool "b"\n{/\tdepends on X\n}';

    test('is one finding for the line that closes it: the shortest way from there, all architectures', async () => {
      const found = await run(ONE_LINE);
      expect(found.map(({ claim }) => claim)).toMatchObject([{ archs: ['arm', 'x86'] }]);
      expect(found[0]?.claim['cycle']).toMatchObject([
        { symbol: 'B', next: 'X', path: 'Kconfig', line: 5 },
        { symbol: 'X', next: 'B', path: 'arch/x86/Kconfig', line: 3 },
      ]);
      expect(found[0]?.anchor).toMatchObject({ file: 'Kconfig', line: 5 });
      expect(found[0]?.witness).toMatchObject({ arch: 'x86' });
    });

    test('is confirmed on each way', async () => {
      const [one] = await run(ONE_LINE);
      const conf = fakeConf(() => ({}));
      await one?.confirm(conf);
      expect(conf.asked.map((text) => text.trim()).sort()).toEqual([
        'after arm',
        'after x86',
        'before arm',
        'before x86',
      ]);
    });

    test('is one finding for each line, where each closes one', async () => {
      const found = await run(
        'source "arch/$(SRCARCH)/Kconfig"\n\nconfig B\n\tbool "b"\n{/\tdepends on X\n}\nconfig C\n\tbool "c"\n\tdepends on D\n\nconfig D\n\tbool "d"\n{/\tdepends on C\n}',
      );
      expect(found.map(({ anchor, claim }) => [anchor.line, claim['archs']])).toEqual([
        [5, ['arm', 'x86']],
        [13, ['arm', 'mips', 'x86']],
      ]);
    });
  });

  test.each([
    ['is there before', LOOP.replace('{/', '').replace('\n}', '\n{/\n# words\n}')],
    ['goes', LOOP.replace('{/', '{').replace('\n}', '\n/}')],
    ['is none', 'config A\n\tbool "a"\n\tdepends on B\n\nconfig B\n\tbool "b"\n{/\tselect A\n}'],
  ])('that %s is no finding', async (_, text) => {
    expect(await candidates(text)).toEqual([]);
  });
});

test('the key of a circle does not depend on where the walk began', () => {
  const step = (symbol: string, next: string) => ({
    symbol,
    relation: 'depends on' as const,
    next,
    path: 'Kconfig',
    line: 1,
  });
  const key = (...steps: ReturnType<typeof step>[]): string => cycleKey({ steps, stderr: '' });
  expect(key(step('A', 'B'), step('B', 'A'))).toBe(key(step('B', 'A'), step('A', 'B')));
  expect(key(step('A', 'B'), step('B', 'A'))).not.toBe(key(step('A', 'C'), step('C', 'A')));
});

describe('conf', () => {
  const run = async (before: object, after: object) => {
    const [one] = await candidates(LOOP);
    const attempts = await one?.confirm(fakeConf((side) => (side === 'before' ? before : after)));
    return attempts?.map(({ agrees }) => agrees);
  };
  const error = async (): Promise<string> => String((await candidates(LOOP))[0]?.claim['confError']);

  test('agrees where it refuses the tree after in the same words, and takes the one before', async () => {
    expect(await run({}, { exitCode: 1, stderr: `Kconfig:1: warning\n${await error()}` })).toEqual([true, true]);
  });

  test('disagrees with other words, with no error, and with an error before', async () => {
    expect(await run({}, { exitCode: 1, stderr: 'recursive dependency detected: A B' })).toEqual([true, false]);
    expect(await run({}, {})).toEqual([true, false]);
    const stderr = await error();
    expect(await run({ exitCode: 1, stderr }, { exitCode: 1, stderr })).toEqual([false, true]);
  });
});

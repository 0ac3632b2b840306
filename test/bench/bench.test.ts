import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSeries } from '../../bot/intake.ts';
import { recordedChecks, simulateDay, workersFor } from './day.ts';
import { olderWords } from './kconfiglib.ts';
import { BenchError, inTurns, measure, median, spread } from './measure.ts';
import { onePatch } from './one-patch.ts';
import { table } from './rows.ts';

let scratch = '';

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'depbot-bench-test-'));
});

afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe('median and spread', () => {
  test('the middle one, or the mean of the middle two, of values in any order', () => {
    expect(median([9, 1, 4])).toBe(4);
    expect(median([4, 1, 9, 2])).toBe(3);
    expect(median([])).toBeNaN();
  });

  test('one straggler is no noise, a wide middle is', () => {
    expect(spread([10, 10, 10, 10, 90])).toBe(0);
    expect(spread([10, 20, 30, 40, 50])).toBeGreaterThan(0.5);
  });
});

describe('measure', () => {
  const sleep = {
    argv: ['/bin/sh', '-c', 'sleep 0.2; echo $WORD'] as const,
    cwd: '/',
    env: { WORD: 'done', PATH: '/bin' },
  };

  test('gives time, memory and output of the program, not of what runs it', () => {
    const { wallMs, cpuMs, rssKiB, stdout } = measure({ ...sleep, argv: [...sleep.argv] }, scratch);
    expect(stdout).toBe('done\n');
    expect(wallMs).toBeGreaterThanOrEqual(200);
    expect(cpuMs).toBeLessThan(wallMs);
    expect(rssKiB).toBeGreaterThan(100);
  });

  test('refuses a program that fails, accepts an exit status that is expected', () => {
    const fails = { argv: ['/bin/sh', '-c', 'echo why >&2; exit 3'] as [string, ...string[]], cwd: '/', env: {} };
    expect(() => measure(fails, scratch)).toThrow(BenchError);
    expect(() => measure(fails, scratch)).toThrow(/exited with 3: why/);
    expect(measure({ ...fails, accept: [0, 3] }, scratch).stdout).toBe('');
  });

  test('takes turns, puts things back before each run, and leaves out what there is not', () => {
    const order: string[] = [];
    const program = (name: string) => ({
      argv: ['/bin/true'] as [string],
      cwd: '/',
      env: {},
      before: () => void order.push(name),
    });
    const measured = inTurns({ a: program('a'), none: undefined, b: program('b') }, 2, scratch);
    expect(order).toEqual(['a', 'b', 'a', 'b']);
    expect(measured.a).toHaveLength(2);
    expect(measured.none).toEqual([]);
  });
});

describe('olderWords', () => {
  const cases = [
    { name: 'modules', text: 'config M\n\tbool\n\tmodules\n', older: 'config M\n\tbool\n\toption modules\n' },
    { name: 'transitional', text: 'config T\n\tbool\n\ttransitional\n', older: 'config T\n\tbool\n\n' },
    { name: 'a conditional dependency', text: '\tdepends on A && B if C\n', older: '\tdepends on (A && B) || !(C)\n' },
    { name: 'an if in a comment', text: '\tdepends on A # not y if B=m\n', older: undefined },
    { name: 'a condition of something else', text: '\tselect A if B\n\tdefault y if C\n', older: undefined },
    { name: 'the words in a sentence', text: '\t  Loads modules that are transitional.\n', older: undefined },
  ];
  for (const { name, text, older } of cases) {
    test(name, () => {
      expect(olderWords(text)).toBe(older);
    });
  }
});

describe('the one-patch series', () => {
  const example = readFileSync(join(import.meta.dirname, '../fixtures/example/config-upgrade.mbox'), 'utf8');

  test('is a complete series of one patch, with the diff of the example', async () => {
    const { series, problems } = await readSeries({ stdin: Readable.from([onePatch(example, 2)]) });
    expect(problems).toEqual([]);
    expect(series).toHaveLength(1);
    expect(series[0]).toMatchObject({ complete: true, subject: expect.stringContaining('INPUT_MATRIXKMAP') });
    const [first] = series;
    const paths = first?.complete ? first.patches.flatMap(({ diff }) => diff.map(({ newPath }) => newPath)) : [];
    expect(paths).toEqual(['drivers/input/keyboard/Kconfig']);
  });

  test('cannot be made of a patch that the mbox does not have', () => {
    expect(() => onePatch(example, 7)).toThrow(RangeError);
  });
});

describe('the simulated day', () => {
  const minute = [60];

  test('of a thousand single checks of a minute keeps one worker busy by their sum, and many hardly', () => {
    const [one, many] = [1, 200].map((workers) => simulateDay({ series: 1000, workers }, minute));
    expect(one!.medianMin).toBeGreaterThan(60);
    expect(one!.busy).toBeGreaterThan(0.95);
    expect(many).toMatchObject({ medianMin: 0, tenthMin: 0, largeMedianMin: 0 });
    expect(many!.busy).toBeLessThan(0.05);
    // what waits, waits by its turn
    expect(one!.urgentMedianMin).toBeLessThan(10);
    expect(one!.largeMedianMin).toBeGreaterThan(one!.medianMin);
  });

  test('needs the fewest workers that are enough, and more of them for more series', () => {
    const workers = workersFor(1500, recordedChecks(), 10);
    const waits = (some: number): number => simulateDay({ series: 1500, workers: some }, recordedChecks()).medianMin;
    expect(waits(workers)).toBeLessThanOrEqual(10);
    expect(waits(workers - 1)).toBeGreaterThan(10);
    expect(workersFor(3000, recordedChecks(), 10)).toBeGreaterThan(workers);
  });
});

describe('the table', () => {
  const aim = { text: 'no slower', reached: (mine: number, theirs: number) => mine <= theirs };

  test('has medians, the ratio, and whether the aim is reached', () => {
    const rows = [
      { what: 'fast', unit: 'ms', ours: [100, 120, 110], peer: { name: 'conf', values: [220, 220, 220] }, aim },
      { what: 'slow', unit: 's', ours: [5], peer: { name: 'conf', values: [2] }, aim },
    ] as const;
    expect(table(rows).split('\n')).toEqual([
      '      depbot    peer        depbot/peer  aim        reached',
      'fast  110 ms  220 ms  conf         0.50  no slower  yes',
      'slow  5.00 s  2.00 s  conf         2.50  no slower  no',
      '',
    ]);
  });

  test('marks figures that lie far apart, not those that lie close', () => {
    const rows = [
      { what: 'wild', unit: 'MiB', ours: [10, 20, 30, 40, 50] },
      { what: 'calm', unit: 'MiB', ours: [30, 31, 32, 33, 34] },
    ] as const;
    expect(table(rows)).toContain('~30.0 MiB');
    expect(table(rows)).not.toContain('~32');
  });
});

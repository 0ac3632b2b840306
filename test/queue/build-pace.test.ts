/** What is told of builds: how many objects there are, and how long the rest takes by what was seen before. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BuildPace, BuildTimes, type Piece } from '../../queue/build-pace.ts';
import { tempDir } from '../support/tiny-repo.ts';

let dir: string;
let clock: number;
let told: string[];

beforeEach(() => {
  dir = tempDir();
  [clock, told] = [0, []];
});
afterEach(() => rmSync(dir, { recursive: true }));

const piece = (kind: Piece['kind'], when: Piece['when'], objects = 0): Piece => ({ kind, when, objects });
const paceOf = (plan: readonly Piece[], times: BuildTimes): BuildPace =>
  new BuildPace(plan, {
    times,
    now: () => clock,
    onProgress: (text, leftMs) => told.push(leftMs === undefined ? text : `${text}, ${leftMs / 1000} s`),
  });
const takes = (seconds: number) => async (): Promise<void> => {
  clock += seconds * 1000;
};

/** A base that is configured in 20 s and has two objects, 4 s each; then the same with a series. */
async function build(times: BuildTimes): Promise<void> {
  const plan = [
    piece('configure', 'base'),
    piece('objects', 'base', 2),
    piece('configure', 'later'),
    piece('objects', 'later', 2),
  ] as const;
  const pace = paceOf(plan, times);
  await pace.during(plan[0], 'configuring', takes(20));
  await pace.during(plan[1], 'building', async (made) => {
    clock += 4000;
    made(1);
    clock += 4000;
    made(2);
  });
  await pace.during(plan[2], 'configuring again', takes(10));
  await pace.during(plan[3], 'building again', takes(2));
}

test('the first time nothing is promised of what nobody has seen; what the base took is taken for the series', async () => {
  await build(new BuildTimes(dir));
  expect(told).toEqual([
    'configuring (0 of 4 objects)',
    'building (0 of 4 objects)',
    'building (1 of 4 objects)',
    'building (2 of 4 objects)',
    'configuring again (2 of 4 objects), 28 s',
    'building again (2 of 4 objects), 8 s',
  ]);
});

test('the next check knows it from the start, and the newest counts most', async () => {
  const first = new BuildTimes(dir);
  await build(first);
  first.keep();
  told = [];
  const second = new BuildTimes(dir);
  await build(second);
  expect(told[0]).toBe('configuring (0 of 4 objects), 40 s');
  expect(told.slice(2, 4)).toEqual(['building (1 of 4 objects), 16 s', 'building (2 of 4 objects), 12 s']);
  second.note(piece('configure', 'base'), 40_000);
  expect(second.expected(piece('configure', 'base'))).toBe(30_000);
});

test('a machine that is slower than it was is believed at once, and what is left shrinks', async () => {
  const times = new BuildTimes();
  times.note(piece('objects', 'later', 1), 1000);
  const plan = [piece('objects', 'later', 4), piece('objects', 'later', 2)] as const;
  const pace = paceOf(plan, times);
  await pace.during(plan[0], 'building', async (made) => {
    for (const one of [1, 2, 3, 4]) {
      clock += 10_000;
      made(one);
    }
  });
  await pace.during(plan[1], 'more', takes(20));
  expect(told).toEqual([
    'building (0 of 6 objects), 6 s',
    'building (1 of 6 objects), 50 s',
    'building (2 of 6 objects), 40 s',
    'building (3 of 6 objects), 30 s',
    'building (4 of 6 objects), 20 s',
    'more (4 of 6 objects), 20 s',
  ]);
});

test('what was there already, or failed, tells nothing of the next', async () => {
  const times = new BuildTimes();
  const plan = [piece('configure', 'base'), piece('objects', 'base', 3)] as const;
  const pace = paceOf(plan, times);
  await pace.during(plan[0], 'configuring', takes(0.1));
  const failing = pace.during(plan[1], 'building', async () => {
    clock += 90_000;
    throw new Error('no compiler');
  });
  await expect(failing).rejects.toThrow('no compiler');
  expect(plan.map((one) => times.expected(one))).toEqual([undefined, undefined]);
});

test('what is not done any more is neither waited for nor missing in the count', async () => {
  const times = new BuildTimes();
  for (const kind of ['configure', 'objects'] as const) times.note(piece(kind, 'base', 1), 5000);
  const plan = [piece('objects', 'base', 1), piece('objects', 'base', 3), piece('objects', 'later', 2)] as const;
  const pace = paceOf(plan, times);
  await pace.during(plan[0], 'one', takes(5));
  pace.drop(plan[1]);
  await pace.during(plan[2], 'last', takes(5));
  expect(told).toEqual(['one (0 of 6 objects), 30 s', 'last (4 of 6 objects), 10 s']);
});

test('a damaged file is no file, and a folder that cannot be written no fault', () => {
  writeFileSync(join(dir, 'build-times.json'), '{"configure base": "long", "objects ba');
  expect(new BuildTimes(dir).expected(piece('configure', 'base'))).toBeUndefined();
  const times = new BuildTimes(join(dir, 'build-times.json'));
  times.note(piece('configure', 'base'), 5000);
  times.keep();
  rmSync(join(dir, 'build-times.json'));
  mkdirSync(join(dir, 'build-times.json'));
  expect(new BuildTimes(dir).expected(piece('configure', 'base'))).toBeUndefined();
});

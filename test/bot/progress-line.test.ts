import { expect, test } from 'vitest';
import type { World } from '../../bot/main.ts';
import { progressLine } from '../../bot/progress-line.ts';

/** What is written for these texts, each 2 s after the one before. */
function written(
  texts: readonly string[],
  world: { isTTY?: boolean; TERM?: string; verbosity?: World['verbosity'] },
): string {
  let out = '';
  let ms = 0;
  const stderr = { isTTY: world.isTTY === true, write: (text: string) => (out += text) } as unknown as World['stderr'];
  const env = { ...(world.TERM !== undefined && { TERM: world.TERM }) };
  const line = progressLine({ stderr, now: () => ms, verbosity: world.verbosity ?? 'normal', env });
  for (const text of texts) {
    ms += 2000;
    line.show(text);
  }
  line.clear();
  return out;
}

const STEPS = ['applying', 'architecture 1 of 4: arc', 'architecture 2 of 4: arm', 'architecture 3 of 4: um\u001b[2J'];

test('on a terminal the line is written over, with rate and time left, and goes in the end', () => {
  const lines = written(STEPS, { isTTY: true }).split('\r\x1b[K');
  expect(lines).toEqual([
    '',
    'applying',
    'architecture 1 of 4: arc',
    'architecture 2 of 4: arm',
    'architecture 3 of 4: um\ufffd[2J, 2 s each, 4 s left',
    '',
  ]);
});

test('elsewhere, and on one that cannot, it is a plain line every half minute', () => {
  const many = Array.from({ length: 40 }, (_, n) => `building x.o (${n + 1} of 40)`);
  const plain =
    'depbot: building x.o (15 of 40), 2 s each, 52 s left\ndepbot: building x.o (30 of 40), 2 s each, 22 s left\n';
  expect(written(many, {})).toBe(plain);
  expect(written(many, { isTTY: true, TERM: 'dumb' })).toBe(plain);
  expect(written(STEPS, {})).toBe('');
});

test('much that is left is told in minutes and hours, and what is quick by its rate', () => {
  const steps = (total: number): string[] => [1, 2, 3].map((n) => `file ${n} of ${total}`);
  expect(written(steps(100), { isTTY: true })).toContain('file 3 of 100, 2 s each, 3 min left');
  expect(written(steps(2100), { isTTY: true })).toContain('file 3 of 2100, 2 s each, 1 h 10 min left');
  const many = ['file 1 of 9000', 'file 21 of 9000'];
  expect(written(many, { isTTY: true })).toContain('file 21 of 9000, 10/s, 15 min left');
});

test('the first of many, which does work for all, is not taken for one like the others', () => {
  let [out, ms] = ['', 0];
  const stderr = { isTTY: true, write: (text: string) => (out = text) } as unknown as World['stderr'];
  const line = progressLine({ stderr, now: () => ms, verbosity: 'normal', env: {} });
  for (const [seconds, text] of [
    [0, 'architecture 1 of 21: x86'],
    [60, 'architecture 2 of 21: arm64'],
    [2, 'architecture 3 of 21: arm'],
    [2, 'architecture 4 of 21: powerpc'],
  ] as const) {
    ms += seconds * 1000;
    line.show(text);
  }
  expect(out).toBe('\r\x1b[Karchitecture 4 of 21: powerpc, 2 s each, 36 s left');
});

test('where it is known how long it takes, that is told in place of a rate', () => {
  const shown = (verbosity: World['verbosity']): string => {
    let out = '';
    const stderr = { isTTY: true, write: (text: string) => (out += text) } as unknown as World['stderr'];
    progressLine({ stderr, now: () => 0, verbosity, env: {} }).show('building x.o (1 of 40 objects)', 200_000);
    return out;
  };
  expect(shown('normal')).toBe('\r\x1b[Kbuilding x.o (1 of 40 objects), about 3 min left');
  expect(shown('verbose')).toBe('depbot: 0.0 s: building x.o (1 of 40 objects), about 3 min left\n');
  expect(shown('quiet')).toBe('');
});

test('-v tells each step with the time, -q none', () => {
  expect(written(STEPS.slice(0, 2), { verbosity: 'verbose' })).toBe(
    'depbot: 2.0 s: applying\ndepbot: 4.0 s: architecture 1 of 4: arc\n',
  );
  expect(written(STEPS, { verbosity: 'quiet', isTTY: true })).toBe('');
});

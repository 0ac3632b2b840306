import { expect, test } from 'vitest';
import { confirmedSoFar, leftOpen } from '../../bot/left-open.ts';
import { sampleReport } from '../support/sample-report.ts';

test('few questions left undecided have a line each, many of one kind one together', () => {
  const few = ['foo_probe', 'bar_probe'].map((key) => ({ rule: 'stubbed-path', key, why: 'callers' }));
  const many = Array.from({ length: 400 }, (_, i) => ({ rule: 'missing-dependency', key: `F${i}`, why: 'too far' }));
  expect(leftOpen({ ...sampleReport([]), undecided: [...few, ...many] })).toEqual([
    'undecided stubbed-path (foo_probe): all of its callers go on without it',
    'undecided stubbed-path (bar_probe): all of its callers go on without it',
    expect.stringMatching(/^undecided missing-dependency \(F0, F1, .* 39[78] (?:more|others)\): too far$/),
  ]);
});

test('objects that were not built have a line for each reason', () => {
  const notBuilt = ['a.o', 'b.o'].map((object) => ({ object, why: 'gone' }));
  const trial = { arch: 'x86', from: 'empty', settings: [], objects: [], steps: [0, 1], notBuilt };
  const report = sampleReport([]);
  const built = { trials: [trial], notCompiled: [], sampled: [], left: [], skipped: [] };
  expect(leftOpen({ ...report, checked: { ...report.checked, built } })).toEqual([
    'not built on x86: a.o and b.o: gone',
  ]);
});

test('what was too much to build is said', () => {
  const header = { header: 'a.h', includers: 90, atLeast: true, built: ['a.c'] };
  const sampled = [header, { header: 'b.h', includers: 1, atLeast: false, built: ['b.c'] }];
  const built = { trials: [], notCompiled: [], sampled, left: ['z.c'], skipped: [12, 13] };
  const report = sampleReport([]);
  expect(leftOpen({ ...report, checked: { ...report.checked, built } })).toEqual([
    'not built, since the series changes too many files: z.c',
    'not built after each patch, since there are too many: 12 and 13',
    'a.h: built for 1 of at least 90 files that include it',
  ]);
});

test('what is found before builds begin says which of it they may still drop', () => {
  const anchor = { patch: 2, file: 'Kconfig', line: 7, mailLines: [1, 1] } as const;
  expect(
    confirmedSoFar([
      { rule: 'unmet-select', key: 'unmet-select FOO', anchor, isToBeBuilt: false },
      { rule: 'stubbed-path', key: 'foo_probe', anchor, isToBeBuilt: true },
    ]),
  ).toEqual([
    '2 findings so far, confirmed by conf; what follows is building:',
    '  unmet-select (FOO): patch 2, Kconfig:7',
    '  stubbed-path (foo_probe): patch 2, Kconfig:7; not yet built',
  ]);
  expect(confirmedSoFar([])).toEqual([]);
});

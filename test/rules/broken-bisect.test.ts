/** What is said of the patch that repairs a bisection, and of what was built before. */
import { expect, test } from 'vitest';
import rule from '../../rules/broken-bisect.ts';
import type { Diagnostic } from '../../rules/diagnostic.ts';
import type { KernelChange } from '../../rules/rule.ts';
import type { Outcome, TrialRun } from '../../rules/trial.ts';

const OBJECT = 'drivers/reef.o';
const error: Diagnostic = { severity: 'error', file: 'drivers/reef.c', line: 3, text: 'expected ;' };
const patches = Array.from({ length: 14 }, (_, i) => ({
  n: i + 1,
  diff: [
    {
      kind: 'modify',
      oldPath: 'drivers/reef.c',
      newPath: 'drivers/reef.c',
      hunks: [
        {
          oldStart: 1,
          oldCount: 0,
          newStart: 3,
          newCount: 1,
          lines: [{ kind: 'add', text: '\tx()', newLine: 3, mailLine: 10 }],
        },
      ],
    },
  ],
}));

/** The claim where the object fails after some patches, and is as `before` without the series. */
function claimOf(tried: readonly number[], broken: readonly number[], before: Outcome['state']): unknown {
  const stateAfter = (n: number): Outcome['state'] => (n === 0 ? before : broken.includes(n) ? 'failed' : 'built');
  const run: TrialRun = {
    trial: {
      witness: { arch: 'x86', from: 'empty', settings: [] },
      config: '',
      changed: [OBJECT],
      including: [],
      owners: {},
    },
    steps: [0, ...tried].map((n) => ({
      patches: n,
      objects: new Map([[OBJECT, { state: stateAfter(n), diagnostics: broken.includes(n) ? [error] : [] }]]),
    })),
  };
  const change = { series: { patches }, lines: {}, changedPaths: [] } as unknown as KernelChange;
  const [judged, ...more] = rule.begin(change).judge!([run], []);
  expect(more).toEqual([]);
  return judged!.claim;
}

test('the patch that repairs it is named where it was tried, and the one before it', () => {
  expect(claimOf([1, 2, 3, 4, 14], [2, 3], 'built')).toMatchObject({ breaks: 2, repairs: 4, wasBuilt: true });
  // 11, 12 or 13 may have done it
  expect(claimOf([1, 2, 10, 14], [10], 'built')).toMatchObject({ breaks: 10, repairs: null });
});

test('what the base does not build does not work without the series', () => {
  expect(claimOf([1, 2, 3, 14], [2], 'absent')).toMatchObject({ wasBuilt: false });
});

import { expect, it } from 'vitest';
import type { Result } from './examine.ts';
import { rungs } from './rungs.ts';

const result = (id: string, more: Partial<Result>): Result => ({
  id,
  variant: 'undo',
  confirmed: false,
  verdict: { kind: 'miss', why: 'nothing proposed' },
  findings: [],
  dropped: [],
  tookMs: 0,
  ...more,
});
const said = { symbols: ['A'], at: 'Kconfig:1' };

it('counts findings by rule and rung, and says of each that is dropped or not built why', () => {
  const text = rungs([
    result('a', { findings: [{ ...said, rule: 'unmet-select', key: 'k', rung: 2 }] }),
    result('b', {
      findings: [
        { ...said, rule: 'missing-dependency', key: 'k', rung: 3 },
        { ...said, rule: 'missing-dependency', key: 'l', rung: 2, notBuilt: 'no compiler\nfor sh' },
      ],
      dropped: [{ rule: 'missing-dependency', key: 'missing-dependency A B', why: 'a build disagrees' }],
    }),
  ]);
  expect(text).toBe(
    [
      'findings by rule    by reasoning  conf agrees  a build agrees  dropped',
      'missing-dependency             0            1               1        1',
      'unmet-select                   0            1               0        0',
      '  all                          0            2               1        1',
      'dropped: b (undo): missing-dependency A B: a build disagrees',
      'not built:    1  no compiler for sh',
      '',
    ].join('\n'),
  );
});

it('says nothing where nothing was proposed', () => {
  expect(rungs([result('a', {})])).toBe('');
});

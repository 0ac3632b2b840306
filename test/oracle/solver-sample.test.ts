/** A sample of the solver's part of `npm run oracle` for every test run, and whether its checks can fail. */
import { beforeAll, describe, expect, test } from 'vitest';
import { cacheDir } from '../../queue/provision.ts';
import { Tiny } from '../rules/kconfig/tiny-kconfig.ts';
import { checkReasons } from './core-check.ts';
import { SolverOracle, type Tally } from './solver-oracle.ts';
import { goalsOf, questions, words } from './solver-questions.ts';
import { faults, runSolver, tallyTable } from './solver-run.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const ARCHS = ['powerpc', 'x86'];
const PLAN = { archs: ARCHS, questions: 24, randconfigs: 2, facts: 50, confEvery: 4, linesEvery: 3, drawnEvery: 2 };

describe.skipIf(TREE === undefined && !process.env['CI'])('the solver, the evaluator and scripts/kconfig/conf', () => {
  let tallies: ReadonlyMap<string, Tally>;

  beforeAll(async () => {
    tallies = await runSolver(TREE ?? '', cacheDir(), PLAN, () => undefined);
  });

  test('agree', () => {
    expect(faults(tallies)).toBe('');
  });

  test.each(ARCHS)('were asked something of each kind (%s)', (arch) => {
    const { counts } = tallies.get(arch)!;
    expect(counts.get('answered')).toEqual({ good: PLAN.questions, all: PLAN.questions });
    expect(counts.get('witness')!.all + counts.get('reasons')!.all).toBe(PLAN.questions);
    for (const check of ['witness', 'fewest', 'conf', 'reasons', 'dice', 'whole config', 'seen'] as const)
      expect(counts.get(check)?.all, check).toBeGreaterThan(0);
  });
});

const SMALL = `config A
	bool "A"
config B
	bool "B"
	depends on A
config C
	bool "C"
	select B
`;

describe('the checks', () => {
  const tiny = new Tiny(SMALL);
  const { pool, model } = tiny;
  const [a, b] = [tiny.symbol('A'), tiny.symbol('B')];

  /** An oracle whose conf writes `config`, whatever it is given, and says `stderr`. */
  function withConf(config: string, stderr = ''): SolverOracle {
    return new SolverOracle(pool, model, async () => ({ argv: [], exitCode: 0, config, stderr }));
  }

  const isOn = {
    kind: 'pair' as const,
    facts: [{ symbol: b, is: 'on' as const }],
    goals: goalsOf(pool, { symbol: b, is: 'on' }),
  };

  test('notice a conf that writes something else, and one that is content with less', async () => {
    const without = withConf('# CONFIG_B is not set\n');
    await without.ask(isOn, 'conf');
    expect(without.tally.faults).toEqual([expect.stringMatching(/^conf: B=on: B is not on after\n/)]);
    const always = withConf('CONFIG_B=y\n');
    await always.ask(isOn, 'conf, each line');
    expect(always.tally.counts.get('conf')).toEqual({ good: 1, all: 1 });
    expect(always.tally.counts.get('conf, a line less')!.good).toBe(0);
  });

  test('want the warning of a select that is not met', async () => {
    const unmet = questions(pool, model, 1, 4).find(({ kind }) => kind === 'edge')!;
    expect(words(unmet)).toBe('C=on B selected above its dependencies');
    const silent = withConf('CONFIG_B=y\nCONFIG_C=y\n');
    await silent.ask(unmet, 'conf');
    expect(silent.tally.faults).toEqual([expect.stringContaining('conf does not warn of B')]);
    const warning = 'WARNING: unmet direct dependencies detected for B\n';
    const honest = withConf('CONFIG_B=y\nCONFIG_C=y\n', warning);
    await honest.ask(unmet, 'conf');
    expect(honest.tally.faults).toEqual([]);
  });

  test('see a configuration that the model excludes', () => {
    const other = new Tiny('config A\n\tbool "A"\nconfig B\n\tdef_bool y\n\tdepends on A\n');
    const oracle = new SolverOracle(other.pool, other.model, () => Promise.reject(new Error('not asked')));
    oracle.randconfig('CONFIG_A=y\nCONFIG_B=y\n', 'both', 1, 10);
    expect(oracle.tally.faults).toEqual([]);
    expect(oracle.tally.counts.get('seen')).toEqual({ good: 10, all: 10 });
  });

  test('see reasons that are not enough, not needed or not there', () => {
    const goals = [...goalsOf(pool, { symbol: b, is: 'on' }), ...goalsOf(pool, { symbol: a, is: 'off' })];
    const select = { kind: 'select', symbol: b, path: 'Kconfig', line: 8, expr: -1 } as const;
    const depends = { kind: 'depends on', symbol: b, path: 'Kconfig', line: 5, expr: -1 } as const;
    const definition = { kind: 'definition', symbol: b, path: 'Kconfig', line: 3, expr: -1 } as const;
    const noC = [...goals, ...goalsOf(pool, { symbol: tiny.symbol('C'), is: 'off' })];
    expect(checkReasons(pool, model, noC, [definition, depends])).toBeUndefined();
    expect(checkReasons(pool, model, noC, [definition])).toBe('not enough: definition B Kconfig:3');
    expect(checkReasons(pool, model, noC, [definition, depends, select])).toMatch(/^no statement is select/);
    expect(checkReasons(pool, model, noC, undefined)).toBe('no reason');
    expect(checkReasons(pool, model, goals, [definition, depends])).toMatch(/^not enough/);
  });

  test('are counted in a table', async () => {
    const oracle = withConf('CONFIG_B=y\n');
    await oracle.ask(isOn, 'conf');
    const tallies = new Map([['x', oracle.tally]]);
    expect(tallyTable(tallies)).toBe(
      [
        '           answered  witness  fewest  conf',
        'x               1/1      1/1     1/1   1/1',
        'total (1)       1/1      1/1     1/1   1/1',
        '',
      ].join('\n'),
    );
    expect(faults(tallies)).toBe('');
  });
});

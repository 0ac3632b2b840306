import { describe, expect, it } from 'vitest';
import type { Level } from '../../../rules/kconfig/cnf.ts';
import { type Goal, Solver } from '../../../rules/kconfig/solve.ts';
import { fragment } from '../../../rules/kconfig/witness.ts';
import { Tiny } from './tiny-kconfig.ts';

const TEXT = `config MODULES
	bool "modules"
	default y
	modules
config PCI
	bool "PCI"
config NET
	tristate "NET"
config DRIVER
	tristate "driver"
	depends on PCI && NET
	select LIB
config LIB
	tristate
config SIZE
	int "size"
	range 1 64
	default 8
config LARGE
	bool
	default y if SIZE > 32
`;

function setUp(text = TEXT): { tiny: Tiny; solver: Solver; goal: (words: string, level?: Level) => Goal } {
  const tiny = new Tiny(text);
  const goal = (words: string, level: Level = 2): Goal => {
    const isNot = words.startsWith('not ');
    return { expr: tiny.expr(isNot ? words.slice(4) : words), level, holds: !isNot };
  };
  return { tiny, solver: new Solver(tiny.pool, tiny.model), goal };
}

function settings(solver: Solver, ...goals: Goal[]): string {
  const answer = solver.solve(goals);
  return answer.verdict === 'possible' ? fragment(answer.settings) : answer.verdict;
}

describe('solve', () => {
  it('names the fewest settings that give the goals', () => {
    const { solver, goal } = setUp();
    expect(settings(solver, goal('DRIVER'))).toBe('CONFIG_DRIVER=y\nCONFIG_NET=y\nCONFIG_PCI=y\n');
    expect(settings(solver, goal('LIB', 1), goal('not LIB'))).toMatch(
      /^CONFIG_DRIVER=[my]\nCONFIG_NET=[my]\nCONFIG_PCI=y\n$/,
    );
    expect(settings(solver, goal('MODULES'))).toBe('');
    expect(settings(solver, goal('not MODULES'))).toBe('# CONFIG_MODULES is not set\n');
    expect(settings(solver)).toBe('');
  });

  it('leaves the evaluator with the answer', () => {
    const { solver, goal, tiny } = setUp();
    solver.solve([goal('DRIVER')]);
    expect(solver.values.tristate(tiny.symbol('LIB'))).toBe(2);
  });

  it('finds values of numbers', () => {
    const { solver, goal } = setUp();
    expect(settings(solver, goal('LARGE'))).toMatch(/^CONFIG_SIZE=(33|6[345])\n$/);
    expect(settings(solver, goal('SIZE > 64'))).toBe('impossible');
  });

  it('takes comparisons that are younger than what it has encoded', () => {
    const { solver, goal } = setUp();
    expect(settings(solver, goal('SIZE = 8'))).toBe('');
    expect(settings(solver, goal('SIZE = 41'))).toBe('CONFIG_SIZE=41\n');
    expect(settings(solver, goal('SIZE = 41'), goal('not LARGE'))).toBe('impossible');
  });

  it('is not led astray by what it was asked before', () => {
    const { solver, goal } = setUp();
    for (let round = 0; round < 3; round++) {
      expect(settings(solver, goal('DRIVER', 1), goal('not NET', 1))).toBe('impossible');
      expect(settings(solver, goal('not DRIVER', 1), goal('LIB', 1))).toBe('impossible');
      expect(settings(solver, goal('NET', 1), goal('not NET'))).toBe('CONFIG_NET=m\n');
      expect(settings(solver, goal('NET', 1), goal('not NET'), goal('not MODULES'))).toBe('impossible');
    }
  });

  it('gives up where a text is compared with too much', () => {
    const conditions = Array.from({ length: 700 }, (_, i) => `S != "${i}x"`).join(' && ');
    const { solver, goal } = setUp(`config S\n\tstring "S"\nconfig A\n\tbool "A"\n\tdepends on ${conditions}\n`);
    expect(solver.solve([goal('A')])).toEqual({
      verdict: 'gave-up',
      why: expect.stringContaining('S is compared with'),
    });
    // Not half encoded the second time.
    expect(solver.isPossible([goal('A')])).toBeUndefined();
    expect(solver.isPossible([goal('not A', 1)])).toBeUndefined();
    expect(solver.whyNot([goal('A')])).toBeUndefined();
  });

  it('gives up where expressions are nested too deep', () => {
    const { solver, tiny } = setUp();
    let expr = tiny.expr('PCI');
    for (let depth = 0; depth < 100_000; depth++) expr = tiny.pool.not(tiny.pool.and(expr, tiny.expr('NET')));
    expect(solver.solve([{ expr, level: 2, holds: true }])).toMatchObject({ verdict: 'gave-up' });
  });
});

describe('isPossible', () => {
  it('answers without a configuration', () => {
    const { solver, goal } = setUp();
    expect(solver.isPossible([goal('DRIVER'), goal('LIB')])).toBe(true);
    expect(solver.isPossible([goal('DRIVER'), goal('not LIB')])).toBe(false);
  });
});

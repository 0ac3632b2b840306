/** Answers about a real tree, held against its configurations: what is said of all of them is true of each. */
import { beforeAll, describe, expect, test } from 'vitest';
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { cacheDir } from '../../queue/provision-cache.ts';
import { askNeeds, askPossible } from '../../rules/kconfig/ask.ts';
import type { KSymbol } from '../../rules/kconfig/model.ts';
import { applyMode } from '../../rules/kconfig/modes.ts';
import { SymbolType } from '../../rules/kconfig/parse.ts';
import { Solver } from '../../rules/kconfig/solve.ts';
import { Values } from '../../rules/kconfig/values.ts';
import { defconfigsOf } from '../oracle/cases.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const ARCH = 'arm64';
/** Of this many symbols one is asked about. */
const SAMPLE = 163;

/** The given tree; in CI its absence is a failure. */
function tree(): string {
  if (TREE === undefined) throw new Error('DEPBOT_TEST_TREE is not set: in CI this test needs a kernel tree');
  return TREE;
}

describe.skipIf(TREE === undefined && !process.env['CI'])('answers (skipped without DEPBOT_TEST_TREE)', () => {
  let solver: Solver;
  /** Values of some configurations that the tree has. */
  const configs: Values[] = [];
  let sample: readonly KSymbol[] = [];

  beforeAll(async () => {
    const source = openDirectory(tree());
    const model = await (await KconfigSide.open(source, { cacheDir: cacheDir() })).model(ARCH);
    solver = new Solver(source.pool, model);
    const levelled = model.declared.filter(({ type }) => type === SymbolType.bool || type === SymbolType.tristate);
    sample = levelled.filter((_, i) => i % SAMPLE === 0);
    for (const mode of ['allyesconfig', 'allmodconfig', 'allnoconfig', 'alldefconfig'] as const) {
      configs.push(new Values(source.pool, model));
      applyMode(configs.at(-1)!, mode);
    }
    for (const { text } of defconfigsOf(tree(), ARCH)) {
      configs.push(new Values(source.pool, model));
      applyMode(configs.at(-1)!, 'olddefconfig', { config: text });
    }
  });

  test('what always goes with a symbol does so in every configuration that has it', () => {
    let checked = 0;
    for (const symbol of sample) {
      const { answer } = askNeeds(solver, symbol.id);
      if (answer.verdict !== 'possible' || !answer.needs) continue;
      for (const values of configs) {
        const isOn = values.tristate(symbol) > 0;
        for (const { symbol: name, value, isAlways } of answer.needs.symbols) {
          const level = values.tristate(solver.model.symbols[solver.pool.findSymbol(name)!]!);
          const isMet = value === 'n' ? level === 0 : level >= (value === 'y' ? 2 : 1);
          if (isOn || isAlways) expect(isMet, `${symbol.name} needs ${name}=${value}`).toBe(true);
          checked += Number(isOn);
        }
      }
    }
    expect(checked).toBeGreaterThan(100);
  });

  test('what is not possible is off in every configuration, and has a reason', () => {
    const impossible = sample.filter((symbol) => {
      const { answer } = askPossible(solver, solver.pool.symbol(symbol.id));
      expect(answer.verdict, symbol.name).not.toBe('unknown');
      if (answer.verdict === 'impossible') expect(answer.because.length, symbol.name).toBeGreaterThan(0);
      return answer.verdict === 'impossible';
    });
    expect(impossible.length).toBeGreaterThan(5);
    for (const symbol of impossible) for (const values of configs) expect(values.tristate(symbol), symbol.name).toBe(0);
  });
});

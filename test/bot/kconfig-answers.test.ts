import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type GroupedAnswer, grouped, renderAnswers } from '../../bot/kconfig-answers.ts';
import { type Asked, askImplied, askNeeds, askPossible } from '../../rules/kconfig/ask.ts';
import { parseQuestion } from '../../rules/kconfig/question.ts';
import { Solver } from '../../rules/kconfig/solve.ts';
import { Tiny } from '../rules/kconfig/tiny-kconfig.ts';

/** Four architectures: two that are alike, one without a bus, one where it needs a choice. */
const FILES: Readonly<Record<string, string>> = {
  Kconfig: [
    'config MODULES\n\tbool "Enable loadable module support"\n\tmodules\n',
    'source "arch/$(ARCH)/Kconfig"',
    'source "drivers/Kconfig"\n',
  ].join('\n'),
  'arch/eagle/Kconfig': 'config HAVE_BUS\n\tdef_bool y\n\nconfig 64BIT\n\tdef_bool y\n',
  'arch/hawk/Kconfig': 'config HAVE_BUS\n\tdef_bool y\n\nconfig 64BIT\n\tdef_bool y\n',
  'arch/wren/Kconfig': 'config 64BIT\n\tdef_bool "$(ARCH)" = "eagle"\n\nconfig HAVE_BUS\n\tbool\n\ndefault_bus := n\n',
  'arch/kite/Kconfig': [
    'choice\n\tprompt "Word size"\n',
    'config 32BIT\n\tbool "32 bits"\n',
    'config 64BIT\n\tbool "64 bits"\n\tselect HAVE_BUS\n',
    'endchoice\n\nconfig HAVE_BUS\n\tbool\n',
  ].join('\n'),
  'drivers/Kconfig': [
    'config FORCE_BUS\n\tbool\n\tselect BUS\n',
    'menuconfig BUS\n\tbool "Bus support"\n\tdepends on HAVE_BUS\n\nif BUS\n',
    'config FAST\n\tbool "Fast wings"\n',
    'config SLOW\n\tbool "Slow wings"\n',
    'config WING\n\ttristate "Wing controller"\n\tdepends on 64BIT && !OLD_WING\n\tdepends on FAST || SLOW\n\tselect CRC_WING\n',
    'endif\n',
    'config OLD_WING\n\tbool "Wing controller of former times"\n',
    'config NR_WINGS\n\tint "Wings"\n\trange 2 4\n\tdefault 2\n',
    'choice\n\tprompt "Feathers"\n\nconfig LONG\n\tbool "Long"\n\nconfig SHORT\n\tbool "Short"\n\nendchoice\n',
    'config CRC_WING\n\ttristate\n\tdepends on CRC\n\nconfig CRC\n\tbool "Checksums"\n',
  ].join('\n'),
};
const ARCHS = ['eagle', 'hawk', 'kite', 'wren'];

function answers(ask: (solver: Solver, read: (text: string) => number) => Asked, archs = ARCHS): GroupedAnswer[] {
  return grouped(
    archs.map((arch) => {
      const { pool, model } = new Tiny(FILES, { env: { ARCH: arch } });
      const read = (text: string): number => {
        const parsed = parseQuestion(pool, text);
        if (!parsed.ok) throw new Error(parsed.why);
        return parsed.expr;
      };
      const { answer } = ask(new Solver(pool, model), read);
      return { arch, answer, ...('witness' in answer && { confirmedBy: 'conf' as const }) };
    }),
  );
}

const solve = (text: string) => answers((solver, read) => askPossible(solver, read(text)));
const implies = (a: string, b: string) => answers((solver, read) => askImplied(solver, read(a), read(b)));
const needs = (name: string, value?: 'm' | 'y') =>
  answers((solver) => askNeeds(solver, solver.pool.symbolId(name), value));

const GOLDEN: Readonly<Record<string, readonly [heading: string, groups: () => GroupedAnswer[]]>> = {
  solve: ['WING=y && !FAST', () => solve('WING=y && !FAST')],
  'solve-nothing-to-set': ['64BIT', () => solve('64BIT')],
  'solve-contradiction': ['FAST && !FAST', () => solve('FAST && !FAST')],
  'solve-undeclared': ['32BIT', () => solve('32BIT')],
  'solve-select': ['64BIT && !HAVE_BUS', () => solve('64BIT && !HAVE_BUS')],
  'solve-number': ['NR_WINGS > 4', () => solve('NR_WINGS > 4')],
  'solve-choice': ['LONG && SHORT', () => solve('LONG && SHORT')],
  implies: ['WING  implies  FAST || BUS=y', () => implies('WING', 'FAST || BUS=y')],
  'implies-not': ['BUS  implies  64BIT && FAST', () => implies('BUS', '64BIT && FAST')],
  needs: ['WING', () => needs('WING')],
  'needs-module': ['WING=m', () => needs('WING', 'm')],
  unknown: [
    'WING',
    () => [{ architectures: ['eagle'], verdict: 'unknown', undeclared: [], why: 'no answer after 30000 conflicts' }],
  ],
};

describe('the whole text', () => {
  test.each(Object.entries(GOLDEN))('%s', async (title, [heading, groups]) => {
    const text = renderAnswers(heading, groups(), { columns: 80, isColour: false });
    await expect(text).toMatchFileSnapshot(`../fixtures/answers/${title}.txt`);
  });
});

describe('lines', () => {
  test.each([40, 60, 80])('are no wider than %i columns, but those to be copied', (columns) => {
    for (const [heading, groups] of Object.values(GOLDEN)) {
      const text = renderAnswers(heading, groups(), { columns, isColour: false });
      expect(text).toMatch(/[^\n]\n$/);
      const copied = /^(cat|make|CONFIG_|# CONFIG_|: >)/;
      for (const line of text.split('\n').filter((one) => !copied.test(one)))
        expect(line.length, line).toBeLessThanOrEqual(columns);
    }
  });

  test('for a shell are what gives the configuration, whatever a value holds', () => {
    const kconfig = 'config A\n\tbool "A"\n\tdepends on NAME = "$`\'x"\n\nconfig NAME\n\tstring "Name"\n';
    const { pool, model } = new Tiny(kconfig);
    const { answer } = askPossible(new Solver(pool, model), pool.symbol(pool.symbolId('A')));
    const text = renderAnswers('A', grouped([{ arch: 'eagle', answer }]), { columns: 80, isColour: false });
    expect(text).toContain(
      "cat > .config <<'END'\nCONFIG_A=y\nCONFIG_NAME=\"$`'x\"\nEND\nmake ARCH=eagle olddefconfig\n",
    );
  });
});

test('of a long reason the first statements are printed, what the symbol is before all', () => {
  const users = Array.from(
    { length: 40 },
    (_, i) => `config U${i}\n\tbool "U"\n\tdepends on NOBODY\n\tselect HELP\n\n`,
  );
  const { pool, model } = new Tiny(`config NOBODY\n\tbool\n\nconfig HELP\n\tbool\n\n${users.join('')}`);
  const { answer } = askPossible(new Solver(pool, model), pool.symbol(pool.symbolId('HELP')));
  const text = renderAnswers('HELP', grouped([{ arch: 'eagle', answer }]), { columns: 80, isColour: false });
  expect(text).toContain('Not possible on eagle:\n\n  Kconfig:4: config HELP\n');
  const because = 'because' in answer ? answer.because : [];
  expect(text.match(/^ {2}Kconfig:/gm)).toHaveLength(30);
  expect(text).toMatch(new RegExp(`\n  and ${because.length - 30} more, which --json gives\n$`));
});

describe('colours', () => {
  test('change nothing but the colour, and are absent unless asked for', () => {
    for (const [heading, groups] of Object.values(GOLDEN)) {
      const coloured = renderAnswers(heading, groups(), { columns: 80, isColour: true });
      const text = renderAnswers(heading, groups(), { columns: 80, isColour: false });
      expect(stripVTControlCharacters(coloured)).toBe(text);
      expect(coloured).not.toBe(text);
      expect(text).not.toContain('\u001b');
    }
  });
});

describe('a hostile tree', () => {
  test('does not reach the terminal', () => {
    const kconfig = 'config A\n\tbool "A"\n\tdepends on B # \u001b[2J\u202e\n';
    const { pool, model } = new Tiny(kconfig);
    const { answer } = askPossible(new Solver(pool, model), pool.symbol(pool.symbolId('A')));
    const text = renderAnswers('A \u001b[2J', grouped([{ arch: 'eagle', answer }]), { columns: 80, isColour: false });
    expect(text).toContain('depends on B # \ufffd[2J');
    expect(text).not.toMatch(/[\u001b\u202e]/);
  });
});

describe('grouping', () => {
  test('is of equal answers only', () => {
    expect(solve('64BIT').map(({ verdict, architectures }) => [verdict, architectures])).toEqual([
      ['possible', ['eagle', 'hawk']],
      ['possible', ['kite']],
      ['impossible', ['wren']],
    ]);
    const { answer } = { answer: { verdict: 'unknown', undeclared: [], why: 'x' } as const };
    const groups = grouped([
      { arch: 'a', answer },
      { arch: 'b', answer, confirmedBy: 'conf' },
      { arch: 'c', answer: { ...answer, why: 'y' } },
      { arch: 'd', answer },
    ]);
    expect(groups.map(({ architectures }) => architectures)).toEqual([['a', 'd'], ['b'], ['c']]);
  });
});

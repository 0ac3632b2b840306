import { describe, expect, it } from 'vitest';
import { fixture, Tiny } from './tiny-kconfig.ts';

const config = (name: string, ...properties: string[]): string =>
  `config ${name}\n\tbool "${name}"\n${properties.map((p) => `\t${p}\n`).join('')}\n`;

/** `A depends on B @3` for each step of each circle. */
function circles(text: string): string[][] {
  return new Tiny(text)
    .cycles()
    .map(({ steps }) => steps.map(({ symbol, relation, next, line }) => `${symbol} ${relation} ${next} @${line}`));
}

describe('the fixture with every kind of circle', () => {
  const tiny = new Tiny({ Kconfig: fixture('cycles/Kconfig'), 'Kconfig.choice': fixture('cycles/Kconfig.choice') });

  it('is reported in the words of conf, byte for byte', () => {
    expect(
      tiny
        .cycles()
        .map(({ stderr }) => stderr)
        .join(''),
    ).toBe(fixture('cycles/expected_stderr'));
  });

  it('leaves out what only seems to be one', () => {
    const symbols = tiny.cycles().flatMap(({ steps }) => steps.map(({ symbol }) => symbol));
    expect(symbols).toContain('MAYBE');
    expect(symbols).not.toContain('NEVER');
  });

  it('names the file and line of the property behind each step', () => {
    const steps = tiny
      .cycles()
      .flatMap((cycle) =>
        cycle.steps.map(({ symbol, relation, next, path, line }) => `${path}:${line} ${symbol} ${relation} ${next}`),
      );
    expect(steps).toEqual([
      'Kconfig:9 SELF depends on SELF',
      'Kconfig:13 FIRST depends on SECOND',
      'Kconfig:14 SECOND is selected by FIRST',
      'Kconfig:21 LEFT depends on RIGHT',
      'Kconfig:22 RIGHT is implied by LEFT',
      'Kconfig:28 PROMPT has a prompt that depends on WAITER',
      'Kconfig:32 WAITER takes its default from PROMPT',
      'Kconfig:36 NUMBER has a range that depends on NUMBER',
      'Kconfig.choice:7 <choice> has the member TWO',
      'Kconfig.choice:9 TWO depends on HELPER',
      'Kconfig.choice:15 HELPER depends on ONE',
      'Kconfig.choice:4 ONE is a member of <choice>',
      'Kconfig.choice:18 BOX has a prompt that depends on LID',
      'Kconfig.choice:20 LID depends on BOX',
      'Kconfig:46 MAYBE depends on MAYBE',
    ]);
  });
});

describe('a circle', () => {
  it('closes with its first symbol', () => {
    const [cycle] = new Tiny(
      config('A', 'depends on B') + config('B', 'depends on C') + config('C', 'depends on A'),
    ).cycles();
    expect(cycle!.steps.map(({ next }) => next)).toEqual(['B', 'C', 'A']);
    for (const [i, { next }] of cycle!.steps.entries()) expect(next).toBe(cycle!.steps[(i + 1) % 3]!.symbol);
  });

  it('through an enclosing block has the line of the block', () => {
    expect(circles(`if A\n${config('B')}endif\n${config('A', 'depends on B')}`)).toEqual([
      ['B depends on A @1', 'A depends on B @8'],
    ]);
    expect(circles(`menu "m"\n\tdepends on A\n${config('A')}endmenu\n`)).toEqual([['A depends on A @2']]);
  });

  it('through the condition of a select has the line of the select', () => {
    expect(circles(config('A', 'select B if C') + config('B') + config('C', 'depends on B'))).toEqual([
      ['B is selected under a condition on C @3', 'C depends on B @10'],
    ]);
  });

  it('through the condition of a prompt, a default or a range names the property; through that of its block, the block', () => {
    const [b, c] = [config('B', 'depends on C'), 'config C\n\tint\n'];
    expect(circles(`${b}${c}\tprompt "c" if B\n`)).toEqual([
      ['B depends on C @3', 'C has a prompt that depends on B @7'],
    ]);
    expect(circles(`${b}${c}\tdefault 1 if B\n`)).toEqual([
      ['B depends on C @3', 'C has a default that depends on B @7'],
    ]);
    expect(circles(`${b}${c}\trange 1 2 if B\n`)).toEqual([
      ['B depends on C @3', 'C has a range that depends on B @7'],
    ]);
    expect(circles(`${b}${c}\tdepends on B\n\trange 1 2\n`)).toEqual([['B depends on C @3', 'C depends on B @7']]);
  });

  it('through the condition of an imply has the line of the imply, and not that of a select beside it', () => {
    expect(
      circles(config('A', 'select D', 'imply B if C') + config('B') + config('C', 'depends on B') + config('D')),
    ).toEqual([['B is implied under a condition on C @4', 'C depends on B @11']]);
  });

  it('through a choice names it, and only there', () => {
    const cycles = new Tiny(
      `choice\n\tprompt "c" if X\n${config('A')}endchoice\n${config('X', 'depends on A')}${config('S', 'depends on S')}`,
    ).cycles();
    expect(cycles.map(({ steps }) => steps.map(({ choice }) => choice))).toEqual([
      ['Kconfig:1', undefined, 'Kconfig:1'],
      [undefined],
    ]);
    expect(cycles[0]!.steps.map(({ relation, line }) => `${relation} @${line}`)).toEqual([
      'has a prompt that depends on @2',
      'depends on @9',
      'is a member of @3',
    ]);
  });

  it('is found once, wherever the walk begins', () => {
    expect(
      circles(
        config('X', 'depends on A') +
          config('A', 'depends on B') +
          config('B', 'depends on A') +
          config('Y', 'depends on B'),
      ),
    ).toEqual([['A depends on B @7', 'B depends on A @11']]);
  });

  it('beside another one is found as well', () => {
    expect(circles(config('A', 'select A') + config('B', 'imply B'))).toEqual([
      ['A is selected by A @3'],
      ['B is implied by B @7'],
    ]);
  });

  it('through an undeclared symbol counts', () => {
    expect(circles(config('A', 'select GHOST', 'depends on GHOST'))).toEqual([
      ['A depends on GHOST @4', 'GHOST is selected by A @3'],
    ]);
  });

  it('through MODULES is found behind a literal m', () => {
    const text = `config MODULES\n\tbool "m"\n\tmodules\n\tdepends on T\nconfig T\n\ttristate "t"\n`;
    expect(circles(text)).toEqual([]);
    expect(circles(`${text}\tdepends on m\n`)).toEqual([['MODULES depends on T @4', 'T depends on MODULES @7']]);
  });

  it('inside a choice is one between members', () => {
    const choice = (...properties: string[]): string =>
      `choice\n\tprompt "c"\n${config('A')}${config('B', ...properties)}endchoice\n`;
    expect(circles(choice())).toEqual([]);
    expect(circles(choice('depends on A'))).toEqual([
      ['<choice> has the member B @6', 'B depends on A @8', 'A is a member of <choice> @3'],
    ]);
  });
});

describe('no circle', () => {
  it.each([
    ['a long way', config('A', 'depends on B') + config('B', 'depends on C') + config('C')],
    ['a select of what nothing needs', config('A', 'select B') + config('B')],
    [
      'two ways to the same',
      config('A', 'depends on B && C') + config('B', 'depends on D') + config('C', 'depends on D') + config('D'),
    ],
    ['a range with its own bounds', 'config A\n\tint\nconfig B\n\tint\n\trange A 9\n\tdefault A\n'],
    ['a range bound that is itself', 'config A\n\tint\n\trange A 9\n'],
    ['a default of a choice', `choice\n\tprompt "c"\n\tdefault B\n${config('A')}${config('B')}endchoice\n`],
    ['a dependency that simplifies away', config('A', 'depends on A || !A')],
    ['a condition that is never true', config('A', 'depends on B && n') + config('B', 'depends on A')],
  ])('is in %s', (_what, text) => {
    expect(circles(text)).toEqual([]);
  });

  it('needs many steps for ten thousand symbols in a row; with one back, it is found', () => {
    const row = Array.from({ length: 10_000 }, (_, i) => config(`S${i}`, `depends on S${i + 1}`)).join('');
    expect(new Tiny(row).cycles()).toEqual([]);
    const [cycle] = new Tiny(row + config('S10000', 'depends on S0')).cycles();
    expect(cycle!.steps).toHaveLength(10_001);
  });
});

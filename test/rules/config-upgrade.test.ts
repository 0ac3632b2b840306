import { describe, expect, test } from 'vitest';
import rule from '../../rules/config-upgrade.ts';
import type { Candidate } from '../../rules/rule.ts';
import { sides } from '../support/kconfig-pair.ts';
import { fakeConf, runRule } from '../support/rule-run.ts';

const defconfigs = (texts: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [
      `arch/x86/configs/${name}`,
      text.startsWith('CONFIG_') ? text : text.replace(/(\w+=\S+) ?/g, 'CONFIG_$1\n'),
    ]),
  );

async function candidates(
  kconfig: string,
  configs: Record<string, string>,
  after: Record<string, string> = {},
): Promise<readonly Candidate[]> {
  const [Kconfig, changed] = sides(kconfig);
  const files = defconfigs(configs);
  return runRule(rule, { Kconfig, ...files }, { Kconfig: changed, ...files, ...defconfigs(after) });
}

const P = 'config P\n\tbool "p"\n\n';
const LOSS = `${P}config A\n\tbool "a"\n{/\tdepends on P\n}`;

describe('configurations', () => {
  test('are counted and grouped, the examples sorted', async () => {
    const [one] = await candidates(LOSS, {
      b_defconfig: 'A=y',
      a_defconfig: 'A=y',
      c_defconfig: 'A=y P=y',
      d_defconfig: 'P=y',
    });
    expect(one?.claim).toMatchObject({
      symbol: 'A',
      from: 'y',
      to: 'n',
      configs: {
        count: 2,
        total: 4,
        groups: [{ label: 'x86 defconfigs', count: 2, examples: ['a_defconfig', 'b_defconfig'] }],
      },
    });
    expect(one?.witness).toEqual({ arch: 'x86', from: 'arch/x86/configs/a_defconfig', settings: [] });
  });

  test('that do not have the symbol give nothing', async () => {
    expect(await candidates(LOSS, { c_defconfig: 'A=y P=y', d_defconfig: 'P=y' })).toEqual([]);
  });

  test('that the series changes itself give nothing', async () => {
    expect(await candidates(LOSS, { a_defconfig: 'A=y' }, { a_defconfig: 'A=y P=y' })).toEqual([]);
    expect(await candidates(LOSS, { a_defconfig: 'A=y' }, { a_defconfig: 'P=y' })).toEqual([]);
    expect(await candidates(LOSS, { a_defconfig: 'A=y' }, { a_defconfig: 'A=y X=y' })).toHaveLength(1);
  });
});

describe('one line', () => {
  const drivers = Array.from({ length: 15 }, (_, i) => `config D${i}\n\tbool "d"\n\n`).join('');
  const many = `${P}{/if P\n}${drivers}{/endif\n}`;
  const each = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`${i}_defconfig`, `D${i}=y`]));

  test('is one finding, however many symbols it takes away', async () => {
    const found = await candidates(many, { all_defconfig: 'D0=y D1=y D2=y' });
    expect(found.map(({ claim }) => [claim.symbol, claim.alsoChanged])).toEqual([
      [
        'D0',
        [
          { symbol: 'D1', from: 'y', to: 'n', count: 1 },
          { symbol: 'D2', from: 'y', to: 'n', count: 1 },
        ],
      ],
    ]);
    expect(found[0]?.claim).toMatchObject({ isOneLine: true, notTried: [], configs: { elsewhere: 0 } });
  });

  test('is two findings with two lines', async () => {
    const found = await candidates(
      `${P}config A\n\tbool "a"\n{/\tdepends on P\n}\nconfig B\n\tbool "b"\n{/\tdepends on P\n}`,
      { a_defconfig: 'A=y B=y' },
    );
    expect(found.map(({ anchor, symbols }) => [symbols, anchor.line]).sort()).toEqual([
      [['A'], 6],
      [['B'], 10],
    ]);
  });

  test('is tried in twelve configurations at most, and names what was not tried', async () => {
    const [one] = await candidates(many, each);
    const conf = fakeConf(() => ({}));
    await one?.confirm(conf);
    expect(one?.claim['alsoChanged']).toHaveLength(11);
    expect(one?.claim['notTried']).toHaveLength(3);
    expect(conf.asked).toHaveLength(24);
  });

  test('is tried in those configurations that show most of it', async () => {
    const all = Array.from({ length: 15 }, (_, i) => `D${i}=y `).join('');
    const [one] = await candidates(many, { ...each, z_defconfig: all });
    const conf = fakeConf(() => ({}));
    await one?.confirm(conf);
    expect(one?.claim['alsoChanged']).toHaveLength(14);
    expect(one?.claim['notTried']).toEqual([]);
    expect(conf.asked).toHaveLength(4);
  });

  test('is tried in three where no configuration asks for more', async () => {
    const helpers = Array.from(
      { length: 5 },
      (_, i) => `config S${i}\n\tbool "s"\n\tselect H${i} if A\n\nconfig H${i}\n\tbool\n\n`,
    ).join('');
    const [one] = await candidates(
      `${LOSS}\n${helpers}`,
      Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`${i}_defconfig`, `A=y S${i}=y`])),
    );
    const conf = fakeConf(() => ({}));
    await one?.confirm(conf);
    expect(one?.claim['alsoChanged']).toHaveLength(3);
    expect(one?.claim['notTried']).toHaveLength(2);
    expect(conf.asked).toHaveLength(6);
  });
});

describe('several lines', () => {
  const moved = (name: string): string => `config ${name}\n\tbool "k"\n\t{select/depends on} LIB\n\n`;
  const LIB = 'config LIB\n\tbool "lib"\n\n';

  test('that take a library away together have each a part in it', async () => {
    const found = await candidates(`${LIB}${moved('K')}${moved('L')}`, { a_defconfig: 'K=y L=y', b_defconfig: 'K=y' });
    const k = found.find(({ claim }) => claim['symbol'] === 'K')?.claim;
    expect(k).toMatchObject({
      cause: {
        isSole: false,
        explanation: 'K now needs LIB, which is n in a_defconfig with the series and y without it',
      },
      isOneLine: false,
      // By way of K in one configuration, by way of L or K in the other.
      alsoChanged: [{ symbol: 'LIB', count: 2 }],
    });
  });

  test('have no part in what one does alone', async () => {
    const [one] = await candidates(`${P}${LIB}config K\n\tbool "k"\n\tselect LIB\n{/\tdepends on P\n}`, {
      a_defconfig: 'K=y',
    });
    expect(one?.claim).toMatchObject({
      symbol: 'K',
      cause: { isSole: true, explanation: 'K now needs P, which is n in a_defconfig' },
      isOneLine: true,
      alsoChanged: [{ symbol: 'LIB', count: 1 }],
    });
  });

  test('with the same effect are counted apart', async () => {
    const text = `${P}config D\n\tbool "d"\n{/\tdepends on P\n}\nconfig E\n\tbool "e"\n{/\tdepends on P\n}\nconfig A\n\tbool "a"\n\tdepends on D || E\n`;
    const found = await candidates(text, {
      a_defconfig: 'D=y A=y',
      b_defconfig: 'E=y A=y',
      c_defconfig: 'D=y E=y A=y',
    });
    expect(found.map(({ claim }) => [claim['symbol'], claim['alsoChanged'], claim['isOneLine']])).toEqual([
      ['D', [{ symbol: 'A', from: 'y', to: 'n', count: 3 }], false],
      ['E', [{ symbol: 'A', from: 'y', to: 'n', count: 1 }], true],
    ]);
  });
});

describe('y and m', () => {
  const M = 'config MODULES\n\tbool "modules"\n\tmodules\n\n';

  test('that become n are one loss', async () => {
    const text = `${M}${P}config A\n\ttristate "a"\n{/\tdepends on P\n}`;
    const [one, ...more] = await candidates(text, { a_defconfig: 'MODULES=y A=m', b_defconfig: 'A=y' });
    expect(one?.claim).toMatchObject({ from: 'y or m', to: 'n', configs: { count: 2 }, alsoChanged: [] });
    expect(more).toEqual([]);
  });

  describe('that become several values', () => {
    const text = `${M}config LIB\n\ttristate\n\nconfig K\n\ttristate "k"\n\tselect LIB\n\nconfig A\n\ttristate "a"\n\t{select/depends on} LIB\n\n`;
    const two = { a_defconfig: 'MODULES=y A=y', b_defconfig: 'MODULES=y A=y', c_defconfig: 'MODULES=y A=y K=m' };

    test('are told of the one symbol, not of others that change', async () => {
      const [one, ...more] = await candidates(text, two);
      expect(one?.claim).toMatchObject({
        symbol: 'A',
        to: 'n',
        configs: { count: 2 },
        otherValues: [{ symbol: 'A', from: 'y', to: 'm', count: 1 }],
      });
      expect((one!.claim['alsoChanged'] as { symbol: string }[]).map(({ symbol }) => symbol)).toEqual(['LIB', 'LIB']);
      expect(more).toEqual([]);
    });

    test('are confirmed, as the others are', async () => {
      const [one] = await candidates(text, two);
      const agreed = async (module: string): Promise<boolean[]> => {
        const conf = fakeConf((side, config) => {
          if (side === 'before') return { config: 'CONFIG_A=y\nCONFIG_LIB=y\n' };
          return { config: config.includes('K=m') ? `CONFIG_A=${module}\nCONFIG_LIB=m\n` : '' };
        });
        return (await one!.confirm(conf)).map(({ agrees }) => agrees);
      };
      expect(await agreed('m')).toEqual([true, true, true, true]);
      expect(await agreed('y')).toEqual([true, true, true, false]);
    });

    test('are none where all become the same', async () => {
      const [one] = await candidates(text, { a_defconfig: 'MODULES=y A=y', b_defconfig: 'MODULES=y A=y' });
      expect(one?.claim).toMatchObject({ to: 'n', otherValues: [] });
    });
  });

  test.each(['\n', '\r\n'])('a tristate that becomes bool is lost where it was m (%j)', async (eol) => {
    const text = `${M}config A\n\t{tristate/bool} "a"\n`;
    const config = ['CONFIG_MODULES=y', 'CONFIG_A=m', ''].join(eol);
    const [one, ...more] = await candidates(text, { a_defconfig: config, b_defconfig: 'MODULES=y A=y' });
    expect(one?.claim).toMatchObject({
      symbol: 'A',
      from: 'm',
      to: 'n',
      configs: { count: 1 },
      cause: { explanation: 'A can no longer be m, which a_defconfig asks for', text: 'bool "a"', isSole: true },
    });
    expect(more).toEqual([]);
  });

  test('a bool that becomes tristate, or m that becomes y by a default, is no loss', async () => {
    expect(await candidates(`${M}config A\n\t{bool/tristate} "a"\n`, { a_defconfig: 'MODULES=y A=y' })).toEqual([]);
    const text = `${M}config A\n\t{tristate/bool} "a"\n\tdefault y\n`;
    expect(await candidates(text, { a_defconfig: 'MODULES=y A=m' })).toEqual([]);
  });
});

describe('what the series says itself', () => {
  test.each([
    ['a new select', 'config S\n\tbool "s"\n{/\tselect A\n}\nconfig A\n\tbool "a"\n', 'S=y'],
    ['another default', 'config A\n\tbool "a"\n\tdefault {y/n}\n', 'S=y'],
    ['a default that goes', 'config A\n\tbool "a"\n{\tdefault y\n/}', 'S=y'],
    ['a new imply', 'config S\n\tbool "s"\n{/\timply A\n}\nconfig A\n\tbool "a"\n', 'S=y'],
    [
      'an imply that goes, where it was not needed',
      'config S\n\tbool "s"\n{\timply A\n/}\nconfig A\n\tbool "a"\n',
      'S=y A=y',
    ],
    ['a helper that goes with who selected it', '{config S\n\tbool "s"\n\tselect A\n\n/}config A\n\tbool\n', 'S=y'],
    ['a range, where nobody chose', 'config A\n\tint "a"\n\tdefault 50\n\trange 1 {90/10}\n', 'S=y'],
    ['a gain of what cannot be set', 'config P\n\tbool "p"\n\nconfig A\n\tdef_bool y\n{\tdepends on P\n/}', 'S=y'],
  ])('%s is no finding', async (_, text, config) => {
    expect(await candidates(text, { a_defconfig: config })).toEqual([]);
  });

  test.each([
    ['a select that goes, of a helper', 'config S\n\tbool "s"\n{\tselect A\n/}\nconfig A\n\tbool\n', 'S=y'],
    ['an imply that goes', 'config S\n\tbool "s"\n{\timply A\n/}\nconfig A\n\tbool "a"\n', 'S=y'],
    [
      'a select that goes, of what has a prompt',
      'config S\n\tbool "s"\n{\tselect A\n/}\nconfig A\n\tbool "a"\n',
      'S=y',
    ],
    ['a range, where somebody chose', 'config A\n\tint "a"\n\trange 1 {90/10}\n', 'A=50'],
    [
      'a gain of what can be set',
      'config P\n\tbool "p"\n\nconfig A\n\tbool "a"\n{\tdepends on P\n/}\tdefault y\n',
      'S=y',
    ],
    [
      'a loss behind a default',
      'config D\n\tbool "d"\n\tdefault {y/n}\n\nconfig A\n\tbool "a"\n\tdepends on D\n',
      'A=y',
    ],
  ])('%s is one', async (_, text, config) => {
    expect((await candidates(text, { a_defconfig: config })).map(({ claim }) => claim.symbol)).toEqual(['A']);
  });

  test('a configuration that asks for the new value has no loss', async () => {
    const text = 'config S\n\tbool "s"\n{\tselect A\n/}\nconfig A\n\tbool "a"\n';
    expect(await candidates(text, { a_defconfig: 'S=y\n# CONFIG_A is not set\n' })).toEqual([]);
  });
});

describe('a key', () => {
  test('does not change with the lines', async () => {
    const [one] = await candidates(LOSS, { a_defconfig: 'A=y' });
    const [moved] = await candidates(`# one\n# two\n\n${LOSS}`, { a_defconfig: 'A=y', b_defconfig: 'A=y' });
    expect(moved?.key).toBe(one?.key);
  });
});

describe('conf', () => {
  const run = async (before: string, after: string, exitCode = 0) => {
    const [one] = await candidates(LOSS, { a_defconfig: 'A=y' });
    return one?.confirm(fakeConf((side) => ({ exitCode, config: side === 'before' ? before : after })));
  };

  test('agrees where both sides come out as claimed', async () => {
    expect(await run('CONFIG_A=y\n', '# CONFIG_A is not set\n')).toMatchObject([
      { rung: 2, side: 'before', agrees: true, excerpt: 'CONFIG_A=y' },
      { rung: 2, side: 'after', agrees: true, excerpt: '# CONFIG_A is not set' },
    ]);
    // No line at all is n as well.
    expect((await run('CONFIG_A=y\n', ''))?.map(({ agrees }) => agrees)).toEqual([true, true]);
  });

  test.each([
    ['the value before', 'CONFIG_A=m\n', '', 0, [false, true]],
    ['the value after', 'CONFIG_A=y\n', 'CONFIG_A=y\n', 0, [true, false]],
    ['the exit code', 'CONFIG_A=y\n', '', 1, [false, false]],
    ['a longer name', 'CONFIG_AA=y\n', '', 0, [false, true]],
  ])('disagrees by %s', async (_, before, after, exitCode, agrees) => {
    expect((await run(before, after, exitCode))?.map((attempt) => attempt.agrees)).toEqual(agrees);
  });
});

describe('the same line of several architectures', () => {
  const archs = ['arm', 'mips', 'x86'] as const;
  const Kconfig =
    'source "arch/$(SRCARCH)/Kconfig"\nconfig HAVE_BUS\n\tbool\n\nconfig BUS\n\tbool "bus"\n\tdepends on HAVE_BUS\n';
  const of = (line: (arch: string) => string): Record<string, string> =>
    Object.fromEntries(
      archs.map((arch) => [`arch/${arch}/Kconfig`, `config ON_${arch}\n\tdef_bool y\n${line(arch)}\n`]),
    );
  const configs = Object.fromEntries(archs.map((arch) => [`arch/${arch}/configs/a_defconfig`, 'CONFIG_BUS=y\n']));
  const found = (before: (arch: string) => string): Promise<readonly Candidate[]> =>
    runRule(rule, { Kconfig, ...of(before), ...configs }, { Kconfig, ...of(() => ''), ...configs }, archs);

  test('is told once, under what its user sets, with each place', async () => {
    const [one, ...others] = await found(() => '\tselect HAVE_BUS\n');
    expect(others).toEqual([]);
    expect(one?.claim).toMatchObject({ symbol: 'BUS', configs: { count: 3, elsewhere: 0, total: 3 } });
    const { cause } = one!.claim as { cause: { path: string; alike: unknown; moreAlike: number } };
    expect(cause).toMatchObject({ path: 'arch/x86/Kconfig', moreAlike: 0 });
    expect(cause.alike).toEqual([
      { path: 'arch/arm/Kconfig', line: 3 },
      { path: 'arch/mips/Kconfig', line: 3 },
    ]);
  });

  test('is shown to conf at each of them', async () => {
    const [one] = await found(() => '\tselect HAVE_BUS\n');
    const conf = fakeConf((side) => ({ config: side === 'before' ? 'CONFIG_BUS=y\nCONFIG_HAVE_BUS=y\n' : '' }));
    expect((await one!.confirm(conf)).every(({ agrees }) => agrees)).toBe(true);
    expect(conf.asked.map((asked) => asked.split(' ').slice(0, 2).join(' ')).sort()).toEqual(
      archs.flatMap((arch) => [`after ${arch}`, `before ${arch}`]).sort(),
    );
  });

  test('is two comments where it is another line', async () => {
    const two = await found((arch) => `\tselect HAVE_BUS${arch === 'mips' ? ' if ON_mips' : ''}\n`);
    expect(two).toHaveLength(2);
  });
});

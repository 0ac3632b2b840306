import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { renderExplanation, renderUndeclared, whyText } from '../../bot/kconfig-explain.ts';
import { buildModel } from '../../rules/kconfig/build-model.ts';
import { explain } from '../../rules/kconfig/explain.ts';
import type { ExplainOptions, Explanation } from '../../rules/kconfig/explanation.ts';
import { ExprPool } from '../../rules/kconfig/expr.ts';
import { applyMode } from '../../rules/kconfig/modes.ts';
import { type KconfigFile, KconfigParser } from '../../rules/kconfig/parse.ts';
import { Values } from '../../rules/kconfig/values.ts';

type Files = Readonly<Record<string, string>>;

function explained(files: Files, config: string, name: string, options?: ExplainOptions): Explanation {
  const pool = new ExprPool();
  const parser = new KconfigParser(pool);
  const file = (path: string): KconfigFile | undefined => {
    const text = files[path];
    return text === undefined ? undefined : parser.parseFile(text);
  };
  const values = new Values(pool, buildModel({ pool, file, world: { env: {}, shell: () => '' } }));
  applyMode(values, 'olddefconfig', { config });
  const result = explain(values, name, options);
  if (!result.ok) throw new Error(renderUndeclared(result));
  return result.explanation;
}

/** A small kernel: a bus, a driver behind it, a library that is selected. */
const TREE: Files = {
  Kconfig: [
    'config MODULES\n\tbool "Enable loadable module support"\n\tmodules\n',
    'source "drivers/Kconfig"',
    'source "lib/Kconfig"',
    'source "kernel/Kconfig.speed"\n',
  ].join('\n'),
  'drivers/Kconfig': [
    'menu "Device Drivers"\n',
    'config HAS_IOMEM\n\tdef_bool y\n',
    'menuconfig BUS\n\tbool "Bus support"\n\tdepends on POWER\n\thelp\n\t  Nothing works without a bus.\n',
    'config POWER\n\tbool "Power"\n',
    'if HAS_IOMEM\n\nsource "drivers/wing/Kconfig"\n\nendif\nendmenu\n',
  ].join('\n'),
  'drivers/wing/Kconfig': [
    'config WING\n\ttristate "Wing controller" if EXPERT || !QUIET\n\tdepends on BUS && (FAST || SLOW)\n\tselect CRC_WING',
    '\timply WING_LEDS if BUS\n\thelp\n\t  This driver moves the wing. It is needed on all aircraft whose wing is not',
    '\t  moved by hand.\n\n\t  If unsure, say N.\n',
    'config WING_LEDS\n\tbool "Lights on the wing"\n\tdepends on LEDS\n',
    'config FAST\n\tbool "Fast wings"\n',
    'config SLOW\n\tbool\n\tdefault y if !BUS\n',
    'config EXPERT\n\tbool "Expert"\n',
    'config QUIET\n\tbool "Quiet"\n',
  ].join('\n'),
  'lib/Kconfig': [
    'config CRC_WING\n\ttristate\n\tdepends on CRYPTO\n',
    'config CRYPTO\n\ttristate "Crypto"\n',
    ...Array.from({ length: 14 }, (_, i) => `config USER_${i}\n\ttristate "User ${i}"\n\tselect CRC_WING\n`),
    'config NR_WINGS\n\tint "Number of wings"\n\trange 2 8 if !EXPERT\n\trange 1 64\n\tdefault 6 if FAST\n\tdefault 2\n',
    'config WING_NAME\n\tstring "Name of the wing"\n\tdefault "left hand"\n',
  ].join('\n'),
  'kernel/Kconfig.speed': [
    'choice\n\tprompt "Speed of the wing"\n\tdefault SPEED_LOW\n',
    'config SPEED_LOW\n\tbool "Low"\n',
    'config SPEED_HIGH\n\tbool "High"\n',
    'config SPEED_TURBO\n\tbool "Turbo"\n\tdepends on FAST\n',
    'endchoice\n',
  ].join('\n'),
};

const plain = { columns: 80, isColour: false };

const GOLDEN = [
  ['hidden', 'CONFIG_WING=y\n', 'WING', { depth: 2 }],
  ['set', 'CONFIG_MODULES=y\nCONFIG_POWER=y\nCONFIG_BUS=y\nCONFIG_FAST=y\nCONFIG_WING=m\n', 'WING', {}],
  ['unmet', 'CONFIG_MODULES=y\nCONFIG_USER_3=m\n', 'CRC_WING', {}],
  ['number', 'CONFIG_NR_WINGS=900\n', 'NR_WINGS', {}],
  ['string', '', 'WING_NAME', {}],
  ['choice-lost', 'CONFIG_SPEED_TURBO=y\n', 'SPEED_TURBO', {}],
  ['choice-won', '', 'SPEED_LOW', {}],
] as const;

describe('the whole text', () => {
  test.each(GOLDEN)('%s', async (title, config, name, options) => {
    const e = explained(TREE, config, name, options);
    await expect(renderExplanation(e, plain)).toMatchFileSnapshot(`../fixtures/explain/${title}.txt`);
  });

  test('several declarations each have their dependency', async () => {
    const files = {
      Kconfig: 'source "arch/a/Kconfig"\nsource "mm/Kconfig"\n',
      'arch/a/Kconfig': 'config PAGES\n\tdef_bool y\n\tdepends on SMALL\n\nconfig SMALL\n\tbool "small"\n',
      'mm/Kconfig':
        'config PAGES\n\tbool\n\nconfig PAGES\n\tbool "Pages"\n\tdepends on !SMALL && BIG != "x"\n\nconfig BIG\n\tstring\n',
    };
    const text = renderExplanation(explained(files, 'CONFIG_SMALL=y\n', 'PAGES'), plain);
    await expect(text).toMatchFileSnapshot('../fixtures/explain/declarations.txt');
  });
});

describe('lines', () => {
  test.each([40, 60, 80, 120])('are no wider than %i columns', (columns) => {
    for (const [, config, name, options] of GOLDEN) {
      const text = renderExplanation(explained(TREE, config, name, options), { columns, isColour: false });
      expect(text.endsWith('\n')).toBe(true);
      for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(columns);
    }
  });

  test('a symbol is not parted from its value', () => {
    const text = renderExplanation(explained(TREE, '', 'WING'), { columns: 40, isColour: false });
    expect(text).toContain('[=n]');
    expect(text).not.toMatch(/^ *\[/m);
    expect(text).not.toMatch(/[^\S\n]$/m);
  });

  test('a terminal that says it has no width still gets 40 columns', () => {
    const e = explained(TREE, '', 'WING');
    expect(renderExplanation(e, { columns: 0, isColour: false })).toBe(
      renderExplanation(e, { columns: 40, isColour: false }),
    );
  });
});

describe('colours', () => {
  test('change nothing but the colour, and are absent unless asked for', () => {
    for (const [, config, name, options] of GOLDEN) {
      const e = explained(TREE, config, name, options);
      const coloured = renderExplanation(e, { columns: 80, isColour: true });
      const text = renderExplanation(e, plain);
      expect(stripVTControlCharacters(coloured)).toBe(text);
      expect(coloured).not.toBe(text);
      expect(text).not.toContain('\u001b');
    }
  });

  test('y is green, m yellow, n red, and positions are dim', () => {
    const coloured = renderExplanation(explained(TREE, 'CONFIG_MODULES=y\nCONFIG_USER_3=m\n', 'CRC_WING'), {
      columns: 80,
      isColour: true,
    });
    expect(coloured).toContain('\u001b[33m[=m]\u001b[39m');
    expect(coloured).toContain('\u001b[31m[=n]\u001b[39m');
    expect(coloured).toContain('\u001b[2mlib/Kconfig:1\u001b[22m');
    const set = renderExplanation(explained(TREE, '', 'HAS_IOMEM'), { columns: 80, isColour: true });
    expect(set).toContain('\u001b[32m[=y]\u001b[39m');
  });

  test('control characters of a tree do not reach the terminal, other letters do', () => {
    const prompt = '\u001b[31mred \u0007\u202egnihton Größe';
    const kconfig = Buffer.from(
      `config FOO\n\tbool "${prompt}"\n\thelp\n\t  \u001b]0;title\u0007 x\n`,
      'utf8',
    ).toString('latin1');
    for (const isColour of [false, true]) {
      const text = renderExplanation(explained({ Kconfig: kconfig }, '', 'FOO'), { columns: 80, isColour });
      expect(text).toContain('Größe');
      expect(stripVTControlCharacters(text)).toContain('[31mred');
      expect(text).not.toMatch(/\u0007|\u202e|\u001b\[31mred|\u001b\]/);
    }
  });
});

describe('why', () => {
  const MODULES = 'config MODULES\n\tbool "modules"\n\tmodules\n';
  const BAR = 'config BAR\n\tbool "bar"\n';
  const cases: readonly (readonly [kconfig: string, config: string, why: string])[] = [
    ['config FOO\n\tbool "foo"\n', 'CONFIG_FOO=y\n', 'y because the user set it'],
    ['config FOO\n\tbool "foo"\n', '', 'n: not set by the user; no default applies and nothing selects it'],
    ['config FOO\n\tbool\n', '', 'n: no default applies and nothing selects it'],
    ['config FOO\n\tbool\n', 'CONFIG_FOO=y\n', 'n although the user set y: it has no prompt, so a user cannot set it'],
    [
      `${BAR}config FOO\n\tbool "foo"\n\tdepends on BAR\n`,
      'CONFIG_FOO=y\n',
      'n although the user set y: not visible, because BAR [=n] (Kconfig:1)',
    ],
    [
      `${BAR}config FOO\n\tbool "foo"\n\tdepends on BAR\n`,
      '',
      'n: not visible, because BAR [=n] (Kconfig:1); no default applies and nothing selects it',
    ],
    [
      'config FOO\n\tbool "foo"\n\tdepends on GONE && n\n',
      'CONFIG_FOO=y\n',
      'n although the user set y: not visible, because GONE [undeclared] and n (Kconfig:3)',
    ],
    [
      `${MODULES}config BAR\n\ttristate "bar"\nconfig FOO\n\ttristate "foo"\n\tdepends on BAR\n`,
      'CONFIG_MODULES=y\nCONFIG_BAR=m\nCONFIG_FOO=y\n',
      'm although the user set y: visible up to m, because BAR [=m] (Kconfig:4)',
    ],
    [
      `${MODULES}config FOO\n\ttristate "foo"\n`,
      'CONFIG_FOO=m\n',
      'y although the user set m: modules are off, and m counts as y',
    ],
    [
      `${BAR}\tselect FOO\nconfig FOO\n\tbool "foo"\n`,
      'CONFIG_BAR=y\n# CONFIG_FOO is not set\n',
      'y although the user set n: selected by BAR [=y] (Kconfig:3)',
    ],
    [`${BAR}\timply FOO\nconfig FOO\n\tbool "foo"\n`, 'CONFIG_BAR=y\n', 'y: implied by BAR [=y] (Kconfig:3)'],
    [
      `${BAR}\timply FOO\nconfig FOO\n\tbool\n\tdepends on BAZ\n`,
      'CONFIG_BAR=y\n',
      'n: no default applies and nothing selects it; implied by BAR [=y] (Kconfig:3), but its direct dependency is n',
    ],
    [
      `${BAR}config FOO\n\tbool\n\tdefault n if !BAR\n\tdefault y if BAR\n`,
      'CONFIG_BAR=y\n',
      'y: first default whose condition holds: `default y if BAR` (Kconfig:6)',
    ],
    [
      `${BAR}\tselect FOO\nconfig FOO\n\tbool\n\tdepends on BAZ\n`,
      'CONFIG_BAR=y\n',
      'y: selected by BAR [=y] (Kconfig:3). Unmet direct dependency: it is n, because BAZ [undeclared]',
    ],
    [
      `${['A', 'B', 'C'].map((s) => `config ${s}\n\tdef_bool y\n\tselect FOO\n`).join('')}config FOO\n\tbool\n`,
      '',
      'y: selected by A [=y] (Kconfig:3), B [=y] (Kconfig:6) and 1 more',
    ],
    [
      `${BAR}\tselect FOO\nconfig FOO\n\tbool "foo"\nconfig FOO\n\tbool\n\tdepends on BAZ\n`,
      'CONFIG_BAR=y\nCONFIG_FOO=y\n',
      'y because the user set it. Unmet direct dependency: it is n; selected by BAR [=y] (Kconfig:3)',
    ],
    [
      'config FOO\n\tint "foo"\n\trange 2 8\n',
      'CONFIG_FOO=9\n',
      '8 although the user set 9: outside of `range 2 8` (Kconfig:3), so its bound counts',
    ],
    ['config FOO\n\tstring "foo"\n', '', '"": not set by the user; no default applies'],
    ['config FOO\n\tstring "foo"\n', 'CONFIG_FOO="a b"\n', '"a b" because the user set it'],
    [
      'choice\n\tprompt "P"\nconfig FOO\n\tbool "foo"\nconfig BAR\n\tbool "bar"\nendchoice\n',
      '# CONFIG_FOO is not set\n',
      'n: the choice "P" (Kconfig:1) takes BAR [=y], as one member has to be y and the user ruled out the default',
    ],
    [
      'choice\n\tprompt "P"\nconfig FOO\n\tbool "foo"\nconfig BAR\n\tbool "bar"\nendchoice\n',
      'CONFIG_FOO=y\nCONFIG_BAR=y\n',
      'n although the user set y: the choice "P" (Kconfig:1) takes BAR [=y], which the user set',
    ],
    [
      'choice\n\tprompt "P"\n\tdepends on OFF\nconfig FOO\n\tbool "foo"\nendchoice\n',
      '',
      'n: no member of the choice "P" (Kconfig:1) is visible',
    ],
  ];
  test.each(cases)('%j with %j', (kconfig, config, why) => {
    expect(whyText(explained({ Kconfig: kconfig }, config, 'FOO'))).toBe(why);
    const [crlf, crlfConfig] = [kconfig, config].map((text) => text.replaceAll('\n', '\r\n'));
    expect(whyText(explained({ Kconfig: crlf ?? '' }, crlfConfig ?? '', 'FOO'))).toBe(why);
  });
});

describe('a name that nothing declares', () => {
  const failure = { ok: false, why: 'undeclared', symbol: 'FOOO' } as const;
  test.each([
    [[], 'no symbol FOOO'],
    [['FOO'], 'no symbol FOOO; did you mean FOO?'],
    [['FOO', 'FOO2'], 'no symbol FOOO; did you mean FOO or FOO2?'],
    [['FOO', 'FOO2', 'FOO3'], 'no symbol FOOO; did you mean FOO, FOO2 or FOO3?'],
  ])('near to %j', (near, text) => {
    expect(renderUndeclared({ ...failure, similar: near })).toBe(text);
  });
});

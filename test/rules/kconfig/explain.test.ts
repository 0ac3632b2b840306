/** Explanations, reason by reason. (More than 400 lines: a list of cases; each is a few.) */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildModel } from '../../../rules/kconfig/build-model.ts';
import { explain } from '../../../rules/kconfig/explain.ts';
import type { ExplainOptions, Explanation, Part, Position } from '../../../rules/kconfig/explanation.ts';
import { ExprPool } from '../../../rules/kconfig/expr.ts';
import { applyMode } from '../../../rules/kconfig/modes.ts';
import { similar } from '../../../rules/kconfig/near-name.ts';
import { type KconfigFile, KconfigParser } from '../../../rules/kconfig/parse.ts';
import { Values } from '../../../rules/kconfig/values.ts';

/** Values of one small Kconfig under a .config. */
function valuesOf(kconfig: string, config = ''): Values {
  const pool = new ExprPool();
  const parser = new KconfigParser(pool);
  const file = (path: string): KconfigFile | undefined => (path === 'Kconfig' ? parser.parseFile(kconfig) : undefined);
  const values = new Values(pool, buildModel({ pool, file, world: { env: {}, shell: () => '' } }));
  applyMode(values, 'olddefconfig', { config });
  return values;
}

function explained(values: Values, name: string, options?: ExplainOptions): Explanation {
  const result = explain(values, name, options);
  if (!result.ok) throw new Error(`${name} is not declared`);
  return result.explanation;
}

const MODULES = 'config MODULES\n\tbool "modules"\n\tmodules\n';

interface Reason {
  readonly title: string;
  readonly kconfig: string;
  readonly config?: string;
  /** Expected of FOO. */
  readonly value: string;
  readonly why: object;
  readonly toEnable?: string;
}

const REASONS: readonly Reason[] = [
  {
    title: 'the user set it',
    kconfig: 'config FOO\n\tbool "foo"\n',
    config: 'CONFIG_FOO=y\n',
    value: 'y',
    why: { kind: 'user', isUnmet: false },
  },
  {
    title: 'the user set it to n, against its default',
    kconfig: 'config FOO\n\tbool "foo"\n\tdefault y\n',
    config: '# CONFIG_FOO is not set\n',
    value: 'n',
    why: { kind: 'user', isUnmet: false },
    toEnable: 'set',
  },
  {
    title: 'the user set it, but its prompt is hidden',
    kconfig: 'config BAR\n\tbool "bar"\n\nconfig FOO\n\tbool "foo"\n\tdepends on BAR\n',
    config: 'CONFIG_FOO=y\n',
    value: 'n',
    why: { kind: 'nothing', overruled: 'hidden', isUnmet: false },
    toEnable: 'meet',
  },
  {
    title: 'the user set it, but it has no prompt',
    kconfig: 'config FOO\n\tbool\n',
    config: 'CONFIG_FOO=y\n',
    value: 'n',
    why: { kind: 'nothing', overruled: 'no-prompt', isUnmet: false },
    toEnable: 'none',
  },
  {
    title: 'the user set y, but m is the most that is visible',
    kconfig: `${MODULES}config BAR\n\ttristate "bar"\n\nconfig FOO\n\ttristate "foo"\n\tdepends on BAR\n`,
    config: 'CONFIG_MODULES=y\nCONFIG_BAR=m\nCONFIG_FOO=y\n',
    value: 'm',
    why: { kind: 'user', overruled: 'limited', isUnmet: false },
    toEnable: 'meet',
  },
  {
    title: 'the user set m where modules are off',
    kconfig: `${MODULES}config FOO\n\ttristate "foo"\n`,
    config: 'CONFIG_FOO=m\n',
    value: 'y',
    why: { kind: 'user', overruled: 'modules', isUnmet: false },
  },
  {
    title: 'the user set n, a select says y',
    kconfig: 'config BAR\n\tbool "bar"\n\tselect FOO\n\nconfig FOO\n\tbool "foo"\n',
    config: 'CONFIG_BAR=y\n# CONFIG_FOO is not set\n',
    value: 'y',
    why: {
      kind: 'select',
      overruled: 'select',
      isUnmet: false,
      edges: { items: [{ symbol: 'BAR', line: 3 }], more: 0 },
    },
  },
  {
    title: 'a select above the direct dependency',
    kconfig:
      'config DEP\n\tbool "dep"\n\nconfig BAR\n\tbool "bar"\n\tselect FOO\n\nconfig FOO\n\tbool\n\tdepends on DEP\n',
    config: 'CONFIG_BAR=y\n',
    value: 'y',
    why: { kind: 'select', isUnmet: true, edges: { items: [{ symbol: 'BAR', line: 6 }], more: 0 } },
  },
  {
    title: 'a select whose condition does not hold is none',
    kconfig: 'config BAR\n\tbool "bar"\n\tselect FOO if BAZ\n\nconfig BAZ\n\tbool "baz"\n\nconfig FOO\n\tbool\n',
    config: 'CONFIG_BAR=y\n',
    value: 'n',
    why: { kind: 'nothing', isUnmet: false },
    toEnable: 'select',
  },
  {
    title: 'an imply raises it',
    kconfig: 'config BAR\n\tbool "bar"\n\timply FOO\n\nconfig FOO\n\tbool "foo"\n',
    config: 'CONFIG_BAR=y\n',
    value: 'y',
    why: { kind: 'imply', isUnmet: false, edges: { items: [{ symbol: 'BAR', line: 3 }], more: 0 } },
  },
  {
    title: 'an imply does not raise it above its direct dependency',
    kconfig:
      'config BAR\n\tbool "bar"\n\timply FOO\n\nconfig FOO\n\tbool "foo"\n\tdepends on BAZ\n\nconfig BAZ\n\tbool "baz"\n',
    config: 'CONFIG_BAR=y\n',
    value: 'n',
    why: { kind: 'nothing', isUnmet: false },
    toEnable: 'meet',
  },
  {
    title: 'the first default whose condition holds',
    kconfig: `${MODULES}config BAR\n\tbool "bar"\n\nconfig FOO\n\ttristate "foo"\n\tdefault y if !BAR\n\tdefault m if BAR\n\tdefault y\n`,
    config: 'CONFIG_MODULES=y\nCONFIG_BAR=y\n',
    value: 'm',
    why: {
      kind: 'default',
      isUnmet: false,
      default: { path: 'Kconfig', line: 10, text: 'default m if BAR', shown: 'default m if BAR [=y]', isActive: true },
    },
    toEnable: 'set',
  },
  {
    title: 'nothing sets it',
    kconfig: 'config FOO\n\tbool "foo"\n\tdefault y if BAR\n',
    value: 'n',
    why: { kind: 'nothing', isUnmet: false },
    toEnable: 'set',
  },
  {
    title: 'a default that its own dependency keeps from applying',
    kconfig: 'config FOO\n\tdef_bool y\n\tdepends on BAR\n',
    value: 'n',
    why: { kind: 'nothing', isUnmet: false },
    toEnable: 'default',
  },
  {
    title: 'a number out of its range',
    kconfig: 'config FOO\n\tint "foo"\n\trange 2 512\n',
    config: 'CONFIG_FOO=9000\n',
    value: '512',
    why: { kind: 'user', overruled: 'range', isUnmet: false, range: { line: 3, text: 'range 2 512', isActive: true } },
  },
  {
    title: 'a number without default below its range',
    kconfig: 'config FOO\n\tint "foo"\n\trange 2 512\n',
    value: '2',
    why: { kind: 'nothing', isUnmet: false, range: { text: 'range 2 512' } },
  },
  {
    title: 'a number from another symbol',
    kconfig: 'config BAR\n\thex\n\tdefault 0x10\n\nconfig FOO\n\thex "foo"\n\tdefault BAR\n',
    value: '0x10',
    why: { kind: 'default', isUnmet: false, default: { shown: 'default BAR [=0x10]', line: 7 } },
  },
  {
    title: 'a string of the user',
    kconfig: 'config FOO\n\tstring "foo"\n\tdefault "a"\n',
    config: 'CONFIG_FOO="b c"\n',
    value: 'b c',
    why: { kind: 'user', isUnmet: false },
  },
];

const CRLF = (text: string): string => text.replaceAll('\n', '\r\n');

describe('where a value comes from', () => {
  for (const { title, kconfig, config = '', value, why, toEnable } of REASONS) {
    for (const [ends, convert] of [
      ['LF', (text: string) => text],
      ['CRLF', CRLF],
    ] as const) {
      test(`${title} (${ends})`, () => {
        const e = explained(valuesOf(convert(kconfig), convert(config)), 'FOO');
        expect(e.value).toBe(value);
        expect(e.why).toMatchObject(why);
        // What is not named plays no part.
        expect(Object.keys(e.why).toSorted()).toEqual(Object.keys(why).toSorted());
        expect(e.toEnable).toBe(toEnable);
      });
    }
  }

  test('a transitional symbol has the user value though it has no prompt', () => {
    const e = explained(valuesOf('config FOO\n\tbool\n\ttransitional\n', 'CONFIG_FOO=y\n'), 'FOO');
    expect(e).toMatchObject({ value: 'y', isWritten: false, why: { kind: 'user' } });
    expect(e.why.overruled).toBeUndefined();
  });
});

describe('choices', () => {
  const kconfig = [
    'config SMALL\n\tbool "small"\n',
    'choice\n\tprompt "Size"\n\tdefault B if !SMALL\n',
    'config A\n\tbool "a"\n',
    'config B\n\tbool "b"\n',
    'config C\n\tbool "c"\n\tdepends on SMALL\n',
    'endchoice\n',
  ].join('\n');
  const cases = [
    ['the user', 'CONFIG_A=y\n', 'A', 'user'],
    ['its default', '', 'B', 'default'],
    ['its first visible member where no default holds', 'CONFIG_SMALL=y\n', 'A', 'first'],
    ['what is left where the user ruled out the default', '# CONFIG_B is not set\n', 'A', 'left'],
  ] as const;
  for (const [title, config, chosen, because] of cases) {
    test(`the member is chosen by ${title}`, () => {
      const values = valuesOf(kconfig, config);
      for (const name of ['A', 'B', 'C']) {
        const e = explained(values, name);
        expect(e.choice).toMatchObject({ prompt: 'Size', path: 'Kconfig', line: 4, chosen, because });
        expect(e).toMatchObject({ value: name === chosen ? 'y' : 'n', why: { kind: 'choice' } });
      }
    });
  }

  test('a member that is not visible loses with its unmet dependency, one that is visible can be chosen', () => {
    const values = valuesOf(kconfig, 'CONFIG_C=y\n');
    expect(explained(values, 'C')).toMatchObject({
      why: { overruled: 'hidden' },
      toEnable: 'meet',
      unmet: [{ text: 'SMALL [=n]' }],
      directDependency: 'n',
    });
    expect(explained(values, 'A')).toMatchObject({ toEnable: 'choose', unmet: [], directDependency: 'y' });
  });

  test('of two members that the user set, the one that lost says so', () => {
    const values = valuesOf(kconfig, 'CONFIG_B=y\nCONFIG_A=y\n');
    expect(explained(values, 'A').why.overruled).toBeUndefined();
    expect(explained(values, 'B')).toMatchObject({ value: 'n', why: { overruled: 'choice' }, choice: { chosen: 'A' } });
  });

  test('without a visible member nothing is chosen', () => {
    const e = explained(valuesOf('choice\n\tprompt "x"\n\tdepends on OFF\nconfig A\n\tbool "a"\nendchoice\n'), 'A');
    expect(e.choice).toMatchObject({ because: 'none' });
    expect(e.choice).not.toHaveProperty('chosen');
  });
});

describe('the direct dependency', () => {
  const around = [
    'config NET\n\tbool "net"\n',
    'config PCI\n\tbool "pci"\n',
    'config X\n\tbool "x"\n',
    'menu "Devices"\n\tdepends on NET\n\tvisible if X\n',
    'if PCI && NET\n',
    'config FOO\n\tbool "foo" if X\n\tdepends on X && (A || !PCI || B = 5)\n\tdepends on NET\n\thelp\n\t  First\n\t  part.\n\n\t  Second.\n',
    'endif\nendmenu\n',
  ].join('\n');

  test('has one line for each conjunct, with what brings it in, and none twice', () => {
    const { declarations } = explained(valuesOf(around, 'CONFIG_PCI=y\nCONFIG_NET=y\n'), 'FOO');
    expect(declarations.items[0]?.parts.items.map((p) => [p.from, p.line, p.text, p.value])).toEqual([
      ['depends on', 18, 'X [=n]', 'n'],
      ['depends on', 18, 'A [undeclared] || !PCI [=y] || B [undeclared]=5', 'n'],
      ['depends on', 19, 'NET [=y]', 'y'],
      ['if', 14, 'PCI [=y]', 'y'],
    ]);
  });

  test('names the symbols that keep a conjunct from holding, and not those that do not', () => {
    const e = explained(valuesOf(around, 'CONFIG_PCI=y\nCONFIG_NET=y\n'), 'FOO');
    const parts = e.declarations.items[0]?.parts.items ?? [];
    expect(parts[1]?.culprits.items).toMatchObject([
      { symbol: 'A', wanted: 'on', state: 'undeclared', declared: { items: [] } },
      { symbol: 'PCI', wanted: 'off', state: 'settable', declared: { items: [{ path: 'Kconfig', line: 4 }] } },
      { symbol: 'B', wanted: 'other', state: 'undeclared' },
    ]);
    expect(parts[2]?.culprits.items).toEqual([]);
    const met = explained(valuesOf(around, 'CONFIG_X=y\nCONFIG_NET=y\n'), 'FOO');
    expect(met.declarations.items[0]?.parts.items[1]).toMatchObject({ isUnmet: false, culprits: { items: [] } });
  });

  test('meeting every unmet part makes the prompt visible', () => {
    const before = explained(valuesOf(around), 'FOO');
    expect(before.unmet.map((p) => p.text)).toEqual(['X [=n]', 'NET [=n]', 'PCI [=n]']);
    expect(before.visible).toBe('n');
    // PCI=y takes away what met the third one.
    const pci = explained(valuesOf(around, 'CONFIG_X=y\nCONFIG_NET=y\nCONFIG_PCI=y\n'), 'FOO');
    expect(pci.unmet.map((p) => p.text)).toEqual(['A [undeclared] || !PCI [=y] || B [undeclared]=5']);
    const declared = `${around}\nconfig A\n\tbool "a"\n`;
    const all = 'CONFIG_X=y\nCONFIG_NET=y\nCONFIG_PCI=y\nCONFIG_A=y\n';
    expect(explained(valuesOf(declared, all), 'FOO')).toMatchObject({ visible: 'y', unmet: [], toEnable: 'set' });
  });

  test('a prompt has its own condition, the visible if of menus, its menus and the first paragraph of help', () => {
    const e = explained(valuesOf(around), 'FOO');
    const prompt = e.declarations.items[0]?.prompts[0];
    expect(prompt).toMatchObject({ text: 'foo', visible: 'n', location: ['Devices'] });
    expect(prompt?.parts.items.map((p) => [p.from, p.line, p.text])).toEqual([['prompt', 17, 'X [=n]']]);
    expect(e.help).toBe('First part.');
  });

  test('visible if stands apart from the dependency', () => {
    const e = explained(valuesOf('menu "m"\n\tvisible if X\nconfig FOO\n\tbool "foo"\nendmenu\n'), 'FOO');
    expect(e).toMatchObject({
      directDependency: 'y',
      visible: 'n',
      toEnable: 'meet',
      unmet: [{ from: 'visible if', line: 1 }],
    });
  });

  test('a declaration without dependency is not counted beside one that has some', () => {
    const e = explained(valuesOf('config FOO\n\tbool "foo"\n\nconfig FOO\n\tbool\n\tdepends on BAR\n'), 'FOO');
    expect(e.directDependency).toBe('n');
    expect(e.declarations.items.map((d) => d.isCounted)).toEqual([false, true]);
    expect(explained(valuesOf('config FOO\n\tbool "foo"\n'), 'FOO').declarations.items[0]?.isCounted).toBe(true);
  });

  test('a dependency at m is unmet for a tristate and met for a bool', () => {
    const kconfig = (type: string): string =>
      `${MODULES}config BAR\n\ttristate "bar"\n\nconfig FOO\n\t${type} "foo"\n\tdepends on BAR\n`;
    const config = 'CONFIG_MODULES=y\nCONFIG_BAR=m\n';
    expect(explained(valuesOf(kconfig('tristate'), config), 'FOO').unmet).toMatchObject([
      { value: 'm', culprits: { items: [{ symbol: 'BAR', wanted: 'on' }] } },
    ]);
    expect(explained(valuesOf(kconfig('bool'), config), 'FOO').unmet).toEqual([]);
  });

  test('a literal m blames the symbol that turns modules on', () => {
    const kconfig = `${MODULES}config FOO\n\ttristate "foo"\n\tdepends on m\n`;
    const culprits = (config: string) =>
      explained(valuesOf(kconfig, config), 'FOO').unmet.flatMap((p) => p.culprits.items);
    expect(culprits('')).toMatchObject([{ symbol: 'MODULES', state: 'settable' }]);
    expect(culprits('CONFIG_MODULES=y\n')).toEqual([]);
  });

  test('culprits are followed as deep as asked', () => {
    const chain =
      'config A\n\tbool "a"\n\nconfig B\n\tbool "b"\n\tdepends on A\n\nconfig C\n\tbool "c"\n\tdepends on B\n';
    const texts = (parts: readonly Part[]): string[] =>
      parts.flatMap((p) => [p.text, ...p.culprits.items.flatMap((c) => texts(c.unmet))]);
    expect(texts(explained(valuesOf(chain), 'C').unmet)).toEqual(['B [=n]']);
    expect(texts(explained(valuesOf(chain), 'C', { depth: 1 }).unmet)).toEqual(['B [=n]', 'A [=n]']);
  });

  test('symbols that depend on each other are followed to an end', () => {
    const circle = 'config A\n\tbool "a"\n\tdepends on B\n\nconfig B\n\tbool "b"\n\tdepends on A\n';
    expect(JSON.stringify(explained(valuesOf(circle), 'A', { depth: 1e9 })).length).toBeLessThan(10_000);
  });
});

describe('menus', () => {
  const kconfig = [
    'menu "Drivers"\n',
    'menuconfig PCI\n\tbool "PCI support"\n',
    'if PCI\nconfig FOO\n\tbool "foo"\nendif\n',
    'config BAR\n\tbool "bar"\n\tdepends on PCI\n',
    'config BAZ\n\tbool "baz"\n',
    'config LATE\n\tbool "late"\n\tdepends on PCI\n',
    'endmenu\n',
  ].join('\n');
  test.each([
    ['FOO', ['Drivers', 'PCI support']],
    ['BAR', ['Drivers', 'PCI support']],
    ['BAZ', ['Drivers']],
    ['LATE', ['Drivers']],
  ])('%s is found in %j', (name, location) => {
    expect(explained(valuesOf(kconfig), name).declarations.items[0]?.prompts[0]?.location).toEqual(location);
  });
});

describe('selects and implies', () => {
  const selectors = (n: number): string =>
    Array.from({ length: n }, (_, i) => `config S${i}\n\tbool "s${i}"\n\tselect FOO\n`).join('\n');

  test('selectors are grouped by what they amount to', () => {
    const kconfig = `${selectors(3)}\nconfig T\n\tbool "t"\n\tselect FOO if S1\n\timply BAR\n\nconfig FOO\n\tbool\n\nconfig BAR\n\tbool "bar"\n`;
    const values = valuesOf(kconfig, 'CONFIG_S0=y\nCONFIG_T=y\n');
    const { selectedBy } = explained(values, 'FOO');
    expect(selectedBy.map((g) => [g.value, g.items.map((e) => e.symbol)])).toEqual([
      ['y', ['S0']],
      ['n', ['S1', 'S2', 'T']],
    ]);
    expect(selectedBy[1]?.items[2]).toMatchObject({
      symbolValue: 'y',
      condition: { text: 'S1 [=n]', value: 'n' },
      line: 15,
    });
    expect(selectedBy[0]?.items[0]).not.toHaveProperty('condition');
    expect(explained(values, 'BAR').impliedBy).toMatchObject([{ value: 'y', items: [{ symbol: 'T', line: 16 }] }]);
    expect(explained(values, 'T')).toMatchObject({
      selects: { items: [{ symbol: 'FOO', symbolValue: 'y', value: 'n' }] },
      implies: { items: [{ symbol: 'BAR', value: 'y' }] },
    });
  });

  test('a long list is cut and counted, a short one is not', () => {
    const values = valuesOf(`${selectors(25)}\nconfig FOO\n\tbool\n`);
    expect(explained(values, 'FOO').selectedBy[0]).toMatchObject({ value: 'n', more: 15 });
    expect(explained(values, 'FOO', { limit: 3 }).selectedBy[0]?.items).toHaveLength(3);
    expect(explained(values, 'FOO', { limit: 25 }).selectedBy[0]).toMatchObject({ more: 0 });
  });
});

describe('texts', () => {
  test('bytes come out as Unicode, and the whole is JSON-safe', () => {
    const bytes = Buffer.from('config FOO\n\tbool "Größe"\n\thelp\n\t  für alle\n', 'utf8').toString('latin1');
    const e = explained(valuesOf(bytes), 'FOO');
    expect(e.declarations.items[0]?.prompts[0]?.text).toBe('Größe');
    expect(e.help).toBe('für alle');
    expect(JSON.parse(JSON.stringify(e))).toEqual(e);
  });

  test('a text of a megabyte is cut', () => {
    const e = explained(valuesOf(`config FOO\n\tbool "${'x'.repeat(1 << 20)}"\n`), 'FOO');
    expect(JSON.stringify(e).length).toBeLessThan(10_000);
  });
});

describe('names that nothing declares', () => {
  const names = ['VFIO_PCI_CORE', 'VFIO_PCI', 'PREEMPT', 'PREEMPT_RT', 'NET', 'USB_STORAGE'];
  const values = valuesOf(
    `${names.map((n) => `config ${n}\n\tbool "${n}"\n`).join('\n')}\nconfig X\n\tbool\n\tdepends on MENTIONED\n`,
  );

  test.each([
    ['VFIO_PCI_CORR', ['VFIO_PCI_CORE']],
    ['PREMEPT', ['PREEMPT']],
    ['CONFIG_PREEMTP_RT', ['PREEMPT_RT']],
    ['PCI_VFIO_CORE', ['VFIO_PCI_CORE']],
    ['usb_storage', ['USB_STORAGE']],
    ['PREEMPT_', ['PREEMPT', 'PREEMPT_RT']],
    ['STORAGE', ['USB_STORAGE']],
    ['COMPLETELY_DIFFERENT', []],
    ['', []],
    ['N'.repeat(100_000), []],
  ])('near to %s are %j', (name, near) => {
    expect(similar(values.model.declared, name)).toEqual(near);
  });

  test('a mention is no declaration', () => {
    expect(explain(values, 'MENTIONED')).toMatchObject({ ok: false, why: 'undeclared', symbol: 'MENTIONED' });
    expect(explain(values, 'CONFIG_VFIO_PCI_CORR')).toEqual({
      ok: false,
      why: 'undeclared',
      symbol: 'VFIO_PCI_CORR',
      similar: ['VFIO_PCI_CORE'],
    });
  });

  test('CONFIG_ is allowed in front of a declared name', () => {
    expect(explained(values, 'CONFIG_NET').symbol).toBe('NET');
    expect(explained(values, 'NET').symbol).toBe('NET');
  });
});

// ------------------------------------------------------------ a real tree

/** Answers of a compiler that can do everything: the same on every machine. */
function shell(command: string): string {
  const words = /^set -- (.*) && echo \$([0-9])$/.exec(command);
  if (words) return words[1]?.split(' ')[Number(words[2]) - 1] ?? '';
  if (command.includes('cc-version.sh')) return 'GCC 120200';
  if (command.includes('as-version.sh')) return 'GNU 24000';
  if (command.includes('ld-version.sh')) return 'BFD 24000';
  if (command.startsWith('{ test -z')) return command.includes('echo "n" || echo "y"') ? 'y' : 'n';
  if (command.includes('echo "y" || echo "n"')) return 'y';
  return command.includes('echo "n" || echo "y"') ? 'n' : '0';
}

const tree = process.env['DEPBOT_TEST_TREE'];

describe.skipIf(tree === undefined)('x86 of a real tree', () => {
  const texts = new Map<string, string>();
  const read = (path: string): string | undefined => {
    const file = join(tree ?? '', path);
    if (!texts.has(path) && existsSync(file)) texts.set(path, readFileSync(file, 'latin1'));
    return texts.get(path);
  };
  const load = (): Values => {
    const pool = new ExprPool();
    const parser = new KconfigParser(pool);
    const file = (path: string): KconfigFile | undefined => {
      const text = read(path);
      return text === undefined ? undefined : parser.parseFile(text);
    };
    const env = {
      ARCH: 'x86_64',
      SRCARCH: 'x86',
      srctree: '.',
      CC: 'gcc',
      LD: 'ld',
      CC_VERSION_TEXT: 'gcc',
      KERNELVERSION: '0',
    };
    const values = new Values(pool, buildModel({ pool, file, world: { env, shell } }));
    applyMode(values, 'olddefconfig', { config: read('arch/x86/configs/x86_64_defconfig') ?? '' });
    return values;
  };
  let loaded: Values | undefined;
  const values = (): Values => (loaded ??= load());
  const lineAt = ({ path, line }: Position): string => read(path)?.split('\n')[line - 1] ?? '';

  test('VFIO_PCI_CORE has no prompt and is selected by the drivers that need it', () => {
    const e = explained(values(), 'VFIO_PCI_CORE');
    expect(e).toMatchObject({
      type: 'tristate',
      value: 'n',
      visible: 'n',
      toEnable: 'select',
      why: { kind: 'nothing' },
    });
    expect(e.selectedBy.flatMap((g) => g.items.map((edge) => edge.symbol))).toContain('VFIO_PCI');
    expect(e.declarations.items[0]?.parts.items.map((p) => p.text)).toContain('PCI [=y]');
    expect(e.unmet.map((p) => p.text)).toContain('VFIO [=n]');
  });

  test('PCI_P2PDMA is hidden by ZONE_DEVICE, which memory hotplug keeps off', () => {
    const e = explained(values(), 'PCI_P2PDMA', { depth: 1 });
    expect(e).toMatchObject({ value: 'n', toEnable: 'meet', visible: 'n' });
    expect(e.unmet.map((p) => p.text)).toEqual(['ZONE_DEVICE [=n]']);
    expect(e.unmet[0]?.culprits.items[0]?.unmet.map((p) => p.text)).toContain('MEMORY_HOTPLUG [=n]');
    expect(e.declarations.items[0]?.prompts[0]?.location).toEqual(['Device Drivers', 'PCI support']);
    expect(e.help).toMatch(/^Enables drivers to do PCI peer-to-peer transactions/);
  });

  test('MODULES, NR_CPUS and a preemption model have the reasons that the defconfig gives them', () => {
    expect(explained(values(), 'MODULES')).toMatchObject({ value: 'y', why: { kind: 'user' } });
    expect(explained(values(), 'NR_CPUS')).toMatchObject({
      type: 'int',
      value: '64',
      why: { kind: 'default', default: { text: 'default NR_CPUS_DEFAULT' } },
      ranges: { items: [{ isActive: true }] },
    });
    const preempt = explained(values(), 'PREEMPT_VOLUNTARY');
    expect(preempt).toMatchObject({
      value: 'y',
      why: { kind: 'choice' },
      choice: { chosen: 'PREEMPT_VOLUNTARY', because: 'user' },
    });
    expect(preempt.choice?.members.items.map((m) => m.symbol)).toContain('PREEMPT_NONE');
  });

  test('every position names a line that says what is claimed of it, and reasons agree with the values', () => {
    const { model, unmet } = values();
    const isUnmet = new Set(unmet);
    const wrong: string[] = [];
    const check = (what: string, at: Position, pattern: RegExp): void => {
      if (!pattern.test(lineAt(at))) wrong.push(`${what}: ${at.path}:${at.line}: ${lineAt(at)}`);
    };
    const sample = model.declared.filter((_, i) => i % 20 === 0);
    expect(sample.length).toBeGreaterThan(500);
    for (const symbol of [...sample, ...unmet]) {
      const e = explained(values(), symbol.name, { limit: 1000, depth: 1 });
      const word = (name: string): RegExp => new RegExp(`\\b${name}\\b`);
      for (const d of e.declarations.items) {
        check(`${e.symbol} declared`, d, new RegExp(`^\\s*(menu)?config\\s+${e.symbol}\\b`));
        for (const p of d.parts.items)
          check(`${e.symbol} ${p.text}`, p, p.from === 'if' ? /^\s*if\b/ : /^\s*depends on\b/);
        for (const p of d.prompts) check(`${e.symbol} prompt`, p, /^\s*(bool|tristate|int|hex|string|prompt)\s+["']/);
      }
      for (const edge of e.selectedBy.flatMap((g) => g.items))
        check(`selected by ${edge.symbol}`, edge, word(e.symbol));
      for (const edge of e.impliedBy.flatMap((g) => g.items)) check(`implied by ${edge.symbol}`, edge, word(e.symbol));
      for (const edge of [...e.selects.items, ...e.implies.items])
        check(`${e.symbol} selects`, edge, word(edge.symbol));
      for (const p of e.defaults.items) check(`${e.symbol} default`, p, /^\s*(default|def_bool|def_tristate)\b/);
      for (const p of e.ranges.items) check(`${e.symbol} range`, p, /^\s*range\b/);

      const where = `${e.symbol} ${JSON.stringify(e.why)}`;
      expect(e.why.isUnmet, where).toBe(isUnmet.has(symbol));
      if (e.type === 'bool' || e.type === 'tristate') expect(e.toEnable === undefined, where).toBe(e.value === 'y');
      if (e.why.kind === 'nothing' && e.type === 'bool') expect(e.value, where).toBe('n');
      if (e.why.kind === 'select') expect(e.why.edges?.items[0]?.value, where).not.toBe('n');
      if (e.why.kind === 'user') expect(e.user, where).toBeDefined();
      if (e.toEnable === 'meet') expect(e.unmet.length, where).toBeGreaterThan(0);
      expect(e.unmet.length === 0 || e.visible !== 'y' || e.directDependency !== 'y', where).toBe(true);
    }
    expect(wrong).toEqual([]);
  });
});

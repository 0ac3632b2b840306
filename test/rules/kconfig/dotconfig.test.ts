import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configLine, readConfig, writeConfig } from '../../../rules/kconfig/dotconfig.ts';
import type { Values } from '../../../rules/kconfig/values.ts';
import { fixture, Tiny } from './tiny-kconfig.ts';

const TEXT = `config MODULES
	bool "m"
	modules
config B
	bool "b"
config T
	tristate "t"
config I
	int "i"
config H
	hex "h"
config S
	string "s"
config HIDDEN
	bool
`;

/** What the user has set, after reading. */
function read(text: string, kconfig = TEXT): { set: Record<string, string>; warnings: string[]; values: Values } {
  const tiny = new Tiny(kconfig);
  const values = tiny.values();
  const warnings = readConfig(values, text, 'c');
  const set = tiny.model.declared.flatMap((s) =>
    values.user(s) === undefined ? [] : [[s.name, values.user(s)!] as const],
  );
  return { set: Object.fromEntries(set), warnings, values };
}

describe('reading', () => {
  const lines = [
    'CONFIG_B=y',
    '# CONFIG_MODULES is not set',
    'CONFIG_T=m',
    'CONFIG_I=-5',
    'CONFIG_H=0xfF',
    'CONFIG_S="a \\"b\\" \\\\ c"',
    'CONFIG_HIDDEN=y',
  ];

  it.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
  ])('takes every kind of value with %s', (_name, end) => {
    expect(read(lines.join(end) + end)).toMatchObject({
      set: { B: 'y', MODULES: 'n', T: 'm', I: '-5', H: '0xfF', S: 'a "b" \\ c', HIDDEN: 'y' },
      warnings: [],
    });
  });

  it('takes a last line without newline', () => {
    expect(read('CONFIG_B=y').set).toEqual({ B: 'y' });
  });

  it('passes over comments, blank lines and symbols the tree does not know', () => {
    expect(read('\n# a comment\n# CONFIG_B\n# CONFIG_B is unset\n#CONFIG_B is not set\nCONFIG_GONE=y\n')).toMatchObject(
      { set: {}, warnings: [] },
    );
  });

  it.each([
    ['B=y\n', 'c:1:warning: unexpected data: B=y'],
    ['CONFIG_B\n', 'c:1:warning: unexpected data: CONFIG_B'],
    ['\nCONFIG_B=m\n', "c:2:warning: symbol value 'm' invalid for B"],
    ['CONFIG_T=x\n', "c:1:warning: symbol value 'x' invalid for T"],
    ['CONFIG_I=0x5\n', "c:1:warning: symbol value '0x5' invalid for I"],
    ['CONFIG_H=g\n', "c:1:warning: symbol value 'g' invalid for H"],
    ['CONFIG_S="open\n', 'c:1:warning: invalid string found'],
  ])('warns of %j and sets nothing', (text, warning) => {
    expect(read(text)).toMatchObject({ set: {}, warnings: [warning] });
  });

  it('passes over a string without quotes in silence', () => {
    expect(read('CONFIG_S=open\n')).toMatchObject({ set: {}, warnings: [] });
  });

  it('warns where a symbol is set twice, and the last one stands', () => {
    expect(read('CONFIG_B=y\nCONFIG_B=n\n')).toMatchObject({
      set: { B: 'n' },
      warnings: ['c:2:warning: override: reassigning to symbol B'],
    });
    expect(read('CONFIG_B=y\nCONFIG_T=y\n').warnings).toEqual([]);
  });

  it('forgets what was set before', () => {
    const { values } = read('CONFIG_B=y\n');
    readConfig(values, 'CONFIG_I=1\n', 'c');
    expect(values.model.declared.filter((s) => values.hasUser(s)).map(({ name }) => name)).toEqual(['I']);
  });

  it('of two members of a choice that are y takes the last', () => {
    const tiny = new Tiny('choice\n\tprompt "c"\nconfig X\n\tbool "x"\nconfig Y\n\tbool "y"\nendchoice\n');
    const output = (config: string): string => tiny.output('olddefconfig', config);
    expect(output('CONFIG_X=y\nCONFIG_Y=y\n')).toBe('# CONFIG_X is not set\nCONFIG_Y=y\n');
    expect(output('CONFIG_Y=y\nCONFIG_X=y\n')).toBe('CONFIG_X=y\n# CONFIG_Y is not set\n');
  });
});

describe('writing', () => {
  it('has a heading with the title of the tree', () => {
    expect(writeConfig(new Tiny('mainmenu "Linux $(V)"\n', { env: { V: '7' } }).values())).toBe(
      '#\n# Automatically generated file; DO NOT EDIT.\n# Linux 7\n#\n',
    );
  });

  it('shows menus and comments that are visible, and no others', () => {
    const text =
      'menu "shown"\nendmenu\nmenu "hidden"\n\tdepends on n\nconfig A\n\tbool\n\tdefault y\nendmenu\ncomment "said"\ncomment "unsaid"\n\tdepends on n\n';
    expect(new Tiny(text).output('alldefconfig')).toBe('\n#\n# shown\n#\n# end of shown\n\n#\n# said\n#\n');
  });

  it('puts a blank line between the end of a menu and a symbol, not between two menus', () => {
    const text = 'menu "one"\nendmenu\nconfig A\n\tbool "a"\nmenu "two"\nmenu "three"\nendmenu\nendmenu\n';
    expect(new Tiny(text).output('alldefconfig')).toBe(
      '\n#\n# one\n#\n# end of one\n\n# CONFIG_A is not set\n\n#\n# two\n#\n\n#\n# three\n#\n# end of three\n# end of two\n',
    );
  });

  it('writes a symbol once, where it is declared first', () => {
    expect(new Tiny('config A\n\tbool "a"\nconfig B\n\tbool "b"\nconfig A\n\tdefault y\n').output('alldefconfig')).toBe(
      'CONFIG_A=y\n# CONFIG_B is not set\n',
    );
  });

  it('leaves out what is neither visible nor set by anything', () => {
    const text =
      'config A\n\tbool\nconfig B\n\tbool\n\tdefault n\nconfig C\n\tstring\n\tdefault ""\nconfig D\n\tint\nconfig E\n\tbool\n\tdefault y\n';
    expect(new Tiny(text).output('alldefconfig')).toBe('CONFIG_C=""\nCONFIG_E=y\n');
  });

  it('words a line as a .config or as a list', () => {
    const tiny = new Tiny(TEXT);
    const values = tiny.values('olddefconfig', 'CONFIG_S="\\"\\\\"\n');
    expect(['B', 'S', 'I', 'H'].map((name) => configLine(values, tiny.symbol(name)))).toEqual([
      '# CONFIG_B is not set\n',
      'CONFIG_S="\\"\\\\"\n',
      'CONFIG_I=0\n',
      'CONFIG_H=0x0\n',
    ]);
    expect(configLine(values, tiny.symbol('B'), 'n')).toBe('CONFIG_B=n\n');
  });
});

describe('a written .config', () => {
  it('read again gives itself', () => {
    const tiny = new Tiny(TEXT);
    const string = fc.string({ unit: fc.integer({ min: 32, max: 255 }).map((c) => String.fromCharCode(c)) });
    const config = fc.record({
      B: fc.constantFrom('y', 'n'),
      T: fc.constantFrom('y', 'm', 'n'),
      MODULES: fc.constantFrom('y', 'n'),
      I: fc.integer().map(String),
      S: string,
    });
    fc.assert(
      fc.property(config, ({ S, ...rest }) => {
        const text = Object.entries(rest)
          .map(([name, value]) => `CONFIG_${name}=${value}\n`)
          .join('');
        const values = tiny.values('olddefconfig', `${text}CONFIG_S="${S.replace(/["\\]/g, '\\$&')}"\n`);
        expect(values.text(tiny.symbol('S'))).toBe(S);
        const written = writeConfig(values);
        expect(readConfig(values, written, 'c')).toEqual([]);
        values.calculate();
        expect(writeConfig(values)).toBe(written);
      }),
    );
  });
});

describe('transitional symbols', () => {
  const tiny = new Tiny(fixture('transitional/Kconfig'));

  it('hand their values on, and are not written', () => {
    expect(tiny.output('olddefconfig', fixture('transitional/old.config'))).toBe(
      'CONFIG_MODULES=y\nCONFIG_NEW_BOOL=y\nCONFIG_NEW_TRISTATE=m\nCONFIG_NEW_STRING="kept"\nCONFIG_NEW_INT=50\nCONFIG_NEW_HEX=0x1f\n',
    );
  });

  it('do not overrule a value under the new name', () => {
    const config = `${fixture('transitional/old.config')}CONFIG_NEW_STRING="mine"\n# CONFIG_NEW_BOOL is not set\n`;
    const output = tiny.output('olddefconfig', config);
    expect(output).toContain('CONFIG_NEW_STRING="mine"\n');
    expect(output).toContain('# CONFIG_NEW_BOOL is not set\n');
  });

  it('without a value count for nothing', () => {
    expect(tiny.output('olddefconfig', 'CONFIG_MODULES=y\n')).toBe(
      'CONFIG_MODULES=y\n# CONFIG_NEW_BOOL is not set\n# CONFIG_NEW_TRISTATE is not set\nCONFIG_NEW_STRING=""\nCONFIG_NEW_INT=1\nCONFIG_NEW_HEX=0x2\n',
    );
  });
});

/** Makefiles that a patch could bring: each is answered or refused with path and line, in bounded time. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KbuildError } from '../../../rules/kbuild/error.ts';
import { objectsOf } from './tiny-kbuild.ts';

/** The refusal's words. */
async function refusal(makefile: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  try {
    await objectsOf(makefile, more);
  } catch (error) {
    if (error instanceof KbuildError) return error.message;
    throw error;
  }
  return 'none';
}

describe('a makefile that make refuses', () => {
  const refused: readonly (readonly [what: string, makefile: string, message: string])[] = [
    ['ifdef without endif', 'obj-y := a.o\nifdef CONFIG_B\nobj-y += b.o', 'Kbuild:2: missing endif'],
    ['endif without ifdef', 'endif', 'Kbuild:1: extraneous endif'],
    ['else without ifdef', 'x := y\nelse', 'Kbuild:2: extraneous else'],
    ['else twice', 'ifdef X\nelse\nelse\nendif', 'Kbuild:3: only one else per conditional'],
    ['ifeq without sides', 'ifeq x\nendif', 'Kbuild:1: invalid syntax in conditional: ifeq x'],
    ['define without endef', '\ndefine x\ny', "Kbuild:2: missing 'endef', unterminated 'define'"],
    ['a reference that does not end', 'obj-y := a.o \\\n  $(foo', 'Kbuild:2: unterminated variable reference'],
    ['a variable of itself', 'x = $(x) a.o\nobj-y := $(x)', 'Kbuild:2: a variable references itself'],
    ['variables of each other', 'x = $(y)\ny = $(x)\nobj-y := $(x)', 'Kbuild:3: a variable references itself'],
    ['a call of itself', 'f = $(call f,$(1)x)\nobj-y := $(call f,a)', 'Kbuild:2: a variable references itself'],
    ['an include of itself', 'include Kbuild', 'Kbuild:1: Kbuild includes itself'],
    ['an eval of itself', 'x = $(eval $(x))\n$(x)', 'Kbuild:2: a variable references itself'],
    [
      'references in each other without end',
      `obj-y := ${'$('.repeat(500)}${')'.repeat(500)}`,
      'Kbuild:1: references are nested too deep',
    ],
    [
      'conditionals in each other without end',
      'ifdef CONFIG_B\n'.repeat(200),
      'Kbuild:101: conditionals are nested too deep',
    ],
  ];
  for (const [what, makefile, message] of refused) {
    test(what, async () => {
      expect(await refusal(makefile)).toBe(message);
    });
  }

  test('two that include each other', async () => {
    expect(await refusal('include a.mk', { 'a.mk': '\ninclude b.mk', 'b.mk': 'include a.mk' })).toMatch(
      /^[ab]\.mk:\d: [ab]\.mk includes itself$/,
    );
  });

  test('text that doubles', async () => {
    const doubling = `x := a.o b.o\n${'x := $(x) $(x)\n'.repeat(40)}obj-y := $(x)`;
    expect(await refusal(doubling)).toMatch(/^Kbuild:\d+: takes too much to evaluate$/);
  });

  test('text that doubles within one word', async () => {
    const doubling = `x := aaaaaaaa\n${'x := $(subst a,aa,$(x))\n'.repeat(40)}obj-y := $(x).o`;
    expect(await refusal(doubling)).toMatch(/^Kbuild:\d+: takes too much to evaluate$/);
  });
});

describe('a makefile that is odd', () => {
  test('a line of a megabyte', async () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `o${i}.o`);
    const objects = await objectsOf(`obj-$(CONFIG_B) := ${names.join(' ')}`);
    expect(Object.keys(objects).length).toBe(100_000);
    expect(objects['o99999.o']).toBe('B | n');
  });

  test('two hundred thousand spaces, wherever there may be one', async () => {
    const spaces = ' '.repeat(200_000);
    const makefile = [
      `${spaces}obj-y${spaces}:=${spaces}a.o${spaces}`,
      `define${spaces}x${spaces}+=${spaces}`,
      'endef',
      `ifeq${spaces}"${spaces}"${spaces}"${spaces}"`,
      `obj-y += b.o${spaces}#${spaces}`,
      `endif${spaces}`,
      `${spaces}.`,
    ];
    expect(await objectsOf(makefile.join('\n'))).toEqual({ 'a.o': 'y | n', 'b.o': 'y | n' });
  });

  test('one object on two thousand lines, of a part on as many', async () => {
    const lines = Array.from({ length: 2_000 }, (_, i) => `obj-$(CONFIG_B${i % 9}) += a.o\na-$(CONFIG_T) += b.o`);
    const objects = await objectsOf(lines.join('\n'));
    expect(objects['b.o']).toMatch(/T=y.*B8/);
    expect(objects['b.o']!.length).toBeLessThan(2000);
  });

  test('a hundred thousand lines', async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `x${i} := $(CONFIG_B${i % 100})`);
    expect(await objectsOf(`${lines.join('\n')}\nobj-$(x5) += a.o`)).toEqual({ 'a.o': 'B5 | n' });
  });

  test('a name of forty symbols: its forms are not told apart, and the rest stays', async () => {
    const name = Array.from({ length: 40 }, (_, i) => `$(CONFIG_B${i})`).join('');
    const objects = await objectsOf(`obj-y += a${name}.o b.o\nobj-${name} += c.o`);
    expect(objects['b.o']).toBe('y | n');
    expect(objects['a.o']).toBe(`${Array.from({ length: 40 }, (_, i) => `!B${i}`).join(' && ')} | n`);
    expect(objects['ayyyyyyyyyyyyyyyyyyyy.o']).toContain('$(too many cases');
  });

  test('directories that lead to themselves and to each other', async () => {
    const more = { 'a/Makefile': 'obj-y += ../b/ ./ x.o', 'b/Makefile': 'obj-y += ../a/ ../ ../../ /etc/ y.o' };
    expect(await objectsOf('obj-$(CONFIG_B) += a/', more)).toEqual({ 'a/x.o': 'B | n', 'b/y.o': 'B | n' });
  });

  test('a directory that is a file, a makefile with CR LF, without an end, of NUL bytes', async () => {
    const more = { 'd/Makefile': 'obj-y += e.o\r\nifdef CONFIG_B\r\nobj-y += f.o \\\r\n g.o\r\nendif' };
    expect(await objectsOf('obj-y := Kbuild/ d/', more)).toEqual({
      'd/e.o': 'y | n',
      'd/f.o': 'B | n',
      'd/g.o': 'B | n',
    });
    expect(await objectsOf('\0\0obj-y := a.o\n\ue0001\ue000 := x\nobj-y := \ue0001\ue000.o b.o')).toHaveProperty(
      'b.o',
      'y | n',
    );
  });

  test('anything at all: objects, or a refusal with a place', async () => {
    const word = fc.constantFrom(
      ...[
        'obj-y',
        'obj-$(CONFIG_T)',
        'x',
        '$(x)',
        ':=',
        '+=',
        '=',
        '?=',
        'a.o',
        'd/',
        '\n',
        '\n\t',
        '\\\n',
        '#',
        ' ',
        ' ',
      ],
      ...[
        'ifdef ',
        'ifeq (',
        ')',
        ',',
        'else',
        '\nendif\n',
        '$(',
        '${',
        '}',
        '$',
        '$(subst a,',
        '$(foreach i,',
        '$(call ',
        '$(eval ',
      ],
      ...[
        'define x\n',
        '\nendef\n',
        'include ',
        'Kbuild',
        'CONFIG_B',
        '$(CONFIG_S)',
        '$(if ',
        '$(shell ',
        '"',
        "'",
        '%',
        ':',
      ],
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 40 }), async (words) => {
        expect(await refusal(words.join(''))).toMatch(/^(none|[^\n:]+:\d+: [^\n]+)$/);
      }),
      { numRuns: 500 },
    );
  });
});

import { describe, expect, test } from 'vitest';
import { configReferences, sourceKind } from '../../../rules/source/config-references.ts';

test.each([
  ['drivers/net/a.c', 'c'],
  ['include/linux/a.h', 'c'],
  ['arch/x86/entry/a.S', 'c'],
  ['arch/x86/kernel/vmlinux.lds.S', 'c'],
  ['drivers/net/Makefile', 'kbuild'],
  ['arch/arm/Makefile.boot', 'kbuild'],
  ['Kbuild', 'kbuild'],
  ['Makefile', 'kbuild'],
  ['drivers/net/Kconfig', undefined],
  ['Documentation/a.c', undefined],
  ['tools/testing/a.c', undefined],
  ['scripts/Makefile.ubsan', 'kbuild'],
  ['scripts/mod/Makefile', 'kbuild'],
  ['arch/mips/ath79/Platform', 'kbuild'],
  ['drivers/Platform.c.txt', undefined],
  ['scripts/kconfig/Makefile', undefined],
  ['scripts/mod/a.c', undefined],
  ['arch/arm/configs/a_defconfig', undefined],
  ['kernel/configs/Makefile', undefined],
  ['drivers/net/a.rst', undefined],
])('%s is %s', (path, kind) => {
  expect(sourceKind(path)).toBe(kind);
});

describe.each(['\n', '\r\n'])('references (%j)', (eol) => {
  const found = (kind: 'c' | 'kbuild', ...lines: string[]): string[] =>
    configReferences(lines.map((line) => line + eol).join(''), kind).map(({ name, line }) => `${name}@${line}`);

  test.each<[string, string[], string[]]>([
    ['#if', ['#if defined(CONFIG_A) && !CONFIG_B'], ['A@1', 'B@1']],
    [
      '#ifdef, #ifndef and #elif, with blanks',
      ['#ifdef CONFIG_A', '  #  ifndef CONFIG_B', '#elif CONFIG_C'],
      ['A@1', 'B@2', 'C@3'],
    ],
    ['a continued #if', ['#if X || \\', '    defined(CONFIG_A)', 'CONFIG_B'], ['A@2']],
    [
      'IS_ENABLED and its like',
      ['if (IS_ENABLED(CONFIG_A) || IS_MODULE( CONFIG_B ))', 'IS_REACHABLE(CONFIG_C) IS_BUILTIN(CONFIG_D)'],
      ['A@1', 'B@1', 'C@2', 'D@2'],
    ],
    [
      'a call over several lines',
      ['x = IS_ENABLED(', '\tCONFIG_A) + IS_BUILTIN', '(', 'CONFIG_B', ');'],
      ['A@2', 'B@4'],
    ],
    ['a call after a comment line', ['IS_ENABLED( /* CONFIG_X', '*/ CONFIG_A)'], ['A@2']],
    ['a call in a continued macro', ['#define HAS(x) IS_ENABLED(\\', '\tCONFIG_A)'], ['A@2']],
    [
      'a call over the lines of an #if',
      ['#if IS_ENABLED(\\', 'CONFIG_A) || CONFIG_B', 'IS_MODULE(CONFIG_C)'],
      ['A@2', 'B@2', 'C@3'],
    ],
    ['a macro that asks', ['#define HAS IS_ENABLED(CONFIG_A)'], ['A@1']],
    ['_MODULE, as it is written', ['#ifdef CONFIG_A_MODULE'], ['A_MODULE@1']],
    ['code behind a comment', ['/* x */ #ifdef CONFIG_B', '#ifdef /* CONFIG_X */ CONFIG_A'], ['B@1', 'A@2']],
    ['the line after a macro', ['#define HAS(x) \\', '\tx', '#ifdef CONFIG_A'], ['A@3']],
    ['code behind a string with a comment in it', ['char *s = "/*";', '#ifdef CONFIG_A'], ['A@2']],
  ])('in C: %s', (_, lines, expected) => {
    expect(found('c', ...lines)).toEqual(expected);
  });

  test.each<[string, string[]]>([
    ['comments', ['// #ifdef CONFIG_A', '/*', '#ifdef CONFIG_A', '*/', '/* IS_ENABLED(CONFIG_A) */']],
    [
      'strings',
      ['pr_info("IS_ENABLED(CONFIG_A)");', "x = 'IS_ENABLED(CONFIG_A)';", 'char *s = "\\', '#ifdef CONFIG_A";'],
    ],
    ['lines of a macro', ['#define X(if) \\', '#if CONFIG_A']],
    ['values', ['int x = CONFIG_A;', 'CONFIG_A']],
    ['calls of other functions', ['IS_ERR(', 'CONFIG_A)', 'IS_ENABLED(', 'x, CONFIG_A)']],
    ['names that are put together', ['#if CONFIG_A_ ## B', 'IS_ENABLED(CONFIG_##x)', 'IS_ENABLED(CONFIG_A_##x)']],
    ['longer words', ['#ifdef MYCONFIG_A', '#ifdef CONFIG_']],
    ['other directives', ['#include CONFIG_A', '#define X CONFIG_A', '#error CONFIG_A']],
    ['a comment without end', ['/* #', '#ifdef CONFIG_A']],
  ])('not in C: %s', (_, lines) => {
    expect(found('c', ...lines)).toEqual([]);
  });

  test.each<[string, string[], string[]]>([
    ['objects', ['obj-$(CONFIG_A) += a.o', 'foo-$(CONFIG_B) := b.o'], ['A@1', 'B@2']],
    ['conditions', ['ifdef CONFIG_A', 'ifeq ($(CONFIG_B),y)'], ['A@1', 'B@2']],
    ['a line with a comment behind it', ['obj-$(CONFIG_A) += a.o # CONFIG_X'], ['A@1']],
  ])('in Kbuild: %s', (_, lines, expected) => {
    expect(found('kbuild', ...lines)).toEqual(expected);
  });

  test.each<[string, string[]]>([
    ['comments', ['# obj-$(CONFIG_A) += a.o', '\t# CONFIG_A']],
    ['names that make puts together', ['obj-$(CONFIG_A_$(BITS)) += a.o', 'obj-$(CONFIG_$(X)) += a.o']],
    ['longer words', ['KCONFIG_CONFIG := x', '-DCONFIG_A']],
  ])('not in Kbuild: %s', (_, lines) => {
    expect(found('kbuild', ...lines)).toEqual([]);
  });

  test('tell the call that they are an argument of', () => {
    const text = `IS_REACHABLE(${eol}CONFIG_A)${eol}#ifdef CONFIG_B${eol}`;
    expect(configReferences(text, 'c').map(({ call }) => call)).toEqual(['IS_REACHABLE', undefined]);
  });

  test('take time in proportion to the text', () => {
    const hostile = `${'/* " \' '.repeat(20_000)}\n${'"\\'.repeat(50_000)}\n${'IS_ENABLED(\n\\'.repeat(20_000)}${'\n'.repeat(50_000)}CONFIG_`;
    const begin = performance.now();
    expect(configReferences(hostile, 'c')).toEqual([]);
    expect(performance.now() - begin).toBeLessThan(1000);
  });
});

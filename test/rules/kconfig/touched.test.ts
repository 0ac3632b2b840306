import { describe, expect, test } from 'vitest';
import { KconfigStore } from '../../../rules/kconfig/files.ts';
import { touchedPaths } from '../../../rules/kconfig/touched.ts';

const CONFIG = 'config FOO\n\tbool "foo"\n\tdepends on BAR\n\thelp\n\t  About foo.\n';
const TREE = {
  Kconfig: 'source "a/Kconfig"\nsource "b/Kconfig"\n',
  'a/Kconfig': `if A\n\nsource "a/c/Kconfig"\n\nendif\n\n${CONFIG}`,
  'a/c/Kconfig': 'config C\n\tbool "c"\n',
  'b/Kconfig': CONFIG,
};
const ALL = Object.keys(TREE).sort();

describe.each(['\n', '\r\n'])('files that a change touches (%j)', (eol) => {
  function touched(path: string, change: (text: string) => string): string[] {
    const store = new KconfigStore();
    const files = (of: Record<string, string>) =>
      new Map(
        Object.entries(of).map(([name, text]) => [name, store.parsed(`${name} ${text}`, text.replaceAll('\n', eol))!]),
      );
    const before: Record<string, string> = TREE;
    return [...touchedPaths([path], files(before), files({ ...before, [path]: change(before[path] ?? '') }))].sort();
  }

  test.each([
    ['a help text', (text: string) => text.replace('About foo', 'All about foo')],
    ['the words of a prompt', (text: string) => text.replace('"foo"', '"Foo support"')],
    ['lines that move', (text: string) => `# a comment\n\n${text}`],
  ])('are none for %s', (_, change) => {
    expect(touched('b/Kconfig', change)).toEqual([]);
    expect(touched('a/Kconfig', change)).toEqual([]);
  });

  test.each([
    ['a dependency', (text: string) => text.replace('BAR', 'BAZ')],
    ['a type', (text: string) => text.replace('bool "foo"', 'tristate "foo"')],
    ['a prompt that goes away', (text: string) => text.replace('bool "foo"', 'bool')],
    ['a macro in an entry', (text: string) => text.replace('BAR', '$(success,true)')],
    ['an entry more', (text: string) => `${text}config MORE\n\tbool\n`],
  ])('are the file alone for %s', (_, change) => {
    expect(touched('a/Kconfig', change)).toEqual(['a/Kconfig']);
    expect(touched('b/Kconfig', change)).toEqual(['b/Kconfig']);
  });

  test('are the file and what it sources where a block changes', () => {
    expect(touched('a/Kconfig', (text) => text.replace('if A', 'if B'))).toEqual(['a/Kconfig', 'a/c/Kconfig']);
    expect(touched('a/Kconfig', (text) => text.replace(/^if A\n|^endif\n/gm, ''))).toEqual([
      'a/Kconfig',
      'a/c/Kconfig',
    ]);
    expect(touched('a/Kconfig', (text) => text.replace('source "a/c/Kconfig"\n', ''))).toEqual([
      'a/Kconfig',
      'a/c/Kconfig',
    ]);
  });

  test('are all where a file sets variables or sources by a macro', () => {
    expect(touched('b/Kconfig', (text) => `x := y\n${text}`)).toEqual(ALL);
    expect(touched('b/Kconfig', (text) => `source "$(x)/Kconfig"\n${text}`)).toEqual(ALL);
  });

  test('are none for a path that is no Kconfig file', () => {
    expect(touched('c/Makefile', () => '')).toEqual([]);
  });

  test('are a file that is new or gone', () => {
    expect(touched('d/Kconfig', () => 'config D\n\tbool "d"\n')).toEqual(['d/Kconfig']);
  });
});

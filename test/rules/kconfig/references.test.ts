import { describe, expect, test } from 'vitest';
import { ExprPool } from '../../../rules/kconfig/expr.ts';
import { KconfigParser } from '../../../rules/kconfig/parse.ts';
import { declaredIn, fileReferences, isOwnText, requires, textsIn } from '../../../rules/kconfig/references.ts';

const read = (text: string) => {
  const pool = new ExprPool();
  const file = new KconfigParser(pool).parseFile(text);
  const { declares, mentions } = fileReferences(pool, file);
  const name = (id: number): string => pool.names[id] ?? '-';
  return {
    pool,
    file,
    declares: [...declares].map(([id, { line }]) => `${name(id)}@${line}`),
    mentions: mentions.map(({ symbol, statement, within }) => `${name(symbol)}@${statement.line} in ${name(within)}`),
  };
};

describe.each(['\n', '\r\n'])('a file (%j)', (eol) => {
  const lines = (...texts: string[]): string => texts.map((text) => text + eol).join('');

  test('declares symbols, each once, at its first line', () => {
    const text = lines(
      'config A',
      '\tbool',
      'menuconfig B',
      '\tbool',
      'config A',
      '\tdefault y',
      'menu "m"',
      'endmenu',
    );
    expect(read(text).declares).toEqual(['A@1', 'B@3']);
  });

  test.each([
    ['depends on', ['\tdepends on X && !Y'], ['X@3 in A', 'Y@3 in A']],
    ['select and imply', ['\tselect X if Y', '\timply Z'], ['X@3 in A', 'Y@3 in A', 'Z@4 in A']],
    ['range', ['\trange 1 X'], ['X@3 in A']],
    ['default', ['\tdefault X if Y'], ['X@3 in A', 'Y@3 in A']],
    ['a prompt', ['\tprompt "p" if X'], ['X@3 in A']],
    ['comparisons', ['\tdepends on X = "text" || 5 < Y'], ['X@3 in A', 'Y@3 in A']],
    ['an if', ['if X', 'endif'], ['X@3 in A']],
    ['a menu', ['menu "m"', '\tvisible if X', 'endmenu'], ['X@4 in -']],
    ['a comment', ['comment "c"', '\tdepends on X'], ['X@4 in -']],
    ['a choice', ['choice', '\tdefault X', 'endchoice'], ['X@4 in -']],
  ])('mentions symbols in %s', (_, statements, expected) => {
    expect([...read(lines('config A', '\tint', ...statements)).mentions].sort()).toEqual(expected.sort());
  });

  test.each([
    ['constants', ['\tdepends on y', '\tdefault n', '\tdefault "X"']],
    ['numbers', ['\trange 1 0x10', '\tdefault -5']],
    ['help', ['\thelp', '\t  depends on X']],
    ['comments', ['# depends on X']],
    ['prompts', ['\tprompt "X"']],
    ['variables', ['x := X']],
  ])('mentions none in %s', (_, statements) => {
    expect(read(lines('config A', '\tint', ...statements)).mentions).toEqual([]);
  });
});

test('declarations of several files are put together', () => {
  const pool = new ExprPool();
  const parser = new KconfigParser(pool);
  const files = ['config A\n\tbool\n', 'config B\n\tbool\nconfig A\n\tbool\n'].map((text) => parser.parseFile(text));
  expect([...declaredIn(pool, files)].map((id) => pool.names[id])).toEqual(['A', 'B']);
});

test.each([
  ['X', true],
  ['A && (B && X)', true],
  ['X || A', false],
  ['!X', false],
  ['A && (X || B)', false],
  ['X = y', false],
])('%s needs X: %s', (text, expected) => {
  const { pool, file } = read(`config T\n\tbool\n\tdepends on ${text}\n`);
  const depends = file.statements.find(({ line }) => line === 3);
  expect(requires(pool, depends?.expr ?? -1, pool.symbolId('X'))).toBe(expected);
});

describe('an undefined word', () => {
  const ownTexts = (text: string): string[] => {
    const { pool, file } = read(text);
    const texts = textsIn(pool, [file]);
    return fileReferences(pool, file)
      .mentions.filter((mention) => isOwnText(pool, mention, texts))
      .map(({ symbol }) => pool.names[symbol]!);
  };

  test.each([
    ['a default of a string', '\tstring\n\tdefault X'],
    ['one before the type', '\tdefault X\n\tstring'],
    ['a default of a hex symbol', '\thex "h"\n\tdefault X'],
    ['a default where the prompt has a macro', '\tint "n $(m)"\n\tdefault X'],
    ['the bounds of a range', '\tint\n\trange X X', ['X', 'X']],
    ['a side of a comparison with text', '\tbool\n\tdepends on X = "text" || X < 5', ['X', 'X']],
    ['a side of a comparison with a string', '\tbool\n\tdepends on S != X\nconfig S\n\tstring', ['S', 'X']],
  ])('is its own text as %s', (_, body, expected = ['X']) => {
    expect(ownTexts(`config T\n${body}\n`)).toEqual(expected);
  });

  test.each([
    ['a default of a bool', '\tbool "b"\n\tdefault X'],
    ['a default of def_tristate', '\tdef_tristate X'],
    ['the condition of a default', '\tstring\n\tdefault "a" if X'],
    ['a dependency of a string', '\tstring\n\tdepends on X && !X'],
    ['a side of a comparison with y, m and n', '\tbool\n\tdepends on X = y || "m" != X || X = n'],
    ['a select', '\tbool\n\tselect X'],
    ['a default of a choice behind a string', '\tstring\n\nchoice\n\tdefault X\nendchoice'],
  ])('is a symbol as %s', (_, body) => {
    expect(ownTexts(`config T\n${body}\n`)).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { whenAt } from '../../../rules/source/c-file.ts';
import { preprocess } from '../../../rules/source/c-preprocess.ts';
import { kconfigText } from '../../support/c-source.ts';

/** Condition of the line that holds `here`. */
function conditionOfHere(lines: readonly string[]): string {
  const read = preprocess(lines.join('\n'));
  return kconfigText(whenAt(read, lines.findIndex((line) => /\bhere\b/.test(line)) + 1));
}

const CONDITIONS: readonly (readonly [what: string, lines: readonly string[], condition: string])[] = [
  ['no conditional', ['int here;'], 'y'],
  ['#ifdef', ['#ifdef CONFIG_A', 'int here;', '#endif'], 'A=y'],
  ['#ifndef', ['#ifndef CONFIG_A', 'int here;', '#endif'], '!(A=y)'],
  ['after the #endif', ['#ifdef CONFIG_A', '#endif', 'int here;'], 'y'],
  ['the #else of an #ifdef', ['#ifdef CONFIG_A', '#else', 'int here;', '#endif'], '!(A=y)'],
  ['the macro of a module', ['#ifdef CONFIG_A_MODULE', 'int here;', '#endif'], 'A=m || A_MODULE=y'],
  [
    'defined with and without parentheses',
    ['#if defined(CONFIG_A) && !defined CONFIG_B', 'int here;', '#endif'],
    'A=y && !(B=y)',
  ],
  [
    'the two macros of one symbol',
    ['#if defined(CONFIG_A) || defined(CONFIG_A_MODULE)', 'here', '#endif'],
    'A=y || A=m || A_MODULE=y',
  ],
  ['IS_ENABLED', ['#if IS_ENABLED(CONFIG_A)', 'int here;', '#endif'], 'A=y || A=m'],
  ['IS_BUILTIN', ['#if IS_BUILTIN(CONFIG_A)', 'int here;', '#endif'], 'A=y'],
  ['IS_MODULE', ['#if IS_MODULE(CONFIG_A)', 'int here;', '#endif'], 'A=m'],
  [
    'IS_REACHABLE, without knowing how the file is built',
    ['#if IS_REACHABLE(CONFIG_A)', 'here', '#endif'],
    'A=y ... A=y || A=m',
  ],
  ['#elif', ['#ifdef CONFIG_A', '#elif defined(CONFIG_B)', 'here', '#endif'], '!(A=y) && B=y'],
  ['#else after #elif', ['#ifdef CONFIG_A', '#elif defined(CONFIG_B)', '#else', 'here', '#endif'], '!(A=y) && !(B=y)'],
  ['nested', ['#ifdef CONFIG_A', '#ifndef CONFIG_B', 'here', '#endif', '#endif'], 'A=y && !(B=y)'],
  ['after a nested one', ['#ifdef CONFIG_A', '#ifdef CONFIG_B', '#endif', 'here', '#endif'], 'A=y'],
  ['a value', ['#if CONFIG_A', 'here', '#endif'], 'A=y'],
  ['a number', ['#if CONFIG_N > 4', 'here', '#endif'], 'N!="" && N>4'],
  ['a number on the left', ['#if 4 < CONFIG_N', 'here', '#endif'], 'N!="" && N>4'],
  ['a number that 0 satisfies', ['#if CONFIG_N < 4', 'here', '#endif'], 'N!="" && N<4 || !(N!="")'],
  ['the word size', ['#if BITS_PER_LONG == 64', 'here', '#endif'], '64BIT=y'],
  ['the other word size', ['#if BITS_PER_LONG != 64', 'here', '#endif'], '!(64BIT=y)'],
  ['a macro of another kind', ['#ifdef DEBUG', 'here', '#endif'], 'n ... y'],
  [
    'a macro of another kind, beside a symbol',
    ['#if defined(CONFIG_A) && defined(DEBUG)', 'here', '#endif'],
    'n ... A=y',
  ],
  ['or a symbol', ['#if defined(CONFIG_A) || defined(DEBUG)', 'here', '#endif'], 'A=y ... y'],
  ['MODULE', ['#ifdef MODULE', 'here', '#endif'], 'n ... y'],
  ['the kernel itself', ['#ifdef __KERNEL__', 'here', '#endif'], 'y'],
  ['assembler', ['#ifndef __ASSEMBLY__', 'here', '#endif'], 'y'],
  ['a header guard', ['/* x */', '#ifndef _X_H', '#define _X_H', 'here', '#endif'], 'y'],
  ['a header guard with defined', ['#if !defined(_X_H)', '#define _X_H 1', 'here', '#endif'], 'y'],
  [
    'no header guard: the symbol of a configuration',
    ['#ifndef CONFIG_A', '#define CONFIG_A', 'here', '#endif'],
    '!(A=y)',
  ],
  ['no header guard: not the first thing', ['int x;', '#ifndef X', '#define X', 'here', '#endif'], 'n ... y'],
  [
    'a macro that the file defines',
    ['#ifdef CONFIG_A', '#define X', '#endif', '#ifdef X', 'here', '#endif'],
    'A=y ... y',
  ],
  ['a macro that it takes away', ['#define X', '#undef X', '#ifdef X', 'here', '#endif'], 'n ... y'],
  [
    'a macro that the file defines, in an expression',
    ['#define X', '#if defined(X) && defined(CONFIG_A)', 'here', '#endif'],
    'A=y',
  ],
  [
    'a macro with another value than before',
    ['#if X > 1', '#define X 3', '#if !(X > 1)', 'here', '#endif', '#endif'],
    'n ... y',
  ],
  ['a macro with the same value', ['#if X > 1', '#if !(X > 1)', 'here', '#endif', '#endif'], 'n'],
  ['a continued line', ['#if defined(CONFIG_A) && \\', '    defined(CONFIG_B)', 'here', '#endif'], 'A=y && B=y'],
  ['a comment in the line', ['#ifdef CONFIG_A /* CONFIG_B */', 'here', '#endif // CONFIG_A'], 'A=y'],
  ['a comment over lines', ['#if defined(CONFIG_A) /* x', ' y */ && defined(CONFIG_B)', 'here', '#endif'], 'A=y'],
  ['white space around the sign', ['  #  ifdef CONFIG_A', 'here', '#  endif'], 'A=y'],
  ['an #ifdef in a comment', ['/*', '#ifdef CONFIG_A', '*/', 'here'], 'y'],
  ['an #ifdef in a macro', ['#define X \\', '#ifdef CONFIG_A', 'here'], 'y'],
  ['a question mark', ['#if defined(CONFIG_A) ? 1 : defined(CONFIG_B)', 'here', '#endif'], 'A=y || !(A=y) && B=y'],
  ['what is no expression', ['#if CONFIG_A +', 'here', '#endif'], 'n ... y'],
  ['a missing #endif', ['#ifdef CONFIG_A', 'here'], 'A=y'],
  ['an #else out of nowhere', ['#else', 'here'], 'y'],
  ['both and neither', ['#ifdef CONFIG_A', '#ifndef CONFIG_A', 'here', '#endif', '#endif'], 'n'],
];

describe('the condition of a line', () => {
  for (const [what, lines, condition] of CONDITIONS) {
    for (const [end, name] of [
      ['', ''],
      ['\r', ', CRLF'],
    ] as const) {
      it(`${what}${name}`, () => {
        expect(conditionOfHere(lines.map((line) => line + end))).toBe(condition);
      });
    }
  }
});

describe('the code that is left for the parser', () => {
  it('keeps the length and the lines of the text, without comments and directives', () => {
    const text = '#include <a.h>\n/* c */ int a; // "d"\n#define X \\\n  1\nchar *s = "/* no */";\n';
    const { code } = preprocess(text);
    expect(code).toBe('              \n        int a;       \n           \n   \nchar *s = "/* no */";\n');
    expect(code).toHaveLength(text.length);
  });

  it('has no #if 0', () => {
    expect(preprocess('#if 0\nint a;\n#else\nint b;\n#endif').code.trim()).toBe('int b;');
  });

  it('has both branches where they can stand beside each other', () => {
    const text = 'struct o o = {\n#ifdef CONFIG_A\n\t.a = f,\n#else\n\t.b = g,\n#endif\n};';
    expect(preprocess(text).code.replace(/\s+/g, ' ')).toBe('struct o o = { .a = f, .b = g, };');
  });

  const SPLIT: readonly (readonly [what: string, text: string, first: string, last: string])[] = [
    [
      'braces',
      'void f(void){\n#ifdef CONFIG_A\nif (a) {\n#else\nif (b) {\n#endif\n}}',
      'void f(void){ if (a) { }}',
      'void f(void){ if (b) { }}',
    ],
    ['a call', 'f(x,\n#ifdef CONFIG_A\na\n#else\nb\n#endif\n);', 'f(x, a );', 'f(x, b );'],
    [
      'a signature',
      '#ifdef CONFIG_A\nint f(int a)\n#else\nint f(void)\n#endif\n{ }',
      'int f(int a) { }',
      'int f(void) { }',
    ],
    [
      'a brace opened in one and closed in another',
      'f\n#ifdef CONFIG_A\n{\n#endif\na\n#ifdef CONFIG_A\n}\n#endif',
      'f { a }',
      'f a',
    ],
    ['the other way round', 'f\n#ifdef CONFIG_A\n{\n#endif\na\n#ifndef CONFIG_A\n{\n#endif\n}', 'f { a }', 'f a { }'],
    ['half a statement', 'return\n#ifdef CONFIG_A\na\n#else\nb\n#endif\n;', 'return a ;', 'return b ;'],
  ];
  for (const [what, text, first, last] of SPLIT) {
    it(`has one branch where both would be nonsense: ${what}`, () => {
      const flat = (prefer: 'first' | 'last'): string => preprocess(text, prefer).code.replace(/\s+/g, ' ').trim();
      expect([flat('first'), flat('last')]).toEqual([first, last]);
    });
  }

  it('keeps macros with parentheses, other names and tests, and drops numbers', () => {
    const text = '#define A(x, y) g(x)\n#define B 0x10\n#define C other\n#define D IS_ENABLED(CONFIG_D)\n';
    expect(preprocess(text).macros).toEqual([
      { name: 'A', line: 1, params: ['x', 'y'], body: 'g(x)' },
      { name: 'C', line: 3, body: 'other' },
      { name: 'D', line: 4, body: 'IS_ENABLED(CONFIG_D)' },
    ]);
  });
});

it('macros that are defined in branches on each other do not double a condition at each step', () => {
  const steps = Array.from({ length: 60 }, (_, i) => [
    `#if defined(A${i}) || (defined(B${i}) && !defined(A${i}))`,
    `#define A${i + 1}`,
    '#else',
    `#define B${i + 1}`,
    '#endif',
  ]).flat();
  const lines = [
    '#ifdef CONFIG_X',
    '#define A0',
    '#else',
    '#define B0',
    '#endif',
    ...steps,
    '#ifdef A60',
    'here',
    '#endif',
  ];
  const read = preprocess(lines.join('\n'));
  expect(JSON.stringify(whenAt(read, lines.indexOf('here') + 1)).length).toBeLessThan(20_000);
});

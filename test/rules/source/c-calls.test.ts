import { describe, expect, it } from 'vitest';
import { callsOf } from '../../../rules/source/c-calls.ts';
import type { Condition } from '../../../rules/source/c-condition.ts';
import type { Outcome } from '../../../rules/source/c-outcome.ts';
import { kconfigText, readC } from '../../support/c-source.ts';

/** Condition of the call `here()` in a function with this body. */
function conditionOfHere(body: string, before = ''): string {
  const calls = callsOf(readC(`${before}int f(int a)\n{\n${body}\n}\n`)).filter(({ callee }) => callee === 'here');
  expect(calls).toHaveLength(1);
  return kconfigText(calls[0]!.when);
}

const ENABLED = 'A=y || A=m';
const OFF = '!(A=y || A=m)';
const is = 'IS_ENABLED(CONFIG_A)';

const GUARDS: readonly (readonly [what: string, body: string, condition: string])[] = [
  ['nothing', 'here();', 'y'],
  ['#ifdef', '#ifdef CONFIG_A\nhere();\n#endif', 'A=y'],
  ['if', `if (${is})\nhere();`, ENABLED],
  ['after the if', `if (${is})\nb();\nhere();`, 'y'],
  ['else', `if (${is})\nb();\nelse\nhere();`, OFF],
  ['not', `if (!${is})\nhere();`, OFF],
  ['and with what run time decides', `if (${is} && a)\nhere();`, ENABLED],
  ['the else of that', `if (${is} && a)\nb();\nelse\nhere();`, 'y'],
  ['or with what run time decides', `if (${is} || a)\nhere();`, 'y'],
  ['the else of that', `if (${is} || a)\nb();\nelse\nhere();`, OFF],
  ['what run time decides twice', `if (a && !b && ${is})\nhere();`, ENABLED],
  ['either of two that run time decides', `if ((a || !b) && ${is})\nhere();`, ENABLED],
  ['a choice that run time makes', `if (a ? ${is} : b)\nhere();`, 'y'],
  ['a return under a macro of another kind', '#ifdef DEBUG\nreturn 0;\n#endif\nhere();', 'n ... y'],
  ['likely', `if (likely(${is}))\nhere();`, ENABLED],
  ['nested ifs', `if (${is}) {\nif (IS_BUILTIN(CONFIG_B))\nhere();\n}`, '(A=y || A=m) && B=y'],
  ['an early return', `if (!${is})\nreturn 0;\nhere();`, ENABLED],
  ['an early return that run time may not take', `if (!${is} && a)\nreturn 0;\nhere();`, 'y'],
  ['an early return that run time may take too', `if (!${is} || a)\nreturn 0;\nhere();`, ENABLED],
  ['an early return in braces, after a call', `if (!${is}) {\nb();\nreturn 0;\n}\nhere();`, ENABLED],
  ['an early return in an inner block', `{\nif (!${is})\nreturn 0;\n}\nhere();`, ENABLED],
  ['a return of run time', 'if (a)\nreturn 0;\nhere();', 'y'],
  ['a return on both sides', `if (${is})\nreturn 1;\nelse\nreturn 0;\nhere();`, 'n'],
  ['a return under #ifdef', '#ifdef CONFIG_A\nreturn 0;\n#endif\nhere();', '!(A=y)'],
  ['a return of run time under #ifdef', '#ifdef CONFIG_A\nif (a)\nreturn 0;\n#endif\nhere();', 'y'],
  ['a jump away', `if (!${is})\ngoto out;\nhere();\nout:\nreturn 0;`, ENABLED],
  ['behind the label of a jump', `if (!${is})\ngoto out;\nb();\nout:\nhere();`, 'y'],
  ['behind a label that only a jump reaches', `if (${is})\ngoto out;\nreturn 0;\nout:\nhere();`, ENABLED],
  ['behind a label that is jumped back to', `if (${is})\nreturn 0;\nagain:\nhere();\nif (a)\ngoto again;`, 'y'],
  ['a question mark', `a = ${is} ? here() : 0;`, ENABLED],
  ['its other side', `a = ${is} ? 0 : here();`, OFF],
  ['&&', `return ${is} && here();`, ENABLED],
  ['&& with what run time decides', `return a && ${is} && here();`, ENABLED],
  ['||', `return ${is} || here();`, OFF],
  ['a switch', `switch (a) {\ncase 1:\nif (!${is})\nreturn 0;\nhere();\n}`, ENABLED],
  ['the next case of a switch', `switch (a) {\ncase 1:\nif (!${is})\nreturn 0;\ncase 2:\nhere();\n}`, 'y'],
  ['after a switch', `switch (a) {\ncase 1:\nif (!${is})\nreturn 0;\n}\nhere();`, 'y'],
  ['a loop', `while (${is} && a)\nhere();`, ENABLED],
  ['after a loop', `while (a) {\nif (!${is})\nreturn 0;\n}\nhere();`, 'y'],
  ['a break out of a loop', `for (;;) {\nif (!${is})\nbreak;\nhere();\n}`, ENABLED],
  ['an argument', `b(${is} ? here() : 0);`, ENABLED],
  ['an initialiser', `int b = ${is} ? here() : 0;`, ENABLED],
  ['a statement expression', `b(({ if (${is}) here(); 1; }));`, ENABLED],
  ['a constant', 'if (0)\nhere();', 'n'],
  ['another constant', 'if (1)\nb();\nelse\nhere();', 'n'],
  ['a number of the configuration', 'if (CONFIG_N > 4)\nhere();', 'N!="" && N>4'],
  ['a macro loop', `list_for_each_entry(p, q, r) {\nif (${is})\nhere();\n}`, ENABLED],
  ['a variable', `bool has = ${is};\nif (has)\nhere();`, ENABLED],
  ['a variable that is given it later', `bool has;\nhas = ${is};\nif (!has)\nreturn 0;\nhere();`, ENABLED],
  ['a variable made of another', `bool b = ${is};\nbool c = b && a;\nif (c)\nhere();`, ENABLED],
  ['a variable that is set where it holds', `bool has = false;\nif (${is})\nhas = true;\nif (has)\nhere();`, ENABLED],
  ['a variable of run time', `int b = g();\nif (b)\nhere();`, 'y'],
  ['a variable whose address is taken', `bool has = false;\ng(&has);\nif (has)\nhere();`, 'y'],
  ['a variable that a loop sets', `int b = 0;\nwhile (a) {\nif (b)\nhere();\nb = 1;\n}`, 'y'],
  ['a comparison with 0', `if (${is} == 0)\nreturn 0;\nhere();`, ENABLED],
  ['a comparison with true', `if (${is} != true)\nreturn 0;\nhere();`, ENABLED],
  ['arithmetic', `if (a & -${is})\nhere();`, 'n ... y'],
  ['a switch over it', `switch (${is}) {\ncase 1:\nhere();\n}`, 'n ... y'],
  ['after a test that may be constant, which neither side leaves', `if (a & -${is})\nb();\nhere();`, 'y'],
];

describe('the condition of a call', () => {
  for (const [what, body, condition] of GUARDS) {
    it(what, () => expect(conditionOfHere(body)).toBe(condition));
  }

  it('has that of its function', () => {
    const file = readC('#ifdef CONFIG_A\nint f(void)\n{\n\tif (IS_ENABLED(CONFIG_B))\n\t\there();\n}\n#endif\n');
    expect(kconfigText(callsOf(file)[1]!.when)).toBe('A=y && (B=y || B=m)');
  });

  it('is given up where it grows without end', () => {
    const returns = Array.from({ length: 2000 }, (_, i) => `if (IS_ENABLED(CONFIG_A${i}))\nreturn 0;\n`).join('');
    expect(conditionOfHere(`${returns}here();`)).toMatch(/^n \.\.\. /);
  });

  it('knows the macros of the file, unless they are defined twice', () => {
    const before = '#define HAS_A IS_ENABLED(CONFIG_A)\n';
    expect(conditionOfHere('if (HAS_A)\nhere();', before)).toBe(ENABLED);
    expect(conditionOfHere('if (HAS_A)\nhere();', `${before}#define HAS_A IS_ENABLED(CONFIG_B)\n`)).toBe('y');
  });
});

describe('calls', () => {
  it('have their arguments as written, and those through pointers the member', () => {
    const file = readC('int f(void)\n{\n\treturn g(a,\n\t\t b->c, "x") + ops->open(1);\n}\n');
    expect(callsOf(file).map(({ args, ...call }) => ({ ...call, args: args.length }))).toEqual([
      { callee: 'g', line: 3, caller: 'f', argText: 'a, b->c, "x"', when: true, args: 3 },
      { callee: 'open', isPointer: true, line: 4, caller: 'f', argText: '1', when: true, args: 1 },
    ]);
  });

  it('of a branch that could not be read beside the other are there, and doubtful', () => {
    const text = 'int f(int a)\n{\n\treturn g(\n#ifdef CONFIG_A\n\t\tb()\n#else\n\t\tc()\n#endif\n\t);\n}\n';
    expect(callsOf(readC(text)).map(({ callee, when, isDoubtful }) => [callee, kconfigText(when), isDoubtful])).toEqual(
      [
        ['g', 'y', true],
        ['b', 'A=y', true],
        ['c', '!(A=y)', true],
      ],
    );
  });

  it('do not include declarations, types, sizeof', () => {
    expect(callsOf(readC('int f(void)\n{\n\tint (*g)(int);\n\treturn sizeof(h);\n}\n'))).toEqual([]);
    expect(callsOf(readC('int f(void)\n{\n\treturn sizeof(h(1));\n}\n'))).toEqual([]);
  });

  it('of a parameter or variable are made through a pointer', () => {
    const file = readC('int f(int (*g)(int))\n{\n\treef_fn_t h = k(1);\n\n\treturn g(1) + h(2);\n}\n');
    expect(callsOf(file).map(({ callee, isPointer }) => [callee, isPointer])).toEqual([
      ['k', undefined],
      ['g', true],
      ['h', true],
    ]);
  });

  it('come out as what is known of a function', () => {
    const stub: Condition = { symbol: 'A', is: 'y' };
    // an error without A
    const call = (name: string): Outcome | undefined =>
      name === 'start' ? { yes: true, no: stub, fails: true, works: stub } : undefined;
    const whenHere = (body: string): string => {
      const file = readC(`int f(int a)\n{\n${body}\n}\n`);
      return kconfigText(callsOf(file, { call }).find(({ callee }) => callee === 'here')!.when);
    };
    expect(whenHere('int ret;\nret = start();\nif (ret < 0)\nreturn ret;\nhere();')).toBe('A=y');
    expect(whenHere('struct x *x = start();\nif (IS_ERR(x))\nreturn PTR_ERR(x);\nhere();')).toBe('A=y');
    expect(whenHere('struct x *x = start();\nif (IS_ERR(x))\nhere();')).toBe('y');
    expect(whenHere('int ret = start();\nif (ret)\ng();\nhere();')).toBe('y');
    expect(whenHere('if (start() == a)\nhere();')).toBe('y');
    // a variable that is given something else since
    expect(whenHere('int ret = start();\nret = g();\nif (ret)\nreturn ret;\nhere();')).toBe('y');
    expect(whenHere('int ret = g();\nif (ret)\nreturn ret;\nhere();\nret = start();')).toBe('y');
    expect(
      whenHere(
        'int ret = start();\nif (a) {\nret = g();\ngoto out;\n}\nif (ret)\nreturn ret;\nhere();\nout:\nreturn 0;',
      ),
    ).toBe('A=y');
    expect(whenHere('int ret = g();\nif (a)\nret = start();\nif (ret)\nreturn ret;\nhere();')).toBe('A=y');
    // a variable that has the function's name
    expect(whenHere('int start = g();\nif (start)\nreturn 0;\nhere();')).toBe('y');
  });
});

import { describe, expect, it } from 'vitest';
import { Macros, type MacroWorld } from '../../../rules/kconfig/macros.ts';

type Line = readonly [name: string, op: '=' | ':=' | '+=', value: string];

function macros(lines: readonly Line[] = [], world: Partial<MacroWorld> = {}): Macros {
  const made = new Macros({ env: {}, shell: () => undefined, ...world });
  for (const [i, [name, op, value]] of lines.entries()) made.assign(name, op, value, 'K', i + 1);
  return made;
}

/** What `$(reference)` gives at K:9. */
function expand(reference: string, lines: readonly Line[] = [], world: Partial<MacroWorld> = {}): string {
  return macros(lines, world).expand(reference, 'K', 9, true);
}

describe('variables', () => {
  it('with := keep what they were given, with = look again', () => {
    const lines: Line[] = [
      ['X', ':=', '1'],
      ['S', ':=', '$(X)'],
      ['R', '=', '$(X)'],
      ['X', ':=', '2'],
    ];
    expect([expand('S', lines), expand('R', lines)]).toEqual(['1', '2']);
  });

  it('grow by += in the flavour they have, with a blank between', () => {
    const lines: Line[] = [
      ['X', ':=', '1'],
      ['S', ':=', 'a'],
      ['R', '=', 'a'],
      ['S', '+=', '$(X)'],
      ['R', '+=', '$(X)'],
      ['N', '+=', '$(X)'],
      ['X', ':=', '2'],
    ];
    expect([expand('S', lines), expand('R', lines), expand('N', lines)]).toEqual(['a 1', 'a 2', '2']);
  });

  it('go before the environment, which counts as empty where it says nothing', () => {
    const env = { ARCH: 'x86', CC: 'gcc' };
    expect([
      expand('ARCH', [], { env }),
      expand('CC', [['CC', '=', 'clang']], { env }),
      expand('NONE', [], { env }),
    ]).toEqual(['x86', 'clang', '']);
    expect(expand('constructor', [], { env })).toBe('');
  });

  it('that refer to themselves are refused, those that refer to each other once are not', () => {
    expect(() =>
      expand('X', [
        ['X', '=', '$(Y)'],
        ['Y', '=', '$(X)'],
      ]),
    ).toThrow("K:9: Recursive variable 'X' references itself (eventually)");
    expect(
      expand('X', [
        ['X', '=', '$(Y)$(Y)'],
        ['Y', '=', '1'],
      ]),
    ).toBe('11');
  });

  it('may be named by others', () => {
    expect(
      expand('$(A)_$(B)', [
        ['A', '=', 'x'],
        ['B', '=', 'y'],
        ['x_y', '=', 'found'],
      ]),
    ).toBe('found');
  });
});

describe('functions of the user', () => {
  const greet: Line[] = [['greet', '=', 'Hello $(1), from $(2)']];

  it('take arguments by position; missing ones are empty, further ones are ignored', () => {
    expect(expand('greet,A,B', greet)).toBe('Hello A, from B');
    expect(expand('greet,A', greet)).toBe('Hello A, from ');
    expect(expand('greet,A,B,C', greet)).toBe('Hello A, from B');
  });

  it('keep blanks and commas in parentheses', () => {
    expect(expand('greet, A ,(b,c)', greet)).toBe('Hello  A , from (b,c)');
    expect(expand('greet,$(comma),x', [...greet, ['comma', ':=', ',']])).toBe('Hello ,, from x');
  });

  it('with := do not see arguments', () => {
    expect(expand('greet,A', [['greet', ':=', 'Hello $(1)']])).toBe('Hello ');
  });

  it('may call themselves to an end, but not for ever', () => {
    expect(() => expand('f,x', [['f', '=', '$(f,$(1)x)']])).toThrow('Too deep recursive expansion');
  });
});

describe('built-in functions', () => {
  it('filename and lineno tell the place', () => {
    expect([expand('filename'), expand('lineno')]).toEqual(['K', '9']);
  });

  it('info and warning-if speak and are empty; warning-if only for y', () => {
    const made = macros();
    for (const call of ['info,hello', 'warning-if,y,careful', 'warning-if,n,silent', 'warning-if,yes,silent'])
      expect(made.expand(call, 'K', 9, true)).toBe('');
    expect(made.messages).toEqual([
      { stream: 'stdout', text: 'hello' },
      { stream: 'stderr', text: 'K:9: careful' },
    ]);
  });

  it('error-if ends the reading for y, and only then', () => {
    expect(() => expand('error-if,y,no compiler')).toThrow('K:9: no compiler');
    expect(expand('error-if,n,no compiler')).toBe('');
  });

  it.each([
    ['info', "too few function arguments passed to 'info'"],
    ['info,a,b', "too many function arguments passed to 'info'"],
    ['shell', "too few function arguments passed to 'shell'"],
    ['warning-if,y', "too few function arguments passed to 'warning-if'"],
    ['filename,x', "too many function arguments passed to 'filename'"],
  ])('%s is refused', (call, message) => {
    expect(() => expand(call)).toThrow(message);
  });

  it('shell gives the recorded answer', () => {
    const made = macros([], { shell: (command) => (command === 'echo a,b' ? 'a,b' : undefined) });
    expect(made.expand('shell,echo a$(comma)b', 'K', 1, true)).toBe('n');
    made.assign('comma', ':=', ',', 'K', 1);
    expect(made.expand('shell,echo a$(comma)b', 'K', 2, true)).toBe('a,b');
    expect([...made.missing]).toEqual(['echo ab']);
  });

  it('without an answer counts as n, and is noted', () => {
    const made = macros();
    expect(made.expand('shell,touch /tmp/x', 'K', 1, true)).toBe('n');
    expect([...made.missing]).toEqual(['touch /tmp/x']);
  });
});

describe('limits', () => {
  it('refuse a reference without its end', () => {
    expect(() => macros().expand('x', 'K', 9, false)).toThrow("K:9: unterminated reference to 'x': missing ')'");
    expect(() => macros([['A', ':=', '$(x']])).toThrow("K:1: unterminated reference to 'x': missing ')'");
  });

  it('allow 16 words in a call, no more', () => {
    const call = (n: number): string => ['f', ...Array.from({ length: n }, (_, i) => `${i}`)].join(',');
    expect(expand(call(15), [['f', '=', '$(15)']])).toBe('14');
    expect(() => expand(call(16), [['f', '=', '']])).toThrow('too many function arguments');
  });

  it('stop a text that doubles with every line', () => {
    const lines = Array.from({ length: 40 }, (_, i): Line => [`V${i + 1}`, ':=', `$(V${i})$(V${i})`]);
    expect(() => macros([['V0', ':=', 'x'], ...lines])).toThrow(/grows beyond 1048576 characters/);
    expect(expand('V10', [['V0', ':=', 'x'], ...lines.slice(0, 10)])).toHaveLength(1024);
  });
});

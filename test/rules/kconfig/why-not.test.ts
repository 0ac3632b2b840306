import { describe, expect, it } from 'vitest';
import { type Goal, Solver } from '../../../rules/kconfig/solve.ts';
import { Tiny } from './tiny-kconfig.ts';

/** The reasons as lines: `kind SYMBOL path:line what`. */
function reasons(text: string, ...asked: string[]): string[] | undefined {
  const tiny = new Tiny(text);
  const goals = asked.map((words): Goal => {
    const isNot = words.startsWith('not ');
    return { expr: tiny.expr(isNot ? words.slice(4) : words), level: isNot ? 1 : 2, holds: !isNot };
  });
  return new Solver(tiny.pool, tiny.model).whyNot(goals)?.map(({ kind, symbol, path, line, expr, from }) => {
    const what = from ? `from ${from.name}` : expr < 0 ? '' : tiny.pool.print(expr);
    return `${kind} ${symbol?.name ?? '-'} ${path}:${line} ${what}`.trim();
  });
}

const CHAIN = `config A
	bool "A"
	depends on B
	depends on OTHER
config OTHER
	bool "other"
if C
config B
	bool "B"
endif
config C
	bool "C"
	depends on !NEVER
config NEVER
	bool
config D
	bool
	depends on GONE
	default y
config S
	bool "S"
	select T if OTHER
config T
	bool
`;

describe('the statements that exclude something', () => {
  it('lead from what was asked to what is behind it', () => {
    expect(reasons(CHAIN, 'A', 'not C')).toEqual([
      'definition A Kconfig:1',
      'depends on A Kconfig:3 B',
      'definition B Kconfig:8',
      'if - Kconfig:7 C',
    ]);
  });

  it('name a symbol that nothing declares, with who needs it', () => {
    expect(reasons(CHAIN, 'D')).toEqual([
      'definition D Kconfig:16',
      'depends on D Kconfig:18 GONE',
      'undeclared - :0 GONE',
    ]);
  });

  it('name a symbol that nothing turns on', () => {
    expect(reasons(CHAIN, 'NEVER')).toEqual(['definition NEVER Kconfig:14']);
  });

  it('say who selects', () => {
    expect(reasons(CHAIN, 'S', 'OTHER', 'not T')).toEqual(['select T Kconfig:22 from S']);
  });

  it('go on to those that could select it', () => {
    const text = 'config A\n\tbool\nconfig B\n\tbool "B"\n\tdepends on GONE\n\tselect A\n';
    expect(reasons(text, 'A')).toEqual([
      'definition A Kconfig:1',
      'depends on B Kconfig:5 GONE',
      'undeclared - :0 GONE',
    ]);
  });

  it('are none where the goals exclude each other, and undefined where they do not', () => {
    expect(reasons(CHAIN, 'OTHER', 'not OTHER')).toEqual([]);
    expect(reasons(CHAIN, 'OTHER')).toBeUndefined();
  });

  it('can be a choice, a `visible if`, a default, an imply and a range', () => {
    const text = `config A
	bool "A"
choice
	prompt "choice"
config X
	bool "X"
config Y
	bool "Y"
endchoice
menu "menu"
	visible if A
config V
	bool "V"
endmenu
config W
	bool
	default y if A
config I
	bool
config J
	bool "J"
	imply I
config N
	int "N"
	range 1 3
`;
    expect(reasons(text, 'X', 'Y')).toEqual(['choice X Kconfig:3']);
    expect(reasons(text, 'V', 'not A')).toEqual(['definition V Kconfig:12', 'visible if V Kconfig:11 A']);
    expect(reasons(text, 'A', 'not W')).toEqual(['default W Kconfig:17 A']);
    expect(reasons(text, 'J', 'not I')).toEqual(['imply I Kconfig:22 from J']);
    expect(reasons(text, 'N > 3')).toEqual(['definition N Kconfig:23']);
  });
});

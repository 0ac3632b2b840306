import { describe, expect, it } from 'vitest';
import { type ExprId, NONE, Op } from '../../../rules/kconfig/expr.ts';
import { Simplifier } from '../../../rules/kconfig/simplify.ts';
import { Tiny } from './tiny-kconfig.ts';

const SYMBOLS =
  'config MODULES\n\tbool\n\tmodules\nconfig B\n\tbool\nconfig C\n\tbool\nconfig T\n\ttristate\nconfig U\n\ttristate\nconfig I\n\tint\n';

function setUp(text = SYMBOLS): { tiny: Tiny; simplifier: Simplifier } {
  const tiny = new Tiny(text);
  return { tiny, simplifier: new Simplifier(tiny.pool, tiny.model) };
}

/** What conf makes of a dependency. */
function simplified(text: string): string {
  const { tiny, simplifier } = setUp();
  return tiny.pool.print(simplifier.deduplicate(simplifier.normalize(tiny.expr(text))));
}

describe('negations and comparisons', () => {
  it.each([
    ['!!B', 'B'],
    ['!(B || T)', '!B && !T'],
    ['!(B && T)', '!B || !T'],
    ['!(I = 3)', 'I!=3'],
    ['!(I != 3)', 'I=3'],
    ['!(I < 3)', 'I>=3'],
    ['!(I <= 3)', 'I>3'],
    ['!(I > 3)', 'I<=3'],
    ['!(I >= 3)', 'I<3'],
    ['!y', 'n'],
    ['!n', 'y'],
    ['B = y', 'B'],
    ['B = n', '!B'],
    ['B = m', 'n'],
    ['B != y', '!B'],
    ['B != n', 'B'],
    ['B != m', 'y'],
    ['m', 'm && MODULES'],
    ['!m', 'm || !MODULES'],
  ])('%s becomes %s', (text, want) => {
    expect(simplified(text)).toBe(want);
  });

  it.each(['T=y', 'T!=m', 'I=3', 'B=C', '!T', 'T=m'])('%s stays', (text) => {
    expect(simplified(text)).toBe(text);
  });
});

describe('duplicates', () => {
  it.each([
    ['B || !B', 'y'],
    ['B && C && B', 'C && B'],
    ['(B || C) && (C || B)', 'B || C'],
    ['B && y', 'B'],
    ['B && n', 'n'],
    ['B || n', 'B'],
    ['B || y', 'y'],
    ['T = y || T = m', 'T!=n'],
    ['T = y || T = n', 'T!=m'],
    ['T != y && T != n', 'T=m'],
    ['T != m && T != n', 'T=y'],
    ['T && T = y', 'T=y'],
    ['T && T != n', 'T'],
    ['T && T != m', 'T=y'],
    ['T = y && T != y', 'n'],
    ['T = y && T != m', 'T=y'],
    ['(B || !B) && C', 'C'],
  ])('%s become %s', (text, want) => {
    expect(simplified(text)).toBe(want);
  });

  it.each(['T || !T', 'T && T=m', 'B && !B', 'B || C', 'T=y && T=m', 'I=3 || I=3 && B', 'T && !T'])(
    '%s stay',
    (text) => {
      expect(simplified(text)).toBe(text);
    },
  );

  it('are not searched for without bound', () => {
    const { tiny, simplifier } = setUp('');
    const { pool } = tiny;
    const chain = (from: number): ExprId => {
      let e = pool.symbol(pool.symbolId(`S${from}`));
      for (let i = 1; i < 5000; i++) e = pool.and(pool.symbol(pool.symbolId(`S${from + i}`)), e);
      return e;
    };
    expect(() => simplifier.equal(chain(0), chain(5000))).toThrow(/more than 20000000 comparisons|call stack/);
    expect(simplifier.equal(chain(0), chain(0))).toBe(true);
  });
});

describe('equality', () => {
  it.each([
    ['B && C', 'C && B', true],
    ['B && (C && T)', '(T && B) && C', true],
    ['(B || C) && T', 'T && (C || B)', true],
    ['B && C', 'B || C', false],
    ['B && C', 'B && C && T', false],
    ['B', 'C', false],
    ['!T', '!T', true],
    ['T = y', 'T = m', false],
  ] as const)('of %s and %s: %s', (a, b, want) => {
    const { tiny, simplifier } = setUp();
    expect(simplifier.equal(tiny.expr(a), tiny.expr(b))).toBe(want);
  });

  it('counts no dependency as y, not as n', () => {
    const { tiny, simplifier } = setUp();
    expect(simplifier.equal(NONE, tiny.expr('y'))).toBe(true);
    expect(simplifier.equal(NONE, tiny.expr('n'))).toBe(false);
  });

  it('leaves what only one of two has', () => {
    const { tiny, simplifier } = setUp();
    const [a, b] = simplifier.withoutCommon(tiny.expr('B && C'), tiny.expr('C && T && B'));
    expect([tiny.pool.print(a), tiny.pool.print(b)]).toEqual(['y', 'T']);
  });
});

describe('comparedWithNo', () => {
  it.each([
    ['B', 'B!=n'],
    ['!B', 'B=n'],
    ['B && C', '!(B=n || C=n)'],
    ['B || C', '!(B=n && C=n)'],
    ['I = 3', 'I=3'],
    ['!(I = 3)', '!(I=3)'],
  ])('of %s is %s', (text, want) => {
    const { tiny } = setUp();
    expect(tiny.pool.print(tiny.pool.comparedWithNo(tiny.expr(text), Op.unequal))).toBe(want);
  });
});

describe('what conf keeps of a declaration', () => {
  const text = `${SYMBOLS}if B\nmenu "m"\n\tdepends on C\n\tvisible if T\nconfig X\n\tbool "x" if U\n\tdepends on B\n\tdefault y if !C\nendmenu\nendif\n`;

  it('is its dependency with those of the blocks around', () => {
    const { tiny, simplifier } = setUp(text);
    const [declaration] = tiny.symbol('X').declarations;
    expect(tiny.pool.print(simplifier.dependency(declaration!))).toBe('C && B');
    expect(simplifier.dependency(tiny.symbol('B').declarations[0]!)).toBe(NONE);
  });

  it('and of a property that with its own `if`, for prompts `visible if` too', () => {
    const { tiny, simplifier } = setUp(text);
    const x = tiny.symbol('X');
    expect(tiny.pool.print(simplifier.condition(x.prompts[0]!))).toBe('C && B && U && T');
    expect(tiny.pool.print(simplifier.condition(x.defaults[0]!))).toBe('C && B && !C');
  });
});

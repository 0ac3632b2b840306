import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExprId, ExprPool, NONE, Op } from '../../../rules/kconfig/expr.ts';
import { Tiny } from './tiny-kconfig.ts';

/** Expressions over a few symbols, made in the pool itself. */
function exprs(pool: ExprPool): fc.Arbitrary<ExprId> {
  const operand = fc.oneof(
    fc.constantFrom('A', 'B', 'LONG_NAME', '0x10').map((n) => pool.symbolId(n)),
    fc.constantFrom('', 'x y', 'A').map((t) => pool.constantId(t)),
  );
  const comparisons = [Op.equal, Op.unequal, Op.less, Op.lessEqual, Op.greater, Op.greaterEqual] as const;
  return fc.letrec<{ e: ExprId }>((tie) => ({
    e: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom('A', 'B', 'C', 'y', 'n').map((n) => pool.symbol(pool.symbolId(n))),
      fc.tuple(fc.constantFrom(...comparisons), operand, operand).map(([op, l, r]) => pool.make(op, l, r)),
      tie('e').map((e) => pool.not(e)),
      fc.tuple(fc.constantFrom(Op.and, Op.or), tie('e'), tie('e')).map(([op, l, r]) => pool.make(op, l, r)),
    ),
  })).e;
}

/** The same with chains leaning to the left, as they are read. */
function leaningLeft(pool: ExprPool, e: ExprId): ExprId {
  const op = pool.ops[e] as Op;
  if (op === Op.not) return pool.not(leaningLeft(pool, pool.lefts[e]!));
  if (op !== Op.and && op !== Op.or) return e;
  const operands: ExprId[] = [];
  const collect = (part: ExprId): void => {
    if (pool.ops[part] !== op) operands.push(leaningLeft(pool, part));
    else for (const side of [pool.lefts[part]!, pool.rights[part]!]) collect(side);
  };
  collect(e);
  return operands.reduce((left, right) => pool.make(op, left, right));
}

describe('the pool', () => {
  it('gives equal expressions one id, and different ones two', () => {
    const pool = new ExprPool();
    const [a, b] = [pool.symbol(pool.symbolId('A')), pool.symbol(pool.symbolId('B'))];
    expect(pool.and(a, b)).toBe(pool.and(a, b));
    expect(pool.and(a, b)).not.toBe(pool.and(b, a));
    expect(pool.and(a, b)).not.toBe(pool.or(a, b));
    expect(pool.symbol(pool.constantId('A'))).not.toBe(a);
  });

  it('keeps ids while it grows', () => {
    const pool = new ExprPool();
    const make = (i: number): ExprId =>
      pool.make(Op.and, pool.symbol(pool.symbolId(`S${i}`)), pool.symbol(pool.symbolId(`S${i + 1}`)));
    const count = 70_000;
    const ids = Array.from({ length: count }, (_, i) => make(i));
    expect(new Set(ids).size).toBe(count);
    for (const i of [0, 1, 43_690, 65_535, 65_536, count - 1]) expect(make(i)).toBe(ids[i]);
  });

  it('takes NONE for no condition, and y for a condition', () => {
    const pool = new ExprPool();
    const a = pool.symbol(pool.symbolId('A'));
    expect([pool.and(NONE, a), pool.and(a, NONE), pool.or(NONE, a), pool.and(NONE, NONE)]).toEqual([a, a, a, NONE]);
    expect(pool.and(pool.symbol(pool.y), a)).not.toBe(a);
  });

  it('makes y, m and n constants, written with quotes or without', () => {
    const pool = new ExprPool();
    expect(['n', 'm', 'y'].map((name) => pool.symbolId(name))).toEqual([pool.n, pool.m, pool.y]);
    expect(pool.symbolId('yes')).toBeGreaterThan(pool.y);
  });
});

describe('a literal m', () => {
  it('in a dependency waits for MODULES, in a comparison or a default it does not', () => {
    const tiny = new Tiny('config A\n\ttristate "a"\n\tdepends on m && !(B = m)\n\tdefault m\n');
    const { pool } = tiny;
    const dep = tiny.symbol('A').declarations[0]!.dep;
    expect(pool.ops[pool.lefts[dep]!]).toBe(Op.modules);
    expect(pool.rights[pool.lefts[pool.rights[dep]!]!]).toBe(pool.m);
    expect(tiny.symbol('A').defaults[0]!.value).toBe(pool.symbol(pool.m));
  });
});

describe('printing', () => {
  it('and reading again gives the same expression', () => {
    const tiny = new Tiny('');
    fc.assert(
      fc.property(exprs(tiny.pool), (e) => {
        const left = leaningLeft(tiny.pool, e);
        expect(tiny.expr(tiny.pool.print(left))).toBe(left);
      }),
      { numRuns: 500 },
    );
  });

  it.each(['A', '!A', 'A && B || C', 'A && (B || C)', '!(A && B)', '!!A', 'A=y', 'A!="x"', '!(A<5)', 'A<=B || m'])(
    '%j uses no parentheses beyond those',
    (text) => {
      const tiny = new Tiny('');
      expect(tiny.pool.print(tiny.expr(text))).toBe(text);
    },
  );

  it('drops parentheses that change nothing, keeps those that do', () => {
    const tiny = new Tiny('');
    expect(tiny.pool.print(tiny.expr('((A) && (B))'))).toBe('A && B');
    expect(tiny.pool.print(tiny.expr('(A || B) && C'))).toBe('(A || B) && C');
  });
});

describe('symbolsOf', () => {
  it('names every symbol from left to right, and no constant', () => {
    const tiny = new Tiny('');
    const names: string[] = [];
    tiny.pool.symbolsOf(tiny.expr('A && !(B = "x") || C < D && y && A'), (id) => names.push(tiny.pool.names[id]!));
    expect(names).toEqual(['A', 'B', 'C', 'D', 'A']);
  });
});

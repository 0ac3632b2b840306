import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExprPool } from '../../../rules/kconfig/expr.ts';
import type { Condition, ConditionContext } from '../../../rules/source/c-condition.ts';
import { all, any, conditionBounds, not, withoutOpaque } from '../../../rules/source/c-condition.ts';

const pool = new ExprPool();

function printed(c: Condition, context: ConditionContext = {}): readonly [least: string, most: string] {
  const { least, most } = conditionBounds(pool, c, context);
  return [pool.print(least), pool.print(most)];
}

const A: Condition = { symbol: 'A', is: 'defined' };
const B: Condition = { symbol: 'B', is: 'enabled' };
const U: Condition = { opaque: 'u' };

describe('conditions', () => {
  it('fold what decides, what repeats, and a part with its opposite', () => {
    expect(all(A, true, A)).toEqual(A);
    expect(all(A, false)).toBe(false);
    expect(all(A, not(A))).toBe(false);
    expect(any(A, not(A))).toBe(true);
    expect(any(false, A)).toEqual(A);
    expect(all(all(A, B), U)).toEqual({ all: [A, B, U] });
    expect(not(not(A))).toEqual(A);
  });

  it('lose their opaque parts in favour of one side', () => {
    expect(withoutOpaque(all(A, U), true)).toEqual(A);
    expect(withoutOpaque(all(A, U), false)).toBe(false);
    expect(withoutOpaque(not(all(A, U)), true)).toBe(true);
    expect(withoutOpaque(not(all(A, U)), false)).toEqual(not(A));
  });

  it('are exact in what the configuration says, and bounded in what it does not', () => {
    expect(printed(all(A, U))).toEqual(['n', 'A=y']);
    expect(printed(not(any(A, U)))).toEqual(['n', '!(A=y)']);
    expect(printed(all(A, B))).toEqual(['A=y && (B=y || B=m)', 'A=y && (B=y || B=m)']);
  });

  it('take IS_REACHABLE by how the file is built', () => {
    const reachable: Condition = { symbol: 'A', is: 'reachable' };
    expect(printed(reachable, { modular: pool.symbol(pool.y) })).toEqual(['A=y || A=m', 'A=y || A=m']);
    expect(printed(reachable, { modular: pool.symbol(pool.n) })).toEqual(['A=y', 'A=y']);
    const modular = pool.make(5, pool.symbolId('OWN'), pool.m);
    expect(printed(reachable, { modular })[0]).toBe('A=y || A=m && OWN=m');
    expect(printed({ builtAs: 'module' }, { modular })).toEqual(['OWN=m', 'OWN=m']);
  });

  it('take a string or number for defined where it has a value', () => {
    const text: ConditionContext = { typeOf: () => 'text' };
    expect(printed(A, text)[0]).toBe('A!=""');
    expect(printed({ symbol: 'A', is: 'true' }, text)[0]).toBe('A!="" && A!=0');
  });

  it('compare a bool as the 1 or 0 that its macro is', () => {
    const bool: ConditionContext = { typeOf: () => 'bool' };
    expect(printed({ symbol: 'A', op: '==', number: '1' }, bool)[0]).toBe('A=y');
    expect(printed({ symbol: 'A', op: '==', number: '0' }, bool)[0]).toBe('!(A=y)');
    expect(printed({ symbol: 'A', op: '<', number: '2' }, bool)[0]).toBe('y');
  });

  it('keep their meaning when they are folded', () => {
    const atoms = ['A', 'B', 'C'].map((symbol): Condition => ({ symbol, is: 'y' }));
    const { tree } = fc.letrec<{ tree: Condition }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<Condition>(...atoms, true, false),
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({ all: [a, b] })),
        fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({ any: [a, b] })),
        tie('tree').map((a) => ({ not: a })),
      ),
    }));
    const truth = (c: Condition, set: ReadonlySet<string>): boolean => {
      if (typeof c === 'boolean') return c;
      if ('all' in c) return c.all.every((part) => truth(part, set));
      if ('any' in c) return c.any.some((part) => truth(part, set));
      if ('not' in c) return !truth(c.not, set);
      return 'symbol' in c && set.has(c.symbol);
    };
    const folded = (c: Condition): Condition => {
      if (typeof c === 'boolean') return c;
      if ('all' in c) return all(...c.all.map(folded));
      if ('any' in c) return any(...c.any.map(folded));
      return 'not' in c ? not(folded(c.not)) : c;
    };
    fc.assert(
      fc.property(tree, fc.subarray(['A', 'B', 'C']), (c, on) => {
        expect(truth(folded(c), new Set(on))).toBe(truth(c, new Set(on)));
      }),
    );
  });
});

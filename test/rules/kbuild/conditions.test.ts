/** Conditions simplify without becoming others: checked against all values of their symbols. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Conditions } from '../../../rules/kbuild/conditions.ts';
import { type ExprId, ExprPool, Op } from '../../../rules/kconfig/expr.ts';

const BOOLS = ['B', 'C'];
const TRISTATES = ['T', 'V'];
const TEXTS = ['S'];

type Shape =
  | { readonly bool: string }
  | { readonly tristate: string; readonly is: 'y' | 'm' }
  | { readonly text: string; readonly is: string }
  | { readonly not: Shape }
  | { readonly both: readonly [Shape, Shape] }
  | { readonly either: readonly [Shape, Shape] };

type Settings = Readonly<Record<string, string>>;

/** All settings of the five symbols. */
const everySetting: Settings[] = ['n', 'y'].flatMap((B) =>
  ['n', 'y'].flatMap((C) =>
    ['n', 'm', 'y'].flatMap((T) =>
      ['n', 'm', 'y'].flatMap((V) => ['y', 'm', 'n', 'x'].map((S) => ({ B, C, T, V, S }))),
    ),
  ),
);

function isTrue(shape: Shape, settings: Settings): boolean {
  if ('bool' in shape) return settings[shape.bool] === 'y';
  if ('tristate' in shape) return settings[shape.tristate] === shape.is;
  if ('text' in shape) return settings[shape.text] === shape.is;
  if ('not' in shape) return !isTrue(shape.not, settings);
  if ('both' in shape) return shape.both.every((one) => isTrue(one, settings));
  return shape.either.some((one) => isTrue(one, settings));
}

function made(conditions: Conditions, shape: Shape): ExprId {
  const { pool } = conditions;
  if ('bool' in shape) return conditions.bool(pool.symbolId(shape.bool));
  if ('tristate' in shape) return conditions.is(pool.symbolId(shape.tristate), shape.is);
  if ('text' in shape) return conditions.isText(pool.symbolId(shape.text), shape.is);
  if ('not' in shape) return conditions.not(made(conditions, shape.not));
  const [a, b] = ('both' in shape ? shape.both : shape.either).map((one) => made(conditions, one)) as [ExprId, ExprId];
  return 'both' in shape ? conditions.and(a, b) : conditions.or(a, b);
}

function holds(pool: ExprPool, e: ExprId, settings: Settings): boolean {
  const [left, right] = [pool.lefts[e]!, pool.rights[e]!];
  switch (pool.ops[e]) {
    case Op.symbol:
      return left === pool.y || (left !== pool.n && settings[pool.names[left]!] === 'y');
    case Op.not:
      return !holds(pool, left, settings);
    case Op.and:
      return holds(pool, left, settings) && holds(pool, right, settings);
    case Op.or:
      return holds(pool, left, settings) || holds(pool, right, settings);
    case Op.equal:
      return settings[pool.names[left]!] === pool.names[right];
    case Op.unequal:
      return settings[pool.names[left]!] !== pool.names[right];
    default:
      throw new Error(`operation ${pool.ops[e]} in a condition`);
  }
}

const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { maxDepth: 6 },
    fc.record({ bool: fc.constantFrom(...BOOLS) }),
    fc.record({ tristate: fc.constantFrom(...TRISTATES), is: fc.constantFrom('y' as const, 'm' as const) }),
    fc.record({ text: fc.constantFrom(...TEXTS), is: fc.constantFrom('y', 'm', 'x') }),
    fc.record({ not: tie('shape') }),
    fc.record({ both: fc.tuple(tie('shape'), tie('shape')) }),
    fc.record({ either: fc.tuple(tie('shape'), tie('shape')) }),
  ),
}));

describe('conditions', () => {
  test('mean the same however they are simplified', () => {
    fc.assert(
      fc.property(fc.array(shape, { minLength: 1, maxLength: 4 }), (shapes) => {
        // one pool for several: what is remembered of one must not hurt the next
        const conditions = new Conditions(new ExprPool());
        // a symbol is text from the first time on
        made(conditions, { text: 'S', is: 'x' });
        for (const one of shapes) {
          const e = made(conditions, one);
          for (const settings of everySetting) expect(holds(conditions.pool, e, settings)).toBe(isTrue(one, settings));
        }
      }),
      { numRuns: 100 },
    );
  });

  const simplified: readonly (readonly [Shape, string])[] = [
    [
      {
        either: [
          { tristate: 'T', is: 'y' },
          { tristate: 'T', is: 'm' },
        ],
      },
      'T!=n',
    ],
    [
      {
        both: [
          { tristate: 'T', is: 'y' },
          { tristate: 'T', is: 'm' },
        ],
      },
      'n',
    ],
    [{ either: [{ bool: 'B' }, { not: { bool: 'B' } }] }, 'y'],
    [{ both: [{ bool: 'B' }, { either: [{ bool: 'B' }, { bool: 'C' }] }] }, 'B'],
    [{ both: [{ bool: 'B' }, { either: [{ not: { bool: 'B' } }, { bool: 'C' }] }] }, 'B && C'],
    [
      {
        either: [
          { both: [{ bool: 'B' }, { tristate: 'T', is: 'y' }] },
          { both: [{ bool: 'B' }, { tristate: 'T', is: 'm' }] },
        ],
      },
      'B && T!=n',
    ],
  ];
  for (const [from, to] of simplified) {
    test(`become ${to}`, () => {
      const conditions = new Conditions(new ExprPool());
      expect(conditions.pool.print(made(conditions, from))).toBe(to);
    });
  }

  test('say what no configuration decides', () => {
    const conditions = new Conditions(new ExprPool());
    const b = conditions.bool(conditions.pool.symbolId('B'));
    const unknown = conditions.unknown('$(shell uname)');
    expect(conditions.hasUnknown(conditions.and(b, unknown))).toBe(true);
    expect(conditions.hasUnknown(b)).toBe(false);
    expect(conditions.or(unknown, conditions.not(unknown))).toBe(conditions.TRUE);
  });
});

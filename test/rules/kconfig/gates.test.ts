import { describe, expect, it } from 'vitest';
import { FALSE, Gates, TRUE } from '../../../rules/kconfig/gates.ts';
import { type Lit, not, Sat } from '../../../rules/kconfig/sat.ts';

function setUp(): { sat: Sat; gates: Gates; a: Lit; b: Lit; c: Lit } {
  const sat = new Sat();
  const gates = new Gates(sat);
  const [a, b, c] = [gates.variable(false), gates.variable(true), gates.variable(false)] as const;
  return { sat, gates, a, b, c };
}

/** Makes the clauses, then asks. */
function solve(sat: Sat, gates: Gates, lit: Lit, ...more: Lit[]): string {
  gates.demand(lit);
  gates.flush(() => undefined);
  return sat.solve([lit, ...more]);
}

describe('conjunctions', () => {
  it('are simplified, and shared whatever the order of their parts', () => {
    const { gates, a, b, c } = setUp();
    expect(gates.and([])).toBe(TRUE);
    expect(gates.and([a, TRUE, a])).toBe(a);
    expect(gates.and([a, FALSE])).toBe(FALSE);
    expect(gates.and([a, b, not(a)])).toBe(FALSE);
    expect(gates.or([a, not(a)])).toBe(TRUE);
    expect(gates.and([a, b])).toBe(gates.and([b, a, b]));
    expect(gates.and([a, b, c])).toBe(gates.and([c, b, a]));
    expect(gates.or([a, b, c])).toBe(not(gates.and([not(a), not(c), not(b)])));
    expect(gates.and([a, b])).not.toBe(gates.or([a, b]));
  });

  it('mean what they say in the direction asked for', () => {
    const { sat, gates, a, b, c } = setUp();
    const both = gates.and([a, gates.or([b, c])]);
    expect(solve(sat, gates, both, not(a))).toBe('unsat');
    expect(solve(sat, gates, both, not(b), not(c))).toBe('unsat');
    expect(solve(sat, gates, both, not(b))).toBe('sat');
    expect(sat.isTrue(a) && sat.isTrue(c)).toBe(true);
    expect(solve(sat, gates, not(both), a, b)).toBe('unsat');
    expect(solve(sat, gates, not(both), a)).toBe('sat');
  });

  it('are no clauses before somebody asks', () => {
    const { sat, gates, a, b } = setUp();
    const both = gates.and([a, b]);
    const before = sat.words;
    expect(sat.solve([both, not(a)])).toBe('sat');
    expect(sat.words).toBe(before);
    expect(solve(sat, gates, both, not(a))).toBe('unsat');
  });

  it('are tried as their parts are', () => {
    const { gates, a, b } = setUp();
    expect([
      gates.phase(b),
      gates.phase(not(b)),
      gates.phase(gates.and([a, b])),
      gates.phase(gates.or([a, b])),
    ]).toEqual([true, false, false, true]);
  });
});

describe('the meaning of other variables', () => {
  it('is asked for once in each direction, when a clause can rest on it', () => {
    const { sat, gates, a, b, c } = setUp();
    const defined: Lit[] = [];
    const define = (lit: Lit): void => {
      defined.push(lit);
      if (lit === a) gates.clause([not(a), b, not(c)]);
    };
    for (let round = 0; round < 2; round++) {
      gates.demand(a);
      gates.flush(define);
    }
    expect(defined.toSorted((x, y) => x - y)).toEqual([a, b, not(c)].toSorted((x, y) => x - y));
    expect(sat.solve([a, not(b), c])).toBe('unsat');
  });

  it('is made for the question at hand first, and for earlier ones when one needs it all', () => {
    const { gates, a, b, c } = setUp();
    const defined: Lit[] = [];
    const define = (lit: Lit): void => {
      defined.push(lit);
    };
    gates.ask([a, b]);
    expect(gates.flush(define, 1)).toBe(false);
    gates.ask([c, a]);
    expect(gates.flush(define, 1)).toBe(false);
    expect(defined).toEqual([a, c]);
    expect(gates.flush(define)).toBe(true);
    expect(defined).toEqual([a, c, b]);
    gates.ask([a, b, c]);
    expect(gates.flush(define, 1)).toBe(true);
    expect(defined).toEqual([a, c, b]);
  });
});

/** The SAT solver against trying everything, against logic-solver (MiniSat), and, where it is installed, cadical. */

import { spawnSync } from 'node:child_process';
import * as minisat from 'logic-solver';
import { describe, expect, it } from 'vitest';
import { type Lit, not, Sat } from '../../../rules/kconfig/sat.ts';
import { glibcRand } from '../../oracle/glibc-rand.ts';

type Clause = readonly Lit[];

function dice(seed: number): (n: number) => number {
  const rand = glibcRand(seed);
  return (n) => rand() % n;
}

/** Whether all clauses hold in the assignment whose bit v is variable v. */
function satisfies(assignment: number, clauses: readonly Clause[]): boolean {
  return clauses.every((clause) => clause.some((lit) => ((assignment >> (lit >> 1)) & 1) !== (lit & 1)));
}

function hasModel(variables: number, clauses: readonly Clause[]): boolean {
  for (let assignment = 0; assignment < 1 << variables; assignment++) if (satisfies(assignment, clauses)) return true;
  return false;
}

function solverOf(variables: number, clauses: readonly Clause[] = [], phase = (_: number): boolean => false): Sat {
  const sat = new Sat();
  for (let v = 0; v < variables; v++) sat.newVariable(phase(v));
  for (const clause of clauses) sat.addClause(clause);
  return sat;
}

/** So many clauses of three different variables. */
function random3Sat(seed: number, variables: number, clauses: number): Lit[][] {
  const roll = dice(seed);
  return Array.from({ length: clauses }, () => {
    const chosen = new Set<number>();
    while (chosen.size < 3) chosen.add(roll(variables));
    return [...chosen].map((v) => 2 * v + roll(2));
  });
}

/** One pigeon more than there are holes, none shares: no solution, and hard to see. */
function pigeons(holes: number): { variables: number; clauses: Lit[][] } {
  const sits = (pigeon: number, hole: number): Lit => 2 * (pigeon * holes + hole);
  const clauses: Lit[][] = [];
  for (let p = 0; p <= holes; p++) {
    clauses.push(Array.from({ length: holes }, (_, hole) => sits(p, hole)));
    for (let other = 0; other < p; other++)
      for (let hole = 0; hole < holes; hole++) clauses.push([not(sits(p, hole)), not(sits(other, hole))]);
  }
  return { variables: (holes + 1) * holes, clauses };
}

/** The assignment found. Throws where it violates a clause. */
function checkModel(sat: Sat, clauses: readonly Clause[]): void {
  const broken = clauses.find((clause) => !clause.some((lit) => sat.isTrue(lit)));
  if (broken) throw new Error(`the solution violates ${broken.join(' ')}`);
}

describe('clauses of up to eleven variables, which grow between queries', () => {
  it.each([1, 2])('give what trying everything gives, the assumptions to blame too (%i)', (seed) => {
    const roll = dice(seed);
    const seen = { sat: 0, unsat: 0 };
    for (let round = 0; round < 400; round++) {
      const variables = 3 + roll(9);
      const lit = (): Lit => 2 * roll(variables) + roll(2);
      const sat = solverOf(variables, [], () => roll(2) === 1);
      const clauses: Lit[][] = [];
      for (let query = 0; query < 12; query++) {
        for (let left = roll(8); left > 0; left--) {
          const clause = Array.from({ length: 1 + roll(4) + (roll(3) > 0 ? 1 : 0) }, lit);
          clauses.push(clause);
          sat.addClause(clause);
        }
        const assumptions = Array.from({ length: roll(5) }, lit);
        const open = (): Lit | undefined => {
          for (let v = 0; v < variables; v++) if (sat.value(2 * v) === 0) return 2 * v + roll(2);
          return undefined;
        };
        const verdict = sat.solve(assumptions, undefined, roll(3) === 0 ? open : undefined);
        const assumed = assumptions.map((assumption) => [assumption]);
        const wanted = hasModel(variables, [...clauses, ...assumed]) ? 'sat' : 'unsat';
        if (verdict !== wanted)
          throw new Error(`${verdict}, not ${wanted}: ${JSON.stringify({ clauses, assumptions })}`);
        seen[wanted]++;
        if (verdict === 'sat') checkModel(sat, [...clauses, ...assumed]);
        else {
          expect(assumptions).toEqual(expect.arrayContaining([...sat.failed]));
          const blamed = sat.failed.map((assumption) => [assumption]);
          expect(hasModel(variables, [...clauses, ...blamed]), JSON.stringify({ clauses, assumptions })).toBe(false);
        }
      }
    }
    expect(Math.min(seen.sat, seen.unsat)).toBeGreaterThan(500);
  });

  it('are tried in the phase that a variable was given', () => {
    const sat = solverOf(4, [], (v) => v % 2 === 1);
    for (let query = 0; query < 2; query++) {
      expect(sat.solve([0])).toBe('sat');
      expect([0, 2, 4, 6].map((lit) => sat.isTrue(lit))).toEqual([true, true, false, true]);
    }
  });

  it('are decided in the order asked for, and what is not decided stays open', () => {
    const sat = solverOf(4, [[1, 2]]);
    const toDecide: Lit[] = [0];
    const open: number[] = [];
    const decide = (): Lit | undefined => {
      const next = toDecide.pop();
      if (next === undefined) open.push(...[0, 2, 4, 6].filter((lit) => sat.value(lit) === 0));
      return next;
    };
    expect(sat.solve([], undefined, decide)).toBe('sat');
    expect(open).toEqual([4, 6]);
  });
});

describe('assumptions', () => {
  it('that contradict each other are both to blame', () => {
    const sat = solverOf(3);
    expect(sat.solve([4, 0, 1])).toBe('unsat');
    expect([...sat.failed].sort()).toEqual([0, 1]);
  });

  it('leave nothing behind for the next query', () => {
    const sat = solverOf(3, [
      [1, 2],
      [3, 4],
    ]);
    expect(sat.solve([0, 5])).toBe('unsat');
    expect(sat.solve([0])).toBe('sat');
    expect(sat.isTrue(4)).toBe(true);
    expect(sat.solve([5])).toBe('sat');
    expect(sat.isTrue(0)).toBe(false);
  });

  it('are not to blame where the clauses exclude each other', () => {
    const sat = solverOf(2, [[0], [1, 2], [1, 3]]);
    expect(sat.solve([2])).toBe('unsat');
    expect(sat.failed).toEqual([]);
    sat.addClause([0, 2]);
    expect(sat.solve([])).toBe('unsat');
  });
});

describe('logic-solver', () => {
  const word = (lit: Lit): string => `${(lit & 1) === 1 ? '-' : ''}v${lit >> 1}`;

  it('says the same of 3-SAT at the threshold, assumption by assumption', () => {
    const seen = { sat: 0, unsat: 0 };
    for (let seed = 1; seed <= 12; seed++) {
      const roll = dice(1000 + seed);
      const clauses = random3Sat(seed, 60, 240);
      const sat = solverOf(60, clauses);
      const theirs = new minisat.Solver();
      for (const clause of clauses) theirs.require(minisat.or(clause.map(word)));
      for (let query = 0; query < 8; query++) {
        const assumptions = Array.from({ length: roll(5) }, () => 2 * roll(60) + roll(2));
        const wanted = theirs.solveAssuming(minisat.and(assumptions.map(word))) ? 'sat' : 'unsat';
        expect(sat.solve(assumptions), `seed ${seed}, query ${query}`).toBe(wanted);
        seen[wanted]++;
        if (wanted === 'sat') checkModel(sat, [...clauses, ...assumptions.map((lit) => [lit])]);
        else expect(theirs.solveAssuming(minisat.and(sat.failed.map(word)))).toBeNull();
      }
    }
    expect(Math.min(seen.sat, seen.unsat)).toBeGreaterThan(10);
  });
});

describe('much to learn', () => {
  it('is given up within its bound, and the solver stays of use', () => {
    const { variables, clauses } = pigeons(9);
    const sat = solverOf(variables, clauses);
    expect(sat.solve([], 500)).toBe('gave-up');
    expect(sat.conflicts).toBe(501);
    expect(sat.solve([], 500)).toBe('gave-up');
    // The first hole for all of them is excluded at once; a new variable is free.
    expect(sat.solve([0, 2 * 9], 500)).toBe('unsat');
    const free = sat.newVariable();
    expect(sat.value(free)).toBe(0);
  });

  it('is decided without a bound', () => {
    const { variables, clauses } = pigeons(6);
    const sat = solverOf(variables, clauses);
    expect(sat.solve([])).toBe('unsat');
    expect(sat.failed).toEqual([]);
    // One pigeon stays at home.
    const others = solverOf(variables, clauses.slice(1));
    expect(others.solve([])).toBe('sat');
    checkModel(others, clauses.slice(1));
  });

  it('is half forgotten, which changes no answer', () => {
    const clauses = random3Sat(7, 210, 905);
    const sat = solverOf(210, clauses);
    const before = sat.words;
    const verdict = sat.solve([]);
    expect(sat.conflicts).toBeGreaterThan(6000);
    // A learned clause takes four words at least.
    expect(sat.words - before).toBeLessThan(4 * sat.conflicts);
    expect(sat.solve([])).toBe(verdict);
    if (verdict === 'sat') checkModel(sat, clauses);
    for (let v = 0; v < 20; v++) expect([sat.solve([2 * v]), sat.solve([2 * v + 1])]).toContain(verdict);
  });
});

const CADICAL = spawnSync('cadical', ['--version'], { encoding: 'utf8' }).status === 0;

// Not skipped, since CI takes nothing skipped.
if (CADICAL) {
  describe('cadical', () => {
    it('says the same of 3-SAT with 150 variables', () => {
      const seen = new Set<string>();
      for (let seed = 1; seed <= 6; seed++) {
        const clauses = random3Sat(seed, 150, 640);
        const dimacs = clauses.map((clause) => `${clause.map((l) => (l & 1 ? -1 : 1) * ((l >> 1) + 1)).join(' ')} 0\n`);
        const { status } = spawnSync('cadical', ['-q', '-n'], {
          input: `p cnf 150 ${clauses.length}\n${dimacs.join('')}`,
        });
        const sat = solverOf(150, clauses);
        const verdict = sat.solve([]);
        expect(verdict, `seed ${seed}`).toBe(status === 10 ? 'sat' : 'unsat');
        if (verdict === 'sat') checkModel(sat, clauses);
        seen.add(verdict);
      }
      expect(seen.size).toBe(2);
    });
  });
}

/**
 * Formulas on top of the SAT solver: conjunctions that share their parts, of which only what a query needs becomes
 * clauses, and only in the direction in which it is needed (Plaisted, Greenbaum: "A structure-preserving clause
 * form translation", 1986). A formula that must be true needs the clauses by which it implies its parts; one that
 * must be false those by which its parts imply it.
 */

import { type Lit, not, type Sat } from './sat.ts';

export const TRUE: Lit = 0;
export const FALSE: Lit = 1;

const FEW = 6;

/** The clauses of a literal are there; or wait until a question needs all. */
const MADE = 1;
const LEFT = 2;

export class Gates {
  readonly sat: Sat;
  /** Parts of a conjunction, by variable; undefined for a variable of another kind. */
  readonly #parts: (readonly Lit[] | undefined)[] = [];
  /** By their parts: a number for two, which are most. */
  readonly #conjunctions = new Map<number | string, Lit>();
  /** First phase, by variable. */
  readonly #phases: boolean[] = [];
  /** By literal: MADE, LEFT or neither. */
  #states = new Uint8Array(1024);
  /** Whose clauses are asked for, the nearest to the question first. */
  #waiting: Lit[] = [];
  #next = 0;
  /** What earlier questions did not need after all. */
  #left: Lit[] = [];

  constructor(sat: Sat) {
    this.sat = sat;
    this.variable(true);
    sat.addClause([TRUE]);
  }

  /** A variable that is no conjunction; `phase` is what it is tried with first. */
  variable(phase: boolean): Lit {
    this.#parts.push(undefined);
    this.#phases.push(phase);
    return this.sat.newVariable(phase);
  }

  /** Conjunction. Constants and repetitions are left out. */
  and(literals: readonly Lit[]): Lit {
    const own = new Set<Lit>();
    for (const lit of literals) {
      if (lit === TRUE) continue;
      if (lit === FALSE || own.has(not(lit))) return FALSE;
      own.add(lit);
    }
    const parts = [...own];
    if (parts.length === 0) return TRUE;
    if (parts.length === 1) return parts[0]!;
    parts.sort((a, b) => a - b);
    const key = parts.length === 2 ? parts[0]! * 2 ** 26 + parts[1]! : parts.join(' ');
    const known = this.#conjunctions.get(key);
    if (known !== undefined) return known;
    const lit = this.variable(parts.every((part) => this.phase(part)));
    this.#parts[lit >> 1] = parts;
    this.#conjunctions.set(key, lit);
    return lit;
  }

  or(literals: readonly Lit[]): Lit {
    return not(this.and(literals.map(not)));
  }

  /** Parts of a conjunction (of a negated one too). */
  partsOf(lit: Lit): readonly Lit[] | undefined {
    return this.#parts[lit >> 1];
  }

  /** Whether the literal is tried as true first. */
  phase(lit: Lit): boolean {
    return this.#phases[lit >> 1]! !== ((lit & 1) === 1);
  }

  /** Asks for the clauses without which these could be true in a solution that means nothing, before all others. */
  ask(literals: readonly Lit[]): void {
    for (const lit of this.#waiting.slice(this.#next)) {
      if ((this.#states[lit] ?? 0) !== 0) continue;
      this.#mark(lit, LEFT);
      this.#left.push(lit);
    }
    this.#waiting = [];
    this.#next = 0;
    for (const lit of literals) this.demand(lit);
  }

  /** Asks for the clauses of one more. */
  demand(lit: Lit): void {
    if (lit > FALSE && this.#states[lit] !== MADE) this.#waiting.push(lit);
  }

  /**
   * Makes the clauses asked for, and those that they need, of up to `most` literals; `define` makes those of a variable
   * that is no conjunction. False where more are to be made.
   */
  flush(define: (lit: Lit) => void, most = Number.POSITIVE_INFINITY): boolean {
    for (let made = 0; made < most; ) {
      if (this.#next === this.#waiting.length) {
        if (this.#left.length === 0) return true;
        [this.#waiting, this.#left, this.#next] = [this.#left, [], 0];
        for (const lit of this.#waiting) if (this.#states[lit] === LEFT) this.#mark(lit, 0);
      }
      const lit = this.#waiting[this.#next++]!;
      if (this.#states[lit] === MADE) continue;
      this.#mark(lit, MADE);
      made++;
      const parts = this.#parts[lit >> 1];
      if (!parts) define(lit);
      else if ((lit & 1) === 0) for (const part of parts) this.clause([not(lit), part]);
      else this.clause([not(lit), ...parts.map(not)]);
    }
    return false;
  }

  #mark(lit: Lit, state: number): void {
    if (lit >= this.#states.length) {
      const wider = new Uint8Array(Math.max(lit + 1, this.#states.length * 2));
      wider.set(this.#states);
      this.#states = wider;
    }
    this.#states[lit] = state;
  }

  /** Adds a clause, and asks for the meaning of every literal by which it can be satisfied, the first one excepted. */
  clause(literals: readonly Lit[]): void {
    if (literals.includes(TRUE)) return;
    this.sat.addClause(literals);
    for (let i = 1; i < literals.length; i++) this.demand(literals[i]!);
  }

  /** One of the literals is true, and no more than one. */
  exactlyOne(literals: readonly Lit[]): void {
    this.sat.addClause(literals);
    this.atMostOne(literals);
  }

  /** Few exclude each other pair by pair, many by a ladder. `unless`: any of these true, and it does not matter. */
  atMostOne(literals: readonly Lit[], unless: readonly Lit[] = []): void {
    const few = literals.slice(0, FEW);
    for (const [i, a] of few.entries())
      for (const b of few.slice(i + 1)) this.sat.addClause([not(a), not(b), ...unless]);
    if (literals.length <= FEW) return;
    const any = this.variable(false);
    for (const a of few) this.sat.addClause([not(a), any, ...unless]);
    this.atMostOne([any, ...literals.slice(FEW)], unless);
  }
}

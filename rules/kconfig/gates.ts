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

export class Gates {
  readonly sat: Sat;
  /** Parts of a conjunction, by variable; undefined for a variable of another kind. */
  readonly #parts: (readonly Lit[] | undefined)[] = [];
  /** By their parts: a number for two, which are most. */
  readonly #conjunctions = new Map<number | string, Lit>();
  /** First phase, by variable. */
  readonly #phases: boolean[] = [];
  /** By literal: whether its clauses are there, or wait to be made. */
  #isDemanded = new Uint8Array(1024);
  readonly #waiting: Lit[] = [];

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

  /** Asks for the clauses without which `lit` could be true in a solution that means nothing. */
  demand(lit: Lit): void {
    if (lit <= FALSE) return;
    if (lit >= this.#isDemanded.length) {
      const wider = new Uint8Array(Math.max(lit + 1, this.#isDemanded.length * 2));
      wider.set(this.#isDemanded);
      this.#isDemanded = wider;
    }
    if (this.#isDemanded[lit] === 1) return;
    this.#isDemanded[lit] = 1;
    this.#waiting.push(lit);
  }

  /** Makes the clauses asked for, and those that they need; `define` makes those of a variable that is no conjunction. */
  flush(define: (lit: Lit) => void): void {
    for (let lit = this.#waiting.pop(); lit !== undefined; lit = this.#waiting.pop()) {
      const parts = this.#parts[lit >> 1];
      if (!parts) define(lit);
      else if ((lit & 1) === 0) for (const part of parts) this.clause([not(lit), part]);
      else this.clause([not(lit), ...parts.map(not)]);
    }
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

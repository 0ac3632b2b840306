/**
 * A SAT solver: conflict-driven clause learning with two watched literals, as MiniSat has it (Eén, Sörensson: "An
 * Extensible SAT-solver", SAT 2003), for many queries on one set of clauses that grows.
 *
 * Why not a library: a query needs a bound (the clauses come from a stranger's patch), the assumptions that are to
 * blame where there is no solution, and phases to start from (a solution near the defaults gives a short witness).
 * No package for this platform offers all three. test/rules/kconfig/sat.test.ts compares it with one that has none.
 *
 * (About 400 lines: propagation, analysis and search work on the same arrays.)
 */

/** `2 * v` is variable v, `2 * v + 1` its negation. */
export type Lit = number;

export const not = (lit: Lit): Lit => lit ^ 1;

export type Verdict = 'sat' | 'unsat' | 'gave-up';

/** No clause. */
const NOWHERE = -1;
/** In front of a clause's literals: their number (negative of a learned one), and for learned ones the levels in it. */
const HEADER = 2;
const RESTART_CONFLICTS = 100;
const FIRST_LEARNED = 4000;
const DECAY = 1 / 0.95;

export class Sat {
  /** 1 true, -1 false, 0 open; by literal. */
  #values = new Int8Array(64);
  #level = new Int32Array(32);
  #reason = new Int32Array(32);
  #activity = new Float64Array(32);
  #phase = new Uint8Array(32);
  #firstPhase = new Uint8Array(32);
  #seen = new Uint8Array(32);
  #model = new Int8Array(64);
  #size = 0;

  readonly #watches: number[][] = [];
  #arena = new Int32Array(1 << 12);
  #arenaSize = 0;
  #learned = 0;
  #mostLearned = FIRST_LEARNED;

  #trail = new Int32Array(32);
  #trailSize = 0;
  #head = 0;
  readonly #limits: number[] = [];

  /** Binary heap of variables by activity. */
  #heap = new Int32Array(32);
  #heapSize = 0;
  #heapAt = new Int32Array(32);
  #bump = 1;

  #isConsistent = true;
  #decide: (() => Lit | undefined) | undefined;
  #backtracks = 0;
  #failed: Lit[] = [];
  /** Conflicts of all queries. */
  conflicts = 0;

  /** Number of variables. */
  get size(): number {
    return this.#size;
  }

  /** Number of 32-bit words that clauses take. */
  get words(): number {
    return this.#arenaSize;
  }

  /** A variable, as its positive literal. `phase` is what it is tried with first. */
  newVariable(phase = false): Lit {
    const v = this.#size++;
    if (v >= this.#level.length) this.#grow();
    this.#reason[v] = NOWHERE;
    this.#firstPhase[v] = phase ? 1 : 0;
    this.#phase[v] = this.#firstPhase[v]!;
    this.#heapAt[v] = -1;
    this.#insert(v);
    this.#watches.push([], []);
    return 2 * v;
  }

  /** Adds a clause for good. Between queries only. */
  addClause(literals: readonly Lit[]): void {
    if (!this.#isConsistent) return;
    const kept: Lit[] = [];
    const seen = this.#seen;
    let isMet = false;
    for (const lit of literals) {
      const [value, sign] = [this.#values[lit]!, 1 + (lit & 1)];
      if (value > 0 || seen[lit >> 1] === 3 - sign) isMet = true;
      if (value !== 0 || seen[lit >> 1] !== 0) continue;
      seen[lit >> 1] = sign;
      kept.push(lit);
    }
    for (const lit of kept) seen[lit >> 1] = 0;
    if (isMet) return;
    if (kept.length === 0) this.#isConsistent = false;
    else if (kept.length > 1) this.#attach(kept, kept.length);
    else {
      this.#enqueue(kept[0]!, NOWHERE);
      if (this.#propagate() !== NOWHERE) this.#isConsistent = false;
    }
  }

  /**
   * Whether the clauses have a solution in which all assumptions are true; `gave-up` after so many conflicts.
   * `decide` names an open literal to make true, or undefined where what is decided is all that matters: the rest
   * then needs no value. Without it every variable gets one.
   */
  solve(
    assumptions: readonly Lit[],
    mostConflicts = Number.POSITIVE_INFINITY,
    decide?: () => Lit | undefined,
  ): Verdict {
    this.#failed = [];
    if (!this.#isConsistent) return 'unsat';
    this.#decide = decide;
    if (!decide) this.#phase.set(this.#firstPhase.subarray(0, this.#size));
    const verdict = this.#search(assumptions, mostConflicts);
    if (verdict === 'sat') this.#model.set(this.#values.subarray(0, 2 * this.#size));
    this.#backtrack(0);
    return verdict;
  }

  /** In the last solution. */
  isTrue(lit: Lit): boolean {
    return this.#model[lit]! > 0;
  }

  /** While a query decides: 1 true, -1 false, 0 open. */
  value(lit: Lit): number {
    return this.#values[lit]!;
  }

  /** Counts the times that decisions were taken back. */
  get backtracks(): number {
    return this.#backtracks;
  }

  /** Assumptions of the last query that exclude each other; empty where the clauses alone have no solution. */
  get failed(): readonly Lit[] {
    return this.#failed;
  }

  // ------------------------------------------------------------ search

  #search(assumptions: readonly Lit[], mostConflicts: number): Verdict {
    let spent = 0;
    for (let round = 1; ; round++) {
      let left = RESTART_CONFLICTS * luby(round);
      while (left > 0) {
        const conflict = this.#propagate();
        if (conflict !== NOWHERE) {
          if (this.#limits.length === 0) {
            this.#isConsistent = false;
            return 'unsat';
          }
          this.#learn(conflict);
          this.conflicts++;
          left--;
          if (++spent > mostConflicts) return 'gave-up';
          continue;
        }
        const next = this.#next(assumptions);
        if (next === NOWHERE) return this.#failed.length > 0 ? 'unsat' : 'sat';
        this.#limits.push(this.#trailSize);
        if (next >= 0) this.#enqueue(next, NOWHERE);
      }
      this.#backtrack(0);
      if (this.#learned <= this.#mostLearned) continue;
      if (this.#propagate() !== NOWHERE) {
        this.#isConsistent = false;
        return 'unsat';
      }
      this.#forget();
    }
  }

  /** The next decision; ALREADY for an assumption that holds, NOWHERE where all is decided or an assumption fails. */
  #next(assumptions: readonly Lit[]): number {
    const at = this.#limits.length;
    if (at < assumptions.length) {
      const lit = assumptions[at]!;
      const value = this.#values[lit]!;
      if (value > 0) return ALREADY;
      if (value < 0) {
        this.#blame(lit);
        return NOWHERE;
      }
      return lit;
    }
    if (this.#decide) return this.#decide() ?? NOWHERE;
    for (let v = this.#top(); v >= 0; v = this.#top()) {
      if (this.#values[2 * v] === 0) return 2 * v + (this.#phase[v] === 1 ? 0 : 1);
    }
    return NOWHERE;
  }

  #enqueue(lit: Lit, reason: number): void {
    const v = lit >> 1;
    this.#values[lit] = 1;
    this.#values[lit ^ 1] = -1;
    this.#level[v] = this.#limits.length;
    this.#reason[v] = reason;
    this.#trail[this.#trailSize++] = lit;
  }

  /** Follows all that is decided; the clause that is violated, or NOWHERE. */
  #propagate(): number {
    const values = this.#values;
    const arena = this.#arena;
    while (this.#head < this.#trailSize) {
      const isFalse = this.#trail[this.#head++]! ^ 1;
      const watches = this.#watches[isFalse]!;
      const n = watches.length;
      let kept = 0;
      next: for (let i = 0; i < n; i += 2) {
        const clause = watches[i]!;
        const blocker = watches[i + 1]!;
        if (values[blocker]! > 0) {
          watches[kept++] = clause;
          watches[kept++] = blocker;
          continue;
        }
        const a = clause + HEADER;
        if (arena[a] === isFalse) {
          arena[a] = arena[a + 1]!;
          arena[a + 1] = isFalse;
        }
        const first = arena[a]!;
        if (first !== blocker && values[first]! > 0) {
          watches[kept++] = clause;
          watches[kept++] = first;
          continue;
        }
        const end = a + Math.abs(arena[clause]!);
        for (let k = a + 2; k < end; k++) {
          const other = arena[k]!;
          if (values[other]! < 0) continue;
          arena[a + 1] = other;
          arena[k] = isFalse;
          this.#watches[other]!.push(clause, first);
          continue next;
        }
        watches[kept++] = clause;
        watches[kept++] = first;
        if (values[first]! < 0) {
          for (let rest = i + 2; rest < n; rest++) watches[kept++] = watches[rest]!;
          watches.length = kept;
          this.#head = this.#trailSize;
          return clause;
        }
        this.#enqueue(first, clause);
      }
      watches.length = kept;
    }
    return NOWHERE;
  }

  #backtrack(level: number): void {
    if (this.#limits.length <= level) return;
    this.#backtracks++;
    const to = this.#limits[level]!;
    for (let i = this.#trailSize - 1; i >= to; i--) {
      const lit = this.#trail[i]!;
      const v = lit >> 1;
      this.#values[lit] = 0;
      this.#values[lit ^ 1] = 0;
      this.#phase[v] = (lit & 1) ^ 1;
      this.#reason[v] = NOWHERE;
      if (this.#heapAt[v]! < 0) this.#insert(v);
    }
    this.#trailSize = to;
    this.#head = to;
    this.#limits.length = level;
  }

  // ------------------------------------------------------------ learning

  /** From a violated clause to the first unique implication point, and back to where the new clause is unit. */
  #learn(conflict: number): void {
    const clause: Lit[] = [0];
    const seen = this.#seen;
    const current = this.#limits.length;
    let open = 0;
    let at = this.#trailSize - 1;
    let ref = conflict;
    let lit = NOWHERE;
    do {
      const begin = ref + HEADER;
      const end = begin + Math.abs(this.#arena[ref]!);
      for (let k = begin; k < end; k++) {
        const other = this.#arena[k]!;
        const v = other >> 1;
        if (other === lit || seen[v] === 1 || this.#level[v] === 0) continue;
        seen[v] = 1;
        this.#bumpVariable(v);
        if (this.#level[v] === current) open++;
        else clause.push(other);
      }
      while (seen[this.#trail[at]! >> 1] === 0) at--;
      lit = this.#trail[at--]!;
      ref = this.#reason[lit >> 1]!;
      seen[lit >> 1] = 0;
      open--;
    } while (open > 0);
    clause[0] = not(lit);
    const marked = clause.slice(1);
    const kept = [clause[0]!, ...marked.filter((other) => !this.#isImplied(other))];
    for (const other of marked) seen[other >> 1] = 0;

    let back = 0;
    for (let k = 1; k < kept.length; k++) {
      if (k > 1 && this.#level[kept[k]! >> 1]! <= back) continue;
      back = this.#level[kept[k]! >> 1]!;
      [kept[1], kept[k]] = [kept[k]!, kept[1]!];
    }
    const levels = new Set(kept.map((other) => this.#level[other >> 1])).size;
    this.#backtrack(back);
    this.#bump *= DECAY;
    if (kept.length === 1) this.#enqueue(kept[0]!, NOWHERE);
    else this.#enqueue(kept[0]!, this.#attach(kept, -kept.length, levels));
  }

  /** Whether the rest of the clause under way implies this literal of it. */
  #isImplied(lit: Lit): boolean {
    const reason = this.#reason[lit >> 1]!;
    if (reason === NOWHERE) return false;
    const begin = reason + HEADER;
    const end = begin + Math.abs(this.#arena[reason]!);
    for (let k = begin; k < end; k++) {
      const v = this.#arena[k]! >> 1;
      if (v !== lit >> 1 && this.#seen[v] === 0 && this.#level[v] !== 0) return false;
    }
    return true;
  }

  /** Finds the assumptions that make this one false. */
  #blame(lit: Lit): void {
    this.#failed = [lit];
    const seen = this.#seen;
    seen[lit >> 1] = 1;
    for (let i = this.#trailSize - 1; i >= 0; i--) {
      const v = this.#trail[i]! >> 1;
      if (seen[v] === 0) continue;
      seen[v] = 0;
      const reason = this.#reason[v]!;
      if (this.#level[v] === 0) continue;
      if (reason === NOWHERE) {
        if (this.#trail[i] !== lit) this.#failed.push(this.#trail[i]!);
        continue;
      }
      const begin = reason + HEADER;
      const end = begin + Math.abs(this.#arena[reason]!);
      for (let k = begin; k < end; k++) {
        const other = this.#arena[k]! >> 1;
        // Not v itself again, which is in its reason too: the mark would stay, and falsify what is learned later.
        if (other !== v && this.#level[other]! > 0) seen[other] = 1;
      }
    }
    seen[lit >> 1] = 0;
  }

  #attach(literals: readonly Lit[], header: number, levels = 0): number {
    const ref = this.#arenaSize;
    const end = ref + HEADER + literals.length;
    if (end > this.#arena.length) {
      const arena = new Int32Array(Math.max(end, this.#arena.length * 2));
      arena.set(this.#arena);
      this.#arena = arena;
    }
    this.#arena[ref] = header;
    this.#arena[ref + 1] = levels;
    this.#arena.set(literals, ref + HEADER);
    this.#arenaSize = end;
    if (header < 0) this.#learned++;
    this.#watches[literals[0]!]!.push(ref, literals[1]!);
    this.#watches[literals[1]!]!.push(ref, literals[0]!);
    return ref;
  }

  /** Drops the learned clauses that span most levels, about half of them. At level 0, where no reason is needed. */
  #forget(): void {
    const spans: number[] = [];
    this.#eachClause((ref, size) => {
      if (size < 0) spans.push(this.#arena[ref + 1]!);
    });
    const most = spans.sort((a, b) => a - b)[spans.length >> 1]!;
    for (const watches of this.#watches) watches.length = 0;
    const old = this.#arena;
    const kept: [ref: number, size: number][] = [];
    this.#eachClause((ref, size) => {
      if (size > 0 || old[ref + 1]! < most || old[ref + 1]! <= 2) kept.push([ref, size]);
    });
    this.#arena = new Int32Array(old.length);
    this.#arenaSize = 0;
    this.#learned = 0;
    for (let i = 0; i < this.#trailSize; i++) this.#reason[this.#trail[i]! >> 1] = NOWHERE;
    for (const [ref, size] of kept) {
      const literals = [...old.subarray(ref + HEADER, ref + HEADER + Math.abs(size))];
      if (literals.some((lit) => this.#values[lit]! > 0)) continue;
      // What is false at level 0 stays false, and a watch on it would never wake again.
      const open = literals.filter((lit) => this.#values[lit] === 0);
      this.#attach(open, size < 0 ? -open.length : open.length, old[ref + 1]!);
    }
    this.#mostLearned = Math.floor(this.#mostLearned * 1.2) + this.#learned;
  }

  #eachClause(visit: (ref: number, size: number) => void): void {
    for (let ref = 0; ref < this.#arenaSize; ) {
      const size = this.#arena[ref]!;
      visit(ref, size);
      ref += HEADER + Math.abs(size);
    }
  }

  // ------------------------------------------------------------ order of decisions

  #bumpVariable(v: number): void {
    this.#activity[v]! += this.#bump;
    if (this.#activity[v]! > 1e100) {
      for (let i = 0; i < this.#size; i++) this.#activity[i]! *= 1e-100;
      this.#bump *= 1e-100;
    }
    if (this.#heapAt[v]! >= 0) this.#up(this.#heapAt[v]!);
  }

  #insert(v: number): void {
    this.#heap[this.#heapSize] = v;
    this.#heapAt[v] = this.#heapSize;
    this.#up(this.#heapSize++);
  }

  /** Takes the most active variable out; -1 where there is none. */
  #top(): number {
    if (this.#heapSize === 0) return -1;
    const top = this.#heap[0]!;
    this.#heapAt[top] = -1;
    const last = this.#heap[--this.#heapSize]!;
    if (this.#heapSize > 0) {
      this.#heap[0] = last;
      this.#heapAt[last] = 0;
      this.#down(0);
    }
    return top;
  }

  #up(from: number): void {
    let at = from;
    const v = this.#heap[at]!;
    const activity = this.#activity[v]!;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above]!;
      if (this.#activity[parent]! >= activity) break;
      this.#heap[at] = parent;
      this.#heapAt[parent] = at;
      at = above;
    }
    this.#heap[at] = v;
    this.#heapAt[v] = at;
  }

  #down(from: number): void {
    let at = from;
    const v = this.#heap[at]!;
    const activity = this.#activity[v]!;
    for (let child = 2 * at + 1; child < this.#heapSize; child = 2 * at + 1) {
      if (child + 1 < this.#heapSize && this.#activity[this.#heap[child + 1]!]! > this.#activity[this.#heap[child]!]!)
        child++;
      const below = this.#heap[child]!;
      if (this.#activity[below]! <= activity) break;
      this.#heap[at] = below;
      this.#heapAt[below] = at;
      at = child;
    }
    this.#heap[at] = v;
    this.#heapAt[v] = at;
  }

  #grow(): void {
    const n = this.#level.length * 2;
    const wider = <A extends Int8Array | Uint8Array | Int32Array | Float64Array>(old: A, length: number): A => {
      const array = new (old.constructor as new (length: number) => A)(length);
      array.set(old);
      return array;
    };
    this.#values = wider(this.#values, 2 * n);
    this.#model = wider(this.#model, 2 * n);
    this.#level = wider(this.#level, n);
    this.#reason = wider(this.#reason, n);
    this.#activity = wider(this.#activity, n);
    this.#phase = wider(this.#phase, n);
    this.#firstPhase = wider(this.#firstPhase, n);
    this.#seen = wider(this.#seen, n);
    this.#trail = wider(this.#trail, n);
    this.#heap = wider(this.#heap, n);
    this.#heapAt = wider(this.#heapAt, n);
  }
}

/** An assumption that holds already: a level without a decision. */
const ALREADY = -2;

/** 1 1 2 1 1 2 4 …: lengths between restarts (Luby, Sinclair, Zuckerman 1993). */
function luby(i: number): number {
  let k = 1;
  while (2 ** k - 1 < i) k++;
  return 2 ** k - 1 === i ? 2 ** (k - 1) : luby(i - 2 ** (k - 1) + 1);
}

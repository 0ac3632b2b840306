/**
 * Questions about all configurations of a model at once: can this be, and in which configuration; why can it not.
 *
 *   solver.solve([{ expr, level: 2, holds: true }])   a configuration with expr = y, or that there is none
 *
 * A solver belongs to one model and keeps what it has encoded and learned. Every configuration it gives was evaluated
 * by values.ts; where the two disagree, which would be a fault of ours, it gives up rather than answer.
 */

import { Encoding, type Level } from './cnf.ts';
import { Domains, TooLargeError } from './domains.ts';
import { type ExprId, type ExprPool, Op } from './expr.ts';
import { Justification, type Setting } from './justify.ts';
import type { KconfigModel } from './model.ts';
import type { Reason } from './reason.ts';
import type { Lit } from './sat.ts';
import { not } from './sat.ts';
import { Values } from './values.ts';
import { core, inReadingOrder } from './why-not.ts';
import { fewestSettings } from './witness.ts';

/** That `expr` is at least m (`level` 1) or y (2); or, where it does not hold, less than that. */
export interface Goal {
  readonly expr: ExprId;
  readonly level: Level;
  readonly holds: boolean;
}

export type Answer =
  /** Settings to put into an empty .config; without any one of them, olddefconfig does not give the goals. */
  | { readonly verdict: 'possible'; readonly settings: readonly Setting[] }
  | { readonly verdict: 'impossible' }
  | { readonly verdict: 'gave-up'; readonly why: string };

/** Conflicts that one question may take. The hardest of Linux 6.12 take some hundred. */
const MOST_CONFLICTS = 30_000;

export class Solver {
  readonly pool: ExprPool;
  readonly model: KconfigModel;
  /** With the settings of the last answer. */
  readonly values: Values;
  readonly #defaults: Values;
  #encoding: Encoding | undefined;
  #domains: Domains | undefined;

  constructor(pool: ExprPool, model: KconfigModel) {
    this.pool = pool;
    this.model = model;
    this.values = new Values(pool, model);
    this.#defaults = new Values(pool, model);
    this.#defaults.restart();
  }

  /** Whether all goals can be met together. Without `isMinimal: false` the settings are the fewest. */
  solve(goals: readonly Goal[], { isMinimal = true }: { readonly isMinimal?: boolean } = {}): Answer {
    const holds = (values: Values): boolean => meets(values, goals);
    return this.#guarded(() => {
      const encoding = this.#encodingFor(goals);
      const literals = goals.map((goal) => literal(encoding, goal));
      if (encoding.excludes(literals, MOST_CONFLICTS)) return { verdict: 'impossible' };
      const justification = new Justification(encoding, literals);
      let settings: readonly Setting[] = [];
      const verdict = encoding.sat.solve(literals, MOST_CONFLICTS, () => {
        const next = justification.next();
        if (next === undefined) settings = justification.settings();
        return next;
      });
      if (verdict === 'unsat') return { verdict: 'impossible' };
      if (verdict === 'gave-up') return { verdict, why: `no answer after ${MOST_CONFLICTS} conflicts` };
      if (!isMinimal) return { verdict: 'possible', settings };
      const fewest = fewestSettings(this.values, settings, holds);
      if (fewest) return { verdict: 'possible', settings: fewest };
      return { verdict: 'gave-up', why: 'the evaluator does not confirm the solution, which is a fault of depbot' };
    });
  }

  /** Whether all goals can be met together, without a configuration. */
  isPossible(goals: readonly Goal[]): boolean | undefined {
    const { verdict } = this.solve(goals, { isMinimal: false });
    return verdict === 'gave-up' ? undefined : verdict === 'possible';
  }

  /**
   * The statements that together exclude the goals: without any one of them the rest does not. None where the goals
   * exclude each other by themselves. Undefined where they can be met, or nothing could be found out.
   */
  whyNot(goals: readonly Goal[]): readonly Reason[] | undefined {
    let found: readonly Reason[] | undefined;
    this.#guarded(() => {
      const encoding = new Encoding(this.pool, this.model, { isTraced: true, domains: this.#domainsNow() });
      const literals = goals.map((goal) => literal(encoding, goal));
      const reasons = core(encoding, literals, MOST_CONFLICTS);
      found = reasons && inReadingOrder(this.pool, this.model, goals, reasons);
      return { verdict: 'impossible' };
    });
    return found;
  }

  /** A comparison that is younger than the encoding may name a value that it does not know. */
  #encodingFor(goals: readonly Goal[]): Encoding {
    const known = this.#encoding;
    if (known && goals.every(({ expr }) => !hasComparison(this.pool, expr, known.poolSize))) return known;
    this.#encoding = new Encoding(this.pool, this.model, {
      firstValue: (symbol) => this.#defaults.tristate(symbol),
      domains: this.#domainsNow(),
    });
    return this.#encoding;
  }

  #domainsNow(): Domains {
    if (this.#domains?.poolSize !== this.pool.size) this.#domains = new Domains(this.pool, this.model);
    return this.#domains;
  }

  #guarded(ask: () => Answer): Answer {
    try {
      return ask();
    } catch (error) {
      // Some of its clauses were not made.
      this.#encoding = undefined;
      if (error instanceof TooLargeError) return { verdict: 'gave-up', why: error.message };
      if (error instanceof RangeError) return { verdict: 'gave-up', why: 'expressions are nested too deep' };
      throw error;
    }
  }
}

/** Whether all goals are met by a configuration. */
export function meets(values: Values, goals: readonly Goal[]): boolean {
  return goals.every(({ expr, level, holds }) => values.expr(expr) >= level === holds);
}

function literal(encoding: Encoding, { expr, level, holds }: Goal): Lit {
  const lit = encoding.atLeast(expr, level);
  return holds ? lit : not(lit);
}

/** Whether a comparison in `e` is one of those from `since` on. */
function hasComparison(pool: ExprPool, e: ExprId, since: number): boolean {
  // What an expression is made of is older than itself.
  if (e < since) return false;
  if (pool.isComparison(e)) return true;
  const op = pool.ops[e]!;
  const [left, right] = [pool.lefts[e]!, pool.rights[e]!];
  if (op === Op.not) return hasComparison(pool, left, since);
  return (op === Op.and || op === Op.or) && (hasComparison(pool, left, since) || hasComparison(pool, right, since));
}

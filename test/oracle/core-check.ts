/** Whether the statements named as a reason exclude something, and are all needed: asked anew, without the solver. */

import { Encoding } from '../../rules/kconfig/cnf.ts';
import type { ExprPool } from '../../rules/kconfig/expr.ts';
import type { KconfigModel } from '../../rules/kconfig/model.ts';
import type { Reason } from '../../rules/kconfig/reason.ts';
import { not } from '../../rules/kconfig/sat.ts';
import type { Goal } from '../../rules/kconfig/solve.ts';

const key = ({ kind, symbol, path, line, expr }: Reason): string =>
  kind === 'undeclared' ? `${kind} ${expr}` : `${kind} ${symbol?.name} ${path}:${line}`;

/** What is wrong with the reasons, in words; undefined where nothing is. None are right where the goals exclude each other. */
export function checkReasons(
  pool: ExprPool,
  model: KconfigModel,
  goals: readonly Goal[],
  reasons: readonly Reason[] | undefined,
): string | undefined {
  if (!reasons) return 'no reason';
  const encoding = new Encoding(pool, model, { isTraced: true });
  const literals = goals.map(({ expr, level, holds }) => {
    const lit = encoding.atLeast(expr, level);
    return holds ? lit : not(lit);
  });
  encoding.demand(literals);
  const named = new Set(reasons.map(key));
  const unknown = [...named].find((name) => !encoding.guards.some(({ reason }) => key(reason) === name));
  if (unknown !== undefined) return `no statement is ${unknown}`;
  const isExcluded = (without?: string): boolean => {
    const guards = encoding.guards.map(({ lit, reason }) => {
      const name = key(reason);
      return named.has(name) && name !== without ? lit : not(lit);
    });
    return encoding.sat.solve([...literals, ...guards]) === 'unsat';
  };
  if (!isExcluded()) return `not enough: ${[...named].join(', ') || 'nothing'}`;
  const superfluous = [...named].find((name) => isExcluded(name));
  return superfluous === undefined ? undefined : `not needed: ${superfluous} of ${[...named].join(', ')}`;
}

/** Functions that are followed because a stub may be behind them: which they are, and how their ends look to a caller. */

import type { Value } from './abstract-value.ts';
import { ANY, OTHER, withStub, ZERO } from './abstract-value.ts';
import { variablesIn } from './access-path.ts';
import type { Expr } from './c-ast.ts';
import { visitExprs } from './c-ast.ts';
import type { FunctionDef } from './control-flow.ts';
import type { CallResult } from './frame.ts';
import { calleeName } from './live-facts.ts';
import type { Facts } from './memory.ts';
import { CONSULTED, FIRST_STATE, keyOf } from './path-state.ts';
import type { Exit } from './walk.ts';

/** Names of all that a function calls (live-facts.ts, `calleeName`). */
export function callsIn({ function: { body, otherBody = [] } }: FunctionDef): readonly string[] {
  const calls = new Set<string>();
  visitExprs([...body, ...otherBody], (e: Expr) => {
    if (e.k === 'call') calls.add(calleeName(e));
  });
  return [...calls];
}

/** Names of helpers that can come to call a stub. */
export function reachingStubs(
  helpers: ReadonlyMap<string, FunctionDef>,
  stubs: { has(name: string): boolean },
): ReadonlySet<string> {
  const calls = new Map([...helpers].map(([name, helper]) => [name, callsIn(helper)]));
  const reaching = new Set<string>();
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    for (const [name, callees] of calls) {
      if (reaching.has(name) || !callees.some((callee) => stubs.has(callee) || reaching.has(callee))) continue;
      reaching.add(name);
      isChanged = true;
    }
  }
  return reaching;
}

/** Exits that a caller cannot tell apart are one; so are all in which no stub has a part. */
export function resultsIn(
  { function: { type } }: FunctionDef,
  exits: readonly Exit[],
  kept: readonly string[],
): CallResult[] {
  const results = new Map<string, CallResult>();
  let others = 0;
  for (const { value: returned, state } of exits) {
    const value = withStub(asResult(type, returned ?? ANY), (state.flags & CONSULTED) !== 0 && type !== 'void');
    const facts: Facts = new Map(
      [...state.facts].filter(([fact]) => kept.includes(variablesIn(fact)[0] ?? '') && /^\w+[.*[]/.test(fact)),
    );
    if (!value.stub && ![...facts.values()].some(({ stub }) => stub)) {
      others |= value.may;
      continue;
    }
    const key = keyOf({ ...FIRST_STATE, facts: new Map([...facts, ['return', value]]) });
    if (!results.has(key)) results.set(key, { value, facts, ...(state.trail && { trail: state.trail }) });
  }
  const told = [...results.values()];
  return others === 0 ? told : [{ value: { may: others }, facts: new Map() }, ...told];
}

/** A bool is 0 or 1, whatever is returned. */
function asResult(type: string, value: Value): Value {
  if (!/\bbool$/.test(type) || value.may === ZERO) return value;
  return withStub({ may: value.may & ZERO ? ZERO | OTHER : OTHER }, value.stub === true);
}

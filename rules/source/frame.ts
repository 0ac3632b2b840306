/** What an expression is evaluated in: the function around it, and what calls and the configuration come to. */

import type { Value } from './abstract-value.ts';
import type { Condition } from './c-condition.ts';
import type { FunctionDef } from './control-flow.ts';
import type { Facts, Scope } from './memory.ts';
import type { Anchors, Trail } from './path-state.ts';

/** One way in which a function that is known can end. */
export interface CallResult {
  readonly value: Value;
  /** What it leaves behind its parameters. */
  readonly facts: Facts;
  readonly trail?: Trail;
}

/** What calls and the configuration come to. */
export interface World {
  /** The constant that a call gives back. */
  stub(callee: string): Value | undefined;
  /** Undefined for functions that are not followed. `isStubGiven`: an argument, or what it leads to, is a stub's. */
  helper(callee: string, isStubGiven: boolean): FunctionDef | undefined;
  /** Undefined where it is not known how it can end. */
  results(helper: FunctionDef, facts: Facts): readonly CallResult[] | undefined;
  /** Of a member of structures: 0 as long as nothing else is known of it. */
  isUnset(member: string): boolean;
  decide(c: Condition): boolean | undefined;
}

export interface Frame {
  readonly of: FunctionDef;
  readonly scope: Scope;
  readonly anchors: Anchors;
  /** Bit of the anchor that marks (path-state.ts). */
  readonly mark: bigint;
  isNewCall(callee: string): boolean;
}

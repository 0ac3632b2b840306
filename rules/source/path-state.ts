/** What is true of control at one place of a function: the memory, what was passed on the way, and how a stub got in. */

import type { Stmt } from './c-ast.ts';
import type { FunctionDef } from './control-flow.ts';
import type { Facts } from './memory.ts';

/** A test was decided by what a stub gave back. */
export const CONSULTED = 1;
/** A test of the configuration was passed that was not there before the series. */
export const CONFIGURED = 2;
/** A function was called that was not called before the series. */
export const NEW_CALL = 4;
/** The one place was passed that is asked for. */
export const MARKED = 8;

export interface State {
  readonly facts: Facts;
  /** CONSULTED and its like. */
  readonly flags: number;
  /** Bits of the surviving code (surviving-code.ts) that some way here passed, and that every way passed. */
  readonly may: bigint;
  readonly must: bigint;
  /** Of the first way that led here. */
  readonly trail?: Trail;
}

export const FIRST_STATE: State = { facts: new Map(), flags: 0, may: 0n, must: 0n };

/** Steps, the last one first. */
export interface Trail {
  readonly event: TrailEvent;
  readonly before?: Trail;
}

export interface TrailEvent {
  readonly kind: 'call' | 'store' | 'test' | 'goto' | 'return';
  readonly of: FunctionDef;
  readonly line: number;
  /** The callee, the place that is stored to, the test, the label, the expression returned (access-path.ts). */
  readonly text: string;
  /** The function's own constant, stored where a stub led. */
  readonly isOwn?: true;
  /** How a test comes out. */
  readonly outcome?: boolean;
  /** What happened in the function that is called. */
  readonly inside?: Trail;
}

/** Which bits stand for which code of one function. */
export interface Anchors {
  readonly statements: ReadonlyMap<Stmt, bigint>;
  /** `passed` with either outcome. */
  readonly tests: ReadonlyMap<object, { readonly passed: bigint; readonly yes: bigint; readonly no: bigint }>;
}

export const NO_ANCHORS: Anchors = { statements: new Map(), tests: new Map() };

export function passed(s: State, bits: bigint, mark: bigint): State {
  if (bits === 0n) return s;
  const flags = bits & mark ? s.flags | MARKED : s.flags;
  return { ...s, flags, may: s.may | bits, must: s.must | bits };
}

export function withEvent(s: State, event: TrailEvent): State {
  return { ...s, trail: s.trail ? { event, before: s.trail } : { event } };
}

/** Equal for states from which the same follows. */
export function keyOf({ facts, flags }: State): string {
  const parts = [...facts].map(([fact, { may, exact, stub }]) => `${fact}=${may}${exact ?? ''}${stub ? '!' : ''}`);
  return `${flags};${parts.sort().join(';')}`;
}

/** Two states of one key as one. */
export function joined(a: State, b: State): State {
  const [may, must] = [a.may | b.may, a.must & b.must];
  return may === a.may && must === a.must ? a : { ...a, may, must };
}

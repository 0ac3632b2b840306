/** What a function that is followed knows of its parameters, and what its caller knows after it (memory.ts). */

import type { Value } from './abstract-value.ts';
import { placeOf } from './access-path.ts';
import type { Expr } from './c-ast.ts';
import type { Facts } from './memory.ts';
import { moved } from './memory.ts';

export const isAddress = (e: Expr): e is Expr & { readonly k: 'unary' } => e.k === 'unary' && e.op === '&';

/** The place that a callee can look below, of an argument `p` or `&x`. */
export const passedPlace = (arg: Expr): string | undefined => (isAddress(arg) ? placeOf(arg.of) : placeOf(arg));

/** What a helper knows of a parameter. */
export function handedOver(
  param: string,
  arg: Expr | undefined,
  value: Value | undefined,
  facts: Facts,
): [string, Value][] {
  if (!arg || !value) return [];
  const place = passedPlace(arg);
  const given: [string, Value][] = [[param, value]];
  if (place === undefined) return given;
  const pointee = isAddress(arg) ? facts.get(place) : undefined;
  if (pointee) given.push([`${param}*`, pointee]);
  return [...given, ...moved(facts, place, param)];
}

/** What its caller knows after it. */
export function handedBack(param: string, arg: Expr | undefined, facts: Facts): [string, Value][] {
  const place = arg && passedPlace(arg);
  if (!arg || place === undefined) return [];
  return moved(facts, param, place).map(([at, value]) =>
    isAddress(arg) && at.startsWith(`${place}*`) ? [place + at.slice(place.length + 1), value] : [at, value],
  );
}

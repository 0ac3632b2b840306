/**
 * What is known of places in memory (access-path.ts) while control passes, and what a store or a call makes of
 * it. In doubt a place is forgotten: what is not known decides nothing.
 *
 * A test whose value is not understood is kept too, as `?text`, so that it comes out the same way when it is
 * asked again. Choices of `#if` branches are kept as `#group`.
 */

import type { Value } from './abstract-value.ts';
import { ANY } from './abstract-value.ts';
import { isWithin, variablesIn } from './access-path.ts';

export type Facts = ReadonlyMap<string, Value>;

/** What decides who else can see a place. */
export interface Scope {
  readonly locals: ReadonlySet<string>;
  /** Locals whose address was taken somewhere in the function. */
  readonly shared: ReadonlySet<string>;
}

export const textFact = (text: string): string => `?${text}`;
export const groupFact = (group: number): string => `#${group}`;

/** After a store to a place. `value` undefined: nothing is known of it. */
export function stored(facts: Facts, place: string, value: Value | undefined): Facts {
  const isKept = keptAfterStore(place);
  const next = new Map(facts);
  for (const fact of facts.keys()) if (!isKept(fact)) next.delete(fact);
  return value === undefined ? next : withFact(next, place, value);
}

function keptAfterStore(place: string): (fact: string) => boolean {
  const isVariable = /^\w+$/.test(place);
  const field = /\.\w+$/.exec(place)?.[0];
  const isField = field === undefined ? undefined : new RegExp(`\\${field}\\b`);
  return (fact) => {
    if (fact.startsWith('#')) return true;
    if (isVariable) return !fact.includes(place) || !variablesIn(fact).includes(place);
    // through a pointer to who knows what
    if (place.endsWith('*')) return !/[.*[]/.test(fact);
    if (field === undefined || !isField) return !/[*[]/.test(fact);
    // other pointers may lead to the same struct
    return !fact.includes(field) || !isField.test(fact);
  };
}

/**
 * After a call of a function that is not known. It can change what its arguments lead to, locals whose
 * address is about, and what is global. `args`: places that are passed; `addresses`: those of which the address is.
 */
export function called(facts: Facts, scope: Scope, args: readonly string[], addresses: readonly string[]): Facts {
  if (facts.size === 0) return facts;
  const isKept = (fact: string): boolean => {
    if (fact.startsWith('#')) return true;
    if (fact.startsWith('?')) return !/[.*[(]/.test(fact) && variablesIn(fact).every((name) => isPrivate(name, scope));
    if (!isPrivate(variablesIn(fact)[0] ?? '', scope)) return false;
    if (args.some((arg) => fact !== arg && isWithin(fact, arg))) return false;
    return !addresses.some((address) => isWithin(fact, address) || isWithin(address, fact));
  };
  return new Map([...facts].filter(([fact]) => isKept(fact)));
}

/** Names in capitals are constants. */
const isPrivate = (name: string, { locals, shared }: Scope): boolean =>
  /^[A-Z][A-Z0-9_]*$/.test(name) || (locals.has(name) && !shared.has(name));

/** What is known below one place, as if it were another: a helper's parameter is its caller's argument. */
export function moved(facts: Facts, from: string, to: string): [string, Value][] {
  return [...facts]
    .filter(([fact]) => fact !== from && isWithin(fact, from))
    .map(([fact, value]) => [to + fact.slice(from.length), value]);
}

/** With another value at one place, and all else as it was: what was there is known better. */
export function withFact(facts: Facts, place: string, value: Value): Facts {
  const next = new Map(facts);
  if (value.may === ANY.may && value.exact === undefined && !value.stub) next.delete(place);
  else next.set(place, value);
  return next;
}

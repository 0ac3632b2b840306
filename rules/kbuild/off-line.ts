/** Which of the lines that build an object keeps it from being built in a configuration. */

import { MOD, NO, type Tristate } from '../kconfig/expr.ts';
import type { Solver } from '../kconfig/solve.ts';
import type { MakefileLine, Presence } from './presence.ts';

/** Symbols of a makefile's line that have a value in the solver's configuration. */
export function namesWith({ text }: MakefileLine, value: Tristate, { values, model, pool }: Solver): string[] {
  const names = [...text.matchAll(/\bCONFIG_(\w+)/g)].map((match) => match[1]!);
  return [...new Set(names)].filter((name) => {
    const symbol = model.symbols[pool.findSymbol(name) ?? -1];
    return (symbol ? values.tristate(symbol) : NO) === value;
  });
}

/** Of a way of an object, the line nearest to it that is off. A directory may be entered by one line or another. */
export function offLineOf({ ways }: Pick<Presence, 'ways'>, solver: Solver): MakefileLine | undefined {
  const [first] = ways;
  if (!first) return undefined;
  const isOff = (line: MakefileLine, value: Tristate): boolean => namesWith(line, value, solver).length > 0;
  const added = ({ path, text }: MakefileLine): string => `${path} ${text.replace(/^[^=]*=/, '').trim()}`;
  const either = [...Map.groupBy(first.lines, added).values()];
  const off = either.findLast((lines) => lines.every((one) => isOff(one, NO)));
  if (off) return off[0];
  // what is built into nothing: obj-y below obj-m
  const modular = either.find((lines) => lines.every((one) => isOff(one, NO) || isOff(one, MOD)));
  return modular?.find((one) => isOff(one, MOD)) ?? first.lines.at(-1);
}

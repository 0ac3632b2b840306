/** Which of the lines that build an object keeps it from being built in a configuration. */

import { MOD, NO, type Tristate } from '../kconfig/expr.ts';
import type { Solver } from '../kconfig/solve.ts';
import type { MakefileLine } from './presence.ts';

/** Symbols of a makefile's line that have a value in the solver's configuration. */
export function namesWith({ text }: MakefileLine, value: Tristate, { values, model, pool }: Solver): string[] {
  const names = [...text.matchAll(/\bCONFIG_(\w+)/g)].map((match) => match[1]!);
  return [...new Set(names)].filter((name) => {
    const symbol = model.symbols[pool.findSymbol(name) ?? -1];
    return (symbol ? values.tristate(symbol) : NO) === value;
  });
}

/** The first line from the top that is off; undefined where there are no lines. */
export function offLine(lines: readonly MakefileLine[], solver: Solver): MakefileLine | undefined {
  return (
    lines.find((one) => namesWith(one, NO, solver).length > 0) ??
    // what is built into nothing: obj-y below obj-m
    lines.find((one) => namesWith(one, MOD, solver).length > 0) ??
    lines.at(-1)
  );
}

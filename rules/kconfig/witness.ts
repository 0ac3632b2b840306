/**
 * Settings, evaluated (by values.ts, which knows nothing of the solver) and made few: what a person reads in a mail
 * and gives to `make olddefconfig` as the whole .config.
 */

import { lineFor } from './dotconfig.ts';
import type { Tristate } from './expr.ts';
import type { Setting } from './justify.ts';
import { SymbolType } from './parse.ts';
import type { Values } from './values.ts';

/** Gives `values` these settings and nothing else, as if they were read from a .config in this order. */
export function applySettings(values: Values, settings: readonly Setting[]): void {
  values.clear();
  for (const { symbol, value } of settings) {
    if (symbol.type === SymbolType.bool || symbol.type === SymbolType.tristate)
      values.setTristate(symbol, 'nmy'.indexOf(value) as Tristate);
    else values.setText(symbol, value);
    values.prefer(symbol);
  }
  values.restart();
}

/**
 * The settings that `holds` needs of those given: without any one of them it does not hold. Undefined where it does
 * not hold with all of them. `values` is left with the result.
 */
export function fewestSettings(
  values: Values,
  settings: readonly Setting[],
  holds: (values: Values) => boolean,
): Setting[] | undefined {
  const isEnough = (some: readonly Setting[]): boolean => {
    applySettings(values, some);
    return holds(values);
  };
  if (!isEnough(settings)) return undefined;
  let kept = [...settings];
  // The longest runs first: mostly only the goals' own symbols are left.
  for (let run = kept.length >> 1; run > 1; run >>= 1) {
    for (let at = kept.length - run; at >= 0; at -= run) {
      const fewer = kept.toSpliced(at, run);
      if (isEnough(fewer)) kept = fewer;
    }
  }
  // What was needed beside another setting may be superfluous without it.
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    for (let at = kept.length - 1; at >= 0; at--) {
      const fewer = kept.toSpliced(at, 1);
      if (!isEnough(fewer)) continue;
      kept = fewer;
      isChanged = true;
    }
  }
  applySettings(values, kept);
  const { modules } = values.model;
  if (modules && values.tristate(modules) > 0) return kept;
  // without modules conf makes y of m: it is written as what comes out
  const plain = kept.map((one) => (isModule(one) ? { ...one, value: 'y' } : one));
  if (isEnough(plain)) return plain;
  applySettings(values, kept);
  return kept;
}

function isModule({ symbol, value }: Setting): boolean {
  return symbol.type === SymbolType.tristate && value === 'm';
}

/** Lines of a .config, in the order of the symbols' names. */
export function fragment(
  settings: readonly {
    readonly symbol: { readonly name: string; readonly type: SymbolType };
    readonly value: string;
  }[],
): string {
  return settings
    .toSorted((a, b) => (a.symbol.name < b.symbol.name ? -1 : 1))
    .map(({ symbol, value }) => lineFor(symbol, value))
    .join('');
}

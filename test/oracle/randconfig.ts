/**
 * `randconfig` with conf's own dice: for a seed and a model the configuration is conf's, byte for
 * byte (scripts/kconfig/conf.c, conf_set_all_new_symbols and randomize_choice_values).
 */

import { NO, type Tristate, YES } from '../../rules/kconfig/expr.ts';
import type { Choice, KSymbol } from '../../rules/kconfig/model.ts';
import { SymbolType } from '../../rules/kconfig/parse.ts';
import type { Values } from '../../rules/kconfig/values.ts';
import { glibcRand } from './glibc-rand.ts';

/** Per cent of bools that become y, of tristates that become y, and that become m. */
function probabilities(text: string | undefined): readonly [boolY: number, triY: number, triM: number] {
  const [a, b, c] = (text ?? '')
    .split(':')
    .filter((part) => part !== '')
    .map(Number);
  if (a === undefined) return [50, 33, 33];
  if (b === undefined) return [a, a - Math.trunc(a / 2), Math.trunc(a / 2)];
  return c === undefined ? [a + b, a, b] : [a, b, c];
}

/** Answers every prompt that has no answer yet; the caller calculates. `probability` is KCONFIG_PROBABILITY. */
export function randomise(values: Values, seed: number, probability?: string): void {
  const rand = glibcRand(seed);
  const [boolY, triY, triM] = probabilities(probability);
  for (const { symbol, prompt, choice } of values.model.declarations) {
    if (choice) shuffle(values, choice, rand);
    if (!symbol || !prompt || symbol.isChoiceMember || values.hasUser(symbol)) continue;
    if (symbol.type !== SymbolType.bool && symbol.type !== SymbolType.tristate) continue;
    const drawn = rand() % 100;
    let value: Tristate = NO;
    if (symbol.type === SymbolType.tristate) value = drawn < triY ? YES : drawn < triY + triM ? 1 : NO;
    else if (drawn < boolY) value = YES;
    values.setTristate(symbol, value);
  }
}

/**
 * Gives members y, in an order of precedence that is drawn; those set before keep theirs above. A
 * member that is declared twice counts twice, but goes out at once, so a late draw may hit nothing.
 */
function shuffle(values: Values, choice: Choice, rand: () => number): void {
  const { index, end } = choice.declaration;
  const entries = values.model.declarations.slice(index + 1, end).flatMap(({ symbol }) => symbol ?? []);
  const isOpen = (member: KSymbol): boolean => !values.hasUser(member);
  const set = choice.members.filter((member) => !isOpen(member));
  const drawn: KSymbol[] = [];
  for (let left = entries.filter(isOpen).length; left > 0; left--) {
    const member = entries.filter(isOpen)[rand() % left];
    if (!member) continue;
    values.setTristate(member, YES);
    drawn.push(member);
  }
  const rest = choice.members.filter(isOpen);
  for (const member of [...rest, ...set, ...drawn].reverse()) values.prefer(member);
}

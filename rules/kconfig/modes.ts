/**
 * The non-interactive targets of `make *config` (scripts/kconfig/conf.c): from a .config, or from
 * nothing, to calculated values.
 */

import { configLine, readConfig, writeConfig, writeDefconfig } from './dotconfig.ts';
import { NO, type Tristate } from './expr.ts';
import { SymbolType } from './parse.ts';
import type { Values } from './values.ts';

export const MODES = [
  'olddefconfig',
  'alldefconfig',
  'allnoconfig',
  'allyesconfig',
  'allmodconfig',
  'savedefconfig',
  'listnewconfig',
] as const;
export type Mode = (typeof MODES)[number];

export interface ConfigInput {
  /** Text of the .config, or for the all* modes of a KCONFIG_ALLCONFIG fragment. */
  readonly config?: string;
  /** Its name, for warnings. */
  readonly name?: string;
}

const ANSWER: Readonly<Partial<Record<Mode, Tristate>>> = { allnoconfig: 0, allmodconfig: 1, allyesconfig: 2 };

/**
 * Loads the input and calculates as the mode says. Returns conf's warnings about the input.
 */
export function applyMode(values: Values, mode: Mode, input: ConfigInput = {}): string[] {
  let warnings: string[] = [];
  if (input.config === undefined) values.clear();
  else warnings = readConfig(values, input.config, input.name ?? '.config');
  const answer = ANSWER[mode];
  if (answer !== undefined) answerPrompts(values, answer);
  values.calculate();
  if (mode === 'savedefconfig') {
    // conf calculates once as it reads and again before it writes (confdata.c, conf_write_defconfig).
    values.adopt();
    values.calculate();
  }
  return warnings;
}

/** What the mode writes: a .config, a defconfig, or the list of new symbols. */
export function renderMode(values: Values, mode: Mode): string {
  if (mode === 'savedefconfig') return writeDefconfig(values);
  if (mode === 'listnewconfig') return listNew(values);
  return writeConfig(values);
}

/** Answers every prompt of a bool or tristate that has no user value; choices are left to their defaults. */
export function answerPrompts(values: Values, answer: Tristate): void {
  for (const { symbol, prompt } of values.model.declarations) {
    if (!symbol || !prompt || symbol.isChoiceMember || values.hasUser(symbol)) continue;
    if (symbol.type === SymbolType.bool || symbol.type === SymbolType.tristate) values.setTristate(symbol, answer);
  }
}

/** Symbols that the user could set and has not, with the value they get, in menu order. */
function listNew(values: Values): string {
  const out: string[] = [];
  const { declarations } = values.model;
  for (let i = 1; i < declarations.length; ) {
    const declaration = declarations[i]!;
    const { symbol, kind, prompt } = declaration;
    // A menu or choice that is not shown hides what is in it (conf.c, check_conf).
    const isHiddenMenu =
      (kind === 'menu' || kind === 'choice') &&
      (values.expr(declaration.visibility) === NO || (prompt !== undefined && values.promptVisible(prompt) === NO));
    if (
      symbol &&
      prompt &&
      values.promptVisible(prompt) !== NO &&
      !values.hasUser(symbol) &&
      values.visible(symbol) > values.reverseDep(symbol)
    ) {
      out.push(configLine(values, symbol, 'n'));
    }
    i = isHiddenMenu ? declaration.end : i + 1;
  }
  return out.join('');
}

/** The rules, one line each, sorted. */

import configUpgrade from './config-upgrade.ts';
import recursiveDependency from './recursive-dependency.ts';
import type { Rule } from './rule.ts';
import undefinedSymbol from './undefined-symbol.ts';

export const RULES: readonly Rule[] = [configUpgrade, recursiveDependency, undefinedSymbol];

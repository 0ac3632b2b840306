/** The rules, one line each, sorted. */

import brokenBisect from './broken-bisect.ts';
import buildError from './build-error.ts';
import buildWarning from './build-warning.ts';
import configUpgrade from './config-upgrade.ts';
import failingProbe from './failing-probe.ts';
import lostSymbol from './lost-symbol.ts';
import missingAlgorithm from './missing-algorithm.ts';
import missingDependency from './missing-dependency.ts';
import overExposed from './over-exposed.ts';
import recursiveDependency from './recursive-dependency.ts';
import type { Rule } from './rule.ts';
import runtimePmOnly from './runtime-pm-only.ts';
import stubbedPath from './stubbed-path.ts';
import undefinedSymbol from './undefined-symbol.ts';
import unmetSelect from './unmet-select.ts';
import unmigratedRename from './unmigrated-rename.ts';

export const RULES: readonly Rule[] = [
  brokenBisect,
  buildError,
  buildWarning,
  configUpgrade,
  failingProbe,
  lostSymbol,
  missingAlgorithm,
  missingDependency,
  overExposed,
  recursiveDependency,
  runtimePmOnly,
  stubbedPath,
  undefinedSymbol,
  unmetSelect,
  unmigratedRename,
];

/**
 * Trials: objects built in some configurations, without the series, after each of its patches and with all of it, to
 * see what breaks that nobody has foreseen. rules/trial-plan.ts says what is tried, queue/trials.ts does it, and
 * rules judge what came out. Types only.
 */

import type { Diagnostic } from './diagnostic.ts';
import type { Anchor, Arch, SymbolName, Witness } from './types.ts';

/** Objects to build in one configuration. */
export interface Trial {
  readonly witness: Witness;
  /** Text of the .config that olddefconfig completes. */
  readonly config: string;
  /** Paths of the objects whose source the series changes: built with W=1. */
  readonly changed: readonly string[];
  /** Objects that include a header which the series changes. */
  readonly including: readonly string[];
  /** The symbol that decides about an object, by its path; those that hang on none are not in it. */
  readonly owners: Readonly<Record<string, SymbolName>>;
  /** The objects are there because the series lets their entries be on where they could not be. */
  readonly opened?: Opened;
}

export interface Opened {
  readonly entries: readonly OpenedEntry[];
  /**
   * Text of the .config nearest to that of the trial with which they could be on without the series, for the base: what
   * does not compile there either is older. Absent where none of them could be on.
   */
  readonly control?: string;
}

export interface OpenedEntry {
  readonly symbol: SymbolName;
  /** What need not hold any more, and does not here, as Kconfig writes it. */
  readonly lacks: string;
  /** The line of the series that says so. */
  readonly anchor: Anchor;
  /** It is on in the base's configuration: then its objects have to build there. */
  readonly couldBeOn: boolean;
}

/** What became of an object. */
export interface Outcome {
  /** `absent`: make does not build it in this configuration. */
  readonly state: 'built' | 'failed' | 'absent';
  /** Errors of a plain build; warnings with W=1 where the series changes its source. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What comes before the objects and fails: the configuration, `make prepare`, or the makefiles. */
export interface Breakdown {
  readonly stage: 'configure' | 'prepare' | 'makefiles';
  readonly diagnostics: readonly Diagnostic[];
}

/** The state of a tree with the first patches of a series. */
export interface TrialStep {
  /** How many: 0 is the base. */
  readonly patches: number;
  readonly breakdown?: Breakdown;
  /** By the path of the object; empty after a breakdown. */
  readonly objects: ReadonlyMap<string, Outcome>;
}

/** What one trial showed. */
export interface TrialRun {
  readonly trial: Trial;
  /** Ascending; the base first, and the whole series last, unless `fault` says why it did not come to that. */
  readonly steps: readonly TrialStep[];
  /** A fault of the machine, or a base that does not build: nothing is concluded. */
  readonly fault?: string;
}

/** Lines of a file with the series, first and last. */
export type LineSpan = readonly [first: number, last: number];

/** Changed lines that no trial compiles. */
export interface NotCompiled {
  readonly path: string;
  readonly lines: readonly LineSpan[];
  readonly why: string;
}

/** A changed header, and the objects that stand for all that include it. */
export interface Sampled {
  readonly header: string;
  /** C files that include it by name; `atLeast` where the search stopped at its limit. */
  readonly includers: number;
  readonly atLeast: boolean;
  readonly built: readonly string[];
}

export interface TrialPlan {
  readonly trials: readonly Trial[];
  readonly notCompiled: readonly NotCompiled[];
  readonly sampled: readonly Sampled[];
  /** Changed files that were left out, since there were too many. */
  readonly left: readonly string[];
}

/** What a check says of its trials: the `checked.built` of a report. */
export interface Built {
  readonly trials: readonly {
    readonly arch: Arch;
    readonly from: string;
    readonly settings: Witness['settings'];
    /** Objects that were compiled on one side at least. */
    readonly objects: readonly string[];
    /** Objects of which nothing is concluded, though the trial came to its end. */
    readonly notBuilt?: readonly { readonly object: string; readonly why: string }[];
    /** Numbers of patches after which it was built, 0 for the base. */
    readonly steps: readonly number[];
    readonly fault?: string;
  }[];
  readonly notCompiled: readonly NotCompiled[];
  readonly sampled: readonly Sampled[];
  readonly left: readonly string[];
  /** Patches after which it was not built, since there were too many. */
  readonly skipped: readonly number[];
}

/** What `depbot kconfig explain` knows of a symbol: typed, JSON-safe. */

import type { Outcome, SymbolName } from '../types.ts';
import type { Wanted } from './blame.ts';

export const LEVELS = ['n', 'm', 'y'] as const;
export const TYPES = ['unknown', 'bool', 'tristate', 'int', 'hex', 'string'] as const;
export type Level = (typeof LEVELS)[number];

/** A line of a Kconfig file, 1-based. */
export interface Position {
  readonly path: string;
  readonly line: number;
}

/** The first entries of a list, and how many were left out. */
export interface Cut<T> {
  readonly items: readonly T[];
  readonly more: number;
}

/** An expression with the value behind each symbol: `A [=y] && !B [=n] || C [undeclared]`. */
export interface Condition {
  readonly text: string;
  readonly value: Level;
}

/** A symbol whose value keeps an expression from holding. */
export interface Culprit {
  readonly symbol: SymbolName;
  readonly value: string;
  readonly declared: Cut<Position>;
  /** What the expression would need: the symbol set, not set, or (in a comparison) another value. */
  readonly wanted: Wanted;
  readonly state: 'undeclared' | 'no-prompt' | 'hidden' | 'settable';
  /** Unmet conjuncts of the culprit itself, as far as `depth` asks for them. */
  readonly unmet: readonly Part[];
}

/** A conjunct; `from` is what brings it in: the declaration's `depends on`, a block around, or the prompt. */
export interface Part extends Condition, Position {
  readonly from: 'depends on' | 'if' | 'menu' | 'choice' | 'prompt' | 'visible if';
  /** n, or m where that holds a tristate down. */
  readonly isUnmet: boolean;
  readonly culprits: Cut<Culprit>;
}

export interface PromptView extends Position {
  readonly text: string;
  readonly visible: Level;
  /** Menus around, outermost first, without the main menu. */
  readonly location: readonly string[];
  /** Its own `if` and the `visible if` of menus; the declaration's dependency counts too. */
  readonly parts: Cut<Part>;
}

/** A `config` block. The direct dependency is the OR over the blocks that are counted. */
export interface DeclarationView extends Position {
  readonly dependency: Level;
  /** False for a block without dependency beside one that has some: conf leaves it out of the OR. */
  readonly isCounted: boolean;
  readonly parts: Cut<Part>;
  readonly prompts: readonly PromptView[];
}

/** A select or imply; `symbol` is the other end. */
export interface EdgeView extends Position {
  readonly symbol: SymbolName;
  readonly symbolValue: string;
  readonly condition?: Condition;
  /** Dependency of the block that the line stands in. */
  readonly dependency: Level;
  /** The least of the selecting symbol, condition and dependency. */
  readonly value: Level;
}

export interface EdgeGroup extends Cut<EdgeView> {
  readonly value: Level;
}

/** A `default` or `range`; `text` is the line as Kconfig would have it, `shown` has the values. */
export interface PropertyView extends Position {
  readonly text: string;
  readonly shown: string;
  /** The first whose condition holds. */
  readonly isActive: boolean;
}

export interface ChoiceView extends Position {
  readonly prompt: string;
  readonly members: Cut<{ readonly symbol: SymbolName; readonly value: string; readonly visible: Level }>;
  readonly chosen?: SymbolName;
  /** The user's y, first default that holds, first visible member, what the user did not rule out; none is visible. */
  readonly because: 'user' | 'default' | 'first' | 'left' | 'none';
  readonly default?: PropertyView;
}

/** Where the value comes from; the fields beside `kind` are there where they play a part. */
export interface Why {
  readonly kind: 'user' | 'default' | 'imply' | 'select' | 'choice' | 'nothing';
  readonly default?: PropertyView;
  /** The selects or implies that decide. */
  readonly edges?: Cut<EdgeView>;
  /** The range that moved the number. */
  readonly range?: PropertyView;
  /** Why the user's value is not the value: no prompt at all, none visible, visible up to m, m with modules off, … */
  readonly overruled?: 'no-prompt' | 'hidden' | 'limited' | 'modules' | 'select' | 'choice' | 'range';
  /** Selected above the direct dependency, which conf warns of. */
  readonly isUnmet: boolean;
}

export interface Explanation {
  readonly symbol: SymbolName;
  readonly type: (typeof TYPES)[number];
  /** As in .config, strings without quotes. */
  readonly value: string;
  /** Whether .config has a line for it. */
  readonly isWritten: boolean;
  readonly user?: string;
  readonly why: Why;
  /** First paragraph. */
  readonly help?: string;
  readonly visible: Level;
  readonly directDependency: Level;
  readonly declarations: Cut<DeclarationView>;
  readonly defaults: Cut<PropertyView>;
  readonly ranges: Cut<PropertyView>;
  /** Groups y, m, n; empty ones left out. */
  readonly selectedBy: readonly EdgeGroup[];
  readonly impliedBy: readonly EdgeGroup[];
  readonly selects: Cut<EdgeView>;
  readonly implies: Cut<EdgeView>;
  readonly choice?: ChoiceView;
  /** What is unmet of the prompt with the fewest such parts (without prompt: of such a declaration). */
  readonly unmet: readonly Part[];
  /** For a bool or tristate that could be higher: set or choose it, meet `unmet`, have it selected, have a default apply. */
  readonly toEnable?: 'set' | 'choose' | 'meet' | 'select' | 'default' | 'none';
}

export interface ExplainOptions {
  /** Entries of each list, 10 when not given. */
  readonly limit?: number;
  /** Levels down to which the unmet dependencies of culprits are followed, 0 to 3. */
  readonly depth?: number;
}

export type Explained = Outcome<
  { readonly explanation: Explanation },
  { readonly why: 'undeclared'; readonly symbol: SymbolName; readonly similar: readonly SymbolName[] }
>;

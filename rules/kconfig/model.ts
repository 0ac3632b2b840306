/**
 * What a tree's Kconfig files say for one architecture: symbols, their declarations and properties,
 * in file order. Values are not here (values.ts): a model is read once and evaluated for many
 * configurations.
 *
 * Words, as in Documentation/kbuild/kconfig-language.rst:
 * - A *declaration* is one `config`, `menuconfig`, `choice`, `menu`, `comment` or `if` block, at path:line.
 *   A symbol may have several.
 * - The *direct dependency* of a symbol is the OR, over its declarations, of `depends on` together with
 *   all enclosing menus, choices and ifs. A declaration without any dependency is left out of that OR
 *   (so does conf: scripts/kconfig/menu.c, _menu_finalize).
 * - *Reverse dependencies* are the selects that name the symbol: a lower bound, whatever its direct
 *   dependency says. *Weak* reverse dependencies (imply) only move the default.
 * - A property's condition is its own `if` and the dependency of the declaration it stands in.
 */

import type { ExprId, SymbolId } from './expr.ts';
import { type Extent, type SourceText, SymbolType } from './parse.ts';

export type DeclarationKind = 'root' | 'config' | 'menuconfig' | 'choice' | 'menu' | 'comment' | 'if';

export interface Dependency {
  readonly expr: ExprId;
  readonly line: number;
}

export interface Declaration {
  /** Position in KconfigModel.declarations, which is file order. */
  readonly index: number;
  readonly kind: DeclarationKind;
  readonly symbol: KSymbol | undefined;
  readonly choice: Choice | undefined;
  readonly parent: Declaration | undefined;
  readonly path: string;
  readonly line: number;
  /** Own `depends on` lines (or the condition of an `if`), in order. */
  dependencies: Dependency[];
  /** Conjunction of `dependencies`; NONE without any. */
  dep: ExprId;
  /** Whether this declaration or one around it has a dependency at all. */
  hasDep: boolean;
  /** `visible if` of a menu, its literal `m` as written. */
  visibility: ExprId;
  /** Line of the last `visible if`, 0 without one. */
  visibleLine: number;
  prompt: Prompt | undefined;
  file: SourceText;
  /** Of its help text in that file. */
  help: Extent | undefined;
  /** Index after the last declaration inside this one. */
  end: number;
}

interface PropertyBase {
  readonly in: Declaration;
  /** Own `if`, NONE without one. */
  readonly cond: ExprId;
  readonly line: number;
}

export interface Prompt extends PropertyBase {
  readonly text: string;
  /** `visible if` of all menus around, NONE without any. */
  readonly menusVisible: ExprId;
}

export interface Default extends PropertyBase {
  readonly value: ExprId;
}

export interface Range extends PropertyBase {
  readonly low: SymbolId;
  readonly high: SymbolId;
}

/** A `select` or `imply`. */
export interface Edge extends PropertyBase {
  readonly kind: 'select' | 'imply';
  readonly from: KSymbol;
  readonly to: KSymbol;
}

export interface KSymbol {
  readonly id: SymbolId;
  readonly name: string;
  type: SymbolType;
  readonly declarations: Declaration[];
  readonly prompts: Prompt[];
  readonly defaults: Default[];
  readonly ranges: Range[];
  readonly selects: Edge[];
  readonly implies: Edge[];
  /** Reverse dependencies, in file order. */
  readonly selectedBy: Edge[];
  readonly impliedBy: Edge[];
  /** The choice whose member this is: that of its first declaration with a prompt. */
  choice: Choice | undefined;
  /** Declared inside any choice. */
  isChoiceMember: boolean;
  isTransitional: boolean;
}

/** True of a bool or tristate. */
export function isLogical({ type }: KSymbol): boolean {
  return type === SymbolType.bool || type === SymbolType.tristate;
}

export interface Choice {
  /** Position in KconfigModel.choices. */
  readonly index: number;
  declaration: Declaration;
  readonly defaults: Default[];
  /** Members in file order, each once. */
  readonly members: KSymbol[];
}

export interface KconfigModel {
  /** Symbols with a declaration or a mention, by SymbolId. Constants have none. */
  readonly symbols: readonly (KSymbol | undefined)[];
  /** Symbols that are declared, in order of their first declaration. */
  readonly declared: readonly KSymbol[];
  readonly declarations: readonly Declaration[];
  readonly choices: readonly Choice[];
  /** The symbol with the `modules` property. */
  readonly modules: KSymbol | undefined;
  /** Text of `mainmenu`, or `Main menu`. */
  readonly title: string;
  /** Files read, in order, each once. */
  readonly files: readonly string[];
  /** `path:line: text` of what conf warns about while reading. */
  readonly warnings: readonly string[];
  /** What `$(info)` and `$(warning-if)` say, in order. */
  readonly messages: readonly { readonly stream: 'stdout' | 'stderr'; readonly text: string }[];
  /** Commands of `$(shell)` that had no answer; the model is provisional while there are any. */
  readonly unanswered: ReadonlySet<string>;
  /** All commands of `$(shell)`, and `path:line` where each was first; of a model from a record none are known. */
  readonly asked: ReadonlyMap<string, string>;
  /** Whether findCycles has found nothing: it need not look again. */
  isAcyclic: boolean;
}

/**
 * A model as clauses: what configurations conf can write, for the solver. The same rules as in values.ts (conf's
 * scripts/kconfig/symbol.c, sym_calc_value), for all choices of the user at once.
 *
 * A tristate is two literals, "at least m" and "y"; a bool has them equal. For each level, with V what its prompts
 * allow, D its default (raised by imply) and R what selects it:
 *
 *   on needs a reason:  S -> V or D or R
 *   off needs that:     R -> S,  and D -> S where no prompt is visible
 *   without MODULES     a tristate that is m is y
 *
 * In a choice exactly one visible member is on. An int, hex or string is one literal for each value that matters
 * (cnf-text.ts). Since conf refuses circular dependencies, the values of all symbols follow from the user's choices,
 * so that a solution for the symbols that a query reaches can be extended to all others: only those are encoded.
 *
 * What MODULES itself depends on (nothing, in Linux) conf calculates before it knows MODULES: there the clauses allow
 * more than conf does, and solve.ts finds that out.
 *
 * (More than 400 lines: a symbol's clauses are made of expressions, and those of symbols.)
 */

import { MOST_PAIRS, TextEncoding, type TextValues, typeOf } from './cnf-text.ts';
import { Domains, isText, TooLargeError } from './domains.ts';
import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import { FALSE, Gates, TRUE } from './gates.ts';
import type { Choice, Declaration, Default, Edge, KconfigModel, KSymbol, Prompt, Range } from './model.ts';
import { compareValues } from './number.ts';
import { SymbolType } from './parse.ts';
import { visibleAt } from './properties.ts';
import { defaultReason, definition, edgeReason, type Reason, statementKey } from './reason.ts';
import { type Lit, not, Sat } from './sat.ts';

/** 1: at least m; 2: y. */
export type Level = 1 | 2;

/** What a literal of a symbol stands for. */
export type Meaning =
  | { readonly kind: 'tristate'; readonly symbol: KSymbol; readonly level: Level }
  | { readonly kind: 'text'; readonly symbol: KSymbol; readonly value: string };

/** Why a bool or tristate can be on: any of these; see the head of this file. */
export interface Supports {
  readonly prompts: readonly Lit[];
  readonly byDefault: Lit;
  readonly selects: readonly Lit[];
}

export interface EncodingOptions {
  /** Value (0, 1, 2) that a bool or tristate is tried with first. Default n. */
  readonly firstValue?: (symbol: KSymbol) => number;
  /** Of this pool and model, where they are there already. */
  readonly domains?: Domains;
  /** Every statement gets a literal, so that a query without a solution can be traced to statements. */
  readonly isTraced?: boolean;
}

/** Literals whose clauses are made before the first look. */
const FEW_CLAUSES = 8;

type Conditional = Prompt | Default | Range | Edge;

export class Encoding {
  readonly sat = new Sat();
  readonly gates = new Gates(this.sat);
  readonly pool: ExprPool;
  readonly model: KconfigModel;
  readonly #options: EncodingOptions;
  readonly #domains: Domains;

  readonly #exprs = new Map<number, Lit>();
  readonly #declarations = new Map<number, Lit>();
  readonly #tristates = new Map<SymbolId, readonly [Lit, Lit]>();
  readonly #texts: TextEncoding;
  readonly #supports = new Map<number, Supports>();
  /** By variable. */
  readonly #meanings = new Map<number, Meaning>();
  readonly #chosen = new Set<number>();
  readonly #anyMembers = new Map<number, Lit>();
  /** Of traced statements: the literal behind a variable that stands for it, by variable. */
  readonly #wrapped = new Map<number, { readonly inner: Lit; readonly guard: Lit }>();
  readonly #guards = new Map<string, { readonly lit: Lit; readonly reason: Reason }>();

  constructor(pool: ExprPool, model: KconfigModel, options: EncodingOptions = {}) {
    this.pool = pool;
    this.model = model;
    this.#options = options;
    this.#domains = options.domains ?? new Domains(pool, model);
    this.#texts = new TextEncoding(this, this.#domains);
  }

  /** Number of expressions of the pool whose comparisons are known here. */
  get poolSize(): number {
    return this.#domains.poolSize;
  }

  /** True where `e` is at least `level`. */
  atLeast(e: ExprId, level: Level): Lit {
    if (e === NONE) return TRUE;
    const key = 2 * e + level;
    const known = this.#exprs.get(key);
    if (known !== undefined) return known;
    const lit = this.#expr(e, level);
    this.#exprs.set(key, lit);
    return lit;
  }

  /** True where the symbol is at least `level`; never of what is not declared, or has no truth value. */
  symbolAtLeast(id: SymbolId, level: Level): Lit {
    if (id <= this.pool.y) return id >= level ? TRUE : FALSE;
    const symbol = this.pool.constant[id] ? undefined : this.model.symbols[id];
    if (!symbol || symbol.type === SymbolType.unknown) return this.#undeclared(id, symbol);
    if (symbol.type !== SymbolType.bool && symbol.type !== SymbolType.tristate) return FALSE;
    return this.#tristate(symbol)[level - 1]!;
  }

  #undeclared(id: SymbolId, symbol: KSymbol | undefined): Lit {
    if (!this.#options.isTraced || this.pool.constant[id]) return FALSE;
    return this.#traced({ kind: 'undeclared', symbol, path: '', line: 0, expr: this.pool.symbol(id) }, FALSE);
  }

  /** Makes the clauses that the literals need to mean what they say. */
  demand(literals: readonly Lit[]): void {
    this.gates.ask(literals);
    this.gates.flush((lit) => this.#define(lit));
  }

  /**
   * The same, the nearest clauses first, and only until these exclude the literals, which is soon where they do not go
   * together for a reason close by. False: all clauses are made, and the search has to tell.
   */
  excludes(literals: readonly Lit[], mostConflicts: number): boolean {
    this.gates.ask(literals);
    for (let most = FEW_CLAUSES; !this.gates.flush((lit) => this.#define(lit), most); most *= 4)
      if (this.sat.solve(literals, mostConflicts, () => undefined) === 'unsat') return true;
    return false;
  }

  meaningOf(lit: Lit): Meaning | undefined {
    return this.#meanings.get(lit >> 1);
  }

  /** The literal behind a traced statement. */
  behind(lit: Lit): Lit | undefined {
    const wrapped = this.#wrapped.get(lit >> 1);
    return wrapped && (lit & 1 ? not(wrapped.inner) : wrapped.inner);
  }

  /** Literals of the traced statements so far; a statement does not hold where its literal is false. */
  get guards(): readonly { readonly lit: Lit; readonly reason: Reason }[] {
    return [...this.#guards.values()];
  }

  /** What can turn a symbol on that is no member of a choice. */
  supports(symbol: KSymbol, level: Level): Supports {
    const whole = symbol.type === SymbolType.bool ? 1 : level;
    const key = 2 * symbol.id + whole;
    const known = this.#supports.get(key);
    if (known) return known;
    const isFree = symbol.isChoiceMember;
    const made = {
      prompts: symbol.prompts.map((prompt) => this.#prompt(prompt, whole)),
      byDefault: this.#default(symbol, whole, isFree),
      selects: isFree ? [] : symbol.selectedBy.map((edge) => this.edge(edge, whole)),
    };
    this.#supports.set(key, made);
    return made;
  }

  /** True where the edge selects, or implies, with at least `level`. */
  edge(edge: Edge, level: Level): Lit {
    return this.gates.and([this.symbolAtLeast(edge.from.id, level), this.condition(edge, level)]);
  }

  /** True where the direct dependency of the symbol is at least `level`. */
  directDependency(symbol: KSymbol, level: Level): Lit {
    const whole = symbol.type === SymbolType.bool ? 1 : level;
    const with_ = symbol.declarations.filter(({ hasDep }) => hasDep);
    if (with_.length === 0) return TRUE;
    return this.gates.or(with_.map((declaration) => this.#declaration(declaration, whole)));
  }

  /** True where a property's `if` and the dependency of its declaration are at least `level`. */
  condition(property: Conditional, level: Level): Lit {
    const { in: declaration, cond, line } = property;
    const { symbol, path } = declaration;
    const kind = 'value' in property ? 'default' : 'if';
    const reason: Reason = 'to' in property ? edgeReason(property) : { kind, symbol, path, line, expr: cond };
    const own = this.#traced(reason, this.atLeast(cond, level));
    return this.gates.and([this.#declaration(declaration, level), own]);
  }

  /** True where a prompt of the symbol is visible with at least `level`. */
  visible(symbol: KSymbol, level: Level): Lit {
    return this.gates.or(symbol.prompts.map((prompt) => this.#prompt(prompt, level)));
  }

  name(lit: Lit, meaning: Meaning): void {
    this.#meanings.set(lit >> 1, meaning);
  }

  /** What else makes clauses about the symbol true: that its definition does not hold. */
  unless(symbol: KSymbol): readonly Lit[] {
    const reason = definition(symbol);
    return reason && this.#options.isTraced ? [not(this.#guard(reason))] : [];
  }

  /** The values of an int, hex or string, and what they are made from. Throws TooLargeError. */
  textValues(symbol: KSymbol): TextValues {
    return this.#texts.values(symbol);
  }

  // ------------------------------------------------------------ expressions

  #expr(e: ExprId, level: Level): Lit {
    const { pool, gates } = this;
    const left = pool.lefts[e]!;
    const right = pool.rights[e]!;
    switch (pool.ops[e]) {
      case Op.symbol:
        return this.symbolAtLeast(left, level);
      case Op.modules:
        return level === 1 ? this.modules() : FALSE;
      case Op.not:
        return not(this.atLeast(left, level === 1 ? 2 : 1));
      case Op.and:
        return gates.and([this.atLeast(left, level), this.atLeast(right, level)]);
      case Op.or:
        return gates.or([this.atLeast(left, level), this.atLeast(right, level)]);
      default:
        return this.#comparison(pool.ops[e] as Op, left, right);
    }
  }

  /** True where modules are on. */
  modules(): Lit {
    return this.model.modules ? this.symbolAtLeast(this.model.modules.id, 1) : FALSE;
  }

  #comparison(op: Op, left: SymbolId, right: SymbolId): Lit {
    const [a, b] = [this.#valuesOf(left), this.#valuesOf(right)];
    if (a.length * b.length > MOST_PAIRS)
      throw new TooLargeError(`${this.pool.names[left]} and ${this.pool.names[right]} have too many values to compare`);
    const [typeA, typeB] = [typeOf(this, left), typeOf(this, right)];
    const holds = (x: string, y: string): boolean => isOrdered(op, compareValues(x, typeA, y, typeB));
    // One tristate and a constant: by its levels, which are fewer literals.
    for (const [these, those] of [
      [a, b],
      [b, a],
    ] as const) {
      if (these.length !== 3 || those.length !== 1) continue;
      const [n, m, y] = these.map(({ text }) =>
        these === a ? holds(text, those[0]!.text) : holds(those[0]!.text, text),
      );
      const [atLeastM, isY] = [not(these[0]!.lit), these[2]!.lit];
      if (n && m && y) return TRUE;
      if (m && y) return atLeastM;
      if (n && m) return not(isY);
      if (n && y) return this.gates.or([not(atLeastM), isY]);
    }
    return this.gates.or(
      a.flatMap((x) => b.filter((y) => holds(x.text, y.text)).map((y) => this.gates.and([x.lit, y.lit]))),
    );
  }

  /** Every value that an operand of a comparison can have, and when it has it. */
  #valuesOf(id: SymbolId): readonly { readonly text: string; readonly lit: Lit }[] {
    const symbol = this.pool.constant[id] ? undefined : this.model.symbols[id];
    if (!symbol || symbol.type === SymbolType.unknown) return [{ text: this.pool.names[id]!, lit: TRUE }];
    if (isText(symbol)) {
      const { values, literals } = this.#texts.values(symbol);
      return values.map((text, i) => ({ text, lit: literals[i]! }));
    }
    const [atLeastM, isY] = this.#tristate(symbol);
    const no = { text: 'n', lit: not(atLeastM) };
    const yes = { text: 'y', lit: isY };
    if (atLeastM === isY) return [no, yes];
    return [no, { text: 'm', lit: this.gates.and([atLeastM, not(isY)]) }, yes];
  }

  // ------------------------------------------------------------ conditions

  #declaration(declaration: Declaration, level: Level): Lit {
    if (!declaration.hasDep) return TRUE;
    const key = 2 * declaration.index + level;
    const known = this.#declarations.get(key);
    if (known !== undefined) return known;
    const { parent, dependencies, path, symbol } = declaration;
    const kind = declaration.kind === 'if' ? 'if' : 'depends on';
    const own = dependencies.map(({ expr, line }) =>
      this.#traced({ kind, symbol, path, line, expr }, this.atLeast(expr, level)),
    );
    const lit = this.gates.and([parent ? this.#declaration(parent, level) : TRUE, ...own]);
    this.#declarations.set(key, lit);
    return lit;
  }

  #prompt(prompt: Prompt, level: Level): Lit {
    const { in: declaration, menusVisible } = prompt;
    if (menusVisible === NONE) return this.condition(prompt, level);
    const visible = this.#traced(
      { kind: 'visible if', symbol: declaration.symbol, ...visibleAt(prompt), expr: menusVisible },
      this.atLeast(menusVisible, level),
    );
    return this.gates.and([this.condition(prompt, level), visible]);
  }

  #edges(edges: readonly Edge[], level: Level): Lit {
    return this.gates.or(edges.map((edge) => this.edge(edge, level)));
  }

  /** The first default whose condition holds, raised by what implies the symbol up to its direct dependency. */
  #default(symbol: KSymbol, level: Level, isFree: boolean): Lit {
    const { gates } = this;
    let value = FALSE;
    for (const property of symbol.defaults.toReversed()) {
      const isHeld = this.condition(property, 1);
      const own = gates.and([this.atLeast(property.value, level), this.condition(property, level)]);
      value = gates.or([own, gates.and([not(isHeld), value])]);
    }
    if (isFree || symbol.impliedBy.length === 0) return value;
    const isImplied = this.#edges(symbol.impliedBy, 1);
    const raised = gates.and([
      gates.or([value, this.#edges(symbol.impliedBy, level)]),
      this.directDependency(symbol, level),
    ]);
    return gates.or([gates.and([isImplied, raised]), gates.and([not(isImplied), value])]);
  }

  // ------------------------------------------------------------ bools and tristates

  #tristate(symbol: KSymbol): readonly [Lit, Lit] {
    const known = this.#tristates.get(symbol.id);
    if (known) return known;
    const first = this.#options.firstValue?.(symbol) ?? 0;
    const atLeastM = this.gates.variable(first >= 1);
    this.name(atLeastM, { kind: 'tristate', symbol, level: 1 });
    let isY = atLeastM;
    if (symbol.type === SymbolType.tristate) {
      isY = this.gates.variable(first === 2);
      this.name(isY, { kind: 'tristate', symbol, level: 2 });
      this.sat.addClause([not(isY), atLeastM]);
    }
    const pair = [atLeastM, isY] as const;
    this.#tristates.set(symbol.id, pair);
    return pair;
  }

  #define(lit: Lit): void {
    const wrapped = this.#wrapped.get(lit >> 1);
    if (wrapped) {
      this.sat.addClause([not(lit), this.behind(lit)!, not(wrapped.guard)]);
      this.gates.demand(this.behind(lit)!);
      return;
    }
    const meaning = this.#meanings.get(lit >> 1);
    if (!meaning) return;
    if (meaning.kind === 'text') this.#texts.define(meaning.symbol);
    else if (meaning.symbol.isTransitional) this.#defineWhole(meaning.symbol, meaning.level, lit);
    else if (meaning.symbol.choice) this.#defineMember(meaning.symbol, lit);
    else if ((lit & 1) === 0) this.#defineOn(meaning.symbol, meaning.level, lit);
    else this.#defineOff(meaning.symbol, meaning.level, lit);
  }

  #defineOn(symbol: KSymbol, level: Level, lit: Lit): void {
    const { prompts, byDefault, selects } = this.supports(symbol, level);
    const isPair = symbol.type === SymbolType.tristate && level === 2;
    const reasons = [...prompts, byDefault, ...selects, ...(isPair ? [not(this.modules())] : [])];
    this.#clause([not(lit), ...reasons], definition(symbol));
    if (isPair) this.gates.demand(this.#tristate(symbol)[0]);
  }

  #defineOff(symbol: KSymbol, level: Level, lit: Lit): void {
    const { byDefault, selects } = this.supports(symbol, level);
    for (const [i, select] of selects.entries()) {
      this.#clause([not(lit), not(select)], edgeReason(symbol.selectedBy[i]!));
    }
    const { prompts } = this.supports(symbol, 1);
    this.#clause([not(lit), not(byDefault), ...prompts], defaultReason(symbol));
    this.#defineWhole(symbol, level, lit);
  }

  /** Without modules, what is not y is n. */
  #defineWhole(symbol: KSymbol, level: Level, lit: Lit): void {
    if (symbol.type === SymbolType.tristate && level === 2 && (lit & 1) === 1)
      this.gates.clause([not(lit), not(this.#tristate(symbol)[0]), this.modules()]);
  }

  #clause(literals: readonly Lit[], reason: Reason | undefined): void {
    const guard = reason && this.#options.isTraced ? this.#guard(reason) : undefined;
    this.gates.clause(guard === undefined ? literals : [literals[0]!, not(guard), ...literals.slice(1)]);
  }

  // ------------------------------------------------------------ choices

  /** Why a member of a choice is on (it is visible), or off (it is not, or another one is on). */
  memberSupports(member: KSymbol, isOn: boolean): readonly Lit[] {
    const visible = this.visible(member, 1);
    if (isOn) return [visible];
    return [not(visible), this.#anyMember(member.choice!)];
  }

  /** True where a member of the choice is on: one literal for all members, of which there may be thousands. */
  #anyMember(choice: Choice): Lit {
    const known = this.#anyMembers.get(choice.index);
    if (known !== undefined) return known;
    const members = choice.members.filter((member) => member.choice === choice);
    const lit = this.gates.or(members.map((member) => this.#tristate(member)[0]));
    this.#anyMembers.set(choice.index, lit);
    return lit;
  }

  #defineMember(member: KSymbol, lit: Lit): void {
    const choice = member.choice!;
    const { path, line } = choice.declaration;
    const reason: Reason = { kind: 'choice', symbol: member, path, line, expr: NONE };
    if (!this.#chosen.has(choice.index)) {
      this.#chosen.add(choice.index);
      const members = choice.members.filter((other) => other.choice === choice);
      const guard = this.#options.isTraced ? [not(this.#guard(reason))] : [];
      this.gates.atMostOne(
        members.map((other) => this.#tristate(other)[0]),
        guard,
      );
    }
    this.#clause([not(lit), ...this.memberSupports(member, (lit & 1) === 0)], reason);
  }

  // ------------------------------------------------------------ tracing

  /** A literal that means `inner` as long as the statement holds. */
  #traced(reason: Reason, inner: Lit): Lit {
    if (!this.#options.isTraced || inner === TRUE) return inner;
    const guard = this.#guard(reason);
    const lit = this.gates.variable(inner === FALSE ? false : this.gates.phase(inner));
    this.#wrapped.set(lit >> 1, { inner, guard });
    return lit;
  }

  #guard(reason: Reason): Lit {
    const key = statementKey(reason);
    const known = this.#guards.get(key);
    if (known) return known.lit;
    const lit = this.gates.variable(true);
    this.#guards.set(key, { lit, reason });
    return lit;
  }
}

function isOrdered(op: Op, order: number): boolean {
  switch (op) {
    case Op.equal:
      return order === 0;
    case Op.unequal:
      return order !== 0;
    case Op.less:
      return order < 0;
    case Op.lessEqual:
      return order <= 0;
    case Op.greater:
      return order > 0;
    default:
      return order >= 0;
  }
}

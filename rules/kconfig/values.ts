/**
 * Values of all symbols in one configuration: what conf computes (scripts/kconfig/symbol.c,
 * sym_calc_value and what it calls).
 *
 * - The user's value counts where a prompt is visible, and not above that visibility.
 * - Otherwise the first default whose condition holds; an `imply` raises it, up to the direct dependency.
 * - A select is a lower bound, even above the direct dependency (then the dependency is *unmet*).
 * - In a choice exactly one visible member is y, except where the user ruled all of them out.
 * - int and hex are clamped to the first range whose condition holds; unset they are 0 and 0x0.
 *
 * An instance is reused: set user values, `calculate()`, read, `clear()`, and again. (More than 400 lines: all
 * of it works on the arrays of one evaluation, and each result is reached from each other.)
 */

import { KconfigError } from './error.ts';
import { type ExprId, type ExprPool, MOD, NO, NONE, Op, type SymbolId, type Tristate, YES } from './expr.ts';
import type { Choice, Declaration, Default, Edge, KconfigModel, KSymbol, Prompt, Range } from './model.ts';
import { compareValues, strtoll } from './number.ts';
import { SymbolType } from './parse.ts';

const UNKNOWN = 3;
const TRISTATE_TEXT = ['n', 'm', 'y'] as const;

const and = (a: Tristate, b: Tristate): Tristate => (a < b ? a : b);
const or = (a: Tristate, b: Tristate): Tristate => (a > b ? a : b);

export class Values {
  readonly model: KconfigModel;
  readonly pool: ExprPool;

  /** User's tristates, UNKNOWN where there is none. */
  readonly #userTristate: Uint8Array;
  readonly #userText = new Map<SymbolId, string>();
  /** Members of each choice, highest priority first (struct menu, choice_members). */
  readonly #priority: KSymbol[][];

  readonly #isValid: Uint8Array;
  readonly #tristate: Uint8Array;
  readonly #text: (string | undefined)[];
  readonly #visible: Uint8Array;
  readonly #directDep: Uint8Array;
  readonly #reverseDep: Uint8Array;
  readonly #implied: Uint8Array;
  readonly #isWritten: Uint8Array;
  /** Symbols whose value is that of a transitional one which the user has set. */
  readonly #isMigrated: Uint8Array;
  readonly #exprs: Uint8Array;
  readonly #declarationDeps: Uint8Array;
  readonly #chosen: (KSymbol | undefined)[] = [];
  readonly #isChosen: Uint8Array;
  #modules: Tristate = NO;
  /** Symbols that are selected above their direct dependency, in the order conf would warn. */
  readonly unmet: KSymbol[] = [];

  constructor(pool: ExprPool, model: KconfigModel) {
    this.pool = pool;
    this.model = model;
    const n = model.symbols.length;
    this.#userTristate = new Uint8Array(n).fill(UNKNOWN);
    this.#priority = model.choices.map((choice) => [...choice.members]);
    this.#isValid = new Uint8Array(n);
    this.#tristate = new Uint8Array(n);
    this.#text = new Array<string | undefined>(n).fill(undefined);
    this.#visible = new Uint8Array(n);
    this.#directDep = new Uint8Array(n);
    this.#reverseDep = new Uint8Array(n);
    this.#implied = new Uint8Array(n);
    this.#isWritten = new Uint8Array(n);
    this.#isMigrated = new Uint8Array(n);
    this.#exprs = new Uint8Array(pool.size);
    this.#declarationDeps = new Uint8Array(model.declarations.length);
    this.#isChosen = new Uint8Array(model.choices.length);
    this.#invalidate();
  }

  // ------------------------------------------------------------ what the user set

  /** Forgets all user values and results. */
  clear(): void {
    this.#userTristate.fill(UNKNOWN);
    this.#userText.clear();
    for (const choice of this.model.choices) this.#priority[choice.index] = [...choice.members];
    this.#modules = NO;
    this.#invalidate();
  }

  /** Whether the user set it, by its own name or, once calculated, by that of a transitional symbol. */
  hasUser(symbol: KSymbol): boolean {
    return this.#isSet(symbol) || this.#isMigrated[symbol.id] === 1;
  }

  #isSet(symbol: KSymbol): boolean {
    return this.#userTristate[symbol.id] !== UNKNOWN || this.#userText.has(symbol.id);
  }

  /**
   * Makes what transitional symbols gave the user's own values, as conf does the moment it calculates them: what
   * is calculated afterwards no longer asks the old names.
   */
  adopt(): void {
    for (const symbol of this.model.declared) {
      if (this.#isMigrated[symbol.id] !== 1 || this.#isSet(symbol)) continue;
      if (symbol.type === SymbolType.bool || symbol.type === SymbolType.tristate)
        this.setTristate(symbol, this.#tristate[symbol.id] as Tristate);
      else this.setText(symbol, this.#defaultText(this.activeDefault(symbol)!));
    }
  }

  /** The user's value as text, undefined where there is none. */
  user(symbol: KSymbol): string | undefined {
    return this.#userText.get(symbol.id) ?? TRISTATE_TEXT[this.#userTristate[symbol.id]!];
  }

  /** Sets a bool's or tristate's user value; the caller calculates afterwards. */
  setTristate(symbol: KSymbol, value: Tristate): void {
    this.#userTristate[symbol.id] = value;
  }

  /** Sets an int's, hex's or string's user value; it must be valid for the type. */
  setText(symbol: KSymbol, value: string): void {
    this.#userText.set(symbol.id, value);
  }

  unset(symbol: KSymbol): void {
    this.#userTristate[symbol.id] = UNKNOWN;
    this.#userText.delete(symbol.id);
  }

  /** Gives a choice member precedence over the others: the last one a .config names wins. */
  prefer(member: KSymbol): void {
    if (!member.choice) return;
    const list = this.#priority[member.choice.index]!;
    const at = list.indexOf(member);
    if (at > 0) {
      list.splice(at, 1);
      list.unshift(member);
    }
  }

  // ------------------------------------------------------------ results

  /**
   * Forgets the results of the last user values; symbols are then computed as they are asked for.
   * To be called after the user's values changed.
   */
  restart(): void {
    this.#invalidate();
    if (this.model.modules) {
      this.#calc(this.model.modules);
      this.#modules = this.#tristate[this.model.modules.id] as Tristate;
    }
  }

  /** `restart()`, and computes every declared symbol: afterwards `unmet` is complete. */
  calculate(): void {
    this.restart();
    for (const symbol of this.model.declared) this.#calc(symbol);
  }

  tristate(symbol: KSymbol): Tristate {
    this.#calc(symbol);
    return this.#tristate[symbol.id] as Tristate;
  }

  /** Value as conf compares and writes it: y, m, n, or the text; an undeclared symbol's is its name. */
  text(symbol: KSymbol): string {
    this.#calc(symbol);
    if (symbol.type === SymbolType.bool || symbol.type === SymbolType.tristate)
      return TRISTATE_TEXT[this.#tristate[symbol.id]!]!;
    return this.#text[symbol.id] ?? symbol.name;
  }

  /** Whether the symbol gets a line in .config. */
  isWritten(symbol: KSymbol): boolean {
    this.#calc(symbol);
    return this.#isWritten[symbol.id] === 1;
  }

  visible(symbol: KSymbol): Tristate {
    this.#calc(symbol);
    return this.#visible[symbol.id] as Tristate;
  }

  directDep(symbol: KSymbol): Tristate {
    this.#calc(symbol);
    return this.#directDep[symbol.id] as Tristate;
  }

  reverseDep(symbol: KSymbol): Tristate {
    this.#calc(symbol);
    return this.#reverseDep[symbol.id] as Tristate;
  }

  implied(symbol: KSymbol): Tristate {
    this.#calc(symbol);
    return this.#implied[symbol.id] as Tristate;
  }

  /** Type in force: a tristate is a bool where modules are off. */
  typeOf(symbol: KSymbol): SymbolType {
    return symbol.type === SymbolType.tristate && this.#modules === NO ? SymbolType.bool : symbol.type;
  }

  /** The member that is y, undefined where all are ruled out or invisible. */
  chosen(choice: Choice): KSymbol | undefined {
    return this.#calcChoice(choice);
  }

  /** Value of an expression; NONE is y. */
  expr(e: ExprId): Tristate {
    return this.#expr(e);
  }

  /** Dependency of a declaration with everything around it. */
  declarationDep(declaration: Declaration): Tristate {
    return this.#declarationDep(declaration);
  }

  /** Condition of a property: its own `if` and the dependency of its declaration. */
  condition(property: Prompt | Default | Range | Edge): Tristate {
    return this.#condition(property);
  }

  /** A prompt's condition, with the `visible if` of the menus around. */
  promptVisible(prompt: Prompt): Tristate {
    const visible = this.#condition(prompt);
    return visible === NO || prompt.menusVisible === NONE ? visible : and(visible, this.#expr(prompt.menusVisible));
  }

  /** First default whose condition holds. */
  activeDefault(symbol: KSymbol): Default | undefined {
    return this.#first(symbol.defaults);
  }

  /** First range whose condition holds. */
  activeRange(symbol: KSymbol): Range | undefined {
    return this.#first(symbol.ranges);
  }

  /** The member a choice falls back to: first default that holds and is visible, else the first visible member. */
  choiceDefault(choice: Choice): KSymbol | undefined {
    for (const property of choice.defaults) {
      if (this.#condition(property) === NO) continue;
      const symbol = this.model.symbols[this.pool.lefts[property.value]!]!;
      if (this.#visible[symbol.id] !== NO) return symbol;
    }
    return choice.members.find((member) => this.#visible[member.id] !== NO);
  }

  // ------------------------------------------------------------ calculation

  #invalidate(): void {
    this.#isValid.fill(0);
    this.#exprs.fill(UNKNOWN);
    this.#declarationDeps.fill(UNKNOWN);
    this.#isChosen.fill(0);
    this.#isMigrated.fill(0);
    this.unmet.length = 0;
  }

  /** Throws KconfigError where a chain of dependencies is too long for the stack. */
  #calc(symbol: KSymbol): void {
    if (this.#isValid[symbol.id] === 1) return;
    try {
      this.#compute(symbol);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new KconfigError(
        symbol.declarations[0]?.path ?? 'Kconfig',
        symbol.declarations[0]?.line ?? 0,
        'dependencies are nested too deep to evaluate',
      );
    }
  }

  #compute(symbol: KSymbol): void {
    const id = symbol.id;
    this.#isValid[id] = 1;
    // What a circular dependency would see; conf starts from the same.
    this.#tristate[id] = NO;
    this.#isWritten[id] = 0;
    switch (symbol.type) {
      case SymbolType.bool:
      case SymbolType.tristate:
        this.#calcVisibility(symbol);
        this.#calcTristate(symbol);
        break;
      case SymbolType.unknown:
        this.#text[id] = symbol.name;
        break;
      default:
        this.#text[id] = symbol.type === SymbolType.int ? '0' : symbol.type === SymbolType.hex ? '0x0' : '';
        this.#calcVisibility(symbol);
        this.#calcText(symbol);
    }
    if (symbol.isTransitional) this.#isWritten[id] = 0;
  }

  #calcVisibility(symbol: KSymbol): void {
    const id = symbol.id;
    let visible: Tristate = NO;
    for (const prompt of symbol.prompts) visible = or(visible, this.promptVisible(prompt));
    if (visible === MOD && (symbol.type !== SymbolType.tristate || this.#modules === NO)) visible = YES;
    this.#visible[id] = visible;
    if (visible !== NO) this.#isWritten[id] = 1;
    // What selects or implies a transitional symbol does nothing to it (symbol.c, sym_calc_visibility).
    if (symbol.isChoiceMember || symbol.isTransitional) {
      this.#directDep[id] = NO;
      this.#reverseDep[id] = NO;
      this.#implied[id] = NO;
      return;
    }
    const isBool = this.typeOf(symbol) === SymbolType.bool;
    const whole = (t: Tristate): Tristate => (t === MOD && isBool ? YES : t);
    let dep: Tristate = NO;
    let hasDep = false;
    for (const declaration of symbol.declarations) {
      if (!declaration.hasDep) continue;
      hasDep = true;
      dep = or(dep, this.#declarationDep(declaration));
      if (dep === YES) break;
    }
    this.#directDep[id] = hasDep ? whole(dep) : YES;
    this.#reverseDep[id] = symbol.selectedBy.length > 0 ? whole(this.#edges(symbol.selectedBy)) : NO;
    this.#implied[id] = symbol.impliedBy.length > 0 ? whole(this.#edges(symbol.impliedBy)) : NO;
  }

  #edges(edges: readonly Edge[]): Tristate {
    let value: Tristate = NO;
    for (const edge of edges) {
      this.#calc(edge.from);
      const from = this.#tristate[edge.from.id] as Tristate;
      if (from > value) value = or(value, and(from, this.#condition(edge)));
      if (value === YES) break;
    }
    return value;
  }

  #calcTristate(symbol: KSymbol): void {
    const id = symbol.id;
    let value: Tristate = NO;
    if (symbol.choice) {
      const chosen = this.#calcChoice(symbol.choice);
      this.#tristate[id] = chosen === symbol && this.#visible[id] !== NO ? YES : NO;
      return;
    }
    const user = this.#userTristate[id]!;
    const visible = this.#visible[id] as Tristate;
    const reverse = this.#reverseDep[id] as Tristate;
    if (user !== UNKNOWN && symbol.isTransitional) {
      value = user as Tristate;
    } else if (user !== UNKNOWN && visible !== NO) {
      value = and(user as Tristate, visible);
    } else {
      if (reverse !== NO) this.#isWritten[id] = 1;
      const property = this.#first(symbol.defaults);
      if (property) {
        value = and(this.#expr(property.value), this.#condition(property));
        if (value !== NO) this.#isWritten[id] = 1;
        this.#migrate(symbol, property);
      }
      const implied = this.#implied[id] as Tristate;
      if (implied !== NO) {
        this.#isWritten[id] = 1;
        value = and(or(value, implied), this.#directDep[id] as Tristate);
      }
    }
    if (this.#directDep[id]! < reverse) this.unmet.push(symbol);
    value = or(value, reverse);
    if (value === MOD && this.typeOf(symbol) === SymbolType.bool) value = YES;
    this.#tristate[id] = value;
  }

  #calcText(symbol: KSymbol): void {
    const id = symbol.id;
    const user = this.#userText.get(id);
    if (user !== undefined && (this.#visible[id] !== NO || symbol.isTransitional)) {
      this.#text[id] = user;
    } else {
      const property = this.#first(symbol.defaults);
      if (property && this.pool.ops[property.value] === Op.symbol) {
        this.#isWritten[id] = 1;
        this.#text[id] = this.#defaultText(property);
        this.#migrate(symbol, property);
      }
    }
    if (symbol.type !== SymbolType.string) this.#clamp(symbol);
  }

  /** Of a default that is one symbol, before a range clamps it. */
  #defaultText(property: Default): string {
    return this.plainText(this.pool.lefts[property.value]!);
  }

  /** A default that is a transitional symbol with a user value gives that value to `symbol`. */
  #migrate(symbol: KSymbol, property: Default): void {
    if (this.pool.ops[property.value] !== Op.symbol) return;
    const from = this.model.symbols[this.pool.lefts[property.value]!];
    if (from?.isTransitional && this.#isSet(from) && !this.#isSet(symbol)) this.#isMigrated[symbol.id] = 1;
  }

  /** Takes the bound's own text, whatever it is: conf writes `NR_CPUS` where that is not defined. */
  #clamp(symbol: KSymbol): void {
    const range = this.#first(symbol.ranges);
    if (!range) return;
    const base = symbol.type === SymbolType.int ? 10 : 16;
    const value = strtoll(this.#text[symbol.id]!, base);
    if (value < this.#bound(range.low, base)) this.#text[symbol.id] = this.plainText(range.low);
    else if (value > this.#bound(range.high, base)) this.#text[symbol.id] = this.plainText(range.high);
  }

  #bound(id: SymbolId, base: 10 | 16): number | bigint {
    const type = this.#operandType(id);
    return strtoll(this.plainText(id), type === SymbolType.int ? 10 : type === SymbolType.hex ? 16 : base);
  }

  #calcChoice(choice: Choice): KSymbol | undefined {
    if (this.#isChosen[choice.index] === 1) return this.#chosen[choice.index];
    this.#isChosen[choice.index] = 1;
    this.#chosen[choice.index] = undefined;
    const priority = this.#priority[choice.index]!;
    for (const member of priority) this.#calcVisibility(member);
    const isVisible = (s: KSymbol): boolean => this.#visible[s.id] !== NO;
    const user = (s: KSymbol): number => this.#userTristate[s.id]!;
    let chosen = priority.find((s) => isVisible(s) && user(s) === YES);
    if (!chosen) {
      chosen = this.choiceDefault(choice);
      if (chosen && user(chosen) === NO) chosen = undefined;
    }
    chosen ??= choice.members.find((s) => isVisible(s) && user(s) === UNKNOWN);
    chosen ??= priority.findLast(isVisible);
    this.#chosen[choice.index] = chosen;
    return chosen;
  }

  #first<P extends Default | Range>(properties: readonly P[]): P | undefined {
    for (const property of properties) if (this.#condition(property) !== NO) return property;
    return undefined;
  }

  #condition(property: Prompt | Default | Range | Edge): Tristate {
    const dep = this.#declarationDep(property.in);
    return dep === NO || property.cond === NONE ? dep : and(dep, this.#expr(property.cond));
  }

  #declarationDep(declaration: Declaration): Tristate {
    if (!declaration.hasDep) return YES;
    const known = this.#declarationDeps[declaration.index]!;
    if (known !== UNKNOWN) return known as Tristate;
    let value = declaration.parent ? this.#declarationDep(declaration.parent) : YES;
    if (value !== NO && declaration.dep !== NONE) value = and(value, this.#expr(declaration.dep));
    this.#declarationDeps[declaration.index] = value;
    return value;
  }

  #expr(e: ExprId): Tristate {
    if (e === NONE) return YES;
    // Undefined for an expression that is younger than this instance; it is not remembered then.
    const known = this.#exprs[e];
    if (known !== undefined && known !== UNKNOWN) return known as Tristate;
    const value = this.#exprValue(e);
    this.#exprs[e] = value;
    return value;
  }

  #exprValue(e: ExprId): Tristate {
    const pool = this.pool;
    const left = pool.lefts[e]!;
    const right = pool.rights[e]!;
    switch (pool.ops[e]) {
      case Op.symbol:
        return this.#operand(left);
      case Op.modules:
        return and(MOD, this.#modules);
      case Op.not:
        return (YES - this.#expr(left)) as Tristate;
      case Op.and: {
        const l = this.#expr(left);
        return l === NO ? NO : and(l, this.#expr(right));
      }
      case Op.or: {
        const l = this.#expr(left);
        return l === YES ? YES : or(l, this.#expr(right));
      }
    }
    const order = compareValues(
      this.#operandText(left),
      this.#operandType(left),
      this.#operandText(right),
      this.#operandType(right),
    );
    switch (pool.ops[e]) {
      case Op.equal:
        return order === 0 ? YES : NO;
      case Op.unequal:
        return order !== 0 ? YES : NO;
      case Op.less:
        return order < 0 ? YES : NO;
      case Op.lessEqual:
        return order <= 0 ? YES : NO;
      case Op.greater:
        return order > 0 ? YES : NO;
      default:
        return order >= 0 ? YES : NO;
    }
  }

  #operand(id: SymbolId): Tristate {
    if (id <= this.pool.y) return id as Tristate;
    const symbol = this.model.symbols[id];
    if (!symbol || symbol.type === SymbolType.unknown) return NO;
    this.#calc(symbol);
    return this.#tristate[id] as Tristate;
  }

  /**
   * What a symbol or constant gives to a string or number that takes it over: conf keeps no text for a bool or
   * tristate, so these give `n` whatever their value (struct symbol_value, curr.val).
   */
  plainText(id: SymbolId): string {
    const type = this.#operandType(id);
    const isTristate = !this.pool.constant[id] && (type === SymbolType.bool || type === SymbolType.tristate);
    return isTristate ? 'n' : this.#operandText(id);
  }

  #operandText(id: SymbolId): string {
    const symbol = this.pool.constant[id] ? undefined : this.model.symbols[id];
    return symbol ? this.text(symbol) : this.pool.names[id]!;
  }

  #operandType(id: SymbolId): SymbolType {
    if (id <= this.pool.y) return SymbolType.tristate;
    return this.pool.constant[id] ? SymbolType.unknown : (this.model.symbols[id]?.type ?? SymbolType.unknown);
  }
}

/**
 * A symbol of one configuration -> what there is to know about it: where it is declared, what it
 * depends on and with which values, what selects and implies it, and where its value comes from.
 *
 * The reasons follow the order of scripts/kconfig/symbol.c, sym_calc_value(): the user's value where
 * a prompt is visible, else the first default that applies, raised by implies; then the selects.
 * The result is JSON-safe; lists that a tree could make long are cut and say by how much. (More than
 * 400 lines: one view of one symbol, whose parts share its values and limits.)
 */

import { blame } from './blame.ts';
import { KconfigError } from './error.ts';
import {
  type ChoiceView,
  type Condition,
  type Culprit,
  type Cut,
  type DeclarationView,
  type EdgeGroup,
  type EdgeView,
  type Explained,
  type ExplainOptions,
  type Explanation,
  LEVELS,
  type Level,
  type Part,
  type Position,
  type PromptView,
  type PropertyView,
  TYPES,
  type Why,
} from './explanation.ts';
import { type ExprId, MOD, NO, NONE, Op, type SymbolId, type Tristate, YES } from './expr.ts';
import type { Choice, Declaration, Default, Edge, KSymbol, Prompt, Range } from './model.ts';
import { similar } from './near-name.ts';
import { helpText, SymbolType } from './parse.ts';
import type { Values } from './values.ts';

/** Conjuncts of one declaration; the most that Linux 6.12 has is far below. */
const MAX_PARTS = 60;
/** Declarations of one symbol that are looked at. */
const MAX_BLOCKS = 100;
const MAX_TEXT_CHARS = 2000;
const MAX_VALUE_CHARS = 60;
/** Culprits followed in all, whatever the depth. */
const MAX_FOLLOWED = 300;

/**
 * Explains a symbol, `CONFIG_` allowed, in calculated values.
 * A name that nothing declares is a value, with the nearest names that are.
 * Throws KconfigError where expressions are nested too deep.
 */
export function explain(values: Values, name: string, options: ExplainOptions = {}): Explained {
  const symbol = declared(values, name) ?? declared(values, withoutPrefix(name));
  if (!symbol) {
    return { ok: false, why: 'undeclared', symbol: withoutPrefix(name), similar: similar(values.model.declared, name) };
  }
  try {
    return { ok: true, explanation: new Explainer(values, symbol, options).explain() };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new KconfigError(
      symbol.declarations[0]?.path ?? 'Kconfig',
      0,
      `${symbol.name} is nested too deep to explain`,
    );
  }
}

function declared(values: Values, name: string): KSymbol | undefined {
  const id = values.pool.findSymbol(name);
  const symbol = id === undefined ? undefined : values.model.symbols[id];
  return symbol && symbol.declarations.length > 0 ? symbol : undefined;
}

const withoutPrefix = (name: string): string => name.replace(/^CONFIG_/, '');
const positionOf = (p: { readonly in: Declaration; readonly line: number }): Position => ({
  path: p.in.path,
  line: p.line,
});
const lower = (a: Tristate, b: Tristate): Tristate => (a < b ? a : b);

/** Kconfig text is read as latin1; what leaves here is Unicode, of bounded length. */
export function unicode(text: string, maxChars: number = MAX_TEXT_CHARS): string {
  const isBytes = /[\u0080-\u00ff]/.test(text) && !/[\u0100-\uffff]/.test(text);
  const decoded = isBytes ? Buffer.from(text, 'latin1').toString('utf8') : text;
  return decoded.length > maxChars ? `${decoded.slice(0, maxChars)}...` : decoded;
}

class Explainer {
  readonly #v: Values;
  readonly #symbol: KSymbol;
  readonly #limit: number;
  readonly #depth: number;
  #followed = 0;

  constructor(values: Values, symbol: KSymbol, options: ExplainOptions) {
    this.#v = values;
    this.#symbol = symbol;
    this.#limit = Math.max(1, Math.trunc(options.limit ?? 10));
    this.#depth = Math.min(3, Math.max(0, Math.trunc(options.depth ?? 0)));
  }

  explain(): Explanation {
    const s = this.#symbol;
    const v = this.#v;
    const hasDeps = s.declarations.some((d) => d.hasDep);
    const blocks = s.declarations.slice(0, MAX_BLOCKS).map((d) => this.#declaration(d, hasDeps, this.#depth));
    const help = s.declarations.find((d) => d.help);
    const user = v.user(s);
    const unmet = fewest(
      blocks.flatMap((b) => {
        const own = b.parts.items.filter((p) => p.isUnmet);
        if (s.prompts.length === 0) return [own];
        return b.prompts.map((p) => {
          const more = p.parts.items.filter((part) => part.isUnmet && !own.some((o) => o.text === part.text));
          return [...own, ...more];
        });
      }),
    );
    return {
      symbol: s.name,
      type: TYPES[s.type],
      value: this.#value(s, MAX_TEXT_CHARS),
      isWritten: v.isWritten(s),
      ...(user === undefined ? {} : { user: unicode(user) }),
      why: this.#why(),
      ...(help?.help ? { help: firstParagraph(helpText(help.file, help.help)) } : {}),
      visible: LEVELS[v.visible(s)],
      // conf leaves a choice member's at n; the reader wants what its blocks say.
      directDependency: s.isChoiceMember ? highest(blocks.map((b) => b.dependency)) : LEVELS[v.directDep(s)],
      declarations: { items: blocks.slice(0, this.#limit), more: Math.max(0, s.declarations.length - this.#limit) },
      defaults: this.#cut(s.defaults, (d) => this.#default(d, v.activeDefault(s))),
      ranges: this.#cut(s.ranges, (r) => this.#range(r, v.activeRange(s))),
      selectedBy: this.#groups(s.selectedBy),
      impliedBy: this.#groups(s.impliedBy),
      selects: this.#cut(s.selects, (e) => this.#edge(e, e.to)),
      implies: this.#cut(s.implies, (e) => this.#edge(e, e.to)),
      ...(s.choice ? { choice: this.#choice(s.choice) } : {}),
      unmet,
      ...this.#toEnable(),
    };
  }

  #cut<S, T>(all: readonly S[], view: (entry: S) => T, limit: number = this.#limit): Cut<T> {
    return { items: all.slice(0, limit).map(view), more: Math.max(0, all.length - limit) };
  }

  // ------------------------------------------------------------ expressions

  #value(symbol: KSymbol, maxChars: number = MAX_VALUE_CHARS): string {
    return symbol.type === SymbolType.unknown ? 'n' : unicode(this.#v.text(symbol), maxChars);
  }

  #print(e: ExprId, withValues: boolean): string {
    const word = (id: SymbolId): string => {
      const text = unicode(this.#v.pool.word(id));
      if (!withValues || this.#isLiteral(id)) return text;
      const symbol = this.#v.model.symbols[id];
      return symbol && symbol.declarations.length > 0 ? `${text} [=${this.#value(symbol)}]` : `${text} [undeclared]`;
    };
    const text = this.#v.pool.print(e, word);
    return text.length > MAX_TEXT_CHARS ? `${text.slice(0, MAX_TEXT_CHARS)}...` : text;
  }

  /** A quoted constant, or a bare number that no symbol is called. */
  #isLiteral(id: SymbolId): boolean {
    const { pool, model } = this.#v;
    if (pool.constant[id]) return true;
    const isDeclared = (model.symbols[id]?.declarations.length ?? 0) > 0;
    return !isDeclared && /^(-?[0-9]+|0[xX][0-9a-fA-F]+)$/.test(pool.names[id] ?? '');
  }

  #condition(e: ExprId): { readonly condition?: Condition } {
    return e === NONE ? {} : { condition: { text: this.#print(e, true), value: LEVELS[this.#v.expr(e)] } };
  }

  #conjuncts(e: ExprId): ExprId[] {
    const { pool } = this.#v;
    if (e === NONE) return [];
    if (pool.ops[e] !== Op.and) return [e];
    return [...this.#conjuncts(pool.lefts[e] ?? NONE), ...this.#conjuncts(pool.rights[e] ?? NONE)];
  }

  #parts(e: ExprId, from: Part['from'], at: Position, seen: Set<ExprId>, depth: number): Part[] {
    const isBool = this.#v.typeOf(this.#symbol) !== SymbolType.tristate;
    const fresh = this.#conjuncts(e).filter((part) => !seen.has(part) && seen.add(part));
    return fresh.map((part) => {
      const value = this.#v.expr(part);
      const isUnmet = value === NO || (value === MOD && !isBool);
      const culprits = new Map<SymbolId, Culprit['wanted']>();
      if (isUnmet)
        blame(this.#v, part, true, value === NO ? MOD : YES, (id, wanted) => {
          if (!this.#isLiteral(id)) culprits.set(id, wanted);
        });
      return {
        from,
        path: at.path,
        line: at.line,
        text: this.#print(part, true),
        value: LEVELS[value],
        isUnmet,
        culprits: this.#cut([...culprits], ([id, wanted]) => this.#culprit(id, wanted, depth)),
      };
    });
  }

  #culprit(id: SymbolId, wanted: Culprit['wanted'], depth: number): Culprit {
    const symbol = this.#v.model.symbols[id];
    const blocks = symbol?.declarations ?? [];
    const base = {
      symbol: this.#v.pool.names[id] ?? '',
      wanted,
      declared: this.#cut(blocks, ({ path, line }) => ({ path, line })),
    };
    if (!symbol || blocks.length === 0) return { ...base, value: 'n', state: 'undeclared', unmet: [] };
    const hasPrompt = symbol.prompts.length > 0;
    const isFollowed = wanted === 'on' && depth > 0 && this.#followed++ < MAX_FOLLOWED;
    const unmet = isFollowed ? blocks.map((d) => this.#dependency(d, depth - 1).items.filter((p) => p.isUnmet)) : [];
    const state = !hasPrompt ? 'no-prompt' : this.#v.visible(symbol) === NO ? 'hidden' : 'settable';
    return { ...base, value: this.#value(symbol), state, unmet: fewest(unmet) };
  }

  // ------------------------------------------------------------ declarations

  #declaration(d: Declaration, hasDeps: boolean, depth: number): DeclarationView {
    return {
      path: d.path,
      line: d.line,
      dependency: LEVELS[this.#v.declarationDep(d)],
      isCounted: d.hasDep || !hasDeps,
      parts: this.#dependency(d, depth),
      prompts: this.#symbol.prompts.filter((p) => p.in === d).map((p) => this.#prompt(p, depth)),
    };
  }

  #dependency(declaration: Declaration, depth: number): Cut<Part> {
    const seen = new Set<ExprId>();
    const parts: Part[] = [];
    for (let d: Declaration | undefined = declaration; d; d = d.parent) {
      const from = d.kind === 'if' || d.kind === 'menu' || d.kind === 'choice' ? d.kind : 'depends on';
      for (const { expr, line } of d.dependencies)
        parts.push(...this.#parts(expr, from, { path: d.path, line }, seen, depth));
    }
    return this.#cut(parts, (part) => part, MAX_PARTS);
  }

  #prompt(prompt: Prompt, depth: number): PromptView {
    const seen = new Set<ExprId>();
    const parts = this.#parts(prompt.cond, 'prompt', positionOf(prompt), seen, depth);
    for (let d = prompt.in.parent; d; d = d.parent)
      parts.push(...this.#parts(d.visibility, 'visible if', d, seen, depth));
    return {
      ...positionOf(prompt),
      text: unicode(prompt.text),
      visible: LEVELS[this.#v.promptVisible(prompt)],
      location: this.#location(prompt.in),
      parts: this.#cut(parts, (part) => part, MAX_PARTS),
    };
  }

  #location(declaration: Declaration): string[] {
    const names: string[] = [];
    let d: Declaration | undefined = declaration;
    while (d?.parent) {
      d = this.#owner(d) ?? d.parent;
      if (d.prompt && d.kind !== 'root') names.unshift(unicode(d.prompt.text));
    }
    return names;
  }

  /** The symbol before it whose submenu it is in: all between depends on that one (scripts/kconfig/menu.c, _menu_finalize). */
  #owner(declaration: Declaration): Declaration | undefined {
    const { pool, model } = this.#v;
    let needs: SymbolId[] | undefined;
    for (let i = declaration.index; i > (declaration.parent?.index ?? 0); i--) {
      const d = model.declarations[i];
      if (!d || d.parent !== declaration.parent) continue;
      if (d.prompt && d.symbol && needs?.includes(d.symbol.id)) return d;
      const own = [...this.#conjuncts(d.dep), ...this.#conjuncts(d.prompt?.cond ?? NONE)];
      const symbols = own.filter((e) => pool.ops[e] === Op.symbol).map((e) => pool.lefts[e] ?? 0);
      needs = needs ? needs.filter((id) => symbols.includes(id)) : symbols;
      if (needs.length === 0) return undefined;
    }
    return undefined;
  }

  // ------------------------------------------------------------ properties

  #property(
    p: Default | Range,
    active: Default | Range | undefined,
    line: (withValues: boolean) => string,
  ): PropertyView {
    const text = (withValues: boolean): string => {
      return p.cond === NONE ? line(withValues) : `${line(withValues)} if ${this.#print(p.cond, withValues)}`;
    };
    return { ...positionOf(p), text: text(false), shown: text(true), isActive: p === active };
  }

  #default(p: Default, active: Default | undefined): PropertyView {
    return this.#property(p, active, (withValues) => `default ${this.#print(p.value, withValues)}`);
  }

  #range(p: Range, active: Range | undefined): PropertyView {
    const { pool } = this.#v;
    const bound = (id: SymbolId, withValues: boolean): string => this.#print(pool.symbol(id), withValues);
    return this.#property(p, active, (withValues) => `range ${bound(p.low, withValues)} ${bound(p.high, withValues)}`);
  }

  /** What a select or imply amounts to now. */
  #weight(edge: Edge): Tristate {
    return lower(this.#v.tristate(edge.from), this.#v.condition(edge));
  }

  #edge(edge: Edge, other: KSymbol): EdgeView {
    return {
      ...positionOf(edge),
      symbol: other.name,
      symbolValue: this.#value(other),
      ...this.#condition(edge.cond),
      dependency: LEVELS[this.#v.declarationDep(edge.in)],
      value: LEVELS[this.#weight(edge)],
    };
  }

  #incoming(edges: readonly Edge[]): Cut<EdgeView> {
    return this.#cut(edges, (e) => this.#edge(e, e.from));
  }

  #groups(edges: readonly Edge[]): EdgeGroup[] {
    return ([YES, MOD, NO] as const)
      .map((value) => ({ value: LEVELS[value], ...this.#incoming(edges.filter((e) => this.#weight(e) === value)) }))
      .filter((group) => group.items.length > 0);
  }

  #choice(choice: Choice): ChoiceView {
    const v = this.#v;
    const chosen = v.chosen(choice);
    const applies = choice.defaults.find((p) => {
      const member = v.model.symbols[v.pool.lefts[p.value] ?? 0];
      return v.condition(p) !== NO && member !== undefined && v.visible(member) !== NO;
    });
    const because = (): ChoiceView['because'] => {
      if (!chosen) return 'none';
      if (v.user(chosen) === 'y') return 'user';
      if (v.choiceDefault(choice) !== chosen) return 'left';
      return applies ? 'default' : 'first';
    };
    const { path, line, prompt } = choice.declaration;
    return {
      path,
      line,
      prompt: unicode(prompt?.text ?? ''),
      members: this.#cut(choice.members, (m) => ({
        symbol: m.name,
        value: this.#value(m),
        visible: LEVELS[v.visible(m)],
      })),
      ...(chosen ? { chosen: chosen.name } : {}),
      because: because(),
      ...(applies ? { default: this.#default(applies, applies) } : {}),
    };
  }

  // ------------------------------------------------------------ reasons

  #why(): Why {
    const s = this.#symbol;
    const v = this.#v;
    const user = v.user(s);
    const isUsed = user !== undefined && (v.visible(s) !== NO || s.isTransitional);
    const why = s.choice ? { kind: 'choice' as const } : isLevelled(s) ? this.#whyLevel(isUsed) : this.#whyText(isUsed);
    return {
      ...why,
      ...(user === undefined || user === v.text(s) ? {} : { overruled: this.#overruled(user, isUsed, why.kind) }),
      isUnmet: v.directDep(s) < v.reverseDep(s),
    };
  }

  #overruled(user: string, isUsed: boolean, kind: Why['kind']): NonNullable<Why['overruled']> {
    if (!isUsed) return this.#symbol.prompts.length === 0 ? 'no-prompt' : 'hidden';
    if (kind === 'choice' || kind === 'select') return kind;
    if (!isLevelled(this.#symbol)) return 'range';
    return user === 'm' ? 'modules' : 'limited';
  }

  #whyLevel(isUsed: boolean): Omit<Why, 'isUnmet' | 'overruled'> {
    const s = this.#symbol;
    const v = this.#v;
    const property = v.activeDefault(s);
    let level: Tristate = NO;
    let kind: Why['kind'] = 'nothing';
    if (isUsed) {
      level = v.user(s) === 'y' ? YES : v.user(s) === 'm' ? MOD : NO;
      if (!s.isTransitional) level = lower(level, v.visible(s));
      kind = 'user';
    } else {
      if (property) level = lower(v.expr(property.value), v.condition(property));
      if (property) kind = 'default';
      const implied = lower(v.implied(s), v.directDep(s));
      if (implied > level) kind = 'imply';
      if (implied > level) level = implied;
    }
    if (v.reverseDep(s) > level) kind = 'select';
    const edges = kind === 'select' ? s.selectedBy : kind === 'imply' ? s.impliedBy : [];
    const top = Math.max(...edges.map((e) => this.#weight(e)), NO);
    return {
      kind,
      ...(kind === 'default' && property ? { default: this.#default(property, property) } : {}),
      ...(edges.length > 0 ? { edges: this.#incoming(edges.filter((e) => this.#weight(e) === top)) } : {}),
    };
  }

  #whyText(isUsed: boolean): Omit<Why, 'isUnmet' | 'overruled'> {
    const s = this.#symbol;
    const v = this.#v;
    const property = v.activeDefault(s);
    const range = v.activeRange(s);
    const hasText = !isUsed && property !== undefined && v.pool.ops[property.value] === Op.symbol;
    let before = v.user(s) ?? '';
    if (!isUsed) before = s.type === SymbolType.int ? '0' : s.type === SymbolType.hex ? '0x0' : '';
    if (hasText) {
      const id = v.pool.lefts[property.value] ?? 0;
      const source = v.pool.constant[id] ? undefined : v.model.symbols[id];
      before = source ? v.text(source) : (v.pool.names[id] ?? '');
    }
    return {
      kind: isUsed ? 'user' : hasText ? 'default' : 'nothing',
      ...(hasText ? { default: this.#default(property, property) } : {}),
      ...(range && before !== v.text(s) ? { range: this.#range(range, range) } : {}),
    };
  }

  #toEnable(): { readonly toEnable?: NonNullable<Explanation['toEnable']> } {
    const s = this.#symbol;
    const v = this.#v;
    if (!isLevelled(s) || v.tristate(s) === YES) return {};
    if (v.visible(s) > v.tristate(s)) return { toEnable: s.choice ? 'choose' : 'set' };
    if (s.prompts.length > 0) return { toEnable: 'meet' };
    if (s.selectedBy.length + s.impliedBy.length > 0) return { toEnable: 'select' };
    return { toEnable: s.defaults.length > 0 ? 'default' : 'none' };
  }
}

const isLevelled = (s: KSymbol): boolean => s.type === SymbolType.bool || s.type === SymbolType.tristate;

function highest(levels: readonly Level[]): Level {
  return levels.includes('y') ? 'y' : levels.includes('m') ? 'm' : 'n';
}

/** The shortest list, the first of equals; none of none. */
function fewest(lists: readonly (readonly Part[])[]): readonly Part[] {
  return lists.toSorted((a, b) => a.length - b.length)[0] ?? [];
}

function firstParagraph(help: string): string {
  const text = unicode(help.replace(/\r/g, '').trim());
  return text.split(/\n[ \t]*\n/)[0]?.replace(/\s+/g, ' ') ?? '';
}

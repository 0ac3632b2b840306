/**
 * Everything that decides a symbol's value, one by one and with its place in the files: so that two
 * models, of the tree before and after a series, can be compared property by property.
 *
 * Line numbers and file names do not count for equality: text that only moves changes nothing.
 */

import { type ExprId, NONE, type SymbolId } from './expr.ts';
import type { Choice, Declaration, Default, Edge, KconfigModel, KSymbol, Prompt, Range } from './model.ts';

export type PropertyKind =
  | 'declaration'
  | 'type'
  | 'depends on'
  | 'prompt'
  | 'visible if'
  | 'default'
  | 'range'
  | 'selected by'
  | 'implied by'
  | 'choice';

export interface Property {
  readonly kind: PropertyKind;
  /** Symbol whose value it decides. */
  readonly of: KSymbol;
  /** Where it stands: for `selected by` the select in the selector's block, for an enclosing `if` that line. */
  readonly path: string;
  readonly line: number;
  /** Equal for equal properties of any two models of one pool. */
  readonly key: string;
  /** The expression in it: a dependency, a condition; NONE without one. */
  readonly expr: ExprId;
  /** The select or imply, for those kinds. */
  readonly edge?: Edge;
}

export interface SymbolChange {
  readonly name: string;
  readonly before: KSymbol | undefined;
  readonly after: KSymbol | undefined;
  /** Properties that only the tree before has. */
  readonly removed: readonly Property[];
  /** Properties that only the tree after has. */
  readonly added: readonly Property[];
}

/**
 * Symbols that differ between two models of one pool, by name. Symbols that are equal in every
 * property are left out, even where what they depend on changed. Only symbols with something in one of
 * the `touched` files are looked at (see touched.ts).
 */
export function changedSymbols(
  before: KconfigModel,
  after: KconfigModel,
  touched: ReadonlySet<string>,
): Map<string, SymbolChange> {
  const hashBefore = new Fingerprints(before);
  const hashAfter = new Fingerprints(after);
  const changes = new Map<string, SymbolChange>();
  for (const id of [...new Set([...symbolsIn(before, touched), ...symbolsIn(after, touched)])].sort((x, y) => x - y)) {
    const b = declared(before.symbols[id]);
    const a = declared(after.symbols[id]);
    if (!b && !a) continue;
    if (b && a && hashBefore.of(b) === hashAfter.of(a)) continue;
    // Several declarations are alternatives, so a dependency belongs to its declaration.
    const isPlaced = [b, a].every((symbol) => (symbol?.declarations.length ?? 0) > 1);
    const [removed, added] = difference(b ? properties(b, isPlaced) : [], a ? properties(a, isPlaced) : []);
    // The sets are equal but their order is not: which default comes first decides.
    if (b && a && removed.length === 0 && added.length === 0) {
      changes.set(a.name, { name: a.name, before: b, after: a, removed: ordered(b), added: ordered(a) });
    } else {
      changes.set((a ?? b)!.name, { name: (a ?? b)!.name, before: b, after: a, removed, added });
    }
  }
  return changes;
}

/** Symbols that are declared, selected or implied in the files. */
function symbolsIn(model: KconfigModel, paths: ReadonlySet<string>): Set<SymbolId> {
  const found = new Set<SymbolId>();
  const choices = new Set<Choice>();
  for (const { path, symbol } of model.declarations) {
    if (!symbol || !paths.has(path)) continue;
    found.add(symbol.id);
    for (const edge of symbol.selects) found.add(edge.to.id);
    for (const edge of symbol.implies) found.add(edge.to.id);
    if (symbol.choice) choices.add(symbol.choice);
  }
  for (const { members } of choices) for (const { id } of members) found.add(id);
  return found;
}

function declared(symbol: KSymbol | undefined): KSymbol | undefined {
  return symbol && symbol.declarations.length > 0 ? symbol : undefined;
}

function difference(before: Property[], after: Property[]): [Property[], Property[]] {
  const only = (these: Property[], those: Property[]): Property[] => {
    const count = new Map<string, number>();
    for (const { key } of those) count.set(key, (count.get(key) ?? 0) + 1);
    return these.filter(({ key }) => {
      const left = count.get(key) ?? 0;
      if (left > 0) count.set(key, left - 1);
      return left === 0;
    });
  };
  return [only(before, after), only(after, before)];
}

/** Properties whose order matters: the first that holds wins. */
function ordered(symbol: KSymbol): Property[] {
  return properties(symbol).filter(({ kind }) => kind === 'default' || kind === 'range' || kind === 'choice');
}

/**
 * All properties of a symbol, in file order within each kind. With `isPlaced`, dependencies of declarations in
 * different files differ.
 */
export function properties(symbol: KSymbol, isPlaced: boolean = false): Property[] {
  const out: Property[] = [];
  const put = (
    kind: PropertyKind,
    at: { path: string; line: number },
    key: string,
    expr: ExprId,
    edge?: Edge,
  ): void => {
    out.push({ kind, of: symbol, path: at.path, line: at.line, key: `${kind} ${key}`, expr, ...(edge && { edge }) });
  };
  const first = symbol.declarations[0];
  if (first) put('type', first, String(symbol.type), NONE);
  for (const declaration of symbol.declarations) {
    const chain = dependencies(declaration);
    put('declaration', declaration, chain.length > 0 ? 'conditional' : 'unconditional', NONE);
    const place = isPlaced ? `${declaration.path}:${declaration.kind}` : '';
    for (const dep of chain) put('depends on', dep, `${dep.expr} ${place}`, dep.expr);
  }
  for (const prompt of symbol.prompts) {
    put('prompt', at(prompt), `${prompt.cond}`, prompt.cond);
    if (prompt.menusVisible !== NONE)
      put('visible if', visibleAt(prompt), `${prompt.menusVisible}`, prompt.menusVisible);
  }
  for (const property of symbol.defaults)
    put('default', at(property), `${property.value} ${property.cond}`, property.cond);
  for (const range of symbol.ranges) put('range', at(range), `${range.low} ${range.high} ${range.cond}`, range.cond);
  for (const [kind, edges] of [
    ['selected by', symbol.selectedBy],
    ['implied by', symbol.impliedBy],
  ] as const) {
    for (const edge of edges) put(kind, at(edge), `${edge.from.id} ${edge.cond}`, edge.cond, edge);
  }
  const { choice } = symbol;
  if (choice) {
    put('choice', choice.declaration, membersKey(choice), NONE);
    for (const property of choice.defaults)
      put('choice', at(property), `default ${property.value} ${property.cond}`, property.cond);
  }
  return out;
}

/** The nearest `visible if` around a prompt that has one. */
export function visibleAt(prompt: Prompt): { path: string; line: number } {
  let menu = prompt.in.parent;
  while (menu && menu.visibleLine === 0) menu = menu.parent;
  return menu ? { path: menu.path, line: menu.visibleLine } : at(prompt);
}

/** One text for all members: of thousands, each would have its own. */
function membersKey(choice: Choice): string {
  const known = memberKeys.get(choice);
  if (known !== undefined) return known;
  const key = choice.members.map(({ id }) => id).join(' ');
  memberKeys.set(choice, key);
  return key;
}

const memberKeys = new WeakMap<Choice, string>();

function at(property: Prompt | Default | Range | Edge): { path: string; line: number } {
  return { path: property.in.path, line: property.line };
}

/** `depends on` lines and `if` conditions that hold a declaration, outermost first. */
export function dependencies(
  declaration: Declaration,
): { readonly expr: ExprId; readonly path: string; readonly line: number }[] {
  const out = declaration.parent ? dependencies(declaration.parent) : [];
  for (const { expr, line } of declaration.dependencies) out.push({ expr, path: declaration.path, line });
  return out;
}

/**
 * 52-bit hashes of all that decides a symbol's value, order included. Equal symbols have equal ones;
 * that two different ones agree by accident is as likely as a false blob match of git's short names.
 */
class Fingerprints {
  readonly #chains: Float64Array;
  /** One for all members of a choice, of which there may be thousands. */
  readonly #choices = new Map<Choice, number>();

  constructor(model: KconfigModel) {
    this.#chains = new Float64Array(model.declarations.length);
    for (const declaration of model.declarations) {
      let h = declaration.parent ? this.#chains[declaration.parent.index]! : 1;
      for (const { expr } of declaration.dependencies) h = mix(h, expr);
      this.#chains[declaration.index] = h;
    }
  }

  of(symbol: KSymbol): number {
    let h = mix(7, symbol.type);
    h = mix(h, symbol.declarations.length);
    for (const declaration of symbol.declarations) h = mix(h, this.#chains[declaration.index]!);
    for (const prompt of symbol.prompts) h = mix(mix(mix(h, 11), prompt.cond), prompt.menusVisible);
    for (const property of symbol.defaults) h = this.#property(mix(mix(h, 13), property.value), property);
    for (const range of symbol.ranges) h = this.#property(mix(mix(mix(h, 17), range.low), range.high), range);
    for (const edge of symbol.selectedBy) h = this.#property(mix(mix(h, 19), edge.from.id), edge);
    for (const edge of symbol.impliedBy) h = this.#property(mix(mix(h, 23), edge.from.id), edge);
    if (symbol.isTransitional) h = mix(h, 29);
    return symbol.choice ? mix(h, this.#choice(symbol.choice)) : h;
  }

  #choice(choice: Choice): number {
    const known = this.#choices.get(choice);
    if (known !== undefined) return known;
    let h = mix(31, this.#chains[choice.declaration.index]!);
    for (const member of choice.members) h = mix(h, member.id);
    for (const property of choice.defaults) h = this.#property(mix(h, property.value), property);
    this.#choices.set(choice, h);
    return h;
  }

  #property(h: number, property: Default | Range | Edge): number {
    return mix(mix(h, property.cond), this.#chains[property.in.index]!);
  }
}

function mix(h: number, value: number): number {
  const low = Math.imul((h ^ value) | 0, 0x9e3779b1) >>> 0;
  const high = Math.imul((Math.floor(h / 0x100000000) + (value >>> 0) + 0x7f4a7c15) | 0, 0x85ebca6b) >>> 0;
  return ((high ^ (low >>> 7)) & 0xfffff) * 0x100000000 + ((low ^ (high << 5)) >>> 0);
}

/**
 * What stands around a few symbols in one configuration: who selects them, what they depend on, who depends on them, and
 * which way leads to what keeps them off. Cut to what a picture can show.
 */

import type { Picture, PictureLink, PictureNode } from '../survey-types.ts';
import { blame } from './blame.ts';
import { LEVELS, TYPES } from './explanation.ts';
import { type ExprId, NO, type SymbolId, YES } from './expr.ts';
import type { Declaration, KconfigModel, KSymbol } from './model.ts';
import { dependencies } from './properties.ts';
import type { TreeReaders } from './tree-readers.ts';
import type { Values } from './values.ts';

const MOST_NODES = 40;
/** Of each kind of neighbour of one symbol; those that are off say less. */
const MOST_NEIGHBOURS = 6;
const MOST_OFF = 2;
/** Steps from a symbol along what keeps it off. */
const MOST_STEPS = 5;

/** `values` holds the configuration; symbols that the tree does not know are left out. */
export function surroundingsOf(values: Values, focus: readonly KSymbol[], readers: TreeReaders): Picture {
  return new Drawing(values, focus, readers).draw();
}

class Drawing {
  readonly #values: Values;
  readonly #model: KconfigModel;
  readonly #readers: TreeReaders;
  readonly #focus: readonly KSymbol[];
  readonly #nodes = new Map<SymbolId, KSymbol>();
  readonly #links = new Map<string, PictureLink>();
  #left = 0;

  constructor(values: Values, focus: readonly KSymbol[], readers: TreeReaders) {
    this.#values = values;
    this.#model = values.model;
    this.#readers = readers;
    this.#focus = focus;
  }

  draw(): Picture {
    for (const symbol of this.#focus) this.#nodes.set(symbol.id, symbol);
    for (const symbol of this.#focus) this.#follow(symbol, 0);
    for (const symbol of this.#focus) this.#neighbours(symbol);
    return {
      nodes: [...this.#nodes.values()].map((symbol) => this.#node(symbol)),
      links: [...this.#links.values()],
      left: this.#left,
    };
  }

  /** Along what keeps the symbol off. */
  #follow(symbol: KSymbol, step: number): void {
    if (step === MOST_STEPS) return;
    for (const declaration of symbol.declarations) {
      for (const { other, path, line } of this.#blocking(declaration)) {
        const isNew = !this.#nodes.has(other.id);
        if (!this.#take(other)) continue;
        this.#link(symbol, other, 'depends on', path, line, true);
        if (isNew) this.#follow(other, step + 1);
      }
    }
  }

  #blocking(declaration: Declaration): { other: KSymbol; path: string; line: number }[] {
    const found = dependencies(declaration).flatMap(({ expr, path, line }) => {
      const others: KSymbol[] = [];
      blame(this.#values, expr, true, YES, (id) => {
        const other = this.#model.symbols[id];
        if (other && !this.#values.pool.constant[id]) others.push(other);
      });
      return others.map((other) => ({ other, path, line }));
    });
    return found.slice(0, MOST_NEIGHBOURS);
  }

  /** What the symbol depends on, who selects and implies it, what it selects, who depends on it. */
  #neighbours(symbol: KSymbol): void {
    const needed = symbol.declarations.flatMap((declaration) =>
      dependencies(declaration).flatMap(({ expr, path, line }) =>
        this.#symbolsOf(expr).map((other) => ({ other, path, line })),
      ),
    );
    this.#each(needed, ({ other, path, line }) => this.#link(symbol, other, 'depends on', path, line, false));
    for (const [edges, kind] of [
      [symbol.selectedBy, 'selects'],
      [symbol.impliedBy, 'implies'],
    ] as const) {
      const incoming = edges.map((edge) => ({ other: edge.from, edge }));
      this.#each(incoming, ({ other, edge }) => this.#link(other, symbol, kind, edge.in.path, edge.line, false));
    }
    for (const [edges, kind] of [
      [symbol.selects, 'selects'],
      [symbol.implies, 'implies'],
    ] as const) {
      const outgoing = edges.map((edge) => ({ other: edge.to, edge }));
      this.#each(outgoing, ({ other, edge }) => this.#link(symbol, other, kind, edge.in.path, edge.line, false));
    }
    const dependents = [...this.#readers.of(symbol.id)].flatMap((id) => {
      const other = this.#model.symbols[id];
      const own = other?.declarations.flatMap((declaration) =>
        declaration.dependencies
          .filter(({ expr }) => this.#symbolsOf(expr).includes(symbol))
          .map(({ line }) => ({ other: other!, path: declaration.path, line })),
      );
      return own?.slice(0, 1) ?? [];
    });
    this.#each(dependents, ({ other, path, line }) => this.#link(other, symbol, 'depends on', path, line, false));
  }

  /** Draws the first few, and counts the others. */
  #each<T extends { readonly other: KSymbol }>(all: readonly T[], draw: (one: T) => void): void {
    const taken = { on: 0, off: 0 };
    for (const one of all) {
      const is = this.#values.tristate(one.other) === NO ? 'off' : 'on';
      const isFull = is === 'off' ? taken.off === MOST_OFF : taken.on === MOST_NEIGHBOURS;
      const isKnown = this.#nodes.has(one.other.id);
      if (!isKnown && (isFull || !this.#take(one.other))) {
        this.#left++;
        continue;
      }
      if (!isKnown) taken[is]++;
      draw(one);
    }
  }

  #take(symbol: KSymbol): boolean {
    if (this.#nodes.has(symbol.id)) return true;
    if (this.#nodes.size >= MOST_NODES) return false;
    this.#nodes.set(symbol.id, symbol);
    return true;
  }

  #link(from: KSymbol, to: KSymbol, kind: PictureLink['kind'], path: string, line: number, isBlocking: boolean): void {
    if (from === to) return;
    const key = `${from.id} ${kind} ${to.id}`;
    if (!this.#links.has(key)) this.#links.set(key, { from: from.name, to: to.name, kind, path, line, isBlocking });
  }

  #symbolsOf(e: ExprId): KSymbol[] {
    const { pool } = this.#values;
    const found: KSymbol[] = [];
    pool.symbolsOf(e, (id) => {
      const symbol = this.#model.symbols[id];
      if (symbol && !pool.constant[id]) found.push(symbol);
    });
    return found;
  }

  #node(symbol: KSymbol): PictureNode {
    const [declaration] = symbol.declarations;
    const type = TYPES[symbol.type];
    const isLogical = type === 'bool' || type === 'tristate';
    return {
      symbol: symbol.name,
      type,
      value: isLogical ? LEVELS[this.#values.tristate(symbol)] : type === 'unknown' ? 'n' : this.#values.text(symbol),
      hasPrompt: symbol.prompts.length > 0,
      isFocus: this.#focus.includes(symbol),
      ...(declaration && { path: declaration.path, line: declaration.line }),
    };
  }
}

/** Questions for the solver, drawn at random from a model: each can be read off a .config, or off what conf says. */

import { type ExprId, type ExprPool, NONE } from '../../rules/kconfig/expr.ts';
import type { Declaration, Edge, KconfigModel, KSymbol } from '../../rules/kconfig/model.ts';
import { SymbolType } from '../../rules/kconfig/parse.ts';
import type { Goal } from '../../rules/kconfig/solve.ts';
import { glibcRand } from './glibc-rand.ts';

export const QUESTION_KINDS = ['pair', 'edge', 'triple', 'module'] as const;
export type QuestionKind = (typeof QUESTION_KINDS)[number];

/** What a .config says of a bool or tristate. */
export interface Fact {
  readonly symbol: KSymbol;
  readonly is: 'on' | 'off' | 'm' | 'y';
}

export interface Question {
  readonly kind: QuestionKind;
  readonly facts: readonly Fact[];
  /** Is selected while its direct dependencies are n: conf warns of it. */
  readonly unmet?: KSymbol;
  readonly goals: readonly Goal[];
}

/** `n` questions, of each kind in turn; the same for the same seed. */
export function questions(pool: ExprPool, model: KconfigModel, seed: number, n: number): Question[] {
  return new Questions(pool, model, seed).draw(n);
}

/** What a fact asks of the solver. */
export function goalsOf(pool: ExprPool, { symbol, is }: Fact): Goal[] {
  const expr = pool.symbol(symbol.id);
  if (is === 'on' || is === 'off') return [{ expr, level: 1, holds: is === 'on' }];
  const isY: Goal = { expr, level: 2, holds: is === 'y' };
  return is === 'y' ? [isY] : [{ expr, level: 1, holds: true }, isY];
}

/** A question of facts in words, `A=on B=off`. */
export function words({ facts, unmet }: Pick<Question, 'facts' | 'unmet'>): string {
  const all = facts.map(({ symbol, is }) => `${symbol.name}=${is}`);
  if (unmet) all.push(`${unmet.name} selected above its dependencies`);
  return all.join(' ');
}

class Questions {
  readonly #pool: ExprPool;
  readonly #rand: () => number;
  readonly #symbols: readonly KSymbol[];
  readonly #tristates: readonly KSymbol[];
  readonly #edges: readonly Edge[];
  readonly #model: KconfigModel;

  constructor(pool: ExprPool, model: KconfigModel, seed: number) {
    this.#pool = pool;
    this.#model = model;
    this.#rand = glibcRand(seed);
    this.#symbols = model.declared.filter(isSwitch);
    this.#tristates = this.#symbols.filter(({ type }) => type === SymbolType.tristate);
    this.#edges = this.#symbols
      .flatMap(({ selects }) => selects)
      .filter(({ to }) => isSwitch(to) && !to.isChoiceMember && to.declarations.some(({ hasDep }) => hasDep));
  }

  draw(n: number): Question[] {
    const has = { pair: this.#symbols, edge: this.#edges, triple: this.#symbols, module: this.#tristates };
    const kinds = QUESTION_KINDS.filter((kind) => has[kind].length > 0);
    return Array.from({ length: kinds.length === 0 ? 0 : n }, (_, i) => this.#question(kinds[i % kinds.length]!));
  }

  #question(kind: QuestionKind): Question {
    if (kind === 'edge') return this.#edge(this.#one(this.#edges));
    const first: Fact =
      kind === 'module'
        ? { symbol: this.#one(this.#tristates), is: 'm' }
        : { symbol: this.#one(this.#symbols), is: this.#onOrOff() };
    const facts = [first];
    for (let left = kind === 'triple' ? 2 : 1; left > 0; left--) {
      const symbol = this.#beside(facts.at(-1)!.symbol);
      if (facts.every((fact) => fact.symbol !== symbol)) facts.push({ symbol, is: this.#onOrOff() });
    }
    return { kind, facts, goals: facts.flatMap((fact) => goalsOf(this.#pool, fact)) };
  }

  #edge({ from, to, in: declaration, cond }: Edge): Question {
    const pool = this.#pool;
    let met: ExprId = NONE;
    for (const each of to.declarations) if (each.hasDep) met = pool.or(met, dependency(pool, each));
    const facts: Fact[] = [{ symbol: from, is: 'on' }];
    const forces = pool.and(dependency(pool, declaration), cond);
    const goals: Goal[] = [{ expr: met, level: 1, holds: false }];
    if (forces !== NONE) goals.push({ expr: forces, level: 1, holds: true });
    return { kind: 'edge', facts, unmet: to, goals: [...facts.flatMap((fact) => goalsOf(pool, fact)), ...goals] };
  }

  /** Half the time one that has to do with `symbol`: at random most symbols have nothing to do with each other. */
  #beside(symbol: KSymbol): KSymbol {
    const near = new Set<KSymbol>();
    const add = (id: number): void => {
      const other = this.#model.symbols[id];
      if (other && isSwitch(other)) near.add(other);
    };
    for (const declaration of symbol.declarations) this.#pool.symbolsOf(dependency(this.#pool, declaration), add);
    for (const { to } of [...symbol.selects, ...symbol.implies]) add(to.id);
    for (const { from } of symbol.selectedBy) add(from.id);
    near.delete(symbol);
    return near.size > 0 && this.#rand() % 2 === 0 ? this.#one([...near]) : this.#one(this.#symbols);
  }

  #onOrOff(): 'on' | 'off' {
    return this.#rand() % 3 === 0 ? 'off' : 'on';
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#rand() % items.length]!;
  }
}

export function isSwitch({ type, declarations }: KSymbol): boolean {
  return declarations.length > 0 && (type === SymbolType.bool || type === SymbolType.tristate);
}

/** Of a declaration with all around it. */
function dependency(pool: ExprPool, declaration: Declaration): ExprId {
  const around = declaration.parent ? dependency(pool, declaration.parent) : NONE;
  return pool.and(around, declaration.dep);
}

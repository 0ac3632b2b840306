/**
 * A question as a person writes it -> goals for the solver.
 *
 *   VFIO_PCI=y && !PCI_P2PDMA
 *
 * The grammar is that of `depends on` (Documentation/kbuild/kconfig-language.rst, "Menu dependencies"), the meaning
 * two-valued: a symbol by itself is m or y, `!A` is A=n, and a symbol that an architecture does not declare is n.
 * (In a Kconfig file `!A` is m where A is m, and an undeclared symbol compares as the text of its name.)
 */

import type { Outcome, SymbolName } from '../types.ts';
import { type ExprId, type ExprPool, Op, type SymbolId } from './expr.ts';
import type { KconfigModel } from './model.ts';
import { KconfigParser, Kind, SymbolType } from './parse.ts';
import type { Goal } from './solve.ts';

const MOST_CHARS = 10_000;

/** Reads an expression; `CONFIG_` before a name is left out. What is wrong with it is a value. */
export function parseQuestion(pool: ExprPool, text: string): Outcome<{ readonly expr: ExprId }, { why: string }> {
  if (text.length > MOST_CHARS) return { ok: false, why: `longer than ${MOST_CHARS} characters` };
  const stray = /[#$\\\n\r"']/.exec(text.replace(QUOTED, '')) ?? /\$\(|[\n\r]/.exec(text);
  if (stray) return { ok: false, why: `unexpected ${JSON.stringify(stray[0])}` };
  const line = `if ${text.replace(new RegExp(`${QUOTED.source}|\\bCONFIG_(?=\\w)`, 'g'), (part) => (part === 'CONFIG_' ? '' : part))}`;
  const { statements, warnings } = new KconfigParser(pool).parseFile(line);
  const [statement] = statements;
  if (warnings[0]) return { ok: false, why: warnings[0].text.replace('ignoring', 'there is an') };
  if (statement?.kind !== Kind.if) return { ok: false, why: statement?.text ?? 'empty' };
  return { ok: true, expr: statement.expr };
}

const QUOTED = /"[^"]*"|'[^']*'/g;

/** Names in an expression that should be symbols, each once: numbers are none. */
export function namesIn(pool: ExprPool, e: ExprId): SymbolName[] {
  const found = new Set<SymbolName>();
  pool.symbolsOf(e, (id) => {
    if (!/^(-?[0-9]+|0[xX][0-9a-fA-F]+)$/.test(pool.names[id]!)) found.add(pool.names[id]!);
  });
  return [...found];
}

export function isDeclared(pool: ExprPool, model: KconfigModel, name: SymbolName): boolean {
  const id = pool.findSymbol(name);
  return id !== undefined && (model.symbols[id]?.declarations.length ?? 0) > 0;
}

/** That the expression is true, or for `isMet` false that it is not, as goals that have to be met together. */
export function goalsOf(pool: ExprPool, model: KconfigModel, e: ExprId, isMet: boolean = true): Goal[] {
  const reading = new Reading(pool, model);
  return reading.goals(reading.plain(e), isMet);
}

class Reading {
  readonly #pool: ExprPool;
  readonly #model: KconfigModel;

  constructor(pool: ExprPool, model: KconfigModel) {
    this.#pool = pool;
    this.#model = model;
  }

  /** Without undeclared symbols, and with comparisons of a bool with y, m or n said by the bool. */
  plain(e: ExprId): ExprId {
    const pool = this.#pool;
    const [op, left, right] = [pool.ops[e] as Op, pool.lefts[e]!, pool.rights[e]!];
    switch (op) {
      case Op.modules:
        return e;
      case Op.symbol:
        return left <= pool.y || this.#isLevelled(left) ? e : pool.symbol(pool.n);
      case Op.not:
        return pool.not(this.plain(left));
      case Op.and:
      case Op.or:
        return pool.make(op, this.plain(left), this.plain(right));
      case Op.equal:
      case Op.unequal: {
        const [id, level] = right <= pool.y ? [left, right] : [right, left];
        const type = this.#type(id);
        if (level > pool.y || id <= pool.y) return e;
        if (type === SymbolType.tristate) return pool.make(op, id, level);
        if (type !== SymbolType.bool && (type !== SymbolType.unknown || pool.constant[id])) return e;
        const symbol = pool.symbol(type === SymbolType.bool ? id : pool.n);
        const equal = level === pool.y ? symbol : level === pool.n ? pool.not(symbol) : pool.symbol(pool.n);
        return op === Op.equal ? equal : pool.not(equal);
      }
      default:
        return e;
    }
  }

  goals(e: ExprId, isMet: boolean): Goal[] {
    const pool = this.#pool;
    const [op, left, right] = [pool.ops[e] as Op, pool.lefts[e]!, pool.rights[e]!];
    if (op === Op.not) return this.goals(left, !isMet);
    if (op === (isMet ? Op.and : Op.or)) return [...this.goals(left, isMet), ...this.goals(right, isMet)];
    if (op === Op.symbol || op === Op.modules) return [{ expr: e, level: 1, holds: isMet }];
    return this.#levels(e, isMet) ?? [this.#whole(e, isMet)];
  }

  /** A comparison of a tristate with y, m or n: the solver knows its levels before anybody has compared them. */
  #levels(e: ExprId, isMet: boolean): Goal[] | undefined {
    const pool = this.#pool;
    const [op, left, right] = [pool.ops[e] as Op, pool.lefts[e]!, pool.rights[e]!];
    if (op !== Op.equal && op !== Op.unequal) return undefined;
    if (right > pool.y || this.#type(left) !== SymbolType.tristate) return undefined;
    const expr = pool.symbol(left);
    const isEqual = (op === Op.equal) === isMet;
    if (right === pool.n) return [{ expr, level: 1, holds: !isEqual }];
    if (right === pool.y) return [{ expr, level: 2, holds: isEqual }];
    if (!isEqual) return undefined;
    return [
      { expr, level: 1, holds: true },
      { expr, level: 2, holds: false },
    ];
  }

  /** Tristates alone at m make a whole of one level, if none or all of them stand behind a `!`. */
  #whole(e: ExprId, holds: boolean): Goal {
    const polarities = new Set<boolean>();
    this.#polarities(e, true, polarities);
    if (polarities.size < 2) return { expr: e, level: polarities.has(false) ? 2 : 1, holds };
    return { expr: this.#compared(e), level: 2, holds };
  }

  #polarities(e: ExprId, isPositive: boolean, found: Set<boolean>): void {
    const pool = this.#pool;
    const [op, left, right] = [pool.ops[e] as Op, pool.lefts[e]!, pool.rights[e]!];
    if (op === Op.not) this.#polarities(left, !isPositive, found);
    else if (op === Op.and || op === Op.or) for (const part of [left, right]) this.#polarities(part, isPositive, found);
    else if (op === Op.modules || (op === Op.symbol && this.#type(left) === SymbolType.tristate)) found.add(isPositive);
  }

  #compared(e: ExprId): ExprId {
    const pool = this.#pool;
    const [op, left, right] = [pool.ops[e] as Op, pool.lefts[e]!, pool.rights[e]!];
    if (op === Op.not) return pool.not(this.#compared(left));
    if (op === Op.and || op === Op.or) return pool.make(op, this.#compared(left), this.#compared(right));
    if (op === Op.modules) return pool.symbol(this.#model.modules?.id ?? pool.n);
    if (op === Op.symbol && this.#type(left) === SymbolType.tristate) return pool.make(Op.unequal, left, pool.n);
    return e;
  }

  #isLevelled(id: SymbolId): boolean {
    const type = this.#type(id);
    return type === SymbolType.bool || type === SymbolType.tristate;
  }

  /** Unknown of constants and of what is not declared. */
  #type(id: SymbolId): SymbolType {
    return this.#pool.constant[id] ? SymbolType.unknown : (this.#model.symbols[id]?.type ?? SymbolType.unknown);
  }
}

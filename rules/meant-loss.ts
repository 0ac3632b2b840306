/** When a series means to take a symbol away: its lines say so, or its words, or it is what it is about. */

import { dirname } from 'node:path/posix';
import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './kconfig/expr.ts';
import { isKconfigPath } from './kconfig/files.ts';
import type { KconfigModel, KSymbol } from './kconfig/model.ts';
import { Platforms } from './kconfig/platforms.ts';
import type { SymbolChange } from './kconfig/properties.ts';
import { declaredIn } from './kconfig/references.ts';
import type { KernelChange } from './rule.ts';

export class MeantLosses {
  readonly #change: KernelChange;
  readonly #edited: ReadonlySet<string>;
  readonly #words: readonly string[];
  #platforms: Platforms | undefined;
  #declared: ReadonlySet<SymbolId> | undefined;

  constructor(change: KernelChange) {
    this.#change = change;
    const kconfig = change.changedPaths.filter(({ path }) => isKconfigPath(path));
    this.#edited = new Set(kconfig.map(({ path }) => dirname(path)));
    const { cover, patches } = change.series;
    this.#words = [...(cover ? [cover.body] : []), ...patches.flatMap(({ title, log }) => [title, log])];
  }

  /** In a directory whose Kconfig file the series edits: its author has seen it. */
  isBeside({ declarations }: KSymbol): boolean {
    return declarations.some(({ path }) => this.#edited.has(dirname(path)));
  }

  /** The series speaks of it. */
  isNamed(symbol: string): boolean {
    const word = new RegExp(`\\b(?:CONFIG_)?${symbol}\\b`);
    return this.#words.some((words) => word.test(words));
  }

  /** The series speaks of compile testing. */
  saysCompileTest(): boolean {
    return this.#words.some((words) => /\bcompile[-_ ]?test/i.test(words));
  }

  /**
   * Whether a line needs what the author cannot but know to be off: what nothing turns on (BROKEN), or, for what goes
   * along with another symbol, the platform that this is for. Also where it names what no architecture declares, which
   * undefined-symbol tells.
   */
  isMeant(model: KconfigModel, expr: ExprId, { isOwn }: { readonly isOwn: boolean }): boolean {
    const { pool } = this.#change;
    if (expr === NONE) return false;
    let isUndefined = false;
    pool.symbolsOf(expr, (id) => {
      isUndefined ||= !pool.constant[id] && this.#isUndefined(id);
    });
    const isOff = (id: SymbolId): boolean => {
      const symbol = model.symbols[id];
      if (pool.constant[id]) return id === pool.n;
      if (!symbol?.declarations.length) return !isOwn && this.#isPlatform(id);
      const { prompts, defaults, selectedBy, impliedBy } = symbol;
      return prompts.length + defaults.length + selectedBy.length + impliedBy.length === 0;
    };
    return isUndefined || isNever(pool, expr, isOff);
  }

  #isUndefined(id: SymbolId): boolean {
    const { pool, after } = this.#change;
    this.#declared ??= declaredIn(pool, after.kconfig.files.values());
    return !this.#declared.has(id);
  }

  #isPlatform(id: SymbolId): boolean {
    const { pool, after } = this.#change;
    this.#platforms ??= new Platforms(pool, after.kconfig.files);
    return this.#platforms.isPlatform(id);
  }
}

/** Whether an expression cannot hold where some symbols are off. */
function isNever(pool: ExprPool, e: ExprId, isOff: (symbol: SymbolId) => boolean): boolean {
  const [left, right] = [pool.lefts[e]!, pool.rights[e]!];
  switch (pool.ops[e]) {
    case Op.symbol:
      return isOff(left);
    case Op.and:
      return isNever(pool, left, isOff) || isNever(pool, right, isOff);
    case Op.or:
      return isNever(pool, left, isOff) && isNever(pool, right, isOff);
    default:
      return false;
  }
}

/** The series says of the symbol itself that it is for modules: `depends on m`. */
export function isOnlyForModules(pool: ExprPool, change: SymbolChange | undefined): boolean {
  return change?.added.some(({ kind, expr }) => kind === 'depends on' && needsModule(pool, expr)) ?? false;
}

function needsModule(pool: ExprPool, expr: ExprId): boolean {
  if (expr === NONE) return false;
  const [left, right] = [pool.lefts[expr]!, pool.rights[expr]!];
  if (pool.ops[expr] === Op.and) return needsModule(pool, left) || needsModule(pool, right);
  return pool.ops[expr] === Op.modules;
}

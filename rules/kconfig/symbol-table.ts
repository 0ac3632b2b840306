/**
 * The symbols of a model while it is being built: found by name id, made when first mentioned.
 */

import type { ExprPool, SymbolId } from './expr.ts';
import type { KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';

type Lists = 'declarations' | 'prompts' | 'defaults' | 'ranges' | 'selects' | 'implies' | 'selectedBy' | 'impliedBy';

/** One for all: most symbols have most lists empty, and 100,000 of them cost time and memory. */
export const NOTHING: never[] = [];

/** Adds to one of a symbol's lists. */
export function put<L extends Lists>(symbol: KSymbol, list: L, item: KSymbol[L][number]): void {
  const items: unknown[] = symbol[list];
  if (items === NOTHING) (symbol as Record<Lists, unknown>)[list] = [item];
  else items.push(item);
}

const TYPE_NAMES = ['unknown', 'bool', 'tristate', 'integer', 'hex', 'string'] as const;

export class SymbolTable {
  /** By id, without holes: an array with holes is slow to read. */
  readonly all: (KSymbol | undefined)[] = [];
  readonly #pool: ExprPool;

  constructor(pool: ExprPool) {
    this.#pool = pool;
  }

  get(id: SymbolId): KSymbol {
    while (this.all.length <= id) this.all.push(undefined);
    return (this.all[id] ??= {
      id,
      name: this.#pool.names[id]!,
      type: SymbolType.unknown,
      declarations: NOTHING,
      prompts: NOTHING,
      defaults: NOTHING,
      ranges: NOTHING,
      selects: NOTHING,
      implies: NOTHING,
      selectedBy: NOTHING,
      impliedBy: NOTHING,
      choice: undefined,
      isChoiceMember: false,
      isTransitional: false,
    });
  }

  /** The first type counts; another one is conf's warning, returned (scripts/kconfig/menu.c, menu_set_type). */
  setType(symbol: KSymbol, type: SymbolType, place: string): string | undefined {
    if (symbol.type === SymbolType.unknown) symbol.type = type;
    if (symbol.type === type) return undefined;
    const [from, to] = [TYPE_NAMES[symbol.type], TYPE_NAMES[type]];
    return `${place}:warning: ignoring type redefinition of '${symbol.name}' from '${from}' to '${to}'`;
  }
}

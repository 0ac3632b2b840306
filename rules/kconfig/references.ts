/**
 * Which symbols a Kconfig file declares and mentions, and where: read from its statements alone, so
 * it holds for every architecture.
 */

import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import { type KconfigFile, Kind, type Statement } from './parse.ts';

export interface Mention {
  readonly symbol: SymbolId;
  readonly statement: Statement;
  /** Symbol of the block around the statement, -1 outside of one. */
  readonly within: SymbolId;
}

export interface FileReferences {
  readonly declares: ReadonlyMap<SymbolId, Statement>;
  readonly mentions: readonly Mention[];
}

const known = new WeakMap<KconfigFile, FileReferences>();

/** Declarations and mentions of one file. Numbers and constants are no symbols. */
export function fileReferences(pool: ExprPool, file: KconfigFile): FileReferences {
  const cached = known.get(file);
  if (cached) return cached;
  const declares = new Map<SymbolId, Statement>();
  const mentions: Mention[] = [];
  let within: SymbolId = -1;
  for (const statement of file.statements) {
    const mention = (symbol: SymbolId): void => {
      if (symbol >= 0 && !pool.constant[symbol] && !isNumber(pool.names[symbol]!))
        mentions.push({ symbol, statement, within });
    };
    switch (statement.kind) {
      case Kind.config:
      case Kind.menuconfig:
        within = statement.symbol;
        if (!declares.has(within)) declares.set(within, statement);
        continue;
      case Kind.choice:
      case Kind.menu:
      case Kind.comment:
        within = -1;
        break;
      case Kind.assign:
        continue;
      case Kind.select:
      case Kind.imply:
        mention(statement.symbol);
        break;
      case Kind.range:
        mention(statement.symbol);
        mention(statement.other);
        break;
    }
    for (const e of [statement.expr, statement.cond]) if (e !== NONE) pool.symbolsOf(e, mention);
  }
  const references = { declares, mentions };
  known.set(file, references);
  return references;
}

/** Names that any of the files declares. */
export function declaredIn(pool: ExprPool, files: Iterable<KconfigFile>): Set<SymbolId> {
  const names = new Set<SymbolId>();
  for (const file of files) for (const symbol of fileReferences(pool, file).declares.keys()) names.add(symbol);
  return names;
}

function isNumber(word: string): boolean {
  return /^-?[0-9]+$|^0[xX]/.test(word);
}

/** Whether `e` can hold only if `symbol` does: it is one of the operands of the outermost `&&`. */
export function requires(pool: ExprPool, e: ExprId, symbol: SymbolId): boolean {
  if (e === NONE) return false;
  if (pool.ops[e] === Op.and) return requires(pool, pool.lefts[e]!, symbol) || requires(pool, pool.rights[e]!, symbol);
  return pool.ops[e] === Op.symbol && pool.lefts[e] === symbol;
}

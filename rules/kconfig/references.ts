/**
 * Which symbols a Kconfig file declares and mentions, and where: read from its statements alone, so
 * it holds for every architecture.
 */

import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import { type KconfigFile, Kind, type Statement, SymbolType } from './parse.ts';

export interface Mention {
  readonly symbol: SymbolId;
  readonly statement: Statement;
  /** Symbol of the block around the statement, -1 outside of one. */
  readonly within: SymbolId;
  /** It is the value of a default or a bound of a range, rather than part of a condition. */
  readonly isValue: boolean;
  /** The comparison that it is a side of. */
  readonly compared?: { readonly op: Op; readonly other: SymbolId };
}

export interface FileReferences {
  readonly declares: ReadonlyMap<SymbolId, Statement>;
  /** Symbols that the file gives the type string, int or hex. */
  readonly texts: ReadonlySet<SymbolId>;
  readonly mentions: readonly Mention[];
}

const known = new WeakMap<KconfigFile, FileReferences>();

/** Declarations and mentions of one file. Numbers and constants are no symbols. */
export function fileReferences(pool: ExprPool, file: KconfigFile): FileReferences {
  const cached = known.get(file);
  if (cached) return cached;
  const declares = new Map<SymbolId, Statement>();
  const texts = new Set<SymbolId>();
  const mentions: Mention[] = [];
  let within: SymbolId = -1;
  for (const statement of file.statements) {
    const mention = (symbol: SymbolId, isValue = false, compared?: Mention['compared']): void => {
      if (symbol >= 0 && !pool.constant[symbol] && !isNumber(pool.names[symbol]!))
        mentions.push({ symbol, statement, within, isValue, ...(compared && { compared }) });
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
        mention(statement.symbol, true);
        mention(statement.other, true);
        break;
      case Kind.type:
      case Kind.raw:
        if (within >= 0 && isTextType(file, statement)) texts.add(within);
        break;
    }
    visit(pool, statement.expr, statement.kind === Kind.default, mention);
    visit(pool, statement.cond, false, mention);
  }
  const references = { declares, texts, mentions };
  known.set(file, references);
  return references;
}

/** Whether a line gives a type whose values are texts; one with macros in its prompt is not parsed yet. */
function isTextType(file: KconfigFile, { kind, type, start, end }: Statement): boolean {
  if (kind === Kind.raw) return /^\s*(?:string|int|hex)\s/.test(file.text.slice(start, end));
  return type === SymbolType.string || type === SymbolType.int || type === SymbolType.hex;
}

function visit(
  pool: ExprPool,
  e: ExprId,
  isValue: boolean,
  mention: (symbol: SymbolId, isValue: boolean, compared?: Mention['compared']) => void,
): void {
  if (e === NONE) return;
  const op = pool.ops[e] as Op;
  const [left, right] = [pool.lefts[e]!, pool.rights[e]!];
  if (pool.isComparison(e)) {
    mention(left, false, { op, other: right });
    mention(right, false, { op, other: left });
  } else if (op === Op.symbol) {
    mention(left, isValue);
  } else if (op !== Op.modules) {
    visit(pool, left, isValue, mention);
    if (op !== Op.not) visit(pool, right, isValue, mention);
  }
}

/**
 * Whether an undefined word stands for its own text where it is mentioned (scripts/kconfig/symbol.c,
 * sym_calc_value): as a value of one of `texts`, which are the symbols of type string, int and hex, or
 * compared with anything but y, m and n.
 */
export function isOwnText(
  pool: ExprPool,
  { statement, within, isValue, compared }: Mention,
  texts: ReadonlySet<SymbolId>,
): boolean {
  if (compared) return ![pool.y, pool.m, pool.n].includes(compared.other);
  return isValue && (statement.kind === Kind.range || texts.has(within));
}

/** Symbols that any of the files gives the type string, int or hex. */
export function textsIn(pool: ExprPool, files: Iterable<KconfigFile>): Set<SymbolId> {
  const found = new Set<SymbolId>();
  for (const file of files) for (const symbol of fileReferences(pool, file).texts) found.add(symbol);
  return found;
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

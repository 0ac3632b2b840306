/**
 * Half a sentence on why a value changed, for the configuration that was looked at last:
 * `KEYBOARD_REEF now needs COMMON_CLK, which is n in reef_defconfig`.
 */

import type { Cause } from './cause.ts';
import { type ExprId, NONE, Op, type SymbolId } from './expr.ts';
import type { KSymbol } from './model.ts';
import { SymbolType } from './parse.ts';
import { dependencies } from './properties.ts';
import { rank, type Upgrade } from './upgrade.ts';
import type { Values } from './values.ts';

/** Symbols whose values are told; more nobody reads. */
const MAX_SYMBOLS = 6;
const MAX_LINKS = 4;

/** Where the values are those of. */
interface Where {
  /** As people call the configuration, e.g. `reef_defconfig`. */
  readonly config: string;
  readonly arch: string;
}

/** Without a full stop at the end. */
export function causeWords(upgrade: Upgrade, cause: Cause, where: Where): string {
  return [ownWords(upgrade, cause, where), ...links(upgrade, cause.chain)].join(', and ');
}

/** Of a symbol that the tree after does not declare. */
export function goneWords(symbol: string, arch: string): string {
  return `${symbol} is no longer defined on ${arch}`;
}

function ownWords(upgrade: Upgrade, { property, side, change }: Cause, where: Where): string {
  const of = property.of.name;
  const now = side === 'after' ? 'now' : 'no longer';
  const isOn = property.expr !== NONE;
  switch (property.kind) {
    case 'selected by':
      return `${property.edge!.from.name} ${now} selects ${of}`;
    case 'implied by':
      return `${property.edge!.from.name} ${now} implies ${of}`;
    case 'depends on':
      return `${of} ${now} needs ${needWords(upgrade, property.expr, { side, change }, where)}`;
    case 'prompt':
    case 'visible if': {
      const can = side === 'after' ? 'can now be set only with' : 'can now be set without';
      if (isOn) return `${of} ${can} ${needWords(upgrade, property.expr, { side, change }, where)}`;
      return side === 'after' ? `${of} can be set now` : `${of} can no longer be set`;
    }
    case 'default':
      return `the default of ${of} is now ${change.to} instead of ${change.from}`;
    case 'range': {
      const range = upgrade.after.activeRange(change.after);
      const { pool } = upgrade.after;
      return range
        ? `the range of ${of} is now ${pool.word(range.low)} to ${pool.word(range.high)}`
        : `${of} has no range any more`;
    }
    case 'choice':
      return `the choice that ${of} is in now falls back to another of its members`;
    case 'type':
      return change.asked === 'm' && change.after.type === SymbolType.bool
        ? `${of} can no longer be m, which ${where.config} asks for`
        : `${of} has another type now`;
    case 'declaration':
      if (upgrade.changeOf(of)?.after === undefined) return goneWords(of, where.arch);
      return `${of} is declared under other conditions now`;
  }
}

/** The parts of a condition that do not hold, and the values of their symbols. */
function needWords(
  upgrade: Upgrade,
  e: ExprId,
  { side, change }: Pick<Cause, 'side' | 'change'>,
  where: Where,
): string {
  const values = side === 'after' ? upgrade.after : upgrade.before;
  const { pool } = values;
  const limit = Math.max(rank(change.from), rank(change.to));
  const all = conjuncts(values, e);
  const unmet = all.filter((part) => values.expr(part) < limit);
  const parts = unmet.length > 0 ? unmet : all;
  const mentioned = new Set<SymbolId>();
  for (const part of parts) pool.symbolsOf(part, (id) => mentioned.add(id));
  const symbols = [...mentioned].slice(0, MAX_SYMBOLS);
  const need = parts.map((part) => pool.print(part, undefined, parts.length > 1 ? Op.not : Op.or)).join(' and ');
  if (symbols.length === 0) return need;
  const facts = Map.groupBy(symbols, (id) => factOf(upgrade, values, id, where));
  const isOne = parts.length === 1 && pool.ops[parts[0]!] === Op.symbol;
  if (isOne) return `${need}, which is ${[...facts.keys()][0]}`;
  const told = [...facts].map(
    ([fact, ids]) => `${few(ids.map((id) => pool.names[id]!))} ${ids.length > 1 ? 'are' : 'is'} ${fact}`,
  );
  return `${need}, where ${few(told)}`;
}

function factOf(upgrade: Upgrade, values: Values, id: SymbolId, { config, arch }: Where): string {
  const symbol = values.model.symbols[id];
  if (!symbol || symbol.declarations.length === 0) return `not defined on ${arch}`;
  const text = textOf(values, symbol);
  const [others, here, there] =
    values === upgrade.after ? [upgrade.before, 'with', 'without'] : [upgrade.after, 'without', 'with'];
  const other = others.model.symbols[id];
  const isOther = other !== undefined && other.declarations.length > 0;
  if (!isOther) return values === upgrade.after ? `new and ${text} in ${config}` : `${text} in ${config}`;
  const otherText = textOf(others, other);
  if (otherText === text) return `${text} in ${config}`;
  return `${text} in ${config} ${here} the series and ${otherText} ${there} it`;
}

function textOf(values: Values, symbol: KSymbol): string {
  return values.text(symbol) === '' ? 'empty' : values.text(symbol);
}

function conjuncts({ pool }: Values, e: ExprId): ExprId[] {
  const found: ExprId[] = [];
  const queue = [e];
  for (let part = queue.pop(); part !== undefined; part = queue.pop()) {
    if (pool.ops[part] === Op.and) queue.push(pool.rights[part]!, pool.lefts[part]!);
    else found.push(part);
  }
  return [...new Set(found)];
}

/** How the symbol asked about depends on the one whose property changed, from the latter upwards. */
function links(upgrade: Upgrade, chain: readonly string[]): string[] {
  const upwards = chain.toReversed();
  const steps = upwards.slice(1);
  if (steps.length > MAX_LINKS)
    return [`${chain[0]} depends on ${upwards[0]} through ${steps.length - 1} other symbols`];
  return steps.map((reader, i) => linkWords(upgrade, reader, upwards[i]!));
}

function linkWords({ before, after: { pool, model } }: Upgrade, reader: string, read: string): string {
  const readId = pool.findSymbol(read)!;
  const symbol = model.symbols[pool.findSymbol(reader)!]!;
  if (symbol.selectedBy.some((edge) => edge.from.id === readId)) return `${read} selects ${reader}`;
  if (symbol.impliedBy.some((edge) => edge.from.id === readId)) return `${read} implies ${reader}`;
  const was = before.model.symbols[symbol.id];
  if (was?.selectedBy.some((edge) => edge.from.id === readId)) return `${read} selected ${reader}`;
  if (dependsOn(symbol, readId, pool.symbolsOf.bind(pool))) return `${reader} depends on ${read}`;
  if (symbol.choice?.members.some((member) => member.id === readId)) return `${reader} is in one choice with ${read}`;
  const isDefault = symbol.defaults.some(({ value, cond }) =>
    [value, cond].some((e) => mentions(e, readId, pool.symbolsOf.bind(pool))),
  );
  return isDefault ? `the default of ${reader} depends on ${read}` : `${reader} depends on ${read}`;
}

type Visit = (e: ExprId, visit: (id: SymbolId) => void) => void;

function dependsOn(symbol: KSymbol, id: SymbolId, visit: Visit): boolean {
  return symbol.declarations.some((declaration) =>
    dependencies(declaration).some(({ expr }) => mentions(expr, id, visit)),
  );
}

function mentions(e: ExprId, id: SymbolId, visit: Visit): boolean {
  let is = false;
  visit(e, (one) => {
    is ||= one === id;
  });
  return is;
}

function few(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

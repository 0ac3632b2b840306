/**
 * References to symbols, with what it means that nothing defines the symbol: in Kconfig files, in C and in
 * Kbuild files.
 */

import { type ExprPool, Op, type SymbolId } from '../kconfig/expr.ts';
import { type KconfigFile, Kind } from '../kconfig/parse.ts';
import { fileReferences, isOwnText, type Mention, requires } from '../kconfig/references.ts';
import type { Tree } from '../types.ts';
import { configReferences, sourceKind } from './config-references.ts';

type Where = 'kconfig' | 'kbuild' | 'c';

export interface Reference {
  readonly where: Where;
  readonly path: string;
  readonly line: number;
  readonly text: string;
  /** Half a sentence, for a symbol that nothing defines. */
  readonly consequence: string;
  /** It is a word of a comparison, or a number's or string's value: it does not count as n. */
  readonly isText?: true;
}

/** References by the symbol's name. */
export type References = Map<string, Reference[]>;

/**
 * References of `after` by names that the same file did not have before. A name that only moves from
 * one changed file to another is not new.
 */
export function onlyNew(before: References, after: References, oldPathOf: ReadonlyMap<string, string>): References {
  const found: References = new Map();
  for (const [name, references] of after) {
    const old = before.get(name) ?? [];
    if (references.length <= old.length) continue;
    const had = new Set(old.map(({ path }) => path));
    const fresh = references.filter(({ path }) => !had.has(oldPathOf.get(path) ?? path));
    if (fresh.length > 0) found.set(name, fresh);
  }
  return found;
}

/** Symbols that the Kconfig files among `paths` mention, those that are `wanted`; `texts` are the symbols of type string, int and hex. */
export function kconfigReferences(
  pool: ExprPool,
  files: ReadonlyMap<string, KconfigFile>,
  paths: Iterable<string>,
  texts: ReadonlySet<SymbolId>,
  wanted: (mention: Mention) => boolean,
): References {
  const found: References = new Map();
  for (const path of paths) {
    const file = files.get(path);
    if (!file) continue;
    const mentions = fileReferences(pool, file).mentions.filter(wanted);
    if (mentions.length === 0) continue;
    const lines = file.text.split('\n');
    for (const mention of mentions)
      put(found, pool.names[mention.symbol]!, kconfigReference(pool, path, lines, mention, texts));
  }
  return found;
}

/** Symbols that the C and Kbuild files among `paths` ask for, those that are `wanted`; `FOO_MODULE` stands for FOO where both are. */
export async function sourceReferences(
  tree: Tree,
  paths: Iterable<string>,
  wanted: (name: string) => boolean,
): Promise<References> {
  const found: References = new Map();
  for (const [path, text] of await tree.read([...paths].filter((one) => sourceKind(one)))) {
    const lines = text.split('\n');
    for (const { name: written, line, call } of configReferences(text, sourceKind(path)!)) {
      const name = written.endsWith('_MODULE') && wanted(written) ? written.slice(0, -'_MODULE'.length) : written;
      if (wanted(name)) put(found, name, sourceReference(path, line, lines[line - 1]!, name, call));
    }
  }
  return found;
}

function kconfigReference(
  pool: ExprPool,
  path: string,
  lines: readonly string[],
  mention: Mention,
  texts: ReadonlySet<SymbolId>,
): Reference {
  const { statement, compared } = mention;
  const place = { where: 'kconfig', path, line: statement.line, text: lines[statement.line - 1] ?? '' } as const;
  if (compared) return { ...place, consequence: ofComparison(pool, compared), isText: true };
  if (isOwnText(pool, mention, texts))
    return { ...place, consequence: 'its name itself is taken for the value there', isText: true };
  return { ...place, consequence: ofCondition(pool, mention) };
}

function ofCondition(pool: ExprPool, { statement, symbol, within }: Mention): string {
  const of = within >= 0 ? pool.names[within]! : undefined;
  const { kind } = statement;
  if (kind === Kind.select || kind === Kind.imply)
    return statement.symbol === symbol
      ? `this ${kind === Kind.select ? 'select' : 'imply'} has no effect`
      : 'it counts as n in this condition';
  if ((kind !== Kind.depends && kind !== Kind.if) || !requires(pool, statement.expr, symbol))
    return 'it counts as n there';
  const what = kind === Kind.if ? 'condition' : `dependency${of ? ` of ${of}` : ''}`;
  return `it counts as n, so this ${what} is never met`;
}

/** conf compares the name of an undefined symbol as text (scripts/kconfig/expr.c, expr_calc_value). */
function ofComparison(pool: ExprPool, { op, other }: NonNullable<Mention['compared']>): string {
  const isTristate = [pool.y, pool.m, pool.n].includes(other);
  const outcome =
    isTristate && op === Op.equal
      ? ', so this comparison is never true'
      : isTristate && op === Op.unequal
        ? ', so this comparison is always true'
        : ' there';
  return `its name is compared as text${outcome}`;
}

function sourceReference(path: string, line: number, text: string, name: string, call?: string): Reference {
  const where = sourceKind(path) === 'kbuild' ? 'kbuild' : 'c';
  const isObject = new RegExp(`^\\s*obj-\\$\\(CONFIG_${name}\\)`).test(text);
  const consequence =
    where === 'c'
      ? `it is never set, so ${call ? `this ${call}() is always 0` : 'the condition has the same outcome in every configuration'}`
      : isObject
        ? 'it is never set, so this object is never built'
        : 'it is empty in every configuration';
  return { where, path, line, text, consequence };
}

/** What all of them have in common. */
export function consequenceOf(references: readonly Reference[]): string {
  const each = new Set(references.map(({ consequence }) => consequence));
  return each.size === 1
    ? references[0]!.consequence
    : references.some(({ isText }) => isText)
      ? 'no configuration can set it'
      : 'it counts as n wherever it is named';
}

/** A line that names it twice is one reference. */
function put(map: References, name: string, reference: Reference): void {
  const list = map.get(name);
  const last = list?.at(-1);
  if (last?.path === reference.path && last.line === reference.line) {
    if (last.isText && !reference.isText) list!.splice(-1, 1, reference);
  } else if (list) list.push(reference);
  else map.set(name, [reference]);
}

/**
 * References to symbols, with what it means that nothing defines the symbol: in Kconfig files, in C and in
 * Kbuild files.
 */

import type { ExprPool, SymbolId } from '../kconfig/expr.ts';
import { type KconfigFile, Kind } from '../kconfig/parse.ts';
import { fileReferences, type Mention, requires } from '../kconfig/references.ts';
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

/** Symbols that the Kconfig files among `paths` mention, those that are `wanted`. */
export function kconfigReferences(
  pool: ExprPool,
  files: ReadonlyMap<string, KconfigFile>,
  paths: Iterable<string>,
  wanted: (symbol: SymbolId) => boolean,
): References {
  const found: References = new Map();
  for (const path of paths) {
    const file = files.get(path);
    if (!file) continue;
    const mentions = fileReferences(pool, file).mentions.filter(({ symbol }) => wanted(symbol));
    if (mentions.length === 0) continue;
    const lines = file.text.split('\n');
    for (const mention of mentions)
      put(found, pool.names[mention.symbol]!, kconfigReference(pool, path, lines, mention));
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
    for (const { name: written, line } of configReferences(text, sourceKind(path)!)) {
      const name = written.endsWith('_MODULE') && wanted(written) ? written.slice(0, -'_MODULE'.length) : written;
      if (wanted(name)) put(found, name, sourceReference(path, line, lines[line - 1]!, name));
    }
  }
  return found;
}

function kconfigReference(
  pool: ExprPool,
  path: string,
  lines: readonly string[],
  { statement, symbol, within }: Mention,
): Reference {
  const of = within >= 0 ? pool.names[within]! : undefined;
  const isNeeded =
    (statement.kind === Kind.depends || statement.kind === Kind.if) && requires(pool, statement.expr, symbol);
  const consequence =
    statement.kind === Kind.select || statement.kind === Kind.imply
      ? statement.symbol === symbol
        ? `this ${statement.kind === Kind.select ? 'select' : 'imply'} has no effect`
        : 'it counts as n in this condition'
      : isNeeded
        ? `it counts as n, so this ${statement.kind === Kind.if ? 'condition' : 'dependency'}${of && statement.kind === Kind.depends ? ` of ${of}` : ''} is never met`
        : 'it counts as n there';
  return { where: 'kconfig', path, line: statement.line, text: lines[statement.line - 1] ?? '', consequence };
}

function sourceReference(path: string, line: number, text: string, name: string): Reference {
  const where = sourceKind(path) === 'kbuild' ? 'kbuild' : 'c';
  const isObject = new RegExp(`^\\s*obj-\\$\\(CONFIG_${name}\\)`).test(text);
  const call = new RegExp(`\\b(IS_\\w+)\\s*\\(\\s*CONFIG_${name}\\b`).exec(text)?.[1];
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
  return each.size === 1 ? references[0]!.consequence : 'it counts as n wherever it is named';
}

function put(map: References, name: string, reference: Reference): void {
  map.set(name, [...(map.get(name) ?? []), reference]);
}

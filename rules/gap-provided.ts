/** What would provide or declare what a gap lacks: the line that decides that it does not, and the symbols it hangs on. */

import { textAt } from './gap-blame.ts';
import { offLineOf } from './kbuild/off-line.ts';
import type { Presence } from './kbuild/presence.ts';
import type { ExprId } from './kconfig/expr.ts';
import type { KSymbol } from './kconfig/model.ts';
import type { Solver } from './kconfig/solve.ts';
import type { Values } from './kconfig/values.ts';
import type { ArchPair, KernelChange } from './rule.ts';
import { conditionBounds } from './source/c-condition.ts';
import { whenAt } from './source/c-file.ts';
import { preprocess } from './source/c-preprocess.ts';
import { type Into, objectOf } from './source/link-gap.ts';
import type { Found } from './source/link-search.ts';
import { NOWHERE, type Place } from './told.ts';

/** The line that decides, in the solver's configuration, that what is lacking is not there. */
export async function providedAt(change: KernelChange, solver: Solver, { need, into }: Found): Promise<Place> {
  if (need.kind === 'power' || need.kind === 'stub') return NOWHERE;
  if (need.kind !== 'declaration') {
    const [exported] = need.providers.exports;
    const presence = need.providers.presences.find(({ object }) => object === objectOf(exported!.path));
    // where several lines export it, no single #if is why
    if (need.kind === 'link' && isIn(solver, presence, into))
      return need.providers.exports.length > 1 ? NOWHERE : await outermostOff(change, solver, exported!, NOWHERE);
    const line = presence && offLineOf(presence, solver);
    return line ? { path: line.path, line: line.line, text: line.text.trim() } : NOWHERE;
  }
  if (need.use.declared === false) return NOWHERE;
  const at = { ...need.use.at, text: (await textAt(change, need.use.at.path, need.use.at.line)).trim() };
  return await outermostOff(change, solver, at, at);
}

export function isSameLine(a: Place, b: Place): boolean {
  return a.path === b.path && a.line === b.line;
}

/** Whether a provider is built, and where it could be reached: then it does not have the name in it. */
function isIn({ values }: Solver, presence: Presence | undefined, into: Into): boolean {
  if (!presence) return false;
  return values.expr(presence.builtIn) === 2 || (into === 'module' && values.expr(presence.module) === 2);
}

/** Of the #ifs around a line, the outermost that fails. */
async function outermostOff(
  change: KernelChange,
  solver: Solver,
  { path, line }: Pick<Place, 'path' | 'line'>,
  otherwise: Place,
): Promise<Place> {
  const text = (await change.after.tree.read([path])).get(path) ?? '';
  const read = preprocess(text);
  const lines = text.split('\n');
  const isOff = (opened: number): boolean => {
    const when = whenAt(read, firstBelow(lines, opened));
    return solver.values.expr(conditionBounds(change.pool, when).most) === 0;
  };
  // from the inside out
  const found = (await openedAround(change, path, line)).findLast(isOff);
  return found === undefined ? otherwise : { path, line: found, text: (lines[found - 1] ?? '').trim() };
}

/** The first line below a directive, which may be continued. */
function firstBelow(lines: readonly string[], line: number): number {
  let below = line + 1;
  while (lines[below - 2]?.endsWith('\\')) below++;
  return below;
}

/** Lines of the #ifs around a line, the innermost first. */
async function openedAround(change: KernelChange, path: string, line: number): Promise<number[]> {
  const all = ((await change.after.tree.read([path])).get(path) ?? '').split('\n');
  const opened: number[] = [];
  let depth = 0;
  let isOther = false;
  for (let i = line - 2; i >= 0; i--) {
    const [, word] = /^\s*#\s*(if|elif|else|endif)/.exec(all[i]!) ?? [];
    if (word === 'endif') depth += 1;
    else if (word === 'if' && depth > 0) depth -= 1;
    else if (word !== undefined && depth === 0) {
      // of several branches, the one that holds the line
      if (!isOther) opened.push(i + 1);
      isOther = word !== 'if';
    }
  }
  return opened;
}

/**
 * The declared symbols of expressions, as they stand in the tree: expressions have them in the order in which trees
 * happened to be read.
 */
export function symbolsIn(pair: ArchPair, pool: KernelChange['pool'], exprs: readonly ExprId[]): KSymbol[] {
  const found = new Set<KSymbol>();
  for (const expr of exprs)
    pool.symbolsOf(expr, (id) => {
      const symbol = pair.after.symbols[id];
      if (symbol && symbol.declarations.length > 0) found.add(symbol);
    });
  return [...found].sort((a, b) => {
    const [one, other] = [a.declarations[0]!, b.declarations[0]!];
    if (one.path === other.path) return one.line - other.line;
    return one.path < other.path ? -1 : 1;
  });
}

/** Symbols on which what is lacking hangs: for a provider those of its makefiles, that of the object's own line first. */
export async function neededBy(
  change: KernelChange,
  pair: ArchPair,
  { need }: Found,
  provided: Place,
  values: Values,
): Promise<KSymbol[]> {
  const { pool } = change;
  if (!('providers' in need)) return symbolsIn(pair, pool, [conditionBounds(pool, need.use.declared).most]);
  if (provided.path.endsWith('.c')) {
    const text = (await change.after.tree.read([provided.path])).get(provided.path) ?? '';
    const { most } = conditionBounds(pool, whenAt(preprocess(text), firstBelow(text.split('\n'), provided.line)));
    // of `#ifndef` it is not what is on that is needed
    return symbolsIn(pair, pool, [most]).filter((one) => values.tristate(one) === 0);
  }
  // nor are those that build what does not have it
  if (need.kind === 'link' && provided === NOWHERE) return [];
  const found = new Set<KSymbol>();
  for (const { ways } of need.kind === 'link' ? need.providers.presences : need.providers.presences.slice(0, 1))
    for (const { lines } of ways)
      for (const { text } of lines.toReversed())
        for (const [, name] of text.matchAll(/\bCONFIG_(\w+)/g)) {
          const id = pool.findSymbol(name!);
          const symbol = id === undefined ? undefined : pair.after.symbols[id];
          if (symbol && symbol.declarations.length > 0) found.add(symbol);
        }
  return [...found];
}

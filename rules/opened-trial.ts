/**
 * A trial of what a series lets be built where it could not be: entries that can be on although their own conditions
 * did not allow it before, or without something that they selected. Whether their code compiles there only a compiler
 * knows for sure.
 */

import { KbuildTree, symbolTypes } from './kbuild/kbuild-tree.ts';
import { filesNear } from './kbuild/near-objects.ts';
import { propertyLine } from './kconfig/cause.ts';
import type { ExprId } from './kconfig/expr.ts';
import type { Setting } from './kconfig/justify.ts';
import type { KSymbol } from './kconfig/model.ts';
import { newlyOn } from './kconfig/newly-on.ts';
import type { Property, SymbolChange } from './kconfig/properties.ts';
import type { Goal, Solver } from './kconfig/solve.ts';
import { fragment } from './kconfig/witness.ts';
import type { ArchPair, KernelChange } from './rule.ts';
import { objectOf } from './source/link-gap.ts';
import { witnessOf } from './told.ts';
import type { Trial } from './trial.ts';
import type { Anchor } from './types.ts';

/** Entries of one architecture, and objects of each, that are tried. */
const MOST_ENTRIES = 4;
const MOST_OBJECTS = 24;

interface OpenedEntry {
  readonly symbol: KSymbol;
  /** That it is on where it could not be without the series. */
  readonly goals: readonly Goal[];
  readonly dropped: readonly Dropped[];
}

/** What need not hold any more, one of several. */
interface Dropped {
  /** As Kconfig writes it. */
  readonly lacks: string;
  readonly expr: ExprId;
  readonly anchor: Anchor;
}

/** The trial of one architecture; undefined where the series opens nothing there that has code. */
export async function openedTrial(change: KernelChange, pair: ArchPair): Promise<Trial | undefined> {
  if (pair.isCircular) return undefined;
  const solver = pair.solver('after');
  const entries = together(solver, openedEntries(change, pair)).slice(0, MOST_ENTRIES);
  const objects = entries.length > 0 ? await objectsOf(change, pair, entries) : [];
  const goals = entries.flatMap((entry) => entry.goals);
  const isOpen = (one: readonly Goal[]): boolean => solver.isPossible([...goals, ...one]) === true;
  for (const { ways } of objects) goals.push(...(ways.find(isOpen) ?? []));
  const answer = solver.solve(goals);
  if (answer.verdict !== 'possible') return undefined;
  const { settings } = answer;
  const isMet = ({ expr, level }: Goal): boolean => solver.values.expr(expr) >= level;
  const built = objects.filter(({ ways }) => ways.some((way) => way.every(isMet)));
  const control = controlOf(pair.solver('before'), entries, settings);
  const told = entries.flatMap(({ symbol, dropped }) => {
    const missing = dropped.find(({ expr }) => solver.values.expr(expr) === 0);
    if (!missing || !built.some(({ entry }) => entry.symbol === symbol)) return [];
    const { lacks, anchor } = missing;
    return { symbol: symbol.name, lacks, anchor, couldBeOn: control.symbols.has(symbol) };
  });
  if (told.length === 0) return undefined;
  return {
    witness: witnessOf(pair.arch, settings),
    config: fragment(settings),
    changed: [],
    including: built.map(({ path }) => path),
    owners: Object.fromEntries(built.map(({ path, entry }) => [path, entry.symbol.name])),
    opened: { entries: told, ...(control.config !== undefined && { control: control.config }) },
  };
}

function openedEntries(change: KernelChange, pair: ArchPair): OpenedEntry[] {
  const found = [...pair.changes.values()].flatMap((one) => [
    ...widened(change, pair, one),
    ...one.removed.flatMap((property) => unselected(change, pair, one, property)),
  ]);
  return [...new Map(found.map((one) => [one.symbol, one])).values()];
}

/** An own condition is gone. */
function widened(change: KernelChange, pair: ArchPair, one: SymbolChange): OpenedEntry[] {
  const newly = newlyOn(pair.solver('after'), one);
  if (!newly) return [];
  const dropped = newly.dropped.flatMap(({ property, expr }): Dropped[] => {
    const anchor = anchorOf(change, property);
    return anchor ? [{ lacks: change.pool.print(expr), expr, anchor }] : [];
  });
  return dropped.length > 0 ? [{ symbol: newly.after, goals: newly.goals, dropped }] : [];
}

/** What an entry selected can be off with it. */
function unselected(
  change: KernelChange,
  pair: ArchPair,
  { after: target }: SymbolChange,
  property: Property,
): OpenedEntry[] {
  const { pool } = change;
  const symbol =
    property.kind === 'selected by' && property.edge ? pair.after.symbols[property.edge.from.id] : undefined;
  const anchor = symbol && target && anchorOf(change, property);
  if (!anchor) return [];
  const goals: Goal[] = [
    { expr: pool.symbol(symbol.id), level: 1, holds: true },
    { expr: pool.symbol(target.id), level: 1, holds: false },
  ];
  const isNew = pair.solver('after').isPossible(goals) === true && pair.solver('before').isPossible(goals) === false;
  const dropped = [{ lacks: target.name, expr: pool.symbol(target.id), anchor }];
  return isNew ? [{ symbol, goals, dropped }] : [];
}

function anchorOf({ lines }: KernelChange, property: Property): Anchor | undefined {
  return lines.told('before', property.path, property.line, propertyLine(property))?.anchor;
}

/** Those that one configuration can have, the first ones first. */
function together(solver: Solver, entries: readonly OpenedEntry[]): OpenedEntry[] {
  const some: OpenedEntry[] = [];
  for (const one of entries)
    if (solver.isPossible([...some, one].flatMap(({ goals }) => goals)) === true) some.push(one);
  return some;
}

interface OpenedObject {
  readonly path: string;
  readonly entry: OpenedEntry;
  /** Goals of which each list has it built. */
  readonly ways: readonly (readonly Goal[])[];
}

/** Objects that can be built of each entry. */
async function objectsOf(
  change: KernelChange,
  pair: ArchPair,
  entries: readonly OpenedEntry[],
): Promise<readonly OpenedObject[]> {
  const { arch } = pair;
  const { tree } = change.after;
  const { pool, FALSE } = change.kbuild.conditions;
  const makefiles = await KbuildTree.open(change.kbuild, tree, { arch, symbolType: symbolTypes(pool, pair.after) });
  const found = new Map<string, OpenedObject>();
  for (const entry of entries) {
    const { symbol, goals } = entry;
    const places = symbol.declarations.map(({ path }) => path);
    let count = 0;
    for (const path of await filesNear(tree, symbol.name, places, arch)) {
      if (count === MOST_OBJECTS) break;
      const presence = await makefiles.conditionOf(path, { isNear: true });
      if (!presence || presence.isUnknown) continue;
      const places = [presence.builtIn, presence.module].filter((expr) => expr !== FALSE);
      if (!places.some((expr) => pool.symbolsIn(expr).includes(symbol.id))) continue;
      const ways = places.map((expr): Goal[] => [{ expr, level: 2, holds: true }]);
      if (!ways.some((way) => pair.solver('after').isPossible([...goals, ...way]) === true)) continue;
      const object = objectOf(path);
      if (!found.has(object)) found.set(object, { path: object, entry, ways });
      count += 1;
    }
  }
  return [...found.values()];
}

/**
 * The nearest configuration that had entries without the series, as lines of a .config, and which: as many of them, then
 * of the settings, as go together. No configuration where none of them could be on at all.
 */
function controlOf(
  before: Solver,
  entries: readonly OpenedEntry[],
  settings: readonly Setting[],
): { readonly symbols: ReadonlySet<KSymbol>; readonly config?: string } {
  const { pool, model } = before;
  const goals: Goal[] = [];
  const keep = (...some: readonly Goal[]): boolean => {
    const goes = before.isPossible([...goals, ...some]) === true;
    if (goes) goals.push(...some);
    return goes;
  };
  const isOn = ({ id }: KSymbol): Goal => ({ expr: pool.symbol(id), level: 1, holds: true });
  const symbols = new Set(entries.map(({ symbol }) => symbol).filter((symbol) => keep(isOn(symbol))));
  if (symbols.size === 0) return { symbols };
  for (const { symbol, value } of settings) {
    const old = model.symbols[symbol.id];
    if (!old || old.declarations.length === 0) continue;
    const isY: Goal = { ...isOn(symbol), level: 2 };
    if (value === 'y') keep(isY);
    else if (value === 'm') keep(isOn(symbol), { ...isY, holds: false });
    else if (value === 'n') keep({ ...isOn(symbol), holds: false });
  }
  const answer = before.solve(goals);
  return answer.verdict === 'possible' ? { symbols, config: fragment(answer.settings) } : { symbols: new Set() };
}

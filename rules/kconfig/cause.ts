/**
 * Why a value changed: the property that the series added or removed, on the symbol itself or on one
 * that it gets its value from.
 */

import { NO, NONE } from './expr.ts';
import type { Declaration } from './model.ts';
import { operands } from './operands.ts';
import { SymbolType } from './parse.ts';
import type { Property } from './properties.ts';
import { rank, type Upgrade, type ValueChange } from './upgrade.ts';
import type { Values } from './values.ts';

export interface Cause {
  readonly property: Property;
  readonly side: 'before' | 'after';
  /** The change of that symbol; of the one that reads it, where it is gone. */
  readonly change: ValueChange;
  /** Symbols from the one asked about down to the one whose property it is, both included. */
  readonly chain: readonly string[];
}

type Found = Pick<Cause, 'property' | 'side'>;

/** The declaration that went away, by the name of its symbol: of those that may be blamed. */
export type GoneDeclarations = ReadonlyMap<string, Property>;

const NONE_GONE: GoneDeclarations = new Map();

/**
 * The property behind `change` in the configuration that `upgrade` ran last; undefined where the
 * reading finds none (then nothing should be claimed). `gone`: of that configuration.
 */
export function findCause(
  upgrade: Upgrade,
  changes: ReadonlyMap<string, ValueChange>,
  change: ValueChange,
  gone: GoneDeclarations = NONE_GONE,
): Cause | undefined {
  const seen = new Set<string>([change.name]);
  const queue: { change: ValueChange; chain: string[]; gone?: Property }[] = [{ change, chain: [change.name] }];
  for (let i = 0; i < queue.length; i++) {
    const { change: here, chain, gone: declaration } = queue[i]!;
    if (declaration) return { property: declaration, side: 'before', change: here, chain };
    const own = ownCause(upgrade, here);
    // A select that went away from a symbol which is lost itself explains nothing: it would be off anyway.
    const from = own?.property.edge?.from.name;
    const isCarried = from !== undefined && own?.side === 'before' && isLoss(changes.get(from));
    if (own && !isCarried) return { ...own, change: here, chain };
    const { pool } = upgrade.before;
    const inputs = isCarried
      ? [from]
      : [...operands(pool, here.before), ...operands(pool, here.after)].map((id) => pool.names[id]!);
    for (const name of inputs) {
      const next = changes.get(name);
      const declaration = gone.get(name);
      if (seen.has(name) || (!next && !declaration)) continue;
      seen.add(name);
      queue.push({ change: next ?? here, chain: [...chain, name], ...(!next && declaration && { gone: declaration }) });
    }
  }
  return undefined;
}

/** The one of the symbol's own added or removed properties that moves its value. */
function ownCause(upgrade: Upgrade, change: ValueChange): Found | undefined {
  const own = upgrade.changeOf(change.name);
  if (!own) return undefined;
  const { before, after } = upgrade;
  const b = change.before;
  const a = change.after;
  const isLower = rank(change.to) < rank(change.from);
  const pick = (
    side: 'before' | 'after',
    kinds: readonly string[],
    test: (p: Property) => boolean = () => true,
  ): Found | undefined => {
    const property = (side === 'before' ? own.removed : own.added).find((p) => kinds.includes(p.kind) && test(p));
    return property && { property, side };
  };
  const holds = (values: Values, p: Property): boolean =>
    p.edge !== undefined && values.tristate(p.edge.from) !== NO && values.condition(p.edge) !== NO;

  if (change.asked === 'm' && b.type === SymbolType.tristate && a.type === SymbolType.bool) {
    const type = pick('after', ['type']);
    if (type) return { ...type, property: atTypeLine(type.property) };
  }
  if (before.reverseDep(b) > after.reverseDep(a)) {
    const lost = pick('before', ['selected by'], (p) => holds(before, p));
    if (lost) return lost;
  }
  if (before.reverseDep(b) < after.reverseDep(a)) {
    const gained = pick('after', ['selected by'], (p) => holds(after, p));
    if (gained) return gained;
  }
  if (before.implied(b) > after.implied(a)) {
    const lost = pick('before', ['implied by'], (p) => holds(before, p));
    if (lost) return lost;
  }
  if (before.implied(b) < after.implied(a)) {
    const gained = pick('after', ['implied by'], (p) => holds(after, p));
    if (gained) return gained;
  }
  // A dependency or condition that holds back what it let through, or the other way round.
  const conditions = ['depends on', 'visible if', 'prompt'];
  if (before.visible(b) !== after.visible(a) || before.directDep(b) !== after.directDep(a)) {
    const limit = Math.max(rank(change.from), rank(change.to));
    const tighter = isLower && pick('after', conditions, (p) => p.expr !== NONE && after.expr(p.expr) < limit);
    if (tighter) return tighter;
    const looser = !isLower && pick('before', conditions, (p) => p.expr !== NONE && before.expr(p.expr) < limit);
    if (looser) return looser;
    const block = pick(isLower ? 'before' : 'after', ['prompt', 'declaration']);
    if (block) return block;
  }
  // What somebody asks for, and could have, no default takes away.
  const numbers = change.asked === change.from ? [['range'], ['default']] : [['default'], ['range']];
  for (const kinds of [...numbers, ['choice'], ['type'], ['declaration', 'prompt']]) {
    const found = pick('after', kinds) ?? pick('before', kinds);
    if (found) return found;
  }
  return undefined;
}

function isLoss(change: ValueChange | undefined): boolean {
  return change !== undefined && rank(change.to) < rank(change.from);
}

/** A type is said to stand where its block begins; the line that names it is the one to show. */
function atTypeLine(property: Property): Property {
  const lines = fileOf(property)?.file.text.split('\n') ?? [];
  for (let i = property.line; i < lines.length && /^(?:\s|$)/.test(lines[i]!); i++)
    if (/^\s+(?:def_)?bool\b/.test(lines[i]!)) return { ...property, line: i + 1 };
  return property;
}

/** The line of the file that a property stands on, as it is. */
export function propertyLine(property: Property): string {
  const declaration = fileOf(property);
  return declaration?.file.text.split('\n', property.line)[property.line - 1] ?? '';
}

/** The declaration in whose file the property stands. */
function fileOf(property: Property): Declaration | undefined {
  if (property.edge) return property.edge.in;
  for (const declaration of property.of.declarations) {
    for (let d: Declaration | undefined = declaration; d; d = d.parent) if (d.path === property.path) return d;
  }
  return property.of.choice?.declaration;
}

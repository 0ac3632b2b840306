/**
 * Whether one line brings a change about by itself, or only together with other lines of the series.
 * Where the reading leaves a doubt the answer is no: a reply then says less, and nothing wrong.
 */

import { type Cause, findCause, type GoneDeclarations } from './cause.ts';
import { NO, NONE, type SymbolId } from './expr.ts';
import type { Edge, KSymbol } from './model.ts';
import { operands } from './operands.ts';
import type { Property, SymbolChange } from './properties.ts';
import type { Upgrade, ValueChange } from './upgrade.ts';
import type { Values } from './values.ts';

/** Causes in one configuration, valid until `upgrade` runs the next. */
export class Causes {
  readonly #upgrade: Upgrade;
  readonly #changes: ReadonlyMap<string, ValueChange>;
  readonly #gone: GoneDeclarations;
  readonly #causes = new Map<string, Cause | undefined>();
  /** What is being answered counts as yes: a circle of symbols adds no line of its own. */
  readonly #isSole = new Map<string, boolean>();

  constructor(upgrade: Upgrade, changes: ReadonlyMap<string, ValueChange>, gone: GoneDeclarations = new Map()) {
    this.#upgrade = upgrade;
    this.#changes = changes;
    this.#gone = gone;
  }

  /** As findCause(), remembered. */
  of(change: ValueChange): Cause | undefined {
    if (!this.#causes.has(change.name))
      this.#causes.set(change.name, findCause(this.#upgrade, this.#changes, change, this.#gone));
    return this.#causes.get(change.name);
  }

  /** Whether the line that of() finds would do it without the rest of the series. */
  isSole(change: ValueChange): boolean {
    const known = this.#isSole.get(change.name);
    if (known !== undefined) return known;
    this.#isSole.set(change.name, true);
    const cause = this.of(change);
    const is = cause !== undefined && this.#isOneLine(change, cause) && this.#inputsFollow(change, cause);
    this.#isSole.set(change.name, is);
    return is;
  }

  #isOneLine(change: ValueChange, cause: Cause): boolean {
    const { property, chain } = cause;
    const own = this.#upgrade.changeOf(change.name);
    if (chain.length > 1) return own === undefined || hasNoOther(own, cause);
    const { pool } = this.#upgrade.before;
    let readsChanged = false;
    if (property.expr !== NONE)
      pool.symbolsOf(property.expr, (id) => {
        readsChanged ||= this.#changes.has(pool.names[id]!);
      });
    if (readsChanged) return false;
    if (this.#lostEdges(change).some((edge) => edge !== property.edge)) return false;
    const isEdge = property.kind === 'selected by' || property.kind === 'implied by';
    // What was selected may have kept its value by itself, but for another line.
    return !isEdge || [...own!.removed, ...own!.added].every(({ kind }) => kind === property.kind);
  }

  /** Selects and implies that held before and do not any more; #inputsFollow() looks at who changed itself. */
  #lostEdges({ before: b, after: a }: ValueChange): Edge[] {
    const { before, after } = this.#upgrade;
    const lost = (was: readonly Edge[], is: readonly Edge[]): Edge[] => {
      const kept = new Set(
        is.filter((edge) => holds(after, edge) || this.#changes.has(edge.from.name)).map(({ from }) => from.id),
      );
      return was.filter((edge) => holds(before, edge) && !kept.has(edge.from.id));
    };
    return [...lost(b.selectedBy, a.selectedBy), ...lost(b.impliedBy, a.impliedBy)];
  }

  /** Everything it is made from, as far as it changes, changes by that line alone. */
  #inputsFollow(change: ValueChange, cause: Cause): boolean {
    return [...this.#inputs(change.before, change.after)].every((id) => {
      const name = this.#upgrade.before.pool.names[id]!;
      const gone = this.#gone.get(name);
      // a select by what is gone is told by the select
      if (gone) return isBy(cause, name) || (gone.path === cause.property.path && gone.line === cause.property.line);
      const input = this.#changes.get(name);
      if (!input) return true;
      const other = this.of(input);
      return other !== undefined && isSameLine(other, cause) && this.isSole(input);
    });
  }

  #inputs(b: KSymbol, a: KSymbol): Set<SymbolId> {
    const { pool } = this.#upgrade.before;
    return new Set([...operands(pool, b), ...operands(pool, a)]);
  }
}

/**
 * Whether the change of its own properties is the cause's line (a dependency around them all), or only
 * that of those who select it: such a select counts as another one where their dependencies changed.
 */
function hasNoOther({ removed, added }: SymbolChange, { property: { path, line }, side }: Cause): boolean {
  const edges = (all: readonly Property[]): string =>
    all
      .flatMap(({ kind, edge }) => (edge ? `${kind} ${edge.from.id} ${edge.cond}` : []))
      .sort()
      .join();
  if (edges(removed) !== edges(added)) return false;
  // A dependency that goes takes nothing away.
  const harmless = ['depends on', 'visible if'];
  return (
    removed.every(({ edge, kind }) => edge !== undefined || (side === 'after' && harmless.includes(kind))) &&
    added.every((one) => one.edge !== undefined || (side === 'after' && one.path === path && one.line === line))
  );
}

function holds(values: Values, edge: Edge): boolean {
  return values.tristate(edge.from) !== NO && values.condition(edge) !== NO;
}

function isBy({ property: { edge } }: Cause, name: string): boolean {
  return edge?.from.name === name;
}

function isSameLine({ property: one, side }: Cause, { property: other, side: otherSide }: Cause): boolean {
  return one.path === other.path && one.line === other.line && one.kind === other.kind && side === otherSide;
}

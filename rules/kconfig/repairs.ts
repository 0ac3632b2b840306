/**
 * What would repair a fault: proposals for one Kconfig entry, each put into the model and tried with the solver before
 * anybody reads it. No proposal is better than a wrong one.
 */

import type { Level } from './cnf.ts';
import { directDependencyOf, edgeExpr, SignTable } from './conditions.ts';
import { type ExprId, type ExprPool, NONE, Op, type SymbolId } from './expr.ts';
import type { Edge, KconfigModel, KSymbol } from './model.ts';
import { operands } from './operands.ts';
import { SymbolType } from './parse.ts';
import type { Answer, Goal, Solver } from './solve.ts';
import { levelsOf, unmetGoals, unmetLines } from './unmet.ts';
import { type Line, withLine } from './with-line.ts';
import { applySettings } from './witness.ts';

export interface Repair {
  readonly kind: 'depends on' | 'select' | 'select if' | 'imply';
  /** The entry that the line goes into. */
  readonly symbol: string;
  /** The rest of the line; of a `select if` what stands in place of a select. */
  readonly text: string;
}

/** A repair as far as it is known: of the architectures that were asked. */
export interface Proposal extends Repair {
  /** What is depended on, selected or implied; of a `select if` the condition. */
  readonly needed: ExprId;
  /** What a `select if` selects. */
  readonly target?: SymbolId;
  /** It names nothing that architectures declare for themselves: who has none of it can do without the entry. */
  readonly isGeneral: boolean;
  /** Its symbol can still be enabled with it on one of them; on none without it where it cannot with it. */
  readonly canBeOn: boolean;
}

/** Sets of goals of which each is the fault, in the model as it is when it is asked for. */
export type Fault = () => readonly (readonly Goal[])[];

/** Rounds in which a dependency that was not enough is added to. */
const MOST_ROUNDS = 4;
const MOST_TEXT = 120;
/** Symbols followed to see whether a proposal would close a circle. */
const MOST_FOLLOWED = 20_000;
/** Selects that are looked at for what a proposal makes unmet. */
const MOST_EDGES = 200;
/** Questions asked to see whether a symbol can be on without the fault. */
const MOST_QUESTIONS = 60;

/** Lines for the entry of `owner` after which `edge` cannot be unmet any more. Empty where none is found. */
export function repairsOf(solver: Solver, edge: Edge, owner: KSymbol): Proposal[] {
  const { pool, model } = solver;
  const lines: Proposal[] = [];
  const needed = neededDependency(solver, edge, owner);
  if (needed !== undefined) {
    lines.push(...proposal(solver, owner, 'depends on', needed));
    const only = pool.ops[needed] === Op.symbol ? model.symbols[pool.lefts[needed]!] : undefined;
    if (only && isSelectable(only)) lines.push(...proposal(solver, owner, 'select', needed));
    // others can do without it where that is off
    if (edge.from === owner && edge.to.selectedBy.some((one) => one.from !== owner && one.cond === needed)) {
      const text = `${edge.to.name} if ${pool.print(pool.and(edge.cond, needed))}`;
      const [one] = proposal(solver, owner, 'depends on', needed);
      if (one && text.length <= MOST_TEXT) lines.push({ ...one, kind: 'select if', text, target: edge.to.id });
    }
  }
  if (edge.from === owner && edge.to.prompts.length > 0)
    lines.push(...proposal(solver, owner, 'imply', pool.symbol(edge.to.id)));
  return lines.flatMap((one) => tried(solver, faultOf(pool, edge), owner, one) ?? []);
}

/** That the edge is unmet, at any level. */
export function faultOf(pool: ExprPool, edge: Edge): Fault {
  return () => (edge.from.selects.includes(edge) ? levelsOf(edge).map((level) => unmetGoals(pool, edge, level)) : []);
}

/** A line to be tried; none where nobody would read it. */
export function proposal({ pool, model }: Solver, owner: KSymbol, kind: Repair['kind'], needed: ExprId): Proposal[] {
  const text = pool.print(needed);
  const isGeneral = pool
    .symbolsIn(needed)
    .every((id) => model.symbols[id]?.declarations.every(({ path }) => !path.startsWith('arch/')));
  return text.length > MOST_TEXT ? [] : [{ kind, symbol: owner.name, text, needed, isGeneral, canBeOn: false }];
}

/** Whether an architecture lacks altogether what a dependency of general use asks for. */
export function isForeign(
  { pool, symbols }: { readonly pool: ExprPool } & Pick<KconfigModel, 'symbols'>,
  one: Proposal,
): boolean {
  const isDeclared = (id: SymbolId): boolean =>
    pool.constant[id] === true || (symbols[id]?.declarations.length ?? 0) > 0;
  return one.kind === 'depends on' && one.isGeneral && !pool.symbolsIn(one.needed).every(isDeclared);
}

/**
 * The proposal as it is after this architecture: undefined where its line does not close the fault there, takes away a
 * symbol that was possible without the fault, or makes another select unmet. Without a fault there is none to close.
 */
export function tried(solver: Solver, fault: Fault, owner: KSymbol, one: Proposal): Proposal | undefined {
  const { pool, model } = solver;
  const line = lineOf(solver, owner, one);
  if (!line) return undefined;
  const wasFine = canBeFine(solver, owner, fault());
  const tryOut = withLine(pool, model, owner, line, (after) => {
    if (fault().some((goals) => after.isPossible(goals) !== false)) return undefined;
    const isPossible = after.isPossible([on(pool, owner, 1)]) === true;
    if (wasFine && !isPossible) return undefined;
    const unmet = unmetWith(after, line);
    return unmet && { isPossible, unmet };
  });
  // the solver of the model as it is must not be asked while the line stands in it
  if (!tryOut || tryOut.unmet.some((goals) => solver.isPossible(goals) === false)) return undefined;
  return { ...one, canBeOn: one.canBeOn || tryOut.isPossible };
}

/** The line as this architecture's entry can have it. */
function lineOf(solver: Solver, owner: KSymbol, { kind, needed, target: selected }: Proposal): Line | undefined {
  const { pool, model } = solver;
  if (kind === 'select if') {
    const [edge, ...others] = owner.selects.filter(({ to }) => to.id === selected);
    return edge && others.length === 0 && isOnlyWhere(solver, edgeExpr(pool, edge), edge.to, needed)
      ? { kind, insteadOf: edge, expr: needed }
      : undefined;
  }
  if (kind === 'depends on') return canDepend(solver, owner, needed) ? { kind, expr: needed } : undefined;
  const target = model.symbols[pool.lefts[needed]!];
  if (!target) return undefined;
  if (kind === 'select') return canSelect(solver, owner, target) ? { kind, target } : undefined;
  const [insteadOf, ...others] = owner.selects.filter(({ to }) => to === target);
  return insteadOf && others.length === 0 ? { kind, insteadOf } : undefined;
}

/**
 * Whether the line does no harm to an entry with these conditions on an architecture where it mends nothing, as far as
 * a model without the entry can tell.
 */
export function doesNoHarm(solver: Solver, conditions: ExprId, one: Proposal): boolean {
  const { pool, model } = solver;
  const isOn: Goal = { expr: conditions, level: 1, holds: true };
  if (one.kind === 'imply' || solver.isPossible([isOn]) === false) return true;
  if (one.kind === 'select if') {
    const selected = model.symbols[one.target!];
    return !selected || isOnlyWhere(solver, conditions, selected, one.needed);
  }
  if (one.kind === 'depends on') return solver.isPossible([isOn, { expr: one.needed, level: 1, holds: true }]) === true;
  const target = model.symbols[pool.lefts[one.needed]!];
  const needed = target && directDependencyOf(pool, target);
  return needed === undefined || solver.isPossible([isOn, { expr: needed, level: 1, holds: false }]) === false;
}

/** Whether `target`, selected where `when` holds, has its dependency met nowhere but where `needed` is. */
function isOnlyWhere(solver: Solver, when: ExprId, target: KSymbol, needed: ExprId): boolean {
  const dependency = directDependencyOf(solver.pool, target);
  if (target.declarations.length === 0) return true;
  return ([1, 2] as const).every(
    (level) =>
      solver.isPossible([
        { expr: when, level, holds: true },
        { expr: dependency, level, holds: true },
        { expr: needed, level, holds: false },
      ]) === false,
  );
}

/** Whether a dependency decides when the symbol is on: people know it by a prompt, and nothing forces it. */
function canDepend(solver: Solver, owner: KSymbol, needed: ExprId): boolean {
  const { pool, model } = solver;
  const { prompts, declarations, isChoiceMember, selectedBy } = owner;
  if (isChoiceMember || declarations.length !== 1 || prompts.length === 0) return false;
  if (prompts.some(({ menusVisible }) => menusVisible !== NONE)) return false;
  if (readsAny(pool, model, pool.symbolsIn(needed), owner.id)) return false;
  return !selectedBy.some((edge) =>
    ([1, 2] as const).some(
      (level) =>
        solver.isPossible([
          { expr: edgeExpr(pool, edge), level, holds: true },
          { expr: needed, level, holds: false },
        ]) !== false,
    ),
  );
}

/** Whether the symbol can be on while none of the sets of goals is met; also where that takes too long to find out. */
function canBeFine(solver: Solver, owner: KSymbol, fault: ReturnType<Fault>): boolean {
  let left = MOST_QUESTIONS;
  const search = (known: readonly Goal[], i: number): boolean => {
    if (left-- <= 0) return true;
    if (solver.isPossible(known) === false) return false;
    const goals = fault[i];
    if (!goals) return true;
    return goals.some(({ expr, level, holds }) => search([...known, { expr, level, holds: !holds }], i + 1));
  };
  return search([on(solver.pool, owner, 1)], 0);
}

/**
 * What can be selected against its dependency with the line in the model, as goals, where that may be because of it;
 * undefined where the line's own select can be, or there is too much to ask.
 */
function unmetWith(after: Solver, line: Line): readonly (readonly Goal[])[] | undefined {
  if (line.kind === 'depends on') return [];
  const { pool, model } = after;
  const isMore = line.kind === 'select';
  const moved = new Set([isMore ? line.target : line.insteadOf.to]);
  for (const symbol of moved) for (const { to } of symbol.selects) if (moved.size < MOST_EDGES) moved.add(to);
  const edges = new Set(isMore ? [...moved].flatMap(({ selects }) => selects) : []);
  const signs = new SignTable(pool);
  for (const { selectedBy } of model.declared) {
    const [first] = selectedBy;
    if (!first) continue;
    const dependency = directDependencyOf(pool, first.to);
    if ([...moved].some(({ id }) => signs.of(dependency, id)[isMore ? 'less' : 'more']))
      for (const edge of selectedBy) edges.add(edge);
  }
  if (edges.size > MOST_EDGES) return undefined;
  const canBe = (edge: Edge): readonly (readonly Goal[])[] =>
    faultOf(pool, edge)().filter((goals) => after.isPossible(goals) !== false);
  const own = line.kind === 'imply' ? undefined : [...moved][0]!.selectedBy.at(-1);
  return own && canBe(own).length > 0 ? undefined : [...edges].flatMap(canBe);
}

/** What of the target's dependency the owner has to repeat; undefined where that does not help. */
function neededDependency(solver: Solver, edge: Edge, owner: KSymbol): ExprId | undefined {
  const { pool, values } = solver;
  let needed: ExprId[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const left = openCase(solver, edge, owner, needed);
    if (!left) return needed.length === 0 ? undefined : fewest(solver, edge, owner, needed);
    const { level, answer } = left;
    if (answer.verdict !== 'possible') return undefined;
    applySettings(values, answer.settings);
    // A case in which the owner has no part is not for it to repair.
    if (values.tristate(owner) === 0) return undefined;
    const lines = unmetLines(edge, level, values);
    if (lines.length === 0) return undefined;
    needed = [...new Set([...needed, ...lines.flatMap(({ expr }) => conjuncts(pool, expr))])];
  }
  return undefined;
}

/** Leaves out what the owner has to have anyway. */
function fewest(solver: Solver, edge: Edge, owner: KSymbol, needed: readonly ExprId[]): ExprId {
  let kept = [...needed];
  for (const one of needed) {
    const fewer = kept.filter((other) => other !== one);
    if (fewer.length > 0 && !openCase(solver, edge, owner, fewer)) kept = fewer;
  }
  return all(solver.pool, kept);
}

/** A way in which the edge is still unmet, at any level, although the owner depends on all of `needed`. */
function openCase(solver: Solver, edge: Edge, owner: KSymbol, needed: readonly ExprId[]): OpenCase | undefined {
  const { pool } = solver;
  const dependency = all(pool, needed);
  for (const level of levelsOf(edge)) {
    // The dependency of a symbol limits what it selects.
    const limit: Goal[] = edge.from === owner && dependency !== NONE ? [{ expr: dependency, level, holds: true }] : [];
    for (const goals of openCases(pool, owner, dependency)) {
      const answer = solver.solve([...unmetGoals(pool, edge, level), ...limit, ...goals]);
      if (answer.verdict !== 'impossible') return { level, answer };
    }
  }
  return undefined;
}

interface OpenCase {
  readonly level: Level;
  readonly answer: Exclude<Answer, { verdict: 'impossible' }>;
}

function all(pool: ExprPool, exprs: readonly ExprId[]): ExprId {
  return exprs.reduce((a, b) => pool.and(a, b), NONE);
}

function conjuncts(pool: ExprPool, e: ExprId): ExprId[] {
  return pool.ops[e] === Op.and ? [...conjuncts(pool, pool.lefts[e]!), ...conjuncts(pool, pool.rights[e]!)] : [e];
}

/** What "depends on needed" leaves: the owner off, or as far on as that allows. */
function openCases(pool: ExprPool, owner: KSymbol, needed: ExprId): Goal[][] {
  const held = (level: Level): Goal[] => (needed === NONE ? [] : [{ expr: needed, level, holds: true }]);
  const isOff = [off(pool, owner, 1)];
  if (owner.type === SymbolType.bool) return [isOff, [on(pool, owner, 1), ...held(1)]];
  return [isOff, [on(pool, owner, 1), off(pool, owner, 2), ...held(1)], [on(pool, owner, 2), ...held(2)]];
}

function on(pool: ExprPool, symbol: KSymbol, level: Level): Goal {
  return { expr: pool.symbol(symbol.id), level, holds: true };
}

function off(pool: ExprPool, symbol: KSymbol, level: Level): Goal {
  return { expr: pool.symbol(symbol.id), level, holds: false };
}

/** A helper, that others select as well: not only architectures, which say with it what they have. */
export function isSelectable({ prompts, selectedBy }: KSymbol): boolean {
  const isHelper = selectedBy.some(({ in: { path } }) => !path.startsWith('arch/'));
  return isHelper && selectedBy.length > (prompts.length > 0 ? 1 : 0);
}

/** Whether a select of `target` by `owner` would never be unmet itself, and close no circle. */
export function canSelect(solver: Solver, owner: KSymbol, target: KSymbol): boolean {
  const { pool, model } = solver;
  const dependency = directDependencyOf(pool, target);
  const isUnmet = ([1, 2] as const).some(
    (level) => solver.isPossible([on(pool, owner, level), { expr: dependency, level, holds: false }]) !== false,
  );
  return target !== owner && !isUnmet && !readsAny(pool, model, [owner.id], target.id);
}

/** Whether one of `from` gets its value, over whatever steps, from `to`; also where that takes too long to find out. */
export function readsAny(pool: ExprPool, model: KconfigModel, from: readonly SymbolId[], to: SymbolId): boolean {
  const seen = new Set(from);
  const queue = [...from];
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (id === to) return true;
    if (seen.size > MOST_FOLLOWED) return true;
    const symbol = model.symbols[id];
    if (!symbol) continue;
    for (const next of operands(pool, symbol)) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(next);
    }
  }
  return false;
}

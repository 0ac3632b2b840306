/**
 * What is built of a series: few configurations that together compile the lines it changes, and in each of them the
 * objects concerned. Those that findings ask for anyway are taken first, then the tree's own configuration that builds
 * most of it, then for what is left the fewest that the solver finds.
 */

import { byFame } from './config-groups.ts';
import { KbuildError } from './kbuild/error.ts';
import { KbuildTree, symbolTypes } from './kbuild/kbuild-tree.ts';
import type { Presence } from './kbuild/presence.ts';
import { isPlainLine, readConfig } from './kconfig/dotconfig.ts';
import type { ExprId } from './kconfig/expr.ts';
import { SymbolType } from './kconfig/parse.ts';
import { type Goal, meets, type Solver } from './kconfig/solve.ts';
import { Values } from './kconfig/values.ts';
import { fragment } from './kconfig/witness.ts';
import type { ArchPair, KernelChange } from './rule.ts';
import { conditionBounds } from './source/c-condition.ts';
import { objectOf } from './source/link-gap.ts';
import { witnessOf } from './told.ts';
import type { LineSpan, NotCompiled, Trial, TrialPlan } from './trial.ts';
import type { ChangedUnits, Piece } from './trial-code.ts';
import type { Arch, SymbolName, Witness } from './types.ts';

/** A configuration that is built for another reason. */
export interface Seed {
  readonly witness: Witness;
  readonly config: string;
}

/** Configurations of one series, over all architectures. */
const MOST_TRIALS = 4;
/** Architectures without a compiler that are named. */
const FEW_ARCHS = 4;
const TOO_MANY = 'it takes more configurations than were built';
/** Files of a piece that are tried for it. */
const MOST_TRIED = 3;

/** One way to compile a piece. */
type Way = readonly Goal[];

/** A configuration that the solver is asked for. */
interface Wanted {
  goals: readonly Goal[];
}

/** Takes architectures one after the other. */
export class TrialPlanner {
  readonly #change: KernelChange;
  readonly #code: ChangedUnits;
  readonly #trials: Trial[] = [];
  /** Pieces that no trial compiles, with the reason as far as it is known. */
  readonly #open: Map<Piece, string | undefined>;
  /** Trials that are to compile a piece. */
  readonly #meant = new Map<Piece, Trial[]>();

  constructor(change: KernelChange, code: ChangedUnits) {
    this.#change = change;
    this.#code = code;
    this.#open = new Map(code.pieces.map((piece) => [piece, undefined]));
  }

  /** Whether another architecture has nothing to add. */
  get isDone(): boolean {
    return this.#open.size === 0 || this.#trials.length >= MOST_TRIALS;
  }

  /** `seeds` are of this architecture. */
  async onArch(pair: ArchPair, seeds: readonly Seed[]): Promise<void> {
    if (pair.isCircular) return;
    const arch = new ArchPlan(this.#change, pair, this.#code);
    await arch.open();
    const ways = new Map([...this.#open.keys()].map((piece) => [piece, arch.ways(piece)]));
    const values = new Values(this.#change.pool, pair.after);
    const meant = (at: Values): Piece[] =>
      [...ways].flatMap(([piece, some]) => (some.some((way) => meets(at, way)) ? [piece] : []));
    const covered = (at: Values): Piece[] => meant(at).filter((piece) => this.#open.has(piece));
    const take = (at: Values, seed: Seed): void => {
      const trial = arch.trial(at, seed);
      const found = meant(at);
      if (this.#trials.length >= MOST_TRIALS || trial.changed.length + trial.including.length === 0) return;
      this.#trials.push(trial);
      for (const piece of found) {
        this.#open.delete(piece);
        this.#meant.set(piece, [...(this.#meant.get(piece) ?? []), trial]);
      }
    };
    for (const seed of seeds) {
      readConfig(values, seed.config, '.config');
      values.restart();
      if (covered(values).length > 0) take(values, seed);
    }
    const nearest = this.#nearest(pair, values, covered);
    if (nearest) {
      readConfig(values, nearest.config, '.config');
      values.restart();
      take(values, nearest);
    }
    const solver = pair.solver('after');
    for (const { goals } of this.#fewest(pair.arch, solver, ways)) {
      if (this.#trials.length >= MOST_TRIALS) break;
      const answer = solver.solve(goals);
      if (answer.verdict !== 'possible') continue;
      const config = fragment(answer.settings);
      take(solver.values, { witness: witnessOf(pair.arch, answer.settings), config });
    }
  }

  /** `missing`: architectures that nobody can build here. `whyNot` says of an object of a trial why it came to nothing. */
  plan(
    missing: readonly Arch[],
    whyNot: (trial: Trial, object: string) => string | undefined = () => undefined,
  ): TrialPlan {
    const few = `${missing.slice(0, FEW_ARCHS).join(', ')}${missing.length > FEW_ARCHS ? ', …' : ''}`;
    const none = missing.length === 0 ? [] : [`there is no compiler for ${few} here`];
    const whyOf = (why: string | undefined): string =>
      why === TOO_MANY ? why : [...(why === undefined ? [] : [why]), ...none].join('; ') || TOO_MANY;
    const open = [...this.#open].map(([piece, why]) => [piece, whyOf(why)] as const);
    const all = [...open, ...this.#inVain(whyNot)].filter(([{ lines }]) => lines.length > 0);
    const byFile = Map.groupBy(all, ([{ path }, why]) => JSON.stringify([path, why]));
    const notCompiled = [...byFile].map(([key, some]): NotCompiled => {
      const [path, why] = JSON.parse(key) as [string, string];
      const lines = some.flatMap(([piece]): readonly LineSpan[] => piece.lines).sort((a, b) => a[0] - b[0]);
      return { path, lines, why };
    });
    const built = new Set(
      this.#trials.flatMap((trial) => objectsOf(trial).filter((object) => whyNot(trial, object) === undefined)),
    );
    const sampled = this.#code.sampled.map((one) => {
      const units = this.#code.pieces.find(({ path }) => path === one.header)?.units ?? [];
      return { ...one, built: units.filter((unit) => built.has(objectOf(unit))) };
    });
    return { trials: this.#trials, notCompiled, sampled, left: this.#code.left };
  }

  /** Pieces that were to be compiled, and that no trial came to, with what kept the first of them from it. */
  #inVain(whyNot: (trial: Trial, object: string) => string | undefined): (readonly [Piece, string])[] {
    return [...this.#meant].flatMap(([piece, trials]) => {
      const units = piece.units.map(objectOf);
      const reasons = trials.flatMap((trial) =>
        objectsOf(trial).flatMap((object) => (units.includes(object) ? [whyNot(trial, object)] : [])),
      );
      const [why] = reasons;
      return why === undefined || reasons.includes(undefined) ? [] : [[piece, why] as const];
    });
  }

  /** The tree's own configuration that compiles most of what is open, without its strings: a series can write them. */
  #nearest({ arch }: ArchPair, values: Values, covered: (at: Values) => Piece[]): Seed | undefined {
    let best: { readonly count: number; readonly seed: Seed } | undefined;
    const own = this.#change.configs.filter((one) => one.arch === arch && one.name.startsWith(`arch/${arch}/`));
    for (const { name, textAfter } of own.toSorted(byFame)) {
      const config = textAfter
        .split('\n')
        .filter((line) => line !== '' && isPlainLine(line))
        .map((line) => `${line}\n`)
        .join('');
      readConfig(values, config, '.config');
      values.restart();
      const count = covered(values).length;
      if (count > 0 && count >= (best?.count ?? 0))
        best = { count, seed: { witness: { arch, from: name, settings: [] }, config } };
    }
    return best?.seed;
  }

  /** Goals that go together in as few configurations as this order gives. */
  #fewest(arch: Arch, solver: Solver, ways: ReadonlyMap<Piece, readonly Way[]>): Wanted[] {
    const wanted: Wanted[] = [];
    for (const piece of [...this.#open.keys()]) {
      const possible = ways.get(piece)!.filter((way) => solver.isPossible(way) === true);
      if (possible.length === 0) {
        this.#open.set(piece, `no configuration of ${arch} compiles it, as far as can be told`);
        continue;
      }
      const joined = (one: Wanted): Way | undefined => {
        const both = possible.map((way) => [...one.goals, ...way]);
        return both.find((goals) => solver.isPossible(goals) === true);
      };
      const fits = wanted.find((one) => {
        const goals = joined(one);
        if (goals) one.goals = goals;
        return goals !== undefined;
      });
      if (fits) continue;
      this.#open.set(piece, TOO_MANY);
      if (this.#trials.length + wanted.length < MOST_TRIALS) wanted.push({ goals: possible[0]! });
    }
    return wanted;
  }
}

/** What one architecture builds of the changed code. */
class ArchPlan {
  readonly #change: KernelChange;
  readonly #pair: ArchPair;
  readonly #code: ChangedUnits;
  readonly #typeOf: ReturnType<typeof symbolTypes>;
  readonly #presences = new Map<string, Presence>();

  constructor(change: KernelChange, pair: ArchPair, code: ChangedUnits) {
    this.#change = change;
    this.#pair = pair;
    this.#code = code;
    this.#typeOf = symbolTypes(change.pool, pair.after);
  }

  async open(): Promise<void> {
    const { kbuild } = this.#change;
    try {
      const options = { arch: this.#pair.arch, symbolType: this.#typeOf };
      const tree = await KbuildTree.open(kbuild, this.#change.after.tree, options);
      for (const path of [...this.#code.changed, ...this.#code.including]) {
        const presence = await tree.conditionOf(path, { isNear: true });
        if (presence) this.#presences.set(path, presence);
      }
    } catch (error) {
      // what make refuses it says itself
      if (!(error instanceof KbuildError)) throw error;
    }
  }

  /** Goals of which each list has the piece compiled. */
  ways({ units, when }: Piece): Way[] {
    const { pool, TRUE, FALSE } = this.#change.kbuild.conditions;
    const typeOf = (name: SymbolName): 'bool' | 'tristate' | 'text' | undefined => {
      const is = this.#typeOf(name);
      if (is === undefined) return undefined;
      return is === SymbolType.bool ? 'bool' : is === SymbolType.tristate ? 'tristate' : 'text';
    };
    const present = units.flatMap((unit) => this.#presences.get(unit) ?? []).slice(0, MOST_TRIED);
    return present.flatMap((presence) =>
      (['builtIn', 'module'] as const).flatMap((place): Way[] => {
        const { least } = conditionBounds(pool, when, { modular: place === 'module' ? TRUE : FALSE, typeOf });
        const both = [presence[place], least];
        if (both.includes(FALSE)) return [];
        return [both.filter((expr) => expr !== TRUE).map((expr) => ({ expr, level: 2, holds: true }))];
      }),
    );
  }

  /** The objects that a configuration builds. */
  trial(values: Values, { witness, config }: Seed): Trial {
    const isBuilt = (path: string): boolean => {
      const presence = this.#presences.get(path);
      const isOn = (expr: ExprId): boolean => values.expr(expr) === 2;
      return presence !== undefined && (isOn(presence.builtIn) || isOn(presence.module));
    };
    const changed = this.#code.changed.filter(isBuilt);
    const including = this.#code.including.filter(isBuilt);
    const owners = [...changed, ...including].flatMap((path) => {
      const owner = this.#owner(this.#presences.get(path)!);
      return owner === undefined ? [] : [[objectOf(path), owner] as const];
    });
    return {
      ...{ witness, config },
      changed: changed.map(objectOf),
      including: including.map(objectOf),
      owners: Object.fromEntries(owners),
    };
  }

  /** The symbol of the last line that decides about an object. */
  #owner({ ways }: Presence): SymbolName | undefined {
    const lines = ways.flatMap((way) => way.lines.toReversed());
    const names = lines.flatMap(({ text }) => /\bCONFIG_(\w+)/.exec(text)?.[1] ?? []);
    return names.find((name) => this.#typeOf(name) !== undefined);
  }
}

/** All that a trial is to build. */
export function objectsOf({ changed, including }: Trial): string[] {
  return [...changed, ...including];
}

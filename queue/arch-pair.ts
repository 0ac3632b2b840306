/** One architecture before and after a series: both models, what differs, what may be asked of them. */

import { findCycles, findCyclesSince } from '../rules/kconfig/cycles.ts';
import { KconfigError } from '../rules/kconfig/error.ts';
import type { ExprPool, SymbolId } from '../rules/kconfig/expr.ts';
import type { KconfigTree } from '../rules/kconfig/files.ts';
import type { KconfigModel } from '../rules/kconfig/model.ts';
import { changedSymbols, type SymbolChange } from '../rules/kconfig/properties.ts';
import { type Reach, reachOf } from '../rules/kconfig/reach.ts';
import { Solver } from '../rules/kconfig/solve.ts';
import { touchedPaths } from '../rules/kconfig/touched.ts';
import { membersOf } from '../rules/kconfig/tree-readers.ts';
import { cycleKey } from '../rules/recursive-dependency.ts';
import type { ArchPair, KernelChange } from '../rules/rule.ts';
import type { Arch, Side } from '../rules/types.ts';
import type { KconfigSide } from './kconfig-side.ts';

/** What a change can reach, on any architecture. */
export interface Scope {
  /** Files whose symbols it can alter. */
  readonly touched: ReadonlySet<string>;
  /** Symbols that these files have to do with, after it. */
  readonly symbols: ReadonlySet<SymbolId>;
  /** Whether it may have closed a circle. */
  readonly mayBeCircular: boolean;
}

/** Fills `change.readers` on the way. */
export function scopeOf({ before, after, changedPaths: paths, pool, readers }: KernelChange): Scope {
  const changed = paths.flatMap(({ path, oldPath }) => [path, ...(oldPath === undefined ? [] : [oldPath])]);
  const touched = touchedPaths(changed, before.kconfig.files, after.kconfig.files);
  readers.add([...after.kconfig.files]);
  // A new circle leads through a symbol of a touched file. To follow very many costs more than to look for circles.
  const symbols = new Set<SymbolId>();
  for (const path of touched) {
    const file = after.kconfig.files.get(path);
    if (file) for (const symbol of membersOf(pool, file)) symbols.add(symbol);
  }
  const mayBeCircular = symbols.size > MANY_SYMBOLS || readers.mayBeCircular(symbols);
  readers.add([...before.kconfig.files].filter(([path, file]) => after.kconfig.files.get(path) !== file));
  return { touched, symbols, mayBeCircular };
}

const MANY_SYMBOLS = 300;

export async function archPair(
  change: KernelChange,
  arch: Arch,
  before: KconfigSide,
  after: KconfigSide,
  scope: Scope,
): Promise<ArchPair> {
  const modelBefore = await change.before.kconfig.store.model(before.commit, arch, () =>
    modelOf(before, arch, 'without the series'),
  );
  // An architecture that reads none of these files is what it was.
  const isReached = modelBefore.files.some((path) => scope.touched.has(path));
  const modelAfter = isReached ? await modelOf(after, arch, 'with the series') : modelBefore;
  const symbols = isReached ? changedSymbols(modelBefore, modelAfter, scope.touched) : new Map<string, SymbolChange>();
  // A select of what is declared on another architecture alone changes no symbol here, and may close a circle.
  const cyclesAfter =
    scope.mayBeCircular && isReached ? findCyclesSince(modelBefore, change.pool, modelAfter, scope.symbols) : [];
  const known = new Set(cyclesAfter.length > 0 ? findCycles(change.pool, modelBefore).map(cycleKey) : []);
  const solver = solvers(change.pool, modelBefore, modelAfter);
  let reached: Reach | undefined;
  return {
    arch,
    before: modelBefore,
    after: modelAfter,
    changes: symbols,
    newCycles: cyclesAfter.filter((cycle) => !known.has(cycleKey(cycle))),
    isCircular: cyclesAfter.length > 0,
    solver,
    reach() {
      reached ??= reachOf(solver('after'), symbols, change.readers);
      return reached;
    },
    expectConf: async () => {
      await Promise.all([before.prepareConf(arch), after.prepareConf(arch)]);
    },
  };
}

/** One solver for each model, made when it is asked for. */
function solvers(pool: ExprPool, before: KconfigModel, after: KconfigModel): (side: Side) => Solver {
  const made = new Map<KconfigModel, Solver>();
  return (side) => {
    const model = side === 'before' ? before : after;
    const solver = made.get(model) ?? new Solver(pool, model);
    made.set(model, solver);
    return solver;
  };
}

export async function openSolver(kconfig: KconfigTree, side: KconfigSide, arch: Arch): Promise<Solver | undefined> {
  const world = await side.world(arch);
  try {
    return new Solver(kconfig.store.pool, await kconfig.openModel(world));
  } catch (error) {
    if (error instanceof KconfigError) return undefined;
    throw error;
  }
}

/** Names the side and the architecture in what Kconfig complains of. */
async function modelOf(side: KconfigSide, arch: Arch, which: string): Promise<KconfigModel> {
  try {
    return await side.model(arch);
  } catch (error) {
    if (!(error instanceof KconfigError)) throw error;
    throw new KconfigError(error.path, error.line, `${error.detail} (ARCH=${arch}, ${which})`, error.stderr);
  }
}

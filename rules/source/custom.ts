/**
 * What is customary in a tree: whether the drivers that call a function which is a stub in some configurations are built
 * in these. Of some, as of PWM's, nearly all depend on what makes it more than a stub; of others, as of GPIOLIB's, few.
 */

import { dirname } from 'node:path/posix';
import type { Goal, Solver } from '../kconfig/solve.ts';
import type { KernelChange } from '../rule.ts';
import { callsOf } from './c-calls.ts';
import { type Condition, conditionText } from './c-condition.ts';
import { builtGoals, isRunGoal, usedGoals } from './file-gaps.ts';
import { type Builds, INTO } from './link-gap.ts';

/** Drivers of a tree that call a function, on one architecture, in configurations without COMPILE_TEST. */
export interface Custom {
  /** Those that can be built: a file, or all files that are built in the same configurations. */
  readonly callers: number;
  /** Of these, those that cannot be built where it is a stub. */
  readonly needing: number;
  /** Not all files that name the function were looked at. */
  readonly isSample: boolean;
}

/** A function that is a stub but where `declared` holds. */
interface Stub {
  readonly name: string;
  readonly declared: Condition;
}

/** What one architecture builds. */
interface At {
  readonly builds: Builds;
  readonly solver: Solver;
}

/** Lines of a tree that name the function; of more nothing is told. */
const MOST_LINES = 4000;
/** Drivers that are counted; their files are spread over the tree. */
const ENOUGH = 32;
/** Files that are asked whether they are built, few of which may be on an architecture. */
const MOST_FILES = 800;
/** Of fewer drivers nothing can be told. */
const FEWEST_CALLERS = 6;
/** Functions of which it is asked on one architecture. */
const MOST_STUBS = 8;

/**
 * Whether it is so usual not to be built there that a new driver should follow. Where it is less so, it may only be that
 * many are for platforms that have it anyway.
 */
export function isCustomary({ callers, needing }: Custom): boolean {
  return callers >= FEWEST_CALLERS && needing * 4 >= callers * 3;
}

/** Of one series: what it adds itself says nothing of what is customary. */
export class Customs {
  readonly #change: KernelChange;
  readonly #known = new WeakMap<Builds, Map<string, Promise<Custom | undefined>>>();

  constructor(change: KernelChange) {
    this.#change = change;
  }

  /**
   * Undefined where it cannot be told, or where code that the series changes, moves or removes named the function: new
   * code may be old code in another place.
   */
  async of(stub: Stub, at: At): Promise<Custom | undefined> {
    const known = this.#known.get(at.builds) ?? new Map<string, Promise<Custom | undefined>>();
    this.#known.set(at.builds, known);
    const key = `${stub.name} ${conditionText(stub.declared)}`;
    if (!known.has(key) && known.size < MOST_STUBS) known.set(key, this.#now(stub, at));
    return known.get(key);
  }

  async #now({ name, declared }: Stub, { builds, solver }: At): Promise<Custom | undefined> {
    if (await this.#isOfOldCode(name)) return undefined;
    const paths = await this.#naming(name);
    if (!paths) return undefined;
    const { conditions } = this.#change.kbuild;
    const isRun = isRunGoal(conditions);
    const can = (goals: readonly Goal[] | undefined): boolean | undefined =>
      goals === undefined ? false : solver.isPossible([...goals, isRun]);
    const drivers = new Map<string, boolean>();
    let looked = 0;
    for (const path of spread(paths).slice(0, MOST_FILES)) {
      if (drivers.size >= ENOUGH) break;
      looked += 1;
      const object = await builds.presence(path);
      if (!object || object.isUnknown) continue;
      const driver = `${object.builtIn} ${object.module}`;
      if (drivers.has(driver) || !INTO.some((into) => can(builtGoals(conditions, object, into)) === true)) continue;
      // the dearest question comes last
      if (!(await this.#calls(path, name))) continue;
      const without = INTO.map((into) => can(usedGoals(conditions, object, { when: true, declared }, into)));
      drivers.set(
        driver,
        without.every((one) => one === false),
      );
    }
    const needing = [...drivers.values()].filter((one) => one).length;
    return { callers: drivers.size, needing, isSample: looked < paths.length };
  }

  async #isOfOldCode(name: string): Promise<boolean> {
    const { changedPaths, before } = this.#change;
    const old = changedPaths.map(({ path, oldPath }) => oldPath ?? path).filter((path) => path.endsWith('.c'));
    const word = new RegExp(`\\b${name}\\b`);
    return [...(await before.tree.read(old)).values()].some((text) => word.test(text));
  }

  /** Files of drivers that were there before and seem to call it; undefined where there are too many. */
  async #naming(name: string): Promise<readonly string[] | undefined> {
    const { before, after } = this.#change;
    const lines = await after.tree.grep([name], MOST_LINES);
    if (lines.length >= MOST_LINES) return undefined;
    const call = new RegExp(`^(?![ \\t]*[*/]).*\\b${name}\\s*\\(`);
    const paths = new Set(lines.flatMap(({ path, text }) => (isDriver(path) && call.test(text) ? [path] : [])));
    const old = new Set(await before.tree.paths());
    // what provides it is not built without itself
    const providing = new Set(lines.flatMap(({ path, text }) => (/\bEXPORT_SYMBOL/.test(text) ? [dirname(path)] : [])));
    return [...paths].filter((path) => old.has(path) && !providing.has(dirname(path))).sort();
  }

  async #calls(path: string, name: string): Promise<boolean> {
    const read = await this.#change.after.c.file(path);
    if (!read?.ok || read.file.functions.some((one) => one.name === name)) return false;
    return callsOf(read.file).some(({ callee, isPointer }) => callee === name && !isPointer);
  }
}

/** In an order of which every beginning is spread over the whole. */
function spread<T>(all: readonly T[]): readonly T[] {
  const GOLDEN = (Math.sqrt(5) - 1) / 2;
  const rank = (i: number): number => (i * GOLDEN) % 1;
  return all
    .map((one, i) => ({ one, rank: rank(i) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ one }) => one);
}

function isDriver(path: string): boolean {
  return path.endsWith('.c') && /^(?:arch|drivers|net|sound)\//.test(path);
}

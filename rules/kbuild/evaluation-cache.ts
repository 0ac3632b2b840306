/**
 * Results of evaluating makefiles, kept with all that they were made from: the tree after a series shares with the
 * one before what the series does not touch.
 */

import type { World } from './evaluate.ts';

/** Results kept; one architecture of the kernel has about 1,500 directories. */
const MAX_RESULTS = 12_000;
/** Of one directory: before and after, and those of the series checked last. */
const MAX_EACH = 4;

/** What an evaluation asked of its world, and was told. */
export class Inputs {
  readonly #makefiles = new Map<string, unknown>();
  readonly #types = new Map<string, unknown>();
  readonly #wildcards = new Map<string, string>();

  /** The world, with all its answers noted here. */
  noting(world: World): World {
    return {
      makefile: (path) => {
        const makefile = world.makefile(path);
        this.#makefiles.set(path, makefile);
        return makefile;
      },
      symbolType: (name) => {
        const type = world.symbolType(name);
        this.#types.set(name, type);
        return type;
      },
      wildcard: (pattern) => {
        const paths = world.wildcard(pattern);
        this.#wildcards.set(pattern, paths.join('\0'));
        return paths;
      },
    };
  }

  /** Makefiles asked for; to be read before `isSameIn`. */
  get paths(): readonly string[] {
    return [...this.#makefiles.keys()];
  }

  /** Whether another world would answer the same. */
  isSameIn(world: World): boolean {
    for (const [path, makefile] of this.#makefiles) if (world.makefile(path) !== makefile) return false;
    for (const [name, type] of this.#types) if (world.symbolType(name) !== type) return false;
    for (const [pattern, paths] of this.#wildcards) if (world.wildcard(pattern).join('\0') !== paths) return false;
    return true;
  }
}

interface Kept {
  readonly inputs: Inputs;
  readonly value: unknown;
}

export class EvaluationCache {
  readonly #kept = new Map<string, Kept[]>();
  #size = 0;

  /** Earlier results of the same evaluation, newest first. */
  get(key: string): readonly Kept[] {
    return this.#kept.get(key) ?? [];
  }

  set(key: string, inputs: Inputs, value: unknown): void {
    if (this.#size >= MAX_RESULTS) {
      this.#kept.clear();
      this.#size = 0;
    }
    const kept = [{ inputs, value }, ...this.get(key)].slice(0, MAX_EACH);
    this.#size += kept.length - this.get(key).length;
    this.#kept.set(key, kept);
  }
}

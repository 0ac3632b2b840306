/** One architecture of one tree: the objects of random configurations, by make and by our conditions. */
import { openDirectory } from '../../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../../queue/kconfig-side.ts';
import { KbuildStore } from '../../../rules/kbuild/files.ts';
import { KbuildTree, symbolTypes } from '../../../rules/kbuild/kbuild-tree.ts';
import type { Destination, Presence } from '../../../rules/kbuild/presence.ts';
import { readConfig } from '../../../rules/kconfig/dotconfig.ts';
import { NO } from '../../../rules/kconfig/expr.ts';
import { Values } from '../../../rules/kconfig/values.ts';
import type { Arch, Tree } from '../../../rules/types.ts';
import { type Built, builtByMake } from './make.ts';

/** An object that make and we do not send to the same places. */
export interface Difference {
  readonly object: string;
  readonly make: readonly Destination[];
  readonly depbot: readonly Destination[];
}

export interface Comparison {
  readonly arch: Arch;
  readonly seed: number;
  /** How many objects make builds, by top directory. */
  readonly total: ReadonlyMap<string, number>;
  readonly differences: readonly Difference[];
}

/** A tree on disk of which both can be asked. */
export class KbuildOracle {
  readonly #dir: string;
  readonly #tree: Tree;
  readonly #side: KconfigSide;
  readonly #store: KbuildStore;
  readonly #scratch: string;

  private constructor(dir: string, tree: Tree, side: KconfigSide, store: KbuildStore, scratch: string) {
    this.#dir = dir;
    this.#tree = tree;
    this.#side = side;
    this.#store = store;
    this.#scratch = scratch;
  }

  /** `tree` is what lies in `dir`. */
  static async open(dir: string, tree: Tree, cacheDir: string): Promise<KbuildOracle> {
    const source = openDirectory(dir);
    const side = await KconfigSide.open(source, { cacheDir });
    return new KbuildOracle(dir, tree, side, new KbuildStore(source.pool), `${cacheDir}/oracle`);
  }

  /** Evaluates all makefiles for an architecture. Throws KbuildError, KconfigError. */
  async arch(arch: Arch): Promise<ArchKbuildOracle> {
    const model = await this.#side.model(arch);
    const { pool } = this.#store.conditions;
    const kbuild = await KbuildTree.open(this.#store, this.#tree, { arch, symbolType: symbolTypes(pool, model) });
    const objects = [...(await kbuild.allObjects()).values()];
    return new ArchKbuildOracle(arch, objects, new Values(pool, model), {
      randconfig: async (seed) => {
        const run = await this.#side.conf(arch, { mode: 'randconfig', seed });
        if (run.config === undefined) throw new Error(`conf --randconfig wrote nothing: ${run.stderr}`);
        return Buffer.from(run.config).toString('latin1');
      },
      make: (config) => builtByMake(this.#dir, arch, config, this.#scratch),
    });
  }
}

/** What is asked of the tree's own programs. */
export interface Programs {
  /** The .config that conf makes of a seed. */
  randconfig(seed: number): Promise<string>;
  make(config: string): Promise<Built>;
}

export class ArchKbuildOracle {
  readonly arch: Arch;
  readonly #objects: readonly Presence[];
  readonly #values: Values;
  readonly #programs: Programs;

  constructor(arch: Arch, objects: readonly Presence[], values: Values, programs: Programs) {
    this.arch = arch;
    this.#objects = objects;
    this.#values = values;
    this.#programs = programs;
  }

  /** The same with another make: for tests of the comparison itself. */
  with(make: Programs['make']): ArchKbuildOracle {
    return new ArchKbuildOracle(this.arch, this.#objects, this.#values, { ...this.#programs, make });
  }

  async compare(seed: number): Promise<Comparison> {
    const config = await this.#programs.randconfig(seed);
    const theirs = await this.#programs.make(config);
    readConfig(this.#values, config, '.config');
    this.#values.calculate();
    const ours = this.#built();
    const total = new Map<string, number>();
    for (const object of theirs.keys()) total.set(folderOf(object), (total.get(folderOf(object)) ?? 0) + 1);
    const differences: Difference[] = [];
    for (const object of new Set([...theirs.keys(), ...ours.keys()])) {
      const [make, depbot] = [theirs, ours].map((built) => [...(built.get(object) ?? [])].sort()) as [
        Destination[],
        Destination[],
      ];
      if (make.join() !== depbot.join()) differences.push({ object, make, depbot });
    }
    return { arch: this.arch, seed, total, differences };
  }

  #built(): Built {
    const built: Built = new Map();
    for (const { object, builtIn, module, elsewhere } of this.#objects) {
      const to = new Set<Destination>();
      if (this.#values.expr(builtIn) !== NO) to.add('vmlinux');
      if (this.#values.expr(module) !== NO) to.add('module');
      if (this.#values.expr(elsewhere) !== NO) to.add('elsewhere');
      if (to.size > 0) built.set(object, to);
    }
    return built;
  }
}

/** Directory at the top of the tree. */
export function folderOf(object: string): string {
  return object.split('/')[0]!;
}

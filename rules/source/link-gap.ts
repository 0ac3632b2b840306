/**
 * When a file cannot be linked: it is built and uses a name of another file, and no file that gives it is built where
 * it can be reached, and no header stands in for it. In vmlinux only what is built in can be reached; from a module,
 * what is exported in vmlinux or in another module, and all of its own (scripts/mod/modpost.c, "undefined!").
 */

import type { Conditions } from '../kbuild/conditions.ts';
import type { KbuildTree } from '../kbuild/kbuild-tree.ts';
import type { Presence, Way } from '../kbuild/presence.ts';
import type { ExprId } from '../kconfig/expr.ts';
import type { Goal } from '../kconfig/solve.ts';
import type { Arch } from '../types.ts';
import type { Algorithm, AlgorithmNames } from './algorithm-names.ts';
import type { Condition } from './c-condition.ts';
import { conditionBounds } from './c-condition.ts';
import type { ExportedNames, ExportLine } from './exported-names.ts';
import type { InternalNames } from './internal-names.ts';

/** Where the using code goes. */
export const INTO = ['vmlinux', 'module'] as const;
export type Into = (typeof INTO)[number];

/** The files that export a name, or define one that nothing exports, on one architecture. */
export interface Providers {
  readonly name: string;
  readonly exports: readonly ExportLine[];
  readonly presences: readonly Presence[];
  /** That one of them is built in, or built at all. */
  readonly builtIn: ExprId;
  readonly built: ExprId;
  /** Of a name that is not exported: when it is in a module, by the module's composite object. */
  readonly within?: ReadonlyMap<string, ExprId>;
}

/** What one tree builds for one architecture, asked for one path at a time. */
export class Builds {
  readonly #kbuild: KbuildTree;
  readonly #exported: ExportedNames;
  readonly #internal: InternalNames;
  readonly #conditions: Conditions;
  readonly #arch: Arch;
  readonly #elsewhere: ReadonlyMap<string, readonly string[]>;
  readonly #presences = new Map<string, Promise<Presence | undefined>>();
  readonly #providers = new Map<string, Promise<Providers | undefined>>();
  /** Names that somebody provides in every configuration. */
  readonly #always = new Set<string>();

  constructor(
    kbuild: KbuildTree,
    { exported, internal }: { readonly exported: ExportedNames; readonly internal: InternalNames },
    conditions: Conditions,
    arch: Arch,
    elsewhere: ReadonlyMap<string, readonly string[]> = new Map(),
  ) {
    this.#elsewhere = elsewhere;
    this.#kbuild = kbuild;
    this.#exported = exported;
    this.#internal = internal;
    this.#conditions = conditions;
    this.#arch = arch;
  }

  /** The same with directories whose makefiles list objects of others, by these. */
  with(elsewhere: ReadonlyMap<string, readonly string[]>): Builds {
    const names = { exported: this.#exported, internal: this.#internal };
    return new Builds(this.#kbuild, names, this.#conditions, this.#arch, elsewhere);
  }

  /** Undefined where the makefiles on the way do not name it. */
  presence(path: string): Promise<Presence | undefined> {
    const known = this.#presences.get(path) ?? this.#presenceNow(path);
    this.#presences.set(path, known);
    return known;
  }

  #presenceNow(path: string): Promise<Presence | undefined> {
    const also = this.#elsewhere.get(objectOf(path)) ?? [];
    return this.#kbuild.conditionOf(path, { isNear: true, also });
  }

  /** Undefined where that cannot be told, or somebody provides it in every configuration. */
  providers(name: string): Promise<Providers | undefined> {
    const known = this.#providers.get(name) ?? this.#providersNow(name);
    this.#providers.set(name, known);
    return known;
  }

  /** Whether somebody provides the name in every configuration. */
  async isAlways(name: string): Promise<boolean> {
    await this.providers(name);
    return this.#always.has(name);
  }

  /**
   * As `providers`, of an algorithm that is looked up by its name: a module is loaded for it, whoever asks. Undefined
   * also where it is not known who registers the name.
   */
  async algorithm(asked: Algorithm, names: AlgorithmNames): Promise<Providers | undefined> {
    const exports = names.providing(asked, this.#arch);
    const { FALSE, TRUE } = this.#conditions;
    const presences = new Set<Presence>();
    let built = FALSE;
    for (const { path } of exports) {
      const presence = await this.presence(path);
      if (presence?.isUnknown) return undefined;
      if (!presence) continue;
      presences.add(presence);
      built = this.#conditions.or(built, this.#conditions.or(presence.builtIn, presence.module));
    }
    if (presences.size === 0 || built === TRUE) return undefined;
    return { name: asked.part, exports, presences: [...presences], builtIn: built, built };
  }

  async #providersNow(name: string): Promise<Providers | undefined> {
    const isExported = this.#exported.has(name);
    const exports = (isExported ? this.#exported : this.#internal).forArch(name, this.#arch);
    if (exports === undefined || exports.length === 0) return undefined;
    const { FALSE, TRUE, pool } = this.#conditions;
    const presences = new Set<Presence>();
    const within = new Map<string, ExprId>();
    let [builtIn, built] = [FALSE, FALSE];
    for (const one of exports) {
      const presence = await this.presence(one.path);
      if (!presence || presence.isUnknown) return undefined;
      presences.add(presence);
      const when = await this.#exported.when(one);
      // a macro that exports may do so under any name
      if (when === false) return undefined;
      const most = (modular: ExprId): ExprId => conditionBounds(pool, when, { modular }).most;
      const inVmlinux = this.#conditions.and(presence.builtIn, most(FALSE));
      builtIn = this.#conditions.or(builtIn, inVmlinux);
      for (const { composite, when: of } of modularWays(presence)) {
        if (composite === undefined) continue;
        const there = this.#conditions.and(of, most(TRUE));
        within.set(composite, this.#conditions.or(within.get(composite) ?? FALSE, there));
      }
      built = this.#conditions.or(
        built,
        this.#conditions.or(inVmlinux, this.#conditions.and(presence.module, most(TRUE))),
      );
    }
    const found = { name, exports, presences: [...presences], builtIn, built };
    if (!isExported) return { ...found, within };
    if (builtIn === TRUE) this.#always.add(name);
    return builtIn === TRUE ? undefined : found;
  }
}

/** The ways in which an object becomes a part of a module. */
function modularWays({ ways }: Presence): readonly Way[] {
  return ways.filter(({ destination }) => destination === 'module');
}

/** When a module that an object is in has the name: any that is exported, else what is a part of the same module. */
function providedTo(conditions: Conditions, object: Presence, { built, within }: Providers): ExprId {
  if (!within) return built;
  const composites = new Set(modularWays(object).flatMap(({ composite }) => composite ?? []));
  return [...composites].reduce((e, one) => conditions.or(e, within.get(one) ?? conditions.FALSE), conditions.FALSE);
}

/** Path of the object made of a source file. */
export function objectOf(path: string): string {
  return path.replace(/\.(?:c|S|rs)$/, '.o');
}

/** That an object uses the name where nothing provides it; undefined where no configuration decides that. */
export function gapGoals(
  conditions: Conditions,
  object: Presence,
  when: Condition,
  providers: Providers,
  into: Into,
): readonly Goal[] | undefined {
  const { pool, TRUE, FALSE } = conditions;
  const isModule = into === 'module';
  const isBuilt = isModule ? object.module : object.builtIn;
  const provided = isModule ? providedTo(conditions, object, providers) : providers.builtIn;
  const { least } = conditionBounds(pool, when, { modular: isModule ? TRUE : FALSE });
  if (object.isUnknown || isBuilt === FALSE || least === FALSE || provided === TRUE) return undefined;
  if (object.ways.some(({ isLibrary }) => isLibrary)) return undefined;
  const holds = (expr: ExprId): Goal[] => (expr === TRUE ? [] : [{ expr, level: 2, holds: true }]);
  const fails = (expr: ExprId): Goal[] => (expr === FALSE ? [] : [{ expr, level: 2, holds: false }]);
  return [...holds(isBuilt), ...holds(least), ...fails(provided)];
}

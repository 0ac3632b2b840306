/**
 * What one C file lacks in some configuration of one architecture, on one side of a series: files that would provide
 * what it calls, or declarations of what it uses; or else files that would register what it asks for by name; runtime
 * PM, which alone has it enable its clocks; or what its probe needs to be more than a stub.
 */

import { dirname } from 'node:path/posix';
import { listedElsewhere } from '../kbuild/listed-elsewhere.ts';
import type { Presence } from '../kbuild/presence.ts';
import type { ExprId } from '../kconfig/expr.ts';
import type { Goal } from '../kconfig/solve.ts';
import type { KernelChange, TreeSide } from '../rule.ts';
import type { Arch } from '../types.ts';
import { type Asking, askingIn, type Lookup, lookupsIn } from './algorithm-lookups.ts';
import { AlgorithmNames } from './algorithm-names.ts';
import { conditionBounds, isConfigured } from './c-condition.ts';
import { archOf, ExportedNames } from './exported-names.ts';
import { type ExternalUse, type ExternalUses, externalUses } from './external-uses.ts';
import { EntryCode, isOfOneBus, type StubCall } from './failing-entries.ts';
import { foreignUses } from './foreign-code.ts';
import { HeaderReach } from './header-reach.ts';
import { InternalNames } from './internal-names.ts';
import { type Builds, gapGoals, INTO, type Into, type Providers } from './link-gap.ts';
import { Unit } from './meanings.ts';
import { enablesIn, filesOfRuntimePm, isEnabledIn, type PowerUse, powerUsesIn } from './runtime-power.ts';
import { type ConditionalUse, conditionalUses } from './undeclared.ts';

/** Something that a file needs of others. */
export type Need =
  | {
      readonly kind: 'link';
      readonly name: string;
      readonly use: ExternalUse;
      readonly uses: ExternalUses;
      readonly providers: Providers;
    }
  | { readonly kind: 'algorithm'; readonly name: string; readonly use: Lookup; readonly providers: Providers }
  | { readonly kind: 'declaration'; readonly name: string; readonly use: ConditionalUse }
  | DriverNeed;

/** What a driver that compiles needs to work. */
type DriverNeed =
  | { readonly kind: 'power'; readonly name: string; readonly use: PowerUse }
  | { readonly kind: 'stub'; readonly name: string; readonly use: StubCall };

/**
 * What is looked for: what a compiler and linker need, names that are looked up at run time, runtime PM, or stubs with
 * which a probe can only fail.
 */
export type Subject = 'build' | 'algorithms' | 'runtime-pm' | 'stubs';

/** Whether it is only of interest to who had the code already. */
export function isOfOthers(subject: Subject): boolean {
  return subject === 'runtime-pm' || subject === 'stubs';
}

/** What a file needs, whatever the configuration. */
export interface FileNeeds {
  readonly all: readonly { readonly kind: Need['kind']; readonly name: string; readonly conditions: string }[];
  /** What could not be read. */
  readonly unread: ReadonlySet<Need['kind']>;
  /** Called where the text could not be read as a whole. */
  readonly doubtful: ReadonlySet<string>;
}

/** A need, and the question whether it can be unmet. */
export interface Gap {
  readonly need: Need;
  readonly into: Into;
  readonly goals: readonly Goal[];
}

/** What was read of one side, whatever the architecture. */
export class SideCode {
  readonly side: TreeSide;
  readonly subject: Subject;
  /** Defined by those names only for which `define` was called. */
  readonly internal: InternalNames;
  readonly #reach: HeaderReach;
  #exported: Promise<ExportedNames> | undefined;
  #elsewhere: ReturnType<typeof listedElsewhere> | undefined;
  readonly #uses = new Map<string, Promise<ExternalUses | undefined>>();
  readonly #conditional = new Map<string, Promise<readonly ConditionalUse[] | undefined>>();

  #algorithms: Promise<AlgorithmNames> | undefined;
  #asking: Promise<Asking> | undefined;
  readonly #lookups = new Map<string, Promise<readonly Lookup[] | undefined>>();
  readonly #entries = new Map<string, Promise<EntryCode | undefined>>();
  #powered: Promise<ReadonlySet<string>> | undefined;
  readonly #power = new Map<string, Promise<readonly PowerUse[] | undefined>>();

  constructor(side: TreeSide, subject: Subject) {
    this.side = side;
    this.subject = subject;
    this.internal = new InternalNames(side.tree);
    this.#reach = new HeaderReach(side.tree, side.c.words);
  }

  exported(): Promise<ExportedNames> {
    return (this.#exported ??= ExportedNames.of(this.side.tree));
  }

  /** Directories whose makefiles list objects of others, by these. */
  elsewhere(): ReturnType<typeof listedElsewhere> {
    return (this.#elsewhere ??= listedElsewhere(this.side.tree));
  }

  /** Undefined where the tree has no such file, or it cannot be read. */
  async uses(path: string): Promise<ExternalUses | undefined> {
    const exported = await this.exported();
    const known = this.#uses.get(path) ?? externalUses(this.side.c, path, exported, this.#reach);
    this.#uses.set(path, known);
    return known;
  }

  /** Names that a file uses and nothing exports, each with the files that say so: itself, and headers that declare it. */
  async internalNames(path: string): Promise<readonly (readonly [string, ReadonlySet<string>])[]> {
    if (this.subject !== 'build') return [];
    const { uses = [], headersOf } = (await this.uses(path)) ?? {};
    return uses.flatMap(({ name, isInternal }) =>
      isInternal ? [[name, new Set([path, ...(headersOf?.(name) ?? [])])] as const] : [],
    );
  }

  algorithms(): Promise<AlgorithmNames> {
    return (this.#algorithms ??= AlgorithmNames.of(this.side.tree));
  }

  /** Undefined where the tree has no such file, or it cannot be read. */
  lookups(path: string): Promise<readonly Lookup[] | undefined> {
    const known = this.#lookups.get(path) ?? this.#lookupsNow(path);
    this.#lookups.set(path, known);
    return known;
  }

  async #lookupsNow(path: string): Promise<readonly Lookup[] | undefined> {
    const asking = await (this.#asking ??= askingIn(this.side.c));
    if (!asking.paths.has(path)) return [];
    const [read, uses] = [await this.side.c.file(path), await this.uses(path)];
    return read?.ok && uses ? lookupsIn(path, read.file, uses, asking) : undefined;
  }

  /** Whether a file has to be read for the subject. */
  async isConcerned(path: string): Promise<boolean> {
    if (this.subject === 'build' || this.subject === 'stubs') return true;
    if (this.subject === 'runtime-pm') return (await (this.#powered ??= filesOfRuntimePm(this.side.tree))).has(path);
    return (await (this.#asking ??= askingIn(this.side.c))).paths.has(path);
  }

  /** Undefined where the tree has no such file, or it cannot be read. */
  #powerUses(path: string): Promise<readonly PowerUse[] | undefined> {
    const known = this.#power.get(path) ?? this.#powerNow(path);
    this.#power.set(path, known);
    return known;
  }

  async #powerNow(path: string): Promise<readonly PowerUse[] | undefined> {
    if (!(await this.isConcerned(path))) return [];
    const read = await this.side.c.file(path);
    return read?.ok ? powerUsesIn(path, read.file) : undefined;
  }

  /** Whether the file is known to enable it without runtime PM. */
  async isPowered(path: string, use: PowerUse): Promise<boolean> {
    const read = await this.side.c.file(path);
    return read?.ok === true && isEnabledIn(read.file, use);
  }

  /** Whether another file of the same directory enables it: it may be a part of the same driver. */
  async isPoweredBeside(path: string, use: PowerUse): Promise<boolean> {
    return (await this.#beside(path)).some((text) => enablesIn(text, use));
  }

  /** Texts of the other files of its directory, and below. */
  async #beside(path: string): Promise<readonly string[]> {
    const dir = `${dirname(path)}/`;
    const paths = await this.side.tree.paths();
    const beside = paths.filter((one) => one !== path && one.startsWith(dir) && /\.[ch]$/.test(one));
    return [...(await this.side.tree.read(beside)).values()];
  }

  /** Undefined where the tree has no such file, or it cannot be read. */
  async #stubCalls(path: string): Promise<readonly StubCall[] | undefined> {
    return (await this.#entryCode(path))?.stubCalls();
  }

  /** What a driver needs to work; undefined where the tree has no such file, or it cannot be read. */
  async ofDriver(path: string): Promise<readonly DriverNeed[] | undefined> {
    return this.subject === 'stubs'
      ? (await this.#stubCalls(path))?.map((use) => ({ kind: 'stub', name: stubKey(use), use }))
      : (await this.#powerUses(path))?.map((use) => ({ kind: 'power', name: use.name, use }));
  }

  /**
   * The call by which what it comes from can only fail with the stub; undefined where that can do better, or another part
   * of the module can.
   */
  async fatal(path: string, call: StubCall, { ways }: Presence): Promise<StubCall | undefined> {
    const fatal = await (await this.#entryCode(path))?.fatal(call);
    const isPart = fatal !== undefined && ways.some(({ composite }) => composite !== undefined);
    return isPart && isOfOneBus(call, await this.#beside(path)) ? undefined : fatal;
  }

  #entryCode(path: string): Promise<EntryCode | undefined> {
    const read = async (): Promise<EntryCode | undefined> => {
      const unit = await Unit.open(this.side.c, path, this.#reach);
      return unit && new EntryCode(unit);
    };
    const known = this.#entries.get(path) ?? read();
    this.#entries.set(path, known);
    return known;
  }

  /** What a file needs of the subject. */
  async needs(path: string): Promise<FileNeeds> {
    if (isOfOthers(this.subject)) {
      const some = await this.ofDriver(path);
      return {
        all: (some ?? []).map(({ kind, name, use: { when, declared } }) => ({
          ...{ kind, name, conditions: JSON.stringify([when, declared]) },
        })),
        unread: new Set(some ? [] : [this.subject === 'stubs' ? 'stub' : 'power']),
        doubtful: new Set(),
      };
    }
    if (this.subject === 'algorithms') {
      const lookups = await this.lookups(path);
      const doubtful = lookups?.length === 0 ? undefined : (await this.uses(path))?.doubtful;
      return {
        all: (lookups ?? []).map(({ part, whole, when }) => ({
          kind: 'algorithm',
          name: part,
          conditions: JSON.stringify([whole, when]),
        })),
        unread: new Set(lookups ? [] : ['algorithm']),
        doubtful: doubtful ?? new Set(),
      };
    }
    const [uses, conditional] = [await this.uses(path), await this.conditional(path)];
    return {
      all: [
        ...(uses?.uses ?? []).map(({ name, when }) => ({
          kind: 'link' as const,
          name,
          conditions: JSON.stringify(when),
        })),
        ...(conditional ?? []).map((use) => ({
          kind: 'declaration' as const,
          name: nameOf(use),
          conditions: JSON.stringify([use.kind, use.when, use.declared]),
        })),
      ],
      unread: new Set([...(uses ? [] : ['link' as const]), ...(conditional ? [] : ['declaration' as const])]),
      doubtful: uses?.doubtful ?? new Set(),
    };
  }

  /** What it takes from headers of other architectures. */
  foreign(path: string, arch: Arch): Promise<readonly ConditionalUse[]> {
    return foreignUses(this.side.tree, path, arch, this.#reach);
  }

  /** Whether the file compiles on other architectures only, whatever the configuration. */
  isForOthers(path: string, arch: Arch): Promise<boolean> {
    return this.#reach.isForOthers(path, arch);
  }

  /** With the headers of an architecture; without one, those of the file's own, or else those that all have. */
  conditional(path: string, arch: Arch | undefined = archOf(path)): Promise<readonly ConditionalUse[] | undefined> {
    const key = `${arch ?? ''} ${path}`;
    const known = this.#conditional.get(key) ?? conditionalUses(this.side.tree, path, this.#reach, arch);
    this.#conditional.set(key, known);
    return known;
  }
}

/** All that could be lacking in a file, with the question for the solver. */
export async function gapsOf(
  { kbuild: { conditions } }: KernelChange,
  code: SideCode,
  builds: Builds,
  path: string,
  object: Presence,
): Promise<Gap[]> {
  const found: Gap[] = [];
  const put = (need: Need, into: Into, goals: readonly Goal[] | undefined): void => {
    if (goals) found.push({ need, into, goals });
  };
  if (isOfOthers(code.subject)) {
    for (const need of (await code.ofDriver(path)) ?? [])
      for (const into of INTO) {
        const goals = goalsOf(conditions, object, need.use, into);
        put(need, into, goals && [...goals, notForTests(conditions)]);
      }
    return found;
  }
  if (code.subject === 'algorithms') {
    for (const use of (await code.lookups(path)) ?? []) {
      const providers = await builds.algorithm(use, await code.algorithms());
      if (!providers) continue;
      const need: Need = { kind: 'algorithm', name: use.part, use, providers };
      for (const into of INTO) put(need, into, gapGoals(conditions, object, use.when, providers, into));
    }
    return found;
  }
  const uses = await code.uses(path);
  for (const use of uses?.uses ?? []) {
    const providers = await builds.providers(use.name);
    if (!providers) continue;
    const need: Need = { kind: 'link', name: use.name, use, uses: uses!, providers };
    for (const into of INTO) put(need, into, gapGoals(conditions, object, use.when, providers, into));
  }
  for (const use of (await code.conditional(path)) ?? [])
    for (const into of INTO)
      put({ kind: 'declaration', name: nameOf(use), use }, into, goalsOf(conditions, object, use, into));
  return found;
}

/** A probe and another may hang on the same stub. */
function stubKey({ entry, name }: StubCall): string {
  return `${entry} ${name}`;
}

/** `gpio_chip.irq` for a member. */
function nameOf({ name, of }: ConditionalUse): string {
  return of === undefined ? name : `${of}.${name}`;
}

/**
 * The gap as it is told: with the headers of the architecture itself, with the call that fails; undefined where these
 * headers declare what is used, or a closer look finds no fault.
 */
export async function exactGap(
  { kbuild: { conditions } }: KernelChange,
  code: SideCode,
  path: string,
  object: Presence,
  gap: Gap,
  arch: Arch,
): Promise<Gap | undefined> {
  const { need, into } = gap;
  if (need.kind === 'stub') {
    const use = await code.fatal(path, need.use, object);
    return use && { ...gap, need: { ...need, use } };
  }
  if (need.kind === 'power') return (await code.isPoweredBeside(path, need.use)) ? undefined : gap;
  if (need.kind !== 'declaration') return gap;
  const uses = (await code.conditional(path, arch)) ?? [];
  const use = uses.find((one) => nameOf(one) === need.name && one.kind === need.use.kind && one.line === need.use.line);
  const goals = use && goalsOf(conditions, object, use, into);
  return use && goals && { need: { ...need, use }, into, goals };
}

/** That an object is compiled with a use where nothing declares it; undefined where no configuration decides that. */
function goalsOf(
  { pool, TRUE, FALSE }: KernelChange['kbuild']['conditions'],
  object: Presence,
  { when, declared }: Pick<ConditionalUse, 'when' | 'declared'>,
  into: Into,
): readonly Goal[] | undefined {
  const isBuilt = into === 'module' ? object.module : object.builtIn;
  const context = { modular: into === 'module' ? TRUE : FALSE };
  const { least } = conditionBounds(pool, when, context);
  const { most } = conditionBounds(pool, declared, context);
  if (object.isUnknown || isBuilt === FALSE || least === FALSE || most === TRUE || !isConfigured(declared))
    return undefined;
  const goal = (expr: ExprId, holds: boolean): Goal[] =>
    expr === (holds ? TRUE : FALSE) ? [] : [{ expr, level: 2, holds }];
  return [...goal(isBuilt, true), ...goal(least, true), ...goal(most, false)];
}

/** That the configuration is one that runs somewhere: with COMPILE_TEST, code is built only to see that it can be. */
function notForTests({ pool }: KernelChange['kbuild']['conditions']): Goal {
  return { expr: pool.symbol(pool.symbolId('COMPILE_TEST')), level: 1, holds: false };
}

/**
 * What one C file lacks in some configuration of one architecture, on one side of a series, as questions for the
 * solver. What is looked for is a subject, a file of its own: what a compiler and linker need (`build-needs`), names
 * that are looked up at run time (`algorithm-needs`), runtime PM (`power-needs`), stubs with which a probe can only fail
 * (`stub-needs`).
 */

import type { Presence } from '../kbuild/presence.ts';
import type { ExprId } from '../kconfig/expr.ts';
import type { Goal, Solver } from '../kconfig/solve.ts';
import type { KernelChange } from '../rule.ts';
import type { Arch } from '../types.ts';
import type { Lookup } from './algorithm-lookups.ts';
import { type Condition, conditionBounds, isConfigured } from './c-condition.ts';
import type { Custom } from './custom.ts';
import type { ExternalUse, ExternalUses } from './external-uses.ts';
import type { StubCall } from './failing-entries.ts';
import { type Builds, INTO, type Into, type Providers } from './link-gap.ts';
import type { PowerUse } from './runtime-power.ts';
import type { SideCode } from './side-code.ts';
import type { ConditionalUse } from './undeclared.ts';

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
  | { readonly kind: 'power'; readonly name: string; readonly use: PowerUse }
  | { readonly kind: 'stub'; readonly name: string; readonly use: StubCall; readonly custom?: Custom };

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

/** Where it stands: in the file that is built, or in a C file that this includes. */
export function useAt(path: string, { kind, use }: Need): { readonly path: string; readonly line: number } {
  return { path: kind === 'link' ? (use.within ?? path) : path, line: use.line };
}

/** One kind of thing that code can lack, in the files of one side. */
export abstract class Subject {
  protected readonly code: SideCode;
  protected readonly conditions: KernelChange['kbuild']['conditions'];
  /** Whether it is only of interest to who had the code already: whoever writes a driver may want no more. */
  readonly isOfOthers: boolean = false;
  /** Whether only Kconfig can bring such a gap: what the code itself comes to need is the business of another rule. */
  readonly isOfKconfig: boolean = false;
  /** Whether it asks what a file takes from headers of other architectures. */
  readonly isOfHeaders: boolean = false;

  constructor(change: KernelChange, code: SideCode) {
    this.code = code;
    this.conditions = change.kbuild.conditions;
  }

  /** Whether a file has to be read for it. */
  abstract isConcerned(path: string): Promise<boolean>;

  abstract needs(path: string): Promise<FileNeeds>;

  /** All that could be lacking in a file which is built as `object` says. */
  abstract gaps(builds: Builds, path: string, object: Presence): Promise<readonly Gap[]>;

  /**
   * The gap as it is told: with the headers of the architecture itself, with the call that fails; undefined where these
   * headers declare what is used, or a closer look finds no fault.
   */
  async exact(gap: Gap, _at: Place): Promise<Gap | undefined> {
    return gap;
  }

  /** Of what a file comes to need, asked of the side without the series: whether it had it there all the same. */
  async isGiven(_path: string, _gap: Gap): Promise<boolean> {
    return true;
  }

  /** The gap as it is told of a file that the series adds; undefined where its author may want no more. */
  async ofNew(gap: Gap, _at: { readonly builds: Builds; readonly solver: Solver }): Promise<Gap | undefined> {
    return gap;
  }

  /** Names that a file uses and nothing exports, each with the files that say so: itself, and headers that declare it. */
  async internalNames(_path: string): Promise<readonly (readonly [string, ReadonlySet<string>])[]> {
    return [];
  }

  /** What a file takes from headers of other architectures. */
  async foreign(_path: string, _arch: Arch): Promise<readonly ConditionalUse[]> {
    return [];
  }
}

/** A subject, made for each side. */
export type SubjectOf = new (change: KernelChange, code: SideCode) => Subject;

/** A file, as one architecture builds it. */
export interface Place {
  readonly path: string;
  readonly object: Presence;
  readonly arch: Arch;
}

/** What stands in a C file under conditions, and what they have to be. */
export interface Used {
  readonly when: Condition;
  readonly declared: Condition;
}

/** That an object is compiled with a use where nothing declares it; undefined where no configuration decides that. */
export function usedGoals(
  conditions: KernelChange['kbuild']['conditions'],
  object: Presence,
  { when, declared }: Used,
  into: Into,
): readonly Goal[] | undefined {
  const { pool, TRUE, FALSE } = conditions;
  const built = builtGoals(conditions, object, into);
  const context = { modular: into === 'module' ? TRUE : FALSE };
  const { least } = conditionBounds(pool, when, context);
  const { most } = conditionBounds(pool, declared, context);
  if (!built || least === FALSE || most === TRUE || !isConfigured(declared)) return undefined;
  const goal = (expr: ExprId, holds: boolean): Goal[] =>
    expr === (holds ? TRUE : FALSE) ? [] : [{ expr, level: 2, holds }];
  return [...built, ...goal(least, true), ...goal(most, false)];
}

/** That an object is built; undefined where no configuration decides that, or none has it. */
export function builtGoals(
  { TRUE, FALSE }: KernelChange['kbuild']['conditions'],
  object: Presence,
  into: Into,
): readonly Goal[] | undefined {
  const isBuilt = into === 'module' ? object.module : object.builtIn;
  if (object.isUnknown || isBuilt === FALSE) return undefined;
  return isBuilt === TRUE ? [] : [{ expr: isBuilt, level: 2, holds: true }];
}

/** That a configuration is one that runs somewhere: with COMPILE_TEST, code is built only to see that it can be. */
export function isRunGoal({ pool }: KernelChange['kbuild']['conditions']): Goal {
  return { expr: pool.symbol(pool.symbolId('COMPILE_TEST')), level: 1, holds: false };
}

/** What a driver needs to work, in configurations that run somewhere. */
export function driverGaps(
  conditions: KernelChange['kbuild']['conditions'],
  object: Presence,
  needs: readonly Extract<Need, { readonly kind: 'power' | 'stub' }>[],
): readonly Gap[] {
  const isRun = isRunGoal(conditions);
  return needs.flatMap((need) =>
    INTO.flatMap((into): Gap[] => {
      const goals = usedGoals(conditions, object, need.use, into);
      return goals ? [{ need, into, goals: [...goals, isRun] }] : [];
    }),
  );
}

/** What a driver needs, by its conditions; nothing where the file could not be read. */
export function driverNeeds(
  kind: 'power' | 'stub',
  needs: readonly { readonly name: string; readonly use: Used }[] | undefined,
): FileNeeds {
  return {
    all: (needs ?? []).map(({ name, use: { when, declared } }) => ({
      ...{ kind, name, conditions: JSON.stringify([when, declared]) },
    })),
    unread: new Set(needs ? [] : [kind]),
    doubtful: new Set(),
  };
}

/**
 * What one C file lacks in some configuration of one architecture, on one side of a series: files that would provide
 * what it calls, or declarations of what it uses.
 */

import { listedElsewhere } from '../kbuild/listed-elsewhere.ts';
import type { Presence } from '../kbuild/presence.ts';
import type { ExprId } from '../kconfig/expr.ts';
import type { Goal } from '../kconfig/solve.ts';
import type { KernelChange, TreeSide } from '../rule.ts';
import type { Arch } from '../types.ts';
import { conditionBounds, isConfigured } from './c-condition.ts';
import { ExportedNames } from './exported-names.ts';
import { type ExternalUse, type ExternalUses, externalUses } from './external-uses.ts';
import { HeaderReach } from './header-reach.ts';
import { type Builds, gapGoals, type Into, type Providers } from './link-gap.ts';
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
  | { readonly kind: 'declaration'; readonly name: string; readonly use: ConditionalUse };

/** A need, and the question whether it can be unmet. */
export interface Gap {
  readonly need: Need;
  readonly into: Into;
  readonly goals: readonly Goal[];
}

/** What was read of one side, whatever the architecture. */
export class SideCode {
  readonly side: TreeSide;
  readonly #reach: HeaderReach;
  #exported: Promise<ExportedNames> | undefined;
  #elsewhere: ReturnType<typeof listedElsewhere> | undefined;
  readonly #uses = new Map<string, Promise<ExternalUses | undefined>>();
  readonly #conditional = new Map<string, Promise<readonly ConditionalUse[] | undefined>>();

  constructor(side: TreeSide) {
    this.side = side;
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

  /** With the headers of an architecture; without one, those that all have. */
  conditional(path: string, arch?: Arch): Promise<readonly ConditionalUse[] | undefined> {
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

const INTO = ['vmlinux', 'module'] as const;

/** `gpio_chip.irq` for a member. */
function nameOf({ name, of }: ConditionalUse): string {
  return of === undefined ? name : `${of}.${name}`;
}

/** The gap with the headers of the architecture itself; undefined where these declare what is used. */
export async function exactGap(
  { kbuild: { conditions } }: KernelChange,
  code: SideCode,
  path: string,
  object: Presence,
  gap: Gap,
  arch: Arch,
): Promise<Gap | undefined> {
  const { need, into } = gap;
  if (need.kind === 'link') return gap;
  const uses = (await code.conditional(path, arch)) ?? [];
  const use = uses.find((one) => nameOf(one) === need.name && one.kind === need.use.kind && one.line === need.use.line);
  const goals = use && goalsOf(conditions, object, use, into);
  return use && goals && { need: { ...need, use }, into, goals };
}

/** That an object is compiled with a use where nothing declares it; undefined where no configuration decides that. */
function goalsOf(
  { pool, TRUE, FALSE }: KernelChange['kbuild']['conditions'],
  object: Presence,
  { when, declared }: ConditionalUse,
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

/** What a file needs to be compiled and linked: files that provide what it calls, declarations of what it uses. */

import type { Presence } from '../kbuild/presence.ts';
import type { Arch } from '../types.ts';
import { archOf } from './exported-names.ts';
import { type FileNeeds, type Gap, type Need, type Place, Subject, usedGoals } from './file-gaps.ts';
import { foreignUses } from './foreign-code.ts';
import { type Builds, gapGoals, INTO } from './link-gap.ts';
import { type ConditionalUse, conditionalUses } from './undeclared.ts';

export class BuildNeeds extends Subject {
  override readonly isOfHeaders = true;
  readonly #conditional = new Map<string, Promise<readonly ConditionalUse[] | undefined>>();

  override async isConcerned(): Promise<boolean> {
    return true;
  }

  override async needs(path: string): Promise<FileNeeds> {
    const [uses, conditional] = [await this.code.uses(path), await this.#conditionalUses(path)];
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

  override async gaps(builds: Builds, path: string, object: Presence): Promise<readonly Gap[]> {
    const found: Gap[] = [];
    const uses = await this.code.uses(path);
    for (const use of uses?.uses ?? []) {
      const providers = await builds.providers(use.name);
      if (!providers) continue;
      const need: Need = { kind: 'link', name: use.name, use, uses: uses!, providers };
      for (const into of INTO) {
        const goals = gapGoals(this.conditions, object, use.when, providers, into);
        if (goals) found.push({ need, into, goals });
      }
    }
    for (const use of (await this.#conditionalUses(path)) ?? [])
      for (const into of INTO) {
        const goals = usedGoals(this.conditions, object, use, into);
        if (goals) found.push({ need: { kind: 'declaration', name: nameOf(use), use }, into, goals });
      }
    return found;
  }

  override async exact(gap: Gap, { path, object, arch }: Place): Promise<Gap | undefined> {
    const { need, into } = gap;
    if (need.kind !== 'declaration') return gap;
    const uses = (await this.#conditionalUses(path, arch)) ?? [];
    const { kind, line } = need.use;
    const use = uses.find((one) => nameOf(one) === need.name && one.kind === kind && one.line === line);
    const goals = use && usedGoals(this.conditions, object, use, into);
    return use && goals && { need: { ...need, use }, into, goals };
  }

  override async internalNames(path: string): Promise<readonly (readonly [string, ReadonlySet<string>])[]> {
    const { uses = [], headersOf } = (await this.code.uses(path)) ?? {};
    return uses.flatMap(({ name, isInternal }) =>
      isInternal ? [[name, new Set([path, ...(headersOf?.(name) ?? [])])] as const] : [],
    );
  }

  override foreign(path: string, arch: Arch): Promise<readonly ConditionalUse[]> {
    return foreignUses(this.code.side.tree, path, arch, this.code.reach);
  }

  /** With the headers of an architecture; without one, those of the file's own, or else those that all have. */
  #conditionalUses(
    path: string,
    arch: Arch | undefined = archOf(path),
  ): Promise<readonly ConditionalUse[] | undefined> {
    const key = `${arch ?? ''} ${path}`;
    const known = this.#conditional.get(key) ?? conditionalUses(this.code.side.tree, path, this.code.reach, arch);
    this.#conditional.set(key, known);
    return known;
  }
}

/** `gpio_chip.irq` for a member. */
function nameOf({ name, of }: ConditionalUse): string {
  return of === undefined ? name : `${of}.${name}`;
}

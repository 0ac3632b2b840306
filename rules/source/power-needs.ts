/** What a driver needs of runtime PM, where that alone has it enable its clocks and regulators. */

import type { Presence } from '../kbuild/presence.ts';
import { driverGaps, driverNeeds, type FileNeeds, type Gap, type Need, type Place, Subject } from './file-gaps.ts';
import type { Builds } from './link-gap.ts';
import { enablesIn, filesOfRuntimePm, isEnabledIn, powerUsesIn } from './runtime-power.ts';

type PowerNeed = Extract<Need, { readonly kind: 'power' }>;

export class PowerNeeds extends Subject {
  override readonly isOfOthers = true;
  #powered: Promise<ReadonlySet<string>> | undefined;
  readonly #power = new Map<string, Promise<readonly PowerNeed[] | undefined>>();

  override async isConcerned(path: string): Promise<boolean> {
    return (await (this.#powered ??= filesOfRuntimePm(this.code.side.tree))).has(path);
  }

  override async needs(path: string): Promise<FileNeeds> {
    return driverNeeds('power', await this.#needsOf(path));
  }

  override async gaps(_builds: Builds, path: string, object: Presence): Promise<readonly Gap[]> {
    return driverGaps(this.conditions, object, (await this.#needsOf(path)) ?? []);
  }

  /** Another file of the same directory that enables it may be a part of the same driver. */
  override async exact(gap: Gap, { path }: Place): Promise<Gap | undefined> {
    const { need } = gap;
    if (need.kind !== 'power') return gap;
    return (await this.code.beside(path)).some((text) => enablesIn(text, need.use)) ? undefined : gap;
  }

  /** Nobody misses what nothing enabled before, nor where nobody can tell. */
  override async isGiven(path: string, { need }: Gap): Promise<boolean> {
    const read = await this.code.side.c.file(path);
    return need.kind === 'power' && read?.ok === true && isEnabledIn(read.file, need.use);
  }

  /** Undefined where the tree has no such file, or it cannot be read. */
  #needsOf(path: string): Promise<readonly PowerNeed[] | undefined> {
    const known = this.#power.get(path) ?? this.#needsNow(path);
    this.#power.set(path, known);
    return known;
  }

  async #needsNow(path: string): Promise<readonly PowerNeed[] | undefined> {
    if (!(await this.isConcerned(path))) return [];
    const read = await this.code.side.c.file(path);
    if (!read?.ok) return undefined;
    return powerUsesIn(path, read.file).map((use) => ({ kind: 'power', name: use.name, use }));
  }
}

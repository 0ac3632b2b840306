/** What a file asks the crypto API for by name: files that register it. */

import type { Presence } from '../kbuild/presence.ts';
import { type Asking, askingIn, type Lookup, lookupsIn } from './algorithm-lookups.ts';
import { type FileNeeds, type Gap, type Need, Subject } from './file-gaps.ts';
import { type Builds, gapGoals, INTO } from './link-gap.ts';

export class AlgorithmNeeds extends Subject {
  #asking: Promise<Asking> | undefined;
  readonly #lookups = new Map<string, Promise<readonly Lookup[] | undefined>>();

  override async isConcerned(path: string): Promise<boolean> {
    return (await this.#askingFiles()).paths.has(path);
  }

  override async needs(path: string): Promise<FileNeeds> {
    const lookups = await this.#lookupsOf(path);
    const doubtful = lookups?.length === 0 ? undefined : (await this.code.uses(path))?.doubtful;
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

  override async gaps(builds: Builds, path: string, object: Presence): Promise<readonly Gap[]> {
    const found: Gap[] = [];
    for (const use of (await this.#lookupsOf(path)) ?? []) {
      const providers = await builds.algorithm(use, await this.code.algorithms());
      if (!providers) continue;
      const need: Need = { kind: 'algorithm', name: use.part, use, providers };
      for (const into of INTO) {
        const goals = gapGoals(this.conditions, object, use.when, providers, into);
        if (goals) found.push({ need, into, goals });
      }
    }
    return found;
  }

  /** Undefined where the tree has no such file, or it cannot be read. */
  #lookupsOf(path: string): Promise<readonly Lookup[] | undefined> {
    const known = this.#lookups.get(path) ?? this.#lookupsNow(path);
    this.#lookups.set(path, known);
    return known;
  }

  async #lookupsNow(path: string): Promise<readonly Lookup[] | undefined> {
    const asking = await this.#askingFiles();
    if (!asking.paths.has(path)) return [];
    const [read, uses] = [await this.code.side.c.file(path), await this.code.uses(path)];
    return read?.ok && uses ? lookupsIn(path, read.file, uses, asking) : undefined;
  }

  #askingFiles(): Promise<Asking> {
    return (this.#asking ??= askingIn(this.code.side.c));
  }
}

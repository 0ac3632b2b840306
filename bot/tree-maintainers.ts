/** MAINTAINERS of the operator's tree, as its HEAD has it now. */

import { openTree } from '../queue/git-tree.ts';
import { resolveRevision } from '../queue/refs.ts';
import type { Repository } from '../queue/repository.ts';
import type { Log } from './log.ts';
import { Maintainers } from './maintainers.ts';

/** Between two looks whether the tree has moved. */
const LOOK_MS = 60_000;

export class TreeMaintainers {
  readonly #repo: Repository;
  readonly #log: Log;
  readonly #nowMs: () => number;
  #known: { readonly commit: string | undefined; readonly maintainers: Maintainers } | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<Maintainers> | undefined;

  /** `nowMs` is a clock that never goes back. */
  constructor(repo: Repository, log: Log, nowMs: () => number = () => performance.now()) {
    this.#repo = repo;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Throws GitError. */
  async current(): Promise<Maintainers> {
    if (this.#known && this.#nowMs() - this.#lookedMs < LOOK_MS) return this.#known.maintainers;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<Maintainers> {
    const commit = await resolveRevision(this.#repo, 'HEAD');
    if (!this.#known || this.#known.commit !== commit) {
      const maintainers = commit
        ? await Maintainers.of(openTree(this.#repo, commit))
        : Maintainers.parse('', () => false);
      for (const line of maintainers.unread)
        this.#log.warn(`MAINTAINERS, ${line}: cannot be read, and matches nothing`);
      this.#known = { commit, maintainers };
    }
    this.#lookedMs = this.#nowMs();
    return this.#known.maintainers;
  }
}

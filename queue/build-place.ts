/**
 * Where one check builds: a checkout of the tree, which goes from before the series to after it, and an output folder
 * for each configuration of either side.
 *
 * What was built of a base is kept by its commit, and only code of that very commit has ever written there; whoever
 * takes it has it alone, and others make their own. What a series builds is a copy that goes with the check, so that
 * no series finds what another has left.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, rename, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Arch, Sha, Side } from '../rules/types.ts';
import { codeOf } from './conf-cache.ts';
import { gitText } from './git.ts';
import { keepAs, remove, removeFolder, temporaryFolder } from './leftovers.ts';
import type { Repository } from './repository.ts';

/** Bases that are kept: of a kernel, 1.7 GB each, and what was built of them. */
const KEEP_BASES = 2;
/** Configurations of one base that are kept. */
const KEEP_OUTPUTS = 12;
/** To write 90,000 files on a slow disk. */
const CHECKOUT_MS = 900_000;

export interface BuildSides {
  readonly before: Sha;
  readonly after: Sha;
}

/** Whose code has written in an output folder: the base's, the whole series', or that of its patches one by one. */
export type Stage = Side | 'steps';

export class BuildPlace {
  readonly #repo: Repository;
  readonly sides: BuildSides;
  readonly #home: string;
  readonly #kept: string;
  readonly #spoilt = new Set<string>();

  private constructor(repo: Repository, sides: BuildSides, home: string, kept: string) {
    this.#repo = repo;
    this.sides = sides;
    this.#home = home;
    this.#kept = kept;
  }

  /** The kept place of a base, or a new one, below `cacheDir`. To be given back. Throws GitError. */
  static async take(repo: Repository, sides: BuildSides, cacheDir: string): Promise<BuildPlace> {
    const builds = join(cacheDir, 'builds');
    await mkdir(builds, { recursive: true });
    const oldest = await sweep(builds);
    const home = await temporaryFolder(join(builds, 'taken-'));
    const kept = join(builds, sides.before);
    // an empty folder is replaced by the one that takes its name
    const isKept = await renamed(kept, home);
    // of a base that would have to go, the checkout: to write those files that differ is quicker than to write all
    if (!isKept && oldest !== undefined && (await renamed(oldest, home))) await keepCheckout(home);
    await mkdir(join(home, 'src'), { recursive: true });
    return new BuildPlace(repo, sides, home, kept);
  }

  /** Folder of the checkout, as it was last shown. */
  get src(): string {
    return join(this.#home, 'src');
  }

  /** Folder of what compilers made of the base's code, kept with its output folders. */
  get compilerCache(): string {
    return join(this.#home, 'ccache');
  }

  /** Makes the checkout a commit: only files that differ are written. */
  async show(commit: Sha): Promise<void> {
    const { gitDir, place } = this.#repo;
    const env = { ...place.env, GIT_INDEX_FILE: join(this.#home, 'index'), GIT_WORK_TREE: this.src };
    await gitText({ cwd: this.src, gitDir, env }, ['read-tree', '--reset', '-u', commit], CHECKOUT_MS);
  }

  /** Output folder for a configuration; empty where nothing was kept. */
  async output(
    stage: Stage,
    arch: Arch,
    config: string,
  ): Promise<{ readonly folder: string; readonly isNew: boolean }> {
    const digest = createHash('sha256').update(config).digest('hex').slice(0, 16);
    const folder = join(this.#home, `${stage}-${arch}-${digest}`);
    const isNew = !(await isThere(folder));
    await mkdir(folder, { recursive: true });
    const now = new Date();
    await utimes(folder, now, now);
    return { folder, isNew };
  }

  /** An output folder of the base that another configuration of the architecture has left, the newest; if there is one. */
  async sibling(folder: string): Promise<string | undefined> {
    const [alike] = /^before-[^-]+-/.exec(basename(folder)) ?? [];
    if (alike === undefined) return undefined;
    const names = (await readdir(this.#home)).filter(
      (name) => name.startsWith(alike) && name !== basename(folder) && !this.#spoilt.has(name),
    );
    const [newest] = await byAge(this.#home, names);
    return newest === undefined ? undefined : join(this.#home, newest);
  }

  /** Marks an output folder in which a run did not come to its end: it goes with the check, and none is begun with it. */
  spoil(folder: string): void {
    this.#spoilt.add(basename(folder));
  }

  /** Removes an output folder in which something went wrong. */
  async discard(folder: string): Promise<void> {
    await removeFolder(folder);
    this.#spoilt.delete(basename(folder));
  }

  /** Keeps what was built of the base for the next check, where nobody else has by now; the rest goes. */
  async giveBack(): Promise<void> {
    const names = await readdir(this.#home);
    const isKept = (name: string): boolean => !/^(?:after|steps)-/.test(name) && !this.#spoilt.has(name);
    for (const name of names.filter((one) => !isKept(one))) await removeFolder(join(this.#home, name));
    const outputs = await byAge(
      this.#home,
      names.filter((one) => one.startsWith('before-') && isKept(one)),
    );
    for (const name of outputs.slice(KEEP_OUTPUTS)) await removeFolder(join(this.#home, name));
    await this.show(this.sides.before);
    if (!(await keepAs(this.#home, this.#kept))) await this.remove();
  }

  /** Removes all of it. */
  async remove(): Promise<void> {
    await remove(this.#home);
  }
}

/** False where there is nothing to rename. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return false;
  }
}

/** Removes what was built there; the checkout no program of a tree can have written to. */
async function keepCheckout(home: string): Promise<void> {
  const names = await readdir(home);
  for (const name of names.filter((one) => one !== 'src' && one !== 'index')) await removeFolder(join(home, name));
}

/** Removes old bases; the base to go next, if there is no room for another. */
async function sweep(builds: string): Promise<string | undefined> {
  const names = await readdir(builds);
  const kept = await byAge(
    builds,
    names.filter((name) => !name.startsWith('taken-')),
  );
  for (const name of kept.slice(KEEP_BASES)) await removeFolder(join(builds, name));
  const oldest = kept[KEEP_BASES - 1];
  return oldest === undefined ? undefined : join(builds, oldest);
}

/** Names of folders, the newest first. */
async function byAge(folder: string, names: readonly string[]): Promise<string[]> {
  const aged = await Promise.all(names.map(async (name) => ({ name, age: await ageMs(folder, name) })));
  return aged.sort((a, b) => a.age - b.age).map(({ name }) => name);
}

/** None for a folder that another process has taken meanwhile. */
async function ageMs(folder: string, name: string): Promise<number> {
  const info = await stat(join(folder, name)).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
  return info === undefined ? 0 : Date.now() - info.mtimeMs;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return false;
  }
}

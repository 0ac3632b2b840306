/** A sample of objects of one random configuration: which functions are in them, by our conditions and by nm(1). */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CReader } from '../../queue/c-reader.ts';
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { applyMode } from '../../rules/kconfig/modes.ts';
import { Values } from '../../rules/kconfig/values.ts';
import type { Compared } from './functions.ts';
import { compareFunctions } from './functions.ts';
import { glibcRand } from './glibc-rand.ts';
import { KernelBuild } from './kernel-build.ts';

export interface ObjectSample {
  readonly tree: string;
  readonly cacheDir: string;
  /** An empty folder, for half a gigabyte. */
  readonly scratch: string;
  readonly seed: number;
  /** Objects to compare, at most. */
  readonly count: number;
  /** Folders to build, with a slash at the end; drawn if not given. */
  readonly folders?: readonly string[];
  readonly done?: (objects: number) => void;
}

/** Folders of the tree that are given to make at a time. */
const BATCH = 30;
/** So that the sample comes from many folders. */
const MAX_PER_FOLDER = 20;
/** C files of a folder that can be drawn. */
const SIZES: readonly [number, number] = [3, 60];

export async function compareObjects(sample: ObjectSample): Promise<readonly Compared[]> {
  const { tree, count, seed } = sample;
  const build = await KernelBuild.open(tree, sample.scratch, seed);
  const source = openDirectory(tree);
  const side = await KconfigSide.open(source, { cacheDir: sample.cacheDir });
  const values = new Values(source.pool, await side.model('x86_64'));
  applyMode(values, 'olddefconfig', { config: build.config });
  const folders = sample.folders ?? drawn(tree, seed);
  const reader = new CReader();
  const compared: Compared[] = [];
  try {
    for (let at = 0; at < folders.length && compared.length < count; at += BATCH) {
      const objects = await build.build(folders.slice(at, at + BATCH));
      const taken = new Map<string, number>();
      for (const one of objects) {
        const folder = folders.find((each) => one.object.startsWith(each))!;
        const before = taken.get(folder) ?? 0;
        if (before >= MAX_PER_FOLDER || compared.length >= count) continue;
        taken.set(folder, before + 1);
        compared.push(await compareFunctions(tree, one, values, reader.read));
      }
      sample.done?.(compared.length);
    }
  } finally {
    await reader.close();
  }
  return compared;
}

/** Folders of a size that is worth while, in an order that the seed draws. */
function drawn(tree: string, seed: number): readonly string[] {
  const counts = new Map<string, number>();
  for (const top of ['block', 'crypto', 'drivers', 'fs', 'kernel', 'lib', 'mm', 'net', 'security', 'sound']) {
    for (const path of readdirSync(join(tree, top), { recursive: true, encoding: 'utf8' })) {
      if (!path.endsWith('.c')) continue;
      const parts = path.split('/');
      for (let depth = 1; depth < parts.length; depth++) {
        const folder = `${top}/${parts.slice(0, depth).join('/')}/`;
        counts.set(folder, (counts.get(folder) ?? 0) + 1);
      }
    }
  }
  const rand = glibcRand(seed);
  return [...counts]
    .filter(([, files]) => files >= SIZES[0] && files <= SIZES[1])
    .map(([folder]) => ({ folder, key: rand() }))
    .sort((a, b) => a.key - b.key)
    .map(({ folder }) => folder)
    .filter((folder, i, all) => !all.slice(0, i).some((other) => folder.startsWith(other) || other.startsWith(folder)));
}

/** A line a figure, and every difference under its object. */
export function objectTable(compared: readonly Compared[]): string {
  const sum = (of: (one: Compared) => number): number => compared.reduce((total, one) => total + of(one), 0);
  const equal = compared.filter(({ differences }) => differences.length === 0).length;
  const differing = compared.flatMap(({ object, differences }) => differences.map((one) => `\n${object}: ${one}`));
  return [
    ...differing,
    differing.length > 0 ? '\n\n' : '',
    `${equal} of ${compared.length} objects have the functions that our conditions say, by nm: `,
    `${sum(({ agreed }) => agreed.there)} there, ${sum(({ agreed }) => agreed.absent)} absent\n`,
    `set aside: ${sum(({ aside }) => aside.inlined)} static functions inlined or dropped by the compiler, `,
    `${sum(({ aside }) => aside.generated)} made by macros or included files, `,
    `${sum(({ aside }) => aside.opaque)} under conditions that are not the configuration's\n`,
  ].join('');
}

/**
 * Configurations that people use: every defconfig of a tree, and a distribution's where they are installed.
 */

import type { ExistingConfig } from '../rules/rule.ts';
import type { Arch, Tree } from '../rules/types.ts';

/** A distribution's .config for one architecture. */
export interface DistributionConfig {
  /** Directory below `arch/`. */
  readonly arch: Arch;
  /** For people, e.g. `Debian amd64`. */
  readonly name: string;
  readonly text: string;
}

/**
 * All defconfigs of the trees before and after, for the architectures asked for, sorted by path, then the
 * distributions'. One that only one side has is left out: nobody carries it over.
 */
export async function existingConfigs(
  before: Tree,
  after: Tree,
  archs: readonly Arch[],
  distributions: readonly DistributionConfig[],
): Promise<ExistingConfig[]> {
  const wanted = new Set(archs);
  const archOf = (path: string): Arch => /^arch\/([^/]+)\//.exec(path)![1]!;
  const paths = (await before.paths()).filter(
    (path) => /^arch\/[^/]+\/configs\/.*defconfig$/.test(path) && wanted.has(archOf(path)),
  );
  const texts = await before.read(paths);
  const changed: string[] = [];
  for (const path of paths) if ((await before.blob(path)) !== (await after.blob(path))) changed.push(path);
  const textsAfter = await after.read(changed);
  const isChanged = new Set(changed);
  const configs: ExistingConfig[] = [];
  for (const path of paths) {
    const text = texts.get(path);
    const textAfter = isChanged.has(path) ? textsAfter.get(path) : text;
    if (text === undefined || textAfter === undefined) continue;
    const arch = archOf(path);
    configs.push({ arch, name: path, group: `${arch} defconfigs`, text, textAfter });
  }
  for (const { arch, name, text } of distributions) {
    if (wanted.has(arch)) configs.push({ arch, name, group: name, text, textAfter: text });
  }
  return configs;
}

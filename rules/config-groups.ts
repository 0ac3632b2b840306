/** Existing configurations as a reply counts and names them. */

import type { ExistingConfig } from './rule.ts';
import type { Arch } from './types.ts';

/** A group of configurations: `arm defconfigs`, how many, and the names of up to four. */
export interface ConfigGroup {
  readonly label: string;
  readonly count: number;
  readonly examples: readonly string[];
}

/** By group, the largest first. */
export function grouped(configs: readonly ExistingConfig[]): ConfigGroup[] {
  return [...Map.groupBy(configs, (config) => config.group)]
    .map(([label, members]) => {
      const examples = members.map(baseName).filter((name) => name !== label);
      return { label, count: members.length, examples: examples.sort().slice(0, 4) };
    })
    .sort((a, b) => b.count - a.count || (a.label < b.label ? -1 : 1));
}

/** Order of configurations to show: of a much used architecture first, then by name. */
export function byFame(a: ExistingConfig, b: ExistingConfig): number {
  return fame(a.arch) - fame(b.arch) || (a.name < b.name ? -1 : 1);
}

/** Place of an architecture among those that most people have; the less, the more of them. */
export function fame(arch: Arch): number {
  return (FAME.indexOf(arch) + FAME.length + 1) % (FAME.length + 1);
}

/** Those that most people have first. */
export function archsByFame(archs: readonly Arch[]): Arch[] {
  return archs.toSorted((a, b) => fame(a) - fame(b));
}

const FAME = ['x86', 'arm64', 'arm', 'powerpc', 'riscv', 's390', 'mips'];

/** `reef_defconfig`; where a name alone says little, with its architecture. */
export function shortName(config: ExistingConfig): string {
  const short = baseName(config);
  return short === 'defconfig' ? `the defconfig of ${config.arch}` : short;
}

function baseName({ arch, name }: ExistingConfig): string {
  const dir = `arch/${arch}/configs/`;
  return name.startsWith(dir) ? name.slice(dir.length) : name;
}

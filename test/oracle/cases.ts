/**
 * What the oracle asks of conf and of us, for one architecture: a kind (a column of the table), a name for
 * people, and the input.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfMode } from '../../queue/conf.ts';
import { archs, srcArch } from '../../queue/toolchain.ts';
import type { Mode } from '../../rules/kconfig/modes.ts';

export const KINDS = [
  'allno',
  'allyes',
  'allmod',
  'alldef',
  'defconfig',
  'randconfig',
  'savedef',
  'listnew',
  'debian',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Case {
  readonly kind: Kind;
  /** E.g. `arch/arm/configs/imx_v6_v7_defconfig`. */
  readonly name: string;
  readonly ours: Mode;
  readonly theirs: ConfMode;
  /** Text of the input, one character a byte. */
  readonly config?: string;
  /** Path in the tree, for `conf --defconfig=PATH`. */
  readonly defconfigPath?: string;
  /** The input is what `conf --randconfig` makes of this seed. */
  readonly seed?: number;
}

/** A defconfig of the tree: path and text. */
export interface Defconfig {
  readonly path: string;
  readonly text: string;
}

export interface CaseOptions {
  readonly randconfigs: number;
  /** Texts of whole .config files for this architecture, with names. */
  readonly distributions: readonly { readonly name: string; readonly text: string }[];
  /** Every how many defconfigs one also goes through savedefconfig and listnewconfig. */
  readonly extraEvery: number;
}

/** Directories below arch/ that have a Kconfig, sorted. */
export function archsOf(tree: string): string[] {
  const paths = readdirSync(join(tree, 'arch')).map((name) => `arch/${name}/Kconfig`);
  return archs(paths.filter((path) => existsSync(join(tree, path))));
}

/** All `*defconfig` below `arch/<directory of arch>/configs`, also in folders there, sorted by path. */
export function defconfigsOf(tree: string, arch: string): Defconfig[] {
  const folder = join('arch', srcArch(arch), 'configs');
  return readdirSync(join(tree, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('defconfig'))
    .map((name) => join(folder, name))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(tree, path), 'latin1') }));
}

/** All cases of an architecture, in the order of KINDS. */
export function casesOf(defconfigs: readonly Defconfig[], options: CaseOptions): Case[] {
  const all = (['allno', 'allyes', 'allmod', 'alldef'] as const).map((kind): Case => {
    return { kind, name: `${kind}config`, ours: `${kind}config`, theirs: `${kind}config` };
  });
  // --defconfig=PATH reads PATH in place of .config and leaves new symbols to their defaults, as olddefconfig
  // does: conf_set_all_new_symbols(def_default) of scripts/kconfig/conf.c sets none
  const defconfig = defconfigs.map(({ path, text }): Case => {
    return {
      kind: 'defconfig',
      name: path,
      ours: 'olddefconfig',
      theirs: 'defconfig',
      config: text,
      defconfigPath: path,
    };
  });
  const randconfig = Array.from({ length: options.randconfigs }, (_, i): Case => {
    return {
      kind: 'randconfig',
      name: `randconfig, seed ${i + 1}`,
      ours: 'olddefconfig',
      theirs: 'olddefconfig',
      seed: i + 1,
    };
  });
  const some = defconfigs.filter((_, i) => i % options.extraEvery === 0);
  const extra = (['savedef', 'listnew'] as const).flatMap((kind) =>
    some.map(({ path, text }): Case => {
      const mode = kind === 'savedef' ? 'savedefconfig' : 'listnewconfig';
      return { kind, name: `${mode} of ${path}`, ours: mode, theirs: mode, config: text };
    }),
  );
  const debian = options.distributions.map(({ name, text }): Case => {
    return { kind: 'debian', name, ours: 'olddefconfig', theirs: 'olddefconfig', config: text };
  });
  return [...all, ...defconfig, ...randconfig, ...extra, ...debian];
}

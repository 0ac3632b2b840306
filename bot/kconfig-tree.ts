/** The tree that `depbot kconfig …` is asked about: a directory, read as it is, and models of its architectures. */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openDirectory } from '../queue/dir-kconfig.ts';
import { KconfigSide } from '../queue/kconfig-side.ts';
import { cacheDir } from '../queue/provision-cache.ts';
import { setToolEnv } from '../queue/tool-path.ts';
import { srcArch } from '../queue/toolchain.ts';
import { KconfigError } from '../rules/kconfig/error.ts';
import type { ExprPool } from '../rules/kconfig/expr.ts';
import type { FreeAnswers } from '../rules/kconfig/free-answers.ts';
import type { KconfigModel } from '../rules/kconfig/model.ts';
import type { Arch } from '../rules/types.ts';
import type { World } from './main.ts';

export interface TreeArguments {
  readonly tree?: string;
  readonly trustTree?: boolean;
  /** Answers of shell commands are left open. */
  readonly freeShell?: boolean;
}

export interface KconfigTreeDir {
  readonly dir: string;
  readonly pool: ExprPool;
  /** With `freeShell`: what stands for which command. */
  readonly free: FreeAnswers | undefined;
  readonly side: KconfigSide;
  /** Architectures that the tree has, sorted. */
  archs(): Arch[];
  /**
   * The model of one architecture; what reading it says goes to standard error, what another one said is not repeated. Throws KconfigError
   * where there is no such architecture, or conf would refuse the tree.
   */
  model(arch: Arch): Promise<KconfigModel>;
}

/** Opens the tree of --tree, $DEPBOT_TREE or the current folder. Throws KconfigError where it is none. */
export async function openTree(args: TreeArguments, world: World): Promise<KconfigTreeDir> {
  setToolEnv(world.env);
  const dir = args.tree ?? world.env['DEPBOT_TREE'] ?? world.cwd;
  const source = openDirectory(dir, {
    cacheDir: cacheDir(world.env),
    ...(args.freeShell !== undefined && { hasFreeAnswers: args.freeShell }),
  });
  const side = await KconfigSide.open(source, {
    cacheDir: cacheDir(world.env),
    ...(args.trustTree !== undefined && { trustTree: args.trustTree }),
  });
  const said = new Set<string>();
  return {
    dir,
    pool: source.pool,
    free: source.free,
    side,
    archs: () => {
      const names = existsSync(join(dir, 'arch')) ? readdirSync(join(dir, 'arch')) : [];
      return names.filter((name) => /^\w+$/.test(name) && existsSync(join(dir, 'arch', name, 'Kconfig'))).sort();
    },
    model: async (arch) => {
      const path = join(dir, 'arch', srcArch(arch), 'Kconfig');
      if (!/^\w+$/.test(arch) || !existsSync(path))
        throw new KconfigError(path, 0, `no such file: the tree has no architecture "${arch}"`);
      const model = await side.model(arch);
      const lines = [...model.warnings, ...model.messages.map(({ text }) => text)].filter((line) => !said.has(line));
      for (const line of lines) {
        world.stderr.write(`${line}\n`);
        said.add(line);
      }
      if (!model.isAcyclic) await refuseCircles(source.pool, model, world);
      return model;
    },
  };
}

async function refuseCircles(pool: ExprPool, model: KconfigModel, world: World): Promise<void> {
  // Loaded only where it is needed, which for most trees is never.
  const { findCycles } = await import('../rules/kconfig/cycles.ts');
  const cycles = findCycles(pool, model);
  const start = cycles[0]?.steps[0];
  if (!start) return;
  world.stderr.write(cycles.map(({ stderr }) => stderr).join(''));
  throw new KconfigError(start.path, start.line, `${start.symbol} depends on itself, so that conf refuses this tree`);
}

/** The ARCH of this machine. */
export function hostArch({ machine }: Pick<World, 'machine'>): Arch {
  return MACHINES[machine] ?? machine;
}

const MACHINES: Readonly<Record<string, Arch>> = {
  x64: 'x86_64',
  ia32: 'i386',
  ppc64: 'powerpc',
  s390x: 's390',
  mipsel: 'mips',
  loong64: 'loongarch',
  riscv64: 'riscv',
};

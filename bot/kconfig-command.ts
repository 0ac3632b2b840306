/**
 * `depbot kconfig …`: what conf writes, without conf, and the reason for a value.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { openDirectory } from '../queue/dir-kconfig.ts';
import { KconfigSide } from '../queue/kconfig-side.ts';
import { cacheDir } from '../queue/provision-cache.ts';
import { setToolPath } from '../queue/sandbox.ts';
import { srcArch } from '../queue/toolchain.ts';
import { KconfigError } from '../rules/kconfig/error.ts';
import type { ExprPool } from '../rules/kconfig/expr.ts';
import type { KconfigModel } from '../rules/kconfig/model.ts';
import { applyMode, type Mode, renderMode } from '../rules/kconfig/modes.ts';
import { Values } from '../rules/kconfig/values.ts';
import type { World } from './main.ts';

export interface KconfigArguments {
  readonly tree?: string;
  readonly arch?: string;
  readonly config?: string;
  readonly output?: string;
  readonly trustTree?: boolean;
  readonly expand?: number;
}

const NEEDS_CONFIG = new Set<Mode>(['olddefconfig', 'savedefconfig', 'listnewconfig']);

/** Runs one mode; returns the exit status. Throws KconfigError for a tree or a .config that cannot be read. */
export async function runMode(mode: Mode, args: KconfigArguments, world: World): Promise<number> {
  const { values, dir } = await load(args, world);
  const config = NEEDS_CONFIG.has(mode) || args.config !== undefined ? readConfigText(args, dir) : undefined;
  const warnings = applyMode(values, mode, config ?? {});
  for (const warning of warnings) world.stderr.write(`${warning}\n`);
  const bytes = Buffer.from(renderMode(values, mode), 'latin1');
  if (args.output === undefined) world.stdout.write(bytes);
  else writeOutput(args.output, bytes);
  return 0;
}

/** Written as it is, not renamed into place: it may be a device. */
function writeOutput(path: string, bytes: Uint8Array): void {
  try {
    writeFileSync(path, bytes);
  } catch (cause) {
    throw new KconfigError(path, 0, `cannot be written (${(cause as Error).message})`);
  }
}

/** Explains one symbol in a configuration; an unknown one is an error with the nearest names. */
export async function runExplain(symbol: string, args: KconfigArguments, world: World): Promise<number> {
  const [{ explain }, { renderExplanation, renderUndeclared }] = await Promise.all([
    import('../rules/kconfig/explain.ts'),
    import('./kconfig-explain.ts'),
  ]);
  const { values, dir } = await load(args, world);
  applyMode(values, 'olddefconfig', readConfigText(args, dir) ?? {});
  const explained = explain(values, symbol, { depth: args.expand ?? 1 });
  if (!explained.ok) {
    world.stderr.write(`depbot: ${renderUndeclared(explained).trimEnd()}\n`);
    return 2;
  }
  const isColour = world.stdout.isTTY === true && !world.env['NO_COLOR'];
  const text = renderExplanation(explained.explanation, {
    columns: Math.min(world.stdout.columns ?? 100, 120),
    isColour,
  });
  world.stdout.write(text);
  return 0;
}

async function load(args: KconfigArguments, world: World): Promise<{ values: Values; dir: string }> {
  // V8's last compiler takes a quarter of all processor time, and the process ends before that has paid.
  setFlagsFromString('--no-turbofan');
  if (world.env['PATH']) setToolPath(world.env['PATH']);
  const dir = args.tree ?? world.env['DEPBOT_TREE'] ?? world.cwd;
  const source = openDirectory(dir, { cacheDir: cacheDir(world.env) });
  const arch = args.arch ?? MACHINES[world.machine] ?? world.machine;
  if (!existsSync(join(dir, 'arch', srcArch(arch), 'Kconfig')))
    throw new KconfigError(
      join(dir, 'arch', srcArch(arch), 'Kconfig'),
      0,
      `no such file: the tree has no architecture "${arch}"`,
    );
  const side = await KconfigSide.open(source, {
    cacheDir: cacheDir(world.env),
    ...(args.trustTree !== undefined && { trustTree: args.trustTree }),
  });
  const model = await side.model(arch);
  for (const warning of model.warnings) world.stderr.write(`${warning}\n`);
  for (const message of model.messages) world.stderr.write(`${message.text}\n`);
  if (!model.isAcyclic) await refuseCycles(source.pool, model, world);
  return { values: new Values(source.pool, model), dir };
}

async function refuseCycles(pool: ExprPool, model: KconfigModel, world: World): Promise<void> {
  const { findCycles } = await import('../rules/kconfig/cycles.ts');
  const cycles = findCycles(pool, model);
  const start = cycles[0]?.steps[0];
  if (!start) return;
  world.stderr.write(cycles.map(({ stderr }) => stderr).join(''));
  throw new KconfigError(start.path, start.line, `${start.symbol} depends on itself, so that conf refuses this tree`);
}

const MACHINES: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  ia32: 'i386',
  ppc64: 'powerpc',
  s390x: 's390',
  mipsel: 'mips',
  loong64: 'loongarch',
  riscv64: 'riscv',
};

function readConfigText(args: KconfigArguments, dir: string): { config: string; name: string } | undefined {
  const path = args.config ?? join(dir, '.config');
  if (args.config === undefined && !existsSync(path)) return undefined;
  try {
    return { config: readFileSync(path, 'latin1'), name: args.config ?? basename(path) };
  } catch (cause) {
    throw new KconfigError(path, 0, `cannot be read (${(cause as Error).message})`);
  }
}

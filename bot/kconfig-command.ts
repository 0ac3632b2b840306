/**
 * `depbot kconfig …`: what conf writes, without conf, and the reason for a value.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { KconfigError } from '../rules/kconfig/error.ts';
import { applyMode, type Mode, renderMode } from '../rules/kconfig/modes.ts';
import { Values } from '../rules/kconfig/values.ts';
import { hostArch, openTree, type TreeArguments } from './kconfig-tree.ts';
import type { World } from './main.ts';
import { wantsColour } from './printable.ts';

export interface KconfigArguments extends TreeArguments {
  readonly arch?: string;
  readonly config?: string;
  readonly output?: string;
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
  const config = readConfigText(args, dir);
  applyMode(values, 'olddefconfig', config ?? {});
  const given =
    config === undefined ? `an empty configuration: ${dir} has no .config` : (args.config ?? join(dir, '.config'));
  world.stderr.write(`depbot: ARCH=${args.arch ?? hostArch(world)}, ${given}\n`);
  const explained = explain(values, symbol, { depth: args.expand ?? 1 });
  if (!explained.ok) {
    world.stderr.write(`depbot: ${renderUndeclared(explained).trimEnd()}\n`);
    return 2;
  }
  const text = renderExplanation(explained.explanation, {
    columns: Math.min(world.stdout.columns ?? 100, 120),
    isColour: wantsColour(world),
  });
  world.stdout.write(text);
  return 0;
}

async function load(args: KconfigArguments, world: World): Promise<{ values: Values; dir: string }> {
  // V8's last compiler takes a quarter of all processor time, and the process ends before that has paid.
  setFlagsFromString('--no-turbofan');
  const tree = await openTree(args, world);
  const model = await tree.model(args.arch ?? hostArch(world));
  return { values: new Values(tree.pool, model), dir: tree.dir };
}

function readConfigText(args: KconfigArguments, dir: string): { config: string; name: string } | undefined {
  const path = args.config ?? join(dir, '.config');
  if (args.config === undefined && !existsSync(path)) return undefined;
  try {
    return { config: readFileSync(path, 'latin1'), name: args.config ?? basename(path) };
  } catch (cause) {
    throw new KconfigError(path, 0, `cannot be read (${(cause as Error).message})`);
  }
}

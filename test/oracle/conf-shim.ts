/**
 * conf(1) of scripts/kconfig on top of rules/kconfig, for the kernel's own tests of it: same
 * options, environment (`srctree`, `KCONFIG_CONFIG`, `KCONFIG_ALLCONFIG`, `KCONFIG_SEED`), texts and exit status.
 *
 *     node conf-shim.ts --allnoconfig Kconfig
 *
 * Runs `$(shell,…)` with /bin/sh, unguarded: for trusted trees only. A mode that it lacks exits with 77.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildModel } from '../../rules/kconfig/build-model.ts';
import { findCycles } from '../../rules/kconfig/cycles.ts';
import { dialectOf } from '../../rules/kconfig/dialect.ts';
import { configLine, readConfig, writeConfig, writeDefconfig } from '../../rules/kconfig/dotconfig.ts';
import { KconfigError } from '../../rules/kconfig/error.ts';
import { ExprPool } from '../../rules/kconfig/expr.ts';
import type { KconfigModel } from '../../rules/kconfig/model.ts';
import { applyMode, MODES, type Mode } from '../../rules/kconfig/modes.ts';
import { KconfigParser } from '../../rules/kconfig/parse.ts';
import { Simplifier } from '../../rules/kconfig/simplify.ts';
import { Values } from '../../rules/kconfig/values.ts';
import { Dialogue, isNew, isVisible, settle, type Terminal } from './dialogue.ts';
import { type MenuNode, menuTree } from './menu-tree.ts';
import { randomise } from './randconfig.ts';

const { env } = process;
const SHELL_ANSWER_BYTES = 4095;
const SEED = Number(env['KCONFIG_SEED'] ?? 1);
const ALL_MODES = ['allnoconfig', 'allyesconfig', 'allmodconfig', 'alldefconfig', 'randconfig'];

const print = (text: string): boolean => process.stdout.write(text, 'latin1');
const complain = (text: string): boolean => process.stderr.write(text, 'latin1');

class Exit extends Error {
  readonly status: number;
  constructor(status: number, stderr = '') {
    super(`exit ${status}`);
    this.status = status;
    complain(stderr);
  }
}

/** A file of the working directory, else of `srctree`. */
function readText(name: string): string | undefined {
  const path = [name, join(env['srctree'] ?? '', name)].find((candidate) => existsSync(candidate));
  return path === undefined ? undefined : readFileSync(path, 'latin1');
}

function shell(command: string): string {
  const { stdout } = spawnSync('/bin/sh', ['-c', command], {
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return stdout.slice(0, SHELL_ANSWER_BYTES).replace(/\n+$/, '').replaceAll('\n', ' ');
}

function readModel(pool: ExprPool, root: string): KconfigModel {
  const parser = new KconfigParser(pool);
  const cache = new Map<string, string>();
  const ask = (command: string): string => {
    const known = cache.get(command) ?? shell(command);
    cache.set(command, known);
    return known;
  };
  try {
    return buildModel({
      pool,
      root,
      file: (path) => {
        const text = readText(path);
        return text === undefined ? undefined : parser.parseFile(text);
      },
      world: { env: env as Record<string, string>, shell: ask },
      refuseRepeatedSource: env['SHIM_REFUSE_REPEATED_SOURCE'] === '1',
      dialect: dialectOf(env['SHIM_GRAMMAR'] === undefined ? undefined : readFileSync(env['SHIM_GRAMMAR'], 'utf8')),
    });
  } catch (error) {
    if (!(error instanceof KconfigError)) throw error;
    throw new Exit(1, error.stderr);
  }
}

/** Fragment that the all*config modes start from. */
function allConfig(mode: string): { config: string; name: string } | undefined {
  const name = env['KCONFIG_ALLCONFIG'];
  if (name === undefined) return undefined;
  const names =
    name === '' || name === '1'
      ? [`${mode === 'randconfig' ? 'allrandom' : mode.slice(0, -6)}.config`, 'all.config']
      : [name];
  for (const candidate of names) {
    const config = readText(candidate);
    if (config !== undefined) return { config, name: candidate };
  }
  throw new Exit(1, `*** Can't read seed configuration "${name}"!\n`);
}

const configName = (): string => env['KCONFIG_CONFIG'] ?? '.config';

function dotConfig(): { config: string; name: string } | undefined {
  const name = configName();
  const config = readText(name);
  return config === undefined ? undefined : { config, name };
}

function terminal(): Terminal & { close(): void } {
  const reader = createInterface({ input: process.stdin });
  const lines = reader[Symbol.asyncIterator]();
  return {
    print,
    ask: async () => {
      const { done, value } = await lines.next();
      return done ? undefined : `${value}\n`;
    },
    close: () => reader.close(),
  };
}

async function configure(values: Values, mode: string, argument: string): Promise<void> {
  const start = ALL_MODES.includes(mode) ? allConfig(mode) : mode === 'defconfig' ? undefined : dotConfig();
  const modes: readonly string[] = MODES;
  if (modes.includes(mode)) {
    for (const warning of applyMode(values, mode as Mode, start ?? {})) complain(`${warning}\n`);
    return;
  }
  if (start) for (const warning of readConfig(values, start.config, start.name)) complain(`${warning}\n`);
  if (mode === 'defconfig') {
    const config = readText(argument);
    if (config === undefined) throw new Exit(1, `***\n*** Can't find default configuration "${argument}"!\n***\n`);
    for (const warning of readConfig(values, config, argument)) complain(`${warning}\n`);
  } else if (mode === 'randconfig') {
    randomise(values, SEED, env['KCONFIG_PROBABILITY']);
  }
  settle(values);
  if (mode === 'defconfig') values.calculate();
}

function listNew(values: Values, node: MenuNode): void {
  if (!isVisible(values, node)) return;
  const { symbol } = node.declaration;
  if (symbol && isNew(values, symbol)) print(configLine(values, symbol, 'n'));
  for (const child of node.children) listNew(values, child);
}

function write(name: string, text: string): void {
  if (existsSync(name) && readFileSync(name, 'latin1') === text) {
    print(`#\n# No change to ${name}\n#\n`);
    return;
  }
  writeFileSync(name, text, 'latin1');
  print(`#\n# configuration written to ${name}\n#\n`);
}

async function main(argv: readonly string[]): Promise<void> {
  const option = argv.find((word) => word.startsWith('--'))?.slice(2) ?? 'oldaskconfig';
  const root = argv.find((word) => !word.startsWith('-'));
  const [mode, argument = ''] = option.split(/=(.*)/s) as [string, string?];
  const known = [...MODES, 'randconfig', 'defconfig', 'oldconfig', 'oldaskconfig'];
  if (root === undefined || !known.includes(mode)) throw new Exit(77, `${option} is not supported\n`);
  if (mode === 'randconfig') print(`KCONFIG_SEED=0x${SEED.toString(16).toUpperCase()}\n`);
  const pool = new ExprPool();
  const model = readModel(pool, root);
  for (const { stream, text } of model.messages) (stream === 'stdout' ? print : complain)(`${text}\n`);
  for (const warning of model.warnings) complain(`${warning}\n`);
  const cycles = findCycles(pool, model);
  if (cycles.length > 0) throw new Exit(1, cycles.map(({ stderr }) => stderr).join(''));
  const tree = menuTree(model, new Simplifier(pool, model));
  const values = new Values(pool, model);
  await configure(values, mode, argument);
  if (mode === 'oldaskconfig' || mode === 'oldconfig') {
    const input = terminal();
    const dialogue = new Dialogue(values, tree, input);
    await (mode === 'oldconfig' ? dialogue.askNew() : dialogue.askAll());
    input.close();
  }
  if (mode === 'listnewconfig') listNew(values, tree);
  else if (mode === 'savedefconfig') writeFileSync(argument || 'defconfig', writeDefconfig(values), 'latin1');
  else write(configName(), writeConfig(values));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Exit)) throw error;
  process.exitCode = error.status;
}
process.stdin.destroy();

/**
 * `depbot doctor`: whether everything is there that the work needs, each thing with the one line that mends it. With
 * --config also what `serve` needs. Exit status: 0 when nothing is at fault, 1 when something is.
 */

import { styleText } from 'node:util';
import { setToolEnv } from '../queue/tool-path.ts';
import { fetchedTree, openTree, treeDirOf } from './check-command.ts';
import { type Config, ConfigError, readConfigFile } from './config.ts';
import { fault, looked, note, type Sign } from './doctor.ts';
import { compilerSigns, diskSigns, gitSign, nodeSign, sandboxSigns, treeSigns } from './doctor-machine.ts';
import type { World } from './main.ts';
import { printable, wantsColour } from './printable.ts';

export interface DoctorArguments {
  readonly config?: string;
  readonly tree?: string;
  readonly json?: boolean;
}

const MARKS = { ok: ['✓', 'green'], fault: ['✗', 'red'], note: ['·', 'yellow'] } as const;

export async function runDoctor(args: DoctorArguments, world: World): Promise<number> {
  const searchPath = world.env['PATH'] ?? '';
  setToolEnv(world.env);
  const signs: Sign[] = [];
  const add = (...more: readonly Sign[]): void => {
    signs.push(...more);
    if (!args.json) for (const sign of more) world.stdout.write(`${line(sign, wantsColour(world))}\n`);
  };
  add(nodeSign(process.versions.node));
  add(...(await looked('git', 'apt install git', async () => [await gitSign(searchPath)])));
  const config = readOrFault(args, add);
  if (config) {
    add(...diskSigns(config, world));
    add(...(await looked('tree', treeMend(args, config, world), () => tree(args, config, world))));
    if (args.config === undefined) add(note('servers', 'not looked at', 'give --config depbot.toml'));
    else await addServers(args.config, config, world, add);
  }
  add(...(await compilerSigns()));
  add(...(await sandboxSigns(world.env['HOME'])));
  if (args.json) world.stdout.write(`${JSON.stringify({ schema: 1, isWell: isWell(signs), signs }, null, 2)}\n`);
  return isWell(signs) ? 0 : 1;
}

function isWell(signs: readonly Sign[]): boolean {
  return signs.every(({ state }) => state !== 'fault');
}

function readOrFault({ config: path }: DoctorArguments, add: (sign: Sign) => void): Config | undefined {
  try {
    return readConfigFile(path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const why of error.message.split('\n'))
      add(fault('settings', why, `see depbot.example.toml, and mend ${path}`));
    return undefined;
  }
}

function treeMend({ config: path }: DoctorArguments, config: Config, { env }: World): string {
  const fetched = fetchedTree(config, env);
  const names = 'name a git tree of the kernel: --tree, DEPBOT_TREE, or [tree] dir';
  if (fetched === undefined) return names;
  return `${names}; with the one that set-up fetched: depbot doctor${path === undefined ? '' : ` --config ${path}`} --tree ${fetched}`;
}

async function tree(args: DoctorArguments, config: Config, world: World): Promise<readonly Sign[]> {
  const repo = await openTree(treeDirOf(args, config, world), config, world);
  try {
    return await treeSigns(repo, config, world);
  } finally {
    await repo.close();
  }
}

async function addServers(
  path: string,
  config: Config,
  world: World,
  add: (...signs: readonly Sign[]) => void,
): Promise<void> {
  const { serveSettings } = await import('./serve-settings.ts');
  const { serverSigns, settingsSigns } = await import('./doctor-servers.ts');
  const { signs, settings } = settingsSigns(path, () => serveSettings(config, world.env, path));
  add(...signs);
  if (settings) add(...(await serverSigns(settings, world.env['PATH'] ?? '')));
}

/** `✗ Redis: it does not answer`, and below it what to do. */
function line({ what, state, detail, mend }: Sign, inColour: boolean): string {
  const [mark, colour] = MARKS[state];
  const shown = inColour ? styleText(colour, mark, { validateStream: false }) : mark;
  const text = printable(detail === '' ? what : `${what}: ${detail}`).replaceAll('\n', '\n    ');
  return `${shown} ${text}${mend === undefined ? '' : `\n    ${printable(mend)}`}`;
}

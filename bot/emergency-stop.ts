/**
 * The emergency stop: while it is on, nothing leaves the house, neither mails nor drafts. Three ways to it: a file in the
 * state folder, which `depbot stop` makes and `depbot resume` takes away, and `serve.stop = true` in depbot.toml. Each is
 * looked at before every mail, without a restart.
 */

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, readConfigFile, stateDir } from './config.ts';
import { writeDurably } from './durable.ts';
import type { World } from './main.ts';

const NAME = 'STOP';

/** In what `serve` keeps of its own. */
export function emergencyFile(config: Config, env: World['env']): string {
  return join(stateDir(config, env), 'service', NAME);
}

/**
 * Why nothing may leave now; undefined when all may. A configuration that cannot be read stops, too: somebody may be
 * writing just that key.
 */
export function whyStopped(file: string, configPath: string): string | undefined {
  try {
    const reason = readFileSync(file, 'utf8').trim().split('\n')[0];
    return `nothing is sent: emergency stop by ${file}${reason ? ` (${reason})` : ''}`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') return `nothing is sent: ${file} cannot be read (${message})`;
  }
  try {
    const { stop } = readConfigFile(configPath).serve;
    return stop ? `nothing is sent: emergency stop by serve.stop in ${configPath}` : undefined;
  } catch (error) {
    return `nothing is sent while the configuration cannot be read: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** `depbot stop` and `depbot resume`. */
export function setEmergencyStop(isOn: boolean, why: string | undefined, configPath: string, world: World): number {
  const config = readConfigFile(configPath);
  const file = emergencyFile(config, world.env);
  if (isOn) writeDurably(file, `${(why ?? 'no reason given').replaceAll(/\s+/g, ' ')}\n`);
  else rmSync(file, { force: true });
  const left = whyStopped(file, configPath);
  world.stdout.write(`${left ?? 'mails and drafts may leave'}\n`);
  return isOn || left === undefined ? 0 : 1;
}

/**
 * The emergency stop: while it is on, nothing leaves the house, neither mails nor drafts. Three ways to it: a file in the
 * state folder, which `depbot stop` makes and `depbot resume` takes away, and `serve.stop = true` in depbot.toml. Each is
 * looked at before every mail, without a restart.
 */

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readConfigFile, stateDir } from './config.ts';
import { writeDurably } from './durable.ts';
import type { World } from './main.ts';

/** In the folder that `serve` keeps of its own. */
const STOP_FILE = 'STOP';

/**
 * Why nothing may leave now; undefined when all may. `state` is the folder that `serve` keeps of its own. A configuration that cannot be read stops, too: somebody may be
 * writing just that key.
 */
export function whyStopped(state: string, configPath: string): string | undefined {
  const file = join(state, STOP_FILE);
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

/** `depbot stop` and `depbot resume`. Exit status: 0, or 1 where it may come to nothing. Throws ConfigError, and errors of the system. */
export function setEmergencyStop(
  { isOn, why, configPath }: { readonly isOn: boolean; readonly why: string; readonly configPath: string },
  world: World,
): number {
  const state = join(stateDir(readConfigFile(configPath), world.env), 'service');
  const file = join(state, STOP_FILE);
  if (isOn) writeDurably(file, `${why.replaceAll(/\s+/g, ' ') || 'no reason given'}\n`);
  else rmSync(file, { force: true });
  const left = whyStopped(state, configPath);
  world.stdout.write(`${left ?? 'mails and drafts may leave'}\n`);
  // an operator's shell may lack what the service's unit sets
  const isUsed = existsSync(join(state, 'outbox'));
  if (!isUsed)
    world.stderr.write(
      `depbot: no depbot serve has used ${state}: one that has its state elsewhere (paths.state, XDG_STATE_HOME in its unit) does not see this\n`,
    );
  return isUsed && isOn === (left !== undefined) ? 0 : 1;
}

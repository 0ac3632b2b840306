/** `depbot serve`: puts the service together with its Redis, its queue and a worker, and ends it in order. */

import { join } from 'node:path';
import { openQueue } from '../queue/bullmq.ts';
import { withLock } from '../queue/provision-lock.ts';
import { setToolPath } from '../queue/sandbox.ts';
import { type Config, readConfigFile, stateDir } from './config.ts';
import { type Log, openLog } from './log.ts';
import type { World } from './main.ts';
import { redisOf } from './own-redis.ts';
import { type ServeSettings, serveSettings } from './serve-settings.ts';
import { Service } from './service.ts';
import { openWorker } from './worker-command.ts';

export interface ServeArguments {
  readonly config?: string;
  /** false for `--no-worker`. */
  readonly worker: boolean;
}

/** Runs until `world.stop` aborts. Throws ConfigError, or what keeps it from starting at all. */
export async function runServe(args: ServeArguments, world: World): Promise<number> {
  if (world.env['PATH']) setToolPath(world.env['PATH']);
  const config = readConfigFile(args.config);
  const settings = serveSettings(config, world.env, args.config ?? 'the configuration');
  const state = join(stateDir(config, world.env), 'service');
  const log = openLog(world.stderr, world.date);
  await withLock(
    join(state, 'lock'),
    () => serve({ args, config, settings, state, log, world }),
    () => log.warn(`another depbot serve uses ${state}; waiting for it to stop`),
  );
  return 0;
}

interface Start {
  readonly args: ServeArguments;
  readonly config: Config;
  readonly settings: ServeSettings;
  readonly state: string;
  readonly log: Log;
  readonly world: World;
}

async function serve({ args, config, settings, state, log, world }: Start): Promise<void> {
  const { stop: signal } = world;
  const closing: (() => Promise<unknown>)[] = [];
  try {
    const redis = await redisOf(settings, state, log, world, closing);
    const queue = openQueue(redis, log);
    closing.unshift(() => queue.close());
    if (args.worker) {
      const worker = await openWorker({
        redis,
        alone: settings.redisUrl === undefined,
        treeDir: settings.treeDir,
        config,
        world,
        log,
      });
      closing.unshift(() => worker.close());
    }
    const service = new Service(settings, state, log, world, queue);
    closing.unshift(() => service.close());
    log.info(`serving: ${settings.mailboxes.length} mailboxes, ${settings.maintainers.length} maintainers opted in`);
    await service.run(signal);
    log.info('stopping');
  } finally {
    for (const close of closing) await close();
  }
}

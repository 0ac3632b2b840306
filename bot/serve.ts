/** `depbot serve`: puts the service together with its Redis, its queue and a worker, and ends it in order. */

import { join } from 'node:path';
import { openQueue } from '../queue/bullmq.ts';
import type { JobQueue } from '../queue/jobs.ts';
import { withLock } from '../queue/provision-lock.ts';
import { openRepository } from '../queue/repository.ts';
import { setToolEnv } from '../queue/tool-path.ts';
import { type Config, ConfigError, readConfigFile, stateDir } from './config.ts';
import { whyStopped } from './emergency-stop.ts';
import { footerOf } from './footer.ts';
import { type Log, logFormOf, openLog } from './log.ts';
import type { World } from './main.ts';
import type { Maintainers } from './maintainers.ts';
import { redisOf } from './own-redis.ts';
import type { RunningPages } from './pages.ts';
import { type ServeSettings, serveSettings } from './serve-settings.ts';
import { Service } from './service.ts';
import { TreeMaintainers } from './tree-maintainers.ts';
import { unknownSections } from './unknown-sections.ts';
import { openWorker } from './worker-command.ts';

export interface ServeArguments {
  readonly config?: string;
  /** false for `--no-worker`. */
  readonly worker: boolean;
}

/** Runs until `world.stop` aborts. Throws ConfigError, or what keeps it from starting at all. */
export async function runServe(args: ServeArguments, world: World): Promise<number> {
  setToolEnv(world.env);
  const config = readConfigFile(args.config);
  const settings = serveSettings(config, world.env, args.config ?? 'the configuration');
  const state = join(stateDir(config, world.env), 'service');
  const log = openLog(world.stderr, world.date, logFormOf(world));
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
        alone: settings.redis === undefined,
        treeDir: settings.treeDir,
        config,
        world,
        log,
      });
      closing.unshift(() => worker.close());
    }
    const repo = await openRepository({
      treeDir: settings.treeDir,
      stateDir: stateDir(config, world.env),
      ...(world.env['PATH'] && { searchPath: world.env['PATH'] }),
    });
    closing.unshift(() => repo.close());
    const maintainers = new TreeMaintainers(repo, log);
    checkSections(settings, await maintainers.current());
    const service = new Service({ settings, state, log, world, queue, maintainers });
    closing.unshift(() => service.close());
    if (settings.page) {
      const pages = await pagesOf({ settings, page: settings.page, state, queue, log, world });
      closing.unshift(() => pages.close());
    }
    const [boxes, people] = [settings.mailboxes.length, settings.maintainers.length];
    log.info(
      `serving: ${boxes} mailbox${boxes === 1 ? '' : 'es'}, ${people} maintainer${people === 1 ? '' : 's'} opted in`,
    );
    const halted = whyStopped(state, settings.path);
    if (halted !== undefined) log.warn(halted);
    await service.run(signal);
    log.info('stopping');
  } finally {
    for (const close of closing) await close();
  }
}

interface PagesStart extends Pick<Start, 'settings' | 'state' | 'log' | 'world'> {
  readonly page: NonNullable<ServeSettings['page']>;
  readonly queue: JobQueue;
}

async function pagesOf({ settings, page, state, queue, log, world }: PagesStart): Promise<RunningPages> {
  const { bot, maintainers } = settings;
  // Most services do without them, and without the time that loading them takes.
  const { openPages } = await import('./pages.ts');
  const pages = await openPages({
    listen: page,
    state,
    lists: maintainers.flatMap(({ lists }) => lists),
    footer: footerOf(bot),
    ...(bot.templates_dir !== undefined && { templatesDir: bot.templates_dir }),
    queue,
    halted: () => whyStopped(state, settings.path),
    log,
    now: world.date,
  });
  log.info(`pages at http://${page.host.includes(':') ? `[${page.host}]` : page.host}:${pages.port}/`);
  return pages;
}

/** Throws ConfigError. */
function checkSections({ maintainers: entries, path }: ServeSettings, maintainers: Maintainers): void {
  const wrong = unknownSections(entries, maintainers).map(
    ({ from, why }) => `${path}: maintainer.sections (${from}): ${why}`,
  );
  if (wrong.length > 0) throw new ConfigError(wrong.join('\n'));
}

/** A Redis of our own for the service, started again should it die. */

import { join } from 'node:path';
import { type RedisAddress, socketPath, startRedis } from '../queue/redis-server.ts';
import { keepTrying } from './back-off.ts';
import type { Log } from './log.ts';
import type { World } from './main.ts';
import type { ServeSettings } from './serve-settings.ts';

/** The Redis of the configuration, or one of our own; what ends it is put first into `closing`. Throws RedisError. */
export async function redisOf(
  settings: ServeSettings,
  state: string,
  log: Log,
  world: World,
  closing: (() => Promise<unknown>)[],
): Promise<RedisAddress> {
  if (settings.redis) return settings.redis;
  const dir = join(state, 'redis');
  const path = await socketPath(dir);
  const options = { dir, socket: path, log, searchPath: world.env['PATH'] ?? '' };
  let server = await startRedis(options);
  const ending = new AbortController();
  const watching = keepTrying({ what: 'Redis', log, signal: ending.signal }, async (settled) => {
    const status = await server.exited;
    if (ending.signal.aborted) return;
    log.warn(`Redis ended (status ${status}); starting it again`);
    server = await startRedis(options);
    settled();
  });
  closing.unshift(async () => {
    ending.abort();
    await server.close();
    await watching;
  });
  return { path };
}

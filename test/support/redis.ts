/** A Redis of a test's own, and what the tests of the queue put into it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckJob, Log } from '../../queue/jobs.ts';
import { type RedisServer, startRedis } from '../../queue/redis-server.ts';
import type { Report } from '../../rules/types.ts';

/** What redis-server, flock and setpriv need. */
export const SEARCH_PATH = process.env['PATH'] ?? '';

/** A log that keeps its lines. */
export class LinesLog implements Log {
  readonly lines: string[] = [];

  info(text: string): void {
    this.lines.push(text);
  }

  warn(text: string): void {
    this.lines.push(`warning: ${text}`);
  }

  matching(pattern: RegExp): readonly string[] {
    return this.lines.filter((line) => pattern.test(line));
  }
}

/** Folders that go after the test; servers in them first. */
export class Scratch {
  readonly #servers: RedisServer[] = [];
  readonly #dirs: string[] = [];

  dir(): string {
    const dir = mkdtempSync(join(tmpdir(), 'depbot-test-'));
    this.#dirs.push(dir);
    return dir;
  }

  async redis(dir: string, log: Log = new LinesLog()): Promise<RedisServer> {
    const server = await startRedis({ dir, log, searchPath: SEARCH_PATH });
    this.#servers.push(server);
    return server;
  }

  async clear(): Promise<void> {
    for (const server of this.#servers.splice(0)) await server.close();
    for (const dir of this.#dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
  }
}

/** Waits until `isTrue`; throws after `ms` with `what` in its message. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(20);
  }
}

/** A job whose key ends in `n`, with one mail. */
export function jobNumber(n: number): CheckJob {
  const mails = [Buffer.from(`Subject: [PATCH] number ${n}\r\n\r\n`).toString('base64')];
  return { schema: 1, key: `f${n.toString(16).padStart(31, '0')}`, subject: `number ${n}`, mails };
}

/** A report without findings. */
export function reportOn(subject: string): Report {
  return {
    schema: 1,
    series: {
      id: 'id@example.org',
      revision: 1,
      subject,
      author: { name: 'Ann Author', address: 'ann@example.org' },
      patches: [],
      oddities: [],
    },
    findings: [],
    checked: { rules: [], archs: [], configs: 0, changedFiles: [], changedSymbols: [] },
    dropped: [],
    undecided: [],
    tookMs: {},
  };
}

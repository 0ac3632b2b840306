/** SIGKILL of the service at any moment, then a restart: in the end exactly one mail. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fixtures, fixtureTree } from '../support/fixture.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';
import { type Service, Town, until } from './town.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const KILLS = Number(process.env['K'] ?? 20);
const FIXTURE = fixtures().find(({ name }) => name === 'new-depends-drops-driver')!;

describe.skipIf(TREE === undefined && !process.env['CI'])('a service that is killed', () => {
  let kernel: TinyRepo;
  let cache: string;
  /** Milliseconds from the start of the service to the mail received, undisturbed. */
  let lineMs: number;

  beforeAll(async () => {
    kernel = fixtureTree(FIXTURE, TREE!);
    cache = mkdtempSync(join(tmpdir(), 'db-cache-'));
    // The first run fills the cache; the second tells how long the line is.
    await line(undefined);
    lineMs = (await line(undefined)).tookMs;
  });

  afterAll(() => {
    kernel.remove();
    rmSync(cache, { recursive: true, force: true });
  });

  /** The whole line, from posting to the mail received; killed after `killMs`. What the receiver got. */
  async function line(killMs: number | undefined): Promise<{ mails: string[]; at: string; tookMs: number }> {
    const dir = mkdtempSync(join(tmpdir(), 'db-'));
    const town = await Town.build({
      dir,
      tree: kernel.dir,
      maintainer: 'maintainer@example.com',
      list: 'linux-kernel@example.org',
      cacheDir: cache,
    });
    try {
      const start = performance.now();
      let service = town.serve();
      let at = 'not killed';
      const killer = async (): Promise<void> => {
        await sleep(killMs);
        at = service.log().trim().split('\n').at(-1) ?? '';
        await service.end('SIGKILL');
        service = town.serve();
      };
      const killed = killMs === undefined ? undefined : killer();
      await town.post(join(FIXTURE.dir, 'series.mbox'));
      const why = (): string => service.log();
      const draft = await until('a draft', () => town.drafts()[0], 60_000, why);
      await town.command('#depbot send', /^Message-ID:\s*<(.*)>/im.exec(draft)![1]!);
      await until('the mail', () => town.mails.length > 0, 60_000, why);
      const tookMs = performance.now() - start;
      await killed;
      await settled(service);
      // Longer than a mail that is in doubt waits for its copy.
      await sleep(4500);
      expect(town.drafts(), at).toEqual([]);
      return { mails: town.mails.map(({ raw }) => Buffer.from(raw).toString()), at, tookMs };
    } finally {
      await town.close();
      rmSync(dir, { recursive: true, force: true });
    }
  }

  function settled(service: Service): Promise<unknown> {
    return until(
      'a service at rest',
      () => service.log().includes('serving'),
      60_000,
      () => service.log(),
    );
  }

  test(`sends one mail, killed at any of ${KILLS} moments`, { timeout: 600_000 }, async () => {
    const rows: string[] = [];
    for (let i = 0; i < KILLS; i++) {
      // One moment in each twentieth of the line, the last one a little after its end.
      const killMs = Math.round(((i + Math.random()) / KILLS) * lineMs * 1.1);
      const { mails, at } = await line(killMs);
      rows.push(`${String(killMs).padStart(6)} ms  ${mails.length} mail  after: ${at}`);
      expect(mails, rows.join('\n')).toHaveLength(1);
    }
    process.stdout.write(`killed after, mails received, last line of the log before\n${rows.join('\n')}\n`);
  });
});

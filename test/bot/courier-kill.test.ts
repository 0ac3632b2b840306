import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { Outbox } from '../../bot/outbox.ts';
import { type Outgoing, outgoingId } from '../../bot/outgoing.ts';
import { courier, idOfEml, LOOK_MS, log, received, useWorld, world } from '../support/courier-world.ts';

useWorld();

describe('SIGKILL', () => {
  const KILLS = 20;
  const bot = new URL('../../bot/', import.meta.url).href;
  /** Adds a draft, files it, approves it and sends it; the Drafts world.folder is one on disk. Says when it begins and ends. */
  const script = `
    import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { Courier } from '${bot}courier.ts';
    import { Outbox } from '${bot}outbox.ts';
    import { openSmtp } from '${bot}smtp.ts';
    const { dir, port, meta, eml } = JSON.parse(process.argv[2]);
    const log = { info() {}, warn() {} };
    const draft = dir + '/draft';
    const drafts = {
      // Whole or not at all, as APPEND is (RFC 9051, 6.3.12).
      append: async (bytes) => {
        await sleep(5);
        writeFileSync(draft + '.part', bytes);
        renameSync(draft + '.part', draft);
        await sleep(5);
      },
      find: async () => existsSync(draft) ? readFileSync(draft) : undefined,
      remove: async () => { await sleep(5); rmSync(draft, { force: true }); await sleep(5); return true; },
    };
    process.stdout.write('begin\\n');
    const outbox = new Outbox(dir + '/outbox', log);
    outbox.add(meta, Buffer.from(eml));
    const smtp = openSmtp({ host: '127.0.0.1', port, tls: 'none' });
    const courier = new Courier({ outbox, drafts, smtp, lookMs: 60000, now: () => new Date(), log,
      copies: () => [], readSince: () => new Date(), stopped: () => new Set(), whyUnwanted: async () => undefined,
      halted: () => undefined, onDropped() {}, onHeld() {}, onFiled() {}, onOvertaken() {} });
    await courier.round();
    await courier.approve(meta.messageId);
    await courier.round();
    process.stdout.write('end\\n');
    process.exit();
  `;

  /** Runs the script below `home`; kills it `killAfterMs` after it began. Resolves to the ms from beginning to end. */
  function run(home: string, meta: Outgoing, eml: string, killAfterMs?: number): Promise<number> {
    const args = ['--pdeathsig', 'KILL', process.execPath, join(world.dir, 'line.mjs')];
    const child = spawn('setpriv', [...args, JSON.stringify({ dir: home, port: world.receiver.port, meta, eml })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return new Promise((resolve, reject) => {
      let begun = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        if (begun === 0 && String(chunk).includes('begin')) {
          begun = performance.now();
          if (killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs);
        }
      });
      child.on('error', reject);
      child.on('close', () => resolve(performance.now() - begun));
    });
  }

  test(`at ${KILLS} moments: in the end exactly one mail, and no draft`, async () => {
    writeFileSync(join(world.dir, 'line.mjs'), script);
    world.receiver.behaviour = { slowMs: 15 };
    const parts = (n: number) => {
      const home = join(world.dir, `home-${n}`);
      mkdirSync(home);
      const messageId = `${n}@bot.example`;
      const meta: Outgoing = {
        id: outgoingId(messageId),
        messageId,
        kind: 'reply',
        via: 'draft',
        from: 'bot@bot.example',
        recipients: ['list@example.org', 'bot@bot.example'],
        subject: 'Re: [PATCH] x',
        answers: 'patch@example.org',
        maintainers: ['jane@example.org'],
        allowedBy: 'maintainer 1',
        addedAt: '2026-11-22T09:00:00.000Z',
      };
      return { home, meta, eml: `From: bot@bot.example\r\nMessage-ID: <${messageId}>\r\n\r\nx\r\n` };
    };
    const whole = parts(0);
    const wholeMs = await run(whole.home, whole.meta, whole.eml);
    expect(received()).toEqual([whole.meta.messageId]);

    const leftIn: Record<string, number> = {};
    for (let n = 1; n <= KILLS; n++) {
      const { home, meta, eml } = parts(n);
      // One in each twentieth of the line.
      await run(home, meta, eml, ((n - Math.random()) / KILLS) * wholeMs);
      // The next start: the series is found again, the draft approved again, and the copy came in or did not.
      const again = new Outbox(join(home, 'outbox'), log);
      const left = again.find(meta.messageId)?.state ?? 'nowhere';
      leftIn[left] = (leftIn[left] ?? 0) + 1;
      const draft = join(home, 'draft');
      const next = courier({
        outbox: again,
        drafts: {
          append: async (bytes) => writeFileSync(draft, bytes),
          find: async () => (existsSync(draft) ? readFileSync(draft) : undefined),
          remove: async () => {
            rmSync(draft, { force: true });
            return true;
          },
        },
        copies: (id) => world.receiver.mails.map(({ raw }) => raw).filter((raw) => idOfEml(raw) === id),
      });
      again.add(meta, Buffer.from(eml));
      await next.round();
      await next.approve(meta.messageId);
      // What the child had written before it was killed reaches the world.receiver in this time.
      await sleep(20);
      await vi.waitFor(() => expect(world.receiver.open()).toBe(0));
      world.clock += LOOK_MS;
      await next.round();
      // Killed between the word that it hands the mail over and the deed.
      if (again.find(meta.messageId)?.state === 'held') {
        await next.approve(meta.messageId);
        await next.round();
      }
      expect({ n, left, state: again.find(meta.messageId)?.state }).toEqual({ n, left, state: 'sent' });
      expect(existsSync(draft)).toBe(false);
    }
    expect(received().toSorted()).toEqual(Array.from({ length: KILLS + 1 }, (_, n) => `${n}@bot.example`).toSorted());
    // Else the kills came all before or all after what they are about.
    expect(Object.keys(leftIn).length).toBeGreaterThan(2);
  });
});

/** Mailboxes of real servers, on lines that break, whose mails go away, behind certificates. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Position, Received } from '../../bot/inbox.ts';
import type { ImapSettings } from '../../bot/serve-settings.ts';
import { startProxy } from '../faults/proxy.ts';
import { makeCertificate } from '../service/certificate.ts';
import { type Dovecot, startDovecot } from '../service/dovecot.ts';
import { startPublicInbox } from '../service/public-inbox.ts';
import { account, caughtUp, closeAll, closeLater, mail, SECONDS, subjectOf, watch } from '../support/mailbox-watch.ts';

const users = { cut: 'sesame', away: 'sesame', between: 'sesame', tls: 'sesame' };
let dir: string;
let dovecot: Dovecot;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-'));
  dovecot = await startDovecot(join(dir, 'dovecot'), { users });
});
afterEach(closeAll);
afterAll(async () => {
  await dovecot.close();
  rmSync(dir, { recursive: true, force: true });
});

/** Removes mails from a user's INBOX, by the paths that they were delivered to. */
function remove(user: string, paths: readonly string[]): void {
  const names = new Set(paths.map((path) => basename(path)));
  for (const part of ['new', 'cur']) {
    const folder = join(dovecot.mailDir(user), part);
    for (const file of readdirSync(folder)) if (names.has(file.replace(/[,:].*$/, ''))) rmSync(join(folder, file));
  }
}

test('a line that breaks anywhere, in greetings, lists and literals: every mail comes whole, once', async () => {
  const texts = Array.from({ length: 60 }, (_, n) => `${mail(n)}${`line of ${n}\r\n`.repeat(n * 10)}`);
  for (const text of texts) dovecot.deliver('cut', text);
  // Bytes of the server after which each connection ends.
  const ends = Array.from({ length: 24 }, (_, n) => Math.round(40 * 1.45 ** n));
  const came: Received[] = [];
  let position: Position | undefined;
  for (const most of [...ends, undefined]) {
    const proxy = await startProxy(dovecot.port, () => most);
    const seen = watch(account({ host: '127.0.0.1', port: proxy.port }, 'cut'), {}, position);
    await vi.waitFor(() => expect(seen.caughtUp + seen.warnings.length).toBeGreaterThan(0), SECONDS);
    await seen.stop();
    await proxy.close();
    came.push(...seen.batches.flat());
    position = seen.position;
    if (most === ends[0] || most === undefined) expect(seen.warnings.length).toBe(most === undefined ? 0 : 1);
  }
  expect(came.map(({ uid }) => uid)).toEqual(texts.map((_, n) => n + 1));
  expect(new Set(came.map(({ raw }) => Buffer.from(raw).toString()))).toEqual(new Set(texts));
});

describe('mails that are expunged', () => {
  test('while nobody looked: the others come, and the position moves on behind the gap', async () => {
    const paths = new Map([...Array(10).keys()].map((n) => [String(n), dovecot.deliver('away', mail(n))]));
    const first = watch(account(dovecot, 'away'));
    await caughtUp(first);
    await first.stop();
    const all = first.batches.flat();
    const gone = all.filter(({ uid }) => uid >= 4 && uid <= 8);
    remove(
      'away',
      gone.map((one) => paths.get(subjectOf(one))!),
    );
    const second = watch(account(dovecot, 'away'), {}, { ...first.position!, uid: 3 });
    await caughtUp(second);
    expect(second.batches.flat().map(({ uid }) => uid)).toEqual([9, 10]);
    expect([second.position?.uid, second.warnings]).toEqual([10, []]);
    await second.stop();
    // All that was unread is gone, and the last mails of all with it.
    remove('away', [...paths.values()]);
    const third = watch(account(dovecot, 'away'), {}, { ...first.position!, uid: 8 });
    await caughtUp(third);
    expect([third.subjects(), third.warnings]).toEqual([[], []]);
    dovecot.deliver('away', mail('new'));
    await vi.waitFor(() => expect(third.subjects()).toEqual(['new']), SECONDS);
    expect(third.position?.uid).toBe(11);
  });

  test('between the list and the reading: the others come, once', async () => {
    const paths = new Map([...Array(150).keys()].map((n) => [String(n), dovecot.deliver('between', mail(n))]));
    const gone: string[] = [];
    const seen = watch(account(dovecot, 'between'), {
      record: async (mails, at) => {
        if (seen.batches.push([...mails]) === 1) {
          const came = new Set(mails.map(subjectOf));
          gone.push(...[...paths.keys()].filter((name) => !came.has(name)).slice(10, 13));
          remove(
            'between',
            gone.map((name) => paths.get(name)!),
          );
        }
        seen.position = at;
      },
    });
    await caughtUp(seen);
    expect(gone).toHaveLength(3);
    expect(seen.subjects().toSorted()).toEqual([...paths.keys()].filter((name) => !gone.includes(name)).toSorted());
    expect(seen.position?.uid).toBe(150);
    expect(seen.warnings).toEqual([]);
  });
});

describe.each(['Dovecot', 'public-inbox'])('%s behind TLS', (name) => {
  async function server(): Promise<{ settings: ImapSettings; folder: string; ca: string }> {
    const tls = makeCertificate(dir, '127.0.0.1');
    if (name === 'Dovecot') {
      const one = await startDovecot(join(dir, 'tls'), { users, tls });
      closeLater(() => one.close());
      one.deliver('tls', mail('secret'));
      return { settings: { ...account(one, 'tls'), tls: 'implicit' }, folder: 'INBOX', ca: tls.cert };
    }
    const archive = await startPublicInbox(join(dir, 'tls-archive'), { list: 'linux-input@vger.kernel.org', tls });
    closeLater(() => archive.close());
    await archive.deliver(mail('secret'));
    return { settings: { ...account(archive), tls: 'implicit' }, folder: archive.folder, ca: tls.cert };
  }

  test('is read where its certificate is known, and not where nobody vouches for it', async () => {
    const { settings, folder, ca } = await server();
    const known = watch({ ...settings, ca }, { folder });
    await caughtUp(known);
    expect([known.subjects(), known.warnings]).toEqual([['secret'], []]);
    const unknown = watch(settings, { folder });
    await vi.waitFor(() => expect(unknown.warnings.length).toBeGreaterThan(1), SECONDS);
    expect(unknown.warnings[0]).toContain('its certificate is not accepted');
    expect(unknown.subjects()).toEqual([]);
  });
});

import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { MAX_MAIL_BYTES } from '../../bot/message.ts';
import { type Dovecot, type DovecotOptions, startDovecot } from '../service/dovecot.ts';
import { startPublicInbox } from '../service/public-inbox.ts';
import {
  account,
  caughtUp,
  closeAll,
  closeLater,
  mail,
  SECONDS,
  type Seen,
  subjectOf,
  watch,
} from '../support/mailbox-watch.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
let dir: string;
let dovecot: Dovecot;
let users = 0;

const options: DovecotOptions = {
  users: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`user${n}`, 'sesame'])),
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-'));
  dovecot = await startDovecot(join(dir, 'dovecot'), options);
});
afterEach(closeAll);
afterAll(async () => {
  await dovecot.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A user whose mailbox nobody has used. */
const newUser = (): string => `user${users++}`;

describe('a mailbox of Dovecot', () => {
  test('is read from its first mail of the last days on, and not before', async () => {
    const user = newUser();
    const [old, young] = [dovecot.deliver(user, mail('old')), dovecot.deliver(user, mail('young'))];
    const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY_MS);
    utimesSync(old, daysAgo(2.1), daysAgo(2.1));
    utimesSync(young, daysAgo(1.9), daysAgo(1.9));
    const seen = watch(account(dovecot, user));
    await caughtUp(seen);
    expect(seen.subjects()).toEqual(['young']);
    const [received] = seen.batches.flat();
    expect(received).toMatchObject({ mailbox: 'kernel/INBOX', uid: 2 });
    expect(Math.abs(received!.receivedAt.getTime() - daysAgo(1.9).getTime())).toBeLessThan(60_000);
    expect(Buffer.from(received!.raw).toString()).toBe(mail('young'));
    expect(seen.position).toEqual({
      uidValidity: expect.stringMatching(/^\d+$/),
      uid: 2,
      receivedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(seen.warnings).toEqual([]);
  });

  test('with only old mails hands on none, and keeps the position behind them', async () => {
    const user = newUser();
    for (const name of ['a', 'b']) utimesSync(dovecot.deliver(user, mail(name)), 1_000_000, 1_000_000);
    const seen = watch(account(dovecot, user));
    await caughtUp(seen);
    expect(seen.subjects()).toEqual([]);
    expect(seen.position?.uid).toBe(2);
  });

  test('is left as it is: nothing is flagged or moved', async () => {
    const user = newUser();
    dovecot.deliver(user, mail('one'));
    const files = (): string[] => readdirSync(join(dovecot.mailDir(user), 'new'));
    const before = files();
    const seen = watch(account(dovecot, user));
    await caughtUp(seen);
    await seen.stop();
    expect(seen.subjects()).toEqual(['one']);
    expect(files()).toEqual(before);
  });

  test('tells of a new mail at once, by IDLE, and hands on none twice', async () => {
    const user = newUser();
    dovecot.deliver(user, mail('first'));
    const seen = watch(account(dovecot, user));
    await caughtUp(seen);
    dovecot.deliver(user, mail('second'));
    await vi.waitFor(() => expect(seen.subjects()).toEqual(['first', 'second']), SECONDS);
    dovecot.deliver(user, mail('third'));
    await vi.waitFor(() => expect(seen.subjects()).toEqual(['first', 'second', 'third']), SECONDS);
    expect(seen.position?.uid).toBe(3);
    expect(seen.infos.join()).toContain('the server tells of new ones');
  });

  test('is asked again and again all the same, and with nothing new nothing is handed on', async () => {
    const user = newUser();
    dovecot.deliver(user, mail('only'));
    const seen = watch(account(dovecot, user), { pollMs: 30 });
    await caughtUp(seen, 5);
    expect(seen.subjects()).toEqual(['only']);
  });

  test('is watched by IDLE for longer than a server may be silent', async () => {
    const user = newUser();
    const seen = watch(account(dovecot, user), { silenceTimeoutMs: 800 });
    await caughtUp(seen);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    dovecot.deliver(user, mail('late'));
    await vi.waitFor(() => expect(seen.subjects()).toEqual(['late']), SECONDS);
    expect(seen.warnings).toEqual([]);
  });

  test('stays open while its mails are recorded, however long that takes', async () => {
    const user = newUser();
    for (const name of ['a', 'b']) dovecot.deliver(user, mail(name));
    const seen = watch(account(dovecot, user), {
      silenceTimeoutMs: 200,
      record: async (mails, at) => {
        await new Promise((resolve) => setTimeout(resolve, 700));
        seen.batches.push([...mails]);
        seen.position = at;
      },
    });
    await caughtUp(seen);
    expect(seen.subjects().toSorted()).toEqual(['a', 'b']);
    expect(seen.warnings).toEqual([]);
    expect(seen.infos).toHaveLength(1);
  });

  test('gives 300 mails in batches, in order, and goes on from the position after a stop in between', async () => {
    const user = newUser();
    const names = Array.from({ length: 300 }, (_, n) => `mail-${n}`);
    for (const name of names) dovecot.deliver(user, mail(name));
    const controller = new AbortController();
    const first = watch(account(dovecot, user), { signal: controller.signal });
    await vi.waitFor(() => expect(first.batches.length).toBeGreaterThan(0), SECONDS);
    controller.abort();
    await first.stop();
    const second = watch(account(dovecot, user), {}, first.position);
    await caughtUp(second);
    const batches = [...first.batches, ...second.batches];
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(100);
    expect(batches.flat().map((one) => one.uid)).toEqual(names.map((_, n) => n + 1));
    expect(new Set(batches.flat().map(subjectOf))).toEqual(new Set(names));
    expect(second.position?.uid).toBe(300);
  });

  test('is cut into batches by bytes, too', async () => {
    const user = newUser();
    for (const name of [1, 2, 3])
      dovecot.deliver(user, `${mail(name)}${'x'.repeat(70)}\r\n`.padEnd(3_000_000, 'x\r\n'));
    const seen = watch(account(dovecot, user));
    await caughtUp(seen);
    expect(seen.batches.map((batch) => batch.length).filter((length) => length > 0)).toEqual([2, 1]);
  });

  test('gives mails again that could not be recorded, and loses none', async () => {
    const user = newUser();
    dovecot.deliver(user, mail('one'));
    let failures = 2;
    const recorded: string[] = [];
    const seen = watch(account(dovecot, user), {
      record: async (mails, at) => {
        if (failures-- > 0) throw new Error('disk full');
        recorded.push(...mails.map(subjectOf));
        seen.position = at;
      },
    });
    await caughtUp(seen);
    expect(recorded).toEqual(['one']);
    expect(seen.warnings).toHaveLength(2);
    expect(seen.warnings[0]).toBe('mailbox kernel/INBOX: disk full; next attempt in 1 s');
  });

  test('gives the same mails again after a crash between record and position', async () => {
    const user = newUser();
    for (const name of ['one', 'two']) dovecot.deliver(user, mail(name));
    const before = watch(account(dovecot, user), {});
    await caughtUp(before);
    await before.stop();
    const after = watch(account(dovecot, user), {}, { ...before.position!, uid: 1 });
    await caughtUp(after);
    expect(after.subjects()).toEqual(before.subjects().slice(1));
    expect(after.subjects()).toHaveLength(1);
  });

  test('whose mails are numbered anew is read from the last days on, with a warning', async () => {
    const user = newUser();
    dovecot.deliver(user, mail('one'));
    const seen = watch(account(dovecot, user), {}, { uidValidity: '12345', uid: 4000 });
    await caughtUp(seen);
    expect(seen.subjects()).toEqual(['one']);
    expect(seen.position?.uidValidity).not.toBe('12345');
    expect(seen.warnings).toEqual([
      `mailbox kernel/INBOX: the server has numbered its mails anew (UIDVALIDITY was 12345, is ${seen.position?.uidValidity}); the last 2 days are read again`,
    ]);
  });

  test('leaves out a mail over the limit, names it, and goes on on the same connection', async () => {
    const user = newUser();
    dovecot.deliver(user, mail('before'));
    dovecot.deliver(user, Buffer.concat([Buffer.from(mail('huge')), Buffer.alloc(MAX_MAIL_BYTES, 'x\r\n')]));
    const seen = watch(account(dovecot, user));
    await vi.waitFor(() => expect(seen.position?.uid).toBe(2), SECONDS);
    dovecot.deliver(user, mail('after'));
    await vi.waitFor(() => expect(seen.position?.uid).toBe(3), SECONDS);
    expect(seen.subjects().toSorted()).toEqual(['after', 'before']);
    expect(seen.warnings).toEqual([
      expect.stringMatching(
        /^mailbox kernel\/INBOX: the mail with UID \d is left out: .*; the limit .* 33554432 bytes$/,
      ),
    ]);
    expect(seen.infos).toHaveLength(1);
  });

  test('that is missing is told of, and read once it is there', async () => {
    const user = newUser();
    dovecot.deliver(user, mail('x'), 'linux-input');
    const seen = watch(account(dovecot, user), { folder: 'linux-inputs' });
    await vi.waitFor(() => expect(seen.warnings.length).toBeGreaterThan(0), SECONDS);
    expect(seen.warnings[0]).toMatch(
      /^mailbox kernel\/linux-inputs: .* names like it: linux-input; next attempt in 1 s$/,
    );
    dovecot.deliver(user, mail('y'), 'linux-inputs');
    await caughtUp(seen);
    expect(seen.subjects()).toEqual(['y']);
  });

  test('survives that Dovecot goes away in the middle of reading, and again later', async () => {
    const own = join(dir, 'restarted');
    const user = newUser();
    let server = await startDovecot(own, options);
    closeLater(() => server.close());
    const restart = async (): Promise<void> => {
      server = await startDovecot(own, { ...options, port: server.port });
    };
    for (let n = 0; n < 120; n++) server.deliver(user, mail(n));
    const seen: Seen = watch(account(server, user), {
      record: async (mails, at) => {
        if (seen.batches.push([...mails]) === 1) await server.close();
        seen.position = at;
      },
    });
    await vi.waitFor(() => expect(seen.warnings.join('\n')).toContain('refuses connections'), SECONDS);
    expect(seen.batches).toHaveLength(1);
    await restart();
    await caughtUp(seen);
    await server.close();
    server.deliver(user, mail('meanwhile'));
    await restart();
    await vi.waitFor(() => expect(seen.subjects().at(-1)).toBe('meanwhile'), SECONDS);
    server.deliver(user, mail('after'));
    await vi.waitFor(() => expect(seen.subjects().at(-1)).toBe('after'), SECONDS);
    expect(seen.batches.flat().map(({ uid }) => uid)).toEqual(Array.from({ length: 122 }, (_, n) => n + 1));
    expect(seen.position?.uid).toBe(122);
  });

  test('without IDLE is looked at every pollMs', async () => {
    const user = newUser();
    const server = await startDovecot(join(dir, 'no-idle'), { ...options, capability: 'IMAP4rev1' });
    closeLater(() => server.close());
    const seen = watch(account(server, user), { pollMs: 600, silenceTimeoutMs: 200 });
    await caughtUp(seen);
    server.deliver(user, mail('new'));
    await vi.waitFor(() => expect(seen.subjects()).toEqual(['new']), SECONDS);
    expect(seen.infos).toEqual([expect.stringContaining('looked at every 0.6 s')]);
    expect(seen.warnings).toEqual([]);
  });
});

test('a list of public-inbox is read, told of by IDLE, and its name without the slice is told of', async () => {
  const archive = await startPublicInbox(join(dir, 'archive'), { list: 'linux-input@vger.kernel.org' });
  closeLater(() => archive.close());
  await archive.deliver(mail('one'));
  const wrong = watch(account(archive), { folder: 'org.kernel.vger.linux-input' });
  const seen = watch(account(archive), { folder: archive.folder });
  await vi.waitFor(() => expect(seen.subjects()).toEqual(['one']), SECONDS);
  await archive.deliver(mail('two'));
  await vi.waitFor(() => expect(seen.subjects()).toEqual(['one', 'two']), SECONDS);
  expect(seen.position?.uid).toBe(2);
  expect(Buffer.from(seen.batches.flat()[0]!.raw).toString()).toMatch(
    /^From: a@example\.org\r\n[\s\S]*body of one\r\n$/,
  );
  expect(seen.warnings).toEqual([]);
  await vi.waitFor(() => expect(wrong.warnings.length).toBeGreaterThan(0), SECONDS);
  expect(wrong.warnings[0]).toMatch(/holds no mail and has no UIDVALIDITY; .*: org\.kernel\.vger\.linux-input\.0/);
  expect(wrong.subjects()).toEqual([]);
});

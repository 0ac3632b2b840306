import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Watch } from '../../bot/inbox.ts';
import { GREETING, MAIL, type Script, startScriptedImap } from '../service/scripted-imap.ts';
import { account, caughtUp, closeAll, closeLater, SECONDS, watch } from '../support/mailbox-watch.ts';

afterEach(closeAll);

describe('a server that fails', () => {
  const NOW = () => new Date('2026-11-01T12:00:00Z');

  async function scripted(script: Script, more: Partial<Watch> = {}) {
    const server = await startScriptedImap(script);
    closeLater(() => server.close());
    return { seen: watch(account(server, 'bot'), { now: NOW, ...more }), server };
  }

  test('in the middle of a mail is asked again, and the mail comes whole, once', async () => {
    const { seen } = await scripted({
      greeting: GREETING,
      answer: ({ command, rest, connection, socket }) => {
        if (command !== 'UID FETCH' || !rest.includes('BODY') || connection > 2) return undefined;
        socket.end(`* 1 FETCH (UID 7 BODY[] {${MAIL.length}}\r\n${MAIL.slice(0, 20)}`);
        return '';
      },
    });
    await caughtUp(seen);
    expect(seen.batches.flat().map(({ raw }) => Buffer.from(raw).toString())).toEqual([MAIL]);
    expect(seen.position).toEqual({ uidValidity: '3', uid: 7, receivedAt: '2026-11-01T10:00:00.000Z' });
    expect(seen.warnings).toHaveLength(2);
    expect(seen.warnings[0]).toMatch(/the connection was closed.*; next attempt in/);
  });

  test('by stopping in the middle of a mail is given up on after a while, and asked again', async () => {
    const { seen } = await scripted(
      {
        greeting: GREETING,
        answer: ({ command, rest, connection }) =>
          command === 'UID FETCH' && rest.includes('BODY') && connection === 1
            ? '* 1 FETCH (UID 7 BODY[] {99}\r\nx'
            : undefined,
      },
      { silenceTimeoutMs: 300 },
    );
    await caughtUp(seen);
    expect(seen.subjects()).toEqual(['seven']);
    expect(seen.warnings).toEqual([expect.stringContaining('timed out')]);
  });

  test('by silence, garbage or BYE is waited for', async () => {
    const greetings = ['', 'HTTP/1.1 400 Bad Request\r\n\r\n', '* BYE later\r\n', GREETING];
    const { seen } = await scripted(
      {
        answer: () => undefined,
        get greeting() {
          return greetings.length > 1 ? greetings.shift()! : greetings[0]!;
        },
      },
      { connectTimeoutMs: 300 },
    );
    await caughtUp(seen);
    expect(seen.subjects()).toEqual(['seven']);
    expect(seen.warnings).toHaveLength(3);
    expect(seen.warnings[2]).toContain('(it says: later)');
  });

  test('by answering to the search with NO loses no mail', async () => {
    const { seen } = await scripted({
      greeting: GREETING,
      answer: ({ tag, command, connection }) =>
        command === 'UID SEARCH' && connection === 1 ? `${tag} NO not now\r\n` : undefined,
    });
    await caughtUp(seen);
    expect(seen.subjects()).toEqual(['seven']);
    expect(seen.warnings).toEqual([expect.stringContaining('refuses to search')]);
  });

  test('by refusing IDLE is looked at every pollMs', async () => {
    let ready = false;
    const { seen } = await scripted(
      {
        greeting: GREETING,
        answer: ({ tag, command }) => {
          if (command === 'CAPABILITY') return `* CAPABILITY IMAP4rev1 IDLE\r\n${tag} OK done\r\n`;
          if (command === 'IDLE') return `${tag} NO not today\r\n`;
          return command === 'UID SEARCH' && !ready ? `* SEARCH\r\n${tag} OK done\r\n` : undefined;
        },
      },
      { pollMs: 50 },
    );
    seen.position = { uidValidity: '3', uid: 6 };
    await caughtUp(seen, 2);
    expect(seen.subjects()).toEqual([]);
    ready = true;
    await vi.waitFor(() => expect(seen.subjects()).toEqual(['seven']), SECONDS);
    expect(seen.warnings).toEqual([]);
  });

  test('by repeating the last mail for n:* does not make it come twice', async () => {
    const { seen, server } = await scripted({ greeting: GREETING }, { pollMs: 20 });
    await caughtUp(seen, 4);
    expect(server.lines.filter((line) => line.includes('UID SEARCH UID 8:*')).length).toBeGreaterThan(2);
    expect(seen.subjects()).toEqual(['seven']);
  });

  const LATER = () => new Date('2026-11-20T12:00:00Z');

  test('by not giving a mail that it lists is asked again on a new connection, and the mail is left out if it never comes', async () => {
    const without = (connections: number): Script => ({
      greeting: GREETING,
      answer: ({ tag, command, rest, connection }) =>
        command === 'UID FETCH' && rest.includes('BODY') && connection <= connections
          ? `* 1 FETCH (UID 7 BODY[] NIL)\r\n${tag} OK done\r\n`
          : undefined,
    });
    const [once, always] = [await scripted(without(1)), await scripted(without(9))];
    await Promise.all([caughtUp(once.seen), caughtUp(always.seen)]);
    expect([once.seen.subjects(), always.seen.subjects()]).toEqual([['seven'], []]);
    const again = expect.stringContaining('lists mails that it does not give: UID 7');
    expect(once.seen.warnings).toEqual([again]);
    expect(always.seen.warnings).toEqual([
      again,
      expect.stringContaining('UID 7 is left out: it is listed, and twice'),
    ]);
  });

  test('by telling nothing of a mail that it lists is asked again, and names the mail if it never does', async () => {
    const silent = (connections: number): Script => ({
      greeting: GREETING,
      answer: ({ tag, command, rest, connection }) =>
        command === 'UID FETCH' && !rest.includes('BODY') && connection <= connections
          ? `${tag} OK done\r\n`
          : undefined,
    });
    const [once, always] = [await scripted(silent(1)), await scripted(silent(9))];
    await Promise.all([caughtUp(once.seen), caughtUp(always.seen)]);
    expect([once.seen.subjects(), always.seen.subjects()]).toEqual([['seven'], []]);
    const again = expect.stringContaining('lists mails that it does not tell of: UID 7');
    expect(once.seen.warnings).toEqual([again]);
    expect(always.seen.warnings).toEqual([
      again,
      expect.stringContaining('UID 7 is left out: it is listed, and twice'),
    ]);
  });

  test('by telling nothing of a mail that is gone does not matter', async () => {
    let searches = 0;
    const { seen } = await scripted({
      greeting: GREETING,
      answer: ({ tag, command }) => {
        if (command === 'UID FETCH') return `${tag} OK done\r\n`;
        return command === 'UID SEARCH' && ++searches > 1 ? `* SEARCH\r\n${tag} OK done\r\n` : undefined;
      },
    });
    await caughtUp(seen);
    expect([seen.subjects(), seen.warnings, seen.position?.uid]).toEqual([[], [], 7]);
  });

  test('by numbering its mails anew is read since the last one that was recorded, however long ago', async () => {
    const server = await startScriptedImap({ greeting: GREETING });
    closeLater(() => server.close());
    const at = (receivedAt: string) =>
      watch(account(server, 'bot'), { now: LATER }, { uidValidity: '2', uid: 6, receivedAt });
    const [before, after] = [at('2026-11-02T09:00:00.000Z'), at('2026-11-02T11:00:00.000Z')];
    await Promise.all([caughtUp(before), caughtUp(after)]);
    expect([before.subjects(), after.subjects()]).toEqual([['seven'], []]);
    expect(before.warnings).toEqual([expect.stringContaining('; mails since 2026-11-01T09:00:00.000Z are read again')]);
    expect(after.position).toEqual({ uidValidity: '3', uid: 7, receivedAt: '2026-11-02T11:00:00.000Z' });
  });

  test('by beginning another folder while nobody watched is read there since the last mail of the one before', async () => {
    const more = { now: LATER, after: '2026-11-02T09:00:00.000Z' };
    const [next, first] = [
      await scripted({ greeting: GREETING }, more),
      await scripted({ greeting: GREETING }, { now: LATER }),
    ];
    await Promise.all([caughtUp(next.seen), caughtUp(first.seen)]);
    expect([next.seen.subjects(), first.seen.subjects()]).toEqual([['seven'], []]);
  });

  test('by going on in another folder is told of, once', async () => {
    const slices = (last: number): Script => ({
      greeting: GREETING,
      answer: ({ tag, command, rest }) =>
        command === 'LIST' && rest !== '"" ""'
          ? `${Array.from({ length: last + 1 }, (_, n) => `* LIST () "." list.${n}\r\n`).join('')}${tag} OK done\r\n`
          : undefined,
    });
    const folders: string[] = [];
    const onNextSlice = (folder: string, after?: string): void => void folders.push(`${folder} after ${after}`);
    const full = await scripted(slices(1), { folder: 'list.0', pollMs: 20, onNextSlice });
    const last = await scripted(slices(0), { folder: 'list.0', pollMs: 20, onNextSlice });
    await Promise.all([caughtUp(full.seen, 4), caughtUp(last.seen, 4)]);
    expect(folders).toEqual(['list.1 after 2026-11-01T10:00:00.000Z']);
    expect(full.seen.infos.filter((line) => line.includes('goes on in the folder list.1'))).toHaveLength(1);
    expect([full.seen.warnings, last.seen.warnings]).toEqual([[], []]);
  });
});

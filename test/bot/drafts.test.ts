import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImapFlow } from 'imapflow';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type DraftsFolder, type DraftsOptions, openDrafts } from '../../bot/drafts.ts';
import { ImapError } from '../../bot/imap.ts';
import type { ImapSettings } from '../../bot/serve-settings.ts';
import { type Dovecot, type DovecotOptions, freePort, startDovecot } from '../service/dovecot.ts';
import { GREETING, startScriptedImap } from '../service/scripted-imap.ts';

const DATE = new Date('2026-11-02T10:00:00Z');
const options: DovecotOptions = { users: { bot: 'sesame', second: 'sesame' } };
let dir: string;
let dovecot: Dovecot;
const toClose: (() => Promise<void>)[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-'));
  dovecot = await startDovecot(join(dir, 'dovecot'), options);
});
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});
afterAll(async () => {
  await dovecot.close();
  rmSync(dir, { recursive: true, force: true });
});

let ids = 0;
const newId = (): string => `draft-${ids++}.abc@depbot.example.org`;
/** Eight-bit text, a line of dots, tabs and a long line: what must come back as it is. */
const eml = (id: string, more = ''): Buffer =>
  Buffer.from(
    `From: depbot@example.org\r\nSubject: Re: [PATCH] x\r\n${more}Message-ID: <${id}>\r\n\r\n` +
      `> +\tselect Größe  \r\n.\r\n..\r\nFrom me\r\n${'x'.repeat(900)}\r\n`,
  );
const account = (at: { host: string; port: number }, user = 'bot'): ImapSettings => ({
  name: 'kernel',
  host: at.host,
  port: at.port,
  tls: 'none',
  user,
  password: 'sesame',
});

function drafts(settings: ImapSettings, more: Partial<DraftsOptions> = {}): DraftsFolder {
  const log = { info: () => undefined, warn: () => undefined };
  const signal = new AbortController().signal;
  const folder = openDrafts({
    account: settings,
    log,
    signal,
    connectTimeoutMs: 3000,
    silenceTimeoutMs: 3000,
    ...more,
  });
  toClose.push(() => folder.close());
  return folder;
}

/** What a person's mail program sees in a folder. */
async function look(server: Dovecot, user = 'bot', folder = 'Drafts') {
  const auth = { user, pass: 'sesame' };
  const client = new ImapFlow({ host: server.host, port: server.port, secure: false, auth, logger: false });
  await client.connect();
  await client.mailboxOpen(folder, { readOnly: true });
  const mails = await client.fetchAll('1:*', { uid: true, flags: true, internalDate: true, envelope: true });
  await client.logout();
  return mails.map(({ flags, internalDate, envelope }) => ({
    flags: [...(flags ?? [])].filter((flag) => flag !== '\\Recent').toSorted(),
    date: new Date(internalDate ?? 0),
    id: envelope?.messageId,
  }));
}

describe('a draft', () => {
  test('is put into the folder marked \\Drafts, with its date, as a draft that has been seen', async () => {
    const id = newId();
    await drafts(account(dovecot)).append(eml(id), DATE);
    const found = (await look(dovecot)).find((mail) => mail.id === `<${id}>`);
    expect(found).toEqual({ flags: ['\\Draft', '\\Seen'], date: DATE, id: `<${id}>` });
  });

  test('is found by its Message-ID, byte for byte, and by no other', async () => {
    const folder = drafts(account(dovecot));
    const id = newId();
    await folder.append(eml(id), DATE);
    await folder.append(eml(`a${id}`), DATE);
    await folder.append(eml(`${id}.au`, `X-Other: <${id}>\r\n`), DATE);
    expect(Buffer.from((await folder.find(id))!).equals(eml(id))).toBe(true);
    expect(await folder.find(id.slice(1))).toBeUndefined();
    expect(await folder.find(id.toUpperCase())).toBeUndefined();
    expect(await folder.find(newId())).toBeUndefined();
  });

  test('is found where its Message-ID is folded', async () => {
    const folder = drafts(account(dovecot));
    const id = newId();
    const raw = Buffer.from(`Subject: x\r\nMessage-ID:\r\n <${id}>\r\n\r\nbody\r\n`);
    await folder.append(raw, DATE);
    expect(Buffer.from((await folder.find(id))!).equals(raw)).toBe(true);
  });

  test('that a person removes while it is looked up is not there', async () => {
    const id = 'seven@example.org';
    const server = await startScriptedImap({
      greeting: GREETING,
      answer: ({ tag, command, rest }) => {
        if (command !== 'UID FETCH') return undefined;
        // As Dovecot answers for a mail whose file is gone.
        const head = `BODY[HEADER.FIELDS (MESSAGE-ID)] {${id.length + 18}}\r\nMessage-ID: <${id}>\r\n\r\n`;
        const what = rest.includes('HEADER') ? head : 'BODY[] NIL';
        return `* 1 FETCH (UID 7 ${what})\r\n${tag} OK done\r\n`;
      },
    });
    toClose.push(() => server.close());
    expect(await drafts(account(server), { folder: 'INBOX' }).find(id)).toBeUndefined();
    expect(server.lines.filter((line) => line.includes('UID FETCH'))).toHaveLength(2);
  });

  test('is removed, and no other mail with it, not even one that somebody has flagged \\Deleted', async () => {
    const folder = drafts(account(dovecot, 'second'));
    const [kept, gone, flagged] = [newId(), newId(), newId()];
    for (const id of [kept, gone]) await folder.append(eml(id), DATE);
    await flagDeleted(dovecot, flagged, 'second');
    expect(await folder.remove(gone)).toBe(true);
    expect(await folder.find(gone)).toBeUndefined();
    expect(await folder.remove(gone)).toBe(false);
    const left = await look(dovecot, 'second');
    expect(left.map(({ id }) => id)).toEqual([`<${kept}>`, `<${flagged}>`]);
    expect(left[1]!.flags).toContain('\\Deleted');
  });

  test('is only flagged where the server cannot expunge single mails, and is not found any more', async () => {
    const capability = 'IMAP4rev1 IDLE SPECIAL-USE LITERAL+';
    const server = await startDovecot(join(dir, 'no-uidplus'), { ...options, capability });
    toClose.push(() => server.close());
    const folder = drafts(account(server));
    const [id, flagged] = [newId(), newId()];
    await folder.append(eml(id), DATE);
    await flagDeleted(server, flagged, 'bot');
    expect(await folder.remove(id)).toBe(true);
    expect(await folder.find(id)).toBeUndefined();
    expect(await folder.remove(id)).toBe(false);
    expect((await look(server)).map((mail) => [mail.id, mail.flags.includes('\\Deleted')])).toEqual([
      [`<${id}>`, true],
      [`<${flagged}>`, true],
    ]);
  });
});

/** Puts a mail into Drafts as another program would, on its way out. */
async function flagDeleted(server: Dovecot, id: string, user: string): Promise<void> {
  const auth = { user, pass: 'sesame' };
  const client = new ImapFlow({ host: server.host, port: server.port, secure: false, auth, logger: false });
  await client.connect();
  await client.append('Drafts', eml(id), ['\\Draft', '\\Deleted'], DATE);
  await client.logout();
}

describe('a Message-ID that could carry something else', () => {
  test.each([
    'a@b> HEADER X "', // RFC 5322 has no such id
    'a@b\r\nA1 LOGOUT',
    'a b@c',
    '',
    `${'a'.repeat(2000)}@b`,
    'größe@b',
  ])('finds and removes nothing, and does not reach the server: %j', async (id) => {
    const server = await startScriptedImap({ greeting: GREETING });
    toClose.push(() => server.close());
    const folder = drafts(account(server), { folder: 'INBOX' });
    expect(await folder.find(id)).toBeUndefined();
    expect(await folder.remove(id)).toBe(false);
    expect(server.lines.filter((line) => /SEARCH|FETCH|STORE|EXPUNGE/.test(line))).toEqual([]);
  });

  test('is quoted where it is only odd', async () => {
    const folder = drafts(account(dovecot));
    const id = 'a"b\\c%*{5}@depbot.example.org';
    await folder.append(eml(id), DATE);
    expect(Buffer.from((await folder.find(id))!).equals(eml(id))).toBe(true);
    expect(await folder.remove(id)).toBe(true);
    expect(await folder.find(id)).toBeUndefined();
  });
});

describe('the folder', () => {
  test('is the one that is named', async () => {
    dovecot.deliver('second', 'Subject: x\r\n\r\n', 'Waiting');
    const folder = drafts(account(dovecot, 'second'), { folder: 'Waiting' });
    const id = newId();
    await folder.append(eml(id), DATE);
    expect((await look(dovecot, 'second', 'Waiting')).map((mail) => mail.id)).toContain(`<${id}>`);
    expect((await look(dovecot, 'second')).map((mail) => mail.id)).not.toContain(`<${id}>`);
  });

  test('that is named and missing is told of with those that are near', async () => {
    const folder = drafts(account(dovecot), { folder: 'Draft' });
    const message = /^IMAP account kernel .*Draft .*; folders with names like it: Drafts/;
    await expect(folder.append(eml(newId()), DATE)).rejects.toThrow(message);
    await expect(folder.find(newId())).rejects.toThrow(message);
  });

  test('is not guessed where none is marked \\Drafts', async () => {
    const server = await startDovecot(join(dir, 'unmarked'), { ...options, drafts: false });
    toClose.push(() => server.close());
    server.deliver('bot', 'Subject: x\r\n\r\n', 'Drafts');
    const sending = drafts(account(server)).append(eml(newId()), DATE);
    await expect(sending).rejects.toThrow(
      /no folder is marked \\Drafts, and depbot\.toml names none; .*: Drafts.*; set folder in \[drafts\]$/,
    );
    expect(readdirSync(join(server.mailDir('bot', 'Drafts'), 'cur'))).toEqual([]);
  });
});

describe('the connection', () => {
  test('is opened anew after the server was away; what was asked meanwhile has failed', async () => {
    const own = join(dir, 'restarted');
    let server = await startDovecot(own, options);
    toClose.push(() => server.close());
    const folder = drafts(account(server));
    const id = newId();
    await folder.append(eml(id), DATE);
    await server.close();
    await expect(folder.append(eml(newId()), DATE)).rejects.toThrow(ImapError);
    server = await startDovecot(own, { ...options, port: server.port });
    expect(Buffer.from((await folder.find(id))!).equals(eml(id))).toBe(true);
    expect(await look(server)).toHaveLength(1);
  });

  test('is dropped when there is nothing to do, and opened when there is', async () => {
    const server = await startScriptedImap({ greeting: GREETING });
    toClose.push(() => server.close());
    const folder = drafts(account(server), { folder: 'INBOX', idleMs: 50 });
    const logins = (): number => server.lines.filter((line) => line.includes('LOGIN')).length;
    expect(logins()).toBe(0);
    await Promise.all([folder.find('x@y'), folder.find('x@z')]);
    await folder.find('x@y');
    expect(logins()).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await folder.find('x@y');
    expect(logins()).toBe(2);
  });

  test('that cannot be had is an error of each question, and is tried anew by the next', async () => {
    const folder = drafts(account({ host: '127.0.0.1', port: await freePort() }));
    await expect(folder.find('x@y')).rejects.toThrow(/it refuses connections/);
    await expect(folder.remove('x@y')).rejects.toThrow(/it refuses connections/);
  });

  test('that ends in the middle of an append is an error, not a second try', async () => {
    let appends = 0;
    const server = await startScriptedImap({
      greeting: GREETING,
      answer: ({ command, socket }) => {
        if (command !== 'APPEND') return undefined;
        appends += 1;
        socket.destroy();
        return '';
      },
    });
    toClose.push(() => server.close());
    const folder = drafts(account(server), { folder: 'INBOX' });
    await expect(folder.append(eml('x@y'), DATE)).rejects.toThrow(/the connection was closed/);
    expect(appends).toBe(1);
  });

  test('whose server refuses the draft is told of in its words', async () => {
    const server = await startScriptedImap({
      greeting: GREETING,
      answer: ({ tag, command }) => (command === 'APPEND' ? `${tag} NO [OVERQUOTA] mailbox is full\r\n` : undefined),
    });
    toClose.push(() => server.close());
    const folder = drafts(account(server), { folder: 'INBOX' });
    await expect(folder.append(eml('x@y'), DATE)).rejects.toThrow(/it answers NO .*mailbox is full/);
    await vi.waitFor(async () => expect(await folder.find('x@y')).toBeUndefined());
  });
});

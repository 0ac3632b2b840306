import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ask, ImapError, openFolder, openImap } from '../../bot/imap.ts';
import type { ImapSettings } from '../../bot/serve-settings.ts';
import { makeCertificate } from '../service/certificate.ts';
import { type Dovecot, freePort, startDovecot } from '../service/dovecot.ts';
import { GREETING, type Script, type ScriptedImap, startScriptedImap } from '../service/scripted-imap.ts';

const PASSWORD = 'sesame';
let dir: string;
let dovecot: Dovecot;
let scripted: ScriptedImap | undefined;
let stop: AbortController;
let warnings: string[];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-'));
  dovecot = await startDovecot(join(dir, 'dovecot'), { users: { bot: PASSWORD } });
});
afterAll(async () => {
  await dovecot.close();
  rmSync(dir, { recursive: true, force: true });
});
afterEach(async () => {
  stop.abort();
  await scripted?.close();
  scripted = undefined;
});

const settings = (at: { host: string; port: number }, more: Partial<ImapSettings> = {}): ImapSettings => ({
  name: 'kernel',
  host: at.host,
  port: at.port,
  tls: 'none',
  user: 'bot',
  password: PASSWORD,
  ...more,
});

async function open(account: ImapSettings, connectTimeoutMs = 5000, silenceTimeoutMs = 5000) {
  stop = new AbortController();
  warnings = [];
  const log = { info: () => undefined, warn: (text: string) => void warnings.push(text) };
  return await openImap(account, { log, signal: stop.signal, connectTimeoutMs, silenceTimeoutMs });
}

async function refusal(account: ImapSettings, connectTimeoutMs?: number): Promise<string> {
  const error = await open(account, connectTimeoutMs).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ImapError);
  const { message } = error as ImapError;
  expect(message).toContain(`IMAP account kernel (${account.host}:${account.port}): `);
  expect(message).not.toContain(PASSWORD);
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(PASSWORD);
  return message;
}

const script = async (given: Script): Promise<ScriptedImap> => {
  scripted = await startScriptedImap(given);
  return scripted;
};

const noSuchFolder: NonNullable<Script['answer']> = ({ tag, command }) =>
  command === 'EXAMINE' ? `${tag} NO no such folder\r\n` : undefined;

describe('a connection', () => {
  test('is logged in and answers', async () => {
    const client = await open(settings(dovecot));
    expect((await openFolder(client, 'INBOX', true)).exists).toBe(0);
    expect(warnings).toEqual([]);
  });

  test('is closed when the signal aborts', async () => {
    const client = await open(settings(dovecot));
    stop.abort();
    expect(client.usable).toBe(false);
    await expect(ask(client, client.list())).rejects.toThrow(ImapError);
  });

  test('is not opened when the signal has aborted during it', async () => {
    const { host, port } = await script({});
    const opening = open(settings({ host, port }), 60_000);
    const outcome = expect(opening).rejects.toThrow(/kernel .* closed the connection before the login/);
    stop.abort();
    await outcome;
  });

  test('hands an ALERT of the server to the operator', async () => {
    const alert = ({ tag, command }: { tag: string; command: string }) =>
      command === 'NOOP' ? `* OK [ALERT] down on Sunday\r\n${tag} OK done\r\n` : undefined;
    const client = await open(settings(await script({ greeting: GREETING, answer: alert })));
    await client.noop();
    await vi.waitFor(() => expect(warnings.join()).toContain('says: down on Sunday'));
  });
});

describe('a server that is not as it should be is told of by a sentence:', () => {
  test('nobody listens', async () => {
    const port = await freePort();
    expect(await refusal(settings({ host: '127.0.0.1', port }))).toMatch(
      /it refuses connections \(.*\); check host and port, and that it runs in \[imap\.kernel\]$/,
    );
  });

  test('the name is not known', async () => {
    const message = await refusal(settings({ host: 'imap.example.invalid', port: 143 }), 20_000);
    expect(message).toMatch(/its name is not found|timed out/);
  });

  test('the login is refused', async () => {
    const message = await refusal(settings(dovecot, { password: `${PASSWORD}x` }));
    expect(message).toMatch(/it refuses the login \(it says: .*\); check user and password_file in \[imap\.kernel\]$/);
  });

  test('the login is refused by a server that repeats the password', async () => {
    const answer: Script['answer'] = ({ tag, command }) =>
      command === 'LOGIN' ? `${tag} NO ${PASSWORD} is wrong\r\n` : undefined;
    const at = await script({ greeting: GREETING, answer });
    expect(await refusal(settings(at))).toContain('(it says: [password] is wrong)');
    expect(at.lines.join()).toContain(PASSWORD);
  });

  test('it says nothing', async () => {
    const before = performance.now();
    expect(await refusal(settings(await script({})), 300)).toMatch(/timed out \(.*\); check host, port and tls/);
    expect(performance.now() - before).toBeLessThan(3000);
  });

  test('it greets and then says nothing', async () => {
    const at = await script({ greeting: GREETING, answer: () => '' });
    expect(await refusal(settings(at), 300)).toContain('timed out (no whole answer in 0.3 s)');
  });

  test('it is another kind of server', async () => {
    const at = await script({ greeting: 'HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n', answer: () => '' });
    expect(await refusal(settings(at), 500)).toMatch(/timed out \(.*\); check host, port and tls/);
  });

  test('it says BYE', async () => {
    const at = await script({ greeting: '* BYE too many connections\r\n' });
    expect(await refusal(settings(at))).toContain('(it says: too many connections)');
  });

  test('it announces a mail of a gigabyte', async () => {
    const answer: Script['answer'] = ({ command }) =>
      command === 'UID FETCH' ? '* 1 FETCH (UID 7 BODY[] {1000000000}\r\n' : undefined;
    const client = await open(settings(await script({ greeting: GREETING, answer })));
    await openFolder(client, 'INBOX', true);
    await expect(ask(client, client.fetchAll('7', { source: true }, { uid: true }))).rejects.toThrow(
      /sends more than is accepted/,
    );
  });

  test('it stops in the middle of an answer', async () => {
    const answer: Script['answer'] = ({ command }) => (command === 'STATUS' ? '* STATUS (' : undefined);
    const client = await open(settings(await script({ greeting: GREETING, answer })), 5000, 300);
    await expect(ask(client, client.status('INBOX', { messages: true }))).rejects.toThrow(/timed out/);
    expect(client.usable).toBe(false);
  });

  test('it drips, a byte now and then', async () => {
    const answer: Script['answer'] = ({ command, socket }) => {
      if (command !== 'STATUS') return undefined;
      const drip = setInterval(() => (socket.destroyed ? clearInterval(drip) : socket.write('*')), 50);
      return '* STATUS (';
    };
    const client = await open(settings(await script({ greeting: GREETING, answer })), 5000, 5000);
    await expect(ask(client, client.status('INBOX', { messages: true }), 500)).rejects.toThrow(
      /timed out \(no whole answer in 0\.5 s\)/,
    );
  });
});

describe('TLS', () => {
  test('with a certificate that ca_file holds is taken', async () => {
    const tls = makeCertificate(dir, '127.0.0.1');
    const at = await script({ greeting: GREETING, tls });
    const client = await open(settings(at, { tls: 'implicit', ca: tls.cert }));
    expect((await openFolder(client, 'INBOX', true)).exists).toBe(1);
  });

  test('with a certificate that nobody vouches for is not taken, and no password is sent', async () => {
    const at = await script({ greeting: GREETING, tls: makeCertificate(dir, '127.0.0.1') });
    expect(await refusal(settings(at, { tls: 'implicit' }))).toMatch(
      /its certificate is not accepted \(.*\); check ca_file, and that host is a name in the certificate in \[imap\.kernel\]$/,
    );
    expect(at.lines).toEqual([]);
  });

  test('with a certificate for another name is not taken', async () => {
    const tls = makeCertificate(dir, 'mail.example.org');
    const at = await script({ greeting: GREETING, tls });
    const message = await refusal(settings(at, { tls: 'implicit', ca: tls.cert }));
    expect(message).toContain('its certificate is not accepted');
    expect(at.lines).toEqual([]);
  });

  test('is not spoken by a port without it', async () => {
    expect(await refusal(settings(dovecot, { tls: 'implicit' }))).toMatch(/it does not speak TLS there .*check tls/);
  });

  test('is required where starttls is set: without it no password is sent', async () => {
    const at = await script({ greeting: GREETING });
    expect(await refusal(settings(at, { tls: 'starttls' }))).toMatch(/no STARTTLS .*; check tls/);
    expect(at.lines.join()).not.toContain(PASSWORD);
  });
});

describe('a folder', () => {
  test('that is missing is told of with those that are near', async () => {
    dovecot.deliver('bot', 'Subject: x\r\n\r\n', 'linux-input');
    dovecot.deliver('bot', 'Subject: x\r\n\r\n', 'unrelated');
    const client = await open(settings(dovecot));
    const missing = openFolder(client, 'linux-inptu', true);
    await expect(missing).rejects.toThrow(/^IMAP account kernel .*linux-inptu.*names like it: linux-input$/);
    expect((await openFolder(client, 'linux-input', true)).exists).toBe(1);
  });

  test('that is missing, with none near, is told of with some that exist', async () => {
    const client = await open(settings(await script({ greeting: GREETING, answer: noSuchFolder })));
    await expect(openFolder(client, 'zzzz', true)).rejects.toThrow(/some folders that exist: INBOX$/);
  });

  test('without a UIDVALIDITY is none', async () => {
    const answer: Script['answer'] = ({ tag, command }) =>
      command === 'EXAMINE' ? `* 0 EXISTS\r\n* OK [UIDVALIDITY 0] ok\r\n${tag} OK done\r\n` : undefined;
    const client = await open(settings(await script({ greeting: GREETING, answer })));
    await expect(openFolder(client, 'INBOX', true)).rejects.toThrow(
      /folder INBOX holds no mail and has no UIDVALIDITY/,
    );
  });
});

describe('secrets from commands', () => {
  const command = (...argv: string[]) => ({ key: 'imap.kernel.password_command', argv });
  const { password: _, ...without } = settings({ host: '127.0.0.1', port: 0 });
  const account = (more: Partial<ImapSettings>): ImapSettings => ({ ...without, port: dovecot.port, ...more });

  test('a password is what the command prints first, without a shell', async () => {
    const client = await open(account({ passwordCommand: command('printf', `${PASSWORD}\\nmore\\n`) }));
    expect(client.usable).toBe(true);
    expect(await refusal(account({ passwordCommand: command('echo', `${PASSWORD}; id`) }))).toContain(
      'refuses the login',
    );
  });

  test.each([
    ['is not there', ['no-such-program-x'], /cannot be run \(ENOENT\)/],
    ['ends badly', ['sh', '-c', `echo ${PASSWORD}; exit 3`], /ended with status 3; run it by hand/],
    ['prints nothing', ['true'], /prints no secret in its first line/],
  ])('one that %s is named, and nothing that it prints', async (_, argv, why) => {
    const message = await refusal(account({ passwordCommand: command(...argv) }));
    expect(message).toMatch(why);
    expect(message).toContain('imap.kernel.password_command');
  });

  test('a token of OAuth 2 logs in, and is asked for at each connection; a wrong one does not', async () => {
    const asked: string[] = [];
    // What RFC 7662 calls introspection: Dovecot asks it whose token this is.
    const issuer = createServer((request, response) => {
      const token = request.headers.authorization ?? '';
      asked.push(token);
      const isGood = token === 'Bearer token-2';
      response.writeHead(isGood ? 200 : 401, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isGood ? { active: 'true', username: 'bot' } : { error: 'invalid_token' }));
    });
    issuer.listen(0, '127.0.0.1');
    await once(issuer, 'listening');
    const { port } = issuer.address() as AddressInfo;
    const server = await startDovecot(join(dir, 'oauth'), { users: {}, introspectionUrl: `http://127.0.0.1:${port}/` });
    try {
      const file = join(dir, 'token');
      const tokens = account({
        port: server.port,
        tokenCommand: { key: 'imap.kernel.token_command', argv: ['cat', file] },
      });
      writeFileSync(file, 'token-1\n');
      expect(await refusal(tokens)).toMatch(/refuses the login.*/);
      writeFileSync(file, 'token-2\n');
      expect((await open(tokens)).usable).toBe(true);
      expect(asked).toContain('Bearer token-1');
      expect(asked.at(-1)).toBe('Bearer token-2');
    } finally {
      stop.abort();
      await server.close();
      issuer.close();
    }
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openSmtp, SmtpError, type SmtpSettings } from '../../bot/smtp.ts';
import { makeCertificate } from '../service/certificate.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../service/smtp-receiver.ts';

const envelope = { from: 'bot@bot.example', recipients: ['a@example.org', 'b@example.org'] };
const eml = Buffer.from('Subject: x\r\n\r\n.dot\r\n..\r\nFrom here\r\n> int \u00e4;\t \r\n.\r\nend\r\n');
const ascii = Buffer.from('Subject: x\r\n\r\nplain\r\n');
/** For servers that keep silent; all others may be as slow as a busy machine makes them. */
const timeouts = { connectMs: 1000, idleMs: 1000, wholeMs: 10_000 };
const plainTo = ({ host, port }: { host: string; port: number }): SmtpSettings => ({ host, port, tls: 'none' });

/** What became of sending one mail: `taken`, or the kind of failure and its words. */
async function fateOf(settings: SmtpSettings, bytes: Uint8Array = eml): Promise<{ kind: string; words: string }> {
  try {
    await openSmtp(settings).send(envelope, bytes);
    return { kind: 'taken', words: '' };
  } catch (error) {
    if (!(error instanceof SmtpError)) throw error;
    return { kind: error.kind, words: error.message };
  }
}

describe('a mail that is taken', () => {
  let receiver: SmtpReceiver;
  beforeEach(async () => {
    receiver = await startSmtpReceiver();
  });
  afterEach(() => receiver.close());

  test('arrives byte for byte at every recipient, as 8BITMIME', async () => {
    expect(await openSmtp(plainTo(receiver)).send(envelope, eml)).toEqual({
      accepted: envelope.recipients,
      rejected: [],
    });
    expect(receiver.mails).toHaveLength(1);
    expect(receiver.mails[0]).toMatchObject({ ...envelope, bodyType: '8bitmime', secure: false });
    expect(receiver.mails[0]!.raw.equals(eml)).toBe(true);
  });

  test('is 7bit when it is ASCII', async () => {
    await openSmtp(plainTo(receiver)).send(envelope, ascii);
    expect(receiver.mails[0]).toMatchObject({ bodyType: '7bit', raw: ascii });
  });

  test('may be megabytes', async () => {
    const big = Buffer.concat([ascii, Buffer.from(`${'x'.repeat(76)}\r\n`.repeat(50_000))]);
    expect(await fateOf(plainTo(receiver), big)).toMatchObject({ kind: 'taken' });
    expect(receiver.mails[0]!.raw.equals(big)).toBe(true);
  });

  test('is not handed over when a recipient that is needed is refused for good, and is when only for now', async () => {
    const needed = { ...envelope, needed: ['b@example.org'] };
    receiver.behaviour = { refuse: { at: 'RCPT', code: 550, words: 'nobody here', only: 'b@example.org' } };
    await expect(openSmtp(plainTo(receiver)).send(needed, eml)).rejects.toMatchObject({
      kind: 'never',
      rejected: [{ address: 'b@example.org', kind: 'never', why: '550 nobody here' }],
    });
    receiver.behaviour = { refuse: { at: 'RCPT', code: 450, words: 'wait', only: 'b@example.org' } };
    expect(await openSmtp(plainTo(receiver)).send(needed, eml)).toMatchObject({ accepted: ['a@example.org'] });
    receiver.behaviour = { refuse: { at: 'RCPT', code: 550, words: 'nobody here', only: 'a@example.org' } };
    expect(await openSmtp(plainTo(receiver)).send(needed, eml)).toMatchObject({ accepted: ['b@example.org'] });
    expect(receiver.mails.map(({ recipients }) => recipients)).toEqual([['a@example.org'], ['b@example.org']]);
  });

  test('names the recipients that were refused, where others were not', async () => {
    receiver.behaviour = { refuse: { at: 'RCPT', code: 550, words: 'nobody here', only: 'b@example.org' } };
    const taken = await openSmtp(plainTo(receiver)).send(envelope, eml);
    expect(taken).toEqual({
      accepted: ['a@example.org'],
      rejected: [{ address: 'b@example.org', kind: 'never', why: expect.stringContaining('nobody here') }],
    });
    expect(receiver.mails.map(({ recipients }) => recipients)).toEqual([['a@example.org']]);
  });
});

describe('refused and cut connections', () => {
  let receiver: SmtpReceiver;
  beforeEach(async () => {
    receiver = await startSmtpReceiver();
  });
  afterEach(() => receiver.close());

  test.each([
    ['CONNECT', 421, 'away'],
    ['CONNECT', 554, 'away'],
    ['MAIL', 451, 'later'],
    ['MAIL', 550, 'never'],
    ['MAIL', 530, 'away'],
    ['RCPT', 450, 'later'],
    ['RCPT', 550, 'never'],
    ['END', 452, 'later'],
    ['END', 554, 'never'],
  ] as const)('%s answered with %i: %s, in the words of the server', async (at, code, kind) => {
    receiver.behaviour = { refuse: { at, code, words: 'not here, not now' } };
    expect(await fateOf(plainTo(receiver))).toEqual({
      kind,
      words: expect.stringMatching(new RegExp(`^smtp server 127.0.0.1:${receiver.port}: ${code} .*not here, not now`)),
    });
    expect(receiver.mails).toEqual([]);
  });

  test('one recipient refused for now: taken, and it is named; all of them: later, and they are named', async () => {
    receiver.behaviour = { refuse: { at: 'RCPT', code: 450, words: 'wait', only: 'b@example.org' } };
    const { rejected } = await openSmtp(plainTo(receiver)).send(envelope, eml);
    expect(rejected).toMatchObject([{ address: 'b@example.org', kind: 'later' }]);
    receiver.behaviour = { refuse: { at: 'RCPT', code: 450, words: 'wait' } };
    await expect(openSmtp(plainTo(receiver)).send(envelope, eml)).rejects.toMatchObject({
      kind: 'later',
      rejected: envelope.recipients.map((address) => ({ address, kind: 'later' })),
    });
  });

  test('a refusal that is not about a recipient names none', async () => {
    receiver.behaviour = { refuse: { at: 'END', code: 554, words: 'spam' } };
    await expect(openSmtp(plainTo(receiver)).send(envelope, eml)).rejects.toMatchObject({
      kind: 'never',
      rejected: [],
    });
  });

  test.each([
    ['CONNECT', 'away'],
    ['MAIL', 'away'],
    ['RCPT', 'away'],
    ['lost', 'unknown'],
    ['taken', 'unknown'],
  ] as const)('cut at %s: %s', async (cut, kind) => {
    receiver.behaviour = { cut };
    expect((await fateOf(plainTo(receiver))).kind).toBe(kind);
    expect(receiver.mails).toHaveLength(cut === 'taken' ? 1 : 0);
  });

  test('cut in the middle of a mail whose end was not handed over yet: away', async () => {
    receiver.behaviour = { cut: 'DATA' };
    const big = Buffer.concat([ascii, Buffer.alloc(16_000_000, `${'x'.repeat(76)}\r\n`)]);
    const fate = await fateOf(plainTo(receiver), big);
    expect(fate).toEqual({ kind: 'away', words: expect.stringMatching(/closed|ECONNRESET|EPIPE/) });
  });

  test('no answer to the final dot in time: unknown', async () => {
    receiver.behaviour = { slowMs: 3000 };
    const fate = await fateOf({ ...plainTo(receiver), timeouts });
    expect(fate).toEqual({ kind: 'unknown', words: expect.stringMatching(/timeout/i) });
  });

  test('nobody listens: away', async () => {
    const { host, port } = receiver;
    await receiver.close();
    expect(await fateOf(plainTo({ host, port }))).toEqual({
      kind: 'away',
      words: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('an address that cannot stand in the envelope: never, and no other goes out', async () => {
    const bad = { from: 'bot@bot.example', recipients: ['a@example.org', 'x>\r\nRCPT TO:<b@example.org'] };
    await expect(openSmtp(plainTo(receiver)).send(bad, eml)).rejects.toMatchObject({ kind: 'never' });
    expect(receiver.mails).toEqual([]);
  });
});

describe('a server of fixed answers', () => {
  let server: Server;
  let heard: string;
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  /** Answers each command with what `answers` has for its first word (`.`: the final dot; '' is silence). */
  async function answering(answers: Record<string, string>): Promise<SmtpSettings> {
    heard = '';
    server = createServer((socket) => {
      sockets.add(socket);
      let isData = false;
      let rest = '';
      const say = (text: string) => text !== '' && socket.write(`${text}\r\n`);
      socket.on('error', () => sockets.delete(socket));
      socket.on('data', (chunk) => {
        heard += chunk;
        const lines = (rest + chunk).split('\r\n');
        rest = lines.pop()!;
        for (const line of lines) {
          if (isData && line !== '.') continue;
          const word = line.split(' ')[0]!;
          const answer = answers[word] ?? '250 fine';
          isData = word === 'DATA' && answer.startsWith('354');
          say(answer);
        }
      });
      say(answers['greeting'] ?? '220 hello');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return plainTo({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  }
  const data = { DATA: '354 go on' };

  test.each([
    ['that are right', data, 'taken'],
    ['that refuse DATA for now', { DATA: '451 busy' }, 'later'],
    ['that refuse DATA for good', { DATA: '554 no' }, 'never'],
    ['that are garbage at once', { greeting: 'GET / HTTP/1.1' }, 'away'],
    ['that are garbage to EHLO and HELO', { EHLO: '???', HELO: '???' }, 'away'],
    ['that never greet', { greeting: '' }, 'away'],
    ['that are silent to MAIL', { ...data, MAIL: '' }, 'away'],
    ['that are silent to DATA', { DATA: '' }, 'away'],
    ['that are garbage to the final dot', { ...data, '.': 'thank you' }, 'unknown'],
    ['that go on to ask after the final dot', { ...data, '.': '354 and more' }, 'unknown'],
    ['that are silent to the final dot', { ...data, '.': '' }, 'unknown'],
    ['that close after the final dot', { ...data, '.': '421 closing' }, 'later'],
    ['that are pipelined', { ...data, EHLO: '250-hello\r\n250 PIPELINING' }, 'taken'],
    ['that are pipelined and refuse MAIL', { ...data, EHLO: '250-hello\r\n250 PIPELINING', MAIL: '550 no' }, 'never'],
    ['that never end a line', { EHLO: `250-${'x'.repeat(200_000)}` }, 'away'],
  ])('%s: a mail has its fate', async (_what, answers: Record<string, string>, kind) => {
    const settings = await answering(answers);
    const isSilent = Object.values(answers).includes('');
    expect(await fateOf(isSilent ? { ...settings, timeouts } : settings)).toMatchObject({ kind });
  });

  test('that drip for ever: the whole has an end', async () => {
    const settings = await answering({ ...data, '.': '' });
    // Only once the mail is whole: each line keeps the silence from being long.
    const drip = setInterval(() => {
      if (heard.endsWith('\r\n.\r\n')) for (const socket of sockets) socket.write('250-x\r\n');
    }, 100);
    try {
      const { kind, words } = await fateOf({ ...settings, timeouts: { connectMs: 5000, idleMs: 5000, wholeMs: 3000 } });
      expect({ kind, words }).toEqual({ kind: 'unknown', words: expect.stringContaining('no end after 3 s') });
    } finally {
      clearInterval(drip);
    }
  });

  test('without STARTTLS: nothing is sent where it is required', async () => {
    const settings = await answering(data);
    expect((await fateOf({ ...settings, tls: 'starttls', timeouts })).kind).toBe('away');
    expect(heard).not.toMatch(/MAIL|AUTH/);
  });

  test.each([
    ['the password', 'hunter2secret'],
    ['what AUTH PLAIN makes of it', Buffer.from('\0bot\0hunter2secret').toString('base64')],
    ['what AUTH LOGIN makes of it', Buffer.from('hunter2secret').toString('base64')],
  ])('that repeat %s: it is in no error and no reason', async (_, secret) => {
    const login = { user: 'bot', password: 'hunter2secret', timeouts };
    const offer = '250-hello\r\n250 AUTH PLAIN';
    const refused = await answering({ EHLO: offer, AUTH: `535 ${secret} is wrong` });
    expect((await fateOf({ ...refused, ...login })).words).toMatch(/: 535 \[password\] is wrong$/);
    server.close();
    const passed = await answering({ EHLO: offer, AUTH: '235 ok', RCPT: `550 not with ${secret}` });
    const error = await openSmtp({ ...passed, ...login })
      .send(envelope, eml)
      .catch((failure: unknown) => failure as SmtpError);
    expect(error).toMatchObject({ rejected: [{ why: '550 not with [password]' }, { why: '550 not with [password]' }] });
  });

  test('without a login: nothing is sent where a user is set', async () => {
    const settings = await answering(data);
    const { kind, words } = await fateOf({ ...settings, user: 'bot', password: 'secret' });
    expect({ kind, words }).toEqual({ kind: 'away', words: expect.stringContaining('offers no login') });
    expect(heard).not.toMatch(/MAIL|AUTH/);
  });
});

describe('encryption and login', () => {
  let dir: string;
  let key: string;
  let cert: string;
  let receiver: SmtpReceiver;
  const login = { user: 'bot', password: 's3cret-w0rd' };
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'smtp-'));
    ({ key, cert } = makeCertificate(dir, '127.0.0.1'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  afterEach(() => receiver.close());

  test.each(['implicit', 'starttls'] as const)('%s: works with the right certificate and password', async (mode) => {
    receiver = await startSmtpReceiver({ tls: { mode, key, cert }, login });
    const settings = { ...plainTo(receiver), tls: mode, ca: cert, ...login };
    expect(await fateOf(settings)).toEqual({ kind: 'taken', words: '' });
    expect(receiver.mails[0]).toMatchObject({ secure: true, user: 'bot', bodyType: '8bitmime', raw: eml });
  });

  test.each(['implicit', 'starttls'] as const)(
    '%s: sends nothing under a certificate it does not trust',
    async (mode) => {
      receiver = await startSmtpReceiver({ tls: { mode, key, cert }, login });
      const fate = await fateOf({ ...plainTo(receiver), tls: mode, ...login });
      expect(fate).toEqual({ kind: 'away', words: expect.stringMatching(/self.signed/) });
      expect(receiver.mails).toEqual([]);
    },
  );

  test('a token of OAuth 2 comes from its command, and a wrong one is in no error', async () => {
    receiver = await startSmtpReceiver({
      tls: { mode: 'starttls', key, cert },
      login: { user: 'bot', token: 't0ken-w0rd' },
    });
    const settings = { ...plainTo(receiver), tls: 'starttls', ca: cert, user: 'bot' } as const;
    const printing = (text: string) => ({ key: 'smtp.token_command', argv: ['printf', '%s\\n', text] });
    expect(await fateOf({ ...settings, tokenCommand: printing('t0ken-w0rd') })).toEqual({ kind: 'taken', words: '' });
    expect(receiver.mails[0]).toMatchObject({ secure: true, user: 'bot', raw: eml });
    const { kind, words } = await fateOf({ ...settings, tokenCommand: printing('wr0ng-w0rd') });
    expect(kind).toBe('away');
    expect(words).not.toContain('wr0ng-w0rd');
    expect(words).not.toContain(Buffer.from('user=bot\x01auth=Bearer wr0ng-w0rd\x01\x01').toString('base64'));
    expect(await fateOf({ ...settings, tokenCommand: { key: 'smtp.token_command', argv: ['false'] } })).toEqual({
      kind: 'away',
      words: expect.stringContaining('smtp.token_command: it ended with status 1'),
    });
    expect(receiver.mails).toHaveLength(1);
  });

  test('a wrong password: away, and the password is in no error', async () => {
    receiver = await startSmtpReceiver({ login });
    const { kind, words } = await fateOf({ ...plainTo(receiver), user: 'bot', password: 'wr0ng-w0rd' });
    expect({ kind, words }).toEqual({ kind: 'away', words: expect.stringContaining('535') });
    expect(words).not.toContain('wr0ng-w0rd');
    expect(words).not.toContain(Buffer.from('\0bot\0wr0ng-w0rd').toString('base64'));
    expect(receiver.mails).toEqual([]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bounceOf } from '../../bot/bounce.ts';
import type { World } from '../../bot/main.ts';
import { Outbox } from '../../bot/outbox.ts';
import { discardMail, showOutbox } from '../../bot/outbox-command.ts';
import { type Outgoing, outgoingId } from '../../bot/outgoing.ts';

const FAILED = [
  'Final-Recipient: rfc822; gone@x.example',
  'Action: failed',
  'Status: 5.1.1',
  'Diagnostic-Code: smtp; 550 5.1.1 no such user',
];

/** As Postfix makes them. */
function notification(parts: { status?: string[][]; original?: string; type?: string } = {}): string {
  const {
    status = [FAILED],
    original = 'message/rfc822',
    type = 'multipart/report; report-type=delivery-status',
  } = parts;
  return [
    'Return-Path: <>',
    'From: MAILER-DAEMON@mx.example',
    'To: depbot@bot.example',
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'Message-ID: <dsn-1@mx.example>',
    `Content-Type: ${type}; boundary="b1"`,
    '',
    'This is a MIME-encapsulated message.',
    '--b1',
    'Content-Type: text/plain',
    '',
    'I am sorry to say that your mail could not be delivered.',
    '#depbot send',
    '--b1',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example',
    '',
    ...status.flatMap((group) => [...group, '']),
    '--b1',
    `Content-Type: ${original}`,
    '',
    'From: depbot <depbot@bot.example>',
    'Message-ID: <sent-1@bot.example>',
    'Subject: Re: [PATCH] x',
    ...(original === 'message/rfc822' ? ['', 'words', ''] : []),
    '--b1--',
    '',
  ].join('\r\n');
}
const read = (text: string) => bounceOf(Buffer.from(text));

describe('bounceOf', () => {
  const found = {
    messageId: 'sent-1@bot.example',
    recipients: [{ address: 'gone@x.example', why: '5.1.1 smtp; 550 5.1.1 no such user' }],
  };

  test.each([
    ['with the mail', notification()],
    ['with its head alone', notification({ original: 'text/rfc822-headers' })],
    ['with LF', notification().replaceAll('\r\n', '\n')],
    ['with the type in other letters', notification({ type: 'Multipart/Report; report-type="delivery-status"' })],
  ])('reads a notification %s', (_, text) => {
    expect(read(text)).toEqual(found);
  });

  test('tells those for whom it failed from those that only wait, or got it', () => {
    const status = [
      FAILED,
      ['Final-Recipient: rfc822;slow@x.example', 'Action: delayed', 'Status: 4.2.0'],
      ['Final-Recipient: rfc822; Two@x.example', 'Action: failed'],
    ];
    expect(read(notification({ status }))?.recipients).toEqual([
      ...found.recipients,
      { address: 'Two@x.example', why: 'no reason given' },
    ]);
    expect(read(notification({ status: status.slice(1, 2) }))).toBeUndefined();
  });

  test('names the address that we wrote to, where that forwards', () => {
    const forwarded = FAILED.map((line) => line.replace('gone@', 'elsewhere@'));
    const status = [['Original-Recipient: rfc822;gone@x.example', ...forwarded]];
    expect(read(notification({ status }))).toEqual(found);
    const unknown = [['Original-Recipient: rfc822;unknown', ...FAILED]];
    expect(read(notification({ status: unknown }))).toEqual(found);
  });

  test.each([
    ['a mail', 'From: a@x.example\r\nSubject: x\r\n\r\nwords\r\n'],
    ['another report', notification({ type: 'multipart/report; report-type=disposition-notification' })],
    ['a notification without a copy', notification({ original: 'text/plain' })],
    ['one that ends early', notification().slice(0, 500)],
    ['nothing', ''],
    ['one of megabytes', notification() + 'x'.repeat(2 ** 20)],
  ])('is nothing for %s', (_, text) => {
    expect(read(text)).toBeUndefined();
  });
});

describe('bounces in the outbox', () => {
  const log = { info: () => undefined, warn: () => undefined };
  let dir: string;
  let printed: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'bounce-'));
    writeFileSync(join(dir, 'depbot.toml'), `[paths]\nstate = "${dir}"\n`);
    printed = '';
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const open = (): Outbox => new Outbox(join(dir, 'service/outbox'), log);
  const world = (): World => {
    printed = '';
    const stdout = { write: (text: string) => (printed += text) };
    return { env: {}, stdout, stderr: stdout, date: () => new Date() } as unknown as World;
  };
  const show = (): number => showOutbox(join(dir, 'depbot.toml'), world());
  const discard = (id: string): number => discardMail(join(dir, 'depbot.toml'), id, world());
  function add(id: string, more: Partial<Outgoing> = {}): string {
    const meta: Outgoing = {
      id: outgoingId(id),
      messageId: id,
      kind: 'reply',
      via: 'smtp',
      from: 'depbot@bot.example',
      recipients: ['gone@x.example', 'here@x.example', 'depbot@bot.example'],
      subject: `Re: ${id}`,
      answers: `p-${id}`,
      maintainers: ['max@example.org'],
      allowedBy: '',
      addedAt: '2026-11-22T10:00:00.000Z',
      ...more,
    };
    open().add(meta, Buffer.from(`Message-ID: <${id}>\r\n\r\nx\r\n`));
    return meta.id;
  }

  test('are noted once, for people that the mail went to, and for mails of ours', () => {
    add('sent-1@bot.example');
    const { messageId, recipients } = read(notification())!;
    const forged = [...recipients, { address: 'other@x.example', why: '550' }];
    expect(open().noteBounces(messageId, forged)).toEqual(recipients);
    expect(open().noteBounces(messageId, forged)).toEqual([]);
    expect(open().noteBounces('unknown@bot.example', recipients)).toEqual([]);
    expect(open().bounces(outgoingId('sent-1@bot.example'))).toEqual(recipients);
  });

  test('are settled by `depbot outbox --discard`, which has what is not sent discarded, and says what it cannot', () => {
    expect([discard('x@bot.example'), printed]).toEqual([
      1,
      expect.stringContaining('<x@bot.example>: there is no such'),
    ]);
    const id = add('sent-1@bot.example');
    expect([discard('<sent-1@bot.example>'), printed]).toEqual([
      0,
      expect.stringMatching(/^to-send: .* it is discarded/),
    ]);
    expect(open().unwanted()).toEqual([id]);
    const { messageId, recipients } = read(notification())!;
    for (const [from, to] of [
      ['to-send', 'sending'],
      ['sending', 'accepted'],
    ] as const)
      open().move(id, from, to);
    expect([discard(messageId), printed]).toEqual([1, expect.stringContaining('it is accepted already')]);
    open().noteBounces(messageId, recipients);
    expect([discard(messageId), printed]).toEqual([0, expect.stringContaining('what came back of it is told no more')]);
    open().settleBounces(id);
    expect([open().bounces(id), open().noteBounces(messageId, recipients), show()]).toEqual([[], [], 0]);
  });

  test('from an address that is strange to us are noted for the only one who got the mail', () => {
    add('sent-1@bot.example', { recipients: ['only@x.example', 'depbot@bot.example'] });
    const { messageId, recipients } = read(notification())!;
    const noted = [{ address: 'only@x.example', why: 'gone@x.example: 5.1.1 smtp; 550 5.1.1 no such user' }];
    expect(open().noteBounces(messageId, recipients)).toEqual(noted);
    expect(open().noteBounces(messageId, recipients)).toEqual([]);
  });

  test('are shown by `depbot outbox`, with what is held and what waits; what is sent well is not', () => {
    expect([show(), printed]).toEqual([0, expect.stringMatching(/^no mail yet in \/.*\n$/)]);
    const [sent, held] = ['sent-1', 'held-1'].map((name) => add(`${name}@bot.example`));
    add('quiet@bot.example', { notBefore: '2026-11-23T10:00:00.000Z', quietHours: ['22:00-06:00'] });
    const box = open();
    box.move(held!, 'to-send', 'held', 'refused: 550 no');
    for (const [from, to] of [
      ['to-send', 'sending'],
      ['sending', 'accepted'],
      ['accepted', 'sent'],
    ] as const)
      box.move(sent!, from, to);
    expect(show()).toBe(1);
    expect(printed.split('\n')).toEqual([
      'held: 2026-11-22T10:00Z Re: held-1@bot.example <held-1@bot.example>, to gone@x.example, here@x.example: refused: 550 no',
      'to-send: 2026-11-22T10:00Z Re: quiet@bot.example <quiet@bot.example>, to gone@x.example, here@x.example: not before 2026-11-23T10:00:00.000Z; not from 22:00-06:00 UTC',
      '',
    ]);
    box.noteBounces('sent-1@bot.example', read(notification())!.recipients);
    show();
    expect(printed).toMatch(
      /^came back: .*<sent-1@bot\.example>.*: from gone@x\.example: 5\.1\.1 smtp; 550 5\.1\.1 no such user$/m,
    );
  });
});

/**
 * Mails that want a running service to do what their senders may not, or what nobody may. They come in through Dovecot,
 * with real signatures and real keys; nothing comes of them, and the service goes on.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MailStore } from '../../bot/mail-store.ts';
import { fixtures, fixtureTree } from '../support/fixture.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';
import { BOT, type Service, STRANGERS, Town, until } from './town.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const MAINTAINER = 'maintainer@example.com';
const EVE = `eve@${STRANGERS}`;
const VICTIM = 'victim@other.example';
const LIMIT_MS = 90_000;
const LOSS = fixtures().find(({ name }) => name === 'new-depends-drops-driver')!;
const HOUR_MS = 3_600_000;

interface Parts {
  readonly from?: string;
  readonly body?: string;
  readonly hoursAgo?: number;
  readonly headers?: readonly string[];
}
type Make = (mail: (parts?: Parts) => Buffer, town: Town) => Buffer | Promise<Buffer>;

const SEND = '#depbot send';
const byMaintainer =
  (parts: Parts): Make =>
  (mail, town) =>
    town.signedByMaintainer(mail(parts));
const byStranger =
  (parts: Parts): Make =>
  (mail, town) =>
    town.signedByStranger(mail(parts));
const order = (body: string): Make => byMaintainer({ body });
const changed =
  (from: string, to: string): Make =>
  async (mail, town) => {
    const text = (await town.signedByMaintainer(mail())).toString('latin1');
    expect(text).toContain(from);
    return Buffer.from(text.replace(from, to), 'latin1');
  };

/** Each wants the draft to be sent, somebody to be stopped, or something to be run. */
const ATTACKS: readonly (readonly [name: string, make: Make])[] = [
  ['a From that nobody signed', (mail) => mail()],
  ['a From signed by another domain', byStranger({})],
  ['a From of a domain that looks the same', byStranger({ from: 'Maintainer <maintainer@ex\u0430mple.com>' })],
  ['a name that is the address', byStranger({ from: `"${MAINTAINER}" <${EVE}>` })],
  [
    'a name in encoded words that is the address',
    byStranger({ from: `=?utf-8?q?maintainer=40example=2Ecom?= <${EVE}>` }),
  ],
  ['a group in From', byMaintainer({ from: `friends: ${MAINTAINER};` })],
  ['two addresses in From', byMaintainer({ from: `${MAINTAINER}, ${EVE}` })],
  ['a second From below', byStranger({ from: EVE, headers: [`From: ${MAINTAINER}`] })],
  [
    'a second From put on top after signing',
    async (mail, town) => Buffer.concat([Buffer.from(`From: ${EVE}\r\n`), await town.signedByMaintainer(mail())]),
  ],
  [
    'a Sender that is the maintainer',
    byStranger({ from: EVE, headers: [`Sender: ${MAINTAINER}`, `Reply-To: ${MAINTAINER}`] }),
  ],
  [
    'results of a check that nobody made',
    (mail) =>
      mail({ headers: [`Authentication-Results: bot.example; dkim=pass header.d=example.com; spf=pass; dmarc=pass`] }),
  ],
  [
    'a seal that nobody made',
    (mail) =>
      mail({
        headers: [
          'ARC-Authentication-Results: i=1; lists.example.org; dkim=pass header.d=example.com',
          'ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed; d=lists.example.org; s=x; h=From:Subject:Date; bh=AAAA; b=AAAA',
          'ARC-Seal: i=1; a=rsa-sha256; cv=none; d=lists.example.org; s=x; b=AAAA',
        ],
      }),
  ],
  ['a command put below after signing', changed('\r\n#depbot send', '\r\nhello\r\n#depbot send')],
  ['another draft named after signing', changed('In-Reply-To: <', 'In-Reply-To: <x')],
  [
    'a signature of a part of the body',
    async (mail, town) =>
      Buffer.concat([
        await town.signedByMaintainer(mail({ body: 'Thanks!' }), { maxBodyLength: 7 }),
        Buffer.from('\r\n#depbot send\r\n'),
      ]),
  ],
  [
    'a signature that leaves In-Reply-To open',
    (mail, town) => town.signedByMaintainer(mail(), { headerList: ['From', 'Subject', 'Date'] }),
  ],
  ['a mail of three days ago', byMaintainer({ hoursAgo: 72 })],
  ['a mail of tomorrow', byMaintainer({ hoursAgo: -24 })],
  ['our own address', (mail) => mail({ from: BOT })],
  ['another robot of our kind that answers us', byMaintainer({ headers: ['Auto-Submitted: auto-replied'] })],
  ['a robot that reports', byMaintainer({ headers: ['Auto-Submitted: auto-generated'] })],
  ['an absence note with the field of old', byMaintainer({ headers: ['X-Autoreply: yes'] })],
  ['an absence note with another field of old', byMaintainer({ headers: ['Precedence: auto_reply'] })],
  ['a bounce', byMaintainer({ headers: ['Return-Path: <>'] })],
  [
    'our footer, quoted',
    order('> depbot, a robot run by the demo.\r\n> To stop such mails: reply with a line "#depbot stop".\r\n'),
  ],
  [
    'our footer, broken by a mailer',
    order('depbot, a robot.\r\nTo stop such mails: reply with a line\r\n"#depbot stop".\r\n'),
  ],
  ['a command in a quote whose second half lost its mark', order(`> ${'x'.repeat(70)}\r\n#depbot stop\r\n`)],
  [
    'a command in a forwarded mail',
    order('---------- Forwarded message ---------\r\nFrom: x@y.example\r\nSubject: x\r\n\r\n#depbot send\r\n'),
  ],
  ['a command in the signature', order('Thanks\r\n-- \r\n#depbot send\r\n')],
  [
    'a command in a patch',
    order('diff --git a/x b/x\r\n--- a/x\r\n+++ b/x\r\n@@ -1 +1 @@\r\n-a\r\n+b\r\n#depbot send\r\n'),
  ],
  ['an option as base', order('#depbot check base=--upload-pack=touch')],
  ['a transport as base', order('#depbot check base=ext::sh -c touch')],
  ['a path as base', order('#depbot check base=../../../etc/passwd')],
  ['a shell in an architecture', order('#depbot check arch=x86;id arch=$(id)')],
  ['a file of the machine as configuration', order('#depbot check config=/etc/passwd')],
  ['a NUL in an argument', order('#depbot check base=a\0b')],
  ['a CR in an argument, and a header behind it', order(`#depbot check base=v6.12\rBcc: ${VICTIM}`)],
  ['a header behind a rule', order(`#depbot ignore lost-symbol%0d%0aBcc:${VICTIM}`)],
  ['a header in a section', order(`#depbot start X <${VICTIM}>`)],
  ['a token that nobody sent', order(`#depbot confirm ${'0'.repeat(32)}`)],
  ['letters that look like ours', order('#depb\u043ft send\r\n\uff03depbot send\r\n#\u200bdepbot send')],
  ['text from right to left', order('#depbot \u202edeneg\u202c send')],
  ['a fourth command', order('#depbot help\r\n#depbot help\r\n#depbot help\r\n#depbot send')],
  ['a command in the subject', byMaintainer({ body: 'hello', headers: ['X-Command: #depbot send'] })],
  ['a line of ten megabytes', (mail) => mail({ body: `#depbot send ${'x'.repeat(10 * 2 ** 20)}` })],
];

describe.skipIf(TREE === undefined && !process.env['CI'])('mails that want more than their senders may', () => {
  let kernel: TinyRepo;
  let dir: string;
  let town: Town;
  let service: Service;
  let draft: string;

  const why = (): string => `it said:\n${service.log().slice(-20_000)}`;
  const wait = <T>(what: string, look: () => T | undefined | false): Promise<T> => until(what, look, LIMIT_MS, why);
  const mails = (): string[] => town.mails.map(({ raw }) => Buffer.from(raw).toString().replaceAll('\r\n', '\n'));
  const idOf = (mail: string): string => /^Message-ID:\s*<(.*)>/im.exec(mail)![1]!;

  /** A mail in answer to the draft. */
  function mailOf(
    id: string,
    { from = `Maintainer <${MAINTAINER}>`, body = SEND, hoursAgo = 0, headers = [] }: Parts,
  ): Buffer {
    const date = new Date(Date.now() - hoursAgo * HOUR_MS).toUTCString().replace('GMT', '+0000');
    return Buffer.from(
      [
        `From: ${from}`,
        `To: ${BOT}`,
        'Subject: Re: your draft #depbot send',
        `Date: ${date}`,
        `Message-ID: <${id}>`,
        `In-Reply-To: <${draft}>`,
        `References: <${draft}>`,
        'Content-Type: text/plain; charset=utf-8',
        'Content-Transfer-Encoding: 8bit',
        ...headers,
        '',
        body,
        '',
      ].join('\r\n'),
    );
  }

  beforeAll(async () => {
    kernel = fixtureTree(LOSS, TREE!);
    dir = mkdtempSync(join(tmpdir(), 'db-'));
    town = await Town.build({ dir, tree: kernel.dir, maintainer: MAINTAINER, list: 'linux-kernel@example.org' });
    service = town.serve();
    await wait('the service', () => service.log().includes('serving'));
    await town.post(join(LOSS.dir, 'series.mbox'));
    draft = idOf(await wait('a draft', () => town.drafts()[0]));
  });

  afterAll(async () => {
    await town.close();
    kernel.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  test(`${ATTACKS.length} of them: none is obeyed, and the service answers the next who may`, {
    timeout: 300_000,
  }, async () => {
    const jobs = (): string[] =>
      ['open', 'closed'].flatMap((name) => readdirSync(join(dir, 'state/service/jobs', name)));
    const before = jobs();
    for (const [at, [, make]] of ATTACKS.entries())
      town.deliver(await make((parts = {}) => mailOf(`attack-${at}@x.example`, parts), town));
    // The same help again, under another Message-ID: whoever copies a signed mail has nothing of it.
    const help = await town.signedByMaintainer(mailOf('once@example.com', { body: '#depbot help' }), {
      headerList: ['From', 'Subject', 'Date', 'In-Reply-To', 'References', 'Content-Type', 'Content-Transfer-Encoding'],
    });
    town.deliver(help);
    await wait('the answer to help', () => mails().find((mail) => mail.includes('In-Reply-To: <once@example.com>')));
    town.deliver(Buffer.from(help.toString('latin1').replace('<once@example.com>', '<twice@example.com>'), 'latin1'));
    await wait('the replay', () => service.log().includes('twice@example.com'));
    await wait('all of them', () => readdirSync(join(dir, 'state/service/commands/todo')).length === 0);

    expect(service.hasEnded()).toBe(false);
    expect(town.drafts().map(idOf)).toEqual([draft]);
    expect(mails().filter((mail) => mail.includes(`Message-ID: <${draft}>`))).toEqual([]);
    expect(mails().filter((mail) => mail.includes('In-Reply-To: <twice@example.com>'))).toEqual([]);
    expect(readdirSync(join(dir, 'state/service'))).not.toContain('stopped');
    expect(readdirSync(join(dir, 'state/service'))).not.toContain('dismissed.json');
    expect(jobs()).toEqual(before);
    expect(kernel.git('status', '--porcelain')).toBe('');
    // Who is answered is told what is wrong: the maintainer, and a stranger once.
    const recipients = new Set(town.mails.flatMap((mail) => mail.recipients));
    expect([...recipients].filter((one) => ![MAINTAINER, EVE, BOT].includes(one))).toEqual([]);
    expect(mails().filter((mail) => /^To: .*eve@/m.test(mail))).toHaveLength(1);
    for (const mail of mails()) {
      expect(mail.split('\n\n')[0]).not.toContain(VICTIM);
      expect(mail).toMatch(/^Auto-Submitted: auto-replied$/m);
    }
    expect(service.log()).not.toMatch(/bug of depbot|TypeError|ReferenceError/);
  });

  test('each was looked at: most are named in the log with a reason, the others hold no command', () => {
    const store = new MailStore(join(dir, 'state/service/mail'), '2000-01-01');
    expect(ATTACKS.filter((_, at) => !store.has(`attack-${at}@x.example`)).map(([name]) => name)).toEqual([]);
    const log = service.log();
    const seen = ATTACKS.map(([name], at) => [name, log.includes(`attack-${at}@x.example`)] as const);
    const silent = seen.filter(([, isNamed]) => !isNamed).map(([name]) => name);
    expect(silent).toEqual([
      'our own address',
      'another robot of our kind that answers us',
      'a robot that reports',
      'an absence note with the field of old',
      'an absence note with another field of old',
      'a bounce',
      'our footer, quoted',
      'our footer, broken by a mailer',
      'a command in a forwarded mail',
      'a command in the signature',
      'a command in a patch',
      'a CR in an argument, and a header behind it',
      'letters that look like ours',
      'a command in the subject',
    ]);
  });

  test('a command that is one is obeyed after all that', async () => {
    await town.command(SEND, draft);
    await wait('the mail', () => mails().find((mail) => mail.includes(`Message-ID: <${draft}>`)));
    await wait('an empty folder', () => town.drafts().length === 0);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSeries } from '../../bot/intake.ts';
import { type MailInput, readMails } from '../../bot/mailbox.ts';
import { MAX_MAIL_BYTES } from '../../bot/message.ts';
import { EOLS, mailText, patchBody } from '../fixtures/mail/make.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-mailbox-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** `[where below dir, text or reason]` of each. */
async function all(input: MailInput): Promise<[where: string, text: string][]> {
  const out: [string, string][] = [];
  for await (const mail of readMails(input))
    out.push([
      mail.where.replace(`${dir}/`, ''),
      'why' in mail ? `bad: ${mail.why}` : Buffer.from(mail.raw).toString(),
    ]);
  return out;
}

function file(name: string, text: string | Uint8Array): { path: string } {
  const path = join(dir, name);
  writeFileSync(path, text);
  return { path };
}

const SEPARATOR = 'From mboxrd@z Thu Jan  1 00:00:00 1970\n';
const one = mailText({ id: 'one@x', body: 'one\n' });
const two = mailText({ id: 'two@x', body: 'two\n\nFrom the middle of the file it went on.\n' });

describe.each(EOLS)('readMails with %s', (_, eol) => {
  const lines = (text: string) => text.replace(/\n/g, eol);

  it('cuts an mbox into its mails, without separators and the empty line below each', async () => {
    const mbox = lines(`${SEPARATOR}${one}\n${SEPARATOR}${two}\n`);
    expect(await all(file('s.mbox', mbox))).toEqual([
      ['s.mbox, message 1', lines(one)],
      ['s.mbox, message 2', lines(two)],
    ]);
  });

  it('un-escapes ">From " in an mbox by one, and not in a single mail', async () => {
    const escaped = mailText({ body: '>From here\n>>From there\n> From quote\n' });
    expect(await all(file('s.mbox', lines(SEPARATOR + escaped)))).toEqual([
      ['s.mbox', lines(escaped.replace('>From here', 'From here').replace('>>From', '>From'))],
    ]);
    expect(await all(file('s.eml', lines(escaped)))).toEqual([['s.eml', lines(escaped)]]);
  });

  it.each([
    `From ada@example.org Mon Mar  2 09:00:00 2026`,
    `From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001`,
    `From - Mon Mar 02 09:00:00 2026`,
    `From ada@example.org Mon Mar  2 09:00:00 +0100 2026`,
  ])('knows the separator "%s"', async (separator) => {
    expect(await all(file('s.mbox', lines(`${separator}\n${one}\n${separator}\n${two}`)))).toHaveLength(2);
  });

  it.each([
    ['prose that begins with From', 'one\n\nFrom Monday on we do it.\n'],
    ['prose without an empty line above', 'one\nFrom the beginning: it failed.\nFrom: here on it works.\n'],
    ['an uncertain separator without an empty line above', `one\nFrom - Mon Mar 02 09:00:00 2026\nSubject: x\n`],
    ['a separator without an empty line above or a header below', `one\n${SEPARATOR}and so on: it failed\n`],
    ['a separator quoted by an archive', `one\n> ${SEPARATOR}Subject: x\n`],
    ['a separator without a header below', `one\n\n${SEPARATOR}and so on\n`],
    ['a separator at the end', `one\n\n${SEPARATOR}`],
  ])('does not cut at %s', async (_name, body) => {
    const mail = mailText({ body });
    expect(await all(file('s.mbox', lines(SEPARATOR + mail)))).toEqual([['s.mbox', lines(mail)]]);
  });

  it.each([
    'From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n',
    'From ada@example.org Mon Mar  2 09:00:00 2026\n',
    SEPARATOR,
  ])('cuts mails that were joined without an empty line, at "%s"', async (separator) => {
    const [first, second] = [1, 2].map((n) => mailText({ id: `p${n}@x`, subject: `[PATCH ${n}/2] foo: ${n}` }));
    expect(await all(file('s.mbox', lines(`${separator}${first}${separator}${second}`)))).toEqual([
      ['s.mbox, message 1', lines(first ?? '')],
      ['s.mbox, message 2', lines(second ?? '')],
    ]);
    const { series, problems } = await readSeries(file('s.mbox', lines(`${separator}${first}${separator}${second}`)));
    expect(problems).toEqual([]);
    expect(series).toMatchObject([
      { complete: true, patches: [{ message: { messageId: 'p1@x' } }, { message: { messageId: 'p2@x' } }] },
    ]);
  });

  it('takes standard input in either form, in chunks of any size', async () => {
    for (const size of [1, 7, 100_000]) {
      const chunks = (text: string) =>
        Readable.from((text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []).map((chunk) => Buffer.from(chunk)));
      expect(await all({ stdin: chunks(lines(`${SEPARATOR}${one}\n${SEPARATOR}${two}\n`)) })).toEqual([
        ['standard input, message 1', lines(one)],
        ['standard input, message 2', lines(two)],
      ]);
      expect(await all({ stdin: chunks(lines(one)) })).toEqual([['standard input', lines(one)]]);
    }
  });

  it('calls an input of nothing but line ends empty', async () => {
    expect(await all(file('empty', ''))).toEqual([['empty', 'bad: it is empty']]);
    expect(await all(file('blank', lines('\n\n\n')))).toEqual([['blank', 'bad: it is empty']]);
    expect(await all({ stdin: Readable.from([]) })).toEqual([['standard input', 'bad: it is empty']]);
  });
});

describe('readMails', () => {
  it('reads cur/ and new/ of a Maildir by name, not tmp/ nor hidden files', async () => {
    for (const folder of ['cur', 'new', 'tmp']) mkdirSync(join(dir, 'box', folder), { recursive: true });
    file('box/new/3', two);
    file('box/cur/2:2,S', one);
    file('box/cur/1:2,', '');
    file('box/cur/.hidden', one);
    file('box/tmp/0', one);
    mkdirSync(join(dir, 'box/cur/4'));
    expect(await all({ path: join(dir, 'box') })).toEqual([
      ['box/cur/1:2,', 'bad: it is empty'],
      ['box/cur/2:2,S', one],
      ['box/cur/4', 'bad: it is not a regular file'],
      ['box/new/3', two],
    ]);
  });

  it('reads the .patch files of a folder by name, nothing else in it', async () => {
    mkdirSync(join(dir, 'out'));
    file('out/0002-b.patch', `${SEPARATOR}${two}`);
    file('out/0001-a.patch', `${SEPARATOR}${one}`);
    file('out/notes.txt', one);
    file('out/0003-c.patch', '');
    expect(await all({ path: join(dir, 'out') })).toEqual([
      ['out/0001-a.patch', one],
      ['out/0002-b.patch', two],
      ['out/0003-c.patch', 'bad: it is empty'],
    ]);
  });

  it('says what is wrong with a directory, an empty Maildir, a missing file', async () => {
    mkdirSync(join(dir, 'plain'));
    mkdirSync(join(dir, 'box/cur'), { recursive: true });
    expect(await all({ path: join(dir, 'plain') })).toEqual([
      ['plain', expect.stringMatching(/^bad: it is a directory without cur.*not a Maildir, and holds no \.patch/)],
    ]);
    expect(await all({ path: join(dir, 'box') })).toEqual([
      [`${dir}/box`.replace(`${dir}/`, ''), 'bad: the Maildir holds no mail'],
    ]);
    expect(await all({ path: join(dir, 'none') })).toEqual([['none', 'bad: there is no such file or directory']]);
    expect(await all({ path: join(file('f', 'x').path, 'below') })).toEqual([
      ['f/below', 'bad: there is no such file or directory'],
    ]);
  });

  it('skips a mail above the limit, names it, and gives the rest', async () => {
    const long = Buffer.alloc(MAX_MAIL_BYTES + 1, `${'x'.repeat(70)}\n`);
    const head = Buffer.from(`${SEPARATOR}${one}\n${SEPARATOR}Subject: long\n\n`);
    const mails = await all(file('s.mbox', Buffer.concat([head, long, Buffer.from(`\n\n${SEPARATOR}${two}`)])));
    expect(mails.map(([where, text]) => [where, text.slice(0, 25)])).toEqual([
      ['s.mbox, message 1', one.slice(0, 25)],
      ['s.mbox, message 2', 'bad: it is at least 33554'],
      ['s.mbox, message 3', two.slice(0, 25)],
    ]);
  });

  it('stops reading a single mail above the limit, even one without an end', async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read += 1 << 20;
        yield Buffer.alloc(1 << 20);
      }
    }
    expect(await all({ stdin: Readable.from(endless()) })).toEqual([
      ['standard input', expect.stringMatching(/^bad: it is at least \d+ bytes long; the limit/)],
    ]);
    expect(read).toBeLessThan(MAX_MAIL_BYTES + 40 * (1 << 20));
  });
});

describe('readSeries', () => {
  const mbox = (...mails: string[]) => mails.map((mail) => `${SEPARATOR}${mail}\n`).join('');

  it('puts the good mails together and reports the malformed ones', async () => {
    const first = mailText({ id: 'p1@x', subject: '[PATCH 1/2] foo: a' });
    const second = mailText({ id: 'p2@x', subject: '[PATCH 2/2] foo: b', inReplyTo: 'p1@x' });
    const { series, problems, leftOver } = await readSeries(
      file(
        's.mbox',
        mbox(
          first,
          mailText({ headers: ['Content-Type: text/html'] }),
          'Message-ID: <h@x>\nContent-Type: text/html\n\n<p>\n',
          second,
        ),
      ),
    );
    expect(problems.map(({ where, why }) => `${where.replace(`${dir}/`, '')}: ${why}`)).toEqual([
      's.mbox, message 2: it has no plain text part, only HTML (subject: "[PATCH] foo: select BAR")',
      's.mbox, message 3: it has no plain text part, only HTML',
    ]);
    expect(series).toMatchObject([{ complete: true, id: 'p1@x', patches: [{ n: 1 }, { n: 2 }] }]);
    expect(leftOver).toEqual([]);
  });

  it('reports a truncated mbox, and a whole one not', async () => {
    const whole = mbox(mailText());
    const cut = whole.slice(0, whole.indexOf(' \tdepends on PCI'));
    expect((await readSeries(file('whole.mbox', whole))).problems).toEqual([]);
    const { series, problems } = await readSeries(file('cut.mbox', cut));
    expect(problems).toEqual([
      {
        where: join(dir, 'cut.mbox'),
        why: 'its diff is cut short: the mail ends in the middle of the hunk at mail line 12 (subject: "[PATCH] foo: select BAR")',
      },
    ]);
    expect(series[0]?.oddities).toEqual([expect.stringMatching(/^patch 1\/1: its diff is cut short/)]);
    expect(series).toMatchObject([{ complete: false, have: [{ n: 1 }], missing: [1] }]);
  });

  it('does not call a reply with part of a diff cut short', async () => {
    const reply = mailText({ subject: 'Re: [PATCH] foo', body: patchBody().slice(0, -40) });
    expect((await readSeries(file('r.eml', reply))).problems).toEqual([]);
  });

  it.each(EOLS)('takes a folder of git format-patch without Message-IDs as one series, with %s', async (_, eol) => {
    mkdirSync(join(dir, 'out'));
    for (const n of [1, 2, 3]) {
      const from = n === 2 ? 'Bo <bo@example.org>' : 'Ada Penn <ada@example.org>';
      const patch = mailText({ id: '', subject: `[PATCH ${n}/3] foo: ${n}`, from, at: (4 - n) * 60 * 24 });
      file(`out/000${n}-foo.patch`, `${SEPARATOR}${patch}\n`.replace(/\n/g, eol));
    }
    const { series, problems, leftOver } = await readSeries({ path: join(dir, 'out') });
    expect([problems, leftOver]).toEqual([[], []]);
    expect(series).toMatchObject([
      {
        complete: true,
        patches: [{ title: 'foo: 1' }, { title: 'foo: 2', author: { name: 'Bo' } }, { title: 'foo: 3' }],
      },
    ]);
    expect(series[0]?.oddities).toContain('patch 2/3: it has no Message-ID; one was made from its content');
  });

  it('reports a file that is no mail', async () => {
    const { series, problems } = await readSeries(file('notes.txt', 'Dear diary,\n'));
    expect(series).toEqual([]);
    expect(problems).toMatchObject([{ why: expect.stringContaining('it is not a mail') }]);
  });
});

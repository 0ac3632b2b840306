import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { isMadeId, MAX_MAIL_BYTES, parseMessage, SEVERAL_PATCHES } from '../../bot/message.ts';
import type { Message } from '../../rules/types.ts';
import { bytesOf, cpuMs, diffOf, EOLS, type MailText, mailText, patchBody } from '../fixtures/mail/make.ts';

/** Text with all that a decoder may damage. */
const DELICATE = 'tab\there, blanks at the end  \n\f\n>From the start\n..dot\n=3D stays\n-- \nÄ ö ß €\n';

function parsed(raw: Uint8Array): Message {
  const result = parseMessage(raw);
  if (!result.ok) throw new Error(result.why);
  return result.message;
}

function why(raw: Uint8Array): string {
  const result = parseMessage(raw);
  return result.ok ? 'ok' : result.why;
}

describe.each(EOLS)('parseMessage with %s', (_, eol) => {
  const parse = (mail: MailText) => parsed(bytesOf(mailText(mail), eol));
  const body = (headers: string[], text: string) => parse({ headers, body: text }).body;

  it('reads an ordinary patch mail and keeps its bytes', () => {
    const raw = bytesOf(
      mailText({
        headers: ['Cc: "Penn, Bo" <bo@example.org>, c@example.org', 'List-Id: Foo people <Foo.lists.example.org>'],
      }),
      eol,
    );
    expect(parsed(raw)).toEqual({
      raw,
      messageId: 'p1@example.org',
      references: [],
      from: { name: 'Ada Penn', address: 'ada@example.org' },
      to: [{ name: '', address: 'foo@lists.example.org' }],
      cc: [
        { name: 'Penn, Bo', address: 'bo@example.org' },
        { name: '', address: 'c@example.org' },
      ],
      listIds: ['foo.lists.example.org'],
      date: '2026-03-02T09:00:00.000Z',
      dateHeader: 'Mon, 02 Mar 2026 09:00:00 +0000',
      subject: '[PATCH] foo: select BAR',
      body: patchBody(),
      oddities: [],
    });
  });

  it.each([
    ['no header at all', [], DELICATE],
    ['8bit', ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit'], DELICATE],
    ['us-ascii that is UTF-8', ['Content-Type: text/plain; charset=us-ascii'], DELICATE],
    [
      'an unknown encoding',
      ['Content-Type: text/plain; charset="UTF-8" (really)', 'Content-Transfer-Encoding: 7BIT (yes)'],
      DELICATE,
    ],
  ])('keeps the text with %s', (_name, headers, text) => {
    expect(body(headers, text)).toBe(text);
  });

  it('decodes base64, and cuts a list footer off', () => {
    const headers = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64'];
    const text = Buffer.from(DELICATE)
      .toString('base64')
      .replace(/(.{40})/g, '$1\n');
    expect(body(headers, `${text}\n`)).toBe(DELICATE);
    const message = parse({ headers, body: `${text}\n________\nfoo mailing list\n` });
    expect(message.body).toBe(DELICATE);
    expect(message.oddities).toEqual(['plain text follows the base64 part; it was cut off']);
  });

  it('decodes quoted-printable: soft line ends join, blanks at line ends are transport, a lone = stays', () => {
    const headers = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable'];
    expect(body(headers, 'a=3Db =C3=A9=20 \nlong =\nline\nodd = =zz =E\nend=')).toBe(
      'a=b é \nlong line\nodd = =zz =E\nend',
    );
    expect(
      body(
        headers,
        DELICATE.replace('blanks at the end  ', 'blanks at the end =20')
          .replace('=3D', '=3D3D')
          .replace('-- \n', '--=20\n'),
      ),
    ).toBe(DELICATE);
  });

  it.each([
    ['iso-8859-1', [0xe9], 'é'],
    ['koi8-r', [0xc1], 'а'],
    ['gb18030', [0xd6, 0xd0], '中'],
    ['iso-2022-jp', [0x1b, 0x24, 0x42, 0x46, 0x7c, 0x1b, 0x28, 0x42], '日'],
    ['us-ascii', [0xe9], 'é'],
  ])('decodes %s', (charset, bytes, text) => {
    const head = bytesOf(mailText({ headers: [`Content-Type: text/plain; charset=${charset}`], body: '' }), eol);
    const message = parsed(Buffer.concat([head, Buffer.from(bytes)]));
    expect([message.body, message.oddities]).toEqual([text, []]);
  });

  it('reads an unknown charset as UTF-8 and says so', () => {
    const message = parse({ headers: ['Content-Type: text/plain; charset=x-klingon'], body: 'é\n' });
    expect(message.body).toBe('é\n');
    expect(message.oddities).toEqual(['charset "x-klingon" is not known; read as UTF-8']);
  });

  it('leaves format=flowed as it came and says so', () => {
    const message = parse({
      headers: ['Content-Type: text/plain; format=flowed; delsp=yes'],
      body: 'one \ntwo\n  stuffed\n',
    });
    expect(message.body).toBe('one \ntwo\n  stuffed\n');
    expect(message.oddities).toEqual([expect.stringContaining('format=flowed')]);
  });

  const multipart = (...parts: string[]): MailText => ({
    headers: ['Content-Type: multipart/mixed; boundary="=_b"'],
    body: `preamble\n${parts.map((part) => `--=_b \n${part}\n`).join('')}--=_b--\nepilogue\n`,
  });

  it('takes the part that holds the patch', () => {
    const mail = multipart(
      'Content-Type: text/plain\n\nSee attached.',
      `Content-Type: text/x-patch; name="1.patch"\n\n${patchBody()}`,
      'Content-Type: text/plain\n\nlist footer',
    );
    expect(parse(mail).body).toBe(patchBody());
    const octets = multipart(
      '\nSee attached.',
      `Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=1.patch\n\n${patchBody()}`,
    );
    expect(parse(octets).body).toBe(patchBody());
  });

  it('puts the commit message in front of an attached bare diff', () => {
    const mail = multipart(
      'Content-Type: text/plain\n\nWhy.\n\nSigned-off-by: A <a@b.c>\n---\n foo | 1 +',
      `Content-Type: text/x-patch\nContent-Disposition: inline\n\n${diffOf()}`,
    );
    expect(parse(mail).body).toBe(`Why.\n\nSigned-off-by: A <a@b.c>\n---\n foo | 1 +\n${diffOf()}`);
  });

  it('takes several attached diffs together and says so', () => {
    const mail = multipart(
      '\nBoth.',
      `Content-Type: text/x-diff\n\n${diffOf('a')}`,
      `Content-Type: text/x-diff\n\n${diffOf('b')}`,
    );
    expect(parse(mail).body).toBe(`Both.\n${diffOf('a')}${diffOf('b')}`);
    expect(parse(mail).oddities).toEqual([expect.stringContaining('2 parts with a diff')]);
  });

  it.each([
    ['From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n', 2],
    ['', 2],
    ['', 1],
  ])('takes none of several attached patches with heads of their own (%j, %i heads)', (separator, heads) => {
    const attached = (n: number) =>
      `Content-Type: text/x-patch\n\n${n > 2 - heads ? `${separator}From: A${n} <a${n}@b.c>\nSubject: [PATCH] ${n}\n\n` : ''}${patchBody()}`;
    const mail = multipart('\nBoth.', attached(1), attached(2));
    expect(parse(mail)).toMatchObject({ body: 'Both.', oddities: [SEVERAL_PATCHES] });
    const one = parse(multipart('\nOne.', attached(2)));
    expect(one.body).toContain('Subject: [PATCH] 2\n');
    expect(one.oddities).toEqual([]);
  });

  it('takes the first plain text when there is no diff, and plain text before HTML', () => {
    expect(parse(multipart('\none', '\ntwo')).body).toBe('one');
    expect(parse(multipart('Content-Type: text/html\n\n<p>', '\ntext')).body).toBe('text');
    const nested =
      'Content-Type: multipart/alternative; boundary=in\n\n--in\n\ninner\n--in\nContent-Type: text/html\n\n<p>\n--in--';
    expect(parse(multipart(nested)).body).toBe('inner');
  });

  it('reads a multipart mail that was cut, and says so', () => {
    const message = parse({ headers: ['Content-Type: multipart/mixed; boundary=x'], body: '--x\n\ntext\nmore\n' });
    expect(message.body).toBe('text\nmore\n');
    expect(message.oddities).toEqual([expect.stringContaining('may be cut short')]);
  });

  it.each([
    ['HTML only', ['Content-Type: text/html'], 'it has no plain text part, only HTML'],
    ['an image', ['Content-Type: image/png'], 'it has no text part, only image/png'],
    ['an attached mail', ['Content-Type: message/rfc822'], 'it has no text part, only message/rfc822'],
  ])('refuses %s', (_name, headers, expected) => {
    expect(why(bytesOf(mailText({ headers }), eol))).toBe(expected);
  });

  it('decodes the subject: encoded words, folding, characters cut in two', () => {
    expect(parse({ subject: '=?utf-8?q?=5BPATCH_v2_1/2=5D_f=C3?=\n =?UTF-8?Q?=B6o:?= bar' }).subject).toBe(
      '[PATCH v2 1/2] föo: bar',
    );
    expect(parse({ subject: '=?utf-8?b?W1BBVENIXSBmb28=?=' }).subject).toBe('[PATCH] foo');
    expect(parse({ subject: 'a =?x?y?z?= =?utf-8?q?=?= b' }).subject).toBe('a =?x?y?z?= = b');
    expect(parse({ subject: '[PATCH\n\t2/3] foo' }).subject).toBe('[PATCH 2/3] foo');
    expect(parse({ subject: 'raw föo' }).subject).toBe('raw föo');
  });

  it.each([
    ['=?utf-8?q?B=C3=B6_P?= <bo@example.org>', { name: 'Bö P', address: 'bo@example.org' }],
    ['=?utf-8?q?P=2C_B?= <bo@example.org>', { name: 'P, B', address: 'bo@example.org' }],
    ['bo@example.org', { name: '', address: 'bo@example.org' }],
    ['bo@example.org (Bo P)', { name: 'Bo P', address: 'bo@example.org' }],
  ])('reads From %s', (from, expected) => {
    expect(parse({ from }).from).toEqual(expected);
  });

  it('survives an empty From, and says so', () => {
    const message = parse({ from: '' });
    expect(message.from).toEqual({ name: '', address: '' });
    expect(message.oddities).toEqual(['it has no readable From address']);
  });

  it('unites References, drops duplicates and itself, puts In-Reply-To last', () => {
    const headers = [
      'References: <a@x>\n <b@x> <p1@example.org>',
      'References: <c@x> <a@x>',
      'In-Reply-To: Your mail <b@x>',
    ];
    expect(parse({ headers })).toMatchObject({ references: ['a@x', 'c@x', 'b@x'], inReplyTo: 'b@x' });
    expect(parse({ headers: ['In-Reply-To: <p1@example.org>'] })).not.toHaveProperty('inReplyTo');
  });

  it('counts of a thousand References the first and the nearest 99', () => {
    const references = Array.from({ length: 1000 }, (_, at) => `${at}@x`);
    expect(parse({ references })).toMatchObject({ references: ['0@x', ...references.slice(-99)] });
  });

  it.each([
    ['Mon, 2 Mar 2026 09:00:00 +0100', '2026-03-02T08:00:00.000Z'],
    ['2 Mar 26 09:00 EST', '2026-03-02T14:00:00.000Z'],
    ['Mon, 2 Mar 2026 09:00:00 -9900', '2026-03-02T09:00:00.000Z'],
    ['Mon, 2 Mar 2026 09:00:00', '2026-03-02T09:00:00.000Z'],
    ['Mon, 2 Mar 2026 09:00:00 +0000 (UTC)', '2026-03-02T09:00:00.000Z'],
    ['30 Feb 2026 09:00:00 +0000', undefined],
    ['2026-03-02 09:00', undefined],
    ['yesterday', undefined],
  ])('reads Date "%s"', (date, expected) => {
    const message = parse({ at: null, headers: [`Date: ${date}`] });
    expect([message.date, message.dateHeader, message.oddities.length]).toEqual([
      expected,
      date,
      expected === undefined ? 1 : 0,
    ]);
  });

  it('has no date without Date, and that is not odd', () => {
    expect(parse({ at: null })).toMatchObject({ oddities: [] });
    expect(parse({ at: null })).not.toHaveProperty('date');
  });

  it.each([
    ['nothing', '', 'it is empty'],
    ['prose', 'Dear all,\nhello\n', 'it is not a mail'],
    ['a bare diff', diffOf(), 'it is not a mail'],
    ['binary', '\u0000\u0001\u0002\n\n', 'it is not a mail'],
  ])('refuses %s', (_name, text, expected) => {
    expect(why(bytesOf(text, eol))).toContain(expected);
  });

  it('makes a Message-ID of the bytes where there is none, or none that can be read', () => {
    const text = mailText({ id: '' });
    const made = parsed(bytesOf(text, eol));
    const digest = createHash('sha256').update(bytesOf(text, eol)).digest('hex').slice(0, 32);
    expect(made.messageId).toBe(`${digest}@no-message-id.depbot.invalid`);
    expect(isMadeId(made.messageId)).toBe(true);
    expect(made.oddities).toEqual(['it has no Message-ID; one was made from its content']);
    expect(parsed(bytesOf(text, eol)).messageId).toBe(made.messageId);
    expect(parsed(bytesOf(`${text}\n`, eol)).messageId).not.toBe(made.messageId);
    const unreadable = parsed(bytesOf(text.replace('\n\n', '\nMessage-ID: <>\n\n'), eol));
    expect(isMadeId(unreadable.messageId)).toBe(true);
    expect(unreadable.oddities).toEqual(['its Message-ID is not readable; one was made from its content']);
  });

  it('makes none where there is one', () => {
    const own = parsed(bytesOf(mailText(), eol));
    expect([own.messageId, isMadeId(own.messageId), own.oddities]).toEqual(['p1@example.org', false, []]);
  });

  it('names the subject of a mail that it refuses', () => {
    const html = mailText({ subject: '=?utf-8?q?f=C3=B6=C3=B6?=', headers: ['Content-Type: text/html'] });
    expect(parseMessage(bytesOf(html, eol))).toEqual({
      ok: false,
      why: 'it has no plain text part, only HTML',
      subject: 'föö',
    });
    expect(parseMessage(bytesOf('Dear all,\n', eol))).not.toHaveProperty('subject');
  });

  it('skips an mbox separator and takes a Message-ID without brackets', () => {
    const text = mailText().replace('<p1@example.org>', 'p1@example.org');
    expect(parsed(bytesOf(`From ada@example.org Mon Mar  2 09:00:00 2026\n${text}`, eol)).messageId).toBe(
      'p1@example.org',
    );
  });
});

describe('parseMessage', () => {
  it('keeps CRs that are content of a patched file, in LF and in CR LF mails', () => {
    const text = mailText({ body: patchBody().replace('\tselect BAR', '\tselect BAR\r') });
    expect(parsed(bytesOf(text)).body).toContain('+\tselect BAR\r\n');
    expect(parsed(bytesOf(text, '\r\n')).body).toContain('+\tselect BAR\r\n');
    expect(parsed(bytesOf(mailText(), '\r\n')).body).not.toContain('\r');
  });

  it('refuses a mail of 50 MB without parsing it, and takes one at the limit', () => {
    const head = mailText({ body: '' });
    const sized = (bytes: number) =>
      Buffer.concat([Buffer.from(head), Buffer.alloc(bytes - head.length, 'x'.repeat(70).concat('\n'))]);
    const huge = sized(50_000_000);
    expect(cpuMs(() => parseMessage(huge))).toBeLessThan(50);
    expect(why(huge)).toMatch(/50000000 bytes.*limit.*33554432 bytes/);
    expect(why(sized(MAX_MAIL_BYTES))).toBe('ok');
    expect(why(sized(MAX_MAIL_BYTES + 1))).toContain('limit');
  });

  it.each([
    ['empty lines', '\n'.repeat(4_000_000)],
    ['one long header line', `X-A: ${'y'.repeat(8_000_000)}`],
    ['many header lines', 'a: b\n'.repeat(2_000_000)],
    [
      'nested parts',
      `Content-Type: multipart/mixed; boundary=a\n\n${'--a\nContent-Type: multipart/mixed; boundary=a\n\n'.repeat(50_000)}`,
    ],
    ['boundaries in one line', `Content-Type: multipart/mixed; boundary=a\n\n${'--a'.repeat(2_000_000)}`],
    ['encoded words', `Subject: ${'=?a?q?'.repeat(100_000)}\n\n`],
  ])('takes or refuses a hostile mail quickly: %s', (_name, text) => {
    const work = () => {
      parseMessage(Buffer.from(`Message-ID: <a@b>\n${text}`));
    };
    expect(cpuMs(work)).toBeLessThan(5000);
  });

  it('refuses a mail with thousands of header fields, not one with hundreds', () => {
    const fields = (count: number) => bytesOf(`Message-ID: <a@b>\n${'Received: x\n'.repeat(count)}\ntext\n`);
    expect(why(fields(900))).toBe('ok');
    expect(why(fields(9000))).toBe('it has more than 5000 header fields');
  });

  it('agrees with mailparser on text of any encoding', async () => {
    const piece = fc.constantFrom('a', 'é', '€', '=', '=3D', ' ', '\t', '\n', '.', 'From x', '--x');
    const cases = fc.record({
      text: fc.array(piece, { maxLength: 40 }).map((all) => `${all.join('')}\n`),
      encoding: fc.constantFrom('8bit', 'base64'),
      isMultipart: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ text, encoding, isMultipart }) => {
        const encoded = encoding === '8bit' ? text : Buffer.from(text).toString('base64');
        const head = `Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: ${encoding}`;
        const mail = isMultipart
          ? { headers: ['Content-Type: multipart/mixed; boundary=q9'], body: `--q9\n${head}\n\n${encoded}\n--q9--\n` }
          : { headers: head.split('\n'), body: encoded };
        const raw = bytesOf(mailText(mail));
        const theirs = (await simpleParser(Buffer.from(raw))).text ?? '';
        // mailparser may put a line end below a part's text; the text itself must be the same.
        expect(parsed(raw).body.trimEnd()).toBe(theirs.trimEnd());
        expect(parsed(raw).body).toBe(text);
      }),
      { numRuns: 100, seed: 6 },
    );
  });
});

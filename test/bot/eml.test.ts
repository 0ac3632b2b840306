import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  bodyDigest,
  type Envelope,
  isCopyOf,
  isMailable,
  MailError,
  messageIdFor,
  toDraft,
  toEml,
  toText,
  withoutRecipients,
} from '../../bot/eml.ts';
import { renderReplies } from '../../bot/reply.ts';
import type { Reply } from '../../rules/types.ts';
import { sampleFooter, sampleReport, sampleSeries, undefinedInC, undefinedSelect } from '../support/sample-report.ts';

const report = sampleReport([undefinedSelect, undefinedInC]);
const [rendered] = renderReplies({ series: sampleSeries, report, footer: sampleFooter });
const reply = rendered as Reply;
const envelope: Envelope = {
  from: { name: 'depbot', address: 'depbot@example.org' },
  to: [{ name: 'Jane Doe', address: 'jane@example.org' }],
  cc: [
    { name: 'Jürgen "J" Groß, Kernel', address: 'jg@example.net' },
    { name: '', address: 'linux-hwmon@vger.kernel.org' },
  ],
  messageId: 'aaaa@depbot.example.org',
  date: new Date('2026-07-06T10:00:00Z'),
};
const emlOf = (part: Partial<Reply>, env: Partial<Envelope> = {}): string =>
  Buffer.from(toEml({ ...reply, ...part }, { ...envelope, ...env })).toString('utf8');
/** Header lines, unfolded. */
const headersOf = (eml: string): string[] => (eml.split('\r\n\r\n')[0] ?? '').replace(/\r\n[ \t]/g, ' ').split('\r\n');
const namesOf = (eml: string): string[] => headersOf(eml).map((line) => line.split(':')[0] ?? '');
const headerOf = (eml: string, name: string): string =>
  headersOf(eml)
    .find((line) => line.startsWith(`${name}: `))
    ?.slice(name.length + 2) ?? '';

const EXPECTED = [
  'From',
  'To',
  'Cc',
  'Subject',
  'Date',
  'Message-ID',
  'In-Reply-To',
  'References',
  'Auto-Submitted',
  'Content-Transfer-Encoding',
  'MIME-Version',
  'Content-Type',
];

describe('the bytes', () => {
  const eml = emlOf({});

  test('headers, each once and no others', () => {
    expect(namesOf(eml)).toEqual(EXPECTED);
    expect(headerOf(eml, 'Date')).toBe('Mon, 06 Jul 2026 10:00:00 +0000');
    expect(headerOf(eml, 'Message-ID')).toBe('<aaaa@depbot.example.org>');
    expect(headerOf(eml, 'In-Reply-To')).toBe(`<${reply.answers}>`);
    expect(headerOf(eml, 'References')).toBe(reply.references.map((id) => `<${id}>`).join(' '));
    expect(headerOf(eml, 'Auto-Submitted')).toBe('auto-replied');
  });

  test('plain text in UTF-8, never flowed', () => {
    expect(headerOf(eml, 'Content-Type')).toBe('text/plain; charset=UTF-8');
  });

  test('CRLF throughout, the body otherwise untouched', () => {
    expect(eml).not.toMatch(/[^\r]\n|\r[^\n]/);
    expect(eml.slice(eml.indexOf('\r\n\r\n') + 4)).toBe(reply.body.replaceAll('\n', '\r\n'));
  });

  test('7bit for an ASCII body, 8bit for another', () => {
    expect(headerOf(eml, 'Content-Transfer-Encoding')).toBe('7bit');
    const other = emlOf({ body: '> +\tprompt "größer"  \n\nÄ.\n' });
    expect(headerOf(other, 'Content-Transfer-Encoding')).toBe('8bit');
    expect(other.endsWith('\r\n\r\n> +\tprompt "größer"  \r\n\r\nÄ.\r\n')).toBe(true);
  });

  test('the text form is the same mail with LF', () => {
    expect(toText(reply, envelope)).toBe(eml.replaceAll('\r\n', '\n'));
  });

  test('without recipients there are no empty headers', () => {
    expect(namesOf(emlOf({}, { to: [], cc: [] }))).toEqual(EXPECTED.filter((name) => name !== 'To' && name !== 'Cc'));
  });

  test('headers are folded below 998 octets and are ASCII', () => {
    const references = Array.from({ length: 100 }, (_, i) => `${'r'.repeat(60)}${i}@example.org`);
    const cc = Array.from({ length: 60 }, (_, i) => ({ name: `Ünal ${i}`, address: `u${i}@example.org` }));
    const head = emlOf({ references, subject: `Re: [PATCH] ${'übel '.repeat(80)}` }, { cc }).split('\r\n\r\n')[0] ?? '';
    expect(head).toMatch(/^[\t\r\n -~]*$/);
    expect(head.split('\r\n').filter((line) => line.length > 200)).toEqual([]);
  });
});

describe('the file for a person to send', () => {
  const draftFrom = (address: string): string =>
    Buffer.from(toDraft(reply, { ...envelope, from: { name: 'depbot', address } })).toString('utf8');

  test('is the printed mail byte for byte, without any CR', () => {
    expect(draftFrom(envelope.from.address)).toBe(toText(reply, envelope));
    expect(draftFrom(envelope.from.address)).not.toContain('\r');
  });

  test.each(['localhost.localdomain', 'localhost', 'bot.LOCALHOST', 'vm'])('has no sender at %s', (domain) => {
    const all = toText(reply, { ...envelope, from: { name: 'depbot', address: `depbot@${domain}` } });
    expect(all).toMatch(/^From: depbot <depbot@.*>\n/);
    expect(draftFrom(`depbot@${domain}`)).toBe(all.slice(all.indexOf('\n') + 1));
  });

  test.each(['localhost.example.org', 'notlocalhost.org', 'localdomain.example'])('has a sender at %s', (domain) => {
    expect(draftFrom(`depbot@${domain}`)).toMatch(/^From: depbot <depbot@.*>\nTo: /);
  });

  test('is not made with a sender that is no address', () => {
    expect(() => draftFrom('depbot')).toThrow(MailError);
  });
});

describe('other programs read it back', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'depbot-eml-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test('a mail parser finds every header and the body', async () => {
    const subject = 'Re: [PATCH v2 1/4] hwmon: Ünïted =?utf-8?q?=0D=0ABcc:_x=40y?= sensors';
    const mail = await simpleParser(Buffer.from(emlOf({ subject })));
    expect(mail.subject).toBe(subject);
    expect(mail.text).toBe(reply.body);
    expect(mail.inReplyTo).toBe(`<${reply.answers}>`);
    expect(mail.cc).toMatchObject({ value: envelope.cc });
    expect(mail.attachments).toEqual([]);
    expect(mail.headers.has('bcc')).toBe(false);
  });

  test.each(['toText', 'toEml'] as const)('git mailinfo finds no patch in it and gives the body back (%s)', (form) => {
    const body = `${reply.body}Ä\n`;
    const mail = form === 'toText' ? toText({ ...reply, body }, envelope) : toEml({ ...reply, body }, envelope);
    const [message, patch] = [join(dir, 'message'), join(dir, 'patch')];
    const env = { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };
    writeFileSync(join(dir, 'mail'), mail);
    execFileSync('git', ['mailsplit', '-b', `-o${dir}`, '--', join(dir, 'mail')], { env });
    const info = execFileSync('git', ['mailinfo', '-k', '--encoding=UTF-8', message, patch], {
      env,
      cwd: dir,
      input: readFileSync(join(dir, '0001')),
    });
    expect(readFileSync(patch, 'utf8')).toBe('');
    expect(readFileSync(message, 'utf8')).toBe(body);
    expect(info.toString()).toContain('Email: depbot@example.org\n');
    expect(info.toString()).toContain('Subject: Re: [PATCH v2 1/4] hwmon: Add driver for the Foo 2 sensor\n');
  });
});

describe('nothing can be injected', () => {
  const evil = [
    'a\r\nBcc: eve@evil.example',
    'a\nBcc: eve@evil.example',
    'a\rBcc: eve@evil.example',
    'a\r\n\r\nbody',
    'a\u2028Bcc: x',
    '\0',
  ];

  test.each(evil)('%j in a subject', (text) => {
    expect(namesOf(emlOf({ subject: `Re: ${text}` }))).toEqual(EXPECTED);
  });

  test.each(evil)('%j in names', (text) => {
    const eml = emlOf({}, { from: { ...envelope.from, name: text }, to: [{ name: text, address: 'a@example.org' }] });
    expect(namesOf(eml)).toEqual(EXPECTED);
  });

  test.each([
    ...evil,
    'a"@example.org',
    'a@b@c.example',
    'a,b@example.org',
    'a@',
    '@b',
    'a b@example.org',
    'ü@example.org',
    'a@-x',
    'a@x..y',
    '<a@b>',
  ])('%j is no address to write to', (address) => {
    expect(isMailable({ name: '', address })).toBe(false);
    const eml = emlOf(
      {},
      {
        to: [
          { name: 'n', address },
          { name: '', address: 'good@example.org' },
        ],
      },
    );
    expect(headerOf(eml, 'To')).toBe('good@example.org');
  });

  test.each(['a.b+c@example.org', "o'neil@x-y.example", 'root@localhost'])(
    '%j is an address to write to',
    (address) => {
      expect(isMailable({ name: '', address })).toBe(true);
    },
  );

  test.each([...evil, '<x@y>', 'ü@x', ''])('%j as Message-ID of the thread is left out', (id) => {
    const eml = emlOf({ answers: id, references: [id, 'good@example.org'] });
    expect(namesOf(eml)).toEqual(EXPECTED.filter((name) => name !== 'In-Reply-To'));
    expect(headerOf(eml, 'References')).toBe('<good@example.org>');
  });

  test('a subject that looks encoded is not decoded', async () => {
    const subject = 'Re: [PATCH] =?utf-8?q?=0D=0ABcc:_eve=40evil.example?= x';
    expect((await simpleParser(emlOf({ subject }))).subject).toBe(subject);
  });

  test('a name that looks like an address list stays one name', async () => {
    const name = 'x <eve@evil.example>, "y';
    const mail = await simpleParser(emlOf({}, { to: [{ name, address: 'a@example.org' }] }));
    expect(mail.to).toMatchObject({ value: [{ name, address: 'a@example.org' }] });
  });

  test('a name that looks encoded is not decoded', async () => {
    const mail = await simpleParser(emlOf({}, { to: [{ name: '=?utf-8?q?Linus?=', address: 'a@example.org' }] }));
    expect(mail.to).toMatchObject({ value: [{ name: '= ?utf-8?q?Linus?=' }] });
  });
});

describe('what we or the operator got wrong is thrown', () => {
  test.each<[string, Partial<Reply>, Partial<Envelope>, MailError['part']]>([
    ['a sender without a domain', {}, { from: { name: '', address: 'root' } }, 'from'],
    ['a Message-ID of two lines', {}, { messageId: 'a@b\r\nBcc: c@d' }, 'message-id'],
    ['no date', {}, { date: new Date('never') }, 'date'],
    ['a lone carriage return', { body: 'a\rb\n' }, {}, 'body'],
    ['CRLF', { body: 'a\r\nb\r\n' }, {}, 'body'],
    ['a line of 999 octets', { body: `${'ü'.repeat(499)}x\n` }, {}, 'body'],
  ])('%s', (_, part, env, wrong) => {
    expect(() => emlOf(part, env)).toThrow(expect.objectContaining({ name: 'MailError', part: wrong }));
  });

  test('a line of 998 octets is not wrong', () => {
    expect(emlOf({ body: `${'ü'.repeat(499)}\n` })).toContain('ü'.repeat(499));
  });
});

describe('Message-ID', () => {
  const digest = bodyDigest(reply.body);
  const id = messageIdFor('p@x', digest, 'depbot.example.org');

  test('is the same for the same patch and text, and another otherwise', () => {
    expect(messageIdFor('p@x', bodyDigest(reply.body), 'depbot.example.org')).toBe(id);
    expect(id).toMatch(/^[0-9a-f]{32}@depbot\.example\.org$/);
    expect(messageIdFor('q@x', digest, 'depbot.example.org')).not.toBe(id);
    expect(messageIdFor('p@x', bodyDigest(`${reply.body} `), 'depbot.example.org')).not.toBe(id);
  });

  test('hostile Message-IDs of patches do not get into it', () => {
    expect(messageIdFor('p@x\r\nBcc: y', digest, 'x.example')).toMatch(/^[0-9a-f]{32}@x\.example$/);
  });

  test.each(['', 'a b', 'x>', 'x\r\n', '.x'])('%j is no domain', (domain) => {
    expect(() => messageIdFor('p@x', digest, domain)).toThrow(MailError);
  });
});

describe('a mail without some of its recipients', () => {
  const eml = toEml(reply, envelope);
  const text = Buffer.from(eml).toString();
  const without = (...addresses: string[]) => {
    const made = withoutRecipients(eml, new Set(addresses));
    return { to: made.to, text: Buffer.from(made.eml).toString() };
  };

  test('names the others as before, and is the same otherwise', () => {
    const { to, text: made } = without('jg@example.net');
    expect(to).toEqual(['jane@example.org']);
    expect(headerOf(made, 'Cc')).toBe('linux-hwmon@vger.kernel.org');
    expect(made.replace(/^Cc:.*\r\n/m, '')).toBe(text.replace(/^Cc:.*\r\n(?:[ \t].*\r\n)*/m, ''));
    expect(headerOf(without('linux-hwmon@vger.kernel.org').text, 'Cc')).toBe(
      headerOf(text, 'Cc').replace(/, linux-hwmon@vger.kernel.org$/, ''),
    );
  });

  test('has no empty Cc, and no To where nobody is left', () => {
    expect(namesOf(without('jg@example.net', 'linux-hwmon@vger.kernel.org').text)).not.toContain('Cc');
    const { to, text: made } = without('jane@example.org');
    expect(to).toEqual([]);
    expect(namesOf(made)).not.toContain('To');
  });

  test('is the same to the byte when none of them is among its recipients', () => {
    expect(without('bo@example.org', 'example.org', 'Jane Doe').text).toBe(text);
    expect(without().to).toEqual(['jane@example.org']);
  });

  test('takes a name with a comma or an address in it for a name', () => {
    const tricky = { name: 'Doe, "eve@example.org" <x@example.org>, J.', address: 'Jane@Example.org' };
    const made = withoutRecipients(
      toEml(reply, { ...envelope, to: [tricky] }),
      new Set(['x@example.org', 'eve@example.org']),
    );
    expect(made.to).toEqual(['jane@example.org']);
  });

  test('is still a copy of it', () => {
    expect(isCopyOf(eml, Buffer.from(without('jg@example.net').text))).toBe(true);
    expect(isCopyOf(eml, toEml({ ...reply, body: 'another\n' }, envelope))).toBe(false);
  });
});

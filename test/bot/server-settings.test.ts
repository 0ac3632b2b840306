import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ServeSettings } from '../../bot/serve-settings.ts';
import { LEAST, type Parts, problems, settings } from '../support/least-settings.ts';

const PEM = `${rootCertificates[0]}\n${rootCertificates[1]}\n`;

let dir = '';
const path = (name: string): string => join(dir, name);
function file(name: string, text: string, mode = 0o600): string {
  writeFileSync(path(name), text);
  chmodSync(path(name), mode);
  return path(name);
}
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-settings-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('servers', () => {
  test.each([
    ['imap', 'implicit', 993],
    ['imap', 'starttls', 143],
    ['imap', 'none', 143],
    ['smtp', 'implicit', 465],
    ['smtp', 'starttls', 587],
    ['smtp', 'none', 25],
  ] as const)('%s with tls %s has port %i, unless one is set', (kind, tls, port) => {
    const part = `${LEAST[kind].replace(/host = .*/, 'host = "localhost"')}\ntls = "${tls}"`;
    const serverOf = (found: ServeSettings) => (kind === 'imap' ? found.mailboxes[0]!.account : found.smtp);
    expect(serverOf(settings({ [kind]: part }))).toMatchObject({ port, tls });
    expect(serverOf(settings({ [kind]: `${part}\nport = 4711` })).port).toBe(4711);
  });

  test.each([
    ['localhost', true],
    ['LOCALHOST', true],
    ['127.0.0.1', true],
    ['127.3.2.1', true],
    ['::1', true],
    ['127.example.org', false],
    ['localhost.example.org', false],
    ['10.0.0.1', false],
    ['::2', false],
  ])('tls "none" to %s: %s', (host, isFine) => {
    const found = problems(() => settings({ smtp: `[smtp]\nhost = "${host}"\ntls = "none"` }));
    expect(found).toHaveLength(isFine ? 0 : 1);
    if (!isFine) expect(found[0]).toMatch(/^smtp\.tls = "none" .*tls = "implicit"/);
  });
});

describe('passwords', () => {
  const smtp = (passwordFile: string): Parts => ({
    smtp: `${LEAST.smtp}\nuser = "u"\npassword_file = ${JSON.stringify(passwordFile)}`,
  });

  test.each([
    ['LF', 'se cret \nmore\n'],
    ['CR LF', 'se cret \r\nmore\r\n'],
    ['no line end', 'se cret '],
  ])('are the first line of the file (%s)', (_, text) => {
    expect(settings(smtp(file('p', text)), { DEPBOT_SMTP_PASSWORD: 'other' }).smtp.password).toBe('se cret ');
  });

  test('are in the environment where there is no file', () => {
    const parts = { smtp: `${LEAST.smtp}\nuser = "u"`, imap: `${LEAST.imap}\nuser = "v"` };
    const found = settings(parts, { DEPBOT_SMTP_PASSWORD: 'a', DEPBOT_IMAP_KERNEL_PASSWORD: 'b' });
    expect([found.smtp.password, found.mailboxes[0]?.account.password]).toEqual(['a', 'b']);
    expect(problems(() => settings(parts, { DEPBOT_SMTP_PASSWORD: '' }))).toHaveLength(2);
  });

  test.each([
    ['by the group', 0o640],
    ['by all', 0o604],
    ['for writing', 0o620],
  ])('in a file open to others (%s) are refused, with the command to run', (_, mode) => {
    const found = problems(() => settings(smtp(file('p', 'hidden\n', mode))));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`chmod 600 ${path('p')}`);
    expect(found[0]).not.toContain('hidden');
  });

  test.each([
    ['is not there', () => path('none'), /^smtp\.password_file: cannot be read .*none/],
    ['is a folder', () => dir, /is not a file/],
    ['is a device', () => '/dev/zero', /is not a file/],
    ['is empty', () => file('p', '\nsecret\n'), /nothing in its first line/],
    ['is binary', () => file('p', 'a\0b\n'), /NUL/],
    ['is huge', () => file('p', 'a'.repeat(2 ** 20 + 1)), /larger than 1048576 bytes/],
  ])('in a file that %s are refused', (_, make, message) => {
    const found = problems(() => settings(smtp(make())));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  test('come from a command where one is named, and from one place only', () => {
    const imap = `${LEAST.imap}\nuser = "v"\ntoken_command = ["t", "a b"]`;
    const found = settings({ smtp: `${LEAST.smtp}\nuser = "u"\npassword_command = ["p"]`, imap });
    expect(found.smtp).toMatchObject({ user: 'u', passwordCommand: { key: 'smtp.password_command', argv: ['p'] } });
    expect(found.mailboxes[0]?.account.tokenCommand).toEqual({ key: 'imap.kernel.token_command', argv: ['t', 'a b'] });
    const both = problems(() => settings({ imap }, { DEPBOT_IMAP_KERNEL_PASSWORD: 'hidden' }));
    expect(both).toEqual([expect.stringMatching(/^imap\.kernel has more than one of password_file/)]);
    expect(problems(() => settings({ imap: imap.replace('user = "v"', '') }))).toEqual([
      expect.stringMatching(/^imap\.kernel\.user is not set/),
    ]);
  });

  test('need a user', () => {
    const found = problems(() => settings({}, { DEPBOT_SMTP_PASSWORD: 'hidden' }));
    expect(found).toEqual([expect.stringMatching(/^smtp\.user is not set/)]);
    expect(found[0]).not.toContain('hidden');
  });
});

describe('certificates', () => {
  const smtp = (caFile: string): Parts => ({ smtp: `${LEAST.smtp}\nca_file = ${JSON.stringify(caFile)}` });

  test('are those of the file, all of them, and nothing else in it', () => {
    const found = settings(smtp(file('ca.pem', `words\n${PEM}words\n`, 0o644)));
    expect(found.smtp.ca?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(found.smtp.ca).not.toContain('words');
  });

  test.each([
    ['is not there', () => path('none'), /^smtp\.ca_file: cannot be read/],
    ['has none', () => file('ca.pem', 'hello\n'), /no certificate in PEM form/],
    [
      'has a damaged one',
      () => file('ca.pem', PEM.replace(/[A-Za-z0-9]{60}/g, 'A'.repeat(60))),
      /certificate 1 cannot be read/,
    ],
  ])('of a file that %s are refused', (_, make, message) => {
    const found = problems(() => settings(smtp(make())));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });
});

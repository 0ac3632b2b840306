import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, parseConfig } from '../../bot/config.ts';
import { serveSettings, workerSettings } from '../../bot/serve-settings.ts';
import { LEAST, type Parts, problems, settings } from '../support/least-settings.ts';
import { entryOf } from '../support/policy.ts';

const EXAMPLE = readFileSync(join(import.meta.dirname, '../../depbot.example.toml'), 'utf8');
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

describe('depbot.example.toml', () => {
  test('serves to nothing but a list of what has to be filled in', () => {
    const found = problems(() => serveSettings(parseConfig(EXAMPLE, 'x'), {}, 'depbot.toml'));
    const starts = [
      'bot.operator',
      'bot.address',
      'there is no kernel tree',
      'there is no mailbox',
      'nobody has asked',
    ];
    expect(found).toHaveLength(6);
    for (const [at, start] of [...starts, 'smtp.host'].entries()) expect(found[at]).toMatch(new RegExp(`^${start}\\b`));
  });

  test('serves with everything switched on, once its files are there and the bot has a name', () => {
    // A password comes from one place.
    const filled = EXAMPLE.replace(/^#(?:password|token)_command = .*/gm, '')
      .replace(/^#(?=[a-z_]+ = |\[)/gm, '')
      .replaceAll('/etc/depbot/', `${dir}/`)
      .replace(/^operator = .*/m, 'operator = "Ann Example"')
      .replace(/^address = "depbot@localhost.*/m, 'address = "depbot@example.org"');
    for (const name of ['imap-password', 'smtp-password', 'prose-key']) file(name, `secret of ${name}\nnot this\n`);
    file('ca.pem', PEM, 0o644);
    const found = serveSettings(parseConfig(filled, 'x'), {}, 'depbot.toml');
    expect(found.mailboxes[0]?.account).toMatchObject({ password: 'secret of imap-password', user: 'depbot' });
    expect(found.drafts?.folder).toBe('Drafts');
    expect(found.smtp.password).toBe('secret of smtp-password');
    expect(found.prose).toMatchObject({ apiKey: 'secret of prose-key', timeoutMs: 30_000 });
    expect(found.dnsServers).toHaveLength(2);
  });
});

describe('serveSettings', () => {
  test('gives what is in force, with units and ports', () => {
    expect(settings()).toEqual({
      path: 'depbot.toml',
      bot: { operator: 'Ann', address: 'bot@example.org', auto_submitted: true },
      treeDir: '/srv/linux',
      mailboxes: [
        { account: { name: 'kernel', host: 'imap.example.org', port: 993, tls: 'implicit' }, folder: 'INBOX' },
      ],
      drafts: { account: { name: 'kernel', host: 'imap.example.org', port: 993, tls: 'implicit' } },
      smtp: { host: 'smtp.example.org', port: 465, tls: 'implicit' },
      maintainers: [entryOf({ lists: ['l@example.org'], paths: ['fs/'], from: 'x:14' })],
      sendUnbuilt: false,
      pollMs: 60_000,
      firstDays: 2,
      windowDays: 21,
      keepDays: 180,
      lookMs: 600_000,
      arcHosts: [],
      maxCommandAgeMs: 48 * 3_600_000,
    });
  });

  test('takes the tree of DEPBOT_TREE first, as check does, unless it is empty', () => {
    expect(settings({}, { DEPBOT_TREE: '/t' }).treeDir).toBe('/t');
    expect(settings({}, { DEPBOT_TREE: '' }).treeDir).toBe('/srv/linux');
    expect(problems(() => settings({ tree: '' }, { DEPBOT_TREE: '' }))).toHaveLength(1);
  });

  test.each<[string, Parts, RegExp]>([
    ['no operator', { bot: '[bot]\naddress = "bot@example.org"' }, /^bot\.operator .*operator = "/],
    ['no address', { bot: '[bot]\noperator = "Ann"' }, /^bot\.address .*address = "/],
    ['no mailbox', { mailbox: '' }, /^there is no mailbox.*\[\[mailbox\]\].*account = "kernel"/],
    [
      'a mailbox without its account',
      { mailbox: '[[mailbox]]\naccount = "kernle"' },
      /^mailbox\[0\]\.account = "kernle".*there are: kernel/,
    ],
    [
      'a mailbox at what all objects have',
      { mailbox: '[[mailbox]]\naccount = "constructor"' },
      /"constructor" is no account/,
    ],
    [
      'a mailbox twice',
      { mailbox: `${LEAST.mailbox}\n${LEAST.mailbox}\nfolder = "inbox"` },
      /^mailbox\[1\]: kernel\/inbox is there twice/,
    ],
    ['no maintainer', { maintainer: '' }, /^nobody has asked.*\[\[maintainer\]\]/],
    [
      'mode draft without an account',
      { drafts: '' },
      /^drafts\.account .*max@example\.org has mode "draft".*account = "kernel"/,
    ],
    [
      'a drafts folder without an account',
      { drafts: '[drafts]\nfolder = "D"', maintainer: `${LEAST.maintainer}\nmode = "list"` },
      /^drafts\.account .*drafts\.folder/,
    ],
    ['drafts in no account', { drafts: '[drafts]\naccount = "x"' }, /^drafts\.account = "x" is no account/],
    ['no SMTP server', { smtp: '' }, /^smtp\.host .*host = "/],
    [
      'a user without a password',
      { smtp: `${LEAST.smtp}\nuser = "u"` },
      /^smtp\.user has no password.*DEPBOT_SMTP_PASSWORD/,
    ],
    [
      'an IMAP user without a password',
      { imap: `[imap.a-b]\nhost = "h"\nuser = "u"\n${LEAST.imap}` },
      /^imap\.a-b\.user .*DEPBOT_IMAP_A_B_PASSWORD/,
    ],
    [
      'fewer days kept than read',
      { more: '[serve]\nfirst_days = 9\nwindow_days = 8' },
      /^serve\.window_days = 8 .*window_days = 9/,
    ],
    [
      'fewer days kept of what is done',
      { more: '[serve]\nwindow_days = 90\nkeep_days = 89' },
      /^serve\.keep_days = 89 .*keep_days = 90/,
    ],
    ['a model without a server', { more: '[prose]\nmodel = "m"' }, /^prose\.base_url .*base_url = "/],
    ['a server without a model', { more: '[prose]\nbase_url = "https://h/v1"' }, /^prose\.model .*model = "/],
  ])('refuses %s', (_, parts, message) => {
    const found = problems(() => settings(parts));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  test('needs no drafts where no maintainer has mode draft', () => {
    const found = settings({ drafts: '', maintainer: `${LEAST.maintainer}\nmode = "private"` });
    expect(found.drafts).toBeUndefined();
  });
});

describe('the Redis server', () => {
  test.each(['redis://h', 'redis://:secret@h:6379/2', 'rediss://h:6380', 'redis://[::1]:6379', '/run/redis.sock'])(
    'is %s',
    (url) => {
      const address = url.startsWith('/') ? { path: url } : { url };
      expect(settings({ more: `[queue]\nredis_url = "${url}"` }, { REDIS_URL: 'redis://other' }).redis).toEqual(
        address,
      );
      expect(settings({}, { REDIS_URL: url }).redis).toEqual(address);
    },
  );

  test.each([
    'h:6379',
    'http://h',
    'redis://',
    'redis:///x',
    'redis://h:secret',
    './redis.sock',
    `/${'x'.repeat(107)}`,
  ])('is not %s, and the message does not repeat it', (url) => {
    for (const found of [
      problems(() => settings({ more: `[queue]\nredis_url = "${url}"` })),
      problems(() => settings({}, { REDIS_URL: url })),
    ]) {
      expect(found).toEqual([expect.stringMatching(/^(queue\.redis_url|REDIS_URL) is (not|a path)/)]);
      expect(found[0]).not.toContain('secret');
    }
  });

  test('is left out where none is given', () => {
    expect(settings({}, { REDIS_URL: '' })).not.toHaveProperty('redis');
  });
});

describe('DNS servers', () => {
  test.each([
    ['192.0.2.1', true],
    ['192.0.2.1:5353', true],
    ['2001:db8::1', true],
    ['[2001:db8::1]:53', true],
    ['[2001:db8::1]', true],
    ['dns.example.org', false],
    ['192.0.2', false],
    ['192.0.2.1:', false],
    ['192.0.2.1:0', false],
    ['192.0.2.1:65536', false],
    ['[192.0.2.1]:53', false],
    ['2001:db8::g', false],
    ['', false],
  ])('%j: %s', (server, isFine) => {
    const more = `[commands]\ndns_servers = ["192.0.2.9", ${JSON.stringify(server)}]`;
    if (isFine) expect(settings({ more }).dnsServers).toEqual(['192.0.2.9', server]);
    else expect(() => settings({ more })).toThrow(ConfigError);
  });

  test('are named where they are none', () => {
    const found = problems(() => settings({ more: '[commands]\ndns_servers = ["a", "192.0.2.1", "b"]' }));
    expect(found).toEqual([expect.stringMatching(/^commands\.dns_servers: "a"/), expect.stringMatching(/"b" is not/)]);
  });
});

describe('[page]', () => {
  const page = (listen: string, more = ''): Parts => ({ more: `[page]\nlisten = "${listen}"\n${more}` });

  test('is off by default', () => {
    expect(settings()).not.toHaveProperty('page');
  });

  test.each([
    ['127.0.0.1:8025', '127.0.0.1'],
    ['[::1]:8025', '::1'],
    ['localhost:8025', 'localhost'],
  ])('listens at %s', (listen, host) => {
    expect(settings(page(listen)).page).toEqual({ host, port: 8025, beyondLoopback: false });
  });

  test.each(['0.0.0.0:8025', '[::]:8025', '192.0.2.1:8025', 'depbot.example.org:8025'])(
    'listens at %s only where that is wanted',
    (listen) => {
      expect(problems(() => settings(page(listen)))).toEqual([
        expect.stringMatching(/^page\.listen = ".*" would show all reports.*listen = "127\.0\.0\.1:8025"/),
      ]);
      expect(settings(page(listen, 'beyond_loopback = true')).page?.beyondLoopback).toBe(true);
    },
  );

  test.each(['8025', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', '::1:8025', '[127.0.0.1]:1', 'a b:1', ':1'])(
    'does not listen at %s',
    (listen) => {
      expect(problems(() => settings(page(listen, 'beyond_loopback = true')))).toEqual([
        expect.stringMatching(/^page\.listen: ".*" is not an address with a port/),
      ]);
    },
  );
});

describe('[prose]', () => {
  const prose = (url: string): Parts => ({ more: `[prose]\nbase_url = "${url}"\nmodel = "m"` });
  const env = { DEPBOT_PROSE_API_KEY: 'hidden' };

  test('is off by default, whatever the environment has', () => {
    expect(settings({}, env)).not.toHaveProperty('prose');
    expect(settings(prose('http://10.0.0.1/v1')).prose).toEqual({
      baseUrl: 'http://10.0.0.1/v1',
      model: 'm',
      timeoutMs: 30_000,
    });
  });

  test.each([
    ['https://h.example.org/v1', true],
    ['http://127.0.0.1:8080/v1', true],
    ['http://[::1]:8080/v1', true],
    ['http://h.example.org/v1', false],
    ['HTTP://h.example.org/v1', false],
  ])('sends a key to %s: %s', (url, isFine) => {
    const found = problems(() => settings(prose(url), env));
    expect(found).toHaveLength(isFine ? 0 : 1);
    if (!isFine) expect(found[0]).toMatch(/^prose\.base_url would send the key to h\.example\.org in the clear/);
    if (isFine) expect(settings(prose(url), env).prose?.apiKey).toBe('hidden');
  });

  test('needs server and model where there is a key file', () => {
    const more = `[prose]\napi_key_file = ${JSON.stringify(file('key', 'k'))}`;
    expect(problems(() => settings({ more }))).toHaveLength(2);
  });
});

test('everything that is wrong is told at once, a line each', () => {
  mkdirSync(path('folder'));
  const found = problems(() =>
    settings(
      {
        bot: '',
        tree: '',
        mailbox: '[[mailbox]]\naccount = "a"\n[[mailbox]]\naccount = "b"',
        drafts: '',
        smtp: `[smtp]\nuser = "u"\npassword_file = ${JSON.stringify(path('folder'))}\nca_file = "/none"`,
        more: '[prose]\nmodel = "m"\n[commands]\ndns_servers = ["x"]',
      },
      { REDIS_URL: 'x' },
    ),
  );
  const keys = found.map((line) => line.split(/[ :]/)[0]);
  expect(keys.sort()).toEqual(
    [
      'bot.operator',
      'bot.address',
      'there',
      'mailbox[0].account',
      'mailbox[1].account',
      'drafts.account',
      'smtp.host',
      'smtp.password_file',
      'smtp.ca_file',
      'REDIS_URL',
      'commands.dns_servers',
      'prose.base_url',
    ].sort(),
  );
});

describe('workerSettings', () => {
  const worker = (text: string, env: Record<string, string> = {}) =>
    workerSettings(parseConfig(text, 'x'), env, 'depbot.toml');

  test('are a tree and a Redis server, and no more is asked for', () => {
    expect(worker('[tree]\ndir = "/t"', { REDIS_URL: 'redis://h' })).toEqual({
      treeDir: '/t',
      redis: { url: 'redis://h' },
    });
  });

  test('name both where both are missing', () => {
    expect(problems(() => worker(''))).toEqual([
      expect.stringMatching(/^there is no Redis server .*redis_url = "/),
      expect.stringMatching(/^there is no kernel tree/),
    ]);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { ConfigError, parseConfig, readConfigFile, stateDir } from '../../bot/config.ts';
import { knownKeys } from '../../bot/config-schema.ts';

const EXAMPLE = readFileSync(join(import.meta.dirname, '../../depbot.example.toml'), 'utf8');
/** The example with its optional settings and tables switched on. */
const ALL_SET = EXAMPLE.replace(/^#(?=[a-z_]+ = |\[)/gm, '');

/** Whole paths of all keys, with NAME for the name of an account. */
function keysOf(text: string): string[] {
  const { imap, ...sections } = parse(text) as Record<string, Record<string, unknown>>;
  const named = Object.values(imap ?? {}).flatMap((account) => [
    'imap.NAME',
    ...keysIn('imap.NAME', account as object),
  ]);
  const rest = Object.entries(sections).flatMap(([section, keys]) => [
    section,
    ...(Array.isArray(keys) ? keys : [keys]).flatMap((table: object) => keysIn(section, table)),
  ]);
  return ['imap', ...named, ...rest];
}

const keysIn = (section: string, table: object): string[] => Object.keys(table).map((key) => `${section}.${key}`);

describe('depbot.example.toml', () => {
  test('holds every setting there is, and no other', () => {
    expect(keysOf(ALL_SET).sort()).toEqual(knownKeys().sort());
  });

  test.each([
    ['LF', '\n'],
    ['CR LF', '\r\n'],
  ])('sets what holds without a file (%s)', (_, eol) => {
    expect(parseConfig(EXAMPLE.replaceAll('\n', eol), 'example')).toEqual(readConfigFile(undefined));
  });

  test('has examples that are accepted', () => {
    expect(parseConfig(ALL_SET, 'example')).toMatchObject({
      check: { archs: ['x86', 'arm64'] },
      paths: { state: '/var/lib/depbot' },
      maintainer: [{ mode: 'draft' }],
      imap: { kernel: { port: 993, tls: 'implicit' } },
      mailbox: [{ account: 'kernel', folder: 'INBOX' }],
      remote: [{ name: 'next', branches: ['master', 'pending-*'] }],
    });
  });

  test('has the defaults of tables that are only examples in their words', () => {
    const least = parseConfig(
      '[[maintainer]]\naddress = "a@example.org"\nlists = ["l@example.org"]\npaths = ["x"]\n[imap.a]\nhost = "b"\n[[mailbox]]\naccount = "a"',
      'x',
    );
    for (const value of [least.maintainer[0]!.mode, least.imap['a']!.tls, least.mailbox[0]!.folder])
      expect(EXAMPLE).toContain(`Default: "${value}"`);
    expect(least).toMatchObject({ maintainer: [{ mode: 'draft' }], imap: { a: { tls: 'implicit' } } });
  });

  test('has words above each setting, and lines of at most 120 columns', () => {
    const lines = EXAMPLE.split('\n');
    for (const [at, line] of lines.entries()) {
      expect(line.length).toBeLessThanOrEqual(120);
      if (/^#?([a-z_]+ = |\[(\[maintainer|\[mailbox|\[remote|imap))/.test(line))
        expect(lines[at - 1], line).toMatch(/^# \S/);
    }
  });
});

describe('parseConfig', () => {
  const MAINTAINER = '[[maintainer]]\naddress = "a@example.org"\nlists = ["l@example.org"]\npaths = ["drivers/"]\n';
  /** With one pattern. */
  const pattern = (text: string): string => MAINTAINER.replace('drivers/', text);

  test('leaves settings that are not given at their defaults', () => {
    expect(parseConfig('[check]\ntrust_tree = true\n', 'x')).toEqual({
      ...readConfigFile(undefined),
      check: { trust_tree: true, build: true, send_unbuilt: false },
    });
  });

  test.each([
    ['[bot]\nadress = "x"', 'unknown key bot.adress; did you mean bot.address?'],
    ['[chekc]\n', 'unknown key chekc; did you mean check?'],
    ['[bot]\ntrust_tree = true', 'unknown key bot.trust_tree; did you mean check.trust_tree?'],
    ['archs = ["x86"]', 'unknown key archs; did you mean check.archs?'],
    ['[tree]\nmirror = "x"', 'unknown key tree.mirror; known here: tree.dir, tree.candidates'],
    [`[tree]\n${'long'.repeat(500)} = 1`, 'known here: tree.dir'],
    [
      '[elsewhere]\nmirror = "x"',
      'unknown key elsewhere; known here: bot, tree, remote, check, maintainer, imap, mailbox,',
    ],
    [`${MAINTAINER}${MAINTAINER}pahts = ["x"]`, 'unknown key maintainer[1].pahts; did you mean maintainer.paths?'],
    [
      `${MAINTAINER}archive = "x"`,
      'known here: maintainer.address, maintainer.lists, maintainer.sections, maintainer.paths, maintainer.mode',
    ],
    ['[imap.a]\nhost = "h"\nhots = "h"', 'unknown key imap.a.hots; did you mean imap.NAME.host?'],
    ['[imap.a]\nhost = "h"\n[imap.a.b]\nc = 1', 'unknown key imap.a.b; known here: imap.NAME.host, imap.NAME.port,'],
    ['[drafts]\nhost = "h"', 'unknown key drafts.host; did you mean imap.NAME.host or smtp.host?'],
    ['[[mailbox]]\naccount = "a"\nfodler = "b"', 'unknown key mailbox[0].fodler; did you mean mailbox.folder?'],
  ])('refuses %j and names the place and what is meant', (text, message) => {
    expect(() => parseConfig(text, 'depbot.toml')).toThrow(ConfigError);
    expect(() => parseConfig(text, 'depbot.toml')).toThrow(/^depbot\.toml: /);
    expect(() => parseConfig(text, 'depbot.toml')).toThrow(message);
  });

  test('names all unknown keys at once', () => {
    expect(() => parseConfig('[bot]\na = 1\nb = 2\n[paths]\nc = 3\n', 'x')).toThrow(
      /bot\.a;[\s\S]*bot\.b;[\s\S]*paths\.c;/,
    );
  });

  test.each([
    ['[bot]\noperator = 1', /bot\.operator: .*string/],
    ['[bot]\naddress = "nobody"', /bot\.address: /],
    ['[check]\narchs = "x86"', /check\.archs: .*array/],
    ['[check]\narchs = ["../x86"]', /check\.archs\[0\]: /],
    ['[check]\ntrust_tree = "yes"', /check\.trust_tree: .*boolean/],
    ['bot = 1', /bot: .*object/],
    ['[bot', /Invalid TOML/],
    ['[maintainer]\naddress = "a@example.org"', /maintainer: expected tables: write \[\[maintainer\]\]/],
    ['[imap]\nhost = "h"', /imap\.host: expected a table: an account has a name, \[imap\.NAME\]/],
    ['[imap.Kernel]\nhost = "h"', /imap\.Kernel: expected a name of small letters/],
    ['[imap.a]\nuser = "u"', /imap\.a\.host: /],
    ['[imap.a]\nhost = "imaps://h"', /imap\.a\.host: expected a host name or an IP address/],
    ['[imap.a]\nhost = "h:993"', /imap\.a\.host: .*port has a key of its own/],
    ['[smtp]\nhost = "a b"', /smtp\.host: /],
    ['[smtp]\nport = 65536', /smtp\.port: /],
    ['[smtp]\ntls = "ssl"', /smtp\.tls: .*"implicit"\|"starttls"\|"none"/],
    ['[serve]\npoll_s = 0', /serve\.poll_s: /],
    ['[serve]\npoll_s = 1.5', /serve\.poll_s: .*int/],
    ['[serve]\nlook_s = 86401', /serve\.look_s: /],
    ['[serve]\nfirst_days = 367', /serve\.first_days: /],
    ['[serve]\nwindow_days = 0', /serve\.window_days: /],
    ['[commands]\nmax_age_hours = 721', /commands\.max_age_hours: /],
    ['[prose]\ntimeout_s = 601', /prose\.timeout_s: /],
    ['[prose]\nbase_url = "file:///etc/passwd"', /prose\.base_url: expected a URL that starts with https/],
    ['[[remote]]\nname = "a"\nurl = "ext::sh -c id"', /remote\[0\]\.url: expected https/],
    ['[[remote]]\nname = "a"\nurl = "--upload-pack=id"', /remote\[0\]\.url: expected https/],
    ['[[remote]]\nname = "a/b"\nurl = "/x"', /remote\[0\]\.name: /],
    ['[[remote]]\nname = "a"\nurl = "/x"\nbranches = ["a:b"]', /remote\[0\]\.branches\[0\]: /],
    ['[[remote]]\nname = "a"\nurl = "/x"\n[[remote]]\nname = "a"\nurl = "/y"', /remote: two have the same name/],
    [`${MAINTAINER}mode = "send"`, /maintainer\[0\]\.mode: /],
    [`${MAINTAINER}quiet_hours = "22-6"`, /maintainer\[0\]\.quiet_hours: expected two times of the day/],
    [`${MAINTAINER}quiet_hours = "06:00-06:00"`, /quiet_hours: expected two times/],
    [`${MAINTAINER}least_rung = 4`, /maintainer\[0\]\.least_rung: /],
    [`${MAINTAINER}severities = ["advice"]`, /maintainer\[0\]\.severities\[0\]: /],
    [`${MAINTAINER}max_per_day = 0`, /maintainer\[0\]\.max_per_day: /],
    [`${MAINTAINER}embargo_hours = 337`, /maintainer\[0\]\.embargo_hours: /],
    [MAINTAINER.replace('l@example.org', 'linux-input'), /maintainer\[0\]\.lists\[0\]: /],
    [MAINTAINER.replace('"drivers/"', ''), /maintainer\[0\]: expected paths = .*, or sections = /],
    [pattern('/drivers/'), /maintainer\[0\]\.paths\[0\]: expected a pattern as after F:/],
    [pattern('drivers/**/x.c'), /paths\[0\]: expected a pattern/],
  ])('refuses %j', (text, message) => {
    expect(() => parseConfig(text, 'x')).toThrow(ConfigError);
    expect(() => parseConfig(text, 'x')).toThrow(message);
  });

  test('tells of each request the line that it begins at', () => {
    const text = `# [[maintainer]]\n${MAINTAINER}\n [[ maintainer ]] # two\n${MAINTAINER.split('\n').slice(1).join('\n')}`;
    expect(parseConfig(text, 'a.toml').maintainer.map(({ from }) => from)).toEqual(['a.toml:2', 'a.toml:7']);
    const tricky = `${MAINTAINER}rules = ["""\n[[maintainer]]\n"""]`;
    expect(parseConfig(tricky, 'a.toml').maintainer.map(({ from }) => from)).toEqual(['a.toml']);
  });

  test('names all faulty values at once, a line each', () => {
    const text = '[serve]\npoll_s = 0\nlook_s = 0\n[[mailbox]]\nfolder = "x"\n';
    expect(() => parseConfig(text, 'x')).toThrow(
      /^x: mailbox\[0\]\.account: .*\nx: serve\.poll_s: .*\nx: serve\.look_s: .*$/,
    );
  });

  test.each([
    ['an IPv6 address', '[smtp]\nhost = "::1"'],
    ['an IPv4 address', '[smtp]\nhost = "127.0.0.1"'],
    ['a host without a domain', '[smtp]\nhost = "localhost"'],
    ['a pattern with wildcards', pattern('drivers/*/da7[29]??.[ch]')],
    ['a server at the bounds', '[serve]\npoll_s = 86400\nlook_s = 1\nfirst_days = 0\nwindow_days = 366'],
  ])('takes %s', (_, text) => {
    expect(() => parseConfig(text, 'x')).not.toThrow();
  });
});

describe('readConfigFile', () => {
  test('names a file that cannot be read, and what is expected', () => {
    expect(() => readConfigFile('/nonexistent/depbot.toml')).toThrow(
      /^\/nonexistent\/depbot\.toml: cannot be read .*depbot\.example\.toml/,
    );
  });
});

describe('stateDir', () => {
  const config = readConfigFile(undefined);

  test('is the setting, else below XDG_STATE_HOME, else in the home', () => {
    const set = parseConfig('[paths]\nstate = "/s"', 'x');
    expect(stateDir(set, { XDG_STATE_HOME: '/xdg', HOME: '/home/a' })).toBe('/s');
    expect(stateDir(config, { XDG_STATE_HOME: '/xdg', HOME: '/home/a' })).toBe('/xdg/depbot');
    expect(stateDir(config, { HOME: '/home/a' })).toBe('/home/a/.local/state/depbot');
  });

  test('is not below a relative XDG_STATE_HOME', () => {
    expect(stateDir(config, { XDG_STATE_HOME: 'xdg', HOME: '/home/a' })).toBe('/home/a/.local/state/depbot');
  });
});

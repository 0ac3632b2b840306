import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { ConfigError, knownKeys, parseConfig, readConfigFile, stateDir } from '../../bot/config.ts';

const EXAMPLE = readFileSync(join(import.meta.dirname, '../../depbot.example.toml'), 'utf8');
/** The example with its optional settings switched on. */
const ALL_SET = EXAMPLE.replace(/^#(?=[a-z_]+ = )/gm, '');

const keysOf = (text: string): string[] =>
  Object.entries(parse(text)).flatMap(([section, keys]) => [
    section,
    ...Object.keys(keys as object).map((key) => `${section}.${key}`),
  ]);

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
    });
  });

  test('has words above each setting, and lines of at most 120 columns', () => {
    const lines = EXAMPLE.split('\n');
    for (const [at, line] of lines.entries()) {
      expect(line.length).toBeLessThanOrEqual(120);
      if (/^#?[a-z_]+ = /.test(line)) expect(lines[at - 1], line).toMatch(/^# \S/);
    }
  });
});

describe('parseConfig', () => {
  test('leaves settings that are not given at their defaults', () => {
    expect(parseConfig('[check]\ntrust_tree = true\n', 'x')).toEqual({
      ...readConfigFile(undefined),
      check: { trust_tree: true },
    });
  });

  test.each([
    ['[bot]\nadress = "x"', 'unknown key bot.adress; did you mean bot.address?'],
    ['[chekc]\n', 'unknown key chekc; did you mean check?'],
    ['[bot]\ntrust_tree = true', 'unknown key bot.trust_tree; did you mean check.trust_tree?'],
    ['archs = ["x86"]', 'unknown key archs; did you mean check.archs?'],
    ['[tree]\nmirror = "x"', 'unknown key tree.mirror; known here: tree.dir, tree.candidates'],
    [`[tree]\n${'long'.repeat(500)} = 1`, 'known here: tree.dir'],
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
    ['[check]\narchs = ["../x86"]', /check\.archs\.0: /],
    ['[check]\ntrust_tree = "yes"', /check\.trust_tree: .*boolean/],
    ['bot = 1', /bot: .*object/],
    ['[bot', /Invalid TOML/],
  ])('refuses %j', (text, message) => {
    expect(() => parseConfig(text, 'x')).toThrow(message);
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

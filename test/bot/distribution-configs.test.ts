import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../bot/config.ts';
import { readDistributionConfigs } from '../../bot/distribution-configs.ts';
import { tempDir } from '../support/tiny-repo.ts';

let dir: string;
beforeAll(() => {
  dir = tempDir();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

const header = (arch: string): string =>
  `#\n# Automatically generated file; DO NOT EDIT.\n# Linux/${arch} 6.12.1 Kernel Configuration\n#\nCONFIG_FOO=y\n`;

describe('readDistributionConfigs', () => {
  test.each([
    ['config.amd64_none_amd64', 'x86', 'Debian amd64'],
    ['config.amd64_none_cloud-amd64', 'x86', 'Debian amd64 (cloud-amd64)'],
    ['config.amd64_rt_amd64', 'x86', 'Debian amd64 (rt)'],
    ['config.arm64_none_arm64-16k', 'arm64', 'Debian arm64 (arm64-16k)'],
    ['config-6.12.0-1-amd64', 'x86', 'config-6.12.0-1-amd64'],
  ])('%s: architecture from the header, name from the file', (name, arch, shown) => {
    const text = header(arch);
    expect(readDistributionConfigs([file(name, text)])).toEqual([{ arch, name: shown, text }]);
  });

  test.each([
    ['x86_64', 'x86'],
    ['i386', 'x86'],
    ['powerpc', 'powerpc'],
  ])('takes Linux/%s for arch/%s', (written, arch) => {
    expect(readDistributionConfigs([file('config', header(written))])).toMatchObject([{ arch }]);
  });

  test('reads a file with CR LF', () => {
    expect(readDistributionConfigs([file('crlf', header('arm').replaceAll('\n', '\r\n'))])).toMatchObject([
      { arch: 'arm' },
    ]);
  });

  test.each([
    ['a fragment', 'CONFIG_FOO=y\n'],
    ['an empty file', ''],
    ['a header that is quoted', 'CONFIG_X="# Linux/x86 6.12 Kernel Configuration"\n'],
  ])('refuses %s by name', (_, text) => {
    const path = file('fragment', text);
    expect(() => readDistributionConfigs([path])).toThrow(ConfigError);
    expect(() => readDistributionConfigs([path])).toThrow(`${path}: no line "# Linux/<arch>`);
  });

  test('names a file that is not there', () => {
    expect(() => readDistributionConfigs([join(dir, 'absent')])).toThrow(/absent: cannot be read/);
  });
});

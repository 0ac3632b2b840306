/** Documents that are made of the code: as the code is now, or `-u` writes them anew. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { knownKeys } from '../../bot/config-schema.ts';
import { RULES } from '../../rules/index.ts';
import { configurationText } from './configuration.ts';
import { licencesText, packagesOf, unfit } from './licences.ts';

const PROJECT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(PROJECT, path), 'utf8');
const doc = (name: string): string => join(PROJECT, 'docs', name);

test('docs/configuration.md has every key, with words of depbot.example.toml', async () => {
  const text = configurationText(read('depbot.example.toml'));
  const tables = new Set(knownKeys().map((key) => key.slice(0, key.lastIndexOf('.'))));
  for (const key of knownKeys().filter((one) => one.includes('.') && !tables.has(one) && !one.endsWith('.NAME'))) {
    const section = text.split(`### ${key}\n`)[1];
    expect(section, key).toBeDefined();
    expect(section!.split(/^##+ /m)[0]!.trim().split('\n').length, `${key} has words`).toBeGreaterThan(1);
  }
  await expect(text).toMatchFileSnapshot(doc('configuration.md'));
});

test('docs/rules.md has what each rule claims and misses', async () => {
  const rules = RULES.map(
    ({ id, severity, rung, doc: text }) =>
      `## ${id}\n\nSeverity: ${severity}. Told from rung ${rung} on.\n\n${text
        .trim()
        .replace(/^## (.*)$/gm, '\n### $1\n')
        .trim()}\n`,
  );
  const head =
    '# The rules\n\nMade from the rules themselves, as `depbot rules` prints them; `npm test -- test/docs -u` makes it anew.\n';
  await expect(`${head}\n${rules.join('\n')}`).toMatchFileSnapshot(doc('rules.md'));
});

test('docs/licences.md: all licences go with depbot, and the installed packages say the same', async () => {
  const packages = packagesOf(read('package-lock.json'));
  expect(unfit(packages)).toEqual([]);
  expect(unfit([{ name: 'x', version: '1', licence: 'GPL-3.0', isTool: true }])).toHaveLength(1);
  expect(unfit([{ name: 'x', version: '1', licence: 'MPL-2.0', isTool: false }])).toHaveLength(1);
  for (const { name, version, licence } of packages) {
    const path = join(PROJECT, 'node_modules', name, 'package.json');
    if (!existsSync(path)) continue;
    const installed = JSON.parse(readFileSync(path, 'utf8')) as { version: string; license?: string };
    if (installed.version === version && typeof installed.license === 'string')
      expect(installed.license, name).toBe(licence);
  }
  await expect(licencesText(packages)).toMatchFileSnapshot(doc('licences.md'));
});

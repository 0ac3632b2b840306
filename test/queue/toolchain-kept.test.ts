/** Versions of tools, kept on disk from process to process. */
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

let dir = '';
let crossCompile = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'depbot-tools-test-'));
  crossCompile = `${dir}/x-`;
  await install('first');
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** A compiler that says its version and counts how often it was asked. */
async function install(version: string): Promise<void> {
  await writeFile(`${crossCompile}gcc`, `#!/bin/sh\necho ${version}\necho asked >>${dir}/asked\n`);
  await chmod(`${crossCompile}gcc`, 0o755);
}

async function timesAsked(): Promise<number> {
  const text = await readFile(join(dir, 'asked'), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

/** The version as a process that has just started sees it. */
async function ccVersion(cacheDir?: string): Promise<string> {
  vi.resetModules();
  const { toolVersions } = await import('../../queue/toolchain.ts');
  const kept = cacheDir === undefined ? {} : { cacheDir };
  return (await toolVersions({ crossCompile, trustTree: true, ...kept })).cc;
}

test('the next process does not ask a program that is what it was', async () => {
  expect(await ccVersion(dir)).toBe('first');
  expect(await ccVersion(dir)).toBe('first');
  expect(await timesAsked()).toBe(1);
});

test('a program that was replaced is asked again', async () => {
  await ccVersion(dir);
  await install('the second');
  expect(await ccVersion(dir)).toBe('the second');
  expect(await timesAsked()).toBe(2);
});

test('a program that was removed has no version', async () => {
  await ccVersion(dir);
  await rm(`${crossCompile}gcc`);
  expect(await ccVersion(dir)).toBe('');
});

test('without a cache every process asks', async () => {
  await ccVersion();
  await ccVersion();
  expect(await timesAsked()).toBe(2);
});

test('a damaged file is no answer, and is written anew', async () => {
  await ccVersion(dir);
  const [name] = await readdir(join(dir, 'tools'));
  for (const text of ['', '{"cc":"damag', 'null', '{"cc":"alone"}']) {
    await writeFile(join(dir, 'tools', name!), text);
    expect(await ccVersion(dir)).toBe('first');
    expect(JSON.parse(await readFile(join(dir, 'tools', name!), 'utf8'))).toMatchObject({ cc: 'first' });
  }
});

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProvisionError, provision } from '../../queue/provision.ts';
import { cachedTree } from '../../queue/provision-cache.ts';
import { makeConfigs } from '../../queue/provision-configs.ts';
import { commitFolder, plainGitEnv } from '../../queue/provision-git.ts';
import type { Machine } from '../../queue/provision-machine.ts';
import type { Progress } from '../../queue/provision-progress.ts';
import { noProgress } from '../../queue/provision-progress.ts';
import { givenTree, kernelVersion, makeTree } from '../../queue/provision-tree.ts';
import { fakeMachine, here, machineWithArchive } from './provision-machines.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-provision-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('a folder made a repository', () => {
  const commit = { message: 'all', tag: 'v1', atSec: 1_700_000_000 };
  const deps = { machine: here, env: process.env };

  function fill(name: string): string {
    const top = join(dir, name);
    mkdirSync(join(top, 'sub/deep'), { recursive: true });
    writeFileSync(join(top, '.gitignore'), '*\n');
    writeFileSync(join(top, 'crlf.txt'), 'a\r\nb\r\n');
    writeFileSync(join(top, 'sub/empty'), '');
    writeFileSync(join(top, 'sub/deep/name with spaces'), Buffer.from([0, 255, 10, 13]));
    writeFileSync(join(top, 'sub/run.sh'), '#!/bin/sh\n');
    chmodSync(join(top, 'sub/run.sh'), 0o755);
    chmodSync(join(top, 'crlf.txt'), 0o600);
    symlinkSync('../crlf.txt', join(top, 'sub/link'));
    return top;
  }

  async function git(top: string, ...args: string[]): Promise<string> {
    return (await here.run(['git', '-C', top, ...args], { env: plainGitEnv(process.env) })).stdout;
  }

  it('holds every file as it is, ignored ones too, and is clean', async () => {
    const top = fill('one');
    const sha = await commitFolder(top, commit, deps);
    expect(await git(top, 'status', '--porcelain', '--ignored')).toBe('');
    expect(await git(top, 'rev-parse', 'v1')).toBe(`${sha}\n`);
    const listed = (await git(top, 'ls-tree', '-r', 'HEAD'))
      .split('\n')
      .map((line) => line.replace(/ blob \w+\t/, ' '));
    expect(listed).toEqual([
      '100644 .gitignore',
      '100644 crlf.txt',
      '100644 sub/deep/name with spaces',
      '100644 sub/empty',
      '120000 sub/link',
      '100755 sub/run.sh',
      '',
    ]);
    expect(await git(top, 'show', 'HEAD:crlf.txt')).toBe('a\r\nb\r\n');
    expect(await git(top, 'show', 'HEAD:sub/link')).toBe('../crlf.txt');
    expect(await git(top, 'fsck')).toBe('');
  });

  it('gets the same commit name for the same files, and another one for others', async () => {
    const first = await commitFolder(fill('one'), commit, deps);
    const again = await commitFolder(fill('two'), commit, {
      ...deps,
      env: { ...process.env, GIT_AUTHOR_NAME: 'x', TZ: 'Asia/Tokyo' },
    });
    const top = fill('three');
    writeFileSync(join(top, 'crlf.txt'), 'other\r\n');
    expect(again).toBe(first);
    expect(await commitFolder(top, commit, deps)).not.toBe(first);
  });

  it('has no hooks and is never repacked behind our back', async () => {
    const top = fill('one');
    await commitFolder(top, commit, deps);
    expect(existsSync(join(top, '.git/hooks'))).toBe(false);
    expect(await git(top, 'config', 'gc.auto')).toBe('0\n');
    expect(await git(top, 'config', 'core.hooksPath')).toBe('/dev/null\n');
  });

  it('is refused when it holds what git cannot', async () => {
    const top = fill('one');
    await here.run(['mkfifo', join(top, 'pipe')]);
    await expect(commitFolder(top, commit, deps)).rejects.toThrow(
      'cannot commit pipe: neither a file nor a symbolic link',
    );
    const other = fill('two');
    writeFileSync(join(other, 'a\nM 100644 inline b'), '');
    await expect(commitFolder(other, commit, deps)).rejects.toThrow('the name has a quote or a newline');
  });
});

describe('the kernel tree', () => {
  const MAKEFILE = '# SPDX-License-Identifier: GPL-2.0\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 7\nEXTRAVERSION =\n';

  /** The package linux-source-6.12 with three files in it; `archive` false: with something else in their place. */
  const sourcePackage = (archive = true) =>
    machineWithArchive(async (root, name) => {
      const top = join(root, 'linux-source-6.12');
      mkdirSync(join(root, 'usr/src'), { recursive: true });
      mkdirSync(top);
      for (const [file, text] of Object.entries({ Makefile: MAKEFILE, Kconfig: 'config A\n', '.gitignore': '*\n' })) {
        writeFileSync(join(top, file), text);
      }
      const target = join(root, 'usr/src', `${name}.tar.xz`);
      if (!archive) writeFileSync(target, 'not an archive');
      else await here.run(['tar', '-cJf', target, '-C', root, 'linux-source-6.12']);
      rmSync(top, { recursive: true });
      return true;
    });
  const deps = (machine: Machine) => ({ cache: join(dir, 'cache'), machine, env: process.env, progress: noProgress });

  it.each([
    ['LF', MAKEFILE],
    ['CRLF', MAKEFILE.replaceAll('\n', '\r\n')],
  ])('is named after the numbers in its Makefile (%s)', (_ends, text) => {
    expect(kernelVersion(text)).toBe('6.12.7');
  });

  it('is not named from a Makefile without them', () => {
    expect(() => kernelVersion('VERSION = 6\nall:\n\techo PATCHLEVEL = 12\n')).toThrow('no line "PATCHLEVEL = NUMBER"');
  });

  it('is made from the source package, whole, tagged, and once', async () => {
    const machine = sourcePackage();
    const tree = await makeTree(deps(machine));
    expect(tree).toBe(cachedTree(join(dir, 'cache')));
    const tag = await here.run(['git', '-C', tree, 'describe', '--tags'], { env: plainGitEnv(process.env) });
    expect(tag.stdout).toBe('v6.12.7\n');
    expect(readFileSync(join(tree, 'Kconfig'), 'utf8')).toBe('config A\n');
    expect(existsSync(`${tree}.partial`)).toBe(false);
    await makeTree(deps(machine));
    expect(machine.downloads).toEqual(['linux-source-6.12']);
  });

  it('is made anew after an interrupted run, whose remains go', async () => {
    const partial = `${cachedTree(join(dir, 'cache'))}.partial`;
    mkdirSync(join(partial, 'tree'), { recursive: true });
    writeFileSync(join(partial, 'tree/stale'), '');
    const tree = await makeTree(deps(sourcePackage()));
    expect(existsSync(join(tree, 'stale'))).toBe(false);
    expect(existsSync(partial)).toBe(false);
  });

  it('is not there after an archive that cannot be unpacked, nor are its remains', async () => {
    await expect(makeTree(deps(sourcePackage(false)))).rejects.toThrow(/tar could not unpack/);
    const tree = cachedTree(join(dir, 'cache'));
    expect([existsSync(tree), existsSync(`${tree}.partial`)]).toEqual([false, false]);
  });

  it('that apt does not have can be given instead, and the message says so', async () => {
    const machine = machineWithArchive(async () => false);
    const attempt = makeTree(deps(machine));
    await expect(attempt).rejects.toThrow(ProvisionError);
    await expect(attempt).rejects.toThrow(/could not download linux-source-6\.12[\s\S]*--tree/);
  });

  it('that is given is used as it is; nothing is fetched', async () => {
    const tree = join(dir, 'mine');
    mkdirSync(join(tree, '.git'), { recursive: true });
    writeFileSync(join(tree, 'Kconfig'), '');
    const machine = fakeMachine([]);
    const env = { DEPBOT_CACHE: join(dir, 'cache'), DEPBOT_TREE: tree };
    expect(await provision(['tree'], { env, machine, progress: noProgress })).toEqual({ tree });
    expect(await provision(['tree'], { env: { ...env, DEPBOT_TREE: '/other' }, tree, machine })).toEqual({ tree });
    expect(machine.runs).toEqual([]);
    expect(existsSync(join(dir, 'cache'))).toBe(false);
  });

  it('that is given must be a kernel tree under git', () => {
    expect(() => givenTree(dir)).toThrow(/no kernel tree/);
    writeFileSync(join(dir, 'Kconfig'), '');
    expect(() => givenTree(dir)).toThrow(/no git repository/);
  });
});

describe("Debian's configurations", () => {
  it('are unpacked into the cache, once', async () => {
    const machine = machineWithArchive(async (root, name) => {
      const folder = join(root, 'usr/src', name);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'config.amd64_none_amd64'), 'CONFIG_A=y\n');
      writeFileSync(join(folder, 'config.amd64_rt_amd64'), 'CONFIG_A=m\n');
      return (
        (await here.run(['xz', join(folder, 'config.amd64_none_amd64'), join(folder, 'config.amd64_rt_amd64')]))
          .code === 0
      );
    });
    const env = { ...process.env, DEPBOT_CACHE: join(dir, 'cache') };
    const { debianConfigs } = await provision(['debian-configs'], { env, machine, progress: noProgress });
    expect(debianConfigs?.map((path) => readFileSync(path, 'utf8'))).toEqual(['CONFIG_A=y\n', 'CONFIG_A=m\n']);
    expect(await provision(['debian-configs'], { env, machine })).toEqual({ debianConfigs });
    expect(machine.downloads).toEqual(['linux-config-6.12']);
  });

  it('are done without, after a word, where they cannot be had', async () => {
    const notes: string[] = [];
    const progress: Progress = { ...noProgress, note: (text) => notes.push(text) };
    const cache = join(dir, 'cache');
    const machine = machineWithArchive(async () => false);
    expect(await makeConfigs({ cache, machine, env: process.env, progress })).toBeUndefined();
    expect(notes).toEqual([expect.stringContaining("without Debian's own configurations")]);
    expect(existsSync(join(cache, 'debian-configs-6.12.partial'))).toBe(false);
  });
});

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changedPaths, openTree } from '../../queue/git-tree.ts';
import { GrepsOnDisk } from '../../queue/kept-greps.ts';
import type { Repository } from '../../queue/repository.ts';
import { openRepository } from '../../queue/repository.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';
import { tempDir, tinyRepo } from '../support/tiny-repo.ts';

let user: TinyRepo;
let stateDir: string;
let repo: Repository;
let before: string;
let after: string;

beforeAll(async () => {
  user = tinyRepo();
  user.link('link', 'Kconfig');
  before = user.commit('base', {
    Kconfig: 'config FOO\n\tbool "foo"\nconfig FOO_BAR\n',
    'drivers/Kconfig': 'if FOO\nendif\n',
    'drivers.txt': 'FOO\r\n',
    'drivers-old/a.c': 'int FOO;\n',
    'odd name "q"\t.c': 'FOO\n',
    bïnary: Buffer.from([0x46, 0x4f, 0x4f, 0, 0xff, 0x0a]),
    latin1: Buffer.from([0xe4, 0x0a]),
    empty: '',
  });
  user.git('rm', '-q', 'drivers.txt');
  user.git('mv', 'drivers-old/a.c', 'drivers/a.c');
  after = user.commit('change', { Kconfig: 'config FOO\nconfig NEW_FOO\n', zz: 'NEW_FOO\n' });
  stateDir = tempDir();
  repo = await openRepository({ treeDir: user.dir, stateDir });
});
afterAll(async () => {
  await repo.close();
  user.remove();
  rmSync(stateDir, { recursive: true, force: true });
});

describe('openTree', () => {
  it('lists regular files, sorted, and not symbolic links', async () => {
    const paths = await openTree(repo, before).paths();
    expect(paths).toEqual(
      [
        'Kconfig',
        'bïnary',
        'drivers-old/a.c',
        'drivers.txt',
        'drivers/Kconfig',
        'empty',
        'latin1',
        'odd name "q"\t.c',
      ].sort(),
    );
    expect(await openTree(repo, before).blob('link')).toBeUndefined();
  });

  it('gives the blobs git gives, and none for folders and absent files', async () => {
    const tree = openTree(repo, before);
    for (const path of await tree.paths())
      expect(await tree.blob(path), path).toBe(user.git('rev-parse', `${before}:${path}`));
    for (const path of ['drivers', 'drivers/', 'nothing', '', 'Kconfi', 'Kconfigs', '../Kconfig'])
      expect(await tree.blob(path), path).toBeUndefined();
  });

  it('lists a later commit as git does, from the differences', async () => {
    await openTree(repo, before).paths();
    const tree = openTree(repo, after);
    const listed = user
      .git('ls-tree', '-r', '-z', '--name-only', after)
      .split('\0')
      .filter((path) => path !== '' && path !== 'link')
      .sort();
    expect(await tree.paths()).toEqual(listed);
    for (const path of listed) expect(await tree.blob(path), path).toBe(user.git('rev-parse', `${after}:${path}`));
    expect(await tree.blob('drivers.txt')).toBeUndefined();
    expect(await tree.blob('drivers-old/a.c')).toBeUndefined();
  });

  it('reads files as they are, leaves missing ones out and replaces bad UTF-8', async () => {
    const texts = await openTree(repo, before).read([
      'Kconfig',
      'nothing',
      'drivers.txt',
      'latin1',
      'empty',
      'link',
      'Kconfig',
    ]);
    expect([...texts]).toEqual([
      ['Kconfig', 'config FOO\n\tbool "foo"\nconfig FOO_BAR\n'],
      ['drivers.txt', 'FOO\r\n'],
      ['latin1', '\ufffd\n'],
      ['empty', ''],
    ]);
  });

  it('finds whole words with path, line and text, in text files only', async () => {
    const found = await openTree(repo, before).grep(['FOO'], 100);
    expect(found).toEqual([
      { path: 'Kconfig', line: 1, text: 'config FOO' },
      { path: 'drivers-old/a.c', line: 1, text: 'int FOO;' },
      { path: 'drivers.txt', line: 1, text: 'FOO\r' },
      { path: 'drivers/Kconfig', line: 1, text: 'if FOO' },
      { path: 'odd name "q"\t.c', line: 1, text: 'FOO' },
    ]);
  });

  it('keeps answers of a whole commit for the next process, and no more than it may', async () => {
    const folder = tempDir();
    try {
      const kept = new GrepsOnDisk(folder, 2);
      const ask = { commit: before, words: ['FOO'], limit: 100 };
      expect(kept.get(ask)).toBeUndefined();
      const cold = await openRepository({ treeDir: user.dir, stateDir });
      const lines = await openTree(cold, before, kept).grep(ask.words, ask.limit);
      expect(lines).toHaveLength(5);
      expect(new GrepsOnDisk(folder).get(ask)).toEqual({ lines, cut: false });
      expect(kept.get({ ...ask, limit: 99 })).toBeUndefined();
      const other = { lines: [{ path: 'kept', line: 7, text: 'FOO' }], cut: false };
      kept.put(ask, other);
      const next = await openRepository({ treeDir: user.dir, stateDir });
      expect(await openTree(next, before, kept).grep(ask.words, ask.limit)).toEqual(other.lines);
      for (const limit of [1, 2, 3]) kept.put({ ...ask, limit }, other);
      expect(readdirSync(join(folder, 'greps'))).toHaveLength(2);
      await cold.close();
      await next.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('finds the same in a later commit whether or not the earlier one was searched', async () => {
    const cold = await openRepository({ treeDir: user.dir, stateDir });
    await openTree(repo, before).paths();
    const viaBase = await openTree(repo, after).grep(['FOO', 'NEW_FOO'], 100);
    expect(await openTree(cold, after).grep(['FOO', 'NEW_FOO'], 100)).toEqual(viaBase);
    expect(viaBase.map((line) => `${line.path}:${line.line}`)).toEqual([
      'Kconfig:1',
      'Kconfig:2',
      'drivers/Kconfig:1',
      'drivers/a.c:1',
      'odd name "q"\t.c:1',
      'zz:1',
    ]);
    await cold.close();
  });

  it('stops at the limit', async () => {
    expect(await openTree(repo, before).grep(['FOO'], 2)).toHaveLength(2);
    expect(await openTree(repo, after).grep(['FOO', 'NEW_FOO'], 3)).toHaveLength(3);
    expect(await openTree(repo, before).grep(['FOO'], 0)).toEqual([]);
  });

  it('finds nothing for words that are not there, empty or no words', async () => {
    for (const words of [['ABSENT'], [''], [], ['a\nFOO'], ['--help'], ['FO']])
      expect(await openTree(repo, before).grep(words, 10), JSON.stringify(words)).toEqual([]);
  });

  it('takes full object names only, and says when a commit is not there', async () => {
    for (const name of ['HEAD', '--help', before.slice(0, 12)])
      expect(() => openTree(repo, name), name).toThrow('not a full object name');
    await expect(openTree(repo, 'f'.repeat(40)).paths()).rejects.toMatchObject({ name: 'GitError' });
    await expect(openTree(repo, 'f'.repeat(40)).paths(), 'asked again').rejects.toMatchObject({ name: 'GitError' });
    expect(await openTree(repo, before).blob('Kconfig')).toMatch(/^[0-9a-f]{40}$/);
  });
});

describe('blobs', () => {
  it('survive missing objects, other types and many questions at once', async () => {
    const blob = user.git('rev-parse', `${before}:Kconfig`);
    const names = Array.from(
      { length: 3000 },
      (_, index) => [blob, 'f'.repeat(40), before, 'not a name\nx'][index % 4] ?? '',
    );
    const answers = await Promise.all(names.map((name) => repo.blobs.read(name)));
    expect(answers.filter((bytes) => bytes?.toString() === 'config FOO\n\tbool "foo"\nconfig FOO_BAR\n')).toHaveLength(
      750,
    );
    expect(answers.filter((bytes) => bytes === undefined)).toHaveLength(2250);
  });

  it('come whole when larger than a pipe', async () => {
    const big = `${'x'.repeat(99)}\n`.repeat(20_000);
    user.write({ big });
    const blob = user.git('hash-object', '-w', 'big');
    rmSync(`${user.dir}/big`);
    expect((await repo.blobs.read(blob))?.toString() === big).toBe(true);
  });
});

describe('changedPaths', () => {
  it('names what was added, deleted, modified and renamed', async () => {
    const changes = await changedPaths(repo, before, after);
    expect(changes.map(({ status, path, oldPath }) => [status, path, oldPath])).toEqual([
      ['M', 'Kconfig', undefined],
      ['D', 'drivers.txt', undefined],
      ['R', 'drivers/a.c', 'drivers-old/a.c'],
      ['A', 'zz', undefined],
    ]);
    const [kconfig, dropped, , added] = changes;
    expect(kconfig).toMatchObject({
      oldBlob: user.git('rev-parse', `${before}:Kconfig`),
      newBlob: user.git('rev-parse', `${after}:Kconfig`),
      oldMode: '100644',
    });
    expect(dropped).not.toHaveProperty('newBlob');
    expect(added).not.toHaveProperty('oldBlob');
  });

  it('is empty between a commit and itself', async () => {
    expect(await changedPaths(repo, after, after)).toEqual([]);
  });
});

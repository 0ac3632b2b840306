import { describe, expect, test } from 'vitest';
import { KconfigError } from '../../../rules/kconfig/error.ts';
import { isKconfigPath, KconfigStore } from '../../../rules/kconfig/files.ts';
import type { Tree } from '../../../rules/types.ts';
import { mapTree } from '../../support/dir-tree.ts';

const WORLD = { env: { SRCARCH: 'x86' }, shell: () => '' };

/** The tree, and the paths that were read from it. */
function watched(files: Record<string, string>): Tree & { readonly paths_read: string[] } {
  const tree = mapTree(files);
  const read: string[] = [];
  return {
    ...tree,
    paths_read: read,
    read: (paths) => {
      read.push(...paths);
      return tree.read(paths);
    },
  };
}

test.each([
  ['Kconfig', true],
  ['drivers/net/Kconfig', true],
  ['lib/Kconfig.debug', true],
  ['arch/x86/Kconfig.cpu', true],
  ['drivers/net/MyKconfig', false],
  ['drivers/Kconfig/readme', false],
  ['Documentation/Kconfig', false],
  ['scripts/kconfig/tests/choice/Kconfig', false],
])('%s is a Kconfig file of the tree: %s', (path, expected) => {
  expect(isKconfigPath(path)).toBe(expected);
});

describe('files', () => {
  const base = { Kconfig: 'source "a/Kconfig"\n', 'a/Kconfig': 'config A\n\tbool\n', README: 'words' };

  test('of a second tree are read only where they differ', async () => {
    const store = new KconfigStore();
    await store.open(mapTree(base));
    const second = watched({ ...base, 'a/Kconfig': 'config B\n\tbool\n' });
    const tree = await store.open(second);
    expect(second.paths_read).toEqual(['a/Kconfig']);
    expect([...tree.files.keys()].sort()).toEqual(['Kconfig', 'a/Kconfig']);
    expect((await tree.model(WORLD)).declared.map(({ name }) => name)).toEqual(['B']);
  });

  test('that are equal share their statements', async () => {
    const store = new KconfigStore();
    const tree = await store.open(mapTree({ ...base, 'b/Kconfig': base['a/Kconfig'] }));
    expect(tree.files.get('a/Kconfig')).toBe(tree.files.get('b/Kconfig'));
    expect(tree.files.get('a/Kconfig')).not.toBe(tree.files.get('Kconfig'));
  });

  test('with other names are read when they are sourced', async () => {
    const tree = watched({
      Kconfig: 'source "a/options.in"\n',
      'a/options.in': 'source "a/more.in"\n',
      'a/more.in': 'config A\n\tbool\n',
      'a/other.in': '',
    });
    const model = await (await new KconfigStore().open(tree)).model(WORLD);
    expect(model.files).toEqual(['Kconfig', 'a/options.in', 'a/more.in']);
    expect(tree.paths_read).not.toContain('a/other.in');
  });

  test('that are sourced and missing are an error with its place', async () => {
    const tree = await new KconfigStore().open(mapTree({ Kconfig: '\nsource "gone/Kconfig"\n' }));
    await expect(tree.model(WORLD)).rejects.toThrow(KconfigError);
    await expect(tree.model(WORLD)).rejects.toMatchObject({ path: 'Kconfig', line: 2 });
  });

  test("may be sourced twice, except where the tree's own tests forbid it", async () => {
    const twice = { ...base, Kconfig: 'source "a/Kconfig"\nsource "a/Kconfig"\n' };
    const model = await (await new KconfigStore().open(mapTree(twice))).model(WORLD);
    expect(model.declared).toHaveLength(1);
    const strict = await new KconfigStore().open(
      mapTree({ ...twice, 'scripts/kconfig/tests/err_repeated_inc/Kconfig': '' }),
    );
    await expect(strict.model(WORLD)).rejects.toThrow(KconfigError);
  });
});

describe('models', () => {
  test('are kept for one commit, as many as there is room for', async () => {
    const store = new KconfigStore();
    const tree = await store.open(mapTree({ Kconfig: 'config A\n\tbool\n' }));
    let made = 0;
    const make = () => {
      made++;
      return tree.model(WORLD);
    };
    const first = await store.model('base', 'arm', make);
    expect(await store.model('base', 'arm', make)).toBe(first);
    expect(made).toBe(1);
    for (let i = 0; i < 40; i++) await store.model('base', `arch ${i}`, make);
    expect(await store.model('base', 'arm', make)).toBe(first);
    made = 0;
    await store.model('base', 'arch 39', make);
    expect(made).toBe(1);
    expect(await store.model('other base', 'arm', make)).not.toBe(first);
  });
});

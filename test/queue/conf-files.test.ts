import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { materialise } from '../../queue/conf-files.ts';
import { mapTree } from '../support/dir-tree.ts';

const FILES = {
  Makefile: 'VERSION = 6\n',
  Kconfig: 'source "drivers/Kconfig"\nsource "drivers/odd/Config.in"\n',
  'drivers/Kconfig': 'config A\n\tbool "a"\n\tdefault $(success,$(srctree)/tools/probe.sh $(CC))\n',
  'drivers/odd/Config.in': 'source "$(srctree)/drivers/odd/more.in"\nsource "arch/$(SRCARCH)/extra.menu"\n',
  'drivers/odd/more.in': 'config C\n\tbool\n',
  'drivers/odd/unnamed.in': 'config D\n\tbool\n',
  'drivers/a.c': 'int a;\n',
  'arch/x86/Makefile': 'BITS := 64\n',
  'arch/x86/extra.menu': 'config E\n\tbool\n',
  'arch/x86/deep/extra.menu': 'config F\n\tbool\n',
  'arch/x86/configs/tiny.config': 'CONFIG_A=y\n',
  'arch/x86/mm/fault.c': 'int f;\n',
  'scripts/kconfig/conf.c': 'int main(void) { return 0; }\n',
  'scripts/cc-version.sh': '#!/bin/sh\necho 1\n',
  'scripts/gdb/x.py': 'pass\n',
  'tools/probe.sh': '#!/bin/sh\nexit 0\n',
  'tools/perf.c': 'int p;\n',
};

let dir = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'depbot-conf-test-'));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

describe('materialise', () => {
  test('writes what conf reads and what Kconfig files name, and nothing else', async () => {
    const made = await materialise(mapTree(FILES), dir);
    const left = [
      'arch/x86/deep/extra.menu',
      'arch/x86/mm/fault.c',
      'drivers/a.c',
      'drivers/odd/unnamed.in',
      'scripts/gdb/x.py',
      'tools/perf.c',
    ];
    expect(await filesIn(made)).toEqual(
      Object.keys(FILES)
        .filter((path) => !left.includes(path))
        .sort(),
    );
    expect(await readFile(join(made, 'drivers/Kconfig'), 'utf8')).toBe(FILES['drivers/Kconfig']);
  });

  test('Kconfig files with CRLF line ends name files too, and keep their bytes', async () => {
    const crlf = Object.fromEntries(Object.entries(FILES).map(([path, text]) => [path, text.replaceAll('\n', '\r\n')]));
    const made = await materialise(mapTree(crlf), dir);
    expect(await filesIn(made)).toContain('drivers/odd/more.in');
    expect(await readFile(join(made, 'Kconfig'), 'utf8')).toBe(crlf['Kconfig']);
  });

  test('scripts can be run, other files not, and none be written', async () => {
    const made = await materialise(mapTree(FILES), dir);
    expect((await stat(join(made, 'tools/probe.sh'))).mode & 0o777).toBe(0o555);
    expect((await stat(join(made, 'Kconfig'))).mode & 0o777).toBe(0o444);
  });

  test('a second commit shares what is the same and reads only what differs', async () => {
    const first = await materialise(mapTree(FILES), dir);
    const tree = mapTree({ ...FILES, 'drivers/Kconfig': 'config A\n\tbool "b"\n' });
    const read: string[] = [];
    const counting = {
      ...tree,
      read: (paths: readonly string[]) => {
        read.push(...paths);
        return tree.read(paths);
      },
    };
    const second = await materialise(counting, dir);
    expect(read).toEqual(['drivers/Kconfig']);
    expect(second).not.toBe(first);
    const inode = async (folder: string, path: string) => (await stat(join(folder, path))).ino;
    expect(await inode(second, 'Kconfig')).toBe(await inode(first, 'Kconfig'));
    expect(await inode(second, 'drivers/Kconfig')).not.toBe(await inode(first, 'drivers/Kconfig'));
    expect(await readFile(join(first, 'drivers/Kconfig'), 'utf8')).toBe(FILES['drivers/Kconfig']);
    // the script that only the old text named is not there any more
    expect(await filesIn(second)).not.toContain('tools/probe.sh');
  });

  test('the same commit twice, or at once, is made one time and nothing unfinished stays', async () => {
    const tree = mapTree(FILES);
    const made = await Promise.all([materialise(tree, dir), materialise(tree, dir)]);
    expect(new Set([...made, await materialise(tree, dir)]).size).toBe(1);
    expect(await readdir(join(dir, 'trees'))).toEqual([tree.commit]);
  });

  test('a tree without an object name is refused: nothing may be found again under a wrong name', async () => {
    await expect(materialise({ ...mapTree(FILES), commit: '../../x' }, dir)).rejects.toThrow(TypeError);
  });

  test('a file that a source names outside of the tree is not followed', async () => {
    const made = await materialise(mapTree({ Kconfig: 'source "../../../etc/passwd"\nsource "/etc/passwd"\n' }), dir);
    expect(await filesIn(made)).toEqual(['Kconfig']);
  });
});

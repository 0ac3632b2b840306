/** From directory to directory: what is entered how, what is linked where, and what is read for it. */
import { describe, expect, test } from 'vitest';
import { KbuildStore } from '../../../rules/kbuild/files.ts';
import { KbuildTree } from '../../../rules/kbuild/kbuild-tree.ts';
import { ExprPool } from '../../../rules/kconfig/expr.ts';
import type { Tree } from '../../../rules/types.ts';
import { mapTree } from '../../support/dir-tree.ts';
import { tinyKbuild, tinyType } from './tiny-kbuild.ts';

const TOP = [
  'SRCARCH := $(ARCH)',
  'export SRCARCH',
  'libs-y := lib/',
  'include $(srctree)/arch/$(SRCARCH)/Makefile',
  'export ARCH_CORE := $(core-y)',
  'export ARCH_LIB := $(filter %/, $(libs-y))',
].join('\n');

/** A tree with the ways down that the kernel has. */
const files = {
  Makefile: TOP,
  Kbuild: 'obj-y += arch/$(SRCARCH)/ $(ARCH_CORE) $(ARCH_LIB)\nobj-$(CONFIG_BNET) += net/\nobj-y += drivers/',
  'arch/x86/Makefile':
    'core-$(CONFIG_BPCI) += arch/x86/pci/\ncore-y := $(core-y)\nlibs-$(CONFIG_BSTUB) += $(objtree)/drivers/stub/lib.a\nlibs-y += $(libs-y)',
  'arch/x86/Kbuild': 'obj-y += kernel/',
  'arch/x86/kernel/Makefile': 'obj-y += head.o',
  'arch/x86/pci/Makefile': 'obj-y += pci.o',
  'lib/Makefile': 'lib-y := string.o\nobj-y += sort.o',
  'net/Makefile': 'obj-$(CONFIG_T) += core/',
  'net/core/Makefile': 'obj-y += built.o\nobj-m += mod.o\nobj-$(CONFIG_V) += both.o\nsubdir-y += tools',
  'net/core/tools/Makefile': 'obj-y += never.o\nobj-m += left.o\nalways-y += tool.o',
  'drivers/Makefile': 'obj-$(CONFIG_T) += a/ b/\nsubdir-$(CONFIG_BSTUB) += stub\nobj-y += absent/',
  'drivers/a/Kbuild': 'obj-$(CONFIG_T) += a.o\na-y := a_main.o ../b/shared.o sub/part.o',
  'drivers/a/Makefile': 'obj-y += not_read.o',
  'drivers/b/Makefile': 'obj-$(CONFIG_V) += b.o',
  'drivers/stub/Makefile': 'lib-y := stub.o',
};

describe('a tree', () => {
  test('is descended as make descends', async () => {
    const tiny = await tinyKbuild(files);
    expect(await tiny.objects()).toEqual({
      'arch/x86/kernel/head.o': 'y | n',
      'arch/x86/pci/pci.o': 'BPCI | n',
      // Kbuild, not Makefile; a part may lie in another directory, which need not have a makefile
      'drivers/a/a_main.o': 'T=y | T=m',
      'drivers/a/sub/part.o': 'T=y | T=m',
      'drivers/b/shared.o': 'T=y | T=m',
      'drivers/b/b.o': 'T=y && V=y | V=m && T!=n',
      // by a directory that nothing is linked below; the top Makefile names its lib.a
      'drivers/stub/stub.o': 'BSTUB | n',
      'lib/sort.o': 'y | n',
      'lib/string.o': 'y | n',
      // below a directory in obj-m, obj-y is not built at all
      'net/core/both.o': 'BNET && T=y && V=y | BNET && V=m && T!=n',
      'net/core/built.o': 'BNET && T=y | n',
      'net/core/mod.o': 'n | BNET && T!=n && MODULES',
      // below subdir-y, modules are compiled and left
      'net/core/tools/left.o': 'n | n | BNET && T!=n && MODULES',
      'net/core/tools/tool.o': 'n | n | BNET && T!=n',
    });
  });

  test('tells the lines from the top down, for an object and for its source', async () => {
    const { kbuild } = await tinyKbuild(files);
    const { object, ways } = (await kbuild.conditionOf('drivers/b/shared.c'))!;
    expect(object).toBe('drivers/b/shared.o');
    expect(ways.map(({ destination }) => destination)).toEqual(['vmlinux', 'module']);
    expect(ways[0]!.composite).toBe('drivers/a/a.o');
    expect(ways[0]!.lines.map(({ path, line, text }) => `${path}:${line}: ${text}`)).toEqual([
      'Kbuild:3: obj-y += drivers/',
      'drivers/Makefile:1: obj-$(CONFIG_T) += a/ b/',
      'drivers/a/Kbuild:1: obj-$(CONFIG_T) += a.o',
      'drivers/a/Kbuild:2: a-y := a_main.o ../b/shared.o sub/part.o',
    ]);
    expect(await kbuild.conditionOf('drivers/a/a.o')).toBeUndefined();
    expect(await kbuild.conditionOf('drivers/a/not_read.c')).toBeUndefined();
    expect(await kbuild.conditionOf('nowhere/x.c')).toBeUndefined();
  });

  test('tells the line of a word, not that of its statement', async () => {
    const { kbuild } = await tinyKbuild({ Kbuild: 'parts = a.o \\\n\tb.o\nobj-y += \\\n\t$(parts) \\\n\tc.o\n' });
    const linesOf = async (path: string): Promise<number[]> =>
      (await kbuild.conditionOf(path))!.ways[0]!.lines.map(({ line }) => line);
    expect(await linesOf('b.c')).toEqual([3, 2]);
    expect(await linesOf('c.S')).toEqual([3, 5]);
  });

  test('marks libraries, and what nobody can know', async () => {
    const { kbuild } = await tinyKbuild({ ...files, 'drivers/b/Makefile': 'obj-$(shell x) += b.o' });
    expect((await kbuild.conditionOf('lib/string.c'))!.ways[0]!.isLibrary).toBe(true);
    expect((await kbuild.conditionOf('lib/string.c'))!.isUnknown).toBe(false);
    expect((await kbuild.conditionOf('drivers/b/b.c'))?.isUnknown ?? 'not named').toBe('not named');
    const other = await tinyKbuild({ ...files, 'drivers/b/Makefile': 'ifneq ($(shell x),)\nobj-y += b.o\nendif' });
    expect((await other.kbuild.conditionOf('drivers/b/b.c'))!.isUnknown).toBe(true);
  });

  test('knows the objects that hang on a symbol, and the lines that name it', async () => {
    const { kbuild } = await tinyKbuild({
      ...files,
      'drivers/b/Makefile': '# CONFIG_V\nobj-$(CONFIG_V) += b.o # CONFIG_V',
    });
    expect((await kbuild.objectsOf('V')).map(({ object }) => object).sort()).toEqual([
      'drivers/b/b.o',
      'net/core/both.o',
    ]);
    expect((await kbuild.objectsOf('BNET')).length).toBe(5);
    expect(await kbuild.objectsOf('NOBODY')).toEqual([]);
    expect(await kbuild.linesOf('V')).toEqual([
      { path: 'drivers/b/Makefile', line: 2, text: 'obj-$(CONFIG_V) += b.o # CONFIG_V' },
      { path: 'net/core/Makefile', line: 3, text: 'obj-$(CONFIG_V) += both.o' },
    ]);
  });
});

/** The tree, and what was read of it. */
function watched(texts: Readonly<Record<string, string>>): { tree: Tree; read: string[] } {
  const tree = mapTree(texts);
  const read: string[] = [];
  const note: Tree['read'] = (paths) => {
    read.push(...paths);
    return tree.read(paths);
  };
  return { read, tree: { ...tree, read: note } };
}

describe('reading', () => {
  const options = { arch: 'x86', symbolType: tinyType };

  test('one object reads the makefiles on its way and no others', async () => {
    const { tree, read } = watched(files);
    const kbuild = await KbuildTree.open(new KbuildStore(new ExprPool()), tree, options);
    await kbuild.conditionOf('drivers/a/a_main.c');
    expect(read).toEqual(['Makefile', 'arch/x86/Makefile', 'Kbuild', 'drivers/Makefile', 'drivers/a/Kbuild']);
  });

  test('the tree after a series reads what differs, and shares the rest', async () => {
    const store = new KbuildStore(new ExprPool());
    const before = await KbuildTree.open(store, mapTree(files), options);
    await before.allObjects();
    const { tree, read } = watched({ ...files, 'drivers/b/Makefile': 'obj-$(CONFIG_BX) += b.o' });
    const after = await KbuildTree.open(store, tree, options);
    await after.allObjects();
    expect(read).toEqual(['drivers/b/Makefile']);
    const words = async (kbuild: KbuildTree): Promise<string> =>
      store.conditions.pool.print((await kbuild.conditionOf('drivers/b/b.c'))!.builtIn);
    expect([await words(before), await words(after)]).toEqual(['T=y && V=y', 'T=y && BX']);
  });

  test('what was shared is not when a symbol changes its type, or a file comes that a wildcard finds', async () => {
    const store = new KbuildStore(new ExprPool());
    const texts = { Kbuild: 'obj-$(CONFIG_T) += a.o\nobj-y += $(patsubst %.c,%.o,$(wildcard w*.c))' };
    const objects = async (tree: Tree, type = tinyType): Promise<string[]> => {
      const kbuild = await KbuildTree.open(store, tree, { arch: 'x86', symbolType: type });
      return [...(await kbuild.allObjects()).values()].map(
        ({ object, module }) => `${object} ${store.conditions.pool.print(module)}`,
      );
    };
    expect(await objects(mapTree(texts))).toEqual(['a.o T=m']);
    expect(await objects(mapTree(texts), () => 1)).toEqual(['a.o n']);
    expect(await objects(mapTree({ ...texts, 'w1.c': '' }))).toEqual(['a.o T=m', 'w1.o n']);
  });

  test('a makefile that make refuses is refused where it is on the way, and nowhere else', async () => {
    const broken = { ...files, 'drivers/b/Makefile': 'obj-y += x.o\nifdef CONFIG_B\nobj-y += b.o\n' };
    const kbuild = await KbuildTree.open(new KbuildStore(new ExprPool()), mapTree(broken), options);
    expect(await kbuild.conditionOf('drivers/a/a_main.c')).toBeDefined();
    await expect(kbuild.conditionOf('drivers/b/b.c')).rejects.toThrow('drivers/b/Makefile:2: missing endif');
    await expect(kbuild.allObjects()).rejects.toThrow('drivers/b/Makefile:2: missing endif');
  });
});

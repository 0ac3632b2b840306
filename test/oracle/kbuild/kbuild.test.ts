/** A sample of what `npm run oracle` asks of make, and what the kernel's own makefiles come to. */
import { beforeAll, describe, expect, test } from 'vitest';
import { cacheDir } from '../../../queue/provision.ts';
import { KbuildStore } from '../../../rules/kbuild/files.ts';
import { KbuildTree } from '../../../rules/kbuild/kbuild-tree.ts';
import { ExprPool } from '../../../rules/kconfig/expr.ts';
import { SymbolType } from '../../../rules/kconfig/parse.ts';
import type { Tree } from '../../../rules/types.ts';
import { dirTree } from '../../support/dir-tree.ts';
import { type ArchKbuildOracle, type Comparison, KbuildOracle } from './compare.ts';
import type { Built } from './make.ts';
import { agreement, FOLDERS, kbuildDifferences, kbuildTable } from './table.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
/** The aim of the oracle. */
const LEAST = 0.995;

describe.skipIf(TREE === undefined && !process.env['CI'])('make and depbot', () => {
  let tree: Tree;
  let arm: ArchKbuildOracle;

  beforeAll(async () => {
    tree = await dirTree(TREE ?? '');
    arm = await (await KbuildOracle.open(TREE ?? '', tree, cacheDir())).arch('arm');
  }, 300_000);

  test('build the same objects of a random configuration, in the same places', async () => {
    const comparison = await arm.compare(2);
    const [...folders] = comparison.total.keys();
    expect(folders).toEqual(expect.arrayContaining([...FOLDERS]));
    expect(agreement([comparison])).toBeGreaterThanOrEqual(LEAST);
    const unexplained = kbuildDifferences([comparison])
      .split('\n')
      .filter((line) => line !== '' && !line.includes('made by a rule'));
    expect(unexplained).toEqual([]);
  }, 600_000);

  test('a make that builds other objects, or elsewhere, is noticed', async () => {
    const built: Built = new Map();
    built.set('lib/own.o', new Set(['vmlinux'])).set('mm/slub.o', new Set(['module']));
    const other = arm.with(async () => built);
    const { differences, total } = await other.compare(2);
    expect(total).toEqual(
      new Map([
        ['lib', 1],
        ['mm', 1],
      ]),
    );
    expect(differences).toContainEqual({ object: 'lib/own.o', make: ['vmlinux'], depbot: [] });
    expect(differences).toContainEqual({ object: 'mm/slub.o', make: ['module'], depbot: ['vmlinux'] });
    expect(differences).toContainEqual({ object: 'kernel/fork.o', make: [], depbot: ['vmlinux'] });
  }, 300_000);

  test('one object by itself comes to the same as with the whole tree', async () => {
    // all tristates: the question is which makefiles are read, not what the symbols are
    const store = new KbuildStore(new ExprPool());
    const options = { arch: 'arm64', symbolType: () => SymbolType.tristate };
    const all = [...(await (await KbuildTree.open(store, tree, options)).allObjects()).values()];
    const some = all.filter((_, i) => i % 97 === 0);
    expect(some.length).toBeGreaterThan(200);
    for (const { object, builtIn, module, elsewhere } of some) {
      const alone = await (await KbuildTree.open(store, tree, options)).conditionOf(object.replace(/\.o$/, '.c'));
      expect(alone).toMatchObject({ object, builtIn, module, elsewhere });
    }
  }, 300_000);
});

describe('the table', () => {
  const comparison: Comparison = {
    arch: 'x86',
    seed: 1,
    total: new Map([
      ['drivers', 100],
      ['arch', 50],
    ]),
    differences: [
      { object: 'drivers/a.o', make: ['module'], depbot: [] },
      { object: 'drivers/b.o', make: ['module'], depbot: ['vmlinux'] },
      { object: 'arch/x86/c.o', make: ['elsewhere'], depbot: [] },
    ],
  };

  test('counts by directory, and says what differs', () => {
    expect(agreement([comparison])).toBe(0.98);
    expect(agreement([])).toBe(0);
    const rows = kbuildTable([comparison, { ...comparison, seed: 2 }]).split('\n');
    expect(rows.find((row) => row.startsWith('drivers'))).toMatch(/2\/0\/2 of 200 +2\/0\/2 of 200$/);
    expect(rows.find((row) => row.startsWith('others'))).toMatch(/2\/0\/0 of 100 +2\/0\/0 of 100$/);
    expect(kbuildDifferences([comparison, { ...comparison, seed: 2 }])).toBe(
      [
        'arch/x86/c.o: made by a rule, named in no list (x86 1, x86 2)\n',
        'drivers/a.o: make: module; depbot: not at all (x86 1, x86 2)\n',
        'drivers/b.o: make: module; depbot: vmlinux (x86 1, x86 2)\n',
      ].join(''),
    );
  });
});

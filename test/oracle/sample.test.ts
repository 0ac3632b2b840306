/** A sample of `npm run oracle` for every test run: five architectures, some configurations of each kind. */
import { beforeAll, describe, expect, test } from 'vitest';
import { inParallel } from '../../queue/in-parallel.ts';
import { cacheDir } from '../../queue/provision.ts';
import type { Case } from './cases.ts';
import { archsOf, casesOf, defconfigsOf } from './cases.ts';
import { type ArchOracle, Oracle } from './compare.ts';
import { differences } from './table.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
/** A big one, one that other systems run on, two with oddities of their own, and user mode. */
const ARCHS = ['arm64', 'm68k', 'powerpc', 'um', 'x86'];
const DEFCONFIGS = 3;

/** At most DEFCONFIGS of an architecture's defconfigs, from first to last. */
function sample(tree: string, arch: string): Case[] {
  const all = defconfigsOf(tree, arch);
  const some = all.filter((_, i) => i % Math.ceil(all.length / DEFCONFIGS) === 0);
  return casesOf(some, { randconfigs: 2, distributions: [], extraEvery: DEFCONFIGS });
}

describe.skipIf(TREE === undefined && !process.env['CI'])('scripts/kconfig/conf and depbot', () => {
  const tree = TREE ?? '';
  let oracle: Oracle;

  beforeAll(async () => {
    oracle = await Oracle.open(tree, cacheDir());
  });

  for (const arch of ARCHS) {
    test(`${arch}: the same bytes in all modes, from nothing, defconfigs and random configurations`, async () => {
      const both = await oracle.arch(arch);
      const cases = sample(tree, arch);
      const results = await inParallel(cases, 2, (asked) => both.compare(asked));
      expect(differences(new Map([[arch, results]]))).toBe('');
      expect(new Set(cases.map(({ kind }) => kind)).size).toBe(8);
    });
  }

  test('a conf that differs in one line is noticed, one that agrees is not', async () => {
    const honest = await oracle.arch('um');
    const [asked] = casesOf([], { randconfigs: 0, distributions: [], extraEvery: 1 });
    expect(asked).toMatchObject({ name: 'allnoconfig' });
    expect(await honest.compare(asked!)).toEqual({ case: asked });
    const lying = honest.with((config) => config.replace('# CONFIG_MODULES is not set', 'CONFIG_MODULES=y'));
    const { difference } = await lying.compare(asked!);
    expect(difference).toMatch(/^line \d+:\n {2}conf {3}\| CONFIG_MODULES=y\n/);
    expect(difference).toContain('\n  depbot | # CONFIG_MODULES is not set\n');
  });

  test('a tree of which conf says nothing is no agreement', async () => {
    const um: ArchOracle = (await oracle.arch('um')).with(() => undefined);
    const [asked] = casesOf([], { randconfigs: 0, distributions: [], extraEvery: 1 });
    expect((await um.compare(asked!)).difference).toMatch(/^conf exited with 0/);
  });

  test('finds every architecture and all defconfigs, also those in folders', () => {
    expect(archsOf(tree)).toContain('um');
    expect(archsOf(tree)).not.toContain('Kconfig');
    const powerpc = defconfigsOf(tree, 'powerpc').map(({ path }) => path);
    expect(powerpc).toContain('arch/powerpc/configs/85xx/ksi8560_defconfig');
    expect(powerpc).not.toContain('arch/powerpc/configs/kvm_guest.config');
    expect(defconfigsOf(tree, 'i386')).toEqual(defconfigsOf(tree, 'x86'));
  });
});

/** A sample of the objects of `npm run oracle` for every test run, and the comparison itself. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cacheDir } from '../../queue/provision.ts';
import { applyMode } from '../../rules/kconfig/modes.ts';
import { Values } from '../../rules/kconfig/values.ts';
import { readC } from '../support/c-source.ts';
import { kconfigPair } from '../support/kconfig-pair.ts';
import type { Compared } from './functions.ts';
import { compareFunctions, isDefinedIn } from './functions.ts';
import { compareObjects, objectTable } from './objects.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
/** Small, and built in nearly every configuration. */
const FOLDERS = ['kernel/locking/', 'drivers/base/power/', 'block/partitions/'];

describe.skipIf(TREE === undefined && !process.env['CI'])('nm and depbot', () => {
  test('the same functions in objects of a random configuration', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'depbot-objects-'));
    try {
      const compared = await compareObjects({
        tree: TREE ?? '',
        cacheDir: cacheDir(),
        scratch,
        seed: 3,
        count: 15,
        folders: FOLDERS,
      });
      expect(compared.flatMap(({ object, differences }) => differences.map((one) => `${object}: ${one}`))).toEqual([]);
      expect(compared.length).toBeGreaterThanOrEqual(10);
      const sum = (of: 'there' | 'absent'): number => compared.reduce((total, { agreed }) => total + agreed[of], 0);
      expect(sum('there')).toBeGreaterThan(100);
      expect(sum('absent')).toBeGreaterThan(0);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }, 600_000);
});

describe('the comparison', () => {
  const TEXT = [
    '#ifdef CONFIG_A',
    'int on(void) { return g(); }',
    '#else',
    'int off(void) { return g(); }',
    '#endif',
    '#ifdef OTHER',
    'int other(void) { return g(); }',
    '#endif',
    'static int helper(void) { return g(); }',
    '',
  ].join('\n');

  async function compare(...names: string[]): Promise<Compared> {
    const folder = await mkdtemp(join(tmpdir(), 'depbot-compare-'));
    try {
      await writeFile(join(folder, 'a.c'), TEXT);
      const { store, after } = await kconfigPair('', 'config A\n\tbool "a"\n');
      const values = new Values(store.pool, after);
      applyMode(values, 'olddefconfig', { config: 'CONFIG_A=y\n' });
      const functions = names.map((name) => ({ name, global: true }));
      const built = { object: 'a.o', source: 'a.c', isModule: false, functions };
      return await compareFunctions(folder, built, values, async (text) => ({ ok: true, file: readC(text) }));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  test('accepts what is there, and what the compiler may have dropped', async () => {
    const aside = { inlined: 1, generated: 0, opaque: 1 };
    expect(await compare('on')).toEqual({ object: 'a.o', differences: [], agreed: { there: 1, absent: 1 }, aside });
    expect((await compare('on', 'helper.isra.0', 'other', '__pfx_on')).differences).toEqual([]);
    expect((await compare('on', 'made_by_a_macro')).aside.generated).toBe(1);
  });

  test('notices a function that is not in the object, and one that should not be', async () => {
    expect((await compare('off')).differences).toEqual([
      'on is there by our conditions, but not in the object',
      'off is absent by our conditions, but in the object',
    ]);
  });

  test('notices a function that we have not found', () => {
    expect(isDefinedIn('static int\nf(int a,\n  int b)\n{\n', 'f')).toBe(true);
    expect(isDefinedIn('int f(int a);\nint g(void)\n{\n\tf(1);\n}\n', 'f')).toBe(false);
  });

  test('is printed with every difference', async () => {
    const table = objectTable([await compare('on'), await compare()]);
    expect(table).toContain('a.o: on is there by our conditions, but not in the object');
    expect(table).toContain('1 of 2 objects have the functions that our conditions say, by nm: 1 there, 2 absent');
  });
});

import { describe, expect, test } from 'vitest';
import type { Candidate } from '../../rules/rule.ts';
import rule from '../../rules/undefined-symbol.ts';
import { sides } from '../support/kconfig-pair.ts';
import { fakeConf, runRule } from '../support/rule-run.ts';

async function candidates(files: Record<string, string>): Promise<readonly Candidate[]> {
  const pairs = Object.entries(files).map(([path, text]) => [path, ...sides(text)] as const);
  const pick = (side: 1 | 2) =>
    Object.fromEntries(pairs.flatMap(([path, ...texts]) => (texts[side - 1] === '' ? [] : [[path, texts[side - 1]!]])));
  return runRule(rule, pick(1), pick(2));
}

const symbols = (found: readonly Candidate[]): unknown[] => found.map(({ claim }) => claim.symbol);
const A = 'config A\n\tbool "a"\n';

describe('a reference that comes in', () => {
  test.each([
    ['depends on', `${A}{/\tdepends on GONE\n}`, 'it counts as n, so this dependency of A is never met'],
    ['depends on, as an alternative', `${A}{/\tdepends on GONE || A2\n}config A2\n\tbool\n`, 'it counts as n there'],
    ['select', `${A}{/\tselect GONE\n}`, 'this select has no effect'],
    ['imply', `${A}{/\timply GONE\n}`, 'this imply has no effect'],
    ['the condition of a select', `${A}{/\tselect B if GONE\n}config B\n\tbool\n`, 'it counts as n in this condition'],
    ['default', `${A}{/\tdefault GONE\n}`, 'it counts as n there'],
    ['if', `{/if GONE\n}${A}{/endif\n}`, 'it counts as n, so this condition is never met'],
  ])('in Kconfig: %s', async (_, Kconfig, consequence) => {
    const found = await candidates({ Kconfig });
    expect(symbols(found)).toEqual(['GONE']);
    expect(found[0]?.claim).toMatchObject({ how: 'introduced', where: 'kconfig', consequence, total: 1 });
  });

  test.each([
    ['#ifdef', '{/#ifdef CONFIG_GONE\n#endif\n}', 'so the condition has the same outcome'],
    ['#elif', '#if X\n{/#elif defined(CONFIG_GONE)\n}#endif\n', 'so the condition has the same outcome'],
    ['IS_ENABLED', '{/\tif (IS_ENABLED(CONFIG_GONE))\n}', 'so this IS_ENABLED() is always 0'],
  ])('in C: %s', async (_, text, consequence) => {
    const found = await candidates({ Kconfig: A, 'a.c': `int x;\n${text}` });
    expect(symbols(found)).toEqual(['GONE']);
    expect(found[0]?.claim).toMatchObject({ where: 'c', consequence: expect.stringContaining(consequence) });
  });

  test.each([
    ['an object', 'obj-y += b.o\n{/obj-$(CONFIG_GONE) += a.o\n}', 'so this object is never built'],
    ['a condition', 'obj-y += b.o\n{/ifdef CONFIG_GONE\nendif\n}', 'it is empty in every configuration'],
  ])('in a Makefile: %s', async (_, Makefile, consequence) => {
    const found = await candidates({ Kconfig: A, Makefile });
    expect(found[0]?.claim).toMatchObject({
      symbol: 'GONE',
      where: 'kbuild',
      consequence: expect.stringContaining(consequence),
    });
  });

  test.each([
    ['in a comment', 'int x;\n{//* #ifdef CONFIG_GONE */\n}'],
    ['in a string', 'char *s{/ = "IS_ENABLED(CONFIG_GONE"};\n'],
    ['of a symbol that is defined', 'int x;\n{/#ifdef CONFIG_A\n#endif\n}'],
    ['of a module of one', 'int x;\n{/#ifdef CONFIG_A_MODULE\n#endif\n}'],
    ['by a name that a macro puts together', 'int x;\n{/#if CONFIG_A_ ## X\n#endif\n}'],
    ['of a macro of its own', '#define CONFIG_GONE 1\n{/#ifdef CONFIG_GONE\n#endif\n}'],
    ['by a name that the file had before', '#ifdef CONFIG_GONE\n#endif\n{/#ifndef CONFIG_GONE\n#endif\n}'],
  ])('counts not %s', async (_, text) => {
    expect(symbols(await candidates({ Kconfig: A, 'a.c': text }))).toEqual([]);
  });

  test.each(['Documentation/a.c', 'tools/a.c', 'scripts/a.c', 'arch/x86/configs/a_defconfig', 'a.rst'])(
    'counts not in %s',
    async (path) => {
      expect(
        symbols(await candidates({ Kconfig: A, [path]: 'x\n{/#ifdef CONFIG_GONE\n#endif\nCONFIG_GONE=y\n}' })),
      ).toEqual([]);
    },
  );

  test('that only moves to another file is not new; one more is', async () => {
    const from = '{config B\n\tbool\n\tdepends on GONE\n/}config C\n\tbool\n';
    const to = '{/config B\n\tbool\n\tdepends on GONE\n}config D\n\tbool\n';
    expect(symbols(await candidates({ Kconfig: A, 'a/Kconfig': from, 'b/Kconfig': to }))).toEqual([]);
    expect(
      symbols(
        await candidates({ Kconfig: A, 'a/Kconfig': from, 'b/Kconfig': to, 'c/Kconfig': `${A}{/\tselect GONE\n}` }),
      ),
    ).toEqual(['GONE']);
  });

  test('names the one symbol that was meant', async () => {
    const named = async (text: string) => (await candidates({ Kconfig: text }))[0]?.claim['similar'];
    expect(await named(`config REGMAP_I2C\n\tbool\n\n${A}{/\tselect REGMAP_I2CC\n}`)).toBe('REGMAP_I2C');
    expect(
      await named(`config REGMAP_I2C\n\tbool\n\nconfig REGMAP_I3C\n\tbool\n\n${A}{/\tselect REGMAP_I4C\n}`),
    ).toBeUndefined();
    expect(await named(`${A}{/\tselect SOMETHING_ELSE\n}`)).toBeUndefined();
  });
});

describe('a definition that goes', () => {
  const B = 'config B\n\tbool\n\tdepends on A\n';

  test('leaves its users behind', async () => {
    const [one] = await candidates({
      Kconfig: `{${A}/}${B}`,
      'a.c': '#ifdef CONFIG_A\n#endif\n',
      Makefile: 'obj-$(CONFIG_A) += a.o\n',
    });
    expect(one?.claim).toMatchObject({
      symbol: 'A',
      how: 'definition-removed',
      removed: { path: 'Kconfig', line: 1 },
      total: 3,
      consequence: 'it counts as n wherever it is named',
    });
    expect(one?.evidence.map((fact) => fact.kind === 'source' && `${fact.path}:${fact.line}`)).toEqual([
      'Kconfig:3',
      'Makefile:1',
      'a.c:1',
    ]);
  });

  test('may be a rename', async () => {
    const rename = async (text: string) =>
      (await candidates({ Kconfig: `${text}\n\tbool\n${B}` }))[0]?.claim['renamedTo'];
    expect(await rename('config {A/A_NEW}')).toBe('A_NEW');
    expect(await rename('{config A/# gone\nconfig C}')).toBeUndefined();
  });

  test('leaves nobody behind', async () => {
    expect(await candidates({ Kconfig: `{${A}/}config C\n\tbool\n`, 'a.c': 'int x;\n' })).toEqual([]);
  });

  test('of two leaves the other', async () => {
    expect(await candidates({ Kconfig: `{${A}/}${B}`, 'arch/arm/Kconfig': A })).toEqual([]);
  });

  test('is not hidden by a defconfig or a document that sets the old name', async () => {
    const files = {
      Kconfig: `{${A}/}${B}`,
      'arch/x86/configs/a_defconfig': 'CONFIG_A=y\n',
      'Documentation/a.txt': '#define CONFIG_A 1\n',
    };
    expect(symbols(await candidates(files))).toEqual(['A']);
    expect(symbols(await candidates({ ...files, Makefile: 'CONFIG_A := y\n' }))).toEqual([]);
    expect(symbols(await candidates({ ...files, Makefile: 'ccflags-y += -DCONFIG_A\n' }))).toEqual([]);
  });
});

describe('conf', () => {
  const run = async (config: string | undefined, path = 'a.c') => {
    const [one] = await candidates({ Kconfig: A, [path]: 'int x;\n{/#ifdef CONFIG_GONE\n#endif\n}' });
    const conf = fakeConf(() => ({ config, exitCode: config === undefined ? 1 : 0 }));
    const attempts = await one?.confirm(conf);
    return { agrees: attempts?.map((attempt) => attempt.agrees), asked: conf.asked };
  };

  test('agrees where a configuration that asks for the symbol comes out without it', async () => {
    expect(await run('CONFIG_A=y\n')).toEqual({ agrees: [true], asked: ['after x86 CONFIG_GONE=y\n'] });
    expect((await run('', 'arch/arm/a.c')).asked).toEqual(['after arm CONFIG_GONE=y\n']);
  });

  test.each(['CONFIG_GONE=y\n', '# CONFIG_GONE is not set\n', undefined])('disagrees with %j', async (config) => {
    expect((await run(config)).agrees).toEqual([false]);
  });
});

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
    ['in Kconfig alone', { Kconfig: `${A}{/\tdepends on GONE\n}` }, false],
    ['in C alone', { Kconfig: A, 'a.c': 'int x;\n{/#ifdef CONFIG_GONE\n#endif\n}' }, true],
    ['in both', { Kconfig: `${A}{/\tselect GONE\n}`, 'a.c': 'int x;\n{/#ifdef CONFIG_GONE\n#endif\n}' }, true],
  ])('%s says whether code names it', async (_, files: Record<string, string>, isInCode) => {
    expect((await candidates(files))[0]?.claim).toMatchObject({ symbol: 'GONE', isInCode });
  });

  test('in a Makefile of scripts/', async () => {
    const files = { Kconfig: A, 'scripts/Makefile.ubsan': 'x := 1\n{/y-$(CONFIG_GONE) += -g\n}' };
    expect(symbols(await candidates(files))).toEqual(['GONE']);
  });

  test.each(['\n', '\r\n'])('in a call over two lines (%j)', async (eol) => {
    const found = await candidates({ Kconfig: A, 'a.c': `int x;${eol}{/if (IS_ENABLED(${eol}\tCONFIG_GONE))${eol}}` });
    expect(found[0]?.claim).toMatchObject({ symbol: 'GONE', consequence: expect.stringContaining('IS_ENABLED()') });
    expect(found[0]?.anchor.line).toBe(3);
  });

  test.each([
    ['equal to', 'GONE = y', 'its name is compared as text, so this comparison is never true'],
    ['other than', 'GONE != n', 'its name is compared as text, so this comparison is always true'],
  ])('in a comparison: %s', async (_, condition, consequence) => {
    const found = await candidates({ Kconfig: `${A}{/\tdepends on ${condition}\n}` });
    expect(found[0]?.claim).toMatchObject({ symbol: 'GONE', consequence });
  });

  test('counts not as a text', async () => {
    const text = 'config S\n\tstring\n{/\tdefault vanilla\n}\nconfig H\n\thex\n{/\trange ff00 ffff\n}';
    const elsewhere = `${A}{/\tdepends on S = chocolate\n}`;
    expect(symbols(await candidates({ Kconfig: text, 'a/Kconfig': elsewhere }))).toEqual([]);
    expect(symbols(await candidates({ Kconfig: text, 'a/Kconfig': `${A}{/\tdefault vanilla\n}` }))).toEqual([
      'vanilla',
    ]);
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

  test.each([
    'Documentation/a.c',
    'tools/a.c',
    'scripts/a.c',
    'scripts/kconfig/Makefile',
    'arch/x86/configs/a_defconfig',
    'a.rst',
  ])('counts not in %s', async (path) => {
    expect(
      symbols(await candidates({ Kconfig: A, [path]: 'x\n{/#ifdef CONFIG_GONE\n#endif\nCONFIG_GONE=y\n}' })),
    ).toEqual([]);
  });

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

describe('a file that nothing sources', () => {
  const TOP = 'source "arch/$(SRCARCH)/Kconfig"\n';
  const W1 = 'config W1\n\tbool "w"\n';
  const base = { Kconfig: TOP, 'arch/x86/Kconfig': A, 'arch/arm/Kconfig': A, Makefile: 'obj-y += a.o\n' };
  const sourced = { Kconfig: `${TOP}source "w1/Kconfig"\n`, 'w1/Kconfig': W1, Makefile: 'obj-$(CONFIG_W1) += w1.o\n' };
  const ALL = ['arm', 'x86'];

  test('defines nothing', async () => {
    const found = await runRule(rule, base, { ...base, ...sourced, Kconfig: TOP }, ALL);
    expect(found).toMatchObject([
      { symbols: ['W1'], anchor: { file: 'Makefile' }, claim: { how: 'not-sourced', total: 1 } },
    ]);
    expect(found[0]?.claim['references']).toMatchObject([{ declaredAt: 'w1/Kconfig', unread: 'w1/Kconfig' }]);
  });

  test('nor what it sources', async () => {
    const files = {
      ...base,
      'w1/Kconfig': 'source "w1/sub/Kconfig"\n',
      'w1/sub/Kconfig': W1,
      Makefile: sourced.Makefile,
    };
    const [one] = await runRule(rule, base, files, ALL);
    expect(one?.claim['references']).toMatchObject([{ declaredAt: 'w1/sub/Kconfig', unread: 'w1/Kconfig' }]);
  });

  test('asks for nothing', async () => {
    const files = { ...base, 'w1/Kconfig': `${W1}\tdepends on GONE\n` };
    expect(await runRule(rule, base, files, ALL)).toEqual([]);
    expect(symbols(await runRule(rule, base, { ...files, Kconfig: sourced.Kconfig }, ALL))).toEqual(['GONE']);
  });

  test.each([
    ['it is sourced', { ...base, ...sourced }, ALL],
    [
      'one architecture sources it',
      { ...base, ...sourced, Kconfig: TOP, 'arch/arm/Kconfig': 'source "w1/Kconfig"\n' },
      ALL,
    ],
    ['not every architecture was compared', { ...base, ...sourced, Kconfig: TOP }, ['x86']],
    ['none was', { ...base, ...sourced, Kconfig: TOP }, []],
  ])('is no matter where %s', async (_, files, archs) => {
    expect(await runRule(rule, base, files, archs)).toEqual([]);
  });

  test('any more leaves users behind, of all its symbols together', async () => {
    const two = { ...sourced, 'w1/Kconfig': `${W1}config W2\n\tbool\n`, 'a.c': '#ifdef CONFIG_W2\n#endif\n' };
    const found = await runRule(rule, { ...base, ...two }, { ...base, ...two, Kconfig: TOP }, ALL);
    expect(found).toMatchObject([
      {
        symbols: ['W1', 'W2'],
        anchor: { file: 'Kconfig', line: 2 },
        claim: { how: 'source-removed', removed: { path: 'Kconfig', line: 2 }, total: 2 },
      },
    ]);
    const conf = fakeConf((_, config) => ({ config: config.replace('CONFIG_W1=y\n', '') }));
    expect(await found[0]?.confirm(conf)).toMatchObject([{ agrees: false }]);
    expect(conf.asked).toEqual(['after x86 CONFIG_W1=y\nCONFIG_W2=y\n']);
  });

  test('any more leaves nobody behind', async () => {
    const { Makefile } = base;
    const before = { ...base, ...sourced, Makefile };
    expect(await runRule(rule, before, { ...before, Kconfig: TOP }, ALL)).toEqual([]);
    const moved = {
      ...before,
      Kconfig: TOP,
      'arch/arm/Kconfig': `${A}source "w1/Kconfig"\n`,
      Makefile: sourced.Makefile,
    };
    expect(await runRule(rule, { ...before, Makefile: sourced.Makefile }, moved, ALL)).toEqual([]);
  });
});

test('a search that stops at its limit says so', async () => {
  const total = async (lines: number) => {
    const text = '#ifdef CONFIG_A\n#endif\n'.repeat(lines);
    return (await candidates({ Kconfig: `{${A}/}config B\n\tbool\n`, 'a.c': text }))[0]?.claim;
  };
  expect(await total(20_000)).toMatchObject({
    atLeast: true,
    consequence: expect.stringContaining('at least that many'),
  });
  const few = await total(3);
  expect(few).toMatchObject({ total: 3, consequence: expect.not.stringContaining('at least') });
  expect(few).not.toHaveProperty('atLeast');
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

  test('is asked for another architecture where it refuses the first', async () => {
    const A3 = { Kconfig: 'source "arch/$(SRCARCH)/Kconfig"\n', 'a.c': 'int x;\n' };
    const archs = ['arc', 'arm', 'mips', 'x86'];
    const tree = { ...A3, ...Object.fromEntries(archs.map((arch) => [`arch/${arch}/Kconfig`, A])) };
    const [one] = await runRule(rule, tree, { ...tree, 'a.c': 'int x;\n#ifdef CONFIG_GONE\n#endif\n' }, archs);
    const refuse = (times: number) => {
      let left = times;
      return fakeConf(() => (left-- > 0 ? { config: undefined, exitCode: 1, stderr: 'recursive' } : { config: '' }));
    };
    const second = refuse(1);
    expect(await one?.confirm(second)).toMatchObject([{ agrees: true, exitCode: 0 }]);
    expect(second.asked.map((line) => line.split(' ')[1])).toEqual(['x86', 'arc']);
    const none = refuse(9);
    expect(await one?.confirm(none)).toMatchObject([
      { agrees: false, exitCode: 1, excerpt: expect.stringContaining('refuses the tree on x86, arc, arm') },
    ]);
    expect(none.asked).toHaveLength(3);
  });
});

test('all that nobody can enable is counted, and the first are listed', async () => {
  const users = Array.from({ length: 25 }, (_, i) => `config U${i}\n\tbool "u"\n\tdepends on OLD\n`).join('');
  const [found] = await candidates({ Kconfig: `{config OLD\n\tbool "old"\n/}${users}` });
  expect(found?.claim).toMatchObject({ symbol: 'OLD', deadTotal: 25 });
  expect(found?.claim['dead']).toHaveLength(20);
});

test('a symbol that needs two that are gone, and who needs that', async () => {
  const text =
    '{config A\n\tbool "a"\nconfig B\n\tbool "b"\n/}config C\n\tbool "c"\n\tdepends on A && B\nconfig D\n\tbool "d"\n\tdepends on C\n';
  const found = await candidates({ Kconfig: text });
  expect(symbols(found)).toEqual(['A', 'B']);
  for (const { claim } of found) expect(claim).toMatchObject({ dead: ['C', 'D'], deadTotal: 2 });
});

test('a line that names it twice is one reference', async () => {
  const text = `${A}\tdepends on GONE || (A2 && !GONE)\nconfig A2\n\tbool "a2"\n`;
  const left = await candidates({ Kconfig: `{config GONE\n\tbool "g"\n/}${text}` });
  expect(left[0]?.claim).toMatchObject({ symbol: 'GONE', total: 1, references: [{ path: 'Kconfig' }] });
  const code = 'int x;\n{/#if defined(CONFIG_GONE) || defined(CONFIG_GONE_MODULE)\n#endif\n}';
  expect((await candidates({ Kconfig: A, 'a.c': code }))[0]?.claim).toMatchObject({ symbol: 'GONE', total: 1 });
});

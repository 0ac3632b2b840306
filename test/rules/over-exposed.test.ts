import { describe, expect, test } from 'vitest';
import rule from '../../rules/over-exposed.ts';
import type { Candidate } from '../../rules/rule.ts';
import { sides } from '../support/kconfig-pair.ts';
import { fakeConf, runRule } from '../support/rule-run.ts';

type Files = Record<string, string>;

const FOO = 'config MODULES\n\tbool "modules"\n\tmodules\n\nconfig FOO\n\ttristate "foo"\n\n';
const AUDIT = `${FOO}config FOO_AUDIT\n\tbool "audit"\n{\tdepends on FOO\n/}`;
const HEADER = '#ifdef CONFIG_FOO_AUDIT\nvoid audit(void);\n#endif\n';

function run(kconfig: string, files: Files, archs?: string[]): Promise<readonly Candidate[]> {
  const [before, after] = sides(kconfig);
  const all = { Makefile: 'VERSION = 6\n', Kbuild: 'obj-y += d/\n', ...files };
  return runRule(rule, { ...all, Kconfig: before }, { ...all, Kconfig: after }, archs);
}

/** Objects that a finding says are not built; undefined without a finding. */
async function objects(kconfig: string, files: Files): Promise<string[] | undefined> {
  const [one] = await run(kconfig, files);
  return (one?.claim['objects'] as { object: string }[] | undefined)?.map(({ object }) => object);
}

describe('nothing is built', () => {
  const FOO_O = 'obj-$(CONFIG_FOO) += foo.o\n';

  test.each<[string, Files, string[]]>([
    [
      'a part of an object that is off',
      {
        'd/Makefile': `${FOO_O}foo-y := main.o\nfoo-$(CONFIG_FOO_AUDIT) += audit.o\n`,
        'd/main.c': '',
        'd/audit.c': '',
      },
      ['d/audit.o'],
    ],
    ['code that is off', { 'd/Makefile': FOO_O, 'd/foo.c': HEADER }, ['d/foo.o']],
    [
      'a header of code that is off',
      { 'd/Makefile': FOO_O, 'd/foo.c': '#include "a.h"\n', 'd/a.h': HEADER },
      ['d/foo.o'],
    ],
    [
      'a header that another includes',
      {
        'd/Makefile': FOO_O,
        'd/foo.c': '#include <linux/b.h>\n',
        'include/linux/b.h': '#include "a.h"\n',
        'include/linux/a.h': HEADER,
      },
      ['d/foo.o'],
    ],
    [
      'code that other code includes',
      { 'd/Makefile': FOO_O, 'd/foo.c': '#include "a.c"\n', 'd/a.c': HEADER },
      ['d/foo.o'],
    ],
    [
      'flags of a folder that is off',
      { 'd/Makefile': `${FOO_O}ccflags-$(CONFIG_FOO_AUDIT) += -DX\n`, 'd/foo.c': '' },
      ['d/foo.o'],
    ],
    [
      'code that is off, with a comment elsewhere',
      { 'd/Makefile': `${FOO_O}obj-y += bar.o\n`, 'd/foo.c': HEADER, 'd/bar.c': '#endif /* CONFIG_FOO_AUDIT */\n' },
      ['d/foo.o'],
    ],
  ])('for %s', async (_, files, expected) => {
    expect(await objects(AUDIT, files)).toEqual(expected);
  });

  test.each<[string, Files]>([
    [
      'other code that is built asks for it',
      { 'd/Makefile': `${FOO_O}obj-y += bar.o\n`, 'd/foo.c': HEADER, 'd/bar.c': HEADER },
    ],
    [
      'code that is built includes the header',
      {
        'd/Makefile': `${FOO_O}obj-y += bar.o\n`,
        'd/foo.c': '#include "a.h"\n',
        'd/bar.c': '#include "a.h"\n',
        'd/a.h': HEADER,
      },
    ],
    [
      'flags are for a folder with more in it',
      { 'd/Makefile': `${FOO_O}obj-y += bar.o\nccflags-$(CONFIG_FOO_AUDIT) += -DX\n`, 'd/foo.c': '', 'd/bar.c': '' },
    ],
    ['a script asks for it', { 'd/Makefile': FOO_O, 'd/foo.c': HEADER, 'scripts/link.sh': 'is_on CONFIG_FOO_AUDIT\n' }],
    [
      'the compiler decides what is built',
      { 'd/Makefile': 'ifeq ($(shell cc --version),12)\nobj-$(CONFIG_FOO) += foo.o\nendif\n', 'd/foo.c': HEADER },
    ],
    ['nothing names it', { 'd/Makefile': FOO_O, 'd/foo.c': '' }],
  ])('is not said where %s', async (_, files) => {
    expect(await objects(AUDIT, files)).toBeUndefined();
  });

  test('for what is built into a folder of modules', async () => {
    const kconfig = `${FOO}config FOO_AUDIT\n\tbool "audit"\n\tdepends on FOO{=y/}\n`;
    const files = {
      Kbuild: 'obj-$(CONFIG_FOO) += d/\n',
      'd/Makefile': 'obj-$(CONFIG_FOO_AUDIT) += audit.o\n',
      'd/audit.c': '',
    };
    const [one] = await run(kconfig, files);
    expect(one?.claim).toMatchObject({
      objects: [{ object: 'd/audit.o', path: 'Kbuild', off: [] }],
      repairs: [{ text: 'depends on FOO=y', isInstead: false }],
    });
    expect(one?.witness?.settings).toContainEqual({ symbol: 'FOO', value: 'm' });
  });

  test('is confirmed where conf has it off without the series, and on with it', async () => {
    const [one] = await run(AUDIT, { 'd/Makefile': FOO_O, 'd/foo.c': HEADER });
    const agreement = async (before: string, after: string) => {
      const conf = fakeConf((side) => ({ config: side === 'before' ? before : after }));
      return (await one!.confirm(conf)).map(({ agrees }) => agrees);
    };
    const on = 'CONFIG_FOO_AUDIT=y\n';
    expect(await agreement('', on)).toEqual([true, true]);
    expect(await agreement(on, on)).toEqual([false, true]);
    expect(await agreement('', '# CONFIG_FOO_AUDIT is not set\n')).toEqual([true, false]);
    expect(await agreement('', `${on}CONFIG_FOO=y\n`)).toEqual([true, false]);
  });
});

describe('a platform that goes', () => {
  const ARCHS = {
    'arch/arm/Kconfig': 'config ARM\n\tdef_bool y\n\nconfig ARCH_REEF\n\tbool "reef"\n',
    'arch/x86/Kconfig': 'config X86\n\tdef_bool y\n',
    'drivers/Kconfig': 'config A\n\tbool "a"\n\tdepends on ARCH_REEF || X86 || COMPILE_TEST\n',
  };
  const kconfig = (dependency: string) =>
    `source "arch/$(SRCARCH)/Kconfig"\n\nconfig COMPILE_TEST\n\tbool "test"\n\nconfig OF\n\tbool "of"\n\nsource "drivers/Kconfig"\n\nconfig DRIVER\n\tbool "driver"\n\tdepends on ${dependency}\n`;
  const archsOf = async (dependency: string) =>
    (await run(kconfig(dependency), ARCHS, ['arm', 'x86'])).map(({ claim }) => claim['archs']);

  test.each([
    ['{ARCH_REEF/OF}', [['arm', 'x86']]],
    ['{ARCH_REEF/ARM}', [['arm']]],
    ['{X86/OF}', [['arm']]],
    ['{ARCH_REEF/OF || COMPILE_TEST}', [['arm', 'x86']]],
    ['{ARCH_REEF && OF/OF}', [['arm', 'x86']]],
  ])('is told of where it restricted: %s', async (dependency, expected) => {
    expect(await archsOf(dependency)).toEqual(expected);
  });

  test.each([
    '{ARCH_REEF/X86}',
    '{X86/X86 || ARM}',
    '{ARCH_REEF/COMPILE_TEST}',
    '{!ARCH_REEF/OF || !OF}',
    '{OF && ARCH_REEF/ARCH_REEF}',
  ])('is not told of where something takes its place: %s', async (dependency) => {
    expect(await archsOf(dependency)).toEqual([]);
  });
});

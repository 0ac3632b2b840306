/** What a file uses although all that declares it stands under a condition: kinds of uses, and what is no fault. */
import { describe, expect, it } from 'vitest';
import { HeaderReach, WordStore } from '../../../rules/source/header-reach.ts';
import { conditionalUses } from '../../../rules/source/undeclared.ts';
import type { Arch, Tree } from '../../../rules/types.ts';
import { kconfigText } from '../../support/c-source.ts';

function treeOf(files: Readonly<Record<string, string>>): Tree {
  return {
    commit: '0'.repeat(40),
    paths: async () => Object.keys(files).sort(),
    blob: async (path) => (path in files ? `blob of ${path} ${files[path]}` : undefined),
    read: async (paths) => new Map(paths.flatMap((path) => (path in files ? [[path, files[path]!]] : []))),
    grep: async () => [],
  };
}

/** `kind name: condition` of each use of drivers/a.c. */
async function usesOf(files: Readonly<Record<string, string>>, arch?: Arch): Promise<string[]> {
  const tree = treeOf(files);
  const uses = await conditionalUses(tree, 'drivers/a.c', new HeaderReach(tree, new WordStore()), arch);
  return (uses ?? []).map(({ kind, of, name, line, declared }) => {
    const whole = of === undefined ? name : `${of}.${name}`;
    return `${kind} ${whole} line ${line}: ${kconfigText(declared)}`;
  });
}

const INCLUDE = '#include <linux/x.h>\n';
const only = (text: string): string => `#ifdef CONFIG_X\n${text}\n#endif\n`;

describe('a use of what stands under a condition', () => {
  it.each([
    ['a prototype', only('int x_go(int a);'), 'int f(void)\n{\n\treturn x_go(1);\n}\n', ['function x_go line 4: X=y']],
    [
      'a head in two lines',
      only('static inline int\nx_go(int a)\n{\n\treturn a;\n}'),
      'int f(void)\n{\n\treturn x_go(1);\n}\n',
      ['function x_go line 4: X=y'],
    ],
    ['a macro', only('#define X_MOST 4'), 'int n = X_MOST;\n', ['macro X_MOST line 2: X=y']],
    [
      'a structure that is made',
      `struct x;\n${only('struct x {\n\tint a;\n};')}`,
      'static struct x mine = {\n};\n',
      ['struct x line 2: X=y'],
    ],
    [
      'a member, by a parameter',
      `struct x {\n${only('\tint a;')}\n};`,
      'int f(struct x *p, struct y *q)\n{\n\treturn p->a;\n}\n',
      ['member x.a line 4: X=y'],
    ],
    [
      'a member of a member',
      `struct x {\n${only('\tint a;')}\n};\nstruct z {\n\tstruct x x;\n};\n`,
      'int f(void)\n{\n\tstruct z z, *y = &z;\n\n\treturn y->x.a;\n}\n',
      ['member x.a line 6: X=y'],
    ],
    [
      'a member of an initialiser',
      `struct x {\n${only('\tint a;')}\n\tint b;\n};`,
      'static const struct x mine = {\n\t.b = 1,\n\t.a = 2,\n};\n',
      ['member x.a line 4: X=y'],
    ],
  ])('is found: %s', async (_, header, code, expected) => {
    expect(await usesOf({ 'include/linux/x.h': header, 'drivers/a.c': INCLUDE + code })).toEqual(expected);
  });

  it.each([
    [
      'a stub in the other branch',
      '#ifdef CONFIG_X\nint x_go(void);\n#else\nstatic inline int x_go(void) { return 0; }\n#endif\n',
    ],
    ['a declaration beside', `${only('int x_go(void);')}extern int x_go(void);\n`],
    [
      'a name that a macro puts together',
      `${only('int x_go_far(void);')}#define MAKE(n) int x_##n(void);\nMAKE(go_far)\n`,
    ],
    ['a condition that the configuration does not decide', '#ifndef x_go\nint x_go(void);\n#endif\n'],
  ])('is none where there is %s', async (_, header) => {
    const code = `${INCLUDE}int f(void)\n{\n\treturn ${/x_go_far/.test(header) ? 'x_go_far' : 'x_go'}();\n}\n`;
    const uses = await usesOf({ 'include/linux/x.h': header, 'drivers/a.c': code });
    expect(uses.filter((use) => !use.endsWith(': y'))).toEqual([]);
  });

  it('is none for a function of the file itself, a pointer to one, and a structure that is only pointed to', async () => {
    const header = `struct x;\n${only('int x_go(void);\nint x_ptr(void);\nstruct x {\n\tint a;\n};')}`;
    const code =
      'static int\nx_go(void)\n{\n\treturn 0;\n}\nint f(int (*x_ptr)(void), struct x *p)\n{\n\treturn x_go() + x_ptr();\n}\n';
    expect(await usesOf({ 'include/linux/x.h': header, 'drivers/a.c': INCLUDE + code })).toEqual([]);
  });

  it('tells when its line is compiled', async () => {
    const files = {
      'include/linux/x.h': only('int x_go(void);'),
      'drivers/a.c': `${INCLUDE}#ifdef CONFIG_X\nint f(void)\n{\n\treturn x_go();\n}\n#endif\n`,
    };
    const tree = treeOf(files);
    const uses = await conditionalUses(tree, 'drivers/a.c', new HeaderReach(tree, new WordStore()));
    expect(uses?.map(({ when }) => kconfigText(when))).toEqual(['X=y']);
  });
});

describe('headers in reach', () => {
  const code = 'int f(void)\n{\n\treturn x_go();\n}\n';

  it('are those that a header includes under a condition, with it', async () => {
    const files = {
      'include/linux/y.h': only('#include <linux/x.h>'),
      'include/linux/x.h': `${only('int x_go(void);')}int x_stop(void);\n`,
      'drivers/a.c': `#include <linux/y.h>\n${code}`,
    };
    expect(await usesOf(files)).toEqual(['function x_go line 4: X=y']);
  });

  it('are those of the architecture', async () => {
    const files = {
      'arch/arm/include/asm/x.h': 'int x_go(void);\n',
      'include/asm-generic/x.h': only('int x_go(void);'),
      'drivers/a.c': `#include <asm/x.h>\n${code}`,
    };
    expect(await usesOf(files, 'x86')).toEqual(['function x_go line 4: X=y']);
    expect(await usesOf(files, 'arm')).toEqual([]);
  });

  it('are found by the end of their path where a makefile names the folder', async () => {
    const files = {
      'drivers/core/inc/x.h': only('int x_go(void);'),
      'drivers/a.c': `#include "x.h"\n${code}`,
    };
    expect(await usesOf(files)).toEqual(['function x_go line 4: X=y']);
  });

  it('may include each other', async () => {
    const files = {
      'include/linux/x.h': `#include <linux/y.h>\n${only('int x_go(void);')}`,
      'include/linux/y.h': '#include <linux/x.h>\n',
      'drivers/a.c': INCLUDE + code,
    };
    expect(await usesOf(files)).toEqual(['function x_go line 4: X=y']);
  });
});

import { describe, expect, it } from 'vitest';
import { CTree } from '../../../rules/source/c-definitions.ts';
import { CFileCache } from '../../../rules/source/c-file-cache.ts';
import { HeaderReach, WordStore } from '../../../rules/source/header-reach.ts';
import { type Meaning, Unit } from '../../../rules/source/meanings.ts';
import { kconfigText, readC } from '../../support/c-source.ts';
import { mapTree } from '../../support/dir-tree.ts';

/** What `f` can stand for in a.c: `path:line kind condition`. */
async function meaningsOfF(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const tree = new CTree(mapTree(files), new CFileCache(async (text) => ({ ok: true, file: readC(text) })));
  const unit = await Unit.open(tree, 'a.c', new HeaderReach(tree.tree, new WordStore()));
  return (await unit!.meanings('f')).map(shown);
}

const shown = ({ path, line, kind, when, constant, alias }: Meaning): string =>
  `${path}:${line} ${kind} ${kconfigText(when)}${constant ? ` ${constant.k}` : ''}${alias === undefined ? '' : ` ${alias}`}`;

const STUB = 'static inline int f(void)\n{\n\treturn -ENODEV;\n}\n';
const USER = '#include <linux/a.h>\n';

const CASES: readonly (readonly [
  what: string,
  files: Readonly<Record<string, string>>,
  expected: readonly string[],
])[] = [
  [
    'a prototype and the stub in its place',
    { 'a.c': USER, 'include/linux/a.h': `#ifdef CONFIG_A\nint f(void);\n#else\n${STUB}#endif\n` },
    ['include/linux/a.h:2 declared A=y', 'include/linux/a.h:4 constant !(A=y) errno'],
  ],
  [
    'a stub whose name begins its line',
    {
      'a.c': USER,
      'include/linux/a.h': `#ifdef CONFIG_A\nint f(void);\n#else\n${STUB.replace('int f', 'int\nf')}#endif\n`,
    },
    ['include/linux/a.h:2 declared A=y', 'include/linux/a.h:5 constant !(A=y) errno'],
  ],
  [
    'the stub in another header',
    {
      'a.c': `${USER}#include <linux/b.h>\n`,
      'include/linux/a.h': '#ifdef CONFIG_A\nint f(void);\n#endif\n',
      'include/linux/b.h': `#ifndef CONFIG_A\n${STUB}#endif\n`,
    },
    ['include/linux/a.h:2 declared A=y', 'include/linux/b.h:2 constant !(A=y) errno'],
  ],
  [
    'two functions of the file itself',
    { 'a.c': '#ifdef CONFIG_A\nint f(int x)\n{\n\treturn g(x);\n}\n#else\nint f(int x)\n{\n\treturn 0;\n}\n#endif\n' },
    ['a.c:2 code A=y', 'a.c:7 constant !(A=y) int'],
  ],
  [
    'a macro that hands its arguments on, one that hands on others, and one that does more',
    { 'a.c': '#ifdef CONFIG_A\n#define f(x) g(x)\n#elif C\n#define f(x) g(x, 1)\n#else\n#define f(x) !g(x)\n#endif\n' },
    ['a.c:2 alias A=y g', 'a.c:4 wrapper n ... !(A=y) g', 'a.c:6 unclear n ... !(A=y)'],
  ],
  [
    'a prototype alone, from which nothing is to be learned',
    { 'a.c': USER, 'include/linux/a.h': 'int f(void);\n' },
    [],
  ],
  [
    'a header that is included under a condition',
    { 'a.c': `#ifdef CONFIG_B\n${USER}#endif\n`, 'include/linux/a.h': STUB },
    ['include/linux/a.h:1 constant B=y errno'],
  ],
  [
    'a header of a folder that only a makefile can tell, where nothing is sure',
    { 'a.c': '#include "a.h"\n', 'drivers/x/a.h': STUB, 'drivers/y/a.h': '' },
    ['drivers/x/a.h:1 constant n ... y errno'],
  ],
  [
    'a generic header, which an architecture may replace',
    { 'a.c': '#include <asm/a.h>\n', 'include/asm-generic/a.h': STUB },
    ['include/asm-generic/a.h:1 constant n ... y errno'],
  ],
  [
    'a weak function, which another file may replace',
    { 'a.c': '__weak int f(void)\n{\n\treturn -ENODEV;\n}\n' },
    ['a.c:1 code y'],
  ],
];

describe('what a called name can stand for', () => {
  it.each(CASES)('%s', async (_, files, expected) => {
    expect(await meaningsOfF(files)).toEqual(expected);
  });
});

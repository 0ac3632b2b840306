import { describe, expect, it } from 'vitest';
import { CTree } from '../../../rules/source/c-definitions.ts';
import { CFileCache } from '../../../rules/source/c-file-cache.ts';
import { HeaderReach, WordStore } from '../../../rules/source/header-reach.ts';
import { Unit } from '../../../rules/source/meanings.ts';
import { MemberSets } from '../../../rules/source/member-sets.ts';
import { UserSearch } from '../../../rules/source/users.ts';
import { kconfigText, readC } from '../../support/c-source.ts';
import { mapTree } from '../../support/dir-tree.ts';

type Files = Readonly<Record<string, string>>;

const openTree = (files: Files): CTree =>
  new CTree(mapTree(files), new CFileCache(async (text) => ({ ok: true, file: readC(text) })));

/** Who comes to `f` of a.c: `path condition`; `anybody`. */
async function usersOfF(files: Files): Promise<readonly string[]> {
  const tree = openTree(files);
  const reach = new HeaderReach(tree.tree, new WordStore());
  const search = new UserSearch(tree, (path) => Unit.open(tree, path, reach));
  const read = await tree.file('a.c');
  if (!read?.ok) throw new Error('a.c cannot be read');
  const { file } = read;
  const one = file.functions.find(({ name }) => name === 'f')!;
  const users = await search.of({ path: 'a.c', file, function: one });
  return users?.map(({ path, when }) => `${path} ${kconfigText(when)}`) ?? ['anybody'];
}

const F = 'static int f(void)\n{\n\treturn g();\n}\n';
const TABLE = 'static const struct ops o = {\n\t.f = F,\n};\nregister_ops(o);\n';
const table = (f: string): string => F + TABLE.replace('F,', `${f},`);
const DRIVER = `${F}static struct x_driver d = {\n\t.probe = f,\n\t.driver = { .name = "x-one", .of_match_table = m },\n};\nmodule_x_driver(d);\n`;

const USERS: readonly (readonly [what: string, files: Files, expected: readonly string[]])[] = [
  ['a table that is registered', { 'a.c': table('f') }, ['a.c y']],
  ['a choice in the table', { 'a.c': table('IS_ENABLED(CONFIG_A) ? f : NULL') }, ['a.c A=y || A=m']],
  [
    'a macro that drops it',
    {
      'a.c': `#include <linux/a.h>\n${table('a_ptr(f)')}`,
      'include/linux/a.h':
        '#define IF(cond, ptr) ((cond) ? (ptr) : NULL)\n#define a_ptr(p) IF(IS_ENABLED(CONFIG_A), (p))\n',
    },
    ['a.c A=y || A=m'],
  ],
  [
    'a registering function that is a stub',
    {
      'a.c': `#include <linux/a.h>\n${F}int init(void)\n{\n\treturn a_register(f);\n}\n`,
      'include/linux/a.h':
        '#ifdef CONFIG_A\nint a_register(int (*f)(void));\n#else\nstatic inline int a_register(int (*f)(void))\n{\n\treturn 0;\n}\n#endif\n',
    },
    ['a.c A=y'],
  ],
  [
    'a caller that asks, through one that does not',
    {
      'a.c': `${F}static int h(void)\n{\n\treturn f();\n}\nint init(void)\n{\n\tif (IS_ENABLED(CONFIG_A) && h())\n\t\treturn 1;\n\treturn 0;\n}\n`,
    },
    ['a.c A=y || A=m'],
  ],
  [
    'functions that call each other and that nobody calls',
    { 'a.c': `${F}static int g(void)\n{\n\treturn f();\n}\n` },
    ['a.c n'],
  ],
  ['a function that only the text of a macro says', { 'a.c': `${F}#define OPS .f = f\n` }, ['a.c n ... y']],
  [
    'a shared function, by its prototype and a caller',
    {
      'a.c': F.replace('static ', ''),
      'a.h': 'int f(void);\n',
      'b.c': 'int init(void)\n{\n\tif (!IS_ENABLED(CONFIG_A))\n\t\treturn 0;\n\treturn f();\n}\n',
    },
    ['b.c A=y || A=m'],
  ],
  [
    'a shared function, in the text of a header',
    { 'a.c': F.replace('static ', ''), 'a.h': '#define call_f() f()\n' },
    ['anybody'],
  ],
  ['a driver that a device tree matches', { 'a.c': DRIVER }, ['a.c OF=y || OF=m']],
  ['the same with a table of ids', { 'a.c': DRIVER.replace('.probe', '.id_table = i,\n\t.probe') }, ['a.c y']],
  [
    'the same where somebody registers a device by its name',
    { 'a.c': DRIVER, 'b.c': 'static struct platform_device p = {\n\t.name = "x-one",\n};\n' },
    ['a.c y'],
  ],
];

describe('who comes to a function', () => {
  it.each(USERS)('%s', async (_, files, expected) => {
    expect(await usersOfF(files)).toEqual(expected);
  });
});

const set = (body: string): Files => ({ 'a.c': `int init(struct s *s)\n{\n\t${body}\n\treturn 0;\n}\n` });

const SETS: readonly (readonly [what: string, files: Files, expected: string])[] = [
  ['nowhere, as far as can be seen', set(''), 'y'],
  ['under a test', set('if (IS_ENABLED(CONFIG_A))\n\t\ts->m = true;'), 'A=y || A=m'],
  ['from a test', set('s->m = IS_ENABLED(CONFIG_A);'), 'A=y || A=m'],
  ['of an array, and to 0 elsewhere', set('#ifdef CONFIG_A\n\ts->m[0] = 1;\n#else\n\ts->m[0] = 0;\n#endif'), 'A=y'],
  ['by somebody who is given its address', set('if (IS_ENABLED(CONFIG_A))\n\t\ts->m = 1;\n\tread_it(&s->m);'), 'y'],
  ['by an initialiser', { ...set('#ifdef CONFIG_A\n\ts->m = 1;\n#endif'), 'b.c': 'struct s x = { .m = 1 };\n' }, 'y'],
  ['in a macro', { ...set('#ifdef CONFIG_A\n\ts->m = 1;\n#endif'), 'a.h': '#define SET(s) ((s)->m = 1)\n' }, 'y'],
];

describe('when a member is set', () => {
  it.each(SETS)('%s', async (_, files, expected) => {
    expect(kconfigText(await new MemberSets(openTree(files)).of('m'))).toBe(expected);
  });
});

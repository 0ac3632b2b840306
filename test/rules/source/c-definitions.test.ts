import { describe, expect, it } from 'vitest';
import type { Definition } from '../../../rules/source/c-definitions.ts';
import { CTree } from '../../../rules/source/c-definitions.ts';
import type { CFile } from '../../../rules/source/c-file.ts';
import { CFileCache } from '../../../rules/source/c-file-cache.ts';
import { kconfigText, readC } from '../../support/c-source.ts';
import { mapTree } from '../../support/dir-tree.ts';

/** What `f` is in a tree: `path:line kind condition`, with the result of a stub. */
async function definitionsOfF(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const tree = new CTree(mapTree(files), new CFileCache(async (text) => ({ ok: true, file: readC(text) })));
  const { definitions, failures, isCut } = (await tree.definitions(['f'])).get('f')!;
  expect([failures, isCut]).toEqual([[], false]);
  return definitions.map(shown);
}

function shown({ path, line, kind, when, result, wraps }: Definition): string {
  const rest = result ? ` ${JSON.stringify(result)}` : wraps ? ` -> ${wraps.join(' ')}` : '';
  return `${path}:${line} ${kind} ${kconfigText(when)}${rest}`;
}

const REAL = 'int f(void)\n{\n\treturn g();\n}\n';
const STUB = 'static inline int f(void)\n{\n\treturn -ENODEV;\n}\n';
const ENODEV = '{"k":"errno","errno":"ENODEV"}';

const CASES: readonly (readonly [
  what: string,
  files: Readonly<Record<string, string>>,
  expected: readonly string[],
])[] = [
  [
    'a prototype and a stub in the header, the function in a file of its own',
    { 'a.c': REAL, 'include/a.h': `#ifdef CONFIG_A\nint f(void);\n#else\n${STUB}#endif\n` },
    ['a.c:1 real y', 'include/a.h:2 declared A=y', `include/a.h:4 stub !(A=y) ${ENODEV}`],
  ],
  [
    'the stub in another header',
    { 'a.c': REAL, 'include/a.h': 'int f(void);\n', 'include/stubs.h': `#ifndef CONFIG_A\n${STUB}#endif\n` },
    ['a.c:1 real y', 'include/a.h:1 declared y', `include/stubs.h:2 stub !(A=y) ${ENODEV}`],
  ],
  [
    'both in the same file',
    { 'a.c': `#if IS_ENABLED(CONFIG_A)\nstatic ${REAL}#else\n${STUB}#endif\n` },
    ['a.c:2 real A=y || A=m', `a.c:7 stub !(A=y || A=m) ${ENODEV}`],
  ],
  [
    'a macro as the stub',
    { 'a.h': '#ifdef CONFIG_A\nint f(void);\n#else\n#define f() do { } while (0)\n#endif\n' },
    ['a.h:2 declared A=y', 'a.h:4 stub !(A=y) {"k":"void"}'],
  ],
  [
    'a weak default',
    { 'a.c': 'int __weak f(void)\n{\n\treturn 0;\n}\n', 'arch/x86/b.c': REAL },
    ['a.c:1 stub y {"k":"int","value":0}', 'arch/x86/b.c:1 real y'],
  ],
  ['a macro around the function', { 'a.h': `#define f(x) __f(x, 1)\n` }, ['a.h:1 macro y -> __f']],
  ['another name of it', { 'a.h': `#define f __f\n` }, ['a.h:1 macro y -> __f']],
  ['a macro that only says that there is one', { 'a.h': `int f(void);\n#define f f\n` }, ['a.h:1 declared y']],
  [
    'a function that always succeeds, with its prototype',
    { 'a.h': 'int f(void);\n', 'a.c': 'int f(void)\n{\n\treturn 0;\n}\n' },
    ['a.c:1 real y {"k":"int","value":0}', 'a.h:1 declared y'],
  ],
  [
    'two constants, one for each branch',
    {
      'a.h':
        '#ifdef CONFIG_A\nstatic inline bool f(void) { return true; }\n#else\nstatic inline bool f(void) { return false; }\n#endif\n',
    },
    ['a.h:2 real A=y {"k":"bool","value":true}', 'a.h:4 real !(A=y) {"k":"bool","value":false}'],
  ],
  [
    'static functions of two files, which have nothing to do with each other',
    { 'a.c': 'static int f(void)\n{\n\treturn 0;\n}\n', 'b.c': `static ${REAL}` },
    ['a.c:1 real y {"k":"int","value":0}', 'b.c:1 real y'],
  ],
  [
    'only calls, comments, and programs of the build',
    { 'a.c': 'int g(void)\n{\n\treturn f();\n}\n/*\nf() is\n*/\n', 'tools/a.c': REAL },
    [],
  ],
];

describe('the definitions of a name in a tree', () => {
  for (const [what, files, expected] of CASES)
    it(what, async () => expect(await definitionsOfF(files)).toEqual(expected));

  it('come with the exports, and the namespace that the file sets', async () => {
    const files = {
      'a.c': `#define DEFAULT_SYMBOL_NAMESPACE NS\n${REAL}EXPORT_SYMBOL_GPL(f);\n`,
      'b.c': `${REAL}#ifdef CONFIG_A\nEXPORT_SYMBOL_NS(f, OTHER);\n#endif\n`,
    };
    const tree = new CTree(mapTree(files), new CFileCache(async (text) => ({ ok: true, file: readC(text) })));
    const { exports } = (await tree.definitions(['f'])).get('f')!;
    expect(exports).toEqual([
      { name: 'f', path: 'a.c', line: 6, gpl: true, namespace: 'NS', when: true },
      { name: 'f', path: 'b.c', line: 6, namespace: 'OTHER', when: { symbol: 'A', is: 'defined' } },
    ]);
  });

  it('leave out a file that cannot be read, and say so', async () => {
    const tree = new CTree(mapTree({ 'a.c': REAL }), new CFileCache(async () => ({ ok: false, why: 'too-deep' })));
    expect((await tree.definitions(['f'])).get('f')).toMatchObject({
      definitions: [],
      failures: [{ path: 'a.c', why: 'too-deep' }],
    });
  });

  it('are read once a blob, from where they were kept if that is whole', async () => {
    const read: string[] = [];
    const disk = new Map<string, unknown>();
    const open = (): CTree => {
      const kept = {
        get: async (blob: string) => JSON.parse(JSON.stringify(disk.get(blob) ?? null)) as unknown,
        put: async (blob: string, file: CFile) => void disk.set(blob, file),
      };
      const reading = async (text: string) => {
        read.push(text);
        return { ok: true, file: readC(text) } as const;
      };
      return new CTree(mapTree({ 'a.c': REAL, 'b.c': REAL }), new CFileCache(reading, kept));
    };
    const tree = open();
    const first = await tree.definitions(['f']);
    expect(read).toEqual([REAL]);
    expect(await tree.definitions(['f'])).toEqual(first);
    expect(await open().definitions(['f'])).toEqual(first);
    expect(read).toHaveLength(1);
    for (const blob of disk.keys()) disk.set(blob, { version: -1 });
    expect(await open().definitions(['f'])).toEqual(first);
    expect(read).toHaveLength(2);
  });
});

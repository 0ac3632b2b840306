import { describe, expect, test } from 'vitest';
import { operands } from '../../../rules/kconfig/operands.ts';
import { kconfigPair } from '../../support/kconfig-pair.ts';

const CASES: readonly (readonly [title: string, text: string, reads: readonly string[]])[] = [
  ['its dependencies', 'config FOO\n\tbool "foo"\n\tdepends on A && !B\n', ['A', 'B']],
  [
    'blocks around it',
    'if A\nmenu "m"\n\tdepends on B\n\tvisible if C\nconfig FOO\n\tbool "foo"\nendmenu\nendif\n',
    ['A', 'B', 'C'],
  ],
  ['its prompt', 'config FOO\n\tbool "foo" if A\n', ['A']],
  ['its defaults', 'config FOO\n\tbool\n\tdefault A if B\n', ['A', 'B']],
  ['its ranges', 'config FOO\n\tint "foo"\n\trange 1 A if B\n', ['1', 'A', 'B']],
  [
    'its selectors, their conditions and dependencies',
    'config FOO\n\tbool\n\nconfig A\n\tbool "a"\n\tdepends on C\n\tselect FOO if B\n',
    ['A', 'B', 'C'],
  ],
  ['who implies it', 'config FOO\n\tbool\n\nconfig A\n\tbool "a"\n\timply FOO if B\n', ['A', 'B']],
  [
    'its choice',
    'choice\n\tprompt "c"\n\tdefault FOO if B\nconfig FOO\n\tbool "foo"\nconfig A\n\tbool "a"\n\tdepends on C\nendchoice\n',
    ['A', 'B', 'C'],
  ],
];

describe('a symbol reads', () => {
  test.each(CASES)('%s', async (_, text, reads) => {
    const { store, after, readers } = await kconfigPair('', text);
    const foo = after.symbols[store.pool.symbolId('FOO')];
    if (!foo) throw new Error('FOO is declared');
    expect([...operands(store.pool, foo)].map((id) => store.pool.names[id]).sort()).toEqual(reads);
    // The readers of all architectures say so too; they may say more, never less.
    for (const name of reads) expect([...readers.of(store.pool.symbolId(name))], name).toContain(foo.id);
  });

  test('not itself, and not what it selects', async () => {
    const { store, after } = await kconfigPair('', 'config FOO\n\tbool "foo"\n\tselect A if B\n\nconfig A\n\tbool\n');
    const foo = after.symbols[store.pool.symbolId('FOO')];
    expect(foo && [...operands(store.pool, foo)]).toEqual([]);
  });

  test('what stands around the source line of its file', async () => {
    const { store, readers } = await kconfigPair('', {
      Kconfig: 'if A\nsource "b/Kconfig"\nendif\nsource "c/Kconfig"\n',
      'b/Kconfig': 'config B\n\tbool\n',
      'c/Kconfig': 'config C\n\tbool\n',
    });
    const read = [...readers.of(store.pool.symbolId('A'))].map((id) => store.pool.names[id]);
    expect(read).toEqual(['B']);
  });
});

describe('a circle', () => {
  const isCircular = async (text: string, name: string): Promise<boolean> => {
    const { store, readers } = await kconfigPair('', text);
    return readers.mayBeCircular([store.pool.symbolId(name)]);
  };
  const LOOP =
    'config A\n\tbool "a"\n\tdepends on B\n\nconfig B\n\tbool "b"\n\tdepends on A\n\nconfig C\n\tbool "c"\n\tdepends on A\n';

  test('is seen from a symbol in it', async () => {
    expect(await isCircular(LOOP, 'A')).toBe(true);
  });

  test('is not seen from one that only reads it, nor where there is none', async () => {
    expect(await isCircular(LOOP, 'C')).toBe(false);
    expect(await isCircular('config A\n\tbool "a"\n\tdepends on B\n\nconfig B\n\tbool "b"\n', 'A')).toBe(false);
  });
});

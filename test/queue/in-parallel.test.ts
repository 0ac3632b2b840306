import { describe, expect, test } from 'vitest';
import { gate, inParallel } from '../../queue/in-parallel.ts';

/** Work that ends when it is told to, by name. */
function bench() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    begun,
    work: (name: string) =>
      new Promise<string>((resolve) => {
        begun.push(name);
        ends.set(name, () => resolve(name.toUpperCase()));
      }),
    end: async (name: string) => {
      ends.get(name)?.();
      await new Promise((wake) => setImmediate(wake));
    },
  };
}

describe('inParallel', () => {
  test('gives results in the order of the items, whichever ends first', async () => {
    const { begun, work, end } = bench();
    const all = inParallel(['a', 'b', 'c'], 2, work);
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    expect(begun).toEqual(['a', 'b', 'c']);
    await end('c');
    await end('a');
    expect(await all).toEqual(['A', 'B', 'C']);
  });

  test('no items are no work', async () => {
    expect(await inParallel([], 2, () => Promise.reject(new Error('begun')))).toEqual([]);
  });

  test('rejects as soon as one does, and begins none of those that wait', async () => {
    const begun: number[] = [];
    const work = async (item: number): Promise<void> => {
      begun.push(item);
      if (item === 1) throw new Error('one');
      await new Promise(() => undefined);
    };
    await expect(inParallel([0, 1, 2, 3], 2, work)).rejects.toThrow('one');
    expect(begun).toEqual([0, 1]);
  });
});

describe('a gate', () => {
  test('is shared by all who come, and has its room again after they went', async () => {
    const { begun, work, end } = bench();
    const enter = gate(1);
    const first = enter(() => work('a'));
    const second = enter(() => work('b'));
    expect(begun).toEqual(['a']);
    await end('a');
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    expect(await Promise.all([first, second])).toEqual(['A', 'B']);
    const third = enter(() => work('c'));
    expect(begun).toEqual(['a', 'b', 'c']);
    await end('c');
    expect(await third).toBe('C');
  });
});

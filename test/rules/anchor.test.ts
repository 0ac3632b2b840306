import { describe, expect, test } from 'vitest';
import { parseDiff } from '../../bot/diff.ts';
import { PatchLines } from '../../rules/anchor.ts';
import type { Patch, Series } from '../../rules/types.ts';

/** A series of these diffs; only what an anchor needs. */
function lines(...diffs: string[]): PatchLines {
  const patches = diffs.map((body, i) => ({ n: i + 1, diff: parseDiff(body).files }) as unknown as Patch);
  return new PatchLines({ patches } as unknown as Series);
}

const modify = (hunks: string, path = 'a/Kconfig', to = path): string =>
  `diff --git a/${path} b/${to}\n${path === to ? '' : `rename from ${path}\nrename to ${to}\n`}--- a/${path}\n+++ b/${to}\n${hunks}`;

const addOf = modify('@@ -1,2 +1,3 @@\n config A\n+\tdepends on OF\n config B\n');

describe('an added line', () => {
  test('is found by path, line and text', () => {
    expect(lines(addOf).added('a/Kconfig', 2, '\tdepends on OF')).toEqual({
      patch: 1,
      file: 'a/Kconfig',
      line: 2,
      mailLines: [6, 6],
    });
  });

  test.each([
    ['another path', 'b/Kconfig', '\tdepends on OF'],
    ['another text', 'a/Kconfig', '\tdepends on X'],
    ['a context line', 'a/Kconfig', 'config B'],
  ])('is not found with %s', (_, path, text) => {
    expect(lines(addOf).added(path, 2, text)).toBeUndefined();
  });

  test('is found some lines off, as git applies hunks', () => {
    expect(lines(addOf).added('a/Kconfig', 40, '\tdepends on OF')?.line).toBe(2);
  });

  test.each(['\n', '\r\n'])('is found in a file with %j line ends', (eol) => {
    const text = `\tdepends on OF${eol === '\n' ? '' : '\r'}`;
    expect(lines(addOf).added('a/Kconfig', 2, text)?.line).toBe(2);
  });

  test('is followed through later patches: equal lines are told apart', () => {
    const above = modify(`@@ -1,1 +1,31 @@\n${'+#\n'.repeat(28)}+config C\n+\tdepends on OF\n config A\n`);
    const both = lines(addOf, above);
    expect(both.added('a/Kconfig', 32, '\tdepends on OF')).toMatchObject({ patch: 1, line: 2 });
    expect(both.added('a/Kconfig', 30, '\tdepends on OF')).toMatchObject({ patch: 2, line: 30 });
  });

  test('is followed through a rename', () => {
    const rename = modify('', 'a/Kconfig', 'b/Kconfig');
    expect(lines(addOf, rename).added('b/Kconfig', 2, '\tdepends on OF')?.patch).toBe(1);
    expect(lines(addOf, rename).added('a/Kconfig', 2, '\tdepends on OF')).toBeUndefined();
  });

  test('is gone once a later patch removes it', () => {
    const remove = modify('@@ -1,3 +1,2 @@\n config A\n-\tdepends on OF\n config B\n');
    expect(lines(addOf, remove).added('a/Kconfig', 2, '\tdepends on OF')).toBeUndefined();
  });

  test('continued by backslashes is anchored whole', () => {
    const long = modify('@@ -1,1 +1,4 @@\n config A\n+\tdepends on OF && \\\n+\t\tX\n+\tselect Y\n');
    expect(lines(long).added('a/Kconfig', 2, '\tdepends on OF && \\')?.mailLines).toEqual([6, 7]);
    expect(lines(long).added('a/Kconfig', 4, '\tselect Y')?.mailLines).toEqual([8, 8]);
  });
});

describe('a removed line', () => {
  const swap = modify('@@ -1,3 +1,3 @@\n config A\n-\tdepends on OF\n+\tdepends on X\n config B\n');

  test('is anchored with the line that took its place', () => {
    expect(lines(swap).removed('a/Kconfig', 2, '\tdepends on OF')).toMatchObject({ line: 2, mailLines: [6, 7] });
  });

  test('is anchored alone where nothing did', () => {
    const gone = modify('@@ -1,3 +1,2 @@\n config A\n-\tdepends on OF\n config B\n');
    expect(lines(gone).removed('a/Kconfig', 2, '\tdepends on OF')?.mailLines).toEqual([6, 6]);
  });

  test('is counted before the whole series', () => {
    const above = modify(`@@ -1,1 +1,11 @@\n${'+#\n'.repeat(10)} config A\n`);
    const late = modify('@@ -11,3 +11,2 @@\n config A\n-\tdepends on OF\n config B\n');
    expect(lines(above, late).removed('a/Kconfig', 2, '\tdepends on OF')).toMatchObject({ patch: 2, line: 12 });
  });

  test('is not one that the series itself had added', () => {
    const remove = modify('@@ -1,3 +1,2 @@\n config A\n-\tdepends on OF\n config B\n');
    expect(lines(addOf, remove).removed('a/Kconfig', 2, '\tdepends on OF')).toBeUndefined();
  });
});

describe('the nearest change', () => {
  test('is an added line where there is one, else a removed one', () => {
    const gone = modify('@@ -10,2 +10,1 @@\n config Z\n-\tbool\n');
    expect(lines(addOf, gone).near('a/Kconfig', 11)?.line).toBe(2);
    expect(lines(gone).near('a/Kconfig', 1)?.line).toBe(11);
  });

  test('is not in another file', () => {
    expect(lines(addOf).near('b/Kconfig', 2)).toBeUndefined();
  });
});

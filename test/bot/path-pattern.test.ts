import { performance } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import { isPathPattern, pathMatcher } from '../../bot/path-pattern.ts';

describe('pathMatcher', () => {
  test.each([
    ['drivers/net/', 'drivers/net/a.c', true],
    ['drivers/net/', 'drivers/net/b/a.c', true],
    ['drivers/net/', 'drivers/net', false],
    ['drivers/net/', 'drivers/network/a.c', false],
    ['drivers/net/', 'x/drivers/net/a.c', false],
    ['drivers/net/*', 'drivers/net/a.c', true],
    ['drivers/net/*', 'drivers/net/b/a.c', false],
    ['*/net/*', 'drivers/net/a.c', true],
    ['*/net/*', 'net/a.c', false],
    ['*/net/*', 'a/b/net/a.c', false],
    ['*/net/', 'drivers/net/b/c/a.c', true],
    // As get_maintainer.pl has it: `*` stands for slashes, too.
    ['*/net/', 'a/b/net/a.c', true],
    ['*/net/', 'net/a.c', false],
    ['net/sched', 'net/sched/a/b.c', true],
    ['net/sched', 'net/sched', false],
    ['drivers/dot.d', 'drivers/dot.d/a.c', false],
    ['net/sched', 'net/sched_x.c', false],
    ['net/core', 'net/core.c', true],
    ['net/core', 'net/core/a.c', false],
    ['kernel/fork.c', 'kernel/fork.c', true],
    ['kernel/fork.c', 'kernel/fork_c', false],
    ['kernel/fork.c', 'kernel/fork.ch', true],
    ['kernel/fork.c', 'kernel/fork.c/x', false],
    ['lib/locking*.[ch]', 'lib/locking-selftest.c', true],
    ['lib/locking*.[ch]', 'lib/locking.h', true],
    ['lib/locking*.[ch]', 'lib/locking.S', false],
    ['lib/*/x/', 'lib/a/b/x/c.c', true],
    ['lib/locking*.[ch]', 'lib/locking/a.c', false],
    ['sound/da[79]???*.c', 'sound/da9123.c', true],
    ['sound/da[79]???*.c', 'sound/da8123.c', false],
    ['a?b', 'a/b', false],
    ['a?b', 'aöb', true],
    ['a*b*c', 'abxbxc', true],
    ['a*b*c', 'abxbxcx', true],
    ['a*b*c', 'abxbx', false],
    ['a*', 'a', true],
    ['*', 'Makefile', true],
    ['*', 'lib/Makefile', false],
    ['a.[0-3]', 'a.2', true],
    ['a.[0-3]', 'a.4', false],
    ['a+(b)', 'a+(b)', true],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(isPathPattern(pattern)).toBe(true);
    expect(pathMatcher(pattern, (folder) => folder === 'net/sched' || folder === 'drivers/dot.d')(path)).toBe(expected);
  });

  test.each([
    '',
    '/drivers/',
    './drivers',
    '../x',
    'a/**',
    'a//b',
    'a[',
    'a]',
    'a[]',
    'a[z-a]',
    'a[^b]',
    'a\\b',
    'a\0',
  ])('%j is no pattern', (text) => {
    expect(isPathPattern(text)).toBe(false);
  });

  test('is quick on a path made to be slow', () => {
    const isMatch = pathMatcher(`${'*a'.repeat(20)}b`, () => false);
    const start = performance.now();
    expect(isMatch('a'.repeat(4096))).toBe(false);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

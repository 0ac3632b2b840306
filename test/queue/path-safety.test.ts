import { describe, expect, it } from 'vitest';
import { findUnsafePath, whyUnsafePath, whyUnsafeTarget } from '../../queue/path-safety.ts';
import { tinyPatch } from '../support/tiny-series.ts';

describe('whyUnsafePath', () => {
  it.each([
    '',
    '/etc/passwd',
    '\\\\host\\x',
    'C:\\x',
    'c:/x',
    '..',
    '../x',
    'a/../x',
    'a/..',
    'a\\..\\x',
    './x',
    'a//x',
    'a/',
    '.git',
    '.git/config',
    'a/.git/hooks/x',
    '.GIT/x',
    '.Git',
    'git~1/x',
    'GIT~1',
    'git~2',
    '.git ',
    '.git.',
    '.git. . ',
    '.git::$INDEX_ALLOCATION/x',
    '.g\u200cit/config',
    '\ufeff.git',
    'a\nb',
    'a\0b',
    'a\x1b[1m',
    'x'.repeat(5000),
  ])('refuses %j', (path) => {
    expect(whyUnsafePath(path)).toMatch(/^it /);
  });

  it.each([
    'Kconfig',
    'a/b.c',
    '.gitignore',
    '.gitattributes',
    'a/.github/x',
    '...',
    'a..b',
    'git',
    'git~',
    'x.git',
    'drivers/ü/ ä.c',
    '.get_maintainer.ignore',
  ])('accepts %j', (path) => {
    expect(whyUnsafePath(path)).toBeUndefined();
  });
});

describe('whyUnsafeTarget', () => {
  it.each([
    ['l', '/etc/passwd'],
    ['l', '..'],
    ['l', '../x'],
    ['a/l', '../../x'],
    ['a/l', 'b/../../x'],
    ['a/l', 'b/../x'],
    ['l', 'C:/x'],
    ['l', ''],
    ['l', '.git/config'],
    ['l', 'a\0b'],
    ['a/b/l', '../..\\..\\..\\x'],
  ])('refuses %j -> %j', (path, target) => {
    expect(whyUnsafeTarget(path, target)).toMatch(/^its target /);
  });

  it.each([
    ['l', 'x'],
    ['l', 'a/b'],
    ['a/l', '../x'],
    ['a/b/l', '../../x'],
    ['a/b/l', '../c'],
    ['l', './x'],
  ])('accepts %j -> %j', (path, target) => {
    expect(whyUnsafeTarget(path, target)).toBeUndefined();
  });
});

function mail(...files: string[]): string {
  return `Subject: [PATCH] x\n\nlog\n---\n${files.join('')}`;
}
const create = (path: string, mode = '100644', text = 'x'): string =>
  `diff --git a/${path} b/${path}\nnew file mode ${mode}\nindex 0000000..1234567\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+${text}\n`;
const drop = (path: string, mode: string): string =>
  `diff --git a/${path} b/${path}\ndeleted file mode ${mode}\nindex 1234567..0000000\n--- a/${path}\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n`;

describe('findUnsafePath', () => {
  it.each([
    ['a path that leaves the tree', [mail(create('ok')), mail(create('../x'))], 2, '../x', 'leaves the tree'],
    ['a path below .git', [mail(create('a/.GIT/x'))], 1, 'a/.GIT/x', "git's own directory"],
    ['a submodule', [mail(create('sub', '160000'))], 1, 'sub', 'submodule'],
    ['the removal of a submodule', [mail(drop('sub', '160000'))], 1, 'sub', 'submodule'],
    ['a link to an absolute path', [mail(create('l', '120000', '/etc'))], 1, 'l', 'absolute'],
    [
      'a link and a later write through it',
      [mail(create('l', '120000', 'd')), mail(create('ok')), mail(create('l/x'))],
      3,
      'l/x',
      'link l, which patch 1 makes',
    ],
    [
      'a link and a write through it in one patch',
      [mail(create('l/x'), create('l', '120000', 'd'))],
      1,
      'l/x',
      'link l, which patch 1 makes',
    ],
  ])('refuses %s, naming patch and path', (_, mails, patch, path, why) => {
    const found = findUnsafePath(mails.map((text, index) => tinyPatch(text, index + 1, mails.length)));
    expect(found).toMatchObject({ patch, path });
    expect(found?.why).toContain(`patch ${patch}`);
    expect(found?.why).toContain(path);
    expect(found?.why).toContain(why);
  });

  it.each([
    ['links inside the tree', [mail(create('a/l', '120000', '../b'))]],
    [
      'a folder in place of a link removed before',
      [mail(create('l', '120000', 'd')), mail(drop('l', '120000')), mail(create('l/x'))],
    ],
    [
      'a folder in place of a link removed in the same patch',
      [mail(create('l', '120000', 'd')), mail(drop('l', '120000'), create('l/x'))],
    ],
    ['a file beside a link', [mail(create('l', '120000', 'd'), create('lx/y'))]],
  ])('accepts %s', (_, mails) => {
    expect(findUnsafePath(mails.map((text, index) => tinyPatch(text, index + 1, mails.length)))).toBeUndefined();
  });
});

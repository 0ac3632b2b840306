/** What the oracle (test/oracle/maintainers.test.ts) does not look at: who stands in a section, and odd files. */
import { describe, expect, test } from 'vitest';
import { Maintainers } from '../../bot/maintainers.ts';
import { mapTree } from '../support/dir-tree.ts';

const TEXT = `List of maintainers
	M: *Mail* patches to: FullName <address@domain>

INPUT DRIVERS
M:	Ida Ex <Ida@Example.org>
M:	"Doe, Jo" <jo@example.org> (maintainer:INPUT)
R:	Rae <rae@example.org>
L:	linux-input@vger.kernel.org (moderated for non-subscribers)
L:	Other@Lists.example.org
S:	Maintained
# a comment

F:	drivers/input
X:	drivers/input/mouse/

TWICE
F:	fs/

TWICE
F:	net/

NOBODY
K:	a(b
N:	[z-a]
`;
const isFolder = (path: string): boolean => path === 'drivers/input';
const maintainers = Maintainers.parse(TEXT, isFolder);
const names = (path: string): string[] => maintainers.sectionsOfFile(path).map(({ name }) => name);

describe('sections', () => {
  test('have names, lines, and addresses in lower case without remarks', () => {
    expect(maintainers.sections[0]).toEqual({
      name: 'INPUT DRIVERS',
      line: 4,
      maintainers: ['ida@example.org', 'jo@example.org'],
      reviewers: ['rae@example.org'],
      lists: ['linux-input@vger.kernel.org', 'other@lists.example.org'],
    });
    expect(maintainers.sections.map(({ name }) => name)).toEqual(['INPUT DRIVERS', 'TWICE', 'TWICE', 'NOBODY']);
  });

  test('go on over blank lines and comments, up to the next name', () => {
    expect([names('drivers/input/a.c'), names('drivers/input/mouse/a.c')]).toEqual([['INPUT DRIVERS'], []]);
  });

  test('may have one name twice', () => {
    expect(maintainers.named('TWICE').map(({ line }) => line)).toEqual([16, 19]);
    expect([names('fs/a.c'), names('net/a.c')]).toEqual([['TWICE'], ['TWICE']]);
  });

  test('with patterns that cannot be read match nothing by them, and are named', () => {
    expect(maintainers.unread).toEqual(['NOBODY: N: [z-a]', 'NOBODY: K: a(b']);
    expect(names('a(b')).toEqual([]);
  });

  test('are asked for only where they matter', () => {
    const paths = ['fs/a.c', 'drivers/input/a.c'];
    const found = maintainers.sectionsOfPatch(paths, '', ({ name }) => name === 'TWICE');
    expect(found.map(({ line }) => line)).toEqual([16]);
  });
});

test('the folders of a tree are those that have files', async () => {
  const tree = mapTree({ MAINTAINERS: TEXT, 'drivers/input/a/b.c': '' });
  expect((await Maintainers.of(tree)).sectionsOfFile('drivers/input/a/b.c').map(({ name }) => name)).toEqual([
    'INPUT DRIVERS',
  ]);
  expect((await Maintainers.of(mapTree({ a: '' }))).sections).toEqual([]);
});

test('expressions of Perl with /x, and flags within', () => {
  const of = (keyword: string, line: string): number =>
    Maintainers.parse(`A\nK:\t${keyword}\n`, () => false).sectionsOfPatch([], `x\n---\n+++ b/f\n+${line}\n`).length;
  expect([of('\\b(?i:rust)\\b', 'in Rust.'), of('(?i)pidfd', 'PIDFD'), of('a b # c', 'ab'), of('[ ]x', ' x')]).toEqual([
    1, 1, 1, 1,
  ]);
  expect([of('a b', 'a b'), of('\\bbpf\\b', 'ebpf')]).toEqual([0, 0]);
});

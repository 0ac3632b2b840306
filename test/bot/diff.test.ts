import { parsePatch } from 'diff';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDiff } from '../../bot/diff.ts';
import { cpuMs, diffOf, EOLS, patchBody } from '../fixtures/mail/make.ts';

const HEAD = ['diff --git a/foo.c b/foo.c', 'index 1111111..2222222 100644', '--- a/foo.c', '+++ b/foo.c'];
const text = (...lines: string[]) => `${lines.join('\n')}\n`;

describe.each(EOLS)('parseDiff with %s', (_, eol) => {
  const parse = (body: string) => parseDiff(body.replace(/\n/g, eol));

  it('numbers every line in the mail, the old and the new file', () => {
    const { files, oddities, cutShort } = parse(patchBody());
    expect(oddities).toEqual([]);
    expect(cutShort).toBeUndefined();
    expect(files).toEqual([
      {
        kind: 'modify',
        oldPath: 'drivers/foo/Kconfig',
        newPath: 'drivers/foo/Kconfig',
        oldMode: '100644',
        newMode: '100644',
        oldBlob: '1111111111',
        newBlob: '2222222222',
        binary: false,
        mailLine: 8,
        hunks: [
          {
            mailLine: 12,
            oldStart: 1,
            oldCount: 3,
            newStart: 1,
            newCount: 4,
            section: '',
            lines: [
              { kind: 'context', text: 'config FOO', oldLine: 1, newLine: 1, mailLine: 13 },
              { kind: 'context', text: '\ttristate "Foo"', oldLine: 2, newLine: 2, mailLine: 14 },
              { kind: 'add', text: '\tselect BAR', newLine: 3, mailLine: 15 },
              { kind: 'context', text: '\tdepends on PCI', oldLine: 3, newLine: 4, mailLine: 16 },
            ],
          },
        ],
      },
    ]);
  });

  it('reads a created and a deleted file, and leaves all-zero blobs out', () => {
    const { files, oddities } = parse(
      text(
        'diff --git a/n b/n',
        'new file mode 100755',
        'index 0000000..1234567',
        '--- /dev/null',
        '+++ b/n',
        '@@ -0,0 +1 @@',
        '+x',
        'diff --git a/d b/d',
        'deleted file mode 100644',
        'index 1234567..0000000',
        '--- a/d',
        '+++ /dev/null',
        '@@ -1 +0,0 @@',
        '-x',
      ),
    );
    expect(oddities).toEqual([]);
    expect(files).toMatchObject([
      { kind: 'create', newPath: 'n', newMode: '100755', newBlob: '1234567' },
      { kind: 'delete', oldPath: 'd', oldMode: '100644', oldBlob: '1234567' },
    ]);
    expect(files[0]).not.toHaveProperty('oldPath');
    expect(files[0]).not.toHaveProperty('oldBlob');
    expect(files[1]).not.toHaveProperty('newPath');
  });

  it.each([
    [
      'a rename without change',
      ['similarity index 100%', 'rename from a/old name', 'rename to new'],
      { kind: 'rename', oldPath: 'a/old name', newPath: 'new', hunks: [] },
    ],
    [
      'a copy',
      [
        'similarity index 90%',
        'copy from x',
        'copy to y',
        'index 1111111..2222222 100644',
        '--- a/x',
        '+++ b/y',
        '@@ -1 +1 @@',
        '-a',
        '+b',
      ],
      { kind: 'copy', oldPath: 'x', newPath: 'y' },
    ],
  ])('reads %s', (_name, lines, expected) => {
    expect(parse(text('diff --git a/x b/y', ...lines))).toMatchObject({ files: [expected], oddities: [] });
  });

  it('reads a mode change, and does not call one with hunks so', () => {
    const mode = ['diff --git a/s h b/s h', 'old mode 100644', 'new mode 100755'];
    expect(parse(text(...mode))).toMatchObject({
      files: [{ kind: 'mode', oldPath: 's h', newPath: 's h', oldMode: '100644', newMode: '100755' }],
      oddities: [],
    });
    expect(
      parse(text(...mode, 'index 1111111..2222222', '--- a/s h\t', '+++ b/s h\t', '@@ -1 +1 @@', '-a', '+b')),
    ).toMatchObject({ files: [{ kind: 'modify', oldPath: 's h' }], oddities: [] });
  });

  it('reads binary files without hunks', () => {
    const binary = ['diff --git a/b.bin b/b.bin', 'index 1111111..2222222 100644'];
    for (const last of ['Binary files a/b.bin and b/b.bin differ', 'GIT binary patch\nliteral 5\nMcmZQzU|?i`U|?Y*\n']) {
      expect(parse(text(...binary, last))).toMatchObject({
        files: [{ kind: 'modify', binary: true, newPath: 'b.bin' }],
        oddities: [],
      });
    }
  });

  it('unquotes names: octal bytes are UTF-8, escapes are C', () => {
    const names = ['"a/t\\tab\\303\\244\\"\\\\.c"', '"b/t\\tab\\303\\244\\"\\\\.c"'];
    const { files, oddities } = parse(
      text(
        `diff --git ${names.join(' ')}`,
        'index 1111111..2222222 100644',
        `--- ${names[0]}`,
        `+++ ${names[1]}`,
        '@@ -1 +1 @@',
        '-a',
        '+b',
      ),
    );
    expect(oddities).toEqual([]);
    expect(files[0]).toMatchObject({ oldPath: 't\tabä"\\.c', newPath: 't\tabä"\\.c' });
  });

  it('keeps a name that leaves the tree, for the one who applies to refuse', () => {
    expect(parse(diffOf('../x')).files[0]).toMatchObject({ oldPath: '../x', newPath: '../x' });
  });

  it('reads diff -u without "diff --git", with time stamps', () => {
    const { files, oddities } = parse(
      text(
        'prose',
        'diff -urN linux.orig/foo.c linux/foo.c',
        '--- linux.orig/foo.c\t2026-01-02 10:00:00 +0000',
        '+++ linux/foo.c\t2026-01-03 10:00:00 +0000',
        '@@ -1 +1 @@',
        '-a',
        '+b',
        '--- /dev/null\t1970-01-01 00:00:00 +0000',
        '+++ b/new.c\t2026-01-03',
        '@@ -0,0 +1 @@',
        '+b',
      ),
    );
    expect(oddities).toEqual([]);
    expect(files).toMatchObject([
      { kind: 'modify', oldPath: 'foo.c', newPath: 'foo.c', mailLine: 3 },
      { kind: 'create', newPath: 'new.c' },
    ]);
  });

  it('reports names without prefix and keeps them whole', () => {
    const { files, oddities } = parse(text('--- drivers/foo.c', '+++ drivers/foo.c', '@@ -1 +1 @@', '-a', '+b'));
    expect(files[0]).toMatchObject({ newPath: 'drivers/foo.c' });
    expect(oddities).toEqual([expect.stringContaining('no a/ and b/')]);
  });

  it('takes content that looks like headers for content', () => {
    const { files, oddities } = parse(
      text(
        ...HEAD,
        '@@ -1,3 +1,3 @@ int f(void)',
        '--- a/x',
        '+++ b/x',
        ' @@ -1 +1 @@',
        '-- ',
        '+diff --git a/y b/y',
        '-- ',
        '2.47.0',
      ),
    );
    expect(oddities).toEqual([]);
    expect(files).toHaveLength(1);
    expect(files[0]?.hunks[0]?.section).toBe('int f(void)');
    expect(files[0]?.hunks[0]?.lines.map((line) => line.kind)).toEqual(['remove', 'add', 'context', 'remove', 'add']);
  });

  it('counts no line for the no-newline marker', () => {
    const { files, oddities } = parse(
      text(
        ...HEAD,
        '@@ -1 +1 @@',
        '-a',
        '\\ No newline at end of file',
        '+b',
        '\\ No newline at end of file',
        'diff --git a/z b/z',
        'old mode 100644',
        'new mode 100755',
      ),
    );
    expect(oddities).toEqual([]);
    expect(files.map((file) => file.kind)).toEqual(['modify', 'mode']);
    expect(files[0]?.hunks[0]?.lines).toHaveLength(2);
  });

  it('reports a hunk that the end of the mail cuts short, with or without signature', () => {
    for (const tail of ['', '-- \n2.47.0\n', '\n\n']) {
      const { files, oddities, cutShort } = parse(`${text(...HEAD, '@@ -1,3 +1,9 @@', ' a', '+b')}${tail}`);
      expect(cutShort).toBe('the mail ends in the middle of the hunk at mail line 5');
      expect(oddities).toEqual([]);
      expect(files[0]?.hunks[0]?.lines).toHaveLength(2);
    }
  });

  it.each([
    ['below the index line', ['diff --git a/foo.c b/foo.c', 'index 111111111111..222222222222 100644']],
    ['in the +++ line', [...HEAD.slice(0, -1), '+++ b/fo']],
    ['in the first hunk header', [...HEAD, '@@ -1,3 +1']],
    ['below the first line', ['diff --git a/foo.c b/foo.c']],
  ])('reports a file that is cut %s', (_where, lines) => {
    expect(parse(text(...lines))).toMatchObject({
      cutShort: 'the mail ends before the first hunk of foo.c',
      oddities: [],
    });
  });

  it('reports a second file that is cut in its first line, and a second hunk that is cut in its header', () => {
    const whole = [...HEAD, '@@ -1 +1 @@', '-a', '+b'];
    expect(parse(text(...whole)).cutShort).toBeUndefined();
    expect(parse(text(...whole, 'diff --git a/bar.c b/b')).cutShort).toBe("the mail ends in a file's header");
    expect(parse(text(...whole, '@@ -7,3 +')).cutShort).toBe('the mail ends in the header of a hunk, at mail line 8');
  });

  it('does not call cut what is followed by more, by a signature, or is an empty file', () => {
    const bare = ['diff --git a/foo.c b/foo.c', 'index 111111111111..222222222222 100644'];
    expect(parse(text(...bare, '-- ', '2.47.0'))).toMatchObject({
      cutShort: undefined,
      oddities: [expect.stringContaining('no hunk')],
    });
    expect(parse(text('diff --git a/foo.c b/foo.c', 'was the command.', 'It', 'says', 'so.')).cutShort).toBeUndefined();
    expect(parse(text('diff --git a/e b/e', 'new file mode 100644', 'index 0000000..e69de29'))).toMatchObject({
      cutShort: undefined,
      oddities: [],
    });
  });

  it('reports counts that claim too much and still finds the next file', () => {
    const next = ['--- a/bar.c', '+++ b/bar.c', '@@ -1 +1 @@', '-a', '+b'];
    for (const git of [[], ['diff --git a/bar.c b/bar.c']]) {
      const { files, oddities } = parse(text(...HEAD, '@@ -1,7 +1,7 @@', ' a', '+b', ...git, ...next));
      expect(files.map((file) => file.newPath)).toEqual(['foo.c', 'bar.c']);
      expect(files[0]?.hunks[0]?.lines).toHaveLength(2);
      expect(oddities).toEqual(['mail line 5: the hunk has fewer lines than its header says']);
    }
  });

  it('reports counts that claim too little', () => {
    expect(parse(text(...HEAD, '@@ -1 +1 @@', '-a', '+b', '+c')).oddities).toEqual([
      'mail line 8: the hunk goes on after the lines its header counts',
    ]);
  });

  it('reports a wrapped line and does not guess', () => {
    const { files, oddities } = parse(
      text(
        ...HEAD,
        '@@ -1,3 +1,4 @@',
        ' a',
        '+a long line that a mail',
        'program has wrapped',
        ' b',
        ' c',
        '@@ -9 +10 @@',
        '-x',
        '+y',
      ),
    );
    expect(oddities).toEqual([
      'mail line 8: a line of the hunk starts with neither blank, + nor -; it was wrapped or lost its first blank on the way',
    ]);
    expect(files[0]?.hunks.map((hunk) => hunk.lines.length)).toEqual([2, 2]);
  });

  it('reads an empty context line as git does, and reports it', () => {
    const { files, oddities } = parse(text(...HEAD, '@@ -1,3 +1,4 @@', ' a', '', '+b', ' c'));
    expect(files[0]?.hunks[0]?.lines[1]).toEqual({ kind: 'context', text: '', oldLine: 2, newLine: 2, mailLine: 7 });
    expect(oddities).toEqual([expect.stringContaining('mail line 7: 1 empty context line')]);
  });

  it('reports tabs turned to spaces where files are indented by tabs', () => {
    const spaced = (path: string) =>
      text(
        `--- a/${path}`,
        `+++ b/${path}`,
        '@@ -1,2 +1,3 @@',
        '         int a;',
        '         int b;',
        '+        int c;',
      );
    expect(parse(spaced('foo.c')).oddities).toEqual([expect.stringContaining('tabs were probably turned to spaces')]);
    expect(parse(spaced('foo.py')).oddities).toEqual([]);
  });

  it('reports invisible characters in added lines, with the mail line', () => {
    const hunk = ['@@ -1 +1,2 @@', ' a\u202e', '+if (x\u202e) {'];
    expect(parse(text(...HEAD, ...hunk)).oddities).toEqual([
      'mail line 7: the added line contains the invisible character U+202E',
    ]);
  });

  it('reads no diff in quoted text or prose', () => {
    expect(parse(diffOf().replace(/^/gm, '> ')).files).toEqual([]);
    expect(parse('--- a/x\nis an old name\n+++ b/x\n---\n').files).toEqual([]);
  });
});

describe('parseDiff', () => {
  it('keeps a CR that is content of the patched file', () => {
    const { files } = parseDiff(text(...HEAD, '@@ -1 +1 @@', '-a\r', '+b\r'));
    expect(files[0]?.hunks[0]?.lines.map((line) => line.text)).toEqual(['a\r', 'b\r']);
  });

  it('agrees with jsdiff on any well-formed diff', () => {
    const line = fc.string({ unit: fc.constantFrom('a', '+', '-', ' ', '@', '\t', '\\', '"'), maxLength: 8 });
    const hunkLine = fc.tuple(fc.constantFrom(' ', '+', '-'), line).map(([mark, rest]) => mark + rest);
    fc.assert(
      fc.property(
        fc.array(fc.array(hunkLine, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 }),
        (hunks) => {
          let at = 1;
          const all = hunks.flatMap((lines) => {
            const count = (mark: string) => lines.filter((one) => one[0] !== mark).length;
            const header = `@@ -${at},${count('+')} +${at},${count('-')} @@`;
            at += 10;
            return [header, ...lines];
          });
          const body = text(...HEAD, ...all);
          const ours = parseDiff(body).files[0]?.hunks.map((hunk) =>
            hunk.lines.map((one) => ({ context: ' ', add: '+', remove: '-' })[one.kind] + one.text),
          );
          const theirs = parsePatch(body)[0]?.hunks.map((hunk) => hunk.lines);
          expect(ours).toEqual(theirs);
          const mail = body.split('\n');
          for (const one of parseDiff(body).files.flatMap((file) => file.hunks.flatMap((hunk) => hunk.lines)))
            expect(mail[one.mailLine - 1]?.slice(1)).toBe(one.text);
        },
      ),
      { numRuns: 200, seed: 6 },
    );
  });

  it('never throws, and every line it gives is a line of the mail', () => {
    const piece = fc.constantFrom(
      'diff --git a/x b/x',
      'diff --git "a/x',
      '--- a/x',
      '+++ b/x',
      '@@ -1,2 +1,2 @@',
      '@@ -999999999 +1 @@',
      '@@',
      ' a',
      '-a',
      '+a',
      '',
      '\\ No',
      '-- ',
      '2.47',
      'rename from x',
      'rename to y',
      'index 1..2',
      'GIT binary patch',
      'new file mode 1',
      'prose',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (lines) => {
        for (const file of parseDiff(lines.join('\n')).files) {
          for (const one of file.hunks.flatMap((hunk) => hunk.lines))
            expect((lines[one.mailLine - 1] ?? '').slice(1)).toBe(one.text);
        }
      }),
      { numRuns: 500, seed: 6 },
    );
  });

  it('is done quickly with half a million empty lines in a hunk', () => {
    const work = () => {
      parseDiff(text(...HEAD, '@@ -1,999999 +1,999999 @@', '\n'.repeat(500_000), 'x'));
    };
    expect(cpuMs(work)).toBeLessThan(5000);
  });
});

import { describe, expect, test } from 'vitest';
import { printable, printableMessage } from '../../bot/printable.ts';

describe('printable', () => {
  test.each([
    ['an escape sequence', 'a\x1b[2Jb', 'a\ufffd[2Jb'],
    ['a bell and a carriage return', 'a\x07\rb', 'a\ufffd\ufffdb'],
    ['a C1 control', 'a\x9b2Jb', 'a\ufffd2Jb'],
    ['a bidirectional override', 'a\u202eb\u2066', 'a\ufffdb\ufffd'],
  ])('replaces %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test('leaves tabs, line ends and the letters of all languages alone', () => {
    const text = '> +\tdefault y\nÄnderung, 变更, שינוי 🐧\n';
    expect(printable(text)).toBe(text);
  });
});

describe('printableMessage', () => {
  test.each([
    ['indents what follows the first line', 'one\ndepbot: two\n', 'one\n    depbot: two'],
    ['leaves one line as it is', 'one', 'one'],
    ['does not let a carriage return begin a line', 'one\r\ndepbot: two', 'one\ufffd\n    depbot: two'],
  ])('%s', (_, text, shown) => {
    expect(printableMessage(text)).toBe(shown);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnsOf, isProse, WRAP_COLUMNS, wrapProse } from '../../bot/wrap.ts';

const WORDS = 'a series that changes one line of one Kconfig file is compared before and after it';
const prose = Array(4).fill(WORDS).join(' ');
const ends = [
  ['LF', '\n'],
  ['CRLF', '\r\n'],
] as const;

describe.each(ends)('with %s', (_, eol) => {
  test('prose is filled to 72 columns', () => {
    const lines = wrapProse(prose.replaceAll(' one ', ` one${eol}`)).split('\n');
    expect(lines.join(' ')).toBe(prose);
    expect(lines.length).toBe(Math.ceil(prose.length / WRAP_COLUMNS));
    for (const [i, line] of lines.entries()) {
      expect(line.length).toBeLessThanOrEqual(WRAP_COLUMNS);
      const next = lines[i + 1]?.split(' ')[0];
      expect(next === undefined || line.length + 1 + next.length > WRAP_COLUMNS).toBe(true);
    }
  });

  test.each([
    ['a quote', `> ${prose}`],
    ['a quote without a blank', `>${prose}`],
    ['an indented command', `    ${prose}`],
    ['a line that starts with a tab', `\t${prose}  `],
    ['the signature mark', '-- '],
  ])('%s stays as it is', (__, line) => {
    expect(wrapProse(['one', 'two', line, line, 'three'].join(eol))).toBe(['one two', line, line, 'three'].join('\n'));
  });

  test('blank lines part paragraphs, lines alone do not', () => {
    expect(wrapProse(['a', 'b', '', '  ', 'c', ''].join(eol))).toBe('a b\n\n\nc\n');
  });
});

test('a word wider than the line is alone on it and whole', () => {
  const path = `drivers/${'very-long-name/'.repeat(8)}Kconfig`;
  expect(wrapProse(`see ${path} there`)).toBe(`see\n${path}\nthere`);
});

test('wide characters count two columns, combining marks none', () => {
  expect(columnsOf('é')).toBe(1);
  expect(columnsOf('e\u0301')).toBe(1);
  expect(columnsOf('漢字')).toBe(4);
  expect(columnsOf('한국어')).toBe(6);
  expect(columnsOf('\u{1f427}')).toBe(2);
  expect(columnsOf('\u200bа')).toBe(1);
  expect(wrapProse('漢漢 漢漢 漢漢', 9)).toBe('漢漢 漢漢\n漢漢');
  expect(wrapProse('ab ab ab', 9)).toBe('ab ab ab');
});

test.each(['>quoted', '#depbot', '-', '---', '+++', 'Acked-by:', 'From', 'diff', 'pw-bot:'])(
  '%s does not come to stand first in a line',
  (word) => {
    for (let before = 60; before < 80; before++) {
      const wrapped = wrapProse(`${'x'.repeat(before - 2)} y ${word} z z z z z z z z z z z z z z`);
      expect(wrapped.split('\n').some((line) => line.startsWith(word))).toBe(false);
      expect(wrapped.replaceAll('\n', ' ')).toContain(`y ${word} z`);
    }
  },
);

test('other words do come to stand first in a line', () => {
  expect(wrapProse(`${'x'.repeat(70)} (from the base)`)).toBe(`${'x'.repeat(70)}\n(from the base)`);
});

test('wrapping twice is wrapping once, and leaves all that is not prose alone', () => {
  const word = fc.constantFrom(
    'a',
    'kernel',
    '>',
    '> x',
    '--',
    'From',
    'By:',
    '漢字',
    '    b',
    '\tc',
    '-- ',
    '',
    ' ',
    'y'.repeat(80),
  );
  const text = fc.array(
    fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(text, (lines) => {
      const once = wrapProse(lines.join('\n'));
      expect(wrapProse(once)).toBe(once);
      const kept = (all: readonly string[]): string[] => all.filter((line) => !isProse(line) && line.trim() !== '');
      expect(kept(once.split('\n'))).toEqual(kept(lines));
    }),
    { numRuns: 300 },
  );
});

/**
 * Prose at 72 columns; quotes, code and commands as they are.
 *
 * In a mail of ours a line that starts with `>` is quoted, a line that starts with a blank is
 * evidence or a command, `-- ` starts the signature (RFC 3676, section 4.3). Everything else is
 * prose: consecutive lines are one paragraph and are filled anew.
 * Source for 72: Documentation/process/submitting-patches.rst asks for mail that survives quoting.
 */

/** Columns of prose in a mail. */
export const WRAP_COLUMNS = 72;

/**
 * Fills the paragraphs of `text` to at most `columns` terminal columns.
 *
 * A word wider than that stays whole on a line of its own. LF and CRLF are read, LF is written.
 * Idempotent. A word that would mean something at the start of a line (a quote mark, a diff
 * marker, `From `, a header-like `Word:`) is kept on the line of the word before it, however
 * long that line gets: part of the words come from patches.
 */
export function wrapProse(text: string, columns: number = WRAP_COLUMNS): string {
  const out: string[] = [];
  let paragraph: string[] = [];
  const flush = (): void => {
    out.push(...fill(paragraph, columns));
    paragraph = [];
  };
  for (const line of text.split(/\r?\n/)) {
    if (isProse(line)) {
      paragraph.push(...line.split(/[ \t]+/).filter((word) => word !== ''));
    } else {
      flush();
      out.push(/^[ \t]+$/.test(line) ? '' : line);
    }
  }
  flush();
  return out.join('\n');
}

/** Whether `wrapProse` may touch the line: not blank, not quoted, not indented, not `-- `. */
export function isProse(line: string): boolean {
  return line !== '' && !/^[> \t]/.test(line) && line !== '-- ';
}

/**
 * Terminal columns of a text without line ends: 2 for East Asian wide characters and emoji, 0 for
 * combining marks and format characters, 1 for the rest.
 * Source: Unicode Standard Annex #11, the blocks whose characters are all `W` or `F`.
 */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const char of text) {
    columns += widthOf(char);
  }
  return columns;
}

/** First and last code point of each run of wide characters, ascending. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1faff],
  [0x20000, 0x3fffd],
];

function widthOf(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) {
    return 1;
  }
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(char)) {
    return 0;
  }
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

function fill(words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const unit of units(words)) {
    const width = columnsOf(unit);
    if (line !== '' && used + 1 + width > columns) {
      lines.push(line);
      line = '';
      used = 0;
    }
    used += width + (line === '' ? 0 : 1);
    line += line === '' ? unit : ` ${unit}`;
  }
  return line === '' ? lines : [...lines, line];
}

/** Words that belong together on one line, joined by a space. */
function units(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const last = joined.at(-1);
    if (last !== undefined && mayNotStartLine(word)) {
      joined[joined.length - 1] = `${last} ${word}`;
    } else {
      joined.push(word);
    }
  }
  return joined;
}

function mayNotStartLine(word: string): boolean {
  return /^[>#|+*-]/.test(word) || word.endsWith(':') || word === 'From' || word === 'diff';
}

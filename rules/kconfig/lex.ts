/**
 * One logical line of Kconfig -> tokens. Rules of scripts/kconfig/lexer.l: words are
 * [A-Za-z0-9_-]+, strings have either quote and backslash escapes, `#` starts a comment outside
 * strings, a backslash before the newline joins lines outside strings, other characters are
 * ignored with a warning. `$(...)` is handed to an expander and becomes part of one word or string;
 * the result is not read again for tokens.
 *
 * Texts are read byte for byte (latin1), so that what goes through unchanged comes out unchanged.
 */

export const Token = {
  word: 0,
  quoted: 1,
  or: 2,
  and: 3,
  equal: 4,
  unequal: 5,
  less: 6,
  lessEqual: 7,
  greater: 8,
  greaterEqual: 9,
  not: 10,
  open: 11,
  close: 12,
  colonEqual: 13,
  plusEqual: 14,
} as const;
export type Token = (typeof Token)[keyof typeof Token];

/** Expands the text between `$(` and its closing parenthesis; `closed` is false where that one is missing. */
export type Expander = (reference: string, line: number, closed: boolean) => string;
export type Warn = (line: number, text: string) => void;

const IS_WORD = new Uint8Array(65536);
for (const ch of Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-')) IS_WORD[ch] = 1;

/**
 * The tokens of the line read last; one instance is reused for a whole file.
 */
export class LineLexer {
  readonly kinds: Token[] = [];
  readonly texts: string[] = [];
  count = 0;
  /** Whether the line has a `$(` that was not expanded (no expander was given). */
  hasMacro = false;
  /** Offset after the line's newline. */
  end = 0;
  /** Physical lines that the logical line takes. */
  lines = 1;
  /** Set when the line is an assignment: its raw value, from the first non-blank on. */
  assigned: string | undefined;
  /** Line of the first token, which counts as the statement's line (a continued blank line comes before it). */
  firstTokenLine = 0;

  /**
   * Reads the logical line that starts at `pos`.
   * Without an expander, a line with `$(` is only measured: `hasMacro` is set and its tokens are not to be used.
   */
  read(text: string, pos: number, line: number, expand: Expander | undefined, warn: Warn): void {
    const length = text.length;
    const first = line;
    this.count = 0;
    this.hasMacro = false;
    this.assigned = undefined;
    this.firstTokenLine = line;
    for (;;) {
      if (pos >= length) break;
      const ch = text.charCodeAt(pos);
      if (ch === 32 || ch === 9) {
        pos++;
      } else if (ch === 10) {
        pos++;
        this.lines = line - first + 1;
        this.end = pos;
        return;
      } else if (ch === 35) {
        const nl = text.indexOf('\n', pos);
        pos = nl < 0 ? length : nl;
      } else if (ch === 92 && text.charCodeAt(pos + 1) === 10) {
        pos += 2;
        line++;
      } else if (IS_WORD[ch] === 1 || ch === 36) {
        if (this.count === 0) this.firstTokenLine = line;
        pos = this.#word(text, pos, line, expand);
      } else if (ch === 34 || ch === 39) {
        if (this.count === 0) this.firstTokenLine = line;
        pos = this.#string(text, pos, line, expand, warn);
      } else {
        if (this.count === 0) this.firstTokenLine = line;
        const next = text.charCodeAt(pos + 1);
        if (ch === 124 && next === 124) pos = this.#push(Token.or, '||', pos + 2);
        else if (ch === 38 && next === 38) pos = this.#push(Token.and, '&&', pos + 2);
        else if (ch === 61) pos = this.#push(Token.equal, '=', pos + 1);
        else if (ch === 33)
          pos = next === 61 ? this.#push(Token.unequal, '!=', pos + 2) : this.#push(Token.not, '!', pos + 1);
        else if (ch === 60)
          pos = next === 61 ? this.#push(Token.lessEqual, '<=', pos + 2) : this.#push(Token.less, '<', pos + 1);
        else if (ch === 62)
          pos = next === 61 ? this.#push(Token.greaterEqual, '>=', pos + 2) : this.#push(Token.greater, '>', pos + 1);
        else if (ch === 40) pos = this.#push(Token.open, '(', pos + 1);
        else if (ch === 41) pos = this.#push(Token.close, ')', pos + 1);
        else if (ch === 58 && next === 61) pos = this.#push(Token.colonEqual, ':=', pos + 2);
        else if (ch === 43 && next === 61) pos = this.#push(Token.plusEqual, '+=', pos + 2);
        else {
          warn(line, `ignoring unsupported character '${text[pos]}'`);
          pos++;
        }
        if (this.count === 2 && this.kinds[0] === Token.word && !this.hasMacro) {
          const kind = this.kinds[1];
          if (
            (kind === Token.equal || kind === Token.colonEqual || kind === Token.plusEqual) &&
            !KEYWORDS.has(this.texts[0]!)
          ) {
            pos = this.#assignment(text, pos);
          }
        }
      }
    }
    this.lines = line - first + 1;
    this.end = length;
  }

  #push(kind: Token, text: string, next: number): number {
    this.kinds[this.count] = kind;
    this.texts[this.count++] = text;
    return next;
  }

  /** The rest of the physical line is the value, as it stands: no comments, no continuation. */
  #assignment(text: string, pos: number): number {
    const nl = text.indexOf('\n', pos);
    const end = nl < 0 ? text.length : nl;
    while (pos < end && (text.charCodeAt(pos) === 32 || text.charCodeAt(pos) === 9)) pos++;
    this.assigned = text.slice(pos, end);
    return end;
  }

  #word(text: string, start: number, line: number, expand: Expander | undefined): number {
    let pos = start;
    while (IS_WORD[text.charCodeAt(pos)] === 1) pos++;
    if (text.charCodeAt(pos) !== 36) return this.#push(Token.word, text.slice(start, pos), pos);
    let out = text.slice(start, pos);
    for (;;) {
      const ch = text.charCodeAt(pos);
      if (ch === 36) {
        pos++;
        if (text.charCodeAt(pos) === 40) {
          const close = closingParen(text, pos + 1);
          out += this.#expanded(text, pos + 1, close, line, expand);
          pos = Math.min(close + 1, text.length);
        } else {
          out += '$';
        }
      } else if (IS_WORD[ch] === 1) {
        out += text[pos++];
      } else {
        break;
      }
    }
    return out === '' && !this.hasMacro ? pos : this.#push(Token.word, out, pos);
  }

  #string(text: string, start: number, line: number, expand: Expander | undefined, warn: Warn): number {
    const quote = text.charCodeAt(start);
    let pos = start + 1;
    let from = pos;
    let out = '';
    for (;;) {
      const ch = pos < text.length ? text.charCodeAt(pos) : -1;
      if (ch === quote) {
        out += text.slice(from, pos);
        return this.#push(Token.quoted, out, pos + 1);
      }
      if (ch === -1) {
        out += text.slice(from, pos);
        return this.#push(Token.quoted, out, pos);
      }
      if (ch === 10) {
        warn(line, 'multi-line strings not supported');
        out += text.slice(from, pos);
        return this.#push(Token.quoted, out, pos);
      }
      if (ch === 92) {
        out += text.slice(from, pos);
        const next = text.charCodeAt(pos + 1);
        from = pos + 1;
        pos += next === 10 || Number.isNaN(next) ? 1 : 2;
      } else if (ch === 36) {
        out += text.slice(from, pos);
        pos++;
        if (text.charCodeAt(pos) === 40) {
          const close = closingParen(text, pos + 1);
          out += this.#expanded(text, pos + 1, close, line, expand);
          pos = Math.min(close + 1, text.length);
        } else {
          out += '$';
        }
        from = pos;
      } else {
        pos++;
      }
    }
  }

  #expanded(text: string, from: number, to: number, line: number, expand: Expander | undefined): string {
    if (expand) return expand(text.slice(from, to), line, text.charCodeAt(to) === 41);
    this.hasMacro = true;
    return '';
  }
}

/** Offset of the parenthesis that closes the reference, or of the line's end where it is missing. */
function closingParen(text: string, pos: number): number {
  let nest = 0;
  for (; pos < text.length; pos++) {
    const ch = text.charCodeAt(pos);
    if (ch === 40) nest++;
    else if (ch === 41 && nest-- === 0) return pos;
    else if (ch === 10) return pos;
  }
  return pos;
}

/** Words that cannot be symbols or variables. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  'bool',
  'choice',
  'comment',
  'config',
  'def_bool',
  'def_tristate',
  'default',
  'depends',
  'endchoice',
  'endif',
  'endmenu',
  'help',
  'hex',
  'if',
  'imply',
  'int',
  'mainmenu',
  'menu',
  'menuconfig',
  'modules',
  'on',
  'prompt',
  'range',
  'select',
  'source',
  'string',
  'transitional',
  'tristate',
  'visible',
]);

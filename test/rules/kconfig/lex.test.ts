import { describe, expect, it } from 'vitest';
import { LineLexer, Token } from '../../../rules/kconfig/lex.ts';

const NAMES = Object.fromEntries(Object.entries(Token).map(([name, value]) => [value, name]));

interface Read {
  readonly tokens: readonly string[];
  readonly warnings: readonly string[];
  readonly lines: number;
  readonly rest: string;
}

/** The first logical line: quoted strings in quotes, other tokens as they are. */
function read(text: string, expand?: (reference: string) => string): Read {
  const lexer = new LineLexer();
  const warnings: string[] = [];
  lexer.read(text, 0, 1, expand, (line, warning) => warnings.push(`${line}: ${warning}`));
  const tokens = lexer.texts
    .slice(0, lexer.count)
    .map((word, i) => (lexer.kinds[i] === Token.quoted ? JSON.stringify(word) : word));
  return { tokens, warnings, lines: lexer.lines, rest: text.slice(lexer.end) };
}

describe('a line', () => {
  it.each([
    ['config FOO\n', ['config', 'FOO']],
    ['\tdepends on A-B_9\n', ['depends', 'on', 'A-B_9']],
    ['a&&b||!c\n', ['a', '&&', 'b', '||', '!', 'c']],
    [
      'a<b a<=b a>b a>=b a=b a!=b\n',
      ['a', '<', 'b', 'a', '<=', 'b', 'a', '>', 'b', 'a', '>=', 'b', 'a', '=', 'b', 'a', '!=', 'b'],
    ],
    ['(a)\n', ['(', 'a', ')']],
    ['a # b && "c\n', ['a']],
    ['#\n', []],
    ['a#b\n', ['a']],
    ['prompt "a # b"\n', ['prompt', '"a # b"']],
    [`'it is "x"' "it's"\n`, [`"it is \\"x\\""`, `"it's"`]],
    ['"a\\"b\\\\c\\d"\n', ['"a\\"b\\\\cd"']],
    ['""\n', ['""']],
    ['no newline at the end', ['no', 'newline', 'at', 'the', 'end']],
    ['"no closing quote', ['"no closing quote"']],
  ])('%j is %j', (text, tokens) => {
    expect(read(text)).toMatchObject({ tokens, warnings: [], rest: '' });
  });

  it('ends at its newline', () => {
    expect(read('a b\nc\n')).toMatchObject({ tokens: ['a', 'b'], lines: 1, rest: 'c\n' });
  });

  it('goes on after a backslash, inside a string it does not', () => {
    expect(read('a \\\n b\nc\n')).toMatchObject({ tokens: ['a', 'b'], lines: 2, rest: 'c\n' });
    expect(read('"a\\\nb"\n')).toMatchObject({ tokens: ['"a"'], warnings: ['1: multi-line strings not supported'] });
  });

  it('with CRLF has a character too many at its end, which is said', () => {
    expect(read('config A\r\n')).toMatchObject({
      tokens: ['config', 'A'],
      warnings: ["1: ignoring unsupported character '\r'"],
    });
    expect(read('config A\n').warnings).toEqual([]);
  });

  it('keeps going past characters without a meaning, and says so', () => {
    expect(read('a ; b & c\n')).toMatchObject({
      tokens: ['a', 'b', 'c'],
      warnings: ["1: ignoring unsupported character ';'", "1: ignoring unsupported character '&'"],
    });
    expect(read('"a ; b & c"\n').warnings).toEqual([]);
  });
});

describe('an assignment', () => {
  it.each([
    ['A = b c # d\n', 'b c # d'],
    ['A := "x\n', '"x'],
    ['A += $(b)\n', '$(b)'],
    ['A =\n', ''],
  ])('%j takes the rest of the line as it stands', (text, value) => {
    const lexer = new LineLexer();
    lexer.read(text, 0, 1, undefined, () => expect.unreachable());
    expect(lexer.assigned).toBe(value);
    expect(NAMES[lexer.kinds[1]!]).toMatch(/equal|Equal/);
  });

  it.each(['depends on A = b\n', 'if A = b\n', 'default A=b\n', 'A B = c\n'])('is not seen in %j', (text) => {
    const lexer = new LineLexer();
    lexer.read(text, 0, 1, undefined, () => expect.unreachable());
    expect(lexer.assigned).toBeUndefined();
  });
});

describe('a reference', () => {
  const expand = (reference: string): string => `<${reference}>`;

  it('becomes part of the word or string around it, and is not read again', () => {
    expect(read('config A$(b)_C\n', expand).tokens).toEqual(['config', 'A<b>_C']);
    expect(read('"x $(b) y"\n', expand).tokens).toEqual(['"x <b> y"']);
    expect(read('$(b) && c\n', () => 'd || e').tokens).toEqual(['d || e', '&&', 'c']);
  });

  it('ends at its own parenthesis', () => {
    const seen: string[] = [];
    read('$(f,(a),$(g)) b\n', (reference) => `${seen.push(reference)}`);
    expect(seen).toEqual(['f,(a),$(g)']);
  });

  it('that expands to nothing leaves no token, in a string it leaves an empty one', () => {
    expect(read('$(b)\n', () => '').tokens).toEqual([]);
    expect(read('"$(b)"\n', () => '').tokens).toEqual(['""']);
  });

  it('without an expander is only noted; a lone dollar is none', () => {
    const lexer = new LineLexer();
    lexer.read('config A$(b)\n', 0, 1, undefined, () => expect.unreachable());
    expect(lexer.hasMacro).toBe(true);
    lexer.read('config A$b\n', 0, 1, undefined, () => expect.unreachable());
    expect(lexer.hasMacro).toBe(false);
    expect(lexer.texts.slice(0, lexer.count)).toEqual(['config', 'A$b']);
  });
});

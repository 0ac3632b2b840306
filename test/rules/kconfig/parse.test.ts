import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExprPool } from '../../../rules/kconfig/expr.ts';
import { helpText, type KconfigFile, KconfigParser, Kind, SymbolType } from '../../../rules/kconfig/parse.ts';

const KINDS = Object.fromEntries(Object.entries(Kind).map(([name, value]) => [value, name]));

function parse(text: string): { pool: ExprPool; file: KconfigFile } {
  const pool = new ExprPool();
  return { pool, file: new KconfigParser(pool).parseFile(text) };
}

/** `line kind` of each statement. */
function outline(text: string): string[] {
  return parse(text).file.statements.map((s) => `${s.line} ${KINDS[s.kind]}`);
}

describe('statements', () => {
  it('come in order, each with its line', () => {
    const text = [
      'mainmenu "Title"', // 1
      '',
      '# comment',
      'menu "M"', // 4
      '\tvisible if A',
      'config A', // 6
      '\tbool "a" if B',
      '\tdefault y if C',
      '\tdef_tristate m',
      '\tselect D if E',
      '\timply F',
      '\trange 1 9',
      '\tdepends on G',
      '\tmodules',
      '\ttransitional',
      'endmenu',
      'choice',
      '\tprompt "c"',
      'endchoice',
      'comment "x"',
      'if A',
      'endif',
      'menuconfig H',
      '\tstring',
      'source "other/Kconfig"',
      'X := 1',
    ];
    expect(outline(`${text.join('\n')}\n`)).toEqual([
      '1 mainmenu',
      '4 menu',
      '5 visible',
      '6 config',
      '7 type',
      '8 default',
      '9 default',
      '10 select',
      '11 imply',
      '12 range',
      '13 depends',
      '14 modules',
      '15 transitional',
      '16 endmenu',
      '17 choice',
      '18 prompt',
      '19 endchoice',
      '20 comment',
      '21 if',
      '22 endif',
      '23 menuconfig',
      '24 type',
      '25 source',
      '26 assign',
    ]);
  });

  it('count from their first word where a blank line is continued', () => {
    expect(outline('config \\\n A\n\\\n\tbool\n')).toEqual(['1 config', '4 type']);
  });

  it('carry what they say', () => {
    const { pool, file } = parse(
      'range LOW 0x20 if A\ndef_bool B || C if D\nbool "text" if E\nselect F\ndepends on G if H\n',
    );
    const [range, def, type, select, depends] = file.statements;
    expect(pool.names[range!.symbol]).toBe('LOW');
    expect(pool.names[range!.other]).toBe('0x20');
    expect(pool.print(range!.cond)).toBe('A');
    expect(def).toMatchObject({ type: SymbolType.bool });
    expect(pool.print(def!.expr)).toBe('B || C');
    expect(type).toMatchObject({ type: SymbolType.bool, text: 'text' });
    expect(pool.names[select!.symbol]).toBe('F');
    expect([pool.print(depends!.expr), pool.print(depends!.cond)]).toEqual(['G', 'H']);
  });

  it('bind && before ||, and ! before both', () => {
    const { pool, file } = parse('if A || B && !C\nif (A || B) && !(C)\nif !A = B\n');
    expect(file.statements.map((s) => pool.print(s.expr))).toEqual(['A || B && !C', '(A || B) && !C', '!(A=B)']);
  });

  it.each([
    'config\n',
    'config "A"\n',
    'config A B\n',
    'config if\n',
    'bool a\n',
    'bool "a" "b"\n',
    'depends A\n',
    'depends on\n',
    'depends on (A\n',
    'depends on A)\n',
    'depends on A &&\n',
    'depends on && A\n',
    'depends on A B\n',
    'depends on A = B = C\n',
    'default\n',
    'default y if\n',
    'select "A"\n',
    'range 1\n',
    'range 1 2 3\n',
    'menu x\n',
    'menu "x" if y\n',
    'endmenu x\n',
    'source Kconfig\n',
    'mainmenu x\n',
    'option modules\n',
    '---help---\n',
    'help me\n',
    '"x"\n',
    '= 3\n',
  ])('%j is an error, and the next line is still read', (text) => {
    expect(outline(`${text}endif\n`)).toEqual(['1 error', '2 endif']);
  });

  it('nested without end is an error, not a crash', () => {
    for (const text of [`if ${'('.repeat(100_000)}\n`, `if ${'!'.repeat(100_000)}A\n`])
      expect(outline(text)).toEqual(['1 error']);
    expect(outline(`if ${'('.repeat(400)}A${')'.repeat(400)}\n`)).toEqual(['1 if']);
  });

  it('of any text are read without an exception', () => {
    const word = fc.constantFrom(
      'config',
      'A',
      'bool',
      '"x"',
      '(',
      ')',
      '&&',
      '||',
      '!',
      '=',
      'if',
      'help',
      '$(x)',
      '$(',
      '\\',
      '\n',
      '\n',
      '\t',
      '\r\n',
      '#',
      "'",
      '\0',
      'ÿ',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        const { file } = parse(words.join(' '));
        const lines = words.join(' ').split('\n').length;
        for (const s of file.statements) expect(s.line >= 1 && s.line <= lines).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a line with a reference', () => {
  it('stays raw, and is read once its macros are known', () => {
    const pool = new ExprPool();
    const parser = new KconfigParser(pool);
    const file = parser.parseFile('config A\n\tdefault $(x)\n');
    const raw = file.statements[1]!;
    expect(KINDS[raw.kind]).toBe('raw');
    const read = parser.parseRaw(
      file,
      raw,
      () => 'B',
      () => undefined,
    )!;
    expect([KINDS[read.kind], read.line, pool.print(read.expr)]).toEqual(['default', 2, 'B']);
    expect(
      parser.parseRaw(
        file,
        { ...raw, start: 0, end: 0 },
        () => 'B',
        () => undefined,
      ),
    ).toBeUndefined();
  });
});

describe('help', () => {
  const of = (text: string): { help: string; kinds: string[] } => {
    const { file } = parse(text);
    const help = file.statements.find((s) => s.kind === Kind.help)!;
    return { help: helpText(file, help), kinds: file.statements.map((s) => `${s.line} ${KINDS[s.kind]}`) };
  };

  it('ends where the indentation falls below that of its first line', () => {
    expect(of('config A\n\thelp\n\t  one\n\n\t    two\n\tdefault y\n')).toEqual({
      help: 'one\n\n  two',
      kinds: ['1 config', '2 help', '6 default'],
    });
    expect(of('help\n  one\n two\nbool\n')).toMatchObject({ help: 'one' });
  });

  it('takes in what looks like a statement but is indented as deep', () => {
    expect(of('config A\n\thelp\n\t  config B\n\t  if you want\nconfig C\n').kinds).toEqual([
      '1 config',
      '2 help',
      '5 config',
    ]);
  });

  it('counts a tab as up to eight columns', () => {
    expect(of('help\n\tone\n        two\n       three\n')).toMatchObject({ help: 'one\ntwo' });
  });

  it('may be empty', () => {
    expect(of('config A\n\thelp\n\nconfig B\n')).toEqual({ help: '', kinds: ['1 config', '2 help', '4 config'] });
    expect(of('config A\n\thelp').help).toBe('');
  });
});

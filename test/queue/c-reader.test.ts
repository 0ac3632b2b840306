import { afterAll, describe, expect, it } from 'vitest';
import { CReader } from '../../queue/c-reader.ts';
import { openTreeSitter } from '../../queue/tree-sitter.ts';
import { SYNTAX_LIMITS } from '../../rules/source/c-syntax.ts';

const GOOD = 'int f(void)\n{\n\treturn g();\n}\n';
const reader = new CReader();

afterAll(() => reader.close());

async function failureOf(text: string): Promise<string> {
  const outcome = await reader.read(text);
  return outcome.ok ? `${outcome.file.functions.length} functions` : outcome.why;
}

describe('a C file that means harm', () => {
  const HOSTILE: readonly (readonly [what: string, text: string, outcome: RegExp])[] = [
    ['parentheses without end', `int f(void)\n{\n\treturn ${'('.repeat(200_000)}`, /too-deep|functions/],
    ['nested parentheses', `int f(void)\n{\n\treturn ${'('.repeat(5000)}1${')'.repeat(5000)};\n}\n`, /^too-deep$/],
    ['nested braces', `int f(void)\n${'{'.repeat(5000)}${'}'.repeat(5000)}\n`, /^too-deep$/],
    ['a chain of else', `int f(int a)\n{\n${'if (a) ; else '.repeat(5000)};\n}\n`, /^too-deep$/],
    ['operators without end', `int x = ${'1 + '.repeat(20_000)}1;\n`, /^too-deep$/],
    ['an open comment', `int f(void)\n{\n}\n/*${'x'.repeat(1_000_000)}`, /^1 functions$/],
    ['an open string', `int f(void)\n{\n}\nchar *s = "${'x'.repeat(1_000_000)}`, /functions$/],
    ['conditionals without end', `${'#ifdef CONFIG_A\n'.repeat(100_000)}int x;\n`, /^0 functions$/],
    [
      'a group of many branches',
      `#if 0\n${'#elif defined(CONFIG_A)\nint x;\n'.repeat(20_000)}#endif\n`,
      /^0 functions$/,
    ],
    ['a deep #if line', `#if ${'('.repeat(9000)}1${')'.repeat(9000)}\nint x;\n#endif\n`, /^0 functions$/],
    ['a long #if line', `#if ${'defined(CONFIG_A) && '.repeat(50_000)}1\nint x;\n#endif\n`, /^0 functions$/],
    ['calls of macros that are never closed', 'FOO(\n'.repeat(20_000), /functions$/],
    ['attributes that are never closed', `${'__attribute__((\n'.repeat(20_000)}`, /functions$|too/],
    ['white space', `${' \n'.repeat(1_000_000)}`, /^0 functions$/],
    ['white space in a list of types', `int x = f(struct a${' '.repeat(300_000)}x);\n`, /^0 functions$/],
    ['white space in front', `${' '.repeat(500_000)}typeof(x)\n`, /functions$/],
    ['one line of many cases', `${'case '.repeat(100_000)}\n`, /functions$|too/],
    ['words that may begin a definition', 'static\n'.repeat(50_000), /functions$|too/],
    ['no text at all', '', /^0 functions$/],
    ['bytes that are none of C', '\0\u{1F600}\uFFFD\u0007'.repeat(10_000), /functions$|too/],
  ];
  for (const [what, text, outcome] of HOSTILE) {
    it(`costs little: ${what}`, async () => {
      expect(await failureOf(text)).toMatch(outcome);
      expect(await failureOf(GOOD)).toBe('1 functions');
    });
  }

  it('is refused above the longest that is read', async () => {
    expect(await failureOf(' '.repeat(SYNTAX_LIMITS.maxChars + 1))).toBe('too-long');
  });

  it('is given up after its time, and the next one gets a thread of its own', async () => {
    const hasty = new CReader({ fileMs: 1 });
    expect(await hasty.read('int x;\n'.repeat(100_000))).toEqual({ ok: false, why: 'too-slow' });
    await hasty.close();
    expect(await failureOf(GOOD)).toBe('1 functions');
  });

  it('that fills the memory of its thread is a failure of that file', async () => {
    const small = new CReader({ heapMiB: 16 });
    expect(await small.read('int f(void)\n{\n\ta(b, c, d);\n}\n'.repeat(30_000))).toEqual({ ok: false, why: 'trap' });
    expect(await small.read(GOOD)).toMatchObject({ ok: true });
    await small.close();
  });

  it('that fills the heap of the parser is a failure of that file', async () => {
    const small = new CReader({ wasmMiB: 33 });
    const text = 'int f(void)\n{\n\treturn a(b, c);\n}\n'.repeat(30_000);
    expect(await small.read(text)).toEqual({ ok: false, why: 'trap' });
    expect(await small.read(GOOD)).toMatchObject({ ok: true });
    await small.close();
  });
});

describe('tree-sitter', () => {
  it('stops after so many steps and nodes, and reads the next text from its beginning', async () => {
    const { parse } = await openTreeSitter({ ...SYNTAX_LIMITS, maxSteps: 2000, maxNodes: 100 });
    expect(parse('int a;\n'.repeat(5000))).toEqual({ ok: false, why: 'too-slow' });
    expect(parse('int a;\n'.repeat(60))).toEqual({ ok: false, why: 'too-many-nodes' });
    expect(parse('int b;')).toMatchObject({ ok: true, root: { type: 'translation_unit', start: 0, end: 6 } });
  });

  it('gives back its memory after every text', async () => {
    const { parse, heapBytes } = await openTreeSitter();
    const text = 'int f(void)\n{\n\treturn a(b, c);\n}\n'.repeat(30_000);
    const first = heapBytes();
    parse(text);
    const grown = heapBytes();
    expect(grown).toBeGreaterThan(first);
    for (let i = 0; i < 3; i++) expect(parse(text).ok).toBe(true);
    expect(heapBytes()).toBe(grown);
  });
});

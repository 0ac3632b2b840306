import { describe, expect, test } from 'vitest';
import { goalsOf, isDeclared, namesIn, parseQuestion } from '../../../rules/kconfig/question.ts';
import { Solver } from '../../../rules/kconfig/solve.ts';
import type { Values } from '../../../rules/kconfig/values.ts';
import { Tiny } from './tiny-kconfig.ts';

const KCONFIG = [
  'config MODULES\n\tbool "Modules"\n\tmodules\n\tdefault y\n',
  'config B\n\tbool "B"\n',
  'config C\n\tbool "C"\n',
  'config T\n\ttristate "T"\n',
  'config U\n\ttristate "U"\n\tdepends on T\n',
  'config N\n\tint "N"\n\trange 0 9\n',
].join('\n');

const tiny = new Tiny(KCONFIG);

function parsed(text: string): number {
  const result = parseQuestion(tiny.pool, text);
  if (!result.ok) throw new Error(result.why);
  return result.expr;
}

describe('reading', () => {
  test.each([
    ['B && !T', 'B && !T'],
    ['CONFIG_B = y || CONFIG_T=m', 'B=y || T=m'],
    ['(B)', 'B'],
    ['N > 3', 'N>3'],
    ["S = 'CONFIG_B # $'", 'S="CONFIG_B # $"'],
    ['  B\t', 'B'],
    ['m', 'm'],
  ])('%s', (text, expected) => {
    expect(tiny.pool.print(parsed(text))).toBe(expected);
  });

  test.each([
    ['', 'expression ends too early'],
    ['B &&', 'expression ends too early'],
    ['B C', 'unexpected "C"'],
    ['B & C', "there is an unsupported character '&'"],
    ['(B', 'missing ")"'],
    ['B # C', 'unexpected "#"'],
    ['$(shell,touch /tmp/x)', 'unexpected "$"'],
    ['S = "$(shell,touch /tmp/x)"', 'unexpected "$("'],
    ['B\nconfig X', 'unexpected "\\n"'],
    ['B \\', 'unexpected "\\\\"'],
    ['B if C', 'unexpected "if"'],
    ['&& B', 'expected a symbol name'],
    ['S = "a', 'unexpected "\\""'],
  ])('%j is refused', (text, why) => {
    expect(parseQuestion(tiny.pool, text)).toEqual({ ok: false, why: expect.stringContaining(why) });
  });

  test('what is too long or too deep is refused', () => {
    const refused = (text: string) => parseQuestion(tiny.pool, text);
    expect(refused(`${'('.repeat(4000)}B`)).toMatchObject({ ok: false, why: expect.stringContaining('nested deeper') });
    expect(refused('B || '.repeat(3000))).toMatchObject({ ok: false, why: 'longer than 10000 characters' });
  });

  test('the names in it are those that should be symbols', () => {
    expect(namesIn(tiny.pool, parsed('B=y && !T || N=5 && HZ=0x10 || X != "text" || B'))).toEqual([
      'B',
      'T',
      'N',
      'HZ',
      'X',
    ]);
    expect(isDeclared(tiny.pool, tiny.model, 'B')).toBe(true);
    expect(isDeclared(tiny.pool, tiny.model, 'X')).toBe(false);
  });
});

/** What a question means, said once more: by the texts of the values, of undeclared symbols n. */
function means(values: Values, text: string): boolean {
  const value = (name: string): string =>
    isDeclared(tiny.pool, tiny.model, name) ? values.text(tiny.symbol(name)) : 'n';
  const js = text
    .replace(/(\w+) *(!?)= *(\w+)/g, (_, name, not, constant) => `(value('${name}') ${not || '='}== '${constant}')`)
    .replace(/(?<![\w'])[A-Z]+(?![\w'])/g, (name) => `['m', 'y'].includes(value('${name}'))`);
  return new Function('value', `return ${js};`)(value) as boolean;
}

/** Every configuration of the model, as lines of a .config. */
const CONFIGS: string[] = [];
for (const modules of 'ny')
  for (const b of 'ny')
    for (const c of 'ny')
      for (const t of 'nmy')
        for (const u of 'nmy')
          CONFIGS.push(
            Object.entries({ MODULES: modules, B: b, C: c, T: t, U: u })
              .map(([name, v]) => (v === 'n' ? `# CONFIG_${name} is not set\n` : `CONFIG_${name}=${v}\n`))
              .join(''),
          );

const QUESTIONS = [
  'B',
  '!B',
  'T',
  '!T',
  'T = m',
  'T != m',
  'T = y && U != y',
  'y = T',
  '!(T = n)',
  'B && !T',
  'T && !U',
  'T || !U',
  '!(T || U)',
  '!(T && U)',
  '!(T && !U)',
  'B || T || U',
  '!T || !U',
  'B = y || C != n',
  '(B || T = m) && (C || !U)',
  '(T && !U) || (!T && B)',
  '!(T = y || U != m) || C',
  'X',
  '!X',
  'X = n && T',
  'X != y || T',
  'X = y || T',
  'N || B',
  'T && X',
  'MODULES && T != U',
];

describe('meaning', () => {
  test.each(QUESTIONS)('%s, or not', (question) => {
    const e = parsed(question);
    const answers = new Set<boolean>();
    for (const config of CONFIGS) {
      const values = tiny.values('olddefconfig', config);
      for (const isMet of [true, false]) {
        const goals = goalsOf(tiny.pool, tiny.model, e, isMet);
        const found = goals.every(({ expr, level, holds }) => values.expr(expr) >= level === holds);
        const wanted = means(values, question.replace('y = T', 'T = y').replace('T != U', "value('T') != value('U')"));
        expect(found, `${isMet} ${config}`).toBe(wanted === isMet);
      }
      answers.add(goalsOf(tiny.pool, tiny.model, e).every((g) => values.expr(g.expr) >= g.level === g.holds));
    }
    // The solver finds exactly those answers that there are.
    const solver = new Solver(tiny.pool, tiny.model);
    for (const isMet of [true, false])
      expect(solver.isPossible(goalsOf(tiny.pool, tiny.model, e, isMet)), String(isMet)).toBe(answers.has(isMet));
  });

  test('a tristate compared with y, m or n needs nothing that a solver does not know yet', () => {
    const before = tiny.pool.size;
    const goals = goalsOf(tiny.pool, tiny.model, parsed('U = m && T != n'));
    expect(goals.every(({ expr }) => !tiny.pool.isComparison(expr))).toBe(true);
    expect(tiny.pool.size).toBeGreaterThanOrEqual(before);
  });
});

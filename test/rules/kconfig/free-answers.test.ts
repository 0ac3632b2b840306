import { describe, expect, it, test } from 'vitest';
import { ExprPool } from '../../../rules/kconfig/expr.ts';
import { FreeAnswers, openVersions } from '../../../rules/kconfig/free-answers.ts';
import { Tiny } from './tiny-kconfig.ts';

describe('an answer that is left open', () => {
  it.each([
    ['{ gcc -fx; } >/dev/null 2>&1 && echo "y" || echo "n"', 'SHELL_ANSWER_1'],
    ['{ gcc -fx; } >/dev/null 2>&1 && echo "n" || echo "y"', '!SHELL_ANSWER_1'],
    ['test -e x && echo y || echo n', 'SHELL_ANSWER_1'],
    ['{ gcc -fx; } >/dev/null 2>&1 && echo "-fx" || echo ""', undefined],
    ['echo "y"', undefined],
    ['true && echo "y" || echo "y"', undefined],
    ['gcc --version', undefined],
  ])('of %j is %j', (command, answer) => {
    expect(new FreeAnswers(new ExprPool()).answer(command)).toBe(answer);
  });

  it('is one symbol for a command, however often it is asked and wherever its answers stand', () => {
    const free = new FreeAnswers(new ExprPool());
    const a = 'gcc -fa && echo "y" || echo "n"';
    expect([a, a.replace('-fa', '-fb'), a, 'gcc -fa && echo "n" || echo "y"'].map((one) => free.answer(one))).toEqual([
      'SHELL_ANSWER_1',
      'SHELL_ANSWER_2',
      'SHELL_ANSWER_1',
      '!SHELL_ANSWER_1',
    ]);
    expect(free.all.map(({ command }) => command)).toEqual(['gcc -fa', 'gcc -fb']);
    expect(free.text()).toMatch(/^config SHELL_ANSWER_1\n\tbool ".*"\nconfig SHELL_ANSWER_2\n\tbool ".*"\n$/);
  });

  it('has no name that the tree uses', () => {
    const pool = new ExprPool();
    pool.symbolId('SHELL_ANSWER_1');
    expect(new FreeAnswers(pool).answer('true && echo y || echo n')).toBe('SHELL_ANSWER_2');
  });
});

describe('an answer that is known', () => {
  it.each([
    ['scripts/can-it.sh', 'y', 'SHELL_ANSWER_1'],
    ['scripts/can-it.sh', 'n', 'SHELL_ANSWER_1'],
    ['scripts/cc-version.sh gcc', '120200', undefined],
  ])('of %j, which said %j, is %j', (command, said, answer) => {
    expect(new FreeAnswers(new ExprPool()).answer(command, said)).toBe(answer);
  });
});

test('versions that macros compute become what the user says; other symbols stay as they are', () => {
  const tiny = new Tiny('config CC_VERSION\n\tint\n\tdefault $(version)\n\nconfig FIXED\n\tint\n\tdefault 1\n', {
    env: { version: '12' },
  });
  openVersions(tiny.model);
  const prompts = tiny.model.declared.map(({ name, prompts }) => [name, prompts.length]);
  expect(prompts).toEqual([
    ['CC_VERSION', 1],
    ['FIXED', 0],
  ]);
  expect(tiny.output('olddefconfig', 'CONFIG_CC_VERSION=14\n')).toContain('CONFIG_CC_VERSION=14');
});

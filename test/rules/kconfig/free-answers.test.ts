import { describe, expect, it } from 'vitest';
import { ExprPool } from '../../../rules/kconfig/expr.ts';
import { FreeAnswers } from '../../../rules/kconfig/free-answers.ts';

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

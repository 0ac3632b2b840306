import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellSafe, shellWord } from '../../bot/shell-word.ts';

test.each(['drivers/foo/$(id).c', "it's", '`id`', '-rf', 'a b', '; id', 'a\\', '"x"', '*', '', '#no'])(
  '%j is one word of a shell, and not left bare',
  (text) => {
    expect(shellSafe(text)).toBeUndefined();
    const argv = ['-c', `printf '%s|' ${shellWord(text)}`];
    expect(execFileSync('/bin/sh', argv, { encoding: 'utf8' })).toBe(`${text}|`);
  },
);

test('a name as trees have it stays as it is', () => {
  expect(shellWord('drivers/net/wireless/ath/wil6210/fw-inc_2.o')).toBe('drivers/net/wireless/ath/wil6210/fw-inc_2.o');
});

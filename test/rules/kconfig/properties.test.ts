import { describe, expect, test } from 'vitest';
import { changedSymbols } from '../../../rules/kconfig/properties.ts';
import { kconfigPair, sides } from '../../support/kconfig-pair.ts';

const FOO = 'config BAR\n\tbool "bar"\n\nconfig BAZ\n\tbool "baz"\n\n';

/** `-kind@line` and `+kind@line` of FOO's change. */
async function changeOf(text: string, eol = '\n'): Promise<string[] | undefined> {
  const [before, after] = sides(FOO + text);
  const { changes } = await kconfigPair(before.replaceAll('\n', eol), after.replaceAll('\n', eol));
  const change = changes.get('FOO');
  return (
    change && [
      ...change.removed.map(({ kind, line }) => `-${kind}@${line}`),
      ...change.added.map(({ kind, line }) => `+${kind}@${line}`),
    ]
  );
}

describe.each(['\n', '\r\n'])('a change of a property (%j)', (eol) => {
  test.each([
    ['a dependency', 'config FOO\n\tbool "foo"\n\tdepends on {BAR/BAZ}\n', ['-depends on@9', '+depends on@9']],
    ['a dependency more', 'config FOO\n\tbool "foo"\n\tdepends on BAR\n{/\tdepends on BAZ\n}', ['+depends on@10']],
    [
      'an if around',
      '{/if BAR\n}config FOO\n\tbool "foo"\n{/endif\n}',
      ['-declaration@7', '+declaration@8', '+depends on@7'],
    ],
    [
      'a menu that is visible if',
      'menu "m"\n{/\tvisible if BAR\n}config FOO\n\tbool "foo"\nendmenu\n',
      ['+visible if@8'],
    ],
    ['the condition of a prompt', 'config FOO\n\tbool "foo"{/ if BAR}\n', ['-prompt@8', '+prompt@8']],
    ['a default', 'config FOO\n\tbool "foo"\n\tdefault {BAR/BAZ}\n', ['-default@9', '+default@9']],
    ['a range', 'config FOO\n\tint "foo"\n\trange 1 {9/8}\n', ['-range@9', '+range@9']],
    [
      'a declaration less, and what it depends on',
      'config FOO\n\tbool\n\tdepends on BAR\n{\nconfig FOO\n\tbool\n\tdepends on BAZ\n/}',
      ['-declaration@11', '-depends on@13'],
    ],
    [
      'a declaration more, and what it depends on',
      'config FOO\n\tbool\n\tdepends on BAR\n{/\nconfig FOO\n\tbool\n\tdepends on BAZ\n}',
      ['+declaration@11', '+depends on@13'],
    ],
    ['a type', 'config FOO\n\t{bool/tristate} "foo"\n', ['-type@7', '+type@7']],
    ['a select', 'config FOO\n\tbool\n\nconfig SEL\n\tbool "sel"\n{/\tselect FOO\n}', ['+selected by@12']],
    ['an imply', 'config FOO\n\tbool\n\nconfig SEL\n\tbool "sel"\n{\timply FOO\n/}', ['-implied by@12']],
    [
      'a choice',
      'choice\n\tprompt "c"\n\tdefault {FOO/FEE}\nconfig FOO\n\tbool "foo"\nconfig FEE\n\tbool "fee"\nendchoice\n',
      ['-choice@9', '+choice@9'],
    ],
  ])('%s is found with its line', async (_, text, expected) => {
    const found = await changeOf(text, eol);
    expect(found).toEqual(expected);
  });

  test.each([
    ['text that moves down', '{/\n\n# words\n}config FOO\n\tbool "foo"\n\tdepends on BAR\n'],
    ['help', 'config FOO\n\tbool "foo"\n\thelp\n\t  {Old/New} words.\n'],
    ['the words of a prompt', 'config FOO\n\tbool "{foo/fee}"\n'],
    ['a condition written in parentheses', 'config FOO\n\tbool "foo"\n\tdepends on {BAR/(BAR)}\n'],
    [
      'a property of another symbol',
      'config FOO\n\tbool "foo"\n\tdepends on BAR\n\nconfig X\n\tbool\n{/\tdefault y\n}',
    ],
  ])('%s is none', async (_, text) => {
    expect(await changeOf(text, eol)).toBeUndefined();
  });
});

describe('symbols', () => {
  test('that are new or gone have one side', async () => {
    const { changes } = await kconfigPair('config OLD\n\tbool\n', 'config NEW\n\tbool\n');
    expect([...changes.keys()].sort()).toEqual(['NEW', 'OLD']);
    expect(changes.get('OLD')).toMatchObject({ after: undefined, added: [] });
    expect(changes.get('NEW')).toMatchObject({ before: undefined, removed: [] });
  });

  test('whose defaults change places have both orders', async () => {
    const { changes } = await kconfigPair(...sides('config FOO\n\tint\n\tdefault {1/2} if X\n\tdefault {2/1} if X\n'));
    expect(changes.get('FOO')?.removed.map(({ line }) => line)).toEqual([3, 4]);
  });

  test('outside of touched files are not looked at', async () => {
    const { before, after } = await kconfigPair(...sides('config FOO\n\tbool "foo"\n{/\tdefault y\n}'));
    expect(changedSymbols(before, after, new Set(['Kconfig'])).size).toBe(1);
    expect(changedSymbols(before, after, new Set(['other/Kconfig'])).size).toBe(0);
  });
});

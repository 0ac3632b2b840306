import { describe, expect, test } from 'vitest';
import { findCause, propertyLine } from '../../../rules/kconfig/cause.ts';
import { causeWords } from '../../../rules/kconfig/cause-words.ts';
import { properties } from '../../../rules/kconfig/properties.ts';
import { Causes } from '../../../rules/kconfig/sole-cause.ts';
import { kconfigPair, sides } from '../../support/kconfig-pair.ts';

interface Case {
  readonly title: string;
  readonly text: string;
  /** Settings of the configuration, `A=y`. */
  readonly config: string;
  readonly of?: string;
  readonly line: string;
  readonly side: 'before' | 'after';
  readonly words: string;
}

const M = 'config MODULES\n\tbool "modules"\n\tmodules\n\n';
const P = 'config P\n\tbool "p"\n\nconfig Q\n\tbool "q"\n\n';

const CASES: readonly Case[] = [
  {
    title: 'a dependency that does not hold',
    text: `${P}config A\n\tbool "a"\n{/\tdepends on P && Q\n}`,
    config: 'Q=y A=y',
    line: 'depends on P && Q',
    side: 'after',
    words: 'A now needs P, which is n in my_defconfig',
  },
  {
    title: 'the one of two new dependencies that does not hold',
    text: `${P}config A\n\tbool "a"\n{/\tdepends on Q\n\tdepends on P\n}`,
    config: 'Q=y A=y',
    line: 'depends on P',
    side: 'after',
    words: 'A now needs P, which is n in my_defconfig',
  },
  {
    title: 'alternatives of which none holds',
    text: `${P}config A\n\tbool "a"\n{/\tdepends on P || Q\n}`,
    config: 'A=y',
    line: 'depends on P || Q',
    side: 'after',
    words: 'A now needs P || Q, where P and Q are n in my_defconfig',
  },
  {
    title: 'a symbol of another architecture',
    text: `${P}config A\n\tbool "a"\n{/\tdepends on ELSEWHERE\n}`,
    config: 'A=y',
    line: 'depends on ELSEWHERE',
    side: 'after',
    words: 'A now needs ELSEWHERE, which is not defined on arm',
  },
  {
    title: 'a dependency on a module',
    text: `${M}config T\n\ttristate "t"\n\nconfig A\n\ttristate "a"\n{/\tdepends on T\n}`,
    config: 'MODULES=y T=m A=y',
    line: 'depends on T',
    side: 'after',
    words: 'A now needs T, which is m in my_defconfig',
  },
  {
    title: 'an if block around, with a new symbol',
    text: `${P}{/config NEW\n\tbool "new"\n\nif NEW\n}config A\n\tbool "a"\n{/endif\n}`,
    config: 'A=y',
    line: 'if NEW',
    side: 'after',
    words: 'A now needs NEW, which is new and n in my_defconfig',
  },
  {
    title: 'a prompt with a condition',
    text: `${P}config A\n\tbool "a"{/ if P}\n`,
    config: 'A=y',
    line: 'bool "a" if P',
    side: 'after',
    words: 'A can now be set only with P, which is n in my_defconfig',
  },
  {
    title: 'a prompt that goes',
    text: `config A\n\tbool{ "a"/}\n`,
    config: 'A=y',
    line: 'bool "a"',
    side: 'before',
    words: 'A can no longer be set',
  },
  {
    title: 'a select that goes, and who needs what was selected',
    text: `config S\n\tbool "s"\n{\tselect H\n/}\nconfig H\n\tbool\n\nconfig A\n\tbool "a"\n\tdepends on H\n`,
    config: 'S=y A=y',
    line: 'select H',
    side: 'before',
    words: 'S no longer selects H, and A depends on H',
  },
  {
    title: 'a select by a driver that is lost itself: the dependency of the driver',
    text: `${P}config S\n\tbool "s"\n{\tselect H\n/\tdepends on P\n}\nconfig H\n\tbool\n`,
    config: 'S=y',
    of: 'H',
    line: 'depends on P',
    side: 'after',
    words: 'S now needs P, which is n in my_defconfig, and S selected H',
  },
  {
    title: 'a new select, and who excludes what is selected',
    text: `config S\n\tbool "s"\n{/\tselect H\n}\nconfig H\n\tbool\n\nconfig A\n\tbool "a"\n\tdepends on !H\n`,
    config: 'S=y A=y',
    line: 'select H',
    side: 'after',
    words: 'S now selects H, and A depends on H',
  },
  {
    title: 'an imply that goes',
    text: `config S\n\tbool "s"\n{\timply A\n/}\nconfig A\n\tbool "a"\n`,
    config: 'S=y',
    line: 'imply A',
    side: 'before',
    words: 'S no longer implies A',
  },
  {
    title: 'a default, and who needs it',
    text: `config D\n\tbool "d"\n\tdefault {y/n}\n\nconfig A\n\tbool "a"\n\tdepends on D\n`,
    config: 'A=y',
    line: 'default n',
    side: 'after',
    words: 'the default of D is now n instead of y, and A depends on D',
  },
  {
    title: 'a dependency on what the series takes away',
    text: `config L\n\tbool "l"\n\nconfig A\n\tbool "a"\n\t{select/depends on} L\n`,
    config: 'A=y',
    line: 'depends on L',
    side: 'after',
    words: 'A now needs L, which is n in my_defconfig with the series and y without it',
  },
  {
    title: 'a tristate that becomes bool',
    text: `${M}config A\n\t{tristate/bool} "a"\n`,
    config: 'MODULES=y A=m',
    line: 'bool "a"',
    side: 'after',
    words: 'A can no longer be m, which my_defconfig asks for',
  },
  {
    title: 'a range',
    text: `config A\n\tint "a"\n\trange 1 {90/10}\n`,
    config: 'A=50',
    line: 'range 1 10',
    side: 'after',
    words: 'the range of A is now 1 to 10',
  },
  {
    title: 'a dependency that goes',
    text: `${P}config A\n\tbool "a"\n{\tdepends on P\n/}\tdefault y\n`,
    config: 'Q=y',
    line: 'depends on P',
    side: 'before',
    words: 'A no longer needs P, which is n in my_defconfig',
  },
];

describe.each(['\n', '\r\n'])('the cause of a change (%j)', (eol) => {
  test.each(CASES)('$title', async ({ text, config, of = 'A', line, side, words }) => {
    const { upgrade } = await kconfigPair(...(sides(text).map((one) => one.replaceAll('\n', eol)) as [string, string]));
    const changes = upgrade.run(config.replace(/(\w+=\S+) ?/g, 'CONFIG_$1\n'));
    const change = changes.get(of);
    if (!change) throw new Error(`${of} does not change`);
    const cause = findCause(upgrade, changes, change);
    if (!cause) throw new Error('no cause');
    expect(propertyLine(cause.property).trim()).toBe(line);
    expect(cause.side).toBe(side);
    expect(causeWords(upgrade, cause, { config: 'my_defconfig', arch: 'arm' })).toBe(words);
  });

  test('is unknown where what it reads is gone altogether, but for the declaration that is named', async () => {
    const { upgrade } = await kconfigPair(
      ...sides('{config OLD\n\tbool "old"\n/}config A\n\tbool "a"\n\tdepends on OLD\n'),
    );
    const changes = upgrade.run('CONFIG_OLD=y\nCONFIG_A=y\n');
    expect([...changes.keys()]).toEqual(['A']);
    expect(findCause(upgrade, changes, changes.get('A')!)).toBeUndefined();
    const gone = upgrade.gone.get('OLD');
    expect(gone).toMatchObject({ from: 'y', asked: 'y', askedAfter: 'y' });
    const declaration = properties(gone!.before).find(({ kind }) => kind === 'declaration')!;
    const declarations = new Map([['OLD', declaration]]);
    const cause = findCause(upgrade, changes, changes.get('A')!, declarations)!;
    expect(cause).toMatchObject({ property: declaration, side: 'before', chain: ['A', 'OLD'] });
    expect(causeWords(upgrade, cause, { config: 'c', arch: 'arm' })).toBe(
      'OLD is no longer defined on arm, and A depends on OLD',
    );
    const causes = new Causes(upgrade, changes, declarations);
    expect(causes.isSole(changes.get('A')!)).toBe(true);
    upgrade.run('');
    expect(upgrade.gone.size).toBe(0);
  });

  test('names at most a few links', async () => {
    const steps = Array.from({ length: 8 }, (_, i) => `config S${i + 1}\n\tdef_bool S${i}\n\n`).join('');
    const { upgrade } = await kconfigPair(...sides(`config S0\n\tbool "s"{/ if X}\n\n${steps}`));
    const changes = upgrade.run('CONFIG_S0=y\n');
    const words = causeWords(upgrade, findCause(upgrade, changes, changes.get('S8')!)!, { config: 'c', arch: 'arm' });
    expect(words).toBe(
      'S0 can now be set only with X, which is not defined on arm, and S8 depends on S0 through 7 other symbols',
    );
  });
});

import { describe, expect, test } from 'vitest';
import { Causes } from '../../../rules/kconfig/sole-cause.ts';
import { kconfigPair, sides } from '../../support/kconfig-pair.ts';

/** Symbols that change, each with whether one line is enough for it. */
async function sole(text: string, config: string): Promise<Record<string, boolean>> {
  const { upgrade } = await kconfigPair(...sides(text));
  const changes = upgrade.run(config.replace(/(\w+=\S+) ?/g, 'CONFIG_$1\n'));
  const causes = new Causes(upgrade, changes);
  return Object.fromEntries([...changes.values()].map((change) => [change.name, causes.isSole(change)]));
}

const bool = (name: string, ...lines: string[]): string =>
  `config ${name}\n\tbool "${name}"\n${lines.map((line) => `\t${line}\n`).join('')}\n`;
const P = bool('P');

describe('one line is enough', () => {
  test.each([
    ['for a dependency', `${P}config A\n\tbool "a"\n{/\tdepends on P\n}`, 'A=y', { A: true }],
    [
      'for what a lost driver selected',
      `${P}config A\n\tbool "a"\n\tselect L\n{/\tdepends on P\n}\n${bool('L')}`,
      'A=y',
      { A: true, L: true },
    ],
    [
      'for a block with a driver and what it selected',
      `${P}{/if P\n}${bool('A', 'select L')}${bool('L')}{/endif\n}`,
      'A=y',
      { A: true, L: true },
    ],
    [
      'for the one select that went, where another symbol went with it',
      `config S\n\tbool "s"\n{\tselect L\n/}\n${bool('L')}${bool('B', 'depends on L')}`,
      'S=y B=y',
      { L: true, B: true },
    ],
    [
      'for one of two selects, where the other was not in force',
      `config S\n\tbool "s"\n{\tselect L\n/}\nconfig T\n\tbool "t"\n{\tselect L\n/}\n${bool('L')}`,
      'S=y',
      { L: true },
    ],
  ])('%s', async (_, text, config, expected) => {
    expect(await sole(text, config)).toEqual(expected);
  });
});

describe('more than one line is needed', () => {
  test.each([
    [
      'for a select that becomes a dependency',
      `config A\n\tbool "a"\n\t{select/depends on} L\n\n${bool('L')}`,
      'A=y',
      { A: false, L: false },
    ],
    [
      'for two selects in force',
      `config S\n\tbool "s"\n{\tselect L\n/}\nconfig T\n\tbool "t"\n{\tselect L\n/}\n${bool('L')}`,
      'S=y T=y',
      { L: false },
    ],
    [
      'for what either of two lost drivers would keep',
      `${P}config S\n\tbool "s"\n{/\tdepends on P\n}\nconfig T\n\tbool "t"\n{/\tdepends on P\n}\n${bool('A', 'depends on S || T')}`,
      'S=y T=y A=y',
      { S: true, T: true, A: false },
    ],
    [
      'for a select that went, of what the user cannot keep any more',
      `${P}config S\n\tbool "s"\n{\tselect L\n/}\nconfig L\n\tbool "l"\n{/\tdepends on P\n}`,
      'S=y L=y',
      { L: false },
    ],
  ])('%s', async (_, text, config, expected) => {
    expect(await sole(text, config)).toEqual(expected);
  });
});

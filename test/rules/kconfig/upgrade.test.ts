import { describe, expect, test } from 'vitest';
import { rank } from '../../../rules/kconfig/upgrade.ts';
import { kconfigPair, sides } from '../../support/kconfig-pair.ts';

/** `NAME from to` of what changes in a configuration. */
async function changed(text: string, config: string, configAfter = config): Promise<string[]> {
  const { upgrade } = await kconfigPair(...sides(text));
  return [...upgrade.run(config, configAfter).values()].map(({ name, from, to }) => `${name} ${from} ${to}`).sort();
}

const MODULES = 'config MODULES\n\tbool "modules"\n\tmodules\n\n';
const CHAIN =
  'config A\n\tbool "a"{/ if X}\n\nconfig B\n\tbool "b"\n\tdepends on A\n\nconfig C\n\tdef_bool B\n\nconfig D\n\tbool "d"\n';

describe.each(['\n', '\r\n'])('one configuration carried over (%j)', (eol) => {
  const lines = (...settings: string[]): string => settings.map((line) => line + eol).join('');

  test('shows what is lost, through all that depends on it', async () => {
    expect(await changed(CHAIN, lines('CONFIG_A=y', 'CONFIG_B=y', 'CONFIG_D=y'))).toEqual(['A y n', 'B y n', 'C y n']);
  });

  test('shows nothing where it does not have what changes', async () => {
    expect(await changed(CHAIN, lines('CONFIG_D=y'))).toEqual([]);
  });

  test('shows y that becomes m', async () => {
    const text = `${MODULES}config A\n\ttristate "a"\n\nconfig B\n\ttristate "b"\n{/\tdepends on A\n}`;
    expect(await changed(text, lines('CONFIG_MODULES=y', 'CONFIG_A=m', 'CONFIG_B=y'))).toEqual(['B y m']);
    expect(await changed(text, lines('CONFIG_MODULES=y', 'CONFIG_A=m', 'CONFIG_B=m'))).toEqual([]);
  });

  test('shows texts as they are written, and "not set" where they are not', async () => {
    const text = 'config A\n\tbool "a"{/ if X}\n\nconfig N\n\tint "n"\n\tdepends on A\n\tdefault 5\n';
    expect(await changed(text, lines('CONFIG_A=y', 'CONFIG_N=7'))).toEqual(['A y n', 'N 7 not set']);
    expect(await changed(text, lines('CONFIG_A=y'))).toEqual(['A y n', 'N 5 not set']);
  });
});

describe('what is left out', () => {
  test('new and removed symbols, but not what they take along', async () => {
    const text = '{config OLD\n\tbool "old"\n/}\nconfig B\n\tbool "b"\n\tdepends on OLD\n{/config NEW\n\tdef_bool y\n}';
    expect(await changed(text, 'CONFIG_OLD=y\nCONFIG_B=y\n')).toEqual(['B y n']);
  });

  test('values of the configuration before, in the next one', async () => {
    const { upgrade } = await kconfigPair(...sides(CHAIN));
    expect(upgrade.run('CONFIG_A=y\n').size).toBe(1);
    expect(upgrade.run('CONFIG_D=y\n').size).toBe(0);
    expect(upgrade.run('CONFIG_A=y\nCONFIG_B=y\n').size).toBe(3);
  });
});

describe('what the configuration asks for', () => {
  test('is told for both sides', async () => {
    const { upgrade } = await kconfigPair(...sides(CHAIN));
    const run = upgrade.run('CONFIG_A=y\nCONFIG_B=y\n', '# CONFIG_A is not set\nCONFIG_B=y\n');
    expect(run.get('A')).toMatchObject({ asked: 'y', askedAfter: 'n' });
    expect(run.get('B')).toMatchObject({ asked: 'y', askedAfter: 'y' });
    expect(run.get('C')).toMatchObject({ asked: undefined, askedAfter: undefined });
  });

  test('is read from the text where the new type refuses it, but only then', async () => {
    const { upgrade } = await kconfigPair(...sides(`${MODULES}config A\n\t{tristate/bool} "a"\n`));
    const refused = upgrade.run('CONFIG_MODULES=y\r\nCONFIG_A=m\r\n').get('A');
    expect(refused).toMatchObject({ from: 'm', to: 'n', asked: 'm', askedAfter: 'm' });
    const { upgrade: same } = await kconfigPair(...sides(`${MODULES}config A\n\tbool "a"\n\tdefault {y/n}\n`));
    const never = same.run('CONFIG_MODULES=y\nCONFIG_A=m\n').get('A');
    expect(never).toMatchObject({ from: 'y', to: 'n', asked: undefined, askedAfter: undefined });
  });

  test('a choice with another default shows both members, unless one was chosen', async () => {
    const text = 'choice\n\tprompt "c"\n\tdefault {A/B}\nconfig A\n\tbool "a"\nconfig B\n\tbool "b"\nendchoice\n';
    expect(await changed(text, '')).toEqual(['A y n', 'B n y']);
    expect(await changed(text, 'CONFIG_A=y\n')).toEqual([]);
  });

  test('MODULES turned off makes modules built in or gone', async () => {
    const text = `config MODULES\n\tbool "modules"{/ if X}\n\tmodules\n\nconfig A\n\ttristate "a"\n`;
    expect(await changed(text, 'CONFIG_MODULES=y\nCONFIG_A=m\n')).toEqual(['A m y', 'MODULES y n']);
  });
});

test.each([
  ['n', 0],
  ['not set', 0],
  ['m', 1],
  ['y', 2],
  ['17', 2],
])('%s counts as %i', (value, expected) => {
  expect(rank(value)).toBe(expected);
});

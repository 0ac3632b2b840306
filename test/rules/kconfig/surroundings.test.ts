import { describe, expect, test } from 'vitest';
import { KconfigParser } from '../../../rules/kconfig/parse.ts';
import { surroundingsOf } from '../../../rules/kconfig/surroundings.ts';
import { TreeReaders } from '../../../rules/kconfig/tree-readers.ts';
import { Tiny } from './tiny-kconfig.ts';

const TEXT = `config LIB
	bool
	depends on BUS

config BUS
	bool "Bus"
	depends on DMA && !OLD

config DMA
	bool "DMA"
	depends on 64BIT

config 64BIT
	bool

config OLD
	bool "Old ways"

config DRIVER
	bool "Driver"
	select LIB
	imply NICE

config NICE
	bool "Nice"

config USER
	bool "User"
	depends on LIB
`;

function pictureOf(text: string, config: string, ...names: string[]) {
  const tiny = new Tiny(text);
  const readers = new TreeReaders(tiny.pool);
  readers.add([['Kconfig', new KconfigParser(tiny.pool).parseFile(text)]]);
  return surroundingsOf(
    tiny.values('olddefconfig', config),
    names.map((name) => tiny.symbol(name)),
    readers,
  );
}

describe('surroundings', () => {
  const picture = pictureOf(TEXT, 'CONFIG_DRIVER=y\n', 'LIB');
  const links = picture.links.map(({ from, kind, to, line, isBlocking }) =>
    [from, kind, to, line, isBlocking].join(' '),
  );

  test('are who selects a symbol, what it needs, and who needs it', () => {
    expect(links).toContain('DRIVER selects LIB 21 false');
    expect(links).toContain('USER depends on LIB 29 false');
    expect(picture.nodes.find(({ symbol }) => symbol === 'LIB')).toEqual({
      symbol: 'LIB',
      type: 'bool',
      value: 'y',
      hasPrompt: false,
      isFocus: true,
      path: 'Kconfig',
      line: 1,
    });
  });

  test('follow what keeps it off, down to what nobody can set', () => {
    expect(links).toContain('LIB depends on BUS 3 true');
    expect(links).toContain('BUS depends on DMA 7 true');
    expect(links).toContain('DMA depends on 64BIT 11 true');
    // OLD is off, as BUS needs it.
    expect(links.join()).not.toContain('OLD');
    expect(picture.left).toBe(0);
  });

  test('of what another symbol excludes, show that one', () => {
    const excluded = pictureOf(TEXT, 'CONFIG_OLD=y\n', 'BUS');
    expect(excluded.links).toContainEqual(expect.objectContaining({ from: 'BUS', to: 'OLD', isBlocking: true }));
  });

  test('of a hub are cut, and counted', () => {
    const many = Array.from({ length: 300 }, (_, i) => `config D${i}\n\tbool "d"\n\tselect HUB\n`).join('\n');
    const hub = pictureOf(
      `config HUB\n\tbool\n\n${many}`,
      Array.from({ length: 9 }, (_, i) => `CONFIG_D${i}=y\n`).join(''),
      'HUB',
    );
    expect(hub.nodes.length).toBe(1 + 6 + 2);
    expect(hub.left).toBe(300 - 8);
    expect(hub.nodes.filter(({ value }) => value === 'y').length).toBe(1 + 6);
  });
});

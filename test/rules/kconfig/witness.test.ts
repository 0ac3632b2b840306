import { describe, expect, it } from 'vitest';
import type { Setting } from '../../../rules/kconfig/justify.ts';
import { SymbolType } from '../../../rules/kconfig/parse.ts';
import { applySettings, fewestSettings, fragment } from '../../../rules/kconfig/witness.ts';
import { Tiny } from './tiny-kconfig.ts';

const TEXT = `config A
	bool "A"
config B
	bool "B"
	depends on A
config C
	bool "C"
	select A
config N
	int "N"
	default 3
choice
	prompt "choice"
config X
	bool "X"
config Y
	bool "Y"
endchoice
`;

function setUp(): { tiny: Tiny; all: (words: string) => Setting[] } {
  const tiny = new Tiny(TEXT);
  const all = (words: string): Setting[] =>
    words.split(' ').map((word) => {
      const [name, value] = word.split('=') as [string, string];
      return { symbol: tiny.symbol(name), value };
    });
  return { tiny, all };
}

const words = (settings: readonly Setting[] | undefined): string | undefined =>
  settings?.map(({ symbol, value }) => `${symbol.name}=${value}`).join(' ');

describe('fewestSettings', () => {
  it('keeps what is needed and no more', () => {
    const { tiny, all } = setUp();
    const values = tiny.values();
    const few = fewestSettings(values, all('X=y N=7 A=y C=y B=y'), (now) => now.tristate(tiny.symbol('B')) === 2);
    // Either A or C is enough.
    expect(words(few)).toMatch(/^[AC]=y B=y$/);
    expect(values.tristate(tiny.symbol('B'))).toBe(2);
    expect(values.user(tiny.symbol('N'))).toBeUndefined();
  });

  it('asks for y rather than m where there are no modules', () => {
    const tiny = new Tiny('config MODULES\n\tbool "modules"\n\tmodules\nconfig NET\n\ttristate "NET"\n');
    const [modules, net] = [tiny.symbol('MODULES'), tiny.symbol('NET')];
    const settings = [
      { symbol: modules, value: 'y' },
      { symbol: net, value: 'm' },
    ];
    const values = tiny.values();
    expect(words(fewestSettings(values, settings, (now) => now.tristate(net) > 0))).toBe('NET=y');
    expect(values.user(net)).toBe('y');
    expect(words(fewestSettings(values, settings, (now) => now.tristate(net) === 1))).toBe('MODULES=y NET=m');
  });

  it('is undefined where all together are not enough', () => {
    const { tiny, all } = setUp();
    expect(fewestSettings(tiny.values(), all('B=y'), (now) => now.tristate(tiny.symbol('B')) === 2)).toBeUndefined();
  });

  it('needs nothing for what is so by default', () => {
    const { tiny, all } = setUp();
    expect(words(fewestSettings(tiny.values(), all('X=y A=y'), (now) => now.text(tiny.symbol('N')) === '3'))).toBe('');
  });
});

describe('applySettings', () => {
  it('is what reading the fragment does, the last member of a choice first', () => {
    const { tiny, all } = setUp();
    const settings = all('X=y Y=y A=y N=12');
    const values = tiny.values();
    applySettings(values, settings);
    const read = tiny.values('olddefconfig', fragment(settings));
    for (const symbol of tiny.model.declared) expect(values.text(symbol), symbol.name).toBe(read.text(symbol));
    expect(values.tristate(tiny.symbol('Y'))).toBe(2);
  });
});

describe('fragment', () => {
  it('is sorted, and quotes texts as a .config does', () => {
    const setting = (name: string, type: SymbolType, value: string) => ({ symbol: { name, type }, value });
    expect(
      fragment([
        setting('T', SymbolType.tristate, 'm'),
        setting('S', SymbolType.string, 'a "b" \\c'),
        setting('N', SymbolType.int, 'n'),
        setting('B', SymbolType.bool, 'n'),
      ]),
    ).toBe('# CONFIG_B is not set\nCONFIG_N=n\nCONFIG_S="a \\"b\\" \\\\c"\nCONFIG_T=m\n');
  });
});

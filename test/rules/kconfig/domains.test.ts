import { describe, expect, it } from 'vitest';
import { Domains, TooLargeError } from '../../../rules/kconfig/domains.ts';
import { Tiny } from './tiny-kconfig.ts';

function values(text: string, name: string): readonly string[] {
  const tiny = new Tiny(text);
  return new Domains(tiny.pool, tiny.model).of(tiny.symbol(name));
}

describe('the values of an int', () => {
  it('are what it is compared with, its defaults and bounds, and the numbers next to these', () => {
    const text = 'config N\n\tint "N"\n\trange 20 LIMIT\n\tdefault 5\nconfig A\n\tbool\n\tdefault y if N > 40\n';
    const numbers = ['0', '1', '4', '5', '6', '19', '20', '21', '39', '40', '41'];
    expect(values(text, 'N')).toEqual(expect.arrayContaining(numbers));
    expect(values(text, 'N')).not.toContain('7');
    expect(values(text, 'N')).toContain('LIMIT');
    expect(values(text, 'N')).toContain('-1');
  });

  it('are sixteen for 0x10, and eight for 010', () => {
    const text = 'config N\n\tint "N"\nconfig A\n\tbool\n\tdefault y if N = 0x10 || N = 010\n';
    expect(values(text, 'N')).toEqual(expect.arrayContaining(['8', '16']));
  });

  it('are those of all that it is compared with, or takes its default from', () => {
    const text =
      'config K\n\tint "K"\n\tdefault 100\nconfig L\n\tint "L"\n\tdefault K\nconfig M\n\tint "M"\nconfig A\n\tbool\n\tdefault y if M < L\nconfig Z\n\tint "Z"\n';
    expect(values(text, 'M')).toEqual(values(text, 'K'));
    // Two are compared: two numbers on each side can matter.
    expect(values(text, 'M')).toEqual(expect.arrayContaining(['98', '99', '100', '101', '102']));
    expect([...values(text, 'Z')].sort()).toEqual(['-1', '0', '1']);
  });
});

describe('the values of others', () => {
  it('of a hex are written with 0x, and not below zero', () => {
    expect([...values('config H\n\thex "H"\n\tdefault 0x10\n', 'H')].sort()).toEqual([
      '0x0',
      '0x1',
      '0x10',
      '0x11',
      '0xf',
    ]);
  });

  it('of a string are the texts, what comes right after them, and one that nothing mentions', () => {
    const texts = values('config S\n\tstring "S"\n\tdefault "a"\n', 'S');
    expect(texts).toEqual(expect.arrayContaining(['', 'a', 'a ', 'some other text']));
  });

  it('compared with a tristate are its letters and numbers', () => {
    const text = 'config A\n\ttristate "A"\nconfig S\n\tstring "S"\nconfig B\n\tbool\n\tdefault y if S = A\n';
    expect(values(text, 'S')).toEqual(expect.arrayContaining(['n', 'm', 'y', '0', '1', '2']));
  });

  it('are refused where they are too many', () => {
    const conditions = Array.from({ length: 601 }, (_, i) => `S != "${i}x"`).join(' && ');
    expect(() => values(`config S\n\tstring "S"\nconfig A\n\tbool\n\tdepends on ${conditions}\n`, 'S')).toThrow(
      TooLargeError,
    );
  });
});

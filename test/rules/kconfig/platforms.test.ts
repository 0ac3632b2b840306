import { describe, expect, test } from 'vitest';
import { KconfigStore } from '../../../rules/kconfig/files.ts';
import { Platforms } from '../../../rules/kconfig/platforms.ts';

function platformsOf(files: Record<string, string>) {
  const store = new KconfigStore();
  const parsed = Object.entries(files).map(([path, text]) => [path, store.parsed(`${path} ${text}`, text)!] as const);
  const platforms = new Platforms(store.pool, new Map(parsed));
  return (name: string) => platforms.isPlatform(store.pool.symbolId(name));
}

const bool = (name: string) => `config ${name}\n\tbool "${name}"\n`;
const driver = (...lines: string[]) =>
  `config DRIVER\n\ttristate "driver"\n${lines.map((line) => `\t${line}\n`).join('')}`;

describe('a platform', () => {
  test.each([
    ['depends on ARCH_REEF || COMPILE_TEST'],
    ['depends on PCI && (COMPILE_TEST || ARCH_REEF)'],
    ['depends on (ARCH_REEF && PCI) || (64BIT && COMPILE_TEST)'],
    ['depends on ARCH_DUNE || ARCH_REEF || COMPILE_TEST'],
    ['default y if ARCH_REEF || COMPILE_TEST'],
  ])('is an alternative to compile testing: %s', (line) => {
    expect(platformsOf({ 'arch/arm/Kconfig': bool('ARCH_REEF'), 'drivers/Kconfig': driver(line) })('ARCH_REEF')).toBe(
      true,
    );
  });

  test.each([
    ['depends on ARCH_REEF && COMPILE_TEST'],
    ['depends on ARCH_REEF || PCI'],
    ['depends on PCI || (ARCH_REEF && COMPILE_TEST)'],
    ['depends on !ARCH_REEF || COMPILE_TEST'],
  ])('is not what is named otherwise: %s', (line) => {
    expect(platformsOf({ 'arch/arm/Kconfig': bool('ARCH_REEF'), 'drivers/Kconfig': driver(line) })('ARCH_REEF')).toBe(
      false,
    );
  });

  const NAMED = driver('depends on X || COMPILE_TEST');

  test.each([
    ['drivers/soc/reef/Kconfig', true],
    ['drivers/platform/Kconfig', true],
    ['drivers/of/Kconfig', false],
  ])('is declared where machines are: %s %s', (path, expected) => {
    expect(platformsOf({ [path]: bool('X'), 'drivers/Kconfig': NAMED })('X')).toBe(expected);
  });

  test('is of a few architectures, not of most', () => {
    const on = (...archs: string[]) => Object.fromEntries(archs.map((arch) => [`arch/${arch}/Kconfig`, bool('X')]));
    expect(platformsOf({ ...on('arm', 'arm64', 'riscv'), 'drivers/Kconfig': NAMED })('X')).toBe(true);
    expect(platformsOf({ ...on('arm', 'arm64', 'riscv', 'x86'), 'drivers/Kconfig': NAMED })('X')).toBe(false);
  });

  test('is declared for machines alone', () => {
    const files = { 'arch/um/Kconfig': bool('X'), 'lib/Kconfig': bool('X'), 'drivers/Kconfig': NAMED };
    expect(platformsOf(files)('X')).toBe(false);
  });

  test('is a bool, of whatever form', () => {
    const ofArch = { 'arch/x86/Kconfig': 'config X\n\tdef_bool y\n', 'drivers/Kconfig': NAMED };
    expect(platformsOf(ofArch)('X')).toBe(true);
    const files = { 'drivers/soc/Kconfig': 'config X\n\ttristate "x"\n', 'drivers/Kconfig': NAMED };
    expect(platformsOf(files)('X')).toBe(false);
  });
});

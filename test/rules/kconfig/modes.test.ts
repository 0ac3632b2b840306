import { describe, expect, it } from 'vitest';
import { applyMode, MODES, type Mode, renderMode } from '../../../rules/kconfig/modes.ts';
import { fixture, Tiny } from './tiny-kconfig.ts';

/** The expected texts were written by the conf of Linux 6.12. */
const tiny = new Tiny(fixture('modes/Kconfig'));
const user = fixture('modes/user.config');
const needsConfig = (mode: Mode): boolean => /^(olddef|savedef|listnew)/.test(mode);

describe('every kind of symbol', () => {
  it.each(MODES)('is written by %s as by conf', (mode) => {
    const values = tiny.values(mode, needsConfig(mode) ? user : undefined);
    expect(renderMode(values, mode)).toBe(fixture(`modes/expected_${mode}`));
  });

  it.each(MODES)('is written by %s from a .config with CRLF as from one with LF', (mode) => {
    expect(tiny.output(mode, user.replaceAll('\n', '\r\n'))).toBe(tiny.output(mode, user));
  });

  it('does not remember the configuration before', () => {
    const values = tiny.values('allyesconfig');
    for (const [mode, config] of [
      ['olddefconfig', user],
      ['allnoconfig', undefined],
      ['olddefconfig', user],
    ] as const) {
      applyMode(values, mode, config === undefined ? {} : { config });
      expect(renderMode(values, mode)).toBe(fixture(`modes/expected_${mode}`));
    }
  });
});

describe('olddefconfig', () => {
  it('of what it wrote changes nothing', () => {
    for (const mode of ['allnoconfig', 'allyesconfig', 'allmodconfig', 'alldefconfig', 'olddefconfig'] as const) {
      const config = renderMode(tiny.values(mode, mode === 'olddefconfig' ? user : undefined), mode);
      expect(renderMode(tiny.values('olddefconfig', config), 'olddefconfig')).toBe(config);
    }
  });

  it('of what savedefconfig wrote gives the whole configuration back', () => {
    for (const mode of ['allnoconfig', 'allyesconfig', 'allmodconfig', 'alldefconfig'] as const) {
      const values = tiny.values(mode);
      const whole = renderMode(values, mode);
      expect(renderMode(tiny.values('olddefconfig', renderMode(values, 'savedefconfig')), 'olddefconfig')).toBe(whole);
    }
  });
});

describe('a fragment', () => {
  it('stands in allnoconfig and allyesconfig, what it does not name is answered', () => {
    const config = 'CONFIG_BUS=m\n# CONFIG_MODULES is not set\n';
    expect(tiny.output('allyesconfig', config)).toContain('# CONFIG_MODULES is not set\n');
    expect(tiny.output('allnoconfig', 'CONFIG_BUS=y\n')).toMatch(/CONFIG_BUS=y\n# CONFIG_BUS_FAST is not set\n/);
    expect(tiny.output('allnoconfig')).toContain('# CONFIG_BUS is not set\n');
  });

  it('decides a choice, which the answers leave alone', () => {
    expect(tiny.output('allyesconfig', 'CONFIG_SPEED_LOW=y\n')).toContain('CONFIG_SPEED_LOW=y\n');
    expect(tiny.output('allyesconfig')).toContain('CONFIG_SPEED_HIGH=y\n');
  });
});

describe('savedefconfig', () => {
  const small = new Tiny('config A\n\tbool "a"\n\tdefault y\nconfig B\n\tint "b"\n\tdefault 3\nconfig C\n\tbool "c"\n');

  it('writes what differs from the defaults, and nothing else', () => {
    expect(small.output('savedefconfig', '# CONFIG_A is not set\nCONFIG_B=3\nCONFIG_C=y\n')).toBe(
      '# CONFIG_A is not set\nCONFIG_C=y\n',
    );
    expect(small.output('savedefconfig', '')).toBe('');
  });
});

describe('listnewconfig', () => {
  const small = new Tiny(
    'config A\n\tbool "a"\nconfig B\n\tbool "b"\n\tdepends on A\nconfig C\n\tbool\nmenu "m"\n\tdepends on A\nconfig D\n\tint "d"\nendmenu\n',
  );

  it('lists what can be set and is not, with the value it gets', () => {
    expect(small.output('listnewconfig', 'CONFIG_A=y\n')).toBe('CONFIG_B=n\nCONFIG_D=0\n');
  });

  it('does not list what is set, hidden, or without a prompt', () => {
    expect(small.output('listnewconfig', 'CONFIG_B=y\n')).toBe('CONFIG_A=n\n');
    expect(small.output('listnewconfig', 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_D=7\n')).toBe('');
  });
});

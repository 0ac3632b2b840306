import { describe, expect, it } from 'vitest';
import { NONE } from '../../../rules/kconfig/expr.ts';
import { fixture, Tiny } from './tiny-kconfig.ts';

const MODULES = 'config MODULES\n\tbool "modules"\n\tmodules\n';

/** Values after olddefconfig with this .config, by symbol. */
function valuesOf(kconfig: string, config: string, ...names: string[]): string[] {
  const tiny = new Tiny(kconfig);
  const values = tiny.values('olddefconfig', config);
  return names.map((name) => values.text(tiny.symbol(name)));
}

describe('the value of a user', () => {
  const text = `${MODULES}config DEP\n\ttristate "dep"\nconfig A\n\ttristate "a" if DEP\n\tdefault y\n`;

  it('counts up to the visibility of the prompt', () => {
    expect(valuesOf(text, 'CONFIG_MODULES=y\nCONFIG_DEP=m\nCONFIG_A=y\n', 'A')).toEqual(['m']);
    expect(valuesOf(text, 'CONFIG_MODULES=y\nCONFIG_DEP=y\nCONFIG_A=m\n', 'A')).toEqual(['m']);
  });

  it('does not count where the prompt is hidden: the default does', () => {
    expect(valuesOf(text, 'CONFIG_MODULES=y\n# CONFIG_DEP is not set\n# CONFIG_A is not set\n', 'A')).toEqual(['y']);
  });

  it('m is y where modules are off, and stays m where they are on', () => {
    expect(valuesOf(text, 'CONFIG_DEP=m\n', 'DEP')).toEqual(['y']);
    expect(valuesOf(text, 'CONFIG_MODULES=y\nCONFIG_DEP=m\n', 'DEP')).toEqual(['m']);
  });
});

describe('a default', () => {
  it('is the first whose condition holds', () => {
    const text = 'config C\n\tbool "c"\nconfig A\n\tint\n\tdefault 1 if C\n\tdefault 2\n\tdefault 3\n';
    expect(valuesOf(text, 'CONFIG_C=y\n', 'A')).toEqual(['1']);
    expect(valuesOf(text, '', 'A')).toEqual(['2']);
  });

  it('is no more than its condition', () => {
    const text = `${MODULES}config C\n\ttristate "c"\nconfig A\n\ttristate\n\tdefault y if C\nconfig B\n\ttristate\n\tdefault y\n\tdepends on C\n`;
    expect(valuesOf(text, 'CONFIG_MODULES=y\nCONFIG_C=m\n', 'A', 'B')).toEqual(['m', 'm']);
    expect(valuesOf(text, 'CONFIG_MODULES=y\n', 'A', 'B')).toEqual(['n', 'n']);
  });

  it('of a string may be another symbol, and that of an undeclared one is its name', () => {
    const text = 'config S\n\tstring "s"\nconfig A\n\tstring\n\tdefault S\nconfig B\n\tstring\n\tdefault GHOST\n';
    expect(valuesOf(text, 'CONFIG_S="x"\n', 'A', 'B')).toEqual(['x', 'GHOST']);
  });
});

describe('select and imply', () => {
  const text = `${MODULES}config FROM\n\ttristate "from"\n\tselect TO\n\timply WISH\nconfig DEP\n\tbool "dep"\nconfig TO\n\ttristate\n\tdepends on DEP\nconfig WISH\n\ttristate "wish"\n\tdepends on DEP\n`;

  it('select is a lower bound even against dependencies, which is then unmet', () => {
    const tiny = new Tiny(text);
    const values = tiny.values('olddefconfig', 'CONFIG_FROM=y\n');
    expect(values.text(tiny.symbol('TO'))).toBe('y');
    expect(values.unmet.map(({ name }) => name)).toEqual(['TO']);
    expect(tiny.values('olddefconfig', 'CONFIG_FROM=y\nCONFIG_DEP=y\n').unmet).toEqual([]);
  });

  it('imply moves only the default, and never above dependencies', () => {
    expect(valuesOf(text, 'CONFIG_FROM=y\n', 'WISH')).toEqual(['n']);
    expect(valuesOf(text, 'CONFIG_FROM=y\nCONFIG_DEP=y\n', 'WISH')).toEqual(['y']);
    expect(valuesOf(text, 'CONFIG_FROM=y\nCONFIG_DEP=y\n# CONFIG_WISH is not set\n', 'WISH')).toEqual(['n']);
  });

  it('hand on m from a module', () => {
    expect(valuesOf(text, 'CONFIG_MODULES=y\nCONFIG_FROM=m\nCONFIG_DEP=y\n', 'TO', 'WISH')).toEqual(['m', 'm']);
  });

  it('select of a bool by a module gives y', () => {
    expect(
      valuesOf(
        `${MODULES}config A\n\ttristate "a"\n\tselect B\nconfig B\n\tbool\n`,
        'CONFIG_MODULES=y\nCONFIG_A=m\n',
        'B',
      ),
    ).toEqual(['y']);
  });

  it('do not work from a symbol that is off or whose condition is', () => {
    const conditional = 'config A\n\tbool "a"\n\tselect B if C\nconfig B\n\tbool\nconfig C\n\tbool "c"\n';
    expect(valuesOf(conditional, 'CONFIG_C=y\n', 'B')).toEqual(['n']);
    expect(valuesOf(conditional, 'CONFIG_A=y\n', 'B')).toEqual(['n']);
    expect(valuesOf(conditional, 'CONFIG_A=y\nCONFIG_C=y\n', 'B')).toEqual(['y']);
  });
});

describe('dependencies of several declarations', () => {
  it('are alternatives; a declaration without any adds none', () => {
    const text =
      'config X\n\tbool "x"\nconfig Y\n\tbool "y"\nconfig A\n\tbool\n\tdepends on X\nconfig A\n\tbool\n\tdepends on Y\nconfig A\n\tbool\n';
    const directDep = (config: string): number => {
      const tiny = new Tiny(text);
      return tiny.values('olddefconfig', config).directDep(tiny.symbol('A'));
    };
    expect([directDep(''), directDep('CONFIG_X=y\n'), directDep('CONFIG_Y=y\n')]).toEqual([0, 2, 2]);
  });
});

describe('ranges', () => {
  const text =
    'config C\n\tbool "c"\nconfig A\n\tint "a"\n\trange 10 20 if C\n\trange -5 5\nconfig H\n\thex "h"\n\trange 0x10 0x20\n';

  it('clamp to the first that holds', () => {
    expect(valuesOf(text, 'CONFIG_C=y\nCONFIG_A=99\n', 'A')).toEqual(['20']);
    expect(valuesOf(text, 'CONFIG_A=99\n', 'A')).toEqual(['5']);
    expect(valuesOf(text, 'CONFIG_A=-99\n', 'A')).toEqual(['-5']);
  });

  it('leave what is inside as it was written', () => {
    expect(valuesOf(text, 'CONFIG_A=3\nCONFIG_H=1F\n', 'A', 'H')).toEqual(['3', '1F']);
    expect(valuesOf(text, 'CONFIG_H=0x21\n', 'H')).toEqual(['0x20']);
  });

  it('with an undefined bound write its name, as conf does', () => {
    expect(valuesOf('config A\n\tint "a"\n\trange 2 NR_CPUS\n', 'CONFIG_A=8\n', 'A')).toEqual(['NR_CPUS']);
  });
});

describe('a choice', () => {
  const text =
    'config HIDE\n\tbool "hide"\nchoice\n\tprompt "c"\n\tdefault TWO\nconfig ONE\n\tbool "one"\nconfig TWO\n\tbool "two"\n\tdepends on !HIDE\nconfig THREE\n\tbool "three"\nendchoice\n';
  const members = ['ONE', 'TWO', 'THREE'];

  it('takes the one that the user wants', () => {
    expect(valuesOf(text, 'CONFIG_THREE=y\n', ...members)).toEqual(['n', 'n', 'y']);
  });

  it('falls back to its default, then to the first visible member', () => {
    expect(valuesOf(text, '', ...members)).toEqual(['n', 'y', 'n']);
    expect(valuesOf(text, 'CONFIG_HIDE=y\n', ...members)).toEqual(['y', 'n', 'n']);
    expect(valuesOf(text, 'CONFIG_HIDE=y\nCONFIG_TWO=y\n', ...members)).toEqual(['y', 'n', 'n']);
  });

  it('does not take what the user has ruled out, unless that is all of it', () => {
    expect(valuesOf(text, '# CONFIG_TWO is not set\n', ...members)).toEqual(['y', 'n', 'n']);
    expect(valuesOf(text, '# CONFIG_TWO is not set\n# CONFIG_ONE is not set\n', ...members)).toEqual(['n', 'n', 'y']);
    expect(valuesOf(text, members.map((name) => `# CONFIG_${name} is not set\n`).join(''), ...members)).toContain('y');
  });

  it('that is not visible has no member', () => {
    expect(
      valuesOf('choice\n\tprompt "c"\n\tdepends on n\nconfig ONE\n\tbool "one"\nendchoice\n', 'CONFIG_ONE=y\n', 'ONE'),
    ).toEqual(['n']);
  });
});

describe('expressions', () => {
  const text = `${MODULES}config T\n\ttristate "t"\nconfig U\n\ttristate "u"\nconfig I\n\tint "i"\nconfig S\n\tstring "s"\n`;
  const config = 'CONFIG_MODULES=y\nCONFIG_T=m\nCONFIG_U=y\nCONFIG_I=10\nCONFIG_S="b"\n';
  const rows = [
    ['T', 1],
    ['!T', 1],
    ['T && U', 1],
    ['T || U', 2],
    ['!U', 0],
    ['GHOST', 0],
    ['!GHOST', 2],
    ['m', 1],
    ['y && n', 0],
    ['T = m', 2],
    ['T != m', 0],
    ['T < U', 2],
    ['U <= T', 0],
    ['I = 10', 2],
    ['I > 9', 2],
    ['I < 0x10', 2],
    ['I >= 11', 0],
    ['S = "b"', 2],
    ['S > "a"', 2],
    ['S = b', 2],
    ['GHOST = "GHOST"', 2],
    ['T = U', 0],
  ] as const;

  it.each(rows)('%s is %i', (condition, want) => {
    const tiny = new Tiny(`${text}config R\n\ttristate\n\tdefault y if ${condition}\n`);
    expect(tiny.values('olddefconfig', config).tristate(tiny.symbol('R'))).toBe(want);
  });

  it('that are not there are y', () => {
    expect(new Tiny(text).values().expr(NONE)).toBe(2);
  });
});

describe('depends on … if …', () => {
  const tiny = new Tiny(fixture('conditional-depends/Kconfig'));

  it.each([
    ['', ['y', 'y', 'y']],
    ['CONFIG_WHERE=y\n', ['n', 'n', 'n']],
    ['CONFIG_WHERE=y\nCONFIG_NEEDED=m\n', ['m', 'm', 'y']],
    ['CONFIG_WHERE=y\nCONFIG_NEEDED=y\n', ['y', 'y', 'y']],
    ['CONFIG_NEEDED=m\n', ['y', 'y', 'y']],
  ])('with %j gives DRIVER, PLAIN, EITHER %j', (config, want) => {
    const values = tiny.values('olddefconfig', config);
    expect(['DRIVER', 'PLAIN', 'EITHER'].map((name) => values.text(tiny.symbol(name)))).toEqual(want);
  });
});

describe('a chain too long for the stack', () => {
  const row = (n: number): string =>
    Array.from({ length: n }, (_, i) => `config S${i}\n\tdef_bool S${i + 1}\n`).join('');

  it('is an error of the Kconfig, not a crash; a shorter one is computed', () => {
    expect(() => new Tiny(row(100_000)).values()).toThrow('dependencies are nested too deep to evaluate');
    expect(valuesOf(`${row(500)}config S500\n\tdef_bool y\n`, '', 'S0')).toEqual(['y']);
  });
});

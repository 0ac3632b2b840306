import { describe, expect, it } from 'vitest';
import type { KconfigError } from '../../../rules/kconfig/error.ts';
import { complaint, fixture, Tiny } from './tiny-kconfig.ts';

const A = 'config A\n\tbool "a"\n';
const choice = (inner: string, options = '\tprompt "c"\n'): string => `choice\n${options}${inner}endchoice\n`;

describe('a model', () => {
  const tiny = new Tiny({
    Kconfig: 'mainmenu "Title"\nsource "sub/Kconfig"\nconfig A\n\tdefault y\n',
    'sub/Kconfig':
      'menu "M"\n\tdepends on X\n\tvisible if V\nconfig A\n\tbool "a" if P\n\tdepends on D\n\tselect S if C\n\timply I\nendmenu\n',
  });

  it('knows title, files and symbols in order of reading', () => {
    expect(tiny.model.title).toBe('Title');
    expect(tiny.model.files).toEqual(['Kconfig', 'sub/Kconfig']);
    expect(tiny.model.declared.map(({ name }) => name)).toEqual(['A']);
  });

  it('has every property with its place', () => {
    const a = tiny.symbol('A');
    expect(a.declarations.map(({ path, line }) => `${path}:${line}`)).toEqual(['sub/Kconfig:4', 'Kconfig:3']);
    const { print } = { print: (e: number) => tiny.pool.print(e) };
    expect(a.prompts.map((p) => [p.text, print(p.cond), print(p.menusVisible), p.line])).toEqual([['a', 'P', 'V', 5]]);
    expect(a.declarations[0]!.dependencies.map((d) => [print(d.expr), d.line])).toEqual([['D', 6]]);
    expect(a.selects.map((s) => [s.to.name, print(s.cond), s.in.path, s.line])).toEqual([['S', 'C', 'sub/Kconfig', 7]]);
    expect(a.defaults.map((d) => [print(d.value), d.in.path, d.line])).toEqual([['y', 'Kconfig', 4]]);
  });

  it('shows selects from the other end too', () => {
    expect(tiny.symbol('S').selectedBy.map((e) => e.from.name)).toEqual(['A']);
    expect(tiny.symbol('I').impliedBy.map((e) => e.from.name)).toEqual(['A']);
    expect(tiny.symbol('S').impliedBy).toEqual([]);
    expect(tiny.symbol('S').declarations).toEqual([]);
  });

  it('lets a declaration inherit that there is a dependency', () => {
    expect(tiny.symbol('A').declarations.map(({ hasDep }) => hasDep)).toEqual([true, false]);
  });

  it('with CRLF in a file is the same, with a warning a line', () => {
    const crlf = new Tiny(A.replaceAll('\n', '\r\n'));
    expect(crlf.symbol('A').prompts[0]!.text).toBe('a');
    expect(crlf.model.warnings).toHaveLength(2);
    expect(new Tiny(A).model.warnings).toEqual([]);
  });
});

describe('a choice', () => {
  it('has its members once each, in order', () => {
    const tiny = new Tiny(choice(`config M\n\tbool "m"\nif X\nconfig N\n\tbool "n"\nendif\nconfig M\n\tbool "m"\n`));
    expect(tiny.model.choices[0]!.members.map(({ name }) => name)).toEqual(['M', 'N']);
    expect(tiny.symbol('N').choice).toBe(tiny.model.choices[0]);
  });

  it.each([
    ['no prompt', choice(A, ''), 'Kconfig:1: error: choice must have a prompt'],
    ['a member without prompt', choice('config M\n\tbool\n'), 'Kconfig:3: error: choice member must have a prompt'],
    ['a member that is no bool', choice('config M\n\ttristate "m"\n'), 'Kconfig:3: error: choice member must be bool'],
    [
      'a member with a default',
      choice(`${A}\tdefault y\n`),
      'Kconfig:5: error: defaults for choice values not supported',
    ],
    [
      'a member with a default elsewhere',
      `${choice(A)}config A\n\tbool\n\tdefault y\n`,
      'Kconfig:8: error: defaults for choice values not supported',
    ],
    [
      'a member with a prompt elsewhere',
      choice(A) + A,
      'Kconfig:7: error: choice value has a prompt outside its choice group',
    ],
    ['a menuconfig in it', choice('menuconfig M\n\tbool "m"\n'), 'Kconfig:3: "menuconfig" is not allowed in a choice'],
    ['a menu in it', choice('menu "m"\nendmenu\n'), 'Kconfig:3: "menu" is not allowed in a choice'],
    ['a choice in it', choice(choice(A)), 'Kconfig:3: "choice" is not allowed in a choice'],
    ['an assignment in it', choice(`X := 1\n${A}`), 'Kconfig:3: "assignment" is not allowed in a choice'],
    [
      'a type of its own',
      choice(A, '\ttristate "c"\n'),
      'Kconfig:2: a choice takes its type from `bool "prompt"` only',
    ],
    [
      'a default that is no symbol',
      choice(A, '\tprompt "c"\n\tdefault A && B\n'),
      'Kconfig:3: default of a choice must be one symbol',
    ],
    ['a select', choice(A, '\tprompt "c"\n\tselect B\n'), 'Kconfig:3: this property is not allowed in "choice"'],
  ])('with %s is refused', (_what, text, message) => {
    expect(complaint(text)).toBe(message);
  });

  it.each([
    ['a prompt written with bool', choice(A, '\tbool "c"\n')],
    ['a default, a dependency and help', choice(A, '\tprompt "c"\n\tdefault A\n\tdepends on X\n\thelp\n\t  Words.\n')],
    ['a comment and an if in it', choice(`comment "x"\nif X\n${A}endif\n`)],
    ['no member', choice('')],
    ['a member that is declared again in it', choice(A + A)],
    ['a member that has a dependency elsewhere', `${choice(A)}config A\n\tbool\n\tdepends on X\n`],
  ])('with %s is accepted', (_what, text) => {
    expect(complaint(text)).toBeUndefined();
  });
});

describe('blocks', () => {
  it.each([
    ['endmenu\n', /1: unexpected 'endmenu' outside of any block/],
    ['if X\nendmenu\n', /2: unexpected 'endmenu' within if block \(opened at Kconfig:1\)/],
    ['menu "m"\n', /1: missing end statement for this "menu"/],
    ['if X\n', /1: missing end statement for this "if"/],
    ['bool "a"\n', /1: property outside of a block/],
    ['if X\nendif\ndefault y\n', /3: property outside of a block/],
    ['menu "m"\n\thelp\n\t  x\nendmenu\n', /2: this property is not allowed in "menu"/],
    ['comment "c"\n\tbool "x"\n', /2: this property is not allowed in "comment"/],
    [`${A}mainmenu "late"\n`, /3: "mainmenu" is not the first statement/],
    [
      `${A}\tmodules\nconfig B\n\tbool\n\tmodules\n`,
      /6: symbol 'B' redefines option 'modules' already defined by symbol 'A'/,
    ],
    ['config A\n\tbool "a"', /2: syntax error: no new line at end of file/],
  ])('%j is refused', (text, message) => {
    expect(complaint(text)).toMatch(message);
  });

  it.each([
    '',
    '\n# nothing\n',
    '# no newline',
    'config A\n\tbool\n\thelp\n\t  no newline',
    'menu "m"\n\tvisible\nendmenu\n',
    `mainmenu "t"\n${A}`,
  ])('%j is accepted', (text) => {
    expect(complaint(text)).toBeUndefined();
  });

  it('may not end in another file than they began', () => {
    expect(complaint({ Kconfig: 'menu "m"\nsource "b"\n', b: 'endmenu\n' })).toMatch(
      /^b:1: 'endmenu' in different file than 'menu' \(Kconfig:1\)/,
    );
    expect(complaint({ Kconfig: 'source "b"\nendmenu\n', b: 'menu "m"\n' })).toMatch(/^b:1: missing end statement/);
  });
});

describe('source', () => {
  it('of a file that is not there is refused', () => {
    expect(complaint('source "none"\n')).toBe('Kconfig:1: can\'t open file "none"');
    expect(complaint({})).toBe("Kconfig: can't find this file");
  });

  it('in a circle is refused, with the way in as conf prints it', () => {
    const files = { Kconfig: '\nsource "a"\n', a: 'source "b"\n', b: '\n\nsource "a"\n' };
    expect(complaint(files)).toBe('b:3: recursive inclusion of "a"');
    try {
      new Tiny(files);
      expect.unreachable();
    } catch (error) {
      expect((error as KconfigError).stderr).toBe(
        'Recursive inclusion detected.\nInclusion path:\n  current file : a\n  included from: b:3\n  included from: a:1\n  included from: Kconfig:2\n',
      );
    }
  });

  it('of a file twice is refused from Linux 7.0 on, and read twice before', () => {
    const files = {
      Kconfig: fixture('repeated-source/Kconfig'),
      'Kconfig.part': fixture('repeated-source/Kconfig.part'),
    };
    expect(complaint(files, { refuseRepeatedSource: true })).toBe(
      'Kconfig:5: error: repeated inclusion of Kconfig.part',
    );
    expect(new Tiny(files).symbol('PART').prompts).toHaveLength(2);
  });

  it('takes its name from a variable', () => {
    const tiny = new Tiny(
      { Kconfig: 'source "arch/$(SRCARCH)/Kconfig"\n', 'arch/x86/Kconfig': A },
      { env: { SRCARCH: 'x86' } },
    );
    expect(tiny.symbol('A').declarations[0]!.path).toBe('arch/x86/Kconfig');
  });

  it('too deep is refused', () => {
    const files = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [i === 0 ? 'Kconfig' : `f${i}`, `source "f${i + 1}"\n`]),
    );
    expect(complaint(files)).toMatch(/more than 100 deep/);
  });
});

describe('macros', () => {
  it('are expanded in file order', () => {
    const tiny = new Tiny('X := A\nconfig $(X)\n\tbool "$(X)$(Y)"\nY := late\n');
    expect(tiny.symbol('A').prompts[0]!.text).toBe('A');
  });

  it('report commands without an answer, and are read again with one', () => {
    const text = 'config A\n\tdef_bool $(shell,is-there)\n';
    expect([...new Tiny(text).model.unanswered]).toEqual(['is-there']);
    const tiny = new Tiny(text, { shell: () => 'y' });
    expect([...tiny.model.unanswered]).toEqual([]);
    expect(tiny.pool.print(tiny.symbol('A').defaults[0]!.value)).toBe('y');
  });
});

describe('depends on … if …', () => {
  it('is the dependency, or that its condition is n', () => {
    const tiny = new Tiny(fixture('conditional-depends/Kconfig'));
    expect(tiny.pool.print(tiny.symbol('DRIVER').declarations[0]!.dep)).toBe('NEEDED || WHERE=n');
    expect(tiny.pool.print(tiny.symbol('EITHER').declarations[0]!.dep)).toBe(
      'NEEDED || (WHERE=n || !(PLAIN=y)) && PLAIN!=n',
    );
  });

  it('is no condition where there is no if', () => {
    expect(
      new Tiny(`${A}\tdepends on B\n`).pool.print(new Tiny(`${A}\tdepends on B\n`).symbol('A').declarations[0]!.dep),
    ).toBe('B');
  });
});

describe('a transitional symbol', () => {
  const old = (property = ''): string => `config OLD\n\tbool\n\ttransitional\n${property}`;

  it.each(['\tdefault y\n', '\tprompt "old"\n', '\tdepends on X\n', '\tselect X\n', '\timply X\n'])(
    'with %j is refused',
    (property) => {
      expect(complaint(old(property))).toMatch(
        /^Kconfig:[14]: error: transitional symbols can only have help sections$/,
      );
    },
  );

  it('with type and help is accepted', () => {
    expect(complaint(old('\thelp\n\t  Old.\n'))).toBeUndefined();
    expect(new Tiny(old()).symbol('OLD').isTransitional).toBe(true);
  });
});

describe('warnings', () => {
  it.each([
    ['config A\n\tbool "a"\n\tprompt "b"\n', 'Kconfig:3:warning: prompt redefined'],
    ['config A\n\tbool "  a"\n', 'Kconfig:2:warning: leading whitespace ignored'],
    [`${A}config A\n\ttristate\n`, "Kconfig:4:warning: ignoring type redefinition of 'A' from 'bool' to 'tristate'"],
  ])('%j warns', (text, warning) => {
    expect(new Tiny(text).model.warnings).toEqual([warning]);
  });

  it('do not come for a type that is said twice', () => {
    expect(new Tiny(`${A}config A\n\tbool\n`).model.warnings).toEqual([]);
  });
});

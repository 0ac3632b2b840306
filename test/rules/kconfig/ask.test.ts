import { describe, expect, test } from 'vitest';
import { type Answer, agrees, askImplied, askNeeds, askPossible } from '../../../rules/kconfig/ask.ts';
import { renderMode } from '../../../rules/kconfig/modes.ts';
import { parseQuestion } from '../../../rules/kconfig/question.ts';
import type { Step } from '../../../rules/kconfig/reason-steps.ts';
import { Solver } from '../../../rules/kconfig/solve.ts';
import { Tiny } from './tiny-kconfig.ts';

class Desk {
  readonly tiny: Tiny;
  readonly solver: Solver;

  constructor(files: ConstructorParameters<typeof Tiny>[0], env: Readonly<Record<string, string>> = {}) {
    this.tiny = new Tiny(files, { env });
    this.solver = new Solver(this.tiny.pool, this.tiny.model);
  }

  read(text: string): number {
    const parsed = parseQuestion(this.tiny.pool, text);
    if (!parsed.ok) throw new Error(parsed.why);
    return parsed.expr;
  }

  possible(text: string): Answer {
    return askPossible(this.solver, this.read(text)).answer;
  }

  implied(a: string, b: string): Answer {
    return askImplied(this.solver, this.read(a), this.read(b)).answer;
  }

  needs(name: string, value?: 'm' | 'y'): Answer {
    return askNeeds(this.solver, this.tiny.symbol(name).id, value).answer;
  }
}

function because(answer: Answer): readonly Step[] {
  if (!('because' in answer)) throw new Error(`${answer.verdict}, without a reason`);
  return answer.because;
}

const where = (steps: readonly Step[]): string[] => steps.map(({ path, line, text }) => `${path}:${line}: ${text}`);

/** A bus, a driver behind it, and what they rest on. */
const FILES: Readonly<Record<string, string>> = {
  Kconfig: 'config MODULES\n\tbool "Modules"\n\tmodules\n\nsource "arch/$(ARCH)/Kconfig"\nsource "drivers/Kconfig"\n',
  'arch/big/Kconfig':
    'config 64BIT\n\tdef_bool y\n\nconfig HAS_DMA\n\tbool\n\tdefault y\n\nconfig BIG\n\tdef_bool y\n\tselect LIB\n',
  'arch/small/Kconfig': 'config HAS_DMA\n\tdef_bool y\n',
  'drivers/Kconfig': [
    'config LIB\n\tbool\n',
    'config DMA\n\tbool "DMA"\n\tdepends on HAS_DMA\n',
    'if DMA\n\nconfig BUS\n\ttristate "Bus"\n\tdepends on \\\n\t\t64BIT\n\tdepends on !OLD\n\nendif\n',
    'config OLD\n\tbool "Old ways"\n',
    'config RED\n\tbool "Red"\n',
    'config BLUE\n\tbool "Blue"\n',
    'config DRIVER\n\ttristate "Driver"\n\tdepends on BUS\n\tdepends on RED || BLUE\n\tselect LIB\n',
    'config NOBODY\n\tbool\n',
    'config HELPER\n\tbool\n\tdepends on NOBODY\n\nconfig USER\n\tbool "User"\n\tselect HELPER\n',
    'choice\n\tprompt "Speed"\n\nconfig SLOW\n\tbool "Slow"\n\nconfig FAST\n\tbool "Fast"\n\nendchoice\n',
  ].join('\n'),
};
const big = new Desk(FILES, { ARCH: 'big' });
const small = new Desk(FILES, { ARCH: 'small' });

describe('a configuration', () => {
  test('is the fewest settings, by name, and as lines', () => {
    expect(big.possible('DRIVER=m && !BLUE')).toEqual({
      verdict: 'possible',
      undeclared: [],
      witness: {
        settings: [
          { symbol: 'BUS', value: 'y' },
          { symbol: 'DMA', value: 'y' },
          { symbol: 'DRIVER', value: 'm' },
          { symbol: 'MODULES', value: 'y' },
          { symbol: 'RED', value: 'y' },
        ],
        config: 'CONFIG_BUS=y\nCONFIG_DMA=y\nCONFIG_DRIVER=m\nCONFIG_MODULES=y\nCONFIG_RED=y\n',
        unmet: [],
      },
    });
  });

  test('that selects against a dependency says so', () => {
    expect(big.possible('HELPER')).toMatchObject({ witness: { config: 'CONFIG_USER=y\n', unmet: ['HELPER'] } });
  });

  test('agrees with a .config that is the same, and with no other', () => {
    const asked = askPossible(big.solver, big.read('RED && !BLUE'));
    if (asked.answer.verdict !== 'possible') throw new Error(asked.answer.verdict);
    const { witness } = asked.answer;
    const config = renderMode(big.tiny.values('olddefconfig', witness.config), 'olddefconfig');
    expect(agrees(big.solver, asked, witness, config)).toBe(true);
    expect(agrees(big.solver, asked, witness, config.replace('CONFIG_RED=y', '# CONFIG_RED is not set'))).toBe(false);
    const other = { ...witness, config: 'CONFIG_BLUE=y\n' };
    const otherConfig = renderMode(big.tiny.values('olddefconfig', other.config), 'olddefconfig');
    expect(agrees(big.solver, asked, other, otherConfig)).toBe(false);
  });
});

describe('a reason', () => {
  test('goes from the symbol asked about to what is missing', () => {
    expect(where(because(small.possible('DRIVER')))).toEqual([
      'drivers/Kconfig:27: config DRIVER',
      'drivers/Kconfig:29: depends on BUS',
      'drivers/Kconfig:10: config BUS',
      'drivers/Kconfig:12: depends on 64BIT',
    ]);
  });

  test('names what the architecture does not declare', () => {
    expect(small.possible('BUS')).toMatchObject({
      verdict: 'impossible',
      undeclared: [],
      because: [{ kind: 'definition' }, { kind: 'depends on', undeclared: ['64BIT'] }],
    });
    expect(small.possible('64BIT')).toEqual({ verdict: 'impossible', undeclared: ['64BIT'], because: [] });
    expect(small.possible('!64BIT && RED')).toMatchObject({ verdict: 'possible', undeclared: ['64BIT'] });
  });

  test('says what could turn a symbol on', () => {
    expect(because(big.possible('NOBODY'))).toEqual([
      {
        kind: 'definition',
        symbol: 'NOBODY',
        path: 'drivers/Kconfig',
        line: 33,
        text: 'config NOBODY',
        undeclared: [],
        ways: {
          type: 'bool',
          hasPrompt: false,
          defaults: { items: [], more: 0 },
          ranges: { items: [], more: 0 },
          selectedBy: { items: [], more: 0 },
          impliedBy: { items: [], more: 0 },
        },
      },
    ]);
    expect(because(small.possible('LIB && !DRIVER'))[0]?.ways).toMatchObject({
      selectedBy: { items: ['DRIVER'], more: 0 },
    });
  });

  test('has selects with the symbol whose they are, defaults, and choices', () => {
    const select = new Desk('config A\n\tbool "A"\n\tselect B if C\n\nconfig B\n\tbool "B"\n\nconfig C\n\tbool "C"\n');
    expect(because(select.possible('A && C && !B'))).toMatchObject([
      { kind: 'select', symbol: 'B', by: 'A', text: 'select B if C', line: 3 },
    ]);
    expect(because(big.possible('!HAS_DMA'))).toMatchObject([
      {
        kind: 'default',
        symbol: 'HAS_DMA',
        text: 'default y',
        ways: { hasPrompt: false, defaults: { items: ['default y'], more: 0 } },
      },
    ]);
    expect(because(big.possible('SLOW && FAST'))).toMatchObject([{ kind: 'choice', text: 'choice', prompt: 'Speed' }]);
  });

  test('of macros has the expression that they became', () => {
    const desk = new Desk('config A\n\tbool "A" if "$(ARCH)" = "x"\n', { ARCH: 'y' });
    expect(because(desk.possible('A'))).toMatchObject([
      { kind: 'definition' },
      { kind: 'if', text: 'bool "A" if "$(ARCH)" = "x"', expanded: 'y="x"' },
    ]);
  });

  test('of a contradiction in the question is none', () => {
    expect(because(big.possible('RED && !RED'))).toEqual([]);
  });

  test.each([
    ['small', 'BUS'],
    ['small', 'BUS && RED'],
    ['big', 'BUS && OLD'],
    ['big', 'DRIVER && OLD'],
    ['big', 'DRIVER && !DMA'],
    ['big', 'DRIVER && !(RED || BLUE)'],
    ['big', '!HAS_DMA'],
  ])('on %s for %s has no line too many: without any one it is possible', (arch, question) => {
    const lines = because(new Desk(FILES, { ARCH: arch }).possible(question)).filter(
      ({ kind }) => kind !== 'definition',
    );
    expect(lines.length).toBeGreaterThan(0);
    for (const { path, line } of lines) {
      const text = FILES[path]!.split('\n');
      // An `if` stays, so that its end has a beginning; a continued line goes with what follows.
      const [first = ''] = text.splice(line - 1, 1, text[line - 1]!.startsWith('if ') ? 'if y' : '');
      if (first.endsWith('\\')) text[line] = '';
      const without = new Desk({ ...FILES, [path]: text.join('\n') }, { ARCH: arch });
      expect(without.possible(question).verdict, `${path}:${line}`).toBe('possible');
    }
  });
});

describe('implications', () => {
  test('hold with the statements that make them hold', () => {
    const answer = big.implied('DRIVER', 'DMA');
    expect(answer).toMatchObject({ verdict: 'implied', isVacuous: false });
    expect(where(because(answer))).toEqual([
      'drivers/Kconfig:27: config DRIVER',
      'drivers/Kconfig:29: depends on BUS',
      'drivers/Kconfig:10: config BUS',
      'drivers/Kconfig:8: if DMA',
    ]);
  });

  test('or do not, with a configuration', () => {
    expect(big.implied('BUS', 'RED')).toEqual({
      verdict: 'not-implied',
      undeclared: [],
      witness: {
        settings: [
          { symbol: 'BUS', value: 'y' },
          { symbol: 'DMA', value: 'y' },
        ],
        config: 'CONFIG_BUS=y\nCONFIG_DMA=y\n',
        unmet: [],
      },
    });
    expect(big.implied('DRIVER=y', 'BUS=y && (RED || BLUE)')).toMatchObject({ verdict: 'implied' });
    expect(big.implied('DRIVER', 'BUS=y')).toMatchObject({ verdict: 'not-implied' });
  });

  test('of what can never be hold for the reason that it cannot', () => {
    const answer = small.implied('BUS && RED', 'BLUE');
    expect(answer).toMatchObject({ verdict: 'implied', isVacuous: true });
    expect(where(because(answer)).at(-1)).toBe('drivers/Kconfig:12: depends on 64BIT');
  });
});

test('a default that a macro computed is told as it stands', () => {
  const desk = new Desk('answer := n\n\nconfig A\n\tdef_bool $(answer)\n\nconfig B\n\tbool\n\tdefault n\n');
  const ways = (name: string) => because(desk.possible(name))[0]!.ways?.defaults.items;
  expect(ways('A')).toEqual(['def_bool $(answer)']);
  expect(ways('B')).toEqual(['default n']);
});

describe('needs', () => {
  const names = (answer: Answer): string[] => {
    if (answer.verdict !== 'possible' || !answer.needs) throw new Error(answer.verdict);
    return answer.needs.symbols.map(({ symbol, value, isAlways }) => `${symbol}=${value}${isAlways ? ' always' : ''}`);
  };

  test('are what every way has in common, along the dependencies', () => {
    const answer = big.needs('DRIVER');
    expect(names(answer)).toEqual(['BUS=m', 'DMA=y', '64BIT=y always', 'OLD=n', 'HAS_DMA=y always']);
    expect(answer).toMatchObject({
      needs: {
        oneOf: [{ text: 'RED || BLUE', path: 'drivers/Kconfig', line: 30 }],
        symbols: [{ path: 'drivers/Kconfig', line: 29 }, { line: 8 }, { line: 12 }, { line: 14 }, { line: 6 }],
      },
    });
  });

  test('at y ask for more', () => {
    expect(names(big.needs('DRIVER', 'y'))).toContain('BUS=y');
    expect(big.needs('DRIVER', 'm')).toMatchObject({
      witness: { config: expect.stringContaining('CONFIG_DRIVER=m\n') },
    });
    expect(big.needs('RED', 'm')).toMatchObject({ verdict: 'impossible', because: [] });
  });

  test('hold in every configuration with the symbol, and others do not', () => {
    const always = names(big.needs('BUS')).map((need) => /^(\w+)=(\w)/.exec(need)!.slice(1) as [string, string]);
    const free = ['MODULES', 'DMA', 'BUS', 'OLD', 'RED', 'BLUE', 'DRIVER'];
    const seen = new Map<string, Set<string>>();
    for (let bits = 0; bits < 2 ** free.length; bits++) {
      const config = free.map((name, i) => (bits & (1 << i) ? `CONFIG_${name}=y\n` : '')).join('');
      const values = big.tiny.values('olddefconfig', config);
      if (values.text(big.tiny.symbol('BUS')) === 'n') continue;
      for (const { name } of big.tiny.model.declared) {
        const texts = seen.get(name) ?? new Set();
        seen.set(name, texts.add(values.text(big.tiny.symbol(name))));
      }
    }
    expect(seen.size).toBeGreaterThan(0);
    for (const [name, value] of always) expect([...seen.get(name)!], name).toEqual([value]);
    for (const name of ['RED', 'BLUE', 'MODULES', 'DRIVER']) expect([...seen.get(name)!].sort()).toEqual(['n', 'y']);
  });

  test('of a helper name who alone selects it', () => {
    const desk = new Desk(
      'config NET\n\tbool "Net"\n\nconfig HELPER\n\tbool\n\nconfig USER\n\tbool "User"\n\tselect HELPER if NET\n',
    );
    expect(names(desk.needs('HELPER')).sort()).toEqual(['NET=y', 'USER=y']);
  });

  test('a condition that always holds is none', () => {
    const desk = new Desk('config A\n\tbool "A"\n\tdepends on B || !B\n\nconfig B\n\ttristate "B"\n');
    expect(desk.needs('A')).toMatchObject({ needs: { symbols: [], oneOf: [] } });
  });
});

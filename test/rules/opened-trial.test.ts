/** What is built because a series lets it be on where it could not be. */
import { expect, test } from 'vitest';
import { openedTrial } from '../../rules/opened-trial.ts';
import type { Rule } from '../../rules/rule.ts';
import type { Trial } from '../../rules/trial.ts';
import undefinedSymbol from '../../rules/undefined-symbol.ts';
import { runRule } from '../support/rule-run.ts';

type Files = Readonly<Record<string, string>>;

const MAKEFILES: Files = {
  Kconfig: 'source "drivers/Kconfig"\n',
  'arch/x86/Kconfig': '',
  Makefile: '',
  Kbuild: 'obj-y += drivers/\n',
  'drivers/Makefile': 'obj-$(CONFIG_REEF) += reef.o\nobj-$(CONFIG_BUOY) += buoy.o bay/\n',
  'drivers/reef.c': 'int reef;\n',
  'drivers/buoy.c': 'int buoy;\n',
  'drivers/bay/Makefile': 'obj-$(CONFIG_BELL) += bell.o\n',
  'drivers/bay/bell.c': 'int bell;\n',
};

/** By `drivers/Kconfig`, as it is without the series and with it. */
async function openedBy(before: string, after: string, makefiles: Files = {}): Promise<Trial | undefined> {
  let trial: Trial | undefined;
  const rule: Rule = {
    ...undefinedSymbol,
    begin: (change) => ({
      async onArch(pair) {
        trial = await openedTrial(change, pair);
      },
      finish: () => [],
    }),
  };
  const rest = { ...MAKEFILES, ...makefiles };
  await runRule(rule, { ...rest, 'drivers/Kconfig': before }, { ...rest, 'drivers/Kconfig': after });
  return trial;
}

const bool = (name: string, ...lines: readonly string[]): string =>
  `${[`config ${name}`, `bool "${name}"`, ...lines].join('\n\t')}\n`;

test('an entry without its dependency is built where that is off, and the base where it is on', async () => {
  const rest = bool('REEF') + bool('WRECK');
  const trial = await openedBy(
    rest + bool('BUOY', 'depends on WRECK', 'depends on REEF'),
    rest + bool('BUOY', 'depends on WRECK'),
  );
  expect(trial).toMatchObject({
    config: 'CONFIG_BUOY=y\nCONFIG_WRECK=y\n',
    changed: [],
    including: ['drivers/buoy.o'],
    owners: { 'drivers/buoy.o': 'BUOY' },
    opened: {
      entries: [{ symbol: 'BUOY', lacks: 'REEF', anchor: { file: 'drivers/Kconfig' }, couldBeOn: true }],
      control: 'CONFIG_BUOY=y\nCONFIG_REEF=y\nCONFIG_WRECK=y\n',
    },
  });
});

test('an entry that was nowhere has no configuration without the series', async () => {
  const trial = await openedBy(bool('BUOY', 'depends on REEF'), bool('BUOY'));
  expect(trial).toMatchObject({
    config: 'CONFIG_BUOY=y\n',
    opened: { entries: [{ lacks: 'REEF', couldBeOn: false }] },
  });
  expect(trial?.opened).not.toHaveProperty('control');
});

test('an entry without its select is built where nothing else selects that', async () => {
  const rest = bool('REEF') + bool('BELL', 'select REEF');
  const trial = await openedBy(rest + bool('BUOY', 'select REEF'), rest + bool('BUOY'));
  expect(trial).toMatchObject({
    config: 'CONFIG_BUOY=y\n',
    including: ['drivers/buoy.o'],
    opened: { entries: [{ symbol: 'BUOY', lacks: 'REEF' }], control: 'CONFIG_BUOY=y\n' },
  });
});

test('of an entry that lets make into a directory the code in there is built', async () => {
  const inside = `if BUOY\n${bool('BELL')}endif\n`;
  const trial = await openedBy(
    bool('REEF') + bool('BUOY', 'depends on REEF') + inside,
    bool('REEF') + bool('BUOY') + inside,
  );
  expect(trial).toMatchObject({
    config: 'CONFIG_BELL=y\nCONFIG_BUOY=y\n',
    including: ['drivers/buoy.o', 'drivers/bay/bell.o'],
  });
});

test('what is told of each entry is its own line, and a condition that does not hold there', async () => {
  const rest = `config IOMEM\n\tdef_bool y\n${bool('REEF')}${bool('COMPILE_TEST')}`;
  const bell = 'depends on ARMISH';
  const trial = await openedBy(
    rest + bool('BUOY', 'depends on IOMEM', 'depends on REEF') + bool('BELL', bell),
    rest + bool('BUOY') + bool('BELL', `${bell} || COMPILE_TEST`),
    { 'drivers/Makefile': 'obj-$(CONFIG_BUOY) += buoy.o\nobj-y += bay/\n' },
  );
  const lineOf = new Map(trial?.opened?.entries.map(({ symbol, anchor: { line } }) => [symbol, line]));
  expect(trial?.opened?.entries).toMatchObject([
    { symbol: 'BUOY', lacks: 'REEF', couldBeOn: true },
    { symbol: 'BELL', lacks: 'ARMISH', couldBeOn: false },
  ]);
  expect(lineOf.get('BELL')).toBeGreaterThan(lineOf.get('BUOY')!);
  // one that was nowhere takes nothing from the other
  expect(trial?.opened?.control).toBe('CONFIG_BUOY=y\nCONFIG_COMPILE_TEST=y\nCONFIG_REEF=y\n');
});

test.each([
  ['is new', bool('REEF'), bool('REEF') + bool('BUOY')],
  ['depends on more', bool('REEF') + bool('BUOY'), bool('REEF') + bool('BUOY', 'depends on REEF')],
  [
    'is still held by another line',
    bool('REEF') + bool('BUOY', 'depends on REEF', 'depends on REEF'),
    bool('REEF') + bool('BUOY', 'depends on REEF'),
  ],
  [
    'is selected as before by what it selects no more',
    bool('REEF', 'default y') + bool('BUOY', 'depends on REEF', 'select REEF'),
    bool('REEF', 'default y') + bool('BUOY', 'depends on REEF'),
  ],
])('nothing is opened by an entry that %s', async (_, before, after) => {
  expect(await openedBy(before, after)).toBeUndefined();
});

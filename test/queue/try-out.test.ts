/** What a check has built beside its findings: on which architectures, after which patches. */
import { expect, test } from 'vitest';
import type { Prefix } from '../../queue/trials.ts';
import { tryOut } from '../../queue/try-out.ts';
import type { Workshop } from '../../queue/workshop.ts';
import type { Rule } from '../../rules/rule.ts';
import type { Built, Outcome, Trial, TrialRun } from '../../rules/trial.ts';
import type { Patch } from '../../rules/types.ts';
import undefinedSymbol from '../../rules/undefined-symbol.ts';
import { runRule } from '../support/rule-run.ts';

const BASE = {
  Kconfig: 'config REEF\n\tbool "Reef"\n',
  'arch/x86/Kconfig': '',
  'arch/arm/Kconfig': '',
  Makefile: '',
  Kbuild: 'obj-y += drivers/\n',
  'drivers/Makefile': 'obj-$(CONFIG_REEF) += reef.o\n',
  'drivers/reef.c': 'int reef;\n',
};

interface Tried {
  readonly built: Built | undefined;
  readonly trials: readonly Trial[];
  readonly prefixes: readonly Prefix[];
}

const FAULTY = (trial: Trial): TrialRun => ({ trial, steps: [], fault: 'the disk is full' });

/** `patches` are the paths that each of them changes. */
async function tried(
  after: Readonly<Record<string, string>>,
  patches: readonly (readonly string[])[],
  compilers: readonly string[] = ['x86'],
  run: (trial: Trial) => TrialRun = FAULTY,
  base: Readonly<Record<string, string>> = BASE,
): Promise<Tried> {
  let asked: Omit<Tried, 'built'> = { trials: [], prefixes: [] };
  let built: Built | undefined;
  const workshop: Workshop = {
    cannotBuild: async (arch) => (compilers.includes(arch) ? undefined : 'none'),
    answer: () => Promise.reject(new Error('not asked')),
    async tryOut(trials, prefixes) {
      asked = { trials, prefixes };
      return trials.map(run);
    },
    close: () => Promise.resolve(),
  };
  const rule: Rule = {
    ...undefinedSymbol,
    begin: (change) => ({
      async onArch(pair) {
        const series = {
          ...change.series,
          patches: patches.map((paths, i) => ({
            n: i + 1,
            total: patches.length,
            diff: paths.map((path) => ({ kind: 'modify', oldPath: path, newPath: path, hunks: [] })),
          })) as unknown as readonly [Patch, ...Patch[]],
        };
        const commits = patches.map((_, i) => ({ n: i + 1, sha: `${i + 1}` }));
        const pairOf = () => Promise.resolve(pair);
        built = (await tryOut({ ...change, series }, { commits }, ['arm', 'x86'], [], pairOf, workshop))?.built;
      },
      finish: () => [],
    }),
  };
  await runRule(rule, base, { ...base, ...after });
  return { built, ...asked };
}

const CODE = { 'drivers/reef.c': 'int reef, more;\n' };

test('a long series is built after ten of its patches that change what is built, and with all of it', async () => {
  const patches = Array.from({ length: 14 }, (_, i) => [i === 2 ? 'Documentation/reef.rst' : 'drivers/reef.c']);
  patches[3] = ['drivers/reef.c', 'drivers/Makefile'];
  const { prefixes, built } = await tried(CODE, patches);
  expect(prefixes.map((one) => one.patches)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 14]);
  expect(prefixes.filter((one) => one.changesBuild)).toEqual([{ patches: 4, commit: '4', changesBuild: true }]);
  expect(built!.skipped).toEqual([12, 13]);
  expect(built!.trials).toMatchObject([{ arch: 'x86', from: 'empty', steps: [], fault: 'the disk is full' }]);
});

test('after patches that were passed over it is configured anew where one of them changes what make reads', async () => {
  const patches = Array.from({ length: 14 }, () => ['drivers/reef.c']);
  patches[11] = ['drivers/reef.c', 'drivers/Makefile'];
  const { prefixes } = await tried(CODE, patches);
  expect(prefixes.filter((one) => one.changesBuild).map((one) => one.patches)).toEqual([14]);
});

test('of a series that changes Kconfig files alone it is tried whether each patch can be configured', async () => {
  const after = { Kconfig: `${BASE.Kconfig}config WRECK\n\tbool "Wreck"\n` };
  const { trials } = await tried(after, [['Kconfig'], ['Kconfig']]);
  expect(trials).toMatchObject([{ witness: { arch: 'x86' }, config: '', changed: [], including: [] }]);
  expect(await tried(after, [['Kconfig']])).toMatchObject({ built: undefined, trials: [] });
});

test('what an entry can do without is tried on each architecture that has a compiler, beside what the series changes', async () => {
  const drivers = {
    Kconfig: `${BASE.Kconfig}source "drivers/Kconfig"\n`,
    'drivers/Kconfig': 'config SONAR\n\tbool "Sonar"\n\tdepends on REEF\n',
    'drivers/Makefile': `${BASE['drivers/Makefile']}obj-$(CONFIG_SONAR) += sonar.o\n`,
    'drivers/sonar.c': 'int sonar;\n',
  };
  const after = { ...drivers, 'drivers/Kconfig': 'config SONAR\n\tbool "Sonar"\n', ...CODE };
  const patches = [['drivers/Kconfig', 'drivers/reef.c']];
  const { trials } = await tried(after, patches, ['arm', 'x86'], FAULTY, { ...BASE, ...drivers });
  const opened = { entries: [{ symbol: 'SONAR', lacks: 'REEF' }] };
  expect(trials.map(({ changed, including }) => [...changed, ...including])).toEqual([
    ['drivers/reef.o'],
    ['drivers/sonar.o'],
    ['drivers/sonar.o'],
  ]);
  expect(trials.slice(1)).toMatchObject([{ opened }, { opened }]);
});

test('nothing is built of documents, nor where there is no compiler, and that is said', async () => {
  expect((await tried({ 'Documentation/reef.rst': 'Reef\n' }, [['Documentation/reef.rst']])).built).toBeUndefined();
  const { built } = await tried(CODE, [['drivers/reef.c']], []);
  expect(built).toMatchObject({
    trials: [],
    notCompiled: [{ path: 'drivers/reef.c', lines: [[1, 1]], why: 'there is no compiler for x86, arm here' }],
  });
});

/** A run that comes to its end, with what became of each object without the series and with it. */
const ending =
  (before: Outcome['state'], after: Outcome['state'], diagnostics: Outcome['diagnostics'] = []) =>
  (trial: Trial): TrialRun => ({
    trial,
    steps: [before, after].map((state, patches) => ({
      patches,
      objects: new Map(trial.changed.map((object) => [object, { state, diagnostics }])),
    })),
  });

test.each([
  ['absent', 'absent', 'make does not build it, though depbot took it to'],
  ['built', 'failed', 'make fails, and does not say why'],
  ['failed', 'failed', 'it does not compile without the series either'],
] as const)(
  'an object that is %s before and %s after is named, and its lines are not compiled',
  async (before, after, why) => {
    const { built } = await tried(CODE, [['drivers/reef.c']], ['x86'], ending(before, after));
    expect(built!.trials).toMatchObject([{ notBuilt: [{ object: 'drivers/reef.o', why }] }]);
    expect(built!.notCompiled).toEqual([{ path: 'drivers/reef.c', lines: [[1, 1]], why }]);
  },
);

const error = { severity: 'error', file: 'drivers/reef.c', text: 'no' } as const;

test.each([
  ['built', 'failed'],
  ['absent', 'built'],
] as const)('an object that is %s before and %s after was compiled', async (before, after) => {
  const { built } = await tried(CODE, [['drivers/reef.c']], ['x86'], ending(before, after, [error]));
  expect(built!.trials[0]).not.toHaveProperty('notBuilt');
  expect(built!.notCompiled).toEqual([]);
});

test.each([
  [[error], []],
  [[], [{ path: 'drivers/reef.c', lines: [[1, 1]], why: 'make fails before it, and does not say why' }]],
])('a make that fails before all objects with %j', async (diagnostics, notCompiled) => {
  const run = (trial: Trial): TrialRun => ({
    trial,
    steps: [
      ...ending('built', 'built')(trial).steps.slice(0, 1),
      { patches: 1, breakdown: { stage: 'prepare', diagnostics }, objects: new Map() },
    ],
  });
  expect((await tried(CODE, [['drivers/reef.c']], ['x86'], run)).built!.notCompiled).toEqual(notCompiled);
});

test('what a fault kept from being built is not compiled', async () => {
  const { built } = await tried(CODE, [['drivers/reef.c']]);
  expect(built!.notCompiled).toEqual([{ path: 'drivers/reef.c', lines: [[1, 1]], why: 'the disk is full' }]);
});

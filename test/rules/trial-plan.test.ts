/** What is built of a series: configurations, objects, and what none of them compiles. */
import { expect, test } from 'vitest';
import type { Rule } from '../../rules/rule.ts';
import type { TrialPlan } from '../../rules/trial.ts';
import { changedUnits } from '../../rules/trial-code.ts';
import { type Seed, TrialPlanner } from '../../rules/trial-plan.ts';
import undefinedSymbol from '../../rules/undefined-symbol.ts';
import { runRule } from '../support/rule-run.ts';

type Files = Readonly<Record<string, string>>;

const BASE: Files = {
  Kconfig:
    'config REEF\n\tbool "Reef"\nconfig WRECK\n\tbool "Wreck"\nconfig SONAR\n\tbool "Sonar"\n\tdepends on REEF\n',
  'arch/x86/Kconfig': '',
  Makefile: '',
  Kbuild: 'obj-y += drivers/\n',
  'drivers/Makefile': 'obj-$(CONFIG_REEF) += reef.o\nobj-$(CONFIG_SONAR) += sonar.o\n',
  'drivers/reef.c': 'int reef;\n',
  'drivers/sonar.c': '#include "sonar.h"\nint sonar;\n',
  'drivers/sonar.h': '#define SONAR 1\n',
};

async function planOf(after: Files, seeds: readonly Seed[] = [], before: Files = BASE): Promise<TrialPlan> {
  let plan: TrialPlan | undefined;
  const rule: Rule = {
    ...undefinedSymbol,
    begin: (change) => ({
      async onArch(pair) {
        const planner = new TrialPlanner(change, await changedUnits(change));
        await planner.onArch(pair, seeds);
        plan = planner.plan(['arm']);
      },
      finish: () => [],
    }),
  };
  await runRule(rule, before, { ...before, ...after });
  return plan!;
}

const shown = ({ trials, notCompiled }: TrialPlan): object => ({
  trials: trials.map(({ config, changed, including }) =>
    [config.trim().replaceAll('\n', ' '), ...changed, ...including].join(' | '),
  ),
  notCompiled: notCompiled.map(({ path, lines, why }) => `${path} ${lines.join(' ')}: ${why}`),
});

test('lines that exclude each other take two configurations, others one', async () => {
  const both = 'int reef;\n#ifdef CONFIG_WRECK\nint with;\n#else\nint without;\n#endif\n';
  expect(shown(await planOf({ 'drivers/reef.c': both }))).toEqual({
    trials: ['CONFIG_REEF=y CONFIG_WRECK=y | drivers/reef.o', 'CONFIG_REEF=y | drivers/reef.o'],
    notCompiled: [],
  });
  const one = 'int reef;\n#ifdef CONFIG_WRECK\nint with;\n#endif\n#ifdef CONFIG_SONAR\nint heard;\n#endif\n';
  expect(shown(await planOf({ 'drivers/reef.c': one, 'drivers/sonar.c': 'int more;\n' }))).toEqual({
    trials: ['CONFIG_REEF=y CONFIG_SONAR=y CONFIG_WRECK=y | drivers/reef.o | drivers/sonar.o'],
    notCompiled: [],
  });
});

test('what no configuration compiles is named by its lines, and so is what no makefile builds', async () => {
  const never = 'int reef;\n#ifdef CONFIG_GONE\nint a;\nint b;\n\n#endif\n#ifdef SOMETHING\nint c;\n#endif\n';
  expect(shown(await planOf({ 'drivers/reef.c': never, 'drivers/stray.c': 'int stray;\n' }))).toEqual({
    trials: ['CONFIG_REEF=y | drivers/reef.o'],
    notCompiled: [
      'drivers/reef.c 3,4 8,8: no configuration of x86 compiles it, as far as can be told; there is no compiler for arm here',
      'drivers/stray.c 1,1: no configuration of x86 compiles it, as far as can be told; there is no compiler for arm here',
    ],
  });
});

test('a configuration that is built anyway is taken, and the defconfig that builds most', async () => {
  const after = { 'drivers/reef.c': 'int more;\n' };
  const witness = { arch: 'x86', from: 'empty', settings: [] };
  const config = 'CONFIG_REEF=y\nCONFIG_WRECK=y\n';
  expect(
    shown(
      await planOf(after, [
        { witness, config: 'CONFIG_WRECK=y\n' },
        { witness, config },
      ]),
    ),
  ).toEqual({
    trials: ['CONFIG_REEF=y CONFIG_WRECK=y | drivers/reef.o'],
    notCompiled: [],
  });
  const base = {
    ...BASE,
    'arch/x86/configs/few_defconfig': 'CONFIG_WRECK=y\n',
    'arch/x86/configs/more_defconfig': 'CONFIG_REEF=y\nCONFIG_SONAR=y\n',
  };
  const { trials } = await planOf(after, [], base);
  expect(trials.map((trial) => trial.witness)).toEqual([
    { arch: 'x86', from: 'arch/x86/configs/more_defconfig', settings: [] },
  ]);
  expect(trials[0]!.owners).toEqual({ 'drivers/reef.o': 'REEF' });
});

test('of a defconfig, which a series can write, a build is given no text that make could run', async () => {
  const defconfig = 'arch/x86/configs/more_defconfig';
  const evil = 'CONFIG_NAME="$(shell touch /out/poison)"';
  const lines = [
    '# a word',
    'CONFIG_REEF=y',
    evil,
    'CONFIG_DEPTH=-64',
    'CONFIG_START=0xC0',
    '# CONFIG_WRECK is not set',
  ];
  const { trials } = await planOf({ 'drivers/reef.c': 'int more;\n', [defconfig]: `${lines.join('\n')}\n` }, [], {
    ...BASE,
    [defconfig]: 'CONFIG_REEF=y\n',
  });
  expect(trials.map(({ config }) => config)).toEqual([
    'CONFIG_REEF=y\nCONFIG_DEPTH=-64\nCONFIG_START=0xC0\n# CONFIG_WRECK is not set\n',
  ]);
});

test('more configurations than four are not built, and the lines are named', async () => {
  const names = ['A', 'B', 'C', 'D', 'E', 'F'];
  const kconfig = `${BASE['Kconfig']}choice\n\tprompt "Depth"\n${names.map((name) => `config ${name}\n\tbool "${name}"\n`).join('')}endchoice\n`;
  const code = names.map((name) => `#ifdef CONFIG_${name}\nint ${name};\n#endif\n`).join('');
  const plan = await planOf({ 'drivers/reef.c': code }, [], { ...BASE, Kconfig: kconfig });
  expect(plan.trials).toHaveLength(4);
  expect(plan.notCompiled).toEqual([
    { path: 'drivers/reef.c', lines: expect.any(Array), why: 'it takes more configurations than were built' },
  ]);
  expect(plan.notCompiled[0]!.lines).toHaveLength(2);
});

test('files that include a changed header stand for all of them: a few, the nearest first', async () => {
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => [`drivers/far/f${10 + i}.c`, '#include <linux/reef.h>\n']),
  );
  const before: Files = {
    ...BASE,
    ...many,
    'include/linux/reef.h': '#define REEF 1\n',
    'drivers/near.c': '#include <linux/reef.h>\n',
    'drivers/Makefile': `${BASE['drivers/Makefile']}obj-$(CONFIG_REEF) += near.o\nobj-y += far/\n`,
    'drivers/far/Makefile': `obj-$(CONFIG_WRECK) += ${Object.keys(many)
      .map((path) => path.slice(12, -1))
      .join('o ')}o\n`,
  };
  const plan = await planOf(
    { 'include/linux/reef.h': '#define REEF 2\n', 'drivers/reef.c': 'int more;\n' },
    [],
    before,
  );
  expect(plan.sampled).toEqual([
    {
      ...{ header: 'include/linux/reef.h', includers: 41, atLeast: false },
      built: ['drivers/near.c', ...[10, 18, 26, 34, 42].map((n) => `drivers/far/f${n}.c`)],
    },
  ]);
  expect(plan.trials).toHaveLength(1);
  expect(plan.trials[0]!.changed).toEqual(['drivers/reef.o']);
  expect(plan.trials[0]!.including).toHaveLength(6);
});

test('of those that include a changed header, who uses what it changes comes first', async () => {
  const paths = Array.from({ length: 40 }, (_, i) => `drivers/f${10 + i}.c`);
  const before: Files = {
    ...BASE,
    ...Object.fromEntries(paths.map((path) => [path, '#include <linux/reef.h>\n'])),
    'drivers/f37.c': '#include <linux/reef.h>\nint f(void) { return reef_depth(3); }\n',
    'include/linux/reef.h': 'int reef_depth(int line);\n',
    'drivers/Makefile': `obj-y += ${paths.map((path) => path.slice(8, -1)).join('o ')}o\n`,
  };
  const plan = await planOf({ 'include/linux/reef.h': 'int reef_depth(int line, int level);\n' }, [], before);
  expect(plan.sampled[0]!.built).toHaveLength(6);
  expect(plan.sampled[0]!.built[0]).toBe('drivers/f37.c');
  expect(plan.sampled[0]!.includers).toBe(40);
});

test('a header beside its drivers is theirs, and not that of the same name elsewhere', async () => {
  const before = { ...BASE, 'net/sonar.h': '', 'net/other.c': '#include "sonar.h"\n' };
  const plan = await planOf({ 'drivers/sonar.h': '#define SONAR 2\n' }, [], before);
  expect(plan.sampled).toEqual([
    { header: 'drivers/sonar.h', includers: 1, atLeast: false, built: ['drivers/sonar.c'] },
  ]);
});

import { rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { readSeries } from '../../bot/intake.ts';
import { openTree } from '../../queue/git-tree.ts';
import { openRepository } from '../../queue/repository.ts';
import { sampleReport, undefinedSelect } from '../support/sample-report.ts';
import { tempDir, tinyRepo } from '../support/tiny-repo.ts';
import { driversOf, returning, sampleOf } from './take-out.ts';
import { told } from './told.ts';

const ENTRY = (name: string): string =>
  `config ${name}\n\ttristate "${name}"\n\tdepends on A\n\thelp\n\t  Of ${name}.\n\n`;
const FILES = {
  'drivers/a/Kconfig': `menu "A"\n\n${ENTRY('REEF')}${ENTRY('KELP')}${ENTRY('SAND')}config HIDDEN\n\ttristate\n\nendmenu\n`,
  'drivers/a/Makefile':
    'obj-$(CONFIG_REEF) += reef.o\nobj-$(CONFIG_KELP) += kelp.o\nkelp-y += a.o b.o\nobj-$(CONFIG_SAND) += sand.o\nobj-$(CONFIG_SAND) += dune.o\nobj-$(CONFIG_HIDDEN) += hidden.o\nobj-$(CONFIG_GONE) += gone.o\n',
  'drivers/a/reef.c': 'int reef;\n',
  'drivers/a/kelp.c': 'int kelp;\n',
  'drivers/a/sand.c': 'int sand;\n',
  'drivers/a/dune.c': 'int dune;\n',
  'drivers/a/hidden.c': 'int hidden;\n',
};

it('takes a driver out with all that is its own, and the mail brings it back', async () => {
  const user = tinyRepo(FILES);
  const stateDir = tempDir();
  const repo = await openRepository({ treeDir: user.dir, stateDir });
  try {
    const commit = user.git('rev-parse', 'HEAD');
    const drivers = await driversOf(openTree(repo, commit));
    expect(drivers.map(({ symbol }) => symbol)).toEqual(['REEF']);
    const mail = await returning(repo, commit, drivers[0]!);
    const { series, problems } = await readSeries({ stdin: Readable.from([mail!]) });
    expect(problems).toEqual([]);
    const [patch] = series[0]!.complete ? series[0]!.patches : [];
    const changes = patch!.diff.map(({ hunks, ...file }) => [
      file.newPath,
      hunks.flatMap(({ lines }) =>
        lines.filter(({ kind }) => kind !== 'context').map(({ kind, text }) => `${kind} ${text}`),
      ),
    ]);
    expect(Object.fromEntries(changes)).toEqual({
      'drivers/a/Kconfig': ENTRY('REEF')
        .split('\n')
        .slice(0, -1)
        .map((line) => `add ${line}`),
      'drivers/a/Makefile': ['add obj-$(CONFIG_REEF) += reef.o'],
      'drivers/a/reef.c': ['add int reef;'],
    });
  } finally {
    await repo.close();
    user.remove();
    rmSync(stateDir, { recursive: true, force: true });
  }
});

it('leaves a driver that exports symbols where it is', async () => {
  const user = tinyRepo({ ...FILES, 'drivers/a/reef.c': 'int reef;\nEXPORT_SYMBOL_GPL(reef);\n' });
  const stateDir = tempDir();
  const repo = await openRepository({ treeDir: user.dir, stateDir });
  try {
    const commit = user.git('rev-parse', 'HEAD');
    const [driver] = await driversOf(openTree(repo, commit));
    expect(await returning(repo, commit, driver!)).toBeUndefined();
  } finally {
    await repo.close();
    user.remove();
    rmSync(stateDir, { recursive: true, force: true });
  }
});

it('draws the same drivers for the same seed, and others for another', () => {
  const drivers = Array.from({ length: 50 }, (_, n) => ({
    symbol: `S${n}`,
    makefile: '',
    line: '',
    source: '',
    kconfig: '',
  }));
  const names = (seed: number): string[] => sampleOf(drivers, 10, seed).map(({ symbol }) => symbol);
  expect(names(1)).toEqual(names(1));
  expect(names(1)).not.toEqual(names(2));
  expect(new Set(names(1)).size).toBe(10);
});

it('tells each finding, and what was not checked', () => {
  const report = sampleReport([undefinedSelect]);
  const text = told([
    { symbol: 'QUIET', report: { ...report, findings: [] } },
    { symbol: 'LOUD', report },
    { symbol: 'SHARED' },
    { symbol: 'SLOW', why: 'took too long' },
  ]);
  expect(text).toMatch(/^drivers as they are: 1 silent, 1 with findings, 2 not checked\n {2}LOUD\n {6}\S+ \(/);
  expect(text).toContain('  SHARED: not taken out: it exports symbols\n  SLOW: not checked: took too long\n');
});

/** Output folders of a small tree that has a kernel's targets: what a series writes into its mails is not run there. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { machine } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BuildPlace } from '../../queue/build-place.ts';
import { faultOf, KernelMake, NotBuilt, type Where } from '../../queue/kernel-make.ts';
import { isOfMachine } from '../../queue/machine-fault.ts';
import { openRepository, type Repository } from '../../queue/repository.ts';
import { runSandboxed } from '../../queue/sandbox.ts';
import { SANDBOX_PATH } from '../../queue/sandbox-command.ts';
import { findOnPath } from '../../queue/tool-path.ts';
import { subArch } from '../../queue/toolchain.ts';
import { processesOf } from '../support/fake-conf.ts';
import { until } from '../support/redis.ts';
import { type TinyRepo, tempDir, tinyRepo } from '../support/tiny-repo.ts';

const disk = vi.hoisted(() => ({ isShort: false }));
vi.mock('../../queue/sandbox-disk.ts', async (original) => ({
  ...(await original<typeof import('../../queue/sandbox-disk.ts')>()),
  isShort: async () => disk.isShort,
}));

/** As of a kernel, that includes include/config/auto.conf, and a list of objects. */
const TREE = {
  Makefile:
    'srctree := /src\nexport srctree\n-include /out/.config\n' +
    'olddefconfig prepare:\n\t@: $(CONFIG_EXTRA_FIRMWARE)\n\t@echo part >/out/part; sleep $(or $(CONFIG_SLEEP),0); echo whole >/out/whole\n' +
    'slow:\n\t@echo part >/out/slow; sleep 60\n' +
    'full:\n\t@echo "as: main.o: No space left on device" >&2; false\n' +
    'poison:\n\t-touch /src/poison\n\t-touch /before/poison\n\ttouch /ccache/poison\n',
  'scripts/Makefile.build': 'targets-for-builtin := $(obj)/built-in.a\nreal-obj-y := main.o other.o\n',
};

const where: Where = { stage: 'before', arch: subArch(machine()), words: 'without the series' };

let tree: TinyRepo;
let dir: string;
let repo: Repository;
let place: BuildPlace;
let kept: string;

beforeEach(async () => {
  tree = tinyRepo(TREE);
  dir = tempDir();
  repo = await openRepository({ treeDir: tree.dir, stateDir: join(dir, 'state') });
  const commit = tree.git('rev-parse', 'HEAD');
  kept = join(dir, 'cache/builds', commit);
  place = await BuildPlace.take(repo, { before: commit, after: commit }, join(dir, 'cache'));
  await place.show(commit);
});

afterEach(async () => {
  await place.remove();
  await repo.close();
  tree.remove();
  rmSync(dir, { recursive: true, force: true });
});

const makeFor = (ms: number): KernelMake => new KernelMake(place, {}, performance.now() + ms);

test('text of a configuration, which make would run as the code of the base, is given to no build', async () => {
  const evil = 'CONFIG_EXTRA_FIRMWARE="$(shell touch /out/poison /ccache/poison)"\n';
  const make = makeFor(60_000);
  for (const stage of ['before', 'after', 'steps'] as const)
    await expect(make.prepare({ ...where, stage }, `CONFIG_FW_LOADER=y\n${evil}`)).rejects.toThrow(NotBuilt);
  const out = await make.prepare(where, 'CONFIG_FW_LOADER=y\nCONFIG_NR_CPUS=64\n# CONFIG_SMP is not set\n');
  await place.giveBack();
  expect(readdirSync(kept, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('poison'))).toEqual(
    [],
  );
  expect(existsSync(out)).toBe(false);
});

test.skipIf((await findOnPath('ccache', SANDBOX_PATH)) === undefined)(
  'the code of a series leaves nothing in the cache of compilers, in the source or with the base',
  async () => {
    const make = makeFor(60_000);
    const poison = async (stage: Where['stage']): Promise<number | undefined> => {
      const at = { ...where, stage };
      return (await make.make(at, await make.prepare(at, ''), ['poison'])).exitCode;
    };
    const poisoned = (): string[] =>
      readdirSync(dirname(place.src), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('poison'));
    for (const stage of ['after', 'steps'] as const) expect(await poison(stage)).toBe(2);
    expect(poisoned()).toEqual([]);
    // its own cache the base may write to
    expect(await poison('before')).toBe(0);
    expect(poisoned()).toEqual(['ccache/poison']);
  },
);

test('objects are listed however long their paths are, and nothing in a path is expanded', async () => {
  const make = makeFor(60_000);
  const out = await make.prepare(where, '');
  const long = Array.from({ length: 60 }, (_, i) => `${'d'.repeat(2_300)}${i}.o`);
  const { places } = await make.places(where, out, ['main.o', '$(shell touch /out/poison).o', 'gone.o', ...long]);
  expect([...places!]).toEqual([['main.o', 'vmlinux']]);
  expect(readdirSync(out)).not.toContain('poison');
});

test('a command line that is too long is said to be, and is no fault of the machine', async () => {
  const make = makeFor(60_000);
  const out = await make.prepare(where, '');
  const long = 'd'.repeat(2 ** 18);
  await expect(make.make(where, out, [long])).rejects.toThrow(
    new NotBuilt(
      'without the series make cannot be started: its arguments and environment are too long for this system',
    ),
  );
  const error = await runSandboxed({ argv: ['true', long], readOnly: [], env: {} }).catch((one: unknown) => one);
  expect(error).toMatchObject({ name: 'SandboxError', problem: 'bad-argument' });
  expect(isOfMachine(error)).toBe(false);
});

test('what was not prepared to its end is not taken for prepared', async () => {
  const config = 'CONFIG_SLEEP=4\n';
  await expect(makeFor(2_500).prepare(where, config)).rejects.toThrow('took too long');
  const out = await makeFor(60_000).prepare(where, config);
  expect(readdirSync(out).sort()).toEqual(['.config', 'part', 'whole']);
});

test('a folder of the base in which a run was cut off is not kept, and no other is begun with it', async () => {
  const [config, other] = ['CONFIG_A=y\n', 'CONFIG_B=y\n'];
  const out = await makeFor(60_000).prepare(where, config);
  await expect(makeFor(2_500).make(where, out, ['slow'])).rejects.toThrow('took too long');
  const next = await makeFor(60_000).prepare(where, other);
  expect(readdirSync(next)).not.toContain('slow');
  await place.giveBack();
  expect(readdirSync(kept).filter((name) => name.startsWith('before-'))).toHaveLength(1);
});

test('a run that something from outside has killed is the fault of the machine, for who tries again', async () => {
  const killed = async (throwsFaults: boolean): Promise<unknown> => {
    const make = new KernelMake(place, { throwsFaults }, performance.now() + 60_000);
    const out = await make.prepare(where, '');
    const ended = make.make(where, out, ['slow']).catch((error: unknown) => error);
    await until('under way', () => existsSync(join(out, 'slow')));
    const [sandbox, ...others] = processesOf('bwrap').filter((pid) => parentOf(pid) === process.pid);
    expect(others).toEqual([]);
    process.kill(Number(sandbox), 'SIGKILL');
    rmSync(join(out, 'slow'));
    return ended;
  };
  const words = 'without the series make slow was ended by SIGKILL';
  expect(await killed(false)).toEqual(new NotBuilt(words));
  const fault = await killed(true);
  expect(fault).toMatchObject({ name: 'SandboxError', message: words });
  expect(isOfMachine(fault)).toBe(true);
});

test('a disk that is full is the fault of the machine, but not for the last attempt, nor where a series only says so', async () => {
  const ended = async (isShort: boolean, isLastAttempt: boolean, throwsFaults = true): Promise<unknown> => {
    disk.isShort = isShort;
    const make = new KernelMake(place, { throwsFaults, isLastAttempt }, performance.now() + 60_000);
    return make.make(where, await make.prepare(where, ''), ['full']).catch((error: unknown) => error);
  };
  try {
    expect(isOfMachine(await ended(true, false))).toBe(true);
    for (const end of [await ended(true, true), await ended(false, false), await ended(true, false, false)])
      expect(end).toEqual(
        new NotBuilt('without the series make full failed for want of something: as: main.o: No space left on device'),
      );
  } finally {
    disk.isShort = false;
  }
});

test.each([
  ['make[3]: *** [/src/scripts/Makefile.build:229: lib/reef.o] Killed', true],
  ['make[3]: *** [/src/scripts/Makefile.build:229: lib/reef.o] Error 137', true],
  ['make[3]: *** [/src/scripts/Makefile.build:229: lib/reef.o] CPU time limit exceeded', true],
  ['gcc: fatal error: CPU time limit exceeded signal terminated program cc1', true],
  ['make[3]: *** [/src/scripts/Makefile.build:229: lib/reef.o] Error 1', false],
  ['lib/reef.c:3:1: warning: "Killed" is never used', false],
])('a program that was ended for what it took says nothing of its object: %s', (line, isFault) => {
  const run = { stdout: '', stderr: `a\n${line}\nb\n`, stdoutBytes: new Uint8Array(), stdoutCut: 0, stderrCut: 0 };
  const ends = { exitCode: 2, timedOut: false, flooded: false, overDisk: false, outOfMemory: false };
  expect(faultOf({ ...run, ...ends })).toBe(isFault ? `failed for want of something: ${line}` : undefined);
});

function parentOf(pid: string): number {
  return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
}

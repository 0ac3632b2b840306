import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConfJob } from '../../queue/conf.ts';
import { runConf } from '../../queue/conf.ts';
import { buildConf } from '../../queue/conf-build.ts';
import { materialise } from '../../queue/conf-files.ts';
import { ShellAnswers } from '../../queue/shell-answers.ts';
import type { KconfigEnv } from '../../queue/toolchain.ts';
import { toolchainEnv } from '../../queue/toolchain.ts';
import { dirTree, mapTree } from '../support/dir-tree.ts';

let dir = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'depbot-conf-test-'));
  // it is a tree as well, and the sandbox may read it as another user
  await chmod(dir, 0o755);
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe('buildConf', () => {
  test('a tree whose conf does not build is a value, with what the compiler said', async () => {
    const made = await materialise(
      mapTree({ Kconfig: '', 'scripts/kconfig/lexer.l': '%%\n', 'scripts/kconfig/parser.y': '%%\nx\n' }),
      dir,
    );
    const built = await buildConf(made, { cacheDir: dir });
    expect(built).toMatchObject({
      ok: false,
      why: 'conf-does-not-build',
      output: expect.stringMatching(/^bison .*exit 1\n[\s\S]*parser\.y/),
    });
  });
});

describe('what a series adds to the sources of conf', () => {
  /** Builds conf of a small one that needs no parser of Kconfig. */
  async function builtFrom(files: Readonly<Record<string, string>>) {
    const sources = {
      'scripts/kconfig/Makefile': 'common-objs := lexer.lex.o parser.tab.o\n',
      'scripts/kconfig/lexer.l': '%option noyywrap\n%%\n',
      'scripts/kconfig/parser.y':
        '%{\nint yylex(void);\nstatic void yyerror(const char *said) { (void)said; }\n%}\n%token X\n%%\nall: X;\n',
      'scripts/kconfig/conf.c': '#include <sys/stat.h>\nint main(void) { return 0; }\n',
    };
    const made = await materialise(mapTree({ Kconfig: '', ...sources, ...files }), dir);
    return buildConf(made, { cacheDir: dir });
  }

  test('makes another conf of it, however deep it is below them', async () => {
    const clean = await builtFrom({});
    const header = 'scripts/kconfig/sys/stat.h';
    const evil = await builtFrom({
      Kconfig: `# $(srctree)/${header}\n`,
      [header]:
        '#include_next <sys/stat.h>\n__attribute__((constructor)) void first(void) { __asm__ volatile ("nop"); }\n',
    });
    if (!clean.ok || !evil.ok) throw new Error('conf does not build');
    expect(evil.conf).not.toBe(clean.conf);
    expect((await readFile(evil.conf)).equals(await readFile(clean.conf))).toBe(false);
  });

  test('is not seen where it is not below them', async () => {
    const built = await builtFrom({
      'scripts/kconfig/conf.c': '#include "../outside.h"\nint main(void) { return 0; }\n',
      'scripts/outside.h': '',
    });
    expect(built).toMatchObject({ ok: false, output: expect.stringContaining('outside.h: No such file') });
  });
});

describe('runConf on a conf that is not the kernel’s', () => {
  async function fakeConf(script: string, more: Partial<ConfJob> = {}) {
    const conf = join(dir, 'fake-conf');
    await writeFile(conf, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    await mkdir(join(dir, 'src'), { recursive: true });
    return runConf({ dir: join(dir, 'src'), conf, cacheDir: dir, mode: 'olddefconfig', env: { ARCH: 'x86' }, ...more });
  }

  test('gets mode, environment and the .config, and gives back its own', async () => {
    const run = await fakeConf(
      'echo "$@ $ARCH" $(pwd); cat .config; echo CONFIG_B=y >>.config; echo warn >&2; exit 2',
      { config: 'CONFIG_A=y\n' },
    );
    expect(run).toEqual({
      exitCode: 2,
      timedOut: false,
      config: 'CONFIG_A=y\nCONFIG_B=y\n',
      stdout: '--olddefconfig Kconfig x86 /out\nCONFIG_A=y\n',
      stderr: 'warn\n',
      asked: [],
    });
  });

  test('each mode has its options', async () => {
    const say = 'echo "$@"; echo "$KCONFIG_SEED"; cat "$KCONFIG_ALLCONFIG" 2>/dev/null';
    const path = 'arch/x86/configs/tiny.config';
    expect((await fakeConf(say, { mode: 'randconfig', seed: 7 })).stdout).toBe('--randconfig Kconfig\n7\n');
    expect((await fakeConf(say, { mode: 'allnoconfig', allconfig: 'CONFIG_A=y\n' })).stdout).toBe(
      '--allnoconfig Kconfig\n\nCONFIG_A=y\n',
    );
    expect((await fakeConf(say, { mode: 'defconfig', defconfigPath: path })).stdout).toBe(
      `--defconfig=${path} Kconfig\n\n`,
    );
    expect((await fakeConf('echo saved >defconfig', { mode: 'savedefconfig' })).config).toBe('saved\n');
    await expect(fakeConf(say, { mode: 'defconfig' })).rejects.toThrow('defconfigPath');
  });

  test('a .config that is a link, a pipe, a folder or nothing is none', async () => {
    await writeFile(join(dir, 'secret'), 'hunter2');
    for (const make of [
      `ln -s ${dir}/secret .config`,
      'ln -s /etc/hostname .config',
      'mkfifo .config',
      'mkdir .config',
      'true',
    ]) {
      expect((await fakeConf(make)).config, make).toBeUndefined();
    }
  });

  test('cannot write to the tree, and is ended after its time', async () => {
    const run = await fakeConf('echo x >/src/x; while :; do :; done', { limits: { wallMs: 300 } });
    expect(run).toMatchObject({ timedOut: true, config: undefined });
    expect(await readdir(join(dir, 'src'))).toEqual([]);
  });
});

describe('answers to popen', () => {
  const PROGRAM = `
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
	const char *commands[] = { "known", "empty", "echo unknown $LD_PRELOAD$DEPBOT_ANSWERS$GLIBC_TUNABLES", "exit 3" };
	for (int i = 0; i < 4; i++) {
		FILE *p = popen(commands[i], "r");
		char text[100];
		size_t n = fread(text, 1, sizeof(text), p);
		printf("[%.*s] %d\\n", (int)n, text, pclose(p));
	}
	printf("%s\\n", getenv("LD_PRELOAD") || getenv("DEPBOT_ANSWERS") || getenv("DEPBOT_ASKED") ? "seen" : "not seen");
}`;

  beforeEach(async () => {
    await writeFile(join(dir, 'conf.c'), PROGRAM);
    execFileSync('gcc', ['-o', join(dir, 'program'), join(dir, 'conf.c')]);
  });

  function run(answers?: ReadonlyMap<string, string>) {
    const job = { dir, conf: join(dir, 'program'), cacheDir: dir, mode: 'olddefconfig', env: { ARCH: 'x86' } } as const;
    return runConf({ ...job, ...(answers && { answers }) });
  }

  test('known ones come from memory, others from a shell and are named; the program sees nothing of it', async () => {
    const { stdout, asked, exitCode } = await run(
      new Map([
        ['known', 'a\nb'],
        ['empty', ''],
        ['know', 'other'],
      ]),
    );
    expect(stdout).toBe('[a\nb] 0\n[] 0\n[unknown\n] 0\n[] 768\nnot seen\n');
    expect(asked).toEqual(['echo unknown $LD_PRELOAD$DEPBOT_ANSWERS$GLIBC_TUNABLES', 'exit 3']);
    expect(exitCode).toBe(0);
  });

  test('without answers, shells give all of them', async () => {
    const { stdout, asked } = await run();
    expect(stdout).toBe('[] 32512\n[] 32512\n[unknown\n] 0\n[] 768\nnot seen\n');
    expect(asked).toEqual([]);
  });

  test('a table of no answers answers nothing', async () => {
    expect((await run(new Map())).asked).toHaveLength(4);
  });
});

const TREE = process.env['DEPBOT_TEST_TREE'];

describe.skipIf(TREE === undefined && !process.env['CI'])(
  'the conf of a real tree (skipped without DEPBOT_TEST_TREE)',
  () => {
    let cacheDir = '';
    let job: Omit<ConfJob, 'mode' | 'env'>;
    let answers: ShellAnswers;
    let x86: KconfigEnv;

    beforeAll(async () => {
      if (TREE === undefined) throw new Error('DEPBOT_TEST_TREE is not set: in CI this test needs a kernel tree');
      cacheDir = await mkdtemp(join(tmpdir(), 'depbot-conf-tree-'));
      const tree = await dirTree(TREE);
      const made = await materialise(tree, cacheDir);
      const built = await buildConf(made, { cacheDir });
      if (!built.ok) throw new Error(built.output);
      job = { dir: made, conf: built.conf, cacheDir };
      answers = new ShellAnswers({ cacheDir, toolchainId: 'test', tree, treeDir: async () => made });
      x86 = await env('x86_64');
    });

    afterAll(async () => {
      if (cacheDir !== '') await rm(cacheDir, { recursive: true, force: true });
    });

    async function env(arch: string): Promise<KconfigEnv> {
      return toolchainEnv({ arch, makefile: await readFile(join(TREE ?? '', 'Makefile'), 'utf8') });
    }

    test('is built once for the same sources, and again for others', async () => {
      const again = await buildConf(job.dir, { cacheDir });
      expect(again).toEqual({ ok: true, conf: job.conf });
      const broken = mapTree({ Kconfig: '', 'scripts/kconfig/lexer.l': '%%\n' });
      expect((await buildConf(await materialise(broken, cacheDir), { cacheDir })).ok).toBe(false);
    });

    for (const arch of ['x86_64', 'um']) {
      test(`${arch}: the few files give what the whole tree gives, and recorded answers what shells give`, {
        timeout: 300_000,
      }, async () => {
        const on = await env(arch);
        const whole = await runConf({ ...job, dir: TREE ?? '', mode: 'allmodconfig', env: on });
        expect(whole.exitCode).toBe(0);
        expect(whole.config?.length).toBeGreaterThan(20_000);
        const few = await runConf({ ...job, mode: 'allmodconfig', env: on, answers: answers.recorded(on) });
        expect(few.config).toBe(whole.config);
        expect(few.asked.length).toBeGreaterThan(50);
        expect(await answers.answer(few.asked, on)).toEqual([]);
        const replayed = await runConf({ ...job, mode: 'allmodconfig', env: on, answers: answers.recorded(on) });
        expect(replayed).toEqual({ ...whole, asked: [] });
      });
    }

    test('a wrong answer is believed, and only what follows from it is asked anew', async () => {
      await answers.answer((await runConf({ ...job, mode: 'alldefconfig', env: x86, answers: new Map() })).asked, x86);
      const wrong = new Map(
        [...answers.recorded(x86)].map(([command, answer]) => [command, answer === 'GCC' ? 'Clang' : answer]),
      );
      const run = await runConf({ ...job, mode: 'alldefconfig', env: x86, answers: wrong });
      expect(run.config).toContain('CONFIG_CC_IS_CLANG=y');
      expect(run.asked.length).toBeGreaterThan(0);
      for (const command of run.asked) expect(command).toContain('test "Clang"');
    });

    test('olddefconfig completes a fragment, savedefconfig takes it back, and both are stable', async () => {
      const known = { ...job, env: x86, answers: answers.recorded(x86) };
      const start = await runConf({ ...known, mode: 'alldefconfig', allconfig: 'CONFIG_MODULES=y\nCONFIG_VFIO=m\n' });
      expect(start.config).toMatch(/^CONFIG_VFIO=m$/m);
      const old = await runConf({ ...known, mode: 'olddefconfig', config: start.config ?? '' });
      expect(old.config).toBe(start.config);
      const saved = await runConf({ ...known, mode: 'savedefconfig', config: start.config ?? '' });
      expect(saved.config).toMatch(/^CONFIG_VFIO=m$/m);
      const back = await runConf({ ...known, mode: 'olddefconfig', config: saved.config ?? '' });
      expect(back.config).toBe(start.config);
      const none = await runConf({ ...known, mode: 'listnewconfig', config: start.config ?? '' });
      expect(none.stdout).not.toContain('CONFIG_');
      const all = await runConf({ ...known, mode: 'listnewconfig', config: '' });
      expect(all.stdout).toMatch(/^CONFIG_SWAP=y$/m);
    });

    test('a seed gives one random configuration, another seed another', async () => {
      const random = (seed: number) =>
        runConf({ ...job, env: x86, answers: answers.recorded(x86), mode: 'randconfig', seed });
      const [one, again, two] = [await random(1), await random(1), await random(2)];
      expect(again.config).toBe(one.config);
      expect(two.config).not.toBe(one.config);
    });

    test('a defconfig is read from the tree; one that is not there is conf’s error', async () => {
      const known = { ...job, env: x86, answers: answers.recorded(x86), mode: 'defconfig' as const };
      const run = await runConf({ ...known, defconfigPath: 'arch/x86/configs/x86_64_defconfig' });
      expect(run.config).toMatch(/^CONFIG_X86_64=y$/m);
      const absent = await runConf({ ...known, defconfigPath: 'arch/x86/configs/absent_defconfig' });
      expect(absent.exitCode).toBe(1);
      expect(absent.stderr).toContain('absent_defconfig');
      expect(absent.config).toBeUndefined();
    });
  },
);

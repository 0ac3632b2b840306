import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ConfRun } from '../../queue/conf.ts';
import { runConf } from '../../queue/conf.ts';
import { buildConf } from '../../queue/conf-build.ts';
import { materialise } from '../../queue/conf-files.ts';
import type { ConfServerJob, ServerTimes } from '../../queue/conf-server.ts';
import { ConfServer } from '../../queue/conf-server.ts';
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { cacheDir } from '../../queue/provision.ts';
import { defconfigsOf } from '../oracle/cases.ts';
import { dirTree } from '../support/dir-tree.ts';
import { closePlace, fakeConf, openPlace, processesOf } from '../support/fake-conf.ts';

let dir = '';

beforeEach(() => {
  dir = openPlace();
});

afterEach(() => {
  closePlace(dir);
});

/** A conf with this body of main(). */
function job(main: string): ConfServerJob {
  return fakeConf(dir, cacheDir(), main);
}

/** Asks a server for configurations, one after the other. */
async function served(
  on: ConfServerJob,
  configs: readonly string[],
  times?: ServerTimes,
): Promise<(ConfRun | undefined)[]> {
  const server = await ConfServer.open(on, times);
  try {
    const runs: (ConfRun | undefined)[] = [];
    for (const config of configs) runs.push(await server.olddefconfig(config));
    return runs;
  } finally {
    await server.close();
  }
}

async function plain(on: ConfServerJob, configs: readonly string[]): Promise<ConfRun[]> {
  const runs: ConfRun[] = [];
  for (const config of configs) runs.push(await runConf({ ...on, mode: 'olddefconfig', config }));
  return runs;
}

describe('a server', () => {
  const CONFIGS = ['', 'A=y\n', 'exit', 'B=ü\n', 'x'.repeat(900)];

  test('gives what a run of its own gives: status, both outputs, .config', async () => {
    const on = job(`
      printf("read %s %s\\n", av[1], av[2]);
      fprintf(stderr, "warning\\n");
      read_config();
      printf("config of %zu, %s, stdin %d\\n", strlen(text), getenv("LD_PRELOAD"), isatty(0) || getchar() != EOF);
      fprintf(stderr, "%s\\n", text);
      rename(".config", ".config.old");
      write_config();
      return strcmp(text, "exit") ? 0 : 3;`);
    const runs = await served(on, CONFIGS);
    expect(runs).toEqual(await plain(on, CONFIGS));
    expect(runs[2]).toEqual({
      exitCode: 3,
      timedOut: false,
      config: 'exit# done\n',
      stdout: 'read --olddefconfig Kconfig\nconfig of 4, (null), stdin 0\n',
      stderr: 'warning\nexit\n',
      asked: [],
    });
  });

  test('reads the Kconfig files once, and no configuration sees another', async () => {
    const on = job(`
      int fd = open("/dev/urandom", O_RDONLY);
      unsigned int once, count = 0;
      read(fd, &once, sizeof(once));
      read_config();
      printf("%u %u %d\\n", once, count++, access(".config.old", F_OK));
      rename(".config", ".config.old");
      close(open("left", O_WRONLY | O_CREAT, 0600));
      write_config();
      return 0;`);
    const said = (await served(on, ['1', '2', '3'])).map((run) => run?.stdout);
    expect(said[0]).toMatch(/^\d+ 0 -1\n$/);
    expect(said).toEqual([said[0], said[0], said[0]]);
  });

  test('that ends before it opens .config gives each the same answer', async () => {
    const on = job('printf("a\\n"); fprintf(stderr, "recursive dependency detected!\\n"); exit(1);');
    expect(await served(on, CONFIGS)).toEqual(await plain(on, CONFIGS));
    expect((await served(on, ['x']))[0]).toMatchObject({ exitCode: 1, stderr: 'recursive dependency detected!\n' });
  });

  test('commands without an answer go to a shell', async () => {
    const on = job(`
      FILE *p = popen("echo shell", "r");
      char line[20];
      printf("%s", fgets(line, sizeof(line), p));
      pclose(p);
      read_config();
      write_config();
      return 0;`);
    expect((await served(on, ['1', '2'])).map((run) => run?.stdout)).toEqual(['shell\n', 'shell\n']);
  });
});

describe('a server that cannot tell gives no answer, now and later', () => {
  /** To whatever the answers go to: a hostile conf finds it. */
  const everywhere = (bytes: string, size: number): string =>
    `for (int fd = 3; fd < 64; fd++) write(fd, ${bytes}, ${size}); read_config();`;
  const answers = (...words: string[]): string => `uint32_t words[] = { ${words.join()} };`;
  const cases: readonly { readonly name: string; readonly main: string }[] = [
    { name: 'killed while it works on one', main: 'read_config(); raise(SIGKILL);' },
    { name: 'killed while it reads the Kconfig files', main: 'raise(SIGKILL);' },
    { name: 'without end on one', main: 'read_config(); for (;;) pause();' },
    { name: 'that never asks', main: 'for (;;) pause();' },
    { name: 'that ends well without reading a .config', main: 'return 0;' },
    { name: 'whose preload fails', main: 'read_config(); exit(99);' },
    { name: 'that takes the .config away', main: 'read_config(); unlink(".config"); return 0;' },
    {
      name: 'that puts a link in its place',
      main: 'read_config(); unlink(".config"); symlink("/etc/alternatives", ".config"); return 0;',
    },
    {
      name: 'that puts a pipe in its place',
      main: 'read_config(); unlink(".config"); mkfifo(".config", 0600); return 0;',
    },
    { name: 'that prints without end', main: 'read_config(); for (;;) puts("y");' },
    {
      name: 'that prints more than is kept',
      main: 'read_config(); for (int i = 0; i < 5 << 10; i++) fprintf(stderr, "%1024d", i); return 0;',
    },
    {
      name: 'that writes a large .config',
      main: 'read_config(); FILE *f = fopen(".config", "w"); for (;;) fputs("yyyyyyyyyyyyyyy\\n", f);',
    },
    { name: 'that answers with garbage', main: everywhere('"garbage, and more than twenty bytes"', 35) },
    { name: 'that announces gigabytes', main: `${answers('0', '0', '0', '0', '1u << 31')} ${everywhere('words', 20)}` },
    { name: 'that answers twice', main: `${answers(...Array(10).fill('0'))} ${everywhere('words', 40)}` },
    { name: 'that floods', main: `for (;;) { ${everywhere('text', 1000)} }` },
  ];
  for (const { name, main } of cases) {
    test(`one ${name}`, async () => {
      const runs = await served(job(main), ['A=y\n', 'B=y\n'], { firstMs: 3000, nextMs: 3000 });
      expect(runs).toEqual([undefined, undefined]);
    });
  }

  test('one that serves first and hangs then', async () => {
    const on = job('read_config(); if (*text == 66) for (;;) pause(); write_config(); return 0;');
    const runs = await served(on, ['A', 'B', 'A'], { firstMs: 10_000, nextMs: 300 });
    expect(runs).toEqual([expect.objectContaining({ exitCode: 0, config: 'A# done\n' }), undefined, undefined]);
  });

  test('one that leaves processes behind: they end with it', async () => {
    const on = job('read_config(); write_config(); if (fork() == 0) { setsid(); for (;;) pause(); } return 0;');
    expect((await served(on, ['A', 'B'])).map((run) => run?.exitCode)).toEqual([0, 0]);
  });
});

test('a server ends when the process that opened it is killed', async () => {
  const on = job('read_config(); write_config(); return 0;');
  const script = `
    import { ConfServer } from ${JSON.stringify(join(import.meta.dirname, '../../queue/conf-server.ts'))};
    const server = await ConfServer.open(${JSON.stringify({ ...on, answers: undefined })});
    await server.olddefconfig('A');
    process.stdout.write('served');`.replace('"conf"', '"answers": new Map(), "conf"');
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: dir },
  });
  await new Promise((resolve) => owner.stdout.once('data', resolve));
  expect(processesOf(join(dir, 'src')).length).toBeGreaterThan(0);
  owner.kill('SIGKILL');
  await vi.waitFor(() => expect(processesOf(join(dir, 'src'))).toEqual([]), { timeout: 5000 });
});

const TREE = process.env['DEPBOT_TEST_TREE'];

describe.skipIf(TREE === undefined && !process.env['CI'])(
  'the conf of a real tree (skipped without DEPBOT_TEST_TREE)',
  () => {
    let conf = '';
    let side: KconfigSide;

    beforeAll(async () => {
      if (TREE === undefined) throw new Error('DEPBOT_TEST_TREE is not set: in CI this test needs a kernel tree');
      const built = await buildConf(await materialise(await dirTree(TREE), cacheDir()), { cacheDir: cacheDir() });
      if (!built.ok) throw new Error(built.output);
      conf = built.conf;
      side = await KconfigSide.open(openDirectory(TREE), { cacheDir: cacheDir() });
    }, 300_000);

    afterAll(async () => {
      await side?.close();
    });

    const GARBAGE =
      'CONFIG_=\nnonsense\nCONFIG_SMP=7\n# CONFIG_NET is not set\nCONFIG_NET=y\nCONFIG_HZ=0x\r\n\0\n\xff=';
    const archs: readonly { readonly arch: string; readonly every: number; readonly also?: string }[] = [
      { arch: 'x86_64', every: 1 },
      { arch: 'arm', every: 24 },
      { arch: 'powerpc', every: 25, also: 'arch/powerpc/configs/44x/iss476-smp_defconfig' },
      { arch: 'um', every: 1 },
      { arch: 'sh', every: 18, also: 'arch/sh/configs/sdk7786_defconfig' },
    ];
    for (const { arch, every, also } of archs) {
      test(`${arch}: a server gives what runs of their own give`, { timeout: 300_000 }, async () => {
        const defconfigs = defconfigsOf(TREE ?? '', arch);
        const some = defconfigs.filter(({ path }, i) => i % every === 0 || path === also);
        const configs = ['', GARBAGE, ...some.map(({ text }) => text)];
        expect(configs.length).toBeGreaterThan(3);
        await side.model(arch);
        const on = await side.confJob(arch);
        const runs = await served(on, configs);
        expect(runs).toEqual(await plain(on, configs));
        expect(runs.map((run) => run?.exitCode)).toEqual(configs.map(() => 0));
        expect(runs[1]?.stderr).toContain('.config:2:warning: unexpected data: nonsense');
        if (arch === 'powerpc') expect(runs.map((run) => run?.stderr).join()).toContain('unmet direct dependencies');
        if (arch === 'sh') expect(runs.map((run) => run?.stderr).join()).toContain('reassigning to symbol PM');
      });
    }

    const kconfigs: readonly { readonly name: string; readonly text: string; readonly says: RegExp }[] = [
      {
        name: 'unmet dependencies',
        text: 'config A\n\tbool "a"\n\tselect B\nconfig B\n\tbool "b"\n\tdepends on C\nconfig C\n\tbool "c"\n',
        says: /^0 [\s\S]*WARNING: unmet direct dependencies detected for B/,
      },
      {
        name: 'warnings while it reads',
        text: 'config A\n\tbool "a"\n\tdefault "x y"\nconfig B\n\tbool "b"\n\tselect NONE\n$(warning-if,y,read me)\n',
        says: /^0 Kconfig:7: read me\n/,
      },
      {
        name: 'a circle',
        text: 'config A\n\tbool "a"\n\tdepends on B\nconfig B\n\tbool "b"\n\tdepends on A\n',
        says: /^1 [\s\S]*recursive dependency detected/,
      },
      { name: 'an error of syntax', text: 'config A\n\tbool "a"\nif A\n', says: /^1 / },
      { name: 'a source of what is not there', text: 'source "nowhere"\n', says: /^1 [\s\S]*nowhere/ },
      { name: 'a .config as a Kconfig file', text: 'config A\n\tbool "a"\nsource ".config"\n', says: /^0 / },
    ];
    for (const { name, text, says } of kconfigs) {
      test(`${name}: to each as in a run of its own`, async () => {
        writeFileSync(join(dir, 'src/Kconfig'), text);
        const env = { ARCH: 'x86', srctree: '/src' };
        const on = { dir: join(dir, 'src'), conf, env, answers: new Map(), cacheDir: cacheDir() };
        const configs = ['', 'CONFIG_A=y\n', 'config B\n\tbool "b"\n', '# CONFIG_A is not set\nCONFIG_A=y\n', GARBAGE];
        const runs = await served(on, configs);
        expect(runs).toEqual(await plain(on, configs));
        expect(runs.filter((run) => says.test(`${run?.exitCode} ${run?.stderr}`))).not.toEqual([]);
      });
    }
  },
);

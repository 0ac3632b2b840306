/** The command line from end to end on a tiny kernel, where nothing is wrong with the series or with the command. */

import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findOnPath } from '../../queue/tool-path.ts';
import { reportSchema, undocumentedKeys } from '../support/report-schema.ts';
import { type Desk, openDesk, type RunOptions } from '../support/run-depbot.ts';
import { fooKconfig, mboxOf, tinyKernel } from '../support/tiny-kernel.ts';
import { type TinyRepo, tempDir } from '../support/tiny-repo.ts';

const QUIET = fooKconfig('A driver for Foo.', 'The driver for Foo.');

let kernel: TinyRepo;
let desk: Desk;

beforeAll(() => {
  kernel = tinyKernel({
    quiet: [QUIET, { ...QUIET, 'drivers/foo/foo.c': 'int foo(void)\n{\n\treturn 1;\n}\n' }],
    other: [{ 'drivers/foo/foo.c': 'int foo(void)\n{\n\treturn 2;\n}\n' }],
  });
  desk = openDesk([kernel.dir]);
});
afterAll(() => {
  desk.remove();
  kernel.remove();
});

const check = (argv: readonly string[], options?: RunOptions) =>
  desk.run(['check', '--tree', kernel.dir, ...argv], options);

describe('a series with nothing wrong', () => {
  test.each([
    ['LF', '\n'],
    ['CR LF', '\r\n'],
  ])(
    'as an mbox (%s): silence on standard output, status 0, and what was checked on standard error',
    async (_, eol) => {
      writeFileSync(desk.path('quiet.mbox'), mboxOf(kernel, 'quiet').replaceAll('\n', eol));
      const run = await check([desk.path('quiet.mbox')]);
      expect(run).toMatchObject({ status: 0, stdout: '' });
      expect(run.stderr).toContain('depbot: [PATCH 1/2] quiet: step 1 (2 patches, by Ann Author)\n');
      expect(run.stderr).toMatch(/base: master \(blob-match\): .*index lines/);
      expect(run.stderr).toMatch(
        /checked 1 changed Kconfig file, 0 changed symbols, on 1 architecture .*config-upgrade/,
      );
      expect(run.stderr).toMatch(/depbot: nothing found\n$/);
    },
  );

  test('through standard input, with "-" or without', async () => {
    for (const argv of [[], ['-']]) {
      const run = await check(argv, { input: mboxOf(kernel, 'quiet') });
      expect(run).toMatchObject({ status: 0, stdout: '', stderr: expect.stringContaining('nothing found') });
    }
  });

  test('as a Maildir, mails in any order', async () => {
    const mails = mboxOf(kernel, 'quiet')
      .split(/^From [0-9a-f]{40} .*\n/m)
      .slice(1);
    expect(mails).toHaveLength(2);
    for (const folder of ['cur', 'new', 'tmp']) mkdirSync(desk.path(`maildir/${folder}`), { recursive: true });
    writeFileSync(desk.path('maildir/cur/a:2,S'), mails[1] ?? '');
    writeFileSync(desk.path('maildir/new/b'), mails[0] ?? '');
    writeFileSync(desk.path('maildir/tmp/c'), 'half a del');
    const run = await check([desk.path('maildir')]);
    expect(run).toMatchObject({ status: 0, stdout: '', stderr: expect.stringContaining('(2 patches, by Ann Author)') });
  });

  test('as a single mail', async () => {
    writeFileSync(desk.path('one.eml'), mboxOf(kernel, 'other').replace(/^From .*\n/, ''));
    const run = await check([desk.path('one.eml')]);
    expect(run).toMatchObject({ status: 0, stdout: '', stderr: expect.stringContaining('no Kconfig file changes') });
  });

  test('as commits of the tree', async () => {
    const run = await check(['--range', 'master..quiet']);
    expect(run).toMatchObject({ status: 0, stdout: '' });
    expect(run.stderr).toMatch(
      /\[PATCH 1\/2\] quiet: step 1 \(2 patches[\s\S]*base: master \(base-commit\)[\s\S]*nothing found/,
    );
  });

  test('with --json: the report as documented, and nothing else on either stream', async () => {
    const run = await check(['--range', 'master..quiet', '--json', '--arch', 'x86_64']);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    const report = reportSchema.parse(JSON.parse(run.stdout));
    expect(report).toMatchObject({
      findings: [],
      dropped: [],
      checked: { archs: ['x86'], changedFiles: ['drivers/foo/Kconfig'], changedSymbols: [] },
      applied: { base: { how: 'base-commit', sha: kernel.git('rev-parse', 'master') } },
    });
    expect(report.applied?.commits.map(({ n }) => n)).toEqual([1, 2]);
    expect(undocumentedKeys(report)).toEqual([]);
  });

  test('and --out: no folder is made', async () => {
    const run = await check(['--range', 'master..quiet', '--out', desk.path('none')]);
    expect(run).toMatchObject({ status: 0, stdout: '' });
    expect(existsSync(desk.path('none'))).toBe(false);
  });
});

describe('two series in one mbox', () => {
  test('are checked one after the other', async () => {
    const run = await check([], { input: mboxOf(kernel, 'quiet') + mboxOf(kernel, 'other') });
    expect(run).toMatchObject({ status: 0, stdout: '' });
    expect(run.stderr).toMatch(
      /quiet: step 1 \(2 patches[\s\S]*nothing found[\s\S]*other: step 1 \(1 patch,[\s\S]*nothing found/,
    );
  });

  test('give an array with --json, one alone does not', async () => {
    const run = await check(['--json'], { input: mboxOf(kernel, 'quiet') + mboxOf(kernel, 'other') });
    expect(run.status).toBe(0);
    const reports = reportSchema.array().length(2).parse(JSON.parse(run.stdout));
    expect(reports.map(({ series }) => series.subject)).toEqual(['[PATCH 1/2] quiet: step 1', '[PATCH] other: step 1']);
  });
});

describe('the tree', () => {
  test('may come from DEPBOT_TREE, or from the configuration', async () => {
    const input = mboxOf(kernel, 'other');
    const fromEnv = await desk.run(['check'], { input, env: { DEPBOT_TREE: kernel.dir } });
    expect(fromEnv).toMatchObject({ status: 0, stderr: expect.stringContaining('nothing found') });
    writeFileSync(desk.path('depbot.toml'), `[tree]\ndir = ${JSON.stringify(kernel.dir)}\n`);
    const fromFile = await desk.run(['check', '--config', desk.path('depbot.toml')], { input });
    expect(fromFile).toMatchObject({ status: 0, stderr: expect.stringContaining('nothing found') });
  });

  test.each([
    ['a folder without git', 'home', 'is not a git tree: git finds no repository in it'],
    ['a path where there is nothing', 'absent', 'is not a git tree: ENOENT'],
    ['a repository without commits', 'fresh', 'has no commits'],
  ])('%s is refused by name', async (_, name, message) => {
    if (name === 'fresh') kernel.git('init', '-q', desk.path('fresh'));
    const run = await desk.run(['check', '--tree', desk.path(name)], { input: mboxOf(kernel, 'other') });
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toContain(message);
    expect(run.stderr).toContain(desk.path(name));
  });

  test('is asked for where none is named', async () => {
    const run = await desk.run(['check'], { input: mboxOf(kernel, 'other') });
    expect(run).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/no kernel tree: give --tree DIR, set DEPBOT_TREE/),
    });
  });

  test('is asked for with the one that set-up fetched, where it has', async () => {
    const fetched = desk.path('fetching/linux-6.12');
    mkdirSync(fetched, { recursive: true });
    const env = { DEPBOT_CACHE: desk.path('fetching') };
    const run = await desk.run(['check'], { input: mboxOf(kernel, 'other'), env });
    expect(run).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(`; set-up has fetched one: --tree ${fetched}\n$`),
    });
    const doctor = await desk.run(['doctor', '--json'], { env });
    expect(JSON.parse(doctor.stdout).signs).toContainEqual(
      expect.objectContaining({ what: 'tree', mend: expect.stringMatching(`: depbot doctor --tree ${fetched}$`) }),
    );
  });

  test('has the architectures it has', async () => {
    const run = await check(['--range', 'master..quiet', '--arch', 'vax']);
    expect(run).toMatchObject({ status: 2, stderr: 'depbot: the tree has no architecture "vax"; it has x86\n' });
  });
});

describe('the command', () => {
  test.each([
    [['check', '--frobnicate'], /unknown option '--frobnicate'/],
    [['frobnicate'], /unknown command 'frobnicate'/],
    [[], /Usage: depbot[\s\S]*check [\s\S]*kconfig/],
    [['rules', 'no-such-rule'], /no rule no-such-rule; there are: broken-bisect, build-error, /],
    [['check', '--config', 'absent.toml'], /absent\.toml: cannot be read .*depbot\.example\.toml/],
    [['check', 'x.mbox', '--range', 'a..b'], /--range checks commits of the tree and takes no mails/],
  ])('%j is refused with what is wrong', async (argv, message) => {
    const run = await desk.run(argv);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(message);
  });

  test('names an unknown key of the configuration and the one that is meant', async () => {
    writeFileSync(desk.path('typo.toml'), '[tree]\ndri = "/linux"\n');
    const run = await desk.run(['check', '--config', desk.path('typo.toml')]);
    expect(run).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/typo\.toml: unknown key tree\.dri; did you mean tree\.dir\?/),
    });
  });

  test.each([
    ['nowhere..quiet', '"nowhere" is not a commit of this tree'],
    ['quiet..master', 'is empty'],
    ['quiet', 'expected base..branch'],
  ])('refuses the range %s', async (range, message) => {
    const run = await check(['--range', range]);
    expect(run).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(message) });
  });

  test('prints help when asked, with status 0', async () => {
    for (const argv of [['--help'], ['check', '--help'], ['kconfig', 'explain', '--help']]) {
      expect(await desk.run(argv)).toMatchObject({
        status: 0,
        stderr: '',
        stdout: expect.stringContaining('Usage: depbot'),
      });
    }
  });

  test('prints the rules, and does not mind a reader that leaves', async () => {
    const all = await desk.run(['rules']);
    expect(all).toMatchObject({ status: 0, stdout: expect.stringContaining('# undefined-symbol (') });
    expect(await desk.run(['rules'], { readOnly: 1 })).toMatchObject({ status: 0, stderr: '' });
  });
});

test('what a run leaves in the temporary folder, or half-written, would fail these tests', async () => {
  for (const name of ['tmp/left', 'state/.reply.eml.partial']) {
    writeFileSync(desk.path(name), '');
    await expect(desk.run(['--help'])).rejects.toThrow('left behind');
    rmSync(desk.path(name));
  }
  await expect(desk.run(['--help'])).resolves.toMatchObject({ status: 0 });
});

describe('without bubblewrap', () => {
  let bin = '';
  /** With a cache of its own: what was answered before needs no sandbox. */
  let fresh: Desk;

  beforeAll(async () => {
    bin = tempDir();
    fresh = openDesk([kernel.dir]);
    for (const name of ['git', 'prlimit', 'sh', 'node']) {
      const found = await findOnPath(name);
      if (found !== undefined) symlinkSync(found, join(bin, name));
    }
  });
  afterAll(() => {
    rmSync(bin, { recursive: true, force: true });
    fresh.remove();
  });

  const argv = (...more: string[]) => ['check', '--tree', kernel.dir, '--range', 'master..quiet', ...more];

  test('nothing of the tree is run: status 2, and what to install', async () => {
    const run = await fresh.run(argv(), { env: { PATH: bin } });
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(
      /could not check \(sandbox\): bubblewrap is not installed.*apt install bubblewrap \(or --trust-tree/,
    );
  });

  test('a worker takes no series that it could not check', async () => {
    writeFileSync(fresh.path('depbot.toml'), `[tree]\ndir = ${JSON.stringify(kernel.dir)}\n`);
    const env = { PATH: bin, REDIS_URL: fresh.path('no-redis.sock') };
    const run = await fresh.run(['worker', '--config', 'depbot.toml'], { env });
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(/^depbot: nothing could be checked here: bubblewrap is not installed.*apt install/);
  });

  test('--trust-tree goes without it', async () => {
    const run = await fresh.run(argv('--trust-tree'), { env: { PATH: bin } });
    expect(run).toMatchObject({ status: 0, stdout: '', stderr: expect.stringContaining('nothing found') });
  });
});

describe('depbot kconfig', () => {
  const kconfig = (...argv: string[]) => desk.run(['kconfig', ...argv, '--tree', kernel.dir, '--arch', 'x86_64']);

  test('writes a configuration to standard output, or to a file', async () => {
    const run = await kconfig('allyesconfig');
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(run.stdout).toMatch(/^CONFIG_BAR=y\nCONFIG_FOO=y\n/m);
    writeFileSync(desk.path('.config'), 'CONFIG_FOO=m\n');
    const old = await kconfig('olddefconfig', '--config', desk.path('.config'));
    expect(old).toMatchObject({ status: 0, stdout: expect.stringContaining('# CONFIG_BAR is not set\n') });
    expect(old.stdout).not.toContain('CONFIG_FOO');
    expect(await kconfig('allyesconfig', '--output', desk.path('written'))).toMatchObject({ status: 0, stdout: '' });
  });

  test('refuses a tree with a circle, in the words of conf', async () => {
    const circle = desk.path('circle');
    const files = {
      Kconfig: 'config A\n\tbool "A"\n\tdepends on B\n\nconfig B\n\tbool "B"\n\tdepends on A\n',
      'arch/x86/Kconfig': '',
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(circle, path)), { recursive: true });
      writeFileSync(join(circle, path), text);
    }
    const run = await desk.run(['kconfig', 'alldefconfig', '--tree', circle, '--arch', 'x86']);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toContain('error: recursive dependency detected!');
    expect(run.stderr).toMatch(/depbot: Kconfig:\d+: \w depends on itself/);
    rmSync(circle, { recursive: true });
  });

  test('explains a symbol, and names the nearest where there is none', async () => {
    const run = await kconfig('explain', 'CONFIG_FOO');
    expect(run).toMatchObject({ status: 0, stdout: expect.stringMatching(/^FOO \[=n\][\s\S]*drivers\/foo\/Kconfig/) });
    expect(await kconfig('explain', 'FO')).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/no symbol FO; did you mean .*FOO/),
    });
  });

  test('answers a question without conf, and says how long it took', async () => {
    const run = await desk.run(['kconfig', 'solve', 'FOO && BAR', '--tree', kernel.dir, '--no-conf']);
    expect(run.status).toBe(0);
    expect(run.stdout).toBe(
      "FOO && BAR\n\nPossible on x86:\n\ncat > .config <<'END'\nCONFIG_BAR=y\nCONFIG_FOO=y\nEND\nmake ARCH=x86 olddefconfig\n",
    );
    expect(run.stderr).toMatch(/^depbot: 1 architecture read in [0-9.]+ s, answered in [0-9.]+ s\n$/);
  });

  test('--free-shell leaves open what a command answers, and names the command', async () => {
    const free = tinyKernel(
      {},
      {
        'arch/x86/Kconfig': Buffer.from(
          'if-success = $(shell,{ $(1); } >/dev/null 2>&1 && echo "$(2)" || echo "$(3)")\n' +
            'config X86\n\tdef_bool y\n\nconfig CC_HAS\n\tdef_bool $(if-success,cc -fnever,y,n)\n\n' +
            'config CC_LACKS\n\tdef_bool $(if-success,cc -fnever,n,y)\n',
        ),
      },
    );
    const solve = (...argv: string[]): ReturnType<typeof desk.run> =>
      desk.run(['kconfig', 'solve', ...argv, '--tree', free.dir, '--trust-tree', '--free-shell']);
    const text = await solve('CC_HAS');
    expect(text).toMatchObject({ status: 0, stdout: expect.stringContaining('CONFIG_SHELL_ANSWER_1=y\n') });
    expect(text.stdout).toMatch(/\n {4}SHELL_ANSWER_1: \{ cc -fnever; \} >\/dev\/null 2>&1\n$/);
    expect(JSON.parse((await solve('CC_HAS', '--json')).stdout)).toMatchObject({
      answers: [{ verdict: 'possible', confirmedBy: 'evaluator' }],
      free: [{ symbol: 'SHELL_ANSWER_1', command: '{ cc -fnever; } >/dev/null 2>&1' }],
    });
    expect(await solve('CC_HAS && CC_LACKS')).toMatchObject({ status: 1 });
    const recorded = await desk.run(['kconfig', 'solve', 'CC_HAS', '--tree', free.dir, '--trust-tree', '--no-conf']);
    expect(recorded).toMatchObject({ status: 1, stdout: expect.not.stringContaining('SHELL_ANSWER') });
    expect(recorded.stderr).toContain('--free-shell leaves it open\n');
    expect((await solve('CC_HAS && CC_LACKS')).stderr).not.toContain('--free-shell');
    free.remove();
  });

  test('refuses to tell what a number needs, which is neither on nor off', async () => {
    const numbers = tinyKernel({}, { 'arch/x86/Kconfig': Buffer.from('config LINES\n\tint "Lines"\n') });
    const run = await desk.run(['kconfig', 'needs', 'LINES', '--tree', numbers.dir]);
    expect(run).toMatchObject({
      status: 2,
      stdout: '',
      stderr: "depbot: LINES is of type int, neither on nor off; ask solve 'LINES=1'\n",
    });
    numbers.remove();
  });

  test.each([
    [['solve', 'FOO &&'], /"FOO &&" is no expression: expression ends too early/],
    [['solve', 'FOO && FOE'], /no symbol FOE; did you mean FOO\?/],
    [['needs', 'FOO && BAR'], /"FOO && BAR" is no symbol; solve takes expressions/],
    [['needs', 'FOO', '--value', 'n'], /--value n: it is m or y/],
    [['implies', 'FOO'], /missing required argument 'conclusion'/],
    [['solve', 'FOO', '--arch', 'vax'], /the tree has no architecture "vax"/],
    [['solve', 'FOO', '--arch', 'x86,'], /the tree has no architecture ""/],
  ])('refuses the question %j', async ([kind = '', ...rest], message) => {
    const run = await desk.run(['kconfig', kind, ...rest, '--tree', kernel.dir]);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(message);
  });

  test.each([
    [['allnoconfig', '--arch', 'vax'], /the tree has no architecture "vax"/],
    [['allnoconfig', '--tree', '/nonexistent'], /\/nonexistent\/Kconfig: no such file: --tree takes the top directory/],
    [['allnoconfig', '--output', '/nonexistent/file'], /\/nonexistent\/file: cannot be written/],
    [['olddefconfig', '--config', '/nonexistent/.config'], /\/nonexistent\/\.config: cannot be read/],
  ])('refuses %j', async ([mode = '', ...rest], message) => {
    const run = await desk.run(['kconfig', mode, '--tree', kernel.dir, '--arch', 'x86', ...rest]);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(message);
  });

  test('explain says of which architecture and configuration it speaks', async () => {
    const ask = (...more: string[]) =>
      desk.run(['kconfig', 'explain', 'FOO', '--tree', kernel.dir, '--arch', 'x86', ...more]);
    const bare = await ask();
    expect(bare).toMatchObject({ status: 0, stdout: expect.stringMatching(/^FOO \[=/) });
    expect(bare.stderr).toBe(`depbot: ARCH=x86, an empty configuration: ${kernel.dir} has no .config\n`);
    writeFileSync(desk.path('own.config'), 'CONFIG_FOO=y\n');
    expect((await ask('--config', desk.path('own.config'))).stderr).toBe(
      `depbot: ARCH=x86, ${desk.path('own.config')}\n`,
    );
  });
});

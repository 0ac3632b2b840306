/**
 * The command line where a finding has to be confirmed: on a tiny kernel with the scripts/kconfig of a real tree,
 * and on that tree itself.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheDir } from '../../queue/provision-cache.ts';
import { answersSchema, undocumentedAnswerKeys } from '../support/answer-schema.ts';
import { reportSchema, undocumentedKeys } from '../support/report-schema.ts';
import { type Desk, openDesk, type RunOptions } from '../support/run-depbot.ts';
import { confSources, fooKconfig, mboxOf, tinyKernel } from '../support/tiny-kernel.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const EXAMPLE = join(import.meta.dirname, '../fixtures/example');

/** The given tree; in CI its absence is a failure. */
function tree(): string {
  if (TREE === undefined) throw new Error('DEPBOT_TEST_TREE is not set: in CI this test needs a kernel tree');
  return TREE;
}

const describeWithTree = describe.skipIf(TREE === undefined && !process.env['CI']);

/** Two patches, each with a reference to a symbol that nothing defines. */
const BROKEN = fooKconfig('depends on BAR', 'depends on BAZ');
const BROKEN_TWICE = fooKconfig('depends on BAR', 'depends on BAZ\n\tselect QUX');

/** What a branch of its own changes in foo's Kconfig. */
const SWITCHES: Readonly<Record<string, readonly [from: string, to: string]>> = {
  carried: ['depends on BAR', 'depends on BAR\n\tdepends on NEW\n\nconfig NEW\n\tbool "New"'],
  renamed: ['config FOO\n', 'config FOO_2\n'],
  unmet: ['depends on BAR', 'depends on BAR\n\nconfig BAZ\n\tbool "Baz"\n\tselect FOO'],
  lost: ['depends on BAR', 'depends on BAR && !BAR'],
};

describeWithTree('a series with findings (skipped without DEPBOT_TEST_TREE)', () => {
  let kernel: TinyRepo;
  let desk: Desk;
  const check = (argv: readonly string[], options?: RunOptions) =>
    desk.run(['check', '--tree', kernel.dir, ...argv], options);

  beforeAll(() => {
    const loop = fooKconfig('bool "Bar"', 'bool "Bar"\n\tdepends on FOO');
    kernel = tinyKernel(
      { broken: [BROKEN, BROKEN_TWICE], fixed: [BROKEN, fooKconfig('Foo.', 'Foos.')], loop: [loop] },
      confSources(tree()),
    );
    kernel.git('checkout', '-q', '-b', 'defconfig', 'master');
    kernel.commit('with a defconfig', { 'arch/x86/configs/tiny_defconfig': 'CONFIG_BAR=y\nCONFIG_FOO=m\n' });
    kernel.git('checkout', '-q', 'master');
    desk = openDesk([kernel.dir]);
  });
  afterAll(() => {
    desk?.remove();
    kernel?.remove();
  });

  test.each([
    ['LF', '\n'],
    ['CR LF', '\r\n'],
  ])('prints a mail for each patch with one (%s), status 1', async (_, eol) => {
    const run = await check([], { input: mboxOf(kernel, 'broken').replaceAll('\n', eol) });
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/depbot: 2 findings\n$/);
    const [first = '', second = '', ...more] = run.stdout.split(/^(?=From: )/m);
    expect(more).toEqual([]);
    expect(first).toMatch(/^Subject: Re: \[PATCH 1\/2\] broken: step 1$/m);
    expect(first).toMatch(/^To: Ann Author <ann@example.org>$/m);
    expect(first).toMatch(/^Cc: foo@lists.example.org, Bo <bo@example.org>$/m);
    expect(first).toMatch(/^Auto-Submitted: auto-replied$/m);
    expect(first).toContain('\n> +\tdepends on BAZ\n');
    expect(first).toContain('BAZ');
    expect(first).not.toContain('QUX');
    expect(second).toMatch(/^Subject: Re: \[PATCH 2\/2\] broken: step 2$/m);
    expect(second).toContain('\n> +\tselect QUX\n');
    expect(run.stdout).not.toContain('\r');
  });

  test('says nothing where a later patch of the series mends it', async () => {
    const run = await check([], { input: mboxOf(kernel, 'fixed') });
    expect(run).toMatchObject({ status: 0, stdout: '', stderr: expect.stringMatching(/nothing found\n$/) });
  });

  test('finds the same in a range as in its mails', async () => {
    const mails = await check(['--json'], { input: mboxOf(kernel, 'broken') });
    const range = await check(['--json', '--range', 'master..broken']);
    expect(range.status).toBe(1);
    const keys = (text: string): string[] => reportSchema.parse(JSON.parse(text)).findings.map(({ key }) => key);
    expect(keys(range.stdout)).toEqual(['undefined-symbol BAZ', 'undefined-symbol QUX']);
    expect(keys(mails.stdout)).toEqual(keys(range.stdout));
  });

  test.each([
    ['undefined-symbol', 'master', 'broken'],
    ['recursive-dependency', 'master', 'loop'],
    ['config-upgrade', 'defconfig', 'carried'],
    ['unmigrated-rename', 'defconfig', 'renamed'],
    ['unmet-select', 'master', 'unmet'],
    ['lost-symbol', 'master', 'lost'],
  ])('--json with a finding of %s is as documented', async (rule, base, branch) => {
    const change = SWITCHES[branch];
    if (change) {
      kernel.git('checkout', '-q', '-b', branch, base);
      kernel.commit(`${branch}: a switch`, fooKconfig(...change));
      kernel.git('checkout', '-q', 'master');
    }
    const run = await check(['--json', '--range', `${base}..${branch}`]);
    expect(run).toMatchObject({ status: 1, stderr: '' });
    const report = reportSchema.parse(JSON.parse(run.stdout));
    expect(report.findings.map((finding) => finding.rule)).toContain(rule);
    expect(report.findings.every(({ verification }) => verification.rung === 2)).toBe(true);
    expect(undocumentedKeys(report)).toEqual([]);
  });

  test('--out writes them as mails that git and Python read, bodies as printed', async () => {
    const printed = await check([], { input: mboxOf(kernel, 'broken') });
    const run = await check(['--out', desk.path('out')], { input: mboxOf(kernel, 'broken') });
    expect(run).toMatchObject({ status: 1, stdout: '' });
    const names = readdirSync(desk.path('out')).sort();
    expect(names).toEqual(['v1-0001-broken-step-1.eml', 'v1-0002-broken-step-2.eml']);
    const bodies = printed.stdout.split(/^From: [\s\S]*?\n\n/m).slice(1);
    for (const [at, name] of names.entries()) {
      const path = join(desk.path('out'), name);
      const [message, patch] = [desk.path('message'), desk.path('patch')];
      const info = execFileSync('git', ['mailinfo', message, patch], {
        input: readFileSync(path),
        encoding: 'utf8',
      });
      // whoever sends it is the sender; a CR would become content
      expect(info).not.toContain('Author: depbot');
      expect(readFileSync(path, 'utf8')).not.toContain('\r');
      expect(info).toContain(`Subject: broken: step ${at + 1}\n`);
      expect(pythonBody(path)).toBe((bodies[at] ?? '').replace(/\n$/, at === 0 ? '' : '\n'));
    }
  });

  test('--json --out does both', async () => {
    const run = await check(['--json', '--out', desk.path('both')], { input: mboxOf(kernel, 'broken') });
    expect(run.status).toBe(1);
    expect(reportSchema.parse(JSON.parse(run.stdout)).findings).toHaveLength(2);
    expect(readdirSync(desk.path('both'))).toHaveLength(2);
  });

  test('--html writes a page of each series, with what --json has of it', async () => {
    kernel.git('checkout', '-q', '-b', 'taken', 'master');
    kernel.commit('taken: a switch', fooKconfig(...SWITCHES['lost']!));
    kernel.git('checkout', '-q', 'master');
    const page = desk.path('page.html');
    const run = await check(['--json', '--html', page], { input: mboxOf(kernel, 'taken') });
    const report = reportSchema.parse(JSON.parse(run.stdout));
    expect(undocumentedKeys(report)).toEqual([]);
    const survey = report.surveys?.[report.findings[0]!.key];
    expect(survey?.archs.find(({ arch }) => arch === 'x86')).toMatchObject({ before: 'y', after: 'n' });
    const links = survey?.picture?.links.map(({ from, kind, to }) => `${from} ${kind} ${to}`);
    expect(links).toContain('FOO depends on BAR');
    expect(readFileSync(page, 'utf8')).toContain('<th scope="row">x86</th><td>y</td><td>n only</td>');

    const quiet = await check(['--html', page], { input: mboxOf(kernel, 'fixed') });
    expect(quiet.status).toBe(0);
    expect(readFileSync(page, 'utf8')).toContain('Nothing found');
    expect(await check(['--html', desk.path('.')], { input: mboxOf(kernel, 'taken') })).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/--html .*it is a folder; give a file/),
    });
  });

  test('--b4 gives each patch what was found in it, and the cover letter all', async () => {
    const [first = '', second = ''] = mboxOf(kernel, 'broken').split(/^(?=From [0-9a-f]{40} )/m);
    const whole = kernel.git('rev-parse', 'broken~1').trim();
    kernel.git('checkout', '-q', '-b', 'b4/review/20261110-broken', 'broken');
    kernel.git('commit', '-q', '--allow-empty', '-m', 'tracking data of b4');
    kernel.git('checkout', '-q', 'master');
    const tracking = { series: { 'change-id': '20261110-broken', 'first-patch-commit': whole } };
    writeFileSync(desk.path('tracking.json'), JSON.stringify(tracking));
    const results = async (mail: string): Promise<object[]> => {
      const run = await check(['--b4'], { input: mail, env: { B4_TRACKING_FILE: desk.path('tracking.json') } });
      expect(run).toMatchObject({ status: 0, stderr: '' });
      return JSON.parse(run.stdout) as object[];
    };
    const baz = { tool: 'depbot', status: 'fail', summary: expect.stringMatching(/^undefined-symbol: BAZ/) };
    const qux = { tool: 'depbot', status: 'fail', summary: expect.stringMatching(/^undefined-symbol: QUX/) };
    expect(await results(first)).toEqual([{ ...baz, details: expect.stringContaining('BAZ') }]);
    expect(await results(second)).toEqual([{ ...qux, details: expect.stringContaining('QUX') }]);
    const cover = first.replace(/^Subject: \[PATCH 1/m, 'Subject: [PATCH 0').replace(/\ndiff --git[\s\S]*/, '\n');
    expect(await results(cover)).toHaveLength(2);
  });

  test('two series with the same titles: no reply takes the place of another', async () => {
    const once = mboxOf(kernel, 'broken', 'foo: rework');
    const again = once.replace(/<([^<>@]+)@/g, '<again-$1@').replaceAll('ann@example.org', 'amy@example.org');
    await check(['--out', desk.path('pair')], { input: once + again });
    expect(readdirSync(desk.path('pair')).sort()).toEqual(
      ['1', '2'].flatMap((n) => [`v1-000${n}-foo-rework.2.eml`, `v1-000${n}-foo-rework.eml`]),
    );
  });

  test('a folder that cannot be made is named, and nothing is left of it', async () => {
    writeFileSync(desk.path('file'), '');
    const early = await check(['--out', desk.path('file')], { input: mboxOf(kernel, 'broken') });
    expect(early).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/--out .*file: it is a file; give a folder/),
    });
    const late = await check(['--out', desk.path('absent/folder')], { input: mboxOf(kernel, 'broken') });
    expect(late).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/--out .*cannot be written/) });
  });

  test.each([
    [['solve', 'FOO=y && BAR'], 0, 'possible'],
    [['solve', 'FOO && !BAR'], 1, 'impossible'],
    [['implies', 'FOO', 'CONFIG_BAR'], 0, 'implied'],
    [['implies', 'BAR', 'FOO'], 1, 'not-implied'],
    [['needs', 'CONFIG_FOO', '--value', 'y'], 0, 'possible'],
    [['needs', 'FOO', '--value', 'm'], 1, 'impossible'],
  ])('kconfig %j --json is as documented, and conf agrees', async (argv, status, verdict) => {
    const run = await desk.run(['kconfig', ...argv, '--tree', kernel.dir, '--json']);
    expect(run).toMatchObject({ status });
    const printed = JSON.parse(run.stdout) as unknown;
    const { answers } = answersSchema.parse(printed);
    expect(answers).toMatchObject([{ architectures: ['x86'], verdict }]);
    expect(undocumentedAnswerKeys(printed)).toEqual([]);
    const isWitnessed = answers.some((answer) => 'witness' in answer);
    expect(isWitnessed).toBe(verdict === 'possible' || verdict === 'not-implied');
    if (isWitnessed) expect(answers).toMatchObject([{ confirmedBy: 'conf' }]);
    expect(run.stderr).toMatch(isWitnessed ? /1 architecture .*; conf ran once in/ : /answered in [0-9.]+ s\n$/);
  });

  test('a conf that makes another configuration of the settings is told as a fault of ours', async () => {
    const sources = confSources(tree());
    const confdata = sources['scripts/kconfig/confdata.c']!.toString('latin1');
    expect(confdata).toContain('DO NOT EDIT');
    const odd = tinyKernel(
      {},
      {
        ...sources,
        'scripts/kconfig/confdata.c': Buffer.from(confdata.replaceAll('DO NOT EDIT', 'PLEASE EDIT'), 'latin1'),
      },
    );
    const run = await desk.run(['kconfig', 'solve', 'FOO', '--tree', odd.dir]);
    odd.remove();
    expect(run).toMatchObject({ status: 2, stdout: expect.stringMatching(/^Not known on x86: conf makes another/m) });
    expect(run.stdout).toMatch(/fault of\s+depbot/);
    expect(run.stdout).not.toContain('CONFIG_FOO');
  });

  test('a tree whose conf does not build is told from a fault of the series', async () => {
    kernel.git('checkout', '-q', '-b', 'unbuildable', 'master');
    kernel.commit('spoil conf', { 'scripts/kconfig/conf.c': '#error "no"\n' });
    kernel.git('checkout', '-q', 'master');
    const run = await check(['--base', 'unbuildable'], { input: mboxOf(kernel, 'broken') });
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(/could not check \(kconfig\): scripts\/kconfig\/conf of [0-9a-f]{12} does not build/);
  });
});

/** The body as Python's email package decodes it; it complains of defects in the mail. */
function pythonBody(path: string): string {
  const program = [
    'import email, email.policy, sys',
    'mail = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)',
    'assert not mail.defects, mail.defects',
    'assert mail["In-Reply-To"] and mail["Message-ID"] and mail["Date"].datetime',
    'sys.stdout.write(mail.get_content())',
  ].join('\n');
  return execFileSync('python3', ['-c', program, path], { encoding: 'utf8' }).replaceAll('\r\n', '\n');
}

describeWithTree('on a real kernel tree (skipped without DEPBOT_TEST_TREE)', () => {
  let desk: Desk;

  beforeAll(() => {
    // with the user's own cache: to make answers and conf anew takes minutes
    desk = openDesk([join(tree(), '.git')], cacheDir());
  });
  afterAll(() => desk?.remove());

  test('the example gets its reply', async () => {
    // five patches are built in two configurations
    const options = { timeoutMs: 890_000 };
    const run = await desk.run(['check', join(EXAMPLE, 'series.mbox'), '--tree', tree(), '--arch', 'x86,arm'], options);
    expect(run.status).toBe(1);
    expect(run.stdout).toMatch(/^Subject: Re: \[PATCH 4\/5\] vfio\/pci: Convert BAR mmap\(\) to use a DMABUF$/m);
    expect(run.stdout).toContain('\n> +\tselect DMA_SHARED_BUFFER\n\nvfio_pci_core_mmap() could do without PCI_P2PDMA');
    expect(run.stdout).toMatch(
      /-> vfio_pci_core_mmap_prep_dmabuf\(\) +\S+_core\.c:\d+ \(patch 4\)\n +-> pcim_p2pdma_provider\(\) +\S+_dmabuf\.c:\d+ \(patch 3\)$/m,
    );
    expect(run.stdout).toMatch(/^ +include\/linux\/pci-p2pdma\.h:\d+: static inline .*pcim_p2pdma_provider/m);
    expect(run.stdout).toMatch(
      /On\s+arm\s+PCI_P2PDMA\s+always\s+is\s+off,\s+because\s+of\n\n +drivers\/pci\/Kconfig:183: depends on 64BIT$/m,
    );
    expect(run.stdout).toMatch(/^PCI_P2PDMA also has\n\n +drivers\/pci\/Kconfig:178: depends on ZONE_DEVICE$/m);
    expect(run.stdout.replace(/\s+/g, ' ')).toContain(
      'With it: drivers/vfio/pci/vfio_pci_dmabuf.o uses the stub of include/linux/pci-p2pdma.h:',
    );
  }, 900_000);

  test('the example that only moves text gets silence', async () => {
    const run = await desk.run(['check', join(EXAMPLE, 'quiet.mbox'), '--tree', tree(), '--arch', 'arm']);
    expect(run).toMatchObject({ status: 0, stdout: '', stderr: expect.stringMatching(/nothing found\n$/) });
  });

  test.each([
    ['config-upgrade', 1, /^KEYBOARD_TEGRA is y without the series and n with it/m],
    ['unmet-select', 1, /^TOUCHSCREEN_REEF_ADC can now force IIO_BUFFER/m],
    ['lost-symbol', 1, /^SENSORS_LTC2945 can no longer be enabled by itself/m],
    ['over-exposed', 1, /MESON_GXBB_WATCHDOG: depends on ARCH_MESON \|\| COMPILE_TEST$/m],
    ['silent', 0, /^$/],
  ])('the example of %s', async (name, status, words) => {
    const run = await desk.run(['check', join(EXAMPLE, `${name}.mbox`), '--tree', tree(), '--arch', 'arm']);
    expect(run).toMatchObject({ status, stdout: expect.stringMatching(words) });
  });

  test('what PCI_P2PDMA needs, where it can be had, and why not elsewhere', async () => {
    const run = await desk.run(['kconfig', 'needs', 'PCI_P2PDMA', '--tree', tree(), '--arch', 'arm64,arm,x86_64']);
    expect(run).toMatchObject({ status: 0, stderr: expect.stringMatching(/3 architectures read .* conf ran 2 times/) });
    expect(run.stdout).toMatch(/^Possible on arm64 \(conf agrees\):\n[\s\S]*^CONFIG_PCI_P2PDMA=y$/m);
    expect(run.stdout).toMatch(/^Always on with it: .*\bZONE_DEVICE\b/m);
    expect(run.stdout).toMatch(
      /^Not possible on arm:\n[\s\S]*drivers\/pci\/Kconfig:183: depends on 64BIT\n +64BIT is not/m,
    );
  });

  test('a symbol that another architecture declares gets an answer, one that none does an error', async () => {
    const where = ['--tree', tree(), '--arch', 'riscv', '--no-conf'];
    const foreign = await desk.run(['kconfig', 'solve', 'X86_64 && PCI', ...where]);
    expect(foreign).toMatchObject({ status: 1, stdout: expect.stringContaining('Not declared there: X86_64.') });
    const unknown = await desk.run(['kconfig', 'needs', 'PCI_P2PDMAA', ...where]);
    expect(unknown).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringMatching(/no symbol PCI_P2PDMAA; did you mean PCI_P2PDMA\?/),
    });
  });

  test('a series for another tree does not apply', async () => {
    const fixture = join(import.meta.dirname, '../fixtures/bad/does-not-apply.mbox');
    const run = await desk.run(['check', fixture, '--tree', tree()]);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toMatch(/could not check \(apply\): patch 1\/2 .* drivers\/foo\/Kconfig/);
  });
});

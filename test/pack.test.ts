/** The package as `npm run pack` makes it, unpacked below a folder node_modules, where Node strips no types. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { confSources, fooKconfig, mboxOf, tinyKernel } from './support/tiny-kernel.ts';
import { type TinyRepo, tempDir } from './support/tiny-repo.ts';

const PROJECT = join(import.meta.dirname, '..');
const TREE = process.env['DEPBOT_TEST_TREE'];
let dir: string;
let kernel: TinyRepo | undefined;

const run = (...argv: string[]) => {
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: dir,
    DEPBOT_CACHE: join(dir, 'cache'),
    NO_COLOR: '1',
  };
  const program = join(dir, 'node_modules/depbot/bot/depbot.mjs');
  return spawnSync(process.execPath, [program, ...argv], { cwd: dir, env, encoding: 'utf8' });
};

beforeAll(() => {
  dir = tempDir();
  const env = { ...process.env, npm_config_pack_destination: dir };
  execFileSync(process.execPath, ['.ci/pack.mjs'], { cwd: PROJECT, env, stdio: 'ignore' });
  const [archive = ''] = readdirSync(dir).filter((name) => name.endsWith('.tgz'));
  const modules = join(dir, 'node_modules');
  mkdirSync(modules);
  execFileSync('tar', ['-xzf', join(dir, archive), '-C', modules]);
  cpSync(join(modules, 'package'), join(modules, 'depbot'), { recursive: true });
  rmSync(join(modules, 'package'), { recursive: true });
  // As an installation has them beside it; those of the tests alone stay away.
  const { packages } = JSON.parse(readFileSync(join(PROJECT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  for (const [path, { dev }] of Object.entries(packages)) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    if (name === undefined || dev) continue;
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(PROJECT, path), join(modules, name));
  }
}, 120_000);
afterAll(() => {
  kernel?.remove();
  rmSync(dir, { recursive: true, force: true });
});

test('has no TypeScript, no test but the example, and what is read at run time', () => {
  const files = readdirSync(join(dir, 'node_modules/depbot'), { recursive: true, encoding: 'utf8' });
  expect(files.filter((file) => file.endsWith('.ts'))).toEqual([]);
  expect(files.filter((file) => file.startsWith('test/') && !/^test\/fixtures(\/example(\/.*)?)?$/.test(file))).toEqual(
    [],
  );
  for (const file of ['dist/templates/reply.txt', 'dist/queue/conf-server.c', 'dist/queue/object-lists.mk', 'LICENSE'])
    expect(files).toContain(file);
});

test('holds what its documents link to', () => {
  const place = join(dir, 'node_modules/depbot');
  const documents = readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'docs/operating.md']));
  const broken = documents.flatMap((file) =>
    [...readFileSync(join(place, file), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)]
      .filter(([, target]) => !existsSync(join(place, dirname(file), target!)))
      .map(([, target]) => `${file}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('says its version, its help and its rules', () => {
  expect(run('--version')).toMatchObject({ status: 0, stdout: '0.1.0\n', stderr: '' });
  expect(run('check', '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Examples:') });
  expect(run('rules', 'unmet-select')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('## What it misses'),
  });
});

test('says what is missing where it was packed without being built', () => {
  const bare = join(dir, 'bare/bot');
  for (const name of ['depbot.mjs', 'node.mjs']) cpSync(join(PROJECT, 'bot', name), join(bare, name));
  const ran = spawnSync(process.execPath, [join(bare, 'depbot.mjs'), '--version'], { encoding: 'utf8' });
  expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('npm run pack') });
});

describe.skipIf(TREE === undefined && !process.env['CI'])('on a kernel (skipped without DEPBOT_TEST_TREE)', () => {
  test('checks a series, confirmed by conf, with its C files read in a thread', () => {
    if (TREE === undefined) throw new Error('DEPBOT_TEST_TREE is not set: in CI this test needs a kernel tree');
    const unmet = fooKconfig('depends on BAR', 'depends on BAR\n\nconfig BAZ\n\tbool "Baz"\n\tselect FOO');
    const source = { 'drivers/foo/foo.c': 'int bar(void);\nint foo(void)\n{\n\treturn bar();\n}\n' };
    kernel = tinyKernel({ unmet: [{ ...unmet, ...source }] }, confSources(TREE));
    writeFileSync(join(dir, 'series.mbox'), mboxOf(kernel, 'unmet'));
    const { status, stdout, stderr } = run('-v', 'check', 'series.mbox', '--tree', kernel.dir);
    expect(status, stderr).toBe(1);
    expect(stdout).toContain('make ARCH=x86 olddefconfig    # warns of FOO\n');
    expect(stderr).toMatch(/^depbot: time: apply \d/m);
  }, 120_000);
});

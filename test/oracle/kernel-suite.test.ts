/**
 * The kernel's own tests of Kconfig (scripts/kconfig/tests of the tree) with our implementation in
 * the place of scripts/kconfig/conf. All must pass, the interactive ones too.
 */

import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GRAMMAR } from '../../rules/kconfig/dialect.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const SHIM = fileURLToPath(new URL('conf-shim.ts', import.meta.url));
const SUITE_TIMEOUT_MS = 600_000;

/** The tests of Linux 6.12. Newer trees have more, which must pass as well. */
const KNOWN = [
  'auto_submenu::test',
  'choice::test_alldef',
  'choice::test_allmod',
  'choice::test_allno',
  'choice::test_allyes',
  'choice::test_oldask0',
  'choice_randomize2::test',
  'choice_randomize::test',
  'err_recursive_dep::test',
  'err_recursive_inc::test',
  'new_choice_with_dep::test',
  'no_write_if_dep_unmet::test',
  'preprocess/builtin_func::test',
  'preprocess/circular_expansion::test',
  'preprocess/escape::test',
  'preprocess/variable::test',
];

/**
 * Starts the shim. Until conf ends the tests write newlines to it, and a write that is cut off fails
 * them, so all input is taken; the shim gets the beginning, which is more than it asks for.
 */
const WRAPPER = `
import os, subprocess, sys, threading

child = subprocess.Popen([NODE, SHIM] + sys.argv[1:], stdin=subprocess.PIPE)

def take():
    given = 0
    while data := os.read(0, 65536):
        if given < 16384:
            given += len(data)
            try:
                os.write(child.stdin.fileno(), data[:16384])
            except BrokenPipeError:
                given = 16384
    child.stdin.close()

threading.Thread(target=take, daemon=True).start()
os._exit(child.wait())
`;

interface Results {
  readonly passed: readonly string[];
  readonly others: readonly string[];
  readonly output: string;
}

async function runSuite(tree: string, dir: string): Promise<Results> {
  await mkdir(join(dir, 'scripts/kconfig'), { recursive: true });
  const conf = join(dir, 'scripts/kconfig/conf');
  const wrapper = WRAPPER.replace('NODE', JSON.stringify(process.execPath)).replace('SHIM', JSON.stringify(SHIM));
  await writeFile(conf, `#!/usr/bin/python3 -SE\n${wrapper}`);
  await chmod(conf, 0o755);
  const tests = join(tree, 'scripts/kconfig/tests');
  const repeated = (await readdir(tests)).includes('err_repeated_inc');
  const report = join(dir, 'report.xml');
  const output = await new Promise<string>((done) => {
    execFile(
      'python3',
      ['-B', '-m', 'pytest', tests, '-q', '-o', `cache_dir=${join(dir, 'cache')}`, `--junitxml=${report}`],
      {
        cwd: dir,
        timeout: SUITE_TIMEOUT_MS,
        env: {
          PATH: process.env['PATH'] ?? '',
          LC_ALL: 'C',
          NODE_COMPILE_CACHE: join(dir, 'compiled'),
          SHIM_REFUSE_REPEATED_SOURCE: repeated ? '1' : '',
          SHIM_GRAMMAR: join(tree, GRAMMAR),
        },
      },
      // Failures are read from the report; what pytest says helps to understand them.
      (_error, stdout, stderr) => done(stdout + stderr),
    );
  });
  const xml = await readFile(report, 'utf8');
  const passed: string[] = [];
  const others: string[] = [];
  for (const [, attributes, end] of xml.matchAll(/<testcase ([^>]*?)(\/?)>/g)) {
    const place = /classname="([^"]*)"/.exec(attributes!)![1]!;
    const name = `${place
      .replace(/^.*tests\./, '')
      .replace(/\.__init__$/, '')
      .replaceAll('.', '/')}::${/(?:^| )name="([^"]*)"/.exec(attributes!)![1]}`;
    (end === '/' ? passed : others).push(name);
  }
  return { passed: passed.sort(), others, output };
}

describe.skipIf(TREE === undefined && !process.env['CI'])(
  "the kernel's own Kconfig tests (skipped without DEPBOT_TEST_TREE)",
  () => {
    let dir: string;
    let results: Results;

    beforeAll(async () => {
      if (TREE === undefined) throw new Error('DEPBOT_TEST_TREE is not set: in CI these tests need a kernel tree');
      dir = await mkdtemp(join(tmpdir(), 'depbot-suite-'));
      results = await runSuite(TREE, dir);
      // The suite's conftest.py keeps typing Enter until it sees that the program has ended; when that is in between, the
      // write fails, whichever program it is. A fault of ours fails each time.
      for (let tries = 1; tries < 4 && results.output.includes('BrokenPipeError'); tries++) {
        results = await runSuite(TREE, dir);
      }
    }, SUITE_TIMEOUT_MS);

    afterAll(async () => {
      if (dir) await rm(dir, { recursive: true, force: true });
    });

    it('pass, every one', () => {
      expect(results.others, results.output).toEqual([]);
    });

    it('are those that are known, and more in newer trees', () => {
      expect(results.passed).toEqual(expect.arrayContaining(KNOWN));
    });
  },
);

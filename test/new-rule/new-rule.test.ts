/** `npm run new-rule` in a copy of the project: the gates pass with what it makes, and the tests ask for the rest. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tempDir } from '../support/tiny-repo.ts';

const PROJECT = join(import.meta.dirname, '../..');
const FILES = [
  'bot',
  'queue',
  'rules',
  'templates',
  'docs',
  'README.md',
  'package.json',
  'biome.json',
  '.gitignore',
  'tsconfig.json',
  'vitest.config.ts',
  'test/support',
  'test/service',
  'test/new-rule',
  'test/rules.test.ts',
  'test/fixtures/rules',
];
let dir: string;

const run = (program: string, ...argv: string[]) => {
  const env = { ...process.env, NO_COLOR: '1', CI: '', DEPBOT_TEST_TREE: '' };
  const { DEPBOT_TEST_TREE: _, CI: __, ...rest } = env;
  const { status, stdout, stderr } = spawnSync(program, argv, { cwd: dir, env: rest, encoding: 'utf8' });
  return { status, text: stdout + stderr };
};
const newRule = (...argv: string[]) => run(process.execPath, 'test/new-rule/new-rule.ts', ...argv);
const read = (path: string): string => readFileSync(join(dir, path), 'utf8');

beforeAll(() => {
  dir = tempDir();
  for (const file of FILES) cpSync(join(PROJECT, file), join(dir, file), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(dir, 'node_modules'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.each(['lost-zeal', 'a-first'])(
  'makes %s, which the gates take and the tests do not yet',
  (name) => {
    expect(newRule(name)).toMatchObject({ status: 0, text: expect.stringContaining(`rules/${name}.ts\n`) });
    expect(run('node_modules/.bin/biome', 'ci', 'rules')).toMatchObject({ status: 0 });
    // Of the copy, in which not all of test/ is.
    expect(run('node_modules/.bin/tsc', '--project', '.').text).not.toMatch(/^(rules|bot|queue)\//m);
    for (const [file, line] of [
      ['README.md', `| \`${name}\` | ... |\n`],
      ['docs/report.md', `\n### ${name}\n\n| key | what |\n`],
    ] as const)
      expect(read(file)).toContain(line);
    const tests = run('node_modules/.bin/vitest', 'run', 'test/rules.test.ts', '-t', `${name}|the list of rules`);
    expect(tests.status).toBe(1);
    const failed = [...tests.text.matchAll(/^ *FAIL .* > (.*)$/gm)].map((match) => match[1]);
    expect([...new Set(failed)].sort()).toEqual(
      [
        // The folders `after`, and silences that give no reason.
        `'${name}'/'already-so-before' is complete and small`,
        `'${name}'/'nearest-that-is-fine' is complete and small`,
        `'${name}'/'shows-it' is complete and small`,
        'has a reply, two silences, and one of these for what was broken before',
        'is told of in README.md and docs/report.md',
        'says something under each of the five headings',
      ].sort(),
    );
    // nothing of the tests that are left out
    expect(tests.text).not.toMatch(/'undefined-symbol'|↓/);
    expect(tests.text).toContain('DEPBOT_TEST_TREE is not set: no fixture is checked');
  },
  120_000,
);

test('--series makes the patches anew, one for each step', () => {
  const fixture = 'test/fixtures/rules/lost-zeal/shows-it';
  const one = read(`${fixture}/series.mbox`);
  expect(one.match(/^From 0{40} Mon Sep 17 00:00:00 2001$/gm)).toHaveLength(1);
  expect(one).toContain('\n+\thelp\n');
  cpSync(join(dir, fixture, 'after'), join(dir, fixture, 'after-1'), { recursive: true });
  cpSync(join(dir, fixture, 'tree/arch'), join(dir, fixture, 'after-2/arch'), { recursive: true });
  cpSync(join(dir, 'rules/index.ts'), join(dir, fixture, 'after-2/drivers/index.txt'));
  rmSync(join(dir, fixture, 'after'), { recursive: true });
  expect(newRule('--series', 'lost-zeal')).toMatchObject({ status: 0 });
  const two = read(`${fixture}/series.mbox`);
  expect(two.match(/^Subject: \[PATCH [12]\/2\] /gm)).toHaveLength(2);
  expect(newRule('--series', 'lost-zeal').status).toBe(0);
  expect(read(`${fixture}/series.mbox`)).toBe(two);
});

test.each([['undefined-symbol'], ['Not_kebab'], ['--series', 'no-such-rule'], []])('refuses %s %s', (...argv) => {
  const given = argv.filter((one) => typeof one === 'string');
  expect(newRule(...given)).toMatchObject({ status: 2, text: expect.stringMatching(/^new-rule: /) });
  expect(existsSync(join(dir, 'rules/Not_kebab.ts'))).toBe(false);
});

/** `depbot check --b4` as b4 calls it: one mail in, an array out, the series on a review branch. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Desk, openDesk } from '../support/run-depbot.ts';
import { fooKconfig, mboxOf, tinyKernel } from '../support/tiny-kernel.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';

const CHANGE = '20261110-foo-bar-1a2b3c';

describe('b4 review', () => {
  let kernel: TinyRepo;
  let desk: Desk;
  let mails: string[];

  beforeAll(() => {
    const more = fooKconfig('Foo.', 'Foos.');
    kernel = tinyKernel({ text: [more], two: [more, fooKconfig('Foo.', 'Foes.')] });
    mails = mboxOf(kernel, 'two').split(/^(?=From [0-9a-f]{40} )/m);
    const first = kernel.git('rev-parse', 'two~1').trim();
    kernel.git('checkout', '-q', '-b', `b4/review/${CHANGE}`, 'two');
    kernel.git('commit', '-q', '--allow-empty', '-m', 'tracking data of b4');
    kernel.git('checkout', '-q', 'master');
    desk = openDesk([kernel.dir]);
    const tracking = { series: { 'change-id': CHANGE, 'first-patch-commit': first, revision: 1 }, patches: [] };
    writeFileSync(desk.path('tracking.json'), JSON.stringify(tracking));
  });
  afterAll(() => {
    desk?.remove();
    kernel?.remove();
  });

  const asked = (input: string, env: Record<string, string> = {}, more: string[] = []) =>
    desk.run(['check', '--b4', '--tree', kernel.dir, '--trust-tree', ...more], { input, env });
  const tracked = () => ({ B4_TRACKING_FILE: desk.path('tracking.json') });

  test('of one patch of several, the whole series is checked', async () => {
    const run = await asked(mails[0]!, tracked());
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(run.stdout)).toEqual([
      {
        tool: 'depbot',
        status: 'pass',
        summary: expect.stringMatching(/^nothing found/),
        // the tiny kernel has no Makefile
        details: expect.stringMatching(/^not built on x86: /),
      },
    ]);
  });

  test('where nothing is built, the details say so', async () => {
    const run = await asked(mails[0]!, tracked(), ['--no-build']);
    expect(JSON.parse(run.stdout)).toEqual([
      {
        tool: 'depbot',
        status: 'pass',
        summary: expect.any(String),
        details: expect.stringMatching(/^nothing was built/),
      },
    ]);
  });

  test('a patch that is the whole series needs no branch', async () => {
    const run = await asked(mboxOf(kernel, 'text'));
    expect(JSON.parse(run.stdout)).toEqual([expect.objectContaining({ status: 'pass' })]);
  });

  test('without the rest of the series there is a warning, and no guess', async () => {
    const run = await asked(mails[1]!);
    expect(run.status).toBe(0);
    expect(JSON.parse(run.stdout)).toEqual([
      { tool: 'depbot', status: 'warn', summary: expect.stringMatching(/one mail of a series/) },
    ]);
  });

  test.each([
    ['--range', ['--range', 'master..two']],
    ['--json', ['--json']],
  ])('%s besides it is refused', async (name, argv) => {
    const run = await asked(mails[0]!, tracked(), argv);
    expect(run).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(`--b4 and ${name}`) });
  });

  test.each([
    ['no JSON', '{'],
    [
      'a branch that is an option',
      JSON.stringify({ series: { 'change-id': '--upload-pack=x', 'first-patch-commit': 'abcdef0' } }),
    ],
    ['a commit that is none', JSON.stringify({ series: { 'change-id': CHANGE, 'first-patch-commit': 'HEAD' } })],
  ])('tracking data with %s is refused by name', async (_what, text) => {
    const file = desk.path('bad.json');
    writeFileSync(file, text);
    const run = await asked(mails[0]!, { B4_TRACKING_FILE: file });
    expect(run).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(`B4_TRACKING_FILE ${file}`) });
  });

  test('what is no mail is refused', async () => {
    const run = await asked('', tracked());
    expect(run).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('the mail on standard input') });
  });
});

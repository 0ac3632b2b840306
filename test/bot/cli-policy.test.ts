/** `depbot policy explain`, `depbot stop` and `depbot resume`, run as commands. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Desk, openDesk } from '../support/run-depbot.ts';
import { type TinyRepo, tinyRepo } from '../support/tiny-repo.ts';

const EXAMPLE = join(import.meta.dirname, '../fixtures/example/config-upgrade.mbox');
const LIST = 'linux-input@lists.example.org';
let repo: TinyRepo;
let desk: Desk;
beforeAll(() => {
  repo = tinyRepo({
    MAINTAINERS: 'INPUT DRIVERS\nM:\tMia <mia@example.net>\nF:\tdrivers/input\n',
    'drivers/input/a.c': 'a\n',
  });
  desk = openDesk([repo.dir]);
});
afterAll(() => {
  repo.remove();
  desk.remove();
});

/** Runs `policy explain` on the example with these lines as configuration. */
async function explain(...lines: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  writeFileSync(desk.path('depbot.toml'), lines.map((line) => `${line}\n`).join(''));
  return desk.run(['policy', 'explain', EXAMPLE, '--config', desk.path('depbot.toml'), '--tree', repo.dir]);
}
const entry = (address: string, ...lines: string[]): string[] => [
  '[[maintainer]]',
  `address = "${address}"`,
  `lists = ["${LIST}"]`,
  ...lines,
];

describe('policy explain', () => {
  test('says of each patch who would hear of it, by which line, and of the other entries why not', async () => {
    const { status, stdout, stderr } = await explain(
      ...entry('mia@example.net', 'sections = ["INPUT DRIVERS"]', 'quiet_hours = "22:00-06:00"', 'preview = true'),
      ...entry('net@example.net', 'paths = ["net/"]'),
      '[[maintainer]]',
      'address = "other@example.net"',
      'lists = ["other@lists.example.org"]',
      'paths = ["drivers/"]',
    );
    expect([status, stderr]).toEqual([0, '']);
    const toml = desk.path('depbot.toml');
    const each = [
      `  ${toml}:1: mia@example.net: draft, by section INPUT DRIVERS on ${LIST}`,
      `  ${toml}:7: net@example.net: not covered: none of its paths and sections`,
      `  ${toml}:11: other@example.net: not covered: not sent to other@lists.example.org`,
      `  -> draft; To: rowan@ashby.example; Cc: maren@input.example, tomasz@chromeec.example, ${LIST}, linux-kernel@lists.example.org`,
      '     shown by mail to mia@example.net alone',
      `     nothing sent from 22:00-06:00 UTC (${toml}:1)`,
      `     at most 20 a day (${toml}:1)`,
    ].join('\n');
    expect(stdout.split(/^(?=\[PATCH)/m)).toHaveLength(3);
    for (const part of stdout.split(/^(?=\[PATCH)/m)) expect(part).toContain(each);
  });

  test('says of the quieter of two entries that it holds, and of a loud one why it is private', async () => {
    const both = await explain(
      ...entry('mia@example.net', 'paths = ["drivers/input/"]', 'mode = "list"'),
      ...entry('max@example.net', 'paths = ["drivers/"]', 'mode = "private"'),
    );
    expect(both.stdout).toContain('  -> private; To: mia@example.net, max@example.net\n');
    const old = await explain(...entry('mia@example.net', 'paths = ["drivers/input/"]', 'mode = "list"'));
    expect(old.stdout).toMatch(/ {2}-> private \(not list: the patch has the date .*not within 14 days.*To: mia@/);
  });

  test('ends with 1 where nobody hears of anything', async () => {
    const none = await explain('');
    expect([none.status, none.stdout]).toEqual([1, expect.stringContaining('nobody has asked for anything')]);
    const other = await explain(...entry('net@example.net', 'paths = ["net/"]'));
    expect([other.status, other.stdout]).toEqual([
      1,
      expect.stringContaining('-> nobody hears of it: no entry covers'),
    ]);
  });

  test("the README's entry covers the example series", async () => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    const [block = ''] = /^ {4}\[\[maintainer\]\]\n(?: {4}\S.*\n)+/m.exec(readme) ?? [];
    const vfio = tinyRepo({ MAINTAINERS: 'VFIO DRIVER\nM:\tMia <mia@example.net>\nF:\tdrivers/vfio/\n' });
    writeFileSync(desk.path('readme.toml'), block);
    const series = join(EXAMPLE, '../series.mbox');
    const run = await desk.run(['policy', 'explain', series, '--config', desk.path('readme.toml'), '--tree', vfio.dir]);
    vfio.remove();
    expect(run.stdout).toContain('ann@example.org: draft, by section VFIO DRIVER on kvm@lists.example.org\n');
    expect([run.status, run.stderr]).toEqual([0, '']);
  });

  test('names a section that MAINTAINERS does not have, with the nearest that it has', async () => {
    const { status, stderr } = await explain(...entry('mia@example.net', 'sections = ["INPUT DRIVER"]'));
    expect(status).toBe(1);
    expect(stderr).toBe(
      `depbot: ${desk.path('depbot.toml')}:1: MAINTAINERS of the tree has no section "INPUT DRIVER"; did you mean "INPUT DRIVERS"?\n`,
    );
  });

  test('refuses a configuration with a slip', async () => {
    const { status, stderr } = await explain(...entry('mia@example.net', 'setcions = ["x"]'));
    expect(status).toBe(2);
    expect(stderr).toMatch(/unknown key maintainer\[0\]\.setcions; did you mean maintainer\.sections\?/);
  });
});

describe('the emergency stop', () => {
  test('is set and lifted by commands, and policy explain tells of it', async () => {
    await explain(...entry('mia@example.net', 'paths = ["drivers/"]'));
    const toml = desk.path('depbot.toml');
    const unused = await desk.run(['stop', 'too', 'loud', '--config', toml]);
    const state = /no depbot serve has used (\S+):/.exec(unused.stderr)?.[1];
    expect([unused.status, state]).toEqual([1, expect.any(String)]);
    mkdirSync(join(state!, 'outbox'), { recursive: true });
    const stop = await desk.run(['stop', 'too', 'loud', '--config', toml]);
    expect([stop.status, stop.stdout]).toEqual([0, expect.stringMatching(/emergency stop by .*STOP \(too loud\)\n$/)]);
    const told = await explain(...entry('mia@example.net', 'paths = ["drivers/"]'));
    expect(told.stdout).toMatch(/nothing is sent: emergency stop by .* \(too loud\)\n$/);
    const resume = await desk.run(['resume', '--config', toml]);
    expect([resume.status, resume.stdout]).toEqual([0, 'mails and drafts may leave\n']);
  });
});

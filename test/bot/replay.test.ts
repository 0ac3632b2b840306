/** `depbot replay` as a command: one archive in each form, on a tiny kernel with the scripts/kconfig of a real tree. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, createWriteStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PublicInbox, startPublicInbox } from '../service/public-inbox.ts';
import { type Desk, openDesk, type Run } from '../support/run-depbot.ts';
import { confSources, fooKconfig, mboxOf, tinyKernel } from '../support/tiny-kernel.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
/** The tiny kernel's commits are of 14 November 2023. */
const RANGE = ['--since', '2023-11-10', '--until', '2023-12-01'];
const LIST = 'List-Id: <foo.lists.example.org>\n';
const DAY = /^Date: \w+, 15 Nov 2023/m;

let kernel: TinyRepo;
let desk: Desk;
let inbox: PublicInbox;
/** Six mails: a series that refers to nothing, its second revision, one with nothing wrong, and what was said of them. */
let mails: readonly string[];

const idOf = (mail: string): string => /^Message-I[dD]: <(.*)>$/m.exec(mail)![1]!;
const mailsIn = (mbox: string): string[] =>
  mbox
    .split(/^From [0-9a-f]{40} .*\n/m)
    .slice(1)
    .map((mail) => `${LIST}${mail.trimEnd()}\n`);
const answer = (id: string, from: string, date: string, to: string, text: string): string =>
  `${LIST}From: ${from}\nTo: ann@example.org\nDate: ${date}\nSubject: Re: something\nMessage-ID: <${id}>\nIn-Reply-To: <${idOf(to)}>\nReferences: <${idOf(to)}>\n\n${text}\n`;

beforeAll(async () => {
  if (TREE === undefined) return;
  kernel = tinyKernel(
    {
      broken: [fooKconfig('depends on BAR', 'depends on REGMAP_FOO')],
      quiet: [fooKconfig('A driver for Foo.', 'The driver for Foo.')],
    },
    confSources(TREE),
  );
  const [v1 = ''] = mailsIn(mboxOf(kernel, 'broken'));
  const [quiet = ''] = mailsIn(mboxOf(kernel, 'quiet'));
  const v2 = v1
    .replace('[PATCH]', '[PATCH v2]')
    .replace(DAY, 'Date: Sat, 18 Nov 2023')
    .replace(/^(Message-I[dD]: <)/m, '$1v2.');
  const robot = 'kernel test robot <lkp@intel.com>';
  mails = [
    v1,
    answer(
      'bo@example.org',
      'Bo <bo@example.org>',
      'Tue, 14 Nov 2023 23:50:00 +0000',
      v1,
      '> +depends on REGMAP_FOO\nNice.',
    ),
    answer('bot@intel.com', robot, 'Thu, 16 Nov 2023 00:20:00 +0000', v1, 'REGMAP_FOO is not defined'),
    v2,
    quiet,
    answer('bot2@intel.com', robot, 'Thu, 16 Nov 2023 00:20:00 +0000', quiet, 'foo.c:1: error: something else'),
  ];
  desk = openDesk([kernel.dir]);
  writeFileSync(
    desk.path('archive.mbox'),
    mails.map((mail) => `From mboxrd@z Thu Jan  1 00:00:00 1970\n${mail}\n`).join(''),
  );
  for (const folder of ['cur', 'new', 'tmp']) mkdirSync(desk.path(`maildir/${folder}`), { recursive: true });
  for (const [at, mail] of mails.entries()) writeFileSync(desk.path(`maildir/cur/${at}:2,S`), mail);
  inbox = await startPublicInbox(desk.path('inbox'), { list: 'foo@lists.example.org' });
  for (const mail of mails) await inbox.deliver(mail);
  writeFileSync(desk.path('imap.toml'), `[imap.lore]\nhost = "${inbox.host}"\nport = ${inbox.port}\ntls = "none"\n`);
}, 120_000);
afterAll(async () => {
  await inbox?.close();
  desk?.remove();
  kernel?.remove();
});

const replay = (...argv: string[]): Promise<Run> => desk.run(['replay', '--tree', kernel.dir, ...RANGE, ...argv]);

/** On a terminal, with a state folder of that name; `typed` may answer what is on the screen so far. */
async function onTerminal(
  state: string,
  typed: (out: string) => string | undefined,
): Promise<{ readonly status: number; readonly out: string }> {
  const argv = ['replay', '--tree', kernel.dir, ...RANGE, '--list', desk.path('maildir')];
  const depbot = join(import.meta.dirname, '../../bot/depbot.mjs');
  // a shell that stays between would end by the Ctrl-C itself
  const command = `exec ${[process.execPath, depbot, ...argv].map((word) => `'${word}'`).join(' ')}`;
  const env = { ...process.env, TERM: 'vt100', XDG_STATE_HOME: desk.path(state), DEPBOT_CACHE: desk.path('cache') };
  const child = spawn('script', ['-qefc', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    const keys = typed(out);
    if (keys !== undefined) child.stdin.write(keys);
  });
  const [status] = await once(child, 'close');
  return { status, out };
}

describe.skipIf(TREE === undefined && !process.env['CI'])('replay (skipped without DEPBOT_TEST_TREE)', () => {
  test('tells what would have been said, when and to whom, and who saw it', async () => {
    const run = await replay('--list', desk.path('archive.mbox'));
    expect(run.status, run.stderr).toBe(0);
    const [first = '', second = '', summary = ''] = run.stdout.split(/^(?=2023-11-1)|^(?=.*archive\.mbox, )/m);
    expect(first).toMatch(/^2023-11-14 \d\d:\d\d {2}\[PATCH\] broken: step 1\n/);
    expect(first).toContain(
      '  undefined-symbol (REGMAP_FOO), severity regression, rung 2: patch 1, drivers/foo/Kconfig:6\n',
    );
    expect(first).toContain('    named by the kernel test robot 26 h later: <bot@intel.com>\n');
    expect(first).toMatch(
      /mail to ann@example.org, foo@lists.example.org, bo@example.org; by nobody yet: no \[\[maintainer/,
    );
    expect(first).toContain('    Subject: Re: [PATCH] broken: step 1\n');
    expect(first).toContain('    > +\tdepends on REGMAP_FOO\n');
    expect(second).toMatch(/^2023-11-17 \d\d:\d\d {2}\[PATCH v2\] broken: step 1\n/);
    // Nobody has answered v2; and what v1 was told of is told as that.
    expect(second).toContain('    nobody else in the archive names it\n');
    expect(second).toContain('Still there in v2; I said so of v1 in');
    expect(summary).toContain('6 mails\n3 series checked: silent on 1, findings on 2, in 2 mails\n');
    expect(summary).toContain('0 series could not be checked, 0 were incomplete\n');
    expect(summary).toMatch(/^undefined-symbol +2 +2 +1 +0 +1 +26 h$/m);
    expect(summary).toContain(
      "name nothing of depbot's: 1\n  [PATCH] quiet: step 1: <bot2@intel.com> (depbot is silent)\n",
    );
  });

  test('gives the same from each kind of archive, and from two at once', async () => {
    const found = async (...argv: string[]) => {
      const run = await replay('--json', ...argv);
      expect(run.status, run.stderr).toBe(0);
      const { archives: _, archived, incomplete, mails: count, ...rest } = JSON.parse(run.stdout);
      expect(archived.mails).toBe(count);
      expect(incomplete).toBe(0);
      return { count, rest };
    };
    const mbox = await found('--list', desk.path('archive.mbox'));
    expect(mbox).toMatchObject({ count: 6, rest: { silent: 1, unchecked: [], failed: 0, left: false } });
    expect(await found('--list', desk.path('maildir'))).toEqual(mbox);
    expect(await found('--list', desk.path('inbox'))).toEqual(mbox);
    const imap = `imap:lore/${inbox.folder}`;
    expect(await found('--list', imap, '--config', desk.path('imap.toml'))).toEqual(mbox);
    // Copied once: a second run asks for nothing that it has.
    expect(await found('--list', imap, '--config', desk.path('imap.toml'))).toEqual(mbox);
    const both = await found('--list', desk.path('archive.mbox'), '--list', desk.path('maildir'));
    expect(both.rest).toEqual(mbox.rest);
  });

  test('follows the entries of a configuration', async () => {
    const entry = (...lines: string[]): void =>
      writeFileSync(desk.path('who.toml'), `[[maintainer]]\naddress = "mia@example.net"\n${lines.join('\n')}\n`);
    const run = async (): Promise<string> => {
      const { status, stdout, stderr } = await replay(
        '--list',
        desk.path('archive.mbox'),
        '--config',
        desk.path('who.toml'),
      );
      expect(status, stderr).toBe(0);
      return stdout;
    };
    entry('lists = ["foo@lists.example.org"]', 'paths = ["drivers/foo/"]', 'mode = "private"', 'embargo_hours = 24');
    expect(await run()).toMatch(
      /mail to mia@example.net; by drivers\/foo\/ on foo@.*; not before 2023-11-15 \d\d:\d\d\n/,
    );
    entry('lists = ["foo@lists.example.org"]', 'paths = ["drivers/foo/"]', 'rules = ["lost-symbol"]');
    const leftOut = await run();
    expect(leftOut).toContain('kept; the configuration of who asked leaves it out');
    expect(leftOut).toMatch(/^undefined-symbol +2 +0 /m);
    entry('lists = ["bar@lists.example.org"]', 'paths = ["drivers/foo/"]');
    expect(await run()).toContain('kept; nobody opted in to hear of it');
  });

  test('goes on where it was ended, whatever was half written', async () => {
    const state = desk.path('state/depbot/replay');
    const [results = ''] = readdirSync(state).filter((name) => name.endsWith('.jsonl'));
    const lines = readFileSync(join(state, results), 'utf8').split('\n');
    expect(lines).toHaveLength(4);
    writeFileSync(join(state, results), `${lines[0]}\n${lines[1]!.slice(0, 100)}`);
    const run = await replay('--list', desk.path('archive.mbox'));
    expect(run.status).toBe(0);
    expect(run.stderr).toContain('depbot: 1 series is known from an earlier run\n');
    expect(run.stderr.match(/^depbot: series \d of 2: \[PATCH.*/gm)).toEqual([
      expect.stringContaining('series 1 of 2: '),
      expect.stringContaining('series 2 of 2: '),
    ]);
    expect(run.stdout).toContain('3 series checked: silent on 1, findings on 2');
    const again = await replay('--list', desk.path('archive.mbox'));
    expect(again.stderr).not.toMatch(/series \d of/);
    expect(again.stdout).toBe(run.stdout);
  });

  test('on a terminal there is one line of how far it is, in place of a line for each series', async () => {
    const { status, out } = await onTerminal('other', () => undefined);
    expect(status).toBe(0);
    const lines = out.split(/\r(?:\x1b\[K)?/);
    expect(lines).toContain('series 1 of 3: applying');
    // how fast it goes is told once that is known: these are quick
    const last = lines
      .filter((line) => line.startsWith('series 3 of 3: '))
      .at(-1)
      ?.trimEnd();
    expect(last).toMatch(/^series 3 of 3: [a-z ]+(?:, \d\S*(?:\/s| s each), \d+ s left)?$/);
    expect(out).not.toContain('nothing found');
    expect(out).toContain('3 series checked: silent on 1, findings on 2');
  });

  test('Ctrl-C ends the series under way and prints what is known; the next run goes on there', async () => {
    const CTRL_C = '\x03';
    let isAsked = false;
    const first = await onTerminal('ended', (out) => {
      if (isAsked || !out.includes('series 2 of 3: reading')) return undefined;
      isAsked = true;
      return CTRL_C;
    });
    expect(first.out).toMatch(/depbot: ending; again to end at once\r\n/);
    // the second may be through when the signal comes
    const ended = /^([12]) series checked: .*\r\n0 series could not be checked.*\r\nthe run was ended before/m.exec(
      first.out,
    );
    expect(ended, first.out).not.toBeNull();
    expect(first.out).not.toContain('failed');
    expect(first.status).toBe(2);
    const second = await onTerminal('ended', () => undefined);
    expect(second.out).toMatch(new RegExp(`depbot: ${ended![1]} series (?:is|are) known from an earlier run`));
    expect(second.out).toContain('3 series checked: silent on 1, findings on 2');
    expect(second.status).toBe(0);
  });

  test('ends with 2 where a series could not be checked, or is not all there', async () => {
    const run = async (mail: string): Promise<Run> => {
      writeFileSync(desk.path('one.mbox'), `From mboxrd@z Thu Jan  1 00:00:00 1970\n${mail}\n`);
      const argv = ['replay', '--tree', kernel.dir, ...RANGE, '--list', desk.path('one.mbox')];
      return desk.run(argv, { env: { XDG_STATE_HOME: desk.path('one') } });
    };
    const other = await run(mails[4]!.replace(/^-\t.*$/m, '-\tsomething that is not there'));
    expect(other.stdout).toContain('1 series could not be checked (apply 1), 0 were incomplete\n');
    expect(other.status).toBe(2);
    const half = await run(mails[4]!.replace('[PATCH]', '[PATCH 1/2]').replace(/^(Message-I[dD]: <)/m, '$1half.'));
    expect(half.stdout).toContain('0 series could not be checked, 1 were incomplete\n');
    expect(half.status).toBe(2);
  });

  test.each(['archive.mbox', 'maildir', 'inbox'])(
    'of days that %s has no mail of, it says which it has',
    async (name) => {
      const later = ['--list', desk.path(name), '--since', '2025-01-01', '--until', '2025-02-01'];
      const held = /^ {2}no mail is of these days; there are 6 mails, of 2023-11-14 to 2023-11-17$/m;
      const run = await desk.run(['replay', '--tree', kernel.dir, ...later]);
      expect(run.status, run.stderr).toBe(0);
      expect(run.stdout).toMatch(held);
      // what was read before is not read again, and known all the same
      expect((await desk.run(['replay', '--tree', kernel.dir, ...later])).stdout).toBe(run.stdout);
      const { archived } = JSON.parse((await desk.run(['replay', '--tree', kernel.dir, '--json', ...later])).stdout);
      expect(archived).toEqual({
        mails: 6,
        first: expect.stringMatching(/^2023-11-14T/),
        last: expect.stringMatching(/^2023-11-17T/),
      });
    },
  );

  test.each([
    [['--list', 'nowhere'], /--list nowhere: there is no such file or folder; it takes/],
    [['--list', 'archive.mbox', '--since', 'yesterday'], /--since yesterday: not a day like 2026-10-01/],
    [['--list', 'archive.mbox', '--until', '2020-01-01'], /--until 2020-01-01 is not after --since/],
    [['--list', 'imap:none/INBOX'], /imap:none.* is no account/],
  ])('refuses %j', async (argv, why) => {
    const run = await replay(...argv);
    expect(run.status).toBe(2);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(why);
    expect(run.stderr).not.toContain('bug of depbot');
  });

  test('needs little memory for many mails', async () => {
    // 100 MB of texts, read with a heap of 64 MB; one series among them is complete.
    const [, series = ''] = /^([\s\S]*)$/.exec(mails[4]!)!;
    const path = desk.path('large.mbox');
    const out = createWriteStream(path);
    const filler = `${'word '.repeat(15)}\n`.repeat(130);
    for (let n = 0; n < 10_000; n++) {
      const isPatch = n % 2 === 0;
      const head = `From: P${n % 50} <p${n % 50}@example.org>\nDate: Wed, 15 Nov 2023 ${String(n % 24).padStart(2, '0')}:00:00 +0000\n`;
      const subject = isPatch ? `[PATCH 1/2] filler ${n}` : `Re: [PATCH 1/2] filler ${n - 1}`;
      const text = `From mboxrd@z Thu Jan  1 00:00:00 1970\n${LIST}${head}Subject: ${subject}\nMessage-ID: <${n}@example.org>\n\n${filler}\n`;
      if (!out.write(text)) await once(out, 'drain');
    }
    out.end();
    await once(out, 'close');
    appendFileSync(path, `From mboxrd@z Thu Jan  1 00:00:00 1970\n${series}\n`);
    const run = await desk.run(['replay', '--tree', kernel.dir, ...RANGE, '--list', path], {
      env: { NODE_OPTIONS: '--max-old-space-size=64' },
    });
    expect(run.status, run.stderr).toBe(0);
    expect(run.stdout).toContain('10001 mails\n1 series checked: silent on 1, findings on 0, in 0 mails\n');
  }, 120_000);
});

/** The command line on input that is broken or hostile: status 2, a message that says why, nothing on standard output. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Desk, openDesk } from '../support/run-depbot.ts';
import { fooKconfig, mboxOf, tinyKernel } from '../support/tiny-kernel.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';

const BAD = join(import.meta.dirname, '../fixtures/bad');
const QUIET = fooKconfig('A driver for Foo.', 'The driver for Foo.');

let kernel: TinyRepo;
let desk: Desk;

beforeAll(() => {
  kernel = tinyKernel({ quiet: [QUIET] });
  desk = openDesk([kernel.dir]);
});
afterAll(() => {
  desk.remove();
  kernel.remove();
});

/** Each applies, or would, to the tiny kernel. */
const CASES: readonly (readonly [file: string, message: RegExp])[] = [
  ['empty.mbox', /empty\.mbox: it is empty\n.*no patch series in the input/],
  ['not-a-mail.txt', /not-a-mail\.txt: it is not a mail: .*From: and Subject:/],
  ['garbage.bin', /garbage\.bin: it is not a mail/],
  [
    'truncated.mbox',
    /truncated\.mbox, message 2: its diff is cut short[\s\S]*\(input\): the series is incomplete: patch 2 of 2 is cut short; add/,
  ],
  [
    'cut-between-files.mbox',
    /message 2: its diff is cut short: its diffstat counts 2 files, and 1 of them came [\s\S]*\(input\): .*patch 2 of 2 is cut short/,
  ],
  ['patch-2-of-3-missing.mbox', /\(input\): the series is incomplete: patch 2 of 3 is not in the input/],
  ['does-not-apply.mbox', /\(apply\): patch 2\/2 \("foo: say less"\) does not apply: .*drivers\/foo\/Kconfig.*master/],
  ['none-of-none.mbox', /\(input\): the series has no patch: its cover letter counts none/],
  ['leaves-tree.mbox', /\(apply\): patch 1 is refused because of the path "\.\.\/x": it leaves the tree/],
  [
    'through-symlink.mbox',
    /\(apply\): patch 2 is refused .*"drivers\/foo\/link\/x": it goes through the symbolic link/,
  ],
  ['symlink-out.mbox', /\(apply\): patch 1 is refused .*"drivers\/foo\/link": its target is absolute/],
  ['git-hooks.mbox', /\(apply\): patch 1 is refused .*"\.git\/hooks\/post-checkout": it is inside git's own directory/],
  ['unterminated-if.mbox', /\(kconfig\): drivers\/foo\/Kconfig:4: missing end statement .*with the series/],
];

describe('bad input', () => {
  test.each(CASES)('%s is refused with the reason', async (file, message) => {
    const run = await desk.run(['check', join(BAD, file), '--tree', kernel.dir]);
    expect(run.stderr).toMatch(message);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).not.toContain('bug of depbot');
  });

  test.each(CASES.filter(([file]) => file.endsWith('.mbox')))(
    '%s with CR LF is refused likewise',
    async (file, message) => {
      const text = readFileSync(join(BAD, file), 'utf8').replaceAll('\n', '\r\n');
      writeFileSync(desk.path(file), text);
      const run = await desk.run(['check', desk.path(file), '--tree', kernel.dir]);
      expect(run.stderr).toMatch(message);
      expect(run).toMatchObject({ status: 2, stdout: '' });
    },
  );

  test('what is wrong is in the report too, and --json prints one for each series', async () => {
    const run = await desk.run(['check', join(BAD, 'does-not-apply.mbox'), '--tree', kernel.dir, '--json']);
    expect(run).toMatchObject({ status: 2, stderr: expect.stringContaining('could not check (apply)') });
    expect(JSON.parse(run.stdout)).toMatchObject({
      cannotCheck: { stage: 'apply', patch: 2, why: expect.stringContaining('does not apply') },
      findings: [],
    });
  });

  test('no file with a reply is written, and no folder for one', async () => {
    const run = await desk.run([
      'check',
      join(BAD, 'does-not-apply.mbox'),
      '--tree',
      kernel.dir,
      '--out',
      desk.path('none'),
    ]);
    expect(run.status).toBe(2);
    expect(existsSync(desk.path('none'))).toBe(false);
  });

  test('an input that is not there, and a folder that is no Maildir, are named', async () => {
    const absent = await desk.run(['check', desk.path('absent.mbox'), '--tree', kernel.dir]);
    expect(absent).toMatchObject({ status: 2, stderr: expect.stringMatching(/absent\.mbox: there is no such file/) });
    const folder = await desk.run(['check', desk.path('home'), '--tree', kernel.dir]);
    expect(folder).toMatchObject({ status: 2, stderr: expect.stringMatching(/home: .*not a Maildir/) });
  });
});

describe('a bad mail among good ones', () => {
  test.each([
    ['LF', '\n'],
    ['CR LF', '\r\n'],
  ])('50 MB in one mail (%s): that mail is refused, the series is checked', async (_, eol) => {
    const good = mboxOf(kernel, 'quiet');
    const header =
      'From x Mon Sep 17 00:00:00 2001\nFrom: Ida <ida@example.org>\nMessage-ID: <big@example.org>\nSubject: big\n\n';
    const big = `${header}${'a line of a mail that never seems to come to its end\n'.repeat(1_000_000)}\n`;
    const mbox = [big, good].join('').replaceAll('\n', eol);
    expect(mbox.length).toBeGreaterThan(50_000_000);
    writeFileSync(desk.path('big.mbox'), mbox);
    const run = await desk.run(['check', desk.path('big.mbox'), '--tree', kernel.dir]);
    expect(run.stderr).toMatch(
      /big\.mbox, message 1: it is at least \d+ bytes long; the limit for one mail is \d+ bytes/,
    );
    expect(run.stderr).toContain('nothing found');
    expect(run).toMatchObject({ status: 2, stdout: '' });
  });

  test('a mail that is none: the series is checked, and the status still says that something was not', async () => {
    const mbox = `From x Mon Sep 17 00:00:00 2001\nX-Odd: 1\n\nnothing\n\n${mboxOf(kernel, 'quiet')}`;
    const run = await desk.run(['check', '--tree', kernel.dir], { input: mbox });
    expect(run.stderr).toMatch(/standard input, message 1: it is not a mail/);
    expect(run.stderr).toContain('nothing found');
    expect(run.status).toBe(2);
  });

  test('a reply in the thread is no fault', async () => {
    const id = '<answer@example.org>';
    const reply = `From x Mon Sep 17 00:00:00 2001\nFrom: Bo <bo@example.org>\nMessage-ID: ${id}\nSubject: Re: [PATCH] quiet: step 1\n\nFine.\n\n`;
    const run = await desk.run(['check', '--tree', kernel.dir], { input: mboxOf(kernel, 'quiet') + reply });
    expect(run).toMatchObject({ status: 0, stdout: '' });
    expect(run.stderr).toContain('nothing found');
  });
});

describe('text of a mail on the terminal', () => {
  test('control characters of a subject do not reach it', async () => {
    const mbox = mboxOf(kernel, 'quiet', '=?utf-8?q?foo=3A_=1B]0;owned=07=1B[2Jdone?=');
    const run = await desk.run(['check', '--tree', kernel.dir], { input: mbox });
    expect(run.stderr).toContain('done');
    expect(run.stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f]/);
  });
});

describe('$(shell,…) of a series', () => {
  let server: Server;
  let connections = 0;
  let hostile: TinyRepo;
  let watch: Desk;
  let mark = '';

  beforeAll(async () => {
    server = createServer((socket) => {
      connections += 1;
      socket.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server has no port');
    mark = desk.path('mark');
    const reach = `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${address.port}' && echo reached || echo refused`;
    const macro = `config EVIL\n\tstring\n\tdefault "$(shell,touch ${mark}; ${reach})"\n\nconfig FOO`;
    hostile = tinyKernel({ hostile: [fooKconfig('config FOO', macro)] });
    watch = openDesk([hostile.dir]);
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    watch.remove();
    hostile.remove();
  });

  test.each(['anew', 'with the answer kept'])(
    'can neither write outside nor reach the network, is told of, and the check goes on, %s',
    async () => {
      const run = await watch.run(['check', '--tree', hostile.dir], { input: mboxOf(hostile, 'hostile') });
      expect(run).toMatchObject({ status: 0, stdout: '', stderr: expect.stringContaining('nothing found') });
      expect(run.stderr).toMatch(
        /^depbot: \$\(shell\) at drivers\/foo\/Kconfig:\d+: touch: cannot touch .*mark.*bash: connect: .* \(such commands have the tree read-only, nothing else of the machine, and no network\): touch /m,
      );
      expect(existsSync(mark)).toBe(false);
      expect(connections).toBe(0);
    },
  );

  test('answers as it can inside: the same command on a checkout', async () => {
    hostile.git('checkout', '-q', 'hostile');
    const run = await watch.run(['kconfig', 'alldefconfig', '--arch', 'x86', '--tree', hostile.dir]);
    expect(run).toMatchObject({ status: 0, stdout: expect.stringContaining('CONFIG_EVIL="refused"') });
    expect(existsSync(mark)).toBe(false);
    expect(connections).toBe(0);
  });

  test('does both with --trust-tree, so that the cases above show something', async () => {
    const run = await watch.run(['kconfig', 'alldefconfig', '--arch', 'x86', '--tree', hostile.dir, '--trust-tree']);
    expect(run).toMatchObject({ status: 0, stdout: expect.stringContaining('CONFIG_EVIL="reached"') });
    expect(existsSync(mark)).toBe(true);
    expect(connections).toBe(1);
  });
});

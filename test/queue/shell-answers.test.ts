import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ShellAnswersOptions } from '../../queue/shell-answers.ts';
import { ShellAnswers, shellAnswer } from '../../queue/shell-answers.ts';
import { mapTree } from '../support/dir-tree.ts';

const ENV = { ARCH: 'x86', CC: 'gcc', srctree: '/src' };
const FILES = {
  'scripts/version.sh': '#!/bin/sh\necho version $(sh $(dirname $0)/min.sh)\n',
  'scripts/min.sh': '#!/bin/sh\necho 5\n',
  'scripts/other.sh': '#!/bin/sh\necho other\n',
  Makefile: 'VERSION = 6\n',
};

let dir = '';
/** How often the tree's folder was asked for: once for every command that ran. */
let ran = 0;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'depbot-answers-'));
  ran = 0;
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** Answers for a tree of texts, all with one cache. */
async function answersFor(
  files: Readonly<Record<string, string>> = FILES,
  more: Partial<ShellAnswersOptions> = {},
): Promise<ShellAnswers> {
  const tree = mapTree(files);
  const treeDir = join(dir, tree.commit);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(treeDir, path)), { recursive: true });
    await writeFile(join(treeDir, path), text, { mode: 0o755 });
  }
  const folder = async () => {
    ran += 1;
    return treeDir;
  };
  return new ShellAnswers({ cacheDir: join(dir, 'cache'), toolchainId: 'test', tree, treeDir: folder, ...more });
}

async function ask(command: string, more: Partial<ShellAnswersOptions> = {}): Promise<string | undefined> {
  const answers = await answersFor(FILES, more);
  await answers.answer([command], ENV);
  return answers.lookup(command, ENV);
}

describe('what becomes of the output', () => {
  const cases: { name: string; output: string; answer: string }[] = [
    { name: 'trailing newlines go', output: 'y\n\n\n', answer: 'y' },
    { name: 'other newlines become spaces', output: 'a\nb\n\nc\n', answer: 'a b  c' },
    { name: 'other white space stays', output: ' a\t b \n', answer: ' a\t b ' },
    { name: 'carriage returns stay', output: 'a\r\nb\r\n', answer: 'a\r b\r' },
    { name: 'nothing is empty', output: '', answer: '' },
    { name: 'only newlines are empty', output: '\n\n', answer: '' },
    { name: 'a NUL byte ends it', output: 'a\n\0b\n', answer: 'a ' },
    { name: '4095 bytes are kept', output: 'x'.repeat(4095), answer: 'x'.repeat(4095) },
    { name: 'of 4096 the last is lost', output: `${'x'.repeat(4095)}y`, answer: 'x'.repeat(4095) },
    { name: 'newlines at the cut go too', output: `${'x'.repeat(4000)}${'\n'.repeat(200)}y`, answer: 'x'.repeat(4000) },
  ];
  for (const { name, output, answer } of cases) {
    test(name, () => {
      expect(shellAnswer(Buffer.from(output))).toBe(answer);
    });
  }
});

describe('answers', () => {
  test('there is none before it was asked for, and one after', async () => {
    const answers = await answersFor();
    expect(answers.lookup('echo $ARCH', ENV)).toBeUndefined();
    expect(await answers.answer(['echo $ARCH', 'echo a; echo b', 'false'], ENV)).toEqual([]);
    expect(answers.lookup('echo $ARCH', ENV)).toBe('x86');
    expect(answers.lookup('echo a; echo b', ENV)).toBe('a b');
    expect(answers.lookup('false', ENV)).toBe('');
    expect([...answers.recorded(ENV).keys()].sort()).toEqual(['echo $ARCH', 'echo a; echo b', 'false']);
  });

  test('another environment has its own', async () => {
    const answers = await answersFor();
    await answers.answer(['echo $ARCH'], ENV);
    expect(answers.lookup('echo $ARCH', { ...ENV, ARCH: 'arm' })).toBeUndefined();
    await answers.answer(['echo $ARCH'], { ...ENV, ARCH: 'arm' });
    expect(answers.lookup('echo $ARCH', { ...ENV, ARCH: 'arm' })).toBe('arm');
    expect(answers.lookup('echo $ARCH', ENV)).toBe('x86');
  });

  test('errors are not part of it, quotes and dollars are the shell’s', async () => {
    expect(await ask('echo bad >&2; echo good')).toBe('good');
    expect(await ask(`echo "a 'b'" '$x' $(echo sub) \\\\`)).toBe(`a 'b' $x sub \\`);
    expect(await ask('-n')).toBe('');
  });

  test('the tree’s scripts are there, and an empty folder to write in', async () => {
    expect(await ask('/src/scripts/version.sh')).toBe('version 5');
    expect(await ask('ls -A; trap "rm -rf .tmp_$$" EXIT; mkdir .tmp_$$ && echo made')).toBe('made');
  });

  test('the compiler works as cc-option uses it', async () => {
    const option = (flag: string) =>
      `{ trap "rm -rf .tmp_$$" EXIT; mkdir .tmp_$$; gcc -Werror  ${flag} -c -x c /dev/null -o .tmp_$$/tmp.o; } >/dev/null 2>&1 && echo "y" || echo "n"`;
    expect(await ask(option('-fstack-protector-strong'))).toBe('y');
    expect(await ask(option('-fno-such-option'))).toBe('n');
  });
});

describe('hostile commands', () => {
  test('gain nothing: no write, no network, no home', async () => {
    const home = join(dir, 'home');
    await mkdir(home);
    await writeFile(join(home, 'id_rsa'), 'KEY');
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const { port } = server.address() as AddressInfo;
    const touched = join(dir, 'touched');
    const command = `touch ${touched}; touch /src/x; bash -c 'echo x >/dev/tcp/127.0.0.1/${port}'; cat ${home}/id_rsa; ls /root /home`;
    try {
      expect(await ask(command)).toBe('');
      expect(connections).toBe(0);
      expect(await readdir(dir)).not.toContain('touched');
      // the same command does all of it where there is no sandbox
      const bare = await ask(`${command}; echo end`, { trustTree: true });
      expect(bare).toContain('KEY');
      expect(await readdir(dir)).toContain('touched');
      await expect.poll(() => connections).toBe(1);
    } finally {
      server.close();
    }
  });

  test('an endless one is cut and named; its neighbours are answered; it is not kept', async () => {
    const answers = await answersFor(FILES, { wallMs: 300 });
    const unanswered = await answers.answer(['while :; do :; done', 'echo fine'], ENV);
    expect(unanswered).toEqual([{ command: 'while :; do :; done', why: 'timeout' }]);
    expect(answers.lookup('while :; do :; done', ENV)).toBe('');
    expect(answers.lookup('echo fine', ENV)).toBe('fine');
    const next = await answersFor();
    await next.load(ENV);
    expect(next.lookup('while :; do :; done', ENV)).toBeUndefined();
    expect(next.lookup('echo fine', ENV)).toBe('fine');
  });

  test('endless output is cut where conf cuts it', async () => {
    expect(await ask('yes yes')).toBe('yes '.repeat(1024).slice(0, 4095));
  });

  test('one cannot change what another answers', async () => {
    const answers = await answersFor(FILES, { parallel: 1 });
    const poison =
      'echo "echo poisoned" >/tmp/gcc; chmod +x /tmp/gcc; (sleep 5; echo late) & for p in /proc/[0-9]*/fd/1; do echo poison >$p; done';
    await answers.answer([poison, 'ls -A /tmp; echo clean'], ENV);
    expect(answers.lookup('ls -A /tmp; echo clean', ENV)).toBe('clean');
  });

  test('too long or with a NUL byte: a reason each, and no answer', async () => {
    const answers = await answersFor();
    const long = `echo ${'x'.repeat(140_000)}`;
    const unanswered = await answers.answer([long, 'echo a\0b'], ENV);
    expect(unanswered.map(({ why }) => why)).toEqual(['too-long', 'nul-byte']);
    expect(answers.lookup('echo a\0b', ENV)).toBe('');
  });

  test('slow ones of all architectures use up one budget; what is left then is not begun', async () => {
    const budget = { leftMs: 60_000 };
    const [before, after] = [await answersFor(FILES, { budget }), await answersFor(FILES, { budget })];
    expect(await before.answer(['sleep 0.4; echo 1'], ENV)).toEqual([]);
    expect(budget.leftMs).toBeLessThan(59_600);
    budget.leftMs = 300;
    const other = { ...ENV, ARCH: 'arm' };
    const why = 'out-of-time';
    expect(await before.answer(['sleep 5; echo 2'], other)).toEqual([{ command: 'sleep 5; echo 2', why }]);
    expect(budget.leftMs).toBeLessThan(1);
    const begun = ran;
    expect(await after.answer(['sleep 5', 'sleep 6'], ENV)).toEqual([
      { command: 'sleep 5', why },
      { command: 'sleep 6', why },
    ]);
    expect(ran).toBe(begun);
    // one that took its own time too long is told apart, and answers kept cost nothing
    const patient = await answersFor(FILES, { wallMs: 300, budget: { leftMs: 60_000 } });
    expect(await patient.answer(['sleep 5; echo 2'], other)).toEqual([{ command: 'sleep 5; echo 2', why: 'timeout' }]);
    const late = await answersFor(FILES, { budget });
    expect(await late.answer(['sleep 0.4; echo 1'], ENV)).toEqual([]);
    expect(late.lookup('sleep 0.4; echo 1', ENV)).toBe('1');
  });
});

describe('kept answers', () => {
  const NAMING = '/src/scripts/version.sh gcc';

  async function again(files: Readonly<Record<string, string>>, command: string): Promise<string | undefined> {
    await (await answersFor()).answer([command], ENV);
    const later = await answersFor(files);
    await later.load(ENV);
    return later.lookup(command, ENV);
  }

  test('serve another tree in which the named file is the same', async () => {
    const other = { ...FILES, 'scripts/other.sh': 'changed\n', Makefile: 'VERSION = 7\n' };
    expect(await again(other, NAMING)).toBe('version 5');
    expect(ran).toBe(1);
    const later = await answersFor(other);
    await later.answer([NAMING], ENV);
    expect(ran).toBe(1);
  });

  test('do not serve one in which it differs', async () => {
    expect(await again({ ...FILES, 'scripts/version.sh': '#!/bin/sh\necho new\n' }, NAMING)).toBeUndefined();
  });

  test('do not serve one in which a script that it calls differs', async () => {
    expect(await again({ ...FILES, 'scripts/min.sh': '#!/bin/sh\necho 6\n' }, NAMING)).toBeUndefined();
  });

  test('serve no other tree when the command reads more than files', async () => {
    const other = { ...FILES, 'scripts/other.sh': 'changed\n' };
    const commands = [
      'ls /src',
      'cat /src/scripts/*.sh',
      'ls $srctree',
      'ls /src/scripts/',
      'cat /src/scripts/../Makefile',
      'cat /src/absent',
    ];
    for (const command of commands) {
      expect(await again(other, command), command).toBeUndefined();
      expect(await again(FILES, command), command).toBeDefined();
    }
  });

  test('serve every tree when the command names none of it', async () => {
    expect(await again({ Makefile: '' }, 'echo y')).toBe('y');
    expect(await again({ Makefile: '' }, 'echo /usr/src/linux /srcfoo')).toBe('/usr/src/linux /srcfoo');
  });

  test('are for one toolchain and one environment', async () => {
    await (await answersFor()).answer(['echo y'], ENV);
    const other = await answersFor(FILES, { toolchainId: 'newer' });
    await other.load(ENV);
    expect(other.lookup('echo y', ENV)).toBeUndefined();
    const same = await answersFor();
    await same.load({ ...ENV, CC: 'clang' });
    expect(same.lookup('echo y', { ...ENV, CC: 'clang' })).toBeUndefined();
  });

  test('of two processes at once are both there', async () => {
    const [one, two] = [await answersFor(), await answersFor()];
    await Promise.all([one.load(ENV), two.load(ENV)]);
    await one.answer(['echo 1'], ENV);
    await two.answer(['echo 2'], ENV);
    const later = await answersFor();
    await later.load(ENV);
    expect([later.lookup('echo 1', ENV), later.lookup('echo 2', ENV)]).toEqual(['1', '2']);
  });

  test('in a damaged file are as good as none, and the file is mended', async () => {
    await (await answersFor()).answer(['echo y'], ENV);
    const folder = join(dir, 'cache', 'answers');
    const [name] = await readdir(folder);
    for (const text of ['{"version":1,"entr', '{"version":2}', '']) {
      await writeFile(join(folder, name!), text);
      const answers = await answersFor();
      await answers.answer(['echo y'], ENV);
      expect(answers.lookup('echo y', ENV)).toBe('y');
      expect(JSON.parse(await readFile(join(folder, name!), 'utf8'))).toMatchObject({ version: 2 });
    }
    expect(await readdir(folder)).toEqual([name]);
  });

  test('very long commands are not kept', async () => {
    const long = `: ${'x'.repeat(5_000)}; echo y`;
    expect(await again(FILES, long)).toBeUndefined();
  });
});

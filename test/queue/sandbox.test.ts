import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SandboxSpec } from '../../queue/sandbox.ts';
import { runSandboxed, SandboxError, sandboxAvailable } from '../../queue/sandbox.ts';
import { insideToHost, SANDBOX_PATH } from '../../queue/sandbox-command.ts';
import { canBoundMemory, openGroup } from '../../queue/sandbox-group.ts';
import { findOnPath, setToolEnv } from '../../queue/tool-path.ts';
import { toolVersions } from '../../queue/toolchain.ts';
import { processesOf } from '../support/fake-conf.ts';

let dir = '';
let tree = '';
let out = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'depbot-sandbox-'));
  tree = join(dir, 'tree');
  out = join(dir, 'out');
  await mkdir(tree);
  await mkdir(out);
  await writeFile(join(tree, 'Makefile'), 'VERSION = 6\n');
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** One shell script in the usual sandbox: tree read-only at /src, out writable at /out. */
function sh(script: string, more: Partial<SandboxSpec> = {}) {
  return runSandboxed({
    argv: ['/bin/sh', '-c', script],
    readOnly: [{ host: tree, inside: '/src' }],
    writable: [{ host: out, inside: '/out' }],
    env: {},
    ...more,
  });
}

describe('what the command sees', () => {
  test('this machine has a working sandbox', async () => {
    expect(await sandboxAvailable()).toMatchObject({ ok: true });
  });

  test('exit code, stdout and stderr come back', async () => {
    const run = await sh('cat /src/Makefile; echo bad >&2; exit 3');
    expect(run).toMatchObject({
      exitCode: 3,
      stdout: 'VERSION = 6\n',
      stderr: 'bad\n',
      stdoutCut: 0,
      timedOut: false,
      flooded: false,
    });
  });

  test('a program that does not exist is a failed run, a mount that does not exist an error of ours', async () => {
    const run = await runSandboxed({ argv: ['no-such-program'], readOnly: [], env: {} });
    expect(run.exitCode).not.toBe(0);
    expect(run.stderr).toContain('no-such-program');
    await expect(sh('true', { readOnly: [{ host: join(dir, 'absent'), inside: '/src' }] })).rejects.toThrow(
      /could not set up.*absent/,
    );
  });

  test('the environment is what was asked and nothing of ours', async () => {
    process.env['DEPBOT_TEST_SECRET'] = 'hunter2';
    try {
      const run = await sh('env; cat /proc/*/environ | tr "\\0" "\\n"', { env: { ARCH: 'x86' } });
      expect(run.stdout).toMatch(/^ARCH=x86$/m);
      expect(run.stdout).toMatch(/^HOME=\/tmp$/m);
      expect(run.stdout).not.toContain('hunter2');
    } finally {
      delete process.env['DEPBOT_TEST_SECRET'];
    }
  });

  test('it is not root and cannot become so', async () => {
    const run = await sh(
      'id -u; unshare --user --map-root-user id -u; mount -t tmpfs none /tmp; grep CapEff /proc/self/status',
    );
    expect(run.stdout.split('\n')).toEqual(['65534', 'CapEff:\t0000000000000000', '']);
  });

  test('no home, nothing of /etc but the loader cache and alternatives, no other processes', async () => {
    const run = await sh('ls /; ls /etc; ls -d /proc/[0-9]* | wc -l');
    const [root, etc] = [
      run.stdout.slice(0, run.stdout.indexOf('usr\n') + 4),
      run.stdout.slice(run.stdout.indexOf('usr\n') + 4),
    ];
    for (const word of ['home', 'root', 'var', 'run', 'work', 'sys']) expect(root.split('\n')).not.toContain(word);
    expect(etc).not.toContain('passwd');
    expect(Number(etc.trim().split('\n').at(-1))).toBeLessThan(8);
  });

  test('nothing that whoever started us had open, such as a folder: it would lead out', () => {
    const module = JSON.stringify(join(import.meta.dirname, '../../queue/sandbox.ts'));
    const script = `import { runSandboxed } from ${module};
      for (const trustTree of [false, true]) {
        const argv = ['/bin/sh', '-c', 'ls /proc/$$/fd/200 /proc/$$/fd/20 2>&1; echo end'];
        process.stdout.write((await runSandboxed({ argv, readOnly: [], env: {}, trustTree })).stdout);
      }`;
    const start = 'exec 20<"$1" 200<"$1"; exec "$0" --input-type=module -e "$2"';
    const started = spawnSync('/bin/bash', ['-c', start, process.execPath, tree, script], { encoding: 'utf8' });
    expect(started.stderr).toBe('');
    expect(started.stdout).not.toContain('Makefile');
    expect(started.stdout.match(/No such file or directory|^end$/gm)).toHaveLength(6);
  });

  test('standard input is empty unless given', async () => {
    expect((await sh('cat; echo end')).stdout).toBe('end\n');
    expect((await sh('cat; echo end', { stdin: 'text\r\n' })).stdout).toBe('text\r\nend\n');
    expect((await sh('exec true', { stdin: 'x'.repeat(5_000_000) })).exitCode).toBe(0);
  });
});

describe('what the command cannot do', () => {
  test('writes to the tree, /usr, /etc and / fail; to the output folder and /tmp they succeed', async () => {
    const run = await sh(
      'for f in /src/x /src/Makefile /usr/x /etc/x /x /dev/x /dev/shm/x /out/x /tmp/x; do (echo 1 >$f) 2>/dev/null && echo $f; done',
    );
    expect(run.stdout).toBe('/out/x\n/tmp/x\n');
    expect(await readFile(join(tree, 'Makefile'), 'utf8')).toBe('VERSION = 6\n');
    expect(await readdir(tree)).toEqual(['Makefile']);
    expect(await readdir(out)).toEqual(['x']);
  });

  test('no file of /proc can be written, though its owner be the user who started us', async () => {
    // opened for appending only: where this fails, the machine's settings must stay as they are
    const files =
      '/proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/self/oom_score_adj /tmp/x';
    const run = await sh(`for f in ${files}; do (: >>$f) 2>/dev/null && echo $f; done`);
    expect(run.stdout).toBe('/tmp/x\n');
  });

  test('a server on the loopback of this machine sees no connection, and sees one from a bare run', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    try {
      const script = `bash -c 'echo x >/dev/tcp/127.0.0.1/${(server.address() as AddressInfo).port}'`;
      expect((await sh(script)).exitCode).not.toBe(0);
      expect(connections).toBe(0);
      // proves that the script would have worked
      await sh(script, { trustTree: true, cwd: '/out' });
      await expect.poll(() => connections).toBe(1);
    } finally {
      server.close();
    }
  });

  test('a child in a session of its own dies with the command', async () => {
    const run = await sh("setsid sh -c 'sleep 1; echo alive >/out/alive' >/dev/null 2>&1 & echo started");
    expect(run.stdout).toBe('started\n');
    await new Promise((wake) => setTimeout(wake, 1_500));
    expect(await readdir(out)).toEqual([]);
  });

  test('it cannot pretend to bwrap that it was never started', async () => {
    const run = await sh('echo "{ \\"exit-code\\": 7 }" >&3; exit 5');
    expect(run.exitCode).not.toBe(7);
  });
});

describe('limits', () => {
  test('whoever ends a run, at any moment of its start, leaves no process', async () => {
    for (let delayMs = 0; delayMs < 60; delayMs += 3) {
      const abort = new AbortController();
      const run = runSandboxed({
        argv: ['sleep', '60'],
        readOnly: [{ host: tree, inside: '/mine' }],
        env: {},
        signal: abort.signal,
      });
      setTimeout(() => abort.abort(), delayMs);
      expect(await run).toMatchObject({ signal: 'SIGKILL', timedOut: false });
    }
    expect(processesOf(dir)).toEqual([]);
  });

  test('an endless loop is cut at the wall clock, and a quick one is not', async () => {
    const start = performance.now();
    const run = await sh('while :; do :; done', { limits: { wallMs: 300 } });
    expect(run.timedOut).toBe(true);
    expect(run.exitCode).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(5_000);
    expect((await sh('i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done')).timedOut).toBe(false);
  });

  test('processor time is cut even when the wall clock is not', async () => {
    const run = await sh('while :; do :; done', { limits: { cpuSec: 1, wallMs: 30_000 } });
    expect(run).toMatchObject({ timedOut: false });
    expect(run.exitCode).toBeGreaterThan(128);
  });

  test('output beyond the limit is counted, not kept', async () => {
    const run = await sh('printf 0123456789; printf abcde >&2', { limits: { outputBytes: 4 } });
    expect(run).toMatchObject({ stdout: '0123', stdoutCut: 6, stderr: 'abcd', stderrCut: 1, flooded: false });
  });

  test('endless output ends the run', async () => {
    const run = await sh('yes', { limits: { outputBytes: 1000 } });
    expect(run).toMatchObject({ flooded: true, timedOut: false });
    expect(run.stdoutBytes.length).toBe(1000);
  });

  test('memory, file size and /tmp are bounded', async () => {
    const limits = { memoryBytes: 2 ** 28, fileBytes: 2 ** 20, tmpBytes: 2 ** 20 };
    expect((await sh("python3 -c 'x = bytearray(2**29)'", { limits })).stderr).toContain('MemoryError');
    expect((await sh("python3 -c 'x = bytearray(2**20)'", { limits })).exitCode).toBe(0);
    expect((await sh('dd if=/dev/zero of=/out/big bs=64k count=64', { limits })).exitCode).not.toBe(0);
    expect(
      (await sh('for i in 1 2 3 4; do dd if=/dev/zero of=/tmp/$i bs=64k count=8; done', { limits })).stderr,
    ).toContain('No space left');
  });

  test('a fork bomb is bounded', async () => {
    const script = 'i=0; while [ $i -lt 60 ]; do sleep 2 & i=$((i+1)); done; echo $i';
    const run = await sh(script, { limits: { processes: 30, wallMs: 10_000 } });
    expect(run.stderr).toMatch(/fork/i);
    expect((await sh(script, { limits: { processes: 400 } })).stdout).toBe('60\n');
  });
});

test('what else the user runs is not counted', async () => {
  const others = Array.from({ length: 40 }, () => spawn('sleep', ['30'], { stdio: 'ignore' }));
  try {
    expect((await sh('echo ran', { limits: { processes: 30 } })).stdout).toBe('ran\n');
  } finally {
    for (const other of others) other.kill();
  }
});

test('all processes together have half of the memory at most, and no swap', async () => {
  const group = await openGroup({ processes: 64, memoryBytes: 2 ** 50 });
  try {
    const folder = group.folders.find(
      (one) => existsSync(join(one, 'memory.oom_control')) || existsSync(join(one, 'memory.max')),
    );
    expect(folder !== undefined).toBe(await canBoundMemory());
    if (folder === undefined) return;
    const bound = (file: string): number | undefined =>
      existsSync(join(folder, file)) ? Number(readFileSync(join(folder, file), 'utf8')) : undefined;
    const memory = bound('memory.max') ?? bound('memory.limit_in_bytes')!;
    expect(memory).toBeGreaterThan(0);
    expect(memory).toBeLessThanOrEqual(totalmem() / 2);
    expect(bound('memory.swap.max') ?? 0).toBe(0);
    expect(bound('memory.memsw.limit_in_bytes') ?? memory).toBe(memory);
  } finally {
    await group.close();
  }
});

test('a run leaves no control group behind', async () => {
  await Promise.all([sh('true'), sh('sleep 1', { limits: { wallMs: 50 } }), sh('setsid sleep 1 &')]);
  const groups = await readdir('/sys/fs/cgroup/pids').catch(() => []);
  expect(groups.filter((name) => name.startsWith(`depbot-${process.pid}-`))).toEqual([]);
});

test('what a depbot that was killed left in its control group is ended by the next one', async () => {
  const own = await openGroup({ processes: 8, memoryBytes: 2 ** 30 });
  await own.close();
  const left = own.folders.map((folder) => join(dirname(folder), 'depbot-4194304-1-1'));
  const sleeper = spawn('sleep', ['60']);
  const ended = new Promise((resolve) => sleeper.once('exit', (_, signal) => resolve(signal)));
  for (const folder of left) {
    await mkdir(folder);
    await writeFile(join(folder, 'cgroup.procs'), String(sleeper.pid));
  }
  vi.resetModules();
  const next = await import('../../queue/sandbox-group.ts');
  await (await next.openGroup({ processes: 8, memoryBytes: 2 ** 30 })).close();
  if (left.length === 0) sleeper.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
  expect(left.filter((folder) => existsSync(folder))).toEqual([]);
});

describe('a tree that is trusted', () => {
  test("has the operator's PATH and HOME, as under make", async () => {
    await writeFile(join(out, 'rustc'), '#!/bin/sh\necho "$HOME"\n', { mode: 0o755 });
    setToolEnv({ PATH: `${out}:${SANDBOX_PATH}`, HOME: dir });
    try {
      expect((await sh('rustc', { trustTree: true })).stdout).toBe(`${dir}\n`);
      expect((await toolVersions({ trustTree: true })).rustc).toBe(dir);
      expect(await sh('rustc || echo "$HOME"')).toMatchObject({ stdout: '/tmp\n' });
    } finally {
      setToolEnv({ PATH: SANDBOX_PATH, HOME: '/tmp' });
    }
  });

  test('runs bare with the paths of the host, and within the same limits', async () => {
    const bare = { trustTree: true, cwd: '/out' };
    expect((await sh('cat /src/Makefile; pwd; echo "$srctree"', { ...bare, env: { srctree: '/src' } })).stdout).toBe(
      `VERSION = 6\n${out}\n${tree}\n`,
    );
    expect((await sh('sleep 20', { ...bare, limits: { wallMs: 300 } })).timedOut).toBe(true);
    expect(await sh('yes', { ...bare, limits: { outputBytes: 1000 } })).toMatchObject({ flooded: true });
  });

  test('only paths below a mount point are put back', () => {
    const mounts = [{ host: '/home/u/linux', inside: '/src' }];
    expect(insideToHost('/src/a -I /src "/src" /srcs /usr/src x=/src/b', mounts)).toBe(
      '/home/u/linux/a -I /home/u/linux "/home/u/linux" /srcs /usr/src x=/home/u/linux/b',
    );
  });
});

describe('a machine without bubblewrap', () => {
  test('is refused with the package to install, unless the tree is trusted', async () => {
    const bin = join(dir, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'prlimit'), '#!/bin/sh\nexec /usr/bin/prlimit "$@"\n');
    await chmod(join(bin, 'prlimit'), 0o755);
    setToolEnv({ PATH: bin });
    try {
      await expect(sh('echo ran >/out/ran')).rejects.toThrow(SandboxError);
      await expect(sh('echo ran >/out/ran')).rejects.toThrow('apt install bubblewrap');
      expect(await readdir(out)).toEqual([]);
      expect(await sandboxAvailable()).toMatchObject({
        ok: false,
        why: expect.stringContaining('apt install bubblewrap'),
      });
      expect((await sh('echo ran', { trustTree: true, cwd: '/out' })).stdout).toBe('ran\n');
    } finally {
      setToolEnv({ PATH: SANDBOX_PATH });
    }
  });

  test('programs are looked up in absolute folders only', async () => {
    expect(await findOnPath('sh', `.:relative:${dir}:/usr/bin`)).toBe('/usr/bin/sh');
    expect(await findOnPath('sh', `.:${dir}`)).toBeUndefined();
  });

  test('a NUL byte in an argument is refused', async () => {
    await expect(sh('echo a\0b')).rejects.toThrow('NUL');
  });
});

/** What a hostile series tries while it is built: each attempt fails, and the next build is none the worse. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readRegular } from '../../queue/conf-cache.ts';
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { KconfigSide } from '../../queue/kconfig-side.ts';
import { removeFolder } from '../../queue/leftovers.ts';
import { type Limits, runSandboxed, type SandboxRun } from '../../queue/sandbox.ts';
import { canBoundMemory } from '../../queue/sandbox-group.ts';
import { processesOf } from '../support/fake-conf.ts';
import { confSources } from '../support/tiny-kernel.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const SECRET = 'password=hunter2';
const NONE = 'Function not implemented';
const LIMITS: Partial<Limits> = { wallMs: 20_000, processes: 64, memoryBytes: 2 ** 28, diskBytes: 64 * 2 ** 20 };

let home: string;
let out: string;
let program: string;
let socket: string;
let port: number;
let connections = 0;
const servers: Server[] = [];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'depbot-hostile-'));
  writeFileSync(join(home, 'secret'), SECRET);
  socket = join(home, 'redis.sock');
  for (const where of [{ port: 0, host: '127.0.0.1' }, { path: socket }, { path: `\0${socket.slice(1)}` }]) {
    const server = createServer((one) => {
      connections += 1;
      one.destroy();
    });
    await new Promise<void>((ready) => server.listen(where, ready));
    servers.push(server);
  }
  port = (servers[0]!.address() as AddressInfo).port;
  const bin = join(home, 'bin');
  mkdirSync(bin);
  const made = await runSandboxed({
    argv: ['gcc', '-o', '/out/program', '/src/program.c'],
    readOnly: [{ host: join(import.meta.dirname, '../fixtures/hostile/program.c'), inside: '/src/program.c' }],
    writable: [{ host: bin, inside: '/out' }],
    env: {},
  });
  expect(made).toMatchObject({ exitCode: 0 });
  program = join(bin, 'program');
});

afterAll(async () => {
  for (const server of servers) server.close();
  await removeFolder(home);
});

beforeEach(() => {
  out = mkdtempSync(join(home, 'out-'));
  connections = 0;
});

/** Runs make in a small tree with this Makefile, as a series could leave it; $(P) is a host program of the tree. */
async function make(makefile: string, limits: Partial<Limits> = {}, trustTree = false): Promise<SandboxRun> {
  const src = mkdtempSync(join(home, 'src-'));
  chmodSync(src, 0o755);
  mkdirSync(join(src, 'scripts'));
  copyFileSync(program, join(src, 'scripts/program'));
  const text = `P := $(CURDIR)/scripts/program\nOUT := $(O)\n${makefile}\n`;
  writeFileSync(join(src, 'Makefile'), text);
  const run = await runSandboxed({
    argv: ['make', '-s', '-C', '/src', 'O=/out'],
    readOnly: [{ host: src, inside: '/src' }],
    writable: [{ host: out, inside: '/out' }],
    env: {},
    limits: { ...LIMITS, ...limits },
    trustTree,
  });
  expect(readdirSync(src).sort()).toEqual(['Makefile', 'scripts']);
  expect(readFileSync(join(src, 'Makefile'), 'utf8')).toBe(text);
  return run;
}

/** A recipe of the first target. */
const recipe = (...commands: readonly string[]): string => `all:\n${commands.map((one) => `\t-${one}\n`).join('')}`;

describe('a hostile Makefile', () => {
  test('reaches no server of this machine by TCP, a socket file or an abstract name', async () => {
    const attempts = recipe(`$(P) tcp ${port}`, `$(P) unix ${socket}`, `curl -s http://127.0.0.1:${port}/`);
    const run = await make(`X := $(shell curl -s http://127.0.0.1:${port}/; $(P) tcp ${port})\n${attempts}`);
    expect(run.stdout).toContain(
      'tcp: Connection refused\nunix: No such file or directory\nabstract: Connection refused',
    );
    expect(connections).toBe(0);
    // proves that the program can
    expect((await make(attempts, { memoryBytes: 2 ** 33 }, true)).stdout).toContain(
      'tcp: done\nunix: done\nabstract: done',
    );
    expect(connections).toBeGreaterThanOrEqual(3);
  });

  test('goes past no namespace: to the host of a virtual machine, to keyrings, or by io_uring', async () => {
    const run = await make(recipe('$(P) past; echo $$?'));
    // the numbers of another machine end it with SIGSYS
    expect(run.stdout).toBe(
      `vsock: Address family not supported by protocol\nkeyring: ${NONE}\nring: ${NONE}\n${process.arch === 'x64' ? 159 : 0}\n`,
    );
    expect((await make(recipe('$(P) past'), { memoryBytes: 2 ** 33 }, true)).stdout).toContain('keyring: done\n');
  });

  test('reads no file of a user, of the service or of the machine', async () => {
    const files = [join(home, 'secret'), '/root/.bashrc', '/home', '/etc/passwd', '/etc/shadow', '/proc/1/environ'];
    const run = await make(recipe(...files.map((file) => `$(P) read ${file}`), 'echo ~ $$HOME; ls -A ~'));
    for (const file of files.slice(0, 5)) expect(run.stdout).toContain(`${file}: No such file or directory\n`);
    expect(run.stdout).toMatch(/\n\/tmp \/tmp\n$/);
    expect(run.stdout).not.toContain(SECRET);
    expect((await make(recipe(`$(P) read ${files[0]}`), {}, true)).stdout).toContain(SECRET);
  });

  test('touches nothing, in a $(shell) or a recipe, but its output folder and /tmp', async () => {
    const places = ['/src/x', '/usr/x', '/etc/x', '/x', '/root/x', '/home/x', '/dev/shm/x', `${home}/x`];
    const attempt = places.map((place) => `touch ${place}`).join('; ');
    const run = await make(
      `X := $(shell ${attempt})\n${recipe(...places.map((place) => `touch ${place}`), 'touch $(OUT)/x')}`,
    );
    expect(run.exitCode).toBe(0);
    expect(places.filter((place) => existsSync(place))).toEqual([]);
    expect(readdirSync(out)).toEqual(['x']);
  });

  test('does not change the source under way', async () => {
    const run = await make(
      recipe('echo "evil:" >>Makefile', 'sed -i s/all/evil/ Makefile', 'rm -f Makefile', 'mv Makefile m'),
    );
    expect(run.stderr.match(/Read-only file system/g)?.length).toBeGreaterThanOrEqual(3);
  });

  test('is another user outside: what it writes is not ours, and root may not own a file of it', async () => {
    await make(recipe('touch $(OUT)/mine', 'cp $(P) $(OUT)/program', 'chmod 6755 $(OUT)/program'));
    const uid = process.getuid!();
    const { uid: owner } = statSync(join(out, 'mine'));
    if (uid === 0) expect(owner).not.toBe(0);
    else expect(owner).toBe(uid);
    expect(statSync(join(out, 'program')).uid).toBe(owner);
  });
});

describe('a hostile host program', () => {
  test('that forks without end comes to its limit', async () => {
    const run = await make(recipe('$(P) fork'), { wallMs: 3_000 });
    expect(run.stdout).toContain('fork: Resource temporarily unavailable');
  });

  test('that allocates without end is refused or ended', async () => {
    const run = await make(recipe('$(P) allocate || echo refused'));
    expect(run).toMatchObject({ exitCode: 0, timedOut: false, stdout: 'refused\n' });
  });

  test('whose processes stay below the bound of each comes to that of all, where there is a cgroup', async () => {
    const run = await make(recipe('$(P) allocate-shared'));
    expect(run.outOfMemory).toBe(await canBoundMemory());
  });

  test('that fills the disk is ended', async () => {
    const run = await make(recipe('$(P) fill $(OUT)'));
    expect(readdirSync(out).length).toBeLessThan(400);
    expect(run).toMatchObject({ overDisk: true, timedOut: false });
    expect((await make(recipe('$(P) read $(OUT)/fill-0'))).overDisk).toBe(false);
  });

  test('that fills /tmp finds it full', async () => {
    const run = await make(recipe('$(P) fill /tmp', 'echo went on'), { tmpBytes: 2 ** 20 });
    expect(run).toMatchObject({ exitCode: 0, overDisk: false, stdout: 'went on\n' });
  });

  test('that prints without end is ended', async () => {
    expect(await make(recipe('$(P) print'), { outputBytes: 4096 })).toMatchObject({ flooded: true });
  });

  test('that leaves a daemon in a session of its own leaves none', async () => {
    const run = await make(recipe('$(P) daemon $(OUT)/alive'));
    expect(run.stdout).toBe('daemon: done\n');
    await new Promise((wake) => setTimeout(wake, 2_500));
    expect(readdirSync(out)).toEqual([]);
    expect(processesOf('/src/scripts/program')).toEqual([]);
  });
});

describe('a hostile Kconfig file', () => {
  test.skipIf(!TREE)('has its $(shell) answered, and nothing comes of it', async () => {
    const src = mkdtempSync(join(home, 'src-'));
    chmodSync(src, 0o755);
    for (const [path, text] of Object.entries(confSources(TREE!))) {
      mkdirSync(dirname(join(src, path)), { recursive: true });
      writeFileSync(join(src, path), text);
    }
    const marks = ['/usr/mark', join(src, 'mark'), join(home, 'mark')];
    const attempt = [`touch ${marks.join(' ')}`, `curl -s http://127.0.0.1:${port}/`, `cat ${home}/secret /etc/passwd`];
    const kconfig = `config A\n\tdef_bool y\n\nconfig B\n\tstring\n\tdefault "$(shell,(${attempt.join('; ')}; id -u) 2>&1 | tail -n 1)"\n`;
    writeFileSync(join(src, 'Kconfig'), kconfig);
    const side = await KconfigSide.open(openDirectory(src), { cacheDir: join(home, 'cache') });
    expect((await side.model('x86')).declared.map(({ name }) => name)).toEqual(['A', 'B']);
    // without answers at hand, the shell of conf itself is asked
    const fresh = await KconfigSide.open(openDirectory(src), { cacheDir: join(home, 'cache-2') });
    const run = await fresh.conf('x86', { mode: 'alldefconfig' });
    expect(run.config).toContain('CONFIG_B="65534"\n');
    expect(run.config).not.toContain(SECRET);
    expect([...marks.filter((mark) => existsSync(mark)), connections]).toEqual([0]);
  });
});

describe('a hostile output folder', () => {
  test('leads neither us nor the next run out of it by its links', async () => {
    const target = join(home, 'secret');
    await make(
      recipe(`ln -s ${target} $(OUT)/.config`, `ln -s ${target} $(OUT)/compile_commands.json`, 'ln -s / $(OUT)/root'),
    );
    expect(await readRegular(join(out, '.config'))).toBeUndefined();
    const next = await make(
      recipe('echo new >$(OUT)/compile_commands.json', 'cat $(OUT)/.config', `ls $(OUT)/root${home}`),
    );
    expect(next.stdout).toBe('');
    expect(next.stderr.match(/No such file or directory|nonexistent/g)).toHaveLength(3);
    expect(readFileSync(target, 'utf8')).toBe(SECRET);
    await removeFolder(out);
    expect(existsSync(out)).toBe(false);
    expect(readFileSync(target, 'utf8')).toBe(SECRET);
  });

  test('is removed though its folders are closed, or too deep to be named', async () => {
    await make(
      recipe(
        '$(P) nest $(OUT)',
        'mkdir -p $(OUT)/closed/inner',
        'touch $(OUT)/closed/inner/x',
        'chmod 0 $(OUT)/closed',
      ),
    );
    await removeFolder(out);
    expect(existsSync(out)).toBe(false);
  });
});

test('after all of it, a build does what it should', async () => {
  const run = await make(recipe('echo fine | tee $(OUT)/built'));
  expect(run).toMatchObject({
    ...{ exitCode: 0, stdout: 'fine\n', stderr: '' },
    ...{ timedOut: false, flooded: false, overDisk: false, outOfMemory: false },
  });
  expect(readFileSync(join(out, 'built'), 'utf8')).toBe('fine\n');
});

/** The walls of the sandbox, each proved by trying to climb it on this very machine: for `depbot doctor`. */
import { chmod, mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeFolder } from './leftovers.ts';
import { type Limits, memoryBound, runSandboxed, type SandboxRun } from './sandbox.ts';

export interface Wall {
  readonly name: string;
  readonly holds: boolean;
  /** What came of the attempt, where it does not hold. */
  readonly detail: string;
}

interface Attempt {
  readonly name: string;
  /** Read by sh(1) in a sandbox with a folder at /src, read-only, and one at /out. */
  readonly script: string;
  readonly limits?: Partial<Limits>;
  readonly holds: (
    run: SandboxRun,
    folders: { readonly src: string; readonly out: string },
  ) => boolean | Promise<boolean>;
}

const MIB = 2 ** 20;
const isRefused = (run: SandboxRun): boolean => run.exitCode !== undefined && run.exitCode !== 0;
const says = (text: string) => (run: SandboxRun) => run.stdout === text;

/** `home` is whose home must not be there. */
function attempts(home: string): readonly Attempt[] {
  return [
    {
      name: 'network: none but its own loopback',
      script: 'sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d " "',
      holds: says('lo\n'),
    },
    {
      // AF_VSOCK; that a kernel without it refuses it says nothing
      name: 'network: no way past its namespace',
      script: "grep -q '^Seccomp:.2' /proc/self/status && perl -e 'exit(socket(my $s, 40, 1, 0) ? 1 : 0)' && echo none",
      holds: says('none\n'),
    },
    {
      name: 'source: read-only',
      script: 'touch /src/x || echo y >/src/file',
      holds: async (run, { src }) => isRefused(run) && (await readdir(src)).join() === 'file',
    },
    {
      name: 'system: read-only',
      script: 'for f in /usr /etc / /dev /proc; do (: >$f/x) 2>/dev/null && exit; done; exit 1',
      holds: isRefused,
    },
    {
      name: 'home: not there',
      script: `ls -d '${home.replaceAll("'", "'\\''")}' /root/.??* /home/* /etc/passwd`,
      holds: (run) => isRefused(run) && run.stdout === '',
    },
    {
      name: 'processes of others: not seen',
      script: 'ls -d /proc/[0-9]* | wc -l | tr -d " "',
      holds: ({ stdout }) => Number(stdout) < 10,
    },
    { name: 'open files of others: none', script: 'ls /proc/$$/fd', holds: says('0\n1\n2\n') },
    {
      name: 'environment: empty',
      script: 'env | cut -d= -f1 | sort | tr "\\n" " "',
      holds: says('HOME LC_ALL PATH PWD '),
    },
    {
      name: 'user: not root, inside or outside',
      script: 'id -u; touch /out/mine',
      holds: async ({ stdout }, { out }) => stdout === '65534\n' && (await stat(join(out, 'mine'))).uid !== 0,
    },
    { name: 'namespaces: none of its own making', script: 'unshare --user true', holds: isRefused },
    { name: 'time: bounded', script: 'sleep 20', limits: { wallMs: 300 }, holds: ({ timedOut }) => timedOut },
    {
      name: 'processor: bounded',
      script: 'while :; do :; done',
      limits: { cpuSec: 1 },
      holds: ({ exitCode = 0, timedOut }) => !timedOut && exitCode > 128,
    },
    {
      name: 'memory: bounded',
      script: 'head -c 300000000 /dev/zero | tail -c 300000000 | wc -c',
      limits: { memoryBytes: 128 * MIB },
      holds: ({ stdout }) => Number(stdout) < 300_000_000,
    },
    {
      name: 'processes: bounded',
      script: 'i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done; kill $(jobs -p); echo all',
      limits: { processes: 20 },
      holds: ({ stdout }) => !stdout.includes('all'),
    },
    { name: 'open files: bounded', script: 'test "$(ulimit -n)" -gt 4096', holds: isRefused },
    {
      name: 'files: bounded',
      script: 'head -c 9000000 /dev/zero >/out/large',
      limits: { fileBytes: MIB },
      holds: isRefused,
    },
    {
      name: 'disk: bounded',
      script: 'i=0; while :; do head -c 1000000 /dev/zero >/out/$i; i=$((i+1)); done',
      limits: { diskBytes: 32 * MIB },
      holds: ({ overDisk }) => overDisk,
    },
    {
      name: 'temporary files: bounded',
      script: 'head -c 9000000 /dev/zero >/tmp/large',
      limits: { tmpBytes: MIB },
      holds: isRefused,
    },
    { name: 'output: bounded', script: 'yes', limits: { outputBytes: 4096 }, holds: ({ flooded }) => flooded },
    {
      name: 'daemons: end with it',
      script: "setsid sh -c 'sleep 1; touch /out/alive' >/dev/null 2>&1 &",
      holds: async (_, { out }) => {
        await new Promise((wake) => setTimeout(wake, 1_500));
        return !(await readdir(out)).includes('alive');
      },
    },
  ];
}

/** Tries all walls, one after the other: a few seconds. Throws SandboxError where there is no sandbox. */
export async function proveWalls(
  home: string = homedir(),
): Promise<{ readonly walls: readonly Wall[]; readonly memory: 'cgroup' | 'rlimits' }> {
  const walls: Wall[] = [];
  for (const attempt of attempts(home)) walls.push(await climb(attempt));
  return { walls, memory: await memoryBound() };
}

async function climb({ name, script, limits, holds }: Attempt): Promise<Wall> {
  const folders = { src: await readable('src'), out: await readable('out') };
  try {
    await writeFile(join(folders.src, 'file'), 'x\n');
    const run = await runSandboxed({
      argv: ['/bin/sh', '-c', script],
      cwd: '/out',
      readOnly: [{ host: folders.src, inside: '/src' }],
      writable: [{ host: folders.out, inside: '/out' }],
      env: {},
      limits: { wallMs: 20_000, ...limits },
    });
    const end = run.exitCode === undefined ? `ended by ${run.signal}` : `exit status ${run.exitCode}`;
    const isHeld = await holds(run, folders);
    return { name, holds: isHeld, detail: isHeld ? '' : `${end}: ${(run.stdout + run.stderr).trim().slice(0, 200)}` };
  } finally {
    await removeFolder(folders.src);
    await removeFolder(folders.out);
  }
}

async function readable(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `depbot-wall-${name}-`));
  await chmod(folder, 0o755);
  return folder;
}

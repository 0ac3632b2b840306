/**
 * The only file that starts code of a tree: Kconfig's shell macros, `scripts/kconfig/conf`, compilers.
 *
 * A command runs under bubblewrap (bwrap(1), 0.8 or newer): user, PID, network, IPC, UTS and cgroup
 * namespaces of its own, an empty environment but for what is asked, and nothing of the host but a
 * read-only /usr and the mounts named. prlimit(1) bounds what a process may take; the clock is ours. When
 * the command ends, or its time is over, its PID namespace ends with it, so `setsid` saves no child.
 */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { Readable } from 'node:stream';
import { closePidsGroup, enterGroup, isAbsent, openPidsGroup, pidsRoot } from './sandbox-group.ts';
import { collect } from './sandbox-output.ts';

/** What one run may take. */
export interface Limits {
  /** Wall clock of the whole run. */
  readonly wallMs: number;
  /** Processor time of each process. */
  readonly cpuSec: number;
  /** Address space of each process. */
  readonly memoryBytes: number;
  /** Processes at a time in the sandbox; not with `trustTree`. Binds root only where a pids cgroup could be had. */
  readonly processes: number;
  /** Size of any file written. */
  readonly fileBytes: number;
  /** What is kept of stdout, and of stderr. */
  readonly outputBytes: number;
  /** Size of the private /tmp, which is memory. */
  readonly tmpBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  wallMs: 60_000,
  cpuSec: 60,
  memoryBytes: 8 * 2 ** 30,
  processes: 512,
  fileBytes: 256 * 2 ** 20,
  outputBytes: 2 ** 20,
  tmpBytes: 256 * 2 ** 20,
};

/** A file or folder of the host (absolute path) and where the command sees it. */
export interface Mount {
  readonly host: string;
  readonly inside: string;
}

export interface SandboxSpec {
  /** Program (looked up on the PATH of `env`) and arguments. */
  readonly argv: readonly [string, ...string[]];
  /** Folder inside; the private, writable /tmp when not given. */
  readonly cwd?: string;
  readonly readOnly: readonly Mount[];
  readonly writable?: readonly Mount[];
  /** The whole environment, but for PATH, HOME and LC_ALL, which have values unless set here. */
  readonly env: Readonly<Record<string, string>>;
  /** Default: nothing, /dev/null. */
  readonly stdin?: string | Uint8Array | Readable;
  /** Given, standard output goes there as it comes; none is kept, and no bound ends it. */
  readonly onStdout?: (chunk: Buffer) => void;
  /** Ends the run, whose signal is then SIGKILL. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<Limits>;
  /**
   * Runs the command bare, with the same limits but without walls: for an operator who trusts the tree
   * and its series. Paths inside are put back to those of the host in `argv`, `cwd` and `env`.
   */
  readonly trustTree?: boolean;
}

export interface SandboxRun {
  /** 128 + n when signal n ended the command inside. Absent when the run itself was killed. */
  readonly exitCode?: number;
  readonly signal?: string;
  /** Bytes as UTF-8, bad ones replaced. */
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
  /** Bytes that came beyond `outputBytes` and were thrown away. */
  readonly stdoutCut: number;
  readonly stderrCut: number;
  /** Ended by us after `wallMs`. */
  readonly timedOut: boolean;
  /** Ended by us because its output did not end: see FLOOD. */
  readonly flooded: boolean;
}

/** The machine cannot give a sandbox, or we asked for an impossible one. Never the fault of the command. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
  readonly problem: 'no-bwrap' | 'no-prlimit' | 'refused' | 'bad-argument' | 'failed';

  constructor(problem: SandboxError['problem'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

/** The only PATH there is inside: Debian's, without what belongs to a user. */
export const SANDBOX_PATH = '/usr/bin:/bin:/usr/sbin:/sbin';
const OPEN_FILES = 4096;
/** Of a bare run whose children keep the pipes open after it ended. */
const PIPE_GRACE_MS = 500;

/**
 * Runs one command. Exit codes, signals, time-outs and floods are values; throws SandboxError when bwrap or
 * prlimit is missing, when the kernel refuses namespaces, or when a mount cannot be made.
 */
export async function runSandboxed(spec: SandboxSpec): Promise<SandboxRun> {
  const limits = { ...DEFAULT_LIMITS, ...spec.limits };
  refuseNul(spec);
  const prlimit = await findOnPath('prlimit');
  if (prlimit === undefined)
    throw new SandboxError(
      'no-prlimit',
      'prlimit(1) is not installed; it bounds every run of tree code: apt install util-linux',
    );
  const group = await openPidsGroup(limits.processes);
  try {
    const command = [
      prlimit,
      ...prlimitArgs(limits),
      ...(spec.trustTree === true ? bareArgs(spec) : await bwrapArgs(spec, limits)),
    ];
    return await run(group === undefined ? command : enterGroup(group, command), spec, limits);
  } finally {
    if (group !== undefined) await closePidsGroup(group);
  }
}

/**
 * Whether sandboxed runs work on this machine: runs `true` in one. `why` says what to install or enable;
 * `caveat` what is weaker than asked (a process limit that does not bind).
 */
export async function sandboxAvailable(): Promise<
  { readonly ok: true; readonly caveat?: string } | { readonly ok: false; readonly why: string }
> {
  try {
    const probe = await runSandboxed({ argv: ['true'], readOnly: [], env: {}, limits: { wallMs: 10_000 } });
    if (probe.exitCode !== 0)
      return {
        ok: false,
        why: `bubblewrap ran, but true(1) in it exited with ${probe.exitCode ?? probe.signal}: ${firstLine(probe.stderr)}`,
      };
  } catch (error) {
    if (error instanceof SandboxError) return { ok: false, why: error.message };
    throw error;
  }
  if (process.getuid?.() === 0 && (await pidsRoot()) === undefined) {
    return {
      ok: true,
      caveat:
        'running as root without a writable pids cgroup: the kernel exempts root from the process limit; run as an ordinary user',
    };
  }
  return { ok: true };
}

let toolPath = SANDBOX_PATH;

/** Where bwrap, prlimit and timeout are looked for: the operator's PATH, which only the command line reads. */
export function setToolPath(path: string): void {
  toolPath = path;
}

/** Absolute path of a program on PATH, without asking a shell. */
export async function findOnPath(name: string, path: string = toolPath): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (!folder.startsWith('/')) continue;
    const candidate = join(folder, name);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  return undefined;
}

/** Replaces each path below an inside mount point by the host's: what a bare run needs, and people like to read. */
export function insideToHost(text: string, mounts: readonly Mount[]): string {
  let out = text;
  for (const { host, inside } of mounts) {
    // a path starts after white space, a quote, `=`, `:` ...; `/x/src` and `/srcfoo` are other paths
    const word = new RegExp(`(?<![\\w./-])${inside.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w.-])`, 'g');
    out = out.replace(word, () => host);
  }
  return out;
}

// ---------------------------------------------------------------- command lines

function prlimitArgs(limits: Limits): string[] {
  return [
    `--as=${limits.memoryBytes}`,
    `--cpu=${limits.cpuSec}`,
    `--fsize=${limits.fileBytes}`,
    `--nofile=${OPEN_FILES}`,
    '--core=0',
  ];
}

async function bwrapArgs(spec: SandboxSpec, limits: Limits): Promise<string[]> {
  const bwrap = await findOnPath('bwrap');
  if (bwrap === undefined) {
    throw new SandboxError(
      'no-bwrap',
      'bubblewrap is not installed, and code of a tree is not run without it: apt install bubblewrap (or --trust-tree, to run it bare)',
    );
  }
  const env = { PATH: SANDBOX_PATH, HOME: '/tmp', LC_ALL: 'C', ...spec.env };
  return [
    bwrap,
    ...['--unshare-all', '--unshare-user', '--disable-userns', '--die-with-parent', '--new-session'],
    ...['--cap-drop', 'ALL', '--uid', '65534', '--gid', '65534', '--hostname', 'sandbox', '--json-status-fd', '3'],
    ...['--ro-bind', '/usr', '/usr', '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/sbin', '/sbin'],
    ...['--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib32', '/lib32', '--symlink', 'usr/lib64', '/lib64'],
    ...[
      '--ro-bind-try',
      '/etc/alternatives',
      '/etc/alternatives',
      '--ro-bind-try',
      '/etc/ld.so.cache',
      '/etc/ld.so.cache',
    ],
    // both read-only: /proc/sys/kernel/core_pattern is a way out where the caller is root (bwrap leaves the
    // files below /proc/sys writable to their owner), and /dev/shm is memory that no limit counts
    ...['--proc', '/proc', '--remount-ro', '/proc', '--dev', '/dev', '--remount-ro', '/dev'],
    ...['--size', String(limits.tmpBytes), '--tmpfs', '/tmp'],
    ...spec.readOnly.flatMap((mount) => ['--ro-bind', mount.host, mount.inside]),
    ...(spec.writable ?? []).flatMap((mount) => ['--bind', mount.host, mount.inside]),
    // the root is a tmpfs that held the mount points: nothing is to be written there, it would be memory
    ...['--remount-ro', '/', '--chdir', spec.cwd ?? '/tmp', '--clearenv'],
    // here and not before bwrap: only inside does it count the sandbox's processes and not all of the user's
    ...['--', '/usr/bin/prlimit', `--nproc=${limits.processes}`],
    // and the environment last, since it may hold what is for the command alone, such as LD_PRELOAD
    ...['/usr/bin/env', '--', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...spec.argv],
  ];
}

function bareArgs(spec: SandboxSpec): string[] {
  return spec.argv.map((arg) => insideToHost(arg, mountsOf(spec)));
}

function mountsOf(spec: SandboxSpec): readonly Mount[] {
  return [...spec.readOnly, ...(spec.writable ?? [])];
}

/** Neither argv nor the environment can carry a NUL; node would throw a TypeError that names neither. */
function refuseNul(spec: SandboxSpec): void {
  if ([...spec.argv, ...Object.entries(spec.env).flat()].some((text) => text.includes('\0'))) {
    throw new SandboxError('bad-argument', `a NUL byte in the arguments or the environment of ${spec.argv[0]}`);
  }
}

// ---------------------------------------------------------------- the run

interface Ended {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

async function run(command: readonly string[], spec: SandboxSpec, limits: Limits): Promise<SandboxRun> {
  const bare = spec.trustTree === true;
  const child = spawn(command[0] ?? '', command.slice(1), {
    // bwrap's own environment can be read inside, at /proc/1/environ: it holds nothing
    env: bare ? bareEnv(spec) : { PATH: SANDBOX_PATH },
    cwd: bare ? insideToHost(spec.cwd ?? '/tmp', mountsOf(spec)) : '/',
    // a bare run is a process group of its own, for want of a namespace to end
    detached: bare,
    stdio: [spec.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', bare ? 'ignore' : 'pipe'],
  });
  let timedOut = false;
  let flooded = false;
  const end = () => (bare ? killGroup(child) : killSandbox(child, () => status?.text() ?? ''));
  const flood = () => {
    flooded = true;
    end();
  };
  const stdout = collect(child.stdio[1], limits.outputBytes, flood, spec.onStdout);
  const stderr = collect(child.stdio[2], limits.outputBytes, flood);
  const status = bare ? undefined : collect(child.stdio[3], 4096, flood);
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, limits.wallMs);
  if (spec.signal?.aborted) end();
  spec.signal?.addEventListener('abort', end);
  try {
    const ended = await ending(child, spec.stdin, bare);
    if (bare) end();
    const started = status === undefined || ended.signal !== null || status.text().includes('"exit-code"');
    // a program that is not there is the command's fault, as in a shell
    if (!started && !stderr.text().startsWith('bwrap: execvp')) throw setUpFailed(stderr.text());
    return {
      ...(ended.exitCode === null ? {} : { exitCode: ended.exitCode }),
      ...(ended.signal === null ? {} : { signal: ended.signal }),
      stdout: stdout.text(),
      stderr: stderr.text(),
      stdoutBytes: stdout.bytes(),
      stdoutCut: stdout.cut,
      stderrCut: stderr.cut,
      timedOut,
      flooded,
    };
  } finally {
    clearTimeout(timer);
    spec.signal?.removeEventListener('abort', end);
  }
}

function bareEnv(spec: SandboxSpec): Record<string, string> {
  const mapped = Object.entries(spec.env).map(([name, value]) => [name, insideToHost(value, mountsOf(spec))]);
  return { PATH: SANDBOX_PATH, HOME: '/tmp', LC_ALL: 'C', ...Object.fromEntries(mapped) };
}

/** A bare run is a process group. */
function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined) signal(-child.pid);
}

/**
 * Kills bwrap, and the first process of its PID namespace, whose number bwrap writes to `status`: that one asks to
 * die with bwrap (--die-with-parent), but only some time after it was made. Until its number is there, it is waited for.
 */
function killSandbox(child: ChildProcess, status: () => string, triesLeft = 100): void {
  const inner = /"child-pid": (\d+)/.exec(status())?.[1];
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (inner === undefined && triesLeft > 0) {
    setTimeout(() => killSandbox(child, status, triesLeft - 1), 10);
    return;
  }
  child.kill('SIGKILL');
  if (inner !== undefined) signal(Number(inner));
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function ending(child: ChildProcess, stdin: SandboxSpec['stdin'], bare: boolean): Promise<Ended> {
  return new Promise((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new SandboxError('failed', `cannot start ${child.spawnfile}: ${cause.message}`, { cause })),
    );
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal }));
    if (bare) {
      child.on('exit', () => {
        setTimeout(() => {
          child.stdout?.destroy();
          child.stderr?.destroy();
        }, PIPE_GRACE_MS).unref();
      });
    }
    // EPIPE: the command need not read what it is given
    child.stdin?.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') reject(error);
    });
    if (child.stdin && stdin instanceof Readable) stdin.pipe(child.stdin);
    else child.stdin?.end(stdin);
  });
}

/** bwrap ended before it had started the command: say what to do about it. */
function setUpFailed(stderr: string): SandboxError {
  const said = firstLine(stderr);
  if (/unknown option/i.test(said))
    return new SandboxError('refused', `this bubblewrap is too old (0.8 or newer is needed): ${said}`);
  if (/namespace|uid map|Operation not permitted|NEWUSER|NEWNET|loopback/i.test(said)) {
    return new SandboxError(
      'refused',
      `the kernel refuses bubblewrap its namespaces: ${said}. Enable them: sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000 kernel.apparmor_restrict_unprivileged_userns=0 (those that exist), or in a container: allow user namespaces`,
    );
  }
  return new SandboxError('failed', `bubblewrap could not set up the sandbox: ${said}`);
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

/**
 * The only file that starts code of a tree: Kconfig's shell macros, `scripts/kconfig/conf`, make, compilers.
 *
 * A command runs under bubblewrap: namespaces of its own, an empty environment but for what is asked, nothing of
 * the host but a read-only /usr and the mounts named, and never as root (sandbox-command.ts); a filter refuses the
 * system calls that go past namespaces (sandbox-filter.ts). prlimit(1) bounds what a process may take, a cgroup what
 * all take together where one can be had (sandbox-group.ts); disk (sandbox-disk.ts), output and the clock are ours.
 * When the command ends, or its time is over, its PID namespace ends with it, so `setsid` saves no child.
 */

import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { lchown, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import {
  bareArgs,
  bwrapArgs,
  insideToHost,
  mountsOf,
  prlimitArgs,
  SANDBOX_PATH,
  SANDBOX_UID,
  SYSTEM_CALL_FILTER,
} from './sandbox-command.ts';
import { isFull, watchDisk } from './sandbox-disk.ts';
import { killGroup, killInner, killSandbox } from './sandbox-end.ts';
import { canBoundMemory, enterGroup, isAbsent, openGroup } from './sandbox-group.ts';
import { collect } from './sandbox-output.ts';
import { findOnPath, toolEnv } from './tool-path.ts';

/** What one run may take. */
export interface Limits {
  /** Wall clock of the whole run. */
  readonly wallMs: number;
  /** Processor time of each process. */
  readonly cpuSec: number;
  /**
   * Address space of each process; where a cgroup could be had, memory of all together as well, half of the machine's
   * at most, and no swap.
   */
  readonly memoryBytes: number;
  /** Processes at a time in the sandbox; with `trustTree` only where a cgroup could be had. */
  readonly processes: number;
  /** Size of any file written. */
  readonly fileBytes: number;
  /** All that may be in the writable folders; what exceeds it is seen some tenths of a second later. */
  readonly diskBytes: number;
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
  diskBytes: 2 * 2 ** 30,
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
  /** Sees standard output as it comes, beside what is kept of it. */
  readonly watchStdout?: (chunk: Buffer) => void;
  /** Ends the run, whose signal is then SIGKILL. */
  readonly signal?: AbortSignal;
  readonly limits?: Partial<Limits>;
  /**
   * Runs the command bare, with the same limits but without walls: for an operator who trusts the tree
   * and its series. PATH and HOME are then the operator's ({@link setToolEnv}). Paths inside are put back to those of the host in `argv`, `cwd` and `env`.
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
  /** Ended by us for what it wrote to its folders. */
  readonly overDisk: boolean;
  /** The kernel ended a process of it for want of memory; known only where a cgroup bounds it. */
  readonly outOfMemory: boolean;
}

/** The machine cannot give a sandbox, or we asked for an impossible one. Never the fault of the command. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError';
  readonly problem: 'no-bwrap' | 'no-prlimit' | 'refused' | 'bad-argument' | 'failed';
  /** The message without what mends it, where that is known, and that. */
  readonly why: string;
  readonly mend: string | undefined;

  constructor(problem: SandboxError['problem'], why: string, { mend, ...rest }: ErrorOptions & { mend?: string } = {}) {
    super(mend === undefined ? why : `${why}: ${mend}`, rest);
    this.problem = problem;
    this.why = why;
    this.mend = mend;
  }
}

/** Of a bare run whose children keep the pipes open after it ended. */
const PIPE_GRACE_MS = 500;

/**
 * Runs one command. Exit codes, signals, time-outs and floods are values; throws SandboxError when bwrap or
 * prlimit is missing, when the kernel refuses namespaces, when a mount cannot be made, or when the disk is full at its
 * end though the command has not written more than it may.
 */
export async function runSandboxed(spec: SandboxSpec): Promise<SandboxRun> {
  const limits = { ...DEFAULT_LIMITS, ...spec.limits };
  refuseNul(spec);
  const prlimit = await findOnPath('prlimit');
  if (prlimit === undefined)
    throw new SandboxError('no-prlimit', 'prlimit(1) is not installed; it bounds every run of tree code', {
      mend: 'apt install util-linux',
    });
  const asRoot = process.getuid?.() === 0;
  const walls = spec.trustTree === true ? bareArgs(spec) : await walled(spec, limits, asRoot);
  const group = await openGroup(limits);
  try {
    const ended = await run(enterGroup(group, [prlimit, ...prlimitArgs(limits), ...walls]), spec, limits);
    for (const { host } of spec.writable ?? []) if (!ended.overDisk && (await isFull(host))) throw diskFull(host);
    return { ...ended, outOfMemory: (await group.killed()) > 0 };
  } finally {
    await group.close();
  }
}

async function walled(spec: SandboxSpec, limits: Limits, asRoot: boolean): Promise<string[]> {
  const bwrap = await findOnPath('bwrap');
  if (bwrap === undefined)
    throw new SandboxError('no-bwrap', 'bubblewrap is not installed, and code of a tree is not run without it', {
      mend: 'apt install bubblewrap (or --trust-tree, to run it bare)',
    });
  if (asRoot) await openToNobody(spec);
  return bwrapArgs(spec, limits, bwrap, asRoot);
}

/**
 * Where root starts it, the command is another user: it gets the writable folders with the files that we put there,
 * and must be able to read the rest.
 */
async function openToNobody({ readOnly, writable = [] }: SandboxSpec): Promise<void> {
  for (const { host } of writable) {
    const given = [host, ...((await readdir(host).catch(ignoreAbsent)) ?? []).map((name) => join(host, name))];
    for (const path of given) await lchown(path, SANDBOX_UID, SANDBOX_UID).catch(ignoreAbsent);
  }
  for (const { host } of readOnly) {
    const info = await stat(host).catch(ignoreAbsent);
    const needed = info?.isDirectory() ? 0o005 : 0o004;
    if (info !== undefined && (info.mode & needed) !== needed)
      throw new SandboxError(
        'refused',
        `${host} is closed to others, and tree code does not run as root: chmod -R o+rX ${host}, or run depbot as the user who owns it`,
      );
  }
}

/** bwrap says better what is wrong with a mount that is not there. */
function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  if (!isAbsent(error)) throw error;
}

/**
 * Whether sandboxed runs work on this machine: runs `true` in one. `why` says what to install or enable;
 * `caveat` what is weaker than asked.
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
  return (await memoryBound()) === 'cgroup'
    ? { ok: true }
    : { ok: true, caveat: 'no cgroup can be had: memory is bounded for each process, not for all together' };
}

/** What bounds the memory of a run: a cgroup all its processes together, or rlimits each by itself. */
export async function memoryBound(): Promise<'cgroup' | 'rlimits'> {
  return (await canBoundMemory()) ? 'cgroup' : 'rlimits';
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

async function run(
  command: readonly string[],
  spec: SandboxSpec,
  limits: Limits,
): Promise<Omit<SandboxRun, 'outOfMemory'>> {
  const bare = spec.trustTree === true;
  const child = start(command, {
    // bwrap's own environment can be read inside, at /proc/1/environ: it holds nothing
    env: bare ? bareEnv(spec) : { PATH: SANDBOX_PATH },
    cwd: bare ? insideToHost(spec.cwd ?? '/tmp', mountsOf(spec)) : '/',
    // a process group of its own: a bare run has no namespace to end, and a terminal's Ctrl-C is ours to answer
    detached: true,
    stdio: [spec.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', pipeIf(!bare), pipeIf(!bare && hasFilter)],
  });
  if (child.stdio[4] instanceof Writable) handOver(child.stdio[4], SYSTEM_CALL_FILTER);
  let timedOut = false;
  let flooded = false;
  let overDisk = false;
  const end = () => (bare ? killGroup(child) : killSandbox(child, () => status?.text() ?? ''));
  const flood = () => {
    flooded = true;
    end();
  };
  const stdout = collect(child.stdio[1], limits.outputBytes, flood, spec.onStdout);
  if (spec.watchStdout) child.stdout?.on('data', spec.watchStdout);
  const stderr = collect(child.stdio[2], limits.outputBytes, flood);
  const status = bare ? undefined : collect(child.stdio[3], 4096, flood);
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, limits.wallMs);
  const disk = watchDisk(
    (spec.writable ?? []).map(({ host }) => host),
    limits.diskBytes,
    () => {
      overDisk = true;
      end();
    },
  );
  // one that something else has killed, as the kernel does for want of memory, can leave its sandbox alive
  child.once('exit', (_, signalled) => {
    if (signalled !== null) killInner(status?.text() ?? '');
  });
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
      overDisk,
    };
  } finally {
    clearTimeout(timer);
    disk.stop();
    spec.signal?.removeEventListener('abort', end);
  }
}

/** Throws SandboxError; what is not known at once comes as an event. */
function start(command: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(command[0] ?? '', command.slice(1), options);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'E2BIG')
      throw new SandboxError('bad-argument', 'its arguments and environment are too long for this system', { cause });
    throw new SandboxError('failed', `cannot start ${command[0]}: ${message}`, { cause });
  }
}

function bareEnv(spec: SandboxSpec): Record<string, string> {
  const mapped = Object.entries(spec.env).map(([name, value]) => [name, insideToHost(value, mountsOf(spec))]);
  return { ...toolEnv(), LC_ALL: 'C', ...Object.fromEntries(mapped) };
}

const hasFilter = SYSTEM_CALL_FILTER !== undefined;
const pipeIf = (isWanted: boolean): 'pipe' | 'ignore' => (isWanted ? 'pipe' : 'ignore');

/** To bwrap, whose own end says more than that it did not read. */
function handOver(to: Writable, bytes: Uint8Array | undefined): void {
  to.on('error', () => undefined);
  to.end(bytes);
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

/** What the command has left there may be cut short, and few programs say so. */
function diskFull(folder: string): SandboxError {
  return new SandboxError('failed', `no space is left on the disk of ${folder}: what was run there says nothing`);
}

const ALLOW =
  'sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000 ' +
  'kernel.apparmor_restrict_unprivileged_userns=0 (those that exist); ' +
  'a container: --security-opt seccomp=unconfined --security-opt apparmor=unconfined; a chroot cannot have them';
/** The kernel's fs/namespace.c, mount_too_revealing(): no new /proc where files of the one at hand are covered. */
const UNCOVER = 'a container: --security-opt systempaths=unconfined (Podman: unmask=ALL)';

/** bwrap ended before it had started the command: say what to do about it. */
function setUpFailed(stderr: string): SandboxError {
  const said = firstLine(stderr);
  if (/unknown option/i.test(said))
    return new SandboxError('refused', `this bubblewrap is too old (0.8 or newer is needed): ${said}`);
  if (/mount proc/i.test(said))
    return new SandboxError('refused', `the kernel refuses bubblewrap a /proc of its own: ${said}`, { mend: UNCOVER });
  if (/namespace|uid map|Operation not permitted|NEWUSER|NEWNET|loopback/i.test(said))
    return new SandboxError('refused', `the kernel refuses bubblewrap its namespaces: ${said}`, { mend: ALLOW });
  return new SandboxError('failed', `bubblewrap could not set up the sandbox: ${said}`);
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

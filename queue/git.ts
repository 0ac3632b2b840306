/**
 * The only file that runs git. Every call gets an argument array, an environment of its own (nothing
 * is inherited), a time limit and a bound on what it may answer.
 *
 * Single commands with a short text answer go through simple-git; what needs standard input, bytes
 * or a stream is spawned here, because simple-git offers none of the three.
 *
 * Sources: git-config(1), git(1) "Environment Variables"; GIT_ALLOC_LIMIT is in git's wrapper.c.
 */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { simpleGit } from 'simple-git';

/** Where a git command runs. */
export interface GitPlace {
  /** Directory the process starts in. */
  readonly cwd: string;
  /** GIT_DIR; absent only while a repository is being looked for. */
  readonly gitDir?: string;
  /** Variables on top of the fixed ones, e.g. GIT_INDEX_FILE, or a PATH that has git. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface GitLimits {
  /** Default 60,000. */
  readonly timeoutMs?: number;
  /** Bytes of standard output; default 64 MiB. */
  readonly maxBytes?: number;
  /** Exit codes that are answers and not errors; default only 0. */
  readonly okExit?: readonly number[];
  /** Bytes for standard input; default none. */
  readonly input?: Uint8Array | string;
}

export interface GitAnswer {
  /** 128 + n for a process that signal n ended, as in a shell. */
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** At most 16 KiB, bad UTF-8 replaced. */
  readonly stderr: string;
}

export type GitProblem =
  | 'no-git'
  | 'not-a-tree'
  | 'no-commits'
  | 'shallow'
  | 'state-not-writable'
  | 'failed'
  | 'timed-out'
  | 'too-much-output';

/** What only the operator or the machine can cause; `message` is fit to be shown. */
export class GitError extends Error {
  readonly problem: GitProblem;
  readonly argv: readonly string[];
  /** -1 when the process did not end by itself. */
  readonly exitCode: number;
  readonly stderr: string;

  constructor(
    problem: GitProblem,
    message: string,
    more: { argv?: readonly string[]; exitCode?: number; stderr?: string; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'GitError';
    this.problem = problem;
    this.argv = more.argv ?? [];
    this.exitCode = more.exitCode ?? -1;
    this.stderr = more.stderr ?? '';
  }
}

/**
 * Exit codes that a mail can bring about in the commands that read it: no, broken beyond reading, and
 * git failing over it (SIGABRT, SIGFPE, SIGSEGV: a cut "new file mode" line is enough for an assertion).
 */
export const REFUSED_EXITS: readonly number[] = [1, 128, 134, 136, 139];

const TIMEOUT_MS = 60_000;
const MAX_BYTES = 64 << 20;
const MAX_STDERR_BYTES = 16 << 10;

/** Nothing of the user, of the system or of a tree may change what git does. */
const CONFIG: readonly string[] = [
  'safe.directory=*',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'core.autocrlf=false',
  'core.safecrlf=false',
  'core.protectHFS=true',
  'core.protectNTFS=true',
  'core.quotePath=false',
  'commit.gpgSign=false',
  'i18n.commitEncoding=UTF-8',
  'gc.auto=0',
  'maintenance.auto=false',
];

function environment(place: GitPlace): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    // the user's index is never refreshed, and a partial clone never fetches into the user's objects
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: '',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LITERAL_PATHSPECS: '1',
    // one allocation above this ends git instead of the machine (deflate bombs in binary patches)
    GIT_ALLOC_LIMIT: '1g',
    ...(place.gitDir === undefined ? {} : { GIT_DIR: place.gitDir }),
    ...place.env,
  };
}

const configArgs = CONFIG.flatMap((entry) => ['-c', entry]);

/**
 * Runs one command whose answer is short text, and returns its standard output as written.
 * Throws GitError when it exits with anything but 0, or `stop` aborts.
 */
export async function gitText(
  place: GitPlace,
  argv: readonly string[],
  timeoutMs = TIMEOUT_MS,
  stop?: AbortSignal,
): Promise<string> {
  const env = environment(place);
  const late = AbortSignal.timeout(timeoutMs);
  const signal = stop ? AbortSignal.any([late, stop]) : late;
  let exitCode = -1;
  let stderr = '';
  const run = async (): Promise<string> =>
    await simpleGit({
      baseDir: place.cwd,
      config: [...CONFIG],
      allowEnvironment: Object.keys(env).filter((name) => name.startsWith('GIT_')),
      unsafe: {
        allowUnsafeConfigPaths: true,
        allowUnsafeHooksPath: true,
        allowUnsafeFsMonitor: true,
        allowUnsafeTemplateDir: true,
      },
      abort: signal,
      trimmed: false,
      // by itself simple-git takes a failure without words on stderr for a success
      errors: (error, result) => {
        exitCode = result.exitCode;
        stderr = Buffer.concat(result.stdErr).toString('utf8', 0, MAX_STDERR_BYTES);
        return result.exitCode === 0 ? undefined : (error ?? Buffer.from(stderr));
      },
    })
      .env(env)
      .raw([...argv]);
  try {
    return await run();
  } catch (cause) {
    if (late.aborted) throw timedOut(argv, timeoutMs, cause);
    throw failed(argv, exitCode, stderr === '' && cause instanceof Error ? cause.message : stderr, cause);
  }
}

/**
 * Runs one command with bytes in and out.
 * Throws GitError on another exit code than `okExit`, on a time-out and on too much output.
 */
export async function runGit(place: GitPlace, argv: readonly string[], limits: GitLimits = {}): Promise<GitAnswer> {
  const chunks: Buffer[] = [];
  const end = await streamGit(
    place,
    argv,
    (chunk) => {
      chunks.push(chunk);
      return true;
    },
    limits,
  );
  if (!(limits.okExit ?? [0]).includes(end.exitCode)) throw failed(argv, end.exitCode, end.stderr);
  return { ...end, stdout: Buffer.concat(chunks) };
}

/**
 * Runs one command and hands its output over as it comes; when `take` returns false the command is
 * ended, and that counts as exit code 0. The exit code is otherwise left to the caller.
 */
export async function streamGit(
  place: GitPlace,
  argv: readonly string[],
  take: (chunk: Buffer) => boolean,
  limits: GitLimits = {},
): Promise<Omit<GitAnswer, 'stdout'>> {
  const child = spawnGit(place, argv);
  child.stdin.on('error', judgedByExitCode);
  child.stdin.end(limits.input ?? '');
  return await untilEnd(child, argv, take, limits);
}

/**
 * Runs `first | second` and returns the output of `second`. Limits hold for the pair. The exit code
 * of `first` does not count when `second` is content, as in a shell.
 */
export async function pipeGit(
  place: GitPlace,
  first: readonly string[],
  second: readonly string[],
  limits: GitLimits = {},
): Promise<Buffer> {
  const source = spawnGit(place, first);
  const sink = spawnGit(place, second);
  for (const child of [source, sink]) child.stdin.on('error', judgedByExitCode);
  source.on('error', () => sink.stdin.end());
  source.stderr.resume();
  source.stdin.end(limits.input ?? '');
  source.stdout.pipe(sink.stdin);
  const chunks: Buffer[] = [];
  try {
    const end = await untilEnd(
      sink,
      second,
      (chunk) => {
        chunks.push(chunk);
        return true;
      },
      limits,
    );
    if (end.exitCode !== 0) throw failed(second, end.exitCode, end.stderr);
    return Buffer.concat(chunks);
  } finally {
    source.kill('SIGKILL');
  }
}

/** Starts a command that stays; the caller speaks its protocol and ends it. */
export function spawnGit(place: GitPlace, argv: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn('git', [...configArgs, ...argv], {
    cwd: place.cwd,
    env: environment(place),
    stdio: 'pipe',
    // A terminal's Ctrl-C is ours to answer: git would be gone before what is still to be read. It ends with our pipes.
    detached: true,
    windowsHide: true,
  });
}

async function untilEnd(
  child: ChildProcessWithoutNullStreams,
  argv: readonly string[],
  take: (chunk: Buffer) => boolean,
  limits: GitLimits,
): Promise<Omit<GitAnswer, 'stdout'>> {
  const { timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES } = limits;
  return await new Promise((resolve, reject) => {
    let bytes = 0;
    let stderr = Buffer.alloc(0);
    let stopped: 'enough' | GitError | undefined;
    const stop = (why: 'enough' | GitError): void => {
      stopped ??= why;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => stop(timedOut(argv, timeoutMs)), timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => {
      if (stopped !== undefined) return;
      bytes += chunk.length;
      if (bytes > maxBytes)
        stop(new GitError('too-much-output', `git ${name(argv)} wrote more than ${maxBytes} bytes`, { argv }));
      else if (!take(chunk)) stop('enough');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < MAX_STDERR_BYTES) stderr = Buffer.concat([stderr, chunk]).subarray(0, MAX_STDERR_BYTES);
    });
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(failed(argv, -1, cause.message, cause));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (stopped instanceof GitError) reject(stopped);
      else
        resolve({
          exitCode: stopped === 'enough' ? 0 : (code ?? (signal === null ? -1 : 128 + constants.signals[signal])),
          stderr: stderr.toString('utf8'),
        });
    });
  });
}

function judgedByExitCode(): void {
  // a child that ends before it read all its input shows that in its exit code; the broken pipe adds nothing
}

function name(argv: readonly string[]): string {
  return argv.find((word) => !word.startsWith('-')) ?? '';
}

function timedOut(argv: readonly string[], timeoutMs: number, cause?: unknown): GitError {
  return new GitError('timed-out', `git ${name(argv)} took longer than ${timeoutMs} ms`, { argv, cause });
}

function failed(argv: readonly string[], exitCode: number, stderr: string, cause?: unknown): GitError {
  if (exitCode < 0 && /\bspawn git ENOENT\b/.test(stderr))
    return new GitError('no-git', 'git was not found on PATH, or the directory it was to run in is gone', {
      argv,
      cause,
    });
  const words = stderr.trim().slice(0, 1000) || 'it gave no reason';
  return new GitError('failed', `git ${name(argv)} failed (exit code ${exitCode}): ${words}`, {
    argv,
    exitCode,
    stderr,
    cause,
  });
}

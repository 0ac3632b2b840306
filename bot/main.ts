/**
 * The process: only here the environment is read, the clock is taken and the process ended. What there is to run stands
 * in program.ts.
 */

import { removeLeftovers } from '../queue/leftovers.ts';
import { printableMessage } from './printable.ts';
import { programOf } from './program.ts';

const stop = new AbortController();
let isGraceful = false;
const program = programOf({
  world,
  gracefulWorld,
  ends: (status) => {
    process.exitCode = status;
  },
});

/** All that commands know of the process around them. */
function world(): World {
  return {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    now: () => performance.now(),
    date: () => new Date(),
    machine: process.arch,
    stop: stop.signal,
    verbosity: verbosityOf(program.opts()),
  };
}

function verbosityOf({ quiet, verbose }: { quiet?: boolean; verbose?: boolean }): World['verbosity'] {
  return quiet ? 'quiet' : verbose ? 'verbose' : 'normal';
}

/** For what has something to bring to its end: the first signal asks it to, the second ends it. */
function gracefulWorld(): World {
  isGraceful = true;
  return world();
}

export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  readonly date: () => Date;
  /** process.arch */
  readonly machine: string;
  /** Aborts when the process is asked to end. */
  readonly stop: AbortSignal;
  /** How much is told on standard error. */
  readonly verbosity: 'quiet' | 'normal' | 'verbose';
}

/** Errors that an operator, a mail or the machine can cause: their message says all. */
const EXPECTED = new Set([
  'ConfigError',
  'KconfigError',
  'GitError',
  'ImapError',
  'SandboxError',
  'MailboxError',
  'MailError',
  'TemplateError',
  'ConfError',
  'UnknownArchError',
  'UsageError',
  'RedisError',
  'QueueError',
  'LockError',
  'DamagedFileError',
  'InvalidArgumentError',
]);

// Who reads us may go first (`depbot rules | head`); the work and its exit status stay the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** timeout(1) signals the process and then its group: what follows within this is the same signal. */
const SAME_SIGNAL_MS = 300;
let askedMs = Number.NEGATIVE_INFINITY;

// Who stops us finds nothing left behind.
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => {
    if (isGraceful && !stop.signal.aborted) {
      askedMs = performance.now();
      stop.abort();
      return;
    }
    if (performance.now() - askedMs < SAME_SIGNAL_MS) return;
    removeLeftovers();
    process.exit(status);
  });
}

try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = failure(error);
}

/** One clear line for what an operator or a mail can cause; the stack only for a bug of ours. */
function failure(error: unknown): number {
  const { name, message, stack, syscall } = error as NodeJS.ErrnoException;
  if (name === 'CommanderError') return (error as { exitCode: number }).exitCode === 0 ? 0 : 2;
  // Those with a syscall are the machine's: no room, no permission, no memory.
  const isExpected = EXPECTED.has(name) || syscall !== undefined;
  const text = isExpected ? message : `this is a bug of depbot: ${stack ?? message}`;
  process.stderr.write(`depbot: ${printableMessage(text)}\n`);
  return 2;
}

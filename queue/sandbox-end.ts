/** How a sandboxed run is ended before its own end. */
import type { ChildProcess } from 'node:child_process';

/** In what bwrap writes with --json-status-fd. */
const INNER = /"child-pid": (\d+)/;

/** A bare run is a process group. */
export function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined) kill(-child.pid);
}

/**
 * Kills bwrap, and the first process of its PID namespace, whose number bwrap writes to `status`: that one asks to
 * die with bwrap (--die-with-parent), but only some time after it was made. Until its number is there, it is waited for.
 */
export function killSandbox(child: ChildProcess, status: () => string, triesLeft = 100): void {
  const isKnown = INNER.test(status());
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (!isKnown && triesLeft > 0) {
    setTimeout(() => killSandbox(child, status, triesLeft - 1), 10);
    return;
  }
  child.kill('SIGKILL');
  killInner(status());
}

/** Kills the first process in the sandbox, and so all of them; none where its number is not there yet. */
export function killInner(status: string): void {
  const pid = INNER.exec(status)?.[1];
  if (pid !== undefined) kill(Number(pid));
}

/** Kills one process, or with a negative number a group; one that is gone already is no fault. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

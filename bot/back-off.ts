/** Trying again: a server that is away comes back, and must not be stormed when it does. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log.ts';

/** Milliseconds before the first, and before any later, new attempt. */
const FIRST_MS = 1000;
const MOST_MS = 5 * 60 * 1000;

export interface BackOff {
  /** What is tried, for the log: `mailbox kernel/INBOX`. */
  readonly what: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly firstMs?: number;
}

/**
 * Runs `work` again and again until `signal` aborts. What it throws is logged in one line, and the wait before the
 * next run doubles, up to five minutes; `work` calls `settled` once it has succeeded at what it is for, and the wait
 * is short again. An error for which `isFatal` is true is thrown. Resolves when aborted.
 */
export async function keepTrying(
  { what, log, signal, firstMs = FIRST_MS }: BackOff,
  work: (settled: () => void) => Promise<void>,
  isFatal: (error: unknown) => boolean = () => false,
): Promise<void> {
  let waitMs = firstMs;
  while (!signal.aborted) {
    try {
      await work(() => {
        waitMs = firstMs;
      });
    } catch (error) {
      if (signal.aborted) return;
      if (isFatal(error)) throw error;
      log.warn(`${what}: ${(error as Error).message}; next attempt in ${Math.ceil(waitMs / 1000)} s`);
      await pause(waitMs, signal);
      waitMs = Math.min(2 * waitMs, MOST_MS);
    }
  }
}

/** Waits; returns at once, without an error, when `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((error: Error) => {
    if (error.name !== 'AbortError') throw error;
  });
}

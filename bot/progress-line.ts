/**
 * How far one check is, on standard error: on a terminal a line that is written over, with the rate and the time left
 * where there is something to count; elsewhere a plain line now and then, so that a log shows that it goes on. With -v
 * each step is a line of its own, with -q there is nothing.
 */

import type { World } from './main.ts';
import { printable } from './printable.ts';

/** Where there is no terminal, a step that takes less is not told. */
const PLAIN_MS = 30_000;

export interface ProgressLine {
  /** `architecture 3 of 21: arm`; without `leftMs` the time that is left is told from such numbers, as far as it can be. */
  show(text: string, leftMs?: number): void;
  /** Takes the line away, before something else is written. */
  clear(): void;
}

export function progressLine({
  stderr,
  now,
  verbosity,
  env,
}: Pick<World, 'stderr' | 'now' | 'verbosity' | 'env'>): ProgressLine {
  const write = (text: string): void => void stderr.write(text);
  if (verbosity === 'quiet') return { show: () => undefined, clear: () => undefined };
  if (verbosity === 'verbose') {
    const began = now();
    return {
      show: (text, leftMs) =>
        write(`depbot: ${((now() - began) / 1000).toFixed(1)} s: ${printable(text)}${timeLeft(leftMs)}\n`),
      clear: () => undefined,
    };
  }
  const isTerminal = stderr.isTTY === true && env['TERM'] !== 'dumb';
  return isTerminal ? overwritten(write, now) : plain(write, now);
}

function overwritten(write: (text: string) => void, now: () => number): ProgressLine {
  const rates = new Rates(now);
  return {
    show: (text, leftMs) => write(`\r\x1b[K${printable(text)}${rates.of(text, leftMs)}`),
    clear: () => write('\r\x1b[K'),
  };
}

function plain(write: (text: string) => void, now: () => number): ProgressLine {
  const rates = new Rates(now);
  let toldMs = now();
  return {
    show: (text, leftMs) => {
      const rate = rates.of(text, leftMs);
      if (now() - toldMs < PLAIN_MS) return;
      toldMs = now();
      write(`depbot: ${printable(text)}${rate}\n`);
    },
    clear: () => undefined,
  };
}

/** From texts with `n of m` in them. A smaller n begins something new. */
class Rates {
  readonly #now: () => number;
  /** From where it is counted. */
  #first: { readonly done: number; readonly total: number; readonly ms: number; readonly isSecond?: true } | undefined;
  #last = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** `, 1.2/s, 15 s left`, `, 20 s each, 3 min left`; empty where there is nothing to count, or too little yet. */
  of(text: string, leftMs?: number): string {
    if (leftMs !== undefined) {
      this.#first = undefined;
      return timeLeft(leftMs);
    }
    const [, n, m] = /\b(\d+) of (\d+)\b/.exec(text) ?? [];
    if (n === undefined) {
      this.#first = undefined;
      return '';
    }
    const [done, total] = [Number(n), Number(m)];
    if (this.#first?.total !== total || done < this.#last) this.#first = { done, total, ms: this.#now() };
    this.#last = done;
    // The first of them often does work for all: it is counted from the second.
    if (done === this.#first.done + 1 && !this.#first.isSecond)
      this.#first = { done, total, ms: this.#now(), isSecond: true };
    const tookS = (this.#now() - this.#first.ms) / 1000;
    if (done < this.#first.done + (this.#first.isSecond ? 1 : 2) || tookS < 1) return '';
    const perS = (done - this.#first.done) / tookS;
    const pace = perS < 1 ? `${lasting(1 / perS)} each` : `${perS.toPrecision(2)}/s`;
    return `, ${pace}, ${lasting((total - done + 1) / perS)} left`;
  }
}

/** `, about 3 min left`; empty where it is not known. */
export function timeLeft(leftMs: number | undefined): string {
  return leftMs === undefined ? '' : `, about ${lasting(leftMs / 1000)} left`;
}

/** `52 s`, `12 min`, `1 h 10 min`. */
function lasting(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

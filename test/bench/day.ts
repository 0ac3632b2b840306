/**
 * A day at the queue, simulated: series come over 24 hours and N workers check them, in the turns of queue/turns.ts (what
 * a maintainer asked for, then lists fairly, small before large). Events in order, no clock: the same every time.
 *
 * Recorded: how long checks took whose claims were built (check-times.json), the share of patches that comes in each
 * hour (180,000 mails of seven lists, UTC), and how many patches a series has (40,000 series of these lists). Assumed:
 * 40 lists of which the n-th gets 1/n of what the first gets, a cover letter from two patches on, 2 of 100 series asked
 * for by a maintainer; and that a check takes as many times longer as there are patches, up to ten: it is more than it
 * does, since only what is built after each patch grows.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { CheckJob } from '../../queue/jobs.ts';
import { Turns } from '../../queue/turns.ts';
import { glibcRand } from '../oracle/glibc-rand.ts';
import { median } from './measure.ts';

const Recorded = z.object({ of: z.string(), seconds: z.array(z.number().positive()).min(1) });

/** Of 1,000 patches, from midnight on. */
const BY_HOUR = [23, 21, 21, 21, 16, 19, 30, 41, 50, 54, 52, 53, 59, 61, 59, 60, 55, 51, 46, 38, 40, 38, 36, 22];
/** Of 1,000 series, those with so many patches. */
const BY_SIZE: readonly (readonly [patches: number, series: number])[] = [
  ...([
    [1, 567],
    [2, 107],
    [3, 74],
    [4, 49],
    [5, 37],
    [6, 30],
    [7, 24],
    [8, 18],
    [9, 16],
    [11, 22],
    [14, 20],
    [18, 15],
    [24, 11],
    [40, 8],
    [120, 2],
  ] as const),
];
const LISTS = 40;
const URGENT_OF_100 = 2;
/** Patches after each of which a series is built (queue/try-out.ts). */
const MOST_BUILT = 10;

export interface Day {
  readonly series: number;
  readonly workers: number;
}

/** Minutes that series waited. */
export interface Waits {
  readonly medianMin: number;
  /** Nine of ten waited no longer. */
  readonly tenthMin: number;
  readonly urgentMedianMin: number;
  /** Of series with more than 20 patches. */
  readonly largeMedianMin: number;
  /** How long the workers worked, of the time that they were there. */
  readonly busy: number;
}

interface Arrival {
  readonly atSec: number;
  readonly tookSec: number;
  readonly job: CheckJob;
  readonly isUrgent: boolean;
}

/** Seconds that checks of single patches took. */
export function recordedChecks(): readonly number[] {
  return Recorded.parse(JSON.parse(readFileSync(join(import.meta.dirname, 'check-times.json'), 'utf8'))).seconds;
}

export function simulateDay({ series, workers }: Day, checks: readonly number[]): Waits {
  const arrivals = arrivalsOf(series, checks);
  const turns = new Turns();
  const waiting: { readonly arrival: Arrival; readonly priority: number }[] = [];
  /** When each worker is done with what it has. */
  const free = Array.from({ length: workers }, () => 0);
  const waits: { readonly sec: number; readonly arrival: Arrival }[] = [];
  let next = 0;
  while (waits.length < arrivals.length) {
    const at = free.indexOf(Math.min(...free));
    // a worker that has nothing to do waits for the next to come
    const now = waiting.length > 0 ? free[at]! : Math.max(free[at]!, arrivals[next]!.atSec);
    for (; next < arrivals.length && arrivals[next]!.atSec <= now; next += 1) {
      const arrival = arrivals[next]!;
      waiting.push({ arrival, priority: turns.place(arrival.job, arrival.isUrgent) });
    }
    const taken = waiting.reduce((best, one, i) => (one.priority < waiting[best]!.priority ? i : best), 0);
    const [{ arrival }] = waiting.splice(taken, 1) as [(typeof waiting)[number]];
    turns.taken(arrival.job.key);
    waits.push({ sec: now - arrival.atSec, arrival });
    free[at] = now + arrival.tookSec;
  }
  const minutes = (some: typeof waits): number[] => some.map(({ sec }) => sec / 60).sort((a, b) => a - b);
  const all = minutes(waits);
  const workedSec = arrivals.reduce((sum, { tookSec }) => sum + tookSec, 0);
  return {
    medianMin: median(all),
    tenthMin: all[Math.floor(0.9 * all.length)]!,
    urgentMedianMin: median(minutes(waits.filter(({ arrival }) => arrival.isUrgent))),
    largeMedianMin: median(minutes(waits.filter(({ arrival }) => arrival.job.mails.length > 20))),
    busy: workedSec / (workers * Math.max(...free)),
  };
}

/** The fewest workers with whom half of the series wait no longer than that. */
export function workersFor(series: number, checks: readonly number[], medianMin: number): number {
  for (let workers = 1; ; workers += 1)
    if (simulateDay({ series, workers }, checks).medianMin <= medianMin) return workers;
}

function arrivalsOf(count: number, checks: readonly number[]): Arrival[] {
  const rand = glibcRand(1);
  const lists = Array.from({ length: LISTS }, (_, n): [number, number] => [n, Math.round(1000 / (n + 1))]);
  const hours = BY_HOUR.map((share, hour): [number, number] => [hour, share]);
  const arrivals = Array.from({ length: count }, (_, n): Arrival => {
    const patches = drawn(BY_SIZE, rand);
    return {
      atSec: 3600 * drawn(hours, rand) + (rand() % 3600),
      tookSec: checks[rand() % checks.length]! * Math.min(patches, MOST_BUILT),
      job: {
        schema: 1,
        key: n.toString(16).padStart(32, '0'),
        subject: '',
        mails: Array.from({ length: patches === 1 ? 1 : patches + 1 }, () => ''),
        list: `list-${drawn(lists, rand)}`,
      },
      isUrgent: rand() % 100 < URGENT_OF_100,
    };
  });
  return arrivals.sort((a, b) => a.atSec - b.atSec);
}

/** One of them, by their shares. */
function drawn(shares: readonly (readonly [value: number, share: number])[], rand: () => number): number {
  const sum = shares.reduce((total, [, share]) => total + share, 0);
  let left = rand() % sum;
  for (const [value, share] of shares) {
    if (left < share) return value;
    left -= share;
  }
  throw new RangeError('there is nothing to draw from');
}

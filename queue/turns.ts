/**
 * In which turn series are checked, as priorities of BullMQ (1 goes first; the same go by age): what a maintainer asked
 * for, then the rest by self-clocked fair queueing. Each list has a clock that goes on by the cost of its series; the
 * clock of all is that of the series taken last, and a list that was quiet starts there. So a busy list waits for
 * itself, a large series comes after small ones, and none waits for ever.
 */

import type { CheckJob } from './jobs.ts';

export const URGENT = 1;
const FIRST = 2;
/** Of BullMQ. */
const MOST = 2 ** 21;
/** Mails up to which a series is small; a larger one does not make the small ones of its list wait. */
const SMALL_MAILS = 20;
/** A check of 700 patches takes longer than one of a few, but not 700 times as long. */
const MOST_COST = 100;

interface Place {
  readonly lane: string;
  readonly priority: number;
  /** Where its lane was before, if it was placed here. */
  readonly laneWas?: number;
}

/** Of one process, which alone puts jobs into the queue. */
export class Turns {
  /** Of jobs that wait, by key. */
  readonly #waiting = new Map<string, Place>();
  /** Where the last job of each lane was placed. */
  readonly #lanes = new Map<string, number>();
  #clock = FIRST;

  /** The priority of a new job. When nothing waits, all clocks start again. */
  place(job: CheckJob, isUrgent: boolean): number {
    if (isUrgent) return URGENT;
    if (this.#waiting.size === 0) {
      this.#lanes.clear();
      this.#clock = FIRST;
    }
    const lane = laneOf(job);
    const laneWas = this.#lanes.get(lane) ?? 0;
    const start = Math.max(this.#clock, laneWas);
    const priority = Math.min(start + Math.min(job.mails.length, MOST_COST), MOST);
    this.#keep(job.key, { lane, priority, laneWas });
    return priority;
  }

  /** The job that was just placed is in the queue already: its list does not pay for it again. */
  takeBack(key: string): void {
    const place = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (place?.laneWas !== undefined && this.#lanes.get(place.lane) === place.priority)
      this.#lanes.set(place.lane, place.laneWas);
  }

  /** Whether a job is known to wait. */
  isWaiting(key: string): boolean {
    return this.#waiting.has(key);
  }

  /** A job that waits already, since an earlier process put it there with this priority. */
  known(job: CheckJob, priority: number): void {
    if (priority >= FIRST && !this.#waiting.has(job.key)) this.#keep(job.key, { lane: laneOf(job), priority });
  }

  /** It waits no longer: a worker has it. One that is not known says nothing. */
  taken(key: string): void {
    this.#clock = Math.max(this.#clock, this.#waiting.get(key)?.priority ?? 0);
    this.#waiting.delete(key);
  }

  /** It waits no longer, and nobody worked on it; or it is urgent now. */
  gone(key: string): void {
    this.#waiting.delete(key);
  }

  #keep(key: string, place: Place): void {
    this.#waiting.set(key, place);
    this.#lanes.set(place.lane, Math.max(this.#lanes.get(place.lane) ?? 0, place.priority));
  }
}

function laneOf({ list = '', mails }: CheckJob): string {
  return `${mails.length > SMALL_MAILS ? 'large' : 'small'} ${list}`;
}

/** Times of the stages of a check. */

export class Clock {
  /** Milliseconds by stage. */
  readonly laps: Record<string, number> = {};
  readonly #now: () => number;
  #last: number;

  /** `now` gives milliseconds of any monotonic clock. */
  constructor(now: () => number) {
    this.#now = now;
    this.#last = now();
  }

  /** A stage ended: what passed since the last one did. */
  lap(name: string): void {
    const at = this.#now();
    this.laps[name] = Math.round(at - this.#last);
    this.#last = at;
  }
}

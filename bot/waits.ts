/** Milliseconds before the first, and before any later, new attempt. */
const FIRST_MS = 1000;
const MOST_MS = 5 * 60 * 1000;

/** When to try again: a mail by its id, a server by its name. */
export class Waits {
  readonly #waits = new Map<string, { readonly until: number; readonly ms: number }>();

  until(...keys: readonly string[]): number {
    return Math.max(0, ...keys.map((key) => this.#waits.get(key)?.until ?? 0));
  }

  /** Waits twice as long as the last time, and says how long. */
  failed(key: string, now: number): string {
    const ms = Math.min(2 * (this.#waits.get(key)?.ms ?? FIRST_MS / 2), MOST_MS);
    this.#waits.set(key, { until: now + ms, ms });
    return `next attempt in ${Math.ceil(ms / 1000)} s`;
  }

  worked(...keys: readonly string[]): void {
    for (const key of keys) this.#waits.delete(key);
  }
}

/** A connection to Redis, watched: that it went away is said once, and no call waits for it for ever. */

import type { Log } from './jobs.ts';
import type { RedisAddress } from './redis-server.ts';

const SAME_LINE_MS = 5 * 60_000;

/** The queue cannot be used: Redis is away or not usable, or what it is asked makes no sense. */
export class QueueError extends Error {
  override readonly name = 'QueueError';
}

/** Whether the work ended within that time. */
export async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, ms, false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What BullMQ's classes have in common here. */
interface Seen {
  on(event: 'error' | 'ioredis:close', listener: (error: Error) => void): unknown;
  getBackend(): { on(event: 'ready', listener: () => void): unknown };
}

/** Says once that a Redis is away, and once that it is back; and lets no call wait for it for ever. */
export class Watch {
  readonly name: string;
  up = false;
  readonly #log: Log;
  /** Lines that were written, with when: the same trouble comes with each attempt, and from each connection. */
  readonly #said = new Map<string, number>();
  #trouble = '';
  #waiting: (() => void)[] = [];

  constructor(what: string, redis: RedisAddress, log: Log) {
    this.name = `${what} at Redis ${placeOf(redis)}`;
    this.#log = log;
  }

  see(part: Seen): void {
    part.on('error', (error: Error) => this.#say(wordsOf(error)));
    part.on('ioredis:close', () => {
      // each attempt that fails ends with this as well, after its error
      if (this.up) this.#say('the connection ended; connecting again');
      this.up = false;
    });
    part.getBackend().on('ready', () => {
      this.up = true;
      for (const go of this.#waiting.splice(0)) go();
      if (this.#said.size > 0) this.#log.info(`${this.name}: connected`);
      this.#said.clear();
      this.#trouble = '';
    });
  }

  /**
   * Throws QueueError after `ms` (what was asked may still happen later) or when Redis answers with an error, and
   * SyntaxError for what is there but not JSON.
   */
  async ask<T>(question: () => Promise<T>, ms: number): Promise<T> {
    const until = performance.now() + ms;
    // nothing is asked before there is a connection: it would be kept, with all its bytes, until there is
    if (!this.up) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      const came = await within(promise, ms);
      this.#waiting = this.#waiting.filter((go) => go !== resolve);
      if (!came) throw new QueueError(this.#silence(ms));
    }
    const answer = question();
    answer.catch(() => undefined);
    try {
      if (await within(answer, until - performance.now())) return await answer;
    } catch (error) {
      if (error instanceof SyntaxError) throw error;
      throw new QueueError(`${this.name}: ${wordsOf(error as Error)}`, { cause: error });
    }
    throw new QueueError(this.#silence(ms));
  }

  #silence(ms: number): string {
    const trouble = this.#trouble === '' ? '' : `: ${this.#trouble}`;
    return `${this.name}: no answer within ${Math.ceil(ms / 1000)} s${trouble}; is Redis running there?`;
  }

  #say(text: string): void {
    this.#trouble = text;
    const now = performance.now();
    if (now - (this.#said.get(text) ?? Number.NEGATIVE_INFINITY) < SAME_LINE_MS) return;
    if (this.#said.size >= 100) this.#said.clear();
    this.#said.set(text, now);
    this.#log.warn(`${this.name}: ${text}`);
  }
}

/** Without what may be secret. Throws QueueError when it is no address. */
function placeOf(redis: RedisAddress): string {
  if ('path' in redis) return redis.path;
  const url = URL.canParse(redis.url) ? new URL(redis.url) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol) || url.hostname === '')
    throw new QueueError(
      'the address of Redis is not a URL such as redis://127.0.0.1:6379 or rediss://user:password@host:6379/0',
    );
  return `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
}

/** An AggregateError (several addresses of one name) has no message of its own. */
export function wordsOf(error: Error & { readonly code?: string }): string {
  const first = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : undefined;
  return first?.message ?? (error.message || error.code || error.name);
}

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { keepTrying, pause } from '../../bot/back-off.ts';

let lines: string[];
let stop: AbortController;
const log = { info: (text: string) => lines.push(text), warn: (text: string) => lines.push(`warning: ${text}`) };

beforeEach(() => {
  lines = [];
  stop = new AbortController();
});

/** Runs each of `turns`, the first at once, and stops after the last. When each was begun, in ms. */
async function run(turns: readonly ((settled: () => void) => void)[], firstMs?: number): Promise<number[]> {
  const at: number[] = [];
  const begin = performance.now();
  await keepTrying({ what: 'a server', log, signal: stop.signal, ...(firstMs && { firstMs }) }, async (settled) => {
    at.push(performance.now() - begin);
    if (at.length === turns.length) stop.abort();
    turns[at.length - 1]!(settled);
  });
  return at;
}
const fail = (): void => {
  throw new Error('away');
};

describe('keepTrying', () => {
  test('waits twice as long each time, and says so in one line each time', async () => {
    const at = await run([fail, fail, fail, fail], 20);
    const waits = at.slice(1).map((ms, index) => ms - at[index]!);
    // Timers may be late on a busy machine, never early by more than the clock's grain.
    for (const [index, ms] of waits.entries()) expect(ms).toBeGreaterThan(20 * 2 ** index - 2);
    expect(lines).toEqual(Array(3).fill('warning: a server: away; next attempt in 1 s'));
  });

  test('begins with short waits again once it has settled, and not before', async () => {
    const settle = (settled: () => void): void => {
      settled();
      fail();
    };
    await run([fail, fail, settle, fail], 600);
    expect(lines.map((line) => /in (\d+) s/.exec(line)![1])).toEqual(['1', '2', '1']);
  });

  test('does not wait after work that has ended well', async () => {
    const at = await run([() => undefined, () => undefined, () => undefined], 60_000);
    expect(at).toHaveLength(3);
    expect(lines).toEqual([]);
  });

  test('throws what is fatal, and tries nothing again', async () => {
    let turns = 0;
    const work = async (): Promise<void> => {
      turns += 1;
      throw new RangeError('ours');
    };
    const isFatal = (error: unknown): boolean => error instanceof RangeError;
    await expect(keepTrying({ what: 'x', log, signal: stop.signal }, work, isFatal)).rejects.toThrow('ours');
    expect([turns, lines]).toEqual([1, []]);
  });

  test('ends in the middle of a wait, without an error', async () => {
    setTimeout(() => stop.abort(), 30);
    const turns = vi.fn(async () => fail());
    await keepTrying({ what: 'x', log, signal: stop.signal, firstMs: 60_000 }, turns);
    expect(turns).toHaveBeenCalledTimes(1);
  });

  test('does nothing when it is to end from the start, and says nothing of what fails because of the end', async () => {
    const turns = vi.fn(async () => {
      stop.abort();
      throw new Error('cut');
    });
    await keepTrying({ what: 'x', log, signal: stop.signal }, turns);
    await keepTrying({ what: 'x', log, signal: stop.signal }, turns);
    expect(turns).toHaveBeenCalledTimes(1);
    expect(lines).toEqual([]);
  });
});

describe('pause', () => {
  afterEach(() => stop.abort());

  test('waits', async () => {
    const begin = performance.now();
    await pause(30, stop.signal);
    expect(performance.now() - begin).toBeGreaterThan(28);
  });

  test('does not wait once it is over', async () => {
    stop.abort();
    const begin = performance.now();
    await pause(60_000, stop.signal);
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});

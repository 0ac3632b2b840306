import { describe, expect, it } from 'vitest';
import type { CheckJob } from '../../queue/jobs.ts';
import { Turns, URGENT } from '../../queue/turns.ts';
import { jobNumber } from '../support/redis.ts';

let last = 0;

function jobs(list: string, count: number, patches = 1): CheckJob[] {
  return Array.from({ length: count }, () => {
    const job = jobNumber(++last);
    return { ...job, list, mails: Array.from({ length: patches }, () => job.mails[0]!) };
  });
}

/** Puts jobs in, in their order, then takes all: lists in the order in which they are served. */
function served(turns: Turns, waiting: readonly CheckJob[]): string[] {
  const placed = waiting.map((job) => ({ job, priority: turns.place(job, false) }));
  const order = placed.sort((a, b) => a.priority - b.priority).map(({ job }) => job);
  for (const { key } of order) turns.taken(key);
  return order.map(({ list, mails }) => (mails.length > 1 ? `${list} (${mails.length})` : list!));
}

describe('turns', () => {
  it('go round the lists, whatever one of them has waiting', () => {
    expect(served(new Turns(), [...jobs('busy', 4), ...jobs('quiet', 2)])).toEqual([
      'busy',
      'quiet',
      'busy',
      'quiet',
      'busy',
      'busy',
    ]);
  });

  it('of small series come before those of large ones, also on their own list', () => {
    const order = served(new Turns(), [...jobs('a', 1, 700), ...jobs('b', 1, 8), ...jobs('a', 1), ...jobs('b', 1)]);
    expect(order).toEqual(['a', 'b (8)', 'b', 'a (700)']);
  });

  it('come for a large series though small ones never end', () => {
    const turns = new Turns();
    const [large] = jobs('a', 1, 700);
    const mine = turns.place(large!, false);
    for (let count = 1; ; count++) {
      expect(count).toBeLessThan(150);
      const [small] = jobs('b', 1);
      if (turns.place(small!, false) > mine) return;
      turns.taken(small!.key);
    }
  });

  it('give a list that was quiet no credit for the past', () => {
    const turns = new Turns();
    const waiting = jobs('busy', 50);
    const priorities = waiting.map((job) => turns.place(job, false));
    for (const { key } of waiting.slice(0, 40)) turns.taken(key);
    const late = jobs('quiet', 20).map((job) => turns.place(job, false));
    expect(late[0]).toBeGreaterThan(priorities[39]!);
    expect(late[0]).toBeLessThanOrEqual(priorities[40]!);
    expect(late[15]).toBeGreaterThan(priorities[49]!);
  });

  it('put first what a maintainer asked for', () => {
    const turns = new Turns();
    const [usual] = jobs('a', 1);
    expect(turns.place(usual!, false)).toBeGreaterThan(URGENT);
    expect(turns.place(jobs('a', 1, 700)[0]!, true)).toBe(URGENT);
  });

  it('are known again to a later process', () => {
    const [before, after] = [new Turns(), new Turns()];
    const waiting = jobs('busy', 10);
    for (const job of waiting) after.known(job, before.place(job, false));
    const [more, other] = [...jobs('busy', 1), ...jobs('quiet', 1)];
    const next = before.place(more!, false);
    expect(after.place(more!, false)).toBe(next);
    expect(after.place(other!, false)).toBeLessThan(next);
  });

  it('are paid for once by a job that turns out to be in the queue already', () => {
    const turns = new Turns();
    const [usual, again, next] = jobs('a', 3) as [CheckJob, CheckJob, CheckJob];
    turns.place(usual, false);
    const mine = turns.place(again, false);
    turns.takeBack(again.key);
    expect(turns.isWaiting(again.key)).toBe(false);
    expect(turns.place(next, false)).toBe(mine);
  });

  it('start again when nothing waits, and never leave what BullMQ takes', () => {
    const turns = new Turns();
    const [first, second, third] = jobs('a', 3) as [CheckJob, CheckJob, CheckJob];
    const priority = turns.place(first, false);
    turns.known(second, 2 ** 21);
    expect(turns.place(third, false)).toBe(2 ** 21);
    for (const { key } of [first, second]) turns.taken(key);
    turns.gone(third.key);
    expect(turns.place(third, false)).toBe(priority);
  });
});

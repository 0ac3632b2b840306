/** Groups of entries that are taken to be one series: how long, how full, put together. */

import type { Entry, Group } from './series-entry.ts';

export function groupsOf(entries: readonly Entry[]): Group[] {
  return [...new Set(entries.map((entry) => entry.group))];
}

export function tagsOf(entry: Entry): string {
  return JSON.stringify(entry.subject.tags.map((tag) => tag.toLowerCase()).sort());
}

/** The length of a group: what most of its mails say (of ties the larger), never less than its highest position. */
export function totalOf(group: Group): number {
  return new Tally(group).total;
}

export function positions(group: Group): Set<number> {
  return new Set(group.entries.map((entry) => entry.n));
}

export function isComplete(group: Group): boolean {
  return new Tally(group).isComplete;
}

export function isCoverOnly(group: Group): boolean {
  return group.entries.every((entry) => entry.n === 0);
}

export function collide(a: Group, b: Group): boolean {
  return new Tally(a).collides(b);
}

/** A group that others are put into, with its counts, so that each costs what it has and not what is there. */
export class Tally {
  readonly group: Group;
  readonly #have = new Set<number>();
  readonly #votes = new Map<number, number>();
  #highest = 0;

  constructor(group: Group) {
    this.group = group;
    this.#count(group.entries);
  }

  get total(): number {
    let [most, winner] = [0, 0];
    for (const [total, votes] of this.#votes)
      if (votes > most || (votes === most && total > winner)) [most, winner] = [votes, total];
    return Math.max(winner, this.#highest);
  }

  get isComplete(): boolean {
    const { total } = this;
    return total > 0 && this.#have.size - Number(this.#have.has(0)) === total;
  }

  collides({ entries }: Group): boolean {
    return entries.some(({ n }) => this.#have.has(n));
  }

  merge(from: Group): void {
    this.#count(from.entries);
    merge(this.group, from);
  }

  #count(entries: readonly Entry[]): void {
    for (const { n, total } of entries) {
      this.#have.add(n);
      this.#highest = Math.max(this.#highest, n);
      if (total > 0) this.#votes.set(total, (this.#votes.get(total) ?? 0) + 1);
    }
  }
}

export function merge(into: Group, from: Group): void {
  if (into === from) return;
  for (const entry of from.entries) entry.group = into;
  into.entries.push(...from.entries);
  into.notes.push(...from.notes);
  from.entries = [];
}

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
  const votes = new Map<number, number>();
  for (const { total } of group.entries) if (total > 0) votes.set(total, (votes.get(total) ?? 0) + 1);
  const [winner] = [...votes].sort(([a, votesA], [b, votesB]) => votesB - votesA || b - a);
  return Math.max(winner?.[0] ?? 0, ...group.entries.map((entry) => entry.n));
}

export function positions(group: Group): Set<number> {
  return new Set(group.entries.map((entry) => entry.n));
}

export function isComplete(group: Group): boolean {
  const have = positions(group);
  have.delete(0);
  const total = totalOf(group);
  return total > 0 && have.size === total;
}

export function isCoverOnly(group: Group): boolean {
  return group.entries.every((entry) => entry.n === 0);
}

export function collide(a: Group, b: Group): boolean {
  const have = positions(a);
  return b.entries.some((entry) => have.has(entry.n));
}

export function merge(into: Group, from: Group): void {
  if (into === from) return;
  for (const entry of from.entries) entry.group = into;
  into.entries.push(...from.entries);
  into.notes.push(...from.notes);
  from.entries = [];
}

/**
 * Which series in an input are superseded by a later one there: a maintainer's thread holds v1 to v3, and
 * only the last deserves a reply.
 */

import type { Assembled } from '../rules/types.ts';
import { parseSubject } from './subject.ts';

/**
 * The series that supersedes each superseded one. Revisions of one series have one author, and one change-id
 * or one title; of the same revision sent twice the later counts. The input's order is that of dates.
 */
export function superseded(series: readonly Assembled[]): Map<Assembled, Assembled> {
  const by = new Map<Assembled, Assembled>();
  for (const [i, old] of series.entries()) {
    for (const [j, other] of series.entries()) {
      if (i === j || !isSame(old, other)) continue;
      const isLater = other.revision > old.revision || (other.revision === old.revision && j > i);
      // An incomplete series is no reason to leave a complete one unchecked.
      if (isLater && (other.complete || !old.complete)) by.set(old, latest(by.get(old), other));
    }
  }
  return by;
}

function latest(a: Assembled | undefined, b: Assembled): Assembled {
  return a && a.revision > b.revision ? a : b;
}

function isSame(a: Assembled, b: Assembled): boolean {
  if (a.author.address.toLowerCase() !== b.author.address.toLowerCase()) return false;
  const [x, y] = [changeId(a), changeId(b)];
  return x !== undefined && y !== undefined ? x === y : titleOf(a) === titleOf(b);
}

function changeId(series: Assembled): string | undefined {
  return series.complete ? series.changeId : undefined;
}

function titleOf(series: Assembled): string {
  return parseSubject(series.subject).title.toLowerCase();
}

/**
 * Which series in an input are superseded by a later one there: a maintainer's thread holds v1 to v3, and
 * only the last deserves a reply.
 */

import type { Assembled } from '../rules/types.ts';
import { parseSubject } from './subject.ts';

/**
 * The series that supersedes each superseded one. Revisions of one series have one author, and one change-id or,
 * where one of the two has none, one title; of the same revision sent twice the later counts. The input's order is
 * that of dates. Time and memory grow with the number of series, not its square.
 */
export function superseded(series: readonly Assembled[]): Map<Assembled, Assembled> {
  const places = series.map((one, at): Place => ({ series: one, at, ...namesOf(one) }));
  const ofAll = newest(places);
  // An incomplete series is no reason to leave a complete one unchecked.
  const ofComplete = newest(places.filter((place) => place.series.complete));
  const by = new Map<Assembled, Assembled>();
  for (const old of places) {
    const found = old.series.complete ? ofComplete : ofAll;
    const later = old.seeks
      .flatMap((name) => found.get(name) ?? [])
      .reduce((best, other) => (isLater(other, best) ? other : best), old);
    if (later !== old) by.set(old.series, later.series);
  }
  return by;
}

/** Names under which all revisions of a series can be known: one author's, with one title or one change-id. */
export function lineageOf(series: Assembled): readonly string[] {
  return namesOf(series).lineage;
}

/** Whether two series with these names may be revisions of one; in doubt they are. */
export function isSameLineage(a: readonly string[], b: readonly string[]): boolean {
  return a.some((name) => b.includes(name));
}

interface Place {
  readonly series: Assembled;
  readonly at: number;
  /** Names that it is found under. */
  readonly names: readonly string[];
  /** Names that its later revisions are found under. */
  readonly seeks: readonly string[];
}

function namesOf(series: Assembled): Pick<Place, 'names' | 'seeks'> & { readonly lineage: readonly string[] } {
  const author = series.author.address.toLowerCase();
  const name = (kind: string, text: string): string => JSON.stringify([author, kind, text]);
  const title = parseSubject(series.subject).title.toLowerCase();
  const changeId = series.complete ? series.changeId : undefined;
  const [titled, titledOnly] = [name('title', title), name('title alone', title)];
  if (changeId === undefined) return { names: [titled, titledOnly], seeks: [titled], lineage: [titled] };
  const identified = name('change-id', changeId);
  return { names: [identified, titled], seeks: [identified, titledOnly], lineage: [identified, titled] };
}

function newest(places: readonly Place[]): Map<string, Place> {
  const found = new Map<string, Place>();
  for (const place of places) {
    for (const name of place.names) {
      const known = found.get(name);
      if (!known || isLater(place, known)) found.set(name, place);
    }
  }
  return found;
}

function isLater(a: Place, b: Place): boolean {
  return a.series.revision > b.series.revision || (a.series.revision === b.series.revision && a.at > b.at);
}

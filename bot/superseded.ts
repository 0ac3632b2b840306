/**
 * Which series in an input are superseded by a later one there: a maintainer's thread holds v1 to v3, and
 * only the last deserves a reply.
 */

import type { Assembled, MessageId, Subject } from '../rules/types.ts';
import { carriedMails, mailsOf } from './series.ts';
import { parseSubject } from './subject.ts';

/** Of a tag that names a version of the kernel: `6.6.y`, `for-6.12`, `android15-6.6`. */
const VERSION = /\d\.\d/;

/**
 * The series that supersedes each superseded one. Revisions of one series have one author and one change-id or, where
 * one of the two has none, one title and the same versions of the kernel among their tags; other tags may change (`net`,
 * then `net-next`). Of the same revision the later counts if it says RESEND or answers the earlier: two patches may well
 * have one title. One that re-sent only some patches supersedes the series that it has the others from. The input's order is that of dates. Time and memory grow with the number of series, not its square.
 */
export function superseded(series: readonly Assembled[]): Map<Assembled, Assembled> {
  const places = series.map((one, at): Place => ({ series: one, at, ...namesOf(one) }));
  const ofAll = newest(places);
  // An incomplete series is no reason to leave a complete one unchecked.
  const ofComplete = newest(places.filter((place) => place.series.complete));
  const carriers = newestCarriers(places);
  const answering = placesThatAnswer(places);
  const by = new Map<Assembled, Assembled>();
  for (const old of places) {
    const found = old.series.complete ? ofComplete : ofAll;
    const next = old.seeks
      .flatMap((name) => found.get(name) ?? [])
      .filter((other) => other.series.revision > old.series.revision);
    const resent = old.seeks.flatMap((name) => found.get(resendName(name, old)) ?? []);
    const again = mailsOf(old.series)
      .flatMap(({ messageId }) => answering.get(messageId) ?? [])
      .filter((other) => isRevisionAgain(old, other));
    const carrying = mailsOf(old.series).flatMap(({ messageId }) => carriers.get(messageId) ?? []);
    const later = [...next, ...resent, ...again, ...carrying].reduce(
      (best, other) => (isLater(other, best) ? other : best),
      old,
    );
    if (later !== old) by.set(old.series, later.series);
  }
  return by;
}

/** Names under which all revisions of a series can be known: one author's, with one title or one change-id. */
export function lineageOf(series: Assembled): readonly string[] {
  return namesOf(series).lineage;
}

/**
 * Those, and what an earlier revision is known by whose cover letter did not come, or not before its patches: the title
 * of its first patch. To find what this series supersedes, no more: two series may well begin with one title.
 */
export function lineageOfEarlier(series: Assembled): readonly string[] {
  const [first] = series.complete ? series.patches : series.have;
  const bare = first ? namesOf({ ...series, subject: first.message.subject }).lineage : [];
  return [...new Set([...lineageOf(series), ...bare])];
}

/** Whether two series with these names may be revisions of one; in doubt they are. */
export function isSameLineage(a: readonly string[], b: readonly string[]): boolean {
  return a.some((name) => b.includes(name));
}

/** Versions of the kernel among the tags of a subject, sorted. */
export function versionsIn({ tags }: Pick<Subject, 'tags'>): string[] {
  return tags
    .filter((tag) => VERSION.test(tag))
    .map((tag) => tag.toLowerCase())
    .sort();
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
  const name = (kind: string, ...texts: string[]): string => JSON.stringify([author, kind, ...texts]);
  const subject = parseSubject(series.subject);
  const title = [subject.title.toLowerCase(), ...versionsIn(subject)];
  const changeId = series.complete ? series.changeId : undefined;
  const [titled, titledOnly] = [name('title', ...title), name('title alone', ...title)];
  if (changeId === undefined) return { names: [titled, titledOnly], seeks: [titled], lineage: [titled] };
  const identified = name('change-id', changeId);
  return { names: [identified, titled], seeks: [identified, titledOnly], lineage: [identified, titled] };
}

/** Under its names the newest of all; under those of {@link resendName} the last of the revision. */
function newest(places: readonly Place[]): Map<string, Place> {
  const found = new Map<string, Place>();
  const put = (name: string, place: Place): void => {
    const known = found.get(name);
    if (!known || isLater(place, known)) found.set(name, place);
  };
  for (const place of places) {
    const { isResend } = parseSubject(place.series.subject);
    for (const name of place.names) {
      put(name, place);
      if (isResend) put(resendName(name, place), place);
    }
  }
  return found;
}

/** The series that answer a mail, by its Message-ID; a mail may well name a thousand others that are part of none. */
function placesThatAnswer(places: readonly Place[]): Map<MessageId, Place[]> {
  const answering = new Map<MessageId, Place[]>();
  for (const { series } of places) for (const { messageId } of mailsOf(series)) answering.set(messageId, []);
  for (const place of places) {
    const answered = new Set(mailsOf(place.series).flatMap(({ references }) => references));
    for (const id of answered) answering.get(id)?.push(place);
  }
  return answering;
}

/** Whether the other is of the same revision of the same series; an incomplete one does not stand for a complete one. */
function isRevisionAgain(old: Place, other: Place): boolean {
  return (
    other.series.revision === old.series.revision &&
    (other.series.complete || !old.series.complete) &&
    old.seeks.some((name) => other.names.includes(name))
  );
}

/** The newest series that carries a mail over from an earlier one, by that mail's Message-ID. */
function newestCarriers(places: readonly Place[]): Map<MessageId, Place> {
  const found = new Map<MessageId, Place>();
  for (const place of places) {
    for (const { messageId } of carriedMails(place.series)) {
      const known = found.get(messageId);
      if (!known || isLater(place, known)) found.set(messageId, place);
    }
  }
  return found;
}

/** Of a series that says that it was sent again. */
function resendName(name: string, { series }: Place): string {
  return `${name} ${series.revision} resend`;
}

function isLater(a: Place, b: Place): boolean {
  return a.series.revision > b.series.revision || (a.series.revision === b.series.revision && a.at > b.at);
}

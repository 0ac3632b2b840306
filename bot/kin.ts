/**
 * Which mails of one sender may be put together: in one series, or one series superseding another. Kept between mails,
 * so that a mail that comes is put together with its kin alone, and the result is that of all the sender's mails.
 *
 * Two mails that {@link assemble} or {@link superseded} may bring together share a key: a Message-ID that is theirs or
 * that they answer, a title, a change-id, or, where threading is missing, the length of the series and the time. Kin are
 * those that are so connected, directly or through others.
 */

import { hash } from 'node:crypto';
import type { Message, MessageId } from '../rules/types.ts';
import { isMadeId } from './message.ts';
import { timeOf } from './series-entry.ts';
import { UNTHREADED_GAP_MS } from './series-thread.ts';
import { parseSubject } from './subject.ts';
import { versionsIn } from './superseded.ts';
import { referencesOf } from './threads.ts';
import { parseBaseInfo } from './trailers.ts';

/** The mails of one sender, by their keys. */
export class Kin {
  readonly #keys = new Map<MessageId, string[]>();
  readonly #ids = new Map<string, MessageId[]>();

  get size(): number {
    return this.#keys.size;
  }

  has(id: MessageId): boolean {
    return this.#keys.has(id);
  }

  /** A mail, or another copy of it; it may be part of a series or only a place in a thread. */
  add(message: Message): void {
    const { messageId } = message;
    const known = this.#keys.get(messageId) ?? [];
    const more = keysOf(message).filter((key) => !known.includes(key));
    this.#keys.set(messageId, [...known, ...more]);
    for (const key of more) {
      const ids = this.#ids.get(key);
      if (ids) ids.push(messageId);
      else this.#ids.set(key, [messageId]);
    }
  }

  delete(id: MessageId): void {
    for (const key of this.#keys.get(id) ?? []) {
      const left = this.#ids.get(key)!.filter((other) => other !== id);
      if (left.length > 0) this.#ids.set(key, left);
      else this.#ids.delete(key);
    }
    this.#keys.delete(id);
  }

  /** The kin of a mail that is there, with itself, the nearest first. */
  *of(id: MessageId): Generator<MessageId> {
    const seen = new Set([id]);
    const seenKeys = new Set<string>();
    for (const at of seen) {
      yield at;
      for (const key of this.#keys.get(at) ?? []) {
        if (seenKeys.has(key)) continue;
        seenKeys.add(key);
        for (const other of this.#ids.get(key)!) seen.add(other);
      }
    }
  }
}

/** Of its thread first. As digests: ids and titles may be long, and there are many. */
function keysOf(message: Message): string[] {
  const { messageId } = message;
  const subject = parseSubject(message.subject);
  const keys: unknown[][] = [messageId, ...referencesOf(message)].map((id) => ['id', id]);
  if (!subject.isReply) {
    const { title, total, tags, isResend, subRevision = 0 } = subject;
    const { changeId } = parseBaseInfo(message.body);
    if (changeId !== undefined) keys.push(['change-id', changeId]);
    keys.push(['title', title.toLowerCase(), ...versionsIn(subject)]);
    if (total > 1) {
      // Without the revision, which assembly may come to know better.
      const like = [subRevision, total, isResend, ...tags.map((tag) => tag.toLowerCase()).sort()];
      // Two mails that are no further apart than a slot is long have one of these in common.
      const slot = Math.floor(timeOf(message) / UNTHREADED_GAP_MS);
      if (Number.isFinite(slot)) keys.push(['time', slot, ...like], ['time', slot + 1, ...like]);
      if (isMadeId(messageId)) keys.push(['unposted', ...like]);
    }
  }
  return [...new Set(keys.map((key) => hash('sha256', JSON.stringify(key), 'base64')))];
}

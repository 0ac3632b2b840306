/** From a Message-ID to the mails of its series and what was said about it, out of several mirrors. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mirror } from '../../bot/archive-git.ts';
import { mailsOf, openMails } from '../../bot/archive-git.ts';
import type { Row } from '../../bot/archive-row.ts';
import type { Progress } from '../../queue/provision-progress.ts';
import type { MessageId } from '../../rules/types.ts';

/** Of one thread: a long discussion, not only a series. */
const MAX_MAILS = 1000;

/** Where a mail lies. */
interface Found extends Row {
  readonly mirror: Mirror;
}

/**
 * The mails around each wanted one that is in a mirror: itself, what it answers, what answers one of these, and what
 * was sent with it (git send-email numbers the Message-IDs of a run). One mail in several lists is taken once.
 */
export async function gather(
  wanted: ReadonlySet<MessageId>,
  mirrors: readonly Mirror[],
  cacheDir: string,
  progress: Progress,
): Promise<ReadonlyMap<MessageId, readonly Found[]>> {
  /** Wanted ids by an id of their thread, or by the stem of the run. */
  const byKey = new Map<string, Set<MessageId>>();
  const note = (key: string, id: MessageId): void => {
    const known = byKey.get(key);
    if (known) known.add(id);
    else byKey.set(key, new Set([id]));
  };
  const threads = new Map<MessageId, Map<MessageId, Found>>();
  for (const mirror of mirrors) {
    for await (const { id, answers } of mailsOf(mirror, cacheDir, progress)) {
      if (!wanted.has(id)) continue;
      threads.set(id, new Map());
      for (const key of [id, ...answers, ...stemOf(id)]) note(key, id);
    }
  }
  for (const mirror of mirrors) {
    for await (const row of mailsOf(mirror, cacheDir, progress)) {
      for (const key of [row.id, ...row.answers, ...stemOf(row.id)]) {
        for (const id of byKey.get(key) ?? []) {
          const thread = threads.get(id)!;
          if (row.id === id || (thread.size < MAX_MAILS && !thread.has(row.id))) thread.set(row.id, { ...row, mirror });
        }
      }
    }
  }
  return new Map([...threads].map(([id, thread]) => [id, [...thread.values()]]));
}

/** `20240924061437.2636766-4-who@example.org` -> `20240924061437.2636766-`, as git send-email makes them. */
function stemOf(id: MessageId): string[] {
  const stem = /^(\d{14}\.\d+-)\d+-/.exec(id)?.[1];
  return stem === undefined ? [] : [stem];
}

/** Writes mails as a Maildir: there a line `From ` in a mail ends nothing. Throws GitError. */
export async function writeMaildir(dir: string, mails: readonly Found[]): Promise<void> {
  mkdirSync(join(dir, 'cur'), { recursive: true });
  const readers = new Map([...new Set(mails.map(({ mirror }) => mirror))].map((mirror) => [mirror, openMails(mirror)]));
  try {
    for (const [at, { mirror, ref }] of mails.entries()) {
      const bytes = await readers.get(mirror)!.read(ref);
      if (bytes !== undefined) writeFileSync(join(dir, 'cur', `${at}`), bytes);
    }
  } finally {
    for (const reader of readers.values()) await reader.close();
  }
}

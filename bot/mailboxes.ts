/** All mailboxes of the service, watched at once, with the slices in which a server goes on with a list; and how far they have been read. */

import { type Received, watchMailbox } from './inbox.ts';
import type { Log } from './log.ts';
import type { MailStore } from './mail-store.ts';
import type { ServeSettings } from './serve-settings.ts';

export interface MailboxesParts {
  readonly settings: Pick<ServeSettings, 'mailboxes' | 'firstDays' | 'pollMs'>;
  readonly store: Pick<MailStore, 'position' | 'savePosition'>;
  readonly log: Log;
  readonly now: () => Date;
  /** Keeps what has come; until it has returned that counts as not read. */
  readonly take: (mails: readonly Received[]) => void;
  /** Told after mails were taken, and each time that a mailbox has no more. */
  readonly onNews: () => void;
}

type Place = ServeSettings['mailboxes'][number];

export class Mailboxes {
  readonly #parts: MailboxesParts;
  /** By mailbox, the moment of its last catch-up, and a moment up to which all of it has been read. */
  readonly #read = new Map<string, { caughtUp: Date; readTo: Date | undefined }>();
  /** Mailboxes that are watched, by name, and the watches that were begun since the start. */
  readonly #watched = new Set<string>();
  readonly #laterWatches: Promise<void>[] = [];

  constructor(parts: MailboxesParts) {
    this.#parts = parts;
  }

  /** Until `signal` aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#parts.settings.mailboxes.map((place) => this.#watch(place, signal)));
    await Promise.all(this.#laterWatches);
  }

  /** The moment up to which all have been read; undefined while one has not been. */
  readSince(): Date | undefined {
    const moments = this.#parts.settings.mailboxes.map(
      ({ account, folder }) => this.#read.get(`${account.name}/${folder}`)?.readTo,
    );
    return moments.every((moment) => moment !== undefined)
      ? new Date(Math.min(...moments.map((moment) => moment.getTime())))
      : undefined;
  }

  #watch({ account, folder }: Place, signal: AbortSignal, after?: string): Promise<void> {
    const { settings, store, log, now, take, onNews } = this.#parts;
    const name = `${account.name}/${folder}`;
    this.#watched.add(name);
    return watchMailbox({
      account,
      folder,
      firstDays: settings.firstDays,
      ...(after !== undefined && { after }),
      pollMs: settings.pollMs,
      signal,
      log,
      now,
      load: () => store.position(name),
      record: async (mails, position) => {
        take(mails);
        store.savePosition(name, position);
        onNews();
      },
      onNextSlice: (next, last) => {
        if (!this.#watched.has(`${account.name}/${next}`))
          this.#laterWatches.push(this.#watch({ account, folder: next }, signal, last));
      },
      // What came before the last catch-up was there for this one.
      onCaughtUp: () => {
        this.#read.set(name, { caughtUp: now(), readTo: this.#read.get(name)?.caughtUp });
        onNews();
      },
    });
  }
}

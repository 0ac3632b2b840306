/** A folder of an IMAP server as an archive: its mails are copied once, and the next run goes on behind them. */

import { join } from 'node:path';
import { z } from 'zod';
import type { Archive } from './archive-row.ts';
import { digest, Spool, type SpoolOptions } from './archive-spool.ts';
import { readJson, writeDurably } from './durable.ts';
import { openFolder, openImap } from './imap.ts';
import { type Position, watchMailbox } from './inbox.ts';
import type { Log } from './log.ts';
import type { ImapSettings } from './serve-settings.ts';

const DAY_MS = 86_400_000;
/** By the folder: public-inbox cuts a list into several. */
const PositionsFile = z.record(
  z.string(),
  z.strictObject({ uidValidity: z.string(), uid: z.int().min(0), receivedAt: z.exactOptional(z.iso.datetime()) }),
);

export interface ImapArchiveOptions extends SpoolOptions {
  readonly account: ImapSettings;
  readonly folder: string;
  /** Mails that the server got before are not copied. */
  readonly since: Date;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

/**
 * Copies what has come, and gives it. A server that goes away while it is copied is waited for; one that cannot be
 * reached, or refuses login or folder at the start, is an ImapError.
 */
export async function openImapArchive(options: ImapArchiveOptions): Promise<Archive> {
  const { account, folder, log, signal, dir, progress, isWanted, choice, since, now } = options;
  const name = `${account.name}/${folder}`;
  const client = await openImap(account, { log, signal });
  const { exists } = await openFolder(client, folder, true).finally(() => client.close());
  const place = join(dir, digest(JSON.stringify([account.host, account.user, folder, choice])));
  const spool = new Spool(place);
  const positionPath = join(place, 'positions.json');
  const positions: Record<string, Position> =
    readJson(positionPath, (value) => PositionsFile.parse(value), 'the folder is read again') ?? {};
  const step = progress.step(`reading ${name}`, exists);
  let count = 0;
  let unread = 0;
  let next: string | undefined = folder;
  while (next !== undefined && !signal.aborted) {
    const at: string = next;
    next = undefined;
    const caughtUp = new AbortController();
    await watchMailbox({
      account,
      folder: at,
      firstDays: Math.ceil((now().getTime() - since.getTime()) / DAY_MS),
      pollMs: DAY_MS,
      signal: AbortSignal.any([signal, caughtUp.signal]),
      log: { info: () => undefined, warn: (text) => log.warn(text) },
      load: () => positions[at],
      record: async (mails, position) => {
        for (const { raw } of mails) if (!spool.add(raw, isWanted)) unread++;
        count += mails.length;
        step.to(count);
        positions[at] = position;
        writeDurably(positionPath, JSON.stringify(positions));
      },
      onCaughtUp: () => caughtUp.abort(),
      onNextSlice: (slice) => {
        next = slice;
      },
      now,
    });
  }
  step.end(`${count} mails`);
  return {
    name,
    problems: unread === 0 ? [] : [`${name}: ${unread} mails without a Message-ID, or none at all, were left out`],
    rows: () => spool.rows(),
    read: async (ref) => spool.read(ref),
    close: async () => spool.close(),
  };
}

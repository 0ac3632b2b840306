/**
 * What is left of a mail of the outbox when it is done for long: its name, so that it is never made a second time. A
 * series may come again at any time, since anybody can post its mails anew, and its reply has the Message-ID it had.
 *
 *     gone/<id>.eml        empty; it has its size until all else that is known of the mail is removed
 */

import { existsSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { namesBefore, renameDurably } from './durable.ts';

/** Folder of the names that are left. */
export const GONE = 'gone';
const DONE = ['sent', 'discarded'] as const;

/**
 * Forgets the mails of the outbox in `dir` that were sent or discarded before a moment, but for those of which somebody
 * has yet to hear that they came back. After a crash the next call goes on. Throws errors of the system.
 */
export function sweepOutbox(dir: string, before: Date): void {
  for (const state of DONE)
    for (const name of namesBefore(join(dir, state), before)) {
      const id = name.slice(0, -'.eml'.length);
      if (!existsSync(join(dir, 'bounces', `${id}.json`))) renameDurably(join(dir, state, name), join(dir, GONE, name));
    }
  for (const name of readdirSync(join(dir, GONE))) {
    const path = join(dir, GONE, name);
    if (statSync(path).size === 0) continue;
    const id = name.slice(0, -'.eml'.length);
    const notes = [`meta/${id}.json`, `progress/${id}.json`, `bounces/${id}.seen.json`];
    for (const note of notes.flatMap((one) => [one, `${one}.damaged`])) rmSync(join(dir, note), { force: true });
    rmSync(join(dir, 'by-hand', id), { force: true });
    truncateSync(path, 0);
  }
}

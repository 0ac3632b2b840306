/** A mailbox watched by a test: what a callee of `watchMailbox` gets to see. */

import { expect, vi } from 'vitest';
import { type Position, type Received, type Watch, watchMailbox } from '../../bot/inbox.ts';
import type { ImapSettings } from '../../bot/serve-settings.ts';

/** How long is waited for something to happen. */
export const SECONDS = { timeout: 15_000, interval: 20 };
const toClose: (() => Promise<void>)[] = [];

/** Called when the test is over, the last one first. */
export function closeLater(close: () => Promise<void>): void {
  toClose.push(close);
}

/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of toClose.splice(0).reverse()) await close();
}

/** A mail of its own for each name. */
export const mail = (name: string | number): string =>
  `From: a@example.org\r\nSubject: ${name}\r\nMessage-ID: <${name}@example.org>\r\n\r\nbody of ${name}\r\n`;
export const subjectOf = ({ raw }: Received): string =>
  /^Subject: (.*)\r$/m.exec(Buffer.from(raw).toString('latin1'))?.[1] ?? '';

/** Settings for a server; without a user, anonymous. */
export const account = (at: { host: string; port: number }, user?: string): ImapSettings => ({
  name: 'kernel',
  host: at.host,
  port: at.port,
  tls: 'none',
  ...(user === undefined ? {} : { user, password: 'sesame' }),
});

/** What a callee sees, and a position as it would lie on disk. */
export interface Seen {
  position: Position | undefined;
  readonly batches: Received[][];
  readonly warnings: string[];
  readonly infos: string[];
  caughtUp: number;
  subjects(): string[];
  stop(): Promise<void>;
}

/** Watches INBOX with time-outs for tests, until the test is over. */
export function watch(settings: ImapSettings, more: Partial<Watch> = {}, position?: Position): Seen {
  const controller = new AbortController();
  const seen: Seen = {
    position,
    batches: [],
    warnings: [],
    infos: [],
    caughtUp: 0,
    subjects: () => seen.batches.flat().map(subjectOf),
    stop: async () => {
      controller.abort();
      await running;
    },
  };
  const running = watchMailbox({
    account: settings,
    folder: 'INBOX',
    firstDays: 2,
    pollMs: 60_000,
    signal: controller.signal,
    log: { info: (text) => void seen.infos.push(text), warn: (text) => void seen.warnings.push(text) },
    load: () => seen.position,
    record: async (mails, at) => {
      seen.batches.push([...mails]);
      seen.position = at;
    },
    onNextSlice: () => undefined,
    onCaughtUp: () => {
      seen.caughtUp += 1;
    },
    now: () => new Date(),
    connectTimeoutMs: 3000,
    silenceTimeoutMs: 3000,
    firstMs: 50,
    ...more,
  });
  closeLater(seen.stop);
  return seen;
}

/** Resolves when the mailbox was read to its end so many times. */
export const caughtUp = (seen: Seen, times = 1): Promise<void> =>
  vi.waitFor(() => expect(seen.caughtUp, seen.warnings.join('\n')).toBeGreaterThanOrEqual(times), SECONDS);

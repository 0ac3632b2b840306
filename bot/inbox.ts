/**
 * Watches one folder of an IMAP server and hands its mails on, each at least once, in the order of their UIDs
 * (RFC 3501 section 2.3.1.1). Never writes: the folder is opened by EXAMINE and read by BODY.PEEK.
 */

import type { ImapFlow } from 'imapflow';
import { keepTrying, pause } from './back-off.ts';
import { ask, fault, openFolder, openImap } from './imap.ts';
import type { Log } from './log.ts';
import { MAX_MAIL_BYTES } from './message.ts';
import type { ImapSettings } from './serve-settings.ts';

/** How far a mailbox has been read. */
export interface Position {
  /** The server's UIDVALIDITY, as decimal digits. */
  readonly uidValidity: string;
  /** Highest UID that is safely recorded; 0 when the mailbox was empty. */
  readonly uid: number;
  /** INTERNALDATE of the last mail that is recorded, ISO 8601; absent before the first one. */
  readonly receivedAt?: string;
}

export interface Received {
  /** The mail's bytes as the server gives them. */
  readonly raw: Uint8Array;
  /** `account/folder`. */
  readonly mailbox: string;
  readonly uid: number;
  /** INTERNALDATE: when the server got it. */
  readonly receivedAt: Date;
}

export interface Watch {
  readonly account: ImapSettings;
  readonly folder: string;
  /** At the first start, and when the UIDs have changed, mails of so many days are handed on, and all since the last one. */
  readonly firstDays: number;
  /** Where this folder goes on from another one: INTERNALDATE of the last mail there. */
  readonly after?: string;
  /** Milliseconds between two looks. Where the server has IDLE it tells of news at once; it is asked all the same. */
  readonly pollMs: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  load(): Position | undefined;
  /**
   * Keeps mails, none or several, and the position behind them. Until it has resolved they count as not read; after a
   * crash, or when it rejects, they come again.
   */
  record(mails: readonly Received[], position: Position): Promise<void>;
  /** Called each time that nothing more is waiting. */
  onCaughtUp?(): void;
  /** Called once when the server goes on in another folder, where it cuts lists into slices; `after` is for its watch. */
  onNextSlice(folder: string, after: string | undefined): void;
  now(): Date;
  readonly connectTimeoutMs?: number;
  readonly silenceTimeoutMs?: number;
  /** Milliseconds before the first new attempt. */
  readonly firstMs?: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** UIDs whose sizes are asked for at once. */
const WINDOW = 500;
const BATCH_MAILS = 100;
const BATCH_BYTES = 8 * 1024 * 1024;
/** Before IDLE is begun again. */
const IDLE_REST_MS = 50;

/** What is handed on before there is a position: the mails of the last days. */
interface Start {
  readonly uidValidity: string;
  /** Ascending. */
  readonly uids: readonly number[];
  /** Those up to this one are recorded. */
  recorded: number;
  readonly from: Date;
  /** Highest UID there was. */
  readonly end: number;
}

interface Listed {
  readonly uid: number;
  readonly bytes: number;
  readonly receivedAt: Date;
}

/**
 * Runs until `signal` aborts. Whatever happens to the connection, it is opened anew after a while and reading goes on
 * from the position; each such event is a warning in the log.
 */
export async function watchMailbox(watch: Watch): Promise<void> {
  const { account, log, signal, firstMs } = watch;
  const mailbox = new Reader(watch);
  const what = `mailbox ${mailbox.name}`;
  await keepTrying({ what, log, signal, ...(firstMs === undefined ? {} : { firstMs }) }, async (settled) => {
    const client = await openImap(account, watch);
    try {
      await mailbox.follow(client, settled);
    } finally {
      client.close();
    }
  });
}

/** One mailbox over all its connections. */
class Reader {
  readonly name: string;
  readonly #watch: Watch;
  #start: Start | undefined;
  #toldOfNextSlice = false;
  /** INTERNALDATE of the last recorded mail. */
  #receivedAt: string | undefined;
  /** UIDs of mails that were listed and not given, once. */
  readonly #notGiven = new Set<number>();

  constructor(watch: Watch) {
    this.#watch = watch;
    this.#receivedAt = watch.after;
    this.name = `${watch.account.name}/${watch.folder}`;
  }

  /** Reads what is there and what comes, until the connection ends. */
  async follow(client: ImapFlow, settled: () => void): Promise<void> {
    const { folder, log, pollMs, signal } = this.#watch;
    const news = listen(client);
    const { uidValidity, uidNext, exists } = await openFolder(client, folder, true);
    // Tells imapflow that a quiet connection is alive, and to be asked whether it is.
    await ask(client, client.getMailboxLock(folder, { readOnly: true }));
    const idle = client.capabilities.has('IDLE');
    const how = idle ? 'the server tells of new ones' : `looked at every ${pollMs / 1000} s`;
    log.info(`mailbox ${this.name}: open, ${exists} mails; ${how}`);
    for (;;) {
      await this.#catchUp(client, String(uidValidity), uidNext, settled);
      settled();
      await this.#lookForNextSlice(client);
      this.#watch.onCaughtUp?.();
      const over = new AbortController();
      // How IDLE ends does not matter: the next question shows whether the connection still works.
      if (idle && !news.waiting()) stayIdle(client, over.signal).catch(() => undefined);
      await news.within(pollMs, signal);
      over.abort();
      await ask(client, client.noop());
    }
  }

  async #catchUp(client: ImapFlow, uidValidity: string, uidNext: number, settled: () => void): Promise<void> {
    const uids = await this.#waiting(client, uidValidity, uidNext);
    for (let at = 0; at < uids.length; at += WINDOW) {
      for (const batch of batches(await this.#list(client, uids.slice(at, at + WINDOW)))) {
        const uid = batch.at(-1)!.uid;
        const mails = await this.#fetch(client, batch);
        const receivedAt = mails.at(-1)?.receivedAt;
        // A server may have a time of the future from somewhere.
        if (receivedAt && receivedAt <= this.#watch.now()) this.#receivedAt = receivedAt.toISOString();
        await this.#watch.record(mails, this.#position(uidValidity, uid));
        this.#notGiven.clear();
        if (this.#start !== undefined) this.#start.recorded = uid;
        settled();
      }
    }
    if (this.#start !== undefined) {
      await this.#watch.record([], this.#position(uidValidity, this.#start.end));
      this.#start = undefined;
    }
  }

  #position(uidValidity: string, uid: number): Position {
    return { uidValidity, uid, ...(this.#receivedAt !== undefined && { receivedAt: this.#receivedAt }) };
  }

  /** UIDs that have not been recorded, ascending. */
  async #waiting(client: ImapFlow, uidValidity: string, uidNext: number): Promise<readonly number[]> {
    const { log, firstDays, now } = this.#watch;
    const start = this.#start;
    if (start?.uidValidity === uidValidity) return start.uids.filter((uid) => uid > start.recorded);
    const position = this.#watch.load();
    this.#receivedAt = position?.receivedAt ?? this.#receivedAt;
    if (position?.uidValidity === uidValidity) {
      // `n:*` gives the last mail where there is none from n on.
      const found = await this.#search(client, { uid: `${position.uid + 1}:*` });
      return found.filter((uid) => uid > position.uid);
    }
    const firstMs = now().getTime() - firstDays * DAY_MS;
    // Less a day: the times of a server need not be in the order of its UIDs.
    const lastMs = this.#receivedAt === undefined ? firstMs : Date.parse(this.#receivedAt) - DAY_MS;
    const from = new Date(Math.min(firstMs, lastMs));
    if (position !== undefined) {
      const what = lastMs < firstMs ? `mails since ${from.toISOString()}` : `the last ${firstDays} days`;
      log.warn(
        `mailbox ${this.name}: the server has numbered its mails anew (UIDVALIDITY was ${position.uidValidity}, ` +
          `is ${uidValidity}); ${what} are read again`,
      );
    }
    // SINCE knows days only, in the server's time zone; #list looks at the exact time.
    const uids = await this.#search(client, { since: new Date(from.getTime() - DAY_MS) });
    this.#start = { uidValidity, uids, recorded: 0, from, end: Math.max(uidNext - 1 || 0, uids.at(-1) ?? 0) };
    return uids;
  }

  async #search(client: ImapFlow, query: { uid: string } | { since: Date }): Promise<readonly number[]> {
    const found = await ask(client, client.search(query, { uid: true }));
    if (!Array.isArray(found)) throw fault(client, 'it refuses to search the folder');
    return found;
  }

  /**
   * Sizes and times of mails. Those that are gone, or from before the start, are listed as of no bytes; so are those of
   * which the server tells nothing twice, with a warning.
   */
  async #list(client: ImapFlow, uids: readonly number[]): Promise<readonly Listed[]> {
    const rows = new Map<number, Listed>();
    await ask(
      client,
      (async () => {
        const wanted = { uid: true, size: true, internalDate: true };
        for await (const { uid, size, internalDate } of client.fetch(uids.join(','), wanted, { uid: true })) {
          // A row without size is about flags: servers send such at any time.
          if (size === undefined) continue;
          const date = new Date(internalDate ?? Number.NaN);
          const receivedAt = Number.isNaN(date.getTime()) ? this.#watch.now() : date;
          rows.set(uid, { uid, bytes: size, receivedAt });
        }
      })(),
    );
    await this.#missed(
      client,
      uids.filter((uid) => !rows.has(uid)),
      'tell of',
    );
    const from = this.#start?.from ?? new Date(0);
    return uids.map((uid) => {
      const row = rows.get(uid);
      return row === undefined || row.receivedAt < from ? { uid, bytes: 0, receivedAt: from } : row;
    });
  }

  /**
   * Of mails that a server was asked for and did not give, forgets those that are gone: it finds them no more. The
   * others may be a fault of a moment, which the next connection shows; after the second time they are left out.
   */
  async #missed(client: ImapFlow, uids: readonly number[], what: 'tell of' | 'give'): Promise<void> {
    if (uids.length === 0) return;
    // Servers are allowed to tell of expunged mails at NOOP, and not at the questions themselves.
    await ask(client, client.noop());
    const found = new Set(await this.#search(client, { uid: uids.join(',') }));
    const there = uids.filter((uid) => found.has(uid));
    const isNew = there.filter((uid) => !this.#notGiven.has(uid));
    for (const uid of isNew) this.#notGiven.add(uid);
    if (isNew.length > 0) throw fault(client, `it lists mails that it does not ${what}: UID ${isNew.join(', ')}`);
    for (const uid of there) this.#leaveOut(uid, `it is listed, and twice the server did not ${what} it`);
  }

  #leaveOut(uid: number, why: string): void {
    this.#watch.log.warn(`mailbox ${this.name}: the mail with UID ${uid} is left out: ${why}`);
  }

  /** The mails of a batch; those that are too large or cannot be had are left out, with a warning. */
  async #fetch(client: ImapFlow, batch: readonly Listed[]): Promise<readonly Received[]> {
    const wanted = new Map<number, Listed>();
    for (const mail of batch) {
      if (mail.bytes > MAX_MAIL_BYTES) this.#leaveOut(mail.uid, tooLong(mail.bytes));
      else if (mail.bytes > 0) wanted.set(mail.uid, mail);
    }
    if (wanted.size === 0) return [];
    const sources = await this.#sources(client, [...wanted.keys()]);
    await this.#missed(
      client,
      [...wanted.keys()].filter((uid) => !sources.has(uid)),
      'give',
    );
    return [...wanted.values()].flatMap(({ uid, receivedAt }) => {
      const raw = sources.get(uid);
      if (raw === undefined) return [];
      if (raw.length <= MAX_MAIL_BYTES) return [{ raw, mailbox: this.name, uid, receivedAt }];
      this.#leaveOut(uid, tooLong(raw.length));
      return [];
    });
  }

  async #sources(client: ImapFlow, uids: readonly number[]): Promise<ReadonlyMap<number, Uint8Array>> {
    const sources = new Map<number, Uint8Array>();
    let bytes = 0;
    // Whole mails only: public-inbox answers a question for a part of one with another part and a wrong length.
    const wanted = { uid: true, source: true };
    const read = async (): Promise<void> => {
      for await (const { uid, source } of client.fetch(uids.join(','), wanted, { uid: true })) {
        // Of a mail that was expunged meanwhile the server has NIL, for which imapflow gives false.
        if (!(source instanceof Uint8Array) || !uids.includes(uid) || sources.has(uid)) continue;
        bytes += source.length;
        if (bytes > 2 * (BATCH_BYTES + MAX_MAIL_BYTES)) throw fault(client, 'its mails are longer than it says');
        sources.set(uid, source);
      }
    };
    await ask(client, read());
    return sources;
  }

  /** public-inbox cuts a list into folders of 50,000 mails, `list.0`, `list.1`: the full one gets no mail any more. */
  async #lookForNextSlice(client: ImapFlow): Promise<void> {
    const { folder, log } = this.#watch;
    const slice = /^(.+\.)(\d{1,6})$/.exec(folder);
    if (slice === null || this.#toldOfNextSlice) return;
    const next = `${slice[1]}${Number(slice[2]) + 1}`;
    const folders = await ask(client, client.list({ listOnly: true }));
    if (!folders.some(({ path }) => path === next)) return;
    this.#toldOfNextSlice = true;
    log.info(`mailbox ${this.name}: the server goes on in the folder ${next}`);
    this.#watch.onNextSlice(next, this.#receivedAt);
  }
}

/** IDLE (RFC 2177) until `over` aborts; imapflow ends it when the line was quiet for long, to ask whether it still is one. */
async function stayIdle(client: ImapFlow, over: AbortSignal): Promise<void> {
  while (!over.aborted && client.usable && (await client.idle()) !== false) await pause(IDLE_REST_MS, over);
}

function tooLong(bytes: number): string {
  return `it is at least ${bytes} bytes long; the limit for one mail is ${MAX_MAIL_BYTES} bytes`;
}

/** Cuts a list so that no part is more than a batch; a mail longer than that is a part of its own. */
function* batches(mails: readonly Listed[]): Generator<readonly Listed[]> {
  let batch: Listed[] = [];
  let total = 0;
  for (const mail of mails) {
    const bytes = mail.bytes > MAX_MAIL_BYTES ? 0 : mail.bytes;
    if (batch.length > 0 && (batch.length === BATCH_MAILS || total + bytes > BATCH_BYTES)) {
      yield batch;
      batch = [];
      total = 0;
    }
    batch.push(mail);
    total += bytes;
  }
  if (batch.length > 0) yield batch;
}

interface News {
  /** Something came that has not been looked at. */
  waiting(): boolean;
  /** Resolves when something comes, the connection ends, `signal` aborts or `ms` are over. */
  within(ms: number, signal: AbortSignal): Promise<void>;
}

function listen(client: ImapFlow): News {
  let told = false;
  let wake = new AbortController();
  const tell = (): void => {
    told = true;
    wake.abort();
  };
  client.on('exists', tell);
  client.on('close', tell);
  return {
    waiting: () => told,
    async within(ms, signal) {
      if (!told) await pause(ms, AbortSignal.any([signal, wake.signal]));
      told = false;
      wake = new AbortController();
    },
  };
}

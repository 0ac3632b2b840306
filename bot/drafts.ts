/**
 * The folder of an IMAP account in which mails wait for a person to send them. It takes drafts in, finds them by their
 * Message-ID and removes them, and touches no other mail.
 */

import type { ImapFlow } from 'imapflow';
import type { MessageId } from '../rules/types.ts';
import { ask, fault, foldersLike, openFolder, openImap } from './imap.ts';
import type { Log } from './log.ts';
import type { ImapSettings } from './serve-settings.ts';

export interface DraftsFolder {
  /**
   * Puts a mail in, flagged \Draft and \Seen, received at `date`. Throws ImapError; then the mail may or may not
   * have arrived, and only `find` tells.
   */
  append(eml: Uint8Array, date: Date): Promise<void>;
  /** The bytes of the newest mail with this Message-ID (without brackets). Throws ImapError. */
  find(messageId: MessageId): Promise<Uint8Array | undefined>;
  /**
   * Removes every mail with this Message-ID; false when there is none. Where the server cannot expunge single mails
   * (no UIDPLUS, RFC 4315) they are only flagged \Deleted, and `find` does not see them any more. Throws ImapError.
   */
  remove(messageId: MessageId): Promise<boolean>;
  /** Ends the connection, after what is under way. */
  close(): Promise<void>;
}

export interface DraftsOptions {
  readonly account: ImapSettings;
  /** Without a name, the folder that the server marks \Drafts (RFC 6154). */
  readonly folder?: string;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly connectTimeoutMs?: number;
  readonly silenceTimeoutMs?: number;
  /** Milliseconds without work after which the connection is dropped. */
  readonly idleMs?: number;
}

const IDLE_MS = 60_000;
/** Mails whose Message-ID is compared; a server's search may find many, since it looks for a part of a header. */
const MAX_CANDIDATES = 100;
/** RFC 5322 sections 3.6.4 and 2.1.1: no blanks, no brackets, shorter than a line. What is more exotic is in no draft of ours. */
const MESSAGE_ID = /^[\x21-\x3b\x3d\x3f-\x7e]{1,900}$/;

/** Connects when there is something to do. One thing at a time, in the order of the calls. */
export function openDrafts(options: DraftsOptions): DraftsFolder {
  const connection = new DraftsConnection(options);
  return {
    append: (eml, date) => connection.use((client, path) => append(client, path, eml, date)),
    find: (messageId) => connection.use((client, path) => find(client, path, messageId)),
    remove: (messageId) => connection.use((client, path) => remove(client, path, messageId)),
    close: () => connection.close(),
  };
}

async function append(client: ImapFlow, path: string, eml: Uint8Array, date: Date): Promise<void> {
  await openFolder(client, path, true);
  const done = await ask(client, client.append(path, Buffer.from(eml), ['\\Draft', '\\Seen'], date));
  if (!done) throw fault(client, `the folder ${path} does not take the draft`);
}

async function find(client: ImapFlow, path: string, messageId: MessageId): Promise<Uint8Array | undefined> {
  const uid = (await search(client, path, messageId, true)).at(-1);
  if (uid === undefined) return undefined;
  const mail = await ask(client, client.fetchOne(String(uid), { uid: true, source: true }, { uid: true }));
  // Of a mail that was expunged meanwhile the server has NIL, for which imapflow gives false.
  return mail !== false && mail.source instanceof Uint8Array ? mail.source : undefined;
}

async function remove(client: ImapFlow, path: string, messageId: MessageId): Promise<boolean> {
  const uids = (await search(client, path, messageId, false)).join(',');
  if (uids === '') return false;
  // Without UIDPLUS there is only EXPUNGE, which would take along what other programs have flagged.
  const done = client.capabilities.has('UIDPLUS')
    ? client.messageDelete(uids, { uid: true })
    : client.messageFlagsAdd(uids, ['\\Deleted'], { uid: true });
  if (!(await ask(client, done))) throw fault(client, `the folder ${path} does not let a draft be removed`);
  return true;
}

/** UIDs of the mails with exactly this Message-ID that are not flagged \Deleted, ascending. */
async function search(
  client: ImapFlow,
  path: string,
  messageId: MessageId,
  readOnly: boolean,
): Promise<readonly number[]> {
  if (!MESSAGE_ID.test(messageId)) return [];
  await openFolder(client, path, readOnly);
  const query = { header: { 'message-id': messageId }, deleted: false };
  const found = await ask(client, client.search(query, { uid: true }));
  if (!Array.isArray(found)) throw fault(client, `it refuses to search the folder ${path}`);
  const candidates = found.slice(-MAX_CANDIDATES);
  if (candidates.length === 0) return [];
  const wanted = { uid: true, headers: ['message-id'] };
  const rows = await ask(client, client.fetchAll(candidates.join(','), wanted, { uid: true }));
  return rows
    .filter(({ uid, headers }) => candidates.includes(uid) && idOf(headers) === messageId)
    .map(({ uid }) => uid)
    .sort((a, b) => a - b);
}

/** The Message-ID in a header block; undefined when there is not exactly one. */
function idOf(headers: Buffer | undefined): MessageId | undefined {
  const text = headers?.toString('latin1').replaceAll(/\r?\n(?=[ \t])/g, '') ?? '';
  const [id, second] = [...text.matchAll(/^message-id[ \t]*:[ \t]*<([^<>\r\n]*)>[ \t]*\r?$/gim)];
  return second === undefined ? id?.[1] : undefined;
}

/** One connection, opened when there is something to do and dropped when there was nothing for a while. */
class DraftsConnection {
  readonly #options: DraftsOptions;
  #open: { readonly client: ImapFlow; readonly path: string } | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: DraftsOptions) {
    this.#options = options;
  }

  /** Runs `work` after what was asked before, on a connection that has just answered. */
  use<T>(work: (client: ImapFlow, path: string) => Promise<T>): Promise<T> {
    const done = this.#last.then(async () => {
      clearTimeout(this.#idle);
      try {
        const { client, path } = await this.#connection();
        return await work(client, path);
      } finally {
        this.#idle = setTimeout(() => this.#drop(), this.#options.idleMs ?? IDLE_MS);
        this.#idle.unref();
      }
    });
    // The caller hears of a failure; the next in the line does not.
    this.#last = done.catch(() => undefined);
    return done;
  }

  async close(): Promise<void> {
    await this.#last;
    clearTimeout(this.#idle);
    this.#drop();
  }

  #drop(): void {
    this.#open?.client.close();
    this.#open = undefined;
  }

  async #connection(): Promise<{ readonly client: ImapFlow; readonly path: string }> {
    const kept = this.#open;
    if (kept?.client.usable && (await kept.client.noop().then(() => kept.client.usable))) return kept;
    this.#drop();
    const client = await openImap(this.#options.account, this.#options);
    try {
      this.#open = { client, path: this.#options.folder ?? (await draftsFolder(client)) };
    } catch (error) {
      client.close();
      throw error;
    }
    return this.#open;
  }
}

/** The folder that the server marks as \\Drafts. Throws ImapError where there is none. */
export async function draftsFolder(client: ImapFlow): Promise<string> {
  const folders = await ask(client, client.list({ listOnly: true }));
  // imapflow also guesses by the name; a draft must not lie where nobody looks.
  const drafts = folders.find(({ flags, specialUse, specialUseSource }) =>
    specialUse === '\\Drafts' ? specialUseSource === 'extension' : flags.has('\\Drafts'),
  );
  if (drafts !== undefined) return drafts.path;
  throw fault(
    client,
    `no folder is marked \\Drafts, and depbot.toml names none; ${foldersLike('Drafts', folders)}; ` +
      'set folder in [drafts]',
  );
}

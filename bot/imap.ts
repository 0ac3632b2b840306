/**
 * Connections to IMAP servers (RFC 3501), by imapflow. Everything a server does wrong comes out as an
 * {@link ImapError}: one sentence that names the account and the server, and says what to check.
 */

import { ImapFlow, type ListResponse, type MailboxObject } from 'imapflow';
import type { Log } from './log.ts';
import { MAX_MAIL_BYTES } from './message.ts';
import { SecretCommandError, secretOfCommand } from './secret-command.ts';
import type { ImapSettings } from './serve-settings.ts';

export interface ImapOptions {
  readonly log: Log;
  /** Closes the connection, too, when it aborts. */
  readonly signal: AbortSignal;
  /** For everything up to the login. */
  readonly connectTimeoutMs?: number;
  /** How long a server may be silent while an answer is due. */
  readonly silenceTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS = 30_000;
const SILENCE_TIMEOUT_MS = 60_000;
/** For one command with its whole answer: a server that sends a byte now and then must not hold us for ever. */
const COMMAND_TIMEOUT_MS = 10 * 60_000;
/** The longest text of a server that goes into a message, in characters. */
const MAX_SERVER_TEXT = 200;
/** A mail whose size was given with one byte for a line end (public-inbox does) may come with two. */
const MAX_LITERAL_BYTES = 2 * MAX_MAIL_BYTES;
/** The longest message, in characters; folders' names are a server's, too. */
const MAX_MESSAGE = 1000;
/** Room for what is around a mail in an answer. */
const ANSWER_ROOM_BYTES = 64 * 1024;
/** One line without a mail, such as the answer to a search in a mailbox of two million mails. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const MAX_TOKENS = 200_000;
const NEAR_NAMES = 3;

/** What an IMAP server, or the way to it, did wrong. */
export class ImapError extends Error {
  override readonly name = 'ImapError';
}

interface Connection {
  readonly settings: ImapSettings;
  /** Why the connection broke; what was asked meanwhile is told no more than that it did. */
  failure?: Fault;
}

/** The fields of imapflow's and Node's errors that say what happened. */
interface Fault extends Error {
  readonly code?: string;
  readonly authenticationFailed?: boolean;
  readonly tlsFailed?: boolean;
  readonly responseStatus?: string;
  readonly responseText?: string;
  readonly reason?: string;
}

const LOST: Fault = Object.assign(new Error('connection lost'), { code: 'NoConnection' });
const connections = new WeakMap<ImapFlow, Connection>();

/** A connection, logged in. The caller closes it; questions go through {@link ask}. Throws ImapError. */
export async function openImap(
  settings: ImapSettings,
  { log, signal, connectTimeoutMs = CONNECT_TIMEOUT_MS, silenceTimeoutMs = SILENCE_TIMEOUT_MS }: ImapOptions,
): Promise<ImapFlow> {
  const { host, port, tls, ca } = settings;
  const auth = settings.passwordCommand || settings.tokenCommand ? await authByCommand(settings) : passwordOf(settings);
  const client = new ImapFlow({
    host,
    port,
    secure: tls === 'implicit',
    doSTARTTLS: tls === 'starttls',
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    auth,
    clientInfo: { name: 'depbot' },
    logger: false,
    disableAutoIdle: true,
    disableAutoEnable: true,
    disableIMAP4rev2: true,
    // A few compressed bytes must not become gigabytes.
    disableCompression: true,
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    socketTimeout: silenceTimeoutMs,
    maxLineLength: MAX_LINE_BYTES,
    maxLiteralSize: MAX_LITERAL_BYTES,
    maxResponseSize: MAX_LITERAL_BYTES + ANSWER_ROOM_BYTES,
    maxResponseTokens: MAX_TOKENS,
  });
  // So that it is not repeated, wherever it came from.
  const secret = 'pass' in auth ? auth.pass : auth.accessToken;
  const connection: Connection = { settings: { ...settings, password: secret } };
  connections.set(client, connection);
  const close = (): void => client.close();
  client.on('error', (error: Error) => {
    connection.failure ??= error;
  });
  client.on('close', () => signal.removeEventListener('abort', close));
  client.on('alert', ({ message: text }) => log.warn(`${nameOf(settings)} says: ${cleaned(settings, text)}`));
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  try {
    await ask(client, client.connect(), connectTimeoutMs);
  } catch (error) {
    close();
    throw error;
  }
  return client;
}

/** Public archives take anybody who calls himself anonymous. */
function passwordOf({ user = 'anonymous', password = 'anonymous' }: ImapSettings): { user: string; pass: string } {
  return { user, pass: password };
}

/** Throws ImapError. */
async function authByCommand(
  settings: ImapSettings,
): Promise<{ user: string; pass: string } | { user: string; accessToken: string }> {
  const { passwordCommand, tokenCommand } = settings;
  const { user } = passwordOf(settings);
  try {
    if (tokenCommand) return { user, accessToken: await secretOfCommand(tokenCommand) };
    if (passwordCommand) return { user, pass: await secretOfCommand(passwordCommand) };
  } catch (error) {
    if (error instanceof SecretCommandError) throw new ImapError(`${nameOf(settings)}: ${error.message}`);
    throw error;
  }
  return passwordOf(settings);
}

/**
 * The answer to a question, or an ImapError with what went wrong. After `timeoutMs` the connection is closed and the
 * question has failed.
 */
export async function ask<T>(client: ImapFlow, answer: Promise<T>, timeoutMs = COMMAND_TIMEOUT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(Object.assign(new Error(`no whole answer in ${timeoutMs / 1000} s`), { code: 'ETIMEDOUT' }));
      client.close();
    }, timeoutMs);
  });
  try {
    const value = await Promise.race([answer, late]);
    // Some of imapflow's commands have no error for a lost connection, but an empty answer.
    if (value || !client.isClosed) return value;
    throw LOST;
  } catch (error) {
    if (error instanceof ImapError) throw error;
    // What imapflow makes of an answer that is not there.
    throw explain(client, client.isClosed && error instanceof TypeError ? LOST : (error as Fault));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Opens a folder. Throws ImapError where there is none; it names folders of the server that are near. A UIDVALIDITY of
 * 0 or none is no folder either: public-inbox gives it for a list's name without its slice.
 */
export async function openFolder(client: ImapFlow, path: string, readOnly: boolean): Promise<MailboxObject> {
  let refusal: unknown;
  try {
    const mailbox = await ask(client, client.mailboxOpen(path, { readOnly }));
    if (mailbox.uidValidity) return mailbox;
  } catch (error) {
    if (!client.usable) throw error;
    refusal = error;
  }
  const why =
    refusal === undefined ? `the folder ${path} holds no mail and has no UIDVALIDITY` : (refusal as Error).message;
  const others = (await ask(client, client.list({ listOnly: true }))).filter((one) => one.path !== path);
  throw fault(client, `${why}; ${foldersLike(path, others)}`);
}

/** An ImapError about the account of `client`. */
export function fault(client: ImapFlow, what: string): ImapError {
  const { settings } = connections.get(client)!;
  const name = `${nameOf(settings)}: `;
  const text = what.startsWith(name) ? what.slice(name.length) : what;
  return new ImapError(`${name}${cleaned(settings, text, MAX_MESSAGE)}`);
}

/** Words for a message: which of the folders that exist may be meant by `path`. */
export function foldersLike(path: string, folders: readonly ListResponse[]): string {
  const parent = ({ flags }: ListResponse): number => (flags.has('\\HasChildren') ? 1 : 0);
  const names = folders
    .filter((one) => !one.flags.has('\\Noselect'))
    .toSorted((a, b) => parent(a) - parent(b))
    .map((one) => one.path);
  if (names.length === 0) return 'the server lists no other';
  const near = names
    .map((name) => ({ name, likeness: likeness(path.toLowerCase(), name.toLowerCase()) }))
    .filter((one) => one.likeness >= 0.5)
    .sort((a, b) => b.likeness - a.likeness)
    .slice(0, NEAR_NAMES);
  const shown = near.length > 0 ? near.map(({ name }) => name) : names.slice(0, NEAR_NAMES);
  return `${near.length > 0 ? 'folders with names like it' : 'some folders that exist'}: ${shown.join(', ')}`;
}

/** What two names share at start and end, as a part of the longer one. */
function likeness(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return (start + end) / Math.max(a.length, b.length);
}

function nameOf({ name, host, port }: ImapSettings): string {
  return `IMAP account ${name} (${host}:${port})`;
}

/** A server's text: short, and without the password, which a server may repeat. */
function cleaned({ password }: ImapSettings, text: string, length = MAX_SERVER_TEXT): string {
  const safe = password ? text.replaceAll(password, '[password]') : text;
  return safe.length > length ? `${safe.slice(0, length)}...` : safe;
}

/** No cause is attached: the library's errors carry the command that failed, and the login is one. */
function explain(client: ImapFlow, error: Fault): ImapError {
  const connection = connections.get(client)!;
  const cut = SAYS.find(({ codes }) => codes.test(error.code ?? ''))?.closed === true;
  const cause = cut && connection.failure !== undefined ? connection.failure : error;
  return fault(client, sentence(connection.settings, cause, client.byeReason));
}

/** What a code means, and what to check. `closed`: the reason may be known better from elsewhere; `codeOnly`: the text is noise. */
const SAYS: readonly { codes: RegExp; what: string; check?: string; closed?: true; codeOnly?: true }[] = [
  { codes: /^ECONNREFUSED$/, what: 'it refuses connections', check: 'host and port, and that it runs' },
  { codes: /^(ENOTFOUND|EAI_\w+)$/, what: 'its name is not found', check: 'host, and the name service' },
  { codes: /^(EHOSTUNREACH|ENETUNREACH)$/, what: 'it cannot be reached', check: 'host, and the network' },
  {
    codes: /^(\w*CERT\w*|UNABLE_TO_\w+|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)$/,
    what: 'its certificate is not accepted',
    check: 'ca_file, and that host is a name in the certificate',
  },
  { codes: /^(ERR_SSL_\w+|EPROTO)$/, what: 'it does not speak TLS there', check: 'tls and port', codeOnly: true },
  {
    codes: /^(CONNECT_TIMEOUT|GREETING_TIMEOUT|UPGRADE_TIMEOUT|ETIMEOUT|ETIMEDOUT)$/,
    what: 'timed out',
    check: 'host, port and tls, and that it is well',
  },
  {
    codes: /^(LiteralTooLarge|ResponseTooLarge|LineTooLarge|TooMany\w+|MAX_IMAP_NESTING_REACHED)$/,
    what: 'it sends more than is accepted',
  },
  {
    codes: /^(ParserError\w*|InvalidResponse|MissingTag|UnexpectedTag|ResponseProcessingFailed)$/,
    what: 'what it sends is not IMAP',
    check: 'host and port',
  },
  {
    codes: /^ClosedAfterConnect\w+$/,
    what: 'it closed the connection before the login',
    check: 'port and tls',
    closed: true,
  },
  {
    codes: /^(ECONNRESET|EPIPE|NoConnection|EConnectionClosed|StateLogout|NoMailboxSelected)$/,
    what: 'the connection was closed',
    closed: true,
  },
];

function sentence(settings: ImapSettings, error: Fault, bye: string | undefined): string {
  const section = `[imap.${settings.name}]`;
  const reply = error.responseText ?? error.reason ?? bye;
  const says = reply ? ` (it says: ${cleaned(settings, reply)})` : '';
  if (error.authenticationFailed) return `it refuses the login${says}; check user and password_file in ${section}`;
  if (error.tlsFailed) return `no STARTTLS (${cleaned(settings, error.message)}); check tls and port in ${section}`;
  const known = SAYS.find(({ codes }) => codes.test(error.code ?? ''));
  if (known === undefined) {
    if (error.responseStatus === undefined) return `${cleaned(settings, error.message)}${says}`;
    return `it answers ${error.responseStatus} ${cleaned(settings, error.responseText ?? '')}`;
  }
  const detail = known.closed ? says : ` (${known.codeOnly ? error.code : cleaned(settings, error.message)})`;
  return `${known.what}${detail}${known.check === undefined ? '' : `; check ${known.check} in ${section}`}`;
}

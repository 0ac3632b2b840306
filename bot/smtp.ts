/**
 * Hands one mail to an SMTP server, byte for byte, and tells exactly how far it came: whether the server has it
 * decides whether it may be sent again. Sources: RFC 5321, RFC 6152 (8BITMIME), RFC 3207 (STARTTLS).
 *
 * nodemailer's connection is used rather than its transport, which reports a connection that is lost the same way
 * before the mail was handed over and after.
 */

import { Readable } from 'node:stream';
import SMTPConnection, { type SMTPEnvelope } from 'nodemailer/lib/smtp-connection';
import XOAuth2 from 'nodemailer/lib/xoauth2';
import { type SecretCommand, secretOfCommand } from './secret-command.ts';

/** Bytes of a mail that are handed to the connection at a time. */
const CHUNK_BYTES = 64 * 1024;
/** How long the server may take to say good-bye. */
const QUIT_MS = 5000;
const DEFAULT_PORT = { implicit: 465, starttls: 587, none: 25 } as const;
const TIMEOUTS: SmtpTimeouts = { connectMs: 30_000, idleMs: 5 * 60_000, wholeMs: 10 * 60_000 };

export interface SmtpTimeouts {
  /** Name look-up, connection, TLS and greeting together. */
  readonly connectMs: number;
  /** Silence of the server. RFC 5321, section 4.5.3.2, asks for minutes. */
  readonly idleMs: number;
  /** One mail from connecting to its end. */
  readonly wholeMs: number;
}

export interface SmtpSettings {
  readonly host: string;
  readonly port?: number;
  /** `starttls` is required, not tried; `none` never encrypts. */
  readonly tls: 'implicit' | 'starttls' | 'none';
  readonly user?: string;
  readonly password?: string;
  /** In place of a password: the command that prints it, and its key. */
  readonly passwordCommand?: SecretCommand;
  /** In place of a password: the command that prints a token of OAuth 2, for AUTH XOAUTH2. */
  readonly tokenCommand?: SecretCommand;
  /** Certificates in PEM form to trust in place of the usual ones. */
  readonly ca?: string;
  /** Name in the greeting to the server. */
  readonly name?: string;
  readonly timeouts?: SmtpTimeouts;
}

/** MAIL FROM, and every RCPT TO. */
export interface SmtpEnvelope {
  readonly from: string;
  readonly recipients: readonly string[];
  /** If the server refuses one of these for good, it is not given the mail: SmtpError `never`, with whom it refused. */
  readonly needed?: readonly string[];
}

/** A recipient that the server would not have a mail for, with its words: not now (4xx), or never (5xx). */
export interface Rejected {
  readonly address: string;
  readonly kind: 'later' | 'never';
  readonly why: string;
}

/** The server has the mail, for the accepted ones. */
export interface Taken {
  readonly accepted: readonly string[];
  readonly rejected: readonly Rejected[];
}

/** Told whom the server has refused: it will not have the mail for them. */
export type BeforeEnd = (rejected: readonly Rejected[]) => void;

export interface Smtp {
  /** Sends a mail; `beforeEnd` is called before its end is handed over, until then the server cannot have it. Throws SmtpError. */
  send(envelope: SmtpEnvelope, eml: Uint8Array, beforeEnd?: BeforeEnd): Promise<Taken>;
}

/** A mail that the server did not confirm. */
export class SmtpError extends Error {
  override readonly name = 'SmtpError';
  /**
   * `away`: the server did not come to the mail (no connection, TLS, login, greeting), any other mail would meet the
   * same. `later`: it does not take this mail now (4xx). `never`: it refuses this mail for good (5xx). In all three it
   * does not have the mail. `unknown`: it may have it: the connection was lost after the mail's end was handed over.
   */
  readonly kind: 'away' | 'later' | 'never' | 'unknown';
  /** Where the server refused all recipients, or one that is needed: those that it refused, each by itself. */
  readonly rejected: readonly Rejected[];

  constructor(kind: SmtpError['kind'], message: string, rejected: readonly Rejected[] = []) {
    super(message);
    this.kind = kind;
    this.rejected = rejected;
  }
}

/** A server to send by; each mail has a connection of its own. */
export function openSmtp(settings: SmtpSettings): Smtp {
  return { send: (envelope, eml, beforeEnd) => send(settings, envelope, eml, beforeEnd) };
}

async function send(
  settings: SmtpSettings,
  envelope: SmtpEnvelope,
  eml: Uint8Array,
  beforeEnd: BeforeEnd = () => undefined,
): Promise<Taken> {
  const mail = { endHandedOver: false };
  const { from, recipients, needed = [] } = envelope;
  // The connection notes on it whom the server refused.
  const to: SMTPEnvelope & { rejectedErrors?: readonly Failure[] } = {
    from,
    to: [...recipients],
    use8BitMime: isEightBit(eml),
  };
  // Read once the server waits for the mail; where that fails it gets no end, and so no mail.
  const chunks = function* (): Generator<Buffer> {
    const rejected = rejectedOf(to.rejectedErrors);
    if (rejected.some(({ kind, address }) => kind === 'never' && needed.includes(address)))
      throw new SmtpError('never', 'not all recipients are accepted', rejected);
    yield* chunksOf(eml, mail, () => beforeEnd(rejected));
  };
  const body = Readable.from(chunks(), { objectMode: false });
  try {
    return await session(settings, mail, (connection, resolve, reject) => {
      body.once('error', reject);
      connection.send(to, body, (error, info) => {
        if (error) return reject(error);
        resolve({ accepted: info.accepted.map(String), rejected: rejectedOf(info.rejectedErrors) });
      });
    });
  } finally {
    body.destroy();
  }
}

/** Connects and, where a user is set, logs in; hands over nothing. Throws SmtpError. */
export async function tryLogin(settings: SmtpSettings): Promise<void> {
  await session(settings, { endHandedOver: false }, (_, resolve) => resolve(undefined));
}

/** A connection, logged in, for `act`; it is closed when that has resolved or rejected. Throws SmtpError. */
async function session<T>(
  settings: SmtpSettings,
  mail: { readonly endHandedOver: boolean },
  act: (connection: SMTPConnection, resolve: (value: T) => void, reject: (error: Error) => void) => void,
): Promise<T> {
  const { host, tls, user, timeouts = TIMEOUTS } = settings;
  const port = settings.port ?? DEFAULT_PORT[tls];
  const secret = user === undefined ? '' : await secretOf(settings);
  const login = user === undefined ? undefined : loginOf(user, secret, settings);
  const connection = new SMTPConnection({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    name: settings.name,
    tls: { minVersion: 'TLSv1.2', ...(settings.ca === undefined ? {} : { ca: settings.ca }) },
    connectionTimeout: timeouts.connectMs,
    greetingTimeout: timeouts.connectMs,
    dnsTimeout: timeouts.connectMs,
    socketTimeout: timeouts.idleMs,
    maxResponseSize: CHUNK_BYTES,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const value = await new Promise<T>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no end after ${timeouts.wholeMs / 1000} s`)), timeouts.wholeMs);
      // For all of its life: an error after the mail was taken has nobody to tell, and must not end the process.
      connection.on('error', reject);
      // Later than an error of the same moment, which says more.
      connection.once('end', () => setImmediate(reject, new Error('the connection was closed')));
      const begin = (): void => act(connection, resolve, reject);
      connection.connect((error) => {
        if (error) return reject(error);
        if (login === undefined) return begin();
        if (!connection.allowsAuth) return reject(new Error(`it offers no login, and a user is set`));
        connection.login(login, (refused) => (refused ? reject(refused) : begin()));
      });
    });
    connection.quit();
    setTimeout(() => connection.close(), QUIT_MS).unref();
    return value;
  } catch (error) {
    connection.close();
    if (error instanceof SmtpError) throw clean(error, user, secret);
    const failure = error as Failure;
    const kind = kindOf(failure, mail.endHandedOver);
    const rejected = failure.command === 'RCPT TO' && kind !== 'away' ? rejectedOf(failure.rejectedErrors) : [];
    throw clean(new SmtpError(kind, `smtp server ${host}:${port}: ${wordsOf(failure)}`, rejected), user, secret);
  } finally {
    clearTimeout(timer);
  }
}

/** Throws SmtpError. */
async function secretOf({ password = '', passwordCommand, tokenCommand }: SmtpSettings): Promise<string> {
  const command = tokenCommand ?? passwordCommand;
  if (!command) return password;
  return secretOfCommand(command).catch((error: Error) => {
    throw new SmtpError('away', error.message);
  });
}

/** What a server says goes into logs and reasons, and it may repeat what it was told: the secret, as it is and as AUTH has it. */
function clean(error: SmtpError, user: string | undefined, secret: string): SmtpError {
  if (user === undefined || secret === '') return error;
  const plain = `\0${user}\0${secret}`;
  const oauth = `user=${user}\u0001auth=Bearer ${secret}\u0001\u0001`;
  const forms = [...[plain, oauth, secret].map((text) => Buffer.from(text).toString('base64')), secret];
  const without = (words: string): string => forms.reduce((text, form) => text.replaceAll(form, '[password]'), words);
  const rejected = error.rejected.map((one) => ({ ...one, why: without(one.why) }));
  return new SmtpError(error.kind, without(error.message), rejected);
}

function loginOf(user: string, secret: string, { tokenCommand }: SmtpSettings): Parameters<SMTPConnection['login']>[0] {
  if (tokenCommand) return { user, oauth2: new XOAuth2({ user, accessToken: secret }) };
  return { user, credentials: { user, pass: secret } };
}

/** What nodemailer attaches to an error. */
interface Failure extends Error {
  readonly code?: string | undefined;
  readonly command?: string | undefined;
  readonly responseCode?: number | undefined;
  readonly response?: string | undefined;
  readonly recipient?: string | undefined;
  readonly rejectedErrors?: readonly Failure[] | undefined;
}

function rejectedOf(errors: readonly Failure[] = []): readonly Rejected[] {
  return errors.flatMap((error) => {
    const kind = (error.responseCode ?? 0) < 500 ? 'later' : 'never';
    return error.recipient === undefined ? [] : [{ address: error.recipient, kind, why: wordsOf(error) }];
  });
}

function kindOf({ code, command, responseCode = 0 }: Failure, endHandedOver: boolean): SmtpError['kind'] {
  // An address that cannot stand in the envelope: refused before it left.
  if (code === 'EENVELOPE' && command === 'API') return 'never';
  if (/^(MAIL FROM|RCPT TO|DATA)$/.test(command ?? '') && responseCode >= 400) {
    // About the session, not the mail: wrong order, login needed.
    if (responseCode === 503 || responseCode === 530) return 'away';
    return responseCode < 500 ? 'later' : 'never';
  }
  return endHandedOver ? 'unknown' : 'away';
}

/** The server's own words where it said some. */
function wordsOf({ message, response }: Failure): string {
  return (response ?? message).slice(0, 1000);
}

function* chunksOf(eml: Uint8Array, mail: { endHandedOver: boolean }, beforeEnd: () => void): Generator<Buffer> {
  const bytes = Buffer.from(eml.buffer, eml.byteOffset, eml.byteLength);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    // Once the last chunk is out of our hands the final dot may be, too.
    if (at + CHUNK_BYTES >= bytes.length) {
      beforeEnd();
      mail.endHandedOver = true;
    }
    yield bytes.subarray(at, at + CHUNK_BYTES);
  }
}

function isEightBit(eml: Uint8Array): boolean {
  for (const byte of eml) if (byte > 127) return true;
  return false;
}

/**
 * The IMAP and SMTP servers of depbot.toml, with ports filled in and files read. What is wrong is noted, not thrown:
 * serve-settings.ts tells all of it at once.
 */

import { z } from 'zod';
import type { Config } from './config.ts';
import type { SecretCommand } from './secret-command.ts';
import { readCertificates, readSecret } from './secrets.ts';

type Tls = 'implicit' | 'starttls' | 'none';

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  /** `none` for servers of this machine only. */
  readonly tls: Tls;
  /** With a password, or neither. */
  readonly user?: string;
  readonly password?: string;
  /** In place of a password: the command that prints it, and its key. */
  readonly passwordCommand?: SecretCommand;
  /** In place of a password: prints a token for OAuth 2. */
  readonly tokenCommand?: SecretCommand;
  /** Certificates of authorities to trust instead of the usual ones, PEM. */
  readonly ca?: string;
}

export interface ImapSettings extends SmtpSettings {
  /** The NAME of [imap.NAME]. */
  readonly name: string;
}

export type Env = Readonly<Record<string, string | undefined>>;

export interface Given {
  readonly config: Config;
  readonly env: Env;
  /** Notes what is wrong; its result stands in for the value, and is never used: the start ends with the list. */
  readonly wrong: (problem: string) => '';
}

const PORTS = { imap: { implicit: 993, starttls: 143, none: 143 }, smtp: { implicit: 465, starttls: 587, none: 25 } };

/** By the NAME of [imap.NAME]. */
export type Accounts = ReadonlyMap<string, ImapSettings>;

/** Those of all [imap.NAME]. */
export function accountsOf(given: Given): Accounts {
  return new Map(
    Object.entries(given.config.imap).map(([name, server]) => {
      const variable = `DEPBOT_IMAP_${name.toUpperCase().replaceAll('-', '_')}_PASSWORD`;
      const section = `imap.${name}`;
      return [name, { name, ...serverOf(given, { section, server, ports: PORTS.imap, variable }) }];
    }),
  );
}

/** Undefined, and noted, for a name that there is not; `key` is where it stands. */
export function accountNamed(
  name: string,
  { key, accounts, wrong }: { key: string; accounts: Accounts; wrong: Given['wrong'] },
): ImapSettings | undefined {
  const account = accounts.get(name);
  const known = accounts.size === 0 ? 'there is none' : `there are: ${[...accounts.keys()].join(', ')}`;
  if (account === undefined)
    wrong(`${key} = ${JSON.stringify(name)} is no account (${known}); add [imap.NAME] with host = "imap.example.org"`);
  return account;
}

/** That of [smtp]. */
export function smtpOf(given: Given): SmtpSettings {
  const { smtp } = given.config;
  const host =
    smtp.host ??
    given.wrong('smtp.host is not set, and answers to commands go out there; in [smtp]: host = "smtp.example.org"');
  return serverOf(given, {
    section: 'smtp',
    server: { ...smtp, host },
    ports: PORTS.smtp,
    variable: 'DEPBOT_SMTP_PASSWORD',
  });
}

interface ServerGiven {
  readonly section: string;
  readonly server: Config['imap'][string];
  readonly ports: Readonly<Record<Tls, number>>;
  /** Of the environment, with the password where there is no file. */
  readonly variable: string;
}

function serverOf({ env, wrong }: Given, { section, server, ports, variable }: ServerGiven): SmtpSettings {
  const { host, tls, port = ports[tls], user } = server;
  if (tls === 'none' && host !== '' && !isLoopback(host))
    wrong(
      `${section}.tls = "none" would send mails and password to ${host} in the clear, and is for this machine only; in [${section}]: tls = "implicit", or "starttls"`,
    );
  const password = secretOf(`${section}.password_file`, { file: server.password_file, env: env[variable], wrong });
  const { password_command: argv, token_command: tokenArgv } = server;
  const ways = [password, argv, tokenArgv].filter((way) => way !== undefined).length;
  if (user !== undefined && ways === 0)
    wrong(
      `${section}.user has no password; in [${section}]: password_file = "/etc/depbot/password", or set ${variable}`,
    );
  if (user === undefined && ways > 0)
    wrong(`${section}.user is not set, and there is a password; in [${section}]: user = "depbot"`);
  if (ways > 1)
    wrong(`${section} has more than one of password_file, ${variable}, password_command and token_command; leave one`);
  const ca = server.ca_file === undefined ? undefined : readCertificates(server.ca_file);
  if (ca?.ok === false) wrong(`${section}.ca_file: ${ca.why}`);
  return {
    host,
    port,
    tls,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(argv && { passwordCommand: { key: `${section}.password_command`, argv } }),
    ...(tokenArgv && { tokenCommand: { key: `${section}.token_command`, argv: tokenArgv } }),
    ...(ca?.ok && { ca: ca.text }),
  };
}

/** From the file, else from the environment; undefined where there is neither. */
export function secretOf(
  key: string,
  from: { readonly file: string | undefined; readonly env: string | undefined; readonly wrong: Given['wrong'] },
): string | undefined {
  if (from.file === undefined) return from.env || undefined;
  const secret = readSecret(from.file);
  return secret.ok ? secret.text : from.wrong(`${key}: ${secret.why}`);
}

/** RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3; RFC 6761, section 6.3. An IPv6 address may be in brackets. */
export function isLoopback(host: string): boolean {
  return (
    /^localhost$/i.test(host) ||
    /^\[?::1\]?$/.test(host) ||
    (z.ipv4().safeParse(host).success && host.startsWith('127.'))
  );
}

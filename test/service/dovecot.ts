/**
 * A private Dovecot (2.3) on 127.0.0.1: IMAP, without TLS or with nothing else, Maildir, one password file. Its folder is the only thing it
 * writes to, and it ends with the process that started it.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

export interface Dovecot {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** The Maildir of a user's folder, INBOX unless named. */
  mailDir(user: string, folder?: string): string;
  /** Puts a mail into a folder as a delivery agent does: whole, by rename. Returns its path. */
  deliver(user: string, raw: string | Uint8Array, folder?: string): string;
  /** Ends the server as a shutdown does: clients hear BYE. The mails stay; a new start in the same folder has them. */
  close(): Promise<void>;
}

export interface DovecotOptions {
  /** Passwords by user name. */
  readonly users: Readonly<Record<string, string>>;
  /** A free one if not given. */
  readonly port?: number;
  /** Whether there is a folder marked \Drafts. */
  readonly drafts?: boolean;
  /** Has tokens of OAuth 2 looked up at this address, in place of passwords. */
  readonly introspectionUrl?: string;
  /** Capabilities to announce, instead of all. */
  readonly capability?: string;
  /** Speaks TLS from the first byte, with this key and certificate (PEM). */
  readonly tls?: { readonly key: string; readonly cert: string };
}

const READY_MS = 20_000;
/** What sun_path holds (unix(7)), less the longest name that Dovecot adds. */
const MAX_DIR_LENGTH = 107 - '/run/auth-token-secret.dat.12345678'.length;

/** Starts one in `dir`, which is made where missing. Resolves when it answers. Throws when it does not, with its log. */
export async function startDovecot(dir: string, options: DovecotOptions): Promise<Dovecot> {
  if (dir.length > MAX_DIR_LENGTH) throw new Error(`${dir}: too long for Dovecot's sockets; take a shorter folder`);
  const owner = whoRunsIt();
  const own = (path: string): void => {
    if (owner.isRoot) chownSync(path, owner.uid, owner.gid);
  };
  const makeDir = (path: string): void => {
    if (!existsSync(path)) {
      makeDir(dirname(path));
      mkdirSync(path, { mode: 0o700 });
      own(path);
    }
  };
  makeDir(dir);
  own(dir);
  if (owner.isRoot) openTheWay(dir);
  const port = options.port ?? (await freePort());
  const users = Object.entries(options.users).map(([user, password]) => `${user}:{PLAIN}${password}\n`);
  const oauth2 = [
    'introspection_mode = auth',
    `introspection_url = ${options.introspectionUrl}`,
    'username_attribute = username',
    'active_attribute = active',
    'active_value = true',
  ].join('\n');
  const files = {
    oauth2,
    'dovecot.conf': configuration(dir, port, owner, options),
    users: users.join(''),
    ...(options.tls && { 'tls.key': options.tls.key, 'tls.crt': options.tls.cert }),
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(dir, name), text);
    own(join(dir, name));
  }

  const mailDir = (user: string, folder = 'INBOX'): string =>
    join(dir, 'mail', user, folder === 'INBOX' ? 'INBOX' : `.${folder.replaceAll('/', '.')}`);
  let delivered = 0;
  const child = spawn(
    'setpriv',
    [...owner.become, '--pdeathsig', 'TERM', '/usr/sbin/dovecot', '-F', '-c', join(dir, 'dovecot.conf')],
    { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }, detached: true },
  );
  const log = (): string =>
    existsSync(join(dir, 'dovecot.log')) ? readFileSync(join(dir, 'dovecot.log'), 'utf8') : '';
  await ready(child, port, log, options.tls?.cert);
  return {
    host: '127.0.0.1',
    port,
    mailDir,
    deliver(user, raw, folder) {
      const to = mailDir(user, folder);
      for (const part of ['tmp', 'new', 'cur']) makeDir(join(to, part));
      const name = `${Math.floor(Date.now() / 1000)}.M${String(Date.now() % 1000).padStart(3, '0')}P${process.pid}Q${delivered++}.test`;
      const partial = join(to, 'tmp', name);
      writeFileSync(partial, raw);
      own(partial);
      const path = join(to, 'new', name);
      renameSync(partial, path);
      return path;
    },
    close: async () => {
      signalGroup(child, 'SIGTERM');
      await end(child);
      // Its processes outlive it by a moment, in which they would still answer.
      signalGroup(child, 'SIGKILL');
    },
  };
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/**
 * Resolves when an IMAP server greets at `port`, by TLS where it has a certificate `ca`. Throws when `child` ends first
 * or it takes too long.
 */
export async function ready(child: ChildProcess, port: number, log: () => string, ca?: string): Promise<void> {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-10_000);
  });
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  const until = performance.now() + READY_MS;
  while (!(await greets(port, ca))) {
    const ended = failure !== undefined || child.exitCode !== null || child.signalCode !== null;
    if (!ended && performance.now() < until) {
      await sleep(20);
      continue;
    }
    const said = [failure?.message, stderr, log()].filter(Boolean).join('\n');
    await end(child);
    throw new Error(`${child.spawnargs.join(' ')}: does not answer at port ${port}\n${said}`);
  }
}

/** Ends a server, gently; resolves when it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(late);
}

/** Does nothing when all of the group are gone. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function greets(port: number, ca: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = ca === undefined ? connect(port, '127.0.0.1') : connectTls({ port, host: '127.0.0.1', ca });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => done(false));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.once('data', (data) => done(data.toString('latin1').startsWith('* OK')));
  });
}

interface Owner {
  readonly isRoot: boolean;
  readonly user: string;
  readonly group: string;
  readonly uid: number;
  readonly gid: number;
  /** Arguments of setpriv(1). */
  readonly become: readonly string[];
}

/** Dovecot refuses to handle logins or mail as root, so root starts it as nobody. */
function whoRunsIt(): Owner {
  const id = (...args: string[]): string => execFileSync('id', args, { encoding: 'utf8' }).trim();
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? 'nobody' : userInfo().username;
  const [uid, gid, group] = [Number(id('-u', user)), Number(id('-g', user)), id('-gn', user)];
  const become = isRoot ? ['--reuid', String(uid), '--regid', String(gid), '--clear-groups'] : [];
  return { isRoot, user, group, uid, gid, become };
}

/** Lets other users through the folders above `dir`; only those within the temporary folder are altered. */
function openTheWay(dir: string): void {
  for (let at = dirname(dir); at !== dirname(at); at = dirname(at)) {
    const { mode } = statSync(at);
    if ((mode & 0o001) !== 0) continue;
    if (relative(tmpdir(), at).startsWith('..'))
      throw new Error(`${at}: other users cannot pass, and Dovecot must not be root`);
    chmodSync(at, (mode & 0o7777) | 0o001);
  }
}

function configuration(dir: string, port: number, { user, group }: Owner, options: DovecotOptions): string {
  const drafts =
    options.drafts === false ? '' : 'mailbox Drafts {\n    auto = subscribe\n    special_use = \\Drafts\n  }';
  return `
base_dir = ${dir}/run
state_dir = ${dir}/state
log_path = ${dir}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = ${options.tls === undefined ? 'no' : `required\nssl_cert = <${dir}/tls.crt\nssl_key = <${dir}/tls.key`}
disable_plaintext_auth = no
default_internal_user = ${user}
default_internal_group = ${group}
default_login_user = ${user}
mail_location = maildir:${dir}/mail/%n:INBOX=${dir}/mail/%n/INBOX
mail_uid = ${user}
mail_gid = ${group}
first_valid_uid = 1
first_valid_gid = 1
auth_failure_delay = 0
maildir_very_dirty_syncs = no
mailbox_idle_check_interval = 1 secs
${options.capability === undefined ? '' : `imap_capability = ${options.capability}`}
${options.introspectionUrl === undefined ? '' : 'auth_mechanisms = xoauth2 oauthbearer'}
passdb {
  ${
    options.introspectionUrl === undefined
      ? `driver = passwd-file\n  args = scheme=PLAIN username_format=%u ${dir}/users`
      : `driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = ${dir}/oauth2`
  }
}
userdb {
  driver = static
  args = uid=${user} gid=${group} home=${dir}/mail/%n
}
namespace inbox {
  inbox = yes
  separator = /
  ${drafts}
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = ${options.tls === undefined ? port : 0}
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = ${options.tls === undefined ? 0 : port}
  }
  chroot =
}
service anvil {
  chroot =
  # No waiting after logins that failed.
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
`;
}

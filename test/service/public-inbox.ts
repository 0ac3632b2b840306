/** A private public-inbox (1.9) archive with its IMAP server on 127.0.0.1, as lore.kernel.org runs it. */

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, freePort, ready } from './dovecot.ts';

export interface PublicInbox {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** The folder that holds the mails, `org.kernel.vger.linux-input.0`. */
  readonly folder: string;
  /** Archives a mail, as the list server's delivery agent does. */
  deliver(raw: string | Uint8Array): Promise<void>;
  /** Ends the server. */
  close(): Promise<void>;
}

export interface PublicInboxOptions {
  /** The list's address, `linux-input@vger.kernel.org`. */
  readonly list: string;
  /** A free one if not given. */
  readonly port?: number;
  /** Speaks TLS from the first byte, with this key and certificate (PEM). */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/**
 * Starts one in `dir`, which is made where missing; an archive that is there already goes on. Resolves when it
 * answers. Throws when a program of public-inbox fails, with what it said.
 */
export async function startPublicInbox(dir: string, options: PublicInboxOptions): Promise<PublicInbox> {
  const { list, tls } = options;
  const [name = '', domain = ''] = list.split('@');
  const newsgroup = [...domain.split('.').reverse(), name].join('.');
  mkdirSync(join(dir, 'emergency'), { recursive: true });
  const config = join(dir, 'config');
  const env = {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: dir,
    PI_CONFIG: config,
    PI_EMERGENCY: join(dir, 'emergency'),
    GIT_CONFIG_NOSYSTEM: '1',
    ORIGINAL_RECIPIENT: list,
    LC_ALL: 'C',
  };
  const init = ['-V2', '-L', 'full', '--ng', newsgroup, name, join(dir, name), `http://127.0.0.1/${name}`, list];
  await run('public-inbox-init', init, env);
  await run('git', ['config', '-f', config, 'publicinboxmda.spamcheck', 'none'], env);
  const port = options.port ?? (await freePort());
  const [key, cert] = [join(dir, 'tls.key'), join(dir, 'tls.crt')];
  if (tls) writeFileSync(key, tls.key);
  if (tls) writeFileSync(cert, tls.cert);
  const listen = tls ? `imaps://127.0.0.1:${port}/?cert=${cert},key=${key}` : `imap://127.0.0.1:${port}`;
  const argv = ['--pdeathsig', 'TERM', 'public-inbox-imapd', '-l', listen, '-W0'];
  const child = spawn('setpriv', argv, { stdio: ['ignore', 'ignore', 'pipe'], cwd: dir, env });
  await ready(child, port, () => '', tls?.cert);
  return {
    host: '127.0.0.1',
    port,
    folder: `${newsgroup}.0`,
    deliver: (raw) => run('public-inbox-mda', ['--no-precheck'], env, raw),
    close: () => end(child),
  };
}

function run(
  program: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  input?: string | Uint8Array,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { env, stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${program}: exit ${code}\n${said}`))));
    // A program that ends without reading all of it tells why by its exit status.
    child.stdin?.on('error', (error) => {
      said += `${error.message}\n`;
    });
    child.stdin?.end(input);
  });
}

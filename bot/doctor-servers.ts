/** Whether the servers of depbot.toml answer as depbot will ask them: Redis, IMAP with its folders, SMTP, DNS. Nothing is written. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answersPing } from '../queue/bullmq-link.ts';
import { type RedisAddress, startRedis } from '../queue/redis-server.ts';
import { dnsResolver } from './dkim.ts';
import { fault, looked, note, ok, type Sign } from './doctor.ts';
import { draftsFolder } from './drafts.ts';
import { openFolder, openImap } from './imap.ts';
import type { Log } from './log.ts';
import type { ImapSettings, ServeSettings } from './serve-settings.ts';
import { tryLogin } from './smtp.ts';

const QUIET: Log = { info: () => undefined, warn: () => undefined };
const PING_MS = 5000;
const CONNECT_MS = 15_000;
const SMTP_TIMEOUTS = { connectMs: CONNECT_MS, idleMs: CONNECT_MS, wholeMs: 2 * CONNECT_MS };

/** All of them, those that do not hang on each other at the same time. */
export async function serverSigns(settings: ServeSettings, searchPath: string): Promise<Sign[]> {
  const all = await Promise.all([
    redisSigns(settings.redis, searchPath),
    ...accountsOf(settings).map((account) => imapSigns(account, settings)),
    smtpSigns(settings.smtp),
    dnsSigns(settings),
  ]);
  return all.flat();
}

/** Given, or one of our own as `serve` starts it, in a folder that goes. */
export async function redisSigns(address: RedisAddress | undefined, searchPath: string): Promise<readonly Sign[]> {
  const what = 'Redis';
  if (address) {
    const isThere = await answersPing(address, PING_MS);
    const mend = 'start it, and compare queue.redis_url or REDIS_URL with its port, password and TLS';
    return [isThere ? ok(what, 'it answers') : fault(what, 'it does not answer', mend)];
  }
  const dir = mkdtempSync(join(tmpdir(), 'depbot-doctor-'));
  try {
    return await looked(what, 'apt install redis-server util-linux', async () => {
      const server = await startRedis({ dir, log: QUIET, searchPath });
      await server.close();
      return [ok(what, 'redis-server starts and answers')];
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function accountsOf({ mailboxes, drafts }: ServeSettings): ImapSettings[] {
  const all = [...mailboxes.map(({ account }) => account), ...(drafts ? [drafts.account] : [])];
  return [...new Map(all.map((account) => [account.name, account])).values()];
}

/** Login, each folder that is read, and the one for drafts. */
async function imapSigns(account: ImapSettings, { mailboxes, drafts }: ServeSettings): Promise<readonly Sign[]> {
  const what = `IMAP ${account.name}`;
  const section = `[imap.${account.name}]`;
  const stop = new AbortController();
  return looked(what, `compare ${section} with what the server's operator says`, async () => {
    const client = await openImap(account, {
      log: QUIET,
      signal: stop.signal,
      connectTimeoutMs: CONNECT_MS,
      silenceTimeoutMs: CONNECT_MS,
    });
    try {
      const idle = client.capabilities.has('IDLE') ? '' : ', without IDLE: new mails are seen every serve.poll_s';
      const signs = [ok(what, `${account.host}: login${idle}`)];
      for (const { folder } of mailboxes.filter((one) => one.account.name === account.name))
        signs.push(
          ...(await looked(`${what}/${folder}`, 'name a folder that is there in [[mailbox]] folder', async () => {
            const { exists } = await openFolder(client, folder, true);
            return [ok(`${what}/${folder}`, `${exists} mails`)];
          })),
        );
      if (drafts?.account.name === account.name)
        signs.push(
          ...(await looked(`${what}, drafts`, 'name a folder that is there in [drafts] folder', async () => {
            const path = drafts.folder ?? (await draftsFolder(client));
            await openFolder(client, path, true);
            return [ok(`${what}, drafts`, path)];
          })),
        );
      return signs;
    } finally {
      client.close();
    }
  });
}

async function smtpSigns(smtp: ServeSettings['smtp']): Promise<readonly Sign[]> {
  return looked('SMTP', 'compare host, port, tls, user and password in [smtp]', async () => {
    await tryLogin({ ...smtp, timeouts: SMTP_TIMEOUTS });
    return [ok('SMTP', `${smtp.host}: ${smtp.user === undefined ? 'it greets' : 'login'}`)];
  });
}

/** Asks for what a command by mail makes it ask for: a DKIM key of a maintainer's domain, by a name that need not exist. */
async function dnsSigns({ dnsServers, maintainers }: ServeSettings): Promise<readonly Sign[]> {
  const [first] = maintainers;
  if (first === undefined) return [note('DNS', 'there is no maintainer whose keys could be asked for')];
  const domain = first.address.slice(first.address.lastIndexOf('@') + 1);
  const what = 'DNS';
  try {
    await dnsResolver({ ...(dnsServers && { servers: dnsServers }) })(`depbot._domainkey.${domain}`, 'TXT');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTFOUND' && code !== 'ENODATA')
      return [fault(what, message, 'mend /etc/resolv.conf, or set commands.dns_servers')];
  }
  return [ok(what, `it answers for ${domain}`)];
}

/** What is wrong with the file, a line each; or what it says. */
export function settingsSigns(path: string, read: () => ServeSettings): { signs: Sign[]; settings?: ServeSettings } {
  try {
    const settings = read();
    return { signs: [ok('settings', path)], settings };
  } catch (error) {
    if ((error as Error).name !== 'ConfigError') throw error;
    const signs = (error as Error).message.split('\n').map((line) => {
      const text = line.startsWith(`${path}: `) ? line.slice(path.length + 2) : line;
      const [why = '', mend] = text.split('; ', 2);
      return fault('settings', why, mend ?? `see depbot.example.toml, and mend ${path}`);
    });
    return { signs };
  }
}

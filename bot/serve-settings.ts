/**
 * What `depbot serve` runs with, from depbot.toml and the environment, in force: files read, ports and units filled in,
 * references resolved. Where something is missing or wrong, everything that is: a line each, with what to write.
 */

import { z } from 'zod';
import type { RedisAddress } from '../queue/redis-server.ts';
import { RULES } from '../rules/index.ts';
import { type Config, ConfigError, readConfigFile } from './config.ts';
import { nearKeys } from './near-key.ts';
import type { Maintainer } from './policy.ts';
import {
  type Accounts,
  accountNamed,
  accountsOf,
  type Env,
  type Given,
  type ImapSettings,
  isLoopback,
  type SmtpSettings,
  secretOf,
  smtpOf,
} from './server-settings.ts';

export type { ImapSettings, SmtpSettings } from './server-settings.ts';

export interface ServeSettings {
  /** Of depbot.toml, for messages. */
  readonly path: string;
  readonly bot: Config['bot'];
  readonly treeDir: string;
  /** At least one, none twice. */
  readonly mailboxes: readonly { readonly account: ImapSettings; readonly folder: string }[];
  /** There where a maintainer has mode draft. Without `folder`: the one that the server calls \Drafts. */
  readonly drafts?: { readonly account: ImapSettings; readonly folder?: string };
  readonly smtp: SmtpSettings;
  /** At least one. */
  readonly maintainers: readonly Maintainer[];
  /** Findings about code that could not be built are sent, too. */
  readonly sendUnbuilt: boolean;
  readonly pollMs: number;
  readonly firstDays: number;
  readonly windowDays: number;
  readonly keepDays: number;
  readonly lookMs: number;
  /** Where report pages are served; `host` without brackets. */
  readonly page?: { readonly host: string; readonly port: number; readonly beyondLoopback: boolean };
  /** Without it: a redis-server of our own. */
  readonly redis?: RedisAddress;
  /** IP addresses, some with a port: `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1`, `[2001:db8::1]:53`. */
  readonly dnsServers?: readonly string[];
  /** In lower case. */
  readonly arcHosts: readonly string[];
  readonly maxCommandAgeMs: number;
  readonly prose?: {
    readonly baseUrl: string;
    readonly model: string;
    readonly apiKey?: string;
    readonly timeoutMs: number;
  };
}

export interface WorkerSettings {
  readonly treeDir: string;
  readonly redis: RedisAddress;
}

const HOUR_MS = 3_600_000;
/** sun_path of unix(7) has 108 bytes, the last one NUL. */
const MAX_SOCKET_PATH = 107;

/** `path` is the file of `config`, for messages. Throws ConfigError with one line for each problem. */
export function serveSettings(config: Config, env: Env, path: string): ServeSettings {
  return orAllThatIsWrong(config, env, path, (given) => {
    const { bot, serve, commands } = config;
    checkBot(given);
    const treeDir = treeDirOf(given);
    const accounts = accountsOf(given);
    const mailboxes = mailboxesOf(given, accounts);
    checkMaintainers(given);
    const drafts = draftsOf(given, accounts);
    const smtp = smtpOf(given);
    checkDays(given);
    const page = pageOf(given);
    const redis = redisOf(given);
    checkDnsServers(given);
    const prose = proseOf(given);
    return {
      path,
      bot,
      treeDir,
      mailboxes,
      ...(drafts && { drafts }),
      smtp,
      maintainers: config.maintainer,
      sendUnbuilt: config.check.send_unbuilt,
      pollMs: serve.poll_s * 1000,
      firstDays: serve.first_days,
      windowDays: serve.window_days,
      keepDays: serve.keep_days,
      lookMs: serve.look_s * 1000,
      ...(page && { page }),
      ...(redis && { redis }),
      ...(commands.dns_servers && { dnsServers: commands.dns_servers }),
      arcHosts: commands.arc_hosts.map((host) => host.toLowerCase()),
      maxCommandAgeMs: commands.max_age_hours * HOUR_MS,
      ...(prose && { prose }),
    };
  });
}

/** The same for `depbot worker`, which needs a tree and a Redis server that others reach too. Throws ConfigError. */
export function workerSettings(config: Config, env: Env, path: string): WorkerSettings {
  return orAllThatIsWrong(config, env, path, (given) => {
    const redis = redisOf(given);
    if (redis === undefined)
      given.wrong(
        'there is no Redis server to take series from; in [queue]: redis_url = "redis://redis.example.org:6379", or set REDIS_URL',
      );
    return { treeDir: treeDirOf(given), redis: redis ?? { url: '' } };
  });
}

/** The Redis of the configuration, if there is one. Throws ConfigError. */
export function redisSettings(config: Config, env: Env, path: string): RedisAddress | undefined {
  return orAllThatIsWrong(config, env, path, redisOf);
}

/** The account of [imap.NAME], for `depbot replay`. Throws ConfigError. */
export function replayAccount(config: Config, env: Env, path: string, name: string): ImapSettings {
  return orAllThatIsWrong(config, env, path, (given) => {
    const accounts = accountsOf(given);
    return accountNamed(name, { key: `imap:${name}`, accounts, wrong: given.wrong })!;
  });
}

function orAllThatIsWrong<T>(config: Config, env: Env, path: string, settings: (given: Given) => T): T {
  const problems: string[] = [];
  const wrong: Given['wrong'] = (problem) => {
    problems.push(`${path}: ${problem}`);
    return '';
  };
  const result = settings({ config, env, wrong });
  if (problems.length > 0) throw new ConfigError(problems.join('\n'));
  return result;
}

function checkBot({ config: { bot }, wrong }: Given): void {
  const unset = readConfigFile(undefined).bot;
  if (bot.operator === unset.operator)
    wrong('bot.operator is not set, and people must know whom to turn to; in [bot]: operator = "Ann Example"');
  if (bot.address === unset.address)
    wrong('bot.address is not set, and commands go there; in [bot]: address = "depbot@example.org"');
}

/** The environment comes first, as for `depbot check`. */
function treeDirOf({ config, env, wrong }: Given): string {
  return (
    env['DEPBOT_TREE'] ||
    config.tree.dir ||
    wrong('there is no kernel tree; in [tree]: dir = "/srv/linux", or set DEPBOT_TREE')
  );
}

function mailboxesOf({ config, wrong }: Given, accounts: Accounts): ServeSettings['mailboxes'] {
  if (config.mailbox.length === 0)
    wrong(
      'there is no mailbox to read; add [[mailbox]] with account = "kernel", and [imap.kernel] with host = "imap.example.org"',
    );
  const seen = new Set<string>();
  return config.mailbox.flatMap(({ account: name, folder }, at) => {
    // The one name that is compared without regard to case: RFC 3501, section 5.1.
    const key = JSON.stringify([name, /^inbox$/i.test(folder) ? 'INBOX' : folder]);
    if (seen.has(key)) wrong(`mailbox[${at}]: ${name}/${folder} is there twice; take one of the two away`);
    seen.add(key);
    const account = accountNamed(name, { key: `mailbox[${at}].account`, accounts, wrong });
    return account ? [{ account, folder }] : [];
  });
}

function checkMaintainers({ config, wrong }: Given): void {
  const known = RULES.map(({ id }) => id);
  for (const [at, { rules = [] }] of config.maintainer.entries()) {
    for (const rule of rules.filter((one) => !known.includes(one))) {
      const near = nearKeys(rule, known);
      const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are: ${known.join(', ')}`;
      wrong(`maintainer[${at}].rules: there is no rule ${JSON.stringify(rule)}; ${hint}`);
    }
  }
  if (config.maintainer.length === 0)
    wrong(
      'nobody has asked to hear from depbot; add [[maintainer]] with address = "ann@example.org", lists = ["linux-input@vger.kernel.org"], paths = ["drivers/input/"]',
    );
}

function draftsOf({ config, wrong }: Given, accounts: Accounts): ServeSettings['drafts'] {
  const { drafts, maintainer } = config;
  if (drafts.account === undefined) {
    const first = maintainer.find(({ mode }) => mode === 'draft');
    const why = first ? `${first.address} has mode "draft"` : 'drafts.folder is';
    const [name = 'kernel'] = accounts.keys();
    if (first || drafts.folder !== undefined)
      wrong(`drafts.account is not set, and ${why}; in [drafts]: account = "${name}", which is [imap.${name}]`);
    return undefined;
  }
  const account = accountNamed(drafts.account, { key: 'drafts.account', accounts, wrong });
  return account && { account, ...(drafts.folder !== undefined && { folder: drafts.folder }) };
}

function checkDays({ config: { serve }, wrong }: Given): void {
  const { first_days, window_days, keep_days } = serve;
  if (window_days < first_days)
    wrong(
      `serve.window_days = ${window_days} is less than serve.first_days = ${first_days}, so that mails would be read to be forgotten; in [serve]: window_days = ${first_days}`,
    );
  if (keep_days < window_days)
    wrong(
      `serve.keep_days = ${keep_days} is less than serve.window_days = ${window_days}, so that it would be forgotten what was said of series that are still put together; in [serve]: keep_days = ${window_days}`,
    );
}

function checkDnsServers({ config: { commands }, wrong }: Given): void {
  for (const server of commands.dns_servers ?? []) {
    if (!isDnsServer(server))
      wrong(
        `commands.dns_servers: ${JSON.stringify(server)} is not an IP address, or one with a port; in [commands]: dns_servers = ["192.0.2.1", "[2001:db8::1]:53"]`,
      );
  }
}

function pageOf({ config: { page }, wrong }: Given): ServeSettings['page'] {
  const { listen, beyond_loopback: beyondLoopback } = page;
  if (listen === undefined) return undefined;
  const [, v6, name, digits] = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(listen) ?? [];
  const [host, port] = [v6 ?? name ?? '', Number(digits)];
  if (!(isIpv6(v6 ?? '') || z.hostname().safeParse(name).success) || !(port <= 65535))
    wrong(`page.listen: ${JSON.stringify(listen)} is not an address with a port; in [page]: listen = "127.0.0.1:8025"`);
  else if (!beyondLoopback && !isLoopback(host))
    wrong(
      `page.listen = "${listen}" would show all reports, also those that nobody was sent, to whoever reaches ${host}; in [page]: listen = "127.0.0.1:${port}", or, where a firewall or a proxy says who does, beyond_loopback = true`,
    );
  return { host, port, beyondLoopback };
}

/** `redis://…`, `rediss://…` or the absolute path of a socket. */
function redisOf({ config: { queue }, env, wrong }: Given): RedisAddress | undefined {
  const url = queue.redis_url ?? (env['REDIS_URL'] || undefined);
  if (url === undefined) return undefined;
  // Not shown: it may have a password.
  const key = queue.redis_url === undefined ? 'REDIS_URL' : 'queue.redis_url';
  const forms =
    '"redis://localhost:6379", "rediss://redis.example.org:6380" or the path of a socket, "/run/redis/redis.sock"';
  if (url.startsWith('/')) {
    if (Buffer.byteLength(url) > MAX_SOCKET_PATH)
      wrong(`${key} is a path of more than ${MAX_SOCKET_PATH} bytes, too long for a socket; move the socket`);
    return { path: url };
  }
  if (!/^rediss?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    wrong(`${key} is not the address of a Redis server; it takes ${forms}`);
  }
  return { url };
}

function proseOf({ config: { prose }, env, wrong }: Given): ServeSettings['prose'] {
  const { base_url: baseUrl, model, api_key_file: file, timeout_s } = prose;
  if (baseUrl === undefined && model === undefined && file === undefined) return undefined;
  const apiKey = secretOf('prose.api_key_file', { file, env: env['DEPBOT_PROSE_API_KEY'], wrong });
  const url = baseUrl === undefined ? undefined : new URL(baseUrl);
  if (url?.protocol === 'http:' && apiKey !== undefined && !isLoopback(url.hostname))
    wrong(`prose.base_url would send the key to ${url.hostname} in the clear; in [prose]: base_url = "https://…"`);
  const needs = 'is not set, and [prose] needs both base_url and model; in [prose]:';
  return {
    baseUrl: baseUrl ?? wrong(`prose.base_url ${needs} base_url = "https://llm.example.org/v1"`),
    model: model ?? wrong(`prose.model ${needs} model = "small"`),
    ...(apiKey !== undefined && { apiKey }),
    timeoutMs: timeout_s * 1000,
  };
}

function isDnsServer(text: string): boolean {
  const [, v6, v4, port = '53'] = /^(?:\[(.+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const isPort = Number(port) >= 1 && Number(port) <= 65535;
  return isIpv6(text) || (isPort && (isIpv6(v6 ?? '') || isIpv4(v4 ?? '')));
}

function isIpv4(text: string): boolean {
  return z.ipv4().safeParse(text).success;
}

function isIpv6(text: string): boolean {
  return z.ipv6().safeParse(text).success;
}

/**
 * A small world for `depbot serve`, all of it real and on 127.0.0.1: Dovecot with the bot's account, an SMTP
 * receiver that delivers the bot's own copies to it, a DNS server with the DKIM key of one maintainer, and the
 * service as a process of its own.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImapFlow } from 'imapflow';
import type { DKIMSignOptions } from 'mailauth';
import { readMails } from '../../bot/mailbox.ts';
import { openSmtp } from '../../bot/smtp.ts';
import { type Dns, startDns } from './dns.ts';
import { type Dovecot, startDovecot } from './dovecot.ts';
import { makeSigner, type Signer } from './signing.ts';
import { type Behaviour, type ReceivedMail, type SmtpReceiver, startSmtpReceiver } from './smtp-receiver.ts';

const DEPBOT = join(import.meta.dirname, '../../bot/main.ts');

export const BOT = 'depbot@bot.example';
const PASSWORD = 'secret';
/** Mail domain of people who have no entry. */
export const STRANGERS = 'stranger.example';

export interface TownOptions {
  /** An empty folder; its path must be short, since sockets live in it. */
  readonly dir: string;
  /** A kernel tree. */
  readonly tree: string;
  readonly maintainer: string;
  readonly list: string;
  readonly mode?: 'draft' | 'private' | 'list';
  readonly cacheDir?: string;
  /** Makes a port that leads to another one; depbot is told that one. */
  readonly through?: (port: number) => Promise<number>;
  readonly maxPerDay?: number;
  /** Lines to add to depbot.toml. */
  readonly settings?: string;
}

/** A command of depbot's. */
export interface Start {
  readonly argv: readonly string[];
  /** On top of what the town gives it. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program that becomes it. */
  readonly through?: readonly string[];
}

export interface Service {
  readonly pid: number;
  /** What it has written so far. */
  log(): string;
  /** Sends a signal and waits for the end; the exit status, or the signal's name. */
  end(signal: NodeJS.Signals): Promise<number | string>;
  hasEnded(): boolean;
}

export class Town {
  readonly #options: TownOptions;
  #dovecot: Dovecot | undefined;
  #receiver: SmtpReceiver | undefined;
  readonly #mails: ReceivedMail[] = [];
  readonly #dns: Dns;
  readonly #signer: Signer;
  readonly #stranger: Signer;
  readonly #services = new Set<Service>();
  #commands = 0;

  private constructor(options: TownOptions, dns: Dns, signers: readonly [Signer, Signer]) {
    this.#options = options;
    this.#dns = dns;
    [this.#signer, this.#stranger] = signers;
  }

  /** Starts all servers and writes depbot.toml. */
  static async build(options: TownOptions): Promise<Town> {
    const signers = [makeSigner(domainOf(options.maintainer)), makeSigner(STRANGERS)] as const;
    const town = new Town(options, await startDns({ ...signers[0].records, ...signers[1].records }), signers);
    mkdirSync(join(options.dir, 'dovecot'), { recursive: true });
    await town.startDovecot();
    await town.startSmtp();
    const { through = async (port: number) => port } = options;
    const ports = { imap: await through(town.#dovecot!.port), smtp: await through(town.#receiver!.port) };
    writeFileSync(town.config, town.#toml(ports));
    return town;
  }

  /** Mails that the receiver took, of all its starts. */
  get mails(): readonly ReceivedMail[] {
    return [...this.#mails, ...(this.#receiver?.mails ?? [])];
  }

  /** Starts Dovecot, on the port that it had. */
  async startDovecot(): Promise<void> {
    const port = this.#dovecot?.port;
    this.#dovecot = await startDovecot(join(this.#options.dir, 'dovecot'), {
      users: { bot: PASSWORD },
      ...(port !== undefined && { port }),
    });
  }

  async stopDovecot(): Promise<void> {
    await this.#dovecot?.close();
  }

  /** Starts the SMTP receiver, on the port that it had. */
  async startSmtp(): Promise<void> {
    const port = this.#receiver?.port;
    this.#receiver = await startSmtpReceiver({
      deliver: (recipient, raw) => {
        if (recipient === BOT) this.deliver(raw);
      },
      ...(port !== undefined && { port }),
    });
  }

  async stopSmtp(): Promise<void> {
    if (!this.#receiver) return;
    await this.#receiver.close();
    this.#mails.push(...this.#receiver.mails);
  }

  /** A mail arrives in the bot's inbox; Dovecot may be away. */
  deliver(raw: Uint8Array): void {
    this.#dovecot!.deliver('bot', raw);
  }

  /** The mail, signed by the maintainer's domain; `options` are mailauth's. */
  signedByMaintainer(raw: Uint8Array, options?: Partial<DKIMSignOptions>): Promise<Buffer> {
    return this.#signer.sign(raw, options);
  }

  /** The mail, signed by a domain that has nothing to do with the maintainer's. */
  signedByStranger(raw: Uint8Array): Promise<Buffer> {
    return this.#stranger.sign(raw);
  }

  /** Path of depbot.toml. */
  get config(): string {
    return join(this.#options.dir, 'depbot.toml');
  }

  /** Of `depbot serve`. */
  get env(): Readonly<Record<string, string>> {
    return {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: this.#options.dir,
      DEPBOT_TREE: this.#options.tree,
      DEPBOT_CACHE: this.#options.cacheDir ?? join(this.#options.dir, 'cache'),
      DEPBOT_IMAP_BOT_PASSWORD: PASSWORD,
    };
  }

  /** Has the SMTP receiver behave so from now on. */
  smtpBehaves(behaviour: Behaviour): void {
    this.#receiver!.behaviour = behaviour;
  }

  /** Starts `depbot serve`. */
  serve(more: Omit<Start, 'argv'> = {}): Service {
    return this.start({ argv: ['serve', '--config', this.config], ...more });
  }

  /** Starts depbot; it ends with this process, or with the town. */
  start({ argv, env = {}, through = [] }: Start): Service {
    const command = [...through, process.execPath, DEPBOT, ...argv];
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
      env: { ...this.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const service = follow(child);
    this.#services.add(service);
    return service;
  }

  /** Mails of a mbox arrive at the list, and so in the bot's inbox, as if they had been sent now. */
  async post(mbox: string): Promise<void> {
    for await (const mail of readMails({ path: mbox })) {
      if ('why' in mail) throw new Error(`${mbox}: ${mail.why}`);
      this.deliver(posted(mail.raw));
    }
  }

  /** As {@link post}, but handed over by SMTP, as a list does it with a subscriber. */
  async postBySmtp(mbox: string): Promise<void> {
    for await (const mail of readMails({ path: mbox })) {
      if ('why' in mail) throw new Error(`${mbox}: ${mail.why}`);
      await this.#handOver(this.#options.list, posted(mail.raw));
    }
  }

  /** As {@link command}, handed over by SMTP. */
  async commandBySmtp(line: string, ...thread: readonly string[]): Promise<void> {
    await this.#handOver(this.#options.maintainer, (await this.#command(line, thread)).raw);
  }

  /** Mails in the Drafts folder, as an IMAP client sees them. */
  async draftsByImap(): Promise<readonly string[]> {
    const { host, port } = this.#dovecot!;
    const auth = { user: 'bot', pass: PASSWORD };
    const client = new ImapFlow({ host, port, secure: false, auth, logger: false });
    await client.connect();
    try {
      const { exists } = await client.mailboxOpen('Drafts', { readOnly: true });
      const mails = exists === 0 ? [] : await client.fetchAll('1:*', { uid: true, flags: true, source: true });
      return mails.filter(({ flags }) => flags?.has('\\Draft')).map(({ source }) => source!.toString('utf8'));
    } finally {
      await client.logout();
    }
  }

  #handOver(from: string, raw: Uint8Array): Promise<unknown> {
    const { host, port } = this.#receiver!;
    return openSmtp({ host, port, tls: 'none' }).send({ from, recipients: [BOT] }, raw);
  }

  /** A signed mail from the maintainer with `line` in it, in reply to the last mail of a thread. Returns its Message-ID. */
  async command(line: string, ...thread: readonly string[]): Promise<string> {
    const { messageId, raw } = await this.#command(line, thread);
    this.deliver(raw);
    return messageId;
  }

  async #command(line: string, thread: readonly string[]): Promise<{ messageId: string; raw: Buffer }> {
    const messageId = `command-${++this.#commands}@${domainOf(this.#options.maintainer)}`;
    const mail = [
      `From: Maintainer <${this.#options.maintainer}>`,
      `To: ${BOT}`,
      'Subject: Re: your draft',
      `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${messageId}>`,
      `In-Reply-To: <${thread.at(-1)}>`,
      `References: ${thread.map((id) => `<${id}>`).join(' ')}`,
      'Content-Type: text/plain; charset=us-ascii',
      '',
      line,
      '',
    ].join('\r\n');
    return { messageId, raw: await this.#signer.sign(Buffer.from(mail)) };
  }

  /** Mails in the Drafts folder, as text. */
  drafts(): string[] {
    const folder = this.#dovecot!.mailDir('bot', 'Drafts');
    return ['new', 'cur'].flatMap((part) => {
      try {
        return readdirSync(join(folder, part)).map((name) => readFileSync(join(folder, part, name), 'utf8'));
      } catch {
        // Dovecot makes the folder with its first mail.
        return [];
      }
    });
  }

  /** Ends everything that was started. */
  async close(): Promise<void> {
    for (const service of this.#services) await service.end('SIGKILL');
    await this.stopSmtp();
    await this.stopDovecot();
    await this.#dns.close();
  }

  #toml(ports: { readonly imap: number; readonly smtp: number }): string {
    const { maintainer, list, mode = 'draft', dir, maxPerDay = 20, settings = '' } = this.#options;
    return `
[bot]
operator = "the demo"
address = "${BOT}"

[imap.bot]
host = "${this.#dovecot!.host}"
port = ${ports.imap}
tls = "none"
user = "bot"

[[mailbox]]
account = "bot"

[drafts]
account = "bot"

[smtp]
host = "${this.#receiver!.host}"
port = ${ports.smtp}
tls = "none"

[[maintainer]]
address = "${maintainer}"
lists = ["${list}"]
paths = ["drivers/"]
mode = "${mode}"
max_per_day = ${maxPerDay}

[serve]
poll_s = 1
look_s = 1

[commands]
dns_servers = ["${this.#dns.server}"]

[paths]
state = "${join(dir, 'state')}"
${settings}`;
  }
}

/** Waits until `look` gives something; throws with `what` and `why()` after `ms`. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false,
  ms: number,
  why: () => string = () => '',
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found as T;
    if (performance.now() > end) throw new Error(`waited ${ms / 1000} s for ${what}\n${why()}`);
    await sleep(50);
  }
}

/** The mail with the present for its Date; old ones get no reply. */
export function posted(raw: Uint8Array): Buffer {
  const date = new Date().toUTCString().replace('GMT', '+0000');
  return Buffer.from(
    Buffer.from(raw)
      .toString('latin1')
      .replace(/^Date: .*$/m, `Date: ${date}`),
    'latin1',
  );
}

function follow(child: ChildProcess): Service {
  let text = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  let hasEnded = false;
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => {
      hasEnded = true;
      resolve(code ?? signal ?? 'unknown');
    });
  });
  return {
    pid: child.pid!,
    log: () => text,
    hasEnded: () => hasEnded,
    end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}

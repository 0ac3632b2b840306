/** What a courier works with in its tests: an outbox on disk, an SMTP receiver, a Drafts folder and a clock in memory. */

import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { Courier, type CourierParts } from '../../bot/courier.ts';
import type { Drafts } from '../../bot/filing.ts';
import type { Log } from '../../bot/log.ts';
import { Outbox, type State } from '../../bot/outbox.ts';
import { type Outgoing, outgoingId } from '../../bot/outgoing.ts';
import { openSmtp, type Smtp } from '../../bot/smtp.ts';
import type { Unwanted } from '../../bot/wanted.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../service/smtp-receiver.ts';

/** `lookMs` of every courier here. */
export const LOOK_MS = 60_000;

interface World {
  dir: string;
  outbox: Outbox;
  receiver: SmtpReceiver;
  /** What was logged. */
  lines: string[];
  /** Now, in ms. */
  clock: number;
  /** The Drafts folder, by Message-ID. */
  folder: Map<string, Buffer>;
  /** Message-IDs of which a copy came back. */
  arrived: Set<string>;
  /** Addresses that said stop. */
  stopped: Set<string>;
  /** Sections that did. */
  stoppedSections: Set<string>;
  /** Why mails are not wanted any more, by Message-ID. */
  unwanted: Map<string, Unwanted>;
  /** Message-IDs of the drafts that `onFiled` was told of. */
  filed: string[];
  /** Message-ID and reason of each mail that `onHeld` was told of. */
  held: [string, string][];
  /** Message-ID and reason of each mail that `onDropped` was told of. */
  dropped: [string, string][];
  /** Message-IDs of drafts that `onOvertaken` was told of. */
  overtaken: string[];
  /** What the Drafts server throws at each kind of call, where it does. */
  draftsFail: Partial<Record<'append' | 'find' | 'remove', string>>;
}

/** New for each test of a file that calls {@link useWorld}. */
export const world = {} as World;

export function useWorld(): void {
  beforeEach(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'courier-'));
    Object.assign(world, {
      dir,
      outbox: new Outbox(dir, log),
      receiver: await startSmtpReceiver(),
      lines: [],
      clock: Date.parse('2026-11-22T10:00:00Z'),
      folder: new Map(),
      arrived: new Set(),
      stopped: new Set(),
      stoppedSections: new Set(),
      unwanted: new Map(),
      filed: [],
      held: [],
      dropped: [],
      overtaken: [],
      draftsFail: {},
    } satisfies World);
  });
  afterEach(async () => {
    await world.receiver.close();
    rmSync(world.dir, { recursive: true, force: true });
  });
}

export const log: Log = {
  info: (text) => world.lines.push(text),
  warn: (text) => world.lines.push(`warning: ${text}`),
};

export function idOfEml(eml: Uint8Array): string {
  return /^Message-ID: <(.+)>\r?$/m.exec(Buffer.from(eml).toString())![1]!;
}

const failing = (what: keyof World['draftsFail']): void => {
  if (world.draftsFail[what] !== undefined) throw new Error(world.draftsFail[what]);
};

export const drafts: Drafts = {
  async append(eml) {
    failing('append');
    const id = idOfEml(eml);
    if (world.folder.has(id)) throw new Error(`a second draft of ${id}`);
    world.folder.set(id, Buffer.from(eml));
  },
  async find(id) {
    failing('find');
    return world.folder.get(id);
  },
  async remove(id) {
    failing('remove');
    return world.folder.delete(id);
  },
};

export function smtp(): Smtp {
  return openSmtp({ host: world.receiver.host, port: world.receiver.port, tls: 'none' });
}

/** A courier as it is after a start of the process. */
export function courier(part: Partial<CourierParts> = {}): Courier {
  return new Courier({
    outbox: new Outbox(world.dir, log),
    drafts,
    smtp: smtp(),
    copies: (id) => (world.arrived.has(id) ? [world.outbox.read(outgoingId(id))] : []),
    readSince: () => new Date(world.clock),
    stopped: () => world.stopped,
    stoppedSections: () => world.stoppedSections,
    whyUnwanted: async ({ messageId }) => world.unwanted.get(messageId),
    halted: () => undefined,
    onFiled: ({ messageId }) => world.filed.push(messageId),
    onDropped: ({ messageId }, why) => world.dropped.push([messageId, why]),
    onHeld: ({ messageId }, why) => world.held.push([messageId, why]),
    onOvertaken: ({ messageId }) => world.overtaken.push(messageId),
    lookMs: LOOK_MS,
    now: () => new Date(world.clock),
    log,
    ...part,
  });
}

let count = 0;

/** Puts a mail into the outbox, where it is said into a state that it would have to go to first. */
export function add(name: string, via: Outgoing['via'], state?: State, more: Partial<Outgoing> = {}): Outgoing {
  const messageId = `${name}@bot.example`;
  const meta: Outgoing = {
    id: outgoingId(messageId),
    messageId,
    kind: 'reply',
    via,
    from: 'bot@bot.example',
    recipients: ['list@example.org', 'bot@bot.example'],
    subject: 'Re: [PATCH] x',
    answers: `patch-of-${name}@example.org`,
    maintainers: ['jane@example.org'],
    allowedBy: 'maintainer 1, jane@example.org',
    addedAt: new Date(Date.parse('2026-11-22T09:00:00Z') + count++).toISOString(),
    ...more,
  };
  const [first, ...others] = meta.recipients.filter((address) => address !== meta.from);
  const cc = others.length === 0 ? '' : `Cc: ${others.join(',\r\n ')}\r\n`;
  const head = `From: depbot <${meta.from}>\r\nTo: "Doe, J." <${first}>\r\n${cc}Message-ID: <${messageId}>\r\n`;
  world.outbox.add(meta, Buffer.from(`${head}Content-Type: text/plain; charset=UTF-8\r\n\r\n> größer\r\n`));
  if (state !== undefined) {
    const begin = via === 'draft' ? 'to-draft' : 'to-send';
    renameSync(join(world.dir, begin, `${meta.id}.eml`), join(world.dir, state, `${meta.id}.eml`));
  }
  return meta;
}

export function stateOf({ messageId }: Outgoing): State | undefined {
  return world.outbox.find(messageId)?.state;
}

/** Message-IDs of the mails that the receiver took, in order. */
export function received(): string[] {
  return world.receiver.mails.map(({ raw }) => idOfEml(raw));
}

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Courier, type CourierParts, type Drafts } from '../../bot/courier.ts';
import type { Log } from '../../bot/log.ts';
import { Outbox, type Outgoing, outgoingId, type State } from '../../bot/outbox.ts';
import { openSmtp, type Smtp, SmtpError } from '../../bot/smtp.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../service/smtp-receiver.ts';

const LOOK_MS = 60_000;

let dir: string;
let outbox: Outbox;
let receiver: SmtpReceiver;
let lines: string[];
let clock: number;
let folder: Map<string, Buffer>;
let arrived: Set<string>;
/** What the Drafts server throws at each kind of call, where it does. */
let draftsFail: Partial<Record<'append' | 'find' | 'remove', string>>;

const log: Log = { info: (text) => lines.push(text), warn: (text) => lines.push(`warning: ${text}`) };
const idOfEml = (eml: Uint8Array): string => /^Message-ID: <(.+)>$/m.exec(Buffer.from(eml).toString())![1]!;
const failing = (what: 'append' | 'find' | 'remove'): void => {
  if (draftsFail[what] !== undefined) throw new Error(draftsFail[what]);
};
const drafts: Drafts = {
  async append(eml) {
    failing('append');
    const id = idOfEml(eml);
    if (folder.has(id)) throw new Error(`a second draft of ${id}`);
    folder.set(id, Buffer.from(eml));
  },
  async find(id) {
    failing('find');
    return folder.get(id);
  },
  async remove(id) {
    failing('remove');
    return folder.delete(id);
  },
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'courier-'));
  lines = [];
  clock = Date.parse('2026-11-22T10:00:00Z');
  folder = new Map();
  arrived = new Set();
  draftsFail = {};
  outbox = new Outbox(dir, log);
  receiver = await startSmtpReceiver();
});
afterEach(async () => {
  await receiver.close();
  rmSync(dir, { recursive: true, force: true });
});

const smtp = (): Smtp => openSmtp({ host: receiver.host, port: receiver.port, tls: 'none' });
/** A courier as it is after a start of the process. */
const courier = (part: Partial<CourierParts> = {}): Courier =>
  new Courier({
    outbox: new Outbox(dir, log),
    drafts,
    smtp: smtp(),
    hasArrived: (id) => arrived.has(id),
    lookMs: LOOK_MS,
    now: () => new Date(clock),
    log,
    ...part,
  });
let count = 0;
function add(name: string, via: Outgoing['via'], state?: State): Outgoing {
  const messageId = `${name}@bot.example`;
  const meta: Outgoing = {
    id: outgoingId(messageId),
    messageId,
    kind: 'reply',
    via,
    from: 'bot@bot.example',
    recipients: ['list@example.org', 'bot@bot.example'],
    subject: 'Re: [PATCH] x',
    answers: 'patch@example.org',
    maintainers: ['jane@example.org'],
    allowedBy: 'maintainer 1, jane@example.org',
    addedAt: new Date(Date.parse('2026-11-22T09:00:00Z') + count++).toISOString(),
  };
  outbox.add(meta, Buffer.from(`Message-ID: <${messageId}>\r\n\r\n> größer\r\n`));
  if (state !== undefined) {
    const begin = via === 'draft' ? 'to-draft' : 'to-send';
    renameSync(join(dir, begin, `${meta.id}.eml`), join(dir, state, `${meta.id}.eml`));
  }
  return meta;
}
const stateOf = ({ messageId }: Outgoing): State | undefined => outbox.find(messageId)?.state;
const received = (): string[] => receiver.mails.map(({ raw }) => idOfEml(raw));

describe('a draft', () => {
  test('is filed once, byte for byte, and nothing is sent', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    await one.round();
    expect(stateOf(mail)).toBe('drafted');
    expect(folder.get(mail.messageId)).toEqual(Buffer.from(outbox.read(mail.id)));
    expect(one.nextRoundAt()).toBeUndefined();
    expect(receiver.connections()).toBe(0);
  });

  test('goes out when approved, and is no draft any more', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    expect(await one.approve(mail.messageId)).toEqual({ ok: true, state: 'to-send', already: false });
    expect(one.nextRoundAt()).toEqual(new Date(clock));
    await one.round();
    expect(stateOf(mail)).toBe('sent');
    expect(folder.size).toBe(0);
    expect(receiver.mails).toMatchObject([{ from: mail.from, recipients: mail.recipients, bodyType: '8bitmime' }]);
    expect(receiver.mails[0]!.raw).toEqual(outbox.read(mail.id));
    expect(lines.at(-1)).toMatch(
      /<a@bot.example> "Re: \[PATCH\] x" was sent to list@example.org.*allowed by maintainer 1/,
    );
  });

  test('is sent once however often it is approved', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    await one.approve(mail.messageId);
    expect(await one.approve(mail.messageId)).toEqual({ ok: true, state: 'to-send', already: true });
    await one.round();
    expect(await one.approve(mail.messageId)).toEqual({ ok: true, state: 'sent', already: true });
    expect(await courier().approve(mail.messageId)).toEqual({ ok: true, state: 'sent', already: true });
    await one.round();
    expect(received()).toEqual([mail.messageId]);
  });

  test('is not sent when it was edited or removed by hand', async () => {
    const [edited, removed] = [add('a', 'draft'), add('b', 'draft')];
    const one = courier();
    await one.round();
    folder.set(edited.messageId, Buffer.from(`Message-ID: <${edited.messageId}>\r\n\r\n> grösser\r\n`));
    folder.delete(removed.messageId);
    for (const mail of [edited, removed]) {
      expect(await one.approve(mail.messageId)).toEqual({
        ok: false,
        why: expect.stringContaining('edited or removed'),
      });
      expect(stateOf(mail)).toBe('drafted');
    }
    await one.round();
    expect(receiver.mails).toEqual([]);
    expect(folder.size).toBe(1);
  });

  test('is not sent, nor lost, when it is edited between approval and sending', async () => {
    const mail = add('a', 'draft', 'to-send');
    folder.set(mail.messageId, Buffer.from('edited'));
    await courier().round();
    expect(stateOf(mail)).toBe('drafted');
    expect(folder.get(mail.messageId)).toEqual(Buffer.from('edited'));
    expect(receiver.mails).toEqual([]);
  });

  test('that a person sent by hand is not sent again', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    arrived.add(mail.messageId);
    expect(await one.approve(mail.messageId)).toEqual({ ok: true, state: 'sent', already: true });
    expect(await one.discard(mail.messageId)).toEqual({ ok: false, why: 'it was sent already' });
    await one.round();
    expect(receiver.mails).toEqual([]);
  });

  test('is gone when discarded, once and again, and cannot be approved then', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    expect(await one.discard(mail.messageId)).toEqual({ ok: true, state: 'discarded', already: false });
    expect(await one.discard(mail.messageId)).toEqual({ ok: true, state: 'discarded', already: true });
    expect(await one.approve(mail.messageId)).toEqual({ ok: false, why: 'it was discarded' });
    await one.round();
    expect(folder.size).toBe(0);
    expect(receiver.mails).toEqual([]);
    expect(stateOf(mail)).toBe('discarded');
  });

  test('cannot be discarded once approved', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    await one.approve(mail.messageId);
    expect(await one.discard(mail.messageId)).toEqual({ ok: false, why: 'it is on its way already' });
    await one.round();
    expect(await one.discard(mail.messageId)).toEqual({ ok: false, why: 'it was sent already' });
    expect(received()).toEqual([mail.messageId]);
  });

  test('waits, with one warning, while there is no Drafts folder; others go out', async () => {
    const [mail, other] = [add('a', 'draft'), add('b', 'smtp')];
    const one = courier({ drafts: undefined });
    await one.round();
    await one.round();
    expect([stateOf(mail), stateOf(other)]).toEqual(['to-draft', 'sent']);
    expect(lines.filter((line) => line.includes('drafts.account'))).toHaveLength(1);
    expect(one.nextRoundAt()).toBeUndefined();
    expect(await one.approve(mail.messageId)).toMatchObject({
      ok: false,
      why: expect.stringContaining('not in the Drafts'),
    });
  });

  test('that nobody knows is a value', async () => {
    const nobody = { ok: false, why: 'there is no such mail in the outbox' };
    expect(await courier().approve('none@bot.example')).toEqual(nobody);
    expect(await courier().discard('none@bot.example')).toEqual(nobody);
  });
});

describe('after a crash', () => {
  test('a draft that lies in the folder is not filed again', async () => {
    const mail = add('a', 'draft', 'drafting');
    folder.set(mail.messageId, Buffer.from(outbox.read(mail.id)));
    await courier().round();
    expect(stateOf(mail)).toBe('drafted');
    expect(folder.size).toBe(1);
  });

  test('a draft that does not lie in the folder is filed', async () => {
    const mail = add('a', 'draft', 'drafting');
    await courier().round();
    expect(stateOf(mail)).toBe('drafted');
    expect(folder.size).toBe(1);
  });

  test('a draft that a person has sent since is not filed again', async () => {
    const mail = add('a', 'draft', 'drafting');
    arrived.add(mail.messageId);
    await courier().round();
    expect(folder.size).toBe(0);
  });

  test('a draft can be approved before the next round', async () => {
    const mail = add('a', 'draft', 'drafting');
    folder.set(mail.messageId, Buffer.from(outbox.read(mail.id)));
    expect(await courier().approve(mail.messageId)).toEqual({ ok: true, state: 'to-send', already: false });
  });

  test('an approved draft that was removed is sent', async () => {
    const mail = add('a', 'draft', 'to-send');
    await courier().round();
    expect(stateOf(mail)).toBe('sent');
    expect(received()).toEqual([mail.messageId]);
  });

  test('a discarded draft that was removed is discarded', async () => {
    const mail = add('a', 'draft', 'drafted');
    expect(await courier().discard(mail.messageId)).toEqual({ ok: true, state: 'discarded', already: false });
  });

  test('a mail whose copy came back is not sent again', async () => {
    const mail = add('a', 'smtp', 'sending');
    arrived.add(mail.messageId);
    await courier().round();
    expect(stateOf(mail)).toBe('sent');
    expect(receiver.connections()).toBe(0);
  });

  test('a mail whose copy does not come back is sent again, not before it had time to', async () => {
    const mail = add('a', 'smtp', 'sending');
    const one = courier();
    await one.round();
    expect(one.nextRoundAt()).toEqual(new Date(clock + LOOK_MS));
    clock += LOOK_MS - 1;
    await one.round();
    expect(receiver.connections()).toBe(0);
    clock += 1;
    await one.round();
    expect(stateOf(mail)).toBe('sent');
    expect(received()).toEqual([mail.messageId]);
    expect(lines.some((line) => /^warning:.*no copy came back in 60 s; sending it again/.test(line))).toBe(true);
  });

  test('the time for a copy begins with the start, since mailboxes were not read before', async () => {
    add('a', 'smtp', 'sending');
    clock += 24 * 3600 * 1000;
    await courier().round();
    expect(receiver.connections()).toBe(0);
  });

  test('a mail that was about to be sent, and came back all the same, is not sent', async () => {
    const mail = add('a', 'smtp');
    arrived.add(mail.messageId);
    await courier().round();
    expect(stateOf(mail)).toBe('sent');
    expect(receiver.connections()).toBe(0);
  });
});

describe('a server that takes no mail', () => {
  test('for now: the mail waits longer and longer, up to five minutes, and the others go out', async () => {
    const [bad, good] = [add('bad', 'smtp'), add('good', 'smtp')];
    const refusing: Smtp = {
      send: async (envelope, eml) => {
        if (idOfEml(eml) === bad.messageId) throw new SmtpError('later', '451 greylisted');
        return smtp().send(envelope, eml);
      },
    };
    const one = courier({ smtp: refusing });
    const waits: number[] = [];
    for (let turn = 0; turn < 11; turn++) {
      await one.round();
      const next = one.nextRoundAt()!.getTime();
      waits.push((next - clock) / 1000);
      await one.round();
      clock = next;
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    expect([stateOf(bad), stateOf(good)]).toEqual(['to-send', 'sent']);
    expect(lines.filter((line) => line.includes('451 greylisted; next attempt in'))).toHaveLength(11);
    await courier().round();
    expect(received()).toEqual([good.messageId, bad.messageId]);
  });

  test('because it is away: it is tried once for all of them, and all go out when it is back', async () => {
    const mails = [add('a', 'smtp'), add('b', 'smtp'), add('c', 'smtp')];
    receiver.behaviour = { refuse: { at: 'CONNECT', code: 421, words: 'too busy' } };
    const one = courier();
    await one.round();
    expect(receiver.connections()).toBe(1);
    expect(mails.map(stateOf)).toEqual(['to-send', 'to-send', 'to-send']);
    expect(lines).toEqual([
      expect.stringMatching(/^warning: outbox: smtp server 127.0.0.1:\d+: 421 too busy; next attempt in 1 s$/),
    ]);
    receiver.behaviour = {};
    await one.round();
    expect(receiver.connections()).toBe(1);
    clock = one.nextRoundAt()!.getTime();
    await one.round();
    expect(received()).toEqual(mails.map(({ messageId }) => messageId));
    // The next time it is away the wait is short again.
    add('d', 'smtp');
    receiver.behaviour = { refuse: { at: 'CONNECT', code: 421, words: 'too busy' } };
    await one.round();
    expect(lines.at(-1)).toMatch(/421 too busy; next attempt in 1 s$/);
  });

  test('for good: the mail is held with the words of the server, and the others go out', async () => {
    const [bad, good] = [add('bad', 'smtp'), add('good', 'smtp')];
    const refusing: Smtp = {
      send: async (envelope, eml) => {
        const isBad = idOfEml(eml) === bad.messageId;
        receiver.behaviour = isBad ? { refuse: { at: 'END', code: 554, words: 'spam' } } : {};
        return smtp().send(envelope, eml);
      },
    };
    const one = courier({ smtp: refusing });
    await one.round();
    expect([stateOf(bad), stateOf(good)]).toEqual(['held', 'sent']);
    expect(outbox.whyHeld(bad.id)).toMatch(/554 spam/);
    expect(one.nextRoundAt()).toBeUndefined();
    await courier().round();
    expect(received()).toEqual([good.messageId]);
    expect(await one.approve(bad.messageId)).toEqual({
      ok: false,
      why: expect.stringMatching(/it is held: .*554 spam/),
    });
  });

  test('of one recipient: the mail is sent, and the recipient is named', async () => {
    const mail = add('a', 'smtp');
    receiver.behaviour = { refuse: { at: 'RCPT', code: 550, words: 'nobody', only: 'list@example.org' } };
    await courier().round();
    expect(stateOf(mail)).toBe('sent');
    expect(receiver.mails.map(({ recipients }) => recipients)).toEqual([['bot@bot.example']]);
    expect(lines[0]).toMatch(/^warning: .*<a@bot.example>.* does not go to list@example.org: 550 .*nobody/);
  });
});

describe('a connection that is lost after the mail was handed over', () => {
  test('and the mail was taken: its copy settles it, and it is not sent again', async () => {
    const mail = add('a', 'smtp');
    receiver.behaviour = { cut: 'taken' };
    const one = courier();
    await one.round();
    expect(stateOf(mail)).toBe('sending');
    receiver.behaviour = {};
    clock += 2000;
    await one.round();
    expect(stateOf(mail)).toBe('sending');
    arrived.add(mail.messageId);
    await one.round();
    expect(stateOf(mail)).toBe('sent');
    expect(received()).toEqual([mail.messageId]);
  });

  test('and the mail was lost: it is sent again after the time for a copy', async () => {
    const mail = add('a', 'smtp');
    receiver.behaviour = { cut: 'lost' };
    const one = courier();
    await one.round();
    expect(lines.at(-1)).toMatch(/^warning: .*was perhaps taken: smtp server .*looking 60 s for a copy/);
    receiver.behaviour = {};
    clock = one.nextRoundAt()!.getTime();
    expect(clock).toBe(Date.parse('2026-11-22T10:00:00Z') + LOOK_MS);
    await one.round();
    expect(stateOf(mail)).toBe('sent');
    expect(received()).toEqual([mail.messageId]);
  });

  test('again and again: a person has to look before the list is flooded', async () => {
    const mail = add('a', 'smtp');
    receiver.behaviour = { cut: 'taken' };
    const one = courier();
    for (let next = one.nextRoundAt(); next !== undefined; next = one.nextRoundAt()) {
      clock = next.getTime();
      await one.round();
    }
    expect(received()).toHaveLength(3);
    expect(stateOf(mail)).toBe('held');
    expect(outbox.whyHeld(mail.id)).toMatch(/sent 3 times, fate unknown/);
  });

  test('does not stop the others', async () => {
    const [first, second] = [add('a', 'smtp'), add('b', 'smtp')];
    receiver.behaviour = { cut: 'lost' };
    const one = courier();
    await one.round();
    receiver.behaviour = {};
    clock = one.nextRoundAt()!.getTime();
    await one.round();
    expect([stateOf(first), stateOf(second)]).toEqual(['sending', 'sent']);
  });
});

describe('a Drafts folder that does not answer', () => {
  test('is asked again with longer and longer waits, and each draft is filed once', async () => {
    const mails = [add('a', 'draft'), add('b', 'draft'), add('c', 'draft')];
    draftsFail = { append: 'imap: quota' };
    const one = courier();
    await one.round();
    // After two failures the third was not tried.
    expect(lines.filter((line) => line.includes('imap: quota; next attempt in 1 s'))).toHaveLength(2);
    expect(mails.map(stateOf)).toEqual(['drafting', 'drafting', 'to-draft']);
    draftsFail = {};
    await one.round();
    expect(folder.size).toBe(0);
    clock = one.nextRoundAt()!.getTime();
    await one.round();
    expect(mails.map(stateOf)).toEqual(['drafted', 'drafted', 'drafted']);
    expect(folder.size).toBe(3);
  });

  test('one draft that it refuses does not stop the next', async () => {
    const [bad, good] = [add('bad', 'draft'), add('good', 'draft')];
    const append: Drafts['append'] = async (eml, date) => {
      if (idOfEml(eml) === bad.messageId) throw new Error('imap: too big');
      await drafts.append(eml, date);
    };
    await courier({ drafts: { ...drafts, append } }).round();
    expect([stateOf(bad), stateOf(good)]).toEqual(['drafting', 'drafted']);
  });

  test('an append whose answer was lost leaves one draft', async () => {
    const mail = add('a', 'draft');
    const append: Drafts['append'] = async (eml, date) => {
      await drafts.append(eml, date);
      throw new Error('imap: connection lost');
    };
    const one = courier({ drafts: { ...drafts, append } });
    await one.round();
    expect(stateOf(mail)).toBe('drafting');
    clock = one.nextRoundAt()!.getTime();
    await one.round();
    expect(stateOf(mail)).toBe('drafted');
    expect(folder.size).toBe(1);
  });

  test('an order fails and can be given again', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    draftsFail = { find: 'imap: away', remove: 'imap: away' };
    await expect(one.approve(mail.messageId)).rejects.toThrow('imap: away');
    await expect(one.discard(mail.messageId)).rejects.toThrow('imap: away');
    expect(stateOf(mail)).toBe('drafted');
    draftsFail = {};
    expect(await one.approve(mail.messageId)).toMatchObject({ ok: true, already: false });
  });

  test('an approved draft is not sent before it could be removed', async () => {
    const [mail, other] = [add('a', 'draft'), add('b', 'smtp')];
    const one = courier();
    await one.round();
    await one.approve(mail.messageId);
    draftsFail = { remove: 'imap: away' };
    await one.round();
    expect([stateOf(mail), stateOf(other)]).toEqual(['to-send', 'sent']);
    draftsFail = {};
    clock = one.nextRoundAt()!.getTime();
    await one.round();
    expect(stateOf(mail)).toBe('sent');
    expect(received()).toEqual([other.messageId, mail.messageId]);
  });
});

test('a mail that was taken, which the disk would not record, is not sent again at once', async () => {
  const mail = add('a', 'smtp', 'sending');
  const full = new Outbox(dir, log);
  let isFull = true;
  full.move = (id, from, to, why) => {
    if (isFull && to === 'sent') throw new Error('ENOSPC');
    outbox.move(id, from, to, why);
  };
  const one = courier({ outbox: full });
  await one.round();
  clock += LOOK_MS;
  await one.round();
  expect(lines.at(-1)).toMatch(/^warning: .*ENOSPC; next attempt in 1 s/);
  isFull = false;
  clock += 1000;
  await one.round();
  arrived.add(mail.messageId);
  await one.round();
  expect(stateOf(mail)).toBe('sent');
  expect(received()).toEqual([mail.messageId]);
});

test('rounds and orders at the same time come one after the other', async () => {
  const mails = [add('a', 'draft'), add('b', 'smtp')];
  receiver.behaviour = { slowMs: 50 };
  const one = courier();
  await Promise.all([one.round(), one.round(), one.approve(mails[0]!.messageId), one.round(), one.round()]);
  expect(mails.map(stateOf)).toEqual(['sent', 'sent']);
  expect(received()).toEqual(['b@bot.example', 'a@bot.example']);
});

describe('SIGKILL', () => {
  const KILLS = 20;
  const bot = new URL('../../bot/', import.meta.url).href;
  /** Adds a draft, files it, approves it and sends it; the Drafts folder is one on disk. Says when it begins and ends. */
  const script = `
    import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { Courier } from '${bot}courier.ts';
    import { Outbox } from '${bot}outbox.ts';
    import { openSmtp } from '${bot}smtp.ts';
    const { dir, port, meta, eml } = JSON.parse(process.argv[2]);
    const log = { info() {}, warn() {} };
    const draft = dir + '/draft';
    const drafts = {
      append: async (bytes) => { await sleep(5); writeFileSync(draft, bytes); await sleep(5); },
      find: async () => existsSync(draft) ? readFileSync(draft) : undefined,
      remove: async () => { await sleep(5); rmSync(draft, { force: true }); await sleep(5); return true; },
    };
    process.stdout.write('begin\\n');
    const outbox = new Outbox(dir + '/outbox', log);
    outbox.add(meta, Buffer.from(eml));
    const smtp = openSmtp({ host: '127.0.0.1', port, tls: 'none' });
    const courier = new Courier({ outbox, drafts, smtp, hasArrived: () => false, lookMs: 60000, now: () => new Date(), log });
    await courier.round();
    await courier.approve(meta.messageId);
    await courier.round();
    process.stdout.write('end\\n');
    process.exit();
  `;

  /** Runs the script below `home`; kills it `killAfterMs` after it began. Resolves to the ms from beginning to end. */
  function run(home: string, meta: Outgoing, eml: string, killAfterMs?: number): Promise<number> {
    const args = ['--pdeathsig', 'KILL', process.execPath, join(dir, 'line.mjs')];
    const child = spawn('setpriv', [...args, JSON.stringify({ dir: home, port: receiver.port, meta, eml })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return new Promise((resolve, reject) => {
      let begun = 0;
      child.stdout.on('data', (chunk: Buffer) => {
        if (begun === 0 && String(chunk).includes('begin')) {
          begun = performance.now();
          if (killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs);
        }
      });
      child.on('error', reject);
      child.on('close', () => resolve(performance.now() - begun));
    });
  }

  test(`at ${KILLS} moments: in the end exactly one mail, and no draft`, async () => {
    writeFileSync(join(dir, 'line.mjs'), script);
    receiver.behaviour = { slowMs: 15 };
    const parts = (n: number) => {
      const home = join(dir, `home-${n}`);
      mkdirSync(home);
      const messageId = `${n}@bot.example`;
      const meta: Outgoing = {
        id: outgoingId(messageId),
        messageId,
        kind: 'reply',
        via: 'draft',
        from: 'bot@bot.example',
        recipients: ['list@example.org', 'bot@bot.example'],
        subject: 'Re: [PATCH] x',
        answers: 'patch@example.org',
        maintainers: ['jane@example.org'],
        allowedBy: 'maintainer 1',
        addedAt: '2026-11-22T09:00:00.000Z',
      };
      return { home, meta, eml: `Message-ID: <${messageId}>\r\n\r\nx\r\n` };
    };
    const whole = parts(0);
    const wholeMs = await run(whole.home, whole.meta, whole.eml);
    expect(received()).toEqual([whole.meta.messageId]);

    const leftIn: Record<string, number> = {};
    for (let n = 1; n <= KILLS; n++) {
      const { home, meta, eml } = parts(n);
      // One in each twentieth of the line.
      await run(home, meta, eml, ((n - Math.random()) / KILLS) * wholeMs);
      // The next start: the series is found again, the draft approved again, and the copy came in or did not.
      const again = new Outbox(join(home, 'outbox'), log);
      const left = again.find(meta.messageId)?.state ?? 'nowhere';
      leftIn[left] = (leftIn[left] ?? 0) + 1;
      const draft = join(home, 'draft');
      const next = courier({
        outbox: again,
        drafts: {
          append: async (bytes) => writeFileSync(draft, bytes),
          find: async () => (existsSync(draft) ? readFileSync(draft) : undefined),
          remove: async () => {
            rmSync(draft, { force: true });
            return true;
          },
        },
        hasArrived: (id) => received().includes(id),
      });
      again.add(meta, Buffer.from(eml));
      await next.round();
      await next.approve(meta.messageId);
      // What the child had written before it was killed reaches the receiver in this time.
      await sleep(20);
      await vi.waitFor(() => expect(receiver.open()).toBe(0));
      clock += LOOK_MS;
      await next.round();
      expect({ n, left, state: again.find(meta.messageId)?.state }).toEqual({ n, left, state: 'sent' });
      expect(existsSync(draft)).toBe(false);
    }
    expect(received().toSorted()).toEqual(Array.from({ length: KILLS + 1 }, (_, n) => `${n}@bot.example`).toSorted());
    // Else the kills came all before or all after what they are about.
    expect(Object.keys(leftIn).length).toBeGreaterThan(2);
  });
});

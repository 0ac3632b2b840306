/** Mails to series, over days. Above 400 lines: all of it needs this one room. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { seriesOfJob } from '../../bot/job-series.ts';
import { MailStore } from '../../bot/mail-store.ts';
import { Mailroom, oldestDay } from '../../bot/mailroom.ts';
import { type CheckJob, jobOf, seriesKey } from '../../queue/jobs.ts';
import type { Message, Series } from '../../rules/types.ts';
import { cpuMs, diffOf, type MailText, message, patch, patchBody } from '../fixtures/mail/make.ts';

const WINDOW_DAYS = 21;
const COVER = 'PATCH-0@example.org';
let dir: string;
let now: Date;
let lines: string[];
let room: Mailroom;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mailroom-'));
  now = new Date('2026-03-02T12:00:00Z');
  lines = [];
  room = start();
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** A mailroom as it is after a start of the process. */
function start(maxBytes?: number): Mailroom {
  const log = { info: (text: string) => lines.push(text), warn: (text: string) => lines.push(`warning: ${text}`) };
  const store = new MailStore(dir, oldestDay(now, WINDOW_DAYS));
  return new Mailroom({
    store,
    windowDays: WINDOW_DAYS,
    log,
    now: () => now,
    ...(maxBytes !== undefined && { maxBytes }),
  });
}
let uid = 1;
const deliver = (raws: readonly Uint8Array[], mailbox = 'kernel/INBOX'): Message[] =>
  room.take(raws.map((raw) => ({ raw, mailbox, uid: uid++, receivedAt: now })));
/** Delivers mails; the series that are to be checked now. */
const open = (...mails: readonly Message[]): Series[] => room.seriesWith(deliver(mails.map(({ raw }) => raw)));
const ids = (mails: readonly Message[]): string[] => mails.map(({ messageId }) => messageId);
const days = (count: number): void => {
  now = new Date(now.getTime() + count * 86_400_000);
};

const thread = (total: number, prefix = 'PATCH', at = 0): Message[] => {
  const root = `${prefix.replace(/\W+/g, '-')}-0@example.org`;
  return Array.from({ length: total + 1 }, (_, n) => patch(n, total, { prefix, at: at + n, ...(n > 0 && { root }) }));
};
/** The same mail as a list passes it on. */
const through = (list: string, mail: Message, footer = ''): Message => {
  const raw = Buffer.from(mail.raw).toString();
  return { ...mail, raw: Buffer.from(`List-Id: <${list}>\n${raw}${footer}`) };
};

describe('take', () => {
  test('gives mails whole, each once', () => {
    const [cover, first] = thread(1);
    const given = deliver([cover!.raw, first!.raw]);
    expect(ids(given)).toEqual([COVER, 'PATCH-1@example.org']);
    expect(given.map(({ raw }) => raw)).toEqual([cover!.raw, first!.raw]);
  });

  test('does not give a copy through another list, and gives a mail again that is handed over again', () => {
    const mail = message({ headers: ['List-Id: <k.x.example>'] });
    expect(deliver([mail.raw])).toHaveLength(1);
    expect(deliver([through('l.x.example', mail).raw], 'kernel/lists')).toEqual([]);
    // The process may have ended between "on disk" and "acted on".
    expect(ids(deliver([mail.raw]))).toEqual([mail.messageId]);
    room = start();
    expect(ids(deliver([mail.raw]))).toEqual([mail.messageId]);
  });

  test('keeps a mail aside that cannot be read, names it, and gives the others', () => {
    const mail = message();
    const bad = Buffer.from('this is no mail');
    expect(ids(deliver([bad, mail.raw]))).toEqual([mail.messageId]);
    expect(lines).toEqual([expect.stringMatching(/^warning: kernel\/INBOX, mail \d+: .+; kept in mail\/unreadable$/)]);
    expect(readdirSync(join(dir, 'unreadable'))).toHaveLength(1);
  });
});

describe('a mail whose server has another time for it', () => {
  const at = (receivedAt: string, ...mails: readonly Message[]): Message[] =>
    room.take(mails.map(({ raw }) => ({ raw, mailbox: 'kernel/INBOX', uid: uid++, receivedAt: new Date(receivedAt) })));

  test('long ago, as where it was moved there or a clock is wrong, is kept as if it came now', () => {
    const [cover, one, two] = thread(2);
    at('1970-01-01T00:00:00Z', cover!, one!);
    days(1);
    expect(open(two!)).toMatchObject([{ complete: true, cover: { messageId: COVER } }]);
    expect(start().answered([COVER])).toMatchObject({ complete: true });
  });

  test('of the future is forgotten like the others', () => {
    at('2099-01-01T00:00:00Z', ...thread(1));
    days(WINDOW_DAYS + 1);
    open(message({ id: 'new@x.example' }));
    expect(room.answered([COVER])).toBeUndefined();
    expect(readdirSync(dir).filter((name) => /^\d/.test(name))).toEqual([now.toISOString().slice(0, 10)]);
  });
});

describe('a mail whose Message-ID others used before', () => {
  const junk = (count: number, from: string, id = 'm@x.example'): Uint8Array[] =>
    Array.from({ length: count }, (_, n) => message({ id, subject: 'hi', from, body: `${n}\n` }).raw);

  test('is kept, and part of its series', () => {
    const [cover, one, two] = thread(2);
    deliver(junk(25, 'e@evil.example', two!.messageId));
    expect(open(cover!, one!, two!)).toHaveLength(1);
    room = start();
    expect(room.answered([COVER])).toMatchObject({ complete: true });
  });

  test('is left out, with a line, where they used its sender too', () => {
    expect(deliver(junk(20, 'Ada <ada@example.org>'))).toHaveLength(20);
    expect(deliver([message({ id: 'm@x.example' }).raw])).toEqual([]);
    expect(lines).toEqual([expect.stringMatching(/^warning: kernel\/INBOX, mail \d+: left out: .*<m@x\.example>/)]);
  });
});

describe('a series', () => {
  test('is there with its last patch, over days and in any order, and not before', () => {
    const [cover, one, two, three] = thread(3);
    for (const mail of [three!, one!, cover!]) {
      expect(open(mail)).toEqual([]);
      days(3);
    }
    const [series] = open(two!);
    expect(series!.patches.map(({ n }) => n)).toEqual([1, 2, 3]);
    expect([series!.cover!.raw, ...series!.patches.map((each) => each.message.raw)]).toEqual(
      [cover!, one!, two!, three!].map(({ raw }) => raw),
    );
  });

  test('is the same after a restart, and for every order of the mails', () => {
    const mails = thread(3);
    const [series] = open(...mails);
    room = start();
    expect(room.answered([COVER])).toEqual(series);
    rmSync(dir, { recursive: true });
    room = start();
    expect(open(...mails.toReversed())).toEqual([series]);
  });

  test('is not there without all its patches after a restart either', () => {
    const [cover, one, two] = thread(2);
    open(cover!, one!);
    room = start();
    expect(room.answered([COVER])).toMatchObject({ complete: false, missing: [2] });
    expect(open(two!)).toHaveLength(1);
  });

  test('is of all lists that its mails came through, as one mail each', () => {
    const [cover, one] = thread(1);
    open(through('b.x.example', cover!), through('b.x.example', one!));
    open(through('a.x.example', one!));
    for (const each of [room, start()]) {
      const series = each.answered([COVER]) as Series;
      expect(series.patches).toHaveLength(1);
      expect(series.patches[0].message.listIds).toEqual(['a.x.example', 'b.x.example']);
      expect(series.cover!.listIds).toEqual(['b.x.example']);
    }
  });

  test('is not opened again by a late copy, nor by a reply', () => {
    const [cover, one] = thread(1);
    expect(open(cover!, through('k.x.example', one!))).toHaveLength(1);
    expect(open(through('l.x.example', one!))).toEqual([]);
    const reply = message({ id: 'r@x.example', subject: 'Re: [PATCH 1/1] foo: step 1', inReplyTo: one!.messageId });
    expect(open(reply)).toEqual([]);
  });

  test('is opened again, under the same key, when its mails are handed over again', () => {
    const mails = thread(2);
    const [before] = open(...mails);
    room = start();
    expect(open(...mails).map((one) => seriesKey(one))).toEqual([seriesKey(before!)]);
  });

  test('has the bytes of the copy that was taken for it, not of one that a list has spoilt', () => {
    const [cover, one] = thread(1);
    const spoilt: Message = {
      ...one!,
      raw: Buffer.from(`List-Id: <s.x.example>\n${Buffer.from(one!.raw).toString().split('---\n')[0]}`),
    };
    expect(open(spoilt, cover!)).toEqual([]);
    expect(open(one!)).toHaveLength(1);
    for (const each of [room, start()]) {
      const series = each.answered([COVER]) as Series;
      expect(series.complete).toBe(true);
      expect(series.patches[0].message.raw).toEqual(one!.raw);
      expect(jobOf(series)).toMatchObject({ ok: true });
    }
  });

  test('of somebody else in the thread is another one', () => {
    const [cover, one] = thread(1);
    const other = message({
      id: 'other@x.example',
      from: 'Bob <bob@example.org>',
      subject: '[PATCH] foo: instead',
      inReplyTo: COVER,
      references: [COVER],
    });
    expect(
      open(cover!, one!, other)
        .map(({ author }) => author.address)
        .sort(),
    ).toEqual(['ada@example.org', 'bob@example.org']);
  });
});

describe('a series whose mails have copies in several names', () => {
  const mails = thread(3);
  const fromList = (mail: Message, replyTo = ''): Message => {
    const text = Buffer.from(mail.raw)
      .toString()
      .replace(/^From: .*/m, `From: Ada via l <l@x.example>${replyTo}`);
    return through('l.x.example', { ...mail, raw: Buffer.from(text) });
  };
  const forged = (mail: Message): Message => ({
    ...mail,
    raw: Buffer.from(
      Buffer.from(mail.raw)
        .toString()
        .replace(/^From: .*/m, 'From: Eve <eve@x.example>'),
    ),
  });
  const mixed = (copyOf: (mail: Message) => Message): Record<string, Message[]> => ({
    'the other name first': mails.flatMap((mail, n) => (n % 2 === 0 ? [copyOf(mail), mail] : [mail, copyOf(mail)])),
    'one of them': [copyOf(mails[1]!), ...mails],
    'its cover letter': [copyOf(mails[0]!), ...mails],
    'after all': [...mails, ...mails.map(copyOf)],
  });

  describe.each(Object.entries({ ...mixed(fromList) }))('a list, %s', (_, all) => {
    test('is found, of who sent it', () => {
      const [series] = open(...all);
      for (const each of [room, start(), start(0)])
        expect(each.answered([COVER])).toMatchObject({ complete: true, author: { address: 'ada@example.org' } });
      expect(series!.patches.map(({ message: { raw } }) => raw)).toEqual(mails.slice(1).map(({ raw }) => raw));
      expect(seriesOfJob(made(series!))).toMatchObject({ author: { address: 'ada@example.org' } });
    });
  });

  describe.each(Object.entries(mixed(forged)))('a forger, %s', (_, all) => {
    test('is found, of who sent it', () => {
      open(...all);
      for (const each of [room, start(), start(0)]) expect(each.answered([COVER])).toMatchObject({ complete: true });
      expect(room.seriesWith(mails).map(({ author }) => author.address)).toEqual(['ada@example.org']);
    });
  });

  test('is whole where each list brought a part, and one of them says whose it is in Reply-To', () => {
    const [cover, one, two, three] = mails;
    const replyTo = '\nReply-To: Ada Penn <ada@example.org>';
    const [series] = open(cover!, fromList(one!, replyTo), two!, fromList(three!, replyTo));
    expect(series).toMatchObject({ complete: true, author: { address: 'ada@example.org' } });
    expect(seriesOfJob(made(series!)).patches).toHaveLength(3);
  });

  test('is forgotten in all names', () => {
    open(...mails, ...mails.map(forged));
    days(WINDOW_DAYS + 1);
    open(message({ id: 'new@x.example' }));
    expect(room.seriesWith([...mails, ...mails.map(forged)])).toEqual([]);
    expect(room.answered([COVER])).toBeUndefined();
  });
});

const made = (series: Series): CheckJob => {
  const job = jobOf(series);
  if (!job.ok) throw new Error(job.why);
  return job.job;
};

const unsigned = async () => ({ ok: false, why: 'it has no DKIM signature' }) as const;

describe('a series to answer', () => {
  const forged = (mail: Message): Message => {
    const raw = Buffer.from(
      Buffer.from(mail.raw).toString().replace('select BAR\n \tdepends', 'select EVIL\n \tdepends'),
    );
    expect(raw).not.toEqual(Buffer.from(mail.raw));
    return { ...mail, raw };
  };

  test('is none where a copy of a patch carries other changes, whichever came first', async () => {
    const mail = message();
    for (const copies of [
      [mail, forged(mail)],
      [forged(mail), mail],
    ]) {
      rmSync(dir, { recursive: true });
      room = start();
      const [series] = open(...copies.map((copy) => through('l.x.example', copy)));
      for (const each of [room, start()])
        expect(await each.toAnswer(series!, unsigned)).toEqual({
          ok: false,
          why: 'copies of <p1@example.org> came with different changes; one is forged',
        });
    }
  });

  test('is another one where its letter is forged, and the signed one names another base', async () => {
    const [cover, one] = thread(1);
    const naming = (digit: string): Message => ({
      ...cover!,
      raw: Buffer.concat([cover!.raw, Buffer.from(`base-commit: ${digit.repeat(40)}\n`)]),
    });
    const [forgedCover, signedCover] = [naming('1'), naming('2')];
    const [series] = open(forgedCover, one!);
    deliver([signedCover.raw]);
    const found = await room.toAnswer(series!, async (raw) =>
      Buffer.compare(raw, signedCover.raw) === 0
        ? { ok: true, address: 'ada@example.org', domain: 'example.org', fingerprint: '' }
        : unsigned(),
    );
    if (!found.ok) throw new Error(found.why);
    expect(found).toMatchObject({ isAsChecked: false, series: { patches: [{ n: 1, total: 1 }] } });
    expect(seriesOfJob(made(found.series)).baseCommit).toBe('2'.repeat(40));
  });

  test('is one whose copies a list has spoilt, cut or put a footer under', async () => {
    const mail = message({ body: patchBody('Für Foo.', diffOf('drivers/foo/Kconfig', '\tprompt "Fünf"')) });
    const text = Buffer.from(mail.raw).toString();
    const spoilt = [
      text.replaceAll('\t', '  ').replaceAll('ü', '??'),
      text.split('+\tprompt')[0]!,
      `${text}\n____\nfooter\n`,
    ];
    const copies = spoilt.map((one, n) => through(`l${n}.x.example`, { ...mail, raw: Buffer.from(one) }));
    const [series] = open(mail, ...copies);
    expect(await room.toAnswer(series!, unsigned)).toMatchObject({ ok: true, isAsChecked: true });
  });
});

describe('a series out of a job', () => {
  test('has the lists of all copies of its mails, also of those that came later', async () => {
    const [cover, one] = thread(1);
    open(through('a.x.example', cover!), through('a.x.example', one!));
    const [series] = open(through('b.x.example', one!, 'footer'));
    const made = jobOf(series!);
    if (!made.ok) throw new Error(made.why);
    deliver([through('c.x.example', one!).raw]);
    const found = await start().toAnswer(seriesOfJob(made.job), unsigned);
    if (!found.ok) throw new Error(found.why);
    expect(found.series.patches.map(({ message: { listIds } }) => listIds)).toEqual([
      ['a.x.example', 'b.x.example', 'c.x.example'],
    ]);
    expect(found.series.patches[0].message.raw).toEqual(seriesOfJob(made.job).patches[0].message.raw);
  });
});

describe('an old series', () => {
  test('is recorded and not given, with a line; it can be asked for', () => {
    now = new Date(Date.UTC(2026, 2, 2 + WINDOW_DAYS, 9, 1) + 1000);
    expect(open(...thread(1))).toEqual([]);
    expect(lines).toEqual([expect.stringMatching(/^\[PATCH 0\/1\] Foo series: .*more than 21 days ago: not checked$/)]);
    expect(room.answered([COVER])).toMatchObject({ complete: true });
  });

  test('is given while its newest mail is within the window', () => {
    now = new Date(Date.UTC(2026, 2, 2 + WINDOW_DAYS, 9, 1));
    expect(open(...thread(1))).toHaveLength(1);
    expect(lines).toEqual([]);
  });

  test('is what one without any Date is taken for', () => {
    expect(open(message({ at: null }))).toEqual([]);
    expect(open(message({ id: 'b@x.example', subject: '[PATCH] other' }))).toHaveLength(1);
  });
});

describe('memory', () => {
  test('keeps texts up to its limit; those that left are read again, and the series are the same', () => {
    const all = [...thread(3), ...thread(2, 'PATCH v2', 60)].map((mail) => through('k.x.example', mail));
    const [series] = open(...all);
    const answers = ['PATCH-0@example.org', 'PATCH-v2-1@example.org'].map((id) => room.answered([id]));
    expect(answers.every((one) => one?.complete)).toBe(true);
    for (const maxBytes of [0, 1, 600, 1000]) {
      room = start(maxBytes);
      expect(['PATCH-0@example.org', 'PATCH-v2-1@example.org'].map((id) => room.answered([id]))).toEqual(answers);
      expect(open(...all)).toEqual([series]);
    }
    room = start(0);
    // A copy of a text that left says nothing new, and one with other words does.
    expect(deliver([through('l.x.example', all[1]!).raw])).toEqual([]);
    expect(deliver([through('m.x.example', all[1]!, 'footer').raw])).toHaveLength(1);
  });

  test('a diff under any subject is a patch, also when its text has left', () => {
    const bare = message({ subject: 'select BAR in foo' });
    room = start(0);
    open(bare);
    expect(room.answered([bare.messageId])).toMatchObject({ complete: true });
  });

  test('a mail that is no patch is given with each copy, since only one of them may be signed', () => {
    const reply = message({ id: 'r@x.example', subject: 'Re: [PATCH] x', body: '#depbot stop' });
    const letter = message({ id: 'm@x.example', subject: 'Hello', body: '#depbot stop' });
    for (const each of [reply, letter]) {
      expect(deliver([each.raw, through('l.x.example', each, 'footer').raw])).toHaveLength(2);
      expect(room.answered([each.messageId])).toBeUndefined();
    }
  });
});

describe('memory and time', () => {
  test('of one more mail do not grow with the mails of its sender', () => {
    const single = (n: number): Message => message({ id: `${n}@x.example`, subject: `[PATCH] foo: ${n}`, at: n });
    const mails = Array.from({ length: 1100 }, (_, n) => through('l.x.example', single(n)).raw);
    deliver(mails.slice(0, -100));
    const one = (raw: Uint8Array): void => {
      const taken = deliver([raw]);
      expect(room.supersededBy(taken)).toEqual([]);
      expect(room.seriesWith(taken)).toHaveLength(1);
    };
    expect(cpuMs(() => mails.slice(-100).forEach(one))).toBeLessThan(3000);
  });

  test('have room for headers too: those of replies leave like texts', () => {
    setFlagsFromString('--expose-gc');
    const heap = (): number => {
      runInNewContext('gc')();
      return process.memoryUsage().heapUsed / 2 ** 20;
    };
    room = start(2 ** 20);
    const before = heap();
    for (let n = 0; n < 60; n++) {
      const references = Array.from({ length: 900 }, (_, at) => `${n}-${at}-${'x'.repeat(900)}@x.example`);
      deliver([message({ id: `${n}@x.example`, from: `${n}@x.example`, subject: 'Re: hi', references }).raw]);
    }
    expect(heap() - before).toBeLessThan(15);
  });

  const forged = (n: number, megabytes: number, more: MailText): Uint8Array =>
    message({ id: `f${n}@x.example`, body: `${'x'.repeat(99)}\n`.repeat(megabytes * 10_000), ...more }).raw;

  test.each<[string, number, number, MailText]>([
    ['large mails', 9, 8, { subject: '[PATCH] bar', at: 900 }],
    ['larger mails below it', 4, 20, { subject: '[PATCH 1/2] foo: step 1', references: [COVER] }],
  ])('of many %s in the name of its sender hide no series', (_, count, megabytes, more) => {
    const [cover, one, two] = thread(2);
    deliver([cover!.raw, one!.raw]);
    for (let n = 0; n < count; n++) deliver([forged(n, megabytes, more)]);
    expect(open(two!)).toHaveLength(1);
    expect(room.answered([COVER])).toMatchObject({ complete: true });
  });

  test('are bounded where thousands of mails may be of one series; a line says so', () => {
    const alike = (n: number): Uint8Array => message({ id: `${n}@x.example`, subject: '[PATCH 1/2] foo' }).raw;
    deliver(thread(2).map(({ raw }) => raw));
    deliver(Array.from({ length: 2100 }, (_, n) => alike(n)));
    const taken = deliver([alike(2100)]);
    expect(cpuMs(() => room.seriesWith(taken))).toBeLessThan(2000);
    expect(lines).toEqual([
      'warning: too many mails of ada@example.org may belong with <2100@x.example>: the nearest were put together',
    ]);
    expect(room.answered([COVER])).toMatchObject({ complete: true });
  });
});

describe('a later revision', () => {
  test('that came makes the one before it not checked', () => {
    expect(open(...thread(2), ...thread(2, 'PATCH v2', 60)).map(({ revision }) => revision)).toEqual([2]);
  });

  test('is checked although the one before it was', () => {
    expect(open(...thread(2)).map(({ revision }) => revision)).toEqual([1]);
    expect(open(...thread(2, 'PATCH v2', 60)).map(({ revision }) => revision)).toEqual([2]);
  });

  test('that is there already makes a late patch of the one before it open nothing', () => {
    const [cover, one, two] = thread(2);
    open(cover!, one!, ...thread(2, 'PATCH v2', 60));
    expect(open(two!)).toEqual([]);
  });

  test('that came by no list, as anybody can send it, does not supersede one that came by a list', () => {
    const [old, next] = ['PATCH', 'PATCH v9'].map((prefix, at) =>
      message({ id: prefix.replace(' ', '-'), subject: `[${prefix}] foo: x`, at }),
    );
    const byList = through('l.x.example', next!);
    deliver([through('k.x.example', old!).raw]);
    const revisions = (mails: readonly Message[]): number[] => room.supersededBy(mails).map(({ by }) => by.revision);
    expect(revisions(deliver([next!.raw]))).toEqual([]);
    // The list's copy of the same mail does, though it says nothing else.
    expect(revisions(deliver([byList.raw]))).toEqual([9]);
  });

  test('that is not complete does not', () => {
    const [cover, one] = thread(2, 'PATCH v2', 60);
    expect(open(...thread(2), cover!, one!).map(({ revision }) => revision)).toEqual([1]);
  });

  test('of one patch takes the others from the one before it, with their bytes', () => {
    const v1 = thread(3);
    open(...v1);
    const again = message({
      id: 'v2-2@x.example',
      subject: '[PATCH v2 2/3] foo: step 2',
      at: 60,
      inReplyTo: 'PATCH-2@example.org',
      references: [COVER, 'PATCH-2@example.org'],
    });
    const [series, ...more] = open(again);
    expect(more).toEqual([]);
    expect(series).toMatchObject({ revision: 2, carriedOver: [1, 3] });
    expect(series!.patches.map((each) => each.message.raw)).toEqual([v1[1]!.raw, again.raw, v1[3]!.raw]);
  });
});

describe('the window', () => {
  test('takes a mail along for its days and no longer, in memory and on disk', () => {
    const [cover, one, two, three] = thread(3);
    open(cover!, one!);
    days(WINDOW_DAYS);
    open(two!);
    expect(room.answered([COVER])).toMatchObject({ missing: [3] });
    days(1);
    expect(open(three!)).toEqual([]);
    expect(room.answered([COVER])).toBeUndefined();
    expect(room.answered([two!.messageId])).toMatchObject({ have: [{ n: 2 }, { n: 3 }] });
    expect(readdirSync(dir).sort()).toEqual(['2026-03-23', '2026-03-24']);
    expect(start().answered([two!.messageId])).toEqual(room.answered([two!.messageId]));
  });

  test('begins at midnight, UTC', () => {
    expect(oldestDay(new Date('2026-03-01T00:00:00Z'), 1)).toBe('2026-02-28');
    expect(oldestDay(new Date('2026-03-01T23:59:59Z'), 21)).toBe('2026-02-08');
  });
});

describe('what a mail answers', () => {
  test('is the series of the nearest mail in its thread that is part of one', () => {
    open(...thread(1), ...thread(1, 'PATCH v2', 60));
    const remark = message({ id: 'remark@x.example', subject: 'Re: [PATCH v2 1/1] foo: step 1', at: 90 });
    open(remark);
    const answered = room.answered([COVER, 'PATCH-v2-1@example.org', 'remark@x.example', 'unknown@x.example']);
    expect(answered).toMatchObject({ complete: true, revision: 2 });
    expect(room.answered([COVER])).toMatchObject({ complete: true, revision: 1 });
  });

  test('is nothing where no such mail came', () => {
    open(...thread(1));
    expect(room.answered([])).toBeUndefined();
    expect(room.answered(['unknown@x.example'])).toBeUndefined();
  });
});

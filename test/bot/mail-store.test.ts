import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DamagedFileError } from '../../bot/durable.ts';
import { MailStore } from '../../bot/mail-store.ts';
import type { Message } from '../../rules/types.ts';
import { message } from '../fixtures/mail/make.ts';

const LONG_AGO = '2000-01-01';
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'mail-store-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const on = (day: string): Date => new Date(`${day}T23:59:59Z`);
const one = (id = 'a@x.example', list?: string): Message =>
  message({ id, headers: list === undefined ? [] : [`List-Id: <${list}>`] });
const open = (oldest = LONG_AGO): MailStore => new MailStore(dir, oldest);
const days = (store: MailStore): string[] => [...store.all()].map(({ day }) => day);

describe('a mail', () => {
  test('is there, byte for byte, also after a restart', () => {
    const mail = message({ body: 'größer\r\n\0\xff' });
    const store = open();
    expect(store.add(mail, on('2026-11-22'))).toBe('added');
    for (const each of [store, open()]) {
      expect(each.has(mail.messageId)).toBe(true);
      expect(each.raws(mail.messageId)).toEqual([mail.raw]);
      expect([...each.all()]).toEqual([{ raw: mail.raw, day: '2026-11-22' }]);
    }
  });

  test('that did not come is not there', () => {
    const store = open();
    store.add(one('a@x.example'), on('2026-11-22'));
    expect(store.has('b@x.example')).toBe(false);
    expect(store.raws('b@x.example')).toEqual([]);
  });

  test('may have a Message-ID that is no name of a file', () => {
    const mail: Message = { ...one(), messageId: '../../etc/passwd\0/@x' };
    const store = open();
    store.add(mail, on('2026-11-22'));
    expect(open().has(mail.messageId)).toBe(true);
    expect(readdirSync(dir)).toEqual(['2026-11-22']);
  });

  test('through the same list again says nothing new, on whatever day and after a restart', () => {
    const store = open();
    store.add(one('a@x.example', 'l.x.example'), on('2026-11-22'));
    expect(store.add(one('a@x.example', 'l.x.example'), on('2026-11-23'))).toBe('known');
    expect(open().add(one('a@x.example', 'l.x.example'), on('2026-11-23'))).toBe('known');
    expect(days(open())).toEqual(['2026-11-22']);
  });

  test('through another list is a second copy', () => {
    const store = open();
    const copies = [one('a@x.example', 'l.x.example'), one('a@x.example', 'm.x.example'), one('a@x.example')];
    for (const copy of copies) expect(store.add(copy, on('2026-11-22'))).toBe('added');
    expect(store.raws('a@x.example')[0]).toEqual(copies[0]!.raw);
    const raws = copies.map(({ raw }) => Buffer.from(raw).toString()).sort();
    for (const each of [store, open()])
      expect(
        each
          .raws('a@x.example')
          .map((raw) => Buffer.from(raw).toString())
          .sort(),
      ).toEqual(raws);
  });

  test('with other bytes through the same list is another copy: either may be forged', () => {
    const store = open();
    const [forged, real] = ['evil', 'good'].map((body) =>
      message({ id: 'a@x.example', headers: ['List-Id: <l.x>'], body }),
    );
    for (const copy of [forged!, real!]) expect(store.add(copy, on('2026-11-22'))).toBe('added');
    expect(store.add(real!, on('2026-11-23'))).toBe('known');
    expect(new Set(open().raws('a@x.example').map(String))).toEqual(
      new Set([forged!, real!].map(({ raw }) => String(raw))),
    );
  });

  test('has at most 20 copies in one name', () => {
    const store = open();
    const added = Array.from({ length: 25 }, (_, n) => store.add(one('a@x.example', `l${n}.x`), on('2026-11-22')));
    expect(added).toEqual([...Array(20).fill('added'), ...Array(5).fill('too many copies')]);
    expect([...open().all()]).toHaveLength(20);
    expect(open().add(one('a@x.example', 'l0.x'), on('2026-11-22'))).toBe('known');
  });

  test('has room for the copies of its sender among those in 19 other names, also after a restart', () => {
    const fromEach = (name: string): Message => message({ id: 'a@x.example', from: `${name}@evil.example` });
    for (let n = 0; n < 19; n++) expect(open().add(fromEach(`e${n}`), on('2026-11-22'))).toBe('added');
    for (let n = 0; n < 20; n++) expect(open().add(one('a@x.example', `l${n}.x`), on('2026-11-22'))).toBe('added');
    expect(open().add(fromEach('one-more'), on('2026-11-22'))).toBe('too many copies');
  });

  test('is read where large copies in another name came before it', () => {
    const store = open();
    const large = (n: number): Message =>
      message({ id: 'a@x.example', from: 'e@evil.example', body: `${n}\n${`${'x'.repeat(99)}\n`.repeat(230_000)}` });
    for (let n = 0; n < 4; n++) store.add(large(n), on('2026-11-22'));
    store.add(one(), on('2026-11-22'));
    for (const each of [store, open()]) expect(each.raws('a@x.example')[0]).toEqual(one().raw);
  });

  test('of an earlier version of depbot, which named files without the sender, is known', () => {
    open().add(one(), on('2026-11-22'));
    const [name] = readdirSync(join(dir, '2026-11-22'));
    renameSync(join(dir, '2026-11-22', name!), join(dir, '2026-11-22', name!.replace(/-.+-/, '-')));
    expect(open().add(one(), on('2026-11-22'))).toBe('known');
    expect(open().raws('a@x.example')).toEqual([one().raw]);
  });

  test('half written by a killed process is none', () => {
    open().add(one(), on('2026-11-22'));
    const [name] = readdirSync(join(dir, '2026-11-22'));
    writeFileSync(join(dir, '2026-11-22', `${name!.replace(/^./, 'f')}.17.partial`), 'From: a');
    expect([...open().all()]).toHaveLength(1);
  });
});

describe('days that are over', () => {
  test('go at the start, with their mails, and nothing else does', () => {
    const store = open();
    for (const [id, day] of [
      ['a', '2026-10-31'],
      ['b', '2026-11-01'],
    ])
      store.add(one(`${id}@x.example`), on(day!));
    store.addUnreadable(Buffer.from('?'));
    store.savePosition('k/INBOX', { uidValidity: '1', uid: 2 });
    const later = open('2026-11-01');
    expect([later.has('a@x.example'), later.has('b@x.example')]).toEqual([false, true]);
    expect(readdirSync(dir).sort()).toEqual(['2026-11-01', 'positions', 'unreadable']);
  });

  test('go while the service runs; a copy of a later day stays', () => {
    const store = open();
    store.add(one('a@x.example', 'l.x'), on('2026-10-31'));
    store.add(one('b@x.example', 'l.x'), on('2026-10-31'));
    store.add(one('b@x.example', 'm.x'), on('2026-11-01'));
    store.sweep('2026-11-01');
    expect([store.has('a@x.example'), store.has('b@x.example')]).toEqual([false, true]);
    expect(store.raws('b@x.example')).toEqual([one('b@x.example', 'm.x').raw]);
    expect(days(store)).toEqual(['2026-11-01']);
    expect(store.add(one('a@x.example', 'l.x'), on('2026-11-02'))).toBe('added');
  });
});

test('what cannot be read is kept once, and is no mail', () => {
  const store = open();
  for (let turn = 0; turn < 2; turn++) store.addUnreadable(Buffer.from('no mail'));
  const names = readdirSync(join(dir, 'unreadable'));
  expect(names.map((name) => readFileSync(join(dir, 'unreadable', name), 'utf8'))).toEqual(['no mail']);
  expect([...open().all()]).toEqual([]);
});

test('of what cannot be read 100 mails are kept; a sweep removes those of days before, and makes room', () => {
  const store = open();
  const added = Array.from({ length: 103 }, (_, n) => store.addUnreadable(Buffer.from(`no mail ${n}`)));
  expect(added.filter(Boolean)).toHaveLength(100);
  const folder = join(dir, 'unreadable');
  const names = readdirSync(folder);
  const date = (name: string, day: string): void => utimesSync(join(folder, name), on(day), on(day));
  for (const [at, name] of names.entries()) date(name, at < 60 ? '2026-10-31' : '2026-11-01');
  store.sweep('2026-11-01');
  expect(readdirSync(folder).sort()).toEqual(names.slice(60).sort());
  expect(store.addUnreadable(Buffer.from('one more'))).toBe(true);
});

describe('a position', () => {
  const AT = { uidValidity: '4294967295', uid: 7, receivedAt: '2026-11-01T10:00:00.000Z' };

  test('is that of its mailbox, also after a restart, and none of another', () => {
    open().savePosition('kernel/INBOX', AT);
    open().savePosition('kernel/../lists', { ...AT, uid: 9 });
    expect(open().position('kernel/INBOX')).toEqual(AT);
    expect(open().position('kernel/../lists')).toEqual({ ...AT, uid: 9 });
    expect(open().position('kernel/inbox')).toBeUndefined();
  });

  test.each([
    ['cut short', '{"mailbox":"kernel/INBOX","uidVal', /JSON/],
    ['with a UID that is none', '{"mailbox":"kernel/INBOX","uidValidity":"1","uid":-1}', /uid/],
    ['that is empty', '', /JSON/],
  ])('%s is named once, with what happens then; the mailbox begins anew, and others go on', (_, text, why) => {
    const store = open();
    store.savePosition('kernel/INBOX', AT);
    const [name] = readdirSync(join(dir, 'positions'));
    store.savePosition('kernel/lists', AT);
    const path = join(dir, 'positions', name!);
    writeFileSync(path, text);
    const look = (): unknown => store.position('kernel/INBOX');
    expect(look).toThrow(DamagedFileError);
    writeFileSync(path, text);
    expect(look).toThrow(why);
    writeFileSync(path, text);
    expect(look).toThrow(`${path}: `);
    expect(look()).toBeUndefined();
    expect(existsSync(`${path}.damaged`)).toBe(true);
    expect(store.position('kernel/lists')).toEqual(AT);
    store.savePosition('kernel/INBOX', { ...AT, uid: 8 });
    expect(open().position('kernel/INBOX')).toEqual({ ...AT, uid: 8 });
  });
});

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Log } from '../../bot/log.ts';
import { Outbox, OutboxError, type State } from '../../bot/outbox.ts';
import { LOST, outgoingId } from '../../bot/outgoing.ts';
import { outgoing } from '../support/outgoing.ts';

let dir: string;
let lines: string[];
const log: Log = { info: (text) => lines.push(text), warn: (text) => lines.push(`warning: ${text}`) };
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'outbox-'));
  lines = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** CRLF, LF, a NUL and bytes that are no UTF-8. */
const eml = Buffer.from('Subject: x\r\n\r\nb\xe4\xff\n\0.\r\n', 'latin1');
const everything = (): string[] =>
  (
    readdirSync(dir, { recursive: true, withFileTypes: true }) as {
      name: string;
      parentPath: string;
      isFile(): boolean;
    }[]
  )
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();

describe('adding', () => {
  test('puts a mail where its way begins, byte for byte', () => {
    const outbox = new Outbox(dir, log);
    const [a, b] = [outgoing('a', { via: 'draft', series: 's@example.org' }), outgoing('b')];
    expect(outbox.add(a, eml)).toBe('added');
    expect(outbox.add(b, eml)).toBe('added');
    expect(outbox.find(a.messageId)).toEqual({ meta: a, state: 'to-draft' });
    expect(outbox.find(b.messageId)).toEqual({ meta: b, state: 'to-send' });
    expect(Buffer.compare(outbox.read(a.id), eml)).toBe(0);
    expect(everything()).toEqual(
      [a, b]
        .flatMap(({ id, answers }) => [`meta/${id}.json`, `replied/${outgoingId(answers)}`])
        .concat(`to-draft/${a.id}.eml`, `to-send/${b.id}.eml`)
        .sort(),
    );
  });

  test('does not touch a mail that is known, in whatever state', () => {
    const outbox = new Outbox(dir, log);
    const one = outgoing('a');
    const path: [State, State][] = [
      ['to-send', 'sending'],
      ['sending', 'accepted'],
      ['accepted', 'sent'],
    ];
    outbox.add(one, eml);
    for (const [from, to] of path) {
      expect(outbox.add({ ...one, subject: 'another' }, Buffer.from('another'))).toBe('known');
      outbox.move(one.id, from, to);
    }
    expect(new Outbox(dir, log).add(one, Buffer.from('another'))).toBe('known');
    expect(outbox.find(one.messageId)).toEqual({ meta: one, state: 'sent' });
    expect(Buffer.compare(outbox.read(one.id), eml)).toBe(0);
  });

  test('does not take a second reply to a mail in, whatever became of the first; an answer, or a reply to another, it does', () => {
    const outbox = new Outbox(dir, log);
    const first = outgoing('a', { via: 'draft' });
    const { answers } = first;
    outbox.add(first, eml);
    expect(outbox.add(outgoing('b', { answers }), eml)).toBe('known');
    outbox.move(first.id, 'to-draft', 'discarded');
    expect(new Outbox(dir, log).add(outgoing('b', { answers }), eml)).toBe('known');
    expect(outbox.find('b@bot.example')).toBeUndefined();
    expect(outbox.add(outgoing('c', { answers, kind: 'answer' }), eml)).toBe('added');
    expect(outbox.add(outgoing('d', { answers, kind: 'answer' }), eml)).toBe('added');
    expect(outbox.add(outgoing('b'), eml)).toBe('added');
  });

  test('takes another reply in where a crash kept the first from being taken in', () => {
    const first = outgoing('a');
    new Outbox(dir, log).add(first, eml);
    rmSync(join(dir, 'to-send', `${first.id}.eml`));
    const outbox = new Outbox(dir, log);
    expect(outbox.add(outgoing('b', { answers: first.answers }), eml)).toBe('added');
    expect(outbox.add(first, eml)).toBe('known');
  });

  test('is finished after a crash between meta and mail', () => {
    const one = outgoing('a');
    new Outbox(dir, log).add(one, eml);
    rmSync(join(dir, 'to-send', `${one.id}.eml`));
    const outbox = new Outbox(dir, log);
    expect(outbox.find(one.messageId)).toBeUndefined();
    expect(outbox.add(one, eml)).toBe('added');
    expect(outbox.list('to-send')).toEqual([one]);
  });

  test.each([
    ['an id of another mail', { id: outgoingId('b@bot.example') }, /id is not that/],
    ['no recipients', { recipients: [] }, /recipients/],
    ['a time that is none', { addedAt: 'yesterday' }, /addedAt/],
  ])('refuses %s and writes nothing', (_what, part, why) => {
    const outbox = new Outbox(dir, log);
    expect(() => outbox.add(outgoing('a', part), eml)).toThrow(why);
    expect(everything()).toEqual([]);
  });
});

describe('the list of a state', () => {
  test('is oldest first, and has no mail of another state', () => {
    const outbox = new Outbox(dir, log);
    const [late, early, other] = [
      outgoing('late', { addedAt: '2026-11-22T12:00:00.000Z' }),
      outgoing('early', { addedAt: '2026-11-22T09:00:00.000Z' }),
      outgoing('other', { via: 'draft' }),
    ];
    for (const one of [late, early, other]) outbox.add(one, eml);
    expect(outbox.list('to-send')).toEqual([early, late]);
    expect(outbox.list('to-draft')).toEqual([other]);
    expect(outbox.list('sent')).toEqual([]);
  });

  test.each([
    ['is missing', (path: string) => rmSync(path)],
    ['is not JSON', (path: string) => writeFileSync(path, '{"id": ')],
    [
      'lacks a field',
      (path: string) => writeFileSync(path, JSON.stringify({ ...outgoing('a'), recipients: undefined })),
    ],
    ['belongs to another mail', (path: string) => writeFileSync(path, JSON.stringify(outgoing('b')))],
  ])('reports a mail whose meta %s once, sets it aside and keeps the others', (_what, spoil) => {
    const outbox = new Outbox(dir, log);
    const [bad, good] = [outgoing('a'), outgoing('good')];
    outbox.add(bad, eml);
    outbox.add(good, eml);
    spoil(join(dir, 'meta', `${bad.id}.json`));
    expect(outbox.list('to-send')).toEqual([good]);
    expect(outbox.list('to-send')).toEqual([good]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(new RegExp(`^warning: outbox: to-send/${bad.id}.eml is set aside in .*broken`));
    expect(readFileSync(join(dir, 'broken', `${bad.id}.eml`))).toEqual(eml);
    // It may have been sent: it must not come in anew.
    expect(outbox.add(bad, eml)).toBe('known');
    expect(outbox.find(bad.messageId)).toBeUndefined();
  });
});

describe('moves', () => {
  const all: State[] = [
    'to-draft',
    'drafting',
    'drafted',
    'to-send',
    'sending',
    'accepted',
    'sent',
    'discarded',
    'held',
  ];
  const allowed = new Set([
    'to-draft drafting',
    'to-draft discarded',
    'drafting drafted',
    'drafted to-send',
    'drafted accepted',
    'drafted discarded',
    'to-send sending',
    'to-send accepted',
    'to-send drafted',
    'to-send held',
    'sending accepted',
    'sending to-send',
    'sending held',
    'sending discarded',
    'to-send discarded',
    'accepted sent',
    'held to-send',
    'held accepted',
    'held discarded',
  ]);

  test('are those of the table, and no others', () => {
    const outbox = new Outbox(dir, log);
    for (const from of all) {
      for (const to of all) {
        const one = outgoing(`${from}.${to}`);
        outbox.add(one, eml);
        const place = (state: State) => join(dir, state, `${one.id}.eml`);
        rmSync(place('to-send'));
        writeFileSync(place(from), eml);
        if (allowed.has(`${from} ${to}`)) {
          outbox.move(one.id, from, to, 'why');
          expect(outbox.find(one.messageId)?.state).toBe(to);
        } else {
          expect(() => outbox.move(one.id, from, to, 'why')).toThrow(OutboxError);
          expect(outbox.find(one.messageId)?.state).toBe(from);
        }
      }
    }
  });

  test('throw for a mail that is somewhere else or nowhere', () => {
    const outbox = new Outbox(dir, log);
    const one = outgoing('a');
    outbox.add(one, eml);
    expect(() => outbox.move(one.id, 'sending', 'accepted')).toThrow(/is not in sending/);
    expect(() => outbox.move(outgoingId('none'), 'to-send', 'sending')).toThrow(/is not in to-send/);
    expect(() => outbox.read(outgoingId('none'))).toThrow(OutboxError);
    expect(outbox.list('to-send')).toEqual([one]);
  });

  test('to held need a reason and keep it; other moves leave none', () => {
    const outbox = new Outbox(dir, log);
    const one = outgoing('a');
    outbox.add(one, eml);
    outbox.move(one.id, 'to-send', 'sending');
    expect(() => outbox.move(one.id, 'sending', 'held')).toThrow(/without a reason/);
    expect(outbox.whyHeld(one.id)).toBeUndefined();
    outbox.move(one.id, 'sending', 'held', '550 no such user');
    expect(outbox.whyHeld(one.id)).toBe('550 no such user');
    expect(everything().filter((path) => path.startsWith('held/'))).toEqual([
      `held/${one.id}.eml`,
      `held/${one.id}.why`,
    ]);
    outbox.move(one.id, 'held', 'to-send');
    expect(everything().filter((path) => path.startsWith('held/'))).toEqual([]);
  });
});

test('how far the sending of a mail has come outlives a restart; a damaged record is set aside and named', () => {
  const outbox = new Outbox(dir, log);
  const one = outgoing('a');
  outbox.add(one, eml);
  expect(outbox.progress(one.id)).toBeUndefined();
  const progress = {
    step: 'in-doubt',
    doubtSince: '2026-11-22T10:00:00.000Z',
    unknowns: 2,
    got: [],
    refused: [],
  } as const;
  outbox.setProgress(one.id, progress);
  expect(new Outbox(dir, log).progress(one.id)).toEqual(progress);
  writeFileSync(join(dir, 'progress', `${one.id}.json`), '{"step": "sent"}');
  expect(outbox.progress(one.id)).toEqual(LOST);
  expect(lines).toEqual([expect.stringMatching(/set aside as .*damaged, and who got mail .* is not known/)]);
  expect(new Outbox(dir, log).progress(one.id)).toEqual(LOST);
  outbox.setProgress(one.id, progress);
  expect(outbox.progress(one.id)).toEqual(progress);
});

test('opening sweeps files that were not written to their end, and nothing else', () => {
  const one = outgoing('a');
  new Outbox(dir, log).add(one, eml);
  const before = everything();
  const partial = join(dir, 'to-send', `${outgoingId('b')}.eml.4711.partial`);
  writeFileSync(partial, 'Subj');
  writeFileSync(join(dir, 'meta', `${outgoingId('b')}.json.4711.partial`), '{');
  expect(new Outbox(dir, log).list('to-send')).toEqual([one]);
  expect(existsSync(partial)).toBe(false);
  expect(everything()).toEqual(before);
  expect(lines).toEqual([]);
});

describe('a later revision of a series, by what the outbox knows', () => {
  const KEY = 'a'.repeat(32);
  const old = { series: KEY, lineage: ['L'], revision: 1, listIds: ['list.example.org'] };
  const withdrawnBy = (lineage: string, revision: number, list: string): readonly string[] => {
    const outbox = new Outbox(dir, log);
    outbox.add(outgoing('a', old), eml);
    expect(outbox.withdrawEarlier([lineage], revision, [list])).toEqual(outbox.withdrawn());
    return outbox.withdrawn();
  };

  test.each([
    ['the next one', 'L', 2, 'list.example.org', [KEY]],
    ['one much later', 'L', 9, 'list.example.org', [KEY]],
    ['the same', 'L', 1, 'list.example.org', []],
    ['another series', 'M', 2, 'list.example.org', []],
    ['one that came by none of its lists', 'L', 2, 'other.example.org', []],
  ] as const)('withdraws what waits: %s', (_, lineage, revision, list, keys) => {
    expect(withdrawnBy(lineage, revision, list)).toEqual(keys);
  });

  test('withdraws nothing that is out, and nothing twice', () => {
    const outbox = new Outbox(dir, log);
    outbox.add(outgoing('a', old), eml);
    outbox.add(outgoing('b', { ...old, series: 'b'.repeat(32) }), eml);
    outbox.move(outgoing('b').id, 'to-send', 'accepted');
    expect(outbox.withdrawEarlier(['L'], 2, ['list.example.org'])).toEqual([KEY]);
    expect(outbox.withdrawEarlier(['L'], 2, ['list.example.org'])).toEqual([]);
    expect(outbox.withdrawn()).toEqual([KEY]);
  });
});

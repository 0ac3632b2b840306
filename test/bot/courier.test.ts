import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseMessage } from '../../bot/message.ts';
import { Outbox } from '../../bot/outbox.ts';
import type { Outgoing } from '../../bot/outgoing.ts';
import { add, courier, drafts, log, received, stateOf, useWorld, world } from '../support/courier-world.ts';

useWorld();

describe('a draft', () => {
  test('is filed once, byte for byte, and nothing is sent', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    await one.round();
    expect(stateOf(mail)).toBe('drafted');
    expect(world.folder.get(mail.messageId)).toEqual(Buffer.from(world.outbox.read(mail.id)));
    expect(one.nextRoundAt()).toBeUndefined();
    expect(world.receiver.connections()).toBe(0);
  });

  test('goes out when approved, and is no draft any more', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    expect(await one.approve(mail.messageId)).toEqual({ ok: true, state: 'to-send', already: false });
    expect(one.nextRoundAt()).toEqual(new Date(world.clock));
    await one.round();
    expect(stateOf(mail)).toBe('sent');
    expect(world.folder.size).toBe(0);
    expect(world.receiver.mails).toMatchObject([
      { from: mail.from, recipients: mail.recipients, bodyType: '8bitmime' },
    ]);
    expect(world.receiver.mails[0]!.raw).toEqual(world.outbox.read(mail.id));
    expect(world.lines.at(-1)).toMatch(
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
    world.folder.set(edited.messageId, Buffer.from(`Message-ID: <${edited.messageId}>\r\n\r\n> grösser\r\n`));
    world.folder.delete(removed.messageId);
    for (const mail of [edited, removed]) {
      expect(await one.approve(mail.messageId)).toEqual({
        ok: false,
        why: expect.stringContaining('edited or removed'),
      });
      expect(stateOf(mail)).toBe('drafted');
    }
    await one.round();
    expect(world.receiver.mails).toEqual([]);
    expect(world.folder.size).toBe(1);
  });

  test('is not sent, nor lost, when it is edited between approval and sending', async () => {
    const mail = add('a', 'draft', 'to-send');
    world.folder.set(mail.messageId, Buffer.from('edited'));
    await courier().round();
    expect(stateOf(mail)).toBe('drafted');
    expect(world.folder.get(mail.messageId)).toEqual(Buffer.from('edited'));
    expect(world.receiver.mails).toEqual([]);
  });

  test('that a person sent by hand is not sent again', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    world.arrived.add(mail.messageId);
    expect(await one.approve(mail.messageId)).toEqual({ ok: true, state: 'sent', already: true });
    expect(await one.discard(mail.messageId)).toEqual({ ok: false, why: 'it was sent already' });
    await one.round();
    expect(world.receiver.mails).toEqual([]);
  });

  test('is gone when discarded, once and again, and cannot be approved then', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    expect(await one.discard(mail.messageId)).toEqual({ ok: true, state: 'discarded', already: false });
    expect(await one.discard(mail.messageId)).toEqual({ ok: true, state: 'discarded', already: true });
    expect(await one.approve(mail.messageId)).toEqual({ ok: false, why: 'it was discarded' });
    await one.round();
    expect(world.folder.size).toBe(0);
    expect(world.receiver.mails).toEqual([]);
    expect(stateOf(mail)).toBe('discarded');
  });

  test('that somebody has edited is left where it is when it is discarded, and that is said', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    const edited = Buffer.from('edited');
    world.folder.set(mail.messageId, edited);
    const why = 'somebody has edited it in the Drafts folder';
    expect(await one.discard(mail.messageId)).toEqual({ ok: false, why });
    expect([stateOf(mail), world.folder.get(mail.messageId)]).toEqual(['drafted', edited]);
    world.folder.clear();
    expect(await one.discard(mail.messageId)).toMatchObject({ ok: true });
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
    expect(world.lines.filter((line) => line.includes('drafts.account'))).toHaveLength(1);
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

test('rounds and orders at the same time come one after the other', async () => {
  const mails = [add('a', 'draft'), add('b', 'smtp')];
  world.receiver.behaviour = { slowMs: 50 };
  const one = courier();
  await Promise.all([one.round(), one.round(), one.approve(mails[0]!.messageId), one.round(), one.round()]);
  expect(mails.map(stateOf)).toEqual(['sent', 'sent']);
  expect(received()).toEqual(['b@bot.example', 'a@bot.example']);
});

describe('a reply that nobody wants any more', () => {
  test.each(['draft', 'smtp'] as const)('is discarded when its turn comes, and the log says why: %s', async (via) => {
    const hour = 3_600_000;
    const mail = add('a', via, undefined, { notBefore: new Date(world.clock + hour).toISOString() });
    world.unwanted.set(mail.messageId, { why: 'its finding is a false alarm', act: 'discard' });
    world.clock += hour;
    await courier().round();
    expect([stateOf(mail), world.folder.size, received()]).toEqual(['discarded', 0, []]);
    expect(world.lines.at(-1)).toMatch(/<a@bot\.example>.* is discarded: its finding is a false alarm$/);
    expect([world.dropped, world.held]).toEqual([[], []]);
  });

  test.each([
    ['tell', 'draft', 'discarded', 'dropped'],
    ['tell', 'smtp', 'discarded', 'dropped'],
    ['hold', 'draft', 'discarded', 'dropped'],
    ['hold', 'smtp', 'held', 'held'],
  ] as const)('so loud is told to those who asked: %s, %s', async (act, via, state, told) => {
    const mail = add('a', via);
    world.unwanted.set(mail.messageId, { why: 'it is to be private', act });
    await courier().round();
    expect([stateOf(mail), world.folder.size, received()]).toEqual([state, 0, []]);
    expect([...world.dropped, ...world.held]).toEqual([[mail.messageId, 'it is to be private']]);
    expect(world[told]).toHaveLength(1);
  });

  test('and is held is sent, and kept, when a person says so; a later revision is told to that person', async () => {
    const [mail, old] = [add('a', 'smtp'), add('b', 'smtp', undefined, { series: 'S' })];
    for (const { messageId } of [mail, old]) world.unwanted.set(messageId, { why: 'forged', act: 'hold' });
    const one = courier();
    await one.round();
    for (const { messageId } of [mail, old]) expect(await one.approve(messageId)).toMatchObject({ ok: true });
    world.outbox.withdraw('S');
    await one.round();
    expect([stateOf(mail), stateOf(old)]).toEqual(['sent', 'discarded']);
    expect(world.overtaken).toEqual([old.messageId]);
  });

  test('is sent when a person says so, or when some have it already', async () => {
    const [said, half] = [add('a', 'draft'), add('b', 'smtp')];
    const one = courier();
    world.outbox.setProgress(half.id, { step: 'waiting', unknowns: 0, got: ['list@example.org'], refused: [] });
    world.unwanted.set(half.messageId, { why: 'stop', act: 'discard' });
    await one.round();
    world.unwanted.set(said.messageId, { why: 'stop', act: 'discard' });
    await one.approve(said.messageId);
    await one.round();
    expect([stateOf(said), stateOf(half)]).toEqual(['sent', 'sent']);
  });

  test('waits while it is not known', async () => {
    const mail = add('a', 'smtp');
    const whyUnwanted = async () => {
      throw new Error('the tree is away');
    };
    await courier({ whyUnwanted }).round();
    expect([stateOf(mail), received()]).toEqual(['to-send', []]);
    expect(world.lines.at(-1)).toMatch(/the tree is away; next attempt in 1 s$/);
  });
});

describe('a draft on a patch of a section that said stop after it was made', () => {
  const section = { sections: ['INPUT', 'THE REST'] };
  test('is not sent to others, whoever says so, before or after', async () => {
    const [early, late] = [add('a', 'draft', 'drafted', section), add('b', 'draft', 'drafted', section)];
    for (const { id, messageId } of [early, late]) world.folder.set(messageId, Buffer.from(world.outbox.read(id)));
    const one = courier();
    expect(await one.approve(early.messageId)).toMatchObject({ ok: true });
    world.stoppedSections.add('INPUT');
    expect(await one.approve(late.messageId)).toEqual({
      ok: false,
      why: expect.stringContaining('maintainer of INPUT'),
    });
    await one.round();
    expect([stateOf(early), stateOf(late), received()]).toEqual(['held', 'drafted', []]);
    world.stoppedSections.clear();
    for (const { messageId } of [early, late]) await one.approve(messageId);
    await one.round();
    expect([stateOf(early), stateOf(late)]).toEqual(['sent', 'sent']);
  });

  test('is sent to those alone who asked', async () => {
    const mail = add('a', 'draft', 'drafted', { ...section, recipients: ['Jane@example.org', 'bot@bot.example'] });
    world.folder.set(mail.messageId, Buffer.from(world.outbox.read(mail.id)));
    world.stoppedSections.add('INPUT');
    const one = courier();
    await one.approve(mail.messageId);
    await one.round();
    expect(stateOf(mail)).toBe('sent');
  });
});

describe('a mail of which the record of who got it is damaged', () => {
  test.each(['to-send', 'sending'] as const)('is held for a person, and not sent again: %s', async (state) => {
    const mail = add('a', 'smtp', state);
    const got = ['list@example.org', 'bot@bot.example'];
    world.outbox.setProgress(mail.id, { step: 'waiting', unknowns: 0, got, refused: [] });
    writeFileSync(join(world.dir, 'progress', `${mail.id}.json`), '{');
    // Another process may be the first that reads it.
    new Outbox(world.dir, log, 'look').progress(mail.id);
    world.arrived.add(mail.messageId);
    for (let n = 0; n < 3; n++) {
      await courier().round();
      world.clock += 3_600_000;
    }
    expect([stateOf(mail), received()]).toEqual(['held', []]);
    expect(world.held.map(([id]) => id)).toEqual([mail.messageId]);
  });
});

describe('a mail that the operator does not want', () => {
  const noted = (mail: Outgoing): void => new Outbox(world.dir, log, 'look').noteUnwanted(mail.id);

  test.each(['answer', 'notice', 'reply'] as const)('is discarded where it waits or is held: %s', async (kind) => {
    const [held, waits] = [add('a', 'smtp', 'held', { kind }), add('b', 'smtp', undefined, { kind })];
    for (const mail of [held, waits]) noted(mail);
    await courier().round();
    expect([stateOf(held), stateOf(waits), received(), world.outbox.unwanted()]).toEqual([
      'discarded',
      'discarded',
      [],
      [],
    ]);
  });

  test('is taken out of the Drafts folder, once its server answers', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    noted(mail);
    world.draftsFail.find = 'away';
    await one.round();
    expect([stateOf(mail), world.folder.size]).toEqual(['drafted', 1]);
    world.draftsFail = {};
    world.clock += 3_600_000;
    await one.round();
    expect([stateOf(mail), world.folder.size, world.outbox.unwanted()]).toEqual(['discarded', 0, []]);
  });

  test('is left as it is while nobody knows whether it was sent, and when it was', async () => {
    const mail = add('a', 'smtp', 'sending');
    world.outbox.setProgress(mail.id, { step: 'handing-over', unknowns: 0, got: [], refused: [] });
    noted(mail);
    const one = courier();
    await one.round();
    expect(stateOf(mail)).toBe('sending');
    world.arrived.add(mail.messageId);
    await one.round();
    await one.round();
    expect([stateOf(mail), world.outbox.unwanted()]).toEqual(['sent', []]);
  });
});

describe('a draft that a person has sent from a mail program', () => {
  /** As it went out of that program: another sender and Message-ID. */
  const sent = (answers: string, text = '> größer') =>
    Buffer.from(
      `From: Jane <jane@example.org>\r\nMessage-ID: <own@example.org>\r\nReferences: <first@x> <${answers}>\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n${text}\r\n`,
    );
  const came = (raw: Uint8Array): void => {
    const parsed = parseMessage(raw);
    if (!parsed.ok) throw new Error(parsed.why);
    world.outbox.noteSentByHand(parsed.message);
  };

  test('counts as sent once its copy has come in, and leaves the folder', async () => {
    const mail = add('a', 'draft', undefined, { lineage: ['L'], revision: 1, findings: [{ rule: 'r', key: 'K' }] });
    await courier().round();
    world.arrived.add(mail.messageId);
    await courier().round();
    expect([stateOf(mail), world.folder.size]).toEqual(['sent', 0]);
    expect(world.outbox.toldEarlier(['L'], 2, new Date(0)).has('K')).toBe(true);
    expect(received()).toEqual([]);
  });

  test('counts as sent, not as withdrawn, when a later revision comes in the same moment', async () => {
    const mail = add('a', 'draft', undefined, { series: 'a'.repeat(32) });
    await courier().round();
    world.arrived.add(mail.messageId);
    world.outbox.withdraw(mail.series!);
    await courier().round();
    expect(stateOf(mail)).toBe('sent');
  });

  test('under another name and Message-ID counts as sent, also after a restart', async () => {
    const mail = add('a', 'draft');
    await courier().round();
    came(sent(mail.answers));
    await courier().round();
    expect([stateOf(mail), world.folder.size, received()]).toEqual(['sent', 0, []]);
  });

  test('counts as sent although the answer of the Drafts server was lost before', async () => {
    const mail = add('a', 'draft');
    const append = async (): Promise<never> => {
      throw new Error('connection lost');
    };
    await courier({ drafts: { ...drafts, append } }).round();
    expect(stateOf(mail)).toBe('drafting');
    came(sent(mail.answers));
    world.clock += 3_600_000;
    const later = courier();
    await later.round();
    await later.round();
    expect([stateOf(mail), world.folder.size, received()]).toEqual(['sent', 0, []]);
  });

  test.each([
    ['with another text', 'patch-of-a@example.org', '> anders'],
    ['in answer to another mail', 'other@example.org', '> größer'],
  ])('is none: a mail %s', async (_, answers, text) => {
    const mail = add('a', 'draft');
    await courier().round();
    came(sent(answers, text));
    await courier().round();
    expect([stateOf(mail), world.folder.size]).toEqual(['drafted', 1]);
  });
});

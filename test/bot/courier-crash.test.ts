import { describe, expect, test } from 'vitest';
import { Outbox } from '../../bot/outbox.ts';
import { add, courier, LOOK_MS, log, received, stateOf, useWorld, world } from '../support/courier-world.ts';

useWorld();

describe('after a crash', () => {
  test('a draft that lies in the folder is not filed again', async () => {
    const mail = add('a', 'draft', 'drafting');
    world.folder.set(mail.messageId, Buffer.from(world.outbox.read(mail.id)));
    await courier().round();
    expect(stateOf(mail)).toBe('drafted');
    expect(world.folder.size).toBe(1);
  });

  test('a draft that does not lie in the folder is filed', async () => {
    const mail = add('a', 'draft', 'drafting');
    await courier().round();
    expect(stateOf(mail)).toBe('drafted');
    expect(world.folder.size).toBe(1);
  });

  test('a draft that a person has sent since is not filed again', async () => {
    const mail = add('a', 'draft', 'drafting');
    world.arrived.add(mail.messageId);
    await courier().round();
    expect(world.folder.size).toBe(0);
  });

  test('a draft can be approved before the next round', async () => {
    const mail = add('a', 'draft', 'drafting');
    world.folder.set(mail.messageId, Buffer.from(world.outbox.read(mail.id)));
    expect(await courier().approve(mail.messageId)).toEqual({ ok: true, state: 'to-send', already: false });
  });

  test('an approved draft that lies there is sent, and one that a person has removed since is not', async () => {
    const [mail, removed] = [add('a', 'draft', 'to-send'), add('b', 'draft', 'to-send')];
    world.folder.set(mail.messageId, Buffer.from(world.outbox.read(mail.id)));
    await courier().round();
    expect([stateOf(mail), stateOf(removed)]).toEqual(['sent', 'drafted']);
    expect(received()).toEqual([mail.messageId]);
    expect(world.folder.size).toBe(0);
  });

  test('the draft of a mail that is out is removed, and the mail is not sent again', async () => {
    const mail = add('a', 'draft', 'accepted');
    world.folder.set(mail.messageId, Buffer.from(world.outbox.read(mail.id)));
    await courier().round();
    expect(stateOf(mail)).toBe('sent');
    expect(world.folder.size).toBe(0);
    expect(world.receiver.connections()).toBe(0);
  });

  test('a discarded draft that was removed is discarded', async () => {
    const mail = add('a', 'draft', 'drafted');
    expect(await courier().discard(mail.messageId)).toEqual({ ok: true, state: 'discarded', already: false });
  });

  test('a mail whose copy came back is not sent again', async () => {
    const mail = add('a', 'smtp', 'sending');
    world.arrived.add(mail.messageId);
    await courier().round();
    expect(stateOf(mail)).toBe('sent');
    expect(world.receiver.connections()).toBe(0);
  });

  test('a mail whose copy does not come back is held, not before it had time to, and not sent again', async () => {
    const mail = add('a', 'smtp', 'sending');
    const one = courier();
    await one.round();
    expect(one.nextRoundAt()).toEqual(new Date(world.clock + LOOK_MS));
    world.clock += LOOK_MS - 1;
    await one.round();
    expect(stateOf(mail)).toBe('sending');
    world.clock += 1;
    await one.round();
    expect(stateOf(mail)).toBe('held');
    expect(world.receiver.connections()).toBe(0);
    expect(world.held).toEqual([[mail.messageId, 'perhaps it was sent, but no copy of it came back']]);
  });

  test.each(['answer', 'notice', 'preview'] as const)('so is a mail to one person: %s', async (kind) => {
    const mail = add('a', 'smtp', 'sending', { kind });
    const one = courier();
    await one.round();
    world.clock += LOOK_MS;
    await one.round();
    expect([stateOf(mail), received(), world.held]).toEqual(['held', [], []]);
    expect(world.lines.at(-1)).toMatch(/^warning: .*is held: perhaps it was sent, but no copy of it came back$/);
  });

  test('the time for a copy begins with the start, since mailboxes were not read before', async () => {
    add('a', 'smtp', 'sending');
    world.clock += 24 * 3600 * 1000;
    await courier().round();
    expect(world.receiver.connections()).toBe(0);
  });

  test('a mail that was about to be sent, and came back all the same, is not sent', async () => {
    const mail = add('a', 'smtp');
    world.arrived.add(mail.messageId);
    await courier().round();
    expect(stateOf(mail)).toBe('sent');
    expect(world.receiver.connections()).toBe(0);
  });
});

test('a mail that was taken, which the disk would not record, is not sent again at once', async () => {
  const mail = add('a', 'smtp', undefined, { kind: 'answer' });
  const full = new Outbox(world.dir, log);
  let isFull = true;
  full.move = (id, from, to, why) => {
    if (isFull && to === 'accepted') throw new Error('ENOSPC');
    world.outbox.move(id, from, to, why);
  };
  const one = courier({ outbox: full });
  await one.round();
  expect(world.lines.at(-1)).toMatch(/^warning: .*ENOSPC; next attempt in 1 s/);
  isFull = false;
  world.clock += 1000;
  await one.round();
  expect(stateOf(mail)).toBe('sent');
  expect(received()).toEqual([mail.messageId]);
});

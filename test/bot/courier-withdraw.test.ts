/** A later revision of a series has come: what is not sent of the earlier one is taken back. And mails that wait for their hour. */
import { describe, expect, test } from 'vitest';
import type { State } from '../../bot/outbox.ts';
import { type Outgoing, outgoingId } from '../../bot/outgoing.ts';
import { courier, LOOK_MS, useWorld, world } from '../support/courier-world.ts';

useWorld();

const [OLD, OTHER] = ['a'.repeat(32), 'b'.repeat(32)];
const eml = (id: string): Buffer =>
  Buffer.from(`From: depbot <bot@x.example>\r\nTo: a@x.example\r\nMessage-ID: <${id}>\r\n\r\nwords\r\n`);

function add(id: string, more: Partial<Outgoing> = {}): void {
  const meta: Outgoing = {
    id: outgoingId(id),
    messageId: id,
    kind: 'reply',
    via: 'draft',
    from: 'bot@x.example',
    recipients: ['a@x.example', 'bot@x.example'],
    subject: `Re: ${id}`,
    answers: `${id}.patch`,
    series: OLD,
    maintainers: ['max@example.org'],
    allowedBy: 'drivers/ on l@example.org',
    addedAt: new Date(world.clock).toISOString(),
    ...more,
  };
  expect(world.outbox.add(meta, eml(id))).toBe('added');
}
const stateOf = (id: string): State | undefined => world.outbox.find(id)?.state;

describe('the replies to a series that has a later revision', () => {
  test('leave the Drafts folder, and no other draft does', async () => {
    add('1@x.example');
    add('2@x.example', { series: OTHER });
    await courier().round();
    expect([...world.folder.keys()]).toEqual(['1@x.example', '2@x.example']);
    world.outbox.withdraw(OLD);
    await courier().round();
    expect([...world.folder.keys()]).toEqual(['2@x.example']);
    expect([stateOf('1@x.example'), stateOf('2@x.example')]).toEqual(['discarded', 'drafted']);
    expect(world.outbox.withdrawn()).toEqual([]);
    expect(world.lines.at(-1)).toMatch(/1@x\.example.*discarded: a later revision of its series has come/);
  });

  test('do not get there, and are not sent, when they were still on their way', async () => {
    add('1@x.example');
    add('2@x.example', { via: 'smtp' });
    world.outbox.withdraw(OLD);
    await courier().round();
    expect([world.folder.size, world.receiver.mails.length]).toEqual([0, 0]);
    expect([stateOf('1@x.example'), stateOf('2@x.example')]).toEqual(['discarded', 'discarded']);
    expect(world.overtaken).toEqual([]);
  });

  test('are not sent when a maintainer had them sent, and they had not left', async () => {
    add('1@x.example');
    const one = courier();
    await one.round();
    expect(await one.approve('1@x.example')).toMatchObject({ ok: true, state: 'to-send' });
    world.outbox.withdraw(OLD);
    await one.round();
    expect([world.folder.size, world.receiver.mails.length, stateOf('1@x.example')]).toEqual([0, 0, 'discarded']);
    expect(world.overtaken).toEqual(['1@x.example']);
  });

  test('that are sent stay sent, and those that a person has edited stay in the folder', async () => {
    add('1@x.example', { via: 'smtp' });
    add('2@x.example');
    await courier().round();
    world.folder.set('2@x.example', Buffer.from('Message-ID: <2@x.example>\r\n\r\nedited\r\n'));
    world.outbox.withdraw(OLD);
    await courier().round();
    expect([stateOf('1@x.example'), stateOf('2@x.example')]).toEqual(['sent', 'discarded']);
    expect([...world.folder.keys()]).toEqual(['2@x.example']);
  });

  test('are taken back later when the Drafts server is away, also by the next process', async () => {
    add('1@x.example');
    await courier().round();
    world.outbox.withdraw(OLD);
    world.draftsFail = { find: 'imap: away' };
    const one = courier();
    await one.round();
    await one.round();
    expect(world.lines.filter((line) => line.includes('not yet discarded: imap: away'))).toHaveLength(1);
    expect([stateOf('1@x.example'), world.outbox.withdrawn()]).toEqual(['drafted', [OLD]]);
    world.draftsFail = {};
    await courier().round();
    expect([stateOf('1@x.example'), world.folder.size, world.outbox.withdrawn()]).toEqual(['discarded', 0, []]);
  });

  test('of which nobody knows whether they went out are not sent again', async () => {
    add('1@x.example', { via: 'smtp' });
    world.receiver.behaviour = { cut: 'lost' };
    const one = courier();
    await one.round();
    expect(stateOf('1@x.example')).toBe('sending');
    world.outbox.withdraw(OLD);
    world.receiver.behaviour = {};
    await one.round();
    expect([stateOf('1@x.example'), world.outbox.withdrawn()]).toEqual(['sending', [OLD]]);
    world.clock += LOOK_MS + 1;
    await one.round();
    await one.round();
    expect([stateOf('1@x.example'), world.receiver.mails.length]).toEqual(['discarded', 0]);
    expect(world.outbox.withdrawn()).toEqual([]);
  });

  test('of which nobody knew whether they went out, and did, count as sent', async () => {
    add('1@x.example', { via: 'smtp' });
    world.receiver.behaviour = { cut: 'taken' };
    const one = courier();
    await one.round();
    world.outbox.withdraw(OLD);
    world.arrived.add('1@x.example');
    world.receiver.behaviour = {};
    world.clock += LOOK_MS + 1;
    await one.round();
    expect([stateOf('1@x.example'), world.receiver.mails.length]).toEqual(['sent', 1]);
  });

  test('are not cut off from some when others have them already', async () => {
    add('1@x.example', { via: 'smtp', recipients: ['a@x.example', 'later@x.example', 'bot@x.example'] });
    const id = outgoingId('1@x.example');
    world.outbox.setProgress(id, { step: 'waiting', unknowns: 0, got: ['a@x.example', 'bot@x.example'], refused: [] });
    world.outbox.withdraw(OLD);
    await courier().round();
    expect(world.receiver.mails.map(({ recipients }) => recipients)).toEqual([['later@x.example']]);
    expect(stateOf('1@x.example')).toBe('sent');
  });
});

describe('a mail with hours', () => {
  const HOUR_MS = 3_600_000;

  test('waits for the end of its embargo, and the courier knows when that is', async () => {
    add('1@x.example', { via: 'smtp', notBefore: new Date(world.clock + 5 * HOUR_MS).toISOString() });
    const one = courier();
    await one.round();
    expect(world.receiver.mails).toHaveLength(0);
    expect(one.nextRoundAt()?.getTime()).toBe(world.clock + 5 * HOUR_MS);
    world.clock += 5 * HOUR_MS;
    await one.round();
    expect(world.receiver.mails).toHaveLength(1);
  });

  test.each(['draft', 'smtp'] as const)('waits for a day that is not full: %s', async (via) => {
    add('1@x.example', { via, roomFrom: new Date(world.clock + 5 * HOUR_MS).toISOString() });
    const one = courier();
    const out = (): number => world.receiver.mails.length + world.folder.size;
    await one.round();
    expect([out(), one.nextRoundAt()?.getTime()]).toEqual([0, world.clock + 5 * HOUR_MS]);
    world.clock += 5 * HOUR_MS;
    await one.round();
    expect(out()).toBe(1);
  });

  test('is not sent in its quiet hours, in none of them', async () => {
    // It is 10:00 UTC there.
    add('1@x.example', { via: 'smtp', quietHours: ['09:00-10:30', '10:30-12:00'] });
    const one = courier();
    await one.round();
    expect(one.nextRoundAt()?.getTime()).toBe(world.clock + 2 * HOUR_MS);
    world.clock += 2 * HOUR_MS - 1;
    await one.round();
    expect(world.receiver.mails).toHaveLength(0);
    world.clock += 1;
    await one.round();
    expect(world.receiver.mails).toHaveLength(1);
  });

  test('does not make a draft wait, nor what a person has sent', async () => {
    const never = { notBefore: new Date(world.clock + HOUR_MS).toISOString(), quietHours: ['09:00-12:00'] };
    add('1@x.example', never);
    const one = courier();
    await one.round();
    expect(stateOf('1@x.example')).toBe('drafted');
    await one.approve('1@x.example');
    await one.round();
    expect(world.receiver.mails).toHaveLength(1);
  });
});

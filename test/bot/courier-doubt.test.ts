import { describe, expect, test } from 'vitest';
import { Outbox } from '../../bot/outbox.ts';
import type { Smtp } from '../../bot/smtp.ts';
import { add, courier, LOOK_MS, log, received, smtp, stateOf, useWorld, world } from '../support/courier-world.ts';

useWorld();

/** A courier that loses its connection after the mail was taken; the outcome is unknown. */
async function sentInDoubt(): Promise<ReturnType<typeof add>> {
  const mail = add('a', 'smtp');
  world.receiver.behaviour = { cut: 'taken' };
  await courier().round();
  expect(stateOf(mail)).toBe('sending');
  world.receiver.behaviour = {};
  world.receiver.mails.length = 0;
  return mail;
}

describe('a mail whose fate is unknown', () => {
  test.each([
    ['are away', () => undefined],
    ['were last read just before the time is over', () => new Date(Date.parse('2026-11-22T10:00:00Z') + LOOK_MS - 1)],
  ])('is not held while the mailboxes %s, however late it is', async (_, readSince) => {
    const mail = await sentInDoubt();
    const one = courier({ readSince });
    for (let hour = 0; hour < 3; hour++) {
      world.clock += 3600_000;
      await one.round();
      // No rounds without a pause meanwhile.
      expect(one.nextRoundAt()).toEqual(new Date(world.clock + 1000));
    }
    expect([stateOf(mail), received()]).toEqual(['sending', []]);
    await courier({ readSince: () => new Date(Date.parse('2026-11-22T10:00:00Z') + LOOK_MS) }).round();
    expect([stateOf(mail), received()]).toEqual(['held', []]);
  });

  test('is never sent again by itself: a maintainer is told, and may have it sent', async () => {
    const mail = await sentInDoubt();
    for (let start = 0; start < 5; start++) {
      world.clock += LOOK_MS;
      await courier().round();
    }
    expect([stateOf(mail), received()]).toEqual(['held', []]);
    expect(world.held).toEqual([[mail.messageId, 'perhaps it was sent, but no copy of it came back']]);
    expect(await courier().approve(mail.messageId)).toMatchObject({ ok: true, state: 'to-send' });
    await courier().round();
    expect([stateOf(mail), received()]).toEqual(['sent', [mail.messageId]]);
  });

  test('keeps its moment of doubt over a restart', async () => {
    const mail = await sentInDoubt();
    world.clock += LOOK_MS;
    await courier().round();
    expect([stateOf(mail), received()]).toEqual(['held', []]);
  });

  test('has a new moment of doubt after each crash that came while it was handed over', async () => {
    const mail = await sentInDoubt();
    world.outbox.setProgress(mail.id, { ...world.outbox.progress(mail.id)!, step: 'handing-over' });
    world.clock += LOOK_MS;
    const one = courier();
    await one.round();
    expect(received()).toEqual([]);
    expect(one.nextRoundAt()).toEqual(new Date(world.clock + LOOK_MS));
  });

  test.each(['answer', 'notice'] as const)('is sent once, whatever restarts come between: %s', async (kind) => {
    const mail = add('a', 'smtp', undefined, { kind });
    world.receiver.behaviour = { cut: 'taken' };
    for (let start = 0; start < 10; start++) {
      await courier().round();
      world.clock += LOOK_MS;
    }
    expect(received()).toHaveLength(1);
    // Of a mail about a mail nobody is mailed.
    expect([stateOf(mail), world.held]).toEqual(['held', []]);
    expect(world.outbox.whyHeld(mail.id)).toBe('perhaps it was sent, but no copy of it came back');
  });

  test('that is held is settled by a copy that comes late, without an order', async () => {
    const mail = await sentInDoubt();
    world.clock += LOOK_MS;
    await courier().round();
    expect(stateOf(mail)).toBe('held');
    world.arrived.add(mail.messageId);
    await courier().round();
    expect([stateOf(mail), received(), world.outbox.whyHeld(mail.id)]).toEqual(['sent', [], undefined]);
  });

  test('that is held is settled by a copy that comes late, before an order', async () => {
    const mail = add('a', 'smtp', 'held');
    world.arrived.add(mail.messageId);
    expect(await courier().approve(mail.messageId)).toEqual({ ok: true, state: 'sent', already: true });
    expect(received()).toEqual([]);
  });
});

describe('a mail that bears our Message-ID', () => {
  const came = (change: (text: string) => string) => {
    const mail = add('a', 'smtp', 'sending');
    const text = Buffer.from(world.outbox.read(mail.id)).toString();
    return { mail, copies: () => [Buffer.from(change(text))] };
  };

  test.each<[string, (text: string) => string]>([
    ['as it went out', (text) => text],
    ['with LF and blank lines at its end', (text) => `${text.replaceAll('\r\n', '\n')}\n\n`],
    ['with headers and the footer of a list', (text) => `List-Id: <l.example.org>\r\n${text}____\r\nlist footer\r\n`],
    [
      'in another transfer encoding',
      (text) =>
        text.replace('\r\n\r\n', '\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n').replace('ß', '=C3=9F'),
    ],
  ])('is its copy: %s', async (_, change) => {
    const { mail, copies } = came(change);
    await courier({ copies }).round();
    expect(stateOf(mail)).toBe('sent');
  });

  test.each<[string, (text: string) => string]>([
    ['from another', (text) => text.replace('bot@bot.example', 'eve@evil.example')],
    ['with another text', (text) => text.replace('größer', 'grösser')],
    ['with a text that only begins like it', (text) => text.replace('größer', 'größeres')],
    ['with a text that ends before it', (text) => text.replace('> größer\r\n', '')],
    ['that is no mail', () => '\r\n\r\n'],
  ])('is no copy: %s', async (_, change) => {
    const { mail, copies } = came(change);
    const one = courier({ copies });
    await one.round();
    world.clock += LOOK_MS;
    await one.round();
    expect(stateOf(mail)).toBe('held');
  });
});

test('a crash before the end of a mail was handed over leaves no doubt: it is sent at once', async () => {
  const mail = add('a', 'smtp', 'sending');
  world.outbox.setProgress(mail.id, { step: 'waiting', unknowns: 0, got: [], refused: [] });
  await courier().round();
  expect([stateOf(mail), received()]).toEqual(['sent', [mail.messageId]]);
});

test('that the end of a mail is handed over is on disk before it is, and not long before', async () => {
  const steps: (string | undefined)[] = [];
  const mail = add('a', 'smtp');
  const real = smtp();
  const seen: Smtp = {
    send: (envelope, eml, beforeEnd) => {
      steps.push(world.outbox.progress(mail.id)?.step);
      return real.send(envelope, eml, (rejected) => {
        beforeEnd?.(rejected);
        steps.push(world.outbox.progress(mail.id)?.step);
      });
    },
  };
  await courier({ smtp: seen }).round();
  expect([steps, stateOf(mail)]).toEqual([['waiting', 'handing-over'], 'sent']);
});

test('a mail whose handing over cannot be written down is not handed over', async () => {
  const mail = add('a', 'smtp');
  const full = new Outbox(world.dir, log);
  let isFull = true;
  full.setProgress = (id, progress) => {
    if (isFull && progress.step === 'handing-over') throw new Error('ENOSPC');
    world.outbox.setProgress(id, progress);
  };
  const one = courier({ outbox: full });
  await one.round();
  expect([stateOf(mail), received()]).toEqual(['to-send', []]);
  isFull = false;
  world.clock = one.nextRoundAt()!.getTime();
  await one.round();
  expect([stateOf(mail), received()]).toEqual(['sent', [mail.messageId]]);
});

test('a crash after the server took a mail, and that was recorded, needs no copy', async () => {
  const mail = add('a', 'smtp', 'sending');
  world.outbox.setProgress(mail.id, { step: 'waiting', unknowns: 0, got: mail.recipients, refused: [] });
  await courier({ readSince: () => undefined, log }).round();
  expect(stateOf(mail)).toBe('sent');
  expect(world.receiver.connections()).toBe(0);
});

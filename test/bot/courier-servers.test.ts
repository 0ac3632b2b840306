import { describe, expect, test } from 'vitest';
import type { Drafts } from '../../bot/filing.ts';
import { type Smtp, SmtpError } from '../../bot/smtp.ts';
import {
  add,
  courier,
  drafts,
  idOfEml,
  LOOK_MS,
  received,
  smtp,
  stateOf,
  useWorld,
  world,
} from '../support/courier-world.ts';

useWorld();

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
      waits.push((next - world.clock) / 1000);
      await one.round();
      world.clock = next;
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    expect([stateOf(bad), stateOf(good)]).toEqual(['to-send', 'sent']);
    expect(world.lines.filter((line) => line.includes('451 greylisted; next attempt in'))).toHaveLength(11);
    await courier().round();
    expect(received()).toEqual([good.messageId, bad.messageId]);
  });

  test('because it is away: it is tried once for all of them, and all go out when it is back', async () => {
    const mails = [add('a', 'smtp'), add('b', 'smtp'), add('c', 'smtp')];
    world.receiver.behaviour = { refuse: { at: 'CONNECT', code: 421, words: 'too busy' } };
    const one = courier();
    await one.round();
    expect(world.receiver.connections()).toBe(1);
    expect(mails.map(stateOf)).toEqual(['to-send', 'to-send', 'to-send']);
    expect(world.lines).toEqual([
      expect.stringMatching(/^warning: outbox: smtp server 127.0.0.1:\d+: 421 too busy; next attempt in 1 s$/),
    ]);
    world.receiver.behaviour = {};
    await one.round();
    expect(world.receiver.connections()).toBe(1);
    world.clock = one.nextRoundAt()!.getTime();
    await one.round();
    expect(received()).toEqual(mails.map(({ messageId }) => messageId));
    // The next time it is away the wait is short again.
    add('d', 'smtp');
    world.receiver.behaviour = { refuse: { at: 'CONNECT', code: 421, words: 'too busy' } };
    await one.round();
    expect(world.lines.at(-1)).toMatch(/421 too busy; next attempt in 1 s$/);
  });

  test('for good: the mail is held with the words of the server, and the others go out', async () => {
    const [bad, good] = [add('bad', 'smtp'), add('good', 'smtp')];
    const refusing: Smtp = {
      send: async (envelope, eml) => {
        const isBad = idOfEml(eml) === bad.messageId;
        world.receiver.behaviour = isBad ? { refuse: { at: 'END', code: 554, words: 'spam' } } : {};
        return smtp().send(envelope, eml);
      },
    };
    const one = courier({ smtp: refusing });
    await one.round();
    expect([stateOf(bad), stateOf(good)]).toEqual(['held', 'sent']);
    expect(world.outbox.whyHeld(bad.id)).toMatch(/554 spam/);
    expect(one.nextRoundAt()).toBeUndefined();
    await courier().round();
    expect(received()).toEqual([good.messageId]);
    expect(world.held).toEqual([[bad.messageId, expect.stringMatching(/554 spam/)]]);
  });
});

describe('a connection that is lost after the mail was handed over', () => {
  test('and the mail was taken: its copy settles it, and it is not sent again', async () => {
    const mail = add('a', 'smtp');
    world.receiver.behaviour = { cut: 'taken' };
    const one = courier();
    await one.round();
    expect(stateOf(mail)).toBe('sending');
    world.receiver.behaviour = {};
    world.clock += 2000;
    await one.round();
    expect(stateOf(mail)).toBe('sending');
    world.arrived.add(mail.messageId);
    await one.round();
    expect(stateOf(mail)).toBe('sent');
    expect(received()).toEqual([mail.messageId]);
  });

  test('and the mail was lost: it is held after the time for a copy', async () => {
    const mail = add('a', 'smtp', undefined, { kind: 'answer' });
    world.receiver.behaviour = { cut: 'lost' };
    const one = courier();
    await one.round();
    expect(world.lines.at(-1)).toMatch(
      /^warning: .*was perhaps sent: smtp server .*looking for a copy until all mailboxes are read of the next 60 s/,
    );
    world.receiver.behaviour = {};
    world.clock = one.nextRoundAt()!.getTime();
    expect(world.clock).toBe(Date.parse('2026-11-22T10:00:00Z') + LOOK_MS);
    await one.round();
    expect([stateOf(mail), received()]).toEqual(['held', []]);
  });

  test.each(['reply', 'answer'] as const)('again and again: a person has to look, at a %s', async (kind) => {
    const mail = add('a', 'smtp', undefined, { kind });
    world.receiver.behaviour = { cut: 'taken' };
    const one = courier();
    for (let next = one.nextRoundAt(); next !== undefined; next = one.nextRoundAt()) {
      world.clock = next.getTime();
      await one.round();
    }
    expect(received()).toHaveLength(1);
    expect(stateOf(mail)).toBe('held');
    expect(world.outbox.whyHeld(mail.id)).toBe('perhaps it was sent, but no copy of it came back');
  });

  test('does not stop the others', async () => {
    const [first, second] = [add('a', 'smtp'), add('b', 'smtp')];
    world.receiver.behaviour = { cut: 'lost' };
    const one = courier();
    await one.round();
    world.receiver.behaviour = {};
    world.clock = one.nextRoundAt()!.getTime();
    await one.round();
    expect([stateOf(first), stateOf(second)]).toEqual(['sending', 'sent']);
  });
});

describe('a Drafts folder that does not answer', () => {
  test('is asked again with longer and longer waits, and each draft is filed once', async () => {
    const mails = [add('a', 'draft'), add('b', 'draft'), add('c', 'draft')];
    world.draftsFail = { append: 'imap: quota' };
    const one = courier();
    await one.round();
    // After two failures the third was not tried.
    expect(world.lines.filter((line) => line.includes('imap: quota; next attempt in 1 s'))).toHaveLength(2);
    expect(mails.map(stateOf)).toEqual(['drafting', 'drafting', 'to-draft']);
    world.draftsFail = {};
    await one.round();
    expect(world.folder.size).toBe(0);
    world.clock = one.nextRoundAt()!.getTime();
    await one.round();
    expect(mails.map(stateOf)).toEqual(['drafted', 'drafted', 'drafted']);
    expect(world.folder.size).toBe(3);
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
    world.clock = one.nextRoundAt()!.getTime();
    await one.round();
    expect(stateOf(mail)).toBe('drafted');
    expect(world.folder.size).toBe(1);
  });

  test('an order fails and can be given again', async () => {
    const mail = add('a', 'draft');
    const one = courier();
    await one.round();
    world.draftsFail = { find: 'imap: away', remove: 'imap: away' };
    await expect(one.approve(mail.messageId)).rejects.toThrow('imap: away');
    await expect(one.discard(mail.messageId)).rejects.toThrow('imap: away');
    expect(stateOf(mail)).toBe('drafted');
    world.draftsFail = {};
    expect(await one.approve(mail.messageId)).toMatchObject({ ok: true, already: false });
  });

  test('the draft of a mail that is out is removed when the folder answers again, and the mail is sent once', async () => {
    const [mail, other] = [add('a', 'draft'), add('b', 'smtp')];
    const one = courier();
    await one.round();
    await one.approve(mail.messageId);
    world.draftsFail = { remove: 'imap: away' };
    await one.round();
    expect([stateOf(mail), stateOf(other)]).toEqual(['accepted', 'sent']);
    expect(await one.approve(mail.messageId)).toMatchObject({ ok: true, already: true });
    expect(await one.discard(mail.messageId)).toEqual({ ok: false, why: 'it was sent already' });
    world.draftsFail = {};
    world.clock = one.nextRoundAt()!.getTime();
    await one.round();
    expect(stateOf(mail)).toBe('sent');
    expect(received()).toEqual([other.messageId, mail.messageId]);
    expect(world.folder.size).toBe(0);
  });
});

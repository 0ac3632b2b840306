import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Smtp, SmtpError } from '../../bot/smtp.ts';
import { add, courier, received, smtp, stateOf, useWorld, world } from '../support/courier-world.ts';

useWorld();

const BOT = 'bot@bot.example';
const [ANN, LIST, KIM] = ['ann@example.org', 'list@example.org', 'kim@example.org'];
const THREE = { recipients: [ANN, LIST, KIM, BOT] };
/** To whom the receiver was given a mail, each time. */
const envelopes = () => world.receiver.mails.map(({ recipients }) => recipients);
const refuse = (code: number, only?: string) => {
  world.receiver.behaviour = { refuse: { at: 'RCPT', code, words: 'not you', ...(only !== undefined && { only }) } };
};
/** Takes the mail for some and refuses it for others as told, `undefined`: takes it for all. */
const choosy = (answers: Readonly<Record<string, 'later' | 'never'>>): Smtp => ({
  send: async ({ from, recipients, needed = [] }, eml) => {
    const accepted = recipients.filter((one) => answers[one] === undefined);
    const rejected = recipients.flatMap((address) => {
      const kind = answers[address];
      return kind === undefined ? [] : [{ address, kind, why: kind === 'later' ? '450 wait' : '550 nobody' }];
    });
    if (needed.some((one) => answers[one] === 'never')) throw new SmtpError('never', 'not all', rejected);
    if (accepted.length > 0) await smtp().send({ from, recipients: accepted }, eml);
    return { accepted, rejected };
  },
});

describe('a recipient refused for now', () => {
  test('gets the same bytes later, alone, and the log says who has it', async () => {
    const mail = add('a', 'smtp', undefined, THREE);
    refuse(450, KIM);
    const one = courier();
    await one.round();
    expect(stateOf(mail)).toBe('to-send');
    expect(world.lines.at(-1)).toMatch(/^warning: .*not yet to kim@example.org: 450 .*next attempt in 1 s/);
    // The copy of the first delivery says nothing of the second.
    world.arrived.add(mail.messageId);
    await one.round();
    expect(stateOf(mail)).toBe('to-send');
    world.receiver.behaviour = {};
    world.clock = one.nextRoundAt()!.getTime();
    await one.round();
    expect(stateOf(mail)).toBe('sent');
    expect(envelopes()).toEqual([[ANN, LIST, BOT], [KIM]]);
    expect(world.receiver.mails[1]!.raw).toEqual(world.receiver.mails[0]!.raw);
    expect(world.lines.at(-1)).toContain(`was sent to ${ANN}, ${LIST}, ${KIM}; allowed by`);
  });

  test('gets it once after a crash, and the others not again, wherever the crash came', async () => {
    for (const state of ['sending', 'to-send'] as const) {
      const mail = add(state, 'smtp', undefined, THREE);
      refuse(450, KIM);
      await courier().round();
      renameSync(join(world.dir, 'to-send', `${mail.id}.eml`), join(world.dir, state, `${mail.id}.eml`));
      world.receiver.behaviour = {};
      const next = courier();
      await next.round();
      await next.round();
      expect(stateOf(mail)).toBe('sent');
    }
    expect(envelopes()).toEqual([[ANN, LIST, BOT], [KIM], [ANN, LIST, BOT], [KIM]]);
  });

  test('who is the only one beside the bot is not passed over: a greylisted private mail arrives', async () => {
    const mail = add('a', 'smtp', undefined, { recipients: [ANN, BOT] });
    refuse(450, ANN);
    const one = courier();
    await one.round();
    world.arrived.add(mail.messageId);
    await one.round();
    expect([stateOf(mail), envelopes()]).toEqual(['to-send', [[BOT]]]);
    world.receiver.behaviour = {};
    await courier().round();
    expect([stateOf(mail), envelopes()]).toEqual(['sent', [[BOT], [ANN]]]);
  });

  test('of whom it stays unknown whether the mail came: a person has to look, since no copy can tell', async () => {
    const mail = add('a', 'smtp', undefined, THREE);
    refuse(450, KIM);
    await courier().round();
    world.receiver.behaviour = { cut: 'taken' };
    await courier().round();
    world.arrived.add(mail.messageId);
    await courier().round();
    expect(stateOf(mail)).toBe('held');
    expect(world.held[0]![1]).toMatch(
      /^got by ann@example.org, list@example.org, bot@bot.example, perhaps by the others: /,
    );
    world.receiver.behaviour = {};
    expect(await courier().approve(mail.messageId)).toMatchObject({ ok: true, state: 'to-send' });
    await courier().round();
    expect(envelopes().slice(1)).toEqual([[KIM], [KIM]]);
  });

  test.each(['in-doubt', 'handing-over', 'held', 'to-send'] as const)(
    'while the connection ends with the mail: a copy shows that the others have it, and it gets it, too: %s',
    async (step) => {
      const mail = add('a', 'smtp', undefined, THREE);
      world.receiver.behaviour = { refuse: { at: 'RCPT', code: 450, words: 'not you', only: KIM }, cut: 'taken' };
      await courier().round();
      expect([stateOf(mail), envelopes()]).toEqual(['sending', [[ANN, LIST, BOT]]]);
      world.receiver.behaviour = {};
      const progress = world.outbox.progress(mail.id)!;
      if (step === 'handing-over') world.outbox.setProgress(mail.id, { ...progress, step });
      if (step === 'held' || step === 'to-send') world.outbox.move(mail.id, 'sending', step, 'in doubt');
      world.arrived.add(mail.messageId);
      for (let round = 0; round < 3; round++) await courier().round();
      expect([stateOf(mail), envelopes()]).toEqual(['sent', [[ANN, LIST, BOT], [KIM]]]);
      expect(world.lines.at(-1)).toContain(`was sent to ${ANN}, ${LIST}, ${KIM}; allowed by`);
    },
  );

  test('who is the bot, while the connection ends with the mail: no copy can tell, and a person has to look', async () => {
    const mail = add('a', 'smtp', undefined, THREE);
    world.receiver.behaviour = { refuse: { at: 'RCPT', code: 450, words: 'not you', only: BOT }, cut: 'taken' };
    await courier().round();
    world.receiver.behaviour = {};
    await courier().round();
    expect([stateOf(mail), envelopes()]).toEqual(['held', [[ANN, LIST, KIM]]]);
  });

  test('who is the bot: the mail is sent all the same, and not again', async () => {
    const mail = add('a', 'smtp', undefined, THREE);
    refuse(450, BOT);
    const one = courier();
    await one.round();
    await one.round();
    expect([stateOf(mail), envelopes()]).toEqual(['sent', [[ANN, LIST, KIM]]]);
  });
});

describe('a recipient refused for good', () => {
  test('keeps the reply from all of them, until a person has it sent: then it goes to the others alone', async () => {
    const mail = add('a', 'smtp', undefined, THREE);
    refuse(550, LIST);
    const one = courier();
    await one.round();
    await one.round();
    expect([stateOf(mail), envelopes()]).toEqual(['held', []]);
    const why = /^list@example.org: 550 .*not you; nobody has it yet, and a "send" leaves out /;
    expect(world.held).toEqual([[mail.messageId, expect.stringMatching(why)]]);
    expect(await one.approve(mail.messageId)).toMatchObject({ ok: true });
    await courier().round();
    expect([stateOf(mail), envelopes()]).toEqual(['sent', [[ANN, KIM, BOT]]]);
    expect(world.lines.at(-2)).toMatch(/^warning: .*<a@bot.example>.* does not go to list@example.org: 550 .*not you/);
    expect(world.lines.at(-1)).toContain(`was sent to ${ANN}, ${KIM}; allowed by`);
  });

  test('is asked for again when a person has the mail sent, and gets it where that is mended', async () => {
    const mail = add('a', 'smtp', undefined, THREE);
    refuse(550, LIST);
    await courier().round();
    world.receiver.behaviour = {};
    await courier().approve(mail.messageId);
    await courier().round();
    expect([stateOf(mail), envelopes()]).toEqual(['sent', [[ANN, LIST, KIM, BOT]]]);
  });

  test('is named in the log where others have the mail already', async () => {
    const mail = add('a', 'smtp', undefined, THREE);
    refuse(450, KIM);
    await courier().round();
    refuse(550, KIM);
    await courier().round();
    expect([stateOf(mail), envelopes(), world.held]).toEqual(['sent', [[ANN, LIST, BOT]], []]);
  });

  test('and nobody left but the bot: the mail is held, not sent', async () => {
    const mail = add('a', 'smtp', undefined, { recipients: [ANN, BOT] });
    refuse(550, ANN);
    await courier().round();
    await courier().round();
    expect([stateOf(mail), envelopes()]).toEqual(['held', []]);
    expect(world.held).toEqual([[mail.messageId, expect.stringMatching(/^ann@example.org: 550 .*not you/)]]);
  });

  test('and nobody left but the bot, of an answer: the copy that comes to the bot does not count', async () => {
    const mail = add('a', 'smtp', undefined, { kind: 'answer', recipients: [ANN, BOT] });
    refuse(550, ANN);
    await courier().round();
    world.arrived.add(mail.messageId);
    await courier().round();
    expect([stateOf(mail), envelopes()]).toEqual(['held', [[BOT]]]);
  });

  test('is not asked for again while another is only late', async () => {
    const mail = add('a', 'smtp', undefined, THREE);
    const one = courier({ smtp: choosy({ [ANN]: 'never', [KIM]: 'later' }) });
    await one.round();
    expect([stateOf(mail), envelopes()]).toEqual(['held', []]);
    await one.approve(mail.messageId);
    await one.round();
    await courier().round();
    expect([stateOf(mail), envelopes()]).toEqual(['sent', [[LIST, BOT], [KIM]]]);
  });

  test('as all are: the mail is held', async () => {
    const mail = add('a', 'smtp', undefined, THREE);
    refuse(550);
    await courier().round();
    expect([stateOf(mail), envelopes()]).toEqual(['held', []]);
  });
});

describe('a mail that is held', () => {
  async function held(kind: 'reply' | 'answer' = 'reply') {
    const mail = add('a', 'draft', undefined, { kind });
    world.receiver.behaviour = { refuse: { at: 'MAIL', code: 550, words: 'sender not owned' } };
    const one = courier();
    await one.round();
    await one.approve(mail.messageId);
    await one.round();
    expect(stateOf(mail)).toBe('held');
    world.receiver.behaviour = {};
    return { mail, one };
  }

  test('still lies in the Drafts folder, and goes out when it is approved again', async () => {
    const { mail, one } = await held();
    expect(world.folder.size).toBe(1);
    expect(world.held).toEqual([[mail.messageId, expect.stringContaining('sender not owned')]]);
    await one.round();
    expect(received()).toEqual([]);
    expect(await one.approve(mail.messageId)).toEqual({ ok: true, state: 'to-send', already: false });
    await one.round();
    expect([stateOf(mail), received(), world.folder.size]).toEqual(['sent', [mail.messageId], 0]);
    expect(world.outbox.whyHeld(mail.id)).toBeUndefined();
  });

  test('is not sent when its draft was edited since', async () => {
    const { mail, one } = await held();
    world.folder.set(mail.messageId, Buffer.from('edited'));
    expect(await one.approve(mail.messageId)).toMatchObject({ ok: false, why: expect.stringContaining('edited') });
    expect(stateOf(mail)).toBe('held');
  });

  test('can be discarded, and leaves no draft', async () => {
    const { mail, one } = await held();
    expect(await one.discard(mail.messageId)).toEqual({ ok: true, state: 'discarded', already: false });
    expect(world.folder.size).toBe(0);
  });

  test('is told of when it is a reply; an answer about an answer would never end', async () => {
    await held('answer');
    expect(world.held).toEqual([]);
  });
});

describe('who said stop', () => {
  const head = (n = 0): string => world.receiver.mails[n]!.raw.toString().split('\r\n\r\n')[0]!;

  test('after the mail was made gets it no more, and it does not name them', async () => {
    const mail = add('a', 'draft', undefined, THREE);
    const one = courier();
    await one.round();
    world.stopped.add(LIST);
    expect(await one.approve(mail.messageId)).toMatchObject({ ok: true });
    await one.round();
    expect([stateOf(mail), envelopes()]).toEqual(['sent', [[ANN, KIM, BOT]]]);
    expect(head()).toContain(`To: "Doe, J." <${ANN}>\r\nCc: ${KIM}\r\n`);
    expect(head()).not.toContain(LIST);
    expect(world.receiver.mails[0]!.raw.toString().endsWith('\r\n\r\n> größer\r\n')).toBe(true);
    // What was compared with the draft is what was filed.
    expect(world.folder.size).toBe(0);
  });

  test('and is alone in To: the draft is not approved, and the reason names them', async () => {
    const mail = add('a', 'draft', undefined, THREE);
    const one = courier();
    await one.round();
    world.stopped.add(ANN);
    expect(await one.approve(mail.messageId)).toEqual({ ok: false, why: `nobody is left in To: ${ANN} said stop` });
    expect(stateOf(mail)).toBe('drafted');
    world.stopped.clear();
    expect(await one.approve(mail.messageId)).toMatchObject({ ok: true });
  });

  test('between approval and sending, and is alone in To: the mail is held', async () => {
    const mail = add('a', 'smtp', undefined, THREE);
    world.stopped.add(ANN);
    await courier().round();
    expect([stateOf(mail), envelopes()]).toEqual(['held', []]);
    expect(world.held).toEqual([[mail.messageId, `nobody is left in To: ${ANN} said stop`]]);
  });

  test.each(['answer', 'notice', 'preview'] as const)('before it leaves, gets no %s', async (kind) => {
    const draft = add('draft', 'draft', 'drafted');
    const to = { kind, recipients: [ANN, BOT], answers: draft.messageId };
    const mail = add('a', 'smtp', undefined, to);
    world.stopped.add(ANN);
    await courier().round();
    expect([stateOf(mail), envelopes(), world.held, world.dropped]).toEqual(['discarded', [], [], []]);
    world.stopped.clear();
    const other = add('b', 'smtp', undefined, to);
    world.unwanted.set(other.messageId, { why: 'no entry', act: 'discard' });
    await courier().round();
    expect([stateOf(other), envelopes()]).toEqual(['discarded', []]);
  });

  test('while the mail was late for them: it is sent, to those who have it', async () => {
    const mail = add('a', 'smtp', undefined, THREE);
    refuse(450, KIM);
    await courier().round();
    world.stopped.add(KIM);
    await courier().round();
    expect([stateOf(mail), envelopes()]).toEqual(['sent', [[ANN, LIST, BOT]]]);
    expect(world.lines.at(-1)).toContain(`was sent to ${ANN}, ${LIST}; the others said stop`);
  });

  test('by a command gets the answer to it', async () => {
    const mail = add('a', 'smtp', undefined, { kind: 'answer', despiteStop: true, recipients: [ANN, BOT] });
    world.stopped.add(ANN);
    await courier().round();
    expect([stateOf(mail), envelopes()]).toEqual(['sent', [[ANN, BOT]]]);
  });
});

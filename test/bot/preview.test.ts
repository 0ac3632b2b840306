/** A draft, shown by mail to those who do not see the folder: the mail, and its way through the outbox. */

import { describe, expect, test } from 'vitest';
import { commandsIn } from '../../bot/commands.ts';
import { toEml } from '../../bot/eml.ts';
import { STOP_SENTENCE } from '../../bot/footer.ts';
import { parseMessage } from '../../bot/message.ts';
import type { State } from '../../bot/outbox.ts';
import { type Outgoing, outgoingId } from '../../bot/outgoing.ts';
import { preview } from '../../bot/preview.ts';
import type { Message } from '../../rules/types.ts';
import { courier, log, stateOf, useWorld, world } from '../support/courier-world.ts';
import { sampleFooter } from '../support/sample-report.ts';

useWorld();

const [BOT, MIA, MOE] = ['bot@bot.example', 'mia@example.org', 'Moe@example.org'];
const ID = 'draft@bot.example';
const SERIES = 'a'.repeat(32);
const BODY = [
  'Jane wrote:',
  '> +\tselect X',
  `> +${'long '.repeat(30)}`,
  '',
  'It breaks.',
  '',
  '-- ',
  'depbot',
  '',
].join('\n');

function draft(previews: readonly string[] = [MIA], more: Partial<Outgoing> = {}): Outgoing {
  const meta: Outgoing = {
    id: outgoingId(ID),
    messageId: ID,
    kind: 'reply',
    via: 'draft',
    from: BOT,
    recipients: ['jane@example.org', 'list@example.org', BOT],
    subject: 'Re: [PATCH 2/3] x',
    answers: 'p2@example.org',
    series: SERIES,
    maintainers: [...previews],
    previews,
    allowedBy: 'section X on list@example.org',
    addedAt: new Date(world.clock).toISOString(),
    ...more,
  };
  const reply = { patch: 2, answers: meta.answers, references: ['p0@example.org', meta.answers], body: BODY };
  const at = (address: string) => ({ name: '', address });
  const envelope = { from: at(BOT), to: [at('jane@example.org')], cc: [at('list@example.org')], messageId: ID };
  const eml = toEml({ ...reply, subject: meta.subject }, { ...envelope, date: new Date(world.clock) });
  expect(world.outbox.add(meta, eml)).toBe('added');
  return meta;
}

const show = (meta: Outgoing): void =>
  preview(meta, world.outbox.read(meta.id), {
    outbox: world.outbox,
    bot: BOT,
    footer: { ...sampleFooter, stop: STOP_SENTENCE },
    log,
    now: () => new Date(world.clock),
  });
/** A courier that shows drafts, as the service's does. */
const showing = () => courier({ onFiled: show });

const shown = (): readonly { recipients: readonly string[]; mail: Message }[] =>
  world.receiver.mails.map(({ recipients, raw }) => {
    const parsed = parseMessage(raw);
    if (!parsed.ok) throw new Error(parsed.why);
    return { recipients, mail: parsed.message };
  });
const previews = (state: State): readonly Outgoing[] =>
  world.outbox.list(state).filter(({ kind }) => kind === 'preview');

describe('the preview of a draft', () => {
  test('goes to each who wants it, alone, once the draft lies in the folder; to nobody else, and once', async () => {
    draft([MIA, MOE]);
    const one = showing();
    await one.round();
    await one.round();
    await showing().round();
    expect(
      shown()
        .map(({ recipients }) => recipients[0])
        .sort(),
    ).toEqual([MOE, MIA]);
    for (const { recipients } of shown()) expect(recipients).toEqual([expect.any(String), BOT]);
    expect([...world.folder.keys()]).toEqual([ID]);
  });

  test('is no mail where nobody wants it', async () => {
    draft([]);
    await showing().round();
    expect([world.folder.size, shown()]).toEqual([1, []]);
  });

  test('has the whole draft, whom it would go to and what can be done, and stands in its thread', async () => {
    draft();
    await showing().round();
    const { mail } = shown()[0]!;
    expect(mail.subject).toBe('Draft: Re: [PATCH 2/3] x');
    expect(mail.references).toEqual(['p0@example.org', 'p2@example.org', ID]);
    expect([mail.to.map(({ address }) => address), mail.cc]).toEqual([[MIA], []]);
    const head = ['To: jane@example.org', 'Cc: list@example.org', 'Subject: Re: [PATCH 2/3] x', ''];
    const text = [...head, ...BODY.trimEnd().split('\n')].map((line) => `    ${line}`.trimEnd()).join('\n');
    expect(mail.body).toContain(`\n${text}\n`);
    for (const word of ['send', 'discard', 'invalid']) expect(mail.body).toContain(`\n    #depbot ${word}\n`);
    expect(mail.body).toMatch(/\n-- \ndepbot, a robot/);
  });

  test('is no command, should it come back, also without quote marks', async () => {
    draft();
    await showing().round();
    expect(commandsIn(shown()[0]!.mail.body)).toEqual([]);
  });

  test('comes after a crash between the draft and the record of it, once', async () => {
    draft();
    const dying = courier({
      onFiled: () => {
        throw new Error('killed');
      },
    });
    await dying.round();
    expect([world.folder.size, shown()]).toEqual([1, []]);
    await showing().round();
    await showing().round();
    expect([world.folder.size, shown().length]).toEqual([1, 1]);
  });

  test.each<[string, () => Promise<unknown> | unknown]>([
    ['was discarded', () => courier().discard(ID)],
    ['was sent', () => courier().approve(ID)],
    ['has a later revision', () => world.outbox.withdraw(SERIES)],
    ['is for somebody who said stop', () => world.stopped.add(MIA)],
  ])('that was not sent yet is not sent when the draft %s', async (_, happens) => {
    const embargo = new Date(world.clock + 3_600_000).toISOString();
    draft([MIA], { notBefore: embargo });
    await showing().round();
    expect([previews('to-send').length, shown().length]).toEqual([1, 0]);
    await happens();
    world.clock += 3_600_000;
    await showing().round();
    expect(previews('discarded')).toHaveLength(1);
    expect(shown().filter(({ mail }) => mail.subject.startsWith('Draft'))).toEqual([]);
  });

  test('waits while it is not known whether its draft lies in the folder', async () => {
    const meta = draft();
    const dying = courier({
      onFiled: (filed) => {
        show(filed);
        throw new Error('killed');
      },
    });
    await dying.round();
    world.draftsFail = { find: 'imap: away' };
    const one = showing();
    await one.round();
    expect([stateOf(meta), previews('to-send').length, shown()]).toEqual(['drafting', 1, []]);
    world.draftsFail = {};
    world.clock += 10_000;
    await one.round();
    expect([stateOf(meta), shown().length, world.folder.size]).toEqual(['drafted', 1, 1]);
  });
});

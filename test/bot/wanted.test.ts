/** Replies that wait: whether they would still be made, after people have said stop or no. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { announce } from '../../bot/announce.ts';
import { Dismissed } from '../../bot/dismissed.ts';
import { Maintainers } from '../../bot/maintainers.ts';
import { Outbox } from '../../bot/outbox.ts';
import type { Outgoing } from '../../bot/outgoing.ts';
import type { Maintainer, Policy } from '../../bot/policy.ts';
import { lineageOf } from '../../bot/superseded.ts';
import { whyNotShown, whyUnwanted } from '../../bot/wanted.ts';
import type { Message, Series } from '../../rules/types.ts';
import { entryOf, policyOf } from '../support/policy.ts';
import { recursion, sampleFooter, sampleReport, sampleSeries } from '../support/sample-report.ts';

const REPORT = sampleReport([recursion]);
const LIST = 'linux-hwmon@vger.kernel.org';
const NOW = new Date('2026-07-07T10:00:00Z');
const came = (message: Message): Message => ({ ...message, listIds: [LIST.replace('@', '.')] });
const [head, ...rest] = sampleSeries.patches.map((patch) => ({ ...patch, message: came(patch.message) }));
const SERIES: Series = { ...sampleSeries, patches: [head!, ...rest] };

const log = { info: () => undefined, warn: () => undefined };

let dir: string;
let dismissed: Dismissed;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'wanted-'));
  dismissed = new Dismissed(join(dir, 'dismissed.json'), () => NOW);
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function entry(more: Partial<Maintainer> = {}): Maintainer {
  return entryOf({ lists: [LIST], paths: ['drivers/hwmon/', 'drivers/clk/'], mode: 'list', ...more });
}

/** The reply that is made with these entries. */
async function reply(...entries: Maintainer[]): Promise<Outgoing> {
  const outbox = new Outbox(join(dir, 'outbox'), log);
  await announce(SERIES, REPORT, 'a'.repeat(32), {
    outbox,
    sendUnbuilt: false,
    policy: async () => policyOf(entries),
    dismissed,
    isCurrent: () => true,
    isAutoSubmitted: true,
    bot: 'depbot@bot.example',
    footer: sampleFooter,
    log,
    now: () => NOW,
  });
  const [mail, ...more] = [...outbox.list('to-send'), ...outbox.list('to-draft')];
  expect(more).toEqual([]);
  return mail!;
}
const why = (mail: Outgoing, policy: Policy) =>
  whyUnwanted(mail, { series: SERIES, report: REPORT, policy, dismissed });

describe('a reply that waits is wanted', () => {
  test.each(['list', 'author', 'private', 'draft'] as const)('when nothing has changed: %s', async (mode) => {
    expect(why(await reply(entry({ mode })), policyOf([entry({ mode })]))).toBeUndefined();
  });

  test('when one of two who asked said stop, or a recipient did: the others get it', async () => {
    const two = [entry(), entry({ address: 'moe@example.org' })];
    const mail = await reply(...two);
    for (const one of ['moe@example.org', 'kim@example.net', 'jane@example.org', LIST])
      expect(why(mail, policyOf(two, { stoppedAddresses: new Set([one]) }))).toBeUndefined();
  });
});

describe('a reply that waits is not wanted any more', () => {
  test('when all who asked said stop', async () => {
    const mail = await reply(entry());
    const policy = policyOf([entry()], { stoppedAddresses: new Set(['max@example.org']) });
    expect(why(mail, policy)).toEqual({ why: 'nobody asks to hear of this patch any more', act: 'discard' });
  });

  test('when the entry is gone', async () => {
    expect(why(await reply(entry()), policyOf([]))).toEqual({
      why: 'nobody asks to hear of this patch any more',
      act: 'discard',
    });
  });

  test.each(['private', 'draft'] as const)('on the list, when the entry is %s now', async (mode) => {
    const found = why(await reply(entry()), policyOf([entry({ mode })]));
    if (mode === 'private')
      expect(found).toEqual({
        why: 'it goes to jane@example.org, and those who asked want it private now',
        act: 'tell',
      });
    else expect(found).toEqual({ why: 'it would be a draft now', act: 'hold' });
  });

  test('on the list, when its section said stop', async () => {
    const maintainers = Maintainers.parse(
      `Maintainers List\n\nHWMON\nM:\tMax <max@example.org>\nF:\tdrivers/hwmon/\nF:\tdrivers/clk/\n`,
      () => true,
    );
    const policy = policyOf([entry()], { maintainers, stoppedSections: new Set(['HWMON']) });
    expect(why(await reply(entry()), policy)).toMatchObject({ why: expect.stringMatching(/ want it private now$/) });
    expect(why(await reply(entry()), { ...policy, stoppedSections: new Set() })).toBeUndefined();
  });

  test('when its finding was called a false alarm, or its rule is ignored', async () => {
    const mail = await reply(entry());
    dismissed.ignore(recursion.rule, 'max@example.org', []);
    expect(why(mail, policyOf([entry()]))).toMatchObject({ why: expect.stringMatching(/: max@example\.org ignores /) });
    dismissed.invalid(mail.findings!, lineageOf(SERIES), 'max@example.org');
    expect(why(mail, policyOf([entry()]))).toMatchObject({
      why: expect.stringMatching(/: a maintainer called it a false alarm$/),
    });
  });

  test('when the entry leaves its finding out now', async () => {
    const found = why(await reply(entry()), policyOf([entry({ least_rung: 3 })]));
    expect(found).toMatchObject({ why: expect.stringMatching(/: the configuration of who asked leaves it out$/) });
  });
});

describe('a draft that waits to be shown to somebody', () => {
  const MAX = 'max@example.org';
  const drafting = (more: Partial<Maintainer> = {}): Maintainer => entry({ mode: 'draft', preview: true, ...more });
  const shown = async (policy: Policy) => {
    const draft = await reply(drafting());
    const preview: Outgoing = { ...draft, kind: 'preview', answers: draft.messageId, recipients: [MAX, draft.from] };
    return whyNotShown(preview, draft, { series: SERIES, report: REPORT, policy, dismissed });
  };

  test('is, while its entry is there', async () => {
    expect(await shown(policyOf([drafting()]))).toBeUndefined();
  });

  test.each<[string, Policy]>([
    ['its entry is gone', policyOf([])],
    ['its entry wants none any more', policyOf([drafting({ preview: false })])],
    ['who has it now is another', policyOf([drafting({ address: 'moe@example.org' })])],
    ['the draft is not wanted', policyOf([drafting({ least_rung: 3 })])],
    ['its recipient said stop', policyOf([drafting()], { stoppedAddresses: new Set([MAX]) })],
  ])('is not when %s', async (_, policy) => {
    expect(await shown(policy)).toMatchObject({ act: 'discard' });
  });
});

/** From reports to the outbox. Above 400 lines: all of it needs this one world. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AnnounceOptions, announce, patchDigest, replyInput } from '../../bot/announce.ts';
import { STOP_SENTENCE } from '../../bot/footer.ts';
import { Maintainers } from '../../bot/maintainers.ts';
import { Outbox, type State } from '../../bot/outbox.ts';
import type { Maintainer } from '../../bot/policy.ts';
import type { Prose } from '../../bot/prose.ts';
import type { Message, Report, Series } from '../../rules/types.ts';
import { entryOf, policyOf } from '../support/policy.ts';
import {
  configUpgrade,
  recursion,
  sampleFooter,
  sampleReport,
  sampleSeries,
  undefinedSelect,
} from '../support/sample-report.ts';

const BOT = 'depbot@bot.example';
const AUTHOR = 'jane@example.org';
const KEY = 'a'.repeat(32);
const FOUND = sampleReport([undefinedSelect, configUpgrade, recursion]);

let dir: string;
let outbox: Outbox;
let lines: string[];
let options: AnnounceOptions;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'announce-'));
  lines = [];
  const log = { info: (text: string) => lines.push(text), warn: (text: string) => lines.push(`warning: ${text}`) };
  outbox = new Outbox(dir, log);
  options = {
    outbox,
    sendUnbuilt: false,
    policy: async () => policyOf([entry()]),
    dismissed: { whyNot: () => undefined },
    isCurrent: () => true,
    isAutoSubmitted: true,
    bot: BOT,
    footer: { ...sampleFooter, stop: STOP_SENTENCE },
    log,
    now: () => new Date('2026-07-07T10:00:00Z'),
  };
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function entry(more: Partial<Maintainer> = {}): Maintainer {
  const [lists, paths] = [['linux-hwmon@vger.kernel.org'], ['drivers/hwmon/', 'drivers/clk/']];
  return entryOf({ lists, paths, ...more });
}
const requests = (...entries: Maintainer[]): Partial<AnnounceOptions> => ({ policy: async () => policyOf(entries) });
const tell = (more: Partial<AnnounceOptions> = {}, report: Report = FOUND, series: Series = sampleSeries) =>
  announce(series, report, KEY, { ...options, ...more });
/** The mails in a state of the outbox, by the patch that each answers. */
function mails(state: State) {
  return outbox
    .list(state)
    .map((meta) => ({ meta, text: Buffer.from(outbox.read(meta.id)).toString().replaceAll('\r\n', '\n') }))
    .sort((a, b) => (a.meta.subject < b.meta.subject ? -1 : 1));
}
const notBuilt = { ...recursion, verification: { ...recursion.verification, notBuilt: 'no compiler' } };
const metas = (): number => readdirSync(join(dir, 'meta')).length;
const header = (text: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*(?:\\n[ \\t].*)*)`, 'm').exec(text)?.[1]?.replaceAll(/\n[ \t]/g, ' ');
const stoppedBy = (entries: Maintainer[], ...addresses: string[]): Partial<AnnounceOptions> => ({
  policy: async () => policyOf(entries, { stoppedAddresses: new Set(addresses) }),
});

describe('nobody hears anything', () => {
  test.each<[string, Report, Partial<AnnounceOptions>, RegExp]>([
    ['of a series in which nothing was found', sampleReport([]), {}, /: nothing found$/],
    [
      'of a series that could not be checked',
      { ...FOUND, cannotCheck: { stage: 'apply', why: 'patch 2 does not apply' } },
      {},
      /: could not check \(apply\): patch 2 does not apply$/,
    ],
    ['of a finding about code that was not built', sampleReport([notBuilt]), {}, /: kept; not built: no compiler/],
    ['when nobody opted in', FOUND, requests(), /: 3 findings, kept; nobody opted in/],
    ['of other paths', FOUND, requests(entry({ paths: ['drivers/net/'] })), /nobody opted in/],
    ['of other lists', FOUND, requests(entry({ lists: ['netdev@vger.kernel.org'] })), /nobody opted in/],
    [
      'whose entry is stopped',
      sampleReport([recursion]),
      stoppedBy([entry()], 'max@example.org'),
      /: 1 finding, kept; nobody opted/,
    ],
    [
      'of a draft to an author who said stop',
      sampleReport([recursion]),
      stoppedBy([entry()], AUTHOR),
      /: kept; nobody is left in To/,
    ],
  ])('%s, and the log says why', async (_, report, more, why) => {
    await tell(more, report);
    expect(metas()).toBe(0);
    expect(lines).toEqual([expect.stringMatching(why)]);
    expect(lines[0]).toMatch(/^(?:Re: )?\[PATCH v2 \d\/4\] /);
  });

  test.each(['Auto-Submitted: auto-generated', 'Return-Path: <>', 'X-Auto-Response-Suppress: DR, AutoReply'])(
    'of a patch that a robot sent: %s',
    async (field) => {
      const [first, ...rest] = sampleSeries.patches;
      const raw = Buffer.from(`${field}\nSubject: x\n\nbody\n`);
      await tell({}, FOUND, { ...sampleSeries, patches: [{ ...first, message: { ...first.message, raw } }, ...rest] });
      expect(mails('to-draft').map(({ meta }) => meta.answers)).toEqual(
        [2, 3].map((n) => sampleSeries.patches[n - 1]!.message.messageId),
      );
      expect(lines[0]).toMatch(/: kept; a program sent the patch/);
    },
  );

  test('of a reply on the list either, when the author said stop', async () => {
    await tell(stoppedBy([entry({ mode: 'list' })], AUTHOR));
    expect(metas()).toBe(0);
  });

  test('but who asked, of a finding that was not built, where the operator sends these too', async () => {
    await tell({ sendUnbuilt: true }, sampleReport([notBuilt]));
    expect(mails('to-draft')).toHaveLength(1);
  });

  test('but the other maintainers, when one of them is stopped', async () => {
    const maintainers = [entry({ mode: 'private' }), entry({ address: 'Moe@Example.org', mode: 'private' })];
    await tell(stoppedBy(maintainers, 'max@example.org'), sampleReport([recursion]));
    expect(mails('to-send').map(({ meta }) => meta.recipients)).toEqual([['Moe@Example.org', BOT]]);
    await tell(stoppedBy(maintainers, 'moe@example.org'), sampleReport([configUpgrade]));
    expect(mails('to-send').map(({ meta }) => meta.recipients[0])).toEqual(['max@example.org', 'Moe@Example.org']);
  });
});

describe('who asked', () => {
  test('for a reply has the sections noted with it, so that their stop holds for it later', async () => {
    const maintainers = Maintainers.parse('\nHWMON\nM:\tkim@example.net\nF:\tdrivers/hwmon/\n', () => false);
    await tell({
      policy: async () =>
        policyOf([entryOf({ paths: ['drivers/hwmon/'], lists: ['linux-hwmon@vger.kernel.org'] })], { maintainers }),
    });
    expect(mails('to-draft')[0]!.meta.sections).toEqual(['HWMON']);
  });

  test('for drafts gets one for each patch with findings: a reply to all, for them to send', async () => {
    await tell();
    const drafts = mails('to-draft');
    expect(drafts.map(({ meta }) => meta.answers)).toEqual(
      [1, 2, 3].map((n) => sampleSeries.patches[n - 1]!.message.messageId),
    );
    expect(mails('to-send')).toEqual([]);
    const { meta, text } = drafts[0]!;
    expect(meta).toMatchObject({
      kind: 'reply',
      via: 'draft',
      from: BOT,
      recipients: [AUTHOR, 'kim@example.net', 'linux-hwmon@vger.kernel.org', BOT],
      subject: 'Re: [PATCH v2 1/4] hwmon: Add driver for the Foo 2 sensor',
      series: KEY,
      maintainers: ['max@example.org'],
      allowedBy: 'drivers/hwmon/ on linux-hwmon@vger.kernel.org (max@example.org, depbot.toml:7)',
      addedAt: '2026-07-07T10:00:00.000Z',
    });
    expect(header(text, 'To')).toBe('Jane Doe <jane@example.org>');
    expect(header(text, 'Cc')).toBe('Kim Lee <kim@example.net>, linux-hwmon@vger.kernel.org');
    expect(header(text, 'In-Reply-To')).toBe(`<${meta.answers}>`);
    expect(header(text, 'Message-ID')).toBe(`<${meta.messageId}>`);
    expect(header(text, 'Auto-Submitted')).toBe('auto-replied');
    expect(text).toContain('> +\tselect REGMAP_I2CC');
    expect(lines).toHaveLength(3);
  });

  test('to be shown drafts is noted on the draft, and not on a mail that is none', async () => {
    const others = [entry({ preview: true }), entry({ address: 'moe@example.org' })];
    await tell(requests(...others), sampleReport([recursion]));
    expect(mails('to-draft').map(({ meta }) => meta.previews)).toEqual([['max@example.org']]);
    await tell(requests(entry({ preview: true, mode: 'private' })), sampleReport([configUpgrade]));
    expect(mails('to-send').map(({ meta }) => meta.previews)).toEqual([undefined]);
  });

  test('for private mails gets them alone', async () => {
    await tell(requests(entry({ mode: 'private' })), sampleReport([recursion]));
    const [{ meta, text }] = mails('to-send') as [ReturnType<typeof mails>[0]];
    expect([meta.via, meta.recipients]).toEqual(['smtp', ['max@example.org', BOT]]);
    expect([header(text, 'To'), header(text, 'Cc')]).toEqual(['max@example.org', undefined]);
    expect(text).not.toMatch(/^(?:To|Cc):.*(?:vger|jane|kim)/m);
    expect(mails('to-draft')).toEqual([]);
  });

  test('for replies on the list gets them there, as everybody in the thread does', async () => {
    await tell(requests(entry({ mode: 'list' })), sampleReport([recursion]));
    const [{ meta }] = mails('to-send') as [ReturnType<typeof mails>[0]];
    expect([meta.via, meta.recipients]).toEqual([
      'smtp',
      [AUTHOR, 'kim@example.net', 'linux-hwmon@vger.kernel.org', BOT],
    ]);
  });

  test('does not get it on the list when another entry asks for drafts', async () => {
    await tell(requests(entry({ mode: 'list' }), entry({ address: 'moe@example.org' })));
    expect([mails('to-draft').length, mails('to-send').length]).toEqual([3, 0]);
    expect(mails('to-draft')[0]!.meta.maintainers).toEqual(['max@example.org', 'moe@example.org']);
  });

  test('does not get it on the list either when who asked for drafts has said stop since', async () => {
    const maintainers = [entry({ mode: 'list' }), entry({ address: 'Moe@example.org' })];
    await tell(stoppedBy(maintainers, 'moe@example.org'));
    expect([mails('to-draft').length, mails('to-send').length]).toEqual([3, 0]);
    expect(mails('to-draft')[0]!.meta.maintainers).toEqual(['max@example.org']);
  });

  test.each<[string, Partial<Message>, RegExp]>([
    ['was sent to us alone', { listIds: [] }, /did not come by the list/],
    [
      'has hundreds of recipients',
      { cc: Array.from({ length: 300 }, (_, i) => ({ name: '', address: `victim${i}@other.example` })) },
      /has 302 recipients/,
    ],
    ['is of another year', { date: '2014-11-24T16:01:00.000Z' }, /2014-11-24T16:01:00.000Z/],
  ])('for replies on the list gets a private one where the patch %s, and the log says why', async (_, more, why) => {
    const [first, ...rest] = sampleSeries.patches;
    const series: Series = {
      ...sampleSeries,
      patches: [{ ...first, message: { ...first.message, ...more } }, ...rest],
    };
    await tell(requests(entry({ mode: 'list' })), sampleReport([undefinedSelect]), series);
    expect(mails('to-send').map(({ meta }) => meta.recipients)).toEqual([['max@example.org', BOT]]);
    expect(lines[0]).toMatch(new RegExp(`^warning: Re: .*: private, not list: .*${why.source}`));
  });

  test('of other patches of the series than the one with the finding hears nothing of it', async () => {
    const [first, ...rest] = sampleSeries.patches;
    const elsewhere = { ...first.message, cc: [], listIds: [] };
    const series: Series = { ...sampleSeries, patches: [{ ...first, message: elsewhere }, ...rest] };
    await tell({}, sampleReport([undefinedSelect]), series);
    expect(metas()).toBe(0);
    await tell({}, sampleReport([undefinedSelect, configUpgrade]), series);
    expect(mails('to-draft').map(({ meta }) => meta.answers)).toEqual([sampleSeries.patches[1]!.message.messageId]);
    expect(lines[1]).toMatch(/^Re: \[PATCH v2 1\/4\].*: kept; nobody opted in to hear of this patch/);
  });

  test('gets it without those in Cc who said stop', async () => {
    await tell(stoppedBy([entry()], 'kim@example.net'));
    for (const { meta, text } of mails('to-draft')) {
      expect(meta.recipients).toEqual([AUTHOR, 'linux-hwmon@vger.kernel.org', BOT]);
      expect(text).not.toMatch(/^Cc:.*kim/m);
    }
  });

  test('gets it although a mail names people that cannot be written to, and the mail names them not', async () => {
    const cc = [
      { name: 'x', address: 'undisclosed-recipients:;' },
      { name: 'y', address: 'a@b\r\nBcc: eve@x.example' },
      { name: 'Bcc: eve@x.example\r\n', address: 'list@example.org' },
      { name: '', address: BOT.toUpperCase() },
    ];
    const [first, ...rest] = sampleSeries.patches;
    const message: Message = { ...first.message, cc };
    await tell({}, sampleReport([undefinedSelect]), { ...sampleSeries, patches: [{ ...first, message }, ...rest] });
    // The list of patch 1 is named by the other patches.
    const [{ meta, text }] = mails('to-draft') as [ReturnType<typeof mails>[0]];
    expect(meta.recipients).toEqual([AUTHOR, 'kim@example.net', 'list@example.org', BOT]);
    expect(text.slice(0, text.indexOf('\n\n'))).not.toMatch(/^Bcc|undisclosed/m);
  });
});

describe('the same again', () => {
  test('changes nothing, whatever became of the mails since', async () => {
    await tell();
    const [first, second] = mails('to-draft');
    outbox.move(first!.meta.id, 'to-draft', 'discarded');
    const before = mails('to-draft');
    await tell({ now: () => new Date('2026-07-08T10:00:00Z') }, structuredClone(FOUND));
    expect(mails('to-draft')).toEqual(before);
    expect(metas()).toBe(3);
    expect(lines).toHaveLength(3);
    expect(second!.text).toBe(before[0]!.text);
  });

  test('changes nothing in another mode either', async () => {
    await tell();
    await tell(requests(entry({ mode: 'list' })));
    expect([mails('to-draft').length, mails('to-send').length]).toEqual([3, 0]);
  });

  test('goes on where it stopped, after a crash between two mails', async () => {
    const add = outbox.add.bind(outbox);
    let adds = 0;
    outbox.add = (meta, eml) => {
      if (++adds > 1) throw new Error('crash');
      return add(meta, eml);
    };
    await expect(tell()).rejects.toThrow('crash');
    outbox.add = add;
    await tell();
    expect(mails('to-draft')).toHaveLength(3);
  });

  test('makes no second reply to a patch, also when something else is found by then', async () => {
    await tell({}, sampleReport([recursion]));
    await tell({}, sampleReport([{ ...recursion, claim: { ...recursion.claim, archs: ['x86'] } }]));
    expect(mails('to-draft')).toHaveLength(1);
  });

  test('makes no second reply when a cover letter comes late, and its series is another by then', async () => {
    await tell();
    const before = mails('to-draft');
    const late = { ...sampleReport([undefinedSelect, configUpgrade, recursion]) };
    const series: Series = { ...sampleSeries, id: 'cover@x.example' };
    await announce(series, { ...late, series: { ...late.series, id: series.id } }, 'b'.repeat(32), options);
    expect(mails('to-draft')).toEqual(before);
    expect(metas()).toBe(3);
  });
});

describe('the digest of what a report says of a patch', () => {
  const one = sampleReport([recursion]);
  const n = recursion.anchor.patch;

  test('is the same when only what was not said of it differs', () => {
    const again: Report = {
      ...FOUND,
      tookMs: { apply: 7 },
      dropped: [{ rule: 'x', key: 'y', why: 'z' }],
      series: { ...FOUND.series, id: 'other@x.example' },
    };
    expect(patchDigest(again, n)).toBe(patchDigest(one, n));
    expect(patchDigest(one, n)).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each<[string, Report]>([
    ['claim', sampleReport([{ ...recursion, claim: { ...recursion.claim, archs: ['x86'] } }])],
    ['anchor', sampleReport([{ ...recursion, anchor: { ...recursion.anchor, line: recursion.anchor.line + 1 } }])],
    ['base', { ...one, applied: { ...one.applied!, base: { ...one.applied!.base, sha: 'f'.repeat(40) } } }],
  ])('is another with another %s', (_, other) => {
    expect(patchDigest(other, n)).not.toBe(patchDigest(one, n));
  });
});

describe('a language model', () => {
  let asked: string[];
  const prose: Prose = {
    model: 'model-7',
    rephrase: async (text) => {
      asked.push(text);
      return `Reworded ${asked.length}.`;
    },
  };
  beforeEach(() => {
    asked = [];
  });

  test('that is set up words the comments, is named, and gets no more than the comment', async () => {
    await tell({ prose }, sampleReport([recursion]));
    const [{ text }] = mails('to-draft') as [ReturnType<typeof mails>[0]];
    expect(text).toContain('\nReworded 1.\n');
    expect(text).toContain('Comments worded by model-7, from the facts above.');
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain('COMMON_CLK');
  });

  test('that is not set up is neither asked nor named', async () => {
    await tell();
    for (const { text } of mails('to-draft')) expect(text).not.toMatch(/worded by|Reworded/);
  });

  test('that finds other words the second time does not make a second mail', async () => {
    await tell({ prose }, sampleReport([recursion]));
    await tell({ prose }, sampleReport([recursion]));
    expect(asked).toHaveLength(2);
    expect(metas()).toBe(1);
    expect(mails('to-draft')[0]!.text).toContain('Reworded 1.');
  });

  test('is not asked for a series of which nobody hears', async () => {
    await tell({ prose, ...requests() });
    await tell({ prose }, sampleReport([]));
    expect(asked).toEqual([]);
  });

  test('gets each comment of a report once', async () => {
    const input = await replyInput(sampleSeries, FOUND, { ...options, prose });
    expect([...input.rephrased!.keys()]).toEqual(FOUND.findings);
    expect(new Set(asked).size).toBe(3);
    expect(input.footer.model).toBe('model-7');
  });
});

describe('a finding that is told again', () => {
  const later = (revision: number): Series => ({
    ...sampleSeries,
    id: `v${revision}-${sampleSeries.id}`,
    revision,
    subject: sampleSeries.subject.replace('v2', `v${revision}`),
    patches: sampleSeries.patches.map((patch) => ({
      ...patch,
      message: { ...patch.message, messageId: `v${revision}-${patch.message.messageId}` },
    })) as unknown as Series['patches'],
  });
  const listed = requests(entry({ mode: 'list' }));
  /** All that waits goes out. */
  const sendAll = (): void => {
    for (const { id } of outbox.list('to-send')) {
      outbox.move(id, 'to-send', 'sending');
      outbox.move(id, 'sending', 'accepted');
    }
  };

  test('is said to be still there, once, and names the mail that told it', async () => {
    await tell(listed, sampleReport([recursion]));
    const first = mails('to-send')[0]!.meta.messageId;
    sendAll();
    await tell(listed, sampleReport([recursion, undefinedSelect]), later(3));
    const texts = mails('to-send').map(({ text }) => text);
    expect(texts.filter((text) => text.includes(`Still there in v3; I said so of v2 in\n<${first}>.`))).toHaveLength(1);
    expect(texts.filter((text) => text.includes('Still there'))).toHaveLength(1);
    sendAll();
    lines = [];
    await tell(listed, sampleReport([recursion]), later(4));
    expect(mails('to-send')).toEqual([]);
    expect(lines).toEqual([expect.stringContaining('kept; it was told of v2 and v3')]);
  });

  test('is new to those who saw it in a draft that was never sent', async () => {
    await tell({}, sampleReport([recursion]));
    await tell({}, sampleReport([recursion]), later(3));
    expect(mails('to-draft')).toHaveLength(2);
    for (const { text } of mails('to-draft')) expect(text).not.toContain('Still there');
  });

  test('is new in a series of another title', async () => {
    await tell(listed, sampleReport([recursion]));
    sendAll();
    await tell(listed, sampleReport([recursion]), { ...later(3), subject: '[PATCH v3 0/4] another' });
    expect(mails('to-send')[0]!.text).not.toContain('Still there');
  });

  test('is silent once a maintainer has dismissed it', async () => {
    const dismissed = { whyNot: () => 'a maintainer called it a false alarm' };
    await tell({ ...listed, dismissed }, sampleReport([recursion]), later(3));
    expect([metas(), lines]).toEqual([0, [expect.stringContaining('kept; a maintainer called it a false alarm')]]);
  });
});

describe('an entry', () => {
  test.each<[string, Partial<Maintainer>, number]>([
    ['that wants other rules', { rules: ['lost-symbol'] }, 0],
    ['that wants a higher rung', { least_rung: 3 }, 0],
    ['that wants this rule', { rules: [recursion.rule] }, 1],
  ])('%s', async (_, more, count) => {
    await tell(requests(entry(more)), sampleReport([recursion]));
    expect(metas()).toBe(count);
    if (count === 0) expect(lines).toEqual([expect.stringContaining('the configuration of who asked leaves it out')]);
  });

  test('that is full for the day gets the rest when it has room again, and the log says which', async () => {
    const one = requests(entry({ max_per_day: 2 }));
    await tell(one);
    const rooms = () => mails('to-draft').map(({ meta }) => meta.roomFrom);
    expect(rooms()).toEqual([undefined, undefined, '2026-07-08T10:00:00.000Z']);
    expect(
      lines.some((line) => /waits until 2026-07-08T10:00:00\.000Z; max@example\.org has 2 replies/.test(line)),
    ).toBe(true);
    // The same again changes nothing.
    await tell(one);
    expect(rooms()).toHaveLength(3);
  });

  test('that is full takes turns day by day, for a week; the rest is left out', async () => {
    const one = { ...requests(entry({ max_per_day: 1, mode: 'private' })), now: () => NOON };
    const NOON = new Date('2026-07-07T12:00:00Z');
    for (let n = 0; n < 10; n++) {
      const patches = sampleSeries.patches.map((patch) => ({
        ...patch,
        message: { ...patch.message, messageId: `${n}-${patch.message.messageId}` },
      }));
      await tell(one, sampleReport([recursion]), { ...sampleSeries, patches } as unknown as Series);
    }
    const rooms = outbox.list('to-send').map(({ roomFrom }) => roomFrom);
    const days = [8, 9, 10, 11, 12, 13, 14].map((day) => `2026-07-${String(day).padStart(2, '0')}T12:00:00.000Z`);
    expect(rooms.toSorted()).toEqual([...days, undefined]);
    expect(lines.at(-1)).toMatch(/^warning: .*: kept; max@example\.org has 1 .*no room within 7 days$/);
  });

  test('with an embargo and quiet hours has them on its mails: the longest, and all', async () => {
    const entries = [
      entry({ mode: 'list', embargo_hours: 24, quiet_hours: '22:00-06:00' }),
      entry({ mode: 'list', address: 'moe@example.org', embargo_hours: 48 }),
    ];
    await tell(requests(...entries), sampleReport([recursion]));
    expect(mails('to-send')[0]!.meta).toMatchObject({
      notBefore: '2026-07-08T08:11:12.000Z',
      quietHours: ['22:00-06:00'],
      findings: [{ rule: recursion.rule, key: recursion.key }],
      revision: 2,
    });
  });
});

test.each([true, false])('replies say that a program made them: %s', async (isAutoSubmitted) => {
  await tell({ isAutoSubmitted }, sampleReport([recursion]));
  expect(header(mails('to-draft')[0]!.text, 'Auto-Submitted')).toBe(isAutoSubmitted ? 'auto-replied' : undefined);
});

test('a series whose later revision has come meanwhile is not answered', async () => {
  await tell({ isCurrent: () => false });
  expect(metas()).toBe(0);
  expect(lines.at(-1)).toContain('kept; a later revision of the series has come');
});

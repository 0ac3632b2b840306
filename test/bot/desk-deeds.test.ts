/** What commands have done with the real outbox, MAINTAINERS and files: whose word counts for what. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { commandsIn } from '../../bot/commands.ts';
import { deedsOf } from '../../bot/desk-deeds.ts';
import { Dismissed } from '../../bot/dismissed.ts';
import { Maintainers } from '../../bot/maintainers.ts';
import { type Done, obey } from '../../bot/obey.ts';
import { OptIns } from '../../bot/opt-in.ts';
import { Outbox } from '../../bot/outbox.ts';
import { NOTHING_YET, outgoingId, type Progress } from '../../bot/outgoing.ts';
import { audienceOf } from '../../bot/policy.ts';
import { Stopped } from '../../bot/stopped.ts';
import { lineageOf } from '../../bot/superseded.ts';
import type { Message, Series } from '../../rules/types.ts';
import { entryOf } from '../support/policy.ts';
import { sampleSeries } from '../support/sample-report.ts';

const BOT = 'depbot@bot.example';
const JANE = 'jane@x.example';
const ROB = 'rob@x.example';
const MALLORY = 'mallory@x.example';
const MAINTAINERS = Maintainers.parse(
  [
    ['A', `M:\tJane <${JANE}>`, `R:\tRob <${ROB}>`, 'L:\tlist-a@lists.example', 'F:\ta/'],
    ['TOY', `M:\tMallory <${MALLORY}>`, 'L:\tlist-toy@lists.example', 'F:\ttoy/'],
  ]
    .map((lines) => `\n${lines.join('\n')}\n`)
    .join(''),
  () => false,
);
const DRAFT = 'draft@bot.example';

let dir: string;
let did: string[];
let outbox: Outbox;
let dismissed: Dismissed;
let stopped: Stopped;
let optIns: OptIns;
let byId: Map<string, Series>;
let deeds: ReturnType<typeof deedsOf>;
const configured = [
  entryOf({ address: 'max@x.example', lists: ['list-toy@lists.example'], paths: ['toy/'], mode: 'list' }),
];

/** A series of one patch to that file, with that Message-ID. */
function seriesOf(path: string, messageId: string): Series {
  const [patch] = sampleSeries.patches;
  const message = { ...patch.message, messageId, subject: `[PATCH] ${path}` };
  return {
    ...sampleSeries,
    subject: message.subject,
    patches: [{ ...patch, message, diff: [{ ...patch.diff[0]!, oldPath: path, newPath: path }] }],
  };
}
const A = seriesOf('a/f.c', 'a-patch@x.example');
const TOY = seriesOf('toy/f.c', 'toy-patch@x.example');

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'deeds-'));
  did = [];
  const now = () => new Date('2026-11-22T12:00:00Z');
  const log = { info: () => undefined, warn: () => undefined };
  outbox = new Outbox(join(dir, 'outbox'), log);
  outbox.add(
    {
      id: outgoingId(DRAFT),
      messageId: DRAFT,
      kind: 'reply',
      via: 'draft',
      from: BOT,
      recipients: [JANE, BOT],
      subject: 'Re: [PATCH] a/f.c',
      answers: 'a-patch@x.example',
      maintainers: ['max@x.example'],
      allowedBy: 'a test',
      addedAt: now().toISOString(),
      findings: [
        { rule: 'stubbed-path', key: 'K1' },
        { rule: 'undefined-symbol', key: 'K2' },
      ],
      lineage: lineageOf(A),
      revision: 1,
    },
    new TextEncoder().encode('Subject: x\r\n\r\nx\r\n'),
  );
  dismissed = new Dismissed(join(dir, 'dismissed.json'), now);
  stopped = new Stopped(join(dir, 'stopped'));
  optIns = new OptIns(join(dir, 'asked.json'), now);
  byId = new Map([A, TOY].map((one) => [one.patches[0].message.messageId, one]));
  deeds = deedsOf({
    outbox,
    courier: {
      approve: async (id) => ({ ok: true, log: did.push(`sent ${id}`) }) as never,
      discard: async (id) => ({ ok: true, log: did.push(`discarded ${id}`) }) as never,
    },
    stopped,
    optIns,
    dismissed,
    maintainers: { current: async () => MAINTAINERS },
    configured,
    answered: (references) => byId.get(references.findLast((id) => byId.has(id)) ?? ''),
    check: () => ({ ok: true, key: 'k' }),
    hasDrafts: true,
    log,
  });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** What comes of a line of that sender in answer to these mails. */
function give(line: string, sender: string, references: readonly string[]): Promise<Done> {
  const message = { references, from: { name: '', address: sender } } as unknown as Message;
  return obey(commandsIn(`#depbot ${line}`)[0]!, { message, sender }, deeds, BOT);
}

test.each([
  ['toy-patch@x.example', DRAFT],
  [DRAFT, 'toy-patch@x.example'],
])('who speaks for files of another series has no say over a draft: %s, %s', async (...references) => {
  for (const word of ['send', 'discard', 'invalid undefined-symbol'])
    expect(await give(word, MALLORY, references)).toMatchObject({ isForbidden: true });
  expect([did, dismissed.counts()]).toEqual([[], []]);
  expect(await give('send', JANE, references)).toMatchObject({ log: 'approved' });
  expect(did).toEqual([`sent ${DRAFT}`]);
});

test('who speaks for another patch of the series has no say over a draft on this one, and one over the series', async () => {
  const both = { ...A, patches: [A.patches[0], { ...TOY.patches[0], n: 2 }], total: 2 } as Series;
  byId.set('a-patch@x.example', both);
  byId.set('toy-patch@x.example', both);
  for (const word of ['send', 'discard', 'invalid undefined-symbol'])
    expect(await give(word, MALLORY, [DRAFT])).toMatchObject({ isForbidden: true });
  expect([did, dismissed.counts()]).toEqual([[], []]);
  expect(await give('check', MALLORY, [DRAFT])).toMatchObject({ key: 'k' });
  expect(await give('send', JANE, [DRAFT])).toMatchObject({ log: 'approved' });
});

test('who has an entry, says stop and asks by mail for a section hears of that section alone', async () => {
  const maintainers = Maintainers.parse('\nA\nM:\tmax@x.example\nL:\tlist-a@lists.example\nF:\ta/\n', () => false);
  const max = 'max@x.example';
  const deedsOfMax = { ...deeds, sectionsNaming: async () => maintainers.named('A') };
  const say = async (line: string): Promise<string> => {
    const message = { references: [], from: { name: '', address: max } } as unknown as Message;
    return (await obey(commandsIn(`#depbot ${line}`)[0]!, { message, sender: max }, deedsOfMax, BOT)).say.join('\n');
  };
  const hears = (series: Series, list: string): string | undefined => {
    const [patch] = series.patches;
    const to = [{ name: '', address: list }];
    const entries = [...configured, ...optIns.entries];
    const { addresses: stoppedAddresses, entries: stoppedEntries, sections: stoppedSections } = stopped;
    const policy = { entries, maintainers, stoppedAddresses, stoppedEntries, stoppedSections };
    return audienceOf({ ...patch, message: { ...patch.message, to } }, policy)?.mode;
  };
  expect(hears(TOY, 'list-toy@lists.example')).toBe('list');
  await say('stop');
  const [token] = /confirm \w+/.exec(await say('start A'))!;
  expect(await say(token)).toContain('all else stays off; my operator can undo that');
  expect([hears(A, 'list-a@lists.example'), hears(TOY, 'list-toy@lists.example')]).toEqual(['draft', undefined]);
});

test('invalid picks the finding by its rule, and throws the draft away once nothing is left of it', async () => {
  await give('invalid', JANE, [DRAFT]);
  expect(dismissed.counts()).toEqual([]);
  await give('invalid undefined-symbol', JANE, [DRAFT]);
  expect([dismissed.counts(), did]).toEqual([[['undefined-symbol', 1]], []]);
  await give('invalid stubbed-path', JANE, [DRAFT]);
  expect(did).toEqual([`discarded ${DRAFT}`]);
  for (const key of ['K1', 'K2'])
    expect(dismissed.isInvalid({ rule: key === 'K1' ? 'stubbed-path' : 'undefined-symbol', key }, lineageOf(A))).toBe(
      true,
    );
});

test('a reviewer who asks for a section does not undo the stop of its maintainer, and is told', async () => {
  const ask = async (sender: string): Promise<string> => {
    const { say } = await give('start A', sender, []);
    return (await give(/confirm \w+/.exec(say.join('\n'))![0], sender, [])).say.join('\n');
  };
  await give('stop', JANE, ['a-patch@x.example']);
  expect(await ask(ROB)).toContain('Not yet for A: another maintainer said stop');
  expect([stopped.sections, stopped.addresses]).toEqual([new Set(['A']), new Set([JANE])]);
  expect(await ask(JANE)).not.toContain('Not yet');
  expect([stopped.sections, stopped.addresses]).toEqual([new Set(), new Set()]);
});

test('we have written to who got a mail that left, and to nobody else', () => {
  const hasWritten = (address: string): boolean => deeds.hasWrittenTo(address, ['a-patch@x.example', DRAFT]);
  expect(hasWritten(JANE)).toBe(false);
  outbox.move(outgoingId(DRAFT), 'to-draft', 'drafting');
  outbox.move(outgoingId(DRAFT), 'drafting', 'drafted');
  expect(hasWritten(JANE)).toBe(false);
  outbox.move(outgoingId(DRAFT), 'drafted', 'accepted');
  expect([JANE.toUpperCase(), ROB].map(hasWritten)).toEqual([true, false]);
  expect(deeds.hasWrittenTo(JANE, ['a-patch@x.example'])).toBe(false);
});

test('we have written to who got a mail that others still wait for, or perhaps did, and not to who was refused', () => {
  const id = outgoingId(DRAFT);
  const hasWritten = (progress: Partial<Progress>): boolean => {
    outbox.setProgress(id, { ...NOTHING_YET, ...progress });
    return deeds.hasWrittenTo(JANE, [DRAFT]);
  };
  expect(hasWritten({})).toBe(false);
  expect(hasWritten({ got: [JANE] })).toBe(true);
  expect(hasWritten({ got: [ROB] })).toBe(false);
  expect(hasWritten({ step: 'handing-over' })).toBe(true);
  expect(hasWritten({ step: 'in-doubt', unknowns: 1, refused: [{ address: JANE, why: 'no such user' }] })).toBe(false);
  for (const [from, to] of [
    ['to-draft', 'drafting'],
    ['drafting', 'drafted'],
    ['drafted', 'accepted'],
  ] as const)
    outbox.move(id, from, to);
  expect(hasWritten({ got: [ROB], refused: [{ address: JANE, why: 'no such user' }] })).toBe(false);
  expect(hasWritten({})).toBe(true);
});

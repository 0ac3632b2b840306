/** The desk with hands that only note what they are asked. Above 400 lines: all of it needs this one world. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commandsIn } from '../../bot/commands.ts';
import { Desk, type Hands } from '../../bot/desk.ts';
import type { Section } from '../../bot/maintainers.ts';
import type { Assembled, Message } from '../../rules/types.ts';
import { type MailText, message } from '../fixtures/mail/make.ts';
import { sampleReport, sampleSeries } from '../support/sample-report.ts';

const BOT = 'depbot@bot.example';
const MAX = 'max@example.org';
const EVE = 'eve@x.example';
const KEY = 'a'.repeat(32);
const AUTHOR = 'jane@example.org';
/** Of no entry; MAINTAINERS names her. */
const MIA = 'mia@example.net';
const SECTION: Section = { name: 'INPUT DRIVERS', line: 3, maintainers: [MIA], reviewers: [], lists: [] };
const TOKEN = '0123456789abcdef';
const DRAFT = 'draft@bot.example';
const REPLY = 'reply@bot.example';
const SERIES_MAIL = 'PATCH-1@example.org';

let dir: string;
let lines: string[];
let nowMs: number;
let mails: Map<string, Uint8Array[]>;
/** What the desk had done, with those of the same seed, or to the same end, once. */
let answers: Map<string, { readonly to: string; readonly text: string }>;
const sets = ['stopped', 'checked', 'sent', 'discarded', 'noted'].map(() => new Set<string>());
type Sets = [Set<string>, Set<string>, Set<string>, Set<string>, Set<string>];
const [stopped, checked, sent, discarded, noted] = sets as Sets;
let hasReport: boolean;
let series: Assembled | undefined;
let hands: Hands;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'desk-'));
  [lines, nowMs, mails, answers] = [[], 0, new Map(), new Map()];
  for (const set of sets) set.clear();
  [hasReport, series] = [false, sampleSeries];
  hands = {
    now: () => new Date(Date.parse('2026-11-22T12:00:00Z') + nowMs),
    isOptedIn: (address) => address === MAX,
    authenticate: async (raw) => {
      const from = /^From: .*<(.*)>$/m.exec(Buffer.from(raw).toString())![1]!.toLowerCase();
      return { ok: true, address: from, domain: from.split('@')[1]!, fingerprint: Buffer.from(raw).toString() };
    },
    raws: (id) => mails.get(id) ?? [],
    concern: async (address, references) => ({
      ...(references.includes(SERIES_MAIL) && series && { series }),
      isAuthor: address === AUTHOR && references.includes(SERIES_MAIL),
      sections: address === MIA && references.some((id) => id === SERIES_MAIL || id === REPLY) ? [SECTION] : [],
    }),
    sectionsNaming: async (address, name = SECTION.name) => (address === MIA && name === SECTION.name ? [SECTION] : []),
    check: (_, asked) => {
      checked.add(asked ? JSON.stringify(asked) : KEY);
      return { ok: true, key: KEY };
    },
    report: (key) => (key === KEY && hasReport ? { series: sampleSeries, report: sampleReport([]) } : undefined),
    draftOwners: (id) => (id === DRAFT ? ['jane@example.org', 'Max@Example.org'] : undefined),
    send: async (id) => {
      sent.add(id);
      return { ok: true };
    },
    discard: async (id) => {
      discarded.add(id);
      return { ok: true };
    },
    repliedFor: (id) => (id === REPLY ? ['jane@example.org', 'Max@Example.org'] : undefined),
    toldRules: () => ['lost-symbol'],
    invalid: (id, _, by) => {
      noted.add(`${id} is invalid, says ${by}`);
      return [];
    },
    rules: ['lost-symbol', 'unmet-select'],
    ignore: (rule, address, sections) => noted.add(`${address} ignores ${rule} in ${sections.join(', ')}`),
    heed: (rule, address) => noted.add(`${address} heeds ${rule}`),
    start: async (address, sections) => {
      noted.add(`${address} asks for ${sections.map(({ name }) => name).join(', ')}`);
      return { ok: true, token: TOKEN };
    },
    confirm: (address, token) => {
      if (address !== MIA || token !== TOKEN) return { ok: false, why: 'nothing of yours waits for that token' };
      noted.add(`${address} hears of ${SECTION.name}`);
      return { ok: true, sections: [SECTION.name], lists: ['input@lists.example.org'], stopped: [], isEntryOff: false };
    },
    stop: (address, sections) => stopped.add([address, ...sections].join(', ')),
    isStopped: (address) => stopped.has(address),
    answer: (command, seed, paragraphs) => {
      if (!answers.has(seed)) answers.set(seed, { to: command.from.address, text: paragraphs.join('\n') });
    },
    hasWrittenTo: (address, references) => address === AUTHOR && references.includes(REPLY),
    reportText: () => ['THE REPORT'],
  };
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

/** A desk as it is after a start of the process. */
const start = (more: Partial<Hands> = {}): Desk => {
  const log = { info: (text: string) => lines.push(text), warn: (text: string) => lines.push(`warning: ${text}`) };
  return new Desk(dir, BOT, { ...hands, ...more }, log, () => nowMs);
};
let count = 0;
/** A recorded mail with these lines, in answer to `to`. */
function mail(text: string, { to, from = MAX, ...more }: MailText & { to?: string } = {}): Message {
  const made = message({
    id: `c${count++}@x.example`,
    subject: 'Re: [PATCH] x',
    from: `Somebody <${from}>`,
    body: `${text}\n`,
    ...(to !== undefined && { inReplyTo: to, references: [to] }),
    ...more,
  });
  mails.set(made.messageId, [made.raw]);
  return made;
}
/** What comes of a mail in one round. */
async function obey(...commands: readonly Message[]): Promise<void> {
  const desk = start();
  desk.take(commands);
  await desk.round();
}
const said = (): string[] => [...answers.values()].map(({ to, text }) => `${to}: ${text}`);
const tray = (name: string): number => readdirSync(join(dir, name)).filter((file) => file.endsWith('.json')).length;
const trays = (): number[] => ['todo', 'waiting', 'done'].map(tray);

describe('a maintainer', () => {
  test('who writes help gets the list of commands', async () => {
    await obey(mail('#depbot help'));
    expect(said()).toEqual([expect.stringMatching(/^max@example\.org: [\s\S]*#depbot discard/)]);
    expect(trays()).toEqual([0, 0, 1]);
  });

  test('who writes check gets the report once it is there, once, and nothing before', async () => {
    await obey(mail('#depbot check', { to: SERIES_MAIL }));
    expect([...checked]).toEqual([KEY]);
    const desk = start();
    await desk.round();
    expect([said(), trays()]).toEqual([[], [0, 1, 0]]);
    hasReport = true;
    await desk.round();
    await desk.round();
    expect(said()).toEqual([`${MAX}: > #depbot check\nTHE REPORT`]);
    expect(trays()).toEqual([0, 0, 1]);
  });

  test.each([false, true])('who says stop gets no report that was asked for before, but after: %s', async (isAfter) => {
    const check = mail('#depbot check', { to: SERIES_MAIL, from: AUTHOR });
    const stop = mail('#depbot stop', { from: AUTHOR });
    for (const one of isAfter ? [stop, check] : [check, stop]) await obey(one);
    hasReport = true;
    await obey();
    expect(said().filter((text) => text.includes('THE REPORT'))).toHaveLength(isAfter ? 1 : 0);
    expect(trays()).toEqual([0, 0, 2]);
  });

  test.each<[string, () => void, RegExp]>([
    ['is not known', () => (series = undefined), /do not have the series/],
    [
      'is not complete',
      () => (series = { ...sampleSeries, complete: false, have: [], total: 4, missing: [2, 3] }),
      /patch 2, 3 of 4 has not come/,
    ],
    [
      'is too large',
      () => (hands = { ...hands, check: () => ({ ok: false, why: '1002 mails' }) }),
      /cannot check this series: 1002 mails\./,
    ],
  ])('who writes check for a series that %s is told so, and nothing is checked', async (_, arrange, words) => {
    arrange();
    await obey(mail('#depbot check', { to: SERIES_MAIL }));
    expect(said()).toEqual([expect.stringMatching(words)]);
    expect([checked.size, trays()]).toEqual([0, [0, 0, 1]]);
  });

  test.each<[string, string[][], string[]]>([
    ['send has the draft sent, and the mail itself is the answer', [[DRAFT], []], []],
    ['discard has it thrown away, and is told', [[], [DRAFT]], [`${MAX}: > #depbot discard\nThe draft is discarded.`]],
  ])('who writes %s', async (title, done, told) => {
    await obey(mail(`#depbot ${title.split(' ')[0]}`, { to: DRAFT }));
    expect([[[...sent], [...discarded]], said()]).toEqual([done, told]);
  });

  test('is told why a draft was not sent', async () => {
    hands = { ...hands, send: async () => ({ ok: false, why: 'it was discarded' }) };
    await obey(mail('#depbot send', { to: DRAFT }));
    expect(said()).toEqual([`${MAX}: > #depbot send\nI did not send it: it was discarded.`]);
  });

  test.each([
    ['send', 'no draft', undefined, 'no draft of mine'],
    ['discard', 'no draft', undefined, 'no draft of mine'],
    ['send', 'a draft of others', ['jane@example.org'], 'for another maintainer'],
    ['discard', 'a draft of others', ['jane@example.org'], 'for another maintainer'],
  ])('who writes %s in answer to %s is told so, and nothing is done', async (word, _, owners, told) => {
    hands = { ...hands, draftOwners: () => owners };
    await obey(mail(`#depbot ${word}`, { to: DRAFT }));
    expect([said(), sent.size, discarded.size]).toEqual([[expect.stringContaining(told)], 0, 0]);
  });

  test('who writes stop is stopped and told that the entry is off', async () => {
    await obey(mail('#depbot stop', { to: DRAFT }));
    expect([...stopped]).toEqual([MAX]);
    expect(said()).toEqual([expect.stringContaining('Your entry is switched off')]);
  });

  test('who writes right below a long quoted line is told that it was not obeyed', async () => {
    await obey(mail(`> ${'x'.repeat(60)}\n#depbot discard`, { to: DRAFT }));
    expect([said(), discarded.size]).toEqual([[expect.stringMatching(/Nothing was done.*a blank line above it/)], 0]);
  });

  test('who writes an unknown word is told which words there are', async () => {
    await obey(mail('#depbot merge it'));
    expect(said()).toEqual([expect.stringMatching(/I do not know the command "merge it"[\s\S]*#depbot help/)]);
  });

  test('gets one answer to several commands in one mail, each carried out in order, and the report later', async () => {
    const done: string[] = [];
    hands = { ...hands, stop: () => done.push('stop') };
    hands = { ...hands, check: () => ({ ok: true, key: done.push('check') ? KEY : '' }) };
    await obey(mail('#depbot check\n#depbot nonsense\n#depbot stop\n#depbot discard', { to: SERIES_MAIL }));
    // Three commands of a mail are obeyed.
    expect([done, discarded.size]).toEqual([['check', 'stop'], 0]);
    expect(said()).toEqual([
      expect.stringMatching(/"nonsense"[\s\S]*switched off[\s\S]*> #depbot discard\nNothing was done\. I obey 3/),
    ]);
    expect(trays()).toEqual([0, 1, 0]);
    hasReport = true;
    await start().round();
    expect(said()).toEqual([expect.anything(), `${MAX}: > #depbot check\nTHE REPORT`]);
  });
});

describe('a stranger', () => {
  test('is told once, for ever, that nothing was done, whatever the command', async () => {
    await obey(mail('#depbot check', { to: SERIES_MAIL, from: EVE }), mail('#depbot send', { to: DRAFT, from: EVE }));
    await obey(mail('#depbot help', { from: EVE }));
    expect(said()).toEqual([
      expect.stringMatching(/^eve@x\.example: > #depbot (?:check|send)\n.*nothing was done.*"stop"/),
    ]);
    expect([checked.size, sent.size, trays()]).toEqual([0, 0, [0, 0, 3]]);
  });

  test('may say stop, and nothing else in the same mail is obeyed', async () => {
    await obey(mail('#depbot send\n#depbot stop', { to: DRAFT, from: EVE }));
    expect([[...stopped], sent.size]).toEqual([[EVE], 0]);
    expect(said()).toEqual([expect.stringMatching(/nothing was done[\s\S]*You will get no more mails/)]);
  });
});

describe('a mail that is nobody’s', () => {
  test('is not obeyed and not answered when it is not signed, and the operator reads why', async () => {
    hands.authenticate = async () => ({ ok: false, why: 'it has no DKIM signature' });
    await obey(mail('#depbot stop'));
    expect([said(), stopped.size, trays()]).toEqual([[], 0, [0, 0, 1]]);
    expect(lines).toEqual([expect.stringMatching(/^warning: .*max@.*not obeyed, not answered: it has no DKIM/)]);
  });

  describe('and says stop without a signature', () => {
    beforeEach(() => {
      hands.authenticate = async () => ({ ok: false, why: 'it has no DKIM signature' });
    });
    const token = (): string => /^ {4}#depbot stop ([0-9a-f]{32})$/m.exec(said().join('\n'))![1]!;

    test('is mailed a token, once, if we have written to that address; who brings it back is stopped', async () => {
      await obey(mail('#depbot stop', { to: REPLY, from: AUTHOR, subject: 'Buy this' }));
      await obey(mail('#depbot stop', { to: REPLY, from: AUTHOR }), mail('#depbot stop', { to: DRAFT, from: AUTHOR }));
      await obey(mail('#depbot stop', { to: REPLY, from: EVE }), mail('#depbot send', { to: REPLY, from: AUTHOR }));
      expect([said().length, said()[0], stopped.size]).toEqual([1, expect.stringMatching(/^jane@/), 0]);
      expect(commandsIn(said()[0]!)).toEqual([]);
      await obey(mail(`#depbot stop ${token()}`, { to: DRAFT, from: AUTHOR }));
      expect([...stopped]).toEqual([AUTHOR]);
      expect(said()[1]).toBe(`${AUTHOR}: You will get no more mails from this robot. Its operator can undo that.`);
    });

    test('is mailed another token the week after: the first one may have been asked for by a forger, or come back', async () => {
      for (const days of [0, 1, 8, 9]) {
        nowMs = days * 86_400_000;
        await obey(mail('#depbot stop', { to: REPLY, from: AUTHOR }));
      }
      expect(said()).toHaveLength(2);
      await obey(mail(`#depbot stop ${token()}`, { from: AUTHOR }));
      expect([...stopped]).toEqual([AUTHOR]);
    });

    test('is heard although its name server does not answer now, or others forge its domain', async () => {
      let looks = 0;
      hands.authenticate = async () => ({ ok: false, why: `look ${++looks}`, isLookedUp: true, retry: true });
      const desk = start();
      desk.take([mail('#depbot stop', { to: REPLY, from: AUTHOR })]);
      await desk.round();
      expect([said().length, tray('todo')]).toEqual([1, 1]);
      hands.authenticate = async () => ({ ok: false, why: `look ${++looks}`, isLookedUp: true });
      const flooded = start();
      flooded.take(Array.from({ length: 60 }, (_, n) => mail('#depbot help', { from: `s${n}@example.org` })));
      await flooded.round();
      flooded.take([mail(`#depbot stop ${token()}`, { from: AUTHOR })]);
      const before = looks;
      await flooded.round();
      expect([looks - before, [...stopped]]).toEqual([0, [AUTHOR]]);
    });

    test('who said stop, and by a word of the operator is not stopped any more, is mailed another token', async () => {
      await obey(mail('#depbot stop', { to: REPLY, from: AUTHOR }));
      const first = token();
      await obey(mail(`#depbot stop ${first}`, { to: REPLY, from: AUTHOR }));
      // Nothing is mailed to who is stopped.
      await obey(mail('#depbot stop', { to: REPLY, from: AUTHOR }));
      expect(said()).toHaveLength(2);
      stopped.clear();
      answers.clear();
      await obey(mail(`#depbot stop ${first}`, { to: REPLY, from: AUTHOR }));
      expect([stopped.size, said().length, token() === first]).toEqual([0, 1, false]);
      await obey(mail(`#depbot stop ${token()}`, { to: REPLY, from: AUTHOR }));
      expect([...stopped]).toEqual([AUTHOR]);
    });

    test('is not stopped by the token of another, nor by one that came before', async () => {
      await obey(mail('#depbot stop', { to: REPLY, from: AUTHOR }));
      await obey(mail(`#depbot stop ${token()}`, { to: REPLY, from: EVE }));
      expect(stopped.size).toBe(0);
      await obey(mail(`#depbot stop ${token()}`, { from: AUTHOR }));
      stopped.clear();
      await obey(mail(`#depbot stop ${token()}`, { from: AUTHOR }));
      expect(stopped.size).toBe(0);
    });
  });

  test('is obeyed once, also when it comes again under another Message-ID', async () => {
    const authentic = { ok: true, address: MAX, domain: 'example.org', fingerprint: 'f' } as const;
    hands = { ...hands, authenticate: async () => authentic };
    await obey(mail('#depbot discard', { to: DRAFT }));
    discarded.clear();
    await obey(mail('#depbot discard', { to: DRAFT }));
    expect([discarded.size, said().length, trays()]).toEqual([0, 1, [0, 0, 2]]);
    expect(lines.at(-1)).toMatch(/^warning: .*not answered: it repeats a mail that was obeyed before$/);
  });

  test.each<[string, string, MailText, number]>([
    ['has no command', 'Thanks!', {}, 0],
    ['quotes one', '> #depbot stop', {}, 0],
    ['is from ourselves', '#depbot stop', { from: 'Depbot@Bot.example' }, 0],
    ['was made by a program', '#depbot stop', { headers: ['Auto-Submitted: auto-replied'] }, 0],
    ['was made by a program, in other words', '#depbot stop', { headers: ['auto-submitted: auto-generated; x'] }, 0],
    ['says that no program made it', '#depbot stop', { headers: ['Auto-Submitted: no'] }, 1],
  ])('that %s is written down or not', async (_, text, more, taken) => {
    await obey(mail(text, more));
    expect([tray('done'), stopped.size, said().length]).toEqual([taken, taken, taken]);
  });
});

describe('a command', () => {
  test('is carried out once, however often its mail is handed over, before and after a restart', async () => {
    const command = mail('#depbot discard', { to: DRAFT });
    let turns = 0;
    const discard: Hands['discard'] = async () => ({ ok: true, turns: turns++ });
    const desk = start({ discard });
    desk.take([command]);
    desk.take([command]);
    await desk.round();
    for (const again of [desk, start({ discard })]) {
      again.take([command]);
      await again.round();
    }
    expect([turns, said().length, trays()]).toEqual([1, 1, [0, 0, 1]]);
  });

  test('waits, less and less often, while its sender cannot be looked up; the others go on', async () => {
    const [unsure, sure] = [mail('#depbot stop', { from: EVE }), mail('#depbot help')];
    let looks = 0;
    let isAway = true;
    const { authenticate } = hands;
    const desk = start({
      authenticate: async (raw) => {
        if (!Buffer.from(raw).toString().includes(EVE)) return authenticate(raw);
        looks += 1;
        return isAway ? { ok: false, why: 'DNS failure', retry: true } : authenticate(raw);
      },
    });
    desk.take([unsure, sure]);
    const at: number[] = [];
    for (; looks < 11; nowMs += 500) {
      const before = looks;
      await desk.round();
      if (looks > before) at.push(nowMs);
    }
    expect(at.slice(1).map((ms, index) => (ms - at[index]!) / 1000)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    expect(lines.filter((line) => line.includes('DNS failure'))[1]).toMatch(/^warning: .*next attempt in 2 s$/);
    expect(said()).toEqual([expect.stringMatching(/^max@/)]);
    isAway = false;
    await start().round();
    expect([...stopped]).toEqual([EVE]);
  });

  test('is given up, not answered, after a day of that', async () => {
    const desk = start({ authenticate: async () => ({ ok: false, why: 'DNS failure', retry: true }) });
    desk.take([mail('#depbot stop')]);
    for (; nowMs < 86_400_000; nowMs += 300_000) await desk.round();
    expect(trays()).toEqual([1, 0, 0]);
    await desk.round();
    expect([trays(), said()]).toEqual([[0, 0, 1], []]);
    expect(lines.at(-1)).toMatch(/^warning: .*DNS failure; given up, not answered$/);
  });

  test('counts once for its sender, however often it has to be tried again', async () => {
    let isAway = true;
    const desk = start({
      send: async (id) => {
        if (isAway) throw new Error('the Drafts server is away');
        sent.add(id);
        return { ok: true };
      },
    });
    const twenty = Array.from({ length: 20 }, () => mail('#depbot send', { to: DRAFT }));
    desk.take(twenty);
    for (; nowMs < 3_000_000; nowMs += 300_000) await desk.round();
    isAway = false;
    await desk.round();
    expect([[...sent], tray('done'), lines.filter((line) => line.includes('too many'))]).toEqual([[DRAFT], 20, []]);
  });

  test('is carried out in the order in which the mails of its sender came, whichever lookup ends first', async () => {
    const order: string[] = [];
    const { authenticate } = hands;
    const desk = start({
      ignore: (rule) => order.push(rule),
      heed: (rule) => order.push(`${rule} off`),
      authenticate: async (raw) => {
        const isFirst = Buffer.from(raw).toString().includes('ignore lost-symbol\n');
        if (isFirst) await new Promise((resolve) => setTimeout(resolve, 20));
        return authenticate(raw);
      },
    });
    const [on, off] = ['lost-symbol', 'lost-symbol off'];
    const words = Array.from({ length: 6 }, () => [on!, off!]).flat();
    for (const word of words) desk.take([mail(`#depbot ignore ${word}`, { to: SERIES_MAIL })]);
    await desk.round();
    expect(order).toEqual(words);
  });

  test('that fails for a fault of ours or of a server is tried again, and stops no other', async () => {
    let isAway = true;
    const send: Hands['send'] = async (id) => {
      if (isAway) throw new Error('imap: away');
      return hands.send(id);
    };
    const desk = start({ send });
    desk.take([mail('#depbot send', { to: DRAFT }), mail('#depbot stop', { from: EVE })]);
    await desk.round();
    expect([sent.size, [...stopped], trays()]).toEqual([0, [EVE], [1, 0, 1]]);
    expect(lines.some((line) => /^warning: .*imap: away; next attempt in 1 s$/.test(line))).toBe(true);
    isAway = false;
    nowMs += 1000;
    await desk.round();
    expect([[...sent], trays()]).toEqual([[DRAFT], [0, 0, 2]]);
  });

  test.each(['todo', 'waiting'] as const)(
    'whose mail is no longer kept leaves the tray %s, with a line',
    async (name) => {
      const command = mail('#depbot check', { to: SERIES_MAIL });
      const desk = start();
      desk.take([command]);
      if (name === 'waiting') await desk.round();
      mails.clear();
      hasReport = true;
      await desk.round();
      expect([trays(), said()]).toEqual([[0, 0, 1], []]);
      expect(lines.at(-1)).toMatch(/^warning: .*not answered: the mail is no longer kept$/);
    },
  );

  test.each([
    ['cut short', '{"messageId":'],
    ['of another mail', '{"messageId":"other@x.example"}'],
    ['without a mail', '{}'],
  ])('whose slip is damaged, %s, is named once and set aside; the others are carried out', async (_, text) => {
    const [command, other] = [mail('#depbot discard', { to: DRAFT }), mail('#depbot stop')];
    const desk = start();
    desk.take([command]);
    const path = join(dir, 'todo', readdirSync(join(dir, 'todo'))[0]!);
    desk.take([other]);
    writeFileSync(path, text);
    await desk.round();
    await desk.round();
    expect(lines.filter((line) => line.startsWith(`warning: ${path}: `))).toHaveLength(1);
    expect([[...stopped], discarded.size, trays()]).toEqual([[MAX], 0, [0, 0, 1]]);
    expect(existsSync(`${path}.damaged`)).toBe(true);
    await obey(command);
    expect([...discarded]).toEqual([DRAFT]);
  });
});

describe('a crash', () => {
  /** What the desk asks for in the course of each command, in this order. */
  const steps: readonly (readonly [string, string, readonly (keyof Hands)[]])[] = [
    ['#depbot check\n#depbot help', SERIES_MAIL, ['raws', 'authenticate', 'concern', 'check', 'answer']],
    ['#depbot send', DRAFT, ['raws', 'authenticate', 'draftOwners', 'send']],
    ['#depbot discard', DRAFT, ['raws', 'authenticate', 'draftOwners', 'discard', 'answer']],
    ['#depbot stop', DRAFT, ['raws', 'authenticate', 'stop', 'answer']],
    ['#depbot ignore lost-symbol', DRAFT, ['raws', 'authenticate', 'ignore', 'answer']],
  ];
  const cases = steps.flatMap(([text, to, names]) =>
    names.flatMap((name) => (['before', 'after'] as const).map((when) => [when, name, text, to] as const)),
  );
  const outcome = () => [said(), ...sets.map((set) => [...set])];

  test.each(cases)('%s "%s" in %j: all is done once after the restart', async (when, name, text, to) => {
    const command = mail(text, { to });
    const crash = (...args: never[]): unknown => {
      if (when === 'after') (hands[name] as (...all: never[]) => unknown)(...args);
      throw new Error('crash');
    };
    const dying = start({ [name]: crash });
    dying.take([command]);
    await dying.round();
    expect(lines.at(-1)).toContain('crash');
    expect(trays()).toEqual([1, 0, 0]);
    hasReport = true;
    const next = start();
    next.take([command]);
    await next.round();
    const done = outcome();
    expect(trays()).toEqual([0, 0, 1]);

    // The same as without a crash.
    rmSync(dir, { recursive: true });
    answers.clear();
    for (const set of sets) set.clear();
    await obey(command);
    expect(done).toEqual(outcome());
    expect(done).not.toEqual([[], [], [], [], [], []]);
  });

  test.each(['report', 'reportText', 'answer'] as const)('at "%s" of the report: it is told once', async (name) => {
    await obey(mail('#depbot check', { to: SERIES_MAIL }));
    hasReport = true;
    const crash = (...args: never[]): never => {
      (hands[name] as (...all: never[]) => unknown)(...args);
      throw new Error('crash');
    };
    await start({ [name]: crash }).round();
    expect(trays()).toEqual([0, 1, 0]);
    await start().round();
    expect([said(), trays()]).toEqual([[`${MAX}: > #depbot check\nTHE REPORT`], [0, 0, 1]]);
  });

  test('between the key on the slip and its move: the report is waited for and told once', async () => {
    const command = mail('#depbot check', { to: SERIES_MAIL });
    const desk = start();
    desk.take([command]);
    const path = join(dir, 'todo', readdirSync(join(dir, 'todo'))[0]!);
    writeFileSync(path, `${JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), key: KEY })}\n`);
    hasReport = true;
    await start().round();
    expect([said(), trays()]).toEqual([[`${MAX}: > #depbot check\nTHE REPORT`], [0, 0, 1]]);
  });
});

describe('copies of one mail', () => {
  /** Only the copy that ends in `intact` is authentic. */
  const authenticateIntact: Hands['authenticate'] = async (raw) => {
    const text = Buffer.from(raw).toString();
    return text.endsWith('intact\n') ? hands.authenticate(raw) : { ok: false, why: 'body hash did not verify' };
  };
  /** The mail with another end, recorded as a further copy. */
  function copy(of: Message, end: string, from = MAX): Message {
    const raw = Buffer.from(
      Buffer.from(of.raw)
        .toString()
        .replace(/<[^>]*>/, `<${from}>`) + end,
    );
    mails.get(of.messageId)!.push(raw);
    return { ...of, raw, body: of.body + end, from: { ...of.from, address: from } };
  }

  test('are judged until one is authentic, which is the one that is obeyed', async () => {
    const first = mail('#depbot stop', { to: DRAFT });
    copy(first, '#depbot discard\nintact\n');
    const desk = start({ authenticate: authenticateIntact });
    desk.take([first]);
    await desk.round();
    expect([[...stopped], [...discarded]]).toEqual([[MAX], [DRAFT]]);
    expect(trays()).toEqual([0, 0, 1]);
  });

  test('that come later are judged, also after a restart; what was obeyed is not obeyed again', async () => {
    const first = mail('#depbot discard', { to: DRAFT });
    let turns = 0;
    const more: Partial<Hands> = {
      authenticate: authenticateIntact,
      discard: async () => ({ ok: true, turns: turns++ }),
    };
    let desk = start(more);
    const give = async (message: Message): Promise<number> => {
      desk.take([message]);
      await desk.round();
      desk = start(more);
      return turns;
    };
    expect(await give(first)).toBe(0);
    expect(await give(first)).toBe(0);
    expect(lines.filter((line) => line.includes('body hash'))).toHaveLength(1);
    expect(await give(copy(first, 'footer\n'))).toBe(0);
    expect(await give(copy(first, 'intact\n'))).toBe(1);
    expect(await give(copy(first, 'again, intact\n'))).toBe(1);
    expect([said().length, trays()]).toEqual([1, [0, 0, 1]]);
  });

  test('of which one is a stranger’s do not keep the maintainer’s from being obeyed, before or after it', async () => {
    const first = mail('#depbot discard', { to: DRAFT, from: EVE });
    await obey(first);
    expect([discarded.size, said().length]).toEqual([0, 1]);
    await obey(copy(first, 'mine\n'));
    expect([[...discarded], said().length, trays()]).toEqual([[DRAFT], 2, [0, 0, 1]]);
  });

  test('the report goes to the sender of the one that was obeyed', async () => {
    const first = mail('#depbot check', { to: SERIES_MAIL, from: EVE });
    copy(first, 'mine, intact\n');
    const desk = start({ authenticate: authenticateIntact });
    desk.take([first]);
    await desk.round();
    hasReport = true;
    await start().round();
    expect(said()).toEqual([`${MAX}: > #depbot check\nTHE REPORT`]);
  });

  test('one that a program made is not obeyed, authentic or not', async () => {
    const first = mail('#depbot discard', { to: DRAFT });
    mails.set(first.messageId, [Buffer.from(`Auto-Submitted: auto-replied\n${Buffer.from(first.raw)}`)]);
    await obey(first);
    expect([discarded.size, trays()]).toEqual([0, [0, 0, 1]]);
  });
});

describe('strangers with slow name servers', () => {
  test('do not hold up a maintainer, and only a few are looked up at a time', async () => {
    const order: string[] = [];
    let inside = 0;
    let most = 0;
    const { authenticate } = hands;
    const desk = start({
      authenticate: async (raw) => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setTimeout(resolve, 5));
        inside -= 1;
        const sender = await authenticate(raw);
        if (sender.ok) order.push(sender.address);
        return sender;
      },
    });
    const strangers = Array.from({ length: 20 }, (_, n) => mail('#depbot help', { from: `s${n}@s${n}.example` }));
    desk.take([...strangers, mail('#depbot help'), mail('#depbot stop')]);
    await desk.round();
    expect(order.slice(0, 2)).toEqual([MAX, MAX]);
    expect([order.length, most]).toEqual([22, 4]);
  });

  test('are looked up for 10 s of a round, the rest in the next', async () => {
    const desk = start({
      authenticate: async () => {
        nowMs += 4000;
        return { ok: false, why: 'no key' };
      },
    });
    desk.take(Array.from({ length: 9 }, (_, n) => mail('#depbot help', { from: `s${n}@s${n}.example` })));
    await desk.round();
    expect(tray('todo')).toBeGreaterThan(0);
    expect(tray('done')).toBeGreaterThan(2);
    await desk.round();
    await desk.round();
    expect(trays()).toEqual([0, 0, 9]);
  });

  test('are looked up some 30 times an hour and domain; after that one at a time, with one line', async () => {
    let looks = 0;
    const authenticate: Hands['authenticate'] = async () => ({ ok: false, why: `look ${++looks}`, isLookedUp: true });
    const desk = start({ authenticate });
    const mailsOf = (domain: string, many: number): Message[] =>
      Array.from({ length: many }, (_, n) => mail('#depbot help', { from: `s${n}@${domain}` }));
    desk.take(mailsOf('x.example', 40));
    await desk.round();
    // Four are under way at a time.
    expect(looks).toBeGreaterThanOrEqual(30);
    expect(looks).toBeLessThanOrEqual(33);
    const before = looks;
    desk.take([mail('#depbot stop', { from: EVE }), ...mailsOf('other.example', 1), mail('#depbot help')]);
    await desk.round();
    expect([looks - before, tray('todo')]).toEqual([2, 41 - before]);
    expect(lines.filter((line) => line.includes('too many'))).toEqual([
      expect.stringMatching(/^warning: commands from strangers at x\.example: too many/),
    ]);
    for (let n = tray('todo'); n > 0; n--) {
      nowMs += 20_000;
      await desk.round();
      expect(tray('todo')).toBe(n - 1);
    }
    expect([looks, trays()]).toEqual([43, [0, 0, 43]]);
  });

  test('who forge mails of a domain without a signature do not keep its people from being heard', async () => {
    const { authenticate } = hands;
    const desk = start({
      authenticate: async (raw) =>
        Buffer.from(raw).toString().includes(MIA) ? authenticate(raw) : { ok: false, why: 'it has no DKIM signature' },
    });
    desk.take(Array.from({ length: 60 }, (_, n) => mail('#depbot help', { from: `s${n}@example.net` })));
    desk.take([mail('#depbot discard', { to: DRAFT, from: MIA }), mail('#depbot stop', { to: REPLY, from: MIA })]);
    await desk.round();
    expect([trays(), [...stopped]]).toEqual([
      [0, 0, 62],
      [MIA, `${MIA}, ${SECTION.name}`],
    ]);
  });

  test('who are told by the dozen do not keep a maintainer without an entry from being heard', async () => {
    const desk = start();
    desk.take(Array.from({ length: 60 }, (_, n) => mail('#depbot help', { from: `s${n}@s${n}.example` })));
    await desk.round();
    expect(said()).toHaveLength(50);
    desk.take([mail('#depbot invalid', { to: REPLY, from: MIA })]);
    await desk.round();
    expect([...noted]).toEqual([`${REPLY} is invalid, says ${MIA}`]);
  });
});

test('what was done is forgotten after a while, and what waits for a report', async () => {
  const desk = start();
  desk.take([mail('#depbot help'), mail('#depbot check', { to: 'p1@example.org' })]);
  await desk.round();
  const files = (): number[] => ['done', 'waiting', 'seen'].map((name) => readdirSync(join(dir, name)).length);
  const before = files();
  desk.sweep(new Date(Date.now() - 60_000));
  expect(files()).toEqual(before);
  desk.sweep(new Date(Date.now() + 60_000));
  expect(files()).toEqual([0, 0, 0]);
});

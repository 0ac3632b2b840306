/** Who may give which command, and what is said back. */
import { beforeEach, describe, expect, test } from 'vitest';
import { commandsIn } from '../../bot/commands.ts';
import type { Section } from '../../bot/maintainers.ts';
import { type Deeds, type Done, obey } from '../../bot/obey.ts';
import type { Message, PartialSeries } from '../../rules/types.ts';
import { sampleSeries } from '../support/sample-report.ts';

const BOT = 'depbot@bot.example';
const [MEMBER, MAINTAINER, REVIEWER, AUTHOR, NOBODY] = [
  'max@example.org',
  'mia@example.net',
  'rae@example.net',
  'jane@example.org',
  'eve@x.example',
];
const INPUT: Section = { name: 'INPUT DRIVERS', line: 3, maintainers: [MAINTAINER], reviewers: [REVIEWER], lists: [] };
const CORE: Section = { name: 'INPUT CORE', line: 9, maintainers: [MAINTAINER], reviewers: [], lists: [] };
const PATCH = 'patch-1@example.org';
const REPLY = 'reply@bot.example';
const TOKEN = 'a'.repeat(32);

let did: string[];
let deeds: Deeds;
beforeEach(() => {
  did = [];
  const note = (text: string): { ok: true } => {
    did.push(text);
    return { ok: true };
  };
  const named = (address: string): Section[] =>
    [INPUT, CORE].filter((one) => [...one.maintainers, ...one.reviewers].includes(address));
  deeds = {
    isOptedIn: (address) => address === MEMBER,
    concern: async (address, references) =>
      references.some((id) => id === PATCH || id === REPLY)
        ? {
            series: sampleSeries,
            isAuthor: address === AUTHOR,
            sections: named(address).filter((one) => one === INPUT),
          }
        : { isAuthor: false, sections: [] },
    sectionsNaming: async (address, name) => named(address).filter((one) => name === undefined || one.name === name),
    check: (_, asked, isMaintainer) => ({
      ...note(`check ${JSON.stringify(asked ?? {})}${isMaintainer ? ' before all others' : ''}`),
      key: 'k',
    }),
    draftOwners: (id) => (id === REPLY ? [MEMBER] : undefined),
    send: async () => note('send'),
    discard: async () => note('discard'),
    repliedFor: (id) => (id === REPLY ? [MEMBER] : undefined),
    toldRules: () => ['lost-symbol'],
    invalid: (id, rules, by) => {
      note(`invalid ${id} by ${by}`);
      return deeds.toldRules(id).filter((one) => !rules.includes(one));
    },
    rules: ['lost-symbol', 'unmet-select'],
    ignore: (rule, address, sections) => void note(`ignore ${rule} ${address} ${sections.join(', ')}`),
    heed: (rule, address) => void note(`heed ${rule} ${address}`),
    start: async (address, sections) => ({
      ...note(`start ${address} ${sections.map(({ name }) => name).join(', ')}`),
      token: TOKEN,
    }),
    confirm: (address, token) =>
      token === TOKEN && address === MAINTAINER
        ? {
            ...note(`confirm ${address}`),
            sections: [INPUT.name],
            lists: ['input@lists.example.org'],
            stopped: [],
            isEntryOff: false,
          }
        : { ok: false, why: 'nothing of yours waits for that token' },
    stop: (address, sections) => void note(['stop', address, ...sections].join(' ')),
  };
});

/** What comes of a line in answer to the patch and our reply to it, or to nothing. */
function give(line: string, sender: string, references: readonly string[] = [PATCH, REPLY]): Promise<Done> {
  const message = { references, from: { name: '', address: sender } } as unknown as Message;
  return obey(commandsIn(line)[0]!, { message, sender }, deeds, BOT);
}

const CHECKED = 'check {} before all others';
describe.each<[string, string, Readonly<Record<string, string | undefined>>]>([
  [
    'somebody with an entry',
    MEMBER,
    {
      check: CHECKED,
      explain: CHECKED,
      invalid: `invalid ${REPLY} by ${MEMBER}, discard`,
      send: 'send',
      discard: 'discard',
      'ignore lost-symbol': `ignore lost-symbol ${MEMBER} `,
      stop: `stop ${MEMBER}`,
      start: undefined,
    },
  ],
  [
    'a maintainer of the files',
    MAINTAINER,
    {
      check: CHECKED,
      explain: CHECKED,
      invalid: `invalid ${REPLY} by ${MAINTAINER}, discard`,
      send: 'send',
      discard: 'discard',
      'ignore lost-symbol': `ignore lost-symbol ${MAINTAINER} INPUT DRIVERS`,
      'ignore lost-symbol off': `heed lost-symbol ${MAINTAINER}`,
      stop: `stop ${MAINTAINER}, stop ${MAINTAINER} INPUT DRIVERS`,
      start: `start ${MAINTAINER} INPUT DRIVERS`,
      'start INPUT CORE': `start ${MAINTAINER} INPUT CORE`,
      'stop INPUT CORE': `stop ${MAINTAINER}, stop ${MAINTAINER} INPUT CORE`,
      [`confirm ${TOKEN}`]: `confirm ${MAINTAINER}`,
    },
  ],
  [
    'a reviewer of the files',
    REVIEWER,
    {
      check: CHECKED,
      explain: CHECKED,
      invalid: `invalid ${REPLY} by ${REVIEWER}, discard`,
      send: undefined,
      discard: undefined,
      stop: `stop ${REVIEWER}`,
      start: `start ${REVIEWER} INPUT DRIVERS`,
      'start INPUT CORE': undefined,
      [`confirm ${TOKEN}`]: undefined,
    },
  ],
  [
    'the author of the series',
    AUTHOR,
    {
      check: 'check {}',
      explain: 'check {}',
      invalid: undefined,
      send: undefined,
      discard: undefined,
      'ignore lost-symbol': undefined,
      start: undefined,
      stop: `stop ${AUTHOR}`,
    },
  ],
  [
    'anybody else',
    NOBODY,
    {
      check: undefined,
      explain: undefined,
      invalid: undefined,
      send: undefined,
      discard: undefined,
      'ignore lost-symbol': undefined,
      start: undefined,
      'start INPUT DRIVERS': undefined,
      [`confirm ${TOKEN}`]: undefined,
      stop: `stop ${NOBODY}`,
    },
  ],
])('%s', (_, sender, expected) => {
  test.each(Object.entries(expected))('says "%s": %s', async (words, deed) => {
    const done = await give(`#depbot ${words}`, sender);
    expect(did.join(', ')).toBe(deed ?? '');
    // Who is not obeyed is told why.
    if (deed === undefined) expect(done.say.join()).toMatch(/\w{3}/);
    expect(done.isForbidden ?? false).toBe(sender === NOBODY && deed === undefined);
  });
});

test('a draft that is called a false alarm is discarded', async () => {
  deeds = { ...deeds, draftOwners: (id) => (id === REPLY ? [MEMBER] : undefined) };
  const { say } = await give('#depbot invalid', MEMBER);
  expect(did).toEqual([`invalid ${REPLY} by ${MEMBER}`, 'discard']);
  expect(say.join()).toMatch(/The draft is discarded\.$/);
});

describe('a draft that tells of two things', () => {
  beforeEach(() => {
    deeds = { ...deeds, toldRules: () => ['lost-symbol', 'unmet-select'] };
  });

  test.each([
    ['', 'say which one is false, as in "invalid lost-symbol"; there are: lost-symbol, unmet-select'],
    [' recursion', '"invalid" takes rules that my mail tells of; there are: lost-symbol, unmet-select'],
    [' lost-symbol, please', '"invalid" takes rules that my mail tells of'],
  ])('is left as it is on "invalid%s"', async (words, why) => {
    expect((await give(`#depbot invalid${words}`, MEMBER)).say.join()).toContain(`Nothing was done: ${why}`);
    expect(did).toEqual([]);
  });

  test('of which one is a false alarm stays for the other', async () => {
    expect((await give('#depbot invalid lost-symbol', MEMBER)).say.join()).toMatch(
      /false alarm \(lost-symbol\).* unmet-select, too, and stays: edit it/,
    );
    expect(did).toEqual([`invalid ${REPLY} by ${MEMBER}`]);
  });

  test('which both are false alarms is discarded', async () => {
    await give('#depbot invalid unmet-select lost-symbol', MEMBER);
    expect(did).toEqual([`invalid ${REPLY} by ${MEMBER}`, 'discard']);
  });
});

test('a draft that cannot be discarded is said to stay', async () => {
  deeds = { ...deeds, discard: async () => ({ ok: false, why: 'it was sent' }) };
  expect((await give('#depbot invalid', MEMBER)).say.join()).toMatch(/ The draft is not discarded: it was sent\.$/);
});

test('a reply that was sent, and is called a false alarm, is noted alone', async () => {
  deeds = { ...deeds, draftOwners: () => undefined };
  const { say } = await give('#depbot invalid', MEMBER);
  expect([did, say.join()]).toEqual([[`invalid ${REPLY} by ${MEMBER}`], expect.stringMatching(/counted\.$/)]);
});

describe('to stop', () => {
  test.each(['stop', 'stop now, please', 'Stop.'])('works at once, as %j', async (words) => {
    await give(`#depbot ${words}`, NOBODY);
    expect(did).toEqual([`stop ${NOBODY}`]);
  });

  test('stops no section but the one that is named, and says that a name is unknown', async () => {
    const { say } = await give('#depbot stop INPUT CODE', MAINTAINER);
    expect(did).toEqual([`stop ${MAINTAINER}`]);
    expect(say.join('\n')).toContain(
      'MAINTAINERS has no section "INPUT CODE" with you as maintainer: no section is stopped.',
    );
    expect((await give('#depbot stop please', NOBODY)).say).toHaveLength(1);
  });

  test('works also when the tree cannot be read, and is tried again for the rest', async () => {
    deeds = { ...deeds, concern: async () => Promise.reject(new Error('git: no such tree')) };
    await expect(give('#depbot stop', MAINTAINER)).rejects.toThrow('no such tree');
    expect(did).toEqual([`stop ${MAINTAINER}`]);
  });
});

describe('an order', () => {
  test('that answers no series of ours has no authority but that of an entry', async () => {
    for (const words of ['check', 'invalid', 'ignore lost-symbol', 'send']) {
      const done = await give(`#depbot ${words}`, MAINTAINER, []);
      expect([done.say, done.isForbidden]).toEqual([[expect.stringContaining('do not have the series')], undefined]);
      expect((await give(`#depbot ${words}`, NOBODY, [])).isForbidden).toBe(true);
    }
    expect((await give('#depbot check', MEMBER, [])).say).toEqual([expect.stringContaining('do not have the series')]);
    await give('#depbot stop', MAINTAINER, []);
    expect(did).toEqual([`stop ${MAINTAINER}`]);
  });

  test.each(['help', 'frobnicate'])(
    '%s is answered to who is in MAINTAINERS, whatever the mail answers',
    async (words) => {
      for (const references of [[], ['unknown@example.org'], [PATCH]])
        expect((await give(`#depbot ${words}`, MAINTAINER, references)).say.join()).toContain('I obey these lines');
      expect((await give(`#depbot ${words}`, NOBODY, [])).isForbidden).toBe(true);
    },
  );

  test('to start without a series is about all sections that name the sender', async () => {
    await give('#depbot start', MAINTAINER, []);
    expect(did).toEqual([`start ${MAINTAINER} INPUT DRIVERS, INPUT CORE`]);
  });

  test('to start is answered with a token, and with a line that is not obeyed when it is quoted or cited', async () => {
    const { say } = await give('#depbot start', MAINTAINER);
    expect(say.join('\n\n')).toContain(`#depbot confirm ${TOKEN}`);
    expect(commandsIn(say.join('\n\n'))).toEqual([]);
  });

  test.each([
    ['ignore', 'takes the name of one rule, and "off" behind it to undo that; there are: lost-symbol, unmet-select'],
    ['ignore lost-symbl', 'did you mean lost-symbol?'],
    ['ignore lost-symbol unmet-select', 'takes the name of one rule'],
    ['send tomorrow please', 'send takes no arguments'],
    ['discard the old one', 'discard takes no arguments'],
    ['explain me', 'explain takes no arguments'],
    ['check now', 'check takes base=, arch=, config= and verbose, each once'],
    ['check base=../x', 'base= takes the name of a commit'],
    ['frobnicate', 'I do not know the command "frobnicate"'],
  ])('%s is answered with what is wrong, and nothing is done', async (words, said) => {
    const done = await give(`#depbot ${words}`, MEMBER);
    expect(done.say[0]).toContain(said);
    expect(did).toEqual([]);
  });

  test('to check hands on what is asked for, as data', async () => {
    await give('#depbot check base=v6.12~2 arch=x86_64,arm config=PCI=y,CONFIG_SMP=n verbose', MEMBER);
    expect(did).toEqual([
      'check {"base":"v6.12~2","archs":["x86","arm"],"config":{"settings":["PCI=y","SMP=n"]}} before all others',
    ]);
  });

  test('about a series with a hole names the patch that is missing', async () => {
    const part: PartialSeries = { ...sampleSeries, complete: false, have: [], total: 4, missing: [2] };
    deeds = { ...deeds, concern: async () => ({ series: part, isAuthor: false, sections: [] }) };
    expect((await give('#depbot check', MEMBER)).say).toEqual([expect.stringContaining('patch 2 of 4 has not come')]);
  });
});

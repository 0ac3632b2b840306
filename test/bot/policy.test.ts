import { describe, expect, test } from 'vitest';
import { Maintainers } from '../../bot/maintainers.ts';
import {
  type Audience,
  audienceOf,
  deliveryOf,
  everyoneIn,
  isOptedIn,
  isWanted,
  type Maintainer,
  type Policy,
  treesOf,
} from '../../bot/policy.ts';
import type { Address, Message, Patch, Series } from '../../rules/types.ts';
import { entryOf as entry, policyOf } from '../support/policy.ts';
import { recursion, sampleSeries } from '../support/sample-report.ts';
import { create, mail, tinyPatch } from '../support/tiny-series.ts';

const at = (address: string, name = ''): Address => ({ name, address });
const INPUT = 'linux-input@vger.kernel.org';

/** A patch that creates the paths, sent as said. */
function patchOf(paths: readonly string[], message: Partial<Message> = {}, n = 1): Patch {
  const patch = tinyPatch(mail(paths.map((path) => create(path)).join('')), n, 2);
  return { ...patch, message: { ...patch.message, ...message } };
}

describe('audienceOf', () => {
  const touched = ['drivers/input/a.c'];
  const audience = (patch: Patch, entries = [entry()], ...stopped: string[]): Audience | undefined =>
    audienceOf(patch, policyOf(entries, { stoppedAddresses: new Set(stopped) }));

  test.each([
    ['a list in To', { to: [at(INPUT)] }, false],
    ['a list in Cc', { cc: [at('x@example.org'), at(INPUT)] }, false],
    ['a list in other letters', { cc: [at('Linux-Input@VGER.kernel.org')] }, false],
    ['a List-Id', { listIds: ['linux-input.vger.kernel.org'] }, true],
    ['a List-Id in other letters', { listIds: ['Linux-Input.vger.kernel.org'] }, true],
  ])('takes %s', (_, message, cameByList) => {
    expect(audience(patchOf(touched, message))).toEqual({
      mode: 'draft',
      maintainers: ['max@example.org'],
      previews: [],
      cameByList,
      because: `drivers/input/ on ${INPUT} (max@example.org, depbot.toml:7)`,
      entries: [entry()],
    });
  });

  test.each([
    ['another list', { to: [at('linux-kernel@vger.kernel.org')] }],
    ['a list whose address has this one in it', { to: [at(`x${INPUT}`), at(`${INPUT}.example.org`)] }],
    ['a name that is the list', { to: [at('x@example.org', INPUT)] }],
    ['a List-Id with more in it', { listIds: ['x.linux-input.vger.kernel.org'] }],
    ['a sender that is the list', { from: at(INPUT) }],
  ])('does not take %s', (_, message) => {
    expect(audience(patchOf(touched, message))).toBeUndefined();
  });

  test('needs a path as well as a list', () => {
    const sent = { to: [at(INPUT)] };
    expect(audience(patchOf(['drivers/hid/a.c'], sent))).toBeUndefined();
    expect(audience(patchOf(touched, sent), [])).toBeUndefined();
    expect(audience(patchOf(touched, sent))).toBeDefined();
  });

  test('does not put list and path of different entries together', () => {
    const both = [entry({ paths: ['fs/'] }), entry({ lists: ['other@example.org'] })];
    expect(audience(patchOf(touched, { to: [at(INPUT)] }), both)).toBeUndefined();
  });

  test.each([
    ['old', { oldPath: 'drivers/input/a.c', newPath: 'fs/a.c' }],
    ['new', { oldPath: 'fs/a.c', newPath: 'drivers/input/a.c' }],
  ])('takes the %s path of a rename', (_, paths) => {
    const patch = patchOf(['x'], { to: [at(INPUT)] });
    expect(audience({ ...patch, diff: [{ ...patch.diff[0]!, kind: 'rename' as const, ...paths }] })).toBeDefined();
  });

  test.each([
    [['list'], 'list'],
    [['list', 'private'], 'private'],
    [['private', 'list', 'draft'], 'draft'],
    [['list', 'author'], 'author'],
    [['author', 'private'], 'private'],
    [['list', 'list'], 'list'],
  ] as const)('of %j the quietest mode holds: %s', (modes, mode) => {
    const entries = modes.map((one, i) => entry({ mode: one, address: `m${i}@example.org` }));
    const found = audience(patchOf(touched, { to: [at(INPUT)] }), entries);
    expect(found?.mode).toBe(mode);
    expect(found?.maintainers).toEqual(entries.map(({ address }) => address));
    expect(found?.because.split('; ')).toHaveLength(modes.length);
  });

  test('an entry that does not cover the patch quietens nothing, and an address counts once', () => {
    const entries = [
      entry({ mode: 'list' }),
      entry({ mode: 'list', address: 'MAX@example.org', paths: ['drivers/input/a.c'] }),
      entry({ mode: 'draft', address: 'other@example.org', paths: ['fs/'] }),
    ];
    const found = audience(patchOf(touched, { to: [at(INPUT)] }), entries);
    expect(found?.mode).toBe('list');
    expect(found?.maintainers).toHaveLength(1);
  });

  test('drafts are shown by mail to those who want it, each once, and not to who said stop', () => {
    const entries = [
      entry({ address: 'no@example.org' }),
      entry({ address: 'yes@example.org', preview: true }),
      entry({ address: 'Yes@example.org', preview: true, paths: ['drivers/input/a.c'] }),
      entry({ address: 'stopped@example.org', preview: true }),
      entry({ address: 'elsewhere@example.org', preview: true, paths: ['fs/'] }),
    ];
    const found = audience(patchOf(touched, { to: [at(INPUT)] }), entries, 'stopped@example.org');
    expect(found?.previews.map((address) => address.toLowerCase())).toEqual(['yes@example.org']);
  });

  test('a maintainer who said stop hears nothing, and still does not make us louder', () => {
    const entries = [entry({ address: 'Quiet@example.org' }), entry({ mode: 'list', address: 'loud@example.org' })];
    const patch = patchOf(touched, { to: [at(INPUT)] });
    expect(audience(patch, entries, 'quiet@example.org')).toMatchObject({
      mode: 'draft',
      maintainers: ['loud@example.org'],
      because: `drivers/input/ on ${INPUT} (loud@example.org, depbot.toml:7)`,
    });
    expect(audience(patch, entries, 'quiet@example.org', 'loud@example.org')).toBeUndefined();
  });
});

describe('sections of MAINTAINERS', () => {
  const maintainers = Maintainers.parse(
    [
      'INPUT DRIVERS',
      'M:\tIda <ida@example.org>',
      'F:\tdrivers/input/',
      'X:\tdrivers/input/mouse/',
      '',
      'PWM USERS',
      'K:\tpwm_(get|apply)',
      '',
      'ROCKET SUPPORT',
      'N:\trocket',
    ].join('\n'),
    () => false,
  );
  const ask = (sections: string[], patch: Patch, more: Partial<Policy> = {}): Audience | undefined =>
    audienceOf(patch, policyOf([entry({ paths: [], sections, mode: 'list' })], { maintainers, ...more }));
  const sent = { to: [at(INPUT)] };

  test.each<[string, string[], string, string, boolean]>([
    ['F:', ['INPUT DRIVERS'], 'drivers/input/a.c', 'x', true],
    ['X:', ['INPUT DRIVERS'], 'drivers/input/mouse/a.c', 'x', false],
    ['N:', ['ROCKET SUPPORT'], 'arch/arm/mach-rocket/a.c', 'x', true],
    ['K: in an added line', ['PWM USERS'], 'fs/a.c', 'pwm_get(0);', true],
    ['K: in no line', ['PWM USERS'], 'fs/a.c', 'pwm_put(0);', false],
    ['another section', ['ROCKET SUPPORT'], 'drivers/input/a.c', 'x', false],
    ['a section that is not there', ['INPUT'], 'drivers/input/a.c', 'x', false],
  ])('cover by %s', (_, sections, path, text, expected) => {
    const patch = tinyPatch(mail(create(path, text)), 1, 1);
    const found = ask(sections, { ...patch, message: { ...patch.message, ...sent } });
    expect(found !== undefined).toBe(expected);
    if (expected) expect(found!.because).toBe(`section ${sections[0]} on ${INPUT} (max@example.org, depbot.toml:7)`);
  });

  test('that said stop cover nothing, and make a reply by another entry private at the loudest', () => {
    const patch = patchOf(['drivers/input/a.c'], sent);
    const more = { maintainers, stoppedSections: new Set(['INPUT DRIVERS']) };
    expect(ask(['INPUT DRIVERS'], patch, more)).toBeUndefined();
    const modeOf = (mode: Maintainer['mode'], touched: Patch): string | undefined =>
      audienceOf(touched, policyOf([entry({ mode })], more))?.mode;
    expect([modeOf('list', patch), modeOf('author', patch), modeOf('draft', patch)]).toEqual([
      'private',
      'private',
      'draft',
    ]);
    expect(modeOf('list', patchOf(['drivers/input/mouse/b.c'], sent))).toBe('list');
  });
});

describe('isWanted', () => {
  const audience = (...entries: Maintainer[]): Audience => ({
    mode: 'draft',
    maintainers: [],
    previews: [],
    cameByList: true,
    because: '',
    entries,
  });

  test('leaves out what one of the entries does not want', () => {
    const loud = entry();
    expect(isWanted(recursion, audience(loud))).toBe(true);
    const quiet: Partial<Maintainer>[] = [
      { rules: ['lost-symbol'] },
      { severities: recursion.severity === 'error' ? ['regression'] : ['error'] },
      { least_rung: recursion.verification.rung + 1 },
    ];
    for (const more of quiet) expect(isWanted(recursion, audience(loud, entry(more)))).toBe(false);
    const all = { rules: [recursion.rule], severities: [recursion.severity], least_rung: recursion.verification.rung };
    expect(isWanted(recursion, audience(loud, entry(all)))).toBe(true);
  });
});

describe('deliveryOf', () => {
  const bot = 'depbot@example.org';
  const now = new Date('2026-11-22T10:00:00Z');
  const daysAgo = (days: number): string => new Date(now.getTime() - days * 86_400_000).toISOString();
  const left = (...stopped: string[]) => ({ bot, stopped: new Set(stopped) });
  const audience: Audience = {
    mode: 'list',
    maintainers: ['max@example.org', 'mia@example.org'],
    previews: [],
    cameByList: true,
    because: '',
    entries: [],
  };
  const message: Message = {
    ...patchOf(['x']).message,
    date: daysAgo(1),
    from: at('ann@example.org', 'Ann'),
    to: [at('bo@example.org', 'Bo'), at(INPUT)],
    cc: [at('BO@example.org'), at('Ann@Example.org'), at('Depbot@example.org'), at('"no one"@example.org')],
  };
  const many = (count: number): Message => ({
    ...message,
    to: [],
    cc: Array.from({ length: count - 1 }, (_, i) => at(`p${i}@example.org`)),
  });
  const addresses = (list: readonly Address[] | undefined): string[] => (list ?? []).map(({ address }) => address);

  test.each(['list', 'draft'] as const)('%s: To the sender, Cc everybody else once, without the bot', (mode) => {
    const delivery = deliveryOf(message, { ...audience, mode }, left(), now);
    expect(delivery?.mode).toBe(mode);
    expect(delivery?.to).toEqual([at('ann@example.org', 'Ann')]);
    expect(addresses(delivery?.cc).map((address) => address.toLowerCase())).toEqual(['bo@example.org', INPUT]);
  });

  test('private: the maintainers, and nobody of the mail', () => {
    const delivery = deliveryOf(message, { ...audience, mode: 'private' }, left(), now);
    expect(addresses(delivery?.to)).toEqual(['max@example.org', 'mia@example.org']);
    expect(delivery?.cc).toEqual([]);
  });

  test('author: the sender, with the maintainers in Cc, and nobody else of the mail', () => {
    const delivery = deliveryOf(message, { ...audience, mode: 'author' }, left(), now);
    expect(addresses(delivery?.to)).toEqual(['ann@example.org']);
    expect(addresses(delivery?.cc)).toEqual(['max@example.org', 'mia@example.org']);
    const own = deliveryOf({ ...message, from: at('max@example.org') }, { ...audience, mode: 'author' }, left(), now);
    expect([addresses(own?.to), addresses(own?.cc)]).toEqual([['max@example.org'], ['mia@example.org']]);
    const forged = deliveryOf(message, { ...audience, mode: 'author', cameByList: false }, left(), now);
    expect(forged).toMatchObject({ mode: 'private', notToAll: expect.stringContaining('did not come by the list') });
  });

  describe('a patch that somebody else has sent', () => {
    const person = at('jane@example.com', 'Jane');
    const relay = at('devnull+jane.example.com@kernel.org', 'Jane via B4 Relay');
    const list = { from: at(INPUT, 'Jane via Linux-input'), listIds: ['linux-input.vger.kernel.org'] };
    const inBody = `From: Jane <jane@example.com>\n\n${mail(create('x'))}`;

    test.each<[string, Partial<Message>]>([
      ['of a relay', { from: relay, replyTo: [person] }],
      ['of a relay, by the text', { from: relay, body: inBody }],
      ['of a list', { ...list, replyTo: [at(INPUT), person] }],
      ['of a list, by the text', { ...list, replyTo: [at(INPUT)], body: inBody }],
    ])('%s is answered to its sender', (_, more) => {
      for (const mode of ['list', 'author', 'draft'] as const) {
        const delivery = deliveryOf({ ...message, ...more }, { ...audience, mode }, left(), now);
        expect(delivery).toMatchObject({ mode, to: [person] });
        expect(addresses(delivery?.cc)).not.toContain(relay.address);
      }
    });

    test.each<[string, Partial<Message>]>([
      ['a relay', { from: relay }],
      ['a list', list],
    ])('and %s that does not say for whom is answered privately, or as a draft', (_, more) => {
      for (const mode of ['list', 'author'] as const) {
        const delivery = deliveryOf({ ...message, ...more }, { ...audience, mode }, left(), now);
        expect(delivery).toMatchObject({ mode: 'private', notToAll: expect.stringContaining('does not say for whom') });
      }
      expect(deliveryOf({ ...message, ...more }, { ...audience, mode: 'draft' }, left(), now)?.mode).toBe('draft');
    });
  });

  test('never writes to an address of a reply to all that is not in From, To or Cc of the patch', () => {
    const odd = {
      ...message,
      listIds: ['eve.example.org'],
      references: ['eve@example.org'],
      body: 'Cc: eve@example.org',
    };
    const delivery = deliveryOf(odd, audience, left(), now)!;
    const named = addresses([odd.from, ...odd.to, ...odd.cc]);
    for (const address of addresses([...delivery.to, ...delivery.cc])) expect(named).toContain(address);
  });

  test.each<[string, Message, Partial<Audience>, RegExp]>([
    ['did not come by the list', message, { cameByList: false }, /did not come by the list/],
    ['has 31 recipients', many(31), {}, /^the patch has 31 recipients, more than 30$/],
    ['is 15 days old', { ...message, date: daysAgo(15) }, {}, /not within 14 days/],
    ['is from the future', { ...message, date: daysAgo(-15) }, {}, /not within 14 days/],
    ['has a Date that nobody can read', { ...patchOf(['x']).message, cc: message.cc }, {}, /\(none\)/],
  ])('a reply to all is private where the patch %s', (_, mail, more, why) => {
    const { date, ...undated } = mail;
    const patch = why.source.includes('none') ? undated : { ...undated, ...(date !== undefined && { date }) };
    const delivery = deliveryOf(patch, { ...audience, ...more }, left(), now);
    expect(delivery).toMatchObject({ mode: 'private', cc: [], notToAll: expect.stringMatching(why) });
    expect(addresses(delivery?.to)).toEqual(audience.maintainers);
    // A draft has a person before it.
    expect(deliveryOf(patch, { ...audience, ...more, mode: 'draft' }, left(), now)?.mode).toBe('draft');
  });

  test.each<[string, Message]>([
    ['has 30 recipients', many(30)],
    ['is 13 days old', { ...message, date: daysAgo(13) }],
  ])('a reply to all stays one where the patch %s', (_, mail) => {
    expect(deliveryOf(mail, audience, left(), now)).toMatchObject({
      mode: 'list',
      to: [{ address: 'ann@example.org' }],
    });
    expect(deliveryOf(mail, audience, left(), now)).not.toHaveProperty('notToAll');
  });

  test('leaves out who said stop, in any letters', () => {
    const without = left('BO@EXAMPLE.ORG', 'mia@example.org');
    expect(addresses(deliveryOf(message, audience, without, now)?.cc)).toEqual([INPUT]);
    const alone = deliveryOf(message, { ...audience, mode: 'private' }, without, now);
    expect(addresses(alone?.to)).toEqual(['max@example.org']);
  });

  test.each([
    ['the sender said stop', message, ['ann@example.org']],
    ['the sender is the bot', { ...message, from: at(bot) }, []],
    ['the sender cannot be written to', { ...message, from: at('ann @x') }, []],
  ])('is nothing where %s, although others are in Cc', (_, mail, stopped) => {
    expect(deliveryOf(mail, audience, left(...stopped), now)).toBeUndefined();
    expect(everyoneIn(mail, left(...stopped)).cc).not.toEqual([]);
  });
});

test('treesOf are the refs of entries that cover a patch of the series, each once, in the order of the file', () => {
  const nothing = Maintainers.parse('', () => false);
  const patches = [patchOf(['fs/a.c'], { to: [at(INPUT)] }), patchOf(['drivers/input/a.c'], { to: [at(INPUT)] })];
  const series = { ...sampleSeries, patches } as unknown as Series;
  const entries = [
    entry({ trees: ['input/next', 'v6.12'] }),
    entry({ trees: ['net/main'], paths: ['net/'] }),
    entry({ trees: ['v6.12', 'fs/next'], paths: ['fs/'] }),
    entry(),
  ];
  expect(treesOf(series, entries, nothing)).toEqual(['input/next', 'v6.12', 'fs/next']);
  expect(treesOf(series, [entry()], nothing)).toEqual([]);
});

describe('isOptedIn', () => {
  test('is true for an address of an entry in any letters, and for no other', () => {
    expect(isOptedIn('Max@Example.org', [entry()])).toBe(true);
    expect(isOptedIn('xmax@example.org', [entry()])).toBe(false);
    expect(isOptedIn(INPUT, [entry()])).toBe(false);
    expect(isOptedIn('max@example.org', [])).toBe(false);
  });
});

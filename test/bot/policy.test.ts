import { performance } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import { isPathPattern, pathMatcher } from '../../bot/path-pattern.ts';
import { audienceOf, everyoneIn, isOptedIn, type Maintainer, recipientsOf } from '../../bot/policy.ts';
import type { Address, Message, Patch, Series } from '../../rules/types.ts';
import { create, mail, tinyPatch } from '../support/tiny-series.ts';

const at = (address: string, name = ''): Address => ({ name, address });
const INPUT = 'linux-input@vger.kernel.org';

/** A patch that creates the paths, sent as said. */
function patchOf(paths: readonly string[], message: Partial<Message> = {}, n = 1): Patch {
  const patch = tinyPatch(mail(paths.map((path) => create(path)).join('')), n, 2);
  return { ...patch, message: { ...patch.message, ...message } };
}

function seriesOf(first: Patch, ...rest: Patch[]): Series {
  return {
    complete: true,
    id: first.message.messageId,
    revision: 1,
    subject: 'x',
    author: first.author,
    patches: [first, ...rest],
    tags: [],
    prerequisites: [],
    carriedOver: [],
    oddities: [],
  };
}

const entry = (more: Partial<Maintainer> = {}): Maintainer => ({
  address: 'max@example.org',
  lists: [INPUT],
  paths: ['drivers/input/'],
  mode: 'draft',
  ...more,
});

describe('pathMatcher', () => {
  test.each([
    ['drivers/net/', 'drivers/net/a.c', true],
    ['drivers/net/', 'drivers/net/b/a.c', true],
    ['drivers/net/', 'drivers/net', false],
    ['drivers/net/', 'drivers/network/a.c', false],
    ['drivers/net/', 'x/drivers/net/a.c', false],
    ['drivers/net/*', 'drivers/net/a.c', true],
    ['drivers/net/*', 'drivers/net/b/a.c', false],
    ['*/net/*', 'drivers/net/a.c', true],
    ['*/net/*', 'net/a.c', false],
    ['*/net/*', 'a/b/net/a.c', false],
    ['*/net/', 'drivers/net/b/c/a.c', true],
    ['*/net/', 'a/b/net/a.c', false],
    ['net/sched', 'net/sched/a/b.c', true],
    ['net/sched', 'net/sched', true],
    ['net/sched', 'net/sched_x.c', false],
    ['kernel/fork.c', 'kernel/fork.c', true],
    ['kernel/fork.c', 'kernel/fork_c', false],
    ['kernel/fork.c', 'kernel/fork.ch', false],
    ['lib/locking*.[ch]', 'lib/locking-selftest.c', true],
    ['lib/locking*.[ch]', 'lib/locking.h', true],
    ['lib/locking*.[ch]', 'lib/locking.S', false],
    ['lib/locking*.[ch]', 'lib/locking/a.c', false],
    ['sound/da[79]???*.c', 'sound/da9123.c', true],
    ['sound/da[79]???*.c', 'sound/da8123.c', false],
    ['a?b', 'a/b', false],
    ['a?b', 'aöb', true],
    ['a*b*c', 'abxbxc', true],
    ['a*b*c', 'abxbxcx', false],
    ['a*', 'a', true],
    ['*', 'Makefile', true],
    ['*', 'lib/Makefile', false],
    ['a.[0-3]', 'a.2', true],
    ['a.[0-3]', 'a.4', false],
    ['a+(b)', 'a+(b)', true],
  ])('%s and %s: %s', (pattern, path, expected) => {
    expect(isPathPattern(pattern)).toBe(true);
    expect(pathMatcher(pattern)(path)).toBe(expected);
  });

  test.each([
    '',
    '/drivers/',
    './drivers',
    '../x',
    'a/**',
    'a//b',
    'a[',
    'a]',
    'a[]',
    'a[z-a]',
    'a[^b]',
    'a\\b',
    'a\0',
  ])('%j is no pattern', (text) => {
    expect(isPathPattern(text)).toBe(false);
  });

  test('is quick on a path made to be slow', () => {
    const isMatch = pathMatcher(`${'*a'.repeat(20)}b`);
    const start = performance.now();
    expect(isMatch('a'.repeat(4096))).toBe(false);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('audienceOf', () => {
  const touched = ['drivers/input/a.c'];

  test.each([
    ['a list in To', { to: [at(INPUT)] }],
    ['a list in Cc', { cc: [at('x@example.org'), at(INPUT)] }],
    ['a list in other letters', { cc: [at('Linux-Input@VGER.kernel.org')] }],
    ['a List-Id', { listIds: ['linux-input.vger.kernel.org'] }],
    ['a List-Id in other letters', { listIds: ['Linux-Input.vger.kernel.org'] }],
  ])('takes %s', (_, message) => {
    expect(audienceOf(seriesOf(patchOf(touched, message)), [entry()])).toEqual({
      mode: 'draft',
      maintainers: ['max@example.org'],
      because: `drivers/input/ on ${INPUT} (max@example.org)`,
    });
  });

  test.each([
    ['another list', { to: [at('linux-kernel@vger.kernel.org')] }],
    ['a list whose address has this one in it', { to: [at(`x${INPUT}`), at(`${INPUT}.example.org`)] }],
    ['a name that is the list', { to: [at('x@example.org', INPUT)] }],
    ['a List-Id with more in it', { listIds: ['x.linux-input.vger.kernel.org'] }],
    ['a sender that is the list', { from: at(INPUT) }],
  ])('does not take %s', (_, message) => {
    expect(audienceOf(seriesOf(patchOf(touched, message)), [entry()])).toBeUndefined();
  });

  test('needs a path as well as a list', () => {
    const sent = { to: [at(INPUT)] };
    expect(audienceOf(seriesOf(patchOf(['drivers/hid/a.c'], sent)), [entry()])).toBeUndefined();
    expect(audienceOf(seriesOf(patchOf(touched, sent)), [])).toBeUndefined();
    expect(audienceOf(seriesOf(patchOf(touched, sent)), [entry()])).toBeDefined();
  });

  test('takes list and path from different mails, and the list from the cover letter', () => {
    const listed = patchOf(['fs/a.c'], { to: [at(INPUT)] });
    expect(audienceOf(seriesOf(listed, patchOf(touched, {}, 2)), [entry()])).toBeDefined();
    const cover = { ...listed.message, messageId: '0@example.org' };
    expect(audienceOf({ ...seriesOf(patchOf(touched)), cover }, [entry()])).toBeDefined();
    expect(audienceOf(seriesOf(patchOf(touched)), [entry()])).toBeUndefined();
  });

  test('does not put list and path of different entries together', () => {
    const both = [entry({ paths: ['fs/'] }), entry({ lists: ['other@example.org'] })];
    expect(audienceOf(seriesOf(patchOf(touched, { to: [at(INPUT)] })), both)).toBeUndefined();
  });

  test.each([
    ['old', { oldPath: 'drivers/input/a.c', newPath: 'fs/a.c' }],
    ['new', { oldPath: 'fs/a.c', newPath: 'drivers/input/a.c' }],
  ])('takes the %s path of a rename', (_, paths) => {
    const patch = patchOf(['x'], { to: [at(INPUT)] });
    const renamed = { ...patch, diff: [{ ...patch.diff[0]!, kind: 'rename' as const, ...paths }] };
    expect(audienceOf(seriesOf(renamed), [entry()])).toBeDefined();
  });

  test.each([
    [['list'], 'list'],
    [['list', 'private'], 'private'],
    [['private', 'list', 'draft'], 'draft'],
    [['list', 'list'], 'list'],
  ] as const)('of %j the quietest mode holds: %s', (modes, mode) => {
    const entries = modes.map((one, i) => entry({ mode: one, address: `m${i}@example.org` }));
    const audience = audienceOf(seriesOf(patchOf(touched, { to: [at(INPUT)] })), entries);
    expect(audience?.mode).toBe(mode);
    expect(audience?.maintainers).toEqual(entries.map(({ address }) => address));
    expect(audience?.because.split('; ')).toHaveLength(modes.length);
  });

  test('an entry that does not cover the series quietens nothing, and an address counts once', () => {
    const entries = [
      entry({ mode: 'list' }),
      entry({ mode: 'list', address: 'MAX@example.org', paths: ['drivers/input/a.c'] }),
      entry({ mode: 'draft', address: 'other@example.org', paths: ['fs/'] }),
    ];
    const audience = audienceOf(seriesOf(patchOf(touched, { to: [at(INPUT)] })), entries);
    expect(audience?.mode).toBe('list');
    expect(audience?.maintainers).toHaveLength(1);
  });
});

describe('recipientsOf', () => {
  const bot = 'depbot@example.org';
  const left = { bot, stopped: new Set<string>() };
  const audience = { mode: 'list' as const, maintainers: ['max@example.org', 'mia@example.org'], because: '' };
  const message: Message = {
    ...patchOf(['x']).message,
    from: at('ann@example.org', 'Ann'),
    to: [at('bo@example.org', 'Bo'), at(INPUT)],
    cc: [at('BO@example.org'), at('Ann@Example.org'), at('Depbot@example.org'), at('"no one"@example.org')],
  };
  const addresses = (list: readonly Address[] | undefined): string[] => (list ?? []).map(({ address }) => address);

  test.each(['list', 'draft'] as const)('%s: To the sender, Cc everybody else once, without the bot', (mode) => {
    const recipients = recipientsOf(mode, message, audience, left);
    expect(recipients?.to).toEqual([at('ann@example.org', 'Ann')]);
    expect(addresses(recipients?.cc).map((address) => address.toLowerCase())).toEqual(['bo@example.org', INPUT]);
  });

  test('private: the maintainers, and nobody of the mail', () => {
    const recipients = recipientsOf('private', message, audience, left);
    expect(addresses(recipients?.to)).toEqual(['max@example.org', 'mia@example.org']);
    expect(recipients?.cc).toEqual([]);
  });

  test('leaves out who said stop, in any letters', () => {
    const stopped = new Set(['BO@EXAMPLE.ORG', 'mia@example.org']);
    expect(addresses(recipientsOf('list', message, audience, { bot, stopped })?.cc)).toEqual([INPUT]);
    expect(addresses(recipientsOf('private', message, audience, { bot, stopped })?.to)).toEqual(['max@example.org']);
  });

  test.each([
    ['the sender said stop', message, ['ann@example.org']],
    ['the sender is the bot', { ...message, from: at(bot) }, []],
    ['the sender cannot be written to', { ...message, from: at('ann @x') }, []],
  ])('is nobody where %s, although others are in Cc', (_, mail, stopped) => {
    expect(recipientsOf('list', mail, audience, { bot, stopped: new Set(stopped) })).toBeUndefined();
    expect(everyoneIn(mail, { bot, stopped: new Set(stopped) }).cc).not.toEqual([]);
  });

  test('is nobody where all maintainers said stop', () => {
    const stopped = new Set(audience.maintainers);
    expect(recipientsOf('private', message, audience, { bot, stopped })).toBeUndefined();
  });
});

describe('isOptedIn', () => {
  test('is true for an address of an entry in any letters, and for no other', () => {
    expect(isOptedIn('Max@Example.org', [entry()])).toBe(true);
    expect(isOptedIn('xmax@example.org', [entry()])).toBe(false);
    expect(isOptedIn(INPUT, [entry()])).toBe(false);
    expect(isOptedIn('max@example.org', [])).toBe(false);
  });
});

/**
 * A v2 that comes at each moment of the life of v1, with real servers and a queue that stops at that moment: in the
 * end v2 has its reply, and v1 none, unless it was out by then. And forged copies that come at such moments.
 * Above 400 lines: all of it needs this one service.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfigFile } from '../../bot/config.ts';
import { Docket } from '../../bot/docket.ts';
import { Maintainers } from '../../bot/maintainers.ts';
import { Outbox, type State } from '../../bot/outbox.ts';
import { serveSettings } from '../../bot/serve-settings.ts';
import { Service } from '../../bot/service.ts';
import { seriesKey } from '../../queue/jobs.ts';
import type { Series } from '../../rules/types.ts';
import { HeldQueue } from '../support/held-queue.ts';
import { recursion, sampleSeries } from '../support/sample-report.ts';
import { Town, until } from './town.ts';

const LIST = 'linux-hwmon@vger.kernel.org';
const MAINTAINER = 'maintainer@example.com';
const LIMIT_MS = 30_000;
/** The last one of the sample is no patch. */
const PATCHES = sampleSeries.patches.slice(0, -1);
/** The patch with the finding. */
const FOUND = recursion.anchor.patch;

let dir: string;
let town: Town;
let queue: HeldQueue;
let lines: string[];
/** What the service waits for before it knows who asked. */
let policyGate: Promise<unknown> | undefined;
let stopping: AbortController;
let running: Promise<void>;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'db-'));
  queue = new HeldQueue();
  lines = [];
  policyGate = undefined;
  stopping = new AbortController();
});
afterEach(async () => {
  stopping.abort();
  await running;
  await town.close();
  rmSync(dir, { recursive: true, force: true });
});

async function serve(mode: 'draft' | 'private'): Promise<void> {
  town = await Town.build({ dir, tree: dir, maintainer: MAINTAINER, list: LIST, mode });
  start();
}

/** The same service anew, with `meanwhile` done while it is down. */
async function restart(meanwhile: () => void): Promise<void> {
  stopping.abort();
  await running;
  meanwhile();
  stopping = new AbortController();
  start();
}

function start(): void {
  const say = (text: string): void => void lines.push(text);
  const service = new Service({
    settings: serveSettings(readConfigFile(town.config), town.env, town.config),
    state: join(dir, 'service'),
    log: { info: say, warn: say },
    world: { now: () => performance.now(), date: () => new Date(), stop: stopping.signal },
    queue,
    maintainers: {
      async current() {
        await policyGate;
        return Maintainers.parse('', () => false);
      },
    },
  });
  running = service.run(stopping.signal).finally(() => service.close());
}

const idOf = (revision: number, n: number): string => `v${revision}-${n}@example.org`;
const keyOf = (revision: number): string =>
  seriesKey({
    patches: PATCHES.map(({ n }) => ({ message: { messageId: idOf(revision, n) } })),
  } as unknown as Series);

const fieldsOf = (revision: number, n: number, title: string, root: number): string[] => [
  'From: Jane Doe <jane@example.org>',
  `To: ${LIST}`,
  `List-Id: <${LIST.replace('@', '.')}>`,
  `Subject: [PATCH${revision === 1 ? '' : ` v${revision}`} ${n}/${PATCHES.length}] ${title}`,
  `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
  `Message-ID: <${idOf(revision, n)}>`,
  ...(n === root ? [] : [`In-Reply-To: <${idOf(revision, root)}>`, `References: <${idOf(revision, root)}>`]),
  'Content-Type: text/plain; charset=utf-8',
];
const arrives = (fields: readonly string[], body: string): void =>
  town.deliver(Buffer.from(`${fields.join('\n')}\n\n${body}`.replaceAll(/\r?\n/g, '\r\n')));

/** The cover letter of a series arrives, or all patches, below it. */
const postCover = (revision: number): void => arrives(fieldsOf(revision, 0, 'All of it', 0), 'What this is about.\n');
function postBelowCover(revision: number): void {
  for (const { n, title, message } of PATCHES) arrives(fieldsOf(revision, n, title, 0), message.body);
}

/** Mails of the series arrive, all or some of its patches. */
function post(revision: number, ...only: readonly number[]): void {
  for (const { n, title, message } of PATCHES) {
    if (only.length > 0 && !only.includes(n)) continue;
    arrives(fieldsOf(revision, n, title, 1), message.body);
  }
}

const wait = <T>(what: string, look: () => T | undefined | false): Promise<T> =>
  until(what, look, LIMIT_MS, () => lines.join('\n'));
const docket = (): Docket => new Docket(join(dir, 'service/jobs'));
const hasCome = (revision: number): Promise<boolean> => wait(`v${revision}`, () => docket().isKnown(keyOf(revision)));
/** The revisions that are answered, in this order: by drafts, and by mails. */
const answersIn = (texts: readonly string[]): string[] =>
  texts.flatMap((text) => /^In-Reply-To:\s*<(v\d)-\d@example\.org>/im.exec(text)?.[1] ?? []).sort();
const drafted = (): string[] => answersIn(town.drafts());
const mailed = (): string[] => answersIn(town.mails.map(({ raw }) => raw.toString()));
function stateOfReply(revision: number): State | undefined {
  const outbox = new Outbox(join(dir, 'service/outbox'), { info: () => undefined, warn: () => undefined }, 'look');
  const all: readonly State[] = ['to-draft', 'drafted', 'to-send', 'sending', 'accepted', 'sent', 'held', 'discarded'];
  return all.find((state) => outbox.list(state).some(({ answers }) => answers === idOf(revision, FOUND)));
}
const isIn = (revision: number, state: State): Promise<boolean> =>
  wait(`v${revision} ${state}`, () => stateOfReply(revision) === state);
/** Nothing is left of the withdrawal. */
const isSettled = (): Promise<boolean> =>
  wait('the end of the withdrawal', () => !existsSync(join(dir, 'service/outbox/withdrawn', keyOf(1))));

test('what could not be built is told who asks, tried anew at each "#depbot check", and has no second reply', async () => {
  await serve('draft');
  queue.fault = 'make took too long';
  post(1);
  await isIn(1, 'drafted');
  const answers = async (count: number): Promise<string[]> => {
    // what was signed within a second is the same mail but for its text
    await town.command(`#depbot check\n\nThis is number ${count}.`, idOf(1, 1));
    const found = await wait(`answer ${count}`, () => {
      const all = town.mails.filter(({ raw }) => raw.toString().includes('> #depbot check'));
      return all.length === count && all;
    });
    return found.map(({ raw }) => /make took too long/.exec(raw.toString())?.[0] ?? 'built');
  };
  expect(await answers(1)).toEqual(['make took too long']);
  queue.fault = undefined;
  expect(await answers(2)).toEqual(['make took too long', 'built']);
  queue.fault = 'make is not asked again';
  expect(await answers(3)).toEqual(['make took too long', 'built', 'built']);
  expect([drafted(), docket().keys('reports').length]).toEqual([['v1'], 2]);
});

describe('v2 comes while v1', () => {
  test('lacks a patch: that opens nothing any more when it comes', async () => {
    await serve('draft');
    post(1, 1, 2);
    post(2);
    await isIn(2, 'drafted');
    post(1, 3);
    town.deliver(Buffer.from('From: a@x.example\r\nMessage-ID: <marker@x.example>\r\n\r\n#depbot help\r\n'));
    await wait('the marker', () => lines.find((line) => line.includes('marker@x.example')));
    expect([docket().isKnown(keyOf(1)), drafted()]).toEqual([false, ['v2']]);
  });

  test('lacks a patch, and is asked for when that has come: the report is private', async () => {
    await serve('draft');
    post(1, 1, 2);
    post(2);
    await isIn(2, 'drafted');
    post(1, 3);
    await town.command('#depbot check', idOf(1, 1));
    await wait('the report', () => town.mails.find(({ raw }) => raw.toString().includes('#depbot check')));
    expect([docket().isKnown(keyOf(1)), stateOfReply(1), drafted()]).toEqual([false, undefined, ['v2']]);
  });

  test('is in a queue that is away for a while: it is called off later', async () => {
    await serve('draft');
    queue.held.set(keyOf(1), 'active');
    post(1);
    await wait('v1 in the queue', () => queue.jobs.has(keyOf(1)));
    queue.isAway = true;
    post(2);
    await wait('the attempt', () => queue.refused > 0);
    expect(queue.forgotten.has(keyOf(1))).toBe(false);
    queue.isAway = false;
    await isIn(2, 'drafted');
    expect(queue.forgotten.has(keyOf(1))).toBe(true);
  });

  test.each(['waiting', 'active'] as const)('is %s in the queue: it is called off', async (state) => {
    await serve('draft');
    queue.held.set(keyOf(1), state);
    post(1);
    await wait('v1 in the queue', () => queue.jobs.has(keyOf(1)));
    post(2);
    await isIn(2, 'drafted');
    expect(queue.forgotten.has(keyOf(1))).toBe(true);
    expect([stateOfReply(1), drafted(), docket().isClosed(keyOf(1))]).toEqual([undefined, ['v2'], true]);
    expect(docket().report(keyOf(1))?.cannotCheck?.why).toContain('supersedes it');
  });

  test('has a report on its way from the queue: it makes no reply', async () => {
    await serve('draft');
    const gate = Promise.withResolvers<void>();
    queue.held.set(keyOf(1), gate.promise);
    post(1);
    await wait('v1 in the queue', () => queue.jobs.has(keyOf(1)));
    post(2);
    await hasCome(2);
    gate.resolve();
    await isIn(2, 'drafted');
    expect([stateOfReply(1), drafted(), docket().isClosed(keyOf(1))]).toEqual([undefined, ['v2'], true]);
  });

  test('is about to be answered: it is not', async () => {
    await serve('draft');
    const gate = Promise.withResolvers<void>();
    policyGate = gate.promise;
    post(1);
    await wait('the report of v1', () => docket().report(keyOf(1)));
    post(2);
    await hasCome(2);
    gate.resolve();
    await isIn(2, 'drafted');
    expect([stateOfReply(1), drafted()]).toEqual([undefined, ['v2']]);
    expect(lines.some((line) => line.includes('kept; a later revision of the series has come'))).toBe(true);
  });

  test('has a draft on its way: it does not get to the folder', async () => {
    await serve('draft');
    const stop = join(dir, 'service/STOP');
    await wait('the folder of the service', () => existsSync(join(dir, 'service/outbox/withdrawn')));
    writeFileSync(stop, 'for a while\n');
    post(1);
    await isIn(1, 'to-draft');
    post(2);
    await isIn(2, 'to-draft');
    rmSync(stop);
    await isIn(2, 'drafted');
    await isSettled();
    expect([stateOfReply(1), drafted()]).toEqual(['discarded', ['v2']]);
  });

  test('lies in the Drafts folder: it leaves it', async () => {
    await serve('draft');
    post(1);
    await isIn(1, 'drafted');
    post(2);
    await isIn(2, 'drafted');
    await isSettled();
    expect([stateOfReply(1), drafted(), mailed()]).toEqual(['discarded', ['v2'], []]);
  });

  test('lies in the Drafts folder, and its mails are forgotten: it leaves it', async () => {
    await serve('draft');
    post(1);
    await isIn(1, 'drafted');
    const mails = join(dir, 'service/mail');
    await restart(() => {
      for (const day of readdirSync(mails).filter((name) => /^\d{4}-/.test(name)))
        rmSync(join(mails, day), { recursive: true });
    });
    post(2);
    await isIn(2, 'drafted');
    await isSettled();
    expect([stateOfReply(1), drafted()]).toEqual(['discarded', ['v2']]);
  });

  test.each([false, true])(
    'lies in the Drafts folder, and its cover letter comes, now or never: it leaves it (%s)',
    async (hasCover) => {
      await serve('draft');
      postBelowCover(1);
      await isIn(1, 'drafted');
      if (hasCover) {
        postCover(1);
        await wait('v1 with its cover letter', () => docket().keys('closed').length === 2);
        expect([stateOfReply(1), drafted()]).toEqual(['drafted', ['v1']]);
      }
      postCover(2);
      postBelowCover(2);
      await isIn(2, 'drafted');
      await isSettled();
      expect([stateOfReply(1), drafted()]).toEqual(['discarded', ['v2']]);
    },
  );

  test('is in the queue without its cover letter, which comes: it is called off', async () => {
    await serve('draft');
    queue.held.set(keyOf(1), 'active');
    postBelowCover(1);
    await wait('v1 in the queue', () => queue.jobs.has(keyOf(1)));
    postCover(1);
    postCover(2);
    postBelowCover(2);
    await isIn(2, 'drafted');
    expect([queue.forgotten.has(keyOf(1)), docket().isClosed(keyOf(1))]).toEqual([true, true]);
  });

  test('was approved by a maintainer, and SMTP is away: it is not sent, and its draft leaves', async () => {
    await serve('draft');
    post(1);
    await isIn(1, 'drafted');
    await town.stopSmtp();
    await town.command('#depbot send', /^Message-ID:\s*<(.*)>/im.exec(town.drafts()[0]!)![1]!);
    await isIn(1, 'to-send');
    post(2);
    await isIn(2, 'drafted');
    await town.startSmtp();
    await isSettled();
    expect([stateOfReply(1), drafted(), mailed()]).toEqual(['discarded', ['v2'], []]);
    const told = (): boolean => town.mails.some(({ raw }) => /not sent: a later\s+revision/.test(raw.toString()));
    await wait('word to who approved it', told);
  });

  test('waits for SMTP: it is not sent', async () => {
    await serve('private');
    town.smtpBehaves({ refuse: { at: 'CONNECT', code: 421, words: 'later' } });
    post(1);
    await isIn(1, 'to-send');
    post(2);
    await hasCome(2);
    town.smtpBehaves({});
    await isIn(2, 'sent');
    await isSettled();
    expect([stateOfReply(1), mailed()]).toEqual(['discarded', ['v2']]);
  });

  test('is being sent: it is out, once', async () => {
    await serve('private');
    town.smtpBehaves({ slowMs: 3000 });
    post(1);
    await isIn(1, 'sending');
    post(2);
    await hasCome(2);
    town.smtpBehaves({});
    await isIn(2, 'sent');
    await isSettled();
    expect([stateOfReply(1), mailed()]).toEqual(['sent', ['v1', 'v2']]);
  });

  test.each([
    ['lost', 'discarded', ['v2']],
    ['taken', 'sent', ['v1', 'v2']],
  ] as const)(
    'was perhaps sent, and was %s: it is %s, and not sent again',
    async (cut, state, mails) => {
      await serve('private');
      town.smtpBehaves({ cut });
      post(1);
      const progress = (): string =>
        existsSync(join(dir, 'service/outbox/progress'))
          ? new Outbox(join(dir, 'service/outbox'), { info: () => undefined, warn: () => undefined }, 'look')
              .list('sending')
              .map(({ id }) => readFileSync(join(dir, 'service/outbox/progress', `${id}.json`), 'utf8'))
              .join('')
          : '';
      await wait('doubt', () => progress().includes('in-doubt') || stateOfReply(1) === 'sent');
      town.smtpBehaves({});
      post(2);
      await isIn(2, 'sent');
      await isSettled();
      expect([stateOfReply(1), mailed()]).toEqual([state, mails]);
    },
    2 * LIMIT_MS,
  );

  test('was sent: both are, and the second says that it is still there', async () => {
    await serve('private');
    post(1);
    await isIn(1, 'sent');
    post(2);
    await isIn(2, 'sent');
    expect(mailed()).toEqual(['v1', 'v2']);
    const second = town.mails.at(-1)!.raw.toString();
    expect(second).toMatch(/still\s+(?:there\s+)?in\s+v2|Still there/i);
  });
});

describe('a copy of a patch with another change comes while the reply', () => {
  test('waits for SMTP: it is held, and its maintainer reads it, and may have it sent', async () => {
    await serve('private');
    town.smtpBehaves({ refuse: { at: 'CONNECT', code: 421, words: 'later' } });
    post(1);
    await isIn(1, 'to-send');
    const { n, title, message } = PATCHES.find((patch) => patch.n === FOUND)!;
    arrives(fieldsOf(1, n, title, 1), message.body.replace(/^\+.*/gm, '+config EVIL'));
    arrives(['From: a@x.example', 'Message-ID: <marker@x.example>'], '#depbot help');
    await wait('the marker', () => lines.find((line) => line.includes('marker@x.example')));
    town.smtpBehaves({});
    await isIn(1, 'held');
    const notice = await wait('word to the maintainer', () =>
      town.mails.map(({ raw }) => raw.toString()).find((raw) => /one is\s+forged/.test(raw)),
    );
    expect(notice).toContain(`\r\nTo: ${MAINTAINER}`);
    expect(notice).toMatch(/\n {4}Subject: Re: \[PATCH /);
    const idsIn = (field: string): string[] =>
      [...new RegExp(`^${field}:((?:.|\\r\\n\\s)*)`, 'im').exec(notice)![1]!.matchAll(/<(.*?)>/g)].map(([, id]) => id!);
    await town.command('#depbot send', ...idsIn('References'), ...idsIn('Message-ID'));
    await isIn(1, 'sent');
  });
});

describe('a copy of a patch with another change, when the true one alone is signed,', () => {
  const { n, title, message } = PATCHES.find((patch) => patch.n === FOUND)!;
  const signing = async (body: string): Promise<Buffer> => {
    const fields = fieldsOf(1, n, title, 1).with(0, `From: Jane Doe <jane@${MAINTAINER.split('@')[1]}>`);
    const text = `${fields.join('\n')}\n\n${body}`.replaceAll(/\r?\n/g, '\r\n');
    return town.signedByMaintainer(Buffer.from(text));
  };
  const genuine = (): Promise<Buffer> => signing(message.body);
  /** As it is signed, and changed after that. */
  const forged = async (): Promise<Buffer> =>
    Buffer.from((await genuine()).toString().replace(/^\+.*(?=\r\n)/m, (line) => `${line} EVIL`));
  const others = PATCHES.map((patch) => patch.n).filter((other) => other !== FOUND);
  const post1 = (...copies: readonly Buffer[]): void => {
    for (const other of others) {
      const patch = PATCHES.find((one) => one.n === other)!;
      const fields = fieldsOf(1, other, patch.title, 1).with(0, `From: Jane Doe <jane@${MAINTAINER.split('@')[1]}>`);
      arrives(fields, patch.message.body);
    }
    for (const copy of copies) town.deliver(copy);
  };
  const isSilent = (): Promise<unknown> => wait('silence', () => lines.find((line) => line.includes('one is forged')));

  test('comes second: the true one is answered', async () => {
    await serve('draft');
    queue.held.set(keyOf(1), 'active');
    post1(await genuine());
    await hasCome(1);
    town.deliver(await forged());
    arrives(['From: a@x.example', 'Message-ID: <marker@x.example>'], '#depbot help');
    await wait('the marker', () => lines.find((line) => line.includes('marker@x.example')));
    queue.held.delete(keyOf(1));
    await isIn(1, 'drafted');
    expect(town.drafts().join('')).not.toContain('EVIL');
  });

  test('comes first: the true one is checked, and answered', async () => {
    await serve('draft');
    queue.held.set(keyOf(1), 'active');
    post1(await forged());
    await wait('the forged one in the queue', () => queue.jobs.has(keyOf(1)));
    town.deliver(await genuine());
    arrives(['From: a@x.example', 'Message-ID: <marker@x.example>'], '#depbot help');
    await wait('the marker', () => lines.find((line) => line.includes('marker@x.example')));
    queue.held.delete(keyOf(1));
    await isIn(1, 'drafted');
    expect(lines.join('\n')).toContain('checked again: a copy that is signed says something else');
    expect(town.drafts().join('')).not.toContain('EVIL');
  });

  test('comes first, and another one: it is checked once they are told apart', async () => {
    await serve('draft');
    const one = await forged();
    post1(one, Buffer.from(one.toString().replace('EVIL', 'WORSE')));
    await isSilent();
    await wait('the end of it', () => docket().isClosed(keyOf(1)));
    town.deliver(await genuine());
    await isIn(1, 'drafted');
    expect(town.drafts().join('')).not.toMatch(/EVIL|WORSE/);
  });

  test('is signed, too: nobody is answered', async () => {
    await serve('draft');
    post1(await genuine(), await signing(message.body.replace(/^\+.*$/m, '+config OTHER')));
    await isSilent();
    await wait('the end of it', () => docket().isClosed(keyOf(1)));
    expect(stateOfReply(1)).toBeUndefined();
  });
});

test('a series that no worker gets through is given up when its time is over', async () => {
  await serve('draft');
  queue.held.set(keyOf(1), 'failed');
  post(1);
  await wait('the failure', () => docket().failure(keyOf(1)));
  expect(docket().isClosed(keyOf(1))).toBe(false);
  const longAgo = new Date(Date.now() - 22 * 86_400_000);
  await restart(() => utimesSync(join(dir, `service/jobs/open/${keyOf(1)}.json`), longAgo, longAgo));
  await wait('the end of it', () => docket().isClosed(keyOf(1)));
  expect(docket().report(keyOf(1))?.cannotCheck).toEqual({
    stage: 'worker',
    why: 'no worker got through it: killed',
  });
  expect(lines.join('\n')).toContain('given up after 21 days');
});

test('a series that depbot itself fails at is tried twice, and once more for who asks', async () => {
  await serve('draft');
  queue.held.set(keyOf(1), 'buggy');
  post(1);
  await wait('the failure', () => docket().failure(keyOf(1)));
  await wait('the rest', () => lines.find((line) => line.endsWith('next attempt in 1440 minutes')));
  await restart(() => undefined);
  await wait('the end of it', () => docket().isClosed(keyOf(1)));
  expect(docket().report(keyOf(1))?.cannotCheck).toMatchObject({ stage: 'worker' });
  expect(lines.join('\n')).toContain('it is the same every time');
  await town.command('#depbot check', idOf(1, 1));
  const answer = await wait('the answer', () =>
    town.mails.find(({ raw }) => raw.toString().includes('> #depbot check')),
  );
  expect(answer.raw.toString()).not.toContain('could not check');
});

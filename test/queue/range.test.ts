import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatRange } from '../../queue/range.ts';
import type { Repository } from '../../queue/repository.ts';
import { openRepository } from '../../queue/repository.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';
import { tempDir, tinyRepo } from '../support/tiny-repo.ts';

let user: TinyRepo;
let stateDir: string;
let repo: Repository;
let base: string;
let commits: string[];

beforeAll(async () => {
  user = tinyRepo({ a: 'one\n' });
  base = user.git('rev-parse', 'HEAD');
  user.git('checkout', '-q', '-b', 'work');
  commits = [
    user.commit(
      'First: change a\n\nFrom here on it is different.\nFrom 1234567890123456789012345678901234567890 Mon Sep 17 00:00:00 2001\n',
      { a: 'two\n' },
    ),
    user.commit('Zweite Änderung', { a: 'three\n', bin: Buffer.from([0, 1, 2, 255]) }),
  ];
  user.git('checkout', '-q', '-b', 'merged', 'master');
  user.commit('side', { side: 'x\n' });
  user.git('merge', '-q', '--no-edit', 'work');
  user.git('checkout', '-q', '--orphan', 'orphan');
  user.commit('orphan');
  user.git('checkout', '-q', 'master');
  stateDir = tempDir();
  repo = await openRepository({ treeDir: user.dir, stateDir });
});
afterAll(async () => {
  await repo.close();
  user.remove();
  rmSync(stateDir, { recursive: true, force: true });
});

async function format(range: string, cover?: string) {
  const made = await formatRange(repo, range, cover === undefined ? {} : { cover });
  if (!made.ok) throw new Error(made.why);
  return { ...made, text: Buffer.from(made.mbox).toString() };
}
const field = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`^${name}: (.*)$`, 'gm'))].map((match) => match[1] ?? '');

describe('formatRange', () => {
  it('makes numbered, threaded mails that git am takes to the same tree', async () => {
    const made = await format('master..work');
    expect(made).toMatchObject({ base, commits });
    expect(field(made.text, 'Message-ID')).toEqual(commits.map((commit) => `<${commit}@range.depbot.invalid>`));
    expect(field(made.text, 'In-Reply-To')).toEqual([`<${commits[0]}@range.depbot.invalid>`]);
    expect(field(made.text, 'base-commit')).toEqual([base]);
    expect(field(made.text, 'Subject')[0]).toBe('[PATCH 1/2] First: change a');
    const again = tinyRepo({ a: 'one\n' });
    again.write({ '.git/mbox': Buffer.from(made.mbox) });
    again.git('am', '-q', '--patch-format=mboxrd', '.git/mbox');
    expect(again.git('rev-parse', 'HEAD^{tree}')).toBe(user.git('rev-parse', 'work^{tree}'));
    expect(again.git('log', '-1', '--format=%s')).toBe('Zweite Änderung');
    again.remove();
  });

  it('quotes "From " lines of the message, so that a reader finds two mails', async () => {
    const { text } = await format('master..work');
    expect(text.match(/^From [0-9a-f]{40} /gm)).toHaveLength(2);
    expect(text).toContain('\n>From here on it is different.\n>From 1234567890');
  });

  it('gives the same bytes each time', async () => {
    expect((await format('master..work')).text).toBe((await format('master..work')).text);
  });

  it('puts a cover letter in front when it is given one', async () => {
    const { text } = await format('master..work', 'Änderungen an a\n\nFrom the start.\n');
    expect(text.match(/^From [0-9a-f]{40} /gm)).toHaveLength(3);
    const [cover] = field(text, 'Message-ID');
    expect(field(text, 'In-Reply-To')).toEqual([cover, cover]);
    expect(field(text, 'Subject')[0]).toBe(
      `=?UTF-8?B?${Buffer.from('[PATCH 0/2] Änderungen an a').toString('base64')}?=`,
    );
    expect(text).toContain(`\n\n>From the start.\n\n\nbase-commit: ${base}\n`);
    expect(field(text, 'From')[0]).toBe('Ann Author <ann@example.org>');
  });

  it('takes one commit without a number, and HEAD for a missing end', async () => {
    expect(field((await format('work~1..work')).text, 'Subject')[0]).toBe('[PATCH] =?UTF-8?q?Zweite=20=C3=84nderung?=');
    expect(await formatRange(repo, 'master..')).toMatchObject({ ok: false, why: expect.stringContaining('is empty') });
  });

  it.each([
    ['master..master', 'is empty'],
    ['work..master', 'is empty'],
    ['master..merged', 'has a merge'],
    ['master..orphan', 'beginning of history'],
    ['master..absent', '"absent" is not a commit'],
    ['--output=x..work', '"--output=x" is not a commit'],
    ['master..--all', '"--all" is not a commit'],
    ['master', 'is not a range'],
    ['master...work', 'is not a range'],
    ['..', 'is not a range'],
    ['', 'is not a range'],
    ['a..b..c', 'is not a range'],
  ])('refuses %j: %s', async (range, why) => {
    expect(await formatRange(repo, range)).toMatchObject({ ok: false, why: expect.stringContaining(why) });
  });
});

/** Archives of mails, read by two at once: neither takes away what the other is writing. */

import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mailsOf } from '../../bot/archive-git.ts';
import type { Row } from '../../bot/archive-row.ts';
import { openSpooledArchive } from '../../bot/archive-spool.ts';
import { noProgress } from '../../queue/provision-progress.ts';
import { tempDir, tinyRepo } from '../support/tiny-repo.ts';

const MAILS = ['one', 'two', 'three'].map(
  (name) =>
    `From: Ann <ann@example.org>\nDate: Wed, 15 Nov 2023 12:00:00 +0000\nSubject: ${name}\nMessage-ID: <${name}@example.org>\n\nText\n`,
);
let dir: string;

beforeEach(() => {
  dir = tempDir();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function idsOf(rows: AsyncIterable<Row>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of rows) ids.push(id);
  return ids.sort();
}
const IDS = ['one@example.org', 'three@example.org', 'two@example.org'];

test('an index of a public-inbox repository', async () => {
  const repo = tinyRepo();
  try {
    for (const text of MAILS) repo.commit('a mail', { m: text });
    const mirror = { list: 'foo', gitDir: join(repo.dir, '.git') };
    const rows = () => idsOf(mailsOf(mirror, join(dir, 'cache'), noProgress));
    expect(await Promise.all([rows(), rows(), rows()])).toEqual([IDS, IDS, IDS]);
    expect(readdirSync(join(dir, 'cache/mirrors'))).toEqual([expect.stringMatching(/\.jsonl$/)]);
  } finally {
    repo.remove();
  }
});

describe('copies of', () => {
  const options = () => ({ dir: join(dir, 'state'), progress: noProgress, isWanted: () => true, choice: 'all' });

  test('an mbox: one is kept, and read again', async () => {
    const path = join(dir, 'foo.mbox');
    writeFileSync(path, MAILS.map((mail) => `From mboxrd@z Thu Jan  1 00:00:00 1970\n${mail}\n`).join(''));
    const both = await Promise.all([openSpooledArchive(path, options()), openSpooledArchive(path, options())]);
    both.push(await openSpooledArchive(path, options()));
    for (const archive of both) {
      expect(await idsOf(archive.rows())).toEqual(IDS);
      expect(archive.held?.mails).toBe(3);
      await archive.close();
    }
    expect(readdirSync(join(dir, 'state'))).toHaveLength(1);
  });

  test('a Maildir: each has its own while it is open', async () => {
    const path = join(dir, 'maildir');
    for (const folder of ['cur', 'new', 'tmp']) mkdirSync(join(path, folder), { recursive: true });
    for (const [at, mail] of MAILS.entries()) writeFileSync(join(path, `cur/${at}:2,S`), mail);
    const both = await Promise.all([openSpooledArchive(path, options()), openSpooledArchive(path, options())]);
    renameSync(path, `${path}-away`);
    for (const archive of both) {
      expect(await idsOf(archive.rows())).toEqual(IDS);
      await archive.close();
    }
    expect(readdirSync(join(dir, 'state'))).toEqual([]);
  });
});

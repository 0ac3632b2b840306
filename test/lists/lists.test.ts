import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mailsOf, mirrorsIn } from '../../bot/archive-git.ts';
import type { Row } from '../../bot/archive-row.ts';
import { readSeries } from '../../bot/intake.ts';
import { noProgress } from '../../queue/provision-progress.ts';
import type { Repository } from '../../queue/repository.ts';
import type { Finding, Report } from '../../rules/types.ts';
import { type TinyRepo, tempDir, tinyRepo } from '../support/tiny-repo.ts';
import { examineSeries } from './examine.ts';
import { gather, writeMaildir } from './gather.ts';
import { appliesTo, foundAlone, judgeLabel, type Label, labelsText } from './labels.ts';
import { quietText } from './quiet.ts';

const patch = (n: number, total: number, id: string, more = ''): string =>
  `From: Ann <ann@example.org>\nDate: Mon, ${n + 1} Nov 2026 10:00:00 +0100\nSubject: [PATCH v2 ${n}/${total}] foo: step ${n}\nMessage-ID: <${id}>\n${more}\nWords.\n\nFrom here on:\n\nFrom x Mon Sep 17\n---\ndiff --git a/f${n} b/f${n}\nnew file mode 100644\n--- /dev/null\n+++ b/f${n}\n@@ -0,0 +1 @@\n+x\n`;
const answers = (...ids: readonly string[]): string =>
  `In-Reply-To: <${ids.at(-1)}>\nReferences: ${ids.map((id) => `<${id}>`).join('\n ')}\n`;
const mail = (id: string, subject: string, more = ''): string =>
  `From: Bo <bo@example.org>\nDate: Tue, 9 Nov 2026 10:00:00 +0100\nSubject: ${subject}\nMessage-ID: <${id}>\n${more}\nYes.\n`;

const RUN = (n: number): string => `20261102090000.123-${n}-ann@example.org`;

let dir: string;
let foo: TinyRepo;
let bar: TinyRepo;
const cache = (): string => join(dir, 'cache');

beforeAll(() => {
  dir = tempDir();
  mkdirSync(join(dir, 'mirrors'));
  // foo has cover, patch 2, answers; bar has patch 1 of the series, and a copy of patch 2.
  foo = mirror('owner+linux-foo.vger.example.org.0', [
    mail('hello@example.org', 'hello'),
    'no mail at all',
    mail('cover@example.org', '[PATCH v2 0/2] foo: all of it'),
    patch(2, 2, 'two@example.org', answers('cover@example.org')),
    mail('re@example.org', 'Re: [PATCH v2 2/2] foo: step 2', answers('cover@example.org', 'x@x', 'two@example.org')),
    patch(1, 2, RUN(1)),
    patch(2, 2, RUN(2)),
    patch(1, 2, 'lone@example.org'),
  ]);
  bar = mirror('linux-bar.git', [
    patch(1, 2, 'one@example.org', answers('cover@example.org')),
    patch(2, 2, 'two@example.org', answers('cover@example.org')),
  ]);
});

afterAll(() => {
  foo.remove();
  bar.remove();
  rmSync(dir, { recursive: true, force: true });
});

/** A repository as public-inbox makes it, below the folder of mirrors: each mail is the file `m` of a commit. */
function mirror(folder: string, mails: readonly string[]): TinyRepo {
  const repo = tinyRepo();
  for (const text of mails) repo.commit('a mail', { m: text });
  repo.git('rm', '-q', 'm');
  repo.commit('a mail that was taken out', { d: mails[0]! });
  mkdirSync(join(dir, 'mirrors', folder));
  renameSync(join(repo.dir, '.git'), join(dir, 'mirrors', folder, 'repo'));
  return repo;
}

async function rows(list: string): Promise<Row[]> {
  const found: Row[] = [];
  const place = mirrorsIn(join(dir, 'mirrors')).find((one) => one.list === list)!;
  for await (const row of mailsOf(place, cache(), noProgress)) found.push(row);
  return found;
}

describe('a mirror', () => {
  it('is named by the folder it lies in', () => {
    expect(mirrorsIn(join(dir, 'mirrors')).map(({ list }) => list)).toEqual(['linux-bar', 'linux-foo']);
    for (const within of ['linux-bar.git', 'linux-bar.git/repo'])
      expect(mirrorsIn(join(dir, 'mirrors', within)).map(({ list }) => list)).toEqual(['linux-bar']);
  });

  it('has all mails with an id, newest first, and what they answer', async () => {
    const found = await rows('linux-foo');
    expect(found.map(({ id }) => id)).toEqual([
      'lone@example.org',
      RUN(2),
      RUN(1),
      're@example.org',
      'two@example.org',
      'cover@example.org',
      'hello@example.org',
    ]);
    expect(found[3]!.answers).toEqual(['two@example.org', 'cover@example.org']);
    expect(found[5]!.answers).toEqual([]);
  });

  it('is read once, and again when it has grown', async () => {
    const before = (await rows('linux-bar')).length;
    const files = (): readonly [string, number][] =>
      readdirSync(join(cache(), 'mirrors')).map((file) => [file, statSync(join(cache(), 'mirrors', file)).ino]);
    const known = files();
    await rows('linux-bar');
    expect(files()).toEqual(known);
    const gitDir = join(dir, 'mirrors', 'linux-bar.git', 'repo');
    const blob = bar.git(`--git-dir=${gitDir}`, 'rev-parse', 'HEAD~1:m');
    bar.git(`--git-dir=${gitDir}`, 'update-index', '--add', '--cacheinfo', `100644,${blob},m`);
    bar.git(`--git-dir=${gitDir}`, 'commit', '-q', '-m', 'again');
    expect(await rows('linux-bar')).toHaveLength(before + 1);
    expect(files()).toHaveLength(known.length);
    expect(files()).not.toEqual(known);
  });
});

describe('the mails of a series', () => {
  async function thread(id: string): Promise<string[] | undefined> {
    const threads = await gather(
      new Set([id, 'absent@example.org']),
      mirrorsIn(join(dir, 'mirrors')),
      cache(),
      noProgress,
    );
    expect(threads.has('absent@example.org')).toBe(false);
    return threads
      .get(id)
      ?.map((one) => one.id)
      .sort();
  }

  it('are found from any of its patches, in several mirrors', async () => {
    const all = ['cover@example.org', 'one@example.org', 're@example.org', 'two@example.org'];
    expect(await thread('two@example.org')).toEqual(all);
    expect(await thread('one@example.org')).toEqual(all);
    expect(await thread('cover@example.org')).toEqual(all);
  });

  it('are found without a thread by the Message-IDs of one run', async () => {
    expect(await thread(RUN(2))).toEqual([RUN(1), RUN(2)]);
  });

  it('make a whole series, although one has a line that begins with From', async () => {
    const threads = await gather(new Set(['two@example.org']), mirrorsIn(join(dir, 'mirrors')), cache(), noProgress);
    const maildir = join(dir, 'maildir');
    await writeMaildir(maildir, threads.get('two@example.org')!);
    const { series, problems } = await readSeries({ path: maildir });
    expect(problems).toEqual([]);
    expect(series.map(({ id, complete }) => [id, complete])).toEqual([['cover@example.org', true]]);
    expect(await examineSeries(maildir, 're@example.org', {} as Repository, { cacheDir: cache() })).toEqual({
      ok: false,
      why: 'the mail belongs to no series',
    });
  });

  it('that lack one are named', async () => {
    const threads = await gather(new Set(['lone@example.org']), mirrorsIn(join(dir, 'mirrors')), cache(), noProgress);
    const maildir = join(dir, 'lone');
    await writeMaildir(maildir, threads.get('lone@example.org')!);
    expect(await examineSeries(maildir, 'lone@example.org', {} as Repository, { cacheDir: cache() })).toEqual({
      ok: false,
      why: 'patches 2 of 2 are in no mirror',
    });
  });
});

const LABEL: Label = {
  id: 'L1',
  lists: ['linux-foo'],
  patch_mid: 'two@example.org',
  patch_subject: '[PATCH v2 2/2] foo: step 2',
  series: 'S1',
  class: 'unmet',
  kind: 'kismet',
  lag_h: 26.4,
  symbols: ['CONFIG_FOO', 'foo_start'],
  providers: ['BAR'],
  summary: 'FOO selects BAR',
  applies: { '6.12.117': 'fuzzy', '7.1.8': 'no' },
};

const finding = (symbols: readonly string[], claim: Finding['claim'] = {}): Finding =>
  ({
    rule: 'unmet-select',
    key: 'k',
    symbols,
    claim,
    evidence: [],
    anchor: { patch: 2, file: 'f', line: 3 },
  }) as unknown as Finding;
const report = (findings: readonly Finding[], dropped: Report['dropped'] = []): Report =>
  ({ findings, dropped }) as unknown as Report;

describe('a label', () => {
  it('applies to kernels of the series that it was tried on', () => {
    expect(appliesTo(LABEL, '6.12.200')).toBe(true);
    expect(appliesTo(LABEL, '6.1.117')).toBe(false);
    expect(appliesTo(LABEL, '7.1.8')).toBe(false);
  });

  it('is found by a symbol, a provider, or a function in the claim', () => {
    for (const one of [finding(['FOO']), finding(['BAR', 'X']), finding(['X'], { calls: 'foo_start' })])
      expect(judgeLabel(LABEL, report([one]))).toMatchObject({ kind: 'found', rule: 'unmet-select' });
    for (const one of [finding(['FOO_2']), finding(['X'], { calls: 'foo_start2' })])
      expect(judgeLabel(LABEL, report([one]))).toMatchObject({ kind: 'not-found' });
    const dropped = [{ rule: 'r', key: 'r:BAR', why: 'conf disagrees' }];
    expect(judgeLabel(LABEL, report([], dropped))).toMatchObject({ why: 'dropped r: conf disagrees' });
  });

  it('leaves what only depbot saw', () => {
    const [said, more] = [finding(['FOO']), finding(['QUUX'])];
    expect(foundAlone([LABEL], report([said, more]))).toEqual([more]);
  });

  it('is printed with what became of it', () => {
    const text = labelsText(
      [
        { label: LABEL, kind: 'found', rule: 'unmet-select' },
        { label: { ...LABEL, id: 'L2', lag_h: 100 }, kind: 'not-found', why: 'nothing proposed' },
        { label: { ...LABEL, id: 'L3' }, kind: 'skipped', why: 'no mirror of linux-foo' },
      ],
      ['  more\n'],
    );
    expect(text.replace(/ +/g, ' ')).toContain('unmet 3 1 1 1 50 % 26 h 100 h\n');
    expect(text).toContain('  L2 unmet/kismet, reported after 100 h: FOO selects BAR\n');
    expect(text).toContain('     1  no mirror of linux-foo\n');
    expect(text).toContain('found by depbot alone: judge each\n  more\n');
  });
});

it('quiet series are counted, and each finding is shown', () => {
  const quiet = { series: 'S', lists: [], first_patch_mid: 'a@b', subject: '[PATCH] a', tree: '6.12.117' };
  const text = quietText([
    { quiet, ok: true, report: report([]) },
    { quiet, ok: true, report: report([finding(['A', 'B'])]) },
    { quiet, ok: false, why: 'no mirror of x' },
  ]);
  expect(text).toContain('quiet series: 1 silent, 1 with 1 findings, 1 skipped\n');
  expect(text).toContain('  [PATCH] a <a@b>\n      unmet-select (A B) at f:3, patch 2\n');
  expect(text).toContain('  [PATCH] a: no mirror of x\n');
});

describe('npm run labels, npm run quiet', () => {
  it.each(['labels', 'quiet'])('%s is skipped where there is no corpus, or no mirror', (name) => {
    const run = (...more: readonly string[]): string =>
      execFileSync(process.execPath, [join(import.meta.dirname, 'lists.ts'), name, ...more], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] },
      });
    const empty = join(dir, `empty-${name}`);
    mkdirSync(empty);
    expect(run('--corpus', empty)).toMatch(/^skipped: there is no .*-dev\.json/);
    writeFileSync(join(empty, `${name}-dev.json`), '[]');
    expect(run('--corpus', empty)).toMatch(/^skipped: no mirrors of mailing lists/);
    expect(run('--corpus', empty, '--mirrors', empty)).toMatch(/^skipped: no git repositories in /);
  });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSeries } from '../../bot/intake.ts';
import { applySeries } from '../../queue/apply.ts';
import { openTree } from '../../queue/git-tree.ts';
import { openRepository, type Repository } from '../../queue/repository.ts';
import type { Series } from '../../rules/types.ts';
import { type TinyRepo, tempDir, tinyRepo } from '../support/tiny-repo.ts';
import { type Corpus, CorpusError, type Entry, isConfirmed, readCorpus, unusable, VARIANTS } from './entries.ts';
import { type Place, recreate } from './recreate.ts';

const KCONFIG = 'drivers/foo/Kconfig';
const MAKEFILE = 'VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 9\n';
const REPAIRED = 'config FOO\n\ttristate "Foo"\n\tselect CRC32\n\nconfig BAR\n\tbool "Bar"\n';

/** The part of the corpus' tool that these tests need, in a few lines: what it does is known by its effects. */
const TOOL = `
import json, os, sys
command, id, tree = sys.argv[1:]
with open(os.environ['CORPUS']) as f:
    corpus = json.load(f)
entry = [e for e in corpus['tuples'] + corpus['negatives'] if e['id'] == id][0]
path = os.path.join(tree, entry['kconfig'])
text = open(path, newline='').read()
if command == 'undo':
    line = '\\t' + entry['edits'][0]['line'] + '\\n'
    if line not in text:
        sys.exit('not applicable: line not there')
    open(path, 'w', newline='').write(text.replace(line, ''))
else:
    os.unlink(os.path.join(tree, 'drivers/foo/foo.c'))
    open(os.path.join(tree, 'drivers/foo/Makefile'), 'w').write('')
    open(path, 'w', newline='').write(text[text.index('config BAR'):])
`;

const ENTRY = {
  id: 'foo-crc32',
  class: 'link-error',
  kconfig: KCONFIG,
  symbol: 'FOO',
  edits: [{ file: KCONFIG, symbol: 'FOO', op: 'added', line: 'select CRC32' }],
  trees: { '6.12.9': 'present', '6.1.1': 'absent' },
  usable_trees: ['6.12.9'],
  readd: { '6.12.9': { files: ['drivers/foo/foo.c'], makefile: 'drivers/foo/Makefile', kconfig: KCONFIG } },
  experiments: [{ tree: '6.12.8', result: 'confirmed' }],
};
const LACKING = { ...ENTRY, id: 'foo-crc16', edits: [{ ...ENTRY.edits[0]!, line: 'select CRC16' }], readd: {} };

let user: TinyRepo;
let dir: string;
let corpus: Corpus;
let repo: Repository;
let place: Place;

beforeAll(async () => {
  dir = tempDir();
  mkdirSync(join(dir, 'corpus'));
  mkdirSync(join(dir, 'tools'));
  writeFileSync(join(dir, 'corpus', 'dev.json'), JSON.stringify({ tuples: [ENTRY, LACKING], negatives: [] }));
  writeFileSync(join(dir, 'tools', 'undo.py'), TOOL);
  corpus = readCorpus(join(dir, 'corpus'));
  user = tinyRepo();
  const commit = user.commit('the kernel', {
    Makefile: MAKEFILE,
    [KCONFIG]: REPAIRED,
    'drivers/foo/Makefile': 'obj-$(CONFIG_FOO) += foo.o\n',
    'drivers/foo/foo.c': Buffer.from('/* \xe9 in latin1 */\nint foo;\n', 'latin1'),
  });
  user.git('tag', 'v6.12.9');
  user.commit('later', { [KCONFIG]: `# later\n${REPAIRED}` });
  repo = await openRepository({ treeDir: user.dir, stateDir: join(dir, 'state') });
  place = { corpus, repo, commit, version: '6.12.9', scratch: dir };
});

afterAll(async () => {
  await repo.close();
  user.remove();
  rmSync(dir, { recursive: true, force: true });
});

const entryOf = (id: string): Entry => corpus.regressions.find((entry) => entry.id === id)!;

async function mailOf(
  variant: (typeof VARIANTS)[number],
): Promise<{ text: string; series: Series; files: readonly string[] }> {
  const made = await recreate(entryOf('foo-crc32'), variant, place);
  if (!made.ok) throw new Error(made.why);
  const { series, problems } = await readSeries({ stdin: Readable.from([made.mail]) });
  expect(problems).toEqual([]);
  const [only] = series;
  if (!only?.complete) throw new Error('no series');
  return { text: made.mail.toString('latin1'), series: only, files: made.files };
}

describe('an entry as a patch mail', () => {
  it('undo: applies to the commit whose blobs its index lines name, and takes the line out', async () => {
    const { text, series, files } = await mailOf('undo');
    expect(files).toEqual([KCONFIG]);
    expect(series.oddities).toEqual([]);
    expect(text).toContain(`\nSubject: [PATCH] foo: update the entry of FOO\n`);
    expect(text).toContain('\n-\tselect CRC32\n');
    const applied = await applySeries(repo, series);
    if (!applied.ok) throw new Error(applied.why);
    expect(applied.applied.base).toMatchObject({ sha: place.commit, how: 'blob-match', name: 'v6.12.9' });
    const after = await openTree(repo, applied.applied.head).read([KCONFIG]);
    expect(after.get(KCONFIG)).toBe(REPAIRED.replace('\tselect CRC32\n', ''));
  });

  it('readd: the driver is not in the base, and comes whole, byte for byte, without the line', async () => {
    const { series, files } = await mailOf('readd');
    expect(files).toEqual([KCONFIG, 'drivers/foo/Makefile', 'drivers/foo/foo.c']);
    const applied = await applySeries(repo, series);
    if (!applied.ok) throw new Error(applied.why);
    const { base, head } = applied.applied;
    expect(base.how).toBe('base-commit');
    expect(await openTree(repo, base.sha).blob('drivers/foo/foo.c')).toBeUndefined();
    expect(await openTree(repo, head).blob('drivers/foo/foo.c')).toBe(
      await openTree(repo, place.commit).blob('drivers/foo/foo.c'),
    );
    const kconfig = (await openTree(repo, head).read([KCONFIG])).get(KCONFIG);
    expect(kconfig).toBe(REPAIRED.replace('\tselect CRC32\n', ''));
  });

  it('leaves nothing in the tree of the user', async () => {
    const look = (): string[] => [
      user.git('count-objects', '-v'),
      user.git('for-each-ref'),
      user.git('status', '--porcelain', '--ignored'),
    ];
    const before = look();
    for (const variant of VARIANTS) await mailOf(variant);
    expect(look()).toEqual(before);
  });

  it('says neither what was undone nor that something is wrong, outside the diff', async () => {
    const { text } = await mailOf('undo');
    const words = text.slice(0, text.indexOf('\n---\n'));
    expect(words).not.toMatch(/CRC32|select|depend|undo|revert|broken|missing/i);
  });

  it('is a reason where the tree does not have what the entry names, or has no data on it', async () => {
    expect(await recreate(entryOf('foo-crc16'), 'undo', place)).toEqual({
      ok: false,
      why: 'not applicable: line not there',
    });
    expect(await recreate(entryOf('foo-crc16'), 'readd', place)).toMatchObject({ ok: false });
    expect(await recreate(entryOf('foo-crc32'), 'undo', { ...place, version: '6.1.1' })).toEqual({
      ok: false,
      why: '6.1.1: repair absent',
    });
  });

  it('a tool that breaks is an error, no reason', async () => {
    const tool = join(dir, 'tools', 'broken.py');
    writeFileSync(tool, 'raise ValueError("no")\n');
    const broken = recreate(entryOf('foo-crc32'), 'undo', { ...place, corpus: { ...corpus, tool } });
    await expect(broken).rejects.toThrow();
  });
});

describe('entries', () => {
  it('are usable where the corpus says so, or does not know the version', () => {
    const entry = entryOf('foo-crc32');
    expect(unusable(entry, '6.12.9', 'undo')).toBeUndefined();
    expect(unusable(entry, '6.12.10', 'undo')).toBeUndefined();
    expect(unusable(entry, '6.12.10', 'readd')).toBe('6.12.10: no data to take the driver out');
    expect(unusable(entry, '6.1.1', 'undo')).toBe('6.1.1: repair absent');
  });

  it('are confirmed by an experiment on a kernel of the same series', () => {
    expect(isConfirmed(entryOf('foo-crc32'), '6.12.9')).toBe(true);
    expect(isConfirmed(entryOf('foo-crc32'), '6.1.9')).toBe(false);
  });

  it('that are not as documented are refused with file and place', () => {
    const bad = join(dir, 'bad');
    mkdirSync(bad);
    writeFileSync(join(bad, 'dev.json'), JSON.stringify({ tuples: [{ ...ENTRY, edits: [] }], negatives: [] }));
    expect(() => readCorpus(bad)).toThrow(CorpusError);
    expect(() => readCorpus(bad)).toThrow(/dev\.json: tuples\.0\.edits/);
  });
});

describe('npm run corpus', () => {
  it('is skipped where there is no corpus', () => {
    const argv = [join(import.meta.dirname, 'corpus.ts'), '--corpus', join(dir, 'nowhere')];
    const out = execFileSync(process.execPath, argv, { encoding: 'utf8' });
    expect(out).toMatch(/^skipped: no corpus in .*nowhere/);
  });

  it('does not know other options, or entries that are not there', () => {
    const script = join(import.meta.dirname, 'corpus.ts');
    for (const more of [
      ['--klass', 'x'],
      ['--jobs', '0'],
      ['--id', 'bar-crc32'],
    ]) {
      const ran = spawnSync(process.execPath, [script, '--corpus', join(dir, 'corpus'), ...more], { encoding: 'utf8' });
      expect(ran.status, more.join(' ')).toBe(2);
      expect(ran.stderr).toContain(more.at(-1) === 'x' ? more[0] : more[1]);
    }
  });
});

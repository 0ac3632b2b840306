import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BaseOptions } from '../../queue/base.ts';
import { chooseBase, wantedBlobs } from '../../queue/base.ts';
import type { Repository } from '../../queue/repository.ts';
import { openRepository } from '../../queue/repository.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';
import { tempDir, tinyRepo } from '../support/tiny-repo.ts';
import { splitMails, tinySeries } from '../support/tiny-series.ts';

const lines = (word: string): string => Array.from({ length: 20 }, (_, index) => `${word} ${index}\n`).join('');
let user: TinyRepo;
let stateDir: string;
let repo: Repository;
const at: Record<string, string> = {};
let mails: Buffer[];

beforeAll(async () => {
  user = tinyRepo();
  at.v1 = user.commit('one', { a: lines('one'), b: lines('b') });
  user.git('tag', '-a', '-m', 'one', 'v1');
  at.v2 = user.commit('two', { a: lines('two') });
  user.git('tag', 'v2');
  at.tip = user.commit('three', { a: lines('three'), c: 'c\n' });
  // the series was made on v2: a and b changed, c created, a changed again
  user.git('checkout', '-q', '-b', 'work', 'v2');
  user.commit('patch 1', { a: `${lines('two')}more\n`, b: `${lines('b')}more\n`, new: 'x\n' });
  const last = user.commit('patch 2', { a: `${lines('two')}more\nand more\n` });
  mails = splitMails(user.gitBytes('format-patch', '--stdout', `v2..${last}`));
  user.git('checkout', '-q', 'master');
  user.git('branch', '-q', '-D', 'work');
  stateDir = tempDir();
  repo = await openRepository({ treeDir: user.dir, stateDir });
});
afterAll(async () => {
  await repo.close();
  user.remove();
  rmSync(stateDir, { recursive: true, force: true });
});

async function choose(series = tinySeries(mails), options: BaseOptions = {}) {
  const chosen = await chooseBase(repo, series, options);
  if (!chosen.ok) throw new Error(chosen.why);
  return chosen.base;
}

describe('chooseBase', () => {
  it('takes what the operator gave, whatever the series says', async () => {
    for (const given of ['v1', at.v1?.slice(0, 12) ?? '', 'master~2']) {
      expect(await choose(tinySeries(mails, { baseCommit: at.v2 ?? '' }), { given })).toMatchObject({
        sha: at.v1,
        how: 'given',
        name: 'v1',
      });
    }
  });

  it.each(['absent', '-p', '--all', '', 'v1:a', 'v1\nv2', '@{upstream}'])(
    'does not take %j from the operator',
    async (given) => {
      const chosen = await chooseBase(repo, tinySeries(mails), { given });
      expect(chosen).toMatchObject({ ok: false, why: expect.stringContaining('not in this tree') });
    },
  );

  it('takes the base-commit, whole or shortened to 12 digits, with the name of a tag', async () => {
    for (const length of [40, 12]) {
      const base = await choose(tinySeries(mails, { baseCommit: at.v1?.slice(0, length) ?? '' }));
      expect(base).toMatchObject({ sha: at.v1, how: 'base-commit', name: 'v1' });
      expect(base.detail).toBe(`base-commit ${at.v1?.slice(0, 12)} (v1) of the series is in this tree`);
    }
  });

  it('does not take a base-commit that is absent, a blob or a name', async () => {
    for (const baseCommit of ['f'.repeat(40), user.git('rev-parse', 'v1:a'), 'v1', '--all']) {
      const base = await choose(tinySeries(mails, { baseCommit }));
      expect(base, baseCommit).toMatchObject({ sha: at.v2, how: 'blob-match' });
      expect(base.detail).toContain(`base-commit ${baseCommit.slice(0, 12)} is not in this tree; `);
    }
  });

  it('finds the tag whose files the index lines name', async () => {
    const base = await choose();
    expect(base).toMatchObject({ sha: at.v2, how: 'blob-match', name: 'v2' });
    expect(base.detail).toBe(
      `the series names no base-commit; ${at.v2?.slice(0, 12)} (v2) has all 2 files that its index lines name`,
    );
  });

  it('prefers the nearest tag below the tip among refs that match alike, and says when files are missing', async () => {
    const b = user.git('rev-parse', 'v2:b').slice(0, 7);
    const onlyB =
      mails[0]
        ?.toString()
        .replace(
          /^index [0-9a-f]+\.\.([0-9a-f]+) 100644$/gm,
          (_, to: string) => `index ${to === user.git('rev-parse', 'v2:a').slice(0, 7) ? to : '1111111'}..${to} 100644`,
        ) ?? '';
    expect(await choose(tinySeries([onlyB]))).toMatchObject({ how: 'tree-tip', sha: at.tip });
    const some = onlyB.replace(/(diff --git a\/b b\/b\nindex )1111111/, `$1${b}`);
    expect(await choose(tinySeries([some]))).toMatchObject({
      how: 'blob-match',
      sha: at.v2,
      detail: expect.stringContaining('1 of the 2 files'),
    });
  });

  it('does not take a branch that only this tree has where a tag or remote branch matches alike', async () => {
    try {
      user.git('checkout', '-q', '-b', 'stable', 'v1');
      user.commit('not below the branch', { a: lines('two') });
      user.git('tag', 'v1.1');
      user.git('checkout', '-q', '-b', 'scratch', 'v2');
      const scratch = user.commit('mine', { d: 'd\n' });
      expect(await choose()).toMatchObject({ sha: at.v2, name: 'v2' });
      user.git('update-ref', 'refs/remotes/origin/next', scratch);
      user.commit('mine, too', { d: 'e\n' });
      expect(await choose()).toMatchObject({ sha: scratch, name: 'origin/next' });
    } finally {
      user.git('checkout', '-q', 'master');
      user.git('branch', '-q', '-D', 'stable', 'scratch');
      user.git('tag', '-d', 'v1.1');
      user.git('update-ref', '-d', 'refs/remotes/origin/next');
    }
  });

  it('prefers what is checked out to tags and remote branches that it is not built on, and finds an old one that it is', async () => {
    try {
      user.git('checkout', '-q', '-b', 'mine', 'v1');
      const mine = user.commit('mine', { a: lines('two'), d: 'd\n' });
      expect(await choose()).toMatchObject({ sha: mine, name: 'mine' });
      user.git('tag', 'v1.0-rc9');
      for (let n = 0; n < 100; n++) user.git('tag', '-a', '-m', 'newer', `v2.${n}`, 'v2');
      expect(await choose()).toMatchObject({ sha: mine, name: 'v1.0-rc9' });
    } finally {
      user.git('checkout', '-q', 'master');
      user.git('branch', '-q', '-D', 'mine');
      user.git('tag', '-d', 'v1.0-rc9', ...Array.from({ length: 100 }, (_, n) => `v2.${n}`));
    }
  });

  it('prefers what is checked out among local branches', async () => {
    user.git('checkout', '-q', '-b', 'patch');
    try {
      const patch = user.commit('patch', { c: 'more\n' });
      const series = tinySeries(splitMails(user.gitBytes('format-patch', '--stdout', `master..${patch}`)));
      user.git('checkout', '-q', '-b', 'other', 'master');
      user.commit('newer', { d: 'd\n' });
      user.git('checkout', '-q', 'master');
      expect(await choose(series)).toMatchObject({ sha: at.tip, how: 'blob-match', name: 'master' });
    } finally {
      user.git('checkout', '-q', 'master');
      user.git('branch', '-q', '-D', 'patch', 'other');
    }
  });

  it('compares only with the candidates when there are some', async () => {
    expect(await choose(tinySeries(mails), { candidates: ['absent', 'v1'] })).toMatchObject({
      sha: at.v1,
      how: 'blob-match',
      detail: expect.stringContaining('1 of the 2 files'),
    });
    expect(await choose(tinySeries(mails), { candidates: ['v1', 'v2'] })).toMatchObject({ sha: at.v2 });
  });

  it('takes the tip when no ref has the files, and when the patches only create files', async () => {
    const foreign = (mails[0]?.toString() ?? '').replace(/^index [0-9a-f]+\.\./gm, 'index 2222222..');
    const base = await choose(tinySeries([foreign]));
    expect(base).toMatchObject({ sha: at.tip, how: 'tree-tip', name: 'master' });
    expect(base.detail).toContain('none of the 3 refs looked at has a file');
    const creates =
      'Subject: x\n\n---\ndiff --git a/n b/n\nnew file mode 100644\nindex 0000000..1234567\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n';
    expect((await choose(tinySeries([creates]))).detail).toContain('have no index lines that name earlier files');
  });
});

describe('wantedBlobs', () => {
  it('passes over created files and what an earlier patch made', () => {
    expect(wantedBlobs(tinySeries(mails)).map((file) => file.path)).toEqual(['a', 'b']);
  });

  it('does not ask for paths with line breaks', () => {
    const series = tinySeries(mails);
    const [first] = series.patches;
    const diff = first.diff.map((file) => (file.oldPath === 'a' ? { ...file, oldPath: 'a\nHEAD:b' } : file));
    expect(wantedBlobs({ ...series, patches: [{ ...first, diff }] }).map((file) => file.path)).toEqual(['b']);
  });
});

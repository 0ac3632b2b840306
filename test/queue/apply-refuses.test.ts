import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySeries } from '../../queue/apply.ts';
import { openRepository } from '../../queue/repository.ts';
import type { AppliedTree } from '../support/applied-tree.ts';
import { openAppliedTree } from '../support/applied-tree.ts';
import { tinyRepo } from '../support/tiny-repo.ts';
import { create, mail, noNewline, tinySeries } from '../support/tiny-series.ts';

let tree: AppliedTree;
beforeAll(async () => {
  tree = await openAppliedTree();
});
afterAll(async () => await tree.close());

describe('applySeries refuses', () => {
  it('a patch that does not fit, with its number, the file and the base', async () => {
    const bad = mail(
      'diff --git a/drivers/a.c b/drivers/a.c\n--- a/drivers/a.c\n+++ b/drivers/a.c\n@@ -1,3 +1,3 @@\n a 0\n-nothing like it\n+c 1\n a 2\n',
    );
    const refused = await tree.refuse(tinySeries([tree.mails[0] ?? '', bad]));
    expect(refused).toMatchObject({ kind: 'does-not-apply', patch: 2, path: 'drivers/a.c' });
    expect(refused.why).toBe(
      'patch 2/2 ("one") does not apply: patch failed: drivers/a.c:1; drivers/a.c: patch does not apply (base: master)',
    );
  });

  it.each([
    [
      'a file that is not there',
      'diff --git a/absent b/absent\n--- a/absent\n+++ b/absent\n@@ -1 +1 @@\n-x\n+y\n',
      'absent: does not exist in index',
      'absent',
    ],
    ['a new file that is there', create('Kconfig', 'different'), 'Kconfig: already exists in index', 'Kconfig'],
    [
      'a binary file without its data',
      'diff --git a/x.png b/x.png\nnew file mode 100644\nindex 0000000..1234567\nBinary files /dev/null and b/x.png differ\n',
      'cannot apply binary patch',
      'x.png',
    ],
  ])('%s', async (_, diff, why, path) => {
    const refused = await tree.refuse(tinySeries([mail(diff)]));
    expect(refused).toMatchObject({ kind: 'does-not-apply', patch: 1, why: expect.stringContaining(why) });
    expect(refused.path).toBe(path);
  });

  it('a torn hunk, which would fit no base', async () => {
    const torn = 'diff --git a/Kconfig b/Kconfig\n--- a/Kconfig\n+++ b/Kconfig\n@@ -1,3 +1,9 @@\n config 0\n';
    expect(await tree.refuse(tinySeries([mail(torn)]))).toMatchObject({
      kind: 'damaged',
      patch: 1,
      why: expect.stringMatching(/^patch 1\/1 \("[^"]*"\) is damaged: corrupt patch/),
    });
  });

  it('a patch that is in the base already, and not one that is there only in part', async () => {
    const refused = await tree.refuse(tinySeries(tree.mails), { base: 'work' });
    expect(refused).toMatchObject({
      kind: 'already-applied',
      patch: 1,
      why: expect.stringContaining('in the base already'),
    });
    const half = mail(`${create('drivers/new.c', 'new')}${create('drivers/newer.c')}`);
    expect(await tree.refuse(tinySeries([half]), { base: 'work' })).toMatchObject({ kind: 'does-not-apply' });
  });

  it('a diff over which git itself fails', async () => {
    const torn = create('new').replace('new file mode 100644', 'new file');
    for (const diff of [torn, torn.replace('new file', 'new file\nnew file')]) {
      const refused = await tree.refuse(tinySeries([mail(diff)]));
      expect(refused).toMatchObject({ kind: 'does-not-apply', patch: 1 });
    }
  });

  it('a mail without a diff', async () => {
    for (const text of [mail(''), mail('diff of opinion\n'), 'Subject: x\n\nwords\n'])
      expect(await tree.refuse(tinySeries([text]))).toMatchObject({ kind: 'empty', patch: 1 });
  });

  it('a base that is not there', async () => {
    for (const name of ['absent', '--help'])
      expect(await tree.refuse(tinySeries(tree.mails), { base: name })).toMatchObject({ kind: 'no-base' });
  });

  const unsafe: [string, string[], number, string][] = [
    ['a path above the tree', [mail(create('../x'))], 1, '../x'],
    ['an absolute path', [mail(create('/tmp/x'))], 1, '/tmp/x'],
    ['a path in .git', [mail(create('fine')), mail(create('sub/.GIT/config'))], 2, 'sub/.GIT/config'],
    ['a link out of the tree', [mail(create('l', '../../etc', '120000', noNewline))], 1, 'l'],
    [
      'a link and a write through it',
      [mail(create('l', 'drivers', '120000', noNewline)), mail(create('l/x'))],
      2,
      'l/x',
    ],
    ['a submodule', [mail(create('sub', `Subproject commit ${'1'.repeat(40)}`, '160000'))], 1, 'sub'],
  ];
  it.each(unsafe)('%s', async (_, texts, patch, path) => {
    const refused = await tree.refuse(tinySeries(texts));
    expect(refused).toMatchObject({ kind: 'unsafe-path', patch });
    expect(refused.why).toContain(`patch ${patch}`);
    expect(refused.why).toContain(path);
  });

  it.each(unsafe)('%s, even when the parsed diff does not show it', async (_, texts, patch, path) => {
    const series = tinySeries(texts);
    const [first, ...rest] = series.patches.map((each) => ({ ...each, diff: [] }));
    if (first === undefined) throw new Error('no patch');
    const refused = await tree.refuse({ ...series, patches: [first, ...rest] });
    expect(refused).toMatchObject({ kind: 'unsafe-path', patch });
    expect(refused.why).toContain(path);
  });

  it('a change that turns a link of the tree outwards', async () => {
    const linked = tinyRepo({ f: 'x\n' });
    linked.link('l', 'f');
    linked.commit('link');
    const opened = await openRepository({ treeDir: linked.dir, stateDir: tree.stateDir });
    const text = mail(`diff --git a/l b/l\n--- a/l\n+++ b/l\n@@ -1 +1 @@\n-f\n${noNewline}+../f\n${noNewline}`);
    expect(await applySeries(opened, tinySeries([text]))).toMatchObject({
      ok: false,
      kind: 'unsafe-path',
      why: expect.stringContaining('leaves the tree'),
    });
    await opened.close();
    linked.remove();
  });

  it('more binary files than anybody sends', async () => {
    const one = (index: number): string =>
      `diff --git a/b${index} b/b${index}\nnew file mode 100644\nindex ${'0'.repeat(40)}..${'1'.repeat(40)}\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n`;
    const text = mail(Array.from({ length: 20 }, (_, index) => one(index)).join(''));
    expect(await tree.refuse(tinySeries([text]))).toMatchObject({
      kind: 'does-not-apply',
      why: expect.stringContaining('20 binary files'),
    });
  });

  it('a binary file that unpacks to more than memory is given', async () => {
    const text = mail(
      `diff --git a/b b/b\nnew file mode 100644\nindex ${'0'.repeat(40)}..${'1'.repeat(40)}\nGIT binary patch\nliteral 999999999999\nIcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n`,
    );
    expect(await tree.refuse(tinySeries([text]))).toMatchObject({ kind: 'does-not-apply', patch: 1 });
  });
});

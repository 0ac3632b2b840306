import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applySeries } from '../../queue/apply.ts';
import type { ApplyOptions } from '../../queue/apply.ts';
import { openTree } from '../../queue/git-tree.ts';
import { openRepository } from '../../queue/repository.ts';
import type { Repository } from '../../queue/repository.ts';
import type { Series } from '../../rules/types.ts';
import { splitMails, tinySeries } from '../support/tiny-series.ts';
import { tempDir, tinyRepo } from '../support/tiny-repo.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';

const numbered = (word: string): string => Array.from({ length: 30 }, (_, index) => `${word} ${index}\n`).join('');
let user: TinyRepo;
let stateDir: string;
let repo: Repository;
let base: string;
/** What the series of two patches was made from. */
let work: string;
let mails: Buffer[];

beforeAll(async () => {
  user = tinyRepo({ Kconfig: numbered('config'), 'drivers/a.c': numbered('a'), 'crlf.c': 'one\r\ntwo\r\nthree\r\n', 'latin1.c': Buffer.from([0x2f, 0xe4, 0x0a]) });
  base = user.git('rev-parse', 'HEAD');
  user.git('checkout', '-q', '-b', 'work');
  user.commit('drivers: first\n\nSome words.\n\nSigned-off-by: Ann Author <ann@example.org>', { Kconfig: numbered('config').replace('config 3\n', 'config 3\n\tbool\n') });
  work = user.commit('drivers: sécond', { 'drivers/a.c': numbered('a').replace('a 7\n', 'b 7\n'), 'drivers/new.c': 'new\n' });
  mails = splitMails(user.gitBytes('format-patch', '--stdout', 'master..work'));
  user.git('checkout', '-q', 'master');
  stateDir = tempDir();
  repo = await openRepository({ treeDir: user.dir, stateDir });
});
afterAll(async () => {
  await repo.close();
  user.remove();
  rmSync(stateDir, { recursive: true, force: true });
});

const own = (...argv: string[]): string => user.git(`--git-dir=${repo.gitDir}`, ...argv);

async function apply(series: Series, options: ApplyOptions = {}) {
  const applied = await applySeries(repo, series, options);
  if (!applied.ok) throw new Error(applied.why);
  return applied.applied;
}

/** All there is of depbot's repository but the indexes of bases. */
function onDisk(): string[] {
  return readdirSync(repo.gitDir, { recursive: true }).map(String).filter((path) => !/^indexes(?:\/|$)/.test(path)).sort();
}

/** Applies, expects a refusal, and that nothing of it stays on disk. */
async function refuse(series: Series, options: ApplyOptions = {}) {
  const before = onDisk();
  const applied = await applySeries(repo, series, options);
  if (applied.ok) throw new Error('it applied');
  expect(onDisk()).toEqual(before);
  expect(applied.why).not.toMatch(/[\n\r]/);
  return applied;
}

function mail(diff: string, more: { headers?: string; log?: string } = {}): string {
  return `From: Ann Author <ann@example.org>\nDate: Mon, 2 Nov 2026 10:00:00 +0100\nSubject: [PATCH] one\n${more.headers ?? ''}\n${more.log ?? 'words\n'}---\n\n${diff}-- \n2.43.0\n`;
}
const create = (path: string, text = 'x', mode = '100644', noEol = ''): string => `diff --git a/${path} b/${path}\nnew file mode ${mode}\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+${text}\n${noEol}`;
const noNewline = '\\ No newline at end of file\n';
const crlfChange = 'diff --git a/crlf.c b/crlf.c\n--- a/crlf.c\n+++ b/crlf.c\n@@ -1,3 +1,3 @@\n one\r\n-two\r\n+zwei\r\n three\r\n';

describe('applySeries', () => {
  it('makes one commit per patch, with its tree, author, date and message', async () => {
    const applied = await apply(tinySeries(mails, { baseCommit: base }));
    expect(applied).toMatchObject({ gitDir: repo.gitDir, base: { sha: base, how: 'base-commit', name: 'master' }, prerequisites: [] });
    expect(applied.commits.map((commit) => commit.n)).toEqual([1, 2]);
    expect(applied.head).toBe(applied.commits[1]?.sha);
    expect(own('rev-list', '--reverse', `${base}..${applied.head}`).split('\n')).toEqual(applied.commits.map((commit) => commit.sha));
    const format = '--format=%T%n%an <%ae>%n%ad%n%B';
    expect(own('log', format, `${base}..${applied.head}`)).toBe(user.git('log', format, `${base}..${work}`));
    expect(own('log', '-1', '--format=%cn <%ce> %cd', applied.head)).toBe(`depbot <depbot@depbot.invalid> ${user.git('log', '-1', '--format=%ad', work)}`);
    expect((await openTree(repo, applied.head).read(['drivers/new.c'])).get('drivers/new.c')).toBe('new\n');
  });

  it('makes the same commits each time, in another state directory and at the same time', async () => {
    const other = tempDir();
    const second = await openRepository({ treeDir: user.dir, stateDir: other });
    const series = tinySeries(mails);
    const heads = await Promise.all([repo, repo, second].map(async (each) => {
      const applied = await applySeries(each, series);
      return applied.ok ? applied.applied.head : applied.why;
    }));
    expect(new Set(heads).size).toBe(1);
    expect(heads[0]).toMatch(/^[0-9a-f]{40}$/);
    expect(readdirSync(repo.checksDir)).toEqual([]);
    await second.close();
    rmSync(other, { recursive: true, force: true });
  });

  it('touches neither refs, index nor work tree of the user', async () => {
    const before = [user.git('for-each-ref'), user.git('count-objects', '-v'), user.git('worktree', 'list'), user.git('status', '--porcelain'), user.git('config', '--list', '--local')];
    await apply(tinySeries([mail(create('only-here'))]));
    expect([user.git('for-each-ref'), user.git('count-objects', '-v'), user.git('worktree', 'list'), user.git('status', '--porcelain'), user.git('config', '--list', '--local')]).toEqual(before);
  });

  const wire = (text: string): string => text.replace(/\r?\n/g, '\r\n');
  const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
  const base64 = (text: string, charset = 'utf-8'): string => {
    const [header = '', body = ''] = [text.slice(0, text.indexOf('\n\n')), text.slice(text.indexOf('\n\n') + 2)];
    return `${header}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=${charset}\nContent-Transfer-Encoding: base64\n\n${Buffer.from(body).toString('base64').replace(/.{76}/g, '$&\n')}\n`;
  };
  const mime = (charset: string): string => `MIME-Version: 1.0\nContent-Type: text/plain; charset=${charset}\nContent-Transfer-Encoding: 8bit\n`;
  const plain = mail(create('f', 'text  \twith\f ends  '));
  const inBody = mail(create('f'), { log: 'From: Béa Other <bea@example.org>\nSubject: another title\nDate: Tue, 3 Nov 2026 11:00:00 -0500\n\nwords\n' });
  // each is what `git am` with these flags makes of the mail
  const sameAsAm: [string, string | Buffer, string[]][] = [
    ['a plain mail', plain, []],
    ['a plain mail from the wire', wire(plain), ['--no-keep-cr']],
    ['a patch of a CRLF file from disk', mail(crlfChange), ['--keep-cr']],
    ['a patch of a CRLF file from the wire', mail(crlfChange).replaceAll('\n', '\r\n'), ['--no-keep-cr']],
    ['base64', base64(plain), []],
    ['base64 of text with CRLF', base64(plain).replace(/(base64\n\n)([^]*)/, (_, head: string) => head + Buffer.from(wire(plain.slice(plain.indexOf('\n\n') + 2))).toString('base64').replace(/.{76}/g, '$&\n')), ['--quoted-cr=strip']],
    ['base64 of a patch of a CRLF file', base64(mail(crlfChange)), ['--keep-cr', '--quoted-cr=nowarn']],
    ['in-body From, Subject and Date', inBody, []],
    ['in-body From from the wire', wire(inBody), ['--no-keep-cr']],
    ['Latin-1 in message and file', latin1(mail('diff --git a/latin1.c b/latin1.c\n--- a/latin1.c\n+++ b/latin1.c\n@@ -1 +1 @@\n-/\xe4\n+/\xf6\n', { headers: mime('iso-8859-1'), log: 'gr\xfc\xdfe\n' })), []],
    ['UTF-8 under an unknown charset', mail(create('f', 'ä'), { headers: mime('unknown-8bit'), log: 'grüße\n' }), ['--no-utf8']],
    ['several prefixes and an encoded subject', plain.replace('Subject: [PATCH] one', 'Subject: [RFC] [PATCH net-next 1/1] =?utf-8?q?caf=C3=A9?='), []],
    ['scissors, which stay off', mail(create('f'), { log: 'before\n-- >8 --\nafter\n' }), ['--no-scissors']],
    ['a log with trailers, blank lines and white space at the ends', mail(create('f'), { log: '\n\none  \n\n\n\ntwo\t\n\nAcked-by: x <x@example.org>  \n' }), []],
    ['a rename with changes', mail('diff --git a/drivers/a.c b/drivers/c.c\nsimilarity index 90%\nrename from drivers/a.c\nrename to drivers/c.c\n--- a/drivers/a.c\n+++ b/drivers/c.c\n@@ -1,3 +1,3 @@\n a 0\n-a 1\n+c 1\n a 2\n'), []],
    ['a change of mode', mail('diff --git a/Kconfig b/Kconfig\nold mode 100644\nnew mode 100755\n'), []],
    ['a hunk that has moved', mail('diff --git a/Kconfig b/Kconfig\n--- a/Kconfig\n+++ b/Kconfig\n@@ -3,3 +3,3 @@\n config 20\n-config 21\n+config XX\n config 22\n'), []],
    ['a link inside the tree', mail(create('drivers/l', '../Kconfig', '120000', noNewline)), []],
  ];
  it.each(sameAsAm)('agrees with git am on %s', async (_, text, flags) => {
    const applied = await apply(tinySeries([text]), { base });
    const clone = tempDir();
    user.git('clone', '--quiet', '--shared', '.', clone);
    const file = join(clone, '.git', 'one.mail');
    writeFileSync(file, text);
    user.git('-C', clone, 'am', '--quiet', '--patch-format=mbox', ...flags, file);
    const format = '--format=%T%n%an <%ae>%n%ad%n%B';
    expect(own('log', '-1', format, applied.head)).toBe(user.git('-C', clone, 'log', '-1', format));
    rmSync(clone, { recursive: true, force: true });
  });

  it('cuts at scissors when asked to', async () => {
    const text = mail(create('f'), { log: 'before\n-- >8 --\nafter\n' });
    const applied = await apply(tinySeries([text]), { scissors: true });
    expect(own('log', '-1', '--format=%b', applied.head)).toBe('after\n');
  });

  it('ignores attributes, filters and hooks of the tree', async () => {
    const trap = join(stateDir, 'trap');
    writeFileSync(trap, `#!/bin/sh\ntouch ${trap}.ran\ncat\n`, { mode: 0o755 });
    const trapped = tinyRepo({ '.gitattributes': '* filter=trap text eol=crlf diff=trap merge=trap ident\n', f: 'one\n' });
    for (const key of ['filter.trap.clean', 'filter.trap.smudge', 'diff.trap.textconv', 'diff.trap.command']) trapped.git('config', key, trap);
    for (const hook of ['applypatch-msg', 'pre-applypatch', 'post-applypatch', 'reference-transaction', 'post-index-change']) trapped.write({ [`.git/hooks/${hook}`]: `#!/bin/sh\ntouch ${trap}.ran\n` });
    const opened = await openRepository({ treeDir: trapped.dir, stateDir });
    const applied = await applySeries(opened, tinySeries([mail('diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+$Id$\n')]));
    expect(applied).toMatchObject({ ok: true });
    if (applied.ok) expect((await openTree(opened, applied.applied.head).read(['f'])).get('f')).toBe('$Id$\n');
    expect(readdirSync(stateDir)).not.toContain('trap.ran');
    await opened.close();
    trapped.remove();
  });

  it.each([
    ['a date in the year 1', 'Date: Mon, 2 Nov 0001 10:00:00 +0000'],
    ['no date', 'X-Other: 1'],
    ['words for a date', 'Date: yesterday, about noon'],
    ['an offset that no place has', 'Date: Mon, 2 Nov 2026 10:00:00 +9999'],
  ])('applies a mail with %s', async (_, header) => {
    const applied = await apply(tinySeries([plain.replace(/^Date: .*$/m, header)]));
    expect(own('log', '-1', '--format=%at', applied.head)).toMatch(/^\d+$/);
  });

  it.each([['From: <>'], ['From: "<<>>" <a b@example.org>'], ['From: . <.@x>'], ['X-No-From: 1'], [`From: ${'x'.repeat(5000)} <a@example.org>`]])('applies a mail whose author is written as %.40s', async (header) => {
    const applied = await apply(tinySeries([plain.replace(/^From: .*$/m, header)]));
    expect(own('log', '-1', '--format=%an|%ae', applied.head)).toMatch(/^.+\|.+$/);
  });
});

describe('applySeries refuses', () => {
  it('a patch that does not fit, with its number, the file and the base', async () => {
    const bad = mail('diff --git a/drivers/a.c b/drivers/a.c\n--- a/drivers/a.c\n+++ b/drivers/a.c\n@@ -1,3 +1,3 @@\n a 0\n-nothing like it\n+c 1\n a 2\n');
    const refused = await refuse(tinySeries([mails[0] ?? '', bad]));
    expect(refused).toMatchObject({ kind: 'does-not-apply', patch: 2, path: 'drivers/a.c' });
    expect(refused.why).toBe('patch 2/2 ("one") does not apply: patch failed: drivers/a.c:1; drivers/a.c: patch does not apply (base: master)');
  });

  it.each([
    ['a file that is not there', 'diff --git a/absent b/absent\n--- a/absent\n+++ b/absent\n@@ -1 +1 @@\n-x\n+y\n', 'absent: does not exist in index', 'absent'],
    ['a new file that is there', create('Kconfig', 'different'), 'Kconfig: already exists in index', 'Kconfig'],
    ['a torn hunk', 'diff --git a/Kconfig b/Kconfig\n--- a/Kconfig\n+++ b/Kconfig\n@@ -1,3 +1,9 @@\n config 0\n', 'corrupt patch', undefined],
    ['a binary file without its data', 'diff --git a/x.png b/x.png\nnew file mode 100644\nindex 0000000..1234567\nBinary files /dev/null and b/x.png differ\n', 'cannot apply binary patch', 'x.png'],
  ])('%s', async (_, diff, why, path) => {
    const refused = await refuse(tinySeries([mail(diff)]));
    expect(refused).toMatchObject({ kind: 'does-not-apply', patch: 1, why: expect.stringContaining(why) });
    expect(refused.path).toBe(path);
  });

  it('a patch that is in the base already, and not one that is there only in part', async () => {
    const refused = await refuse(tinySeries(mails), { base: 'work' });
    expect(refused).toMatchObject({ kind: 'already-applied', patch: 1, why: expect.stringContaining('in the base already') });
    const half = mail(`${create('drivers/new.c', 'new')}${create('drivers/newer.c')}`);
    expect(await refuse(tinySeries([half]), { base: 'work' })).toMatchObject({ kind: 'does-not-apply' });
  });

  it('a mail without a diff', async () => {
    for (const text of [mail(''), mail('diff of opinion\n'), 'Subject: x\n\nwords\n']) expect(await refuse(tinySeries([text]))).toMatchObject({ kind: 'empty', patch: 1 });
  });

  it('a base that is not there', async () => {
    for (const name of ['absent', '--help']) expect(await refuse(tinySeries(mails), { base: name })).toMatchObject({ kind: 'no-base' });
  });

  const unsafe: [string, string[], number, string][] = [
    ['a path above the tree', [mail(create('../x'))], 1, '../x'],
    ['an absolute path', [mail(create('/tmp/x'))], 1, '/tmp/x'],
    ['a path in .git', [mail(create('fine')), mail(create('sub/.GIT/config'))], 2, 'sub/.GIT/config'],
    ['a link out of the tree', [mail(create('l', '../../etc', '120000', noNewline))], 1, 'l'],
    ['a link and a write through it', [mail(create('l', 'drivers', '120000', noNewline)), mail(create('l/x'))], 2, 'l/x'],
    ['a submodule', [mail(create('sub', `Subproject commit ${'1'.repeat(40)}`, '160000'))], 1, 'sub'],
  ];
  it.each(unsafe)('%s', async (_, texts, patch, path) => {
    const refused = await refuse(tinySeries(texts));
    expect(refused).toMatchObject({ kind: 'unsafe-path', patch });
    expect(refused.why).toContain(`patch ${patch}`);
    expect(refused.why).toContain(path);
  });

  it.each(unsafe)('%s, even when the parsed diff does not show it', async (_, texts, patch, path) => {
    const series = tinySeries(texts);
    const [first, ...rest] = series.patches.map((each) => ({ ...each, diff: [] }));
    if (first === undefined) throw new Error('no patch');
    const refused = await refuse({ ...series, patches: [first, ...rest] });
    expect(refused).toMatchObject({ kind: 'unsafe-path', patch });
    expect(refused.why).toContain(path);
  });

  it('a change that turns a link of the tree outwards', async () => {
    const linked = tinyRepo({ f: 'x\n' });
    linked.link('l', 'f');
    linked.commit('link');
    const opened = await openRepository({ treeDir: linked.dir, stateDir });
    const text = mail(`diff --git a/l b/l\n--- a/l\n+++ b/l\n@@ -1 +1 @@\n-f\n${noNewline}+../f\n${noNewline}`);
    expect(await applySeries(opened, tinySeries([text]))).toMatchObject({ ok: false, kind: 'unsafe-path', why: expect.stringContaining('leaves the tree') });
    await opened.close();
    linked.remove();
  });

  it('more binary files than anybody sends', async () => {
    const one = (index: number): string => `diff --git a/b${index} b/b${index}\nnew file mode 100644\nindex ${'0'.repeat(40)}..${'1'.repeat(40)}\nGIT binary patch\nliteral 1\nIcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n`;
    const text = mail(Array.from({ length: 20 }, (_, index) => one(index)).join(''));
    expect(await refuse(tinySeries([text]))).toMatchObject({ kind: 'does-not-apply', why: expect.stringContaining('20 binary files') });
  });

  it('a binary file that unpacks to more than memory is given', async () => {
    const text = mail(`diff --git a/b b/b\nnew file mode 100644\nindex ${'0'.repeat(40)}..${'1'.repeat(40)}\nGIT binary patch\nliteral 999999999999\nIcmZPo000310RR91\n\nliteral 0\nHcmV?d00001\n\n`);
    expect(await refuse(tinySeries([text]))).toMatchObject({ kind: 'does-not-apply', patch: 1 });
  });
});

describe('indexes of bases', () => {
  it('are kept for the last few and made again when gone or when another base is asked for', async () => {
    const indexes = join(repo.gitDir, 'indexes');
    const many = tinyRepo({ f: 'x\n' });
    const bases = Array.from({ length: 6 }, (_, index) => many.commit(`c${index}`, { g: `${index}\n` }));
    const opened = await openRepository({ treeDir: many.dir, stateDir });
    for (const each of [...bases, ...bases]) {
      const applied = await applySeries(opened, tinySeries([mail(create('new'))]), { base: each });
      if (!applied.ok) throw new Error(applied.why);
      expect((await openTree(opened, applied.applied.head).read(['g', 'new'])).get('g')).toBe(`${bases.indexOf(each)}\n`);
    }
    expect(readdirSync(join(opened.gitDir, 'indexes'))).toHaveLength(4);
    rmSync(indexes, { recursive: true });
    await apply(tinySeries(mails), { base });
    expect(readdirSync(indexes)).toEqual([base]);
    await opened.close();
    many.remove();
  });
});

describe('prerequisite-patch-id', () => {
  const patchId = (commit: string): string => {
    const diff = user.gitBytes('diff-tree', '-p', commit);
    writeFileSync(join(stateDir, 'diff'), diff);
    return user.git('-c', `alias.pid=!git patch-id --stable < ${join(stateDir, 'diff')}`, 'pid').split(' ')[0] ?? '';
  };

  it('applies those of another branch below patch 1, in order', async () => {
    const first = user.git('rev-parse', 'work~1');
    const series = tinySeries([mails[1] ?? ''], { baseCommit: base, prerequisites: [patchId(first)] });
    const applied = await apply(series);
    expect(applied.prerequisites).toMatchObject([{ patchId: patchId(first) }]);
    expect(own('rev-list', '--reverse', `${base}..${applied.head}`).split('\n')).toEqual([applied.prerequisites[0]?.commit, applied.commits[0]?.sha]);
    expect(own('log', '--format=%T%n%an%n%B', `${base}..${applied.head}`)).toBe(user.git('log', '--format=%T%n%an%n%B', `${base}..work`));
    expect(applied.base.detail).not.toContain('prerequisite');
  });

  it('notes those that are in the base, and those that are nowhere', async () => {
    const first = user.git('rev-parse', 'work~1');
    const series = tinySeries([mails[1] ?? ''], { baseCommit: first, prerequisites: [patchId(first), 'e'.repeat(40)] });
    const applied = await apply(series);
    expect(applied.prerequisites).toEqual([]);
    expect(applied.base.detail).toContain(`prerequisite patch ${patchId(first).slice(0, 12)} is in the base already; prerequisite patch eeeeeeeeeeee was not found in this tree`);
  });
});

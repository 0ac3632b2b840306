import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseMessage } from '../../bot/message.ts';
import { parsePatch } from '../../bot/patch.ts';
import { applySeries } from '../../queue/apply.ts';
import { openTree } from '../../queue/git-tree.ts';
import { openRepository } from '../../queue/repository.ts';
import { EOLS } from '../fixtures/mail/make.ts';
import type { AppliedTree } from '../support/applied-tree.ts';
import { openAppliedTree } from '../support/applied-tree.ts';
import { tempDir, tinyRepo } from '../support/tiny-repo.ts';
import { create, crlfChange, mail, noNewline, tinySeries } from '../support/tiny-series.ts';

let tree: AppliedTree;
beforeAll(async () => {
  tree = await openAppliedTree();
});
afterAll(async () => await tree.close());

describe('applySeries', () => {
  it('makes one commit per patch, with its tree, author, date and message', async () => {
    const applied = await tree.apply(tinySeries(tree.mails, { baseCommit: tree.base }));
    expect(applied).toMatchObject({
      gitDir: tree.repo.gitDir,
      base: { sha: tree.base, how: 'base-commit', name: 'master' },
      prerequisites: [],
    });
    expect(applied.commits.map((commit) => commit.n)).toEqual([1, 2]);
    expect(applied.head).toBe(applied.commits[1]?.sha);
    expect(tree.own('rev-list', '--reverse', `${tree.base}..${applied.head}`).split('\n')).toEqual(
      applied.commits.map((commit) => commit.sha),
    );
    const format = '--format=%T%n%an <%ae>%n%ad%n%B';
    expect(tree.own('log', format, `${tree.base}..${applied.head}`)).toBe(
      tree.user.git('log', format, `${tree.base}..${tree.work}`),
    );
    expect(tree.own('log', '-1', '--format=%cn <%ce> %cd', applied.head)).toBe(
      `depbot <depbot@depbot.invalid> ${tree.user.git('log', '-1', '--format=%ad', tree.work)}`,
    );
    expect((await openTree(tree.repo, applied.head).read(['drivers/new.c'])).get('drivers/new.c')).toBe('new\n');
  });

  it('makes the same commits each time, in another state directory and at the same time', async () => {
    const other = tempDir();
    const second = await openRepository({ treeDir: tree.user.dir, stateDir: other });
    const series = tinySeries(tree.mails);
    const heads = await Promise.all(
      [tree.repo, tree.repo, second].map(async (each) => {
        const applied = await applySeries(each, series);
        return applied.ok ? applied.applied.head : applied.why;
      }),
    );
    expect(new Set(heads).size).toBe(1);
    expect(heads[0]).toMatch(/^[0-9a-f]{40}$/);
    expect(readdirSync(tree.repo.checksDir)).toEqual([]);
    await second.close();
    rmSync(other, { recursive: true, force: true });
  });

  it('touches neither refs, index nor work tree of the user', async () => {
    const before = [
      tree.user.git('for-each-ref'),
      tree.user.git('count-objects', '-v'),
      tree.user.git('worktree', 'list'),
      tree.user.git('status', '--porcelain'),
      tree.user.git('config', '--list', '--local'),
    ];
    await tree.apply(tinySeries([mail(create('only-here'))]));
    expect([
      tree.user.git('for-each-ref'),
      tree.user.git('count-objects', '-v'),
      tree.user.git('worktree', 'list'),
      tree.user.git('status', '--porcelain'),
      tree.user.git('config', '--list', '--local'),
    ]).toEqual(before);
  });

  const wire = (text: string): string => text.replace(/\r?\n/g, '\r\n');
  const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
  const base64 = (text: string, charset = 'utf-8'): string => {
    const [header = '', body = ''] = [text.slice(0, text.indexOf('\n\n')), text.slice(text.indexOf('\n\n') + 2)];
    return `${header}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=${charset}\nContent-Transfer-Encoding: base64\n\n${Buffer.from(body).toString('base64').replace(/.{76}/g, '$&\n')}\n`;
  };
  const mime = (charset: string): string =>
    `MIME-Version: 1.0\nContent-Type: text/plain; charset=${charset}\nContent-Transfer-Encoding: 8bit\n`;
  const plain = mail(create('f', 'text  \twith\f ends  '));
  const inBody = mail(create('f'), {
    log: 'From: Béa Other <bea@example.org>\nSubject: another title\nDate: Tue, 3 Nov 2026 11:00:00 -0500\n\nwords\n',
  });
  // each is what `git am` with these flags makes of the mail
  const sameAsAm: [string, string | Buffer, string[]][] = [
    ['a plain mail', plain, []],
    ['a plain mail from the wire', wire(plain), ['--no-keep-cr']],
    ['a patch of a CRLF file from disk', mail(crlfChange), ['--keep-cr']],
    ['a patch of a CRLF file from the wire', mail(crlfChange).replaceAll('\n', '\r\n'), ['--no-keep-cr']],
    ['base64', base64(plain), []],
    [
      'base64 of text with CRLF',
      base64(plain).replace(
        /(base64\n\n)([\s\S]*)/,
        (_, head: string) =>
          head +
          Buffer.from(wire(plain.slice(plain.indexOf('\n\n') + 2)))
            .toString('base64')
            .replace(/.{76}/g, '$&\n'),
      ),
      ['--quoted-cr=strip'],
    ],
    ['base64 of a patch of a CRLF file', base64(mail(crlfChange)), ['--keep-cr', '--quoted-cr=nowarn']],
    ['in-body From, Subject and Date', inBody, []],
    ['in-body From from the wire', wire(inBody), ['--no-keep-cr']],
    [
      'Latin-1 in message and file',
      latin1(
        mail('diff --git a/latin1.c b/latin1.c\n--- a/latin1.c\n+++ b/latin1.c\n@@ -1 +1 @@\n-/\xe4\n+/\xf6\n', {
          headers: mime('iso-8859-1'),
          log: 'gr\xfc\xdfe\n',
        }),
      ),
      [],
    ],
    [
      'UTF-8 under an unknown charset',
      mail(create('f', 'ä'), { headers: mime('unknown-8bit'), log: 'grüße\n' }),
      ['--no-utf8'],
    ],
    [
      'several prefixes and an encoded subject',
      plain.replace('Subject: [PATCH] one', 'Subject: [RFC] [PATCH net-next 1/1] =?utf-8?q?caf=C3=A9?='),
      [],
    ],
    ['scissors, which stay off', mail(create('f'), { log: 'before\n-- >8 --\nafter\n' }), ['--no-scissors']],
    [
      'a log with trailers, blank lines and white space at the ends',
      mail(create('f'), { log: '\n\none  \n\n\n\ntwo\t\n\nAcked-by: x <x@example.org>  \n' }),
      [],
    ],
    [
      'a rename with changes',
      mail(
        'diff --git a/drivers/a.c b/drivers/c.c\nsimilarity index 90%\nrename from drivers/a.c\nrename to drivers/c.c\n--- a/drivers/a.c\n+++ b/drivers/c.c\n@@ -1,3 +1,3 @@\n a 0\n-a 1\n+c 1\n a 2\n',
      ),
      [],
    ],
    ['a change of mode', mail('diff --git a/Kconfig b/Kconfig\nold mode 100644\nnew mode 100755\n'), []],
    [
      'a hunk that has moved',
      mail(
        'diff --git a/Kconfig b/Kconfig\n--- a/Kconfig\n+++ b/Kconfig\n@@ -3,3 +3,3 @@\n config 20\n-config 21\n+config XX\n config 22\n',
      ),
      [],
    ],
    ['a link inside the tree', mail(create('drivers/l', '../Kconfig', '120000', noNewline)), []],
  ];
  it.each(sameAsAm)('agrees with git am on %s', async (_, text, flags) => {
    const applied = await tree.apply(tinySeries([text]), { base: tree.base });
    const clone = tempDir();
    tree.user.git('clone', '--quiet', '--shared', '.', clone);
    const file = join(clone, '.git', 'one.mail');
    writeFileSync(file, text);
    tree.user.git('-C', clone, 'am', '--quiet', '--patch-format=mbox', ...flags, file);
    const format = '--format=%T%n%an <%ae>%n%ad%n%B';
    expect(tree.own('log', '-1', format, applied.head)).toBe(tree.user.git('-C', clone, 'log', '-1', format));
    rmSync(clone, { recursive: true, force: true });
  });

  it('cuts at scissors when asked to', async () => {
    const text = mail(create('f'), { log: 'before\n-- >8 --\nafter\n' });
    const applied = await tree.apply(tinySeries([text]), { scissors: true });
    expect(tree.own('log', '-1', '--format=%b', applied.head)).toBe('after\n');
  });

  it.each(EOLS)('cuts at scissors where reading the mail did, with %s', async (_, eol) => {
    const log = 'How about this?\n\n-- >8 --\nFrom: Bo <bo@example.org>\nSubject: [PATCH] f: cut\n\nafter\n';
    const raw = Buffer.from(mail(create('f'), { log }).replace(/\n/g, eol));
    const message = parseMessage(raw);
    const read = message.ok ? parsePatch(message.message) : message;
    if (!read.ok) throw new Error(read.why);
    expect(read.patch).toMatchObject({ scissors: true, title: 'f: cut', author: { address: 'bo@example.org' } });
    const cut = await tree.apply({ ...tinySeries([raw]), patches: [read.patch] });
    expect(tree.own('log', '-1', '--format=%an <%ae>%n%B', cut.head)).toBe('Bo <bo@example.org>\nf: cut\n\nafter\n');
    expect((await openTree(tree.repo, cut.head).read(['f'])).has('f')).toBe(true);
    const { scissors: _cut, ...uncut } = read.patch;
    const whole = await tree.apply({ ...tinySeries([raw]), patches: [uncut] });
    expect(tree.own('log', '-1', '--format=%B', whole.head)).toContain('How about this?');
  });

  it('ignores attributes, filters and hooks of the tree', async () => {
    const trap = join(tree.stateDir, 'trap');
    writeFileSync(trap, `#!/bin/sh\ntouch ${trap}.ran\ncat\n`, { mode: 0o755 });
    const trapped = tinyRepo({
      '.gitattributes': '* filter=trap text eol=crlf diff=trap merge=trap ident\n',
      f: 'one\n',
    });
    for (const key of ['filter.trap.clean', 'filter.trap.smudge', 'diff.trap.textconv', 'diff.trap.command'])
      trapped.git('config', key, trap);
    for (const hook of [
      'applypatch-msg',
      'pre-applypatch',
      'post-applypatch',
      'reference-transaction',
      'post-index-change',
    ])
      trapped.write({ [`.git/hooks/${hook}`]: `#!/bin/sh\ntouch ${trap}.ran\n` });
    const opened = await openRepository({ treeDir: trapped.dir, stateDir: tree.stateDir });
    const applied = await applySeries(
      opened,
      tinySeries([mail('diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+$Id$\n')]),
    );
    expect(applied).toMatchObject({ ok: true });
    if (applied.ok) expect((await openTree(opened, applied.applied.head).read(['f'])).get('f')).toBe('$Id$\n');
    expect(readdirSync(tree.stateDir)).not.toContain('trap.ran');
    await opened.close();
    trapped.remove();
  });

  it.each([
    ['a date in the year 1', 'Date: Mon, 2 Nov 0001 10:00:00 +0000'],
    ['no date', 'X-Other: 1'],
    ['words for a date', 'Date: yesterday, about noon'],
    ['an offset that no place has', 'Date: Mon, 2 Nov 2026 10:00:00 +9999'],
  ])('applies a mail with %s', async (_, header) => {
    const applied = await tree.apply(tinySeries([plain.replace(/^Date: .*$/m, header)]));
    expect(tree.own('log', '-1', '--format=%at', applied.head)).toMatch(/^\d+$/);
  });

  it.each([
    ['From: <>'],
    ['From: "<<>>" <a b@example.org>'],
    ['From: . <.@x>'],
    ['X-No-From: 1'],
    [`From: ${'x'.repeat(5000)} <a@example.org>`],
  ])('applies a mail whose author is written as %.40s', async (header) => {
    const applied = await tree.apply(tinySeries([plain.replace(/^From: .*$/m, header)]));
    expect(tree.own('log', '-1', '--format=%an|%ae', applied.head)).toMatch(/^.+\|.+$/);
  });
});

describe('indexes of bases', () => {
  it('are kept for the last few and made again when gone or when another base is asked for', async () => {
    const indexes = join(tree.repo.gitDir, 'indexes');
    const many = tinyRepo({ f: 'x\n' });
    const bases = Array.from({ length: 6 }, (_, index) => many.commit(`c${index}`, { g: `${index}\n` }));
    const opened = await openRepository({ treeDir: many.dir, stateDir: tree.stateDir });
    for (const each of [...bases, ...bases]) {
      const applied = await applySeries(opened, tinySeries([mail(create('new'))]), { base: each });
      if (!applied.ok) throw new Error(applied.why);
      expect((await openTree(opened, applied.applied.head).read(['g', 'new'])).get('g')).toBe(
        `${bases.indexOf(each)}\n`,
      );
    }
    expect(readdirSync(join(opened.gitDir, 'indexes'))).toHaveLength(4);
    rmSync(indexes, { recursive: true });
    await tree.apply(tinySeries(tree.mails), { base: tree.base });
    expect(readdirSync(indexes)).toEqual([tree.base]);
    await opened.close();
    many.remove();
  });
});

import { describe, expect, it } from 'vitest';
import { parseMessage } from '../../bot/message.ts';
import { parsePatch } from '../../bot/patch.ts';
import { AUTHOR, bytesOf, diffOf, EOLS, type MailText, mailText, patchBody } from '../fixtures/mail/make.ts';

const SOB = { key: 'Signed-off-by', value: AUTHOR };

describe.each(EOLS)('parsePatch with %s', (_, eol) => {
  function parse(mail: MailText) {
    const message = parseMessage(bytesOf(mailText(mail), eol));
    if (!message.ok) throw new Error(message.why);
    return parsePatch(message.message);
  }
  function patchOf(mail: MailText) {
    const parsed = parse(mail);
    if (!parsed.ok) throw new Error(parsed.why);
    return parsed;
  }

  it('reads title, author, log, trailers and diff', () => {
    const { patch, oddities } = patchOf({ subject: '[PATCH v2 2/3] foo: select BAR' });
    expect(patch).toMatchObject({
      n: 2,
      total: 3,
      title: 'foo: select BAR',
      author: { name: 'Ada Penn', address: 'ada@example.org' },
      log: 'Foo needs BAR.',
      trailers: [SOB],
    });
    expect(patch.diff.map((file) => file.newPath)).toEqual(['drivers/foo/Kconfig']);
    expect(oddities).toEqual([]);
  });

  it('takes author and title from in-body headers', () => {
    const { patch } = patchOf({
      body: `From: =?utf-8?q?B=C3=B6?= <bo@example.org>\nSubject: [PATCH v9] foo: long\n title\nDate: Mon, 2 Mar 2026 09:00:00 +0000\n\n${patchBody()}`,
    });
    expect(patch).toMatchObject({
      author: { name: 'Bö', address: 'bo@example.org' },
      title: 'foo: long title',
      log: 'Foo needs BAR.',
      n: 1,
      total: 1,
    });
  });

  it('does not take a later From: for one, nor one without an address', () => {
    expect(patchOf({ body: patchBody('Why.\nFrom: bo@example.org') }).patch).toMatchObject({
      author: { address: 'ada@example.org' },
      log: 'Why.\nFrom: bo@example.org',
    });
    const { patch, oddities } = patchOf({ body: `From: nobody\n\n${patchBody()}` });
    expect(patch.author.address).toBe('ada@example.org');
    expect(oddities).toEqual([expect.stringContaining('no readable address')]);
  });

  it('reads an attached format-patch file with its own mail head', () => {
    const file = `From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: Bo <bo@example.org>\nDate: Mon, 2 Mar 2026\nSubject: [PATCH] foo: inner\nMIME-Version: 1.0\n\n${patchBody()}`;
    const { patch } = patchOf({
      headers: ['Content-Type: multipart/mixed; boundary=x'],
      body: `--x\n\nAttached.\n--x\nContent-Type: text/x-patch\n\n${file}\n--x--\n`,
    });
    expect(patch).toMatchObject({ author: { address: 'bo@example.org' }, title: 'foo: inner', log: 'Foo needs BAR.' });
  });

  it('drops what stands above scissors, and keeps the line numbers of the mail', () => {
    const body = `How about this?\n\n---- 8< ---- cut here ---- 8< ----\nSubject: foo: cut\n\n${patchBody()}`;
    const { patch } = patchOf({ body });
    expect(patch).toMatchObject({ title: 'foo: cut', log: 'Foo needs BAR.', scissors: true });
    expect(body.split('\n')[(patch.diff[0]?.mailLine ?? 0) - 1]).toMatch(/^diff --git/);
  });

  it.each(['-- >8 --', '---8<---- cut here, please', 'cut here: ------------%<------------'])(
    'takes "%s" for scissors, above the --- only',
    (line) => {
      const cut = patchOf({ body: `Intro.\n\n${line}\n\n${patchBody()}` }).patch;
      expect(cut).toMatchObject({ log: 'Foo needs BAR.', scissors: true });
      const below = patchOf({ body: patchBody().replace('---\n', `---\nv2: shorter\n${line}\n`) }).patch;
      expect(below.log).toBe('Foo needs BAR.');
      expect(below).not.toHaveProperty('scissors');
    },
  );

  it.each(['---', '8 < 9 is true', '-- see chapter >8 of this book, which is long', '----------'])(
    'does not take "%s" for scissors',
    (line) => {
      const { patch } = patchOf({ body: `Intro.\n\n${line === '---' ? 'x' : line}\n\n${patchBody()}` });
      expect(patch.log).toContain('Intro.');
      expect(patch).not.toHaveProperty('scissors');
    },
  );

  it('ends the log at the first --- or at the diff', () => {
    expect(patchOf({ body: patchBody().replace('---\n', '---\nv2: said so\n\n---\n') }).patch).toMatchObject({
      log: 'Foo needs BAR.',
      trailers: [SOB],
    });
    expect(patchOf({ body: `Why.\n\n${diffOf()}` }).patch.log).toBe('Why.');
    expect(patchOf({ body: `Why.\n\nIndex: foo\n${diffOf()}` }).patch.log).toBe('Why.');
  });

  describe('a mail with fewer files than its diffstat counts', () => {
    const two = ' drivers/foo/Kconfig | 1 +\n drivers/foo/foo.c   | 1 +\n 2 files changed, 2 insertions(+)\n';
    const one = ' drivers/foo/Kconfig | 1 +\n 1 file changed, 1 insertion(+)\n';
    const unsigned = diffOf().replace(/^-- \n[\s\S]*/m, '');
    const CUT = 'its diff is cut short: its diffstat counts 2 files, and 1 of them came';
    const mail = (below: string, diff = unsigned, log = 'Why.') => patchOf({ body: `${log}\n---\n${below}\n${diff}` });

    it.each([
      ['below the ---', two],
      ['with modes below', `${two} create mode 100644 drivers/foo/foo.c\n`],
      ['below that of another revision', `v1 was\n${one}\n${two}`],
      ['below what the author wrote by hand', `---\nv2: shorter\n\n${two}`],
      ['of added lines alone', ' 2 files changed\n'],
    ])('is cut short: a diffstat %s', (_where, below) => {
      expect(mail(below).oddities).toEqual([CUT]);
    });

    it('is cut short below scissors', () => {
      expect(mail(two, unsigned, 'Hello.\n\n-- >8 --\nWhy.').oddities).toEqual([CUT]);
    });

    it.each([
      ['all have come', one, unsigned, 'Why.'],
      ['more have come', one, unsigned + diffOf('drivers/foo/foo.c').replace(/^-- \n[\s\S]*/m, ''), 'Why.'],
      ["git's signature is still there", two, diffOf(), 'Why.'],
      ['the diffstat is quoted', two.replace(/^/gm, '>'), unsigned, 'Why.'],
      ['the diffstat is forwarded with another mail', one, unsigned, `They wrote\n\n${two}\nso.`],
      ['the diffstat is above scissors', one, unsigned, `Hello.\n${two}\n-- >8 --\nWhy.`],
      ['that of the series is above its own', two + one, unsigned, 'Why.'],
      ['it is a sentence', ' 2 files changed since v1, mostly docs\n', unsigned, 'Why.'],
    ])('is not cut short where %s', (_why, below, diff, log) => {
      expect(mail(below, diff, log).oddities).toEqual([]);
    });
  });

  it('does not take a mail without diff for a patch', () => {
    expect(parse({ body: 'A line\n---\nand more\n' })).toEqual({ ok: false, why: 'it carries no diff' });
    expect(parse({ body: diffOf().replace(/^/gm, '> ') })).toEqual({ ok: false, why: 'it carries no diff' });
  });

  it('takes base64 and format=flowed mails, with what was odd', () => {
    const headers = ['Content-Type: text/plain; charset=utf-8; format=flowed', 'Content-Transfer-Encoding: base64'];
    const { patch, oddities } = patchOf({ headers, body: Buffer.from(patchBody()).toString('base64') });
    expect(patch.log).toBe('Foo needs BAR.');
    expect(oddities).toEqual([expect.stringContaining('format=flowed')]);
  });
});

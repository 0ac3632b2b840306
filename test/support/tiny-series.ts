/**
 * A Series from mails as `git format-patch` writes them, for tests of what comes after assembly. It
 * reads just enough of a diff for that: paths, modes, object names, added and removed lines.
 */
import type { DiffLine, FileDiff, Message, Patch, Series } from '../../rules/types.ts';

/** One mail of a series; `raw` decides what is applied, `diff` is what the parser made of it. */
export function tinyPatch(raw: string | Uint8Array, n = 1, total = 1): Patch {
  const bytes = typeof raw === 'string' ? Buffer.from(raw) : Buffer.from(raw);
  const text = bytes.toString('utf8').replaceAll('\r\n', '\n');
  const blank = text.indexOf('\n\n');
  const header = text.slice(0, blank);
  const body = text.slice(blank + 2);
  const subject = /^Subject: (.*(?:\n[ \t].*)*)/m.exec(header)?.[1]?.replace(/\n[ \t]/g, ' ') ?? '';
  const message: Message = {
    raw: bytes,
    messageId: `${n}@example.org`,
    references: [],
    from: { name: 'Ann Author', address: 'ann@example.org' },
    to: [],
    cc: [],
    listIds: [],
    subject,
    body,
    oddities: [],
  };
  return {
    n,
    total,
    message,
    title: subject.replace(/^(?:\[[^\]]*\]\s*)+/, ''),
    author: message.from,
    log: '',
    trailers: [],
    diff: tinyDiff(body),
  };
}

/** A series of such mails. */
export function tinySeries(
  mails: readonly (string | Uint8Array)[],
  more: Partial<Pick<Series, 'baseCommit' | 'prerequisites'>> = {},
): Series {
  const [first, ...rest] = mails.map((mail, index) => tinyPatch(mail, index + 1, mails.length));
  if (first === undefined) throw new Error('a series has at least one mail');
  return {
    complete: true,
    id: first.message.messageId,
    revision: 1,
    subject: first.title,
    author: first.author,
    patches: [first, ...rest],
    tags: [],
    prerequisites: [],
    carriedOver: [],
    oddities: [],
    ...more,
  };
}

/** Splits the output of `git format-patch --stdout`. */
export function splitMails(mbox: Buffer): Buffer[] {
  return mbox
    .toString('latin1')
    .split(/^(?=From [0-9a-f]{40} Mon Sep 17)/m)
    .filter((part) => part !== '')
    .map((part) => Buffer.from(part, 'latin1'));
}

export function tinyDiff(body: string): FileDiff[] {
  return body
    .split(/^(?=diff --git )/m)
    .filter((part) => part.startsWith('diff --git '))
    .map((part) => {
      const names = /^diff --git a\/(.*) b\/(.*)$/m.exec(part);
      const index = /^index ([0-9a-f]+)\.\.([0-9a-f]+)(?: (\d+))?$/m.exec(part);
      const created = /^new file mode (\d+)$/m.exec(part)?.[1];
      const deleted = /^deleted file mode (\d+)$/m.exec(part)?.[1];
      const kind =
        created !== undefined
          ? 'create'
          : deleted !== undefined
            ? 'delete'
            : /^rename from /m.test(part)
              ? 'rename'
              : 'modify';
      const oldMode = deleted ?? index?.[3];
      const newMode = created ?? index?.[3];
      return {
        kind,
        ...(created === undefined ? { oldPath: names?.[1] ?? '' } : {}),
        ...(deleted === undefined ? { newPath: names?.[2] ?? '' } : {}),
        ...(oldMode === undefined ? {} : { oldMode }),
        ...(newMode === undefined ? {} : { newMode }),
        ...(index?.[1] !== undefined && /[^0]/.test(index[1]) ? { oldBlob: index[1] } : {}),
        ...(index?.[2] !== undefined && /[^0]/.test(index[2]) ? { newBlob: index[2] } : {}),
        binary: false,
        mailLine: 1,
        hunks: tinyHunks(part),
      };
    });
}

function tinyHunks(part: string): FileDiff['hunks'] {
  return part
    .split(/^(?=@@ )/m)
    .slice(1)
    .map((hunk) => ({
      mailLine: 1,
      oldStart: 1,
      oldCount: 1,
      newStart: 1,
      newCount: 1,
      section: '',
      lines: hunk
        .split('\n')
        .slice(1)
        .filter((line) => /^[ +-]/.test(line) && line !== '-- ')
        .map(
          (line): DiffLine => ({
            kind: line.startsWith('+') ? 'add' : line.startsWith('-') ? 'remove' : 'context',
            text: line.slice(1),
            mailLine: 1,
          }),
        ),
    }));
}

// ---------------------------------------------------------------- mails

export function mail(diff: string, more: { headers?: string; log?: string } = {}): string {
  return `From: Ann Author <ann@example.org>\nDate: Mon, 2 Nov 2026 10:00:00 +0100\nSubject: [PATCH] one\n${more.headers ?? ''}\n${more.log ?? 'words\n'}---\n\n${diff}-- \n2.43.0\n`;
}
export const create = (path: string, text = 'x', mode = '100644', noEol = ''): string =>
  `diff --git a/${path} b/${path}\nnew file mode ${mode}\n--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+${text}\n${noEol}`;
export const noNewline = '\\ No newline at end of file\n';
export const crlfChange =
  'diff --git a/crlf.c b/crlf.c\n--- a/crlf.c\n+++ b/crlf.c\n@@ -1,3 +1,3 @@\n one\r\n-two\r\n+zwei\r\n three\r\n';

/**
 * A range of the user's tree as the mails it would be posted as, so that a series is checked before
 * posting by the same path as a posted one. Nothing in it depends on the clock or on who asks: dates
 * and authors are the commits', Message-IDs are made from their names.
 *
 * Format: git-format-patch(1), mboxrd quoting, threaded below the cover letter or the first patch.
 */

import type { Outcome, Sha } from '../rules/types.ts';
import { GitError, runGit } from './git.ts';
import { resolveRevision } from './refs.ts';
import type { Repository } from './repository.ts';

export interface RangeMails {
  readonly mbox: Uint8Array;
  /** Parent of the first commit; the mails name it as base-commit. */
  readonly base: Sha;
  /** Oldest first. */
  readonly commits: readonly Sha[];
}

const MAX_COMMITS = 500;
const MAX_MBOX_BYTES = 256 << 20;
const DOMAIN = 'range.depbot.invalid';

const FORMAT_FLAGS = [
  '--stdout',
  '--pretty=mboxrd',
  '--no-signature',
  '--no-thread',
  '--no-attach',
  '--no-cover-letter',
  '--no-notes',
  '--no-ext-diff',
  '--no-textconv',
  '--subject-prefix=PATCH',
  '--encode-email-headers',
  '--full-index',
  '--binary',
  '-M',
];

/**
 * The commits of `base..branch` as an mbox. `cover` is the text of a cover letter, its first line the
 * subject; without it there is none. `ok: false` with a sentence for an unknown revision, an empty
 * range, merges, more than 500 commits, or a range that reaches the beginning of history.
 * Throws GitError when the machine fails.
 */
export async function formatRange(
  repo: Repository,
  range: string,
  options: { readonly cover?: string } = {},
): Promise<Outcome<RangeMails, { why: string }>> {
  const shown = JSON.stringify(range.slice(0, 200));
  const ends = range.split('..');
  const [left = '', right = ''] = ends;
  if (ends.length !== 2 || left === '' || right.startsWith('.'))
    return { ok: false, why: `${shown} is not a range: expected base..branch` };
  const shas: Sha[] = [];
  for (const name of [left, right === '' ? 'HEAD' : right]) {
    const sha = await resolveRevision(repo, name);
    if (sha === undefined)
      return { ok: false, why: `${JSON.stringify(name.slice(0, 200))} is not a commit of this tree` };
    shas.push(sha);
  }
  const [from = '', to = ''] = shas;
  const listed = await runGit(repo.place, [
    'rev-list',
    '--reverse',
    '--topo-order',
    '--parents',
    `--max-count=${MAX_COMMITS + 1}`,
    `${from}..${to}`,
  ]);
  const rows = listed.stdout
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '));
  if (rows.length === 0)
    return { ok: false, why: `the range ${shown} is empty: it has no commit that its base does not have` };
  const merge = rows.find((row) => row.length > 2);
  if (merge !== undefined)
    return {
      ok: false,
      why: `the range ${shown} has a merge, ${merge[0]?.slice(0, 12)}: a series is a line of commits`,
    };
  if (rows.length > MAX_COMMITS) return { ok: false, why: `the range ${shown} has more than ${MAX_COMMITS} commits` };
  const base = rows[0]?.[1];
  if (base === undefined)
    return { ok: false, why: `the range ${shown} reaches the beginning of history: its ends have no common commit` };
  const commits = rows.map((row) => row[0] ?? '');
  const numbered = options.cover !== undefined || commits.length > 1 ? '--numbered' : '--no-numbered';
  const argv = ['format-patch', ...FORMAT_FLAGS, numbered, `--base=${base}`, '--end-of-options', `${base}..${to}`];
  const { stdout } = await runGit(repo.place, argv, { maxBytes: MAX_MBOX_BYTES, timeoutMs: 120_000 });
  return { ok: true, mbox: thread(stdout, commits, base, options.cover), base, commits };
}

/** Puts Message-IDs and threading below each `From <commit>` line, and the cover letter in front. */
function thread(mails: Buffer, commits: readonly Sha[], base: Sha, cover: string | undefined): Buffer {
  const parts: Buffer[] = [];
  const starts = commits.map((commit, index) => {
    const separator = `From ${commit} Mon Sep 17 00:00:00 2001\n`;
    const at = index === 0 && mails.indexOf(separator) === 0 ? 0 : mails.indexOf(`\n${separator}`) + 1;
    if (index > 0 && at === 0) throw new GitError('failed', `git format-patch left out commit ${commit}`);
    return { commit, at, separator };
  });
  const root = cover === undefined ? idOf(commits[0] ?? '') : `cover.${idOf(commits.at(-1) ?? '')}`;
  starts.forEach(({ commit, at, separator }, index) => {
    const mail = mails.subarray(at, starts[index + 1]?.at ?? mails.length);
    const rest = mail.subarray(separator.length);
    if (index === 0 && cover !== undefined) parts.push(coverMail(separator, rest, root, commits.length, base, cover));
    const answers = cover === undefined && index === 0 ? '' : `In-Reply-To: <${root}>\nReferences: <${root}>\n`;
    parts.push(Buffer.from(`${separator}Message-ID: <${idOf(commit)}>\n${answers}`), rest);
  });
  return Buffer.concat(parts);
}

function idOf(commit: Sha): string {
  return `${commit}@${DOMAIN}`;
}

/** The cover letter is from the author of the first patch, and of its date. */
function coverMail(separator: string, first: Buffer, id: string, total: number, base: Sha, cover: string): Buffer {
  const header = first.toString('utf8', 0, Math.max(0, first.indexOf('\n\n')));
  const field = (name: string): string =>
    new RegExp(`^${name}: .*(?:\\n[ \\t].*)*`, 'm').exec(header)?.[0] ?? `${name}: unknown <unknown@invalid>`;
  const [subject = '', ...body] = cover.replaceAll('\r\n', '\n').split('\n');
  const zero = '0'.repeat(String(total).length);
  const text = [...body, '', `base-commit: ${base}`, '', '']
    .map((line) => line.replace(/^(>*From )/, '>$1'))
    .join('\n')
    .replace(/^\n+/, '');
  return Buffer.from(
    [
      separator.trimEnd(),
      `Message-ID: <${id}>`,
      field('From'),
      field('Date'),
      `Subject: ${encodeWords(`[PATCH ${zero}/${total}] ${subject.trim()}`)}`,
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=UTF-8',
      'Content-Transfer-Encoding: 8bit',
      '',
      text,
    ].join('\n'),
  );
}

/** RFC 2047: words beyond ASCII as base64, each encoded word below 76 characters and of whole characters. */
function encodeWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const words: string[] = [];
  let part = '';
  for (const character of text) {
    if (Buffer.byteLength(part + character) > 42) {
      words.push(part);
      part = '';
    }
    part += character;
  }
  return [...words, part].map((word) => `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`).join('\n ');
}

/** The commit that a mail of a range was made of, by its Message-ID; undefined for other mails. */
export function commitOfRange(messageId: string): Sha | undefined {
  const [sha = '', domain] = messageId.split('@');
  return domain === DOMAIN && /^[0-9a-f]{40,64}$/.test(sha) ? sha : undefined;
}

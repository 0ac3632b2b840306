/**
 * From changed files to a patch mail as a list would carry it: commits in depbot's own repository, git's diff
 * between them (so that the `index` lines name real blobs), and headers like those of git send-email.
 */
import { Readable } from 'node:stream';
import { readSeries } from '../../bot/intake.ts';
import type { CheckDir } from '../../queue/check-dir.ts';
import { commitIndex, openCheckDir } from '../../queue/check-dir.ts';
import { gitText, runGit } from '../../queue/git.ts';
import type { Repository } from '../../queue/repository.ts';
import type { Series, Sha } from '../../rules/types.ts';

/** New bytes of each changed file; undefined where the file goes. */
export type FileChanges = ReadonlyMap<string, Buffer | undefined>;

export interface MailWords {
  /** Without angle brackets. */
  readonly messageId: string;
  /** Without `[PATCH]`. */
  readonly title: string;
  /** Commit message below the title, LF line ends. */
  readonly log: string;
  /** The author, who has no accents: `Ann Author <ann@example.org>`. */
  readonly from: string;
  /** As RFC 5322 has it. */
  readonly date: string;
  /** Named in the mail as `base-commit:`; needed where no ref leads to the base. */
  readonly baseCommit?: Sha;
}

/** A commit of `base` with the changes in it, in depbot's repository, where no ref names it. Throws GitError. */
export async function commitChanges(repo: Repository, base: Sha, changes: FileChanges): Promise<Sha> {
  const check = await openCheckDir(repo, base);
  try {
    await stage(check, changes);
    const person = { name: 'depbot', email: 'depbot@depbot.invalid', date: '@1700000000 +0000' };
    const { commit } = await commitIndex(check, base, person, Buffer.from('a change of the corpus\n'));
    await check.keep();
    return commit;
  } finally {
    await check.close();
  }
}

/** Puts the changes into the index; a file keeps its mode, a new one is an ordinary file. */
async function stage({ place }: CheckDir, changes: FileChanges): Promise<void> {
  const rows: string[] = [];
  for (const [path, bytes] of changes) {
    const mode = (await gitText(place, ['ls-files', '--stage', '--', path])).split(' ')[0] || '100644';
    const blob =
      bytes === undefined
        ? '0'.repeat(40)
        : (await runGit(place, ['hash-object', '-w', '--stdin'], { input: bytes })).stdout.toString('latin1').trim();
    rows.push(`${bytes === undefined ? '0' : mode} ${blob}\t${path}\0`);
  }
  await runGit(place, ['update-index', '-z', '--index-info'], { input: rows.join('') });
}

/** The difference of two commits as one patch mail, LF line ends. Throws GitError. */
export async function patchMail(repo: Repository, from: Sha, to: Sha, words: MailWords): Promise<Buffer> {
  const argv = ['diff-tree', '-r', '--stat', '--summary', '--patch', '--abbrev=12', '--no-ext-diff', '--no-textconv'];
  const { stdout: diff } = await runGit(repo.place, [...argv, from, to]);
  const head = [
    `From: ${words.from}`,
    'To: linux-kernel@vger.kernel.org',
    `Subject: [PATCH] ${words.title}`,
    `Date: ${words.date}`,
    `Message-ID: <${words.messageId}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=UTF-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    words.log.trimEnd(),
    '',
    `Signed-off-by: ${words.from}`,
    '---',
    '',
  ];
  const base = words.baseCommit === undefined ? '' : `\nbase-commit: ${words.baseCommit}`;
  return Buffer.concat([Buffer.from(head.join('\n')), diff, Buffer.from(`${base}\n-- \n2.47.0\n\n`)]);
}

/** The series that such a mail is. Throws where depbot does not read it as one. */
export async function seriesIn(mail: Buffer, what: string): Promise<Series> {
  const { series, problems } = await readSeries({ stdin: Readable.from([mail]) });
  const [only] = series;
  if (only === undefined || !only.complete || problems.length > 0)
    throw new Error(`the mail made of ${what} is none: ${JSON.stringify(problems)}`);
  return only;
}

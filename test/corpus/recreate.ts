/**
 * An entry of the corpus as a patch mail. The corpus' own tool edits a folder that holds the few files it needs,
 * copies from a commit; no work tree is read or written. Two commits in depbot's repository, before and after, give
 * the mail.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { openTree } from '../../queue/git-tree.ts';
import { remove, temporaryFolder } from '../../queue/leftovers.ts';
import type { Repository } from '../../queue/repository.ts';
import type { Outcome, Sha } from '../../rules/types.ts';
import type { Corpus, Entry, Variant } from './entries.ts';
import { unusable } from './entries.ts';
import { commitChanges, type FileChanges, patchMail } from './patch-mail.ts';

export interface Place {
  readonly corpus: Pick<Corpus, 'file' | 'tool'>;
  readonly repo: Repository;
  /** Commit of the kernel, and its version: `6.12.117`. */
  readonly commit: Sha;
  readonly version: string;
  /** An existing folder, for folders that go again. */
  readonly scratch: string;
}

/**
 * The patch mail of an entry, and the files that it changes. `ok: false` with the reason where it cannot be
 * re-created on this tree. Throws GitError, and the error of a tool that does not start.
 */
export async function recreate(
  entry: Entry,
  variant: Variant,
  place: Place,
): Promise<Outcome<{ mail: Buffer; files: readonly string[] }, { why: string }>> {
  const known = unusable(entry, place.version, variant);
  if (known !== undefined) return { ok: false, why: known };
  const after = await edited(entry, 'undo', place);
  if (!after.ok) return after;
  const words = wordsOf(entry, variant);
  if (variant === 'undo') {
    const to = await commitChanges(place.repo, place.commit, after.changes);
    return {
      ok: true,
      mail: await patchMail(place.repo, place.commit, to, words),
      files: [...after.changes.keys()].sort(),
    };
  }
  const before = await edited(entry, 'base', place);
  if (!before.ok) return before;
  const from = await commitChanges(place.repo, place.commit, before.changes);
  const to = await commitChanges(place.repo, place.commit, after.changes);
  const files = [...new Set([...before.changes.keys(), ...after.changes.keys()])].sort();
  return { ok: true, mail: await patchMail(place.repo, from, to, { ...words, baseCommit: from }), files };
}

/** What the tool makes of the commit's files. What it refuses is a value: the tree lacks what the entry names. */
async function edited(
  entry: Entry,
  command: 'undo' | 'base',
  { corpus, repo, commit, version, scratch }: Place,
): Promise<Outcome<{ changes: FileChanges }, { why: string }>> {
  const dir = await temporaryFolder(join(scratch, 'tree-'));
  try {
    const readd = command === 'base' ? entry.readd[version] : undefined;
    const named = readd ? [...readd.files, readd.makefile, readd.kconfig] : entry.edits.map(({ file }) => file);
    const original = new Map<string, Buffer>();
    const tree = openTree(repo, commit);
    for (const path of new Set(['Makefile', ...named])) {
      const blob = await tree.blob(path);
      const bytes = blob === undefined ? undefined : await repo.blobs.read(blob);
      if (bytes === undefined) return { ok: false, why: `${version}: there is no ${path}` };
      original.set(path, bytes);
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), bytes);
    }
    const refusal = await runTool(corpus, command, entry.id, dir);
    if (refusal !== undefined) return { ok: false, why: refusal };
    const changes = new Map<string, Buffer | undefined>();
    for (const [path, bytes] of original) {
      const now = existsSync(join(dir, path)) ? readFileSync(join(dir, path)) : undefined;
      if (now === undefined || !now.equals(bytes)) changes.set(path, now);
    }
    return changes.size > 0 ? { ok: true, changes } : { ok: false, why: `${version}: the edits change nothing` };
  } finally {
    await remove(dir);
  }
}

/** The tool's refusal, its exit status being 1; undefined when it did its work. */
async function runTool(
  corpus: Pick<Corpus, 'file' | 'tool'>,
  command: string,
  id: string,
  dir: string,
): Promise<string | undefined> {
  try {
    await promisify(execFile)('python3', ['-B', corpus.tool, command, id, dir], {
      env: { ...process.env, CORPUS: corpus.file },
      timeout: 60_000,
    });
    return undefined;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code !== 1 || stderr === undefined || /^Traceback/m.test(stderr)) throw error;
    return stderr.trim().split('\n').at(-1) || 'the tool refused and gave no reason';
  }
}

/** Ordinary words that say neither what is wrong nor that anything is. */
function wordsOf(entry: Entry, variant: Variant) {
  const place = basename(dirname(entry.kconfig));
  const [title, log] =
    variant === 'undo'
      ? [`${place}: update the entry of ${entry.symbol}`, 'Bring the Kconfig entry in line with how it is used.\n']
      : [`${place}: add ${entry.symbol}`, `Add the driver behind ${entry.symbol}, with its Kconfig entry.\n`];
  return {
    // The entry's name may say what it lacks.
    messageId: `${createHash('sha256').update(`${entry.id} ${variant}`).digest('hex').slice(0, 20)}@corpus.depbot.invalid`,
    title,
    log,
    from: 'Ann Author <ann@example.org>',
    date: 'Mon, 2 Nov 2026 10:00:00 +0100',
  };
}

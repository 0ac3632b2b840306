/**
 * Archives of mailing lists as public-inbox keeps them (public-inbox-v2-format(5)): a git repository with a commit for
 * each mail, whose file `m` is the mail. What is asked of one is answered from an index of all its mails, a file of
 * the cache that is made anew when the archive has grown: a row a line.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { finished } from 'node:stream/promises';
import type { BlobReader } from '../queue/cat-file.ts';
import { openBlobReader } from '../queue/cat-file.ts';
import { GitError, gitText, streamGit } from '../queue/git.ts';
import { remove, temporaryFolder } from '../queue/leftovers.ts';
import type { Progress } from '../queue/provision-progress.ts';
import type { Sha } from '../rules/types.ts';
import { type Archive, type Row, rowLine, rowOf, rowsOfFile } from './archive-row.ts';

export interface Mirror {
  /** As people write it: `linux-gpio`. */
  readonly list: string;
  readonly gitDir: string;
}

/** Folders looked into below the one given. */
const MAX_DEPTH = 3;
/** Mails read at a time. */
const AT_ONCE = 64;
/** Of the form of an index. */
const INDEX_VERSION = 2;
const LIMITS = { timeoutMs: 1_800_000, maxBytes: 1 << 30 };

/** The mirrors in a folder: git directories in it or a few folders below, each named by the folder just below `dir`. */
export function mirrorsIn(dir: string): Mirror[] {
  const found: Mirror[] = [];
  const walk = (at: string, depth: number): void => {
    // public-inbox's view of all epochs together, without commits of its own.
    if (basename(at) === 'all.git') return;
    if (existsSync(join(at, 'HEAD')) && existsSync(join(at, 'objects'))) {
      found.push({ list: listOf(nameFor(dir, at)), gitDir: at });
      return;
    }
    if (depth === MAX_DEPTH) return;
    for (const entry of readdirSync(at, { withFileTypes: true }))
      if (entry.isDirectory()) walk(join(at, entry.name), depth + 1);
  };
  walk(dir, 0);
  return found.sort((a, b) => (a.gitDir < b.gitDir ? -1 : 1));
}

/** Folders whose names say nothing: of a clone, of public-inbox's `LIST/git/0.git`. */
const NAMELESS = /^(\.?git|repo|\d+(\.git)?)$/;

/** The folder just below `dir`; where that says nothing, the nearest above it that does. */
function nameFor(dir: string, gitDir: string): string {
  const [name = ''] = relative(dir, gitDir).split(sep);
  if (name !== '' && !NAMELESS.test(name)) return name;
  let at = resolve(dir);
  while (NAMELESS.test(basename(at))) at = dirname(at);
  return basename(at);
}

/** `owner+linux-gpio.vger.kernel.org.0` and `linux-gpio.git` are `linux-gpio`. */
function listOf(folder: string): string {
  return folder.slice(folder.lastIndexOf('+') + 1).split('.')[0]!;
}

/**
 * All mails of a mirror, newest first; makes the index where there is none of its newest commit, until `stop` aborts.
 * Throws GitError, and the reason of `stop`.
 */
export async function* mailsOf(
  mirror: Mirror,
  cacheDir: string,
  progress: Progress,
  stop?: AbortSignal,
): AsyncGenerator<Row> {
  yield* rowsOfFile(await indexOf(mirror, cacheDir, progress, stop));
}

/** A mirror as an archive. */
export function openGitArchive(mirror: Mirror, cacheDir: string, progress: Progress, stop?: AbortSignal): Archive {
  const mails = openMails(mirror);
  return {
    name: mirror.list,
    problems: [],
    rows: () => mailsOf(mirror, cacheDir, progress, stop),
    read: (ref) => mails.read(ref),
    close: () => mails.close(),
  };
}

/** For the bytes of a mirror's mails. */
export function openMails({ gitDir }: Mirror): BlobReader {
  return openBlobReader({ cwd: gitDir, gitDir });
}

async function indexOf(mirror: Mirror, cacheDir: string, progress: Progress, stop?: AbortSignal): Promise<string> {
  const { gitDir, list } = mirror;
  const tip = (await gitText({ cwd: gitDir, gitDir }, ['rev-parse', 'HEAD'])).trim();
  const place = createHash('sha256').update(gitDir).digest('hex').slice(0, 16);
  const folder = join(cacheDir, 'mirrors');
  const file = join(folder, `${place}-${tip}.${INDEX_VERSION}.jsonl`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const blobs = await blobsOf(mirror);
  const step = progress.step(`index of ${list}`, blobs.length);
  const aside = await temporaryFolder(join(folder, 'index-'));
  const unfinished = join(aside, 'index');
  const out = createWriteStream(unfinished);
  const mails = openMails(mirror);
  try {
    for (let at = 0; at < blobs.length; at += AT_ONCE) {
      stop?.throwIfAborted();
      const rows = await Promise.all(
        blobs.slice(at, at + AT_ONCE).map(async (blob) => {
          const bytes = await mails.read(blob);
          return bytes && rowOf(blob, bytes);
        }),
      );
      const text = rows.flatMap((row) => (row ? [`${rowLine(row)}\n`] : [])).join('');
      if (!out.write(text)) await once(out, 'drain');
      step.to(at);
    }
    out.end();
    await finished(out);
    renameSync(unfinished, file);
  } finally {
    out.destroy();
    await remove(aside);
    await mails.close();
  }
  for (const name of readdirSync(folder))
    if (name.startsWith(place) && join(folder, name) !== file) rmSync(join(folder, name), { force: true });
  step.end(`${blobs.length} mails, ${Math.round(statSync(file).size / 1e6)} MB`);
  return file;
}

/** Each version of the file `m`. A mail that was taken out of the archive left a commit with a file `d`. */
async function blobsOf({ gitDir }: Mirror): Promise<Sha[]> {
  const blobs: Sha[] = [];
  let rest = '';
  const argv = ['log', '--first-parent', '--format=', '--raw', '--no-abbrev', '--diff-filter=AM', 'HEAD', '--', 'm'];
  const { exitCode, stderr } = await streamGit(
    { cwd: gitDir, gitDir },
    argv,
    (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const blob = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) /.exec(line)?.[1];
        if (blob !== undefined) blobs.push(blob);
      }
      return true;
    },
    LIMITS,
  );
  if (exitCode !== 0)
    throw new GitError('failed', `git log failed in ${gitDir} (status ${exitCode}): ${stderr.trim()}`, { argv });
  return blobs;
}

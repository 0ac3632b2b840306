/** Sections of MAINTAINERS for files and patches, by the tree's own scripts/get_maintainer.pl and by us. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Maintainers } from '../../bot/maintainers.ts';
import { inParallel } from '../../queue/in-parallel.ts';
import { glibcRand } from './glibc-rand.ts';

export interface SectionsCompared {
  /** A path, or a patch that adds lines of that file to another one. */
  readonly of: string;
  /** Names that both gave. */
  readonly agreed: number;
  /** Sentences; none where all names are the same. */
  readonly differences: readonly string[];
}

const AT_ONCE = 2;
/** Lines of a file that a patch adds. */
const MAX_ADDED = 400;

/** Compares `files` sampled files, and `patches` sampled patches, of the work tree `tree`. */
export async function compareSections(
  tree: string,
  { files, patches, seed }: { readonly files: number; readonly patches: number; readonly seed: number },
  onDone: (count: number) => void = () => undefined,
): Promise<readonly SectionsCompared[]> {
  const paths = await pathsOf(tree);
  const folders = new Set(paths.flatMap((path) => path.split('/').map((_, at, all) => all.slice(0, at).join('/'))));
  const text = await readFile(join(tree, 'MAINTAINERS'), 'utf8');
  const maintainers = Maintainers.parse(text, (path) => folders.has(path));
  const rand = glibcRand(seed);
  const sample = (count: number, from: readonly string[]): string[] =>
    Array.from({ length: count }, () => from[rand() % from.length]!);
  const scratch = await mkdtemp(join(tmpdir(), 'depbot-sections-'));
  try {
    const compared: SectionsCompared[] = [];
    const note = (one: SectionsCompared): void => onDone(compared.push(one));
    await inParallel(sample(files, paths), AT_ONCE, async (path) => {
      const ours = maintainers.sectionsOfFile(path).map(({ name }) => name);
      note(difference(path, ours, await theirs(tree, ['-f', path])));
    });
    const sources = paths.filter((path) => /\.[chS]$/.test(path));
    await inParallel(sample(patches, sources), AT_ONCE, async (path) => {
      const to = sources[rand() % sources.length]!;
      const patch = patchOf(to, (await readFile(join(tree, path), 'latin1')).split('\n').slice(0, MAX_ADDED));
      const file = join(scratch, `${compared.length}-${path.replaceAll('/', '_')}.patch`);
      await writeFile(file, patch, 'latin1');
      const ours = maintainers.sectionsOfPatch([to], patch).map(({ name }) => name);
      note(difference(`${path} -> ${to}`, ours, await theirs(tree, [file])));
    });
    return compared;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** All files of a work tree that git knows. */
async function pathsOf(tree: string): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-z'], { cwd: tree, maxBuffer: 2 ** 28 });
  return stdout.split('\0').filter((path) => path !== '');
}

/** A mail that adds the lines, the first of which stand in its commit message as well. */
function patchOf(path: string, lines: readonly string[]): string {
  const log = lines.slice(0, 5).map((line) => line.replace(/^[-+@]+/, ''));
  const added = lines.map((line, at) => `${at % 3 === 0 ? ' ' : at % 3 === 1 ? '+' : '-'}${line}`);
  const head = [`diff --git a/${path} b/${path}`, `--- a/${path}`, `+++ b/${path}`, '@@ -1,9 +1,9 @@'];
  return `${['Subject: [PATCH] a title', '', ...log, '---', '', ...head, ...added].join('\n')}\n`;
}

async function theirs(tree: string, args: readonly string[]): Promise<readonly string[]> {
  const options = ['--nogit', '--nogit-fallback', '--no-email', '--no-l', '--subsystem'];
  const { stdout } = await promisify(execFile)('perl', ['scripts/get_maintainer.pl', ...options, ...args], {
    cwd: tree,
    env: { PATH: process.env['PATH'] ?? '' },
    encoding: 'latin1',
  });
  return stdout.split('\n').filter((line) => line !== '');
}

function difference(of: string, ours: readonly string[], theirs: readonly string[]): SectionsCompared {
  const [named, known] = [new Set(ours), new Set(theirs)];
  const missing = [...known].filter((name) => !named.has(name)).map((name) => `${of}: we miss ${name}`);
  const extra = [...named].filter((name) => !known.has(name)).map((name) => `${of}: we add ${name}`);
  return { of, agreed: known.size - missing.length, differences: [...missing, ...extra] };
}

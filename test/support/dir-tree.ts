/** A folder, or a map of texts, as a Tree. Its `commit` is a digest of names, sizes and times (or of the texts). */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tree } from '../../rules/types.ts';

/** Reads only; `.git` is left out and symbolic links are no files. */
export async function dirTree(root: string): Promise<Tree> {
  const stamps = new Map<string, string>();
  const walk = async (below: string): Promise<void> => {
    const entries = await readdir(join(root, below), { withFileTypes: true });
    const pathOf = (name: string) => (below === '' ? name : `${below}/${name}`);
    await Promise.all(
      entries
        .filter((entry) => entry.isFile())
        .map(async ({ name }) => {
          const { size, mtimeMs } = await lstat(join(root, below, name));
          stamps.set(pathOf(name), `${size} ${mtimeMs}`);
        }),
    );
    for (const entry of entries) if (entry.isDirectory() && entry.name !== '.git') await walk(pathOf(entry.name));
  };
  await walk('');
  return tree(stamps, (path) => readFile(join(root, path)));
}

/** A tree of texts, for small cases. */
export function mapTree(files: Readonly<Record<string, string>>): Tree {
  const texts = new Map(Object.entries(files));
  return tree(texts, async (path) => Buffer.from(texts.get(path) ?? ''));
}

function tree(stamps: ReadonlyMap<string, string>, bytes: (path: string) => Promise<Buffer>): Tree {
  const paths = [...stamps.keys()].sort();
  const commit = createHash('sha1')
    .update(paths.map((path) => `${path}\0${stamps.get(path)}`).join('\n'))
    .digest('hex');
  const blobs = new Map<string, string>();
  return {
    commit,
    paths: async () => paths,
    blob: async (path) => {
      if (!stamps.has(path)) return undefined;
      let sha = blobs.get(path);
      if (sha === undefined) {
        const content = await bytes(path);
        sha = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
        blobs.set(path, sha);
      }
      return sha;
    },
    read: async (wanted) => {
      const texts = new Map<string, string>();
      for (const path of wanted) if (stamps.has(path)) texts.set(path, (await bytes(path)).toString('utf8'));
      return texts;
    },
    grep: async (words, limit) => {
      const isNamed = new RegExp(`\\b(?:${words.join('|')})\\b`);
      const found: { path: string; line: number; text: string }[] = [];
      for (const path of paths) {
        const lines = (await bytes(path)).toString('utf8').split('\n');
        for (const [i, text] of lines.entries()) if (isNamed.test(text)) found.push({ path, line: i + 1, text });
      }
      return found.slice(0, limit);
    },
  };
}

/** A commit on top of a real tree, in depbot's own repository: the after of a test that builds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GitPlace, gitText, runGit } from '../../queue/git.ts';
import type { Repository } from '../../queue/repository.ts';

/** `files` replaces or adds files; a function makes the new text from the old one. Returns the commit's name. */
export async function commitOn(
  repo: Repository,
  base: string,
  files: Readonly<Record<string, string | ((old: string) => string)>>,
): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'depbot-change-'));
  const who = { NAME: 'Ann Author', EMAIL: 'ann@example.org', DATE: '2026-01-02T03:04:05Z' };
  const names = Object.entries(who).flatMap(([key, value]) => [
    [`GIT_AUTHOR_${key}`, value],
    [`GIT_COMMITTER_${key}`, value],
  ]);
  const env = { ...repo.place.env, GIT_INDEX_FILE: join(dir, 'index'), ...Object.fromEntries(names) };
  const place: GitPlace = { ...repo.place, env };
  try {
    await gitText(place, ['read-tree', base]);
    for (const [path, change] of Object.entries(files)) {
      const text =
        typeof change === 'string' ? change : change(await gitText(place, ['cat-file', 'blob', `${base}:${path}`]));
      const blob = (await runGit(place, ['hash-object', '-w', '--stdin'], { input: text })).stdout.toString().trim();
      await gitText(place, ['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`]);
    }
    const tree = (await gitText(place, ['write-tree'])).trim();
    return (await gitText(place, ['commit-tree', tree, '-p', base, '-m', 'a change'])).trim();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

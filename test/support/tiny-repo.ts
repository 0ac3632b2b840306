/** Small git repositories for tests: fixed dates and people, no configuration but git's own. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface TinyRepo {
  readonly dir: string;
  /** Runs git in the work tree and returns its output without the last line break. */
  git(...argv: string[]): string;
  /** The same, as bytes. */
  gitBytes(...argv: string[]): Buffer;
  write(files: Readonly<Record<string, string | Buffer>>): void;
  link(path: string, target: string): void;
  /** Commits all that is in the work tree, a minute after the commit before; returns its object name. */
  commit(message: string, files?: Readonly<Record<string, string | Buffer>>): string;
  remove(): void;
}

const START = 1_700_000_000;

/** An environment in which git knows nothing of the person who runs the tests. */
export function gitTestEnv(seconds = START): Record<string, string> {
  const date = `@${seconds} +0200`;
  return {
    PATH: process.env.PATH ?? '',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    TZ: 'UTC',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ann Author',
    GIT_AUTHOR_EMAIL: 'ann@example.org',
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: 'Carl Committer',
    GIT_COMMITTER_EMAIL: 'carl@example.org',
    GIT_COMMITTER_DATE: date,
  };
}

/** A repository with one commit `base` of the given files on branch `master`; without files, no commit. */
export function tinyRepo(
  files: Readonly<Record<string, string | Buffer>> = {},
  init: readonly string[] = [],
): TinyRepo {
  const dir = tempDir();
  let seconds = START;
  const gitBytes = (...argv: string[]): Buffer =>
    execFileSync('git', argv, {
      cwd: dir,
      env: gitTestEnv(seconds),
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 << 20,
    });
  const git = (...argv: string[]): string =>
    gitBytes(...argv)
      .toString('utf8')
      .replace(/\n$/, '');
  const write: TinyRepo['write'] = (more) => {
    for (const [path, content] of Object.entries(more)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), content);
    }
  };
  const repo: TinyRepo = {
    dir,
    git,
    gitBytes,
    write,
    link(path, target) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      symlinkSync(target, join(dir, path));
    },
    commit(message, more = {}) {
      write(more);
      seconds += 60;
      git('add', '--all');
      git('commit', '--quiet', '--allow-empty', '--no-verify', '-m', message);
      return git('rev-parse', 'HEAD');
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
  git('init', '--quiet', '--initial-branch=master', '--template=', ...init);
  if (Object.keys(files).length > 0) repo.commit('base', files);
  return repo;
}

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'depbot-test-'));
  // a tree may be in it, which the sandbox reads as another user
  chmodSync(dir, 0o755);
  return dir;
}

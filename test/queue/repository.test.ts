import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openTree } from '../../queue/git-tree.ts';
import { remove, temporaryFolder } from '../../queue/leftovers.ts';
import { alternatesLine, openRepository } from '../../queue/repository.ts';
import { gitTestEnv, tempDir, tinyRepo } from '../support/tiny-repo.ts';

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

function temp(): string {
  const dir = tempDir();
  made.push(dir);
  return dir;
}

function tree(files: Record<string, string> = { Kconfig: 'config A\n' }, init: string[] = []) {
  const repo = tinyRepo(files, init);
  made.push(repo.dir);
  return repo;
}

/** Names, contents and modification times of all below a directory. */
function fingerprint(dir: string): string {
  const hash = createHash('sha256');
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true }).sort((a, b) =>
    join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
  )) {
    const path = join(entry.parentPath, entry.name);
    hash.update(`${path}\0`);
    if (entry.isFile()) hash.update(readFileSync(path)).update(String(statSync(path).mtimeMs));
    if (entry.isSymbolicLink()) hash.update(readlinkSync(path));
  }
  return hash.digest('hex');
}

async function firstLine(treeDir: string, commit: string): Promise<string | undefined> {
  const repo = await openRepository({ treeDir, stateDir: temp() });
  try {
    return (await openTree(repo, commit).read(['Kconfig'])).get('Kconfig');
  } finally {
    await repo.close();
  }
}

describe('openRepository', () => {
  it('reads a work tree, a bare repository, a linked worktree and a symbolic link to one', async () => {
    const user = tree();
    const sha = user.git('rev-parse', 'HEAD');
    const beside = temp();
    user.git('clone', '--quiet', '--bare', '.', join(beside, 'bare.git'));
    user.git('worktree', 'add', '--quiet', '--detach', join(beside, 'linked'));
    symlinkSync(user.dir, join(beside, 'link'));
    for (const dir of [user.dir, join(beside, 'bare.git'), join(beside, 'linked'), join(beside, 'link')]) {
      expect(await firstLine(dir, sha), dir).toBe('config A\n');
    }
  });

  it('reads a SHA-256 repository and one that borrows its objects', async () => {
    const user = tree({ Kconfig: 'config B\n' }, ['--object-format=sha256']);
    const sha = user.git('rev-parse', 'HEAD');
    expect(sha).toHaveLength(64);
    expect(await firstLine(user.dir, sha)).toBe('config B\n');
    const lender = tree();
    const borrower = join(temp(), 'it#s "here"');
    lender.git('clone', '--quiet', '--shared', '.', borrower);
    expect(await firstLine(borrower, lender.git('rev-parse', 'HEAD'))).toBe('config A\n');
  });

  it('writes nothing into the tree, whose index is stale and whose configuration names programs', async () => {
    const user = tree();
    utimesSync(join(user.dir, 'Kconfig'), 1, 1);
    const trap = join(temp(), 'trap');
    writeFileSync(trap, `#!/bin/sh\ntouch ${trap}.ran\n`, { mode: 0o755 });
    for (const key of ['core.fsmonitor', 'core.pager', 'diff.external', 'core.sshCommand', 'core.alternateRefsCommand'])
      user.git('config', key, trap);
    const before = fingerprint(user.dir);
    await firstLine(user.dir, user.git('rev-parse', 'HEAD'));
    expect(fingerprint(user.dir)).toBe(before);
    expect(() => statSync(`${trap}.ran`)).toThrow();
  });

  it('works on a shallow clone', async () => {
    const user = tree();
    const tip = user.commit('second', { Kconfig: 'config C\n' });
    const clone = join(temp(), 'clone');
    execFileSync('git', ['clone', '--quiet', '--depth=1', `file://${user.dir}`, clone], { env: gitTestEnv() });
    const repo = await openRepository({ treeDir: clone, stateDir: temp() });
    expect(repo.shallow).toBe(true);
    expect((await openTree(repo, tip).read(['Kconfig'])).get('Kconfig')).toBe('config C\n');
    await repo.close();
  });

  it('gives processes that open the same tree at once the same repository', async () => {
    const user = tree();
    const stateDir = temp();
    const repos = await Promise.all(Array.from({ length: 6 }, () => openRepository({ treeDir: user.dir, stateDir })));
    expect(new Set(repos.map((repo) => repo.gitDir)).size).toBe(1);
    expect(readdirSync(join(stateDir, 'trees'))).toHaveLength(1);
    expect(readdirSync(repos[0]?.checksDir ?? '')).toEqual([]);
    await Promise.all(repos.map((repo) => repo.close()));
  });

  it('gives two trees two repositories', async () => {
    const stateDir = temp();
    const repos = [
      await openRepository({ treeDir: tree().dir, stateDir }),
      await openRepository({ treeDir: tree().dir, stateDir }),
    ];
    expect(repos[0]?.gitDir).not.toBe(repos[1]?.gitDir);
    await Promise.all(repos.map((repo) => repo.close()));
  });

  it('removes what a check of a process that is gone has left, and not what one of another machine has of today', async () => {
    const user = tree();
    const stateDir = temp();
    const first = await openRepository({ treeDir: user.dir, stateDir });
    await first.close();
    const mine = await temporaryFolder(join(first.checksDir, 'check-'));
    const gone = mine.replace(/\.\d+-\w{6}$/, '.1-abcdef');
    const elsewhere = mine.replace(/check-\w{8}/, 'check-00000000');
    for (const dir of [gone, elsewhere]) mkdirSync(dir);
    await (await openRepository({ treeDir: user.dir, stateDir })).close();
    expect(readdirSync(first.checksDir).sort()).toEqual([elsewhere, mine].map((dir) => basename(dir)).sort());
    const twoDaysAgo = statSync(elsewhere).mtimeMs / 1000 - 2 * 86_400;
    utimesSync(elsewhere, twoDaysAgo, twoDaysAgo);
    await (await openRepository({ treeDir: user.dir, stateDir })).close();
    expect(readdirSync(first.checksDir)).toEqual([basename(mine)]);
    await remove(mine);
  });

  it('says what is wrong with a tree or a state directory', async () => {
    const plain = temp();
    const file = join(plain, 'file');
    writeFileSync(file, '');
    const user = tree();
    mkdirSync(join(user.dir, 'sub'));
    const open = (treeDir: string, stateDir = plain) => openRepository({ treeDir, stateDir });
    await expect(open(plain)).rejects.toMatchObject({ problem: 'not-a-tree', message: expect.stringContaining(plain) });
    await expect(open(join(plain, 'absent'))).rejects.toMatchObject({ problem: 'not-a-tree' });
    await expect(open(file)).rejects.toMatchObject({ problem: 'not-a-tree' });
    await expect(open(join(user.dir, 'sub')), 'a folder inside a repository').rejects.toMatchObject({
      problem: 'not-a-tree',
    });
    await expect(open(tree({}).dir)).rejects.toMatchObject({
      problem: 'no-commits',
      message: expect.stringContaining('has no commits'),
    });
    await expect(open(user.dir, join(file, 'state'))).rejects.toMatchObject({
      problem: 'state-not-writable',
      message: expect.stringContaining(file),
    });
  });

  it('finds git by the search path it is given, and says when it is not there', async () => {
    const user = tree();
    const bin = temp();
    const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    const open = () => openRepository({ treeDir: user.dir, stateDir: temp(), searchPath: bin });
    await expect(open()).rejects.toMatchObject({ problem: 'no-git' });
    symlinkSync(git, join(bin, 'git'));
    await (await open()).close();
  });

  it('takes a state directory relative to the working directory', async () => {
    const user = tree();
    const stateDir = relative(process.cwd(), temp());
    const repo = await openRepository({ treeDir: user.dir, stateDir });
    expect((await openTree(repo, user.git('rev-parse', 'HEAD')).read(['Kconfig'])).size).toBe(1);
    await repo.close();
  });

  it('refuses reads after close', async () => {
    const user = tree();
    const repo = await openRepository({ treeDir: user.dir, stateDir: temp() });
    const blob = user.git('rev-parse', 'HEAD:Kconfig');
    expect((await repo.blobs.read(blob))?.toString()).toBe('config A\n');
    await repo.close();
    await expect(repo.blobs.read(blob)).rejects.toThrow('closed');
  });
});

describe('alternatesLine', () => {
  it.each([
    ['/plain path/objects', '/plain path/objects\n'],
    ['"/quoted', '"\\"/quoted"\n'],
    ['/line\nbreak', '"/line\\nbreak"\n'],
    ['/back\\slash', '"/back\\\\slash"\n'],
  ])('writes %j so that git reads it back', (path, line) => {
    expect(alternatesLine(path)).toBe(line);
  });
});

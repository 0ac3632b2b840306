import { rmSync, utimesSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chooseBase } from '../../queue/base.ts';
import { listRefs, nameOf, resolveRevision } from '../../queue/refs.ts';
import type { Remote } from '../../queue/remotes.ts';
import { branchesOf, Remotes } from '../../queue/remotes.ts';
import type { Repository } from '../../queue/repository.ts';
import { openRepository } from '../../queue/repository.ts';
import { makeCertificate } from '../service/certificate.ts';
import { serveHttps } from '../support/git-https.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';
import { tempDir, tinyRepo } from '../support/tiny-repo.ts';
import { splitMails, tinySeries } from '../support/tiny-series.ts';

const HOUR_MS = 3_600_000;
let upstream: TinyRepo;
let user: TinyRepo;
let stateDir: string;
let repo: Repository;
let faults: string[];
let opened: Remotes[];

beforeEach(async () => {
  upstream = tinyRepo({ a: 'one\n' });
  user = tinyRepo({ a: 'one\n' });
  stateDir = tempDir();
  repo = await openRepository({ treeDir: user.dir, stateDir });
  faults = [];
  opened = [];
});
afterEach(async () => {
  for (const one of opened) await one.close();
  await repo.close();
  upstream.remove();
  user.remove();
  rmSync(stateDir, { recursive: true, force: true });
});

const remote = (more: Partial<Remote> = {}): Remote => ({ name: 'next', url: upstream.dir, branches: ['*'], ...more });

function open(remotes: readonly Remote[], env: NodeJS.ProcessEnv = {}): Remotes {
  const onFault = (why: string): unknown => faults.push(why);
  const one = new Remotes({ repo, remotes, everyMs: HOUR_MS, env, now: Date.now, onFault });
  opened.push(one);
  return one;
}

/** As if the last fetch had been so long ago. */
function age(ms: number): void {
  const then = (Date.now() - ms) / 1000;
  utimesSync(join(repo.gitDir, 'FETCH_HEAD'), then, then);
}

const refsOfUser = (): string => user.git('for-each-ref');

describe('Remotes', () => {
  test('brings a base that the tree lacks, with its name, and leaves the tree as it is', async () => {
    const base = upstream.commit('two', { a: 'two\n', b: 'b\n' });
    upstream.commit('three', { a: 'three\n' });
    const before = refsOfUser();
    const mails = splitMails(upstream.gitBytes('format-patch', '--stdout', '-1'));
    const series = tinySeries(mails, { baseCommit: base });
    expect(await chooseBase(repo, series)).toMatchObject({ base: { how: 'tree-tip' } });
    await open([remote()]).freshen(base);
    expect(faults).toEqual([]);
    expect(await chooseBase(repo, series)).toMatchObject({ base: { how: 'base-commit', sha: base } });
    expect(await resolveRevision(repo, 'next/master~1')).toBe(base);
    expect(await nameOf(repo, upstream.git('rev-parse', 'master'))).toBe('next/master');
    expect((await listRefs(repo, 10)).map(({ name }) => name)).toEqual(['next/master', 'master']);
    expect(refsOfUser()).toBe(before);
  });

  test('fetches over https where the certificate is one that the environment names, and says so where it is not', async () => {
    const dir = tempDir();
    const server = await serveHttps(join(upstream.dir, '.git'), makeCertificate(dir, '127.0.0.1'));
    try {
      const secure = remote({ url: server.url });
      await open([secure]).freshen(undefined);
      expect(faults).toEqual([expect.stringContaining('certificate verification failed')]);
      for (const name of ['SSL_CERT_FILE', 'GIT_SSL_CAINFO']) {
        const env = { [name]: join(dir, '127.0.0.1.crt') };
        const base = upstream.commit(name, { a: `${name}\n` });
        expect(await branchesOf(repo.place, secure, env)).toEqual(['master']);
        rmSync(join(repo.gitDir, 'FETCH_HEAD'), { force: true });
        await open([secure], env).freshen(base);
        expect(await resolveRevision(repo, 'next/master')).toBe(base);
      }
      expect(faults).toHaveLength(1);
    } finally {
      server.close();
      rmSync(dir, { recursive: true });
    }
  });

  test('fetches only the branches that are named, and forgets those that went', async () => {
    upstream.git('branch', 'pending-one');
    upstream.git('branch', 'other');
    const both = remote({ branches: ['master', 'pending-*'] });
    expect((await branchesOf(repo.place, both, {})).sort()).toEqual(['master', 'pending-one']);
    await open([both]).freshen(undefined);
    const names = async () => (await listRefs(repo, 10)).map(({ name }) => name).filter((name) => name.includes('/'));
    expect((await names()).sort()).toEqual(['next/master', 'next/pending-one']);
    upstream.git('branch', '-q', '-D', 'pending-one');
    age(2 * HOUR_MS);
    await open([both]).freshen('0'.repeat(40));
    expect(await names()).toEqual(['next/master']);
  });

  test('looks again for a commit that is not there, five minutes after the last time, and not for others', async () => {
    const remotes = open([remote()]);
    await remotes.freshen(undefined);
    const base = upstream.commit('two', { a: 'two\n' });
    await remotes.freshen(base);
    expect(await resolveRevision(repo, base)).toBeUndefined();
    age(6 * 60_000);
    await remotes.freshen(undefined);
    expect(await resolveRevision(repo, base)).toBeUndefined();
    await remotes.freshen(base);
    expect(await resolveRevision(repo, base)).toBe(base);
  });

  test('tells what cannot be fetched, and fetches the rest', async () => {
    const gone = remote({ name: 'gone', url: join(stateDir, 'nothing') });
    await open([gone, remote()]).freshen(undefined);
    expect(faults).toEqual([expect.stringMatching(/^remote gone \(.*nothing\) was not fetched: .*/)]);
    expect((await listRefs(repo, 10)).map(({ name }) => name)).toContain('next/master');
  });

  test.each(['ext::sh -c "touch %S"', 'ssh://example.org/linux', '--upload-pack=touch'])(
    'runs no program that an address names: %s',
    async (url) => {
      await open([remote({ url })]).freshen(undefined);
      expect(faults).toHaveLength(1);
    },
  );

  test('is not waited for by a series that nobody wants any more', async () => {
    // takes connections, and answers none
    const server = createServer();
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const called = new AbortController();
    const asked = new Promise<void>((resolve) => server.once('connection', () => resolve()));
    const remotes = open([remote({ url: `git://127.0.0.1:${(server.address() as AddressInfo).port}/linux` })]);
    try {
      const waiting = remotes.freshen(undefined, called.signal);
      await asked;
      called.abort(new Error('it was called off'));
      await expect(waiting).rejects.toThrow('it was called off');
    } finally {
      await remotes.close();
      server.close();
    }
    expect(faults).toEqual([]);
  });

  test('refuses a shallow clone, and says what to do', async () => {
    upstream.commit('two', { a: 'two\n' });
    const shallow = tempDir();
    upstream.git('clone', '-q', '--depth=1', `file://${upstream.dir}`, join(shallow, 'clone'));
    const cut = await openRepository({ treeDir: join(shallow, 'clone'), stateDir });
    const options = { everyMs: HOUR_MS, env: {}, now: Date.now, onFault: () => undefined };
    expect(() => new Remotes({ ...options, repo: cut, remotes: [remote()] })).toThrow(/--unshallow/);
    await cut.close();
    rmSync(shallow, { recursive: true, force: true });
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cacheDir } from '../../queue/provision.ts';
import { needFreeSpace } from '../../queue/provision-cache.ts';
import { LockError, withLock } from '../../queue/provision-lock.ts';
import { ensureModules } from '../../queue/provision-npm.ts';
import { showProgress } from '../../queue/provision-progress.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-provision-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('the cache folder', () => {
  const cases: readonly (readonly [title: string, env: Record<string, string>, dir: string])[] = [
    ['is DEPBOT_CACHE before all else', { DEPBOT_CACHE: '/c', XDG_CACHE_HOME: '/x', HOME: '/h' }, '/c'],
    ['is below XDG_CACHE_HOME', { XDG_CACHE_HOME: '/x', HOME: '/h' }, '/x/depbot'],
    ['is below the home folder', { HOME: '/h' }, '/h/.cache/depbot'],
    ['takes no relative XDG_CACHE_HOME', { XDG_CACHE_HOME: 'x', HOME: '/h' }, '/h/.cache/depbot'],
    ['takes no empty DEPBOT_CACHE', { DEPBOT_CACHE: '', HOME: '/h' }, '/h/.cache/depbot'],
  ];
  it.each(cases)('%s', async (_title, env, expected) => {
    const starter = await import(new URL('../../bot/node.mjs', import.meta.url).href);
    expect(cacheDir(env)).toBe(expected);
    expect(starter.cacheDir(env)).toBe(expected);
  });

  it('must have room, and says what to do when it has not', () => {
    expect(() => needFreeSpace(dir, 4e9, () => 4e9)).not.toThrow();
    expect(() => needFreeSpace(dir, 4e9, () => 1.5e9)).toThrow(
      /needs 4\.0 GB free in .*, there are 1\.5 GB.*DEPBOT_CACHE/,
    );
  });
});

describe('the Node that is new enough', () => {
  it.each([
    ['20.20.2', false],
    ['22.18.0', false],
    ['22.19.0', true],
    ['23.5.0', false],
    ['23.6.0', true],
    ['24.0.0', true],
    ['30.1.0', true],
  ])('%s: %s', async (version, expected) => {
    const starter = await import(new URL('../../bot/node.mjs', import.meta.url).href);
    expect(starter.runsTypeScript(version)).toBe(expected);
  });
});

describe('the lock', () => {
  const file = (): string => join(dir, 'sub', 'lock');

  it('lets one in at a time', async () => {
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside -= 1;
    };
    await Promise.all([1, 2, 3].map(() => withLock(file(), work)));
    expect(most).toBe(1);
  });

  it('is free again after work that threw', async () => {
    await expect(withLock(file(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await withLock(file(), () => Promise.resolve('yes'))).toBe('yes');
  });

  it('says what to install where flock is missing, and does no work', async () => {
    const work = vi.fn(() => Promise.resolve());
    vi.stubEnv('PATH', '/nonexistent');
    const refused = withLock(file(), work);
    await expect(refused).rejects.toThrow(LockError);
    await expect(refused).rejects.toThrow(/flock\(1\).* is not installed: apt install util-linux/);
    vi.unstubAllEnvs();
    expect(work).not.toHaveBeenCalled();
    expect(await withLock(file(), () => Promise.resolve('yes'))).toBe('yes');
  });

  it('names the folder that is a file or is below one, and the setting', async () => {
    const name = join(dir, 'state');
    writeFileSync(name, '');
    for (const folder of [name, join(name, 'service')]) {
      const refused = withLock(join(folder, 'lock'), () => Promise.resolve());
      await expect(refused).rejects.toThrow(LockError);
      await expect(refused).rejects.toThrow(`cannot make the folder ${folder}: `);
      await expect(refused).rejects.toThrow('paths.state in depbot.toml');
    }
    expect(readFileSync(name, 'utf8')).toBe('');
  });

  it('is free again when its holder is killed', async () => {
    const module = fileURLToPath(new URL('../../queue/provision-lock.ts', import.meta.url));
    const script = `import { withLock } from ${JSON.stringify(module)};
      await withLock(${JSON.stringify(file())}, () => new Promise(() => { console.log('held'); setInterval(() => 0, 1000); }));`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    let entered = false;
    let waited = false;
    const next = withLock(
      file(),
      async () => {
        entered = true;
      },
      () => {
        waited = true;
      },
    );
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect({ entered, waited }).toEqual({ entered: false, waited: true });
    holder.kill('SIGKILL');
    await next;
    expect(entered).toBe(true);
  });
});

describe('node_modules', () => {
  const lock = (version: string): string => JSON.stringify({ packages: { '': {}, 'node_modules/a': { version } } });
  let installs: number;
  beforeEach(() => {
    installs = 0;
    writeFileSync(join(dir, 'package-lock.json'), lock('1.0.0'));
  });
  const install =
    (version: string) =>
    (root: string): undefined => {
      installs += 1;
      mkdirSync(join(root, 'node_modules'), { recursive: true });
      writeFileSync(join(root, 'node_modules/.package-lock.json'), lock(version));
    };

  it('are installed once, by one of two at a time', async () => {
    await Promise.all([ensureModules(dir, install('1.0.0')), ensureModules(dir, install('1.0.0'))]);
    await ensureModules(dir, install('1.0.0'));
    expect(installs).toBe(1);
  });

  it('are installed again when the lock file has changed', async () => {
    await ensureModules(dir, install('1.0.0'));
    writeFileSync(join(dir, 'package-lock.json'), lock('1.0.1'));
    await ensureModules(dir, install('1.0.1'));
    expect(installs).toBe(2);
  });

  it('are not taken when they are not what the lock file says', async () => {
    await expect(ensureModules(dir, install('1.0.1'))).rejects.toThrow('node_modules/a 1.0.1');
    await expect(ensureModules(dir, () => 'E404')).rejects.toThrow('npm install failed: E404');
  });
});

describe('progress', () => {
  it('is plain lines where there is no terminal', () => {
    const written: string[] = [];
    const screen = { write: (text: string) => written.push(text) > 0 } as unknown as NodeJS.WritableStream;
    let now = 0;
    const step = showProgress(screen, () => now).step('unpacking', 10);
    now = 1500;
    step.to(5);
    step.end('done well');
    expect(written).toEqual(['depbot: unpacking ...\n', 'depbot: unpacking: done in 1.5 s, done well\n']);
  });
});

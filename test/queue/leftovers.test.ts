import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { remove, removeLeftovers, sweepLeftovers, temporaryFolder } from '../../queue/leftovers.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'leftovers-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe('a temporary folder', () => {
  test('goes with all in it when it is removed', async () => {
    const dir = await temporaryFolder(join(home, 'a-'));
    writeFileSync(join(dir, 'file'), 'x');
    await remove(dir);
    expect(existsSync(dir)).toBe(false);
  });

  test('goes when the process ends before that, and no other does', async () => {
    const [open, closed, foreign] = [
      await temporaryFolder(join(home, 'a-')),
      await temporaryFolder(join(home, 'b-')),
      mkdtempSync(join(home, 'c-')),
    ];
    await remove(closed);
    removeLeftovers();
    expect([open, closed, foreign].map((dir) => existsSync(dir))).toEqual([false, false, true]);
  });

  test('of a process that is killed goes when the next one makes its first', async () => {
    const module = new URL('../../queue/leftovers.ts', import.meta.url).href;
    const script = `const { temporaryFolder } = await import('${module}');
      await temporaryFolder(process.argv[1]);
      process.kill(process.pid, 'SIGKILL');`;
    const argv = ['--input-type=module', '-e', script, join(home, 'a-')];
    expect(spawnSync(process.execPath, argv).signal).toBe('SIGKILL');
    const [left] = readdirSync(home);
    expect(left).toMatch(/^a-/);
    mkdirSync(join(home, left!, 'closed'), { mode: 0 });
    const dir = await temporaryFolder(join(home, 'b-'));
    expect(readdirSync(home)).toEqual([basename(dir)]);
    await remove(dir);
  });

  test('of a process that lives stays, and so does what is no folder of ours', async () => {
    const dir = await temporaryFolder(join(home, 'a-'));
    const names = [`${dir}.old`, dir.replace(/\w{6}$/, 'file00').replace(/\.\d+-/, '.1-')];
    mkdirSync(names[0]!);
    writeFileSync(names[1]!, 'x');
    await sweepLeftovers(home);
    expect(readdirSync(home).sort()).toEqual([dir, ...names].map((name) => basename(name)).sort());
    await sweepLeftovers(join(home, 'absent'));
    await remove(dir);
  });
});

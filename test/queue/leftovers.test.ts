import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { remove, removeLeftovers, temporaryFolder } from '../../queue/leftovers.ts';

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
});

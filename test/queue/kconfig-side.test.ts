import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDirectory } from '../../queue/dir-kconfig.ts';
import { AnswerError, KconfigSide } from '../../queue/kconfig-side.ts';

let dir = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-side-test-'));
  mkdirSync(join(dir, 'tree'));
  writeFileSync(join(dir, 'tree/Kconfig'), 'config A\n\tdef_bool $(shell,sleep 0.6; echo $ARCH)\n');
});

afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

function open(shellBudget: { leftMs: number }): Promise<KconfigSide> {
  return KconfigSide.open(openDirectory(join(dir, 'tree')), { cacheDir: join(dir, 'cache'), shellBudget });
}

test('two sides share the time for shell commands; when it is over, the error says so and names the command', async () => {
  const shellBudget = { leftMs: 60_000 };
  const [before, after] = [await open(shellBudget), await open(shellBudget)];
  expect((await before.model('x86')).declared.map(({ name }) => name)).toEqual(['A']);
  expect(shellBudget.leftMs).toBeLessThan(59_400);
  shellBudget.leftMs = 200;
  const late = after.model('arm');
  await expect(late).rejects.toThrow(AnswerError);
  await expect(late).rejects.toThrow(/take too long together.*sleep 0\.6/);
});

test('answers at hand need no time', async () => {
  await (await open({ leftMs: 60_000 })).model('x86');
  const shellBudget = { leftMs: 0 };
  const model = await (await open(shellBudget)).model('x86');
  expect(model.declared.map(({ name }) => name)).toEqual(['A']);
  expect(shellBudget.leftMs).toBe(0);
});

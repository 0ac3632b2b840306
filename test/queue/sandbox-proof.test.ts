import { expect, test } from 'vitest';
import { runDoctor } from '../../bot/doctor-command.ts';
import type { World } from '../../bot/main.ts';
import { setToolPath } from '../../queue/sandbox.ts';
import { SANDBOX_PATH } from '../../queue/sandbox-command.ts';
import { proveWalls } from '../../queue/sandbox-proof.ts';

test('every wall holds on this machine', async () => {
  const { walls } = await proveWalls();
  expect(walls.filter(({ holds }) => !holds)).toEqual([]);
  expect(walls.length).toBeGreaterThanOrEqual(18);
}, 60_000);

test('doctor says what is missing where there is no sandbox, and ends with 1', async () => {
  let text = '';
  const stdout = { write: (said: string) => (text += said) };
  try {
    const status = await runDoctor({ env: { PATH: '/nonexistent' }, stdout } as unknown as World);
    expect(status).toBe(1);
    expect(text).toMatch(/^FAIL sandbox: .*apt install/);
    expect(text).toMatch(/^(ok {3}|note )builds for x86: /m);
  } finally {
    setToolPath(SANDBOX_PATH);
  }
});

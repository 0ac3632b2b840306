import { expect, test } from 'vitest';
import { proveWalls } from '../../queue/sandbox-proof.ts';

test('every wall holds on this machine', async () => {
  const { walls } = await proveWalls();
  expect(walls.filter(({ holds }) => !holds)).toEqual([]);
  expect(walls.length).toBeGreaterThanOrEqual(20);
}, 60_000);

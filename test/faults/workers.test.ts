/** A sample of `npm run faults -- workers` for every test run. */
import { expect, test } from 'vitest';
import { workerFaults } from './workers.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];

test.skipIf(TREE === undefined && !process.env['CI'])(
  'series through workers that are killed, beside other faults, have each the report that they have undisturbed',
  { timeout: 600_000 },
  async () => {
    const { table, wrong, faults } = await workerFaults({ series: 12, kills: 4, seed: 1 }, TREE!);
    process.stdout.write(table);
    expect(wrong).toEqual([]);
    expect(faults.get('workers killed')).toBe(4);
    expect(faults.get('service killed')).toBe(1);
    // only root has a disk that can be filled
    expect(faults.get('disk full')).toBe(process.getuid!() === 0 ? 2 : undefined);
  },
);

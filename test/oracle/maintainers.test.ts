/** A sample of what `npm run oracle -- --only maintainers` compares. */
import { describe, expect, test } from 'vitest';
import { compareSections } from './maintainers.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];

describe.skipIf(TREE === undefined && !process.env['CI'])('get_maintainer.pl and depbot', () => {
  test('the same sections for files and patches', async () => {
    const compared = await compareSections(TREE ?? '', { files: 12, patches: 8, seed: 1 });
    expect(compared.flatMap(({ differences }) => differences)).toEqual([]);
    expect(compared).toHaveLength(20);
    expect(compared.filter(({ agreed }) => agreed > 1).length).toBeGreaterThan(12);
  }, 120_000);
});

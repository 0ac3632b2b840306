/** `depbot check` on a finding that conf confirms: who waits for builds hears of it before. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Desk, openDesk, type Run } from '../support/run-depbot.ts';
import { confSources, fooKconfig, tinyKernel } from '../support/tiny-kernel.ts';
import type { TinyRepo } from '../support/tiny-repo.ts';

const TREE = process.env['DEPBOT_TEST_TREE'];
const EARLY =
  'depbot: 1 finding so far, confirmed by conf; what follows is building:\n' +
  'depbot:   undefined-symbol (REGMAP_FOO): patch 1, drivers/foo/Kconfig:6\n';

describe.skipIf(TREE === undefined && !process.env['CI'])('check (skipped without DEPBOT_TEST_TREE)', () => {
  let kernel: TinyRepo;
  let desk: Desk;

  beforeAll(() => {
    kernel = tinyKernel({ broken: [fooKconfig('depends on BAR', 'depends on REGMAP_FOO')] }, confSources(TREE!));
    desk = openDesk([kernel.dir]);
  });
  afterAll(() => {
    desk?.remove();
    kernel?.remove();
  });

  const check = (...argv: string[]): Promise<Run> =>
    desk.run(['check', '--tree', kernel.dir, '--range', 'master..broken', ...argv]);

  test('tells it before the builds, and all of it after them', async () => {
    const run = await check();
    expect(run.status, run.stderr).toBe(1);
    expect(run.stderr).toMatch(
      /^depbot: 1 finding so far[\s\S]*depbot: \[PATCH\] broken: step 1 [\s\S]*depbot: 1 finding$/m,
    );
    expect(run.stderr.startsWith(EARLY)).toBe(true);
  });

  test.each([['--no-build'], ['--json']])('with %s there is nothing to tell before', async (option) => {
    const run = await check(option);
    expect(run.status, run.stderr).toBe(1);
    expect(run.stderr).not.toContain('so far');
  });
});

/**
 * npm test [-- FILTER...]: set-up, then vitest on all tests, or on the files whose path contains a FILTER
 * (options of vitest are understood too).
 *
 * The last line of the run is `N passed, N failed`, with `, N skipped` where there are any; above it stands each
 * test that failed, in a line, with the first line of its error. Exit status: 0 when
 * all passed; 1 when a test failed, none ran, or (in CI, where `CI` is set) one was skipped; 2 when set-up
 * was not possible.
 *
 * Tests find in the environment: DEPBOT_TEST_TREE, a kernel's git work tree, and DEPBOT_TEST_CONFIGS, paths of
 * Debian's configurations with `:` between them (absent when they cannot be had).
 */

import type { Reporter, TestModule } from 'vitest/node';
import { parseCLI, startVitest } from 'vitest/node';
import { ProvisionError, provision } from '../queue/provision.ts';
import { endDescendants } from './support/descendants.ts';

interface Tally {
  passed: number;
  failed: number;
  /** Full names of the tests that were skipped or only planned. */
  readonly skipped: string[];
  /** Of each test that failed its full name, and the first line of its error. */
  readonly faults: string[];
}

/** Counts as failed also what has no test of its own: a file that cannot be loaded, an error outside tests. */
class Counter implements Reporter {
  readonly tally: Tally = { passed: 0, failed: 0, skipped: [], faults: [] };

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    this.tally.failed += errors.length;
    for (const module of modules) {
      const failedBefore = this.tally.failed;
      for (const test of module.children.allTests()) {
        const { state, errors: faults } = test.result();
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        if (state === 'passed') this.tally.passed += 1;
        else if (state === 'failed') {
          this.tally.failed += 1;
          this.tally.faults.push(`${name}: ${faults?.[0]?.message.split('\n', 1)[0] ?? ''}`);
        } else this.tally.skipped.push(name);
      }
      if (module.state() === 'failed' && this.tally.failed === failedBefore) this.tally.failed += 1;
    }
  }
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const { tree, debianConfigs } = await provision([
      'packages',
      'service-packages',
      'demo-packages',
      'test-packages',
      'tree',
      'debian-configs',
    ]);
    if (tree !== undefined) process.env['DEPBOT_TEST_TREE'] = tree;
    if (debianConfigs !== undefined) process.env['DEPBOT_TEST_CONFIGS'] = debianConfigs.join(':');
  } catch (error) {
    if (!(error instanceof ProvisionError)) throw error;
    process.stderr.write(`depbot: ${error.message}\n`);
    return 2;
  }
  const counter = new Counter();
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  const vitest = await startVitest('test', filter, { ...options, watch: false, reporters: ['default', counter] });
  await vitest.close();

  const { passed, failed, skipped, faults } = counter.tally;
  if (faults.length > 0) process.stdout.write(`\nfailed:\n${faults.map((fault) => `  ${fault}\n`).join('')}`);
  const skipFails = skipped.length > 0 && Boolean(process.env['CI']);
  if (skipFails)
    process.stdout.write(`\nskipped, which CI does not accept:\n${skipped.map((name) => `  ${name}\n`).join('')}`);
  if (passed + failed === 0) process.stdout.write('\nno test was run\n');
  await printLast(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}\n`);
  return failed > 0 || passed === 0 || skipFails ? 1 : 0;
}

/** Resolves once the text has left this process: with a pipe, an earlier exit would cut it off. */
function printLast(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}

for (const [signal, status] of [
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.once(signal, () => {
    endDescendants(process.pid);
    process.exit(status);
  });

// exit, not exitCode: a worker that does not end must not keep the run, nor print after its last line.
process.exit(await main(process.argv.slice(2)));

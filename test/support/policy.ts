/** Entries of a configuration and what goes with them, with parts that a test changes. */
import { Maintainers } from '../../bot/maintainers.ts';
import type { Maintainer, Policy } from '../../bot/policy.ts';

/** As a table with an address, a list and a path has it. */
export function entryOf(more: Partial<Maintainer> = {}): Maintainer {
  return {
    address: 'max@example.org',
    lists: ['linux-input@vger.kernel.org'],
    sections: [],
    paths: ['drivers/input/'],
    mode: 'draft',
    preview: false,
    least_rung: 1,
    embargo_hours: 0,
    max_per_day: 20,
    from: 'depbot.toml:7',
    ...more,
  };
}

/** Of a tree without MAINTAINERS, and nobody has said stop. */
export function policyOf(entries: readonly Maintainer[], more: Partial<Policy> = {}): Policy {
  return {
    entries,
    maintainers: Maintainers.parse('', () => false),
    stoppedAddresses: new Set(),
    stoppedEntries: new Set(),
    stoppedSections: new Set(),
    ...more,
  };
}

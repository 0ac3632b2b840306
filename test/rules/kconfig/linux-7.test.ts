/**
 * Kconfig files that use what Linux 7 brought, in odd ways. What is expected was written by scripts/kconfig/conf of
 * Linux 7.1.1 (`stderr` without its warnings of unmet dependencies, configurations without their heading).
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { KconfigError } from '../../../rules/kconfig/error.ts';
import type { Mode } from '../../../rules/kconfig/modes.ts';
import { Tiny } from './tiny-kconfig.ts';

interface Expected {
  readonly exitCode: number;
  readonly stderr: string;
  /** Lines by mode and, behind a blank, the file that it starts from. */
  readonly outputs?: Readonly<Record<string, readonly string[]>>;
}

const FOLDER = fileURLToPath(new URL('../../fixtures/kconfig/linux-7.1', import.meta.url));
const LINUX_7 = {
  refuseRepeatedSource: true,
  dialect: {
    conditionalDepends: true,
    transitional: true,
    typeInChoice: false,
    onePromptForMember: true,
    strictEntries: true,
  },
};

/** Text of each file of a case, by name. */
function filesOf(name: string): Readonly<Record<string, string>> {
  const folder = join(FOLDER, name);
  return Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'latin1')]));
}

/** What reading prints to standard error, and the model where it is accepted. */
function read(files: Readonly<Record<string, string>>): { stderr: string; tiny?: Tiny } {
  try {
    const tiny = new Tiny(files, LINUX_7);
    const cycles = tiny.cycles();
    const lines = tiny.model.warnings.map((warning) => `${warning}\n`);
    const stderr = [...lines, ...cycles.map((cycle) => cycle.stderr)].join('');
    return cycles.length > 0 ? { stderr } : { stderr, tiny };
  } catch (error) {
    if (error instanceof KconfigError) return { stderr: error.stderr };
    throw error;
  }
}

const cases = readdirSync(FOLDER).map((name) => {
  const files = filesOf(name);
  return { name, files, expected: JSON.parse(files['expected.json']!) as Expected };
});

describe('as conf of Linux 7.1', () => {
  it.each(cases.filter(({ expected }) => expected.exitCode !== 0))('$name is refused', ({ files, expected }) => {
    expect(read(files)).toEqual({ stderr: expected.stderr });
  });

  it.each(cases.filter(({ expected }) => expected.exitCode === 0))('$name is evaluated', ({ files, expected }) => {
    const { stderr, tiny } = read(files);
    expect(stderr).toBe(expected.stderr);
    const asked = Object.keys(expected.outputs!);
    const outputs = asked.map((key) => {
      const [mode, from] = key.split(' ') as [Mode, string?];
      return [
        key,
        tiny!
          .output(mode, from === undefined ? undefined : files[from]!)
          .split('\n')
          .slice(0, -1),
      ];
    });
    expect(Object.fromEntries(outputs)).toEqual(expected.outputs);
  });

  it('there are cases of both', () => {
    expect(cases.filter(({ expected }) => expected.exitCode === 0).length).toBeGreaterThan(20);
    expect(cases.filter(({ expected }) => expected.exitCode !== 0).length).toBeGreaterThan(15);
  });
});

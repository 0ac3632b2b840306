import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProvisionError } from '../../queue/provision.ts';
import { downloadPackage, installPackages, missingPackages, RUN_NEEDS } from '../../queue/provision-apt.ts';
import { noProgress } from '../../queue/provision-progress.ts';
import { failed, fakeMachine, ok } from './provision-machines.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'depbot-provision-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('Debian packages', () => {
  const commands = RUN_NEEDS.flatMap(({ command }) => command ?? []);

  it('are missing where neither their command nor their file is there', () => {
    expect(missingPackages(RUN_NEEDS, fakeMachine(['git', 'make', 'gcc', 'bison', 'xz']))).toEqual([
      'bubblewrap',
      'libc6-dev',
      'flex',
      'bc',
    ]);
  });

  it('are not missing where all commands and files are there, whoever brought them', () => {
    expect(missingPackages(RUN_NEEDS, { ...fakeMachine(commands), hasFile: () => true })).toEqual([]);
  });

  it('are installed by root, without fetching lists that are good', async () => {
    const machine = fakeMachine(['apt-get'], () => ok, true);
    await installPackages(['flex', 'bison'], machine, noProgress);
    expect(machine.runs).toEqual(['env apt-get install -y -q --no-install-recommends flex bison']);
  });

  it('are installed after an update where the lists are not good', async () => {
    let updated = false;
    const machine = fakeMachine(
      ['apt-get'],
      (argv) => {
        if (argv.includes('update')) updated = true;
        return argv.includes('install') && !updated ? failed : ok;
      },
      true,
    );
    await installPackages(['flex'], machine, noProgress);
    expect(machine.runs).toEqual([
      'env apt-get install -y -q --no-install-recommends flex',
      'env apt-get update -q',
      'env apt-get install -y -q --no-install-recommends flex',
    ]);
  });

  it('are installed through sudo where it asks for no password', async () => {
    const machine = fakeMachine(['apt-get', 'sudo']);
    await installPackages(['flex'], machine, noProgress);
    expect(machine.runs.at(-1)).toBe('sudo -n env apt-get install -y -q --no-install-recommends flex');
  });

  it('are not touched by who may not; the one line to run is given', async () => {
    const machine = fakeMachine(['apt-get', 'sudo'], (argv) => (argv[0] === 'sudo' ? { ...ok, code: 1 } : ok));
    const line = "    sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends bubblewrap flex'\n";
    const attempt = installPackages(['bubblewrap', 'flex'], machine, noProgress);
    await expect(attempt).rejects.toThrow(ProvisionError);
    await expect(attempt).rejects.toThrow(line);
    expect(machine.runs).toEqual(['sudo -n true']);
  });

  it('are named where the system is not Debian', async () => {
    await expect(installPackages(['flex'], fakeMachine([]), noProgress)).rejects.toThrow(/not a Debian system.*flex/);
  });

  it('that apt does not know end set-up with what apt said', async () => {
    const machine = fakeMachine(['apt-get'], () => failed, true);
    await expect(installPackages(['nope'], machine, noProgress)).rejects.toThrow('E: Unable to locate package');
  });

  it('cause no run at all when none is missing', async () => {
    const machine = fakeMachine([], () => ok, true);
    await installPackages([], machine, noProgress);
    expect(machine.runs).toEqual([]);
  });

  it('are downloaded with private lists by who may not fetch those of the system', async () => {
    const calls: (readonly string[])[] = [];
    const machine = fakeMachine(['apt-get'], (argv) => {
      calls.push(argv);
      return argv.some((word) => word.startsWith('Dir::State::lists=')) ? ok : failed;
    });
    await downloadPackage('linux-source-6.12', dir, { cache: dir, machine, progress: noProgress });
    expect(machine.runs).toEqual([
      'env apt-get download -q linux-source-6.12',
      'env apt-get update -q',
      'env apt-get download -q linux-source-6.12',
    ]);
    expect(calls[1]).toContain(`Dir::State::lists=${join(dir, 'apt/lists')}`);
  });
});

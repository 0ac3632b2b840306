/** Machines for the tests of set-up: one that answers as told, and one whose apt serves packages made here. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Machine, Ran, RunOptions } from '../../queue/provision-machine.ts';
import { thisMachine } from '../../queue/provision-machine.ts';

export const here = thisMachine();
export const ok: Ran = { code: 0, stdout: '', stderr: '' };
export const failed: Ran = { code: 100, stdout: '', stderr: 'E: Unable to locate package\n' };

/** A machine that has only `commands`; every run is recorded and answered by `answer`. */
export function fakeMachine(
  commands: readonly string[],
  answer: (argv: readonly string[], options: RunOptions) => Ran | Promise<Ran> = () => ok,
  isRoot = false,
): Machine & { readonly runs: string[] } {
  const runs: string[] = [];
  return {
    runs,
    isRoot,
    hasCommand: (name) => commands.includes(name),
    hasFile: () => false,
    run: async (argv, options = {}) => {
      runs.push(argv.filter((word) => word !== '-o' && !/^[\w:-]+=/.test(word)).join(' '));
      return answer(argv, options);
    },
  };
}

/** A machine like this one, where apt fetches packages made by `build` (into a folder that stands for /). */
export function machineWithArchive(
  build: (root: string, name: string) => Promise<boolean>,
): Machine & { readonly downloads: string[] } {
  const downloads: string[] = [];
  return {
    ...here,
    isRoot: true,
    downloads,
    hasFile: () => false,
    run: async (argv, options = {}) => {
      if (!argv.includes('apt-get')) return here.run(argv, options);
      if (!argv.includes('download')) return ok;
      const name = argv.at(-1)!;
      downloads.push(name);
      const root = mkdtempSync(join(tmpdir(), 'depbot-package-'));
      try {
        if (!(await build(root, name))) return failed;
        mkdirSync(join(root, 'DEBIAN'));
        writeFileSync(
          join(root, 'DEBIAN/control'),
          `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: Test <test@example.org>\nDescription: test\n`,
        );
        return await here.run(['dpkg-deb', '--build', '-Znone', root, join(options.cwd!, `${name}_1_all.deb`)]);
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    },
  };
}

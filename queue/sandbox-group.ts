/**
 * Process limit of a sandboxed run where the caller is root: a pids cgroup of its own.
 */
import { access, constants, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The command line that joins a cgroup, then becomes the command; the shell sees its arguments as data. */
export function enterGroup(group: string, command: readonly string[]): string[] {
  return ['/bin/sh', '-c', 'echo $$ >"$0" && exec "$@"', join(group, 'cgroup.procs'), ...command];
}

let groups = 0;

/**
 * Folder where pids cgroups can be made, if any: RLIMIT_NPROC does not bind root (kernel/fork.c exempts the
 * initial user). cgroup v1 has a pids hierarchy; in v2 the controller must be handed down.
 */
export async function pidsRoot(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const [root, file] of [
    ['/sys/fs/cgroup/pids', 'cgroup.procs'],
    ['/sys/fs/cgroup', 'cgroup.subtree_control'],
  ] as const) {
    try {
      await access(root, constants.W_OK);
      const content = await readFile(join(root, file), 'utf8');
      if (file === 'cgroup.procs' || content.split(/\s/).includes('pids')) return root;
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  return undefined;
}

/** A new cgroup with room for so many processes at a time; undefined where none can be had. */
export async function openPidsGroup(processes: number): Promise<string | undefined> {
  const root = await pidsRoot();
  if (root === undefined) return undefined;
  if (groups === 0) await sweepPidsGroups(root);
  groups += 1;
  const group = join(root, `depbot-${process.pid}-${groups}-${Math.floor(performance.now())}`);
  try {
    await mkdir(group);
    await writeFile(join(group, 'pids.max'), String(processes));
    return group;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Removes what killed processes of ours left behind. */
async function sweepPidsGroups(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    const pid = /^depbot-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await closePidsGroup(join(root, name));
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** The kernel may need a moment to count the last process out; a group that stays is swept later. */
export async function closePidsGroup(group: string): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    try {
      await rmdir(group);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY') throw error;
      await new Promise((wake) => setTimeout(wake, 20));
    }
  }
}

/** Not there, or not ours to use: both mean "look elsewhere". */
export function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '');
}

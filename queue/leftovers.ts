/**
 * Folders that are to go when the work in hand ends, so that they go as well when a signal ends it. What a process
 * leaves that is killed, the next one removes: the name of a folder says whose it is.
 */

import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync, rmSync, Stats } from 'node:fs';
import { lstat, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runSandboxed } from './sandbox.ts';
import { SANDBOX_UID } from './sandbox-command.ts';

const open = new Set<string>();
/** Folders in which those of killed processes have been looked for. */
const swept = new Set<string>();

/** Of a process whose end cannot be known: it was on another machine, or before the last start of this one. */
const ABANDONED_MS = 24 * 3_600_000;
/** As `temporaryFolder` names them: prefix, machine, process, moment of its start, six letters of mkdtemp(3). */
const OWNED = /^[a-z-]+-([0-9a-f]{8})\.(\d+)\.(\d+)-\w{6}$/;

/**
 * A new folder, its name beginning with `prefix` (a path), that is gone after `remove` or `removeLeftovers`. Before the
 * first one beside it, what killed processes have left there goes.
 */
export async function temporaryFolder(prefix: string): Promise<string> {
  const parent = dirname(prefix);
  if (!swept.has(parent)) await sweepLeftovers(parent);
  const dir = await mkdtemp(`${prefix}${machineMark()}.${process.pid}.${startOf('self')}-`);
  open.add(dir);
  return dir;
}

/** Where those of checks are, beside those in a repository. */
export function passingFolders(cacheDir: string): readonly string[] {
  return [tmpdir(), join(cacheDir, 'builds'), join(cacheDir, 'trees')];
}

/** Removes folders of `temporaryFolder` in `parent` whose process is gone; none where there is no such folder. */
export async function sweepLeftovers(parent: string): Promise<void> {
  swept.add(parent);
  for (const name of await readdir(parent).catch(noneThere)) {
    const [, machine, pid, start] = OWNED.exec(name) ?? [];
    if (pid === undefined || (machine === machineMark() && startOf(pid) === start)) continue;
    const path = join(parent, name);
    const info = await lstat(path).catch(noneThere);
    // what others have left in /tmp is theirs to remove
    if (!(info instanceof Stats && info.isDirectory() && isOurs(info.uid))) continue;
    if (machine === machineMark() || Date.now() - info.mtimeMs > ABANDONED_MS) await removeFolder(path);
  }
}

/** An output folder belongs to the user that root runs tree code as. */
function isOurs(uid: number): boolean {
  const own = process.getuid?.();
  return uid === own || (own === 0 && uid === SANDBOX_UID);
}

function noneThere(error: NodeJS.ErrnoException): never[] {
  if (error.code !== 'ENOENT') throw error;
  return [];
}

/** The same for all processes that see each other's numbers, until the machine starts anew. Source: proc(5), namespaces(7). */
function machineMark(): string {
  if (mark !== undefined) return mark;
  const facts = [
    hostname(),
    orNothing(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')),
    orNothing(() => readlinkSync('/proc/self/ns/pid')),
  ];
  mark = createHash('sha256').update(facts.join(' ')).digest('hex').slice(0, 8);
  return mark;
}

let mark: string | undefined;

/** Not every container has all of /proc. */
function orNothing(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return '';
  }
}

/** When a process began, in ticks since the machine did: two with one number differ in it. Undefined where it is gone. */
function startOf(pid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // the name of the program, in parentheses, may hold spaces
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return undefined;
  }
}

/** Removes a folder of `temporaryFolder` with all in it. */
export async function remove(dir: string): Promise<void> {
  await removeFolder(dir);
  open.delete(dir);
}

/** Keeps a folder of `temporaryFolder` under another name; false where there is one of that name, and it stays. */
export async function keepAs(dir: string, name: string): Promise<boolean> {
  try {
    await rename(dir, name);
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
  open.delete(dir);
  return true;
}

/** Removes a folder with all in it, also where tree code has left folders in it that are closed, or too deep to name. */
export async function removeFolder(dir: string): Promise<void> {
  try {
    await rm(dir, { recursive: true, force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    // by programs that walk and never name a whole path, as the user who made them
    const argv = ['/bin/sh', '-c', 'chmod -R u+rwX /out; find /out -mindepth 1 -delete'] as const;
    await runSandboxed({ argv, readOnly: [], writable: [{ host: dir, inside: '/out' }], env: {} });
    await rm(dir, { recursive: true, force: true });
  }
}

/** Removes all that are open: for the end of the process, when nothing can be waited for. */
export function removeLeftovers(): void {
  for (const dir of open) rmSync(dir, { recursive: true, force: true });
  open.clear();
}
